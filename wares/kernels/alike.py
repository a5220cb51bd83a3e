"""How much of one text the other has: words, misspelt ones and those written together, and the codes nearest each
other. On the path that serves: not parallel."""

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from wares.kernels.overlap import LEAST, _has, _inside

LONGEST = 32
"""Letters of a word or code that are compared; what is longer is no word."""

NEAR = 0.75
"""Likeness from which two spellings may be one word."""


class Spelled(NamedTuple):
    """Texts as their distinct words and as their letters.

    words : of all texts, ascending within each, as rows of the vocabulary. starts : (n + 1,). letters, letter_starts :
    of all texts, without what stands between the words.
    """

    words: NDArray[np.int32]
    starts: NDArray[np.int64]
    letters: NDArray[np.uint32]
    letter_starts: NDArray[np.int64]


class Vocabulary(NamedTuple):
    """weights : (n,) how telling each word is. fixed : (n,) whether it has digits: then it is itself or another.

    letters, starts : their spelling.
    """

    weights: NDArray[np.float32]
    fixed: NDArray[np.bool_]
    letters: NDArray[np.uint32]
    starts: NDArray[np.int64]


@nb.njit(nogil=True, cache=True)
def spelling(one, other):
    """Likeness of two spellings, 0..1: 1 less the edits (one letter more, less or other) by the longer length."""
    n, m = min(one.size, LONGEST), min(other.size, LONGEST)
    if n == 0 or m == 0:
        return 0.0
    row = np.arange(m + 1)
    for i in range(n):
        before, row[0] = row[0], i + 1
        for j in range(m):
            above = row[j + 1]
            row[j + 1] = min(min(row[j] + 1, above + 1), before + (1 if one[i] != other[j] else 0))
            before = above
    return 1.0 - row[m] / max(n, m)


@nb.njit(nogil=True, cache=True)
def _close(one, other):
    """Likeness of two words where it may be more than chance, else 0: they begin alike and are about as long."""
    short, long = min(one.size, other.size), max(one.size, other.size)
    if short < 4 or long - short > 3 or one[0] != other[0]:
        return 0.0
    found = spelling(one, other)
    return found if found >= NEAR else 0.0


@nb.njit(nogil=True, cache=True)
def covered(own, others, fuzzy, vocabulary, pairs):
    """(m, 2) float32: of the words of text a, the share by weight that text b has, and the most telling it lacks.

    pairs : (m, 2) of texts a in `own` and b in `others`. A word is had too where its letters stand together in b, and
    in part where `fuzzy` is true and b has one spelt nearly alike.
    """
    out = np.empty((pairs.shape[0], 2), np.float32)
    for p in range(pairs.shape[0]):
        a, b = pairs[p, 0], pairs[p, 1]
        theirs = others.words[others.starts[b] : others.starts[b + 1]]
        letters = others.letters[others.letter_starts[b] : others.letter_starts[b + 1]]
        total = found = lacking = 0.0
        for at in range(own.starts[a], own.starts[a + 1]):
            word = own.words[at]
            weight = vocabulary.weights[word]
            total += weight
            had = 1.0 if _has(theirs, word) else 0.0
            if had == 0.0:
                written = vocabulary.letters[vocabulary.starts[word] : vocabulary.starts[word + 1]]
                if written.size >= LEAST and _inside(written, letters):
                    had = 1.0
                elif fuzzy and not vocabulary.fixed[word]:
                    for other in theirs:
                        if not vocabulary.fixed[other]:
                            like = vocabulary.letters[vocabulary.starts[other] : vocabulary.starts[other + 1]]
                            had = max(had, _close(written, like))
            found += had * weight
            lacking = max(lacking, (1.0 - had) * weight)
        out[p, 0] = found / total if total > 0 else np.nan
        out[p, 1] = lacking
    return out


@nb.njit(nogil=True, cache=True)
def _digits(word):
    """The digits of a word."""
    out = np.empty(word.size, word.dtype)
    n = 0
    for letter in word:
        if 48 <= letter <= 57:
            out[n] = letter
            n += 1
    return out[:n]


@nb.njit(nogil=True, cache=True)
def nearest_codes(codes, starts, letters, letter_starts, pairs):
    """(m, 3) float32: of the two codes of texts a and b that are nearest each other, how alike they are, how alike
    their digits are, and the share of the longer that both begin with. NaN where a text has none.

    codes, starts : rows of a vocabulary of codes, by text. letters, letter_starts : their spelling.
    """
    out = np.full((pairs.shape[0], 3), np.nan, np.float32)
    for p in range(pairs.shape[0]):
        a, b = pairs[p, 0], pairs[p, 1]
        best = -1.0
        for i in range(starts[a], starts[a + 1]):
            one = letters[letter_starts[codes[i]] : letter_starts[codes[i] + 1]]
            for j in range(starts[b], starts[b + 1]):
                other = letters[letter_starts[codes[j]] : letter_starts[codes[j] + 1]]
                found = 1.0 if codes[i] == codes[j] else spelling(one, other)
                if found > best:
                    best = found
                    alike = 0
                    while alike < min(one.size, other.size) and one[alike] == other[alike]:
                        alike += 1
                    out[p, 0], out[p, 1] = found, spelling(_digits(one), _digits(other))
                    out[p, 2] = alike / max(one.size, other.size)
    return out


