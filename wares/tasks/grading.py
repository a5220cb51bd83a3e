"""How good answers about classes are: level by level, how honest the probabilities, and what sureness costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Dense, Labels
from wares.data.schema import SEPARATOR
from wares.data.tree import Tree
from wares.errors import DataError
from wares.tasks.answering import Paths
from wares.tasks.levels import along_right, sureness
from wares.tasks.metrics import Estimate

BINS = 10
"""Points of a reliability curve."""


@dataclass(frozen=True, eq=False)
class Counts:
    """Right, said and true of each class, from which precision, recall and F1 follow.

    truth, said : (n,) class numbers. n_classes : of both.
    """

    truth: Labels
    said: Labels
    n_classes: int

    def f1(self, weights: NDArray[np.int64] | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n_classes,) F1, 0 where nothing is right; and how many are truly of the class. weights : (n,) of rows."""
        right, said, true = self._counted(weights)
        return 2 * right / np.maximum(said + true, 1), true

    def table(self) -> dict[str, float]:
        """Accuracy, and precision, recall and F1 as means of classes: macro, and weighted by how many there are.

        The classes are those that are true of something; weighted recall is accuracy.
        """
        right, said, true = self._counted(None)
        there = true > 0
        f1, _ = self.f1()
        share = true / max(true.sum(), 1)
        precision, recall = right / np.maximum(said, 1), right / np.maximum(true, 1)
        return {
            "accuracy": float(right.sum() / max(len(self.truth), 1)),
            "macro_precision": _mean(precision[there]),
            "macro_recall": _mean(recall[there]),
            "macro_f1": _mean(f1[there]),
            "weighted_precision": float(precision @ share),
            "weighted_f1": float(f1 @ share),
            "classes": int(there.sum()),
        }

    def _counted(self, weights: NDArray[np.int64] | None) -> list[NDArray[np.float64]]:
        hit = self.truth == self.said
        rows = np.ones(len(hit)) if weights is None else weights.astype(float)
        sides = ((self.truth[hit], rows[hit]), (self.said, rows), (self.truth, rows))
        return [np.asarray(np.bincount(each, count, self.n_classes), np.float64) for each, count in sides]


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def macro_f1(counts: Counts, weights: NDArray[np.int64] | None = None) -> float:
    """The mean F1 of the classes that are true of something."""
    f1, true = counts.f1(weights)
    return float(f1[true > 0].mean()) if (true > 0).any() else float("nan")


def weighted_f1(counts: Counts, weights: NDArray[np.int64] | None = None) -> float:
    """F1, each class as many times as it is true."""
    f1, true = counts.f1(weights)
    return float(f1 @ true / max(true.sum(), 1))


def accuracy(counts: Counts, weights: NDArray[np.int64] | None = None) -> float:
    """The share of rows that are right."""
    hit = counts.truth == counts.said
    return float(hit.mean() if weights is None else np.average(hit, weights=weights))


Measure = Callable[[Counts, NDArray[np.int64] | None], float]


