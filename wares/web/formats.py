"""How values are written on a page."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote


def url(start: str, id: object) -> str:
    """The address of an id, which may hold any character."""
    return start + quote(str(id), safe="")


def number(value: float | None) -> str:
    """1234567 as 1,234,567."""
    return "" if value is None else f"{value:,.0f}"


def price(value: float | None) -> str:
    """A price with two decimals; the catalog does not tell the currency."""
    return "" if value is None else f"{value:,.2f}"


def share(value: float) -> str:
    """0.613 as 61 %."""
    return f"{value * 100:.0f} %"


def day(value: Any) -> str:
    """The date of a moment."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()[:10]
    return "" if value is None else str(value)[:10]


def leaf(category: str) -> str:
    """The last level of a category path."""
    return category.rpartition(" > ")[2]


def plain(value: Any) -> str:
    """Any field of a product, as text."""
    if isinstance(value, bool):
        return "✓" if value else "–"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    if isinstance(value, (datetime, date)):
        return day(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value))
    return str(value)


def label(name: str) -> str:
    """A column's name as a heading: units_sold as Units sold."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def why_url(id: str) -> str:
    """Where it stands why a product is in its cluster."""
    return url("/why/", id)


def product_url(id: str) -> str:
    """The page of a product."""
    return url("/product/", id)


def shopper_url(id: str) -> str:
    """The page of a shopper."""
    return url("/shoppers/", id)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "number": number,
    "price": price,
    "share": share,
    "day": day,
    "leaf": leaf,
    "plain": plain,
    "label": label,
    "product_url": product_url,
    "why_url": why_url,
    "shopper_url": shopper_url,
}
