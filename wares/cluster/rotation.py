"""Factors of a table of correlations: how many, which, and turned so that they can be read; not an algorithm itself."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

Table = NDArray[np.float64]

LEAST = 0.005
"""Of a column's variance, what is its own at least: below, a factor would be that column alone."""


def partials(table: Table, most: int) -> Table:
    """(tried,) the mean squared correlation of the columns once 0, 1, 2 … principal components are taken out.

    Its least is Velicer's number of factors: one more would take what only single columns have.
    """
    width = len(table)
    if width < 2:
        return np.zeros(1)
    values, vectors = eigh(table)
    rest, found = table.copy(), []
    for component in range(min(most, width - 1) + 1):
        own = np.diag(rest)
        if own.min() < 1e-8:  # a column is explained whole: there is nothing left to compare
            break
        scaled = rest / np.sqrt(np.outer(own, own))
        found.append(((scaled**2).sum() - width) / (width * (width - 1)))
        direction = vectors[:, -1 - component]
        rest = rest - values[-1 - component] * np.outer(direction, direction)
    return np.array(found)


def factors(table: Table, n: int, rounds: int, tol: float) -> tuple[Table, Table]:
    """(width, n) loadings and (width,) unique variances that make the correlations most likely.

    Given the unique variances, the loadings are principal components of the table scaled by them; given the loadings,
    the unique variances are what is left. In turn, until none moves by more than `tol`.
    """
    width = len(table)
    unique = np.full(width, 0.5)
    loadings = np.zeros((width, n))
    for _ in range(rounds if width else 0):
        root = np.sqrt(unique)
        values, vectors = eigh(table / np.outer(root, root), subset_by_index=(width - n, width - 1))
        loadings = root[:, None] * vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1] - 1, 0))
        before, unique = unique, np.clip(1 - (loadings**2).sum(axis=1), LEAST, 1)
        if np.abs(unique - before).max() <= tol:
            break
    return loadings, unique


def varimax(loadings: Table, rounds: int = 200, tol: float = 1e-8) -> Table:
    """The same factors turned so that each loads on few columns: that which explains most first, mostly above 0."""
    if not loadings.size:
        return loadings
    lengths = np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    rows = np.divide(loadings, lengths, out=np.zeros_like(loadings), where=lengths > 1e-12)
    turn, reached = np.eye(loadings.shape[1]), 0.0
    for _ in range(rounds):
        turned = rows @ turn
        left, sizes, right = np.linalg.svd(rows.T @ (turned**3 - turned * (turned**2).mean(axis=0)))
        turn, before, reached = left @ right, reached, float(sizes.sum())
        if reached <= before * (1 + tol):
            break
    out = loadings @ turn
    out *= np.where((out**3).sum(axis=0) < 0, -1, 1)
    return np.asarray(out[:, np.argsort(-(out**2).sum(axis=0), kind="stable")])


def scoring(loadings: Table, unique: Table, table: Table) -> Table:
    """(width, n) what to multiply standardised rows by for their scores (regression), of deviation 1."""
    scaled = loadings / unique[:, None]
    weights = scaled @ np.linalg.inv(np.eye(loadings.shape[1]) + loadings.T @ scaled)
    spread = np.sqrt(np.maximum(np.einsum("ij,ik,kj->j", weights, table, weights, optimize=True), 0))
    scores: Table = np.divide(weights, spread, out=np.zeros_like(weights), where=spread > 1e-9)
    return scores
