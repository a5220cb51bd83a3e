"""What is taken after what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from wares.algorithm import Context, setting
from wares.arrays import Dense, Sparse
from wares.data.history import History
from wares.kernels.following import followers
from wares.recommend.pairs import Pairwise, greatest_of, packed, scaled
from wares.recommend.profile import DAY, frozen


@dataclass(kw_only=True, eq=False)
class Markov(Pairwise):
    """How often one product comes soon after another, as a share of all that comes after it.

    Choose it where the next product depends on the last few: sessions, series, supplies for what was just bought. What
    comes one event later counts 1, two events later `fade`, and so on up to `reach`; the last product of the asked
    history counts 1, the one before it `decay`. It can follow itself. Time O(events x reach), memory O(events +
    n_products x neighbours); a history of m products is scored in O(m x neighbours).

    Settings
    --------
    reach : how many events later still count.
    fade : what is left of an event for each one between.
    gap : days between two events after which the second counts half; 0 = the time between does not matter.
    backward : how much what came before counts beside what came after; 1 = the order does not matter.
    smoothing : added to how much followed a product; damps what followed once something that was taken once.
    neighbours : kept for each product; more is smoother and slower.
    strength, half_life, decay : how much a product of the asked history counts, as in `Pairwise`.

    Learned
    -------
    following_ : (n_products, n_products) float32 sparse, how likely what is in the column comes after what is in the
        row; at most `neighbours` a row, rows sum to less than 1 or to 1.

    Source: Markov chains of the first order, as in Rendle et al. 2010, doi:10.1145/1772690.1772773.
    """

    reach: int = setting(5, low=1)
    fade: float = setting(0.7, low=0.0, high=1.0)
    gap: float = setting(0.0, low=0.0)
    backward: float = setting(0.4, low=0.0, high=1.0)
    smoothing: float = setting(5.0, low=0.0)
    neighbours: int = setting(200, low=1)
    decay: float = setting(0.6, low=0.0, high=1.0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Count what follows each product; what was sent back does not count."""
        self._check()
        taken = _kept(history)
        n = taken.n_products
        starts = np.concatenate([[0], np.cumsum(np.bincount(taken.products, minlength=n))]).astype(np.int64)
        with threadpool_limits(1, "blas"):
            found = followers(
                starts,
                np.argsort(taken.products, kind="stable"),
                taken.owners().astype(np.int32),
                frozen(taken.indptr),
                frozen(taken.products),
                frozen(np.empty(0, np.int64) if taken.times is None else taken.times),
                self._gaps(),
                np.float64(self.gap * DAY),
                np.float32(self.backward),
                np.float64(self.smoothing + 1e-9),
                np.argsort(-np.diff(starts), kind="stable").astype(np.int32),
                min(self.neighbours, max(n, 1)),
                numba.get_num_threads(),
            )
        self.following_ = packed(*found)
        return self

    def tally(self, part: History) -> Mapping[str, Dense | Sparse]:
        """`after` (n_products, n_products): how much what is in the column came after what is in the row."""
        taken = _kept(part)
        n, owners = taken.n_products, taken.owners()
        none = np.empty(0, np.int32)
        after = csr_array((np.empty(0, np.float32), (none, none)), shape=(n, n))
        for steps, weight in enumerate(self._gaps().tolist(), 1):
            same = np.flatnonzero(owners[steps:] == owners[:-steps]) if steps < len(owners) else np.empty(0, np.int64)
            each = np.full(len(same), weight)
            if self.gap and taken.times is not None:
                each *= np.exp2(-np.abs(taken.times[same + steps] - taken.times[same]) / (self.gap * DAY))
            places = (taken.products[same], taken.products[same + steps])
            after = csr_array(after + csr_array((each.astype(np.float32), places), shape=(n, n)))
        return {"after": after}

    def settle(self, tally: Mapping[str, Dense | Sparse]) -> Self:
        """Learn from a sum of tallies; what `fit` learns from all their shoppers at once."""
        self._check()
        after = csr_array(tally["after"])
        both = csr_array(after + np.float32(self.backward) * after.T)
        totals = np.asarray(both.sum(axis=1)).ravel() + self.smoothing + 1e-9
        self.following_ = greatest_of(scaled(both, 1 / totals, np.ones(len(totals))), self.neighbours, diagonal=True)
        return self

    def table(self) -> csr_array:
        """(n_products, n_products) float32: `following_`."""
        return self.following_

    def _gaps(self) -> NDArray[np.float32]:
        """(reach,) what counts an event so many events later; those that count next to nothing are left out."""
        gaps = np.power(self.fade, np.arange(self.reach), dtype=np.float64)
        return gaps[gaps >= 1e-6].astype(np.float32)


def _kept(history: History) -> History:
    """What was taken, without what was sent back."""
    return history if (history.weights > 0).all() else history.keep(history.weights > 0)
