"""Judging answers about classes: against scikit-learn, by hand, and what warns of too good a judgement."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_fscore_support
from small_labeller import Words
from test_tasks_taxonomy import shop, titled

from wares.data.catalog import Catalog
from wares.errors import DataError, SettingError
from wares.tasks.grading import (
    Counts,
    by_level,
    calibration_error,
    confusion,
    grades,
    hierarchical,
    interval,
    macro_f1,
    paired,
    reliability,
    weighted_f1,
)
from wares.tasks.holding_out import folds_of, held_out, same_names
from wares.tasks.leaking import leaks
from wares.tasks.trying import choices, compare, judge, search

rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=40)
@given(rows)
def test_means_over_classes_are_scikit_learns(pairs: list[tuple[int, int]]):
    truth, said = np.array(pairs).T
    got = Counts(truth, said, 5).table()
    there = np.unique(truth)
    p, r, f, _ = precision_recall_fscore_support(truth, said, labels=there, average="macro", zero_division=0)
    assert (got["macro_precision"], got["macro_recall"], got["macro_f1"]) == pytest.approx((p, r, f))
    assert got["weighted_f1"] == pytest.approx(f1_score(truth, said, average="weighted", labels=there, zero_division=0))
    assert got["accuracy"] == pytest.approx(np.mean(truth == said))
    assert got["classes"] == len(there)


def test_weights_count_a_row_as_often_as_it_is_drawn():
    counts = Counts(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)
    twice = Counts(np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1]), 2)
    drawn = np.array([1, 2, 1, 0])
    assert macro_f1(counts, drawn) == pytest.approx(macro_f1(twice))
    assert weighted_f1(counts, drawn) == pytest.approx(weighted_f1(twice))


def test_levels_are_compared_one_by_one():
    truth = ["A > B > C", "A > B > C", "D", "A > E"]
    said = ["A > B > X", "A > E", "D", "A > E"]
    assert [by_level(truth, said, level).table()["accuracy"] for level in (1, 2, 3, 0)] == [1.0, 0.75, 0.5, 0.5]
    found = hierarchical(truth, said)
    assert found["precision"] == pytest.approx((2 + 1 + 1 + 2) / 8)
    assert found["recall"] == pytest.approx(6 / 9)
    assert found["f1"] == pytest.approx(12 / 17)
    assert hierarchical(["A > B"], [""]) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert confusion(truth, said)[0] == {"true": "A > B > C", "said": "A > B > X", "rows": 1}


def test_honest_probabilities_have_no_calibration_error():
    probability = np.repeat([0.25, 0.75], 400)
    right = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 != 0])
    assert calibration_error(probability, right) == pytest.approx(0, abs=1e-9)
    assert calibration_error(np.full(10, 0.9), np.zeros(10, bool)) == pytest.approx(0.9)
    assert np.isnan(calibration_error(np.empty(0), np.empty(0, bool)))
    curve = reliability(probability, right, bins=2)
    assert [(each["said"], each["right"], each["rows"]) for each in curve] == [(0.25, 0.25, 400), (0.75, 0.75, 400)]


def test_an_interval_holds_the_value_and_pairs_show_small_differences():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 400)
    worse = np.where(rng.random(400) < 0.7, truth, (truth + 1) % 3)
    better = np.where(rng.random(400) < 0.4, truth, worse)
    one, other = Counts(truth, better, 3), Counts(truth, worse, 3)
    alone = interval(macro_f1, one, resamples=200)
    assert alone.low < alone.mean < alone.high
    gap = paired(macro_f1, one, other, resamples=200)
    assert gap.low > 0
    assert paired(macro_f1, one, one, resamples=50).high == 0
    with pytest.raises(DataError, match="cannot be paired"):
        paired(macro_f1, one, Counts(truth[:9], better[:9], 3))


def test_grades_tell_all_of_a_table():
    classes = ["A > B", "A > C", "D"]
    table = np.array([[0.8, 0.1, 0.1], [0.4, 0.5, 0.1], [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]], np.float32)
    found = grades(classes, table, ["A > B", "A > B", "D", "E"], resamples=20)
    assert found["levels"]["1"]["accuracy"] == 0.75
    assert found["levels"]["path"]["accuracy"] == 0.5
    assert found["levels"]["path"]["intervals"]["accuracy"]["n"] == 4
    assert found["coverage"][0] == {"threshold": 0.0, "answered": 1.0, "right": 0.5}
    assert found["at"]["0.99"] == 0.75, "cut where 'A > C' is not sure, 'A' is right"
    with pytest.raises(DataError, match="nothing to judge"):
        grades(classes, table[:0], [])


# -- held out --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 6)), min_size=1, max_size=40),
    st.integers(2, 4),
)
def test_groups_are_never_parted_and_classes_are_spread(pairs: list[tuple[str | None, int]], folds: int):
    y, groups = [each[0] for each in pairs], np.array([each[1] for each in pairs])
    found = folds_of(y, groups, folds)
    known = np.array([each is not None for each in y])
    assert (found[~known] == -1).all()
    assert ((found[known] >= 0) & (found[known] < folds)).all()
    for group in np.unique(groups[known]):
        assert len(np.unique(found[known & (groups == group)])) == 1


def test_the_same_name_is_one_group():
    groups = same_names(titled(["Tea Mug", "tea  mug ", "", "", "boots"]))
    assert groups[0] == groups[1]
    assert len(set(groups.tolist())) == 4, "products without a title are not the same"


def test_nobody_is_judged_by_what_it_was_shown():
    catalog, y = shop()
    found = held_out(Words(), catalog, {"label": y}, folds_of(y, same_names(catalog), 4))
    assert found.tables["label"].shape == (20, 5)
    assert found.tables["label"].sum(axis=1) == pytest.approx(1, abs=1e-3)
    alone = held_out(Words(), catalog, {"label": [*y[:-1], "Only one"]}, np.arange(20) % 4)
    assert alone.tables["label"][-1][np.searchsorted(alone.classes["label"], "Only one")] == 0
    with pytest.raises(DataError, match="cannot be held out"):
        held_out(Words(), catalog, {"label": y}, np.zeros(20, np.int64))


def test_labellers_are_judged_compared_and_chosen():
    catalog, y = shop()
    good = judge(Words(), catalog, y, folds=4, resamples=10)
    numbered = titled([f"number {row * 37 % 20}" for row in range(20)])
    blind = judge(Words(bits=8), numbered, y, folds=4, resamples=10)
    assert good.report["levels"]["path"]["accuracy"] > blind.report["levels"]["path"]["accuracy"]
    gap = compare(good, good, resamples=20)
    assert (gap["accuracy"].mean, gap["accuracy"].n) == (0.0, 20)
    found = search([Words(bits=8), Words(bits=14)], catalog, y, seconds=60)
    assert isinstance(found.best, Words)
    assert not hasattr(found.best, "classes_")
    assert [each["rows"] for each in found.tried] == [found.tried[0]["rows"]] * 2
    assert not found.stopped
    with pytest.raises(SettingError, match="at least 2"):
        judge(Words(), catalog, y, folds=1)
    with pytest.raises(SettingError, match="nothing to choose from"):
        search([], catalog, y)


def test_methods_are_there_to_be_searched():
    catalog, y = shop()
    every = choices()
    assert len(every) >= 8
    found = search(choices({"linear": [{"C": 1.0}], "naive_bayes": [{}]}), catalog, y, seconds=600)
    assert {each["choice"] for each in found.tried} == {0, 1}
    assert "Linear" in found.tried[[each["choice"] for each in found.tried].index(0)]["settings"]


def test_the_better_third_goes_on_with_three_times_as_many():
    kinds = [("boot", "mug", "pan", "lamp")[row % 4] for row in range(700)]
    catalog = titled([f"{kind} number {row}" for row, kind in enumerate(kinds)])
    found = search([Words(bits=bits) for bits in (8, 10, 12, 14)], catalog, list(kinds), seconds=600)
    assert [each["rows"] for each in found.tried] == [525, 175, 175, 100, 100, 100, 100]
    with pytest.raises(SettingError, match="did you mean 'macro_f1'"):
        search([Words()], catalog, list(kinds), measure="macro-f1")


def test_a_search_ends_when_time_is_up():
    catalog, y = shop()
    ticks = iter(range(0, 1000, 10))
    found = search([Words(bits=bits) for bits in (10, 11, 12)], catalog, y, seconds=5, clock=lambda: float(next(ticks)))
    assert found.stopped
    assert len(found.tried) == 1


# -- leaks -----------------------------------------------------------------------------------------------------------


def test_leaks_are_warned_of():
    n = 60
    y = [("Boots", "Mugs", "Pans")[row % 3] for row in range(n)]
    frame = pl.DataFrame(
        {
            "id": [str(row) for row in range(n)],
            "title": [f"{label.lower()[:-1]} number {row // 2 * 2}" for row, label in enumerate(y)],
            "shelf": [f"S{row % 3}" for row in range(n)],
            "colour": [("red", "blue")[row % 2] for row in range(n)],
        }
    )
    catalog = Catalog(frame.with_columns(title=pl.when(pl.int_range(n) < 4).then(pl.lit("boot")).otherwise("title")))
    found = {each.kind: each for each in leaks(catalog, y, np.arange(n) % 2)}
    assert found["same name on both sides"].rows == 4
    assert found["label in text"].share > 0.9
    assert "'shelf' alone tells 100%" in found["label in a column"].said
    assert "colour" not in " ".join(each.said for each in found.values())
    assert found["label in text"].json()["kind"] == "label in text"


def test_what_does_not_leak_is_not_warned_of():
    catalog, y = shop()
    coded = [{path: f"C{number}" for number, path in enumerate(sorted(set(y)))}[each] for each in y]
    assert leaks(catalog, coded) == []
    assert leaks(catalog, [None] * len(y)) == []
