"""The routes asked seldom, as FastAPI routes: their parameters are checked and documented from their signatures."""

import os
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from wares.api import hot
from wares.api.replies import JSON
from wares.data.answers import Answer, Classified, Cluster, Interest, Placed
from wares.web import asking

if TYPE_CHECKING:
    from wares.shop import Shop


class Who(BaseModel):
    """A shopper to place: what they say, answers to questions by their id, attributes, what they did or hold."""

    model_config = ConfigDict(extra="forbid")
    profile: str | None = Field(None, max_length=asking.MAX_QUERY)
    answers: dict[str, str] | None = None
    attributes: dict[str, str | int | float | bool] | None = None
    shopper: str | None = None
    basket: list[str] | None = None


def refuse_unknown(request: Request) -> None:
    """Refuses query parameters the route does not know. Raises UnknownName with the nearest."""
    known = request.scope["route"].dependant.query_params
    asking.check_known(request.query_params.keys(), [one.alias for one in known])


def router(shop: "Shop") -> APIRouter:
    """Every cold route, answering from the shop."""
    made = APIRouter(dependencies=[Depends(refuse_unknown)], default_response_class=JSON)
    _about_products(made, shop)
    _about_reviews(made, shop)
    _about_offers(made, shop)
    _about_clusters(made, shop)
    _about_categories(made, shop)
    _about_shoppers(made, shop)
    _about_the_shop(made, shop)
    return made


Id = Annotated[str, Path(description="Exactly as in the product file; any characters, percent-encoded.")]
Number = Annotated[int, Path(ge=0, le=10**8)]
K = Annotated[int, Query(ge=1, le=asking.MAX_K, description="How many products to answer.")]
Offset = Annotated[int, Query(ge=0, le=asking.MAX_OFFSET, description="How many of the best to pass over.")]
Accuracy = Annotated[float | None, Query(ge=0, le=1, description="Share of answers to be right; others are cut.")]
Limit = Annotated[int, Query(ge=1, le=1_000, description="How many to answer.")]

Few = Annotated[int, Query(ge=1, le=50, description="How many products to answer for each offer.")]

MAX_PHOTO = 20 << 20  # bytes
_PHOTO = {"required": True, "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}
_PRODUCT = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "title": {"type": "string"}}}
_PRODUCTS = {
    "required": True,
    "content": {"application/json": {"schema": {"oneOf": [_PRODUCT, {"type": "array", "items": _PRODUCT}]}}},
}


_OFFER = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}
_OFFERS = {
    "required": True,
    "content": {"application/json": {"schema": {"oneOf": [_OFFER, {"type": "array", "items": _OFFER}]}}},
}


def _about_products(made: APIRouter, shop: "Shop") -> None:
    @made.get("/api/products/{id:path}", tags=["products"], summary="One product: its fields, cluster and variants")
    async def product(id: Id) -> dict[str, Any]:
        return JSON(shop.product(id))  # type: ignore[return-value]

    @made.post(
        "/api/similar",
        tags=["products"],
        summary="Products whose photos are like the photo sent",
        openapi_extra={"requestBody": _PHOTO},
    )
    async def like_photo(request: Request, k: K = 10) -> Answer:
        """The body is the file itself, JPEG, PNG or WebP, of 20 MB at most. Nothing is kept."""
        photo = await hot.body_of(request, MAX_PHOTO)
        return JSON(await run_in_threadpool(shop.similar_to_photo, photo, k))  # type: ignore[return-value]

    @made.delete("/api/products/{id:path}", tags=["products"], summary="Have a product gone from the next build on")
    async def delete(id: Id) -> dict[str, int]:
        return JSON({"deleted": await run_in_threadpool(shop.delete_products, [id])})  # type: ignore[return-value]

    @made.post(
        "/api/products",
        tags=["products"],
        summary="Take in new and changed products; answers their clusters",
        openapi_extra={"requestBody": _PRODUCTS},
    )
    async def add(request: Request) -> dict[str, list[Placed]]:
        """On the disk before the answer is given. Search and similar products know them after the next build.

        One product or a list: its id and what there is to say of it, of a new one its title; what is left out stays.
        """
        rows = hot.objects(await hot.body_of(request), "product", '{"id": "P1", "title": "green tea", "price": 4.5}')
        return JSON({"products": await run_in_threadpool(shop.add_products, rows)})  # type: ignore[return-value]


