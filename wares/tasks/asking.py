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

    The pool is what the model is least sure of between its two likeliest classes, rare classes and products unlike any
    labelled one counting more; the pool is grouped by `vectors` (n_products, width) into k groups, and of each the one
    to learn most from is asked. labelled : rows that have a label already; they are not asked. Raises DataError where
    all have one.
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
    table = np.asarray(labeller.predict_proba(catalog)[target])
    worth = telling(table[rows], table[~free])
    return rows[_spread(worth, dense(vectors[rows]), min(k, len(rows)), seed)]


def telling(table: Dense, known: Dense | None = None) -> NDArray[np.float64]:
    """(n,) in 0..1, how much a label would tell: how near the two likeliest classes are to each other, times how rare
    the likelier is in what is labelled. known : (m, n_classes) what is said of the labelled."""
    if table.shape[1] < 2:
        return np.ones(len(table))
    two = -np.partition(-table, 1, axis=1)[:, :2]
    unsure = 1 - (two[:, 0] - two[:, 1]).astype(np.float64)
    source = table if known is None or not len(known) else known
    share = source.mean(axis=0, dtype=np.float64) + 1e-3
    rare = (share.max() / share) ** 0.25
    weight = (table * (rare / rare.max())).sum(axis=1)
    return np.asarray(unsure * weight)


def _spread(worth: NDArray[np.float64], vectors: Dense, k: int, seed: int) -> Rows:
    """k of the rows: of the POOL times k that are worth most, one of each of k groups, the one worth most first."""
    pool = np.lexsort((np.arange(len(worth)), -worth))[: POOL * k]
    if len(pool) <= k:
        return pool[:k]
    groups = _groups(np.asarray(unit(vectors[pool]), np.float32), worth[pool], k, seed)
    best: dict[int, int] = {}
    for place, group in enumerate(groups.tolist()):  # the pool is in order of worth
        best.setdefault(group, place)
    chosen = sorted(best.values())
    rest = np.setdiff1d(np.arange(len(pool)), chosen)
    return pool[np.array([*chosen, *rest[: k - len(chosen)].tolist()], np.int64)]


def _groups(vectors: Dense, worth: NDArray[np.float64], k: int, seed: int) -> Labels:
    """(n,) group of each row: k-means, a row counting as much as it is worth."""
    from sklearn.cluster import KMeans  # long to import

    model = KMeans(k, n_init=1, max_iter=20, random_state=seed)
    return np.asarray(model.fit_predict(vectors, sample_weight=np.maximum(worth, 1e-6)), np.int64)
