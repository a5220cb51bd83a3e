"""Similar products and products bought together, on data checked by eye."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.arrays import unit
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.errors import DataError
from wares.index.exact import Exact
from wares.index.words import Words
from wares.tasks.filtering import Filters
from wares.tasks.similar import Similar, Together

HOUR = 3_600 * 10**9
# Shoes 0-2, mugs 3-4, lid 5, clog 6 that nobody buys.
BASKETS = [[[3, 5], [0]], [[3, 5, 4], [1, 2]], [[0, 1]], [[4, 3, 5]], [[0, 1, 1]], [[2], [2, 5]]]


def history(*, baskets: bool = True, times: bool = True) -> History:
    flat = History.of([[p for basket in shopper for p in basket] for shopper in BASKETS], 7)
    runs = np.array([run for shopper in BASKETS for run, basket in enumerate(shopper) for _ in basket], np.int32)
    return History(
        flat.indptr,
        flat.products,
        flat.weights,
        7,
        times=runs.astype(np.int64) * 48 * HOUR + 10**18 if times else None,
        baskets=runs if baskets else None,
    )


def test_baskets_are_counted_and_the_cosine_is_shrunk() -> None:
    together = Together(least=1, shrink=1.0).fit(history())
    hits = together.search(3, 3)
    assert hits.rows[0].tolist() == [5, 4, -1]
    # Mug and lid share 3 baskets; the mug is in 3, the lid in 4.
    assert np.isclose(hits.scores[0, 0], 3 / (np.sqrt(3 * 4) + 1))
    assert [each[0].text for each in together.reasons(3, hits)] == [
        "bought together in 3 baskets",
        "bought together in 2 baskets",
    ]
    assert together.unit_ == "baskets"
    assert (together.search(6, 3).rows == -1).all()


def test_visits_where_there_are_no_baskets_and_shoppers_where_there_are_no_times() -> None:
    by_visit = Together(least=1, shrink=1.0).fit(history(baskets=False))
    assert by_visit.unit_ == "visits"
    assert by_visit.rows_.tolist() == Together(least=1, shrink=1.0).fit(history()).rows_.tolist()
    by_shopper = Together(least=1).fit(history(baskets=False, times=False))
    assert by_shopper.unit_ == "shoppers"
    assert by_shopper.told(2, 5) == "bought together by 2 shoppers"
    assert by_visit.told(2, 5) == "bought together in one visit"


def test_rare_pairs_large_orders_and_returns_are_left_out() -> None:
    assert Together(least=2).fit(history()).search(2, 3).rows[0].tolist() == [-1, -1, -1]
    assert 4 not in Together(least=1, largest=2).fit(history()).rows_[3]
    returned = History.of([[0, 1], [0, 1]], 2, weights=[[5.0, -5.0], [5.0, 5.0]])
    assert Together(least=1).fit(returned).counts_[0, 0] == 1


def test_only_allowed_products_are_answered() -> None:
    allowed = np.ones(7, np.bool_)
    allowed[5] = False
    assert Together(least=1).fit(history()).search(3, 2, allowed=allowed).rows[0].tolist() == [4, -1]


def test_no_events_at_all() -> None:
    assert (Together().fit(History.of([], 3)).rows_ == -1).all()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=8), st.integers(1, 3), st.integers(1, 6))
def test_counts_are_those_of_a_plain_loop(shoppers: list[list[int]], least: int, neighbours: int) -> None:
    together = Together(least=least, neighbours=neighbours, shrink=2.0).fit(History.of(shoppers, 6))
    sets = [set(shopper) for shopper in shoppers]
    for one in range(6):
        scores = {}
        for other in range(6):
            both = sum(one in each and other in each for each in sets)
            if other != one and both >= least:
                n, m = (sum(p in each for each in sets) for p in (one, other))
                scores[other] = np.float32(both / (np.sqrt(n * m) + 2.0))
        wanted = sorted(scores, key=lambda row: (-scores[row], row))[:neighbours]
        assert [row for row in together.rows_[one].tolist() if row >= 0] == wanted


FRAME = pl.DataFrame(
    {
        "id": list("abcdefg"),
        "title": ["Red shoe", "Blue shoe", "White shoe", "Red mug", "Glass mug", "Mug lid", "Clog"],
        "brand": ["Acme", "Acme", "Bolt", "Kiln", "Kiln", "Kiln", None],
        "category": ["Shoes > Flat", "Shoes > Flat", "Shoes > High", "Kitchen", "Kitchen", "Kitchen", None],
    }
)
VECTORS = unit(
    np.array([[4, 0, 1], [4, 0, 0], [3, 1, 0], [0, 4, 1], [0, 4, 0], [0, 2, 3], [0, 0, 0]], np.float32)
)  # fmt: skip


def similar(**rest: object) -> Similar:
    catalog = Catalog(FRAME)
    parts = {"filters": Filters().fit(catalog), "words": Words().fit(catalog), **rest}
    return Similar(index=Exact().fit(VECTORS), vectors=VECTORS, **parts)  # type: ignore[arg-type]


def test_similar_works_without_events_and_leaves_the_product_out() -> None:
    found = similar()
    hits = found.search(0, 3)
    assert hits.rows[0].tolist() == [1, 2, 5]
    reasons = found.reasons(0, hits)
    assert reasons[0][0].text == "same brand (Acme); same category (Shoes > Flat); both “shoes”"
    assert reasons[1][0].text == "same category (Shoes); both “shoes”"
    assert reasons[2][0].text == "described alike"
    assert all(each[0].share == 1.0 for each in reasons)


def test_what_is_bought_together_comes_nearer_and_says_so() -> None:
    plain, fused = similar(), similar(together=Together(least=1, shrink=0.0).fit(history()), together_weight=0.9)
    assert plain.search(3, 2).rows[0].tolist() == [4, 5]
    hits = fused.search(3, 2)
    assert hits.rows[0].tolist() == [5, 4]
    texts = [reason.text for reason in fused.reasons(3, hits)[0]]
    assert "bought together in 3 baskets" in texts
    for each in fused.reasons(3, hits):
        assert np.isclose(sum(reason.share for reason in each), 1.0)


def test_a_product_nothing_is_known_of_has_no_similar_ones() -> None:
    assert (similar().search(6, 3).rows == -1).all()
    allowed = np.zeros(7, np.bool_)
    allowed[[0, 4]] = True
    assert similar().search(0, 3, allowed=allowed).rows[0].tolist() == [-1, -1, -1]
    assert similar().search(3, 3, allowed=allowed).rows[0].tolist() == [4, 0, -1]
    with pytest.raises(DataError, match="0 to 6"):
        similar().search(7, 3)


def test_saved_and_loaded(tmp_path: Path) -> None:
    together = Together(least=1).fit(history())
    together.save(tmp_path / "together")
    loaded = Together.load(tmp_path / "together")
    assert loaded.search(3, 3).rows.tolist() == together.search(3, 3).rows.tolist()
    assert loaded.told(3, 5) == together.told(3, 5)
