"""Labellers tried on labelled products: judged on what they were not shown, compared, and their settings searched."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import clone

from wares.algorithm import Classifier, Labeller
from wares.arrays import Labels, Rows
from wares.data.catalog import Catalog
from wares.errors import DataError, SettingError, did_you_mean
from wares.registry import make
from wares.tasks.answering import Paths
from wares.tasks.grading import accuracy, by_level, grades, macro_f1, paired
from wares.tasks.holding_out import HeldOut, Names, folds_of, held_out, picked, same_names
from wares.tasks.metrics import Estimate


@dataclass(frozen=True, eq=False)
class Trial:
    """One labeller judged: `report` of `grading.grades`, what it said of each product, and seconds of learning."""

    name: str
    report: Mapping[str, Any]
    truth: Sequence[str]
    said: Sequence[str]
    seconds: float


def judge(
    labeller: Labeller,
    catalog: Catalog,
    y: Names,
    *,
    folds: int = 5,
    groups: Labels | None = None,
    name: str = "",
    resamples: int = 200,
    seed: int = 0,
) -> Trial:
    """Stratified cross-validation; products of one group never stand on both sides.

    groups : (n,) numbers; by default products of the same name are one group. Raises DataError where no two labelled
    groups are there.
    """
    start = perf_counter()
    where = folds_of(y, same_names(catalog) if groups is None else groups, _folds(folds), seed)
    found = held_out(labeller, catalog, {"label": y}, where)
    return _judged(found, y, name or type(labeller).__name__.lower(), perf_counter() - start, resamples, seed)


def _folds(folds: int) -> int:
    if folds < 2:
        raise SettingError(f"folds={folds}: at least 2 are needed, so that something is held out")
    return folds


def _judged(found: HeldOut, y: Names, name: str, seconds: float, resamples: int, seed: int) -> Trial:
    rows = found.rows
    truth = [str(y[row]) for row in rows.tolist()]
    classes, table = found.classes["label"].tolist(), found.tables["label"][rows]
    report = grades(classes, table, truth, resamples=resamples, seed=seed)
    said = [classes[row] for row in Paths(classes).best(table).tolist()]
    return Trial(name, report, truth, said, seconds)


def compare(ours: Trial, theirs: Trial, *, resamples: int = 1000, seed: int = 0) -> dict[str, Estimate]:
    """Ours - theirs in accuracy and macro-F1 of whole paths, paired by product, with intervals.

    Raises DataError where they were not judged on the same products.
    """
    if list(ours.truth) != list(theirs.truth):
        raise DataError(f"{ours.name} and {theirs.name} were not judged on the same products")
    counts = by_level(ours.truth, ours.said, 0), by_level(theirs.truth, theirs.said, 0)
    return {
        name: paired(measure, *counts, resamples=resamples, seed=seed)
        for name, measure in (("accuracy", accuracy), ("macro_f1", macro_f1))
    }


# -- settings --------------------------------------------------------------------------------------------------------


METHODS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "linear": [{"C": each} for each in (0.1, 0.3, 1.0, 3.0)]
    + [{"loss": "logistic", "C": each} for each in (3.0, 30.0)],
    "naive_bayes": [{}],
    "knn": [{}],
}
"""Classifiers worth a try on rows of text, by name, and their settings; trees and networks take far longer."""


def choices(methods: Mapping[str, Sequence[Mapping[str, Any]]] = METHODS, **settings: Any) -> list[Labeller]:
    """Labellers of views with each of these classifiers, to search among. settings : of the views."""
    return [
        make(Labeller, "views", classifier=make(Classifier, name, **each), **settings)
        for name, every in methods.items()
        for each in every
    ]


@dataclass(frozen=True, eq=False)
class Search:
    """best : an unfitted labeller with the settings that did best. tried : of each its settings, score, rows it learned
    from and seconds, the best first. stopped : whether time ran out before all were tried on everything."""

    best: Labeller
    tried: Sequence[Mapping[str, Any]]
    stopped: bool


def search(
    choices: Sequence[Labeller],
    catalog: Catalog,
    y: Names,
    *,
    seconds: float = 300.0,
    measure: str = "macro_f1",
    held: float = 0.25,
    seed: int = 0,
    clock: Callable[[], float] = perf_counter,
) -> Search:
    """The best of some unfitted labellers on products held out, within a time.

    By successive halving: all are tried on few products, the better third on three times as many, and so on. When time
    is up, the best of those tried on the most products wins. measure : of `grading.Counts.table`. Raises DataError
    where nothing can be held out, SettingError for no choice.

    Source: Jamieson & Talwalkar 2016, arXiv:1502.07943.
    """
    if not choices:
        raise SettingError("nothing to choose from: give labellers with different settings")
    if measure not in (known := by_level([""], [""], 0).table()):
        raise SettingError(f"measure {measure!r}: there are {', '.join(known)}{did_you_mean(measure, known)}")
    folds = folds_of(y, same_names(catalog), max(2, round(1 / held)), seed)
    test, train = np.flatnonzero(folds == 0), np.flatnonzero(folds > 0)
    if not len(test) or not len(train):
        raise DataError(f"{int((folds >= 0).sum())} labelled products: too few to hold some out")
    train = np.random.default_rng(seed).permutation(train)
    rounds = max(0, int(np.ceil(np.log(len(choices)) / np.log(3)))) if len(train) > 500 else 0
    left = list(range(len(choices)))
    tried: list[dict[str, Any]] = []
    end, stopped = clock() + seconds, False
    for turn in range(rounds, -1, -1):
        rows = train[: max(100, len(train) // 3**turn)]
        scores: dict[int, float] = {}
        for number in left:
            if stopped := bool(tried) and clock() >= end:
                break
            start = clock()
            scores[number] = _score(choices[number], catalog, y, rows, test, measure)
            tried.append({"choice": number, "rows": len(rows), measure: scores[number], "seconds": clock() - start})
        if stopped:
            break
        left = sorted(scores, key=lambda each: (-scores[each], each))[: max(1, -(-len(left) // 3))]
    order = sorted(tried, key=lambda each: (-each["rows"], -each[measure], each["choice"]))
    told = [{**each, "settings": _said(choices[each["choice"]])} for each in order]
    return Search(clone(choices[order[0]["choice"]]), told, stopped)


def _score(labeller: Labeller, catalog: Catalog, y: Names, train: Rows, test: Rows, measure: str) -> float:
    """The measure on some products of a copy that learned from others."""
    fitted: Any = clone(labeller).fit(picked(catalog, train), {"label": [y[row] for row in train.tolist()]})
    classes = np.asarray(fitted.classes_["label"]).tolist()
    best = Paths(classes).best(fitted.predict_proba(picked(catalog, test))["label"])
    return by_level([str(y[row]) for row in test.tolist()], [classes[each] for each in best.tolist()], 0).table()[
        measure
    ]


def _said(labeller: Labeller) -> str:
    return " ".join(repr(labeller).split())
