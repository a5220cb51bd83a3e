"""One table from errors to HTTP, and the one body every error has."""

from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from wares.errors import DataError, MissingExtra, SettingError, StoreError, UnknownName, WaresError
from wares.web.pages import error_page

STATUS: dict[type[Exception], int] = {
    UnknownName: 404,
    DataError: 422,
    SettingError: 422,
    StoreError: 503,
    MissingExtra: 501,
}
_PLAIN = ("/api/", "/health", "/openapi.json")  # answered in JSON; what else there is, people read


def status_of(error: Exception) -> int:
    """The HTTP status of an error: of the nearest of its classes in the table, else 500."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def body_of(kind: str, message: str) -> dict[str, Any]:
    """The body of every error."""
    return {"error": {"kind": kind, "message": message}}


def install(app: FastAPI) -> None:
    """Answers every error of the house, of the framework and of ours in the one shape."""
    app.add_exception_handler(WaresError, _wares)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


def _answer(request: Request, status: int, kind: str, message: str, headers: Any = None) -> Response:
    if request.url.path.startswith(_PLAIN):
        body = orjson.dumps(body_of(kind, message))
        return Response(body, status, headers, "application/json")
    return error_page(request, status, message)


async def _wares(request: Request, error: Exception) -> Response:
    return _answer(request, status_of(error), type(error).__name__, str(error))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return _answer(request, 422, "SettingError", f"{where}: {first['msg']}")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = HTTPStatus(error.status_code).phrase.replace(" ", "")
    return _answer(request, error.status_code, kind, _sentence(request, error), error.headers)


def _sentence(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return f"nothing is at {request.url.path!r}; the routes are listed at /docs"
    if error.status_code == 405:
        return f"{request.url.path!r} does not take {request.method}"
    return str(error.detail)


async def _bug(request: Request, error: Exception) -> Response:
    # The server logs the traceback; the asker learns only that the mistake is not theirs.
    return _answer(request, 500, "InternalError", "something went wrong on our side; the server's log says what")
