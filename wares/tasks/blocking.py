"""Which pairs of offers are worth a look, of all the pairs there are."""

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack
from threadpoolctl import threadpool_limits

from wares.arrays import Mask, Sparse
from wares.kernels import cooccurrence
from wares.tasks.likening import Pairs
from wares.tasks.offers import Read

COMMON = 0.1
"""An n-gram or word that a greater share of the offers has leads to nobody, where there are many offers."""

_FEW = 2_000  # offers among which even common words may lead
_KEYED = 30  # offers that share a key; what more share is no key


def candidates(read: Read, near: int, theirs: Mask | None = None) -> Pairs:
    """(m, 2) int32 pairs of rows, the lower first, each once: the `near` nearest of each by titles, as many by all
    its words, and equal keys.

    theirs : (n,) of two catalogs, which rows are of the other; then only pairs across are looked for. Titles are near
    by words and letters together; keys are model numbers and barcodes. Time O(pairs that share their n-grams); memory
    O(n x near).
    """
    titles = csr_array(hstack([read.words, read.letters], format="csr") * np.float32(0.5**0.5))
    tables = [titles, read.text]
    keys = [_nearest(table, near, theirs) for table in tables]
    key = np.unique(np.concatenate([*keys, _keyed(read, theirs)]))
    return np.stack([key // len(read), key % len(read)], axis=1).astype(np.int32)


def _nearest(rows: Sparse, near: int, theirs: Mask | None) -> NDArray[np.int64]:
    """Pairs of each row of a unit table with its nearest, as lower x n + higher."""
    rows = _telling(rows)
    if theirs is None:
        return nearest_pairs(rows, rows, near)
    ours = _only(rows, ~theirs)
    others = _only(rows, theirs)
    return np.unique(np.concatenate([nearest_pairs(ours, others, near), nearest_pairs(others, ours, near)]))


def nearest_pairs(asking: Sparse, answering: Sparse, near: int) -> NDArray[np.int64]:
    """Each row of a unit table with its `near` nearest of another, as lower row x n + higher; ascending, each once."""
    n = asking.shape[0]
    columns = answering.T.tocsr()
    with threadpool_limits(1, "blas"):
        found, _, _ = cooccurrence.neighbours(
            columns.indptr.astype(np.int64),
            columns.indices.astype(np.int32, copy=False),
            columns.data,
            asking.indptr.astype(np.int64),
            asking.indices.astype(np.int32, copy=False),
            asking.data,
            np.ones(n, np.float32),
            np.float32(0),
            np.float32(0),
            False,
            np.arange(n, dtype=np.int32),
            near,
            numba.get_num_threads(),
        )
    left, at = np.nonzero(found >= 0)
    return _pair_keys(left.astype(np.int64), found[left, at].astype(np.int64), n)


def _pair_keys(left: NDArray[np.int64], right: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    return np.unique(np.minimum(left, right) * n + np.maximum(left, right))


def _telling(rows: Sparse) -> Sparse:
    """The same without columns that most rows have, and those that one row alone has; columns renumbered."""
    n = rows.shape[0]
    counts = np.bincount(rows.indices, minlength=rows.shape[1])
    kept = (counts > 1) & (counts <= max(COMMON * n, _FEW))
    numbers = np.cumsum(kept) - 1
    there = kept[rows.indices]
    sizes = np.add.reduceat(np.append(there, False), np.minimum(rows.indptr[:-1], len(there))) if n else np.empty(0)
    sizes = np.where(np.diff(rows.indptr) > 0, sizes, 0)
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    width = max(int(kept.sum()), 1)
    return csr_array((rows.data[there], numbers[rows.indices[there]].astype(np.int32), indptr), shape=(n, width))


def _only(rows: Sparse, kept: Mask) -> Sparse:
    """The same with the other rows empty."""
    there = np.repeat(kept, np.diff(rows.indptr))
    indptr = np.concatenate([[0], np.cumsum(np.diff(rows.indptr) * kept)]).astype(np.int64)
    return csr_array((rows.data[there], rows.indices[there], indptr), shape=rows.shape)


def _keyed(read: Read, theirs: Mask | None) -> NDArray[np.int64]:
    """Pairs that share a model number or a barcode that few have, as lower x n + higher."""
    n = len(read)
    codes, starts = read.codes[:2]
    lists = [(codes.astype(np.int64), np.repeat(np.arange(n), np.diff(starts)))]
    if read.offers.barcodes is not None:
        lists.append(_numbered(read.offers.barcodes))
    found = [np.empty(0, np.int64)]
    for keys, rows in lists:
        order = np.argsort(keys, kind="stable")
        keys, rows = keys[order], rows[order]
        size = np.bincount(keys)[keys] if len(keys) else keys
        keys, rows = keys[size <= _KEYED], rows[size <= _KEYED]
        for apart in range(1, _KEYED):
            same = keys[apart:] == keys[:-apart]
            if not same.any():
                break
            left, right = rows[:-apart][same], rows[apart:][same]
            other = left != right if theirs is None else theirs[left] != theirs[right]
            found.append(_pair_keys(left[other], right[other], n))
    return np.concatenate(found)


def _numbered(values: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the distinct values, and the rows that have them; rows without are left out."""
    bare = np.array([each.strip().lstrip("0") for each in values], dtype=np.str_)
    rows = np.flatnonzero(bare != "")
    return np.unique(bare[rows], return_inverse=True)[1].astype(np.int64), rows.astype(np.int64)
