"""What makes a judgement better than the truth: products on both sides, and answers inside the question."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wares.arrays import Labels
from wares.data.catalog import Catalog
from wares.data.schema import SEPARATOR, TEXT
from wares.tasks.holding_out import Names, same_names

MOST = 1_000
"""Different values up to which a column is taken for one of classes."""


@dataclass(frozen=True)
class Leak:
    """A warning: what kind, how many products, how much of all that could be, and one sentence."""

    kind: str
    rows: int
    share: float
    said: str

    def json(self) -> dict[str, Any]:
        """Plain values."""
        return {"kind": self.kind, "rows": self.rows, "share": round(self.share, 4), "said": self.said}


def leaks(catalog: Catalog, y: Names, folds: Labels | None = None, *, columns: Sequence[str] = TEXT) -> list[Leak]:
    """What to be warned of before a judgement of these labels is believed.

    folds : (n,) of a judgement, if one was made; products of the same name in different ones are counted. columns :
    that the labeller reads as text.
    """
    known = np.flatnonzero([each is not None for each in y])
    if not len(known):
        return []
    found = [_twins(catalog, known, folds), _in_text(catalog, y, known, columns), *_in_columns(catalog, y, known)]
    return [each for each in found if each is not None]


def _twins(catalog: Catalog, known: Labels, folds: Labels | None) -> Leak | None:
    """Products whose name stands in another fold too; without folds, those whose name stands twice."""
    names = same_names(catalog)[known]
    _, group, counts = np.unique(names, return_inverse=True, return_counts=True)
    if folds is None:
        rows = int((counts[group] > 1).sum())
        said = f"{rows:,} of {len(known):,} products have the name of another; hold such groups out together"
        kind = "same name"
    else:
        pairs = np.unique(np.stack([group, folds[known]], axis=1), axis=0)
        rows = int((np.bincount(pairs[:, 0], minlength=len(counts))[group] > 1).sum())
        said = f"{rows:,} of {len(known):,} products have the name of one on the other side; they are known by heart"
        kind = "same name on both sides"
    return Leak(kind, rows, rows / len(known), f"{said}.") if rows else None


def _in_text(catalog: Catalog, y: Names, known: Labels, columns: Sequence[str]) -> Leak | None:
    """Products whose text holds the words of their label."""
    texts = catalog.text(columns)
    words_of: dict[str, set[str]] = {}
    rows = 0
    for row in known.tolist():
        label = str(y[row])
        if label not in words_of:
            words_of[label] = {word for word in _words(label.rpartition(SEPARATOR)[2]) if len(word) > 2}
        wanted = words_of[label]
        rows += bool(wanted) and wanted <= _words(texts[row])
    share = rows / len(known)
    if share < 0.5:  # some products say what they are; that is no leak
        return None
    return Leak(
        "label in text",
        rows,
        share,
        f"{share:.0%} of the products have every word of their label in their text: this judgement tells little of "
        "products that do not.",
    )


def _words(text: str) -> set[str]:
    """The words of a text, without case and the s of a plural."""
    return {word.removesuffix("s") if len(word) > 3 else word for word in re.findall(r"\w+", text.casefold())}


def _in_columns(catalog: Catalog, y: Names, known: Labels) -> list[Leak]:
    """Columns whose values tell the label, value by value."""
    labels = pl.Series("label", [y[row] for row in known.tolist()], dtype=pl.String)
    n_classes = labels.n_unique()
    if n_classes < 2:
        return []
    usual = int(labels.value_counts()["count"].max())  # type: ignore[arg-type]
    out = []
    frame = catalog.scan.collect()[known]
    for name in frame.columns:
        values = frame[name]
        if name in ("id", "title", "description", "image") or values.dtype.is_nested():
            continue
        both = pl.DataFrame({"value": values.cast(pl.String, strict=False), "label": labels}).drop_nulls("value")
        distinct = both["value"].n_unique()
        if len(both) < max(20, 0.2 * len(known)) or not 2 <= distinct <= min(MOST, len(both) // 2):
            continue
        pairs = both.group_by("value", "label").len("n")
        right = int(pairs.group_by("value").agg(pl.col("n").max())["n"].sum())
        # By value alone nearly all are right, and far more than by always saying the most frequent label.
        if right >= 0.98 * len(both) and right - usual >= 0.1 * len(both):
            share = right / len(both)
            said = f"the column {name!r} alone tells {share:.0%} of the labels; is it known before the label is?"
            out.append(Leak("label in a column", len(both), share, said))
    return out
