"""The application: hot and cold routes, the pages, one table of errors and one OpenAPI document."""

from types import MethodType
from typing import TYPE_CHECKING

from fastapi import FastAPI

from wares import __version__
from wares.api import cold, errors, hot, openapi
from wares.web import pages

if TYPE_CHECKING:
    from wares.shop import Shop


def create(shop: "Shop") -> FastAPI:
    """The application that answers from one open shop, which takes up newer builds by itself."""
    app = FastAPI(
        title="wares",
        version=__version__,
        description="Search, similar products, recommendations and clusters of one shop.",
        docs_url=None,  # FastAPI's own page fetches its script from elsewhere; ours is in wares.web
        redoc_url=None,
        redirect_slashes=False,  # an id may end in a slash
    )
    app.router.routes.extend(hot.routes(shop))
    app.include_router(cold.router(shop))
    app.router.routes.extend(pages.routes(shop))
    app.openapi = MethodType(openapi.document, app)  # type: ignore[method-assign]
    errors.install(app)
    return app
