"""REST over an open shop. What it needs is the extra [serve]; without it, asking says so."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wares.errors import MissingExtra

if TYPE_CHECKING:
    from fastapi import FastAPI

    from wares.shop import Shop

DEFAULT_PORT = 8000


def create(shop: "Shop") -> "FastAPI":
    """The application that answers from an open shop: REST, its document and the pages. Raises MissingExtra."""
    app: FastAPI = _module("wares.api.app").create(shop)
    return app


def serve(
    folder: str | Path,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    workers: int = 2,
    *,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serves a shop folder until SIGINT or SIGTERM; `ready` is called with the address once every worker answers.

    Raises StoreError for a busy port or a folder that is no shop, MissingExtra without the extra [serve].
    """
    _module("wares.api.app")
    _module("wares.api.server").serve(Path(folder), host, port, workers, ready=ready)


def check_port(host: str, port: int) -> None:
    """Raises StoreError, naming a free port, where the port cannot be listened on."""
    _module("wares.api.server").check_port(host, port)


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "wares":
            raise  # a broken module of ours must be seen as what it is
        raise MissingExtra(f"serving needs the package {missing!r}: pip install 'wares[serve]'") from error
