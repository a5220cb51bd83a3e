from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.algorithm import Context, Encoder
from wares.checks import shop
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.encode.behaviour import Behaviour
from wares.encode.hashing import Hashing
from wares.errors import DataError
from wares.kernels.skipgram import descend, plain
from wares.tasks.fusing import Fused, reads

SEEN = Context(history=shop.history())
NEVER_BOUGHT = 11  # a mug


def nameless(n: int = 12) -> Catalog:
    """Products that no word tells apart."""
    return Catalog(pl.DataFrame({"id": [f"p{row}" for row in range(n)], "title": ["thing"] * n}))


def kinds_apart(vectors: np.ndarray, rows: list[int]) -> bool:
    """Whether each row is nearer, on average, to its own kind than to the other."""
    near = vectors[rows] @ vectors[rows].T
    np.fill_diagonal(near, np.nan)
    kind = shop.kinds()[rows]
    return all(np.nanmean(near[i, kind == kind[i]]) > near[i, kind != kind[i]].mean() for i in range(len(rows)))


def test_what_is_bought_together_lies_together_whatever_it_is_called():
    bought = sorted({row for taken in shop.TAKEN for row in taken})
    vectors = Behaviour(least=1, fill=False).fit(nameless(), SEEN).encode(nameless())
    assert kinds_apart(vectors, bought)
    assert not vectors[NEVER_BOUGHT].any()


def test_words_place_what_nobody_bought():
    encoder = Behaviour().fit(shop.catalog(), SEEN)
    vectors = encoder.encode(shop.catalog())
    near = vectors[NEVER_BOUGHT] @ vectors.T
    others = [row for row in shop.MUGS if row != NEVER_BOUGHT]
    assert near[others].mean() > near[list(shop.SHOES)].mean() + 0.25
    came_in_later = Catalog(pl.DataFrame({"id": ["new"], "title": ["Red running shoes for kids"]}))
    near = encoder.encode(came_in_later)[0] @ vectors.T
    assert near[list(shop.SHOES)].mean() > near[list(shop.MUGS)].mean() + 0.25


def test_words_count_less_the_more_events_there_are():
    """Shoe 0 is called a mug; the more its events count, the nearer it is to the shoes."""
    titles = (
        shop.catalog()
        .scan.collect()
        .with_columns(
            title=pl.when(pl.col("id") == "shoe-0").then(pl.lit("White ceramic coffee mug")).otherwise("title")
        )
    )
    catalog = Catalog(titles.select("id", "title"))
    to_shoes = []
    for prior in (0.0, 1e6):
        vectors = Behaviour(prior=prior).fit(catalog, SEEN).encode(catalog)
        to_shoes.append(float((vectors[0] @ vectors[[1, 3]].T).mean()))
    assert to_shoes[0] > to_shoes[1] + 0.1


def test_products_are_known_again_by_their_ids_in_any_order():
    encoder = Behaviour(least=1, fill=False).fit(shop.catalog(), SEEN)
    vectors = encoder.encode(shop.catalog())
    turned = Catalog(shop.catalog().scan.collect()[::-1].with_columns(title=pl.lit("something else")))
    assert (encoder.encode(turned)[::-1] == vectors).all()
    strange = Catalog(pl.DataFrame({"id": ["mug-2 ", "zzz", ""], "title": ["mug"] * 3}))
    assert not encoder.encode(strange).any()


def test_baskets_count_where_they_hold_several_products_and_the_order_where_they_do_not():
    """Shoppers buy a pair in one basket and another pair in the next: baskets tell the pairs apart, order does not."""
    one = History.of([[0, 1, 2, 3], [2, 3, 0, 1]] * 6, 4)
    baskets = np.tile(np.array([0, 0, 1, 1], np.int32), 12)

    def apart(history: History) -> float:
        vectors = Behaviour(fill=False, width=8).fit(nameless(4), Context(history=history)).encode(nameless(4))
        return float(vectors[0] @ vectors[1] - vectors[0] @ vectors[2])

    assert apart(replace(one, baskets=baskets)) > 0.5
    alone = replace(one, baskets=np.tile(np.arange(4, dtype=np.int32), 12))
    assert apart(alone) == apart(one)


def test_the_seed_decides_and_nothing_else():
    catalog = shop.catalog()
    first, again = (Behaviour(seed=3).fit(catalog, SEEN).encode(catalog) for _ in range(2))
    assert (first == again).all()
    assert (first != Behaviour(seed=4).fit(catalog, SEEN).encode(catalog)).any()


def test_saved_and_loaded_it_answers_the_same(tmp_path):
    encoder = Behaviour().fit(shop.catalog(), SEEN)
    encoder.save(tmp_path / "encoder")
    loaded = Encoder.load(tmp_path / "encoder")
    assert (loaded.encode(shop.catalog()) == encoder.encode(shop.catalog())).all()


def test_without_events_nothing_is_known_and_without_a_history_it_says_so():
    catalog = shop.catalog()
    assert not Behaviour().fit(catalog, Context(history=History.of([], 12))).encode(catalog).any()
    taken_back = replace(shop.history(), weights=-shop.history().weights)
    assert not Behaviour().fit(catalog, Context(history=taken_back)).encode(catalog).any()
    lonely = History.of([[0], [1], [2]], 12)
    assert not Behaviour().fit(catalog, Context(history=lonely)).encode(catalog).any()
    with pytest.raises(DataError, match="history"):
        Behaviour().fit(catalog)
    with pytest.raises(DataError, match="12 products, the catalog has 7"):
        Behaviour().fit(shop.other_catalog(), SEEN)


def test_beside_text_it_leaves_queries_to_those_who_read():
    parts: list[Encoder] = [Hashing(width=64), Behaviour(width=16)]
    fused = Fused(parts=parts, weights=[1.0, 0.5]).fit(shop.catalog(), SEEN)
    assert reads(fused) == ["history"]
    assert reads(Fused(parts=[Hashing()], weights=[1.0])) == []
    asked = fused.encode_text(["running shoes"])
    assert not asked[0, 64:].any()
    assert int((asked @ fused.encode(shop.catalog()).T).argmax()) in shop.SHOES


@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 20), st.integers(1, 3), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_a_step_is_that_of_plain_numpy(seed, width, steps, met, chance):
    rng = np.random.default_rng(seed)
    n = 6
    inputs, outputs = rng.normal(size=(2, n, width)).astype(np.float32)
    centres = rng.integers(n, size=steps, dtype=np.int32)
    targets = rng.integers(-1, n, size=(steps, met + chance), dtype=np.int32)
    rates = rng.random(steps, np.float32) * np.float32(0.2)
    wanted = plain(inputs, outputs, centres, targets, met, rates)
    descend(inputs, outputs, centres, targets, met, rates)
    np.testing.assert_allclose(inputs, wanted[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(outputs, wanted[1], rtol=1e-4, atol=1e-5)
