"""Trying new products: what shows teach, that answers can be had again, and slots."""

import numpy as np
import pytest

from wares.algorithm import Context
from wares.data.history import History
from wares.data.hits import Hits
from wares.errors import DataError
from wares.recommend.bandit import LinUCB, Thompson, with_slots


def shows(products: list[int], values: list[float], n: int = 4) -> History:
    plain = History.of([products], n)
    return History(plain.indptr, plain.products, plain.weights, n, values=np.array(values, np.float32))


def at(*moments: int) -> Context:
    return Context(at=np.array(moments))


def test_thompson_counts_shoppers_and_shows():
    model = Thompson().fit(History.of([[0, 0, 1], [0], []], 4))
    assert model.clicks_.tolist() == [2, 1, 0, 0]
    assert model.shows_.tolist() == [3, 3, 0, 0]  # of what nobody took nothing is known
    model.partial_fit(shows([3, 3, 4, 0], [1, 0, 0, 1], 5))
    assert model.clicks_.tolist() == [3, 1, 0, 1, 0]
    assert model.shows_.tolist() == [4, 3, 0, 2, 1]


def test_a_moment_has_one_draw_and_the_next_another():
    model = Thompson().fit(History.of([[0, 1], [0], [2]], 4))
    one, again, other = (model.score(History.of([[]], 4), np.arange(4), context=at(each)) for each in (5, 5, 6))
    np.testing.assert_array_equal(one, again)
    assert (one != other).all()
    many = model.score(History.of([[], [0], []], 6), np.arange(4), context=at(6, 5, 6))
    np.testing.assert_array_equal(many, [other[0], one[0], other[0]])
    mean = model.score(History.of([[]], 4), np.arange(4))
    drawn = model.score(History.of([[]] * 4000, 4), np.arange(4), context=at(*range(4000)))
    np.testing.assert_allclose(drawn.mean(axis=0), mean[0], atol=0.01)


def test_thompson_learns_which_new_product_is_the_best():
    rng = np.random.default_rng(0)
    truth = np.array([0.05, 0.1, 0.4, 0.1])
    model = Thompson(prior=2.0).partial_fit(shows([], []))
    for moment in range(600):
        row = int(model.recommend(History.of([[]], 4), 1, context=at(moment)).rows[0, 0])
        model.partial_fit(shows([row], [float(rng.random() < truth[row])]))
    assert model.shows_[2] > 400
    assert (model.shows_ > 3).all()


def test_linucb_carries_over_to_what_is_alike():
    vectors = np.array([[1, 0], [0.9, 0.43589], [0, 1], [0.1, 0.99499]], np.float32)
    model = LinUCB(optimism=0.0).fit(History.of([[]], 4), Context(vectors=vectors))
    nobody, first = History.of([[]], 4), History.of([[0]], 4)
    assert model.score(first, np.arange(4))[0].argsort().tolist() == [2, 3, 1, 0]  # likeness, before any show
    model.partial_fit(shows([2] * 50 + [0] * 50, [1.0] * 50 + [0.0] * 50))
    found = model.score(nobody, np.arange(4))[0]
    assert found[3] > found[1]  # like 2, which was taken, and like 0, which was not
    curious = LinUCB(optimism=5.0).fit(History.of([[]], 4), Context(vectors=vectors))
    curious.partial_fit(shows([2] * 50, [0.5] * 50))
    assert curious.score(nobody, np.arange(4))[0].argmax() == 0  # what is least like what was shown


def test_shows_without_outcome_are_refused():
    model = Thompson().fit(History.of([[0]], 4))
    with pytest.raises(DataError, match="need values"):
        model.partial_fit(History.of([[0]], 4))
    with pytest.raises(DataError, match="from 0 to 1"):
        model.partial_fit(shows([0], [5.0]))
    with pytest.raises(DataError, match="one for each"):
        LinUCB().fit(History.of([[0]], 4)).partial_fit(shows([0], [1.0]), histories=History.of([[], []], 4))


def test_slots_move_the_rest_down():
    hits = Hits(
        np.array([[5, 3, 1, 0], [2, -1, -1, -1]]), np.array([[4, 3, 2, 1], [1, -np.inf, -np.inf, -np.inf]], "f4")
    )
    tried = Hits(np.array([[3, 7, 8], [9, -1, -1]]), np.zeros((2, 3), np.float32))
    found = with_slots(hits, tried, [1, 3])
    assert found.rows.tolist() == [[5, 7, 3, 8], [2, 9, -1, -1]]
    assert found.scores[0].tolist() == [4, 3, 2, 1]
    assert found.scores[1].tolist() == [1, 0, -np.inf, -np.inf]
