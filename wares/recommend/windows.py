"""Every event as a question: what came before it, and which product it was."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from wares.data.history import History


@dataclass(frozen=True, eq=False)
class Windows:
    """The events that have another before them in their row; of each at most `length` events before it.

    products : (n,) int64 those of all rows on end. starts : (n,) where the row of each begins. ends : (m,) the events
    that are asked for; one whose product is among those before it is none.
    """

    products: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    length: int

    @classmethod
    def of(cls, history: History, length: int) -> Self:
        """The windows of all rows, without what was sent back."""
        kept = history.keep(history.weights > 0)
        products = kept.products.astype(np.int64)
        starts = np.repeat(kept.indptr[:-1], np.diff(kept.indptr))
        again = np.zeros(len(products), np.bool_)
        places = np.arange(len(products))
        for back in range(1, min(length, int(np.diff(kept.indptr).max(initial=0))) + 1):
            inside = places - back >= starts
            again[inside] |= products[places[inside] - back] == products[inside]
        return cls(products, starts, np.flatnonzero((places > starts) & ~again), length)

    def __len__(self) -> int:
        return len(self.ends)

    def take(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(b, length) products before each, the latest first, -1 behind the first; and (b,) the product that came."""
        ends = self.ends[rows]
        places = ends[:, None] - 1 - np.arange(self.length)
        before = np.where(places >= self.starts[ends][:, None], self.products[np.maximum(places, 0)], -1)
        return before, self.products[ends]
