"""How good clusters are: their shape, and their agreement with categories."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.arrays import Labels, Vectors
from wares.data.schema import SEPARATOR
from wares.errors import DataError


def quality(X: Vectors, labels: Labels, *, sample: int = 5000, seed: int = 0) -> dict[str, Any]:
    """Silhouette (-1..1, higher is better), Calinski-Harabasz (higher) and Davies-Bouldin (lower) on a sample of rows.

    Keys `silhouette`, `calinski_harabasz`, `davies_bouldin`, `sample` (rows used), `clusters` (with a row in it). A
    measure is None where it has no meaning: under two clusters, or as many as rows. Rows labelled -1 and zero rows,
    of which nothing is known, are left out.
    """
    rows = sampled(X, labels, sample, seed)
    vectors, labels = dense(X[rows]), labels[rows]
    n_clusters = len(np.unique(labels))
    out: dict[str, Any] = {"silhouette": None, "calinski_harabasz": None, "davies_bouldin": None}
    if 2 <= n_clusters < len(rows):
        out["silhouette"] = float(silhouettes(gaps(vectors), labels).mean())
        from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score  # long to import

        out["calinski_harabasz"] = float(calinski_harabasz_score(vectors, labels))
        out["davies_bouldin"] = float(davies_bouldin_score(vectors, labels))
    return {**out, "sample": len(rows), "clusters": n_clusters}


def agreement(labels: Labels, categories: Sequence[str | None], level: int | None = None) -> dict[str, Any]:
    """Adjusted mutual information and adjusted Rand index (1 = the same grouping, 0 = chance) with categories.

    `categories` are paths; `level` 1 compares with the top level, 2 with the two top levels, None with the whole path.
    Rows without a category (or one that deep) or with label -1 are left out. Keys `ami`, `ari`, `homogeneity`,
    `completeness`, `rows`, `categories`, `clusters`; the measures are None where no row is left.
    """
    if len(labels) != len(categories):
        raise DataError(f"{len(labels)} labels but {len(categories)} categories: one of each a product")
    if level is not None and level < 1:
        raise DataError(f"level {level}: levels count from 1, the top")
    codes = _codes(categories, level)
    kept = (codes >= 0) & (labels >= 0)
    truth, found = codes[kept], labels[kept]
    out: dict[str, Any] = dict.fromkeys(("ami", "ari", "homogeneity", "completeness"))
    if len(truth):
        from sklearn.metrics import (  # long to import
            adjusted_mutual_info_score,
            adjusted_rand_score,
            homogeneity_completeness_v_measure,
        )

        homogeneity, completeness, _ = homogeneity_completeness_v_measure(truth, found)
        out = {
            "ami": float(adjusted_mutual_info_score(truth, found)),
            "ari": float(adjusted_rand_score(truth, found)),
            "homogeneity": float(homogeneity),
            "completeness": float(completeness),
        }
    return {
        **out,
        "rows": len(truth),
        "categories": len(np.unique(truth)),
        "clusters": len(np.unique(found)),
    }


def sampled(X: Vectors, labels: Labels | None, n: int, seed: int) -> NDArray[np.int64]:
    """At most n rows in order, drawn from those that have a label and a vector."""
    known = np.diff(X.indptr) > 0 if isinstance(X, csr_array) else np.asarray(X).any(axis=1)
    rows = np.flatnonzero(known if labels is None else known & (labels >= 0))
    if len(rows) <= n:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, n, replace=False))


def gaps(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, n) Euclidean distances between the rows of a sample."""
    squared = np.einsum("ij,ij->i", vectors, vectors)
    out: NDArray[np.float32] = squared[:, None] + squared
    out -= 2 * (vectors @ vectors.T)
    np.maximum(out, 0, out=out)
    np.fill_diagonal(out, 0)
    return np.sqrt(out, out=out)


def silhouettes(distances: NDArray[np.float32], labels: Labels) -> NDArray[np.float64]:
    """(n,) -1..1: how much nearer a row is to its own cluster than to the next; 0 where it is alone."""
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    rows = np.arange(len(codes))
    members = np.zeros((len(codes), len(sizes)), np.float32)
    members[rows, codes] = 1
    sums = (distances @ members).astype(np.float64)
    own = sums[rows, codes] / np.maximum(sizes[codes] - 1, 1)
    others = sums / sizes
    others[rows, codes] = np.inf
    nearest = others.min(axis=1)
    larger = np.maximum(own, nearest)
    out: NDArray[np.float64] = np.divide(nearest - own, larger, out=np.zeros(len(codes)), where=larger > 0)
    out[sizes[codes] == 1] = 0
    return out


def dense(vectors: Any) -> NDArray[np.float32]:
    """A few rows, dense."""
    return np.asarray(vectors.toarray() if isinstance(vectors, csr_array) else vectors, np.float32)


def _codes(categories: Sequence[str | None], level: int | None) -> NDArray[np.int64]:
    """(n,) a number for each category cut at `level`; -1 where there is none so deep."""
    known: dict[str, int] = {}
    codes = np.full(len(categories), -1, np.int64)
    for row, path in enumerate(categories):
        if not path:
            continue
        levels = path.split(SEPARATOR)
        if level is not None and len(levels) < level:
            continue
        codes[row] = known.setdefault(SEPARATOR.join(levels[:level]), len(known))
    return codes
