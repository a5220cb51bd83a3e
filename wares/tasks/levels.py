"""Levels of paths: what a labeller learns of each, their weights, and how sure answers are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from wares.arrays import Dense, Labels
from wares.data.schema import SEPARATOR
from wares.tasks.answering import Paths
from wares.tasks.holding_out import Names

HELD_BACK = 4.0
"""How far weights of levels are held back, in products: a few perfect answers would want endless ones."""


def level_name(target: str, level: int) -> str:
    """What the part calls a level of a target."""
    return f"{target}:{level or 'path'}"


def head(path: str, level: int) -> str:
    """The beginning of a path down to a level, 0 for all of it.

    One that ends above says so: "Shoes" itself is not what is somewhere below "Shoes".
    """
    steps = path.split(SEPARATOR)
    if not level or len(steps) == level:
        return path
    return SEPARATOR.join(steps[:level]) if len(steps) > level else path + SEPARATOR


def levels_of(classes: NDArray[Any]) -> list[int]:
    """The levels that tell some classes apart, each more than the one before, and 0, the whole path, at the end."""
    depth = max(path.count(SEPARATOR) for path in classes.tolist()) + 1
    counts = [len({head(path, level) for path in classes.tolist()}) for level in range(1, depth + 1)]
    telling = [level for level, n in enumerate(counts, 1) if max([1, *counts[: level - 1]]) < n < len(classes)]
    return [*telling, 0]


def named(y: Mapping[str, Names], levels: Mapping[str, list[int]]) -> dict[str, list[str | None]]:
    """What the part learns: of each target and level the beginning of each product's path; whole paths last."""
    return {
        level_name(target, level): [None if each is None else head(each, level) for each in names]
        for target, names in y.items()
        for level in levels[target]
    }


def joined(logs: Sequence[Dense], weights: NDArray[np.float64]) -> Dense:
    """(n, n_classes) float32 from the weighted sum of the levels."""
    total = _weighted(logs, weights)
    table = np.exp(total - total.max(axis=1, keepdims=True))
    table /= table.sum(axis=1, keepdims=True)
    return np.asarray(table, np.float32)


def _weighted(logs: Sequence[Dense], weights: NDArray[np.float64]) -> Dense:
    total = np.zeros_like(logs[0])
    for weight, each in zip(weights, logs, strict=True):
        total += np.float32(weight) * each
    return total


def level_weights(logs: Sequence[Dense], truth: Labels) -> NDArray[np.float64]:
    """(n_levels,) at least 0: under which the right classes are the likeliest on average."""
    rows = np.arange(len(truth))
    own = np.array([each[rows, truth] for each in logs])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total = _weighted(logs, weights)
        top = total.max(axis=1, keepdims=True)
        shares = np.exp(total - top)
        sums = shares.sum(axis=1, keepdims=True)
        value = float(np.mean(np.log(sums[:, 0]) + top[:, 0] - weights @ own))
        shares /= sums
        slope = np.array([float(np.mean((shares * each).sum(axis=1))) for each in logs]) - own.mean(axis=1)
        pull = HELD_BACK / len(truth) * (weights - 1 / len(logs))
        return value + 0.5 * float(pull @ (weights - 1 / len(logs))), slope + pull

    start = np.full(len(logs), 1 / len(logs))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 20.0)] * len(logs))
    return np.asarray(found.x if found.x.sum() > 1e-3 else start, np.float64)


def sureness(paths: Paths, table: Dense, truth: Labels, points: int = 200) -> NDArray[np.float64]:
    """(m, 3): threshold, share of products with an answer of one level at least, and share of these that is right.

    An answer is right when the product's own class is at or below it. Thresholds rise.
    """
    best = paths.best(table)
    along = paths.along(table, best)
    levels = paths.levels[best]
    right = along_right(paths, best, truth)
    found = []
    grid = np.unique(
        np.concatenate([[0.0], np.quantile(along[along > 0], np.linspace(0, 1, points), method="nearest")])
    )
    for threshold in grid.tolist():
        deep = (np.where(np.arange(along.shape[1]) < levels[:, None], along, -1) >= threshold).sum(axis=1)
        answered = deep > 0
        if not answered.any():
            break
        good = right[np.arange(len(best)), np.maximum(deep - 1, 0)][answered]
        found.append((threshold, float(answered.mean()), float(good.mean())))
    return np.array(found, np.float64).reshape(-1, 3)


def along_right(paths: Paths, best: Labels, truth: Labels) -> NDArray[np.bool_]:
    """(n, depth) whether each level of the path of a class is at or above the right one."""
    said, right = paths.tree.ancestors[paths.own[best]], paths.tree.ancestors[paths.own[truth]]
    return np.asarray((said == right) & (said >= 0))
