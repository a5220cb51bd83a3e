"""Turns what a shop already has into everything that helps shoppers find the right product.

>>> import wares
>>> shop = wares.build("myshop", products="products.csv", events="events.parquet")  # doctest: +SKIP
>>> shop.search("red shoes", k=5, where={"price": {"lt": 50}})  # doctest: +SKIP

Nothing is imported before it is asked for: `import wares` alone takes a millisecond.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wares.data.catalog import Catalog
    from wares.data.events import Events
    from wares.making import build_shop as build
    from wares.matches import dedupe, match
    from wares.registry import make, names
    from wares.shop import Shop
    from wares.shop import open_shop as open

__version__ = "0.1.0"
__all__ = ["Catalog", "Events", "Shop", "build", "dedupe", "make", "match", "names", "open"]

_FACE = {
    "Catalog": ("wares.data.catalog", "Catalog"),
    "Events": ("wares.data.events", "Events"),
    "Shop": ("wares.shop", "Shop"),
    "build": ("wares.making", "build_shop"),
    "dedupe": ("wares.matches", "dedupe"),
    "make": ("wares.registry", "make"),
    "match": ("wares.matches", "match"),
    "names": ("wares.registry", "names"),
    "open": ("wares.shop", "open_shop"),
}


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'wares' has no attribute {name!r}")
    module, attribute = _FACE[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *_FACE])
