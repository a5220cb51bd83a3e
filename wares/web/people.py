"""What the pages of interests and of one shopper show, made from what the shop answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wares.data.answers import Interest
from wares.web.formats import price, product_url, share, shopper_url
from wares.web.views import Card, card
from wares.web.words import Say

if TYPE_CHECKING:
    from wares.shop import Shop

COLOURS = 7
"""Interests of a chart that have a colour of their own; what is left shares a grey one."""

WIDTH, HEIGHT, GAP = 640.0, 190.0, 4.0
BASE = 24.0
"""Height below the bars, for the days."""


@dataclass(frozen=True)
class InterestCard:
    """An interest in a list, with pictures of what it wants."""

    interest: Interest
    pictures: Sequence[Card]
    width: float
    """Of its bar, 0..100; the greatest interest has 100."""


def interest_cards(found: Sequence[Interest], shop: "Shop", n: int = 4) -> list[InterestCard]:
    """The cards of interests, in their order."""
    ids = list(dict.fromkeys(each["id"] for one in found for each in one.wants[:n]))
    made = {str(fields["id"]): card(fields) for fields in shop.products(ids)}
    most = max((one.size for one in found), default=1) or 1
    return [InterestCard(one, [made[each["id"]] for each in one.wants[:n]], 100.0 * one.size / most) for one in found]


@dataclass(frozen=True)
class Likely:
    """An interest and how likely it is; width of its bar, 0..100."""

    id: int
    name: str
    told: str
    width: float


def likely(placed: Sequence[Mapping[str, Any]], n: int = 6) -> list[Likely]:
    """The likeliest interests, as bars."""
    most = max((each["probability"] for each in placed), default=1.0) or 1.0
    return [
        Likely(each["id"], each["name"], share(each["probability"]), 100 * each["probability"] / most)
        for each in placed[:n]
    ]


@dataclass(frozen=True)
class Segment:
    """A segment of shoppers as a bar."""

    name: str
    means: str
    shoppers: int
    width: float


def segments(found: Sequence[Mapping[str, Any]], say: Say) -> list[Segment]:
    """Segments, the most shoppers first."""
    most = max((each["shoppers"] for each in found), default=1) or 1
    return [
        Segment(
            say(f"segment_{_key(each['name'])}"),
            say(f"means_{_key(each['name'])}"),
            each["shoppers"],
            100 * each["shoppers"] / most,
        )
        for each in found
    ]


def _key(name: str) -> str:
    return name.replace(" ", "_")


# -- one shopper -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A sentence of a profile, and the products it rests on: (title, address)."""

    text: str
    rests: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Block:
    """A piece of a bar of the chart: where it stands, its colour, and what it says."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    title: str


@dataclass(frozen=True)
class Chart:
    """Interests over time: stacked bars, the days below them, and what the colours mean."""

    width: float
    height: float
    blocks: Sequence[Block]
    days: Sequence[tuple[float, str]]
    legend: Sequence[tuple[str, str, str]]
    """(colour, name, share over all)."""


def chart(profile: Mapping[str, Any], say: Say) -> Chart | None:
    """The chart of a profile; None where there are not two periods."""
    periods = profile["over_time"]
    if len(periods) < 2:
        return None
    shown = profile["interests"][:COLOURS]
    place = {each["id"]: number for number, each in enumerate(shown)}
    wide = (WIDTH - GAP * (len(periods) - 1)) / len(periods)
    blocks, days = [], []
    for number, period in enumerate(periods):
        x, y = number * (wide + GAP), HEIGHT - BASE
        shares = {each["id"]: float(each["share"]) for each in period["shares"]}
        rest = 1 - sum(shares.get(each["id"], 0.0) for each in shown)
        parts = [(f"g{place[each['id']]}", each["name"], shares.get(each["id"], 0.0)) for each in shown]
        for colour, name, value in [*parts, ("rest", say("other"), max(rest, 0.0))]:
            height = value * (HEIGHT - BASE)
            y -= height
            title = f"{period['from']} – {period['to']} · {name} {share(value)}"
            blocks.append(Block(x, y, wide, height, colour, title))
        days.append((x + wide / 2, str(period["from"])[2:7]))
    step = max(1, -(-len(days) // 12))
    legend = [(f"g{place[each['id']]}", each["name"], share(each["share"])) for each in shown]
    over = 1 - sum(each["share"] for each in shown)
    return Chart(WIDTH, HEIGHT, blocks, days[::step], [*legend, ("rest", say("other"), share(max(over, 0.0)))])


def profile(found: Mapping[str, Any] | None, say: Say) -> dict[str, Any] | None:
    """The profile of a shopper for its page; None where there is none."""
    if found is None:
        return None
    return {
        "lines": _lines(found, say),
        "chart": chart(found, say),
        "facts": _facts(found, say),
        "due": [{**each, "href": product_url(each["id"])} for each in found["due"]],
        "alike": [
            {
                **each,
                "href": shopper_url(each["id"]),
                "products": [(one["title"], product_url(one["id"])) for one in each["products"]],
            }
            for each in found["alike"]
        ],
    }


def _lines(found: Mapping[str, Any], say: Say) -> list[Line]:
    liked = [each for each in found["interests"] if each["share"] >= 0.1][:3] or found["interests"][:1]
    lines = [
        Line(
            say("profile_first" if number == 0 else "profile_also", name=each["name"], share=share(each["share"])),
            _rests(each["products"]),
        )
        for number, each in enumerate(liked)
    ]
    key = _key(found["segment"]["name"])
    lines.append(Line(say("profile_segment", name=say(f"segment_{key}"), means=say(f"means_{key}"))))
    rhythm = found["rhythm"]
    if rhythm is not None and rhythm["every"] is not None:
        told = {"every": f"{rhythm['every']:g}", "last": rhythm["last"], "next": rhythm["next"]}
        lines.append(Line(say("profile_rhythm", **told, state=say(f"rhythm_{rhythm['state']}"))))
    band = found["prices"]
    if band is not None:
        told = {name: price(band[name]) for name in ("low", "middle", "high")}
        lines.append(Line(say(f"profile_prices_{band['level'] or 'middle'}", **told)))
    brand = found["brands"]
    if brand is not None and brand["brands"]:
        first = brand["brands"][0]
        told = {"brand": first["brand"], "share": share(first["share"])}
        if brand["loyalty"] is None:
            lines.append(Line(say("profile_brand", **told), _rests(first["products"])))
        else:
            loyal = share(brand["loyalty"])
            lines.append(Line(say("profile_brand_loyal", **told, loyalty=loyal), _rests(first["products"])))
    return lines


def _rests(products: Sequence[Mapping[str, Any]], n: int = 3) -> list[tuple[str, str]]:
    return [(each["title"], product_url(each["id"])) for each in products[:n]]


def _facts(found: Mapping[str, Any], say: Say) -> list[tuple[str, str]]:
    one, rhythm = found["segment"], found["rhythm"]
    facts = [(say("segment"), say(f"segment_{_key(one['name'])}"))]
    facts.append((say("visits"), f"{one['visits']:,}"))
    if one["spent"] is not None:
        facts.append((say("spent"), price(one["spent"])))
    if rhythm is not None and rhythm["every"] is not None:
        facts += [(say("every_days"), f"{rhythm['every']:g}"), (say("next_visit"), rhythm["next"])]
    facts.append((say("fifths"), f"{one['recency']} · {one['frequency']} · {one['money']}"))
    return facts
