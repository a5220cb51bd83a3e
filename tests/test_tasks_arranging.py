"""Rules and variety: what is moved, what is told, and that shares still are shares."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cli_asking import Wares, wares

from wares.data.hits import Hits, Reason
from wares.errors import SettingError
from wares.making import build_shop
from wares.shop import Shop
from wares.tasks.arranging import Lift, Rules, Wish, arrange, told

__all__ = ["wares"]

HITS = Hits(np.array([[3, 1, 0, 2]]), np.array([[4, 3, 2, 1]], np.float32))
LOOKS = np.array([[1, 0], [1, 0], [0, 1], [1, 0]], np.float32)


def lift(row: int, by: float) -> Lift:
    factors = np.ones(4, np.float32)
    factors[row] = by
    return Lift("ours", factors)


def test_without_a_wish_nothing_moves():
    assert arrange(HITS, 4, Wish(), LOOKS) is HITS
    assert Wish().pool(10) == 10
    assert Wish(0.1).pool(10) == 200


def test_variety_brings_the_unlike_forward():
    assert arrange(HITS, 2, Wish(0.5), LOOKS).rows.tolist() == [[3, 2]]
    assert arrange(HITS, 2, Wish(0.01), LOOKS).rows.tolist() == [[3, 1]]


def test_a_lift_multiplies_the_score():
    found = arrange(HITS, 4, Wish(rules=Rules(None, [lift(0, 3.0)])), None)
    assert found.rows.tolist() == [[0, 3, 1, 2]]
    assert found.scores[0].tolist() == pytest.approx([1.5, 1.0, 0.75, 0.25])


def test_scores_below_zero_are_lifted_too():
    hits = Hits(np.array([[1, 0, -1]]), np.array([[-1, -2, -np.inf]], np.float32))
    found = arrange(hits, 2, Wish(rules=Rules(None, [lift(0, 3.0)])), None)
    assert found.rows[0, 0] == 1  # the least of a pool has nothing to lift
    same = Hits(np.array([[1, 0]]), np.array([[-1, -1]], np.float32))
    assert arrange(same, 2, Wish(rules=Rules(None, [lift(0, 3.0)])), None).rows.tolist() == [[0, 1]]


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10_000), st.integers(1, 8), st.floats(0, 1))
def test_every_arrangement_is_of_the_pool_and_in_order(seed, k, diverse):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(12, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    hits = Hits.top(rng.normal(size=(1, 12)).astype(np.float32), 9)
    rules = Rules(None, [Lift("x", rng.choice([0.5, 1, 2], 12).astype(np.float32))])
    found = arrange(hits, k, Wish(diverse, rules=rules), vectors)
    rows = found.rows[0].tolist()
    assert len(rows) == len(set(rows)) == k
    assert set(rows) <= set(hits.rows[0].tolist())
    assert (np.diff(found.scores[0]) <= 1e-6).all()


def test_rules_are_told_with_their_share():
    said = [(Reason("because", 0.8, ["a"]), Reason("other", 0.2))]
    gone = np.array([True, False, False, False])
    wish = Wish(gone=True, rules=Rules(gone, [lift(0, 4.0), Lift("less", np.full(4, 0.5, np.float32))]))
    (found,) = told(said, np.array([0]), wish)
    assert [(each.text, each.share) for each in found] == [
        ("ours", 0.75),
        ("because", pytest.approx(0.2)),
        ("less", 0.0),
        ("out of stock", 0.0),
        ("other", pytest.approx(0.05)),
    ]
    assert sum(each.share for each in found) == pytest.approx(1)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_variety_is_from_0_to_1(share):
    with pytest.raises(SettingError, match="from 0"):
        Wish(share)


# -- a shop ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cups that everybody takes, one of them sold out, of two makers."""
    folder = tmp_path_factory.mktemp("ruled") / "shop"
    products = pl.DataFrame(
        {
            "id": [f"C{n}" for n in range(8)],
            "title": [f"{word} cup" for word in ["red", "blue", "green", "white", "black", "grey", "pink", "brown"]],
            "brand": ["Acme", "Bolt"] * 4,
            "stock": [0.0, 3, None, 1, 1, 1, 1, 1],
            "margin": [0.0, 1, 2, 3, 4, 0, 0, 0],
        }
    )
    rows = [(f"U{n}", f"C{product}") for n in range(24) for product in range(8) if n % (product + 1) == 0]
    events = pl.DataFrame(rows, ["shopper", "product"], orient="row").with_columns(
        pl.lit("purchase").alias("kind"), pl.lit("2026-01-01").alias("at")
    )
    build_shop(folder, products, events, settings={"encode.use": "lsa", "recommend.use": "popular"}).close()
    return folder


