"""Many trees, each of other rows and columns."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sklearn.ensemble import RandomForestClassifier

from wares.algorithm import setting
from wares.arrays import Labels
from wares.classify.estimated import Estimated


@dataclass(kw_only=True, eq=False)
class Forest(Estimated):
    """The mean of many trees that each saw other rows and columns.

    Choose it for attributes and short vectors where nothing is to be tuned: it hardly overfits and takes NaN. Its
    probabilities are shy, since a mean over trees seldom reaches 0 or 1. Time O(trees x root of width x n x log n) on
    all cores; memory grows with trees x rows.

    Settings
    --------
    trees : how many. depth : most questions one after another; 0 is no limit. least : rows that an answer of a tree
    rests on at least. balanced : whether rare classes weigh as much as frequent ones. seed : of the draws.

    Source: Breiman 2001, doi:10.1023/A:1010933404324; learned by scikit-learn.
    """

    NAN: ClassVar[bool] = True

    trees: int = setting(200, low=1)
    depth: int = setting(0, low=0)
    least: int = setting(1, low=1)
    balanced: bool = False
    seed: int = setting(0, low=0)

    def _made(self, codes: Labels) -> Any:
        return RandomForestClassifier(
            n_estimators=self.trees,
            max_depth=self.depth or None,
            min_samples_leaf=self.least,
            class_weight="balanced_subsample" if self.balanced else None,
            random_state=self.seed,
        )
