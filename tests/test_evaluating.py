"""Evaluation by time: nothing of the test is learned from, and the numbers are those of their definitions."""

import json
from dataclasses import replace

import numpy as np
import pytest
from test_recommend_models import CONTEXT, timed

from wares.data.history import History
from wares.errors import DataError, SettingError
from wares.recommend.content import Content
from wares.recommend.ease import EASE
from wares.recommend.itemknn import ItemKNN
from wares.recommend.popular import Popular
from wares.recommend.profile import DAY
from wares.recommend.repeat import Repeat
from wares.tasks.blending import Blend
from wares.tasks.evaluating import compare, evaluate, refuse_sampled
from wares.tasks.splitting import parted, split, wanted

# Eight shoppers; from day 20 on the first six take what their like took before.
HISTORY = timed(
    [[0, 1, 2, 0], [0, 1, 2], [1, 2, 3, 0], [0, 1, 2], [6, 7, 8, 6], [6, 7, 8], [7, 8, 9, 10], [0, 6, 4]],
    [[0, 1, 20, 21], [0, 1, 22], [1, 2, 20, 21], [0, 3, 20], [0, 1, 20, 22], [0, 1, 20], [1, 2, 3, 4], [1, 1, 2]],
)


def test_what_ranks_only_what_was_had_says_nothing_of_new_products():
    report = evaluate(Repeat(), HISTORY, CONTEXT, until=20 * DAY)
    assert "repeat" not in report["tasks"]["new"]["models"]
    assert report["tasks"]["new"]["differences"] == {}
    assert report["tasks"]["repeat"]["differences"]


def test_split_is_by_time():
    train, test, moment = split(HISTORY, 20 * DAY)
    assert moment == 20 * DAY
    assert train.times.max() < moment <= test.times.min()
    assert len(train) == len(test) == 8
    assert len(train.products) + len(test.products) == len(HISTORY.products)


def test_split_chooses_a_day_with_a_fifth_behind_it():
    days = list(range(100))
    _, test, moment = split(timed([[0] * 100], [days]))
    assert moment % DAY == 0
    assert 18 <= len(test.products) <= 22


def test_split_says_what_is_missing():
    with pytest.raises(DataError, match="times"):
        split(History.of([[1]], 3))
    with pytest.raises(DataError, match="1970-01-01 to 1970-01-23"):
        split(HISTORY, 50 * DAY)


def test_wanted_tells_new_from_repeat():
    train, test, _ = split(HISTORY, 20 * DAY)
    new, repeat = wanted(train, test, "new"), wanted(train, test, "repeat")
    assert new.products[new.indptr[0] : new.indptr[1]].tolist() == [2]
    assert repeat.products[repeat.indptr[0] : repeat.indptr[1]].tolist() == [0]
    assert len(new.products) + len(repeat.products) == len(test.products)
    sent_back = timed([[0, 5]], [[0, 30]], [[5, -5]])
    assert len(wanted(*split(sent_back, 20 * DAY)[:2], "new").products) == 0


def test_a_blend_is_reported_beside_its_parts():
    parts = [EASE(regularisation=2.0), ItemKNN(shrink=1.0), Popular()]
    model = Blend(parts=parts, weights=[1.0, 0.2, 0.2])
    report = evaluate(model, HISTORY, CONTEXT, k=3, until=20 * DAY)
    assert report["until"] == "1970-01-21"
    assert sum(report["events"].values()) == len(HISTORY.products)
    new = report["tasks"]["new"]
    assert list(new["models"])[:5] == ["blend", "ease", "itemknn", "popular", "plain popular"]
    assert list(report["tasks"]["repeat"]["models"])[:5] == ["blend", "ease", "itemknn", "popular", "repeat"]
    assert set(new["differences"]) == set(new["models"]) - {"blend"}
    assert report["line"]["name"] in new["models"]
    for numbers in new["models"].values():
        ndcg = numbers["ndcg"]
        assert ndcg["low"] <= ndcg["mean"] <= ndcg["high"]
    assert new["models"]["blend"]["ndcg"]["mean"] > 0.5
    assert report["tasks"]["repeat"]["models"]["blend"]["hit_rate"]["mean"] == 1.0
    assert not hasattr(model, "parts_")
    assert json.loads(json.dumps(report)) == report
    assert evaluate(model, HISTORY, CONTEXT, k=3, until=20 * DAY) == report


