"""Products like one product, and products bought with it: two different questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Algorithm, Index, setting
from wares.arrays import Mask, Vectors
from wares.data.history import History
from wares.data.hits import Hits, Reason
from wares.errors import DataError
from wares.index.words import Words
from wares.kernels import nearest
from wares.kernels.together import companions
from wares.tasks.filtering import Filters

_HOUR = 3_600 * 10**9  # in the nanoseconds of History.times
_UNIT = {
    "baskets": ("in one basket", "in {n:,} baskets"),
    "visits": ("in one visit", "in {n:,} visits"),
    "shoppers": ("by one shopper", "by {n:,} shoppers"),
}


@dataclass(kw_only=True, eq=False)
class Together(Algorithm):
    """The products most often bought with each product, for how often each is bought at all.

    Counts baskets that hold both; where events tell no baskets, visits (events of one shopper with no longer break than
    `window` between them); where they tell no times, shoppers. Cosine over those units, shrunk so that two rare
    products met once do not come first. Time O(sum of squared unit sizes), memory 12 bytes x neighbours x products.

    Settings
    --------
    neighbours : kept for each product. least : units that must hold a pair. shrink : added to the denominator, units.
    window : hours without an event that end a visit. largest : units of more products are left out: a reseller's order
    says little of what goes with what.

    Learned
    -------
    rows_ : (n_products, neighbours) int32, best first, -1 where there are fewer. scores_ : float32, 0..1. counts_ :
    int32, units that hold both. unit_ : baskets, visits or shoppers.
    """

    neighbours: int = setting(50, low=1)
    least: int = setting(2, low=1)
    shrink: float = setting(10.0, low=0.0)
    window: float = setting(24.0, low=0.0)
    largest: int = setting(200, low=2)

    def fit(self, history: History) -> Self:
        """Count the events with a weight above 0; give only purchases where there are any."""
        self._check()
        n, self.unit_ = history.n_products, self._unit(history)
        table = self._table(history)
        by_product = table.T.tocsr()
        self.rows_ = np.full((n, self.neighbours), -1, np.int32)
        self.scores_ = np.zeros((n, self.neighbours), np.float32)
        self.counts_ = np.zeros((n, self.neighbours), np.int32)
        companions(
            table.indptr.astype(np.int64),
            table.indices.astype(np.int32, copy=False),
            by_product.indptr.astype(np.int64),
            by_product.indices.astype(np.int32, copy=False),
            self.least,
            float(self.shrink),
            self.rows_,
            self.scores_,
            self.counts_,
        )
        return self

    def _table(self, history: History) -> csr_array:
        """(n_units, n_products) int8, which products each unit holds; units of more than `largest` are left out."""
        found = [np.empty(0, np.int32)]
        lengths = [np.empty(0, np.int64)]
        for part in history.parts():
            bought = part.keep(part.weights > 0)
            units = self._units(bought)
            ones = np.ones(len(units), np.int8)
            shape = (int(units[-1]) + 1 if len(units) else 0, history.n_products)
            table = csr_array((ones, (units, bought.products)), shape=shape)
            table.sum_duplicates()
            table = table[np.diff(table.indptr) <= self.largest]
            found.append(table.indices.astype(np.int32, copy=False))
            lengths.append(np.diff(table.indptr).astype(np.int64))
        indptr = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
        products = np.concatenate(found)
        return csr_array(
            (np.ones(len(products), np.int8), products, indptr), shape=(len(indptr) - 1, history.n_products)
        )

    def _unit(self, history: History) -> str:
        if history.baskets is not None:
            return "baskets"
        return "visits" if history.times is not None else "shoppers"

    def _units(self, history: History) -> NDArray[np.int64]:
        """(n_events,) ascending number of the unit of each event."""
        owners = history.owners()
        if history.baskets is not None:
            new = np.diff(history.baskets, prepend=-1) != 0
        elif history.times is not None:
            new = np.diff(history.times, prepend=0) > self.window * _HOUR
        else:
            new = np.zeros(len(owners), np.bool_)
        new |= np.diff(owners, prepend=-1) != 0
        return np.cumsum(new) - 1

    def search(self, row: int, k: int, *, allowed: Mask | None = None) -> Hits:
        """(1, k) what is bought with the product of that row."""
        self.learned()
        rows = self.rows_[row].astype(np.int64)
        if allowed is not None:
            rows = np.where((rows >= 0) & allowed[rows], rows, -1)
        return Hits.ordered(rows[None], self.scores_[row][None], k)

    def reasons(self, row: int, hits: Hits) -> list[list[Reason]]:
        """How often each hit was bought with the product."""
        return [[Reason(self.told(row, hit), 1.0)] for hit in hits.rows[0].tolist() if hit >= 0]

    def told(self, row: int, other: int) -> str:
        """Such as "bought together in 12 baskets"."""
        place = np.flatnonzero(self.rows_[row] == other)
        n = int(self.counts_[row, place[0]]) if len(place) else 0
        one, many = _UNIT[self.unit_]
        return "bought together " + (one if n == 1 else many.format(n=n))


@dataclass(frozen=True, kw_only=True, eq=False)
class Similar:
    """Products like a product: near in the vectors, and somewhat nearer where shoppers buy both.

    The score is (1 - together_weight) * cosine + together_weight * the cosine over baskets. Works without events.

    Settings
    --------
    index : over `vectors` (n_products, width), unit rows. together : what is bought together, if anything was. filters,
    words : for the reasons. candidates : nearest vectors looked at.
    """

    index: Index
    vectors: Vectors
    together: Together | None = None
    filters: Filters | None = None
    words: Words | None = None
    together_weight: float = 0.25
    candidates: int = 100

    def search(self, row: int, k: int, *, allowed: Mask | None = None) -> Hits:
        """(1, k) the products most like that of the row, itself left out."""
        if not 0 <= row < self.vectors.shape[0]:
            raise DataError(f"there is no product in row {row}; rows are 0 to {self.vectors.shape[0] - 1}")
        near = self.index.search(self.vectors[row : row + 1], max(self.candidates, k + 1), allowed=allowed)
        rows = near.rows[0]
        if self.together is not None:
            bought_with = self.together.rows_[row]
            if allowed is not None:
                bought_with = bought_with[(bought_with >= 0) & allowed[bought_with]]
            rows = np.unique(np.concatenate([rows, bought_with]))
        rows = rows[(rows >= 0) & (rows != row)]
        alike, bought = self.parts(row, rows)
        scores = alike + bought
        # A product that nothing is known of is near to nothing, not equally far from everything.
        known = scores > 0
        best_rows, best_scores = nearest.best(rows[known], scores[known], k)
        return Hits(best_rows[None], best_scores[None])

    def parts(self, row: int, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(n,) what likeness adds to the score of each of `rows`, and what being bought together adds."""
        weight = np.float32(self.together_weight if self.together is not None else 0.0)
        if isinstance(self.vectors, csr_array):
            cosines = np.asarray((self.vectors[rows] @ self.vectors[row : row + 1].T).toarray(), np.float32).ravel()
        else:
            vectors = np.asarray(self.vectors)
            cosines = nearest.scored(vectors, rows, vectors[row])
        bought = np.zeros(len(rows), np.float32)
        if self.together is not None:
            known = self.together.rows_[row]
            order = np.argsort(known, kind="stable")
            place = order[np.minimum(np.searchsorted(known, rows, sorter=order), len(known) - 1)]
            bought = np.where(known[place] == rows, self.together.scores_[row][place], 0).astype(np.float32)
        return (1 - weight) * np.maximum(cosines, 0), weight * bought

    def reasons(self, row: int, hits: Hits) -> list[list[Reason]]:
        """Why each hit is there: what both have in common, and how often both were bought."""
        rows = hits.rows[0][hits.rows[0] >= 0]
        alike, bought = self.parts(row, rows)
        words = self.words.shared_by(row, rows.tolist()) if self.words is not None else [[]] * len(rows)
        out = []
        for other, likeness, both, shared in zip(rows.tolist(), alike.tolist(), bought.tolist(), words, strict=True):
            found = [Reason(self._alike(row, other, shared), likeness / (likeness + both))] if likeness > 0 else []
            if both > 0 and self.together is not None:
                found.append(Reason(self.together.told(row, other), both / (likeness + both)))
            out.append(sorted(found, key=lambda reason: -reason.share) or [Reason("other", 1.0)])
        return out

    def _alike(self, row: int, other: int, words: Sequence[str]) -> str:
        """What two products have in common, in words."""
        common = []
        if self.filters is not None:
            brand = self.filters.same("brand", row, other)
            if brand is not None:
                common.append(f"same brand ({brand})")
            path = self.filters.shared_path(row, other)
            if path:
                common.append(f"same category ({path})")
        if words:
            common.append("both " + ", ".join(f"“{word}”" for word in words))
        return "; ".join(common) or "described alike"