def ids(shop: Shop, **options) -> list[str]:
    return [hit.id for hit in shop.recommend(k=3, **options).hits]


def again(folder: Path, rules: str) -> None:
    path = folder / "shop.toml"
    text = path.read_text().partition("[recommend.rules]")[0].partition("[[recommend.rules")[0]
    path.write_text(text + rules)
    build_shop(folder).close()


def test_what_is_sold_out_is_answered_only_where_asked(ruled: Path):
    with Shop(ruled) as shop:
        assert ids(shop) == ["C1", "C2", "C3"]
        assert ids(shop, out_of_stock=True) == ["C0", "C1", "C2"]
        (first, *_) = shop.recommend(k=1, out_of_stock=True).hits
        assert "out of stock" in [each.text for each in first.reasons]


def test_rules_of_the_file_hold_after_the_next_build(ruled: Path):
    again(ruled, '[recommend.rules]\nstock = false\n[[recommend.rules.bury]]\nwhere = {brand = ["Acme"]}\nby = 50\n')
    with Shop(ruled) as shop:
        assert ids(shop) == ["C1", "C3", "C5"]
        assert shop.info()["rules"]["stock"] is False
    again(ruled, '[[recommend.rules.boost]]\nwhere = {brand = ["Acme"]}\nby = 9\nsay = "our own"\n')
    with Shop(ruled) as shop:
        assert ids(shop) == ["C2", "C4", "C6"]
        for hit in shop.recommend(k=3).hits:
            assert hit.reasons[0].text == "our own"
            assert sum(each.share for each in hit.reasons) == pytest.approx(1)
    again(ruled, "[recommend.rules]\nmargin = 9.0\n")
    with Shop(ruled) as shop:
        assert ids(shop)[0] == "C4"  # a little less taken than C2, of twice its margin
        assert "its margin" in shop.recommend(k=1).hits[0].reasons[0].text


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("[recommend.rules]\nstok = true\n", "did you mean 'stock'"),
        ("[recommend.rules]\nfresh = -1.0\n", "from 0 to 1000"),
        ("[recommend.rules]\nmargin = 1e308\n", "from 0 to 1000"),
        ("[recommend.rules]\nfresh = inf\n", "from 0 to 1000"),
        ("[recommend.rules]\nboost = 3\n", r"\[\[recommend.rules.boost\]\]"),
        ("[recommend.rules]\nfresh = 0.5\n", "created"),
        ("[[recommend.rules.boost]]\nby = 2\n", "needs a filter"),
        ('[[recommend.rules.boost]]\nwhere = {brand = ["Acme"]}\nby = 0.5\n', "from 1 to 1000"),
        ('[[recommend.rules.boost]]\nwhere = {brand = ["Acme"]}\nby = 1e300\n', "from 1 to 1000"),
        ('[[recommend.rules.boost]]\nwhere = {barnd = ["Acme"]}\n', "did you mean 'brand'"),
        ('[[recommend.rules.bury]]\nwhere = {brand = ["Acme"]}\nwhy = "x"\n', "did you mean 'where'|unknown key 'why'"),
    ],
)
def test_rules_that_mean_nothing_are_refused_by_the_build(ruled: Path, rules: str, said: str):
    before = sorted(each.name for each in (ruled / "builds").iterdir())
    with pytest.raises(SettingError, match=said):
        again(ruled, rules)
    assert sorted(each.name for each in (ruled / "builds").iterdir()) == before
    again(ruled, "")


# -- by any model ----------------------------------------------------------------------------------------------------


def test_a_model_is_learned_once_and_kept(ruled: Path, wares: Wares):
    with Shop(ruled) as shop:
        with pytest.raises(SettingError, match=r"'itemknn' has not been learned.*--model itemknn.*popular"):
            shop.recommend(basket=["C4"], model="itemknn", learn=False)
        assert shop.recommend(k=2, model="popular", learn=False).used == "popular"
    code, out, _ = wares("recommend", ruled, "--basket", "C4", "--model", "itemknn", "--json")
    assert code == 0
    assert json.loads(out)["used"] == "itemknn"
    assert len(list((ruled / "cache" / "models").iterdir())) == 1
    with Shop(ruled) as shop:
        assert shop.recommend(basket=["C4"], model="itemknn", learn=False).hits
    code, _, err = wares("recommend", ruled, "--model", "itemnn")
    assert code == 2
    assert "did you mean 'itemknn'" in err
    assert wares("recommend", ruled, "--diverse", "0.3")[0] == 0
    assert wares("recommend", ruled, "--diverse", "3")[0] == 2
