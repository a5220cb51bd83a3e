"""The blend at every amount of data, and the sentences that say why."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_recommend_models import BASKETS, CONTEXT, EVERYTHING, KINDS, LOOKS, SHOP, timed

from wares.algorithm import Context
from wares.data.history import History
from wares.data.ids import Ids
from wares.recommend.content import Content
from wares.recommend.ease import EASE
from wares.recommend.itemknn import ItemKNN
from wares.recommend.newest import Newest
from wares.recommend.popular import Popular
from wares.tasks.blending import LEAST, Blend
from wares.tasks.explaining import amounts, reasons
from wares.tasks.recommending import recommend

IDS = Ids([f"shoe-{i}" for i in range(6)] + [f"mug-{i}" for i in range(6, 12)])
TITLES = [f"Shoe {i}" for i in range(6)] + [f"Mug {i}" for i in range(6, 12)]
NAMES = ["shoes", "mugs"]
STRANGER = History.of([[]], 12)


def ask(model, history, **options):
    options = {"clusters": KINDS, "cluster_names": NAMES, **options}
    return recommend(model, history, 3, IDS, TITLES, **options)


@pytest.fixture(scope="module")
def blend():
    parts = [EASE(regularisation=2.0), ItemKNN(shrink=1.0), Content(half_life=0.0), Popular(personal=0.4), Newest()]
    return Blend(parts=parts).fit(SHOP, CONTEXT)


def test_a_stranger_gets_what_is_popular(blend):
    answer = ask(blend, STRANGER)
    assert answer.used == "popular"
    assert answer.hits.rows.tolist() == [[0, 1, 6]]
    assert answer.reasons[0][0].text == "popular with all shoppers"


def test_a_basket_gets_what_goes_with_it(blend):
    answer = ask(blend, History.of([[0]], 12))
    assert answer.used == "ease + itemknn + popular + content"
    assert answer.hits.rows[0, 0] == 1
    assert "because you bought Shoe 0" in [each.text for each in answer.reasons[0]]


def test_a_shop_without_events_answers_by_likeness_and_newest():
    created = np.arange(12)[::-1].copy()
    model = Blend().fit(History.of([], 12), Context(vectors=LOOKS, created=created))
    assert model.left_out_[0].startswith("ease: ")
    alike, stranger = ask(model, History.of([[8]], 12)), ask(model, STRANGER)
    assert alike.used == "content"
    assert set(alike.hits.rows[0].tolist()) <= {6, 7, 9, 10, 11}
    assert alike.reasons[0][0].text == "similar to Mug 8"
    assert stranger.used == "newest"
    assert stranger.hits.rows.tolist() == [[0, 1, 2]]
    assert stranger.reasons[0][0].text == "new in the shop"


def test_nothing_known_at_all_still_answers():
    model = Blend().fit(History.of([[]], 12))
    assert ask(model, STRANGER).hits.rows.tolist() == [[11, 10, 9]]


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    k=st.integers(1, 40),
    repeats=st.booleans(),
    filtered=st.booleans(),
    last=st.booleans(),
)
def test_likeness_asked_by_product_answers_as_all_of_it(seed, k, repeats, filtered, last):
    rng = np.random.default_rng(seed)
    n = 90
    vectors = rng.normal(size=(n, 8)).astype(np.float32)
    vectors[rng.choice(n, 5, replace=False)] = 0  # unknown to likeness: the part after it stands in
    shop = History.of([rng.integers(0, 60, 6).tolist() for _ in range(30)], n)
    context = Context(vectors=vectors, clusters=rng.integers(-1, 4, n))
    behind = [ItemKNN(shrink=1.0)] if last else [Popular(), ItemKNN(shrink=1.0)]
    parts = [EASE(regularisation=2.0, max_products=20), Content(), *behind]
    model = Blend(parts=parts, weights=[1.0, 0.5, 0.3, 0.2][: len(parts)]).fit(shop, context)
    history = History.of([rng.integers(0, n, rng.integers(0, 5)).tolist()], n)
    allowed = rng.random(n) < 0.5 if filtered else None
    whole = model.recommend(history, k, allowed=allowed, repeats=repeats)
    hits, mixture = model.best(history, k, allowed=allowed, repeats=repeats)
    assert hits.rows.tolist() == whole.rows.tolist()
    assert np.allclose(hits.scores, whole.scores, atol=1e-5)
    plain, rows = model.mixture(history, repeats=repeats), hits.rows[0][hits.rows[0] >= 0]
    for ours, all_of_it in zip(mixture.amounts(rows), plain.amounts(rows), strict=True):
        assert np.allclose(ours, all_of_it, atol=1e-5)


def test_itemknn_stands_in_for_products_beyond_those_of_ease():
    few = [EASE(max_products=2, regularisation=2.0), ItemKNN(shrink=0.0)]
    model = Blend(parts=few, weights=[1.0, 0.2]).fit(SHOP)
    known = model.parts_[0].products_
    beyond = np.setdiff1d(EVERYTHING, known)
    share = model.mixture(History.of([[0, 2]], 12), repeats=False).share(EVERYTHING)
    assert np.allclose(share[1, beyond], 6 * share[1, known[0]])  # its own weight of 0.2 and that of ease
    assert model.recommend(History.of([[0, 2]], 12), 2).rows[0, 1] in beyond
    assert ask(model, History.of([[2]], 12)).used == "itemknn"


def test_bought_again_comes_first_with_repeats_only(blend):
    history = timed([[7, 7, 0]], [[1, 8, 8]])
    assert ask(blend, history, repeats=True).hits.rows[0, 0] == 7
    assert ask(blend, history, repeats=True).reasons[0][0].text == "you have bought it 2 times"
    assert not set(ask(blend, history).hits.rows[0].tolist()) & {0, 7}


def test_the_answer_is_that_of_the_recommender(blend):
    for repeats in (False, True):
        whole = blend.recommend(SHOP, 3, repeats=repeats)
        for row in range(len(SHOP)):
            one = SHOP.take(slice(row, row + 1))
            assert ask(blend, one, repeats=repeats).hits.rows.tolist() == whole.rows[[row]].tolist()
            found = whole.rows[row] >= 0
            assert np.allclose(blend.score(one, whole.rows[row][found])[0], whole.scores[row][found], atol=1e-5)


def test_filters_hold(blend):
    mugs = np.array([False] * 6 + [True] * 6)
    hits = ask(blend, History.of([[0]], 12), allowed=mugs).hits
    assert (hits.rows[0] >= 6).all()


@pytest.mark.parametrize(
    "model", [Popular(), ItemKNN(), EASE(regularisation=2.0), Content(), Blend(), Newest()], ids=str
)
@pytest.mark.parametrize("repeats", [False, True])
def test_shares_sum_to_one_and_other_is_last(model, repeats):
    model.fit(SHOP, CONTEXT)
    for row in range(len(SHOP)):
        answer = ask(model, SHOP.take(slice(row, row + 1)), repeats=repeats)
        assert len(answer.reasons) == (answer.hits.rows[0] >= 0).sum()
        for said in answer.reasons:
            assert sum(each.share for each in said) == pytest.approx(1, abs=1e-5)
            assert [each.text for each in said].count("other") == 1
            assert said[-1].text == "other"
            assert min(each.share for each in said) >= 0


def test_without_the_product_named_first_the_score_falls(blend):
    falls = []
    for row in range(len(SHOP)):
        one = SHOP.take(slice(row, row + 1))
        answer = ask(blend, one)
        for product, score, said in zip(answer.hits.rows[0], answer.hits.scores[0], answer.reasons, strict=False):
            named = [each.products[0] for each in said if each.products]
            if named and len(BASKETS[row]) > 1:
                without = one.without(0, IDS.row(named[0]))
                factors = blend.mixture(one, repeats=False)
                less = blend.mixture(without, repeats=False)
                # On the scale of the first answer: a history of fewer products has a smaller greatest score.
                same = type(less)(factors.factors, less.scores)
                falls.append(same.total()[product] < score)
    assert len(falls) > 10
    assert np.mean(falls) >= 0.9


def test_a_model_that_explains_nothing_is_asked_without_each_product():
    class Secret(ItemKNN):
        contributions = by_product = None

    model = ItemKNN(shrink=0.0).fit(SHOP)
    secret = Secret(shrink=0.0).fit(SHOP)
    history = History.of([[0, 6]], 12)
    rows = np.array([1, 7])
    assert np.allclose(amounts(secret, history, rows).bought, amounts(model, history, rows).bought, atol=1e-6)


def test_two_products_of_like_weight_are_named_together():
    model = ItemKNN(shrink=0.0).fit(SHOP)
    said = reasons(model, History.of([[6, 7]], 12), np.array([8]), IDS, TITLES)[0]
    assert said[0].text in ("because you bought Mug 7 and Mug 6", "because you bought Mug 6 and Mug 7")
    assert sorted(said[0].products) == ["mug-6", "mug-7"]
    assert said[-1].share == pytest.approx(0, abs=1e-5)


def test_where_hardly_a_product_was_taken_twice_popularity_counts_more():
    def weights(rows):
        parts = [ItemKNN(shrink=1.0), Popular(), Newest()]
        return Blend(parts=parts, weights=[1.0, 0.2, 0.1]).fit(History.of(rows, 12)).weights_[:3].tolist()

    assert weights([[0, 1], [2, 3]]) == pytest.approx([LEAST, 0.2, 0.1])
    assert weights([[0, 1], [0, 1], [0, 1]]) == pytest.approx([1.0, 0.2, 0.1])
    assert weights([[0, 1], [0, 2]])[0] == pytest.approx((4 / 3 - 1) ** 2)
