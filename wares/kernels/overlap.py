"""What two texts have in common and what they contradict each other in: codes, bare numbers and sizes."""

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

WORD, NUMBER, CODE, SIZE = 0, 1, 2, 3
"""Kinds of words: of letters, a short bare number, with digits otherwise; SIZE and above a number with a unit, one
kind a unit."""

LEAST = 4
"""Letters of a word that is also looked for inside the other text, where its parts may be written together."""

COLUMNS = 5
"""Of `overlap`: code in common, code that neither has of the other, code that one lacks, numbers, sizes."""


class Written(NamedTuple):
    """Texts as their distinct words and as their letters.

    words : of all texts, ascending within each, as rows of the vocabulary. starts : (n + 1,) where each text's words
    begin. kinds, weights : (n_vocabulary,) what kind each word is, and how telling. letters, letter_starts : of all
    texts, without what stands between the words. spelling, spelling_starts : the letters of the vocabulary.
    """

    words: NDArray[np.int32]
    starts: NDArray[np.int64]
    kinds: NDArray[np.int32]
    weights: NDArray[np.float32]
    letters: NDArray[np.uint32]
    letter_starts: NDArray[np.int64]
    spelling: NDArray[np.uint32]
    spelling_starts: NDArray[np.int64]


@nb.njit(nogil=True, cache=True)
def _inside(word, text):
    """Whether the letters of a word stand together in a text."""
    size = word.size
    for at in range(text.size - size + 1):
        same = 0
        while same < size and text[at + same] == word[same]:
            same += 1
        if same == size:
            return True
    return False


@nb.njit(nogil=True, cache=True)
def _has(words, word):
    at = np.searchsorted(words, word)
    return at < words.size and words[at] == word


@nb.njit(nogil=True, cache=True)
def _one_way(texts, a, b):
    """Of the words of text a: the weight of a code that b has too, of one that b lacks, numbers that b lacks."""
    shared = lacking = np.float32(0)
    numbers = 0
    own = texts.words[texts.starts[a] : texts.starts[a + 1]]
    others = texts.words[texts.starts[b] : texts.starts[b + 1]]
    letters = texts.letters[texts.letter_starts[b] : texts.letter_starts[b + 1]]
    for word in own:
        kind = texts.kinds[word]
        if kind == NUMBER:
            numbers += 0 if _has(others, word) else 1
        if kind != CODE:
            continue
        spelling = texts.spelling[texts.spelling_starts[word] : texts.spelling_starts[word + 1]]
        if _has(others, word) or (spelling.size >= LEAST and _inside(spelling, letters)):
            shared = max(shared, texts.weights[word])
        else:
            lacking = max(lacking, texts.weights[word])
    return shared, lacking, numbers


@nb.njit(nogil=True, cache=True)
def _sizes(texts, a, b):
    """In how many units both texts give a size, and none in common."""
    differ = 0
    own = texts.words[texts.starts[a] : texts.starts[a + 1]]
    others = texts.words[texts.starts[b] : texts.starts[b + 1]]
    for at in range(own.size):
        unit = texts.kinds[own[at]]
        if unit < SIZE:
            continue
        seen = same = given = False
        for before in range(at):
            seen = seen or texts.kinds[own[before]] == unit
        for word in own:
            same = same or (texts.kinds[word] == unit and _has(others, word))
        for word in others:
            given = given or texts.kinds[word] == unit
        differ += 1 if given and not seen and not same else 0
    return differ


@nb.njit(nogil=True, cache=True)
def overlap(texts, pairs):
    """(m, 5) float32 of pairs (m, 2) of texts.

    The weight of the most telling code that both have; the lesser and the greater of the weights of the codes that the
    other lacks, one from each side (0 where a side has none); how many numbers each has beside the other's, the lesser;
    in how many units both give sizes that differ. A code is had too where its letters stand in the other text together.
    """
    out = np.empty((pairs.shape[0], COLUMNS), np.float32)
    for p in range(pairs.shape[0]):
        a, b = pairs[p, 0], pairs[p, 1]
        shared_a, lacking_a, numbers_a = _one_way(texts, a, b)
        shared_b, lacking_b, numbers_b = _one_way(texts, b, a)
        out[p, 0] = max(shared_a, shared_b)
        out[p, 1] = min(lacking_a, lacking_b)
        out[p, 2] = max(lacking_a, lacking_b)
        out[p, 3] = min(numbers_a, numbers_b)
        out[p, 4] = _sizes(texts, a, b)
    return out


def plain(texts: Written, pairs: NDArray[np.int32]) -> NDArray[np.float32]:
    """The same, word for word."""

    def text(values: NDArray[np.uint32]) -> str:
        return "".join(map(chr, values.tolist()))

    n = len(texts.starts) - 1
    spelled = [
        text(texts.spelling[a:b]) for a, b in zip(texts.spelling_starts[:-1], texts.spelling_starts[1:], strict=True)
    ]
    words = [set(texts.words[texts.starts[row] : texts.starts[row + 1]].tolist()) for row in range(n)]
    letters = [text(texts.letters[texts.letter_starts[row] : texts.letter_starts[row + 1]]) for row in range(n)]
    weights, kinds = texts.weights.tolist(), texts.kinds.tolist()

    def had(word: int, row: int) -> bool:
        return word in words[row] or (len(spelled[word]) >= LEAST and spelled[word] in letters[row])

    def sizes(row: int) -> dict[int, set[int]]:
        units = {kinds[word] for word in words[row] if kinds[word] >= SIZE}
        return {unit: {word for word in words[row] if kinds[word] == unit} for unit in units}

    rows = []
    for a, b in pairs.tolist():
        codes = [[word for word in words[row] if kinds[word] == CODE] for row in (a, b)]
        both = [weights[word] for side, other in ((0, b), (1, a)) for word in codes[side] if had(word, other)]
        lacking = [
            max((weights[word] for word in codes[side] if not had(word, other)), default=0.0)
            for side, other in ((0, b), (1, a))
        ]
        numbers = [{word for word in words[row] if kinds[word] == NUMBER} for row in (a, b)]
        left, right = sizes(a), sizes(b)
        rows.append(
            [
                max(both, default=0.0),
                min(lacking),
                max(lacking),
                min(len(numbers[0] - numbers[1]), len(numbers[1] - numbers[0])),
                sum(not left[unit] & right[unit] for unit in left.keys() & right.keys()),
            ]
        )
    return np.array(rows, np.float32).reshape(-1, COLUMNS)
