"""What shoppers like this one took."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import setting
from wares.recommend.remembered import Remembering


@dataclass(kw_only=True, eq=False)
class UserKNN(Remembering):
    """What the kept histories hold that share most with the one asked about, by shrunk cosine.

    Choose it where tastes matter more than single products, and shoppers have some ten products or more. It learns on
    (`partial_fit`), and it forgets: it keeps the products of histories without a name, the newest `max_histories` only,
    and `forget(history)` takes one out again. Time of fitting O(events), of an answer O(products asked about x sample +
    neighbours x max_length), memory 8 bytes a kept product.

    Settings
    --------
    shrink : added to the denominator; damps histories that share little.
    neighbours, sample, max_histories, max_length, pause, rare, decay : as in `Remembering`.

    Learned
    -------
    indptr_, products_, ends_, starts_, holders_ : the kept histories, as in `Remembering`.

    Source: Resnick et al. 1994, doi:10.1145/192844.192905.
    """

    shrink: float = setting(5.0, low=0.0)

    def _weights(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        sums = np.concatenate([[0.0], np.cumsum(self._rarity[self.products_], dtype=np.float64)])
        lengths = np.sqrt(np.diff(sums[self.indptr_]))
        return np.ones(len(lengths), np.float32), lengths.astype(np.float32)

    def _sizes(self, totals: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.sqrt(totals).astype(np.float32)

    def _how(self) -> tuple[float, NDArray[np.float32], float, float]:
        return self.shrink, np.ones(self.max_length, np.float32), 1.0, 1.0
