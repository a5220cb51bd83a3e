import gzip

import numpy as np
import polars as pl
import pytest

from wares.data.catalog import Catalog
from wares.encode.word2vec import Word2Vec
from wares.errors import DataError, SettingError

SHOES = ["red running shoe", "blue running shoe", "trail running sneaker", "red trail sneaker"]
MUGS = ["white coffee mug", "black coffee cup", "white tea cup", "black tea mug"]


def catalog(titles):
    return Catalog(pl.DataFrame({"id": [f"P{i}" for i in range(len(titles))], "title": titles}))


def test_words_of_one_company_lie_near_each_other():
    encoder = Word2Vec(width=16, least=1, subsample=1).fit(catalog(SHOES + MUGS))
    sneaker, shoe, mug = encoder.encode_text(["sneaker", "shoe", "mug"])  # never in one title with either
    assert sneaker @ shoe > sneaker @ mug + 0.2


def test_unknown_words_say_nothing():
    encoder = Word2Vec(width=8, least=1).fit(catalog(SHOES))
    known, same, nothing = encoder.encode_text(["running shoe", "running zebra shoe", "zebra"])
    assert known @ same == pytest.approx(1, abs=1e-6)
    assert not nothing.any()


def test_rare_words_count_more():
    encoder = Word2Vec(least=1, width=8).fit(catalog(SHOES))
    weights = dict(zip(encoder.vocabulary_.tolist(), encoder.weights_.tolist(), strict=True))
    assert weights["blue"] > weights["running"]


def test_words_are_those_of_the_search():
    encoder = Word2Vec(least=1, width=8).fit(catalog(["绿茶 礼盒", "Cafés with crème"]))
    assert "绿茶" in encoder.vocabulary_
    one, other = encoder.encode_text(["Cafés", "cafe"])
    assert one @ other == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("header", ["", "3 2\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_vectors_of_a_file(tmp_path, header, packed):
    text = header + "mug 1 0\nShoes 0 2\nnew york 3 4\n"
    path = tmp_path / ("words.txt.gz" if packed else "words.txt")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    encoder = Word2Vec(file=str(path)).fit(catalog(["mug", "shoe", "unheard"]))
    assert np.allclose(encoder.encode(catalog(["mug", "shoe", "unheard"])), [[1, 0], [0, 1], [0, 0]])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mug 1 0\nshoe 1\n", "line 2: 1 numbers, where the lines before have 2"),
        ("mug 1 x\n", "line 1: 'mug 1 x' is not a word and its numbers"),
        ("mug 1 nan\n", "line 1"),
        ("", "no line holds a word"),
        ("2 3\n", "no line holds a word"),
    ],
)
def test_a_file_of_other_things(tmp_path, text, said):
    path = tmp_path / "words.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        Word2Vec(file=str(path)).fit(catalog(SHOES))


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(SettingError, match="there is no such file"):
        Word2Vec(file=str(tmp_path / "no.txt")).fit(catalog(SHOES))
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00mug")
    with pytest.raises(DataError, match="not a text file of word vectors"):
        Word2Vec(file=str(tmp_path / "binary.txt")).fit(catalog(SHOES))


def test_a_word_of_a_thousand_letters_is_none():
    encoder = Word2Vec(least=1, width=8).fit(catalog(["mug " + "a" * 1000, "mug cup"]))
    assert encoder.vocabulary_.dtype.itemsize <= 4 * 64
    assert encoder.encode_text(["a" * 1000]).any() == np.False_
