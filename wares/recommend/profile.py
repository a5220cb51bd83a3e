"""What a shopper took, product by product: what the recommenders of this room read of a history."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.kernels.profile import gather

Strength: TypeAlias = Literal["binary", "log", "sum"]
"""How much a product counts: 1, the logarithm of its summed weight, or the sum; below zero where it was sent back."""

DAY = 86_400_000_000_000
"""Nanoseconds."""

FEW = 256
"""Histories up to which what was read of them is kept for the next part that asks, as long as they live."""

EPOCH = 1_262_304_000_000_000_000
"""2010: votes are kept relative to a fixed day, so that tallies of two shops add up."""

_NO_TIMES = np.empty(0, np.int64)


_Taken: TypeAlias = tuple[
    NDArray[np.int64],
    NDArray[np.int32],
    NDArray[np.float32],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.float32],
]


@dataclass(frozen=True, eq=False)
class Profile:
    """The distinct products of each shopper with how much they count; CSR layout.

    indptr : (n_shoppers + 1,) int64. rows : (m,) int32 products in order of first touch. values : (m,) float32.
    place : (n_events,) int64, where in `rows` an event of the history went, or -1. shares : (n_events,) float32, its
    part of the product's value.
    """

    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    values: NDArray[np.float32]
    place: NDArray[np.int64]
    shares: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        history: History,
        n_known: int,
        strength: Strength = "binary",
        half_life: float = 0.0,
        at: NDArray[np.int64] | None = None,
    ) -> Self:
        """The profile of each row over the first `n_known` products.

        With `half_life` (days) what was touched last that long before `at`, or before the row's last event where `at`
        is None, counts half.
        """
        if history.times is None or not half_life:
            half_life, at = 0.0, None
        if len(history) > FEW:
            return cls._of(_taken(history, n_known), history, strength, half_life, at)
        key = (n_known, strength, half_life, None if at is None else at.tobytes())
        if key not in history.notes:
            if n_known not in history.notes:
                history.notes[n_known] = _taken(history, n_known)
            history.notes[key] = cls._of(history.notes[n_known], history, strength, half_life, at)
        found: Self = history.notes[key]
        return found

    @classmethod
    def _of(
        cls, taken: _Taken, history: History, strength: Strength, half_life: float, at: NDArray[np.int64] | None
    ) -> Self:
        indptr, rows, sums, latest, place, shares = taken
        if strength == "binary":
            values = np.sign(sums)
        elif strength == "log":
            values = np.sign(sums) * np.log1p(np.abs(sums))
        else:
            values = sums
        if half_life:
            ends = _ends(history) if at is None else at
            values = values * _faded(np.repeat(ends, np.diff(indptr)) - latest, half_life)
        return cls(indptr, rows, values.astype(np.float32), place, shares)

    def matrix(self, n_products: int) -> csr_array:
        """(n_shoppers, n_products) float32 of what counts for a product; what counts against it is left out."""
        kept = self.values > 0
        indptr = np.concatenate([[0], np.cumsum(kept)])[self.indptr]
        found = csr_array((self.values[kept], self.rows[kept], indptr.astype(np.int64)), (len(indptr) - 1, n_products))
        found.sort_indices()
        return found

    def spread(self, by_row: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., n_events) what each event carries of amounts (..., m) given by product."""
        padded = np.concatenate([by_row, np.zeros((*by_row.shape[:-1], 1), np.float32)], axis=-1)
        return np.asarray(padded[..., self.place] * self.shares, np.float32)


def matrix_of(history: History, strength: Strength, half_life: float = 0.0, at: int | None = None) -> csr_array:
    """(n_shoppers, n_products) float32 of what counts for a product; made part by part, which takes little beside it.

    at : the moment that is asked about, of all shoppers alike; None = the last event of each.
    """
    data, indices, indptr = [np.empty(0, np.float32)], [np.empty(0, np.int32)], [np.zeros(1, np.int64)]
    for part in history.parts():
        moments = None if at is None else np.full(len(part), at)
        found = Profile.of(part, history.n_products, strength, half_life, moments).matrix(history.n_products)
        data.append(found.data)
        indices.append(found.indices.astype(np.int32, copy=False))
        indptr.append(found.indptr[1:] + indptr[-1][-1])
    arrays = (np.concatenate(data), np.concatenate(indices), np.concatenate(indptr))
    whole = csr_array(arrays, shape=(len(history), history.n_products))
    whole.has_sorted_indices = True
    return whole