def test_numbers_are_of_the_products_after_the_date_only():
    report = evaluate(Popular(), HISTORY, k=1, until=20 * DAY, tasks=("new",))
    train, test, _ = split(HISTORY, 20 * DAY)
    hits = Popular().fit(train).recommend(train, 1)
    right = [
        hits.rows[row, 0] in wanted(train, test, "new").take(slice(row, row + 1)).products
        for row in range(8)
        if len(wanted(train, test, "new").take(slice(row, row + 1)).products)
    ]
    assert report["tasks"]["new"]["models"]["popular"]["hit_rate"]["mean"] == pytest.approx(np.mean(right), abs=1e-5)
    assert report["tasks"]["new"]["shoppers"] == len(right)


def test_shoppers_are_sampled_as_told():
    report = evaluate(ItemKNN(), HISTORY, until=20 * DAY, max_shoppers=3, seed=1)
    assert report["shoppers"] == 3
    assert "3 shoppers drawn at random" in report["protocol"]
    assert list(report["tasks"]["new"]["models"])[:2] == ["itemknn", "plain popular"]


@pytest.mark.parametrize("kind", ["time", "last", "random"])
def test_every_split_keeps_every_event_once(kind):
    found = parted(HISTORY, kind)
    assert len(found.train.products) + len(found.test.products) == len(HISTORY.products)
    for row in range(8):
        both = [*found.train.row(row).tolist(), *found.test.row(row).tolist()]
        assert sorted(both) == sorted(HISTORY.row(row).tolist())
    assert (found.until is None) == (kind != "time")


def test_leave_last_out_holds_the_last_event_of_those_with_two():
    found = parted(History.of([[3, 1, 2], [5], []], 6), "last")
    assert [found.test.row(row).tolist() for row in range(3)] == [[2], [], []]
    assert [found.train.row(row).tolist() for row in range(3)] == [[3, 1], [5], []]
    with pytest.raises(DataError, match="two events"):
        parted(History.of([[3], [5]], 6), "last")


def test_drawn_by_the_seed_at_least_one_of_each():
    history = History.of([list(range(10)), [1, 2], [3]], 10)
    first, again, other = (parted(history, "random", test=0.3, seed=seed).test for seed in (1, 1, 2))
    assert np.diff(first.indptr).tolist() == [3, 1, 0]
    assert first.products.tolist() == again.products.tolist() != other.products.tolist()


def test_what_makes_no_sense_is_refused():
    with pytest.raises(SettingError, match="did you mean 'last'"):
        parted(HISTORY, "lsat")
    with pytest.raises(SettingError, match="by time only"):
        parted(HISTORY, "last", until=3)
    with pytest.raises(SettingError, match=r"among 100 drawn ones.*every product is ranked"):
        refuse_sampled(100)
    with pytest.raises(SettingError, match="no model"):
        compare({}, HISTORY)


def test_models_are_compared_on_one_split_with_their_costs():
    models = {"ease": EASE(regularisation=2.0), "popular": Popular(), "content": Content()}
    report = compare(models, HISTORY, k=3, until=20 * DAY)
    assert list(report["left_out"]) == ["content"]  # no vectors were given
    new = report["tasks"]["new"]
    assert set(new["models"]) == {"ease", "popular", report["line"]["name"]}
    assert set(new["over_line"]) == set(new["models"]) - {report["line"]["name"]}
    assert set(report["costs"]) == set(new["models"])
    for cost in report["costs"].values():
        assert 0 < cost["p50_ms"] <= cost["p99_ms"]
        assert cost["learned_mb"] > 0
    assert json.loads(json.dumps(report)) == report


def test_the_cold_are_reported_apart():
    report = evaluate(EASE(regularisation=2.0), HISTORY, CONTEXT, k=3, until=20 * DAY, tasks=("new",))
    cold = report["tasks"]["new"]["models"]["ease"]["cold"]
    train, test, _ = split(HISTORY, 20 * DAY)
    asked = [row for row in range(8) if len(wanted(train, test, "new").row(row))]
    assert cold["shoppers"]["ndcg"]["n"] == sum(len(train.row(row)) <= 3 for row in asked)
    few = np.bincount(train.products, minlength=12) <= 3
    assert cold["products"]["ndcg"]["n"] == sum(few[wanted(train, test, "new").row(row)].any() for row in asked)


def test_the_line_is_chosen_without_the_test():
    one = evaluate(Popular(), HISTORY, k=3, until=20 * DAY)["line"]
    later = HISTORY.times >= 20 * DAY
    shuffled = replace(HISTORY, products=np.where(later, 11, HISTORY.products).astype(np.int32))
    assert evaluate(Popular(), shuffled, k=3, until=20 * DAY)["line"] == one
