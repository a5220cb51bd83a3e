"""Latent semantic analysis: TF-IDF reduced to the directions its words go together in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits

from wares.algorithm import Context, Encoder, setting
from wares.arrays import Dense, Labels, Sparse, unit
from wares.data.catalog import Catalog
from wares.data.schema import TEXT
from wares.encode import features as of
from wares.encode.sampling import sampled, shortened

LETTERS = 16_000_000
"""Letters of all texts together that the components are learned from: half a gigabyte of n-grams."""


@dataclass(kw_only=True, eq=False)
class LSA(Encoder):
    """Truncated singular value decomposition of TF-IDF over words and character n-grams.

    Choose it where no sentence encoder can be installed: words that come together in this catalog come near each
    other. It knows no other language and no word it has not seen. Components are learned from a sample by randomised
    subspace iteration. Time about 20 s for a sample of 20,000 and 10,000 texts a second after; memory 4 x 2**bits x
    width bytes while fitting.

    Settings
    --------
    columns : read as one text, in this order; those that the catalog lacks are left out.
    width : dimensions kept.
    words : whether whole words count. low, high : letters of the shortest and the longest character n-gram.
    bits : of the hash; there are 2**bits columns before the reduction.
    sample : texts that the components are learned from; where these have more than 16 million letters, the longest of
    them are cut.
    rounds : of subspace iteration; more come nearer to the exact decomposition.

    Learned
    -------
    idf_ : (2**bits,) float32. components_ : (2**bits, width) float32, orthonormal columns.

    Source: Deerwester et al. 1990, for the idea; Halko, Martinsson & Tropp 2011, doi:10.1137/090771806.
    """

    columns: tuple[str, ...] = TEXT
    width: int = setting(256, low=1)
    words: bool = True
    low: int = setting(3, low=0, high=16)
    high: int = setting(4, low=0, high=16)
    bits: int = setting(16, low=8, high=20)
    sample: int = setting(20_000, low=1)
    rounds: int = setting(2, low=0)
    seed: int = 0

    def fit(self, catalog: Catalog, context: Context = Context(), *, same: Labels | None = None) -> Self:
        features = self._features()
        counts = of.side_by_side(lambda block: of.counts(block, features), catalog.texts(self.columns))
        self.idf_ = of.idf(counts, features.columns)
        rng = np.random.default_rng(self.seed)
        texts = shortened(sampled(catalog, self.columns, self.sample, rng), LETTERS)
        self.components_ = _directions(self._weighed(texts), self.width, self.rounds, rng)
        return self

    def encode(self, catalog: Catalog) -> Dense:
        return self._encoded(catalog.texts(self.columns))

    def encode_text(self, texts: Sequence[str]) -> Dense:
        return self._encoded([texts])

    def _encoded(self, texts: Iterable[Sequence[str]]) -> Dense:
        self.learned()
        components = np.asarray(self.components_)

        def reduced(block: Sequence[str]) -> Dense:
            # A sparse product adds up each row alone, so its bits do not hang on the rows beside it.
            rows: Dense = self._weighed(block) @ components
            return rows

        parts = of.side_by_side(reduced, texts)
        return np.asarray(unit(np.concatenate([np.zeros((0, components.shape[1]), np.float32), *parts])), np.float32)

    def _weighed(self, texts: Sequence[str]) -> Sparse:
        return of.weighed(of.counts(texts, self._features()), np.asarray(self.idf_), sublinear=False)

    def _features(self) -> of.Features:
        self._check()
        return of.Features.of(self.words, self.low, self.high, self.bits)


def _directions(rows: Sparse, width: int, rounds: int, rng: np.random.Generator) -> Dense:
    """(d, width) orthonormal columns that hold most of sparse `rows` (n, d); zero ones where n < width."""
    extra = min(width + 16, rows.shape[0])
    out = np.zeros((rows.shape[1], width), np.float32)
    if not extra or not rows.nnz:
        return out
    columns = rows.T.tocsr()
    with threadpool_limits(1, user_api="blas"):  # one thread: the same bits on every run
        seen = rows @ rng.standard_normal((rows.shape[1], extra), np.float32)
        for _ in range(rounds):
            basis, _ = np.linalg.qr(seen)
            seen = rows @ (columns @ basis)
        basis, _ = np.linalg.qr(seen)
        small = columns @ basis
        values, vectors = np.linalg.eigh(small.T @ small)
        order = [place for place in np.argsort(values)[::-1][:width].tolist() if values[place] > 1e-6 * values[-1]]
        found = small @ (vectors[:, order] / np.sqrt(values[order]))
    largest = np.abs(found).argmax(axis=0)
    out[:, : len(order)] = found * np.where(found[largest, np.arange(len(order))] < 0, -1, 1)
    return out
