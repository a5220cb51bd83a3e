"""Factor analysis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from sklearn.utils import Tags, TransformerTags
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from wares.algorithm import Clusterer, setting
from wares.arrays import Dense, Labels, Links, Vectors
from wares.cluster import rotation
from wares.errors import DataError, SettingError
from wares.runner import Local, Runner

BLOCK = 4_096
"""Rows worked on at once: BLOCK x width x 8 bytes."""

Table = NDArray[np.float64]


@dataclass(kw_only=True, eq=False)
class Factor(Clusterer):
    """Rows by the hidden factor that stands out most in them, above or below the mean.

    Choose it to learn which words go together, and to name the groups by them: each factor loads on few words
    (`describe`), and the share of each word's spread that the factors explain is told. Where groups are all that is
    wanted, k-means on sentence vectors finds better ones. It reads counts of words, the `width` commonest, since
    loadings on words can be read; any other vectors do as well, sparse or dense, and are read as they are. How many
    factors there are is chosen by Velicer's minimum average partial: as many as leave the columns least alike. Time
    O(n_rows x width²) once and O(rounds x width³); memory 8 x width² x 3 bytes beside the rows.

    It makes at most two clusters a factor, one for each sign. Columns that never change are not read; where all rows
    are alike there is one cluster. A row of zeros (no known word) says nothing and goes to the largest cluster.

    Settings
    --------
    n_factors : factors; None has it chosen, up to `most`.
    most : factors at most, where their number is chosen.
    signed : whether rows far below a factor's mean are a cluster of their own beside those far above.
    width : columns read; of more, those that most rows have.
    logarithm : read counts as ln(1 + n); numbers below 0 are never touched.
    rounds : most rounds of improving the unique variances; tol : it ends when none moves by more.

    Learned
    -------
    loadings_ : (n_columns, n_factors) float32, the correlation of each column with each factor, rotated by varimax;
    zeros for columns not read. unique_ : (n_columns,) float32, the share of a column's variance that no factor has.
    sides_ : (n_clusters_, 2) int64, the factor of each cluster and its sign.
    labels_ : (n,) int64. curve_ : (tried,) float32, the average squared partial correlation by number of factors.

    Source: Jöreskog 1967, doi:10.1007/BF02289658; Velicer 1976, doi:10.1007/BF02293557; Kaiser 1958,
    doi:10.1007/BF02289233.
    """

    READS: ClassVar[Literal["vectors", "words"]] = "words"

    n_factors: int | None = setting(None, low=1)
    most: int = setting(60, low=1)
    signed: bool = True
    width: int = setting(1_000, low=2)
    logarithm: bool = True
    rounds: int = setting(200, low=1)
    tol: float = setting(1e-4, low=0)

    def fit(self, X: Any, y: Any = None, *, links: Links | None = None, runner: Runner = Local()) -> Self:
        """Find the factors of the columns of X (n, n_columns) and group its rows.

        Raises SettingError for links, which this method cannot honour.
        """
        self._check()
        if links is not None:
            raise SettingError("Factor cannot honour must-link and cannot-link pairs")
        rows = self._rows(X, reset=True)
        with threadpool_limits(1, user_api="blas"):  # one thread: the same bits on any machine's number of cores
            self._learn(rows)
            amounts = self._amounts(rows)
            best = amounts.argmax(axis=1)
            filled = _filled(rows)
            used, sizes = np.unique(best[filled] if filled.any() else best[:1], return_counts=True)
            n = amounts.shape[1] // (2 if self.signed else 1)
            self.sides_ = np.stack([used % n, np.where(used < n, 1, -1)], axis=1).astype(np.int64)
            self.n_clusters_ = len(used)
            self.largest_ = int(sizes.argmax())
            self.labels_ = self._placed(rows)
        return self

    def predict(self, X: Any) -> Labels:
        """(n,) the cluster of the factor and sign that stand out most; on the fitted X exactly `labels_`."""
        check_is_fitted(self)
        with threadpool_limits(1, user_api="blas"):
            return self._placed(self._rows(X, reset=False))

    def transform(self, X: Any) -> Dense:
        """(n, n_factors) float32 scores: how far each row is from the mean of each factor, in standard deviations."""
        check_is_fitted(self)
        with threadpool_limits(1, user_api="blas"):
            return self._scores(self._rows(X, reset=False))

    def fit_transform(self, X: Any, y: Any = None, **others: Any) -> Dense:
        """(n, n_factors) scores after `fit`."""
        return self.fit(X, y, **others).transform(X)

    def fit_predict(self, X: Any, y: Any = None, **others: Any) -> Labels:
        """(n,) `labels_` after `fit`."""
        return np.asarray(self.fit(X, y, **others).labels_, np.int64)

    def describe(self, names: Sequence[str] | NDArray[Any], n: int = 8) -> list[list[str]]:
        """For each cluster the n columns that load most on its factor, with its sign; `names` are those of the columns.

        None where no column loads on that side by a tenth of the factor's greatest loading: the cluster is of rows that
        lack what the factor has. Raises DataError where there are not as many names as columns.
        """
        loadings = np.asarray(self.learned()["loadings_"])
        if len(names) != len(loadings):
            raise DataError(f"{len(names)} names for {len(loadings)} columns: one of each")
        told = [sign * loadings[:, factor] for factor, sign in np.asarray(self.sides_).tolist()]
        best = [np.argsort(-each, kind="stable")[:n].tolist() for each in told]
        least = [0.1 * float(np.abs(each).max()) for each in told]
        return [
            [str(names[at]) for at in order if each[at] > bound]
            for order, each, bound in zip(best, told, least, strict=True)
        ]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags = TransformerTags(preserves_dtype=["float32"])
        return tags

    def _rows(self, X: Any, *, reset: bool) -> Vectors:
        """X as float32 rows. Raises ValueError as scikit-learn does."""
        rows: Any = validate_data(self, X, reset=reset, dtype=np.float32, order="C", accept_sparse="csr")
        read: Vectors = csr_array(cast("Any", rows)) if issparse(rows) else rows
        return read

    def _learn(self, rows: Vectors) -> None:
        n_columns = rows.shape[1]
        found = _counted(rows)
        read = np.sort(np.argsort(-found, kind="stable")[: self.width])
        mean, correlations, spread = self._correlations(rows, read)
        kept = spread > 1e-6 * np.maximum(np.abs(mean), 1e-30)
        kept &= spread > 0
        self.columns_, self.means_, self.spreads_ = read[kept], mean[kept], spread[kept]
        table = correlations[np.ix_(kept, kept)]
        self.curve_ = rotation.partials(table, self.most).astype(np.float32)
        asked = int(self.curve_.argmin()) if self.n_factors is None else self.n_factors
        n = min(max(asked, 1), max(len(table), 1))
        loadings, unique = rotation.factors(table, n, self.rounds, self.tol)
        loadings = rotation.varimax(loadings)
        self.loadings_ = np.zeros((n_columns, n), np.float32)
        self.loadings_[self.columns_] = loadings
        self.unique_ = np.ones(n_columns, np.float32)
        self.unique_[self.columns_] = unique
        self.weights_ = rotation.scoring(loadings, unique, table)

    def _read(self, rows: Vectors, columns: NDArray[np.int64]) -> Table:
        """Some columns of some rows, dense."""
        part: Any = rows[:, columns]
        table = np.asarray(part.toarray() if isinstance(part, csr_array) else part, np.float64)
        return np.where(table > 0, np.log1p(np.maximum(table, 0)), table) if self.logarithm else table

    def _correlations(self, rows: Vectors, columns: NDArray[np.int64]) -> tuple[Table, Table, Table]:
        """Means, correlations and standard deviations of some columns; a column that never changes has deviation 0."""
        n, width = rows.shape[0], len(columns)
        # From a row of the table and not from 0, so that large numbers that differ little keep their digits.
        origin = self._read(rows[:1], columns)[0]
        total, products = np.zeros(width), np.zeros((width, width))
        for start in range(0, n, BLOCK):
            block = self._read(rows[start : start + BLOCK], columns) - origin
            total += block.sum(axis=0)
            products += block.T @ block
        mean = total / n
        covariance = products / n - np.outer(mean, mean)
        spread = np.sqrt(np.maximum(np.diag(covariance), 0))
        spread[spread < 1e-7 * np.sqrt(np.diag(products) / n)] = 0
        scale = np.where(spread > 0, spread, 1)
        return mean + origin, covariance / np.outer(scale, scale), spread

    def _scores(self, rows: Vectors) -> Dense:
        out = np.zeros((rows.shape[0], self.loadings_.shape[1]), np.float32)
        columns = np.asarray(self.columns_)
        for start in range(0, len(out), BLOCK):
            block = (self._read(rows[start : start + BLOCK], columns) - self.means_) / self.spreads_
            out[start : start + BLOCK] = block @ self.weights_
        return out

    def _amounts(self, rows: Vectors) -> Dense:
        """(n, n_sides) how far each row stands out on each side of each factor."""
        scores = self._scores(rows)
        return np.concatenate([scores, -scores], axis=1) if self.signed else scores

    def _placed(self, rows: Vectors) -> Labels:
        sides = np.asarray(self.sides_)
        labels = (self._scores(rows)[:, sides[:, 0]] * sides[:, 1]).argmax(axis=1).astype(np.int64)
        labels[~_filled(rows)] = self.largest_
        return np.asarray(labels, np.int64)


def _filled(rows: Vectors) -> NDArray[np.bool_]:
    """(n,) which rows have a number other than 0."""
    if isinstance(rows, csr_array):
        return np.asarray(abs(rows).sum(axis=1)).ravel() > 0
    return np.asarray(rows.any(axis=1))


def _counted(rows: Vectors) -> NDArray[np.int64]:
    """(n_columns,) how many rows have each."""
    if isinstance(rows, csr_array):
        return np.bincount(rows.indices[rows.data != 0], minlength=rows.shape[1])
    return np.asarray(np.count_nonzero(rows, axis=0), np.int64)
