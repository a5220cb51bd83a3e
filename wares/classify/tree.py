"""Questions one after another."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sklearn.tree import DecisionTreeClassifier

from wares.algorithm import setting
from wares.arrays import Labels
from wares.classify.estimated import Estimated


@dataclass(kw_only=True, eq=False)
class Tree(Estimated):
    """Questions about single columns, one after another, as many as it takes.

    Choose it to show somebody how an answer comes about, with few columns; in right answers `forest` and `boosted` are
    better, and text is for `linear`. A number that is not known, NaN, goes the way that serves best. A class with one
    row gets a leaf only where `least` allows it. Time O(width x n x log n).

    Settings
    --------
    depth : most questions one after another; 0 is no limit. least : rows that an answer rests on at least.
    balanced : whether rare classes weigh as much as frequent ones. seed : decides between questions equally good.

    Source: Breiman et al. 1984, "Classification and regression trees"; learned by scikit-learn.
    """

    NAN: ClassVar[bool] = True

    depth: int = setting(0, low=0)
    least: int = setting(1, low=1)
    balanced: bool = False
    seed: int = setting(0, low=0)

    def _made(self, codes: Labels) -> Any:
        return DecisionTreeClassifier(
            max_depth=self.depth or None,
            min_samples_leaf=self.least,
            class_weight="balanced" if self.balanced else None,
            random_state=self.seed,
        )
