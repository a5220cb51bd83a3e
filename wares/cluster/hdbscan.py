"""Density clusters of every density at once."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import setting
from wares.arrays import Dense, Links
from wares.cluster.noise import refuse_links, settled
from wares.cluster.placing import PlacesByNeighbour
from wares.kernels.condense import condense, memberships, select
from wares.kernels.neighbours import neighbours
from wares.kernels.spanning import distances_of, merges_of, spanning_tree
from wares.runner import Local, Runner


@dataclass(kw_only=True, eq=False)
class HDBSCAN(PlacesByNeighbour):
    """Dense groups of any shape, each at the density where it lasts longest; the number of them is found.

    Choose it where groups differ in density and some rows belong nowhere. Expect a few large clusters and much noise on
    texts of one kind; `noise` says what becomes of that, and nothing is lost.

    Two rows are as far apart as their distance, but no nearer than either is to its `min_samples`-th row. The minimum
    spanning tree of that, cut from the longest on, splits the rows into parts; a side of fewer than `min_cluster_size`
    rows falls off. Up to `exact` rows the tree is exact; beyond, the nearest rows of each are found to about .98, and
    the tree is that of all rows but for those missed. Memory: 8 bytes x n x the larger of 16 and min_samples, and 4 MB
    x n / 1,000 for blocks, never n x n. Time O(n^2 width) in BLAS at worst.

    Identical rows count as near as the two nearest that differ. Fewer rows than `min_cluster_size`, or rows that do not
    part at all, make no cluster: all are noise, or one cluster where noise is given away. NaN is an error.

    Settings
    --------
    min_cluster_size : rows that make a cluster; fewer are noise.
    min_samples : rows within reach, itself counted, that make a place dense; None is min_cluster_size.
    selection : "stability" takes the clusters that last longest, "leaf" the last that split: more and finer ones.
    noise : "nearest" gives a row of noise to the cluster of the nearest row that is in one, "keep" labels it -1.
    exact : rows up to which nothing is approximated.
    seed : of the search for near rows beyond that.

    Learned
    -------
    labels_ : (n,) int64, -1 for noise that is kept.
    probabilities_ : (n,) float32 in 0..1, how deep in its cluster a row lies; 0 for noise.
    noise_distance_ : (n,) float32 from noise to the nearest row in a cluster; 0 in clusters, infinite without any.
    tree_ : (n - 1, 4) the merges by mutual reachability, as scipy writes them.

    Source: Campello, Moulavi & Sander 2013, doi:10.1007/978-3-642-37456-2_14; McInnes & Healy 2017,
    doi:10.1109/ICDMW.2017.12.
    """

    min_cluster_size: int = setting(5, low=2)
    min_samples: int | None = setting(None, low=1)
    selection: Literal["stability", "leaf"] = "stability"
    noise: Literal["nearest", "keep"] = "nearest"
    exact: int = setting(20_000, low=2)
    seed: int = setting(0, low=0)

    def fit(self, X: Any, y: Any = None, *, links: Links | None = None, runner: Runner = Local()) -> Self:
        """Group the rows of X (n, width). Raises SettingError for links, which this method cannot honour."""
        self._check()
        refuse_links("HDBSCAN", links)
        rows = self._rows(X, reset=True)
        n = len(rows)
        reach = min(self.min_samples or self.min_cluster_size, n)
        near, lengths = neighbours(
            rows, min(max(reach - 1, 15), max(n - 1, 1)), recall=1 if n <= self.exact else 0.98, seed=self.seed
        )
        core = _core(rows, near[:, reach - 2]) if reach > 1 else np.zeros(n)
        self.tree_ = merges_of(*spanning_tree(rows, near, lengths, core))
        parts, densities, parents, births, stability = condense(self.tree_, self.min_cluster_size)
        chosen = select(parents, stability, self.selection == "leaf")
        labels, self.probabilities_ = memberships(parts, densities, parents, births, chosen)
        labels, self.noise_distance_ = settled(rows, labels, self.noise)
        self._settle(rows, labels)
        return self


def _core(rows: Dense, last: NDArray[np.int32]) -> NDArray[np.float64]:
    """(n,) distance to the last row that makes a place dense, to the bit that of the pair: what is tied stays tied."""
    known = np.flatnonzero(last >= 0)
    core = np.zeros(len(rows))
    core[known] = distances_of(rows, np.stack([known, last[known]], axis=1), np.zeros(len(rows)))
    core[last < 0] = core.max(initial=0)  # too few were found near it
    return core
