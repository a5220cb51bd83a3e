"""Steps of skip-gram with negative sampling, drawn some at a time; not an algorithm itself."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Dense, unit
from wares.kernels.skipgram import descend

STEPS = 131_072
"""Steps drawn at once: some tens of megabytes."""

FEWEST = 50_000
"""Steps at least: a small shop is gone through more often."""

TABLE = 1_000_000
"""Places of the table that is drawn from by chance."""

COMMON = 100
"""Vectors of whose common direction half is taken away."""


@dataclass(frozen=True, kw_only=True)
class Meetings:
    """How to learn from who meets whom.

    width : dimensions. partners : that each place meets in each pass. negative : drawn by chance beside them, by their
    number to the power of 0.75. epochs : passes over the places. rate : of the first step; it falls to nothing.
    subsample : share of all places above which one is passed over now and then; 1 for never.
    """

    width: int
    partners: int
    negative: int
    epochs: int
    rate: float
    subsample: float

    @classmethod
    def of(cls, encoder: Any) -> "Meetings":
        """As an encoder that has settings of these names says."""
        return cls(**{each.name: getattr(encoder, each.name) for each in fields(cls)})

    def learn(
        self, places: NDArray[np.int32], first: NDArray[np.int64], stop: NDArray[np.int64], n: int, seed: int
    ) -> Dense:
        """(n, width) a vector of each thing; zero rows for what never met another.

        places (m,) says what stands at each place; it meets what stands from `first` (m,) to before `stop` (m,).
        """
        rng = np.random.default_rng(seed)
        counts = np.bincount(places, minlength=n)
        inputs = ((rng.random((n, self.width), np.float32) - np.float32(0.5)) / np.float32(self.width)) * 2
        outputs = np.zeros_like(inputs)
        met = np.zeros(n, np.bool_)
        for centres, targets, rates in self._steps(places, first, stop, counts, rng):
            descend(inputs, outputs, centres, targets, self.partners, rates)
            met[centres] = True
        inputs[~met] = 0
        return inputs

    def _steps(
        self,
        places: NDArray[np.int32],
        first: NDArray[np.int64],
        stop: NDArray[np.int64],
        counts: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], Dense]]:
        """Centres, targets and rates, drawn some at a time."""
        meeting = np.flatnonzero(stop - first > 1)
        if not len(meeting):
            return
        share = counts / max(len(places), 1)
        keep = np.minimum(1, np.sqrt(self.subsample / np.maximum(share, 1e-12)))
        table = _chances(counts)
        total = max(self.epochs * len(meeting), FEWEST)
        for start in range(0, total, STEPS):
            size = min(STEPS, total - start)
            at = meeting[rng.integers(len(meeting), size=size)]
            kept = rng.random(size) < keep[places[at]]
            rates = self.rate * (1 - (start + np.flatnonzero(kept)) / total)
            at = at[kept]
            centres = places[at]
            room = (stop - first)[at, None] - 1
            drawn = (rng.random((len(at), self.partners)) * room).astype(np.int64) + first[at, None]
            drawn += drawn >= at[:, None]  # nothing meets itself
            targets = np.empty((len(at), self.partners + self.negative), np.int32)
            targets[:, : self.partners] = np.where(rng.random(drawn.shape) < keep[places[drawn]], places[drawn], -1)
            chance = table[rng.integers(len(table), size=(len(at), self.negative))]
            targets[:, self.partners :] = chance
            yield centres, targets, rates.astype(np.float32)


def _chances(counts: NDArray[np.int64]) -> NDArray[np.int32]:
    """(TABLE,) things, each as often as its number to the power of 0.75 says."""
    ends = np.cumsum(counts**0.75)
    table: NDArray[np.int32] = np.searchsorted(ends, (np.arange(TABLE) + 0.5) / TABLE * ends[-1]).astype(np.int32)
    return table


def without_common(vectors: Dense) -> Dense:
    """Unit rows without the direction that all share, which tells nothing; of few rows it is less certain."""
    if not len(vectors):
        return vectors
    common = vectors.mean(axis=0, dtype=np.float64) * len(vectors) / (len(vectors) + COMMON)
    return np.asarray(unit((vectors - common).astype(np.float32)), np.float32)
