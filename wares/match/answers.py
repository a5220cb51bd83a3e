"""What matchers share: their input checked, answers where none are told, and odds made probabilities."""

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Dense
from wares.errors import DataError
from wares.match import levels

MANY = 300
"""Pairs of either kind from which on the curve from odds to probabilities may have any rising form."""


def checked(likeness: Dense, n_likenesses: int | None = None) -> NDArray[np.float32]:
    """(n_pairs, n_likenesses) float32. Raises DataError for another shape, and for infinite values."""
    table = np.asarray(likeness, np.float32)
    if table.ndim != 2 or not table.shape[1]:
        raise DataError(f"likenesses have shape {table.shape}; expected (n_pairs, n_likenesses)")
    if n_likenesses is not None and table.shape[1] != n_likenesses:
        raise DataError(f"pairs have {table.shape[1]} likenesses; this matcher learned from {n_likenesses}")
    if np.isinf(table).any():
        raise DataError("a likeness is infinite; they are 0 to 1, and NaN where nothing is known")
    return table


def told(same: NDArray[np.bool_] | None, likeness: Dense) -> NDArray[np.bool_] | None:
    """(n_pairs,) the answers. Raises DataError where they do not fit, or are all alike."""
    if not len(likeness):
        raise DataError("there are no pairs to learn from")
    if same is None:
        return None
    answers = np.asarray(same)
    if answers.shape != (len(likeness),) or not np.isin(answers, (0, 1)).all():
        raise DataError(f"answers have shape {answers.shape}; expected ({len(likeness)},), each true or false")
    answers = answers.astype(np.bool_)
    if answers.all() or not answers.any():
        which = "one product" if answers.all() else "two products"
        raise DataError(f"all {len(answers)} answers say {which}; to learn, pairs of both kinds are needed")
    return answers


def guessed(likeness: Dense, n_levels: int = 6, rounds: int = 50) -> NDArray[np.bool_]:
    """(n_pairs,) answers where none are told: what a mixture of two kinds of pairs finds likelier than not."""
    edges = levels.edges_of(likeness, n_levels)
    found = levels.levels_of(likeness, edges)
    mixture = levels.mixed(likeness, found, n_levels, rounds, levels.damping(likeness))
    odds = levels.log_odds(found, mixture)
    answers = odds > 0
    if answers.all() or not answers.any():  # one kind only: then what is alike most stands against all others
        answers = odds >= np.quantile(odds, 0.9)
        if answers.all():
            answers[0] = False
    return answers


def folds_of(same: NDArray[np.bool_], folds: int, seed: int) -> NDArray[np.int64]:
    """(n_pairs,) the fold of each, both kinds spread evenly; fewer folds where a kind has few pairs."""
    folds = max(1, min(folds, int(same.sum()), int((~same).sum())))
    rng = np.random.default_rng(seed)
    out = np.empty(len(same), np.int64)
    for kind in (True, False):
        rows = rng.permutation(np.flatnonzero(same == kind))
        out[rows] = np.arange(len(rows)) % folds
    return out


def curve(odds: NDArray[np.float64], same: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(2, n) points of a rising curve from a matcher's own log odds to those that hold, learned from pairs it had not
    seen: a line (Platt 1999), or any rising form (isotonic, Zadrozny & Elkan 2002) where there are many."""
    from sklearn.isotonic import IsotonicRegression  # long to import
    from sklearn.linear_model import LogisticRegression

    line = LogisticRegression(C=10.0, max_iter=200).fit(odds[:, None], same)
    slope, shift = max(float(line.coef_[0, 0]), 1e-3), float(line.intercept_[0])
    low, high = float(odds.min()), float(odds.max()) + 1e-6
    if min(int(same.sum()), int((~same).sum())) < MANY:
        x = np.array([low, high])
        return np.stack([x, slope * x + shift])
    fitted = IsotonicRegression(out_of_bounds="clip").fit(odds, same)
    x = np.quantile(odds, np.linspace(0, 1, 200))
    x = np.unique(np.concatenate([x, np.quantile(odds[same], np.linspace(0, 1, 100))]))
    smooth = np.convolve(np.pad(fitted.predict(x), 4, mode="edge"), np.ones(9) / 9, mode="valid")
    bounded = np.clip(smooth, 0.5 / len(odds), 1 - 0.5 / len(odds))
    # A little of the line: steps of the other are flat, and what is likelier has to stay likelier.
    return np.stack([x, 0.9 * np.log(bounded / (1 - bounded)) + 0.1 * (slope * x + shift)])


def straightened(odds: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds through a curve; beyond its ends it goes on as it ended."""
    x, y = np.asarray(points)
    out = np.interp(odds, x, y)
    slope = max(float((y[-1] - y[0]) / (x[-1] - x[0])), 1e-3) if len(x) > 1 else 1.0
    return np.asarray(out + slope * (np.minimum(odds - x[0], 0) + np.maximum(odds - x[-1], 0)), np.float64)


def probability_of(odds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Natural log odds to 0..1."""
    return (1 / (1 + np.exp(-np.clip(odds, -60, 60)))).astype(np.float32)
