"""Evaluation by time: nothing of the test is learned from, and the numbers are those of their definitions."""

import json

import numpy as np
import pytest
from test_recommend_models import CONTEXT, timed

from wares.data.history import History
from wares.errors import DataError
from wares.recommend.ease import EASE
from wares.recommend.itemknn import ItemKNN
from wares.recommend.popular import Popular
from wares.recommend.profile import DAY
from wares.tasks.blending import Blend
from wares.tasks.evaluating import evaluate, split, wanted

# Eight shoppers; from day 20 on the first six take what their like took before.
HISTORY = timed(
    [[0, 1, 2, 0], [0, 1, 2], [1, 2, 3, 0], [0, 1, 2], [6, 7, 8, 6], [6, 7, 8], [7, 8, 9, 10], [0, 6, 4]],
    [[0, 1, 20, 21], [0, 1, 22], [1, 2, 20, 21], [0, 3, 20], [0, 1, 20, 22], [0, 1, 20], [1, 2, 3, 4], [1, 1, 2]],
)


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
    assert list(new["models"]) == ["blend", "ease", "itemknn", "popular"]
    assert list(report["tasks"]["repeat"]["models"]) == ["blend", "ease", "itemknn", "popular", "repeat"]
    assert set(new["differences"]) == {"ease", "itemknn", "popular"}
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
    assert list(report["tasks"]["new"]["models"]) == ["itemknn", "popular"]
