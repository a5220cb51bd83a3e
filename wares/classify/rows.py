"""What every classifier of vectors does with its input: rows and classes checked, probabilities from scores."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from wares.algorithm import Classifier
from wares.arrays import Dense, Labels, Vectors
from wares.errors import DataError, UnknownName

WIDEST = (-4.0, 4.0)
"""Logarithms of the least and the greatest factor of calibration."""


@dataclass(kw_only=True, eq=False)
class OfVectors(Classifier):
    """A classifier of the rows of a table, dense or sparse, float32.

    One class alone is no error: every row is of it. NaN and infinity are errors unless the method can read NaN.
    """

    SPARSE: ClassVar[bool] = True
    """Whether sparse rows are read as they are."""

    NAN: ClassVar[bool] = False
    """Whether a number that is not known, NaN, is read as that."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse, tags.input_tags.allow_nan = self.SPARSE, self.NAN
        return tags

    @abstractmethod
    def logits(self, X: Any) -> Dense:
        """(n, n_classes) of which softmax makes the probabilities."""

    def predict_proba(self, X: Any) -> Dense:
        """(n, n_classes) probabilities, columns in the order of `classes_`."""
        return softmax(self.logits(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """(n,) the likeliest class of each row; the first of those equally likely."""
        table = self.predict_proba(X)
        found: NDArray[Any] = np.asarray(self.classes_)[table.argmax(axis=1)]
        return found

    def _forget(self) -> None:
        """Drop what a fit before has learned."""
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)

    def _taught(self, X: Any, y: Any, *, reset: bool = True) -> tuple[Vectors, Labels]:
        """Rows and their classes as numbers; `classes_` is learned.

        Raises ValueError as scikit-learn does (NaN, wrong width, no rows, numbers that are no classes).
        """
        rows, y = self._read(X, y, reset=reset)
        self.classes_, codes = distinct(y)
        return rows, codes

    def _read(self, X: Any, y: Any, *, reset: bool) -> tuple[Vectors, NDArray[Any]]:
        found: Any = validate_data(self, X, y, reset=reset, **self._wanted())
        try:
            check_classification_targets(found[1])
        except TypeError as error:  # what cannot be put in order
            raise _mixed(found[1]) from error
        return _plain(found[0]), found[1]

    def _rows(self, X: Any) -> Vectors:
        """X as the rows fitted on have it. Raises NotFitted, and ValueError as scikit-learn does."""
        self.learned()
        return _plain(validate_data(self, X, reset=False, **self._wanted()))

    def _wanted(self) -> dict[str, Any]:
        return {
            "dtype": np.float32,
            "order": "C",
            "accept_sparse": "csr" if self.SPARSE else False,
            "ensure_all_finite": "allow-nan" if self.NAN else True,
        }


def _plain(rows: Any) -> Vectors:
    found: Vectors = csr_array(cast("Any", rows)) if issparse(rows) else rows
    return found


def arrays(rows: Vectors) -> tuple[NDArray[np.int64], NDArray[np.int32], Dense]:
    """indptr, indices and numbers of sparse rows, as `kernels.margins` reads them; of dense ones no indices."""
    if isinstance(rows, csr_array):
        return np.asarray(rows.indptr, np.int64), np.asarray(rows.indices, np.int32), np.asarray(rows.data, np.float32)
    n, width = rows.shape
    return np.arange(n + 1, dtype=np.int64) * width, np.empty(0, np.int32), np.ascontiguousarray(rows).ravel()


def distinct(y: NDArray[Any]) -> tuple[NDArray[Any], Labels]:
    """The classes in order, and the number of each row's. Raises DataError where they cannot be put in order."""
    try:
        classes, codes = np.unique(y, return_inverse=True)
    except TypeError as error:
        raise _mixed(y) from error
    return classes, codes.astype(np.int64)


def numbers(classes: NDArray[Any], wanted: Any) -> Labels:
    """(n,) the numbers of classes by name. Raises UnknownName for one that is not among them."""
    known = {name: number for number, name in enumerate(classes.tolist())}
    found = np.empty(len(wanted), np.int64)
    for place, name in enumerate(np.asarray(wanted).tolist()):
        if name not in known:
            raise UnknownName.among("class", str(name), [str(each) for each in known])
        found[place] = known[name]
    return found


def _mixed(y: NDArray[Any]) -> DataError:
    kinds = sorted({type(each).__name__ for each in y.tolist()})
    return DataError(f"classes of several kinds ({', '.join(kinds)}); give names, or numbers, and no None")


def softmax(logits: NDArray[np.floating]) -> Dense:
    """(n, n_classes) float32 rows that sum to 1."""
    if not logits.size:
        return np.zeros(logits.shape, np.float32)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    out: Dense = shares.astype(np.float32, copy=False)
    return out


def class_weights(codes: Labels, n_classes: int, how: str) -> NDArray[np.float64]:
    """(n_classes,) what a row of each class counts: 1, n / (n_classes x rows of it) when "full", or its root."""
    counts = np.maximum(np.bincount(codes, minlength=n_classes), 1)
    if how == "none":
        return np.ones(n_classes)
    weights = len(codes) / (n_classes * counts)
    return np.asarray(np.sqrt(weights) if how == "root" else weights, np.float64)


def folded(rows: Vectors, codes: Labels, folds: int, seed: int) -> Labels:
    """(n,) the fold in which each row is held out; -1 for the only row of its class, which is never held out.

    Classes are spread evenly, and rows that are the same stand in one fold: else a row would be judged by its twin.
    """
    keys = _keys(rows)
    rng = np.random.default_rng(seed)
    counts = np.bincount(codes)
    found = np.full(len(codes), -1, np.int64)
    _, first, twins = np.unique(keys, return_index=True, return_inverse=True)
    order = rng.permutation(len(first))
    order = order[np.argsort(codes[first[order]], kind="stable")]
    fold_of = np.empty(len(first), np.int64)
    fold_of[order] = np.arange(len(order)) % folds
    held = counts[codes] > 1
    found[held] = fold_of[twins[held]]
    return found


def _keys(rows: Vectors) -> NDArray[np.float64]:
    """(n,) a number for each row, the same for the same rows."""
    table: Any = rows
    return np.asarray(table @ np.random.default_rng(1).standard_normal(rows.shape[1]), np.float64)


def temperature(logits: Dense, codes: Labels) -> float:
    """The factor by which logits say best how likely the classes (n,) are: least negative log-likelihood.

    Rows with a code below 0 are left out. 1 where there is nothing to learn from, and near 1 where there is little:
    a few rows that are all right would ask for a certainty without end.
    """
    known = codes >= 0
    logits, codes = logits[known].astype(np.float64), codes[known]
    if not len(codes) or logits.shape[1] < 2:
        return 1.0
    own = logits[np.arange(len(codes)), codes]
    theta = 0.0  # the logarithm of the factor
    for _ in range(50):
        factor = np.exp(theta)
        shifted = factor * logits
        shares = np.exp(shifted - shifted.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        mean = (shares * logits).sum(axis=1)
        slope = factor * (mean - own).mean() + theta / len(codes)
        spread = ((shares * np.square(logits)).sum(axis=1) - np.square(mean)).mean()
        step = float(np.clip(-slope / (factor**2 * spread + 1 / len(codes)), -1.0, 1.0))
        theta = float(np.clip(theta + step, *WIDEST))
        if abs(step) < 1e-6:
            break
    return float(np.exp(theta))
