"""How often each product has each word."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csr_array

from wares.algorithm import Context, Encoder, setting
from wares.arrays import Labels, Sparse, unit
from wares.data.catalog import Catalog
from wares.text.tokens import tokens_of


@dataclass(kw_only=True, eq=False)
class Bag(Encoder):
    """Counts of words with a column each, as sparse rows: `counts` gives them as they are, `encode` as unit rows.

    Choose it where columns must have names: it is what topics (`lda`, `nmf`, `factor`) read and are told by. Words are
    those of the search (singular, without accents, Chinese cut into words); those that hardly any or most products
    have, and those without a letter, are left out. A text without a known word is a zero row. Time about 10,000
    titles with descriptions a second; memory 8 bytes a distinct word of a product.

    Settings
    --------
    columns : read as one text, in this order; those that the catalog lacks are left out.
    width : words kept at most, those that most products have.
    least : products that must have a word. most : share of products that may have it. Where they leave no word, both
        are let go of.

    Learned
    -------
    vocabulary_ : (n_words,) text, the word of each column, that of the most products first.
    shown_ : (n_words,) text, how each is written most often.
    products_ : (n_words,) int64, how many products have it.
    """

    columns: tuple[str, ...] = ("title", "description")
    width: int = setting(20_000, low=1)
    least: int = setting(2, low=1)
    most: float = setting(0.5, low=0, high=1)

    def fit(self, catalog: Catalog, context: Context = Context(), *, same: Labels | None = None) -> Self:
        self._check()
        found: Counter[str] = Counter()
        forms: Counter[tuple[str, str]] = Counter()
        n = 0
        for texts in self._texts(catalog):
            n += len(texts)
            tokens = tokens_of(texts)
            pairs = np.unique(
                np.repeat(np.arange(len(texts)), np.diff(tokens.offsets)) * len(tokens.words) + tokens.codes
            )
            counts = np.bincount(pairs % max(len(tokens.words), 1), minlength=len(tokens.words))
            found.update(dict(zip(tokens.words, counts.tolist(), strict=True)))
            words = [tokens.words[code] for code in tokens.form_words.tolist()]
            forms.update(dict(zip(zip(words, tokens.forms, strict=True), tokens.form_counts.tolist(), strict=True)))
        named = {word: count for word, count in found.items() if any(map(str.isalpha, word))}
        telling = {word: count for word, count in named.items() if self.least <= count <= self.most * n}
        order = sorted((-count, word) for word, count in (telling or named).items())[: self.width]
        self.vocabulary_ = np.array([word for _, word in order], np.str_)
        self.products_ = np.array([-count for count, _ in order], np.int64)
        shown = {word: form for (word, form), _ in sorted(forms.items(), key=lambda each: (each[1], each[0]))}
        self.shown_ = np.array([shown.get(word, word) for _, word in order], np.str_)
        return self

    def encode(self, catalog: Catalog) -> Sparse:
        return self._unit(self.counts(catalog))

    def encode_text(self, texts: Sequence[str]) -> Sparse:
        return self._unit(self._counted([list(texts)]))

    def counts(self, catalog: Catalog) -> Sparse:
        """(n_products, n_words) float32 how often each product has each word."""
        return self._counted(self._texts(catalog))

    def _texts(self, catalog: Catalog) -> Iterator[list[str]]:
        return catalog.texts(self.columns)

    def _counted(self, blocks: Iterator[list[str]] | list[list[str]]) -> Sparse:
        vocabulary = self.learned()["vocabulary_"].tolist()
        columns = {word: column for column, word in enumerate(vocabulary)}
        data, indices, lengths = [np.empty(0, np.float32)], [np.empty(0, np.int32)], [np.zeros(1, np.int64)]
        for texts in blocks:
            tokens = tokens_of(texts)
            column_of = np.array([columns.get(word, -1) for word in tokens.words], np.int64)
            codes = column_of[tokens.codes]
            rows = np.repeat(np.arange(len(texts)), np.diff(tokens.offsets))[codes >= 0]
            pairs, counts = np.unique(rows * max(len(columns), 1) + codes[codes >= 0], return_counts=True)
            data.append(counts.astype(np.float32))
            indices.append((pairs % max(len(columns), 1)).astype(np.int32))
            lengths.append(np.bincount(pairs // max(len(columns), 1), minlength=len(texts)))
        indptr = np.cumsum(np.concatenate(lengths))
        if indptr[-1] < 2**31:
            indptr = indptr.astype(np.int32)
        return csr_array((np.concatenate(data), np.concatenate(indices), indptr), shape=(len(indptr) - 1, len(columns)))

    @staticmethod
    def _unit(counts: Sparse) -> Sparse:
        rows: Sparse = unit(counts)
        return rows
