"""Words of texts to postings, however many: what is larger than some hundred megabytes lies in files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from wares.data.outputs import Scratch
from wares.kernels import postings

WORDS = 8_000_000
"""Words of products that are folded at once: 13 bytes each."""

POSTINGS = 32_000_000
"""Postings that are put in order at once: 9 bytes each."""

_IN_MEMORY = 1 << 26  # bytes of an array, above which it lies in a file


class _Part(NamedTuple):
    """Products of which so many words are folded together: their rows, and their entries."""

    start: int
    stop: int
    low: int
    high: int


@dataclass(frozen=True, eq=False)
class Postings:
    """Postings by word, and words by product; see `Words` for what each array is."""

    ptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    impacts: NDArray[np.float32]
    where: NDArray[np.uint8]
    indptr: NDArray[np.int64]
    members: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        codes: Scratch,
        lengths: NDArray[np.int32],
        weights: NDArray[np.float64],
        b: float,
        k1: float,
        n_words: int,
        folder: Path,
    ) -> Self:
        """Postings of texts given as words `codes`, product by product and in it column by column.

        lengths : (n_products, n_columns) words of each text. weights, b, k1 : of BM25F. folder : for what is written
        for the while.
        """
        members, counts, places = (
            Scratch(folder / name, dtype)
            for name, dtype in (("members", np.int32), ("counts", np.float32), ("places", np.uint8))
        )
        indptr, held = np.zeros(len(lengths) + 1, np.int64), np.zeros(n_words, np.int64)
        parts = []
        for start, stop, words in _products(codes, lengths):
            found = _folded(words, lengths[start:stop], weights, _averages(lengths), b, n_words)
            members.append(found[1])
            counts.append(found[2])
            places.append(found[3])
            indptr[start + 1 : stop + 1] = indptr[start] + found[0][1:]
            parts.append(_Part(start, stop, int(indptr[start]), int(indptr[stop])))
            held += np.bincount(found[1], minlength=n_words)
        made = _inverted((members, counts, places), parts, indptr, held, k1, folder)
        own = _room(members.n, np.int32, folder)
        for part in parts:
            own[part.low : part.high] = members.part(part.low, part.high)
        for scratch in (members, counts, places):
            scratch.close()
        return cls(*made, indptr, own)


def idf_of(held: NDArray[np.int64], n_products: int) -> NDArray[np.float32]:
    """What a word counts that `held` of the products hold."""
    idf: NDArray[np.float32] = np.log(1 + (n_products - held + 0.5) / (held + 0.5)).astype(np.float32)
    return idf


def _products(codes: Scratch, lengths: NDArray[np.int32]) -> Iterator[tuple[int, int, NDArray[np.int32]]]:
    """Consecutive products, first and behind the last, and their words."""
    ends = np.cumsum(lengths.sum(axis=1, dtype=np.int64))
    start = 0
    while start < len(ends):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + WORDS, side="right")))
        yield start, stop, codes.part(before, int(ends[stop - 1]))
        start = stop


def _averages(lengths: NDArray[np.int32]) -> NDArray[np.float64]:
    # The mean is over products that have the column: that most lack a description says nothing of those that do.
    filled = np.maximum((lengths > 0).sum(axis=0), 1)
    averages: NDArray[np.float64] = np.maximum(lengths.sum(axis=0, dtype=np.int64) / filled, 1)
    return averages


def _folded(
    codes: NDArray[np.int32],
    lengths: NDArray[np.int32],
    weights: NDArray[np.float64],
    averages: NDArray[np.float64],
    b: float,
    n_words: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32], NDArray[np.uint8]]:
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths.ravel(), dtype=np.int64)])
    indptr, seen = np.empty(len(lengths) + 1, np.int64), np.full(n_words, -1, np.int64)
    words, counts = np.empty(len(codes), np.int32), np.empty(len(codes), np.float32)
    places = np.empty(len(codes), np.uint8)
    postings.fold(codes, offsets, weights, averages, float(b), seen, indptr, words, counts, places)
    m = int(indptr[-1])
    return indptr, words[:m], counts[:m], places[:m]


def _inverted(
    entries: tuple[Scratch, Scratch, Scratch],
    parts: list[_Part],
    indptr: NDArray[np.int64],
    held: NDArray[np.int64],
    k1: float,
    folder: Path,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32], NDArray[np.uint8]]:
    """Postings of some words at a time, each time from all entries."""
    ptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(held)])
    idf = idf_of(held, len(indptr) - 1)
    out = [_room(int(ptr[-1]), dtype, folder) for dtype in (np.int32, np.float32, np.uint8)]
    low = 0
    while low < len(held):
        high = max(low + 1, int(np.searchsorted(ptr, ptr[low] + POSTINGS, side="right")) - 1)
        begin, end = int(ptr[low]), int(ptr[high])
        place = ptr[:-1] - begin
        some = [np.empty(end - begin, each.dtype) for each in out]
        for part in parts:
            words, counts, places = (each.part(part.low, part.high) for each in entries)
            bounds = indptr[part.start : part.stop + 1]
            postings.invert(part.start, bounds, words, counts, places, idf, np.float32(k1), low, high, place, *some)
        for each, made in zip(out, some, strict=True):
            each[begin:end] = made
        low = high
    return ptr, out[0], out[1], out[2]


def _room(n: int, dtype: Any, folder: Path) -> NDArray[Any]:
    """An array to fill; a large one is a file without a name, gone with the array."""
    if n * np.dtype(dtype).itemsize <= _IN_MEMORY:
        return np.empty(n, dtype)
    with TemporaryFile(dir=folder) as file:
        return np.memmap(file, dtype, "w+", shape=(n,))
