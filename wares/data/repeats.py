"""Which rows say again what an earlier row said, in bounded memory: by 64-bit hashes kept on disk."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from wares.data.outputs import Scratch

NONE = 0
"""The hash of a row that repeats nothing and is repeated by none."""

_PART = 8_000_000  # hashes sorted at a time
_READ = 4_000_000


def repeats(hashes: Scratch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(rows, firsts): each row whose hash an earlier row has, ascending, and the first row that has it.

    Two different names share a hash once in 10^4 catalogs of forty million.
    """
    n_parts = max(1, 1 << max(0, (hashes.n // _PART)).bit_length()) if hashes.n > _PART else 1
    found = [_within(*_part(hashes, part, n_parts)) for part in range(n_parts)]
    rows = np.concatenate([rows for rows, _ in found])
    firsts = np.concatenate([firsts for _, firsts in found])
    order = np.argsort(rows)
    return rows[order], firsts[order]


def _part(hashes: Scratch, part: int, n_parts: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    values, places = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for start, block in _blocks(hashes):
        mine = block != NONE
        if n_parts > 1:
            mine &= (block >> np.uint64(64 - (n_parts - 1).bit_length())) == part
        place = np.flatnonzero(mine)
        values.append(block[place])
        places.append(place + start)
    return np.concatenate(values), np.concatenate(places)


def _blocks(hashes: Scratch) -> Iterator[tuple[int, NDArray[np.uint64]]]:
    for start in range(0, hashes.n, _READ):
        yield start, hashes.part(start, min(start + _READ, hashes.n))


def _within(values: NDArray[np.uint64], places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # Sorting values alone is ten times as fast as sorting places by them, and most are alone.
    ordered = np.sort(values)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(twice):
        return places[:0], places[:0]
    twice = np.unique(twice)
    near = np.minimum(np.searchsorted(twice, values), len(twice) - 1)
    mine = twice[near] == values
    values, places = values[mine], places[mine]
    order = np.argsort(values, kind="stable")
    values, places = values[order], places[order]
    same = np.zeros(len(values), np.bool_)
    same[1:] = values[1:] == values[:-1]
    first = np.maximum.accumulate(np.where(same, 0, np.arange(len(values)))) if len(values) else order
    return places[same], places[first[same]]
