"""The next basket: habits told by days and baskets, and what is new apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data.history import History
from wares.recommend.habits import NAMES, Habits, from_the_end
from wares.recommend.nextbasket import NextBasket, _logistic
from wares.recommend.profile import DAY


def baskets(*shoppers: list[list[int]], n: int = 12, days: float = 7.0) -> History:
    """Shoppers given as lists of baskets, one every so many days."""
    events = [[(p, number) for number, basket in enumerate(each) for p in basket] for each in shoppers]
    flat = [event for each in events for event in each]
    numbers = np.array([number for _, number in flat], np.int32)
    return History(
        indptr=np.concatenate([[0], np.cumsum([len(each) for each in events])]).astype(np.int64),
        products=np.array([p for p, _ in flat], np.int32),
        weights=np.ones(len(flat), np.float32),
        n_products=n,
        times=(numbers * days * DAY).astype(np.int64),
        baskets=numbers,
    )


def column(habits: Habits, name: str) -> list[float]:
    return habits.table[:, NAMES.index(name)].tolist()


def test_habits_are_counted_by_hand():
    habits = Habits.of(baskets([[3, 5], [3, 3], [4], [3]]))
    assert habits.products.tolist() == [3, 4, 5]
    assert habits.counts.tolist() == [3, 1, 1]  # twice in a basket counts once
    assert np.expm1(column(habits, "days since")) == pytest.approx([0, 7, 21], abs=1e-4)
    assert np.expm1(column(habits, "days between")) == pytest.approx([10.5, 0, 0], abs=1e-4)
    assert column(habits, "more than once") == [1, 0, 0]
    halves = np.exp(column(habits, "the same, half-life 7 days")) - 0.01
    assert halves == pytest.approx([1 + 0.5**2 + 0.5**3, 0.5, 0.5**3], abs=1e-4)
    halves = np.exp(column(habits, "the same, half-life 3 baskets")) - 0.01
    assert halves == pytest.approx([1 + 2 ** (-2 / 3) + 0.5, 2 ** (-1 / 3), 0.5], abs=1e-4)


def test_without_baskets_a_day_is_one_and_without_times_an_event():
    full = baskets([[1, 2], [3]], [[4]])
    plain = History(full.indptr, full.products, full.weights, 12, times=full.times)
    assert from_the_end(full)[0].tolist() == from_the_end(plain)[0].tolist() == [1, 1, 0, 0]
    back, n_baskets = from_the_end(History(full.indptr, full.products, full.weights, 12))
    assert back.tolist() == [2, 1, 0, 0]
    assert n_baskets.tolist() == [3, 1]


def test_what_was_sent_back_is_no_habit():
    history = History.of([[1, 2, 1], [3, 3]], 5, [[2, 1, -2], [1, 1]])
    habits = Habits.of(history)
    assert list(zip(habits.owners.tolist(), habits.products.tolist(), strict=True)) == [(0, 2), (1, 3)]


@given(st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=4))
@settings(deadline=None, max_examples=50)
def test_any_history_has_habits_that_are_numbers(rows: list[list[int]]):
    habits = Habits.of(History.of(rows, 6))
    assert np.isfinite(habits.table).all()
    assert sorted(zip(habits.owners, habits.products, strict=True)) == sorted(
        {(owner, product) for owner, row in enumerate(rows) for product in row}
    )


def test_the_staple_comes_before_what_was_taken_once_and_long_ago():
    shoppers = [[[staple, 6 + turn % 6] for turn in range(6)] for staple in (0, 1, 2, 3) for _ in range(3)]
    model = NextBasket().fit(baskets(*shoppers))
    hits = model.recommend(baskets([[0, 7], [0, 8], [0, 9], [0]]), 3, repeats=True)
    assert hits.rows[0, 0] == 0
    scores = model.score(baskets([[0, 7], [0, 8], [0, 9], [0]]), np.arange(12))[0]
    assert scores[0] > 0.5 > scores[7]
    assert ((scores >= 0) & (scores <= 1)).all()


def test_what_is_new_is_what_goes_together_with_the_history():
    shoppers = [[[0], [1], [2]], [[1], [0], [2]], [[2], [0], [1]], [[5], [6], [7]], [[6], [5], [7]], [[7], [6], [5]]]
    model = NextBasket(shrink=0.0).fit(baskets(*shoppers))
    assert model.recommend(baskets([[0], [1]]), 1).rows[0, 0] == 2
    assert sorted(model.recommend(baskets([[6]]), 2).rows[0].tolist()) == [5, 7]


def test_a_stranger_gets_what_sells():
    model = NextBasket().fit(baskets([[4], [4], [3]], [[4], [3], [1]]))
    assert model.recommend(History.of([[]], 12), 2).rows[0].tolist() == [4, 3]


@pytest.mark.parametrize("rows", [[], [[]], [[3]], [[3, 3, 3]], [[0, 1, 2, 3, 4]]])
def test_little_is_enough(rows: list[list[int]]):
    model = NextBasket().fit(History.of(rows, 5))
    scores = model.score(History.of([[3], [], [4, 4]], 6), np.arange(6))
    assert not np.isnan(scores).any()
    assert np.isneginf(scores[1, 5])


def test_a_regression_without_rows_is_its_prior_and_with_many_finds_what_made_them():
    prior = np.array([0.5, 0.0])
    assert _logistic(np.zeros((0, 2)), np.zeros(0, bool), prior)[:2] == pytest.approx(prior)
    rng = np.random.default_rng(0)
    table = rng.standard_normal((20_000, 2))
    answers = rng.random(20_000) < 1 / (1 + np.exp(-(table @ [1.0, -2.0] - 1)))
    assert _logistic(table, answers, prior) == pytest.approx([1, -2, -1], abs=0.1)
