"""Trees that put the right candidates first."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import lightgbm
import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Ranker, setting
from wares.arrays import Dense
from wares.errors import DataError


@dataclass(kw_only=True, eq=False)
class LambdaMART(Ranker):
    """Gradient-boosted trees whose gradients are what a swap of two candidates would change in NDCG.

    Choose it to order a few hundred candidates by features of many kinds, learned from a thousand shoppers or more
    whose choices are known. Time O(rounds x features x candidates), memory that of the features, cut into 255 bins; an
    answer goes through `rounds` trees a candidate.

    Settings
    --------
    rounds, rate, leaves, least, ridge : trees, the share of each that counts, answers of a tree, candidates that an
    answer rests on at least (fewer where there are few), pull of the answers to 0. columns : share of the features that
    a tree may look at. upto : places of a list that count in training. grades : relevance is rounded, and cut at this.
    seed : of what trees look at.

    Learned
    -------
    trees_ : the model as LightGBM writes it. n_features_ : width of the features. gains_ : (n_features_,) what each
    feature gave, as a share of all.

    Source: Burges 2010, "From RankNet to LambdaRank to LambdaMART"; Ke et al. 2017, "LightGBM", which learns it.
    """

    rounds: int = setting(200, low=1)
    rate: float = setting(0.05, low=1e-4, high=1.0)
    leaves: int = setting(31, low=2)
    least: int = setting(50, low=1)
    ridge: float = setting(1.0, low=0.0)
    columns: float = setting(0.7, low=0.01, high=1.0)
    upto: int = setting(20, low=1)
    grades: int = setting(5, low=1, high=30)
    seed: int = setting(0, low=0)

    def fit(self, features: Dense, relevance: NDArray[np.float32], groups: NDArray[np.int64]) -> Self:
        """Learn from (n, width) features, (n,) relevance and the (n_groups,) sizes of consecutive groups."""
        self._check()
        features, relevance, groups = np.asarray(features, np.float32), np.asarray(relevance), np.asarray(groups)
        if len(features) != len(relevance) or int(groups.sum()) != len(features):
            raise DataError(
                f"LambdaMART: {len(features)} rows of features, {len(relevance)} of relevance and groups of "
                f"{int(groups.sum())} rows in all do not belong together"
            )
        if not len(features):
            raise DataError("LambdaMART: no candidate to learn from")
        grades = np.clip(np.round(relevance), 0, self.grades).astype(np.int32)
        data = lightgbm.Dataset(features, grades, group=groups, params={"verbosity": -1})
        made = lightgbm.train(self._settings(len(features)), data, self.rounds)
        self.__dict__.pop("_booster", None)
        self.trees_ = made.model_to_string().encode()
        self.n_features_ = features.shape[1]
        gains = np.asarray(made.feature_importance("gain"), np.float64)
        self.gains_ = (gains / max(gains.sum(), 1e-300)).astype(np.float32)
        return self

    def _settings(self, n: int) -> dict[str, Any]:
        return {
            "objective": "lambdarank",
            "num_leaves": self.leaves,
            "learning_rate": self.rate,
            "min_data_in_leaf": min(self.least, max(1, n // 20)),
            "lambda_l2": self.ridge,
            "feature_fraction": self.columns,
            "lambdarank_truncation_level": self.upto,
            "label_gain": [2**grade - 1 for grade in range(self.grades + 1)],
            "seed": self.seed,
            # The same trees whatever the number of threads.
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }

    def predict(self, features: Dense) -> NDArray[np.float32]:
        """(n,) scores; higher comes first."""
        self._ready()
        features = np.asarray(features, np.float32)
        if features.ndim != 2 or features.shape[1] != self.n_features_:
            raise DataError(f"LambdaMART learned from {self.n_features_} features, not from shape {features.shape}")
        if not len(features):
            return np.empty(0, np.float32)
        # One thread: an answer's few hundred rows are done before others would have woken up.
        return np.asarray(self._booster.predict(features, num_threads=1), np.float32)

    @cached_property
    def _booster(self) -> lightgbm.Booster:
        return lightgbm.Booster(model_str=self.trees_.decode())
