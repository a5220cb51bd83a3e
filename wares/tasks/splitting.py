"""What shoppers did, parted into what may be learned from and what is asked for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from wares.data.history import History
from wares.errors import DataError, SettingError, did_you_mean

DAY = 86_400_000_000_000
"""Nanoseconds."""

Kind: TypeAlias = Literal["time", "last", "random"]
"""By one moment for everybody; each shopper's last event; a share of each shopper's events, drawn."""

Task: TypeAlias = Literal["new", "repeat"]
"""Products a shopper never had, or those had before."""

_SHOPPERS = 50_000  # compared at a time, so that long histories need no more memory


@dataclass(frozen=True, eq=False)
class Split:
    """The same shoppers twice: what is learned from, and what is asked for.

    until : the moment of a split by time, ns since 1970 UTC; else None. said : the split in a sentence.
    """

    train: History
    test: History
    kind: Kind
    until: int | None
    said: str

    def at(self) -> NDArray[np.int64] | None:
        """(n_shoppers,) the moment asked about, where there is one for everybody."""
        return None if self.until is None else np.full(len(self.train), self.until)

    def inner(self, *, seed: int = 0) -> "Split":
        """What is learned from, split again alike: what to choose on, so that nothing is chosen on the test."""
        return parted(self.train, self.kind, seed=seed)


def parted(
    history: History, kind: Kind = "time", *, until: int | None = None, test: float = 0.2, seed: int = 0
) -> Split:
    """Split a history. until : of a split by time, see `split`. test : share of the events asked for.

    Raises SettingError for a kind that there is not, DataError where nothing falls on one side.
    """
    if kind not in get_args(Kind):
        raise SettingError(f"split {kind!r}: there are {', '.join(get_args(Kind))}{did_you_mean(kind, get_args(Kind))}")
    if kind == "time":
        train, after, moment = split(history, until, test=test)
        said = f"Learned from the events before {day(moment)} (UTC), tested on those from then on"
        return Split(train, after, kind, moment, said)
    if until is not None:
        raise SettingError(f"a date parts events by time only; leave it out for a split of kind {kind!r}")
    held = _last(history) if kind == "last" else _drawn(history, test, seed)
    if not held.any():
        raise DataError("no shopper has two events: nothing can be held out of a shopper's own")
    what = "the last event of each shopper" if kind == "last" else f"{test:.0%} of each shopper's events, drawn"
    # What others did later is learned from: a model may know what is to come into fashion.
    said = f"Tested on {what}, learned from all others, later ones of other shoppers among them: gentler than life"
    return Split(history.keep(~held), history.keep(held), kind, None, said)


def split(history: History, until: int | None = None, *, test: float = 0.2) -> tuple[History, History, int]:
    """The events before a moment, those from it on (the same shoppers), and the moment, ns since 1970 UTC.

    Where it is not given it is the start of the UTC day after which about the share `test` of the events fall. Raises
    DataError where there are no times or nothing falls on one side.
    """
    times = history.times
    if times is None or not len(times):
        what = "there are no events" if not history.n_events else "nothing says what came before and what after"
        raise DataError(f"this needs events with times: {what}")
    if until is None:
        until = int(np.quantile(times, 1 - test)) // DAY * DAY
    after = times >= until
    if after.all() or not after.any():
        first, last = day(int(times.min())), day(int(times.max()))
        raise DataError(f"no event on one side of {day(until)}; events run from {first} to {last}")
    return history.keep(~after), history.keep(after), until


def wanted(train: History, test: History, task: Task) -> History:
    """What each shopper took in `test`: only products not in their `train`, or only those in it."""
    width = max(train.n_products, test.n_products)
    kept = np.empty(len(test.products), np.bool_)
    for start in range(0, len(test), _SHOPPERS):
        shoppers = np.arange(start, min(start + _SHOPPERS, len(test)))
        first, last = test.indptr[shoppers[0]], test.indptr[shoppers[-1] + 1]
        before = _had(train.take(shoppers), test.take(shoppers), width)
        kept[first:last] = before if task == "repeat" else ~before
    return test.keep(kept & (test.weights > 0))


def _had(train: History, test: History, width: int) -> NDArray[np.bool_]:
    """(n_events,) of `test`, whether the same shopper has the product in `train`."""
    had = np.sort(train.owners() * width + train.products)
    mine = test.owners() * width + test.products
    if not len(had):
        return np.zeros(len(mine), np.bool_)
    place = np.minimum(np.searchsorted(had, mine), len(had) - 1)
    return np.asarray(had[place] == mine)


def _last(history: History) -> NDArray[np.bool_]:
    """(n_events,) the last event of each shopper who has another."""
    held = np.zeros(len(history.products), np.bool_)
    held[history.indptr[1:][np.diff(history.indptr) > 1] - 1] = True
    return held


def _drawn(history: History, share: float, seed: int) -> NDArray[np.bool_]:
    """(n_events,) about that share of each shopper's events, one at least of those who have another."""
    lengths = np.diff(history.indptr)
    order = np.lexsort((np.random.default_rng(seed).random(len(history.products)), history.owners()))
    place = np.arange(len(order)) - np.repeat(history.indptr[:-1], lengths)
    most = np.where(lengths > 1, np.maximum(np.round(share * lengths), 1), 0)
    held = np.zeros(len(order), np.bool_)
    held[order] = place < np.repeat(most, lengths)
    return held


def sampled(relevant: list[History], most: int, seed: int) -> NDArray[np.int64]:
    """At most so many shoppers who took something in any of the tasks, in their order. Raises DataError for none."""
    there = np.zeros(len(relevant[0]), bool)
    for each in relevant:
        there |= np.diff(each.indptr) > 0
    rows = np.flatnonzero(there)
    if not len(rows):
        raise DataError("nothing to evaluate on: no shopper took anything in what was held out")
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return rows


def day(moment: int) -> str:
    """A moment's day, UTC, such as "2026-01-31"."""
    return datetime.fromtimestamp(moment / 1e9, UTC).strftime("%Y-%m-%d")
