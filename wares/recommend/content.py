"""Products like those of the history, by their vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Mask, Rows, Vectors, unit
from wares.data.history import History
from wares.data.hits import Hits
from wares.errors import DataError
from wares.kernels import nearest
from wares.kernels.ease import add_rows
from wares.kernels.factors import best_products
from wares.recommend.features import basis
from wares.recommend.profile import Profile, Strength, faded, frozen, picked

MANY = 1024
"""Histories from which on all cores work on them."""

_one_at_a_time = Lock()
"""The threads of a parallel kernel must not be entered twice."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """What Content says of one history, worked out for the products that are asked for.

    vectors : (n_products, width) unit rows. empty : rows without a vector, which score -inf. mean : (width,) the
    direction of the history. blank : (n_products,) 0, or -inf without a vector. greatest : no product that the history
    does not hold scores more; 0 = Content has nothing to say.
    """

    vectors: Dense
    empty: NDArray[np.int64]
    mean: NDArray[np.float32]
    blank: NDArray[np.float32]
    greatest: float

    def __getitem__(self, products: Rows) -> NDArray[np.float32]:
        scores = nearest.scored(self.vectors, products, self.mean)
        if len(self.empty):
            scores[np.isin(products, self.empty)] = -np.inf
        return scores


@dataclass(kw_only=True, eq=False)
class Content(Recommender):
    """Cosine to the mean of the history's product vectors, the latest counting most.

    Choose it where there are no events yet, for new products and for what is rarely bought: it needs vectors only, and
    recommends what nobody has bought. Time O(n_products x width) a history, memory the same once.

    Settings
    --------
    width : vectors wider than this are reduced to it (the directions that keep most of their length).
    strength : how much a product counts: "binary" 1, "log" of the summed weights, or their "sum".
    half_life : days after which a product of the history counts half; 0 = never fades.
    fading : what is left of a product for each event after it; 1 = its place does not matter. For histories without
    times, 0.5 does well.
    seed : of the reduction of sparse vectors.

    Learned
    -------
    basis_ : (width of the vectors, width) float32, what reduces them.
    vectors_ : (n_products, width) float32 unit rows; a zero row where nothing is known, which scores -inf.
    empty_ : (m,) int64 the rows of those.

    Source: Pazzani & Billsus 2007, doi:10.1007/978-3-540-72079-9_10.
    """

    READS: ClassVar[Sequence[str]] = ("vectors",)

    width: int = setting(64, low=1)
    strength: Strength = "binary"
    half_life: float = setting(60.0, low=0.0)
    fading: float = setting(1.0, low=0.0, high=1.0)
    seed: int = setting(0, low=0)

    def fit(self, history: History, context: Context = Context()) -> Self:
        """Take in the vectors of the products; the history is not read."""
        self._check()
        if context.vectors is None:
            raise DataError("content needs the vectors of the products: fit(history, Context(vectors=...))")
        self.basis_ = basis(context.vectors, self.width, self.seed)
        self.vectors_ = self._reduced(context.vectors)
        self.empty_ = np.flatnonzero(~self.vectors_.any(axis=1))
        for made in ("_codes", "_blank"):
            self.__dict__.pop(made, None)
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """Cosine; -inf where history or product has no vector. New products are read from `context.vectors`."""
        vectors, empty = self._vectors(history, context)
        _, mean, lengths = self._read(history, vectors, context)
        scores = np.full((len(history), max(len(vectors), history.n_products)), -np.inf, np.float32)
        np.matmul(mean, vectors.T, out=scores[:, : len(vectors)])
        scores[:, empty] = -np.inf
        scores[lengths == 0] = -np.inf
        return picked(scores, products)

    def recommend(
        self,
        history: History,
        k: int,
        *,
        context: Context = Context(),
        allowed: Mask | None = None,
        repeats: bool = False,
    ) -> Hits:
        """The k best products of each history; a job over many takes tiles of scores instead of whole rows."""
        if len(history) < MANY or allowed is not None or repeats:
            return super().recommend(history, k, context=context, allowed=allowed, repeats=repeats)
        vectors, empty = self._vectors(history, context)
        profile = self._profile(history, len(vectors), context)
        mean, lengths = self._mean(profile, vectors)
        there = np.setdiff1d(np.arange(len(vectors)), empty)
        # Columns without a vector are left out of the tiles, and of what each history holds.
        held = History(history.indptr, history.products, np.ones(len(history.products), np.float32), len(vectors))
        seen = csr_array(held.keep(history.products < len(vectors)).matrix()[:, there])
        seen.sort_indices()
        with _one_at_a_time:
            rows, scores = best_products(mean, vectors[there], seen.indptr, seen.indices, k)
        rows = np.where(rows >= 0, there[rows], -1)
        silent = lengths == 0
        rows[silent], scores[silent] = -1, -np.inf
        return Hits(rows, scores)

    def likeness(self, history: History, *, context: Context = Context()) -> Likeness | None:
        """The scores of a one-shopper history, to be asked for by product; None where there are new products.

        Only the greatest score is looked for, by the codes of the vectors: a quarter of the memory is read, or less.
        """
        vectors, empty = self._vectors(history, context)
        if vectors is not self.vectors_ or history.n_products != len(vectors):
            return None
        profile, mean, lengths = self._read(history, vectors, context)
        direction = mean[0]
        greatest = 0.0
        if lengths[0] > 0:
            plain, own = frozen(vectors), profile.rows
            greatest = nearest.greatest(plain, self._codes, direction, own)
            if not greatest > 0:
                greatest = max(float(nearest.scored(plain, own.astype(np.int64), direction).max()), 0.0)
        return Likeness(frozen(vectors), empty, direction, self._blank, greatest)

    def contributions(self, history: History, product: int) -> NDArray[np.float32]:
        """(n_events,) of a one-shopper history; they sum to the score."""
        return np.asarray(self.contributions_to(history, np.array([product]))[0])

    def contributions_to(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """(len(products), n_events) of a one-shopper history, what each event adds to the score of each product."""
        profile, found = self.by_product(history, products, context=context)
        return profile.spread(found)

    def by_product(self, history: History, products: Rows, *, context: Context = Context()) -> tuple[Profile, Dense]:
        """The profile of a one-shopper history, and (len(products), m) what each of its products adds to the scores."""
        vectors, _ = self._vectors(history, context)
        profile, _, lengths = self._read(history, vectors, context)
        products = np.asarray(products)
        found = vectors[np.minimum(products, len(vectors) - 1)] @ vectors[profile.rows].T
        found[products >= len(vectors)] = 0
        scale = 1 / lengths[0] if lengths[0] > 0 else 0.0
        return profile, (found * (profile.values * scale)).astype(np.float32)

    def _vectors(self, history: History, context: Context) -> tuple[Dense, NDArray[np.int64]]:
        """The vectors of all products, new ones from the context, and the rows that have none."""
        self._ready()
        vectors, empty = self.vectors_, self.empty_
        if context.vectors is not None and context.vectors.shape[0] > len(vectors):
            new = self._reduced(context.vectors[len(vectors) :])
            empty = np.concatenate([empty, len(vectors) + np.flatnonzero(~new.any(axis=1))])
            vectors = np.concatenate([vectors, new])
        return vectors, empty

    @cached_property
    def _blank(self) -> NDArray[np.float32]:
        blank = np.zeros(len(self.vectors_), np.float32)
        blank[self.empty_] = -np.inf
        return np.asarray(frozen(blank))

    @cached_property
    def _codes(self) -> nearest.Codes:
        """The vectors as bytes; made when a single history first asks, in some 50 ms for 32,000 products."""
        found = nearest.quantise(frozen(self.vectors_))
        return found._replace(codes=frozen(found.codes))

    def _read(self, history: History, vectors: Dense, context: Context) -> tuple[Profile, Dense, NDArray[np.float32]]:
        """The profile with what `_mean` makes of it, which is kept for the reasons of a single history."""
        profile = self._profile(history, len(vectors), context)
        if len(history) > 1 or vectors is not self.vectors_:
            return profile, *self._mean(profile, vectors)
        key = ("mean", id(vectors), profile)
        if key not in history.notes:
            history.notes[key] = (*self._mean(profile, vectors), vectors)  # which keeps its id from another
        mean, lengths, _ = history.notes[key]
        return profile, mean, lengths

    def _profile(self, history: History, n: int, context: Context) -> Profile:
        found = Profile.of(history, n, self.strength, self.half_life, context.at)
        return faded(found, history, self.fading)

    def _reduced(self, vectors: Vectors) -> Dense:
        return np.ascontiguousarray(unit(np.asarray(vectors @ self.basis_, np.float32)))

    def _mean(self, profile: Profile, vectors: Dense) -> tuple[Dense, NDArray[np.float32]]:
        """The direction of each history, of length one, and the length of its sum."""
        sums = np.zeros((len(profile.indptr) - 1, vectors.shape[1]), np.float32)
        add_rows(frozen(vectors), profile.indptr, profile.rows, profile.values, sums)
        lengths = np.linalg.norm(sums, axis=1)
        return unit(sums), np.where(lengths > 1e-6, lengths, 0).astype(np.float32)
