"""A labeller small enough to see through: words and letters, and a line between classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from wares.algorithm import Labeller
from wares.arrays import Dense
from wares.classify.linear import Linear
from wares.data.catalog import Catalog
from wares.encode.tfidf import TfIdf


@dataclass(kw_only=True, eq=False)
class Words(Labeller):
    """Hashed words and letters, one linear classifier a target."""

    bits: int = 14
    folds: int = 0

    def fit(self, catalog: Catalog, y: Mapping[str, Sequence[str | None]]) -> Self:
        self.encoder_ = TfIdf(bits=self.bits, columns=("title", "description")).fit(catalog)
        rows = self.encoder_.encode(catalog)
        self.parts_, self.classes_ = {}, {}
        for target, names in y.items():
            known = np.flatnonzero([each is not None for each in names])
            self.parts_[target] = Linear(folds=self.folds).fit(rows[known], np.array([names[row] for row in known]))
            self.classes_[target] = self.parts_[target].classes_
        return self

    def partial_fit(self, catalog: Catalog, y: Mapping[str, Sequence[str | None]]) -> Self:
        rows = self.encoder_.encode(catalog)
        for target, names in y.items():
            known = np.flatnonzero([each is not None for each in names])
            self.parts_[target].partial_fit(rows[known], np.array([names[row] for row in known]))
            self.classes_[target] = self.parts_[target].classes_
        return self

    def predict_proba(self, catalog: Catalog) -> Mapping[str, Dense]:
        self.learned()
        rows = self.encoder_.encode(catalog)
        return {target: part.predict_proba(rows) for target, part in self.parts_.items()}
