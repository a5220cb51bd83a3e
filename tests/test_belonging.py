"""Why a product is in its cluster, and that leaving out what is named does move it."""

import numpy as np
import polars as pl
import pytest

from wares.data.catalog import Catalog
from wares.encode.lsa import LSA
from wares.tasks.belonging import belonging
from wares.tasks.drifting import means

TITLES = ["red shoe", "blue shoe", "white shoe", "trail shoe", "steel mug", "tea mug", "coffee mug", "glass mug"]
ODD = ["shoe glass", "绿茶 mug"]
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 0, 1])


@pytest.fixture(scope="module")
def explain():
    brands = ["Acme", "Acme", "Bolt", "Acme", "Clay", "Clay", "Clay", "Clay", None, None]
    titles = [*TITLES, *ODD]
    frame = pl.DataFrame({"id": [f"P{n}" for n in range(10)], "title": titles, "brand": brands})
    catalog = Catalog(frame)
    encoder = LSA(width=6, columns=("title",)).fit(catalog)
    vectors = encoder.encode(catalog)
    centers = means(vectors, LABELS)
    ids = frame["id"].to_list()

    def of(row: int):
        return belonging(catalog, row, vectors=vectors, labels=LABELS, centers=centers, encoder=encoder, names=ids)

    return of


def test_words_and_brands_are_told_with_their_shares(explain):
    found = explain(0)
    assert (found.cluster, found.rival) == (0, 1)
    assert found.gap > 0
    assert found.terms[0][0] == "shoe"
    assert found.terms[0][1:] == (1.0, 0.0)
    assert found.attributes == [("brand", "Acme", 0.6, 0.0)]


def test_without_the_word_that_decides_it_goes_elsewhere(explain):
    assert ("shoe", 1) in explain(8).moves
    assert "glass" not in [what for what, _ in explain(8).moves]
    assert explain(8).attributes == []


def test_what_does_not_decide_moves_nothing(explain):
    assert [what for what, _ in explain(1).moves if what == "blue"] == []


def test_chinese_words_are_left_out_one_by_one(explain):
    assert explain(9).cluster == 1
    assert all(what in ("绿茶", "mug") for what, _ in explain(9).moves)
