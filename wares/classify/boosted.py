"""Small trees, each mending what those before got wrong."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from wares.algorithm import setting
from wares.arrays import Labels
from wares.classify.estimated import Estimated


@dataclass(kw_only=True, eq=False)
class Boosted(Estimated):
    """Small trees one after another, each fitted to what those before got wrong, on columns cut into 255 bins.

    Choose it for attributes and measures, of which some may be missing (NaN); there nothing is better. Sparse text is
    for `linear`; many classes are slow, since each round makes a tree for each. Time O(rounds x classes x width x n).

    Settings
    --------
    rounds : most trees for a class; fewer where `patience` rounds bring nothing on a tenth of the rows held out.
    rate : share of each tree that counts. leaves : most answers of a tree. least : rows that an answer rests on at
    least. ridge : pulls the answers of leaves to 0. patience : 0 makes all rounds, and so do fewer than 1,000 rows and
    a class with only one. balanced : whether rare classes weigh as much as frequent ones. seed : of what is held out.

    Source: Friedman 2001, doi:10.1214/aos/1013203451; Ke et al. 2017, "LightGBM"; learned by scikit-learn.
    """

    SPARSE: ClassVar[bool] = False
    NAN: ClassVar[bool] = True

    rounds: int = setting(200, low=1)
    rate: float = setting(0.1, low=1e-4, high=1.0)
    leaves: int = setting(31, low=2)
    least: int = setting(5, low=1)
    ridge: float = setting(1.0, low=0.0)
    patience: int = setting(10, low=0)
    balanced: bool = False
    seed: int = setting(0, low=0)

    def _made(self, codes: Labels) -> Any:
        return HistGradientBoostingClassifier(
            max_iter=self.rounds,
            learning_rate=self.rate,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.least,
            l2_regularization=self.ridge,
            early_stopping=bool(self.patience and len(codes) >= 1000 and np.bincount(codes).min() > 1),
            n_iter_no_change=max(self.patience, 1),
            class_weight="balanced" if self.balanced else None,
            random_state=self.seed,
        )
