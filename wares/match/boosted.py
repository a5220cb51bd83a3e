"""Gradient boosted trees over likenesses."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from wares.algorithm import Matcher, setting
from wares.arrays import Dense
from wares.kernels import trees as kernel
from wares.kernels.trees import LEAF, Trees
from wares.match import answers


@dataclass(kw_only=True, eq=False)
class Boosted(Matcher):
    """Boosted trees in which a greater likeness never speaks against; the mean of several learned from parts.

    Choose it where some hundred pairs have been judged. Time O(trees x pairs x likenesses), memory one byte a likeness.

    Settings
    --------
    trees : in each of the models. rate : how much of what is left each tree takes over. leaves : of a tree at most.
    least : pairs in a leaf; fewer where few are judged. penalty : on the values of leaves. columns : share of the
        likenesses that each split chooses among.
    rising : hold trees to what likenesses are: more of one never makes one product less likely.
    folds, repeats : models learned, each from all folds but one; on that one its probabilities are set right.
    seed : of folds and trees.

    Learned
    -------
    columns_, cuts_, left_, right_, unknown_left_, values_, roots_ : see `wares.kernels.trees.Trees`; n_likenesses_.
    base_ : log2 odds of a pair in the mean. curve_ : (2, n), from natural log odds to those that hold.

    Source: Friedman 2001, doi:10.1214/aos/1013203451; trees by scikit-learn's HistGradientBoostingClassifier.
    """

    trees: int = setting(150, low=1)
    rate: float = setting(0.06, low=1e-4, high=1.0)
    leaves: int = setting(12, low=2)
    least: int = setting(10, low=1)
    penalty: float = setting(1.0, low=0.0)
    columns: float = setting(0.5, low=0.01, high=1.0)
    rising: bool = True
    folds: int = setting(5, low=1)
    repeats: int = setting(1, low=1)
    seed: int = setting(0, low=0)

    def fit(self, likeness: Dense, same: NDArray[np.bool_] | None = None) -> Self:
        """Learn the trees; without answers, from those of the pairs that a mixture of two kinds is sure of."""
        self._check()
        table = answers.checked(likeness)
        known = answers.told(same, table)
        truth = answers.guessed(table) if known is None else known
        models: list[Trees] = []
        base, odds = 0.0, np.zeros(len(truth))
        for repeat in range(self.repeats):
            fold = answers.folds_of(truth, self.folds, self.seed + repeat)
            for number in range(int(fold.max()) + 1):
                out = fold == number
                rest = ~out if not out.all() else out
                model = self._model(table[rest], truth[rest], self.seed + len(models))
                start, grown = _trees(model)
                models.append(grown)
                base += start + grown.values[grown.roots].sum()
                odds[out] += start + kernel.sums(grown, table[out])
        self.n_likenesses_ = table.shape[1]
        self.curve_ = answers.curve(odds / self.repeats, truth)
        self.base_ = float(base / len(models) / np.log(2))
        for name, value in _joined(models)._asdict().items():
            setattr(self, f"{name}_", value)
        return self

    def _model(self, table: NDArray[np.float32], same: NDArray[np.bool_], seed: int) -> Any:
        rare = int(min(same.sum(), (~same).sum()))
        model = HistGradientBoostingClassifier(
            max_iter=self.trees,
            learning_rate=self.rate,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=max(1, min(self.least, rare // 4)),
            l2_regularization=self.penalty,
            max_features=self.columns,
            monotonic_cst=np.ones(table.shape[1], np.int64) if self.rising else None,
            early_stopping=False,
            random_state=seed,
        )
        table = np.where(np.isnan(table).all(axis=0), np.float32(0), table)  # it cannot bin what nobody knows
        with threadpool_limits(1, "openmp"):  # sums of several threads depend on which is done first
            return model.fit(table, same)

    def _trees(self) -> Trees:
        self._ready()
        return Trees(self.columns_, self.cuts_, self.left_, self.right_, self.unknown_left_, self.values_, self.roots_)

    def contributions(self, likeness: Dense) -> NDArray[np.float64]:
        """(n_pairs, n_likenesses) log2 of how much likelier each makes one product; with `base_` they make the odds.

        Each step down a tree counts for the likeness it reads (Saabas 2014).
        """
        trees = self._trees()
        table = answers.checked(likeness, self.n_likenesses_)
        return np.asarray(kernel.shares(trees, table) / np.log(2), np.float64)

    def probability(self, likeness: Dense) -> NDArray[np.float32]:
        """(n_pairs,) in 0..1."""
        trees = self._trees()
        table = answers.checked(likeness, self.n_likenesses_)
        start = self.base_ * np.log(2) - np.asarray(trees.values)[trees.roots].sum()
        return answers.probability_of(answers.straightened(start + kernel.sums(trees, table), self.curve_))


def _trees(model: Any) -> tuple[float, Trees]:
    """The odds that a model begins with, and its trees."""
    nodes = [tree.nodes for (tree,) in model._predictors]
    starts = np.cumsum([0, *(len(each) for each in nodes)])
    every = np.concatenate(nodes)
    offsets = np.repeat(starts[:-1], np.diff(starts)).astype(np.int32)
    leaf = every["is_leaf"].astype(np.bool_)
    grown = Trees(
        np.where(leaf, LEAF, every["feature_idx"]).astype(np.int32),
        every["num_threshold"].astype(np.float64),
        every["left"].astype(np.int32) + offsets,
        every["right"].astype(np.int32) + offsets,
        every["missing_go_to_left"].astype(np.bool_),
        np.where(leaf, every["value"], 0.0),
        starts[:-1].astype(np.int32),
    )
    counts = every["count"].astype(np.float64)
    for node in np.flatnonzero(~leaf)[np.argsort(-every["depth"][~leaf].astype(np.int64), kind="stable")]:
        below = [grown.left[node], grown.right[node]]
        grown.values[node] = np.average(grown.values[below], weights=counts[below])
    return float(model._baseline_prediction[0, 0]), grown


def _joined(models: list[Trees]) -> Trees:
    """The trees of all models as those of one, which is their mean."""
    shift = np.cumsum([0, *(len(each.values) for each in models)])
    moved = [
        each._replace(
            left=each.left + np.int32(start),
            right=each.right + np.int32(start),
            roots=each.roots + np.int32(start),
            values=each.values / len(models),
        )
        for each, start in zip(models, shift[:-1].tolist(), strict=True)
    ]
    return Trees(*(np.concatenate(parts) for parts in zip(*moved, strict=True)))
