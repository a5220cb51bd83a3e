"""Clustering again without turning the shop over: a full re-fit that begins at the last build's centres."""

import inspect
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Clusterer
from wares.arrays import Labels, Vectors
from wares.tasks.agreement import dense

WORSE = 0.01
"""How much more inertia than that of a fresh clustering is borne for the sake of clusters that people know."""

OTHER_K = 1.5
"""How many times as many clusters, or the other way round, the choice may be before all is made anew."""

MOVED = 25
"""Of so many clusters one may be given up for another before all are made anew."""

DEPARTMENT = 0.2
"""Of the mean cluster size, how many new products must lie nearer to a centre of their own to be given it."""


@dataclass(frozen=True)
class Held:
    """What stands in a new build. model : fitted. held : whether it began at the last centres. reason : why."""

    model: Clusterer
    held: bool
    reason: str


def hold(fresh: Clusterer, X: Vectors, before: Labels, centers: NDArray[np.float32], *, k: int | None = None) -> Held:
    """A re-fit from `centers` (k, width), those of the last build, if it is about as good as `fresh`; else `fresh`.

    before : (n,) the last build's cluster numbers of the rows of X, -1 for new ones. A kind of product that was not
    there before gets centres of its own first. "About as good" is an inertia within 1 % of a fresh clustering's with as
    many clusters. Methods that cannot begin at centres are always fresh. k : how many there are to be, where somebody
    says so: then nothing is held that does not come to that.
    """
    if not (before >= 0).any():
        return Held(fresh, False, "made anew: none of these products was in a cluster before")
    if "anchors" not in inspect.signature(fresh.fit).parameters or X.shape[1] != centers.shape[1]:
        return Held(fresh, False, "made anew, since this method cannot begin at given centres, and matched")
    ratio = fresh.n_clusters_ / max(len(centers), 1)
    if not 1 / OTHER_K <= ratio <= OTHER_K:
        return Held(fresh, False, f"made anew: {fresh.n_clusters_} clusters suit it now, {len(centers)} did before")
    if k is not None and len(centers) != fresh.n_clusters_:
        return Held(fresh, False, f"made anew: {k} clusters are asked for, there were {len(centers)}")
    born = departments(fresh, X, before, centers) if k is None else centers[:0]
    start = np.concatenate([centers, born]).astype(np.float32)
    again = clone(fresh).set_params(n_clusters=len(start))
    held = _from(again, X, start)
    yardstick = fresh if fresh.n_clusters_ == len(start) else clone(again).fit(X)
    most = (1 + WORSE) * float(yardstick.inertia_)
    moved = 0
    while held.inertia_ > most and moved < max(1, len(start) // MOVED):
        better = _from(again, X, _one_moved(held, X))
        if better.inertia_ >= held.inertia_:
            break
        held, moved = better, moved + 1
    if held.inertia_ > most:
        return Held(fresh, False, f"made anew: a fit from the last centres is {held.inertia_ / most - 1:.1%} too loose")
    new = f", {len(born)} of new kinds" if len(born) else ""
    gone = f", {moved} given up for others" if moved else ""
    return Held(held, True, f"{len(centers)} clusters held from the last build{new}{gone}")


def _from(model: Clusterer, X: Vectors, start: NDArray[np.float32]) -> Clusterer:
    # Splits and merges are what turns clusters over; k-means from good centres does without.
    quiet = clone(model).set_params(split_merge=0) if "split_merge" in model.get_params() else model
    found: Clusterer = quiet.fit(X, anchors=start)  # type: ignore[call-arg]
    return found


def _one_moved(model: Clusterer, X: Vectors) -> NDArray[np.float32]:
    """The centres, where of the two least missed one goes to halve the most spread cluster."""
    centers, labels = np.asarray(model.cluster_centers_), np.asarray(model.labels_)
    sizes = np.bincount(labels, minlength=len(centers)).astype(np.float64)
    gaps = np.maximum(_gaps(centers, centers) + np.einsum("ij,ij->i", centers, centers)[:, None], 0)
    costs = np.outer(sizes, sizes) / np.maximum(sizes[:, None] + sizes, 1) * gaps  # Ward's
    np.fill_diagonal(costs, np.inf)
    one, other = np.unravel_index(int(costs.argmin()), costs.shape)
    gone = int(one if sizes[one] < sizes[other] else other)
    spread = np.array([_spread(X, labels == each) if each != gone else 0.0 for each in range(len(centers))])
    widest = int(spread.argmax())
    halves = clone(model).set_params(n_clusters=2).fit(dense(X[labels == widest]))
    kept = np.delete(centers, [gone, widest], axis=0)
    return np.concatenate([kept, np.asarray(halves.cluster_centers_)]).astype(np.float32)


def _spread(X: Vectors, members: NDArray[np.bool_]) -> float:
    rows = dense(X[np.flatnonzero(members)])
    return float(((rows - rows.mean(axis=0)) ** 2).sum()) if len(rows) else 0.0


def departments(fresh: Clusterer, X: Vectors, before: Labels, centers: NDArray[np.float32]) -> NDArray[np.float32]:
    """(m, width) centres of new products that no centre of before suits, m mostly 0.

    The new products are clustered by themselves, as coarsely as the others. A cluster of theirs counts where many of
    them lie nearer to its mean than to any old centre: more of the same mix are nearer to the old, finer ones.
    """
    rows = np.flatnonzero(before < 0)
    none = np.empty((0, centers.shape[1]), np.float32)
    mean = (len(before) - len(rows)) / max(len(centers), 1)
    least = max(10.0, DEPARTMENT * mean)
    if len(rows) < least or not len(centers):
        return none
    new = dense(X[rows])
    own = clone(fresh).set_params(n_clusters=max(1, round(len(rows) / max(mean, 1.0)))).fit(new)
    means = np.asarray(own.cluster_centers_)
    nearer = _gaps(new, means)[np.arange(len(new)), own.labels_] < _gaps(new, centers).min(axis=1)
    members = np.bincount(np.asarray(own.labels_)[nearer], minlength=len(means))
    return means[members >= least].astype(np.float32)


def _gaps(rows: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, k) squared distances, but for the rows' own squares."""
    out: NDArray[np.float32] = np.einsum("ij,ij->i", centers, centers) - 2 * (rows @ centers.T)
    return out
