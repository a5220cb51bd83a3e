"""How good a ranked answer is: one number a shopper, and how sure their mean is.

Answers are `Hits`; what would have been right is a `History`, one row for each row of the hits. A shopper for whom
nothing was right has no number (NaN) and counts in no mean.

Ties: hits of equal score inside the list stand in no order that a model chose, so NDCG and MRR are their expected value
over all orders of the tied (McSherry & Najork 2008, doi:10.1007/978-3-540-78646-7_38). At the end of the list the lower
row wins, as it does in the shop.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from wares.data.history import History
from wares.data.hits import Hits
from wares.kernels.ranking import auc as count_auc

Values: TypeAlias = NDArray[np.float64]
"""(n_shoppers,) one number a shopper, NaN where nothing was right."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Hits beside what would have been right.

    right : (n_shoppers, k) bool. n_right : (n_shoppers,) distinct products that would have been right. tied :
    (n_shoppers, k) bool, True where a hit has the same score as the one before it.
    """

    right: NDArray[np.bool_]
    n_right: NDArray[np.int64]
    tied: NDArray[np.bool_]

    @classmethod
    def of(cls, hits: Hits, relevant: History) -> "Judged":
        """Compare each row of the hits with the same row of `relevant`."""
        width = max(relevant.n_products, int(hits.rows.max(initial=0)) + 1)
        keys = np.unique(relevant.owners() * width + relevant.products)
        wanted = np.arange(len(hits))[:, None] * width + hits.rows
        place = np.searchsorted(keys, wanted)
        found = (keys[np.minimum(place, len(keys) - 1)] == wanted) if len(keys) else np.zeros(wanted.shape, bool)
        tied = np.zeros(hits.rows.shape, bool)
        tied[:, 1:] = (hits.scores[:, 1:] == hits.scores[:, :-1]) & (hits.rows[:, 1:] >= 0)
        n_right = np.bincount(keys // width, minlength=len(hits))
        return cls(found & (hits.rows >= 0), n_right, tied)

    def expected(self) -> NDArray[np.float64]:
        """(n_shoppers, k) the chance that the hit at each place is right, the tied being in any order."""
        group = np.cumsum(~self.tied, axis=1) - 1 + np.arange(len(self.tied))[:, None] * self.tied.shape[1]
        size = np.bincount(group.ravel(), minlength=self.tied.size)
        right = np.bincount(group.ravel(), weights=self.right.ravel().astype(float), minlength=self.tied.size)
        return np.asarray((right / np.maximum(size, 1))[group])

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
    return judged._where(np.asarray(judged.expected() @ discount / best))


def mrr(judged: Judged) -> Values:
    """One over the place of the first right hit; 0 where none is."""
    n, k = judged.right.shape
    first = np.where(judged.right.any(axis=1), judged.right.argmax(axis=1), k)
    values = np.where(first < k, 1 / (first + 1.0), 0.0)
    in_tie = judged.tied.copy()
    in_tie[:, :-1] |= judged.tied[:, 1:]
    for row in np.flatnonzero((first < k) & in_tie[np.arange(n), np.minimum(first, k - 1)]):
        values[row] = _expected_reciprocal(judged.right[row], judged.tied[row], int(first[row]))
    return judged._where(values)


def _expected_reciprocal(right: NDArray[np.bool_], tied: NDArray[np.bool_], first: int) -> float:
    """The mean of 1 / place of the first right hit over all orders of the tied group that holds it."""
    start = first
    while tied[start]:
        start -= 1
    stop = first + 1
    while stop < len(tied) and tied[stop]:
        stop += 1
    size, n_right = stop - start, int(right[start:stop].sum())
    total, still_none = 0.0, 1.0  # chance that none of the places before was right
    for place in range(size - n_right + 1):
        now = n_right / (size - place)
        total += still_none * now / (start + place + 1)
        still_none *= 1 - now
    return total


def auc(scores: NDArray[np.floating], right: NDArray[np.integer], left_out: NDArray[np.integer]) -> float:
    """Chance that a right product scores above a wrong one, ties counting half; NaN where there is only one kind.

    scores : (n_products,) of one shopper, -inf lowest. right, left_out : rows; those left out are no candidates.
    """
    right = np.unique(right).astype(np.int64)
    return float(count_auc(np.asarray(scores, np.float32), right, np.asarray(left_out, np.int64)))


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
