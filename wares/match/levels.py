"""Likenesses as levels of agreement, and the mixture of two kinds of pairs behind them; not an algorithm itself."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Dense

SAMPLE = 200_000
"""Pairs that a mixture is learned from at most, evenly spread; with more it is not told apart better."""

_LEAST = 0.5  # a pair and a half: what every level of every likeness has been seen of both kinds before the first pair


@dataclass(frozen=True, eq=False)
class Mixture:
    """Two kinds of pairs, those of one product and the others, by how often each level of each likeness occurs.

    m, u : (n_likenesses, n_levels) probabilities of the levels among pairs of one product, and among others. share :
    of all pairs that are of one product. damp : what a weight counts, below 1 where likenesses say the same twice.
    """

    m: NDArray[np.float64]
    u: NDArray[np.float64]
    share: float
    damp: float

    def weights(self) -> NDArray[np.float64]:
        """(n_likenesses, n_levels) log2 of how much likelier each level makes it that both are one product."""
        return self.damp * np.log2(self.m / self.u)


def edges_of(likeness: Dense, n_levels: int) -> NDArray[np.float64]:
    """(n_likenesses, n_levels - 1) where levels begin, finer at the top, where pairs of one product are; inf for none.

    Each level but the last holds half of the pairs that the one below it left over.
    """
    edges = np.full((likeness.shape[1], n_levels - 1), np.inf)
    wanted = 1 - 0.5 ** np.arange(1, n_levels)
    for column in range(likeness.shape[1]):
        known = likeness[~np.isnan(likeness[:, column]), column]
        if len(known):
            # The midpoint to the next value that occurs: a value that half of the pairs share is not cut in two.
            values = np.unique(known)
            above = np.searchsorted(values, np.quantile(known, wanted), side="right")
            above = np.unique(above[above < len(values)])
            found = (values[above - 1].astype(np.float64) + values[above]) / 2
            edges[column, : len(found)] = found
    return edges


def levels_of(likeness: Dense, edges: NDArray[np.float64]) -> NDArray[np.int8]:
    """(n_pairs, n_likenesses) the level of each, -1 where it is not known."""
    levels = np.empty(likeness.shape, np.int8)
    for column in range(likeness.shape[1]):
        values = likeness[:, column]
        found = np.searchsorted(edges[column], values.astype(np.float64), side="right")
        levels[:, column] = np.where(np.isnan(values), -1, found)
    return levels


def log_odds(levels: NDArray[np.int8], mixture: Mixture) -> NDArray[np.float64]:
    """(n_pairs,) log2 odds that both are one product; what is not known counts nothing."""
    odds = np.full(len(levels), np.log2(mixture.share / (1 - mixture.share)))
    for column, weights in enumerate(mixture.weights()):
        odds += np.append(weights, 0.0)[levels[:, column]]
    return odds


def counted(levels: NDArray[np.int8], n_levels: int, same: NDArray[np.float64], damp: float) -> Mixture:
    """The mixture of pairs of which each is of one product with probability `same` (n_pairs,)."""
    m, u = (np.empty((levels.shape[1], n_levels)) for _ in range(2))
    for column in range(levels.shape[1]):
        known = levels[:, column] >= 0
        at, weight = levels[known, column], same[known]
        m[column] = np.bincount(at, weight, n_levels) + _LEAST
        u[column] = np.bincount(at, 1 - weight, n_levels) + _LEAST
    m /= m.sum(axis=1, keepdims=True)
    u /= u.sum(axis=1, keepdims=True)
    share = float(np.clip(same.mean(), 1e-6, 1 - 1e-6))
    return Mixture(*_rising(m, u), share, damp)


def _rising(m: NDArray[np.float64], u: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same with levels pooled so that a higher one never speaks against what a lower one speaks for."""
    for column in range(len(m)):
        stack: list[list[float]] = []  # sums of m and u, and how many levels
        for a, b in zip(m[column], u[column], strict=True):
            stack.append([a, b, 1])
            while len(stack) > 1 and stack[-2][0] * stack[-1][1] > stack[-1][0] * stack[-2][1]:
                a2, b2, n2 = stack.pop()
                stack[-1] = [stack[-1][0] + a2, stack[-1][1] + b2, stack[-1][2] + n2]
        sizes = [int(n) for _, _, n in stack]
        m[column] = np.repeat([a / n for a, _, n in stack], sizes)
        u[column] = np.repeat([b / n for _, b, n in stack], sizes)
    return m, u


def damping(likeness: Dense) -> float:
    """0..1: of so many likenesses, how many say something of their own, by the spread of their correlations."""
    there = ~np.isnan(likeness)
    values = np.where(there, likeness, 0).astype(np.float64)
    mean = values.sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    known = np.where(there, values, mean)
    moving = known[:, known.std(axis=0) > 1e-6]
    if moving.shape[1] < 2 or len(moving) < 3:
        return 1.0
    spread = np.linalg.eigvalsh(np.corrcoef(moving, rowvar=False))
    own = spread.sum() ** 2 / (spread**2).sum()
    return float(own / moving.shape[1])


def mixed(likeness: Dense, levels: NDArray[np.int8], n_levels: int, rounds: int, damp: float) -> Mixture:
    """The mixture that fits pairs of which nothing is told, by expectation and maximisation."""
    picked = np.linspace(0, len(levels) - 1, min(len(levels), SAMPLE)).astype(np.int64)
    levels = levels[picked]
    standing = _standing(likeness[picked])
    same = (standing >= np.quantile(standing, 0.9)).astype(np.float64) * 0.9 + 0.05
    mixture = counted(levels, n_levels, same, damp)
    before = -np.inf
    for _ in range(rounds):
        odds = log_odds(levels, mixture) * np.log(2)
        now = float(np.logaddexp(0, odds).mean())
        same = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
        mixture = counted(levels, n_levels, same, damp)
        if abs(now - before) < 1e-6:
            break
        before = now
    return mixture


def _standing(likeness: Dense) -> NDArray[np.float64]:
    """(n_pairs,) the mean place of each pair among the others over its likenesses, 0..1."""
    total, known = np.zeros(len(likeness)), np.zeros(len(likeness))
    for column in range(likeness.shape[1]):
        there = np.flatnonzero(~np.isnan(likeness[:, column]))
        if len(there):
            ordered = np.sort(likeness[there, column])
            low = np.searchsorted(ordered, likeness[there, column], side="left")
            high = np.searchsorted(ordered, likeness[there, column], side="right")
            total[there] += (low + high) / (2 * len(there))
            known[there] += 1
    return np.asarray(np.divide(total, known, out=np.zeros(len(total)), where=known > 0), np.float64)
