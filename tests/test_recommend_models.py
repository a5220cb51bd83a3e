"""The recommenders, against definitions written out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.algorithm import Context, Recommender, load
from wares.data.history import History
from wares.data.hits import Hits
from wares.errors import DataError, SettingError
from wares.kernels.cooccurrence import neighbours
from wares.kernels.factors import best_products
from wares.recommend.content import Content
from wares.recommend.ease import EASE
from wares.recommend.itemknn import ItemKNN, nearest
from wares.recommend.newest import Newest
from wares.recommend.popular import Popular
from wares.recommend.profile import DAY, Profile
from wares.recommend.repeat import Repeat
from wares.tasks.blending import Blend

# Products 0-5 are shoes, 6-11 mugs; nobody has bought mug 11.
BASKETS = [[0, 1, 2], [0, 1], [1, 2, 3], [0, 1, 5], [6, 7, 8], [6, 7], [7, 8, 9, 10], [0, 6, 4]]
SHOP = History.of(BASKETS, 12)
KINDS = np.array([0] * 6 + [1] * 6)
LOOKS = np.array([[1, 0, 0.1 * i] for i in range(6)] + [[0, 1, 0.1 * i] for i in range(6)], np.float32)
LOOKS /= np.linalg.norm(LOOKS, axis=1, keepdims=True)
CONTEXT = Context(vectors=LOOKS, clusters=KINDS)
EVERYTHING = np.arange(12)


def timed(rows, days, weights=None, n=12):
    """A history whose events fall on the given days."""
    plain = History.of(rows, n, weights)
    times = np.array([day for row in days for day in row], np.int64) * DAY
    return History(plain.indptr, plain.products, plain.weights, n, times=times)


def all_models():
    return [
        Popular(personal=0.4),
        ItemKNN(shrink=1.0),
        EASE(regularisation=2.0),
        Content(half_life=0.0),
        Repeat(),
        Blend(),
    ]


def cosine(taken, shrink):
    dense = taken.toarray().astype(np.float64)
    together = dense.T @ dense
    lengths = np.sqrt(np.diag(together))
    bottom = lengths[:, None] * lengths + shrink
    out = np.divide(together, bottom, out=np.zeros_like(together), where=bottom > 0)
    np.fill_diagonal(out, 0)
    return out


baskets = st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=12)


@settings(deadline=None, max_examples=60)
@given(baskets, st.integers(1, 12), st.sampled_from([0.0, 3.0]))
def test_itemknn_keeps_the_most_alike_of_every_pair(rows, k, shrink):
    taken = Profile.of(History.of(rows, 10), 10).matrix(10)
    found = nearest(taken, k, shrink).toarray()
    wanted = cosine(taken, shrink)
    for i in range(10):
        order = sorted((j for j in range(10) if wanted[i, j] > 0), key=lambda j: (-np.float32(wanted[i, j]), j))[:k]
        assert np.allclose(np.sort(found[i][found[i] > 0]), np.sort(wanted[i, order]), atol=1e-6)
        assert len(order) == (found[i] > 0).sum()


def test_the_cosine_kernel_prunes_many_candidates_rightly():
    rng = np.random.default_rng(3)
    rows = [rng.choice(400, rng.integers(5, 60), replace=False).tolist() for _ in range(300)]
    taken = Profile.of(History.of(rows, 400), 400).matrix(400)
    found, wanted = nearest(taken, 5), cosine(taken, 0.0)
    assert np.allclose(
        np.sort(found.data.reshape(400, 5), axis=1), np.sort(wanted, axis=1)[:, -5:], atol=1e-6
    )  # 5 of up to 399 candidates each: the bound from block maxima is at work
    assert neighbours.signatures


def test_itemknn_breaks_ties_by_the_lower_row():
    model = ItemKNN(neighbours=2, shrink=0.0).fit(History.of([[0, 1, 2, 3, 4]], 5))
    assert model.similar_[[4]].indices.tolist() == [0, 1]
    assert model.similar_[[0]].indices.tolist() == [1, 2]


@settings(deadline=None, max_examples=30)
@given(baskets.filter(lambda rows: any(rows)), st.floats(0.5, 50))
def test_ease_is_the_closed_form(rows, regularisation):
    history = History.of(rows, 10)
    model = EASE(regularisation=regularisation).fit(history)
    taken = (Profile.of(history, 10).matrix(10).toarray() > 0).astype(np.float64)[:, model.products_]
    inverse = np.linalg.inv(taken.T @ taken + regularisation * np.eye(taken.shape[1]))
    wanted = -inverse / np.diag(inverse)
    np.fill_diagonal(wanted, 0)
    assert np.allclose(model.weights_ * model.scales_[:, None], wanted, atol=2e-4 * max(1, np.abs(wanted).max()))


def test_ease_knows_the_most_bought_only_and_says_what_it_takes():
    model = EASE(max_products=4, regularisation=1.0).fit(SHOP)
    assert model.products_.tolist() == [0, 1, 6, 7]
    scores = model.score(SHOP, EVERYTHING)
    assert np.isfinite(scores[0, [0, 1, 6, 7]]).all()
    assert np.isneginf(np.delete(scores, [0, 1, 6, 7], axis=1)).all()
    assert EASE().memory(50_000) == 4 * 8000**2
    assert EASE().memory(100) == 4 * 100**2


def test_ease_without_events_says_so():
    with pytest.raises(DataError, match="no product of the history was taken"):
        EASE().fit(History.of([[]], 3))


def test_popular_counts_shoppers_and_not_events():
    model = Popular().fit(History.of([[0, 0, 0], [1], [1, 2]], 3))
    assert model.popularity_.tolist() == [0.25, 0.5, 0.25]
    assert model.recommend(History.of([[]], 3), 3).rows.tolist() == [[1, 0, 2]]


def test_popular_forgets():
    history = timed([[0], [0], [1]], [[20_000], [20_000], [20_200]], n=2)
    assert Popular().fit(history).popularity_[0] > 0.5
    assert Popular(half_life=20.0).fit(history).popularity_[1] > 0.99


def test_popular_follows_the_clusters_of_the_basket():
    model = Popular(personal=1.0).fit(SHOP, CONTEXT)
    assert model.recommend(History.of([[9]], 12), 3).rows.tolist() == [[6, 7, 8]]
    assert model.recommend(History.of([[3]], 12), 2).rows.tolist() == [[0, 1]]


def test_content_needs_no_event_and_finds_what_nobody_bought():
    model = Content(half_life=0.0).fit(History.of([], 12), CONTEXT)
    assert model.recommend(History.of([[10]], 12), 1).rows.tolist() == [[11]]
    with pytest.raises(DataError, match="vectors"):
        Content().fit(SHOP)


def test_content_reads_new_products_from_the_context():
    model = Content(half_life=0.0).fit(SHOP, Context(vectors=LOOKS[:10]))
    basket = History.of([[8]], 12)
    old = model.score(basket, np.arange(10))
    both = model.score(basket, EVERYTHING, context=CONTEXT)
    assert np.allclose(both[:, :10], old)
    assert both[0, 10] > both[0, 0]
    assert np.isneginf(model.score(basket, np.array([10, 11]))).all()


def test_content_reduces_wide_vectors():
    rng = np.random.default_rng(0)
    wide = (LOOKS @ rng.normal(size=(3, 40))).astype(np.float32)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    narrow, whole = Content(width=3).fit(SHOP, Context(vectors=wide)), Content().fit(SHOP, Context(vectors=wide))
    assert narrow.vectors_.shape == (12, 3)
    assert np.allclose(narrow.score(SHOP, EVERYTHING), whole.score(SHOP, EVERYTHING), atol=1e-4)


def test_content_leans_on_the_latest():
    model = Content(half_life=5.0).fit(SHOP, CONTEXT)
    lately = timed([[0, 6]], [[0, 50]])
    assert model.recommend(lately, 1).rows[0, 0] >= 6


def test_repeat_ranks_by_days_and_readiness():
    train = timed([[0, 0, 1], [0, 0, 1], [2, 2, 2]], [[0, 7, 7], [1, 8, 8], [3, 3, 3]])
    model = Repeat(half_life=0.0, smoothing=0.1).fit(train)
    assert model.again_[0] > model.again_[1]
    asked = timed([[0, 1, 1, 2]], [[9, 9, 9, 9]])
    hits = model.recommend(asked, 5, repeats=True)
    assert hits.rows[0, 0] == 0
    assert set(hits.rows[0].tolist()) == {0, 1, 2, -1}
    assert model.recommend(asked, 5).rows.tolist() == [[-1] * 5]


def test_repeat_takes_returns_off():
    model = Repeat().fit(timed([[0, 1]], [[0, 1]]))
    scores = model.score(timed([[0, 0, 1]], [[5, 6, 6]], [[5, -5, 5]]), EVERYTHING)
    assert scores[0, 1] > scores[0, 0] >= 0


def test_newest_goes_by_date_then_by_row():
    created = np.array([30, 10, 20])
    stranger = History.of([[]], 3)
    assert Newest().fit(stranger, Context(created=created)).recommend(stranger, 3).rows.tolist() == [[0, 2, 1]]
    assert Newest().fit(stranger).recommend(stranger, 3).rows.tolist() == [[2, 1, 0]]


@pytest.mark.parametrize(
    "model", [m for m in all_models() if not isinstance(m, Repeat)], ids=lambda m: type(m).__name__
)
def test_contributions_and_what_everybody_gets_make_the_score(model: Recommender):
    history = timed([[0, 1, 0, 6]], [[0, 3, 9, 9]], [[5, 5, 5, -5]])
    model.fit(SHOP, CONTEXT)
    everybody = np.zeros(12)
    if isinstance(model, Popular):
        everybody = 0.6 * model.popularity_
    if isinstance(model, Blend):
        mixture = model.mixture(history)
        everybody = 0.7 * model.parts_[3].popularity_ * mixture.share(EVERYTHING)[3]
    scores = model.score(history, EVERYTHING)[0]
    for product in np.flatnonzero(np.isfinite(scores)):
        each = model.contributions(history, int(product))
        assert each.shape == (4,)
        assert each.sum() + everybody[product] == pytest.approx(scores[product], abs=1e-5)


def test_what_was_sent_back_speaks_against_its_like():
    model = ItemKNN(shrink=0.0).fit(SHOP)
    kept, sent_back = History.of([[0, 6]], 12), History.of([[0, 6]], 12, [[5, -5]])
    assert model.score(sent_back, np.array([7]))[0, 0] < 0 < model.score(kept, np.array([7]))[0, 0]
    assert ItemKNN().fit(History.of([[0, 1], [0, 1]], 2, [[5, -5], [5, -5]])).similar_.nnz == 0


@pytest.mark.parametrize("model", [Popular(), ItemKNN(), EASE(regularisation=2.0)], ids=lambda m: type(m).__name__)
def test_tallies_of_two_halves_add_up(model):
    whole = model.fit(SHOP, CONTEXT).score(SHOP, EVERYTHING)
    first, second = model.tally(SHOP.take(slice(0, 3))), model.tally(SHOP.take(slice(3, 8)))
    summed = {name: first[name] + second[name] for name in first}
    assert np.allclose(model.settle(summed).score(SHOP, EVERYTHING), whole, atol=1e-5)


def test_popular_learns_on():
    model = Popular().fit(SHOP.take(slice(0, 5)), CONTEXT).partial_fit(SHOP.take(slice(5, 8)))
    assert np.allclose(model.score(SHOP, EVERYTHING), Popular().fit(SHOP, CONTEXT).score(SHOP, EVERYTHING))


@pytest.mark.parametrize("model", all_models(), ids=lambda m: type(m).__name__)
def test_new_products_change_no_old_answer_and_files_none_at_all(model: Recommender, tmp_path):
    model.fit(SHOP, CONTEXT)
    old = model.score(SHOP, EVERYTHING)
    assert np.array_equal(model.score(SHOP.widened(15), EVERYTHING), old)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert np.array_equal(again.score(SHOP, EVERYTHING), old)
    assert again.recommend(SHOP, 3).rows.tolist() == model.recommend(SHOP, 3).rows.tolist()


@pytest.mark.parametrize("model", all_models(), ids=lambda m: type(m).__name__)
def test_one_history_is_scored_as_in_a_batch(model: Recommender):
    model.fit(SHOP, CONTEXT)
    batch = model.score(SHOP, EVERYTHING)
    for row in range(len(SHOP)):
        assert np.allclose(model.score(SHOP.take(slice(row, row + 1)), EVERYTHING)[0], batch[row], atol=1e-6)


def test_settings_are_checked():
    with pytest.raises(SettingError, match="neighbours"):
        ItemKNN(neighbours=0).fit(SHOP)
    with pytest.raises(SettingError, match="binary"):
        EASE(strength="often").fit(SHOP)
    with pytest.raises(SettingError, match="as many weights"):
        Blend(weights=[1.0]).fit(SHOP)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 300), st.integers(1, 6))
def test_best_products_are_those_of_all_scores(seed, n_shoppers, k):
    rng = np.random.default_rng(seed)
    # Whole numbers, so that ties are many and sums exact; 2,100 products take two tiles.
    shoppers = rng.integers(-2, 3, (n_shoppers, 3)).astype(np.float32)
    products = rng.integers(-2, 3, (2100, 3)).astype(np.float32)
    seen = History.of([np.unique(rng.integers(0, 2100, 40)) for _ in range(n_shoppers)], 2100)
    rows, scores = best_products(shoppers, products, seen.indptr, seen.products, k)
    every = shoppers @ products.T
    every[seen.owners(), seen.products] = -np.inf
    wanted = Hits.top(every, k)
    assert np.array_equal(rows, wanted.rows)
    assert np.array_equal(scores, wanted.scores)


def test_a_job_over_many_shoppers_answers_as_one_by_one():
    model = Content(half_life=0.0).fit(SHOP, CONTEXT)
    many = History.of(BASKETS * 200, 12)
    whole = model.recommend(many, 4)
    few = model.recommend(SHOP, 4)
    assert np.allclose(whole.scores, np.tile(few.scores, (200, 1)), atol=1e-5)