def ballots(
    history: History, half_life: float, dated: Literal["last", "first"] = "last"
) -> tuple[Profile, NDArray[np.float64]]:
    """The products of each shopper, and (m,) what the vote for each is worth: 2 ** (days since 2010 / half_life).

    One vote a product, as young as its last event or its first, however often it was taken; none where it was sent
    back.
    """
    profile = Profile.of(history, history.n_products)
    votes = np.where(profile.values > 0, 1.0, 0.0)
    if half_life and history.times is not None:
        first, limits = dated == "first", np.iinfo(np.int64)
        latest = np.full(len(profile.rows), limits.max if first else limits.min)
        (np.minimum if first else np.maximum).at(latest, profile.place, history.times)
        # What is further than a thousand half-lives from then no float can hold: it is taken as that far.
        votes *= np.exp2(np.clip((latest - EPOCH) / DAY / max(half_life, 14.0), -1000, 1000))
    return profile, votes


def latest(profile: Profile, history: History) -> NDArray[np.int64]:
    """(m,) which event of the history was the last of each product."""
    found = np.zeros(len(profile.rows), np.int64)
    known = np.flatnonzero(profile.place >= 0)
    np.maximum.at(found, profile.place[known], known)
    return found


def faded(profile: Profile, history: History, decay: float) -> Profile:
    """The profile with each value times `decay` for every event of its row that came after the product's last."""
    if decay == 1.0 or not len(profile.rows):
        return profile
    after = np.repeat(history.indptr[1:], np.diff(profile.indptr)) - 1 - latest(profile, history)
    return replace(profile, values=(profile.values * np.power(decay, after)).astype(np.float32))


def decays(history: History, half_life: float, at: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
    """(n_events,) 1 at the moment asked about, a half one `half_life` (days) before; 1 where no times are known."""
    if not half_life or history.times is None:
        return np.ones(len(history.products), np.float32)
    ends = _ends(history) if at is None else at
    return _faded(np.repeat(ends, np.diff(history.indptr)) - history.times, half_life)


def _faded(age: NDArray[np.int64], half_life: float) -> NDArray[np.float32]:
    """What is left of 1 at an age in nanoseconds; what is still to come has not faded."""
    return np.asarray(np.exp2(-(np.maximum(age, 0) / (half_life * DAY))), np.float32)


def _ends(history: History) -> NDArray[np.int64]:
    """(n_shoppers,) the time of the last event of each; 0 where there is none."""
    ends = np.zeros(len(history), np.int64)
    some = np.diff(history.indptr) > 0
    if history.times is not None:
        ends[some] = history.times[history.indptr[1:][some] - 1]
    return ends


def _taken(history: History, n_known: int) -> _Taken:
    """The distinct products of each row: what `gather` returns."""
    times = _NO_TIMES if history.times is None else history.times
    found: _Taken = gather(
        frozen(history.indptr), frozen(history.products), frozen(history.weights), frozen(times), n_known
    )
    return found


@lru_cache(maxsize=4)
def everything(n: int) -> Rows:
    """The rows from 0 to n - 1: asked for by this very array, nothing need be compared to see that it is all."""
    rows: Rows = frozen(np.arange(n))
    return rows


def picked(scores: NDArray[np.float32], products: Rows) -> Dense:
    """The columns asked for; the scores themselves where that is all of them in order."""
    n = scores.shape[1]
    if products is everything(n):
        return scores
    # A range from 0 to n - 1 is what n ascending rows between them are.
    whole = len(products) == n > 0 and products[0] == 0 and bool((products[1:] > products[:-1]).all())
    whole = whole and products[-1] == n - 1
    return scores if whole else np.asarray(scores[:, products], np.float32)


def frozen(array: Any) -> Any:
    """A read-only view: arrays just learned and arrays mapped from a file compile to one kernel."""
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view
