"""The routes asked most, as plain Starlette routes: no validation layer between the URL and the shop.

They run inline in the event loop. An answer takes a millisecond or two of processor time, a hop to a thread and back
costs more than it wins, and the shop's scratch arrays are then never entered twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson
import polars as pl
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from wares.api.replies import JSON
from wares.data.schema import EVENTS as SCHEMA
from wares.errors import DataError, SettingError, UnknownName
from wares.web import asking

if TYPE_CHECKING:
    from wares.shop import Shop

MAX_OBJECTS = 1_000  # events or products
MAX_BODY = 1 << 20  # bytes


@dataclass(frozen=True)
class Hot:
    """One hot route: `ask` is called with the shop, the id in the path (or "") and the keyword arguments of the URL."""

    path: str
    ask: Callable[["Shop", str, dict[str, Any]], Any]
    parameters: asking.Table
    summary: str
    schema: str
    about: str = ""

    def route(self, shop: "Shop") -> Route:
        """The Starlette route that answers from the shop."""
        return Route(self.path, _Answering(self, shop), methods=["GET"])


class _Answering:
    """A hot route as a bare ASGI application: nothing is made of a request but its arguments."""

    def __init__(self, hot: Hot, shop: "Shop") -> None:
        self.hot, self.shop = hot, shop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        arguments = asking.read(given, self.hot.parameters)
        answer = JSON(self.hot.ask(self.shop, scope["path_params"].get("id", ""), arguments))
        await answer(scope, receive, send)


HOT = (
    Hot(
        "/api/search",
        lambda shop, _, arguments: shop.search(**arguments),
        asking.SEARCH,
        "Products by words and meaning",
        "Found",
        "The words by BM25 and the meaning by vectors, fused; total and facets count the whole result set exactly.",
    ),
    Hot(
        "/api/similar/{id:path}",
        lambda shop, id, arguments: shop.similar(id, **arguments),
        asking.SIMILAR,
        "Products like one product",
        "Answer",
    ),
    Hot(
        "/api/recommend",
        lambda shop, _, arguments: shop.recommend(**arguments, learn=False),
        asking.RECOMMEND,
        "Products for a shopper or a basket",
        "Answer",
        "Without shopper and basket: what most shoppers buy.",
    ),
    Hot(
        "/api/bought-together/{id:path}",
        lambda shop, id, arguments: shop.bought_together(id, **arguments),
        asking.BOUGHT_TOGETHER,
        "Products bought with one product",
        "Answer",
    ),
)


def routes(shop: "Shop") -> list[Route]:
    """Every hot route."""
    return [*(hot.route(shop) for hot in HOT), Route("/api/events", _events(shop), methods=["POST"])]


def _events(shop: "Shop") -> Callable[[Request], Any]:
    async def record(request: Request) -> Response:
        asking.read(request.query_params.multi_items(), asking.NOTHING)
        events = read_events(await body_of(request))
        return JSON({"recorded": shop.add_events(events)}, 202)

    return record


async def body_of(request: Request, most: int = MAX_BODY) -> bytes:
    """The body of a request. Raises SettingError for one of more than `most` bytes."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise SettingError(f"the body is larger than {most:,} bytes; send it in smaller lots")
    return bytes(body)


def read_events(body: bytes) -> pl.DataFrame:
    """The events of a request, one JSON object or a list of them, as a table. Raises DataError where it is neither."""
    events = objects(body, "event", '{"shopper": "U7", "product": "P1"}')
    kinds = {name: pl.Float64() if name == "value" else pl.String() for name in _names(events)}
    for number, event in enumerate(events, 1):
        for name in ("shopper", "product"):
            if not event.get(name):
                raise DataError(
                    f'event {number} names no {name}; an event is like {{"shopper": "U7", "product": "P1"}}'
                )
    rows = [[_field(name, event) for name in kinds] for event in events]
    made = pl.DataFrame(rows, schema=kinds, orient="row")
    # One event may leave out what another of its lot tells.
    usual = {"kind": "purchase", "at": datetime.now(UTC).isoformat()}
    return made.with_columns(pl.col(name).fill_null(value) for name, value in usual.items() if name in kinds)


def objects(body: bytes, what: str, example: str) -> list[dict[str, Any]]:
    """The JSON object or objects of a body. Raises DataError where it is neither, SettingError for too many."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DataError(f"the body is not JSON: {error}") from error
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in found):
        article = "an" if what[0] in "aeiou" else "a"
        raise DataError(f"the body must be {article} {what} or a list of {what}s: {example}")
    if not 1 <= len(found) <= MAX_OBJECTS:
        raise SettingError(f"one request takes 1 to {MAX_OBJECTS:,} {what}s, not {len(found):,}")
    return found


def _names(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every field that any of the events has."""
    names = list(dict.fromkeys(name for event in events for name in event))
    for name in names:
        if name not in SCHEMA:
            raise UnknownName.among("field of an event", name, list(SCHEMA))
    return names


def _field(name: str, event: Mapping[str, Any]) -> Any:
    """One field: a number for value, text for the others. Raises DataError: an id is never a number."""
    value = event.get(name)
    if name == "value" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if value is None or (name != "value" and isinstance(value, str)):
        return value
    raise DataError(f"{name} of an event must be {'a number' if name == 'value' else 'text'}, not {value!r}")
