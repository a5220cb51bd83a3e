"""Recommenders that read a history in order: what they read, what they learn, and what they answer to odd input."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from torch import nn

from wares.data.history import History
from wares.errors import DataError, SettingError
from wares.recommend.gru4rec import GRU4Rec
from wares.recommend.lstm import LSTM
from wares.recommend.rnn import RNN
from wares.recommend.sasrec import SASRec
from wares.recommend.sequences import Sequential, before, spans, windows
from wares.recommend.softmax import Loss, next_loss
from wares.recommend.together import together

SMALL = {"width": 16, "length": 6, "dropout": 0.0, "rate": 1e-2, "batch": 16, "epochs": 15}
MODELS = [SASRec, GRU4Rec, LSTM, RNN]
ROUND = [[(start + step) % 6 for step in range(length)] for start in range(6) for length in (3, 4, 5)]
"""Six products that everybody takes in a circle: only the order tells what comes next."""


def circle(n_products: int = 6) -> History:
    return History.of(ROUND, n_products)


@pytest.fixture(scope="module")
def sasrec() -> SASRec:
    return SASRec(**SMALL).fit(circle())


@pytest.mark.parametrize("cls", MODELS)
def test_the_next_of_a_circle_comes_first(cls: type[Sequential]):
    model = cls(**SMALL).fit(circle())
    hits = model.recommend(History.of([[4, 5, 0], [1, 2]], 6), 1)
    assert hits.rows[:, 0].tolist() == [1, 3]


def test_windows_are_cut_from_the_end_and_share_one_event():
    starts, sizes = windows(np.array([0, 1, 4, 10]), 2)
    # One event alone has no answer; three give two steps; six give five: 7-8, 5-6 and 4, answers 8-9, 6-7 and 5.
    assert starts.tolist() == [1, 7, 5, 4]
    assert sizes.tolist() == [2, 2, 2, 1]


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 5))
@settings(deadline=None, max_examples=50)
def test_every_event_but_the_first_is_an_answer_once(lengths: list[int], length: int):
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    starts, sizes = windows(indptr, length)
    answers = spans(starts, sizes) + 1
    first = indptr[:-1][np.diff(indptr) > 0]
    assert sorted(answers.tolist()) == sorted(set(range(indptr[-1])) - set(first.tolist()))
    assert sizes.max(initial=0) <= length


def test_what_was_held_before_each_place_stands_once():
    found = before(torch.tensor([5, 6, 5, 7, 8]), np.array([4, 1]), 3)
    assert found.tolist() == [[5, -1, -1], [6, 5, -1], [5, 6, -1], [7, 5, 6], [8, -1, -1]]


def test_against_all_products_the_loss_is_cross_entropy():
    torch.manual_seed(0)
    states, products, right = torch.randn(4, 3), torch.randn(7, 3), torch.tensor([0, 6, 2, 2])
    none = torch.empty((4, 0), dtype=torch.int64)
    found = next_loss(states, products, right, none, Loss("softmax", 0, 0.0))
    assert found.item() == pytest.approx(nn.functional.cross_entropy(states @ products.T, right).item(), rel=1e-5)
    yes = torch.zeros(4, 7)
    yes[range(4), right] = 1
    each = nn.functional.binary_cross_entropy_with_logits(states @ products.T, yes, reduction="sum").item() / 4
    assert next_loss(states, products, right, none, Loss("gbce", 0, 1.0)).item() == pytest.approx(each, rel=1e-5)


def test_what_is_held_is_a_wrong_one_but_where_it_is_the_right_one():
    states, products = torch.eye(3)[:1] * 4, torch.eye(3).repeat(20, 1)
    how, none = Loss("softmax", 4, 0.0), torch.tensor([[-1]])
    losses = []
    for held in (none, torch.tensor([[0]]), torch.tensor([[1]])):
        torch.manual_seed(0)
        losses.append(next_loss(states, products, torch.tensor([1]), held, how).item())
    assert losses[0] == losses[2]
    assert losses[1] > losses[0]


def test_in_pieces_the_loss_is_the_same(monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    states, products, right = torch.randn(9, 3), torch.randn(7, 3), torch.randint(7, (9,))
    none = torch.empty((9, 0), dtype=torch.int64)
    whole = next_loss(states, products, right, none, Loss("softmax", 0, 0.0))
    monkeypatch.setattr("wares.recommend.softmax.PIECE", 14)
    with torch.no_grad():
        assert next_loss(states, products, right, none, Loss("softmax", 0, 0.0)).item() == pytest.approx(whole.item())


@pytest.mark.parametrize("cls", MODELS)
def test_rows_read_together_are_read_as_each_alone_and_never_ahead(cls: type[Sequential]):
    network = cls(**SMALL)._network(9).eval()
    rows = [[3, 1, 4], [1, 5], [2, 6, 5, 3, 5], [8]]
    with torch.inference_mode():
        flat = torch.tensor([each for row in rows for each in row])
        whole = network(flat, np.array([3, 2, 5, 1]))
        alone = torch.cat([network(torch.tensor(row), np.array([len(row)])) for row in rows])
        start = network(torch.tensor([2, 6]), np.array([2]))
    assert torch.allclose(whole, alone, atol=1e-5)
    assert torch.allclose(whole[5:7], start, atol=1e-5)


def test_attention_is_told_for_what_was_read(sasrec: SASRec):
    history = History.of([[5, 0, 1, 2, 3, 9, 4, 5, 0]], 12, [[1, 1, 1, 1, 1, 1, 1, -1, 1]])
    told = sasrec.weights_of(history)
    assert told.dtype == np.float32
    assert told.sum() == pytest.approx(1, abs=1e-5)
    assert (told[[5, 7]] == 0).all()  # unknown, and sent back
    assert told[0] == 0  # before the last six that it knows
    assert (told[[1, 2, 3, 4, 6, 8]] > 0).all()
    assert (sasrec.weights_of(History.of([[]], 6)) == 0).all()


def test_scores_of_temperature_1_are_probabilities(sasrec: SASRec):
    model = clone(sasrec).set_params(temperature=1.0).fit(circle())
    scores = model.score(History.of([[0, 1], []], 8), np.arange(8))
    assert scores[0, :6].sum() == pytest.approx(1, abs=1e-5)
    assert np.isneginf(scores[0, 6:]).all()
    assert np.isneginf(scores[1]).all()


def test_only_the_latest_events_are_read(sasrec: SASRec):
    long, short = History.of([[0] * 50 + [4, 5, 0, 1, 2, 3]], 6), History.of([[4, 5, 0, 1, 2, 3]], 6)
    assert np.array_equal(sasrec.score(long, np.arange(6)), sasrec.score(short, np.arange(6)))


def test_learning_on_takes_in_a_new_product_and_keeps_the_old():
    model = SASRec(**SMALL, refresh=15).fit(circle())
    more = History.of([*ROUND, *[[2, 3, 7]] * 12], 8)
    assert model.partial_fit(more) is model
    assert model.products_.tolist() == [0, 1, 2, 3, 4, 5, 7]
    hits = model.recommend(History.of([[2, 3], [5, 0]], 8), 1)
    assert hits.rows[:, 0].tolist() == [7, 1]
    fresh = SASRec(**SMALL)
    assert fresh.partial_fit(circle()).products_.tolist() == [0, 1, 2, 3, 4, 5]


def test_vectors_of_what_the_same_shoppers_took_lie_near():
    vectors = together(History.of([[0, 1], [0, 1], [1, 0], [2, 3], [3, 2]], 5), 3, 0)
    near = vectors @ vectors.T
    assert near[0, 1] > 10 * abs(near[0, 2])
    assert near[2, 3] > 10 * abs(near[1, 3])
    assert not vectors[4].any()


@pytest.mark.parametrize("rows", [[], [[]], [[3], [1]]])
def test_where_nothing_comes_next_it_says_so(rows: list[list[int]]):
    with pytest.raises(DataError, match="no shopper has two events"):
        SASRec(**SMALL).fit(History.of(rows, 4))


@pytest.mark.parametrize("rows", [[[2, 2]], [[0, 1, 2, 3]], [[1, 1, 1, 1, 1, 1, 1, 1, 1]]])
def test_one_shopper_is_enough(rows: list[list[int]]):
    model = GRU4Rec(**SMALL).fit(History.of(rows, 4))
    scores = model.score(History.of(rows, 4), np.arange(4))
    assert np.isfinite(scores[0, rows[0]]).all()
    assert not np.isnan(scores).any()


def test_heads_must_divide_the_width():
    with pytest.raises(SettingError, match="heads must divide it, 3"):
        SASRec(width=16, heads=3).fit(circle())
