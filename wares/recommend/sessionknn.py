"""What sessions like this one went on with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import setting
from wares.recommend.profile import DAY
from wares.recommend.remembered import Remembering


@dataclass(kw_only=True, eq=False)
class SessionKNN(Remembering):
    """What the kept sessions hold that share most with this one, near the latest product that both hold.

    Choose it for sessions: visitors without a name, and next clicks. A shared product counts more the later it came in
    the session asked about and the rarer it is; a kept session counts more the newer and the shorter it is; and in it
    what stands near the latest shared product. It learns on (`partial_fit`), and it forgets: it keeps the products of
    sessions without a name, the newest `max_histories` only, and `forget(history)` takes one out again. Time of fitting
    O(events), of an answer O(products asked about x sample + neighbours x max_length), memory 8 bytes a kept product.

    Settings
    --------
    half_life : days after which a kept session counts half; 0 = it never fades.
    short : power of the length of a kept session by which it is divided; 0 = long ones count alike.
    near : what is left of a product of a kept session for each place between it and the shared one.
    backward : how much a product before the shared one counts beside one behind it.
    again : how much the shared product itself counts; matters where products may come again.
    neighbours, sample, max_histories, max_length, pause, rare, decay : as in `Remembering`.

    Learned
    -------
    indptr_, products_, ends_, starts_, holders_ : the kept sessions, as in `Remembering`.

    Source: Ludewig & Jannach 2018, doi:10.1007/s11257-018-9209-6; Garg et al. 2019, doi:10.1145/3331184.3331322.
    """

    neighbours: int = setting(300, low=1)
    max_length: int = setting(50, low=1)
    rare: float = setting(2.0, low=0.0)
    decay: float = setting(0.6, low=0.0, high=1.0)
    half_life: float = setting(90.0, low=0.0)
    short: float = setting(0.25, low=0.0)
    near: float = setting(0.8, low=0.0, high=1.0)
    backward: float = setting(0.5, low=0.0, high=1.0)
    again: float = setting(1.0, low=0.0)

    def _weights(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        lengths = np.diff(self.indptr_).astype(np.float64) ** self.short
        age = self.ends_.max(initial=0) - self.ends_ if self.half_life else np.zeros(len(lengths))
        fresh = np.exp2(-age / (self.half_life or 1.0) / DAY)
        return fresh.astype(np.float32), lengths.astype(np.float32)

    def _sizes(self, totals: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.ones(len(totals), np.float32)

    def _how(self) -> tuple[float, NDArray[np.float32], float, float]:
        near = np.power(self.near, np.maximum(np.arange(self.max_length) - 1, 0))
        return 0.0, near.astype(np.float32), self.backward, self.again
