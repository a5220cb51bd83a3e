"""Any scikit-learn classifier as one of ours: `use = "sklearn.svm:SVC"`, with its own settings as keys.

A class is made for each estimator, so that its settings are known by name, in `shop.toml` as in Python, and found again
when a build is loaded: this module has it as an attribute of the estimator's path.
"""

import warnings
from dataclasses import make_dataclass
from functools import cache
from typing import Any, Self, cast

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning

from wares.algorithm import Classifier
from wares.arrays import Dense
from wares.classify.rows import OfVectors, softmax
from wares.errors import DataError
from wares.foreign import Borrowed, estimator, settings


class Foreign(Borrowed, OfVectors):
    """A scikit-learn classifier under the contract: `seed`, probabilities whatever it gives, one class, no pickle.

    Choose it for a method that is not here. Settings, time and memory are the estimator's own; `random_state` is
    `seed`. Where it has no `predict_proba` its scores go through softmax, which keeps their order and is not
    calibrated; where it has no scores either, its answer is certain. Its mistakes come as DataError and SettingError.

    Learned
    -------
    classes_ : in order. estimator_ : the fitted estimator, of class numbers; none where there is one class.
    n_iter_ : its most rounds, where it tells them.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Learn the class y (n,) of each row of X (n, width).

        Raises SettingError for a setting that the estimator refuses, DataError for rows it refuses.
        """
        self._check()
        self._forget()
        rows, codes = self._taught(X, y)
        self.estimator_ = None
        if len(self.classes_) > 1:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ConvergenceWarning)  # what it gives then is an answer all the same
                    self.estimator_ = self._made().fit(rows, codes)
            except (ValueError, TypeError) as error:
                raise DataError(f"{self.PATH}: {error}") from error
        done = getattr(self.estimator_, "n_iter_", None)
        if done is not None:
            self.n_iter_ = int(np.max(done))
        return self

    def predict_proba(self, X: Any) -> Dense:
        """(n, n_classes) probabilities, columns in the order of `classes_`."""
        rows, n_classes = self._rows(X), len(self.classes_)
        if self.estimator_ is None:
            return np.ones((rows.shape[0], 1), np.float32)
        try:
            if hasattr(self.estimator_, "predict_proba"):
                return np.asarray(self.estimator_.predict_proba(rows), np.float32)
            if hasattr(self.estimator_, "decision_function"):
                scores = np.asarray(self.estimator_.decision_function(rows), np.float32)
                return softmax(np.stack([-scores, scores], axis=1) / 2 if scores.ndim == 1 else scores)
            found = np.asarray(self.estimator_.predict(rows), np.int64)
        except (ValueError, TypeError) as error:
            raise DataError(f"{self.PATH}: {error}") from error
        return np.asarray(np.eye(n_classes)[found], np.float32)

    def logits(self, X: Any) -> Dense:
        """(n, n_classes) logarithms of the probabilities."""
        return np.log(np.maximum(self.predict_proba(X), np.float32(1e-7)))

    def __reduce__(self) -> Any:
        return _blank, (self.PATH,), self.__getstate__()


def _blank(path: str) -> Foreign:
    return foreign(path)()


@cache
def foreign(path: str) -> type[Foreign]:
    """The class of ours for the classifier at `package.module:Class`. Raises SettingError where that is none."""
    cls = estimator(path, ClassifierMixin, Classifier)
    known = settings(path, cls)
    tags = cast("Any", cls)().__sklearn_tags__().input_tags
    own = {
        "PATH": path,
        "ESTIMATOR": cls,
        "SPARSE": tags.sparse,
        "NAN": tags.allow_nan,
        "__module__": __name__,
        "__qualname__": path,
        "__doc__": f"{path} as a classifier of ours.\n\n{Foreign.__doc__}",
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
