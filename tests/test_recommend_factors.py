"""The factor models, on a shop that can be judged by eye, and on what shops are like when they begin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.algorithm import Recommender
from wares.data.history import History
from wares.errors import DataError
from wares.recommend.als import ALS
from wares.recommend.bpr import BPR
from wares.recommend.logistic import Logistic
from wares.recommend.mf import MF, ratings
from wares.recommend.svd import SVD
from wares.registry import find

NAMES = {"als": ALS, "bpr": BPR, "logistic": Logistic, "mf": MF, "svd": SVD}
# Products 0-5 are shoes, 6-11 mugs; nobody has bought mug 11.
SHOP = History.of([[0, 1, 2], [0, 1, 4], [1, 2, 3], [0, 1, 5, 3], [6, 7, 8], [6, 7, 9], [7, 8, 9, 10], [6, 10, 8]], 12)
EVERYTHING = np.arange(12)


def all_models():
    return [pytest.param(cls(), id=name) for name, cls in NAMES.items()]


def rated(rows, stars, n):
    plain = History.of(rows, n)
    values = np.array([star for row in stars for star in row], np.float32)
    return History(plain.indptr, plain.products, plain.weights, n, values=values)


@pytest.mark.parametrize("name", NAMES)
def test_each_has_its_line_in_the_registry(name):
    assert find(Recommender, name) is NAMES[name]


@pytest.mark.parametrize("model", all_models())
def test_shoes_go_with_shoes(model):
    scores = model.fit(SHOP).score(History.of([[2, 0], [9, 7]], 12), EVERYTHING)
    assert scores[0, [1, 3, 4, 5]].mean() > scores[0, 6:11].mean()
    assert scores[1, [6, 8, 10]].mean() > scores[1, :6].mean()
    hits = model.recommend(History.of([[2, 0], [9, 7]], 12), 1)
    assert hits.rows[0, 0] in (1, 3, 4, 5)
    assert hits.rows[1, 0] in (6, 8, 10)


@pytest.mark.parametrize("model", all_models())
def test_what_nobody_took_and_who_took_nothing_have_no_score(model):
    scores = model.fit(SHOP).score(History.of([[0], [], [11], [14]], 15), np.arange(15))
    assert np.isfinite(scores[0, :11]).all()
    assert np.isneginf(scores[0, 11:]).all()
    assert np.isneginf(scores[1:]).all()


@pytest.mark.parametrize("model", all_models())
@pytest.mark.parametrize(
    "rows", [[[0]], [[0, 0, 0]], [[0, 1, 2]], [[0], [0], [0]], [[0, 1, 2, 3], [1]], [[], [2]]], ids=str
)
def test_the_smallest_shops_are_learned(model, rows):
    history = History.of(rows, 4)
    scores = model.fit(history).score(history, np.arange(4))
    assert not np.isnan(scores).any()
    taken = np.bincount(history.products, minlength=4) > 0
    spoken = np.diff(history.indptr) > 0
    assert np.array_equal(np.isfinite(scores), spoken[:, None] & taken)


@pytest.mark.parametrize("model", all_models())
def test_without_events_it_says_so(model):
    with pytest.raises(DataError, match="no product of the history was taken"):
        model.fit(History.of([[], []], 3))


@pytest.mark.parametrize("model", all_models())
def test_times_all_equal_or_to_come_are_as_good_as_none(model):
    model.set_params(half_life=10.0)
    plain = model.fit(SHOP).factors_
    for moment in (0, 4_000_000_000_000_000_000):  # the second is in the year 2096
        times = np.full(SHOP.n_events, moment, np.int64)
        timed = History(SHOP.indptr, SHOP.products, SHOP.weights, 12, times=times)
        assert np.allclose(model.fit(timed).factors_, plain, atol=1e-5)


@pytest.mark.parametrize("model", all_models())
def test_the_vector_of_a_shopper_is_the_sum_of_what_each_event_brings(model):
    history = History.of([[0, 2, 2, 7]], 12)
    scores = model.fit(SHOP).score(history, EVERYTHING)[0]
    for product in (1, 3, 8):
        parts = model.contributions(history, product)
        assert parts.sum() + model.biases_[product] == pytest.approx(scores[product], abs=1e-4)
        assert parts[1] == pytest.approx(parts[2])
    assert model.contributions(history, 1)[3] < model.contributions(history, 1)[0]


@pytest.mark.parametrize("model", all_models())
def test_folding_in_needs_no_neighbours(model):
    vectors = model.fit(SHOP).fold(SHOP)
    assert vectors.shape == (8, model.factors_.shape[1])
    for shopper in range(8):
        assert np.allclose(model.fold(SHOP.one(shopper))[0], vectors[shopper], atol=1e-5)


def test_who_is_folded_in_stands_about_where_training_had_them():
    for model in (ALS(factors=4, iterations=40), MF(factors=4, epochs=4000)):
        model.fit(SHOP)
        shoppers, products, *_ = model.factorise(model._taken(SHOP))
        as_trained, folded = shoppers @ products.T, model.fold(SHOP) @ model.factors_.T
        assert np.corrcoef(as_trained[:, :11].ravel(), folded[:, :11].ravel())[0, 1] > 0.97


# -- each alone --------------------------------------------------------------------------------------------------------


def test_als_folds_in_by_the_normal_equations():
    model = ALS(factors=5).fit(SHOP)
    rows, y = [0, 2, 7], model.factors_.astype(np.float64)
    penalty = model.regularisation * (3 + model.unobserved * 12)
    matrix = model.unobserved * y.T @ y + y[rows].T @ y[rows] + penalty * np.eye(5)
    wanted = np.linalg.solve(matrix, y[rows].sum(axis=0))
    assert np.allclose(model.fold(History.of([rows], 12))[0], wanted, atol=1e-5)


def test_als_learns_on_and_keeps_what_nobody_new_has_touched():
    model = ALS(factors=6).fit(SHOP)
    before = model.factors_.copy()
    model.partial_fit(History.of([[0, 12], [1, 12], [2, 0, 12]], 13))
    assert np.array_equal(model.factors_[6:12], before[6:12])
    assert model.shoppers_of_[12] == 3
    assert model.n_shoppers_ == 11
    scores = model.score(History.of([[1, 2], [7, 9]], 13), np.arange(13))
    assert scores[0, 12] > scores[0, [6, 8, 10]].max()
    assert scores[0, 12] > scores[1, 12]


def test_als_learning_on_from_nothing_new_changes_no_answer():
    model = ALS(factors=6).fit(SHOP)
    before = model.factors_.copy()
    model.partial_fit(History.of([[], []], 12))
    assert np.array_equal(model.factors_, before)


def test_svd_without_shrinking_is_the_projection_on_the_first_directions():
    model = SVD(factors=4, regularisation=0.0, damping=0.0, iterations=30).fit(SHOP)
    taken = SHOP.matrix().toarray().astype(np.float64)
    _, _, axes = np.linalg.svd(taken)
    wanted = taken @ axes[:4].T @ axes[:4]
    assert np.allclose(model.score(SHOP, EVERYTHING)[:, :11], wanted[:, :11], atol=1e-4)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.lists(st.integers(0, 7), max_size=6), min_size=1, max_size=8).filter(any),
    st.floats(0, 5),
    st.floats(0, 1),
)
def test_svd_adds_up(rows, regularisation, damping):
    history = History.of(rows, 8)
    model = SVD(regularisation=regularisation, damping=damping)
    half = len(rows) // 2
    parts = [part for part in (history.take(slice(0, half)), history.take(slice(half, None))) if part.n_events]
    tallies = [model.tally(part) for part in parts]
    total = {name: sum((each[name] for each in tallies[1:]), tallies[0][name]) for name in tallies[0]}
    one = model.fit(history).score(history, np.arange(8))
    other = SVD(regularisation=regularisation, damping=damping).settle(total).score(history, np.arange(8))
    assert np.allclose(one, other, atol=1e-3)


def test_bpr_puts_what_was_taken_before_what_was_not():
    model = BPR(factors=4, regularisation=0.001).fit(SHOP)
    scores = model.score(SHOP, EVERYTHING)[:, :11]
    taken = SHOP.matrix().toarray()[:, :11] > 0
    assert np.mean([(row[held][:, None] > row[~held]).mean() for row, held in zip(scores, taken, strict=True)]) > 0.95


def test_logistic_scores_are_log_odds():
    model = Logistic(factors=4, regularisation=0.002, negatives=1).fit(SHOP)
    odds = 1 / (1 + np.exp(-model.score(SHOP, EVERYTHING)[:, :11]))
    taken = SHOP.matrix().toarray()[:, :11] > 0
    assert odds[taken].mean() > 0.8
    assert odds[~taken].mean() < 0.3


# -- ratings -----------------------------------------------------------------------------------------------------------

# Two kinds of shoppers: some give five stars to the even films and two to the odd ones, the others the other way round.
FILMS = [list(range(8))] * 10
STARS = [[5.0, 2.0] * 4 if shopper % 2 else [2.0, 5.0] * 4 for shopper in range(10)]


def test_mf_tells_ratings_of_tastes():
    model = MF(factors=4).fit(rated(FILMS, STARS, 8))
    said = model.rate(rated([[0, 1, 2], [0, 1, 2]], [[5, 2, 5], [2, 5, 2]], 8), np.arange(8))
    assert (said[0, ::2] > 4).all()
    assert (said[0, 1::2] < 3).all()
    assert (said[1, ::2] < 3).all()
    assert (said[1, 1::2] > 4).all()


def test_mf_rates_for_a_stranger_what_all_give_and_for_a_strict_one_less():
    stars = [[5.0, 4.0, 3.0], [5.0, 4.0, 3.0], [4.0, 3.0, 2.0]] * 4
    model = MF(factors=2).fit(rated([[0, 1, 2]] * 12, stars, 5))
    stranger = model.rate(History.of([[]], 5), np.arange(5))[0]
    assert stranger[0] > stranger[1] > stranger[2]
    assert stranger[3] == pytest.approx(model.scale_[0])
    strict = model.rate(rated([[0, 1]], [[4.0, 3.0]], 5), np.arange(6))[0]
    assert (strict[:3] < stranger[:3]).all()
    assert strict[3] == pytest.approx(
        strict[5], abs=1e-3
    )  # never seen and not even known: what the shopper gives on the whole
    assert model.rate(rated([[0, 1]], [[5.0, 5.0]], 5), np.arange(3)).max() <= 5


def test_mf_of_ratings_all_alike_gives_them():
    model = MF().fit(rated([[0, 1], [1, 2]], [[3, 3], [3, 3]], 3))
    assert np.allclose(model.rate(History.of([[0], []], 3), np.arange(3)), 3)
    assert np.isfinite(model.score(History.of([[0]], 3), np.arange(3))).all()


def test_mf_without_values_recommends_and_says_that_it_cannot_rate():
    model = MF().fit(SHOP)
    assert model.recommend(History.of([[0, 1]], 12), 1).rows[0, 0] in (2, 3, 4, 5)
    with pytest.raises(DataError, match="without values"):
        model.rate(SHOP, EVERYTHING)


def test_ratings_given_twice_are_their_mean_and_none_is_none():
    found = ratings(rated([[0, 1, 0], [2]], [[5, 1, 4], [np.nan]], 3), 3)
    assert found is not None
    assert found.toarray().tolist() == [[4.5, 1.0, 0.0], [0.0, 0.0, 0.0]]
    assert found.nnz == 2
    assert ratings(SHOP, 12) is None
