"""Rules such as "who takes bread takes butter"."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Context, setting
from wares.arrays import Dense, Sparse
from wares.data.history import History
from wares.recommend.pairs import Pairwise, greatest_of, over, scaled, strongest
from wares.recommend.profile import Profile, matrix_of


class Rule(NamedTuple):
    """Who takes `given` takes `then`: rows of products.

    support : the share of the units that hold both. confidence : of those with `given`, the share that holds `then`.
    lift : by how much that is more than among all.
    """

    given: int
    then: int
    support: float
    confidence: float
    lift: float


@dataclass(kw_only=True, eq=False)
class Associations(Pairwise):
    """Rules from one product to another, by how often both are in one shopper's history, or in one basket.

    Choose it where a person is to read, and to judge, what the model knows. The score of a product is the sum, over the
    products of the history, of the confidence or lift of the rule that leads to it. Time O(sum over units of their
    products squared), memory O(n_products x neighbours).

    Settings
    --------
    by : what a rule counts: "shopper" histories, or "basket"s, where the history knows them.
    measure : what ranks rules and makes scores: "confidence" favours what is popular, "lift" what is special.
    min_count : units that have to hold both. min_confidence, min_lift : what a rule has to reach.
    neighbours : rules kept from each product, the best by the measure.
    strength, half_life, decay : how much a product of the asked history counts, as in `Pairwise`; rules count units.

    Learned
    -------
    rules_ : columns of equal length, by `given` and then `then` ascending: "given" and "then" int32, "support",
        "confidence" and "lift" float32, as in `Rule`.
    scores_ : (n_products, n_products) float32 sparse, the measure of each rule.

    Source: Agrawal, Imielinski & Swami 1993, doi:10.1145/170035.170072; lift is that of Brin et al. 1997,
    doi:10.1145/253260.253325.
    """

    by: Literal["shopper", "basket"] = "shopper"
    measure: Literal["confidence", "lift"] = "confidence"
    min_count: int = setting(2, low=1)
    min_confidence: float = setting(0.0, low=0.0, high=1.0)
    min_lift: float = setting(1.0, low=0.0)
    neighbours: int = setting(200, low=1)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Count the pairs in the units of `history`."""
        self._check()
        taken = matrix_of(self._units(history), "binary")
        counts = np.bincount(taken.indices, minlength=history.n_products).astype(np.float64)
        norms = self._norms(counts)
        found = strongest(taken, taken, norms, self.neighbours, least=self.min_count)
        return self._learn(scaled(found, norms, norms), counts, taken.shape[0])

    def tally(self, part: History) -> Mapping[str, Dense | Sparse]:
        """`together` (n_products, n_products): units of `part` that hold both; `units` (1,): how many there are."""
        units = self._units(part)
        taken = Profile.of(units, part.n_products).matrix(part.n_products)
        together = csr_array(taken.T @ taken)
        together.sort_indices()
        return {"together": together, "units": np.array([len(units)], np.float32)}

    def settle(self, tally: Mapping[str, Dense | Sparse]) -> Self:
        """Learn from a sum of tallies; what `fit` learns from all their shoppers at once."""
        self._check()
        together = csr_array(tally["together"])
        counts = together.diagonal().astype(np.float64)
        enough = together.copy()
        enough.data = np.where(enough.data >= self.min_count, enough.data, 0)
        norms = self._norms(counts)
        found = greatest_of(scaled(enough, over(norms, 1.0), over(norms, 1.0)), self.neighbours)
        return self._learn(scaled(found, norms, norms), counts, int(np.asarray(tally["units"])[0]))

    def table(self) -> csr_array:
        """(n_products, n_products) float32: `scores_`."""
        return self.scores_

    def best(self, k: int, given: int | None = None) -> list[Rule]:
        """The k best rules by the measure, of all or of those from one product; ties to the one counted more often."""
        self._ready()
        columns = {name: np.asarray(each) for name, each in self.rules_.items()}
        some = np.arange(len(columns["given"])) if given is None else np.flatnonzero(columns["given"] == given)
        order = np.lexsort((-columns["support"][some], -columns[self.measure][some]))[:k]
        return [Rule(*(columns[name][row].item() for name in Rule._fields)) for row in some[order]]

    def _learn(self, both: csr_array, counts: NDArray[np.float64], units: int) -> Self:
        """From the number of units that hold both, of each product, and of all."""
        given = np.repeat(np.arange(both.shape[0], dtype=np.int32), np.diff(both.indptr))
        then = both.indices.astype(np.int32)
        together = np.rint(both.data.astype(np.float64))
        confidence = together / counts[given]
        lift = confidence * units / counts[then]
        keep = (confidence >= self.min_confidence) & (lift >= self.min_lift)
        columns: dict[str, NDArray[Any]] = {"given": given, "then": then, "support": together / max(units, 1)}
        columns |= {"confidence": confidence, "lift": lift}
        self.rules_: dict[str, NDArray[Any]] = {
            name: each[keep].astype(np.int32 if name in ("given", "then") else np.float32)
            for name, each in columns.items()
        }
        indptr = np.concatenate([[0], np.cumsum(np.bincount(given[keep], minlength=both.shape[0]))])
        scores = (self.rules_[self.measure].copy(), self.rules_["then"].copy(), indptr.astype(both.indptr.dtype))
        self.scores_ = csr_array(scores, shape=both.shape)
        return self

    def _units(self, history: History) -> History:
        """The history with a row for each basket, where that is asked for and known."""
        if self.by == "shopper" or history.baskets is None or not history.n_events:
            return history
        new = np.flatnonzero(np.diff(history.baskets, prepend=history.baskets[:1] - 1))
        return replace(history, indptr=np.union1d(new, history.indptr).astype(np.int64))

    def _norms(self, counts: NDArray[np.float64]) -> NDArray[np.float32]:
        """By what a count is divided before the greatest are taken, which puts them in the order of the measure."""
        return np.ones(len(counts), np.float32) if self.measure == "confidence" else counts.astype(np.float32)
