"""The only ranked answer of the house."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from wares.kernels.topk import top_k

if TYPE_CHECKING:
    from wares.data.ids import Ids


@dataclass(frozen=True, eq=False)
class Hits:
    """Ranked rows for each query, best first; higher is better, ties go to the lower row.

    rows : (n_queries, k) int64; -1 where there are fewer than k.
    scores : (n_queries, k) float32; -inf where there are fewer than k.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]

    @classmethod
    def top(cls, scores: NDArray[np.floating], k: int) -> Self:
        """The k best columns of each row of `scores` (n_queries, n); -inf and NaN are never answered."""
        return cls(*top_k(np.ascontiguousarray(scores), k))

    @classmethod
    def none(cls, n_queries: int, k: int) -> Self:
        """No answer to any of the queries."""
        return cls(np.full((n_queries, k), -1, np.int64), np.full((n_queries, k), -np.inf, np.float32))

    @classmethod
    def ordered(cls, rows: NDArray[np.integer], scores: NDArray[np.floating], k: int) -> Self:
        """The k best of candidates given as (n_queries, m) rows and scores in any order; -1 rows are ignored."""
        rows = np.asarray(rows, np.int64)
        scores = np.where((rows >= 0) & ~np.isnan(scores), scores, -np.inf).astype(np.float32)
        order = np.lexsort((rows, -scores), axis=1)[:, :k]
        out = cls.none(len(rows), k)
        out.rows[:, : order.shape[1]] = np.take_along_axis(rows, order, 1)
        out.scores[:, : order.shape[1]] = np.take_along_axis(scores, order, 1)
        out.rows[np.isneginf(out.scores)] = -1
        return out

    @classmethod
    def merge(cls, parts: Sequence["Hits"], k: int) -> Self:
        """The k best over several answers to the same queries, whose rows are already global and do not overlap."""
        return cls.ordered(
            np.concatenate([part.rows for part in parts], axis=1),
            np.concatenate([part.scores for part in parts], axis=1),
            k,
        )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def k(self) -> int:
        """Places for each query."""
        return int(self.rows.shape[1])

    def named(self, ids: "Ids") -> list[list[tuple[str, float]]]:
        """(name, score) pairs for each query, without the empty places."""
        return [
            list(zip(ids.names(rows[rows >= 0]), scores[rows >= 0].tolist(), strict=True))
            for rows, scores in zip(self.rows, self.scores, strict=True)
        ]


@dataclass(frozen=True)
class Reason:
    """Why a product was answered: one sentence, its share of the score, the products it rests on.

    The shares of one hit sum to 1; what no sentence covers comes last as "other".
    """

    text: str
    share: float
    products: Sequence[str] = ()
