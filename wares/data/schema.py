"""The columns of products and events, and what is agreed about their values."""

import polars as pl

PRODUCTS: dict[str, pl.DataType] = {
    "id": pl.String(),
    "title": pl.String(),
    "description": pl.String(),
    "brand": pl.String(),
    "category": pl.String(),
    "price": pl.Float64(),
    "rating": pl.Float64(),
    "stock": pl.Float64(),
    "image": pl.String(),
    "seller": pl.String(),
    "group": pl.String(),
    "created": pl.Datetime("us", "UTC"),
}
"""The columns every part of the house knows; all but `id` and `title` may be missing, others come along as they are.

category is a path, its levels separated by " > "; price in the shop's own currency; image a path or URL; group names
variants of one product, which are shown once.
"""

TEXT = ("title", "brand", "category", "description")
"""The columns read as text unless told otherwise, the most telling first."""

SEPARATOR = " > "
"""Between the levels of a category path."""

LEVELS = (">>", ">", "--", "||", "|", "::", "»", "→", " / ", "\\", "/", ";")
"""What stands between levels in files of others, the surest sign first."""

EVENTS: dict[str, pl.DataType] = {
    "shopper": pl.String(),
    "product": pl.String(),
    "kind": pl.String(),
    "at": pl.Datetime("us", "UTC"),
    "value": pl.Float64(),
    "query": pl.String(),
    "session": pl.String(),
    "basket": pl.String(),
    "id": pl.String(),
}
"""The columns every part of the house knows; all but shopper, product, kind and at may be missing."""

WEIGHTS: dict[str, float] = {"view": 1.0, "cart": 3.0, "favourite": 3.0, "purchase": 5.0, "return": -5.0}
"""What one event of each kind counts unless the shop says otherwise."""
