"""The nearest vectors, by walking a graph of neighbours."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from usearch.index import Index as Graph

from wares.algorithm import Index, setting
from wares.arrays import Mask, Vectors
from wares.data.hits import Hits
from wares.errors import DataError
from wares.kernels import nearest


@dataclass(kw_only=True, eq=False)
class HNSW(Index):
    """A graph in layers, in which a query walks towards its neighbours; some are missed.

    Choose it above some 50,000 products, where looking at all takes too long for one query. Fit takes
    O(n log n) time on one thread, memory (4 + 2) bytes for each number and 8 x connectivity bytes a product. Scores are
    exact, made from the full vectors. Where a filter leaves few products they are all looked at, so that no filter
    empties an answer; otherwise the walk is widened until k allowed products are found.

    The graph is built on one thread in row order: the same vectors give the same graph on one version of usearch
    and one kind of processor.

    Settings
    --------
    connectivity : neighbours of a product in the graph. expansion_add, expansion_search : candidates kept while
    building and while walking; more is slower and misses less. dtype : how the graph keeps numbers. exact_below :
    allowed products up to this many are all looked at.

    Learned
    -------
    vectors_ : (n_products, width) float32. graph_ : the serialised graph, uint8.

    Source: Malkov & Yashunin 2020, doi:10.1109/TPAMI.2018.2889473; built by usearch.
    """

    BLOCK: ClassVar[int] = 64
    """Queries scored at once where all allowed products are looked at."""

    connectivity: int = setting(16, low=2)
    expansion_add: int = setting(96, low=1)
    expansion_search: int = setting(128, low=1)
    dtype: Literal["f32", "f16", "bf16", "i8"] = "f16"
    exact_below: int = setting(50_000, low=0)

    def fit(self, vectors: Vectors) -> Self:
        """Build the graph of (n, width) dense vectors. Raises DataError for sparse ones, NaN or infinity."""
        self._check()
        if isinstance(vectors, csr_array):
            raise DataError("hnsw needs dense vectors; use the exact index, or an encoder such as lsa")
        table = np.ascontiguousarray(vectors, np.float32)
        if table.ndim != 2 or not all(np.isfinite(part).all() for part in _blocks(table)):
            raise DataError(f"vectors must be a table (n, width) of finite numbers, not of shape {table.shape}")
        self.vectors_ = table
        graph = self._empty()
        if len(table):
            graph.add(np.arange(len(table)), self.vectors_, threads=1)
        self.graph_ = _serialised(graph)
        self.__dict__.pop("_opened", None)
        return self

    def _empty(self) -> Any:
        return Graph(
            ndim=max(self.vectors_.shape[1], 1),
            metric="ip",
            dtype=self.dtype,
            connectivity=self.connectivity,
            expansion_add=self.expansion_add,
            expansion_search=self.expansion_search,
        )

    @property
    def _graph(self) -> Any:
        opened = self.__dict__.get("_opened")
        if opened is None:
            opened = self._empty()
            opened.view(np.asarray(self.graph_).data)  # reads the mapped file, copies nothing
            self._opened = opened
        return opened

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_opened"}

    def search(self, queries: Vectors, k: int, *, allowed: Mask | None = None) -> Hits:
        """(n_queries, k) the nearest found by dot product among allowed rows."""
        if not hasattr(self, "vectors_"):
            self.learned()  # says what is wrong
        asked = np.ascontiguousarray(queries.toarray() if isinstance(queries, csr_array) else queries, np.float32)
        vectors = np.asarray(self.vectors_)
        if asked.ndim != 2 or asked.shape[1] != vectors.shape[1]:
            raise DataError(f"queries are {asked.shape}; expected (n_queries, {vectors.shape[1]})")
        n = len(vectors) if allowed is None else int(allowed.sum())
        if n <= max(self.exact_below if allowed is not None else 0, k):
            return self._among(asked, k, np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed))
        out = Hits.none(len(asked), k)
        for i, query in enumerate(asked):
            rows = self._walk(query, k, n, allowed)
            out.rows[i], out.scores[i] = nearest.rescored(vectors, rows, query, k)
        return out

    def _walk(self, query: NDArray[np.float32], k: int, n: int, allowed: Mask | None) -> NDArray[np.int64]:
        """Rows found near the query: at least k allowed ones."""
        wanted = int(k * len(self.vectors_) / n * 1.2) + 8
        while True:
            wanted = min(wanted, len(self.vectors_))
            found = np.asarray(self._graph.search(query, wanted, threads=1).keys).astype(np.int64)
            rows = found if allowed is None else found[allowed[found]]
            if len(rows) >= k:
                return rows
            if wanted == len(self.vectors_):  # parts of the graph cannot be reached: look at all
                return np.arange(len(self.vectors_)) if allowed is None else np.flatnonzero(allowed)
            wanted *= 4

    def _among(self, asked: NDArray[np.float32], k: int, rows: NDArray[np.int64]) -> Hits:
        """The k best of some rows, each looked at."""
        out = Hits.none(len(asked), k)
        for i, query in enumerate(asked):
            out.rows[i], out.scores[i] = nearest.rescored(np.asarray(self.vectors_), rows, query, k)
        return out


def _blocks(table: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    return (table[start : start + 8192] for start in range(0, len(table), 8192))


def _serialised(graph: Any) -> NDArray[np.uint8]:
    """The bytes of a graph, in a file without a name: in memory they would stand beside the graph itself."""
    with TemporaryDirectory(prefix="wares-graph-") as folder:
        path = Path(folder) / "graph"
        graph.save(path)
        return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
