"""Clusters from one build to the next: which is which, what keeps its id, and what has split, merged, come or gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array

from wares.arrays import Labels
from wares.errors import DataError

SAME = 0.3
"""Of the smaller of two clusters, how much must be in the other for it to be the same one."""

PART = 0.15
"""Of a cluster, how much a part of it must hold for a split or a merge to be told."""

MOSTLY = 0.5
"""Of a part, how much must come from (or go to) one cluster to belong to its split (or merge)."""


@dataclass(frozen=True)
class Change:
    """What happened to clusters, by their ids.

    kind : "split" (one before, several now), "merge" (several before, one now), "birth" or "death". products : how many
    products of both builds it concerns; of a birth all that are in it now, of a death all that were in it.
    """

    kind: Literal["split", "merge", "birth", "death"]
    before: tuple[int, ...]
    now: tuple[int, ...]
    products: int

    def json(self) -> dict[str, Any]:
        """Plain values."""
        return {"kind": self.kind, "before": list(self.before), "now": list(self.now), "products": self.products}


@dataclass(frozen=True)
class Following:
    """Clusters with their ids.

    ids : by cluster number, those of the last build where it is the same cluster. next_id : the least never given.
    kept : share of the products of both builds whose cluster has the same id. changes : what happened, the largest
    first.
    """

    ids: list[int]
    next_id: int
    kept: float
    changes: list[Change]


def first(n_clusters: int) -> Following:
    """The ids of clusters that nothing came before."""
    return Following(list(range(n_clusters)), n_clusters, 1.0, [])


def follow(
    before: Labels, now: Labels, ids: Sequence[int], next_id: int, *, sizes_before: Sequence[int] | None = None
) -> Following:
    """Give the clusters of `now` the ids of the clusters of `before` that they are.

    before, now : (n,) cluster numbers of today's products, -1 for none; `before` is -1 too for a product that was not
    there. ids : by number, those of the last build. next_id : the least that was never given. sizes_before : products
    of each cluster in the last build, those included that have left since.

    Pairs are those of greatest common membership over all (an optimal assignment); a pair counts where it holds at
    least 30 % of the smaller of the two. The time is that of the assignment, cubic in the number of clusters: seconds
    for some thousands. Raises DataError where the arrays do not fit.
    """
    if before.shape != now.shape:
        raise DataError(f"{before.shape} labels before but {now.shape} now: one of each a product")
    n_before, n_now = len(ids), int(now.max(initial=-1)) + 1
    if int(before.max(initial=-1)) >= n_before:
        raise DataError(f"a product was in cluster number {int(before.max())}, but there are {n_before} ids")
    both = (before >= 0) & (now >= 0)
    shared = _counts(before[both], now[both], (n_before, n_now))
    old, new = shared.sum(axis=1), shared.sum(axis=0)
    sizes = np.bincount(now[now >= 0], minlength=n_now)
    pairs = _pairs(shared, old, new)
    number_before = {to: at for at, to in pairs}
    given: list[int] = []
    for cluster in range(n_now):
        if cluster in number_before:
            given.append(ids[number_before[cluster]])
        else:
            given.append(next_id)
            next_id += 1
    kept = sum(int(shared[pair]) for pair in pairs) / max(int(both.sum()), 1) if both.any() else float(not n_before)
    gone = np.asarray(old if sizes_before is None else sizes_before)
    return Following(given, next_id, float(kept), _changes(shared, ids, given, set(pairs), sizes, gone))


def _counts(before: Labels, now: Labels, shape: tuple[int, int]) -> NDArray[np.int64]:
    ones = np.ones(len(before), np.int64)
    return np.asarray(coo_array((ones, (before, now)), shape=shape).toarray(), np.int64)


def _pairs(shared: NDArray[np.int64], old: NDArray[np.int64], new: NDArray[np.int64]) -> list[tuple[int, int]]:
    rows, columns = linear_sum_assignment(-shared)
    smaller = np.maximum(np.minimum(old[rows], new[columns]), 1)
    same = shared[rows, columns] >= np.maximum(SAME * smaller, 1)
    return [(int(at), int(to)) for at, to in zip(rows[same], columns[same], strict=True)]


def _changes(
    shared: NDArray[np.int64],
    ids: Sequence[int],
    given: Sequence[int],
    pairs: set[tuple[int, int]],
    sizes: NDArray[np.int64],
    sizes_before: NDArray[Any],
) -> list[Change]:
    # Products that are new count here: a cluster that is mostly of them is no part of an old one.
    old, new = np.maximum(shared.sum(axis=1), 1)[:, None], np.maximum(sizes, 1)[None, :]
    # A part of what was split comes mostly from it; a part of what was merged went mostly into it.
    from_, into = (shared >= MOSTLY * new) & (shared > 0), (shared >= MOSTLY * old) & (shared > 0)
    of_split, of_merge = from_ & (shared >= PART * old), into & (shared >= PART * new)
    # What has no other explanation is a part however small: the whole of it came from (or went to) one cluster.
    fresh = np.isin(np.arange(shared.shape[1]), [to for _, to in pairs], invert=True)
    ended = np.isin(np.arange(shared.shape[0]), [at for at, _ in pairs], invert=True)
    of_split |= from_ & fresh
    of_merge |= into & ended[:, None]
    for at, to in pairs:  # and the cluster that goes on under the same id is one of its parts
        of_split[at, to] |= of_split[at].any()
        of_merge[at, to] |= of_merge[:, to].any()
    changes = []
    for cluster in np.flatnonzero(of_split.sum(axis=1) > 1).tolist():
        parts = np.flatnonzero(of_split[cluster]).tolist()
        n = int(shared[cluster, parts].sum())
        changes.append(Change("split", (ids[cluster],), tuple(given[each] for each in parts), n))
    for cluster in np.flatnonzero(of_merge.sum(axis=0) > 1).tolist():
        parts = np.flatnonzero(of_merge[:, cluster]).tolist()
        n = int(shared[parts, cluster].sum())
        changes.append(Change("merge", tuple(ids[each] for each in parts), (given[cluster],), n))
    split = of_split[of_split.sum(axis=1) > 1].any(axis=0)
    merged = of_merge[:, of_merge.sum(axis=0) > 1].any(axis=1)
    known, continued = {to for _, to in pairs}, {at for at, _ in pairs}
    born = [each for each in range(len(given)) if each not in known and not split[each]]
    died = [each for each in range(len(ids)) if each not in continued and not merged[each]]
    changes += [Change("birth", (), (given[each],), int(sizes[each])) for each in born]
    changes += [Change("death", (ids[each],), (), int(sizes_before[each])) for each in died]
    return sorted(changes, key=lambda each: (-each.products, each.kind, each.before, each.now))
