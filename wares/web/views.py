"""What the templates show, made from what the shop answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request

from wares.data.answers import GOES, NEXT_BUILD, Cluster, Hit
from wares.data.hits import Reason
from wares.data.opinions import Opinion, Reviewed
from wares.text.chinese import is_chinese
from wares.web.formats import label, leaf, plain, price, product_url
from wares.web.tiles import Tile, tile
from wares.web.words import Say, has

if TYPE_CHECKING:
    from wares.shop import Shop

_SHOWN = 8  # values of a facet shown at first; the others unfold
_OWN_PLACE = {"id", "title", "brand", "category", "price", "image", "description", "cluster", "variants", "group"}
_OWN_PLACE |= {"new", "searchable", "deleted", "sentiment", "reviews"}
_IMAGES = ("https://", "http://", "/")


@dataclass(frozen=True)
class Card:
    """A product in a list."""

    id: str
    title: str
    href: str
    brand: str
    category: str
    price: float | None
    image: str
    tile: Tile
    variants: int = 1
    reasons: Sequence[Reason] = ()


def card(fields: Mapping[str, Any], hit: Hit | None = None) -> Card:
    """The card of a product from its fields and, in an answer, its hit."""
    title = str(fields.get("title") or fields["id"])
    path = str(fields.get("category") or "")
    return Card(
        id=str(fields["id"]),
        title=title,
        href=product_url(str(fields["id"])),
        brand=str(fields.get("brand") or ""),
        category="" if leaf(path).lower() in title.lower() else leaf(path),
        price=fields.get("price"),
        image=_image(fields.get("image")),
        tile=tile(title, path),
        variants=hit.variants if hit else 1,
        reasons=hit.reasons if hit else (),
    )


def _image(value: Any) -> str:
    """The address of a picture a browser may fetch; anything else in that column is passed over."""
    text = str(value or "")
    return text if text.startswith(_IMAGES) and not text.startswith("//") else ""


def cards(hits: Sequence[Hit], shop: "Shop") -> list[Card]:
    """The cards of an answer, in its order."""
    return [card(fields, hit) for fields, hit in zip(shop.products([hit.id for hit in hits]), hits, strict=True)]


# -- one product -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Product:
    """A product on its own page.

    path : (name, address) of each level of its category. facts : (name, value). new : whether it came in since the
    build. note : the phrase that says so, or that it changed or goes; "" else.
    """

    card: Card
    description: str
    path: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    cluster: Mapping[str, Any] | None
    variants: int
    new: bool
    note: str


_NOTES = {NEXT_BUILD: "came_in", GOES: "goes"}


def _has_place(name: str) -> bool:
    return name in _OWN_PLACE or name.startswith("sentiment_")


def is_new(fields: Mapping[str, Any]) -> bool:
    """Whether a product came in since the build, which can compare it with nothing yet."""
    return fields.get("searchable") == NEXT_BUILD and fields.get("new") is True


def product(fields: Mapping[str, Any]) -> Product:
    """A product's page from its fields."""
    levels = [level for level in str(fields.get("category") or "").split(" > ") if level]
    variants = fields.get("variants") or 1
    return Product(
        card=card(fields),
        description=str(fields.get("description") or ""),
        path=[
            (level, "/search?" + urlencode({"category": " > ".join(levels[: place + 1])}))
            for place, level in enumerate(levels)
        ],
        facts=[(name, plain(value)) for name, value in fields.items() if value is not None and not _has_place(name)],
        cluster=fields.get("cluster"),
        variants=variants if isinstance(variants, int) else len(variants),
        new=is_new(fields),
        note=_NOTES.get(fields.get("searchable", ""), ""),
    )


@dataclass(frozen=True)
class Said:
    """What reviews say of one aspect. share : of praise, 0..100. praise, blame : sentences, "" for none."""

    name: str
    share: int
    n: int
    praise: str
    blame: str


@dataclass(frozen=True)
class Reviews:
    """What reviews say of a product. whole : None where nobody wrote of it. stars : "" where nobody gave any."""

    whole: Said | None
    stars: str
    aspects: Sequence[Said]
    usual: str
    learned: bool


