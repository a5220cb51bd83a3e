"""The pages: each a function from what was asked to a template and its values."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from wares.plots import curve, dendrogram
from wares.web import asking, charts, people, views, words
from wares.web.formats import shopper_url
from wares.web.render import page

if TYPE_CHECKING:
    from wares.shop import Shop

PER_PAGE = 24
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Ask:
    """One request for a page."""

    request: Request
    shop: "Shop"

    @cached_property
    def language(self) -> str:
        """The language to answer in."""
        return speak(self.request, self.shop)

    @cached_property
    def say(self) -> words.Say:
        """The phrases in that language."""
        return words.speaker(self.language)

    @property
    def id(self) -> str:
        """The id in the path."""
        return str(self.request.path_params["id"])

    def arguments(self, table: asking.Table) -> dict[str, Any]:
        """What the URL asks, for the shop; what a page does not know it passes over, as sites do."""
        return asking.read(self.request.query_params.multi_items(), table, strict=False)

    def cards(self, answer: Any) -> list[views.Card]:
        """The hits of an answer with what a card shows of each product."""
        return views.cards(answer.hits, self.shop)

    def page(self, template: str, **values: Any) -> Response:
        """The page made of a template."""
        return page(self.request, template, self.language, shop=views.shop_facts(self.shop), **values)


Make: TypeAlias = Callable[[Ask], Response]


def speak(request: Request, shop: "Shop | None" = None) -> str:
    """The language chosen in the URL or before, else the browser's, else the catalog's."""
    chosen = request.query_params.get("lang") or request.cookies.get("lang", "")
    accepted = request.headers.get("accept-language", "")
    return words.language(accepted, chosen, views.catalog_language(shop) if shop else "en")


def routes(shop: "Shop") -> list[BaseRoute]:
    """Every page, and the files they use."""
    pages = [Route(path, _route(make, shop), methods=["GET"]) for path, make in _PAGES.items()]
    return [*pages, Mount("/static", StaticFiles(directory=_FOLDER / "static"), name="static")]


def _route(make: Make, shop: "Shop") -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if make is _clusters:
            await run_in_threadpool(shop.drift)  # the first time it may read many products: others are answered
        if make in (_categories, _interests, _shopper):
            return await run_in_threadpool(make, Ask(request, shop))  # they look at many products or shoppers
        return make(Ask(request, shop))

    return answer


def error_page(request: Request, status: int, message: str) -> Response:
    """The page that says what went wrong; needs no shop."""
    return page(request, "error.html", speak(request), status=status, message=message, kind=_kind(status))


def _kind(status: int) -> str:
    return f"error_{status}" if status in (404, 422, 503) else "error_500" if status >= 500 else "error_422"


# -- pages -----------------------------------------------------------------------------------------------------------


def _home(ask: Ask) -> Response:
    clusters = sorted(ask.shop.clusters(), key=lambda one: -one.size)[:12]
    return ask.page(
        "home.html",
        popular=ask.cards(ask.shop.recommend(k=12)),
        clusters=views.cluster_cards(clusters, ask.shop),
    )


def _search(ask: Ask) -> Response:
    asked = {"query": "", "offset": 0, **ask.arguments(PAGE_SEARCH), "k": PER_PAGE}
    found = ask.shop.search(**asked)
    return ask.page(
        "search.html",
        query=asked["query"],
        found=found,
        cards=ask.cards(found),
        filters=views.filters(found.facets, ask.request.query_params, ask.shop, ask.say),
        pager=views.Pager.of(ask.request, found.total, asked["offset"], PER_PAGE),
    )


def _product(ask: Ask) -> Response:
    product = ask.shop.product(ask.id)
    new = views.is_new(product)
    return ask.page(
        "product.html",
        product=views.product(product),
        similar=[] if new else ask.cards(ask.shop.similar(ask.id, k=12)),
        together=[] if new else ask.cards(ask.shop.bought_together(ask.id, k=12)),
        reviews=None if new else views.reviews(ask.shop, ask.id, ask.say),
    )


def _clusters(ask: Ask) -> Response:
    clusters = sorted(ask.shop.clusters(), key=lambda one: -one.size)
    departments = ask.shop.departments()
    return ask.page(
        "clusters.html",
        clusters=views.cluster_cards(clusters, ask.shop),
        departments=departments,
        drift=views.drift(ask.shop),
    )


def _map(ask: Ask) -> Response:
    drawn = ask.shop.cluster_pictures()
    names = [one.name for one in ask.shop.clusters()]
    curves = [
        curve(
            [(one["k"], one[name]) for one in drawn["curve"] if one.get(name) is not None],
            x=ask.say("clusters"),
            y=ask.say(name),
            chosen=drawn["chosen"],
        )
        for name in ("inertia", "silhouette")
    ]
    return ask.page(
        "map.html",
        phrases=views.map_phrases(ask.say),
        curves=[one for one in curves if one],
        reason=drawn["reason"],
        tree=dendrogram(drawn["tree"], names, groups=drawn["departments"].tolist()),
    )


def _why(ask: Ask) -> Response:
    return ask.page("why.html", why=ask.shop.why_cluster(ask.id))


def _cluster(ask: Ask) -> Response:
    offset = ask.arguments(PAGE_CLUSTER).get("offset", 0)
    cluster, answer = ask.shop.cluster(int(ask.id), k=PER_PAGE, offset=offset)
    return ask.page(
        "cluster.html",
        cluster=cluster,
        cards=ask.cards(answer),
        borderline=ask.shop.products(cluster.borderline),
        pager=views.Pager.of(ask.request, cluster.size, offset, PER_PAGE),
    )


def _categories(ask: Ask) -> Response:
    learned = ask.shop.categories()
    title = ask.request.query_params.get("title", "").strip()[: asking.MAX_QUERY]
    if not learned:
        return ask.page("categories.html", learned=None)
    points = [(100 * share, 100 * right) for _, share, right in learned["curve"]]
    return ask.page(
        "categories.html",
        learned=learned,
        title=title,
        answer=ask.shop.classify([{"id": "1", "title": title}], why=True)[0] if title else None,
        asked=ask.shop.ask(8),
        paths=[one["path"] for one in learned["found"] if one["path"]],
        found=learned["found"],
        curve=curve(points, x=ask.say("categories_answered"), y=ask.say("categories_accuracy"), even=True),
    )


def _shoppers(ask: Ask) -> Response:
    chosen = ask.request.query_params.get("shopper", "").strip()
    if chosen:
        return RedirectResponse(shopper_url(chosen), 303)
    return ask.page("shoppers.html", some=ask.shop.shoppers(limit=24))


def _shopper(ask: Ask) -> Response:
    repeats = ask.arguments(PAGE_SHOPPER).get("repeats", False)
    shopper = ask.shop.shopper(ask.id)
    answer = ask.shop.recommend(shopper=ask.id, k=12, repeats=repeats)
    return ask.page(
        "shopper.html",
        shopper=views.shopper(shopper),
        profile=people.profile(shopper["profile"], ask.say),
        cards=ask.cards(answer),
        used=answer.used,
        repeats=repeats,
        some=ask.shop.shoppers(limit=24),
    )


def _interests(ask: Ask) -> Response:
    if not ask.shop.info().get("interests"):
        return ask.page("interests.html", found=[])
    given = ask.request.query_params
    said = given.get("profile", "").strip()[: asking.MAX_QUERY]
    profile = said if any(letter.isalnum() for letter in said) else ""
    questions = ask.shop.questions()
    answers = {one["id"]: given[one["id"]] for one in questions if given.get(one["id"]) in one["options"]}
    placed = ask.shop.place_shopper(profile=profile or None, answers=answers) if profile or answers else []
    return ask.page(
        "interests.html",
        found=people.interest_cards(ask.shop.interests(), ask.shop),
        reason=ask.shop.info()["interests"]["reason"],
        segments=people.segments(ask.shop.segments(), ask.say),
        questions=questions,
        answers=answers,
        profile=profile,
        likely=people.likely(placed),
        cards=ask.cards(ask.shop.recommend(profile=profile, k=12)) if profile else [],
    )


def _quality(ask: Ask) -> Response:
    found = ask.shop.evaluate()
    protocol = (found.get("recommend") or {}).get("protocol", "")
    return ask.page("quality.html", tasks=charts.tasks(found), protocol=protocol, clusters=found.get("clusters"))


def _api(ask: Ask) -> Response:
    document = ask.request.app.openapi()
    told = next(iter(document["paths"].values()))
    responses = next(iter(told.values()))["responses"]
    errors = [(status, one["description"]) for status, one in sorted(responses.items()) if status >= "400"]
    return ask.page("api.html", document=document, errors=errors)


PAGE_SEARCH: asking.Table = {name: one for name, one in asking.SEARCH.items() if name not in ("q", "k")} | {
    "q": asking.optional(asking.SEARCH["q"])
}
PAGE_CLUSTER: asking.Table = {"offset": asking.SEARCH["offset"]}
PAGE_SHOPPER: asking.Table = {"repeats": asking.RECOMMEND["repeats"]}

_PAGES: Mapping[str, Make] = {
    "/": _home,
    "/search": _search,
    "/product/{id:path}": _product,
    "/clusters": _clusters,
    "/map": _map,
    "/categories": _categories,
    "/why/{id:path}": _why,
    "/clusters/{id:int}": _cluster,
    "/interests": _interests,
    "/shoppers": _shoppers,
    "/shoppers/{id:path}": _shopper,
    "/quality": _quality,
    "/docs": _api,
}
