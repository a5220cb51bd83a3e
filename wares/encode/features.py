"""Words and character n-grams of texts as hashed sparse counts; not an algorithm itself."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate, chain, islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.arrays import Dense, Sparse
from wares.encode.cores import cores
from wares.errors import SettingError
from wares.kernels import ngrams
from wares.text.letters import letters_of

T = TypeVar("T")

LETTERS = 400_000
"""Letters worked on at once by one thread: some tens of megabytes with all their n-grams."""


@dataclass(frozen=True)
class Features:
    """What is counted in a text: its words, and its n-grams of `low` to `high` letters (0, 0 = none), in so many
    columns, a power of two; with `pairs` also each two words that stand beside each other, with `across` n-grams that
    run on over the ends of words.
    """

    words: bool
    low: int
    high: int
    columns: int
    pairs: bool = False
    across: bool = False

    @classmethod
    def of(cls, words: bool, low: int, high: int, bits: int, pairs: bool = False, across: bool = False) -> "Features":
        """Features by settings of an encoder. Raises SettingError for settings that count nothing or make no sense."""
        if not (low == high == 0 or 0 < low <= high):
            raise SettingError(f"low={low}, high={high}: n-grams go from low to high letters, or both are 0 for none")
        if not words and not high:
            raise SettingError("words=False, high=0: nothing would be counted; allow words or n-grams")
        if pairs and not words:
            raise SettingError("pairs=True, words=False: pairs of words are counted beside words only")
        if across and (words or not high):
            raise SettingError(
                "across=True: n-grams that run over the ends of words leave no words; words=False, high>0"
            )
        return cls(words, low, high, 2**bits, pairs, across)

    @property
    def kind(self) -> int:
        """0 without words, 1 with them, 2 with pairs of them too."""
        return int(self.words) + int(self.pairs)

    @property
    def per_letter(self) -> int:
        """At most so many features begin at a letter or at the space around a word."""
        return self.kind + 2 * (self.high - self.low + 1 if self.high else 0)


def counts(texts: Sequence[str], features: Features) -> Sparse:
    """(n, columns) how often each text has each feature."""
    codes, offsets = _joined(*letters_of(texts)) if features.across else letters_of(texts)
    room = np.concatenate([[0], np.cumsum((np.diff(offsets) + 2) * features.per_letter)])
    columns, found = np.empty(room[-1], np.int32), np.empty(room[-1], np.float32)
    indptr = np.zeros(len(texts) + 1, np.int64)
    mask = np.uint32(features.columns - 1)
    ngrams.count(codes, offsets, features.low, features.high, features.kind, mask, room, columns, found, indptr)
    size = int(indptr[-1])
    return csr_array((found[:size], columns[:size], indptr), shape=(len(texts), features.columns))


def _joined(codes: NDArray[np.uint32], offsets: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The letters of each text without what stands between words, as `letters_of` gives them."""
    inside = ((codes >= 97) & (codes <= 122)) | ((codes >= 48) & (codes <= 57)) | (codes > 127)
    return codes[inside], np.concatenate([[0], np.cumsum(inside)])[offsets]


def idf(parts: Iterable[Sparse], columns: int) -> Dense:
    """(columns,) ln((1 + n) / (1 + texts that have it)) + 1, as scikit-learn smooths it."""
    n, found = 0, np.zeros(columns, np.int64)
    for part in parts:
        n += part.shape[0]
        ngrams.tally(part.indices, found)
    return (np.log((1 + n) / (1 + found)) + 1).astype(np.float32)


def weighed(part: Sparse, weights: Dense, *, sublinear: bool) -> Sparse:
    """Counts to unit rows of tf-idf, in place."""
    ngrams.weigh(part.indices, part.data, part.indptr, weights, sublinear)
    return part


def stacked(parts: Sequence[Sparse], columns: int) -> Sparse:
    """Parts one under the other; indices are 64-bit only where they must be."""
    if len(parts) == 1:
        return parts[0]
    total = sum(part.nnz for part in parts)
    kind = np.int32 if total < 2**31 else np.int64
    starts = accumulate((part.nnz for part in parts), initial=0)
    indptr = [np.zeros(1, kind), *(part.indptr[1:] + start for part, start in zip(parts, starts, strict=False))]
    pieces = [part.indices for part in parts] or [np.empty(0, kind)], [part.data for part in parts] or [np.empty(0)]
    indices, data = np.concatenate(pieces[0]).astype(kind), np.concatenate(pieces[1]).astype(np.float32)
    n = sum(part.shape[0] for part in parts)
    return csr_array((data, indices, np.concatenate(indptr).astype(kind)), shape=(n, columns))


def sketched(texts: Sequence[str], features: Features, weights: Dense, width: int) -> Dense:
    """(n, width) the features of each text, added up in columns and with signs chosen by their hashes."""
    codes, offsets = letters_of(texts)
    out = np.zeros((len(texts), width), np.float32)
    ngrams.sketch(codes, offsets, features.low, features.high, features.kind, features.per_letter, weights, out)
    return out


def side_by_side(work: Callable[[Sequence[str]], T], texts: Iterable[Sequence[str]]) -> Iterator[T]:
    """`work` of blocks of texts, in order, on all cores; so few ahead of what is taken that memory stays bounded."""
    blocks = chain.from_iterable(map(_blocks, texts))
    few = list(islice(blocks, 2))
    if len(few) < 2:
        yield from map(work, few)
        return
    with ThreadPoolExecutor(cores()) as pool:
        waiting = deque(pool.submit(work, block) for block in few)
        for block in blocks:
            if len(waiting) > cores():
                yield waiting.popleft().result()
            waiting.append(pool.submit(work, block))
        while waiting:
            yield waiting.popleft().result()


def _blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 8)
    start = 0
    while start < len(texts):
        before: NDArray[np.int64] = ends[start] - len(texts[start])
        stop = max(start + 1, int(np.searchsorted(ends, before + LETTERS)))
        yield texts[start:stop]
        start = stop
