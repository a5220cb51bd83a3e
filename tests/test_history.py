import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.checks import shop
from wares.data.history import History

ROWS = st.lists(st.lists(st.integers(0, 11), max_size=6), max_size=8)


@given(ROWS)
@settings(deadline=None, max_examples=100)
def test_what_went_in_comes_out(rows):
    history = History.of(rows, 12)
    assert [history.row(shopper).tolist() for shopper in range(len(history))] == rows
    assert history.n_events == sum(map(len, rows))
    assert history.owners().tolist() == [shopper for shopper, row in enumerate(rows) for _ in row]
    matrix = history.matrix().toarray()
    assert matrix.shape == (len(rows), 12)
    for shopper, row in enumerate(rows):
        assert matrix[shopper].tolist() == [row.count(product) for product in range(12)]


@given(ROWS, st.data())
@settings(deadline=None, max_examples=100)
def test_taking_shoppers_takes_their_events(rows, data):
    history = History.of(rows, 12)
    picked = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=6)) if rows else []
    taken = history.take(np.array(picked, np.int64))
    assert [taken.row(place).tolist() for place in range(len(picked))] == [rows[shopper] for shopper in picked]
    start, stop = sorted(data.draw(st.tuples(st.integers(0, 9), st.integers(0, 9))))
    part = history.take(slice(start, stop))
    assert [part.row(place).tolist() for place in range(len(part))] == rows[start:stop]


@given(ROWS, st.integers(1, 5))
@settings(deadline=None, max_examples=100)
def test_last_is_padded_in_front(rows, n):
    found = History.of(rows, 12).last(n)
    assert found.tolist() == [([-1] * n + row)[-n:] for row in rows]


def test_weights_are_summed_and_what_is_nothing_is_not_stored():
    history = History.of([[3, 3, 5], [1]], 6, [[2.0, -2.0, 1.5], [4.0]])
    matrix = history.matrix()
    assert matrix.toarray().tolist() == [[0, 0, 0, 0, 0, 1.5], [0, 4, 0, 0, 0, 0]]
    assert matrix.nnz == 2
    assert history.weights.tolist() == [2, -2, 1.5, 4]  # making the matrix leaves the history as it was
    assert history.products.tolist() == [3, 3, 5, 1]


def test_every_column_follows_its_event():
    history = shop.history()
    part = history.keep(history.products != 0)
    assert history.n_events - part.n_events == 4  # four shoppers have bought shoe 0
    for name in ("times", "values", "kinds", "baskets"):
        assert (getattr(part, name) == getattr(history, name)[history.products != 0]).all()
    turned = history.take(np.array([7, 0]))
    assert turned.row(0).tolist() == [7, 10, 5, 7]
    assert turned.times is not None
    assert turned.times[:4].tolist() == history.times[history.indptr[7] :].tolist()


def test_leaving_one_product_out_asks_for_one_shopper():
    own = shop.history().without(7, 7)
    assert len(own) == 1
    assert own.row(0).tolist() == [10, 5]
    assert shop.history().without(0, 11).row(0).tolist() == [0, 1, 3]


def test_widened_says_the_same_over_more_products():
    wider = shop.history().widened(20)
    assert wider.matrix().shape == (8, 20)
    assert (wider.matrix().toarray()[:, :12] == shop.history().matrix().toarray()).all()


def test_an_empty_history():
    history = History.of([], 12)
    assert len(history) == history.n_events == 0
    assert history.matrix().shape == (0, 12)
    assert history.last(3).shape == (0, 3)
    assert History.of([[]], 12).matrix().nnz == 0
    with pytest.raises(IndexError):
        history.take(np.array([3]))
