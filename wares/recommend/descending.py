"""What the models learned by gradient descent share: entries in chance order, products drawn beside them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import setting
from wares.recommend.factors import Factors

_PART = 1 << 20
"""Entries of a part: what is drawn for them is held at once."""

_LAST = 0.1
"""The last steps are as long as this share of the first."""

_FEWEST = 50_000
"""Steps below which nothing is learned: few events are passed more often."""

REFERENCE = 256
"""Products drawn once, which stand for all those not taken when a shopper is folded in."""

Numbers: TypeAlias = NDArray[np.float32]


@dataclass(kw_only=True, eq=False)
class Descending(Factors):
    """A factor model learned by stochastic gradient descent.

    Settings
    --------
    epochs : passes over the events; over few of them as many as make 50,000 steps. learning_rate : length of the first
        steps; they fall to a tenth in a straight line.
    regularisation : by how much each step shrinks what it touches, times its length.
    negatives : products drawn by chance beside each event, of those somebody took.
    """

    epochs: int = setting(30, low=1)
    learning_rate: float = setting(0.05, low=1e-6)
    regularisation: float = setting(0.03, low=0.0)
    negatives: int = setting(4, low=1)
    seed: int = 0

    def _start(self, n: int, rng: np.random.Generator) -> Numbers:
        """(n, factors) small numbers to begin with."""
        return np.asarray(rng.standard_normal((n, self.factors), np.float32) * np.float32(0.1 / np.sqrt(self.factors)))

    def _rounds(
        self,
        n_entries: int,
        known: NDArray[np.int32],
        negatives: int,
        rng: np.random.Generator,
        epochs: int | None = None,
        rate: float | None = None,
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], np.float32]]:
        """Parts of the entries in chance order, epoch after epoch; what is drawn with them; the length of a step."""
        first = rate or self.learning_rate
        epochs = epochs or self.epochs
        passes = -(-_FEWEST // (n_entries * epochs)) if n_entries * epochs < _FEWEST else 1
        once = np.tile(np.arange(n_entries, dtype=np.int32), (passes, 1))
        for epoch in range(epochs):
            order = rng.permuted(once, axis=1).reshape(-1)
            for start in range(0, len(order), _PART):
                places = order[start : start + _PART]
                drawn = known[rng.integers(0, len(known), (len(places), negatives))] if negatives else known[:0]
                done = (epoch + start / len(order)) / epochs
                yield places, drawn.reshape(len(places), negatives), np.float32(first * (1 - (1 - _LAST) * done))


def entries(taken: csr_array) -> tuple[Any, Any, Any]:
    """Of what was taken, as the kernels want it: indptr int64, indices int32 and owners int32."""
    owners = np.repeat(np.arange(taken.shape[0], dtype=np.int32), np.diff(taken.indptr))
    return taken.indptr.astype(np.int64), taken.indices.astype(np.int32, copy=False), owners


def newton(gradient: Any, width: int, steps: int = 20) -> NDArray[np.float64]:
    """The greatest point of a concave function, from 0: `gradient(x)` gives its value, gradient and curvature."""
    x = np.zeros(width)
    value, slope, bend = gradient(x)
    for _ in range(steps):
        way = np.linalg.solve(bend, slope)
        gain = slope @ way
        if gain < 1e-10:
            break
        length = 1.0
        while length > 1e-4:
            found = gradient(x + length * way)
            if found[0] >= value + 0.1 * length * gain:
                break
            length /= 2
        x = x + length * way
        value, slope, bend = found
    return np.asarray(x)
