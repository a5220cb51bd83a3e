"""Products by what their texts are about."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from sklearn.base import clone

from wares.algorithm import Clusterer, Context, Encoder
from wares.arrays import Dense, Labels, Sparse
from wares.data.catalog import Catalog
from wares.data.schema import TEXT
from wares.encode.bag import Bag
from wares.errors import SettingError
from wares.registry import make


@dataclass(kw_only=True, eq=False)
class Topical(Encoder):
    """The shares of topics in a product's text, as unit rows: topics by `lda`, or another clusterer of words.

    Choose it where vectors are to be read: each column is a topic with its words. Sentence vectors tell products apart
    better. A row is the root of the shares, so that the cosine of two rows is the Bhattacharyya coefficient of what
    they are about. A product without a known word is a zero row. Cost: that of the clusterer and of `bag`.

    Settings
    --------
    columns : read as one text, in this order; those that the catalog lacks are left out.
    clusterer : of words, with probabilities. bag : the words that it reads.

    Learned
    -------
    clusterer_, bag_ : fitted. topics_ : for each column the words that tell most of it, best first.
    """

    columns: tuple[str, ...] = TEXT
    clusterer: Clusterer = field(default_factory=lambda: make(Clusterer, "lda", n_clusters=64))
    bag: Bag = field(default_factory=Bag)

    def fit(self, catalog: Catalog, context: Context = Context(), *, same: Labels | None = None) -> Self:
        """Learn the topics. Raises SettingError for a clusterer that reads no words or has no probabilities."""
        self._check()
        name = type(self.clusterer).__name__
        if self.clusterer.READS != "words" or not hasattr(self.clusterer, "predict_proba"):
            raise SettingError(f"Topical(clusterer={name}): topics are found by lda, nmf or multinomial")
        self.bag_ = clone(self.bag).set_params(columns=self.columns).fit(catalog)
        self.clusterer_ = clone(self.clusterer).fit(self.bag_.counts(catalog))
        describe = getattr(self.clusterer_, "describe", None)
        self.topics_ = [] if describe is None else describe(self.bag_.shown_)
        return self

    def encode(self, catalog: Catalog) -> Dense:
        self.learned()
        return self._rooted(self.bag_.counts(catalog))

    def encode_text(self, texts: list[str]) -> Dense:
        self.learned()
        return self._rooted(self.bag_.encode_text(texts))

    def _rooted(self, words: Sparse) -> Dense:
        width = self.clusterer_.n_clusters_
        out = np.zeros((words.shape[0], width), np.float32)
        filled = np.flatnonzero(np.diff(words.indptr))
        if len(filled):
            shares = np.sqrt(np.maximum(self.clusterer_.predict_proba(words[filled]), 0))
            out[filled] = shares / np.linalg.norm(shares, axis=1, keepdims=True)
        return out
