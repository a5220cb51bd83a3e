"""Two towers, kin, autoencoders, graphs and NCF: what each says of a small shop, and of bad input."""

import numpy as np
import pytest

pytest.importorskip("torch")

from wares.algorithm import Context, Recommender
from wares.arrays import unit
from wares.data.history import History
from wares.errors import DataError
from wares.recommend.kin import Kin
from wares.recommend.lightgcn import LightGCN
from wares.recommend.multvae import MultVAE
from wares.recommend.ncf import NCF
from wares.recommend.two_tower import TwoTower
from wares.recommend.windows import Windows

LEARNED = [MultVAE, LightGCN, NCF]
ALL = [*LEARNED, TwoTower]
PAIRS = [(0, 6), (1, 7), (2, 8), (3, 9), (4, 10)]
"""Printers with the ink that follows them; ink 11 is new, and like 10."""


def shop() -> tuple[History, Context]:
    """Each printer is followed by its ink, forty times; vectors tell kind and make."""
    rng = np.random.default_rng(0)
    vectors = 0.05 * rng.standard_normal((12, 8)).astype(np.float32)
    for row in range(12):
        vectors[row, 0 if row < 6 else 1] += 1
        vectors[row, 2 + min(row % 6, 5)] += 0.7
    vectors[11] = vectors[10] + 0.02
    rows = [PAIRS[each] for each in rng.integers(0, 5, 200)]
    return History.of(rows, 12), Context(vectors=unit(vectors))


def test_a_window_may_be_longer_than_all_events():
    before, right = (windows := Windows.of(History.of([[3, 4]], 12), 6)).take(np.arange(len(windows)))
    assert before.tolist() == [[3, -1, -1, -1, -1, -1]]
    assert right.tolist() == [4]


def test_windows_are_what_came_before():
    windows = Windows.of(History.of([[3, 4, 3, 5], [], [7], [8, 9]], 12), 2)
    before, right = windows.take(np.arange(len(windows)))
    assert right.tolist() == [4, 5, 9]  # the second 3 has been there within two events
    assert before.tolist() == [[3, -1], [3, 4], [8, -1]]
    back = History.of([[3, 4, 5]], 12, [[1.0, -1.0, 1.0]])
    assert Windows.of(back, 2).take(np.array([0]))[0].tolist() == [[3, -1]]  # what was sent back is not there


def test_two_towers_find_the_ink_that_a_printer_is_not_like():
    history, context = shop()
    alike = context.vectors @ context.vectors[4]
    assert alike[5] > alike[10]  # by likeness alone another printer comes first
    model = TwoTower(epochs=30, rate=3e-3, dropout=0.0).fit(history, context)
    assert model.recommend(History.of([[0]], 12), 1).rows[0, 0] == 6
    # Nobody has bought 11, but it is like the ink of this printer.
    assert set(model.recommend(History.of([[4]], 12), 2).rows[0].tolist()) == {10, 11}


def test_two_towers_score_products_that_came_later():
    history, context = shop()
    early = History.of([row for row in map(history.row, range(len(history))) if 10 not in row], 11)
    model = TwoTower(epochs=30, rate=3e-3, dropout=0.0).fit(early.widened(10), Context(vectors=context.vectors[:10]))
    asked = History.of([[4]], 12)
    scores = model.score(asked, np.arange(12), context=context)[0]
    assert np.isfinite(scores[[10, 11]]).all()
    assert np.isneginf(model.score(asked, np.array([10, 11]))).all()  # without vectors nothing is known of them
    np.testing.assert_allclose(model.score(asked, np.arange(10))[0], scores[:10], atol=1e-5)


def test_two_towers_do_without_vectors():
    history, _ = shop()
    model = TwoTower(epochs=40, rate=1e-2, dropout=0.0, nameless=0.0).fit(history)
    assert model.recommend(History.of([[2]], 12), 1).rows[0, 0] == 8
    assert np.isneginf(model.score(History.of([[2]], 12), np.array([11]))[0, 0])
    with pytest.raises(DataError, match="vectors"):
        TwoTower().fit(History.of([[0], [1]], 12))


def test_kin_inherit():
    history, context = shop()
    model = Kin(neighbours=1).fit(history, context)
    scores = model.score(History.of([[4]], 12), np.arange(12))[0]
    assert scores[11] == scores.max() > 0  # like 10, which follows 4
    assert (model.kin_.diagonal() == 0).all()
    np.testing.assert_allclose(np.asarray(model.kin_.sum(axis=1)).ravel(), 1, rtol=1e-5)
    fewer = Kin(neighbours=1).fit(history.widened(11), Context(vectors=context.vectors[:11]))
    late = fewer.score(History.of([[4]], 12), np.arange(12), context=context)[0]
    np.testing.assert_allclose(late, scores, atol=1e-5)  # one that comes later inherits alike
    with pytest.raises(DataError, match="vectors"):
        Kin().fit(history)
    with pytest.raises(DataError, match="events"):
        Kin().fit(History.of([[]], 12), context)


@pytest.mark.parametrize("cls", LEARNED)
def test_what_goes_together_is_found(cls: type[Recommender]):
    history, _ = shop()
    model = cls().fit(history)
    for printer, ink in PAIRS:
        assert model.recommend(History.of([[printer]], 12), 1).rows[0, 0] == ink


@pytest.mark.parametrize("cls", LEARNED)
def test_without_events_it_says_so(cls: type[Recommender]):
    with pytest.raises(DataError, match="events"):
        cls().fit(History.of([[], []], 12))


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("rows", [[[3]], [[3], [4]], [list(range(12))]])
def test_little_or_odd_input_gives_numbers(cls: type[Recommender], rows: list[list[int]]):
    _, context = shop()
    history = History.of(rows, 12)
    times = History(history.indptr, history.products, history.weights, 12, times=np.full(history.n_events, 2**62))
    model = cls(epochs=1).fit(history, context)
    for asked in (history, times, History.of([[5, 3], [], [14]], 15)):  # all in one moment to come, too
        scores = model.score(asked, np.arange(asked.n_products))
        assert not np.isnan(scores).any()
        assert not np.isposinf(scores).any()
    assert np.isneginf(model.score(History.of([[]], 12), np.arange(12))).all()


@pytest.mark.parametrize("cls", [MultVAE, TwoTower, LightGCN, NCF])
def test_drawing_some_products_is_enough(cls: type[Recommender]):
    history, context = shop()
    more = {"epochs": 40, "rate": 3e-3} if cls is TwoTower else {}
    model = cls(negatives=4, **more).fit(history, context)
    found = [model.recommend(History.of([[printer]], 12), 2).rows[0] for printer, _ in PAIRS]
    assert sum(ink in rows for (_, ink), rows in zip(PAIRS, found, strict=True)) >= 4


def test_shoppers_of_a_graph_are_told_but_not_kept():
    history, _ = shop()
    model = LightGCN()
    shoppers = model.vectors_of(history)
    assert shoppers.shape == (200, 64)
    assert all(len(each) != 200 for each in model.learned().values())
    trained = (shoppers @ model.met_.T).argsort(axis=1)[:, -2:]
    assert [sorted(row) for row in trained[:20].tolist()] == [sorted(history.row(row).tolist()) for row in range(20)]
