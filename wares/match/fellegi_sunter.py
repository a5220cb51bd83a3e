"""Record linkage by levels of agreement."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Matcher, setting
from wares.arrays import Dense
from wares.match import answers, levels


@dataclass(kw_only=True, eq=False)
class FellegiSunter(Matcher):
    """Levels of agreement, each weighed by how much oftener pairs of one product have it; needs no labels.

    Choose it where no pair has been judged, or where every weight has to be read. Time O(pairs x likenesses) a round,
    of 200,000 pairs at most; memory one byte a likeness.

    Settings
    --------
    levels : of each likeness at most; each but the top one holds half of the pairs that those below it left over.
    rounds : of expectation and maximisation at most, where no answers are told.
    damped : weigh all likenesses less by how much they repeat each other: they are added up as if each spoke for
        itself, and titles that share their words share their letters too.
    folds : with answers, probabilities are set right on pairs that the weights were not learned from.
    seed : of the folds.

    Learned
    -------
    edges_ : (n_likenesses, levels - 1) float64, where each level begins, inf for none. m_, u_ : (n_likenesses, levels)
    float64, how often pairs of one product, and others, have each level; rows sum to 1. weights_ : (n_likenesses,
    levels) float64, log2. base_ : log2 odds of a pair of which nothing is known. curve_ : (2, n), from natural log odds
    to those that hold.

    Source: Fellegi & Sunter 1969, doi:10.1080/01621459.1969.10501049; EM of Winkler 1988.
    """

    levels: int = setting(8, low=2, high=60)
    rounds: int = setting(100, low=1)
    damped: bool = True
    folds: int = setting(5, low=1)
    seed: int = setting(0, low=0)

    def fit(self, likeness: Dense, same: NDArray[np.bool_] | None = None) -> Self:
        """Learn the weights: from the answers, or else as the mixture of two kinds of pairs that fits best."""
        self._check()
        table = answers.checked(likeness)
        known = answers.told(same, table)
        self.edges_ = levels.edges_of(table, self.levels)
        found = levels.levels_of(table, self.edges_)
        damp = levels.damping(table) if self.damped else 1.0
        if known is None:
            mixture = levels.mixed(table, found, self.levels, self.rounds, damp)
            self.curve_ = np.array([[-1.0, 1.0], [-1.0, 1.0]])
        else:
            mixture = levels.counted(found, self.levels, known.astype(np.float64), damp)
            self.curve_ = answers.curve(self._unseen(found, known, damp), known)
        self.m_, self.u_, self.weights_ = mixture.m, mixture.u, mixture.weights()
        self.base_ = float(np.log2(mixture.share / (1 - mixture.share)))
        return self

    def _unseen(self, found: NDArray[np.int8], known: NDArray[np.bool_], damp: float) -> NDArray[np.float64]:
        """(n_pairs,) natural log odds of each pair by weights learned from the others."""
        fold, odds = answers.folds_of(known, self.folds, self.seed), np.empty(len(known))
        for number in range(int(fold.max()) + 1):
            out = fold == number
            rest = ~out if not out.all() else out
            mixture = levels.counted(found[rest], self.levels, known[rest].astype(np.float64), damp)
            odds[out] = levels.log_odds(found[out], mixture)
        return np.asarray(odds * np.log(2), np.float64)

    def contributions(self, likeness: Dense) -> NDArray[np.float64]:
        """(n_pairs, n_likenesses) log2 of how much likelier each makes one product; with `base_` they make the odds.

        What is not known adds nothing.
        """
        self._ready()
        table = answers.checked(likeness, len(self.weights_))
        found = levels.levels_of(table, np.asarray(self.edges_))
        padded = np.concatenate([self.weights_, np.zeros((len(self.weights_), 1))], axis=1)
        return np.asarray(padded[np.arange(len(padded)), found], np.float64)

    def probability(self, likeness: Dense) -> NDArray[np.float32]:
        """(n_pairs,) in 0..1."""
        odds = (self.contributions(likeness).sum(axis=1) + self.base_) * np.log(2)
        return answers.probability_of(answers.straightened(odds, self.curve_))
