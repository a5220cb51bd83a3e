"""Products by what they are bought or looked at with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Context, Encoder, setting
from wares.arrays import Dense, Labels, Rows, Sparse, unit
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.data.schema import TEXT
from wares.encode import features as of
from wares.encode.meetings import Meetings, without_common
from wares.errors import DataError

ROUNDS = 15
"""Of conjugate gradients; more change the predicted vectors less than other words in a title do."""


@dataclass(kw_only=True, eq=False)
class Behaviour(Encoder):
    """Item2vec: skip-gram with negative sampling over baskets, so that products met together lie near each other.

    Choose it as a part of `fused` where there are events: it knows what goes together, whatever it is called. It reads
    `context.history`, whose rows are those of the catalog, and knows a product again by its id. A basket is a set: each
    event meets some others of its basket. Where no basket holds two products (or there are none), an event meets those
    within `window` places of it in the shopper's order. With `fill`, words count where events are few: a ridge
    regression from words to the vectors that were learned says where products of fewer than `least` events lie, and
    those that come in later; without it they are zero rows. Without any event all rows are zero.
    Steps are taken one after the other, on one thread: the same seed gives the same bits.
    Time O(events x epochs x (partners + negative) x width), about 5 s for 1.4 million purchases; memory 50 bytes an
    event, 2 x n_products x width numbers, 2**16 x width for the words, 4 bytes a letter of the longest id for each id.

    Settings
    --------
    width : dimensions. partners : of its basket that an event meets in each pass. negative : products drawn by chance
    beside them, by their events to the power of 0.75. window : how far apart two events of a shopper may be where there
    are no baskets. epochs : passes over the events. rate : of the first step; it falls to nothing. subsample : share of
    all events above which a product is passed over now and then; 1 for never. least : events that a product must have
    for a vector learned from them. fill : whether words count too. prior : events that the words of a product count as
    much as. columns : those words. ridge : how much a word must be worth to be trusted, in products.

    Learned
    -------
    ids_ : (n_known,) the products with a vector of their own, ascending. vectors_ : (n_known, width) float32 unit rows.
    words_ : (2**16, width) float32, what each word adds; none without `fill`. idf_ : (2**16,) float32.

    Source: Barkan & Koenigstein 2016, arXiv:1603.04259.
    """

    READS: ClassVar[Sequence[str]] = ("history",)
    SHOWS: ClassVar[Literal["text", "image", "behaviour", "attributes"]] = "behaviour"

    width: int = setting(64, low=1)
    partners: int = setting(4, low=1)
    negative: int = setting(8, low=1)
    window: int = setting(5, low=1)
    epochs: int = setting(5, low=1)
    rate: float = setting(0.1, low=0)
    subsample: float = setting(1e-3, low=1e-9, high=1)
    least: int = setting(3, low=1)
    prior: float = setting(50.0, low=0)
    fill: bool = True
    columns: tuple[str, ...] = TEXT
    ridge: float = setting(1.0, low=1e-6)
    seed: int = 0

    def fit(self, catalog: Catalog, context: Context = Context(), *, same: Labels | None = None) -> Self:
        """Learn from what shoppers did. Raises DataError without a history, or with one over other products."""
        self._check()
        history = context.history
        if history is None:
            raise DataError("Behaviour learns from events: fit it with Context(history=...), or leave it out")
        if history.n_products != len(catalog):
            raise DataError(
                f"Behaviour: the history is over {history.n_products} products, the catalog has {len(catalog)}; "
                "their rows must be the same"
            )
        if not (history.weights > 0).all():
            history = history.keep(history.weights > 0)  # what was brought back says nothing of what goes together
        counts = np.bincount(history.products, minlength=len(catalog))
        first, stop = _reach(history, self.window)
        learned = Meetings.of(self).learn(np.asarray(history.products), first, stop, len(catalog), self.seed)
        rows = np.flatnonzero((counts >= self.least) & learned.any(axis=1))
        vectors = without_common(np.asarray(unit(learned[rows]), np.float32))
        self.idf_ = np.zeros(0, np.float32)
        self.words_ = np.zeros((0, self.width), np.float32)
        if self.fill and len(rows):
            vectors = self._with_words(catalog, rows, vectors, counts[rows])
        names = np.array(catalog.frame(["id"])["id"].to_list(), np.str_)[rows]
        order = np.argsort(names, kind="stable")
        self.ids_, self.vectors_ = names[order], vectors[order]
        return self

    def encode(self, catalog: Catalog) -> Dense:
        self._ready()
        vectors = np.asarray(self.vectors_)
        out = np.zeros((len(catalog), vectors.shape[1]), np.float32)
        if not len(vectors) or not len(catalog):
            return out
        if len(self.words_):
            parts = of.side_by_side(self._predicted, catalog.texts(self.columns))
            out[:] = unit(np.concatenate(list(parts)))
        ids = np.array(catalog.frame(["id"])["id"].to_list(), np.str_)
        places = np.minimum(np.searchsorted(self.ids_, ids), len(self.ids_) - 1)
        known = self.ids_[places] == ids
        out[known] = vectors[places[known]]
        return out

    # -- from words ----------------------------------------------------------------------------------------------------

    def _with_words(self, catalog: Catalog, rows: Rows, vectors: Dense, counts: NDArray[np.int64]) -> Dense:
        """Learn what each word adds, from the products of which most is known; their vectors as words and events say.

        The fewer the events of a product, the more its words count.
        """
        counted = of.side_by_side(lambda texts: of.counts(texts, _WORDS), catalog.texts(self.columns))
        self.idf_ = of.idf(counted, _WORDS.columns)
        parts = list(of.side_by_side(self._weighed, catalog.texts(self.columns)))
        words = of.stacked(parts, _WORDS.columns)[rows]
        sure = np.sqrt(counts / (counts + self.prior)).astype(np.float32)[:, None]
        self.words_ = _ridge(words.multiply(sure).tocsr(), vectors * sure, self.ridge)
        predicted = unit(words @ self.words_)
        share = (counts / (counts + self.prior)).astype(np.float32)[:, None]
        return np.asarray(unit(share * vectors + (1 - share) * predicted), np.float32)

    def _weighed(self, texts: Sequence[str]) -> Sparse:
        return of.weighed(of.counts(texts, _WORDS), np.asarray(self.idf_), sublinear=False)

    def _predicted(self, texts: Sequence[str]) -> Dense:
        # A sparse product adds up each row alone, so its bits do not hang on the rows beside it.
        rows: Dense = self._weighed(texts) @ np.asarray(self.words_)
        return rows


_WORDS = of.Features.of(True, 0, 0, 16)


def _reach(history: History, window: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n_events,) where the events that each event may meet begin and end, itself among them."""
    places, owners = np.arange(history.n_events), history.owners()
    if history.baskets is not None and history.n_events:
        new = np.ones(history.n_events, np.bool_)
        new[1:] = (owners[1:] != owners[:-1]) | (np.diff(history.baskets) != 0)
        begins = np.flatnonzero(new)
        ends = np.append(begins[1:], history.n_events)
        if (ends - begins > 1).any():
            basket = np.cumsum(new) - 1
            return begins[basket], ends[basket]
    first = np.maximum(places - window, history.indptr[owners])
    return first, np.minimum(places + window + 1, history.indptr[owners + 1])


def _ridge(rows: csr_array, wanted: Dense, ridge: float) -> Dense:
    """(d, width) the least squares of rows @ it - wanted, plus ridge x its squares; by conjugate gradients."""
    out = np.zeros((rows.shape[1], wanted.shape[1]), np.float32)
    used = np.unique(rows.indices)  # what no row has is worth nothing
    rows = rows[:, used]
    columns = rows.T.tocsr()
    found = np.zeros((len(used), wanted.shape[1]), np.float32)
    left = columns @ wanted
    way = left.copy()
    size = _squares(left)
    for _ in range(ROUNDS):
        ahead = columns @ (rows @ way) + np.float32(ridge) * way
        step = _over(size, np.einsum("ij,ij->j", way, ahead))
        found += step * way
        left -= step * ahead
        before, size = size, _squares(left)
        way = left + _over(size, before) * way
    out[used] = found
    return out


def _squares(rows: Dense) -> Dense:
    squares: Dense = np.einsum("ij,ij->j", rows, rows)
    return squares


def _over(one: Dense, other: Dense) -> Dense:
    """one / other, 0 where that is nothing."""
    return np.divide(one, other, out=np.zeros_like(one), where=other > 0)
