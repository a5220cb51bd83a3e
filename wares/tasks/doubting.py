"""Labels that are most likely wrong, found by models that were not shown them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Labeller
from wares.arrays import Dense, Labels
from wares.data.catalog import Catalog
from wares.errors import UnknownName
from wares.tasks.holding_out import Names, folds_of, held_out, same_names
from wares.tasks.taxonomy import Taxonomy


@dataclass(frozen=True)
class Doubt:
    """A label that may be wrong: the row of its product, what it is labelled, what it may be, and why.

    probability : of what it may be; own : of its label; both as said without having been shown it. certain : 0..1, the
    order of the list.
    """

    row: int
    label: str
    suggested: str
    probability: float
    own: float
    certain: float
    reason: str

    def json(self) -> dict[str, Any]:
        """Plain values."""
        rounded = {name: round(getattr(self, name), 4) for name in ("probability", "own", "certain")}
        return {"row": self.row, "label": self.label, "suggested": self.suggested, **rounded, "reason": self.reason}


def doubt(
    labeller: Labeller,
    catalog: Catalog,
    y: Mapping[str, Names],
    k: int | None = None,
    *,
    target: str | None = None,
    folds: int = 5,
    seed: int = 0,
) -> list[Doubt]:
    """Labels that are most likely wrong, the surest first; k of them, or those that confident learning counts as wrong.

    labeller : fitted or not, copies of it learn without each fold in turn; products of the same name share one. A class
    of one product, or one name, is not doubted: without it nobody could know it. Time : `folds` times that of a fit.

    Source: Northcutt, Jiang & Chuang 2021, doi:10.1613/jair.1.12125.
    """
    target = next(iter(y)) if target is None else target
    if target not in y:
        raise UnknownName.among("target", target, y)
    names = y[target]
    where = folds_of(names, same_names(catalog), folds, seed, shy=True)
    if isinstance(labeller, Taxonomy):  # it would hold products out within each fold again, to be honest to a percent
        labeller = clone(labeller).set_params(folds=0)
    found = held_out(labeller, catalog, {target: names}, where)
    classes, table = found.classes[target], found.tables[target]
    rows = found.rows
    codes = np.searchsorted(classes, np.array([str(names[row]) for row in rows.tolist()]))
    certain, wrong = doubts(table[rows], codes)
    order = np.lexsort((rows, -certain))
    kept = order[:k] if k is not None else order[wrong[order]]
    return [_told(int(rows[at]), int(codes[at]), table[rows[at]], float(certain[at]), classes) for at in kept.tolist()]


def doubts(table: Dense, codes: Labels) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n,) how certain it is that each label is wrong, and whether confident learning counts it as wrong.

    table : (n, n_classes) said without having been shown the row. A label is counted as wrong when another class is
    said with at least the probability with which rows of that class are usually said to be of it.
    """
    n, n_classes = table.shape
    rows = np.arange(n)
    own = table[rows, codes].astype(np.float64)
    count = np.bincount(codes, minlength=n_classes)
    usual = np.bincount(codes, own, n_classes) / np.maximum(count, 1)
    usual[count == 0] = 1
    above = np.where(table >= usual, table, -1)
    best = above.argmax(axis=1)
    wrong = (above[rows, best] >= 0) & (best != codes)
    others = table.astype(np.float64).copy()
    others[rows, codes] = -1
    rival = others.argmax(axis=1)
    # How much likelier the rival is than the label, each against what is usual of its class.
    margin = (others[rows, rival] - own) - 0.5 * (usual[rival] - usual[codes])
    if n_classes < 2:
        return np.zeros(n), np.zeros(n, np.bool_)
    return np.clip((margin + 1.5) / 3, 0, 1), wrong & (others[rows, rival] > own)


def _told(row: int, code: int, said: Dense, certain: float, classes: NDArray[Any]) -> Doubt:
    others = said.copy()
    others[code] = -1
    rival = int(others.argmax()) if len(classes) > 1 else code
    label, suggested = str(classes[code]), str(classes[rival])
    reason = (
        f"without this label, the model says {suggested!r} with {float(said[rival]):.0%} and {label!r} with "
        f"{float(said[code]):.0%}"
    )
    return Doubt(row, label, suggested, float(said[rival]), float(said[code]), certain, reason)
