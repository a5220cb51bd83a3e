"""Many classes of a product from one trunk: levels of a taxonomy, brand, price, and whatever is asked for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn

from wares.algorithm import setting
from wares.arrays import Labels
from wares.classify.deep import Deep, Heads, Inputs
from wares.data.catalog import Catalog
from wares.data.schema import SEPARATOR
from wares.kernels import ngrams
from wares.text.letters import letters_of


class Counts(Inputs):
    """What each text has, by the hash of it, and how much it weighs: tf-idf, rows of length one."""

    def __init__(self, table: csr_array, drop: float) -> None:
        super().__init__(np.diff(table.indptr) > 0)
        self.table, self.drop = table, drop

    def take(self, rows: Tensor, learning: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Columns, where each text's begin, and weights; when learning, some of them 0 at random."""
        some = self.table[rows.numpy()]
        weights = torch.from_numpy(some.data)
        if learning and self.drop:
            weights = weights * (torch.rand(len(weights)) >= self.drop)
        return (
            torch.from_numpy(some.indices.astype(np.int64)),
            torch.from_numpy(some.indptr[:-1].astype(np.int64)),
            weights,
        )


@dataclass(kw_only=True, eq=False)
class MultiTask(Deep):
    """One trunk over words and character n-grams, and a head for each thing to tell.

    Choose it where several targets are wanted at once, as all levels of a taxonomy, or where few examples of one can
    borrow from many of another: what helps to tell the brand helps to tell the shelf. A target whose classes are paths
    ("A > B > C") is learned at each of its levels as well, and `besides` says what else of the catalog is; these only
    teach, and are not answered. Time O(epochs x products x n-grams x width); memory
    12 x 2^bits x width bytes while learning.

    Settings
    --------
    columns : read as one text; those that the catalog lacks, and any called like a target, are left out.
    besides : columns learned beside the targets; of numbers, the `bands` that hold equally many. No target is read.
    beside_weight : what they count, a target counting 1. least : products that a class beside must have.
    bits : n-grams are hashed into 2^bits. low, high : letters of an n-gram. width : of its vector. hidden : of the
    trunk.
    drop : share of the n-grams left out at random while learning. dropout : the same of the trunk.
    weighted : "balanced" lets all classes count alike, however rare.
    rate, batch, epochs, patience, decay : of learning; a tenth of the products judges when to end.

    Learned
    -------
    classes_ : by target, in order. shares_ : how frequent they are. network_ : weights by name. columns_ : what is
    read. rarity_ : (2^bits,) float32 idf. heads_ : classes of each head. besides_ : what the heads beside tell.
    curve_ : (epochs + 1, 2) the loss learned from and the loss judged by.

    Source: Caruana 1997, doi:10.1023/A:1007379606734; Joulin et al. 2017, arXiv:1607.01759, for the bags.
    """

    columns: tuple[str, ...] = ("title", "description")
    besides: tuple[str, ...] = ("category", "brand", "price")
    beside_weight: float = setting(0.3, low=0)
    bands: int = setting(5, low=2, high=100)
    least: int = setting(5, low=1)
    bits: int = setting(16, low=8, high=22)
    low: int = setting(3, low=1, high=8)
    high: int = setting(5, low=1, high=8)
    width: int = setting(64, low=1)
    hidden: int = setting(256, low=1)
    drop: float = setting(0.1, low=0, high=0.9)

    def _prepare(self, catalog: Catalog, targets: Sequence[str]) -> None:
        self.columns_ = [name for name in self.columns if name not in targets]
        counted = self._counted(catalog)
        having = np.bincount(counted.indices, minlength=2**self.bits)
        self.rarity_ = (np.log((1 + len(catalog)) / (1 + having)) + 1).astype(np.float32)
        self._targets = list(targets)

    def _inputs(self, catalog: Catalog) -> Counts:
        table = self._counted(catalog)
        ngrams.weigh(table.indices, table.data, table.indptr, np.asarray(self.rarity_), True)
        return Counts(table, self.drop)

    def _counted(self, catalog: Catalog) -> csr_array:
        parts = [_counts(texts, self.low, self.high, self.bits) for texts in catalog.texts(self.columns_)]
        nothing = csr_array((0, 2**self.bits), dtype=np.float32)
        starts = np.cumsum([0, *(part.nnz for part in parts)]).tolist()
        indptr = [np.zeros(1, np.int64), *(part.indptr[1:] + start for part, start in zip(parts, starts, strict=False))]
        data = np.concatenate([nothing.data, *(part.data for part in parts)]).astype(np.float32)
        indices = np.concatenate([np.zeros(0, np.int32), *(part.indices for part in parts)])
        return csr_array((data, indices, np.concatenate(indptr)), shape=(len(catalog), 2**self.bits))

    def _besides(self, catalog: Catalog) -> list[Labels]:
        """Levels of targets that are paths, then columns of the catalog that are no targets; -1 where not known."""
        named: dict[str, list[str | None]] = {}
        for target, names in self._paths.items():
            for level in range(1, max(_depth(name) for name in names)):
                named[f"{target}, level {level}"] = [_upper(name, level) for name in names]
        for column in self.besides:
            if column in self._targets or not catalog.has(column):
                continue
            values = catalog.frame([column])[column]
            if values.dtype.is_numeric():
                named[column] = _bands(values.cast(float).to_numpy(), self.bands)
            else:
                named[column] = values.cast(str).to_list()
        numbered = {name: _numbered(values, self.least) for name, values in named.items()}
        self.besides_ = [name for name, codes in numbered.items() if codes.max(initial=-1) > 0]
        return [numbered[name] for name in self.besides_]

    def _codes(self, catalog: Catalog, y: Any) -> list[Labels]:
        found = super()._codes(catalog, y)
        self._paths = {
            target: list(names) for target, names in y.items() if any(SEPARATOR in name for name in names if name)
        }
        return found

    def _network(self, heads: Sequence[int]) -> nn.Module:
        return _Network(self, heads)

    def _beside_weight(self) -> float:
        return self.beside_weight


