"""What is said and how: letters across words, words in pairs, and signs, as hashed sparse counts; not an algorithm."""

import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from wares.arrays import Sparse
from wares.kernels import ngrams
from wares.text import chinese
from wares.text.forms import normal

_SPACE = re.compile(r"\s+")
_LONG = re.compile(r"(.)\1{3,}", re.DOTALL)
_PIECES = re.compile(rf"[{chinese.HAN}]+|[^\W{chinese.HAN}]+(?:['’][^\W{chinese.HAN}]+)*|[^\w\s]")

SHIFT = np.uint32(0x200000)
"""Beyond every code point: with it the kernel, which begins anew at signs and spaces, reads a text as one word."""

Coded = tuple[NDArray[np.uint32], NDArray[np.int64]]
"""Codes of all texts, one after the other, and the (n + 1,) offsets where each begins."""


def tidy(text: str) -> str:
    """As it is counted: lower case, one width of letters, blanks and what is said over and over cut short."""
    return _LONG.sub(r"\1\1\1", _SPACE.sub(" ", normal(text)).strip())


def letters(texts: Sequence[str]) -> Coded:
    """Tidy texts as their code points, signs and spaces too: "不好" and "好！" differ from "好"."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32) + SHIFT
    return codes, np.concatenate([[0], np.cumsum([len(text) for text in texts], dtype=np.int64)])


def words(texts: Sequence[str]) -> Coded:
    """Tidy texts as their words, each a number made of its letters; none is left out, as "不" and "not" tell most."""
    known: dict[str, int] = {}
    codes: list[int] = []
    ends = [0]
    for text in texts:
        for piece in _PIECES.findall(text):
            for word in chinese.cut(piece) if piece[0] > "\u2e7f" else (piece,):
                code = known.get(word)
                if code is None:
                    code = known[word] = zlib.crc32(word.encode("utf-8", "surrogatepass")) | 0x80000000
                codes.append(code)
        ends.append(len(codes))
    return np.array(codes, np.uint32), np.array(ends, np.int64)


def counts(texts: Sequence[str], letters_to: int, words_to: int, bits: int) -> Sparse:
    """(n, 2 ** (bits + 1)) how often each text has each run of 1 to `letters_to` letters (the first half of the
    columns) and of 1 to `words_to` words (the other)."""
    plain = [tidy(text) for text in texts]
    parts = [_runs(letters(plain), letters_to, bits), _runs(words(plain), words_to, bits)]
    return csr_array(hstack(parts, format="csr"))


def _runs(coded: Coded, longest: int, bits: int) -> Sparse:
    codes, offsets = coded
    n = len(offsets) - 1
    width = 2**bits
    room: NDArray[Any] = np.concatenate([[0], np.cumsum((np.diff(offsets) + 2) * 2 * longest)])
    columns, found = np.empty(room[-1], np.int32), np.empty(room[-1], np.float32)
    indptr = np.zeros(n + 1, np.int64)
    if longest:
        ngrams.count(codes, offsets, 1, longest, False, np.uint32(width - 1), room, columns, found, indptr)
    size = int(indptr[-1])
    return csr_array((found[:size], columns[:size], indptr), shape=(n, width))