@nb.njit(nogil=True, cache=True)
def cosines(indptr, indices, data, pairs):
    """(m,) float32 the products of pairs (m, 2) of sparse rows whose columns ascend."""
    out = np.zeros(pairs.shape[0], np.float32)
    for p in range(pairs.shape[0]):
        i, to = indptr[pairs[p, 0]], indptr[pairs[p, 0] + 1]
        j, end = indptr[pairs[p, 1]], indptr[pairs[p, 1] + 1]
        total = np.float32(0)
        while i < to and j < end:
            if indices[i] == indices[j]:
                total += data[i] * data[j]
                i += 1
                j += 1
            elif indices[i] < indices[j]:
                i += 1
            else:
                j += 1
        out[p] = total
    return out


class Texts(NamedTuple):
    """Texts as their letters, one after the other, and where each begins (n + 1,)."""

    letters: NDArray[np.uint32]
    starts: NDArray[np.int64]


@nb.njit(nogil=True, cache=True)
def spellings(texts, pairs):
    """(m,) float32 likeness of the spellings of two texts; NaN where one is empty."""
    out = np.full(pairs.shape[0], np.nan, np.float32)
    for p in range(pairs.shape[0]):
        one = texts.letters[texts.starts[pairs[p, 0]] : texts.starts[pairs[p, 0] + 1]]
        other = texts.letters[texts.starts[pairs[p, 1]] : texts.starts[pairs[p, 1] + 1]]
        if one.size and other.size:
            out[p] = spelling(one, other)
    return out


@nb.njit(nogil=True, cache=True)
def stands(texts, others, pairs):
    """(m,) float32 whether text a stands in b of `others`, 0 or 1; NaN where it is too short to tell."""
    out = np.full(pairs.shape[0], np.nan, np.float32)
    for p in range(pairs.shape[0]):
        word = texts.letters[texts.starts[pairs[p, 0]] : texts.starts[pairs[p, 0] + 1]]
        text = others.letters[others.starts[pairs[p, 1]] : others.starts[pairs[p, 1] + 1]]
        if word.size > 1 and text.size:
            out[p] = 1.0 if _inside(word, text) else 0.0
    return out


# -- word for word -----------------------------------------------------------------------------------------------------


def _text(letters: NDArray[np.uint32], starts: NDArray[np.int64], row: int) -> str:
    return "".join(map(chr, letters[starts[row] : starts[row + 1]].tolist()))


def plain_spelling(one: str, other: str) -> float:
    """`spelling` by the whole table of edits."""
    one, other = one[:LONGEST], other[:LONGEST]
    if not one or not other:
        return 0.0
    edits = np.zeros((len(one) + 1, len(other) + 1))
    edits[:, 0], edits[0] = np.arange(len(one) + 1), np.arange(len(other) + 1)
    for i, a in enumerate(one, 1):
        for j, b in enumerate(other, 1):
            edits[i, j] = min(edits[i - 1, j] + 1, edits[i, j - 1] + 1, edits[i - 1, j - 1] + (a != b))
    return float(1 - edits[-1, -1] / max(len(one), len(other)))


def plain_covered(
    own: Spelled, others: Spelled, fuzzy: bool, vocabulary: Vocabulary, pairs: NDArray[np.int32]
) -> NDArray[np.float32]:
    """`covered`, a word at a time."""

    def had(word: int, row: int) -> float:
        theirs = others.words[others.starts[row] : others.starts[row + 1]].tolist()
        written = _text(vocabulary.letters, vocabulary.starts, word)
        if word in theirs or (len(written) >= LEAST and written in _text(others.letters, others.letter_starts, row)):
            return 1.0
        if not fuzzy or vocabulary.fixed[word] or len(written) < 4:
            return 0.0
        free = [_text(vocabulary.letters, vocabulary.starts, each) for each in theirs if not vocabulary.fixed[each]]
        near = [each for each in free if min(len(each), len(written)) >= 4 and each[0] == written[0]]
        likes = [plain_spelling(written, each) for each in near if abs(len(each) - len(written)) <= 3]
        return max((like for like in likes if like >= NEAR), default=0.0)

    out = np.full((len(pairs), 2), np.nan, np.float32)
    for number, (a, b) in enumerate(pairs.tolist()):
        words = own.words[own.starts[a] : own.starts[a + 1]].tolist()
        weights = np.array([float(vocabulary.weights[word]) for word in words])
        found = np.array([had(word, b) for word in words])
        out[number, 1] = ((1 - found) * weights).max(initial=0.0)
        if weights.sum() > 0:
            out[number, 0] = (found * weights).sum() / weights.sum()
    return out
