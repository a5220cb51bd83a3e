"""The siamese encoder: pairs come near each other, however the loss and the measure."""

import numpy as np
import polars as pl
import pytest

from wares.algorithm import Context
from wares.checks import shop
from wares.data.catalog import Catalog
from wares.encode.siamese import Siamese, _nearest, _Pairs

TITLES = ("alpha one", "uno primero", "beta two", "dos segundo", "gamma three", "tres tercero", "delta four", "vier")
SAME = np.array([0, 0, 1, 1, 2, 2, -1, -1])
SMALL = {"bits": 10, "width": 32, "meaning": 0, "rate": 1e-2, "batch": 4, "epochs": 30, "patience": 30}


def catalog() -> Catalog:
    return Catalog(pl.DataFrame({"id": [f"p{row}" for row in range(8)], "title": list(TITLES)}))


@pytest.mark.parametrize("loss", ["contrastive", "squared"])
@pytest.mark.parametrize("measure", ["cosine", "euclidean"])
def test_what_is_the_same_comes_near(loss: str, measure: str):
    before = Siamese(**SMALL).fit(catalog())
    after = Siamese(**SMALL, loss=loss, measure=measure).fit(catalog(), same=SAME)
    for encoder, least, most in ((before, -1, 0.6), (after, 0.6, 1.1)):
        rows = encoder.encode(catalog())
        pairs = [float(rows[row] @ rows[row + 1]) for row in (0, 2, 4)]
        assert least < min(pairs)
        assert max(pairs) < most
    rows = after.encode(catalog())
    assert rows[0] @ rows[2] < 0.5


def test_what_was_looked_at_together_comes_near():
    plain = Siamese(**SMALL).fit(shop.catalog())
    taught = Siamese(**SMALL).fit(shop.catalog(), Context(history=shop.history()))
    gain = [float(rows[0] @ rows[3]) for rows in (each.encode(shop.catalog()) for each in (plain, taught))]
    assert gain[1] > gain[0]
    assert len(taught.curve_) > 1
    assert len(plain.curve_) == 1


def test_partners_are_others_of_the_group():
    pairs = _Pairs.of(8, np.array([5, 5, 5, -1, 9, 9, -1, 7]), None)
    assert pairs.ones.tolist() == [0, 1, 2, 4, 5]
    rng = np.random.default_rng(0)
    drawn = set()
    for _ in range(50):
        ones, others = pairs.drawn(np.arange(5), rng)
        assert (ones != others).all()
        assert (pairs.group[ones] == pairs.group[others]).all()
        drawn |= set(zip(ones.tolist(), others.tolist(), strict=True))
    assert drawn == {(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (4, 5), (5, 4)}
    assert pairs.alike(np.array([0, 4]), np.array([1, 5, 2])).tolist() == [[True, False, True], [False, True, False]]


def test_the_nearest_are_never_of_the_same_group():
    vectors = np.eye(4, dtype=np.float32)[[0, 0, 0, 1, 1]]
    near = _nearest(vectors, _Pairs.of(5, np.array([0, 0, -1, 1, 1]), None))
    assert set(near[0].tolist()) == {-1, 2, 3, 4}
    assert set(near[3].tolist()) == {-1, 0, 1, 2}


def test_meaning_is_asked_and_empty_texts_are_nothing():
    encoder = Siamese(**{**SMALL, "meaning": 16}).fit(catalog())
    rows = encoder.encode_text(["shoe", "", "  "])
    assert rows.shape == (3, 48)
    assert np.linalg.norm(rows[0]) == pytest.approx(1, abs=1e-5)
    assert not rows[1:].any()
