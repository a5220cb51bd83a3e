"""The hybrid: taught on the past alone, better than its blend where there is something to learn, else the blend."""

import numpy as np
import pytest
from test_recommend_models import timed

from wares.algorithm import Context
from wares.data.history import History
from wares.data.ids import Ids
from wares.errors import DataError
from wares.rank.lambdamart import LambdaMART
from wares.recommend.itemknn import ItemKNN
from wares.recommend.popular import Popular
from wares.tasks.blending import Blend
from wares.tasks.features import BOTH, FIRST, PRODUCT, SHOPPER, SPANS, Products, names, traits
from wares.tasks.hybrid import Hybrid
from wares.tasks.recommending import recommend
from wares.tasks.splitting import DAY, parted
from wares.tasks.standing import Questions, ndcg

N = 30
PRICES = np.where(np.arange(N) % 2, 10.0, 1.0).astype(np.float32)


def fads(n: int = 400) -> History:
    """Shoppers who all took up the fads of the first days, products 0 to 9, and since then anything else."""
    rng = np.random.default_rng(5)
    rows, days = [], []
    for _ in range(n):
        rows.append(
            [*rng.choice(10, 4, replace=False).tolist(), *rng.choice(np.arange(10, N), 6, replace=False).tolist()]
        )
        days.append([0, 1, 2, 3, *sorted(rng.integers(10, 60, 6).tolist())])
    return timed(rows, days, n=N)


def small(**options) -> Hybrid:
    base = Blend(parts=[Popular(), ItemKNN(shrink=1.0)], weights=[1.0, 0.1])
    given = {"base": base, "ranker": LambdaMART(rounds=20, leaves=4, least=20), "days": 10.0, "least": 50} | options
    return Hybrid(**given)


SHOP = fads()
CONTEXT = Context(prices=PRICES)


@pytest.fixture(scope="module")
def fitted() -> Hybrid:
    return small().fit(SHOP, CONTEXT)


def test_it_learns_what_its_parts_cannot_say():
    split = parted(SHOP, until=50 * DAY)
    questions = Questions.of(split, ("new",), CONTEXT)
    model = small().fit(split.train, CONTEXT)
    values = ndcg(model, questions, "new", 5)
    alone = ndcg(model.base_, questions, "new", 5)
    assert model.taught_ >= 50
    assert np.nanmean(values) > np.nanmean(alone)
    first = model.recommend(questions.history, 3, context=questions.context).rows
    assert (first >= 10).mean() > 0.95


def test_lessons_are_of_the_past_alone(monkeypatch):
    seen = []

    class Watching(Popular):
        def fit(self, history, context=Context()):
            seen.append(int(history.times.max()) // DAY)
            return super().fit(history, context)

    small(base=Blend(parts=[Watching()], weights=[1.0]), lessons=3).fit(SHOP, CONTEXT)
    end = int(SHOP.times.max()) // DAY
    assert seen == [end - 10, end - 20, end - 30, end]


def test_what_is_held_and_what_is_no_candidate_stands_behind(fitted):
    one = SHOP.one(0)
    scores = fitted.score(one, np.arange(N), context=CONTEXT)[0]
    mixture = fitted.base_.mixture(one, context=CONTEXT)
    held = np.unique(one.products)
    assert scores[held].tolist() == mixture.total()[held].tolist()
    free = np.setdiff1d(np.arange(N), held)
    assert ((scores[free] > 1) & (scores[free] < 2)).all()


def test_with_too_little_to_learn_it_is_the_blend():
    model = small(least=10_000).fit(SHOP, CONTEXT)
    assert model.ranker_ is None
    ours = model.recommend(SHOP, 5, context=CONTEXT)
    assert ours.rows.tolist() == model.base_.recommend(SHOP, 5, context=CONTEXT).rows.tolist()
    bare = small().fit(History.of([[1, 2], [2, 3]], N))
    assert bare.ranker_ is None
    assert bare.taught_ == 0


def test_a_stranger_gets_the_blend(fitted):
    stranger = History.of([[]], N)
    assert fitted.recommend(stranger, 3).rows.tolist() == fitted.base_.recommend(stranger, 3).rows.tolist()


def test_the_same_seed_gives_the_same_bits():
    one, other = (small(most=100, seed=3).fit(SHOP, CONTEXT) for _ in range(2))
    assert one.ranker_.trees_ == other.ranker_.trees_
    assert one.taught_ <= 300


def test_reasons_are_those_of_the_blend(fitted):
    answer = recommend(fitted, SHOP.one(0), 3, Ids([f"P{n}" for n in range(N)]), [f"Cup {n}" for n in range(N)])
    assert answer.used == "hybrid"
    for said in answer.reasons:
        assert sum(each.share for each in said) == pytest.approx(1)
    assert any("Cup" in each.text for said in answer.reasons for each in said)


def test_features_are_counted_before_the_moment():
    history = timed([[0, 1, 0], [1, 5]], [[0, 30, 39], [36, 38]], n=6)
    table = Products.of(history, Context(prices=PRICES[:4]), 40 * DAY).table
    of = {name: table[:, number] for number, name in enumerate(PRODUCT)}
    assert of["buyers"].tolist() == [1, 2, 0, 0, 0, 1]
    assert of["buyers in 7 days"].tolist() == [1, 1, 0, 0, 0, 1]
    assert of[f"first buyers in {FIRST[0]} days"].tolist() == [0, 2, 0, 0, 0, 1]
    assert of["days since the first event"][[0, 1]].tolist() == [40, 10]
    assert of["days since the last event"][[0, 5]].tolist() == [1, 2]
    assert of["share who took it again"][[0, 1]].tolist() == [1, 0]
    assert np.isnan(of["price"]).tolist() == [False] * 4 + [True] * 2
    assert np.isnan(of["days since the first event"][2])
    assert len(SPANS) + len(FIRST) + 5 == len(PRODUCT)


def test_traits_of_shopper_and_product_together():
    history = timed([[0, 1, 0]], [[0, 30, 39]], n=6)
    clusters = np.array([0, 1, 0, 1, -1, 0])
    products = Products.of(history, Context(prices=PRICES[:6], clusters=clusters), 40 * DAY)
    found = traits(products, history, np.array([2, 4]), 40 * DAY)
    assert found.shape == (2, len(PRODUCT) + len(SHOPPER) + len(BOTH))
    assert len(names(["a", "b"])) == found.shape[1] + 4
    shopper = found[0, len(PRODUCT) : len(PRODUCT) + len(SHOPPER)]
    assert shopper.tolist() == [3, 2, 2, 1.5]
    share, lately, price = found[0, -3:]
    assert share == pytest.approx(2 / 3)
    assert lately == 1
    assert price == 1.0 - 1.0
    assert np.isnan(found[1, -3])  # in no cluster


def test_what_a_ranker_cannot_learn_from_is_said():
    model = LambdaMART(rounds=2)
    with pytest.raises(DataError, match="do not belong together"):
        model.fit(np.zeros((3, 2), np.float32), np.zeros(3, np.float32), np.array([2]))
    with pytest.raises(DataError, match="no candidate"):
        model.fit(np.zeros((0, 2), np.float32), np.zeros(0, np.float32), np.array([], np.int64))
    fitted = model.fit(np.eye(4, dtype=np.float32), np.array([1, 0, 0, 0], np.float32), np.array([4]))
    with pytest.raises(DataError, match="4 features"):
        fitted.predict(np.zeros((2, 3), np.float32))
