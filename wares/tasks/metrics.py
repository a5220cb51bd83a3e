"""How good a ranked answer is: one number a shopper, and how sure their mean is.

Answers are `Hits`, or the places that right products take among all; what would have been right is a `History`, one row
for each row of the hits. A shopper for whom nothing was right has no number (NaN) and counts in no mean.

Ties count against the answer, everywhere alike: of products with one score the wrong ones stand before the right ones.
A model that cannot tell products apart has earned nothing by the order in which they lie.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Labels, Rows
from wares.data.history import History
from wares.data.hits import Hits
from wares.kernels.ranking import standing as count

Values: TypeAlias = NDArray[np.float64]
"""(n_shoppers,) one number a shopper, NaN where nothing was right."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Which of the k best places are right.

    right : (n_shoppers, k) bool, ties counted against. n_right : (n_shoppers,) distinct products that would have been
    right.
    """

    right: NDArray[np.bool_]
    n_right: NDArray[np.int64]

    @classmethod
    def of(cls, hits: Hits, relevant: History) -> "Judged":
        """Compare each row of the hits with the same row of `relevant`.

        What scores as the last of a list does and was left out of it, nobody can know: `placed` does.
        """
        width = max(relevant.n_products, int(hits.rows.max(initial=0)) + 1)
        keys = np.unique(relevant.owners() * width + relevant.products)
        wanted = np.arange(len(hits))[:, None] * width + hits.rows
        place = np.searchsorted(keys, wanted)
        found = (keys[np.minimum(place, len(keys) - 1)] == wanted) if len(keys) else np.zeros(wanted.shape, bool)
        found &= hits.rows >= 0
        group = np.zeros(found.shape, np.int64)
        group[:, 1:] = np.cumsum(hits.scores[:, 1:] != hits.scores[:, :-1], axis=1)
        order = np.lexsort((found, group), axis=1)
        n_right = np.bincount(keys // width, minlength=len(hits))
        return cls(np.take_along_axis(found, order, 1), n_right)

    @classmethod
    def placed(cls, owners: Rows, places: NDArray[np.integer], n_shoppers: int, k: int) -> "Judged":
        """From the shopper and the place (from 1) of every product that would have been right."""
        right = np.zeros((n_shoppers, k), np.bool_)
        seen = places <= k
        right[owners[seen], places[seen] - 1] = True
        return cls(right, np.bincount(owners, minlength=n_shoppers))

    def _where(self, values: NDArray[np.float64]) -> Values:
        return np.where(self.n_right > 0, values, np.nan)


def precision(judged: Judged) -> Values:
    """Right hits over k, an empty place being a wrong one."""
    return judged._where(judged.right.mean(axis=1))


def recall(judged: Judged) -> Values:
    """Right hits over all that would have been right."""
    return judged._where(judged.right.sum(axis=1) / np.maximum(judged.n_right, 1))


def hit_rate(judged: Judged) -> Values:
    """1 where any hit is right."""
    return judged._where(judged.right.any(axis=1).astype(float))


def ndcg(judged: Judged) -> Values:
    """Discounted gain 1 / log2(place + 1) over the best that the same k places could have."""
    k = judged.right.shape[1]
    discount = 1 / np.log2(np.arange(2, k + 2))
    best = np.concatenate([[np.inf], np.cumsum(discount)])[np.minimum(judged.n_right, k)]
    return judged._where(np.asarray(judged.right @ discount / best))


def average_precision(judged: Judged) -> Values:
    """Mean over the right products of the precision down to each, 0 for those beyond k; its mean is MAP@k."""
    k = judged.right.shape[1]
    upto = np.cumsum(judged.right, axis=1) / np.arange(1, k + 1)
    return judged._where((upto * judged.right).sum(axis=1) / np.clip(judged.n_right, 1, k))


def mrr(judged: Judged) -> Values:
    """One over the place of the first right hit; 0 where none is."""
    return judged._where(np.where(judged.right.any(axis=1), 1 / (judged.right.argmax(axis=1) + 1.0), 0.0))


def standing(
    scores: NDArray[np.floating], right: NDArray[np.integer], left_out: NDArray[np.integer]
) -> tuple[NDArray[np.int64], float]:
    """(m,) the place from 1 of each distinct right product among all candidates, ties counted against it; and the AUC,
    the chance that a right product scores above a wrong one, ties counting half, NaN where there is only one kind.

    scores : (n_products,) of one shopper, -inf lowest. right, left_out : rows; those left out are no candidates.
    """
    places, auc = count(np.asarray(scores, np.float32), np.asarray(right, np.int64), np.asarray(left_out, np.int64))
    return places, float(auc)


def places(
    scores: NDArray[np.floating], right: NDArray[np.integer], left_out: NDArray[np.integer]
) -> NDArray[np.int64]:
    """(m,) the places that `standing` tells."""
    return standing(scores, right, left_out)[0]


def auc(scores: NDArray[np.floating], right: NDArray[np.integer], left_out: NDArray[np.integer]) -> float:
    """The AUC that `standing` tells; `right` may name a product twice."""
    return standing(scores, np.unique(right), left_out)[1]


def coverage(hits: Hits, n_products: int) -> float:
    """Share of all products that anybody is answered."""
    return len(np.unique(hits.rows[hits.rows >= 0])) / max(n_products, 1)


def gini(hits: Hits, n_products: int) -> float:
    """How unequally the answers fall on the products: 0 = all alike, near 1 = all on a few."""
    counts = np.sort(np.bincount(hits.rows[hits.rows >= 0], minlength=n_products)).astype(float)
    n = len(counts)
    if not counts.sum():
        return 0.0
    return float((2 * np.arange(1, n + 1) - n - 1) @ counts / (n * counts.sum()))


def novelty(hits: Hits, shares: NDArray[np.floating]) -> Values:
    """(n_shoppers,) mean -log2 of the share of shoppers who took each product answered; NaN where none was.

    shares : (n_products,) 0..1; a product that nobody took counts as taken by half a shopper's share of the least.
    """
    taken = shares[shares > 0]
    least = taken.min() / 2 if len(taken) else 1.0
    bits = -np.log2(np.maximum(shares, least))
    there = hits.rows >= 0
    total = np.where(there, bits[hits.rows], 0).sum(axis=1)
    counts = there.sum(axis=1)
    return np.asarray(np.where(counts > 0, total / np.maximum(counts, 1), np.nan))


def calibration(hits: Hits, history: History, clusters: Labels, *, smoothing: float = 0.01) -> Values:
    """(n_shoppers,) by how many nats a list strays from the mixture of clusters in the history; 0 = the same shares.

    The divergence KL(p || q) of the shares p of what was taken from those of the list, q, of which `smoothing` is taken
    from p so that it is finite. NaN where history or list is empty.

    Source: Steck 2018, doi:10.1145/3240323.3240372.
    """
    n = int(clusters.max(initial=-1)) + 2
    kind = np.append(clusters, np.full(max(0, history.n_products - len(clusters)), -1)) + 1
    taken = np.zeros((len(history), n))
    kept = history.weights > 0
    np.add.at(taken, (history.owners()[kept], kind[history.products[kept]]), 1.0)
    shown = np.zeros((len(hits), n))
    there = hits.rows >= 0
    np.add.at(shown, (np.nonzero(there)[0], kind[hits.rows[there]]), 1.0)
    some = (taken.sum(axis=1) > 0) & (shown.sum(axis=1) > 0)
    p, q = (each / np.maximum(each.sum(axis=1, keepdims=True), 1) for each in (taken, shown))
    q = (1 - smoothing) * q + smoothing * p
    ratio = np.where(p > 0, p / np.maximum(q, 1e-300), 1.0)
    return np.where(some, (p * np.log(ratio)).sum(axis=1), np.nan)


# -- how sure ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """A mean over shoppers with its bootstrap interval; n shoppers counted."""

    mean: float
    low: float
    high: float
    n: int

    def json(self) -> dict[str, float | int | None]:
        """Plain values, rounded to six digits behind the point; None where there was nobody to count."""
        known = {name: getattr(self, name) for name in ("mean", "low", "high")}
        return {**{name: None if np.isnan(each) else round(each, 6) for name, each in known.items()}, "n": self.n}


def estimate(values: Values, *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> Estimate:
    """Mean and percentile interval over shoppers drawn with replacement; NaN values are left out."""
    values = values[~np.isnan(values)]
    n = len(values)
    if not n:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    rng = np.random.default_rng(seed)
    step = max(1, 2_000_000 // n)  # draws held at once
    means = [
        values[rng.integers(0, n, (min(step, resamples - start), n))].mean(axis=1)
        for start in range(0, resamples, step)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(values.mean()), float(low), float(high), n)


def difference(ours: Values, theirs: Values, *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> Estimate:
    """Mean of ours - theirs, paired by shopper, with its interval: where that excludes 0, one is better."""
    return estimate(ours - theirs, resamples=resamples, level=level, seed=seed)