def reviews(shop: "Shop", id: str, say: Say) -> Reviews | None:
    """What reviews say of a product that the build knows; None in a shop without reviews."""
    told = shop.now.report.get("reviews")
    if not told:
        return None
    found: Reviewed = shop.reviews(id)
    return Reviews(
        whole=None if found.whole is None else _said(found.whole, say),
        stars="" if found.rating is None else f"{found.rating:.1f}",
        aspects=[_said(each, say) for each in found.aspects],
        usual=f"{found.usual:.0%}",
        learned=bool(told["learned_from"]),
    )


def _said(opinion: Opinion, say: Say) -> Said:
    key = f"aspect_{opinion.aspect}"
    name = say(key) if has(key) else label(opinion.aspect)
    praise, blame = ("" if each is None else " ".join(each.text.split()) for each in (opinion.praise, opinion.blame))
    return Said(name, round(100 * opinion.sentiment), opinion.reviews, praise, blame)


# -- clusters --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClusterCard:
    """A cluster in a list, with cards of its most typical products."""

    cluster: Cluster
    typical: Sequence[Card]


def map_phrases(say: Say) -> dict[str, Any]:
    """What the map of the catalog says, for its script."""
    return {
        "label": say("map_label"),
        "colour": say("colour_by"),
        "colours": [[name, say(name)] for name in ("cluster", "brand", "price")],
        "closer": say("closer"),
        "farther": say("farther"),
    }


def cluster_cards(clusters: Sequence[Cluster], shop: "Shop", n_typical: int = 4) -> list[ClusterCard]:
    """The cards of clusters, looked up all at once."""
    wanted = [list(one.typical[:n_typical]) for one in clusters]
    made = iter([card(fields) for fields in shop.products([id for ids in wanted for id in ids])])
    return [ClusterCard(one, [next(made) for _ in ids]) for one, ids in zip(clusters, wanted, strict=True)]


def drift(shop: "Shop") -> dict[str, Any]:
    """Whether a new clustering is due, and what the sentence about it says."""
    found = shop.drift()
    return {
        "due": found["due"],
        "n": found["products"],
        "far": f"{found['far_share']:.0%}",
        "usual": f"{found['expected_far_share']:.0%}",
        "folder": shop.folder.resolve().name,
    }


# -- shoppers --------------------------------------------------------------------------------------------------------


def shopper(found: Mapping[str, Any], n_products: int = 40) -> dict[str, Any]:
    """A shopper's page: the products had most often first."""
    had = sorted(found["products"], key=lambda one: (-one["times"], str(one["id"])))
    return {
        "id": found["id"],
        "events": found["events"],
        "n_products": len(had),
        "products": [{**one, "href": product_url(one["id"])} for one in had[:n_products]],
        "attributes": [(name, plain(value)) for name, value in found["attributes"].items() if value is not None],
    }


# -- the shop --------------------------------------------------------------------------------------------------------


def shop_facts(shop: "Shop") -> dict[str, Any]:
    """Name, build and sizes of the shop."""
    info = shop.info()
    return {
        "name": info.get("shop", "wares"),
        "build": info.get("build", ""),
        "products": (info.get("products") or {}).get("n", 0),
        "shoppers": (info.get("events") or {}).get("shoppers", 0),
        "clusters": (info.get("clusters") or {}).get("n", 0),
    }


def catalog_language(shop: "Shop") -> str:
    """The language most titles are in."""
    typical = [id for one in shop.clusters()[:20] for id in one.typical[:3]]
    return "zh" if is_chinese(str(fields.get("title") or "") for fields in shop.products(typical)) else "en"


# -- pages of results ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pager:
    """Where a page of results stands among all; an address is empty where there is nothing to go to."""

    page: int
    pages: int
    previous: str
    next: str

    @classmethod
    def of(cls, request: Request, total: int, offset: int, size: int) -> "Pager":
        """The pager of results `offset` to `offset + size` of `total`."""
        page, pages = offset // size + 1, max(1, -(-total // size))

        def at(start: int) -> str:
            kept = [(name, value) for name, value in request.query_params.multi_items() if name != "offset"]
            return f"{request.url.path}?{urlencode([*kept, ('offset', str(start))])}"

        return cls(
            page, pages, at(max(0, offset - size)) if offset > 0 else "", at(offset + size) if page < pages else ""
        )


