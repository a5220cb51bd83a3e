"""Labellers that are networks: they learn what stands there, leave out what is not known, and answer what they must."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wares.algorithm import Labeller
from wares.checks import shop
from wares.checks.photos import drawn, png
from wares.classify import tokens
from wares.classify.imagecnn import ImageCNN, _shaken
from wares.classify.lstm import LSTM
from wares.classify.multitask import MultiTask, _bands
from wares.classify.textcnn import TextCNN
from wares.data.catalog import Catalog
from wares.errors import DataError, UnknownName
from wares.tasks.saliency import saliency

WORDS = ("red shoe", "blue shoe", "green shoe", "red mug", "blue mug", "green mug") * 4
KIND = [text.split()[1] for text in WORDS]
COLOUR = [text.split()[0] for text in WORDS]


def catalog(texts=WORDS, **columns) -> Catalog:
    return Catalog(pl.DataFrame({"id": [f"p{row}" for row in range(len(texts))], "title": list(texts), **columns}))


def answers(labeller: Labeller, products: Catalog, target: str) -> list[str]:
    table = labeller.predict_proba(products)[target]
    return np.asarray(labeller.classes_[target])[table.argmax(axis=1)].tolist()


SMALL = {"kinds": 1024, "length": 8, "width": 16, "rate": 1e-2, "drop": 0.0, "dropout": 0.0}
READERS = {
    "textcnn": TextCNN(**SMALL, filters=16),
    "letters": TextCNN(**{**SMALL, "length": 16}, filters=16, units="letters"),
    "lstm": LSTM(**SMALL, hidden=16),
    "gru": LSTM(**SMALL, hidden=16, cell="gru", bidirectional=False),
    "multitask": MultiTask(bits=10, width=16, hidden=16, rate=1e-2, dropout=0.0, drop=0.0),
}


@pytest.mark.parametrize("name", READERS)
def test_two_targets_are_learned_at_once(name: str):
    fitted = READERS[name].fit(catalog(), {"kind": KIND, "colour": COLOUR})
    assert answers(fitted, catalog(), "kind") == KIND
    assert answers(fitted, catalog(), "colour") == COLOUR
    assert fitted.curve_[-1, 0] < fitted.curve_[0, 0]


@pytest.mark.parametrize("name", ["textcnn", "multitask"])
def test_products_without_a_class_teach_nothing_of_it(name: str):
    half = [kind if row < 12 else None for row, kind in enumerate(KIND)]
    model = READERS[name]
    fitted = model.fit(catalog(), {"kind": half})
    assert fitted.classes_["kind"].tolist() == ["mug", "shoe"]
    assert answers(fitted, catalog(WORDS[:6]), "kind") == KIND[:6]


def test_a_target_without_any_class_is_an_error():
    with pytest.raises(DataError, match="no class is known"):
        READERS["textcnn"].fit(catalog(), {"kind": [None] * len(WORDS)})
    with pytest.raises(DataError, match="2 classes for 24 products"):
        READERS["textcnn"].fit(catalog(), {"kind": ["a", "b"]})
    with pytest.raises(DataError, match="no target"):
        READERS["textcnn"].fit(catalog(), {})


def test_where_nothing_stands_the_answer_is_how_frequent_classes_are():
    kinds = ["mug"] * 18 + ["shoe"] * 6
    fitted = READERS["textcnn"].fit(catalog(), {"kind": kinds})
    (row,) = fitted.predict_proba(catalog([None]))["kind"]
    assert row.tolist() == [0.75, 0.25]


def test_one_class_is_certain():
    fitted = READERS["lstm"].fit(catalog(), {"kind": ["mug"] * len(WORDS)})
    assert (fitted.predict_proba(catalog())["kind"] == 1).all()


def test_a_column_called_like_a_target_is_not_read():
    both = TextCNN(**SMALL, filters=16, columns=("title", "kind"))
    fitted = both.fit(catalog(kind=KIND), {"kind": KIND})
    assert fitted.columns_ == ["title"]


def test_balance_lets_the_rare_class_count():
    texts, kinds = ["thing"] * 24, ["often"] * 20 + ["rare"] * 4
    plain, weighed = (
        TextCNN(**SMALL, filters=8, weighted=how).fit(catalog(texts), {"kind": kinds}).predict_proba(catalog(["thing"]))
        for how in ("none", "balanced")
    )
    assert plain["kind"][0, 1] < 0.3
    assert weighed["kind"][0, 1] == pytest.approx(0.5, abs=0.1)


# -- reading -------------------------------------------------------------------------------------------------------


def test_words_become_the_same_numbers_everywhere():
    found = tokens.read(catalog(["red shoe", "shoe", "", None, "red " * 20]), ("title",), "words", 8, 1024)
    table = found.table.numpy()
    assert found.known.tolist() == [True, True, False, False, True]
    assert table[0, 1] == table[1, 0] > 1
    assert table[1, 1] == 0
    assert (table[4] == table[0, 0]).all()


def test_letters_of_neighbours_do_not_run_together():
    found = tokens.read(catalog(["ab", "a", "", "ba"]), ("title",), "letters", 8, 1024)
    table = found.table.numpy()
    assert [np.count_nonzero(row) for row in table] == [2, 1, 0, 2]
    assert table[0, :2].tolist() == table[3, 1::-1].tolist()


def test_levels_and_columns_beside_teach_and_are_not_answered():
    paths = [f"All > {kind} > {colour}" for kind, colour in zip(KIND, COLOUR, strict=True)]
    prices = [float(row) for row in range(len(WORDS))]
    model = MultiTask(bits=10, width=16, hidden=16, rate=1e-2, dropout=0.0, drop=0.0, least=6)
    fitted = model.fit(catalog(brand=COLOUR, price=prices), {"path": paths})
    # Of the first level there is one class, and bands of five are too small.
    assert fitted.besides_ == ["path, level 2", "brand"]
    assert set(fitted.predict_proba(catalog())) == {"path"}
    assert answers(fitted, catalog(), "path") == paths


def test_bands_hold_equally_many():
    assert _bands(np.array([5.0, 1.0, np.nan, 3.0, 9.0]), 2) == ["1", "0", None, "0", "1"]


# -- photos --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["head", "own", "tune"])
def test_photos_are_told_apart(way: str):
    kinds = ["shoe" if row in shop.SHOES else "mug" for row in range(12)]
    model = ImageCNN(way=way, size=32, rate=5e-3, width=32, tuned=1, dropout=0.0)
    fitted = model.fit(shop.catalog(), {"kind": kinds})
    assert answers(fitted, shop.catalog(), "kind") == kinds
    bare = fitted.predict_proba(shop.bare_catalog())["kind"]
    assert (bare == 0.5).all()


def test_photos_that_cannot_be_read_teach_nothing(tmp_path: Path):
    for row in range(8):
        (tmp_path / f"{row}.png").write_bytes(png(drawn(row, row % 2 == 0)) if row else b"broken")
    products = catalog(WORDS[:9], image=[*(f"{row}.png" for row in range(8)), "gone.png"])
    kinds = ["shoe" if row % 2 == 0 else "mug" for row in range(9)]
    fitted = ImageCNN(size=32, folders=(str(tmp_path),)).fit(products, {"kind": kinds})
    table = fitted.predict_proba(products)["kind"]
    assert np.array_equal(table[0], table[8])
    assert not np.array_equal(table[0], table[1])
    none = ImageCNN(size=32).fit(products, {"kind": kinds})
    assert np.ptp(none.predict_proba(products)["kind"], axis=0).max() == 0


def test_a_shaken_picture_keeps_its_white():
    import torch

    white = torch.full((3, 16, 16, 3), 255, dtype=torch.uint8)
    assert (_shaken(white) == 255).all()


def test_saliency_points_at_what_the_answer_is_about():
    kinds = ["shoe" if row in shop.SHOES else "mug" for row in range(12)]
    fitted = ImageCNN(way="own", size=64, rate=5e-3, width=32, dropout=0.0, augment=False).fit(
        shop.catalog(), {"kind": kinds}
    )
    one = Catalog(shop.catalog().scan.collect()[[2]])
    found = saliency(fitted, one, "kind", grid=4, size=64)
    assert found.answer == "mug"
    assert found.heat.shape == (4, 4)
    assert np.abs(found.heat).max() > 0
    for photo in (True, False):
        assert found.png(photo=photo)[:4] == b"\x89PNG"
    other = saliency(fitted, one, "kind", answer="shoe", grid=4, size=64)
    assert other.probability == pytest.approx(1 - found.probability, abs=1e-5)
    with pytest.raises(UnknownName, match="kind"):
        saliency(fitted, one, "kin")
    with pytest.raises(UnknownName, match="shoe"):
        saliency(fitted, one, "kind", answer="shoo")
    with pytest.raises(DataError, match="no photo"):
        saliency(fitted, Catalog(shop.bare_catalog().scan.collect()[[0]]), "kind")
