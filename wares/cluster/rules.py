"""Pairs, groups and established clusters, read, checked and closed: what may not be together as sets of parts."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Labels, Links
from wares.errors import DataError
from wares.kernels.constraints import check_apart, memberships, one_a_row, pairs_of, parts

Sets = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""The sets of each part (indices, bounds) and the parts of each set (indices, bounds)."""


KINDS = ("must-link", "cannot-link")


@dataclass(frozen=True, eq=False)
class Rules:
    """What `fit` was told about n rows; a part is rows that must be together."""

    must: NDArray[np.int64]
    cannot: NDArray[np.int64]
    groups: Labels | None
    established: Labels | None
    parts: Labels
    first: NDArray[np.int64]
    """(n_parts,) the lowest row of each part."""

    @classmethod
    def read(cls, n: int, y: Any, links: Links | None, groups: Any) -> Self:
        """Rules from what a caller gives. Raises DataError for what contradicts itself, naming the rows."""
        if links is not None and len(links) != 2:
            raise DataError(f"links must be two tables of pairs, must-link and cannot-link; it is {len(links)}")
        must, cannot = (pairs_of(each, n, kind) for each, kind in zip(links or (None, None), KINDS, strict=True))
        established = None if y is None else _whole(y, n)
        if established is not None and not (established >= 0).any():
            established = None
        groups = None if groups is None else one_a_row(groups, n, "groups")
        roots = parts(n, must, established)
        memberships(roots, groups)
        check_apart(roots, cannot, "cannot-link", must)
        first, codes = np.unique(roots, return_inverse=True)
        return cls(must, cannot, groups, established, codes.astype(np.int64), first)

    @property
    def n_parts(self) -> int:
        """How many parts there are."""
        return len(self.first)

    @cached_property
    def held(self) -> Labels:
        """The numbers of the established clusters, ascending."""
        return np.zeros(0, np.int64) if self.established is None else np.unique(self.established[self.established >= 0])

    @cached_property
    def holders(self) -> Labels:
        """The part that each established cluster is."""
        if self.established is None:
            return np.zeros(0, np.int64)
        rows = np.flatnonzero(self.established >= 0)
        _, first = np.unique(self.established[rows], return_index=True)
        return self.parts[rows[first]]

    @cached_property
    def _members(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Parts and sets, of each set that has two parts or more, by set."""
        n = len(self.parts)
        pairs = np.unique(np.sort(self.parts[self.cannot], axis=1), axis=0) if len(self.cannot) else self.cannot
        whose = [pairs.ravel()]
        which = [np.repeat(np.arange(len(pairs)), 2)]
        if self.groups is not None:
            rows = np.flatnonzero(self.groups >= 0)
            whose.append(self.parts[rows])
            which.append(self.groups[rows] + max(n, len(pairs)))
        part, one = np.concatenate(whose), np.concatenate(which)
        _, one, sizes = np.unique(one, return_inverse=True, return_counts=True)
        kept = sizes[one] > 1 if len(one) else np.zeros(0, bool)
        part, one = part[kept], one[kept]
        order = np.lexsort((part, one))
        return part[order], np.unique(one[order], return_inverse=True)[1]

    @cached_property
    def bound(self) -> NDArray[np.int64]:
        """The parts that are in a set or hold a cluster, ascending: those that cannot just go to the nearest."""
        return np.unique(np.concatenate([self._members[0], self.holders]))

    @cached_property
    def sets(self) -> Sets:
        """What may not be together, in places of `bound`."""
        part, one = np.searchsorted(self.bound, self._members[0]), self._members[1]
        order = np.lexsort((one, part))
        bounds_of = np.searchsorted(part[order], np.arange(len(self.bound) + 1))
        bounds = np.searchsorted(one, np.arange((int(one[-1]) if len(one) else -1) + 2))
        return one[order], bounds_of, part, bounds

    def check_room(self, k: int) -> None:
        """Raise DataError naming the rows of a set that has more parts than there are clusters."""
        _, _, members, bounds = self.sets
        sizes = np.diff(bounds)
        if len(sizes) and sizes.max() > k:
            worst = int(sizes.argmax())
            raise DataError(self._too_many(members[bounds[worst] : bounds[worst + 1]], k))

    def no_way(self, k: int, budget: int) -> str:
        """Why no assignment was found: parts that exclude each other, if they are seen."""
        clique = self._clique()
        if len(clique) > k:
            return self._too_many(np.array(clique), k)
        return f"no way was found, in {budget} steps, to put all rows into {k} clusters so that every cannot-link holds"

    def _clique(self) -> list[int]:
        """Parts that exclude each other, grown from the part with the most mates."""
        sets_of, bounds_of, members, bounds = self.sets
        mates = [
            {int(m) for s in sets_of[bounds_of[i] : bounds_of[i + 1]] for m in members[bounds[s] : bounds[s + 1]]} - {i}
            for i in range(len(self.bound))
        ]
        best: list[int] = []
        for start in sorted(range(len(mates)), key=lambda each: -len(mates[each]))[:200]:
            found, left = [start], set(mates[start])
            while left:
                following = max(sorted(left), key=lambda each: len(mates[each] & left))
                found.append(following)
                left &= mates[following]
            best = max(best, found, key=len)
        return best

    def _too_many(self, places: NDArray[np.int64], k: int) -> str:
        rows = self.first[self.bound[np.sort(places)]].tolist()
        shown = ", ".join(map(str, rows[:10])) + (" …" if len(rows) > 10 else "")
        return f"rows {shown} ({len(rows)} of them) may not be together, any two, but there are {k} clusters"


def _whole(y: Any, n: int) -> Labels:
    """(n,) established clusters. Raises DataError."""
    given = np.asarray(y)
    if given.dtype.kind not in "iuf":
        raise DataError(f"Unknown label type: y holds {given.dtype}; it must be numbers of clusters, -1 for none")
    if given.dtype.kind == "f" and np.array_equal(given, np.round(given)):
        given = given.astype(np.int64)
    return one_a_row(given, n, "y, the established clusters,")
