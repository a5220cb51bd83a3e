"""A clusterer of one's own, by its dotted path: no registration, no change to wares.

From the folder `examples`: `wares build myshop -p products.csv --set cluster.use=own_algorithm:ByFirstAxis`
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from wares.algorithm import Clusterer, setting
from wares.arrays import Labels, Links
from wares.runner import Local, Runner


@dataclass(kw_only=True, eq=False)
class ByFirstAxis(Clusterer):
    """Cuts the first coordinate into parts of equal size. A yardstick: anything should do better.

    Settings
    --------
    n_clusters : how many parts, at most.

    Learned
    -------
    cuts_ : (n_clusters_ - 1,) the last value of each part but one. labels_ : (n,) part of each row.
    """

    n_clusters: int = setting(8, low=1)

    def fit(self, X: Any, y: Any = None, *, links: Links | None = None, runner: Runner = Local()) -> Self:
        """Find the cuts."""
        self._check()
        first = np.asarray(X)[:, 0]
        # "lower" cuts at values that occur, so no part is empty.
        cuts = np.unique(np.quantile(first, np.linspace(0, 1, self.n_clusters + 1)[1:-1], method="lower"))
        self.cuts_ = cuts[cuts < first.max()]
        self.labels_ = self.predict(X)
        self.n_clusters_ = int(self.labels_.max()) + 1
        return self

    def predict(self, X: Any) -> Labels:
        """The part of each row."""
        return np.searchsorted(self.cuts_, np.asarray(X)[:, 0], side="left").astype(np.int64)


if __name__ == "__main__":
    blobs = np.repeat(np.eye(3, 4, dtype=np.float32), 5, axis=0)
    print(ByFirstAxis(n_clusters=2).fit(blobs).labels_)