# -- filters ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """One value to filter by; its address turns it on, or off where it is on."""

    name: str
    count: int
    href: str
    on: bool = False
    level: int = 1


@dataclass(frozen=True)
class Group:
    """The values of one column."""

    column: str
    shown: Sequence[Choice]
    more: Sequence[Choice]


@dataclass(frozen=True)
class Filters:
    """All that narrows a search. on : what is filtered by now. kept : the fields a form must carry on."""

    groups: Sequence[Group]
    on: Sequence[Choice]
    clear: str
    low: str
    high: str
    kept: Sequence[tuple[str, str]]
    has_price: bool


def filters(facets: Mapping[str, Any], given: QueryParams, shop: "Shop", say: Say) -> Filters:
    """The filters of a page of results, from the facets of the whole result set and what the URL says."""
    pairs = [(name, value) for name, value in given.multi_items() if value and name not in ("offset", "lang")]
    names = {str(one.id): one.name for one in shop.clusters()}
    groups = [
        _group(column, facets[column], pairs, names)
        for column in ("category", "brand", "cluster")
        if facets.get(column, {}).get("values")
    ]
    return Filters(
        groups=[group for group in groups if group.shown],
        on=[*_active(pairs, names), *_active_price(pairs, say)],
        clear=_href([(name, value) for name, value in pairs if name == "q"]),
        low=given.get("price_gte", ""),
        high=given.get("price_lte", ""),
        kept=[(name, value) for name, value in pairs if name not in ("price_gte", "price_lte")],
        has_price="price" in facets,
    )


def _href(pairs: Iterable[tuple[str, str]]) -> str:
    return "/search?" + urlencode(list(pairs))


def _without(pairs: Sequence[tuple[str, str]], *gone: tuple[str, str]) -> list[tuple[str, str]]:
    return [pair for pair in pairs if pair not in gone]


def _group(column: str, facet: Mapping[str, Any], pairs: Sequence[tuple[str, str]], names: Mapping[str, str]) -> Group:
    on = [value for name, value in pairs if name == column]
    choices = []
    for one in facet["values"]:
        value = str(one["value"])
        if column == "category" and not _near(value, on):
            continue
        pair = (column, value)
        href = _href(_without(pairs, pair)) if value in on else _href([*_replaced(pairs, column, value), pair])
        name = leaf(value) if column == "category" else names.get(value, value) if column == "cluster" else value
        choices.append(Choice(name, one["count"], href, value in on, one.get("level", 1)))
    if column == "category":
        choices = _levelled(choices)
    return Group(column, choices[:_SHOWN], choices[_SHOWN:])


def _near(path: str, on: Sequence[str]) -> bool:
    """Whether a path is worth showing: the top, or one level below a path that is on, or above it."""
    parent = path.rpartition(" > ")[0]
    return not parent or any(parent == one or one.startswith(path) or parent == one.rpartition(" > ")[0] for one in on)


def _replaced(pairs: Sequence[tuple[str, str]], column: str, value: str) -> Sequence[tuple[str, str]]:
    """The filters that stay when a value is added: a path takes the place of those above and below it."""
    if column != "category":
        return pairs
    return [
        (name, old)
        for name, old in pairs
        if name != column or not (value.startswith(f"{old} > ") or old.startswith(f"{value} > "))
    ]


def _levelled(choices: Sequence[Choice]) -> list[Choice]:
    lowest = min((one.level for one in choices), default=1)
    return [Choice(one.name, one.count, one.href, one.on, min(one.level - lowest + 1, 4)) for one in choices]


def _active(pairs: Sequence[tuple[str, str]], names: Mapping[str, str]) -> list[Choice]:
    return [
        Choice(names.get(value, value) if name == "cluster" else leaf(value), 0, _href(_without(pairs, (name, value))))
        for name, value in pairs
        if name in ("category", "brand", "cluster")
    ]


def _active_price(pairs: Sequence[tuple[str, str]], say: Say) -> list[Choice]:
    phrases = {"price_gte": "from_price", "price_lte": "to_price"}
    return [
        Choice(say(phrases[name], price=price(float(value))), 0, _href(_without(pairs, (name, value))))
        for name, value in pairs
        if name in phrases
    ]
