"""Which products to have labelled next: those a model is unsure of, no two of them alike."""

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Labeller
from wares.arrays import Dense, Labels, Rows, Vectors, unit
from wares.data.catalog import Catalog
from wares.errors import DataError, UnknownName
from wares.tasks.agreement import dense

POOL = 12
"""Of so many times the products asked for, the most unsure, those to ask are chosen."""

PART = 8_192
"""Products that the model is asked about at once."""


def ask(
    labeller: Labeller,
    catalog: Catalog,
    k: int,
    vectors: Vectors,
    *,
    target: str | None = None,
    labelled: Rows | None = None,
    seed: int = 0,
) -> Rows:
    """The k products whose label would teach most, the most telling first.

    The pool is what the model is least sure of; it is grouped by `vectors` (n_products, width) into k groups, and of
    each the one that it is least sure of is asked. labelled : rows that have a label already; they are not asked.
    Raises DataError where all have one.
    """
    classes = labeller.learned()["classes_"]
    target = next(iter(classes)) if target is None else target
    if target not in classes:
        raise UnknownName.among("target", target, classes)
    free = np.ones(len(catalog), np.bool_)
    free[[] if labelled is None else labelled] = False
    rows = np.flatnonzero(free)
    if not len(rows):
        raise DataError("every product has a label already: there is nothing to ask")
    worth = np.concatenate([telling(labeller.predict_proba(part)[target]) for part in catalog.parts(PART)])[rows]
    pool = np.lexsort((np.arange(len(rows)), -worth))[: POOL * k]
    return rows[pool[_spread(worth[pool], dense(vectors[rows[pool]]), min(k, len(pool)), seed)]]


def telling(table: Dense) -> NDArray[np.float64]:
    """(n,) in 0..1, how much a label would tell: how unlikely even the likeliest class is.

    On two catalogs better than how near the two likeliest are to each other, rare classes favoured or not.
    """
    if table.shape[1] < 2:
        return np.ones(len(table))
    return np.asarray(1 - table.max(axis=1), np.float64)


def _spread(worth: NDArray[np.float64], vectors: Dense, k: int, seed: int) -> Rows:
    """k of the rows, which stand in order of worth: the first of each of k groups, then others in their order."""
    if len(worth) <= k:
        return np.arange(k)
    best: dict[int, int] = {}
    for place, group in enumerate(_groups(np.asarray(unit(vectors), np.float32), worth, k, seed).tolist()):
        best.setdefault(group, place)
    chosen = sorted(best.values())
    rest = np.setdiff1d(np.arange(len(worth)), chosen)
    return np.array([*chosen, *rest[: k - len(chosen)].tolist()], np.int64)


def _groups(vectors: Dense, worth: NDArray[np.float64], k: int, seed: int) -> Labels:
    """(n,) group of each row: k-means, a row counting as much as it is worth."""
    from sklearn.cluster import KMeans  # long to import

    model = KMeans(k, n_init=1, max_iter=20, random_state=seed)
    return np.asarray(model.fit_predict(vectors, sample_weight=np.maximum(worth, 1e-6)), np.int64)
