"""Rows read in parts, in order: a table that is mapped from a file is never held whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import validate_data

NUMBERS = 2**24
"""Numbers in a part: 64 MB of float32."""


@dataclass(frozen=True, eq=False)
class Parts:
    """A table of (n, width) numbers; parts of it are float32 rows in C order, without NaN or infinity.

    checked : whether the source has been looked at already, and may be sparse (csr).
    """

    source: Any
    checked: bool = False

    @classmethod
    def of(cls, estimator: BaseEstimator, X: Any, *, reset: bool) -> "Parts":
        """The table X as an estimator's input. Raises ValueError as scikit-learn does.

        An array of floats, such as a mapped file, is taken as it is, and looked at part by part when it is read.
        """
        if isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "f" and X.size:
            validate_data(estimator, X, reset=reset, skip_check_array=True)
            return cls(X)
        return cls(validate_data(estimator, X, reset=reset, dtype=np.float32, order="C"), checked=True)

    def __len__(self) -> int:
        return int(self.source.shape[0])

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return int(self.source.shape[1])

    @property
    def step(self) -> int:
        """Rows of a part; depends on the width alone."""
        return max(1, NUMBERS // self.width)

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """(number of the first row, rows) of each part."""
        for start in range(0, len(self), self.step):
            yield start, self._read(self.source[start : start + self.step])

    def take(self, rows: NDArray[np.int64]) -> Any:
        """(len(rows), width) some rows, given in ascending order."""
        return self._read(self.source[rows])

    def _read(self, rows: Any) -> Any:
        if self.checked:
            return rows
        with np.errstate(over="ignore"):  # what is too large for float32 is told as infinite
            read = np.asarray(rows, np.float32, order="C")
        assert_all_finite(read, input_name="X")
        return read
