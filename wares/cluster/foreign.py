"""Any scikit-learn clusterer as one of ours: `use = "sklearn.cluster:Birch"`, with its own settings as keys.

A class is made for each estimator, so that its settings are known by name, in `shop.toml` as in Python, and found again
when a build is loaded: this module has it as an attribute of the estimator's path.
"""

import warnings
from dataclasses import make_dataclass
from functools import cache
from typing import Any, Self

import numpy as np
from sklearn.base import ClusterMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from wares.algorithm import Clusterer
from wares.arrays import Dense, Labels, Links
from wares.cluster.placing import PlacesByNeighbour
from wares.errors import DataError, SettingError
from wares.foreign import Borrowed, estimator, settings
from wares.runner import Local, Runner


class Foreign(Borrowed, PlacesByNeighbour):
    """A scikit-learn clusterer under the contract: labels from zero, `seed`, a way to place new rows, no pickle.

    Choose it for a method that is not here. Settings, time and memory are the estimator's own; `random_state` is
    `seed`. New rows go where its own `predict` says, if it has one that repeats its labels and can be saved, else to
    the cluster of the nearest labelled row. Its mistakes come as DataError and SettingError.

    Learned
    -------
    labels_ : (n,) int64, counted from zero in the order of the rows; -1 for noise.
    estimator_ : the fitted estimator, and `numbers_` (·, 2) its labels and ours; where it has a `predict` to keep.
    points_ : (n, width) float32 the rows, where it has not.
    """

    def fit(self, X: Any, y: Any = None, *, links: Links | None = None, runner: Runner = Local()) -> Self:
        """Group the rows of X (n, width).

        Raises SettingError for a setting that the estimator refuses and for links, DataError for rows it refuses.
        """
        self._check()
        if links is not None:
            raise SettingError(f"{self.PATH} cannot honour must-link and cannot-link pairs; `constrained` can")
        rows = self._rows(X, reset=True)
        estimator = self._made()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # few distinct rows: the labels say so
                estimator.fit(rows)
                labels = np.asarray(estimator.labels_ if hasattr(estimator, "labels_") else estimator.predict(rows))
        except (ValueError, TypeError) as error:
            raise DataError(f"{self.PATH}: {error}") from error
        if labels.shape != (len(rows),):
            raise SettingError(f"{self.PATH} gives labels of shape {labels.shape} for {len(rows)} rows: no clusterer")
        for name in ("points_", "estimator_", "numbers_"):
            if hasattr(self, name):  # of a fit before
                delattr(self, name)
        self._settle(rows, labels)
        if _repeats(estimator, rows, labels) and _can_be_saved(estimator):
            _, first = np.unique(labels, return_index=True)
            self.numbers_ = np.stack([labels[first].astype(np.int64), self.labels_[first]], axis=1)
            self.estimator_ = estimator
            del self.points_
        return self

    def predict(self, X: Any) -> Labels:
        """(n,) the cluster of each row; on the fitted X exactly `labels_`."""
        check_is_fitted(self)
        if not hasattr(self, "estimator_"):
            return super().predict(X)
        theirs = np.asarray(self.estimator_.predict(self._rows(X, reset=False)), np.int64)
        known: Labels = np.asarray(self.numbers_)
        numbers: Labels = known[np.minimum(np.searchsorted(known[:, 0], theirs), len(known) - 1), 1]
        return numbers

    def __reduce__(self) -> Any:
        return _blank, (self.PATH,), self.__getstate__()


def _repeats(estimator: Any, rows: Dense, labels: Any) -> bool:
    """Whether it has a `predict` that gives the rows it was fitted to their labels."""
    return hasattr(estimator, "predict") and np.array_equal(estimator.predict(rows), labels)


def _can_be_saved(estimator: Any) -> bool:
    """Whether it holds only scikit-learn's own types, which are trusted, and no chain too long to follow."""
    from skops import io  # nothing else of fitting needs it

    try:
        return all(each.startswith("sklearn.") for each in io.get_untrusted_types(data=io.dumps(estimator)))
    except (RecursionError, TypeError, ValueError, AttributeError, NotImplementedError):
        return False  # skops has no one kind for what it cannot write


def _blank(path: str) -> Foreign:
    return foreign(path)()


@cache
def foreign(path: str) -> type[Foreign]:
    """The class of ours for the clusterer at `package.module:Class`. Raises SettingError where that is none."""
    cls = estimator(path, ClusterMixin, Clusterer)
    known = settings(path, cls)
    own = {
        "PATH": path,
        "ESTIMATOR": cls,
        "__module__": __name__,
        "__qualname__": path,
        "__doc__": f"{path} as a clusterer of ours.\n\n{Foreign.__doc__}",
    }
    made: type[Foreign] = make_dataclass(
        path.partition(":")[2], known, bases=(Foreign,), kw_only=True, eq=False, namespace=own
    )
    return made


def __getattr__(name: str) -> type[Foreign]:
    """The class of a saved one, which its folder names by the estimator's path."""
    if ":" not in name:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return foreign(name)
