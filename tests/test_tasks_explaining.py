"""Reasons of every recommender: shares, the product named first, and the language."""

from dataclasses import dataclass

import numpy as np
import pytest

from wares.algorithm import Context, Recommender, setting
from wares.checks import shop
from wares.data.history import History
from wares.data.ids import Ids
from wares.errors import MissingExtra
from wares.registry import make, names
from wares.tasks import explaining
from wares.tasks.explaining import amounts, reasons

TITLES = [f"{'Shoe' if row in shop.SHOES else 'Mug'} {row}" for row in range(12)]
IDS = Ids(TITLES)


def fitted(name: str) -> Recommender:
    try:
        return make(Recommender, name).fit(shop.history(), shop.context())
    except MissingExtra as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("name", names(Recommender))
def test_shares_sum_to_one_and_the_product_named_first_counts(name: str):
    model, context = fitted(name), shop.context()
    history = shop.history()
    lower = []
    for shopper in range(len(history)):
        own = history.one(shopper)
        hits = model.recommend(own, 3, context=context)
        rows = hits.rows[0][hits.rows[0] >= 0]
        before = model.score(own, np.arange(12), context=context)[0]
        for row, said in zip(rows, reasons(model, own, rows, IDS, TITLES, context=context), strict=True):
            assert sum(each.share for each in said) == pytest.approx(1, abs=1e-5)
            assert said[-1].text == "other"
            assert all(0 <= each.share <= 1 for each in said)
            named = [each for each in said if each.text.startswith(("because", "similar"))]
            if named:
                without = history.without(shopper, TITLES.index(named[0].products[0]))
                lower.append(model.score(without, np.arange(12), context=context)[0][row] < before[row])
    assert np.mean(lower or [True]) >= 0.9


@dataclass(kw_only=True, eq=False)
class Largest(Recommender):
    """What is near the largest product of the history: no sum, so leaving out is the only way to explain it."""

    asked: int = setting(0)

    def fit(self, history: History, context: Context = Context()) -> "Largest":
        self.calls_ = 0
        return self

    def score(self, history, products, *, context: Context = Context()):
        self.calls_ += 1
        assert context.at is None or len(context.at) == len(history)
        most = [max(history.row(row).tolist(), default=-1) for row in range(len(history))]
        return np.array([[most_of + 1.0 if product < 100 else 0.0 for product in products] for most_of in most], "f4")


class Looking(Largest):
    """Says that it looked at its first event alone."""

    def weights_of(self, history: History):
        return np.eye(1, history.n_events, dtype=np.float32)[0]


def test_products_are_left_out_all_at_once():
    model = Largest().fit(shop.history())
    made = amounts(model, History.of([[3, 7, 1]], 12), np.array([0, 5]), context=Context(at=np.array([9])))
    assert model.calls_ == 2  # one for the score, one for all that is left out
    assert made.products.tolist() == [3, 7, 1]
    # Without the 7 it is the 3 that counts; without the others nothing changes.
    assert made.bought.tolist() == [[0, 4, 0], [0, 4, 0]]
    assert made.total.tolist() == [8, 8]


def test_a_model_that_tells_what_it_looks_at_is_asked_about_that(monkeypatch):
    monkeypatch.setattr(explaining, "LATEST", 1)
    history, rows = History.of([[9, 7, 1]], 12), np.array([0])
    assert amounts(Largest().fit(history), history, rows).bought.tolist() == [[0, 0, 0]]
    assert amounts(Looking().fit(history), history, rows).bought.tolist() == [[2, 0, 0]]


def test_a_chinese_shop_is_told_in_chinese():
    titles = [f"{'跑鞋' if row in shop.SHOES else '茶杯'}{row}" for row in range(12)]
    model = fitted("itemknn")
    history = History.of([[0, 1]], 12)
    rows = model.recommend(history, 1).rows[0]
    said = reasons(model, history, rows, Ids(titles), titles)[0]
    assert said[0].text in ("因为您买过跑鞋0和跑鞋1", "因为您买过跑鞋1和跑鞋0", "因为您买过跑鞋0", "因为您买过跑鞋1")
    assert said[-1].text == "other"  # which the pages translate
    popular = make(Recommender, "popular").fit(shop.history())
    assert reasons(popular, History.of([[]], 12), np.array([0]), Ids(titles), titles)[0][0].text == "受所有顾客欢迎"
