"""Logistic regression over likenesses."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from wares.algorithm import Matcher, setting
from wares.arrays import Dense
from wares.match import answers


@dataclass(kw_only=True, eq=False)
class Linear(Matcher):
    """A weighted sum of likenesses: logistic regression.

    Choose it where a few dozen pairs have been judged, or where the judged ones are of other products than those asked
    about: it goes wrong the least far from what it has seen. Time O(pairs x likenesses²), memory O(pairs x likenesses).

    Settings
    --------
    C : how little the weights are held back.
    rising : hold weights to what likenesses are: more of one never makes one product less likely.
    folds : probabilities are set right on pairs that the weights were not learned from.
    seed : of the folds.

    Learned
    -------
    mean_, weights_ : (n_likenesses,) float64; a likeness adds weight x (value - mean), and nothing where it is not
    known. base_ : log2 odds of a pair average in all. curve_ : (2, n), from natural log odds to those that hold.

    Source: Platt 1999 for the probabilities.
    """

    C: float = setting(0.1, low=1e-6)
    rising: bool = True
    folds: int = setting(5, low=1)
    seed: int = setting(0, low=0)

    def fit(self, likeness: Dense, same: NDArray[np.bool_] | None = None) -> Self:
        """Learn the weights; without answers, from those of the pairs that a mixture of two kinds is sure of."""
        self._check()
        table = answers.checked(likeness)
        known = answers.told(same, table)
        truth = answers.guessed(table) if known is None else known
        self.mean_, self.weights_, self.base_ = self._learned(table, truth)
        fold, odds = answers.folds_of(truth, self.folds, self.seed), np.empty(len(truth))
        for number in range(int(fold.max()) + 1):
            out = fold == number
            rest = ~out if not out.all() else out
            mean, weights, base = self._learned(table[rest], truth[rest])
            odds[out] = (np.nan_to_num(table[out] - mean) @ weights + base) * np.log(2)
        self.curve_ = answers.curve(odds, truth)
        return self

    def _learned(
        self, table: NDArray[np.float32], same: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        known = ~np.isnan(table)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, table, 0).sum(axis=0, dtype=np.float64) / count
        centred = np.nan_to_num(table - mean)
        spread = np.sqrt((centred**2).sum(axis=0) / count)
        spread[spread < 1e-9] = np.inf  # a likeness that is always the same tells nothing
        weights, start = _logistic(centred / spread, same, self.C, self.rising)
        return mean, weights / spread / np.log(2), start / np.log(2)

    def contributions(self, likeness: Dense) -> NDArray[np.float64]:
        """(n_pairs, n_likenesses) log2 of how much likelier each makes one product; with `base_` they make the odds."""
        self._ready()
        table = answers.checked(likeness, len(self.weights_))
        return np.asarray(np.nan_to_num(table - self.mean_) * self.weights_, np.float64)

    def probability(self, likeness: Dense) -> NDArray[np.float32]:
        """(n_pairs,) in 0..1."""
        odds = (self.contributions(likeness).sum(axis=1) + self.base_) * np.log(2)
        return answers.probability_of(answers.straightened(odds, self.curve_))


def _logistic(
    table: NDArray[np.float64], same: NDArray[np.bool_], C: float, rising: bool
) -> tuple[NDArray[np.float64], float]:
    """Weights and start of a logistic regression with a penalty on the squares of the weights, none below 0 where
    `rising`; by L-BFGS-B."""
    signs = np.where(same, 1.0, -1.0)

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, start = values[:-1], values[-1]
        margin = signs * (table @ weights + start)
        pull = -signs / (1 + np.exp(np.clip(margin, -60, 60)))
        total = np.logaddexp(0, -margin).sum() * C + weights @ weights / 2
        return float(total), np.append(table.T @ pull * C + weights, pull.sum() * C)

    bounds = [(0.0 if rising else None, None)] * table.shape[1] + [(None, None)]
    found = minimize(loss, np.zeros(table.shape[1] + 1), jac=True, bounds=bounds, method="L-BFGS-B")
    return np.asarray(found.x[:-1], np.float64), float(found.x[-1])
