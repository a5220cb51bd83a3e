"""Which offers are one product: a catalog of many shops to its products, without a single label."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Labels
from wares.data.catalog import Catalog
from wares.errors import DataError, SettingError
from wares.kernels.linkage import average_merges
from wares.kernels.unions import labels_of
from wares.tasks.pairing import Pairs, pair_up

CUT = 0.17
"""Average likeness down to which offers are one product; a pair that nobody looked at counts as 0."""

FIRST_CUT = 0.3
"""The same for the groups that the weights are learned from: fewer, and surer."""

FLOOR = 0.02
"""A pair less likely than this is no pair."""


@dataclass(frozen=True, eq=False)
class Grouping:
    """Offers merged step by step, the most alike first, so that any cut can be asked for.

    pairs : what was looked at. likeness : (m,) in 0..1, how likely each pair is one product. weights : what each kind
    of evidence counts in log odds, as this catalog told.
    """

    pairs: Pairs
    likeness: NDArray[np.float64]
    weights: NDArray[np.float64]
    roots: NDArray[np.int64]
    merges: NDArray[np.int64]
    averages: NDArray[np.float64]

    def cut(self, threshold: float = CUT) -> Labels:
        """(n,) the product of each offer, counted from zero by first offer; merged while the average is that high."""
        if not threshold > FLOOR:
            raise SettingError(f"threshold={threshold}: must be above {FLOOR}, below which pairs are not looked at")
        low = np.flatnonzero(self.averages < threshold)
        return labels_of(self.roots, self.merges[: low[0] if len(low) else len(self.merges)])


def group_offers(
    catalog: Catalog,
    *,
    columns: tuple[str, ...] = ("title",),
    seller: str | None = "seller",
    near: int = 25,
    rounds: int = 1,
    cut: float = CUT,
) -> Labels:
    """(n,) which product each offer of a catalog is, counted from zero by first offer; see `grouping`."""
    return grouping(catalog, columns=columns, seller=seller, near=near, rounds=rounds).cut(cut)


def grouping(
    catalog: Catalog,
    *,
    columns: tuple[str, ...] = ("title",),
    seller: str | None = "seller",
    near: int = 25,
    rounds: int = 1,
) -> Grouping:
    """Offers of many sellers merged to products by their text, given that no seller offers one product twice.

    Choose it for a marketplace or a list of prices. Pairs worth a look (`pairing.pair_up`) are weighed by what they
    have in common and contradict each other in, and merged by average linkage; then the groups found teach what each
    kind of evidence counts in this catalog (a logistic regression), and all is weighed and merged again. Needs no
    labels. Time about 5 s for 4,000 titles, growing with the pairs that share words; memory O(offers x near).

    columns : read as one text. seller : the column that tells whose an offer is, None where sellers repeat products or
    there are none. near : nearest offers that each is compared with, by each of three measures. rounds : of learning;
    0 keeps the weights that `pairing.PRIOR` gives.

    Raises DataError where there is no such column, SettingError.
    """
    if near < 1 or rounds < 0:
        raise SettingError(f"near={near}, rounds={rounds}: near must be at least 1 and rounds at least 0")
    sellers = None if seller is None else _sellers(catalog, seller)
    pairs = pair_up(catalog.text(columns), sellers=sellers, near=near)
    odds, weights = pairs.prior(), np.empty(0)
    for _ in range(rounds):
        learned = _learned(pairs, _merged(pairs, odds, sellers, len(catalog), weights).cut(FIRST_CUT))
        if learned is None:
            break
        odds, weights = learned
    return _merged(pairs, odds, sellers, len(catalog), weights)


def _sellers(catalog: Catalog, column: str) -> Labels:
    if not catalog.has(column):
        raise DataError(
            f"there is no column {column!r} to tell the sellers by; the catalog has {', '.join(catalog.columns)}; "
            "give the right one, or None where a seller may offer a product twice"
        )
    names = catalog.frame([column])[column]
    codes = names.rank("dense").cast(int).fill_null(0).to_numpy() - 1
    return np.asarray(codes, np.int64)


def _merged(
    pairs: Pairs, odds: NDArray[np.float64], sellers: Labels | None, n: int, weights: NDArray[np.float64]
) -> Grouping:
    likeness = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    kept = likeness > FLOOR
    found = average_merges(pairs.rows[kept], likeness[kept].astype(np.float32), n, threshold=FLOOR, groups=sellers)
    return Grouping(pairs, likeness, weights, *found)


def _learned(pairs: Pairs, labels: Labels) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """(m,) log odds and what each evidence counts, learned from groups; None where there is nothing to tell apart."""
    together = labels[pairs.rows[:, 0]] == labels[pairs.rows[:, 1]]
    if together.all() or not together.any():
        return None
    evidence = np.asarray(pairs.evidence, np.float64)
    spread = evidence.std(axis=0)
    scaled = np.divide(evidence - evidence.mean(axis=0), spread, out=np.zeros_like(evidence), where=spread > 0)
    from sklearn.linear_model import LogisticRegression  # long to import

    model = LogisticRegression(C=0.1, max_iter=500).fit(scaled, together)
    weights = np.divide(model.coef_[0], spread, out=np.zeros(len(spread)), where=spread > 0)
    return np.asarray(model.decision_function(scaled), np.float64), weights
