"""What must and what may not be together: pairs, groups and clusters that stand already, checked and closed."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from wares.errors import DataError
from wares.kernels.unions import join


def parts(n: int, must: NDArray[np.int64] | None, established: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """(n,) the lowest row of those each must be with. Raises DataError where two established clusters are joined."""
    links = [pairs_of(must, n, "must")]
    if established is not None:
        established = one_a_row(established, n, "established")
        rows = np.flatnonzero(established >= 0)
        _, first, codes = np.unique(established[rows], return_index=True, return_inverse=True)
        links.append(np.stack([rows[first[codes]], rows], axis=1))
    roots: NDArray[np.int64] = join(np.concatenate(links), n)
    if established is not None:
        pair = _two_in_one(roots, established)
        if pair is not None:
            a, b = pair
            raise DataError(
                f"must-link pairs join row {a} of the established cluster {established[a]} and row {b} of "
                f"{established[b]}: {_chain(must, a, b, n)}"
            )
    return roots


def memberships(
    roots: NDArray[np.int64], groups: NDArray[np.int64] | None, established: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """(m, 2) part and group, each once, groups counted from zero; established parts are one group more.

    Raises DataError where a part has two rows of one group.
    """
    n = len(roots)
    found = []
    count = 0
    if groups is not None:
        groups = one_a_row(groups, n, "groups")
        rows = np.flatnonzero(groups >= 0)
        _, codes = np.unique(groups[rows], return_inverse=True)
        both = np.stack([roots[rows], codes], axis=1)
        distinct, first, times = np.unique(both, axis=0, return_index=True, return_counts=True)
        if (times > 1).any():
            worst = distinct[times.argmax()]
            a, b = rows[(both == worst).all(axis=1)][:2]
            raise DataError(f"rows {a} and {b} must be together, but are of one group, {groups[a]}, and may not be")
        found.append(both[first])
        count = int(codes.max()) + 1 if len(codes) else 0
    if established is not None:
        held = np.unique(roots[np.asarray(established) >= 0])
        found.append(np.stack([held, np.full(len(held), count)], axis=1))
    return np.concatenate([np.empty((0, 2), np.int64), *found])


def check_apart(
    roots: NDArray[np.int64], cannot: NDArray[np.int64], kind: str, must: NDArray[np.int64] | None = None
) -> None:
    """Raise DataError naming the first of the pairs whose rows must be together."""
    wrong = np.flatnonzero(roots[cannot[:, 0]] == roots[cannot[:, 1]])
    if len(wrong):
        a, b = (int(each) for each in cannot[wrong[0]])
        more = f" (and {len(wrong) - 1} pairs more)" if len(wrong) > 1 else ""
        raise DataError(f"{kind} ({a}, {b}) contradicts the must-links: {_chain(must, a, b, len(roots))}{more}")


def _chain(must: NDArray[np.int64] | None, a: int, b: int, n: int) -> str:
    """The must-links that lead from one row to another, in words."""
    links = pairs_of(must, n, "must")
    if a == b:
        return f"row {a} is itself"
    graph = csr_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(n, n))
    _, before = breadth_first_order(graph, a, directed=False)
    path = [b]
    while path[-1] != a and before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    if path[-1] != a:
        return f"rows {a} and {b} are in one established cluster"
    return "must-link " + ", ".join(f"({x}, {y})" for x, y in zip(path[::-1], path[-2::-1], strict=False))


def pairs_of(given: NDArray[np.integer] | None, n: int, name: str) -> NDArray[np.int64]:
    """(m, 2) rows. Raises DataError."""
    if given is None:
        return np.empty((0, 2), np.int64)
    pairs = np.asarray(given)
    if pairs.size == 0:
        return np.empty((0, 2), np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise DataError(f"{name} must be pairs of row numbers, (m, 2) integers; it is {pairs.dtype} {pairs.shape}")
    if pairs.min() < 0 or pairs.max() >= n:
        row = next(int(each) for each in pairs.ravel() if not 0 <= each < n)
        raise DataError(f"{name} names row {row}; rows are 0 to {n - 1}")
    return pairs.astype(np.int64)


def one_a_row(given: NDArray[np.int64], n: int, name: str) -> NDArray[np.int64]:
    """(n,) numbers, one a row. Raises DataError."""
    labels = np.asarray(given)
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise DataError(f"{name} must be ({n},) integers, one a row, -1 for none; it is {labels.dtype} {labels.shape}")
    return labels.astype(np.int64)


def _two_in_one(roots: NDArray[np.int64], labels: NDArray[np.int64]) -> tuple[int, int] | None:
    """Two rows of one part that have different labels, if there are."""
    rows = np.flatnonzero(labels >= 0)
    _, first, codes = np.unique(roots[rows], return_index=True, return_inverse=True)
    other = np.flatnonzero(labels[rows[first[codes]]] != labels[rows])
    return (int(rows[first[codes[other[0]]]]), int(rows[other[0]])) if len(other) else None
