"""What is learned from a long history part by part is what is learned from all of it at once."""

import numpy as np
import polars as pl
import pytest

from wares.data import events, history
from wares.data.events import Events
from wares.data.history import History
from wares.data.ids import Ids
from wares.data.mapped import read_batches
from wares.data.outputs import Output
from wares.recommend.ease import EASE
from wares.recommend.itemknn import ItemKNN
from wares.recommend.popular import Popular
from wares.recommend.repeat import Repeat
from wares.tasks import splitting
from wares.tasks.similar import Together

DAY = 86_400_000_000_000


def _long(baskets: bool = False) -> History:
    rng = np.random.default_rng(7)
    lengths = rng.integers(0, 12, 60)
    lengths[[3, 59]] = 0, 40  # a shopper of no event, and one of more than a part
    n = int(lengths.sum())
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    times = np.concatenate([np.sort(rng.integers(0, 90, length)) * DAY for length in lengths]).astype(np.int64)
    runs = np.concatenate([np.sort(rng.integers(0, 4, length)) for length in lengths]).astype(np.int32)
    weights = rng.choice(np.array([1, 3, 5, -5], np.float32), n)
    products = (12 * rng.random(n) ** 2).astype(np.int32)
    return History(indptr, products, weights, 12, times, baskets=runs if baskets else None)


def _learned(model):
    return {name: getattr(each, "toarray", lambda each=each: each)() for name, each in model.learned().items()}


def test_parts_are_the_whole():
    whole = _long()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "PART", 30)
        parts = list(whole.parts())
    assert len(parts) > 5
    assert max(part.n_events for part in parts) == 40  # a shopper is never cut in two
    assert sum(len(part) for part in parts) == len(whole)
    for name in ("products", "weights", "times"):
        assert np.concatenate([getattr(part, name) for part in parts]).tolist() == getattr(whole, name).tolist()
    assert np.concatenate([np.diff(part.indptr) for part in parts]).tolist() == np.diff(whole.indptr).tolist()
    assert list(History.of([], 4).parts()) == []


@pytest.mark.parametrize("baskets", [False, True])
@pytest.mark.parametrize(
    "model",
    [EASE(half_life=20.0), ItemKNN(strength="log"), Popular(), Repeat(), Together(least=1, largest=6)],
    ids=lambda model: type(model).__name__,
)
def test_learned_in_parts(model, baskets):
    whole = _long(baskets)
    once = _learned(model.fit(whole))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "PART", 30)
        again = _learned(model.fit(whole))
    assert once.keys() == again.keys()
    for name, each in once.items():
        np.testing.assert_array_equal(again[name], each, err_msg=name)


def test_wanted_in_parts():
    train, test, _ = splitting.split(_long(), 60 * DAY)
    for task in ("new", "repeat"):
        once = splitting.wanted(train, test, task)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(splitting, "_SHOPPERS", 7)
            again = splitting.wanted(train, test, task)
        assert again.indptr.tolist() == once.indptr.tolist()
        assert again.products.tolist() == once.products.tolist()
    had = {(owner, product) for owner, product in zip(train.owners(), train.products, strict=True)}
    new = splitting.wanted(train, test, "new")
    pairs = zip(test.owners(), test.products, test.weights, strict=True)
    assert new.products.tolist() == [p for owner, p, weight in pairs if (owner, p) not in had and weight > 0]


def test_history_of_a_file_in_parts(tmp_path):
    rng = np.random.default_rng(2)
    n = 500
    frame = pl.DataFrame(
        {
            "shopper": [f"U{i}" for i in rng.integers(40, size=n)],
            "product": [f"P{i}" for i in rng.integers(9, size=n)],
            "kind": rng.choice(["view", "purchase"], n),
            "at": pl.Series(rng.integers(50, size=n) * 3_600_000_000).cast(pl.Datetime("us", "UTC")),
            "id": [f"E{i}" for i in rng.permutation(n)],
        }
    )
    with Output(tmp_path / "events.arrow") as out:
        for start in range(0, n, 70):
            out.write(frame.slice(start, 70))
    products = Ids([f"P{i}" for i in range(8)])
    once = Events(frame).history(products)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "_PART", 100)
        patch.setattr(events, "_SORTED", 60)
        again = Events(tmp_path / "events.arrow").history(products)
    for name in ("indptr", "products", "weights", "times", "kinds"):
        assert getattr(again, name).tolist() == getattr(once, name).tolist(), name
    assert pl.concat(read_batches(tmp_path / "events.arrow", ["kind", "shopper"])).equals(
        frame.select("kind", "shopper")
    )
