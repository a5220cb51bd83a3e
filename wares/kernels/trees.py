"""Sums over many decision trees, and what each column gave to them on the way down."""

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

LEAF = -1


class Trees(NamedTuple):
    """Nodes of all trees, one after the other.

    columns : (n_nodes,) int32 read at each, LEAF at a leaf. cuts : (n_nodes,) float64, values up to it go left.
    left, right : (n_nodes,) int32 where to. unknown_left : (n_nodes,) where NaN goes. values : (n_nodes,) float64 of
    the leaves; of other nodes the mean of the leaves below, as often as each was come to. roots : (n_trees,) int32.
    """

    columns: NDArray[np.int32]
    cuts: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    unknown_left: NDArray[np.bool_]
    values: NDArray[np.float64]
    roots: NDArray[np.int32]


@nb.njit(nogil=True, cache=True)
def _below(trees, node, row):
    value = row[trees.columns[node]]
    goes_left = trees.unknown_left[node] if np.isnan(value) else value <= trees.cuts[node]
    return trees.left[node] if goes_left else trees.right[node]


@nb.njit(nogil=True, cache=True)
def sums(trees, table):
    """(n,) float64 the values of the leaves that each row of float32 (n, width) comes to, summed over all trees."""
    out = np.zeros(table.shape[0])
    for row in range(table.shape[0]):
        for root in trees.roots:
            node = root
            while trees.columns[node] != LEAF:
                node = _below(trees, node, table[row])
            out[row] += trees.values[node]
    return out


@nb.njit(nogil=True, cache=True)
def shares(trees, table):
    """(n, width) float64: each step down a tree changes the mean of what lies below, and counts for its column.

    With the means of the roots, a row sums to `sums`.
    """
    out = np.zeros(table.shape)
    for row in range(table.shape[0]):
        for root in trees.roots:
            node = root
            while trees.columns[node] != LEAF:
                below = _below(trees, node, table[row])
                out[row, trees.columns[node]] += trees.values[below] - trees.values[node]
                node = below
    return out


def plain(trees: Trees, table: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`sums` and `shares`, a row and a tree at a time."""
    totals, parts = np.zeros(len(table)), np.zeros(table.shape)
    for row, values in enumerate(table):
        for root in trees.roots:
            node = int(root)
            while trees.columns[node] != LEAF:
                column = int(trees.columns[node])
                known = not np.isnan(values[column])
                goes_left = values[column] <= trees.cuts[node] if known else trees.unknown_left[node]
                below = int(trees.left[node] if goes_left else trees.right[node])
                parts[row, column] += trees.values[below] - trees.values[node]
                node = below
            totals[row] += trees.values[node]
    return totals, parts
