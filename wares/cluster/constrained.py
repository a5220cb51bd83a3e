"""Clusters that keep to what a curator knows: pairs that are, or are not, in one cluster."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from wares.algorithm import setting
from wares.arrays import Dense, Labels, Links
from wares.cluster.placing import PlacesByNeighbour
from wares.cluster.rules import Rules
from wares.errors import DataError
from wares.kernels import lloyd as plain
from wares.kernels.assign import first_fit, improve
from wares.kernels.linkage import average_merges
from wares.kernels.neighbours import neighbours
from wares.kernels.unions import labels_of
from wares.runner import Local, Runner

EVERY_PAIR = 1_000
"""Rows up to which the average is over every pair, not over near ones."""

BUDGET = 200_000
"""Steps in which a first way to keep all rules must be found; it is nearly always found without a step back."""


@dataclass(kw_only=True, eq=False)
class Constrained(PlacesByNeighbour):
    """k-means or average linkage under rules that hold exactly: must-link, cannot-link, groups, established clusters.

    Choose it where somebody has looked: products that belong together, products that do not, offers of which no two of
    one vendor are the same product (`groups`), or yesterday's clusters that new products should join (`y`).

    What must be together moves as one. By "kmeans" every part goes to the cheapest cluster that the rules leave it, and
    two parts in each other's way trade places where that is cheaper; the inertia never rises. By "average" the most
    alike parts merge unless a rule forbids it, so there may stay more clusters than asked for. Likeness is
    1 - distance^2 / 2, the cosine of unit rows; beyond 1,000 rows only `neighbours` of each row are compared and other
    pairs count 0, or as the least alike of those compared.

    kmeans: time O(n n_clusters width) a round, memory the rows under cannot-links and groups x n_clusters x 8 bytes.
    average: time O(n neighbours log^2 n) beside the graph, memory 150 bytes x n x neighbours.

    Rules that contradict each other raise a DataError that names the rows: a cannot-link between rows that must-links
    join, more rows that exclude each other than clusters. More clusters than rows make one of each; of identical rows,
    only what rules part is parted. NaN is an error.

    Settings
    --------
    n_clusters : clusters to make; not heard where `y` says which there are, nor where there is a threshold.
    method : "kmeans" for clusters around means, "average" for many small ones such as the offers of a product.
    threshold : for "average", merge while the mean likeness is at least this; None merges down to n_clusters.
    neighbours : rows that each is compared with, for "average".
    starts : first centres tried for "kmeans"; the lowest inertia is kept.
    max_rounds : most rounds of assigning and averaging.
    seed : same seed, same bits.

    Learned
    -------
    labels_ : (n,) int64. Where `y` is given, its clusters come first, in the order of their numbers.
    established_ : (n_clusters_,) int64, the number in `y` of each cluster, -1 for a new one.
    cluster_centers_ : (n_clusters_, width) float32 means.
    probabilities_ : (n,) float32, how surely each row is in its cluster; 1 for those established.
    scale_ : the variance along one direction that these are reckoned with.

    Source: Wagstaff et al. 2001, ICML (COP-means); Basu, Banerjee & Mooney 2004, doi:10.1137/1.9781611972740.31;
    Davidson & Ravi 2005, doi:10.1007/11564126_11 (agglomerative).
    """

    RECOMMENDED: ClassVar[bool] = False
    """For those who have rules: without any, `kmeans` and `agglomerative` do the same sooner."""

    n_clusters: int = setting(8, low=1)
    method: Literal["kmeans", "average"] = "kmeans"
    threshold: float | None = setting(None, low=-1, high=1)
    neighbours: int = setting(15, low=1)
    starts: int = setting(3, low=1)
    max_rounds: int = setting(100, low=1)
    seed: int = setting(0, low=0)

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        links: Links | None = None,
        groups: Any = None,
        runner: Runner = Local(),
    ) -> Self:
        """Group the rows of X (n, width).

        y : (n,) established clusters, -1 for rows that are new: those keep together and apart, new rows join them.
        links : must-link and cannot-link pairs, (m, 2) each. groups : (n,) no two rows of one group in one cluster, -1
        for none. Raises DataError naming the rows of rules that contradict each other.
        """
        self._check()
        rows = self._rows(X, reset=True)
        rules = Rules.read(len(rows), y, links, groups)
        labels = self._by_means(rows, rules) if self.method == "kmeans" else self._by_average(rows, rules)
        self._learn(rows, labels, rules)
        return self

    def predict_proba(self, X: Any) -> Dense:
        """(n, n_clusters_) how surely each row is in each cluster, as if all were Gaussian and of one width.

        It looks at centres and knows no rules; `predict` at the nearest row, which is in its cluster by the rules.
        """
        check_is_fitted(self)
        return self._soft(self._gaps(self._rows(X, reset=False)))

    # -- the two ways --------------------------------------------------------------------------------------------------

    def _by_means(self, rows: Dense, rules: Rules) -> Labels:
        k = len(rules.held) or min(self.n_clusters, rules.n_parts)
        rules.check_room(k)
        weights = np.bincount(rules.parts).astype(np.float32)
        means = _means(rows, rules.parts, rules.n_parts)
        best, least = np.zeros(0, np.int64), np.inf
        for start in range(1 if len(rules.held) else self.starts):
            rng = np.random.default_rng([self.seed, start])
            centers = means[rules.holders] if len(rules.held) else _seeds(means, weights, k, rng)
            labels, inertia = self._rounds(means, weights, centers, rules)
            if inertia < least:
                best, least = labels, inertia
        return best[rules.parts]

    def _rounds(self, means: Dense, weights: NDArray[np.float32], centers: Dense, rules: Rules) -> tuple[Labels, float]:
        """(n_parts,) clusters after as many rounds as it takes, and the inertia of the parts' means."""
        bound, k = rules.bound, len(centers)
        labels = np.full(len(means), -1, np.int64)
        free = np.setdiff1d(np.arange(len(means)), bound)
        fixed = np.zeros(len(bound), np.bool_)
        at = np.full(len(bound), -1, np.int64)
        held = np.searchsorted(bound, rules.holders)
        fixed[held], at[held] = True, np.arange(len(held))
        for number in range(self.max_rounds):
            before = labels.copy()
            labels[free] = plain.nearest(means[free], centers)[0] if len(free) else 0
            costs = weights[bound, None] * np.maximum(plain.distances(means[bound], centers), 0).astype(np.float64)
            if number == 0 and not first_fit(at, k, *rules.sets, costs, BUDGET):
                raise DataError(rules.no_way(k, BUDGET))
            while improve(at, costs, fixed, *rules.sets):
                pass
            labels[bound] = at
            if np.array_equal(labels, before):
                break
            mass = np.bincount(labels, weights, k)
            moved = _means(means * weights[:, None], labels, k) * np.bincount(labels, minlength=k)[:, None]
            full = mass > 0
            centers = centers.copy()
            centers[full] = moved[full] / mass[full, None]
        return labels, float((weights * ((means - centers[labels]) ** 2).sum(axis=1)).sum())

    def _by_average(self, rows: Dense, rules: Rules) -> Labels:
        n = len(rows)
        if n <= EVERY_PAIR:
            edges = np.stack(np.triu_indices(n, 1), axis=1)
            near = 1 - ((rows[edges[:, 0]] - rows[edges[:, 1]]) ** 2).sum(axis=1).astype(np.float64) / 2
        else:
            found, lengths = neighbours(rows, self.neighbours, recall=0.98, seed=self.seed)
            held = found.ravel() >= 0
            edges = np.stack([np.repeat(np.arange(n), found.shape[1]), found.ravel()], axis=1)[held]
            near = 1 - lengths.ravel()[held].astype(np.float64) ** 2 / 2
        floor = min(0.0, float(near.min(initial=0)) - 1e-6)
        least = floor + 1e-9
        if self.threshold is not None:
            floor = min(floor, self.threshold - 1e-9) if n <= EVERY_PAIR else min(0.0, self.threshold - 1e-9)
            least = self.threshold
        else:
            rules.check_room(self.n_clusters if not len(rules.held) else n)
        roots, merges, _ = average_merges(
            edges,
            near,
            n,
            threshold=least,
            groups=rules.groups,
            must=rules.must,
            cannot=rules.cannot,
            established=rules.established,
            missing=floor,
        )
        if self.threshold is None:
            merges = merges[: max(rules.n_parts - (len(rules.held) or self.n_clusters), 0)]
        return labels_of(roots, merges)

    # -- what is learned -----------------------------------------------------------------------------------------------

    def _learn(self, rows: Dense, labels: Labels, rules: Rules) -> None:
        self._settle(rows, labels)
        self.established_ = np.full(self.n_clusters_, -1, np.int64)
        if rules.established is not None and len(rules.held):
            known = rules.established >= 0
            self.established_[self.labels_[known]] = rules.established[known]
            order = np.lexsort((np.arange(self.n_clusters_), self.established_, self.established_ < 0))
            rank = np.empty(self.n_clusters_, np.int64)
            rank[order] = np.arange(self.n_clusters_)
            self.labels_, self.established_ = rank[self.labels_], self.established_[order]
        self.cluster_centers_ = _means(rows, self.labels_, self.n_clusters_)
        away = (rows - self.cluster_centers_[self.labels_]).astype(np.float64)
        spread = away.T @ away / len(rows)
        total = float(np.trace(spread))
        # Directions that count: as many as would give this spread if all were alike (its participation ratio).
        self.scale_ = float((spread**2).sum()) / total if total > 0 else 0.0
        self.probabilities_ = self._soft(self._gaps(rows))[np.arange(len(rows)), self.labels_]
        if rules.established is not None:
            self.probabilities_[rules.established >= 0] = 1

    def _gaps(self, rows: Dense) -> NDArray[np.float64]:
        """(n, n_clusters_) squared distances to the centres."""
        centers = np.asarray(self.cluster_centers_)
        return np.maximum(plain.distances(rows, centers), 0).astype(np.float64)

    def _soft(self, gaps: NDArray[np.float64]) -> Dense:
        more = gaps - gaps.min(axis=1, keepdims=True)
        odds = np.exp(-more / (2 * self.scale_)) if self.scale_ > 0 else (more == 0).astype(np.float64)
        soft: Dense = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
        return soft


def _means(rows: Dense, labels: Labels, k: int) -> Dense:
    """(k, width) float32 means of the rows of each label, zero where there is none; summed in row order."""
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels, minlength=k)
    full = np.flatnonzero(counts)
    out = np.zeros((k, rows.shape[1]), np.float32)
    starts = np.concatenate([[0], np.cumsum(counts[full])[:-1]])
    out[full] = np.add.reduceat(rows[order], starts, axis=0, dtype=np.float64) / counts[full, None]
    return out


def _seeds(means: Dense, weights: NDArray[np.float32], k: int, rng: np.random.Generator) -> Dense:
    """k first centres far apart; the same ones again where there are fewer distinct rows."""
    found = plain.plus_plus(means, weights, k, rng)
    return np.ascontiguousarray(found[np.arange(k) % len(found)])
