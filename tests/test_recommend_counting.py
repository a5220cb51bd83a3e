"""Recommenders that count: what follows what, walks, rules, neighbours and regressions; against definitions by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.algorithm import Context
from wares.data.history import History
from wares.errors import DataError
from wares.kernels.local import descend
from wares.recommend.associations import Associations, Rule
from wares.recommend.ease import EASE
from wares.recommend.itemknn import ItemKNN
from wares.recommend.markov import Markov
from wares.recommend.profile import DAY, Profile, faded, latest
from wares.recommend.remembered import parted
from wares.recommend.rp3beta import RP3beta
from wares.recommend.sessionknn import SessionKNN
from wares.recommend.slim import SLIM
from wares.recommend.sparse_ease import SparseEASE
from wares.recommend.userknn import UserKNN

# Products 0-5 are shoes, 6-11 mugs; nobody has bought mug 11.
BASKETS = [[0, 1, 2], [0, 1], [1, 2, 3], [0, 1, 5], [6, 7, 8], [6, 7], [7, 8, 9, 10], [0, 6, 4]]
SHOP = History.of(BASKETS, 12)
EVERYTHING = np.arange(12)
MODELS = [Markov, ItemKNN, RP3beta, Associations, SparseEASE, SLIM, UserKNN, SessionKNN]
NEEDS_EVENTS = {SparseEASE, SLIM}

rows_of_ten = st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=10)


def timed(rows, hours, n=12):
    plain = History.of(rows, n)
    return replace(plain, times=np.array([at for row in hours for at in row], np.int64) * (DAY // 24))


def taken_of(history):
    return (Profile.of(history, history.n_products).matrix(history.n_products).toarray() > 0).astype(np.float64)


# -- how much a product of the history counts -----------------------------------------------------------------------


def test_what_came_last_counts_most():
    history = History.of([[3, 5, 3, 7], [], [2]], 8)
    profile = Profile.of(history, 8)
    assert profile.rows.tolist() == [3, 5, 7, 2]
    assert latest(profile, history).tolist() == [2, 1, 3, 4]
    assert faded(profile, history, 0.5).values.tolist() == [0.5, 0.25, 1.0, 1.0]
    assert faded(profile, history, 0.0).values.tolist() == [0.0, 0.0, 1.0, 1.0]
    assert faded(profile, history, 1.0) is profile


def test_products_not_known_to_the_model_still_push_back_what_came_before():
    history = History.of([[1, 9]], 10)
    assert faded(Profile.of(history, 5), history, 0.5).values.tolist() == [0.5]


def test_itemknn_with_decay_leans_on_the_last_product():
    model = ItemKNN(shrink=0.0, decay=0.1).fit(SHOP)
    assert model.recommend(History.of([[0, 7], [7, 0]], 12), 1).rows.ravel().tolist() == [8, 1]


def test_ease_with_decay_leans_on_the_last_product():
    model = EASE(regularisation=1.0, decay=0.1).fit(SHOP)
    assert model.recommend(History.of([[0, 7], [7, 0]], 12), 1).rows.ravel().tolist() == [6, 1]
    one = History.of([[0, 7]], 12)
    added = model.contributions_to(one, np.array([1, 6]))
    np.testing.assert_allclose(added.sum(axis=1), model.score(one, np.array([1, 6]))[0], atol=1e-6)


# -- markov ---------------------------------------------------------------------------------------------------------


def followed(rows, n, reach, fade, backward):
    out = np.zeros((n, n))
    for row in rows:
        for i, first in enumerate(row):
            for j in range(i + 1, min(i + reach + 1, len(row))):
                weight = fade ** (j - i - 1)
                out[first, row[j]] += weight
                out[row[j], first] += backward * weight
    return out


@settings(deadline=None, max_examples=50)
@given(rows_of_ten, st.integers(1, 4), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.4, 1.0]))
def test_markov_is_the_share_of_what_follows(rows, reach, fade, backward):
    history = History.of(rows, 10)
    model = Markov(reach=reach, fade=fade, backward=backward, smoothing=2.0).fit(history)
    wanted = followed(rows, 10, reach, fade, backward)
    wanted /= wanted.sum(axis=1, keepdims=True) + 2.0
    np.testing.assert_allclose(model.following_.toarray(), wanted, atol=1e-5)
    settled = Markov(reach=reach, fade=fade, backward=backward, smoothing=2.0).settle(model.tally(history))
    np.testing.assert_allclose(settled.following_.toarray(), wanted, atol=1e-5)


def test_markov_keeps_the_most_frequent_followers():
    history = History.of([[0, 1], [0, 1], [0, 2], [0, 2], [0, 2], [0, 3]], 4)
    model = Markov(neighbours=2, backward=0.0, smoothing=0.0).fit(history)
    assert model.following_[[0]].indices.tolist() == [1, 2]
    np.testing.assert_allclose(model.following_[[0]].data, [2 / 6, 3 / 6], atol=1e-6)


def test_markov_knows_order_and_the_time_between():
    after = Markov(backward=0.0, smoothing=0.0).fit(History.of([[0, 1], [0, 1]], 3))
    assert after.following_.toarray().tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    history = timed([[0, 1], [0, 2]], [[0, 1], [0, 49]], n=3)
    slow = Markov(backward=0.0, smoothing=0.0, gap=1.0).fit(history)
    np.testing.assert_allclose(slow.following_.toarray()[0, 1] / slow.following_.toarray()[0, 2], 4, rtol=1e-4)
    settled = Markov(backward=0.0, smoothing=0.0, gap=1.0).settle(slow.tally(history))
    np.testing.assert_allclose(settled.following_.toarray(), slow.following_.toarray(), atol=1e-6)


def test_markov_does_not_count_what_was_sent_back():
    history = History.of([[0, 1], [0, 2]], 3, [[1.0, 1.0], [1.0, -1.0]])
    assert Markov(backward=0.0).fit(history).following_.toarray()[0].nonzero()[0].tolist() == [1]


# -- rp3beta --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(rows_of_ten, st.sampled_from([0.5, 1.0]), st.sampled_from([0.0, 0.6]))
def test_rp3beta_is_the_product_of_the_steps(rows, alpha, beta):
    history = History.of(rows, 10)
    taken = taken_of(history)
    out_of_product = np.divide(taken.T, taken.sum(axis=0)[:, None], out=np.zeros_like(taken.T), where=taken.T > 0)
    of_shopper = taken.sum(axis=1, keepdims=True)
    out_of_shopper = np.divide(taken, of_shopper, out=np.zeros_like(taken), where=taken > 0)
    wanted = out_of_product**alpha @ out_of_shopper**alpha / np.maximum(taken.sum(axis=0), 1) ** beta
    np.fill_diagonal(wanted, 0)
    model = RP3beta(alpha=alpha, beta=beta).fit(history)
    np.testing.assert_allclose(model.similar_.toarray(), wanted, rtol=1e-3, atol=1e-6)
    settled = RP3beta(alpha=alpha, beta=beta).settle(model.tally(history))
    np.testing.assert_allclose(settled.similar_.toarray(), wanted, rtol=1e-3, atol=1e-6)


def test_rp3beta_holds_back_what_everybody_takes():
    history = History.of([[0, 1], [0, 2], [0, 3], [0, 4], [5, 1], [5, 1]], 6)
    assert RP3beta(beta=0.0).fit(history).recommend(History.of([[2]], 6), 1).rows.item() == 0
    low, high = (RP3beta(alpha=1.0, beta=beta).fit(history).similar_.toarray()[1] for beta in (0.0, 1.0))
    assert high[5] / high[0] > low[5] / low[0]


# -- associations ---------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(rows_of_ten, st.sampled_from(["confidence", "lift"]), st.integers(1, 2))
def test_rules_are_what_they_say(rows, measure, least):
    history = History.of(rows, 10)
    taken = taken_of(history)
    together, n = taken.T @ taken, len(rows)
    model = Associations(measure=measure, min_count=least, min_lift=0.5).fit(history)
    wanted = []
    for i in range(10):
        for j in range(10):
            if i != j and together[i, j] >= least:
                confidence = together[i, j] / together[i, i]
                lift = confidence * n / together[j, j]
                if lift >= 0.5:
                    wanted.append((i, j, together[i, j] / n, confidence, lift))
    found = list(zip(*(model.rules_[name].tolist() for name in Rule._fields), strict=True))
    np.testing.assert_allclose(np.array(found).reshape(-1, 5), np.array(wanted).reshape(-1, 5), rtol=1e-5)
    settled = Associations(measure=measure, min_count=least, min_lift=0.5).settle(model.tally(history))
    for name in Rule._fields:
        np.testing.assert_allclose(settled.rules_[name], model.rules_[name], rtol=1e-5)


def test_rules_can_be_read():
    model = Associations().fit(SHOP)
    assert model.best(1, given=0) == [Rule(0, 1, 0.375, 0.75, 1.5)]
    first = model.best(100)
    assert [rule.confidence for rule in first] == sorted((rule.confidence for rule in first), reverse=True)
    assert {tuple(sorted(rule[:2])) for rule in first} == {(0, 1), (1, 2), (6, 7), (7, 8)}
    assert Associations(min_confidence=0.9).fit(SHOP).best(9) == [rule for rule in first if rule.confidence >= 0.9]


def test_rules_of_baskets_need_both_products_in_one_basket():
    history = replace(
        History.of([[0, 1, 2], [0, 1, 3], [4, 0]], 5), baskets=np.array([0, 0, 1, 0, 0, 1, 0, 1], np.int32)
    )
    model = Associations(by="basket", min_count=1, min_lift=0.0).fit(history)
    assert sorted(zip(model.rules_["given"].tolist(), model.rules_["then"].tolist(), strict=True)) == [(0, 1), (1, 0)]
    assert model.rules_["support"].tolist() == pytest.approx([2 / 6, 2 / 6])
    parts = [model.tally(history.take(np.array([row]))) for row in range(3)]
    added = {name: parts[0][name] + parts[1][name] + parts[2][name] for name in parts[0]}
    assert Associations(by="basket", min_count=1, min_lift=0.0).settle(added).best(5) == model.best(5)


# -- regressions ----------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(rows_of_ten.filter(any), st.floats(0.5, 50))
def test_sparse_ease_solves_each_neighbourhood(rows, regularisation):
    history = History.of(rows, 10)
    taken = taken_of(history)
    gram, wanted = taken.T @ taken, np.zeros((10, 10))
    for j in range(10):
        near = np.flatnonzero((gram[:, j] > 0) & (np.arange(10) != j))
        ridge = gram[np.ix_(near, near)] + regularisation * np.eye(len(near))
        wanted[near, j] = np.linalg.solve(ridge, gram[near, j])
    model = SparseEASE(regularisation=regularisation).fit(history)
    np.testing.assert_allclose(model.weights_.toarray(), wanted, atol=1e-5)
    settled = SparseEASE(regularisation=regularisation).settle(model.tally(history))
    np.testing.assert_allclose(settled.weights_.toarray(), wanted, atol=1e-5)


def test_sparse_ease_is_ease_where_all_was_taken_together():
    rng = np.random.default_rng(4)
    history = History.of([rng.permutation(20)[:12].tolist() for _ in range(200)], 20)
    dense, model = EASE(regularisation=30.0).fit(history), SparseEASE(regularisation=30.0).fit(history)
    np.testing.assert_allclose(model.weights_.toarray(), dense.weights_ * dense.scales_[:, None], atol=2e-4)
    few = SparseEASE(regularisation=30.0, neighbours=5).fit(history)
    assert (np.diff(few.weights_.tocsc().indptr) == 5).all()


def test_slim_is_the_least_of_what_it_says():
    rng = np.random.default_rng(7)
    history = History.of([rng.permutation(15)[: rng.integers(2, 8)].tolist() for _ in range(120)], 15)
    taken = taken_of(history)
    gram = taken.T @ taken
    for positive in (True, False):
        model = SLIM(l1=2.0, l2=5.0, positive=positive, sweeps=2000).fit(history)
        weights = model.weights_.toarray().astype(np.float64)
        assert (np.diag(weights) == 0).all()
        assert (weights < 0).any() != positive
        pull = gram - gram @ weights - 5.0 * weights  # of the least: l1 where there is a weight, at most l1 elsewhere
        off = ~np.eye(15, dtype=bool)
        np.testing.assert_allclose(pull[(weights != 0) & off], 2.0 * np.sign(weights[(weights != 0) & off]), atol=1e-2)
        left = pull[(weights == 0) & off]
        assert (left <= 2.0 + 1e-2).all()
        assert positive or (left >= -2.0 - 1e-2).all()
    sparser = SLIM(l1=10.0, l2=5.0).fit(history)
    assert sparser.weights_.nnz < SLIM(l1=0.5, l2=5.0).fit(history).weights_.nnz


def test_the_descent_is_that_of_its_plain_twin():
    rng = np.random.default_rng(1)
    rows = rng.random((30, 6))
    gram, right = rows.T @ rows, rng.random(6) * 10
    weights, found = np.zeros(6), np.zeros(6)
    for _ in range(7):
        for a in range(6):
            pull = right[a] - gram[a] @ weights + gram[a, a] * weights[a]
            weights[a] = max(pull - 0.3, 0) / (gram[a, a] + 1.0)
    descend(gram, right.copy(), 0.3, 1.0, True, 7, 0.0, found)
    np.testing.assert_allclose(found, weights, atol=1e-10)


def test_regressions_count_pairs_beyond_their_budget_as_never_taken_together():
    model = SparseEASE(regularisation=1.0, neighbours=1, pairs=1).fit(SHOP)
    assert (np.diff(model.weights_.tocsc().indptr) <= 1).all()
    assert model.weights_.tocsc()[:, [7]].indices.tolist() == [8]  # the most alike by cosine, not the most taken


@pytest.mark.parametrize("cls", sorted(NEEDS_EVENTS, key=lambda cls: cls.__name__))
def test_regressions_without_events_say_so(cls):
    with pytest.raises(DataError, match="no product of the history was taken"):
        cls().fit(History.of([[]], 3))


# -- neighbours -----------------------------------------------------------------------------------------------------


def voted(model, history, asked, n):
    """What `score` says, by hand: every kept history compared, the nearest by likeness, then by age."""
    kept = [list(dict.fromkeys(row[::-1]))[::-1][-model.max_length :] for row in history[::-1]]
    kept = [row for row in kept if len(row) > 1]
    held = [max(sum(p in row for row in kept), 1) for p in range(n)]
    rare = [np.log1p(len(kept) / each) ** model.rare for each in held]
    last = {p: len(asked) - 1 - asked[::-1].index(p) for p in asked}
    value = {p: model.decay ** (len(asked) - 1 - at) * rare[p] for p, at in last.items()}
    near = []
    for number, row in enumerate(kept):
        likeness = sum(value[p] for p in row if p in value)
        if isinstance(model, UserKNN):
            size = np.sqrt(sum(value.values())) * np.sqrt(sum(rare[p] for p in row))
            likeness /= size + model.shrink
        else:
            likeness /= len(row) ** model.short
        near.append((-likeness, number))
    out = np.zeros(n)
    for likeness, number in sorted(near)[: model.neighbours]:
        row = kept[number]
        met = max((p for p in row if p in last), key=last.get, default=None)
        for place, p in enumerate(row if met is not None else []):
            far = place - row.index(met)
            counts = 1.0
            if isinstance(model, SessionKNN):
                counts = model.again if far == 0 else model.near ** (abs(far) - 1) * (model.backward if far < 0 else 1)
            out[p] -= likeness * counts
    return out


@settings(deadline=None, max_examples=50)
@given(rows_of_ten, st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(0, 2))
def test_votes_are_those_counted_by_hand(rows, asked, rare):
    for model in (UserKNN(rare=rare, decay=0.5, shrink=1.0), SessionKNN(rare=rare, again=0.3)):
        found = model.fit(History.of(rows, 10)).score(History.of([asked], 10), np.arange(10))[0]
        np.testing.assert_allclose(found, voted(model, rows, asked, 10), rtol=1e-4, atol=1e-5)


@settings(deadline=None, max_examples=50)
@given(rows_of_ten, st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(1, 3), st.integers(1, 3))
def test_what_each_event_adds_is_the_whole_vote(rows, asked, neighbours, sample):
    one = History.of([asked], 10)
    for cls in (UserKNN, SessionKNN):
        model = cls(neighbours=neighbours, sample=sample).fit(History.of(rows, 10))
        products = np.array([3, 0, 9, 3, 11])
        added = model.contributions_to(one, products)
        assert added.shape == (5, len(asked))
        np.testing.assert_allclose(added[:4].sum(axis=1), model.score(one, products[:4])[0], rtol=1e-4, atol=1e-5)
        assert (added[4] == 0).all()


def test_neighbours_learn_on_and_make_room():
    for cls in (UserKNN, SessionKNN):
        whole, parts = cls().fit(SHOP), cls().fit(SHOP.take(slice(0, 5))).partial_fit(SHOP.take(slice(5, 8)))
        for name in whole.learned():
            np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
        few = cls(max_histories=3).fit(SHOP)
        assert len(few.ends_) == 3
        assert np.isin([0, 6, 4, 7, 8, 9, 10], few.products_).all()  # the last three
        assert cls(max_length=2).fit(SHOP).products_[:2].tolist() == [6, 4]


def test_the_newest_histories_are_those_that_ended_last():
    history = timed([[0, 1], [2, 3], [4, 5]], [[50, 60], [1, 2], [10, 20]])
    model = SessionKNN(max_histories=2).fit(history)
    assert model.products_.tolist() == [0, 1, 4, 5]
    assert model.recommend(History.of([[2], [4]], 12), 1).scores.ravel()[0] <= 0
    assert np.diff(model.ends_)[0] < 0


def test_a_newer_session_counts_more():
    history = timed([[0, 1], [0, 2]], [[0, 1], [2400, 2401]])
    scores = SessionKNN(half_life=10.0).fit(history).score(History.of([[0]], 12), EVERYTHING)[0]
    assert scores[2] == pytest.approx(scores[1] * 2**10, rel=1e-3)
    scores = SessionKNN(half_life=0.0).fit(history).score(History.of([[0]], 12), EVERYTHING)[0]
    assert scores[2] == scores[1] > 0


@pytest.mark.parametrize("cls", [UserKNN, SessionKNN])
def test_a_shopper_can_be_forgotten(cls):
    history = SHOP.take(np.array([0, 1, 2, 3, 4, 5, 6, 7, 1]))  # two shoppers took the same
    model = cls().fit(history)
    assert model.forget(SHOP.take(np.array([6, 1]))) == 2
    without = cls().fit(SHOP.take(np.array([0, 1, 2, 3, 4, 5, 7])))
    np.testing.assert_array_equal(model.score(SHOP, EVERYTHING), without.score(SHOP, EVERYTHING))
    assert 10 not in model.products_
    assert model.forget(SHOP.take(np.array([6]))) == 0
    assert model.forget(History.of([[3]], 12)) == 0


def test_nothing_is_kept_of_a_shopper_but_products_and_the_end():
    model = UserKNN().fit(timed([[0, 1, 1], [5]], [[5, 6, 9], [7]]))
    assert set(model.learned()) == {"indptr_", "products_", "ends_", "starts_", "holders_"}
    assert model.ends_.tolist() == [9 * DAY // 24]
    assert model.products_.tolist() == [0, 1]


def test_a_long_pause_parts_a_history():
    history = timed([[0, 1, 2, 3], [4, 5]], [[0, 1, 30, 31], [0, 100]])
    assert parted(history, 24.0).indptr.tolist() == [0, 2, 4, 5, 6]
    assert parted(history, 0.0) is history
    model = SessionKNN(pause=24.0).fit(history)
    assert model.products_.tolist() == [2, 3, 0, 1]
    assert model.forget(history) == 2


# -- bad input ------------------------------------------------------------------------------------------------------


ODD = {
    "one shopper": History.of([[0, 1, 2]], 12),
    "one product": History.of([[0], [0], [0, 0]], 1),
    "one event": History.of([[3]], 12),
    "a shopper with everything": History.of([list(range(12)), [0, 1]], 12),
    "all at one time": timed([[0, 1], [1, 2], [0, 2]], [[5, 5], [5, 5], [5, 5]]),
    "in the future": timed([[0, 1], [1, 2]], [[10**6, 10**6 + 1], [10**6, 10**6]]),
    "sent back": History.of([[0, 1], [1]], 12, [[1.0, -1.0], [-2.0]]),
}


@pytest.mark.parametrize("cls", MODELS)
@pytest.mark.parametrize("odd", ODD)
def test_odd_input_has_a_sensible_answer(cls, odd):
    history = ODD[odd]
    model = cls().fit(history)
    n = history.n_products
    asked = History.of([[0], [], list(range(n)), [n + 1]], n + 2)
    at = Context(at=np.zeros(4, np.int64))
    scores = model.score(asked, np.arange(n + 2), context=at)
    assert not np.isnan(scores).any()
    assert not np.isposinf(scores).any()
    assert np.isneginf(scores[[1, 3]]).all()  # nothing asked, and nothing known
    assert np.isneginf(scores[:, n:]).all()
    assert (model.recommend(asked, 5).rows[2] < 0).all()  # who has everything is shown nothing
    assert np.isfinite(model.score(history, np.arange(n))[0]).all() or not history.row(0).size


@pytest.mark.parametrize("cls", [cls for cls in MODELS if cls not in NEEDS_EVENTS])
def test_without_events_nothing_is_said(cls):
    model = cls().fit(History.of([[], []], 3))
    assert (model.recommend(History.of([[0], []], 3), 2).scores <= 0).all()