def _about_reviews(made: APIRouter, shop: "Shop") -> None:
    @made.get("/api/reviews/{id:path}", tags=["products"], summary="What reviews say of a product and its aspects")
    async def reviews(id: Id) -> dict[str, Any]:
        return JSON(shop.reviews(id).json())  # type: ignore[return-value]


def _about_offers(made: APIRouter, shop: "Shop") -> None:
    @made.post(
        "/api/match",
        tags=["products"],
        summary="The products that an offer of another shop may be: how likely, and why",
        openapi_extra={"requestBody": _OFFERS},
    )
    async def match(request: Request, k: Few = 5) -> dict[str, Any]:
        """One offer or a list: its title, and any of id, brand, model, barcode, price, category and description.

        The shop's products are read when first asked, which takes some seconds for each 100,000.
        """
        offers = hot.objects(await hot.body_of(request), "offer", '{"title": "Sony KD-43XE8005", "price": 499}')
        found = await run_in_threadpool(lambda: [shop.match(offer, k) for offer in offers])
        answers = [
            {"id": offer.get("id"), "matches": [each.json() for each in matches]}
            for offer, matches in zip(offers, found, strict=True)
        ]
        return JSON({"offers": answers})  # type: ignore[return-value]


def _about_clusters(made: APIRouter, shop: "Shop") -> None:
    @made.get("/api/clusters", tags=["clusters"], summary="Every cluster, with its name and telling words")
    async def clusters() -> dict[str, list[Cluster]]:
        return JSON({"clusters": shop.clusters()})  # type: ignore[return-value]

    @made.get("/api/drift", tags=["clusters"], summary="Whether products since the build still suit its clusters")
    async def drift() -> dict[str, Any]:
        return JSON(await run_in_threadpool(shop.drift))  # type: ignore[return-value]

    @made.get("/api/departments", tags=["clusters"], summary="The clusters as a tree of departments")
    async def departments() -> dict[str, Any]:
        return JSON({"departments": shop.departments()})  # type: ignore[return-value]

    @made.get("/api/map", tags=["clusters"], summary="The catalog as points on a plane, like products near each other")
    async def points() -> dict[str, Any]:
        return JSON(await run_in_threadpool(shop.map))  # type: ignore[return-value]

    @made.get("/api/why/{id:path}", tags=["clusters"], summary="Why a product is in its cluster, what would move it")
    async def why(id: Id) -> dict[str, Any]:
        return JSON(await run_in_threadpool(shop.why_cluster, id))  # type: ignore[return-value]

    @made.put("/api/clusters/{id}", tags=["clusters"], summary="Call a cluster by a name of yours")
    async def rename(id: Number, name: Annotated[str, Body(embed=True)]) -> Cluster:
        return JSON(await run_in_threadpool(shop.rename_cluster, id, name))  # type: ignore[return-value]

    @made.get("/api/clusters/{id}", tags=["clusters"], summary="One cluster and its products, the most typical first")
    async def cluster(id: Number, k: K = 24, offset: Offset = 0) -> dict[str, Any]:
        found, answer = shop.cluster(id, k=k, offset=offset)
        return JSON({"cluster": found, "hits": answer.hits, "took_ms": answer.took_ms})  # type: ignore[return-value]


