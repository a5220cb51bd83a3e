"""Products for a query: by its words and by its meaning, as one result set with exact totals and facets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Index, ReadsText
from wares.arrays import Mask
from wares.data.hits import Hits, Reason
from wares.errors import SettingError
from wares.index.exact import Exact
from wares.index.words import Matches, Query, Words, room
from wares.kernels import nearest, postings
from wares.tasks.filtering import Filters, Where

_ANYTHING: Mask = np.empty(0, np.bool_)
_NO_PRIOR = np.empty(0, np.float32)


@dataclass(frozen=True, eq=False)
class SearchResult:
    """A page of the result set, and what is true of all of it.

    hits : (1, k) the page, best first. total : products in the set. facets : as `Filters.facets` tells them.
    corrected : what was understood where a word was taken for another, else empty. query : its words. near : rows and
    cosines of the nearest by meaning.
    """

    hits: Hits
    total: int
    facets: dict[str, dict[str, Any]]
    corrected: str
    query: Query
    near: tuple[NDArray[np.int64], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Searcher:
    """Words and meaning together.

    The result set is: the products that match the words (see `Words`, after spelling), and the `nearest` products
    nearest in meaning whose cosine is at least `meaning_floor`; of these, those the filters leave. Meaning is that of
    the corrected text where a word was mended. An empty query asks for every product; one without words or numbers
    (emoji, punctuation) finds nothing. Total, facets and pages are of this set.

    The score is (1 - meaning_weight) * words / bound + meaning_weight * cosine + popularity_weight * popularity:
    words is the BM25F score and bound what no product can exceed; cosine is 0 beyond the nearest. Without an encoder
    the words have all the weight. Ties go to the lower row.

    Settings
    --------
    words, filters : fitted on the same products. index, encoder : nearest vectors, and what turns a query into one of
    their kind; both or neither. popularity : (n_products,) float32 in 0..1. The rest as above.
    """

    words: Words
    filters: Filters
    index: Index | None = None
    encoder: ReadsText | None = None
    popularity: NDArray[np.float32] | None = None
    meaning_weight: float = field(default=0.5)
    meaning_floor: float = field(default=0.3)
    nearest: int = field(default=200)
    popularity_weight: float = field(default=0.05)

    READ = 1000
    """Characters of a query that the encoder reads."""

    def __post_init__(self) -> None:
        if (self.index is None) != (self.encoder is None):
            raise SettingError("Searcher needs both an index and an encoder, or neither")
        if not 0 <= self.meaning_weight <= 1 or not 0 < self.meaning_floor <= 1 or self.popularity_weight < 0:
            raise SettingError(
                f"Searcher(meaning_weight={self.meaning_weight}, meaning_floor={self.meaning_floor}, "
                f"popularity_weight={self.popularity_weight}): weights must be in 0..1 and the floor above 0"
            )

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        where: Where | None = None,
        allowed: Mask | None = None,
        offset: int = 0,
        facets: Sequence[str] | None = None,
    ) -> SearchResult:
        """The page of k hits from `offset` on. `allowed` (n_products,) are products that may be shown at all.

        facets : columns to count, all countable ones unless told, none for (). Raises UnknownName and SettingError for
        a filter, facet, k or offset that cannot be.
        """
        if k < 0 or offset < 0:
            raise SettingError(f"search(k={k}, offset={offset}): must be at least 0")
        asked, near = self.words.understand(query), (np.empty(0, np.int64), np.empty(0, np.float32))
        if not query.strip():
            rows, scores = self._everything(allowed)
        else:
            if len(asked) or asked.unknown:  # emoji and punctuation mean nothing to an encoder
                near = self._near(asked.corrected or query)
            rows, scores = self._united(asked, near, allowed)
        # Of few rows only what the filters ask of them is read.
        kept = self.filters.mask(where, rows)
        if kept is not None:
            rows, scores = rows[kept], scores[kept]
        best_rows, best_scores = nearest.best(rows.astype(np.int64), scores, min(offset + k, len(rows)))
        hits = Hits.none(1, k)
        n = max(len(best_rows) - offset, 0)
        hits.rows[0, :n], hits.scores[0, :n] = best_rows[offset:], best_scores[offset:]
        return SearchResult(hits, len(rows), self.filters.facets(rows, facets), asked.corrected, asked, near)

    def reasons(self, found: SearchResult) -> list[list[Reason]]:
        """Why each hit of the page is there, the largest share first: its words, its meaning, how popular it is."""
        rows = found.hits.rows[0]
        rows = rows[rows >= 0]
        impacts, where = self.words.impacts(found.query, rows)
        by_words, by_meaning, by_popularity = self._weights(found.query)
        near, place = np.nonzero(rows[:, None] == found.near[0])
        cosines = dict(zip(rows[near].tolist(), found.near[1][place].tolist(), strict=True))
        words = [self.words.shown(word) for word in found.query.words.tolist()]
        popular = [0.0] * len(rows) if self.popularity is None else self.popularity[rows].tolist()
        out = []
        for row, adds, bits, bought in zip(rows.tolist(), impacts.tolist(), where.tolist(), popular, strict=True):
            parts = [
                (by_words * add, f"“{word}” in {self._columns(bit)}")
                for word, add, bit in zip(words, adds, bits, strict=True)
                if bit
            ]
            if row in cosines:
                parts.append((by_meaning * cosines[row], "close in meaning"))
            if bought > 0:
                parts.append((by_popularity * bought, "popular"))
            out.append(_shared(parts))
        return out

    def _weights(self, query: Query) -> tuple[float, float, float]:
        meaning = self.meaning_weight if self.encoder is not None else 0.0
        return (1 - meaning) / query.bound if query.bound else 0.0, meaning, self.popularity_weight

    def _near(self, query: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows and cosines of the nearest by meaning that reach the floor."""
        if self.encoder is None or self.index is None:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        text = query[: self.READ]
        quick = getattr(self.encoder, "encode_query", None)  # of encoders that read one text quicker than many
        vector = self.encoder.encode_text([text]) if quick is None else quick(text)
        if not isinstance(vector, csr_array):
            vector = np.asarray(vector, np.float32)
        if isinstance(self.index, Exact):  # it need not look at what is below the floor
            hits = self.index.search(vector, self.nearest, least=self.meaning_floor)
        else:
            hits = self.index.search(vector, self.nearest)
        close = hits.scores[0] >= self.meaning_floor
        return hits.rows[0][close], hits.scores[0][close]

    def _united(
        self, asked: Query, near: tuple[NDArray[np.int64], NDArray[np.float32]], mask: Mask | None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        matches: Matches = self.words.matches(asked)
        most = len(matches.rows) + len(near[0])
        rows, scores = np.empty(most, np.int32), np.empty(most, np.float32)
        n = postings.unite(
            matches.rows,
            matches.scores,
            *near,
            np.array(self._weights(asked), np.float32),
            _NO_PRIOR if self.popularity is None else self.popularity,
            _ANYTHING if mask is None else mask,
            room(self.words.n_products).sums,
            rows,
            scores,
        )
        return rows[:n], scores[:n]

    def _everything(self, mask: Mask | None) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        n = self.words.n_products
        rows = (np.arange(n) if mask is None else np.flatnonzero(mask)).astype(np.int32)
        if self.popularity is None:
            return rows, np.zeros(len(rows), np.float32)
        return rows, np.asarray(self.popularity, np.float32)[rows] * np.float32(self.popularity_weight)

    def _columns(self, bits: int) -> str:
        return ", ".join(name for bit, name in enumerate(self.words.columns_) if bits >> bit & 1)


def _shared(parts: list[tuple[float, str]]) -> list[Reason]:
    """The parts of a score as reasons, shares summing to 1."""
    total = sum(value for value, _ in parts)
    if total <= 0:
        return [Reason("other", 1.0)]
    return [Reason(text, value / total) for value, text in sorted(parts, key=lambda part: -part[0])]
