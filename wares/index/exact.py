"""The nearest vectors, by looking at all of them."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Index, setting
from wares.arrays import Mask, Vectors
from wares.data.hits import Hits
from wares.errors import DataError
from wares.kernels import nearest


@dataclass(kw_only=True, eq=False)
class Exact(Index):
    """Every vector is compared, so nothing is missed.

    Choose it up to some 50,000 products, and always where the answer must be the true one. A single query reads one
    byte for each number in those columns of the dense vectors that matter to it (0.4 ms at 32,000 x 512, one thread)
    and looks at floats only for the few rows that this leaves in doubt; many queries at once are matrix products.
    Memory 5 bytes for each number.

    Settings
    --------
    block : queries multiplied at once; scores take block x n_products x 4 bytes.

    Learned
    -------
    vectors_ : (n_products, width) as given to `fit`, dense or sparse.
    codes_, scales_, spreads_, errors_, reaches_, widest_, longest_ : of dense vectors, as in `nearest.Codes`.
    """

    block: int = setting(64, low=1)

    def fit(self, vectors: Vectors) -> Self:
        """Keep (n, width) vectors. Raises DataError where they are not a finite table."""
        self._check()
        self.vectors_ = checked(vectors)
        known = None if isinstance(self.vectors_, csr_array) else nearest.quantise(self.vectors_)._asdict()
        for name in nearest.Codes._fields:
            self.__dict__.pop(f"{name}_", None)
            if known is not None:
                setattr(self, f"{name}_", known[name])
        self.__dict__.pop("_made", None)
        return self

    def search(self, queries: Vectors, k: int, *, allowed: Mask | None = None, least: float = -np.inf) -> Hits:
        """(n_queries, k) the nearest by dot product among allowed rows; those below `least` may be left out."""
        if not hasattr(self, "vectors_"):
            self.learned()  # says what is wrong
        if isinstance(self.vectors_, csr_array):
            return self._sparse(queries, k, allowed)
        asked = np.ascontiguousarray(queries.toarray() if isinstance(queries, csr_array) else queries, np.float32)
        vectors = np.asarray(self.vectors_)
        if asked.ndim != 2 or asked.shape[1] != vectors.shape[1]:
            raise DataError(f"queries are {asked.shape}; expected (n_queries, {vectors.shape[1]})")
        if not k or not len(vectors):
            return Hits.none(len(asked), k)
        if len(asked) > 4:
            return Hits(*nearest.many(vectors, asked, k, allowed, self.longest_, self.block))
        out = Hits.none(len(asked), k)
        for i, query in enumerate(asked):
            out.rows[i], out.scores[i] = nearest.one(vectors, self._known, query, k, allowed, least)
        return out

    @property
    def _known(self) -> nearest.Codes:
        made: nearest.Codes | None = self.__dict__.get("_made")
        if made is None:
            # Plain arrays: numba is slow to look at memory maps.
            arrays = {name: np.asarray(getattr(self, f"{name}_")) for name in nearest.Codes._fields[:-2]}
            made = self._made = nearest.Codes(**arrays, widest=self.widest_, longest=self.longest_)
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_made"}

    def _sparse(self, queries: Vectors, k: int, allowed: Mask | None) -> Hits:
        asked = queries if isinstance(queries, csr_array) else csr_array(np.asarray(queries, np.float32))
        if asked.shape[1] != self.vectors_.shape[1]:
            raise DataError(f"queries are {asked.shape}; expected (n_queries, {self.vectors_.shape[1]})")
        parts = []
        for start in range(0, asked.shape[0], self.block):
            scores = np.asarray((self.vectors_ @ asked[start : start + self.block].toarray().T).T, np.float32)
            if allowed is not None:
                scores = np.where(allowed, scores, np.float32(-np.inf))
            parts.append(Hits.top(scores, k))
        if not parts:
            return Hits.none(0, k)
        return Hits(np.concatenate([p.rows for p in parts]), np.concatenate([p.scores for p in parts]))


def checked(vectors: Vectors) -> Vectors:
    """The vectors as float32 in C order. Raises DataError where they are not a table of finite numbers."""
    sparse = isinstance(vectors, csr_array)
    table: Vectors = vectors.astype(np.float32) if sparse else np.ascontiguousarray(vectors, np.float32)
    if table.ndim != 2:
        raise DataError(f"vectors must be a table (n, width), not of shape {table.shape}")
    numbers: NDArray[np.float32] = table.data if isinstance(table, csr_array) else table
    if not np.isfinite(numbers).all():
        raise DataError("vectors hold NaN or infinity; encoders answer a zero row where nothing is known")
    return table
