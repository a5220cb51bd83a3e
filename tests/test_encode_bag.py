import numpy as np
import polars as pl

from wares.data.catalog import Catalog
from wares.encode.bag import Bag

TITLES = ["Red mug and red plate", "Blue Mugs", "Blue plates 20 cm", "绿茶 mug", "", "Café 20"]


def catalog(titles=TITLES):
    return Catalog(pl.DataFrame({"id": [str(row) for row in range(len(titles))], "title": titles}))


def test_words_are_counted():
    bag = Bag(least=1, most=1.0).fit(catalog())
    assert bag.vocabulary_.tolist()[0] == "mug"  # in three titles
    assert {"mug", "plate", "blue", "red", "cafe", "绿茶"} <= set(bag.vocabulary_.tolist())
    assert "20" not in bag.vocabulary_  # no letter
    counts = bag.counts(catalog()).toarray()
    column = {word: number for number, word in enumerate(bag.vocabulary_.tolist())}
    assert counts[:, column["red"]].tolist() == [2, 0, 0, 0, 0, 0]
    assert counts[:, column["mug"]].tolist() == [1, 1, 0, 1, 0, 0]
    assert counts[4].sum() == 0
    assert bag.products_[column["blue"]] == 2


def test_words_are_shown_as_they_are_written_most():
    bag = Bag(least=1, most=1.0).fit(catalog(["cookies", "cookies", "cookie", "a box"]))
    shown = dict(zip(bag.vocabulary_.tolist(), bag.shown_.tolist(), strict=True))
    assert shown["cookie"] == "cookies"


def test_rare_and_common_words_are_left_out():
    bag = Bag(least=2, most=0.4).fit(catalog())
    assert set(bag.vocabulary_.tolist()) == {"plate", "blue"}  # mug stands in half of the titles
    assert Bag(width=1).fit(catalog()).vocabulary_.tolist() == ["mug"]


def test_where_every_word_is_rare_they_stay():
    assert set(Bag().fit(catalog(["red", "blue"])).vocabulary_.tolist()) == {"red", "blue"}


def test_catalogs_without_words():
    for titles in ([], ["", ""], ["12", "7"]):
        bag = Bag().fit(catalog(titles))
        assert bag.counts(catalog()).shape == (6, 0)


def test_blocks_do_not_matter(monkeypatch):
    whole = Bag(least=1).fit(catalog())
    monkeypatch.setattr(Catalog.pieces, "__defaults__", (None, 30, None))
    parts = Bag(least=1).fit(catalog())
    np.testing.assert_array_equal(whole.vocabulary_, parts.vocabulary_)
    np.testing.assert_array_equal(whole.shown_, parts.shown_)
    np.testing.assert_array_equal(whole.counts(catalog()).toarray(), parts.counts(catalog()).toarray())


def test_unit_rows_are_the_counts_scaled():
    bag = Bag(least=1, most=1.0).fit(catalog())
    np.testing.assert_allclose(bag.encode_text(["red red mug"]).toarray().max(), 2 / np.sqrt(5), rtol=1e-6)