def interval(
    measure: Measure, counts: Counts, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> Estimate:
    """A measure with its percentile interval over rows drawn with replacement."""
    values = [measure(counts, drawn) for drawn in _draws(len(counts.truth), resamples, seed)]
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(measure(counts, None), float(low), float(high), len(counts.truth))


def paired(
    measure: Measure, ours: Counts, theirs: Counts, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> Estimate:
    """Ours - theirs on the same rows, with its interval: where that excludes 0, one is better."""
    if len(ours.truth) != len(theirs.truth):
        raise DataError(f"{len(ours.truth)} and {len(theirs.truth)} rows cannot be paired: both must judge the same")
    values = [measure(ours, drawn) - measure(theirs, drawn) for drawn in _draws(len(ours.truth), resamples, seed)]
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(measure(ours, None) - measure(theirs, None), float(low), float(high), len(ours.truth))


def _draws(n: int, resamples: int, seed: int) -> list[NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    return [np.bincount(rng.integers(0, max(n, 1), n), minlength=n) for _ in range(resamples)]


# -- paths -----------------------------------------------------------------------------------------------------------


def by_level(truth: Sequence[str], said: Sequence[str], level: int) -> Counts:
    """Compared down to a level, 0 for whole paths; a path that ends above stands for itself."""
    cut = [[SEPARATOR.join(path.split(SEPARATOR)[: level or None]) for path in each] for each in (truth, said)]
    _, codes = np.unique(np.array([*cut[0], *cut[1]]), return_inverse=True)
    codes = codes.astype(np.int64)
    return Counts(codes[: len(truth)], codes[len(truth) :], int(codes.max(initial=-1)) + 1)


def hierarchical(truth: Sequence[str], said: Sequence[str]) -> dict[str, float]:
    """Precision, recall and F1 over all nodes of the paths: half a path right is half right.

    Source: Kiritchenko, Matwin & Famili 2005, "Functional annotation of genes using hierarchical text categorization".
    """
    common = n_said = n_true = 0
    for right, answer in zip(truth, said, strict=True):
        one, other = right.split(SEPARATOR), answer.split(SEPARATOR) if answer else []
        common += next(
            (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
        )
        n_true, n_said = n_true + len(one), n_said + len(other)
    precision, recall = common / max(n_said, 1), common / max(n_true, 1)
    return {"precision": precision, "recall": recall, "f1": 2 * common / max(n_said + n_true, 1)}


def confusion(truth: Sequence[str], said: Sequence[str], most: int = 20) -> list[dict[str, Any]]:
    """The pairs most often taken for each other: true, said and rows, the most first."""
    pairs: dict[tuple[str, str], int] = {}
    for right, answer in zip(truth, said, strict=True):
        if right != answer:
            pairs[right, answer] = pairs.get((right, answer), 0) + 1
    first = sorted(pairs.items(), key=lambda each: (-each[1], each[0]))[:most]
    return [{"true": right, "said": answer, "rows": n} for (right, answer), n in first]


# -- honesty ---------------------------------------------------------------------------------------------------------


def reliability(
    probability: NDArray[np.floating], right: NDArray[np.bool_], bins: int = BINS
) -> list[dict[str, float]]:
    """Of products grouped by how sure the answer was: the mean probability said, the share right, and how many.

    Bins hold equally many products, so that each point is as trustworthy as the others.
    """
    order = np.argsort(probability, kind="stable")
    out = []
    for rows in np.array_split(order, min(bins, len(order))):
        if len(rows):
            said = float(np.mean(probability[rows], dtype=np.float64))
            out.append({"said": said, "right": float(right[rows].mean()), "rows": len(rows)})
    return out


def calibration_error(probability: NDArray[np.floating], right: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error: how far, on average, what was said is from what was right, in equal steps of 0..1.

    Source: Guo et al. 2017, arXiv:1706.04599.
    """
    if not len(probability):
        return float("nan")
    bin_of = np.minimum((np.asarray(probability) * bins).astype(int), bins - 1)
    counts = np.maximum(np.bincount(bin_of, minlength=bins), 1)
    gaps = np.abs(np.bincount(bin_of, probability, bins) / counts - np.bincount(bin_of, right, bins) / counts)
    return float(gaps @ np.bincount(bin_of, minlength=bins) / len(probability))


def grades(
    classes: Sequence[str],
    table: Dense,
    truth: Sequence[str],
    *,
    accuracies: Sequence[float] = (0.9, 0.95, 0.99),
    resamples: int = 0,
    seed: int = 0,
) -> dict[str, Any]:
    """Everything about the answers of one model, as plain values.

    classes, table : what it said, (n, n_classes). truth : (n,) paths; one that is no class counts as wrong. resamples :
    of the intervals of accuracy and macro-F1 by level, 0 for none.

    Keys: `levels` (by level and "path": accuracy, macro and weighted precision, recall, F1), `hierarchical`,
    `confusion`, `calibration_error`, `reliability`, `coverage` (threshold, share answered, share of these right),
    `at` (by accuracy wanted: the share answered).
    """
    if not len(truth):
        raise DataError("nothing to judge: no product has a label")
    every = Paths(sorted({*classes, *truth}))
    place = {path: row for row, path in enumerate(every.classes)}
    wide = np.zeros((len(table), len(every.classes)), np.float32)
    wide[:, [place[path] for path in classes]] = table
    best = every.best(wide)
    said = [every.classes[row] for row in best.tolist()]
    right = np.array([place[path] for path in truth], np.int64)
    depth = Tree.of(every.classes).depth
    levels: dict[str, Any] = {}
    for level in [*range(1, depth + 1), 0]:
        counts = by_level(truth, said, level)
        levels[str(level) if level else "path"] = counts.table()
        if resamples:
            levels[str(level) if level else "path"]["intervals"] = {
                name: interval(measure, counts, resamples=resamples, seed=seed).json()
                for name, measure in (("accuracy", accuracy), ("macro_f1", macro_f1))
            }
    probability = wide[np.arange(len(best)), best]
    curve = sureness(every, wide, right)
    good = along_right(every, best, right)
    along = every.along(wide, best)
    return {
        "rows": len(truth),
        "levels": levels,
        "hierarchical": hierarchical(truth, said),
        "confusion": confusion(truth, said),
        "calibration_error": calibration_error(probability, best == right),
        "calibration_error_top": calibration_error(along[:, 0], good[:, 0]),
        "reliability": reliability(probability, best == right),
        "coverage": [
            {"threshold": threshold, "answered": answered, "right": share}
            for threshold, answered, share in curve.tolist()
        ],
        "at": {str(each): _answered(curve, each) for each in accuracies},
    }


def _answered(curve: NDArray[np.float64], accuracy: float) -> float:
    """The share that is answered when so many of the answers shall be right; known only on looking back."""
    good = curve[curve[:, 2] >= accuracy]
    return float(good[:, 1].max(initial=0.0))
