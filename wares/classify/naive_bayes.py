"""Each class by how often it has each column, as if columns knew nothing of each other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack
from sklearn.utils import Tags

from wares.algorithm import setting
from wares.arrays import Dense, Vectors
from wares.classify.rows import OfVectors, arrays, distinct, numbers
from wares.errors import DataError
from wares.kernels import margins

GAUSSIAN = "naive Bayes of kind 'gaussian' reads dense rows; for sparse ones take 'complement'"


@dataclass(kw_only=True, eq=False)
class NaiveBayes(OfVectors):
    """Counts of columns by class, multiplied as if they were independent.

    Choose it where learning must cost one pass, or go on for ever: it is a sum over rows, so rows are added, taken back
    and joined from several shops exactly. Its order of classes is fair; its probabilities are far too sure, as words do
    know of each other. Time O(numbers in the rows); memory some 16 bytes x columns that occur x classes.

    One class alone is answered with certainty. A class with one row has a spread too: see `smooth`.

    Settings
    --------
    kind : "complement" counts what is not of the class, better where classes differ in size; "multinomial" counts what
        is; both read counts or weights of at least 0. "gaussian" takes each column as normal within a class, for dense
        rows of any sign; "auto" is "gaussian" for dense rows and "complement" for sparse ones.
    smooth : added to each count; of "gaussian" the share of the greatest spread of a column added to each spread.
    prior : whether frequent classes are likelier from the start ("complement": never).

    Learned
    -------
    classes_ : in order. kind_ : what "auto" meant. counts_ : (n_classes,) rows of each. sums_ : (n_classes, width)
    float64, sparse but for "gaussian", which has squares_ too. coef_ : (n_kept, n_classes) float32, intercept_ and
    places_ (width,) of the other two: logits are sums over columns, column j weighing `coef_[places_[j]]`.

    Source: Rennie et al. 2003, "Tackling the poor assumptions of naive Bayes text classifiers".
    """

    kind: Literal["auto", "complement", "multinomial", "gaussian"] = "auto"
    smooth: float = setting(0.1, low=1e-9)
    prior: bool = True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self.kind in ("complement", "multinomial")
        return tags

    def fit(self, X: Any, y: Any) -> Self:
        """Count the rows of X (n, width) by their class y (n,)."""
        self._check()
        self._forget()
        rows, y = self._read(X, y, reset=True)
        return self._settled(self._tally(rows, y))

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Count more rows; what comes out is what `fit` makes of all of them. Classes not seen before are welcome."""
        if not hasattr(self, "sums_"):
            return self.fit(X, y)
        self._check()
        rows, y = self._read(X, y, reset=False)
        sums = self._known()
        for name, part in self._tally(rows, y).items():
            sums[name] = sums[name] + part if name in sums else part
        return self._settled(sums)

    def tally(self, part: Any) -> Mapping[str, Any]:
        """The sums of rows given as (X, y), by class; sums of several parts, added by name, are those of all."""
        self._check()
        rows, y = self._read(*part, reset=not hasattr(self, "n_features_in_"))
        return self._tally(rows, y)

    def settle(self, tally: Mapping[str, Any]) -> Self:
        """Learn from sums. Raises DataError where there are none, or of several kinds."""
        self._check()
        self._forget()
        return self._settled(dict(tally))

    def logits(self, X: Any) -> Dense:
        """(n, n_classes) the logarithms of the likelihoods, up to what all classes share."""
        rows = self._rows(X)
        if self.kind_ != "gaussian":
            _positive(rows, self.kind_)
            table = csr_array(rows)
            found = np.tile(np.asarray(self.intercept_), (table.shape[0], 1))
            margins.scores(*arrays(table), np.asarray(self.places_), np.asarray(self.coef_), found)
            return found
        if isinstance(rows, csr_array):
            raise DataError(GAUSSIAN)
        counts = np.asarray(self.counts_)[:, None]
        mean = self.sums_ / counts
        spread = self._spread(mean, counts)
        constant = -0.5 * np.log(2 * np.pi * spread).sum(axis=1) + self._prior()
        # Not the expanded square: where spreads are small against means it would have no digits left.
        out = np.empty((len(rows), len(mean)), np.float64)
        for k in range(len(mean)):
            out[:, k] = constant[k] - 0.5 * (np.square(rows - mean[k]) / spread[k]).sum(axis=1)
        return np.asarray(out - out.max(axis=1, keepdims=True, initial=-np.inf), np.float32)

    def contributions(self, X: Any, classes: Any) -> csr_array:
        """(n, width) what each column adds to the logit of one class for each row (n,); with `intercept_` they sum to
        it. Raises DataError for "gaussian", whose logits no single columns make up."""
        rows = self._rows(X)
        if self.kind_ == "gaussian":
            raise DataError("naive Bayes of kind 'gaussian' has no contributions of columns; 'multinomial' has")
        table = csr_array(rows)
        wanted = np.repeat(numbers(np.asarray(self.classes_), classes), np.diff(table.indptr))
        places = np.asarray(self.places_)[table.indices]
        data = np.where(places >= 0, table.data * self.coef_[np.maximum(places, 0), wanted], np.float32(0))
        return csr_array((data.astype(np.float32), table.indices, table.indptr), shape=table.shape)

    def _tally(self, rows: Vectors, y: NDArray[Any]) -> dict[str, Any]:
        kind = self.kind if self.kind != "auto" else "complement" if isinstance(rows, csr_array) else "gaussian"
        kind = getattr(self, "kind_", kind)
        classes, codes = distinct(y)
        chosen = csr_array((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(len(classes), len(codes)))
        counts = np.bincount(codes)[:, None].astype(np.float64)
        if kind == "gaussian":
            if isinstance(rows, csr_array):
                raise DataError(GAUSSIAN)
            table = rows.astype(np.float64)
            sums: Any = np.concatenate([counts, chosen @ table, chosen @ np.square(table)], axis=1)
        else:
            _positive(rows, kind)
            sums = _beside(csr_array(counts), chosen @ csr_array(rows).astype(np.float64))
        return {f"{kind} {json.dumps(name)}": sums[[k]] for k, name in enumerate(classes.tolist())}

    def _known(self) -> dict[str, Any]:
        """The sums again, as `tally` gives them."""
        counts = np.asarray(self.counts_)[:, None]
        table: Any
        if self.kind_ == "gaussian":
            table = np.concatenate([counts, self.sums_, self.squares_], axis=1)
        else:
            table = _beside(csr_array(counts), self.sums_)
        names = [f"{self.kind_} {json.dumps(name)}" for name in np.asarray(self.classes_).tolist()]
        return {name: table[[k]] for k, name in enumerate(names)}

    def _settled(self, tally: dict[str, Any]) -> Self:
        kinds = {name.partition(" ")[0] for name in tally}
        if len(kinds) != 1:
            raise DataError(f"sums of {' and '.join(sorted(kinds)) or 'no class'}; expected those of one kind")
        self.kind_ = kinds.pop()
        sums = {name: each for name, each in tally.items() if each[0, 0] > 0}  # of some nothing may be left
        if not sums:
            raise DataError("no row is left of any class")
        values = np.array([json.loads(name.partition(" ")[2]) for name in sums])
        order = np.argsort(values, kind="stable")
        rows = [list(sums.values())[each] for each in order]
        self.classes_ = values[order]
        self.sums_: Any
        self.counts_ = np.array([each[0, 0] for each in rows], np.float64)
        if self.kind_ == "gaussian":
            self.sums_, self.squares_ = (each.copy() for each in np.split(np.concatenate(rows)[:, 1:], 2, axis=1))
        else:
            self.sums_ = csr_array(csr_array(vstack(rows, format="csr"))[:, 1:])
            self._weigh()
        self.n_features_in_ = int(self.sums_.shape[1])
        return self

    def _weigh(self) -> None:
        """Weights of the columns that occur, from the sums."""
        kept = np.unique(self.sums_.indices[self.sums_.data > 0])
        self.places_ = np.full(self.sums_.shape[1], -1, np.int32)
        self.places_[kept] = np.arange(len(kept))
        counts, prior = self.sums_[:, kept].toarray(), self._prior()
        complement = self.kind_ == "complement" and len(self.classes_) > 1
        if complement:
            counts, prior = counts.sum(axis=0) - counts, np.zeros(len(counts))
        counts += self.smooth
        shares = np.log(counts / counts.sum(axis=1, keepdims=True))
        if complement:
            shares = shares.mean(axis=0) - shares  # what a column says for all classes alike says nothing
        self.coef_, self.intercept_ = np.ascontiguousarray(shares.T, np.float32), prior.astype(np.float32)

    def _prior(self) -> NDArray[np.float64]:
        counts = np.asarray(self.counts_)
        return np.log(counts / counts.sum()) if self.prior else np.zeros(len(counts))

    def _spread(self, mean: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n_classes, width) variances, with some of the greatest variance of a column over all rows added."""
        n = counts.sum()
        whole = np.maximum(self.squares_.sum(axis=0) / n - np.square(self.sums_.sum(axis=0) / n), 0)
        own = np.maximum(self.squares_ / counts - np.square(mean), 0)
        return np.asarray(own + max(self.smooth * whole.max(initial=0), 1e-9))


def _beside(left: csr_array, right: Any) -> csr_array:
    joined: Any = hstack([left, right], format="csr")
    return csr_array(joined)


def _positive(rows: Vectors, kind: str) -> None:
    least = (rows.data if isinstance(rows, csr_array) else rows).min(initial=0)
    if least < 0:
        raise DataError(
            f"Negative values in data: naive Bayes of kind {kind!r} counts, and {least:g} is below 0; take 'gaussian' "
            "for vectors"
        )