class _Network(nn.Module):
    def __init__(self, how: MultiTask, heads: Sequence[int]) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(2**how.bits, how.width, mode="sum")
        nn.init.normal_(self.bag.weight, std=0.1)
        self.trunk = nn.Linear(how.width, how.hidden)
        self.drop = nn.Dropout(how.dropout)
        self.heads = Heads(how.width + how.hidden, heads, how.dropout)

    def forward(self, texts: tuple[Tensor, Tensor, Tensor]) -> list[Tensor]:
        columns, starts, weights = texts
        bag = self.bag(columns, starts, per_sample_weights=weights)
        # The bag itself goes to the heads as well: a straight line is the best start.
        answer: list[Tensor] = self.heads(torch.cat([bag, torch.relu(self.trunk(self.drop(bag)))], dim=1))
        return answer


def _counts(texts: Sequence[str], low: int, high: int, bits: int) -> csr_array:
    """(n, 2^bits) how often each text has each word and n-gram, by its hash."""
    codes, offsets = letters_of(texts)
    most = 1 + 2 * (high - low + 1)
    room = np.concatenate([[0], np.cumsum((np.diff(offsets) + 2) * most)])
    columns, found = np.empty(room[-1], np.int32), np.empty(room[-1], np.float32)
    indptr = np.zeros(len(texts) + 1, np.int64)
    ngrams.count(codes, offsets, low, high, True, np.uint32(2**bits - 1), room, columns, found, indptr)
    size = int(indptr[-1])
    return csr_array((found[:size], columns[:size], indptr), shape=(len(texts), 2**bits))


def _depth(name: str | None) -> int:
    return len(name.split(SEPARATOR)) if name else 1


def _upper(name: str | None, level: int) -> str | None:
    return SEPARATOR.join(name.split(SEPARATOR)[:level]) if name else None


def _bands(values: Any, n: int) -> list[str | None]:
    """The band of each number; bands hold about equally many."""
    known = values[np.isfinite(values)]
    edges = np.quantile(known, np.linspace(0, 1, n + 1)[1:-1]) if len(known) else np.zeros(0)
    return [str(np.searchsorted(edges, each)) if np.isfinite(each) else None for each in values.tolist()]


def _numbered(values: Sequence[str | None], least: int) -> Labels:
    """Numbers of values in order of the alphabet, -1 for what is not known or too rare."""
    counts = Counter(each for each in values if each is not None)
    kept = sorted(name for name, count in counts.items() if count >= least)
    place = {name: number for number, name in enumerate(kept)}
    return np.array([place.get(each, -1) if each is not None else -1 for each in values], np.int64)
