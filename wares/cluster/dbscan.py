"""Density clusters of one reach."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from wares.algorithm import setting
from wares.arrays import Dense, Links
from wares.cluster.noise import nearest, refuse_links, settled
from wares.cluster.placing import PlacesByNeighbour
from wares.cluster.reach import Try, tries
from wares.kernels.density import hang_together, within
from wares.kernels.neighbours import neighbours
from wares.kernels.spanning import distances_of
from wares.runner import Local, Runner

COUNTS = (5, 10, 20)
"""min_samples tried where it is not said."""

SHOWN = 1000
"""Points of the curve of k-distances that are kept for a picture."""


@dataclass(kw_only=True, eq=False)
class DBSCAN(PlacesByNeighbour):
    """Rows with `min_samples` rows within `eps` hang together; what hangs on no such row is noise.

    Choose it for groups of any shape and one density: offers of one product, near-duplicates. Where densities differ,
    `hdbscan` does better; texts of one kind tend to one giant cluster and noise.

    Where eps is None it is sought around the knee of the distances to the min_samples-th row: each try, along lists of
    the 19 nearest rows, is judged by the silhouette to the centres on 5,000 rows, noise counting 0; `grid_` tells them
    all. The clusters themselves are exact: neighbourhoods by all pairs, those in doubt in float64. A row on the border
    of two clusters goes to that of its nearest core row, whatever the order of the rows. Time O(n^2 width) in BLAS, all
    pairs once to count and once to join; memory 2 KB x n for blocks and 160 bytes x n for lists, never n x n.

    Identical rows are one cluster if there are min_samples of them. min_samples above n is n. NaN is an error.

    Settings
    --------
    eps : how far a row reaches, Euclidean; None is chosen.
    min_samples : rows within reach, itself counted, that make a core; None is chosen among 5, 10 and 20.
    noise : "nearest" gives a row of noise to the cluster of the nearest row that is in one, "keep" labels it -1.
    seed : of the rows that tries are judged on, and of the search for near rows.

    Learned
    -------
    labels_ : (n,) int64, -1 for noise that is kept.
    core_ : (n,) bool, rows with min_samples rows within reach.
    noise_distance_ : (n,) float32 from noise to the nearest row in a cluster; 0 in clusters, infinite without any.
    eps_, min_samples_ : what was used.
    k_distances_ : at most 1,000 of the distances to the min_samples-th row, ascending, for the picture of the knee.
    grid_ : (tries, 5) eps, min_samples, clusters, share of rows in them, score; none where both were said.

    Source: Ester, Kriegel, Sander & Xu 1996, KDD; Satopää et al. 2011, doi:10.1109/ICDCSW.2011.20 (knee).
    """

    eps: float | None = setting(None, low=0)
    min_samples: int | None = setting(None, low=1)
    noise: Literal["nearest", "keep"] = "nearest"
    seed: int = setting(0, low=0)

    def fit(self, X: Any, y: Any = None, *, links: Links | None = None, runner: Runner = Local()) -> Self:
        """Group the rows of X (n, width). Raises SettingError for links, which this method cannot honour."""
        self._check()
        refuse_links("DBSCAN", links)
        rows = self._rows(X, reset=True)
        self._choose(rows)
        core = within(rows, self.eps_) >= self.min_samples_
        labels = np.where(core, hang_together(rows, core, self.eps_), -1)
        if core.any():
            loose = np.flatnonzero(~core)
            beside = nearest(rows, loose, np.flatnonzero(core))
            away = distances_of(rows, np.stack([loose, beside], axis=1), np.zeros(len(rows)))
            labels[loose] = np.where(away <= self.eps_, labels[beside], -1)
        labels, self.noise_distance_ = settled(rows, labels, self.noise)
        self.core_ = core
        self._settle(rows, labels)
        return self

    def _choose(self, rows: Dense) -> None:
        """Learn `eps_`, `min_samples_` and what they were chosen by."""
        n = len(rows)
        counts = sorted({min(each, n) for each in ([self.min_samples] if self.min_samples else COUNTS)})
        near, lengths = neighbours(rows, max(counts[-1] - 1, 1), recall=0.98, seed=self.seed)
        found: list[Try] = []
        if self.eps is None or len(counts) > 1:
            found = tries(rows, near, lengths, counts, self.eps, self.seed)
        best = max(found, key=lambda each: each.score, default=None)
        self.eps_ = best.eps if best else float(self.eps or 0)
        self.min_samples_ = counts[0] if best is None else best.min_samples
        self.grid_ = np.array([[*vars(each).values()] for each in found], np.float64).reshape(-1, 5)
        curve = lengths[:, self.min_samples_ - 2] if self.min_samples_ > 1 else np.zeros(n, np.float32)
        curve = np.sort(curve[np.isfinite(curve)])
        self.k_distances_ = curve[np.unique(np.linspace(0, len(curve) - 1, SHOWN).astype(int))] if len(curve) else curve
