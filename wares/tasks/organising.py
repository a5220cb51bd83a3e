"""Clusters for people: how many, what they are called, what sets them apart, and why a product is where it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.arrays import Labels, Vectors, unit
from wares.data.catalog import Catalog
from wares.data.hits import Reason
from wares.tasks.choosing import Choice, Trial, choose
from wares.tasks.naming import ClusterName, name_clusters, typical_rows

__all__ = [
    "Choice",
    "ClusterName",
    "Profile",
    "Trial",
    "choose",
    "name_clusters",
    "profile",
    "typical_rows",
    "why_cluster",
]


@dataclass(frozen=True)
class Profile:
    """What a cluster is made of.

    prices : 10th, 50th and 90th percentile, None where no price is known. brands and categories : the most frequent,
    with their shares of the cluster. apart : values that set it apart, with how many times as frequent they are here as
    in the whole catalog, the strongest first.
    """

    size: int
    share: float
    prices: tuple[float, float, float] | None
    brands: list[tuple[str, float]]
    categories: list[tuple[str, float]]
    apart: list[tuple[str, str, float]]


def profile(catalog: Catalog, labels: Labels, *, n: int = 5) -> list[Profile]:
    """A profile of each cluster 0..labels.max()."""
    n_clusters = int(labels.max()) + 1 if len(labels) else 0
    columns = [name for name in ("price", "brand", "category") if catalog.has(name)]
    frame = catalog.frame(["id", *columns]).with_columns(pl.Series("cluster", labels))
    sizes = np.bincount(labels[labels >= 0], minlength=n_clusters)
    tables: dict[str, pl.DataFrame] = {
        name: _counted(frame, name, sizes) for name in ("brand", "category") if name in columns
    }
    prices = _prices(frame, n_clusters) if "price" in columns else [None] * n_clusters
    return [
        Profile(
            size=int(sizes[cluster]),
            share=float(sizes[cluster]) / max(len(catalog), 1),
            prices=prices[cluster],
            brands=_most(tables.get("brand"), cluster, n),
            categories=_most(tables.get("category"), cluster, n),
            apart=_apart(tables, cluster, n),
        )
        for cluster in range(n_clusters)
    ]


def _counted(frame: pl.DataFrame, column: str, sizes: NDArray[np.int64]) -> pl.DataFrame:
    """Cluster, value, share of the cluster and lift over the catalog, for each that occurs."""
    said = frame.filter(pl.col(column).is_not_null())
    overall = said.group_by(column).agg((pl.len() / max(len(frame), 1)).alias("overall"))
    known = said.filter(pl.col("cluster") >= 0)
    of = pl.DataFrame({"cluster": np.arange(len(sizes)), "size": sizes})
    return (
        known.group_by("cluster", column)
        .agg(pl.len().alias("n"))
        .join(overall, on=column)
        .join(of, on="cluster")
        .with_columns((pl.col("n") / pl.col("size")).alias("share"))
        .with_columns((pl.col("share") / pl.col("overall")).alias("lift"))
        .rename({column: "value"})
    )


def _most(table: pl.DataFrame | None, cluster: int, n: int) -> list[tuple[str, float]]:
    if table is None:
        return []
    found = table.filter(pl.col("cluster") == cluster).sort(["n", "value"], descending=[True, False]).head(n)
    return [(str(value), float(share)) for value, share in found.select("value", "share").iter_rows()]


def _apart(tables: Mapping[str, pl.DataFrame], cluster: int, n: int) -> list[tuple[str, str, float]]:
    found = []
    for name, table in tables.items():
        telling = table.filter((pl.col("cluster") == cluster) & (pl.col("share") >= 0.1) & (pl.col("lift") >= 1.5))
        for value, share, lift in telling.select("value", "share", "lift").iter_rows():
            found.append((share * float(np.log(lift)), name, str(value), float(lift)))
    found.sort(key=lambda each: (-each[0], each[1], each[2]))
    return [(name, value, lift) for _, name, value, lift in found[:n]]


def _prices(frame: pl.DataFrame, n_clusters: int) -> list[tuple[float, float, float] | None]:
    price = pl.col("price")
    found = (
        frame.filter(price.is_not_null() & price.is_finite())
        .group_by("cluster")
        .agg(*(price.quantile(q, "linear").alias(str(q)) for q in (0.1, 0.5, 0.9)))
    )
    known = {row[0]: (float(row[1]), float(row[2]), float(row[3])) for row in found.iter_rows()}
    return [known.get(cluster) for cluster in range(n_clusters)]


class Names(Protocol):
    """Names by row; they may be looked up only when asked for."""

    def __getitem__(self, row: int, /) -> str: ...


def why_cluster(
    vectors: Vectors,
    centers: NDArray[np.float32],
    row: int,
    *,
    labels: Labels,
    names: Names,
    spans: Mapping[str, tuple[int, int]] | None = None,
    n: int = 3,
) -> list[Reason]:
    """Why a product is in its cluster and not in the next nearest; shares sum to 1.

    The difference of the squared distances to the two centres is a sum over the parts of the vector (`spans`: name to
    first and last column, the last excluded), so the share of each part is exact; without `spans` there is one part.
    Reasons name the nearest members by `names` (one a row, such as ids).
    """
    x = _row(vectors, row)
    distances = np.einsum("ij,ij->i", centers - x, centers - x, dtype=np.float64)
    own = int(labels[row])
    distances[own] = np.inf
    rival = int(distances.argmin()) if len(centers) > 1 else own
    each = (x - centers[rival].astype(np.float64)) ** 2 - (x - centers[own].astype(np.float64)) ** 2
    members = np.flatnonzero(labels == own)
    near = np.asarray(unit(vectors[members]) @ x.astype(np.float32)).ravel()
    order = [int(members[at]) for at in np.argsort(-near, kind="stable") if members[at] != row][:n]
    neighbours = tuple(names[at] for at in order)
    parts = {name: float(each[start:stop].sum()) for name, (start, stop) in (spans or {}).items()}
    helping = {name: value for name, value in parts.items() if value > 0}
    rest = float(each.sum()) - sum(parts.values())
    whole = sum(helping.values()) + max(rest, 0.0)
    if whole <= 0:
        text = "it is as near to the next cluster" if rival != own else "there is no other cluster"
        return [Reason(text, 1.0, neighbours)]
    reasons = [
        Reason(f"by its {name} it is nearer to this cluster than to any other", value / whole, neighbours)
        for name, value in sorted(helping.items(), key=lambda item: (-item[1], item[0]))
    ]
    return [*reasons, Reason("other", max(rest, 0.0) / whole, () if reasons else neighbours)]


def _row(vectors: Vectors, row: int) -> NDArray[np.float64]:
    found: Any = vectors[[row]]
    wide = np.asarray(found.toarray() if isinstance(found, csr_array) else found, np.float64)
    return wide.reshape(-1)
