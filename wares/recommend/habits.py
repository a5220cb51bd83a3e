"""How a shopper takes a product: how often, how lately, how regularly; told by baskets and by days."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wares.data.history import History
from wares.recommend.profile import DAY

DAYS = (7.0, 30.0, 90.0)
"""Half-lives in days over which baskets with the product are counted."""

BASKETS = (3.0, 10.0, 30.0)
"""The same in baskets."""

LITTLE = 0.01
"""Added before a logarithm is taken."""

NAMES = (
    "baskets with it",
    *(f"the same, half-life {each:g} days" for each in DAYS),
    *(f"the same, half-life {each:g} baskets" for each in BASKETS),
    "share of the baskets",
    "days since",
    "days between",
    "more than once",
    "far from due",
    "over due",
    "basket size",
    "baskets",
)
"""The columns of `Habits.table`."""


@dataclass(frozen=True, eq=False)
class Habits:
    """The distinct products of some shoppers, those sent back left out.

    owners, products : (m,) int64. counts : (m,) baskets with it. table : (m, len(NAMES)) float32.
    """

    owners: NDArray[np.int64]
    products: NDArray[np.int64]
    counts: NDArray[np.int64]
    table: NDArray[np.float32]

    @classmethod
    def of(cls, history: History) -> "Habits":
        """Days and baskets are counted back from the last basket of each shopper."""
        back, n_baskets = from_the_end(history)
        ends = np.maximum(history.indptr[1:] - 1, 0)
        if history.times is None or not len(history.products):
            age = back.astype(np.float64)
        else:
            age = (np.repeat(history.times[ends], np.diff(history.indptr)) - history.times) / DAY
        # One line for each basket with the product: the same key twice in a basket counts once.
        key = history.owners() * history.n_products + history.products
        order = np.lexsort((back, key))
        key, back, age, weights = key[order], back[order], age[order], history.weights[order]
        new = np.ones(len(key), bool)
        new[1:] = key[1:] != key[:-1]
        first = new.copy()
        first[1:] |= back[1:] != back[:-1]
        place = np.cumsum(new) - 1
        kept = np.bincount(place, weights=weights, minlength=int(new.sum())) > 0
        numbers = np.cumsum(kept) - 1
        first &= kept[place] & (weights > 0) if len(key) else first
        place = numbers[place][first]
        back, age, m = back[first], np.maximum(age[first], 0), int(kept.sum())
        owners, products = np.divmod(key[new][kept], max(history.n_products, 1))
        counts = np.bincount(place, minlength=m)
        columns = [np.log(counts + LITTLE)]
        for half_lives, far in ((DAYS, age), (BASKETS, back)):
            columns += [
                np.log(np.bincount(place, weights=np.exp2(-far / each), minlength=m) + LITTLE) for each in half_lives
            ]
        since, longest = np.full(m, np.inf), np.zeros(m)
        np.minimum.at(since, place, age)
        np.maximum.at(longest, place, age)
        since = np.where(np.isfinite(since), since, 0)
        often = counts > 1
        between = np.where(often, (longest - since) / np.maximum(counts - 1, 1), 0)
        due = np.where(often, np.log((1 + since) / (1 + between)), 0)
        of_owner = np.maximum(n_baskets[owners], 1)
        sizes = np.diff(history.indptr)[owners] / of_owner
        columns += [np.log((counts + LITTLE) / of_owner), np.log1p(since), np.log1p(between) * often, often]
        columns += [np.abs(due), due, np.log(sizes), np.log(of_owner)]
        return cls(owners, products, counts, np.stack(columns, axis=1).astype(np.float32))


def from_the_end(history: History) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n_events,) how many baskets came after that of each event, and (n_shoppers,) how many there are.

    Where baskets are not known the events of a day are one, and without times each is one of its own.
    """
    owners = history.owners()
    new = np.ones(len(owners), bool)
    marks = history.baskets if history.baskets is not None else history.times
    if marks is not None:
        marks = marks if history.baskets is not None else marks // DAY
        new[1:] = (marks[1:] != marks[:-1]) | (owners[1:] != owners[:-1])
    n_baskets = np.bincount(owners[new], minlength=len(history))
    number = np.cumsum(new) - 1
    return np.asarray((np.cumsum(n_baskets) - 1)[owners] - number), n_baskets