def _about_categories(made: APIRouter, shop: "Shop") -> None:
    @made.post(
        "/api/classify",
        tags=["categories"],
        summary="The category of each product, as learned from labels",
        openapi_extra={"requestBody": _PRODUCTS},
    )
    async def classify(request: Request, accuracy: Accuracy = None, why: bool = False) -> dict[str, list[Classified]]:
        """One product or a list: a title, an id, and what else there is to say. Nothing is kept. why : with reasons."""
        rows = hot.objects(await hot.body_of(request), "product", '{"id": "P1", "title": "green tea", "price": 4.5}')
        found = await run_in_threadpool(shop.classify, rows, accuracy=accuracy, why=why)
        return JSON({"products": found})  # type: ignore[return-value]

    @made.put("/api/labels/{id:path}", tags=["categories"], summary="Say which category a product is in")
    async def label(id: Id, category: Annotated[str, Body(embed=True)]) -> Classified:
        """On the disk before the answer is given; learned from in the next build. An empty category takes it back."""
        return JSON(await run_in_threadpool(shop.label, id, category))  # type: ignore[return-value]

    @made.get("/api/ask", tags=["categories"], summary="Products whose label would teach most")
    async def ask(k: K = 10) -> dict[str, list[Classified]]:
        return JSON({"products": await run_in_threadpool(shop.ask, k)})  # type: ignore[return-value]

    @made.get("/api/doubt", tags=["categories"], summary="Labels that are most likely wrong")
    async def doubt(k: K = 10) -> dict[str, list[Classified]]:
        return JSON({"products": await run_in_threadpool(shop.doubt, k)})  # type: ignore[return-value]


def _about_shoppers(made: APIRouter, shop: "Shop") -> None:
    @made.get("/api/shoppers", tags=["shoppers"], summary="Ids of shoppers that begin with a prefix")
    async def shoppers(prefix: str = "", limit: Limit = 20) -> dict[str, list[str]]:
        return JSON({"shoppers": shop.shoppers(prefix, limit)})  # type: ignore[return-value]

    @made.get("/api/shoppers/{id:path}", tags=["shoppers"], summary="One shopper: products, attributes and profile")
    async def shopper(id: Id) -> dict[str, Any]:
        # Who is alike is looked for among all shoppers.
        return JSON(await run_in_threadpool(shop.shopper, id))  # type: ignore[return-value]

    @made.get("/api/interests", tags=["shoppers"], summary="Groups of shoppers by what they want and will want")
    async def interests() -> dict[str, list[Interest]]:
        return JSON({"interests": await run_in_threadpool(shop.interests)})  # type: ignore[return-value]

    @made.get("/api/segments", tags=["shoppers"], summary="How many shoppers are loyal, at risk, lost …")
    async def segments() -> dict[str, Any]:
        return JSON({"segments": shop.segments()})  # type: ignore[return-value]

    @made.get("/api/questions", tags=["shoppers"], summary="Questions whose answers part the interests")
    async def questions() -> dict[str, Any]:
        return JSON({"questions": shop.questions()})  # type: ignore[return-value]

    @made.post("/api/interests", tags=["shoppers"], summary="How likely each interest is a shopper's, known or new")
    async def place(who: Who) -> dict[str, Any]:
        """What is given is taken together; nothing of it is kept."""
        found = await run_in_threadpool(lambda: shop.place_shopper(**who.model_dump()))
        return JSON({"interests": found})  # type: ignore[return-value]


def _about_the_shop(made: APIRouter, shop: "Shop") -> None:
    @made.get("/api/info", tags=["shop"], summary="What was built: data, cleaning, steps, sizes")
    async def info() -> dict[str, Any]:
        return JSON(shop.info())  # type: ignore[return-value]

    @made.get("/api/evaluate", tags=["shop"], summary="How good the answers are, beside popularity")
    async def evaluate() -> dict[str, Any]:
        # The one answer that may be computed for seconds: it must not hold up the others.
        return JSON(await run_in_threadpool(shop.evaluate))  # type: ignore[return-value]

    @made.get("/health", tags=["shop"], summary="Whether this worker answers")
    async def health() -> dict[str, Any]:
        return JSON({"status": "ok", "worker": os.getpid()})  # type: ignore[return-value]
