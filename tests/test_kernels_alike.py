"""Words that one text has of another, spellings, and sums over trees: the kernels say what the plain ways say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein
from scipy.sparse import csr_array

from wares.kernels import alike, trees
from wares.kernels.alike import Spelled, Texts, Vocabulary
from wares.kernels.trees import LEAF, Trees

WORDS = ["canon", "cannon", "nikon", "eos", "5d", "kd43", "tv", "samsung", "samsunk", "toughskin", "tough", "skin"]


def letters(texts: list[str]) -> Texts:
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
    return Texts(codes, np.concatenate([[0], np.cumsum([len(each) for each in texts])]).astype(np.int64))


def spelled(rows: list[list[int]]) -> Spelled:
    words = [sorted(set(row)) for row in rows]
    starts = np.concatenate([[0], np.cumsum([len(each) for each in words])]).astype(np.int64)
    squashed = letters(["".join(WORDS[word] for word in row) for row in rows])
    flat = np.array([word for row in words for word in row], np.int32)
    return Spelled(flat, starts, squashed.letters, squashed.starts)


VOCABULARY = Vocabulary(
    np.linspace(0.1, 1, len(WORDS)).astype(np.float32),
    np.array([any(map(str.isdigit, word)) for word in WORDS]),
    *letters(WORDS),
)
ROWS = st.lists(st.lists(st.integers(0, len(WORDS) - 1), max_size=5), min_size=2, max_size=4)


@given(ROWS, st.booleans())
@settings(deadline=None, max_examples=60)
def test_covered_says_what_the_plain_way_says(rows: list[list[int]], fuzzy: bool):
    texts = spelled(rows)
    pairs = np.array([[a, b] for a in range(len(rows)) for b in range(len(rows))], np.int32)
    got = alike.covered(texts, texts, fuzzy, VOCABULARY, pairs)
    np.testing.assert_allclose(got, alike.plain_covered(texts, texts, fuzzy, VOCABULARY, pairs), rtol=1e-5)


def test_words_written_together_and_misspelt_are_had():
    texts = spelled([[9], [10, 11], [0], [1]])  # toughskin; tough skin; canon; cannon
    pairs = np.array([[0, 1], [2, 3]], np.int32)
    assert alike.covered(texts, texts, False, VOCABULARY, pairs)[:, 0].tolist() == [1, 0]
    assert alike.covered(texts, texts, True, VOCABULARY, pairs)[1, 0] == pytest.approx(5 / 6)


@given(st.text("ab1", max_size=12), st.text("ab1", max_size=12))
@settings(deadline=None, max_examples=100)
def test_spellings(one: str, other: str):
    texts = letters([one, other])
    got = alike.spellings(texts, np.array([[0, 1]], np.int32))[0]
    if not one or not other:
        assert np.isnan(got)
        return
    assert got == pytest.approx(Levenshtein.normalized_similarity(one, other), abs=1e-6)
    assert got == pytest.approx(alike.plain_spelling(one, other), abs=1e-6)


def test_nearest_codes():
    codes = letters(["kd43xe", "kd43xf", "wh1000", "90210"])
    rows, starts = np.array([0, 2, 1, 3], np.int32), np.array([0, 2, 3, 3, 4], np.int64)
    got = alike.nearest_codes(rows, starts, *codes, np.array([[0, 1], [0, 2], [1, 3]], np.int32))
    assert got[0].tolist() == pytest.approx([5 / 6, 1, 5 / 6])  # kd43xe and kd43xf: the same digits
    assert np.isnan(got[1]).all()  # the third has no code
    assert got[2, 2] == 0


def test_stands_and_cosines():
    texts = letters(["xe", "kd43xe", "x", ""])
    got = alike.stands(texts, texts, np.array([[0, 1], [1, 0], [2, 1], [0, 3]], np.int32))
    assert got[:2].tolist() == [1, 0]
    assert np.isnan(got[2:]).all()
    rows = csr_array(np.array([[1, 0, 2], [0, 3, 4], [0, 0, 0]], np.float32))
    pairs = np.array([[0, 1], [0, 2], [1, 1]], np.int32)
    assert alike.cosines(rows.indptr, rows.indices, rows.data, pairs).tolist() == [8, 0, 25]


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=40)
def test_trees_say_what_the_plain_way_says(seed: int):
    rng = np.random.default_rng(seed)
    one = Trees(
        np.array([0, LEAF, 1, LEAF, LEAF], np.int32),
        rng.random(5),
        np.array([1, 0, 3, 0, 0], np.int32),
        np.array([2, 0, 4, 0, 0], np.int32),
        rng.random(5) < 0.5,
        rng.standard_normal(5),
        np.array([0, 2], np.int32),
    )
    table = rng.random((6, 2)).astype(np.float32)
    table[rng.random((6, 2)) < 0.3] = np.nan
    totals, parts = trees.plain(one, table)
    np.testing.assert_allclose(trees.sums(one, table), totals)
    np.testing.assert_allclose(trees.shares(one, table), parts)
    np.testing.assert_allclose(parts.sum(axis=1) + one.values[one.roots].sum(), totals)
