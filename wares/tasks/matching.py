"""The same product across shops: offers to pairs, pairs to probabilities, probabilities to matches or groups."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Matcher
from wares.arrays import Labels, Mask
from wares.data.hits import Hits
from wares.encode.cores import cores
from wares.errors import SettingError
from wares.kernels.linkage import average_linkage
from wares.tasks import rivals
from wares.tasks.blocking import candidates
from wares.tasks.likening import RULES, Pairs, Rule, Scores, liken
from wares.tasks.offers import Offers, Read

COLUMNS: dict[str, Rule] = {**RULES, **rivals.RIVALRY}
"""What is known of a pair, in the order of the columns of its likenesses, and the rule each belongs to."""

NEAR = 15
NEAR_WITHIN = 25
"""Nearest offers of the other catalog that each is compared with; within one catalog, where many may be of one product,
more are asked for."""

_BLOCK = 20_000  # pairs likened at once by one thread
_LEAST = 0.02  # a pair less likely than this is no pair
_TITLE = [list(RULES).index(name) for name in ("words", "letters", "lesser cover")]


@dataclass(frozen=True, eq=False)
class Known:
    """Pairs that somebody judged: rows (m, 2), and whether both are one product (m,)."""

    rows: Pairs
    same: Mask


@dataclass(eq=False)
class Matching:
    """Offers compared: which pairs were looked at, what is known of each, and how likely it is one product.

    sellers : (n,) whose each offer is, -1 where that is not known; of two catalogs, which one it stands in. likeness :
    (m, len(COLUMNS)) float32. probability : (m,). cut : from which on pairs are taken for one product. complete : share
    of the pairs known to be one product that were found worth a look by themselves, None where none is known.
    """

    read: Read
    pairs: Pairs
    likeness: NDArray[np.float32]
    matcher: Matcher
    probability: NDArray[np.float32]
    cut: float
    sellers: Labels | None
    theirs: Mask | None
    complete: float | None = None
    near: int = NEAR
    _scores: Scores = field(default_factory=lambda: np.empty(0), repr=False)

    def __len__(self) -> int:
        return len(self.read)

    @cached_property
    def tops(self) -> NDArray[np.float32]:
        """(n, kept) the best title scores of each offer: the rivals of what comes later."""
        return rivals.tops(self.pairs, self._scores, len(self))

    @cached_property
    def _columns(self) -> Any:
        return self.read.letters.T.tocsr()

    def nearest(self, offer: Offers, near: int, allowed: Mask | None = None) -> NDArray[np.int64]:
        """(m,) rows of the offers whose titles are written most alike, the most alike first."""
        grams = self.read.lexicon.letters(offer.titles)
        scores = np.asarray((grams @ self._columns).todense(), np.float32)
        if allowed is not None:
            scores[:, ~allowed] = 0
        hits = Hits.top(scores, min(near, len(self)))
        return np.asarray(hits.rows[0][hits.scores[0] > 0], np.int64)

    def assigned(self, *, once: bool) -> NDArray[np.int64]:
        """Pairs taken for one product, as rows of `pairs`, the likeliest first; with `once` each offer only once.

        Once is greedy: the likeliest pair first, so that what is sure is never given up for a better sum.
        """
        order = np.lexsort((self.pairs[:, 1], self.pairs[:, 0], -self.probability))
        order = np.asarray(order[self.probability[order] >= self.cut], np.int64)
        if not once:
            return order
        taken, kept = np.zeros(len(self), np.bool_), []
        for pair in order.tolist():
            a, b = self.pairs[pair]
            if not taken[a] and not taken[b]:
                taken[a] = taken[b] = True
                kept.append(pair)
        return np.array(kept, np.int64)

    def groups(self, cut: float | None = None) -> Labels:
        """(n,) which product each offer is, from zero by first offer; no two of one seller in one.

        Merged, the likeliest first, while the mean over all pairs of two groups is at least `cut`; a pair nobody looked
        at counts 0. So one wrong pair does not make two products one.
        """
        return grouped(self, self.probability, self.cut if cut is None else cut)


def grouped(found: Matching, probability: Scores, cut: float) -> Labels:
    """(n,) groups of offers by average linkage of the probabilities given."""
    kept = probability > _LEAST
    return average_linkage(
        found.pairs[kept],
        probability[kept].astype(np.float32),
        len(found),
        threshold=max(cut, _LEAST),
        groups=found.sellers,
    )


def likened(read: Read, pairs: Pairs) -> NDArray[np.float32]:
    """(m, len(RULES)) of many pairs, on all cores."""
    blocks = [pairs[start : start + _BLOCK] for start in range(0, len(pairs), _BLOCK)]
    if not blocks:
        return np.empty((0, len(RULES)), np.float32)
    _ = read.category  # made once, before threads ask for it
    with ThreadPoolExecutor(cores()) as pool:
        return np.concatenate(list(pool.map(lambda block: liken(read, block), blocks)))


def title_score(likeness: Scores) -> NDArray[np.float64]:
    """(m,) 0..1 how alike titles are: what the nearest of an offer are told by."""
    return np.asarray(np.nan_to_num(likeness[:, _TITLE]).mean(axis=1, dtype=np.float64), np.float64)


def compare(
    offers: Offers,
    matcher: Matcher,
    *,
    theirs: Mask | None = None,
    known: Known | None = None,
    near: int = NEAR,
    learn: bool = True,
) -> Matching:
    """Find the pairs worth a look, liken them, learn how likely each is one product, and where to cut.

    theirs : (n,) of two catalogs in one table, which offers are of the other; None to look within one. known : judged
    pairs; those not among the candidates are looked at too. learn : False where the matcher has learned already. Time
    about a minute for 20,000 x 20,000 titles; memory O(pairs x likenesses), 160 bytes each.

    Raises SettingError.
    """
    if near < 1:
        raise SettingError(f"near={near}: how many of the nearest are looked at, 1 or more")
    read = Read.of(offers)
    sellers = theirs.astype(np.int64) if theirs is not None else offers.sellers
    pairs = candidates(read, near, theirs)
    if sellers is not None and theirs is None:
        one, other = sellers[pairs].T
        pairs = pairs[(one != other) | (one < 0)]
    pairs, complete, places = _with_known(pairs, known, len(read))
    likeness = likened(read, pairs)
    scores = title_score(likeness)
    likeness = np.column_stack([likeness, rivals.rivalry(pairs, scores, sellers)])
    cut = 0.5
    if learn and known is not None:
        cut = _learned(matcher, likeness[places], known.same, groups=pairs[places, 0])
    elif learn and len(pairs):
        matcher.fit(likeness)
    probability = matcher.probability(likeness)
    return Matching(read, pairs, likeness, matcher, probability, cut, sellers, theirs, complete, near, scores)


def _with_known(pairs: Pairs, known: Known | None, n: int) -> tuple[Pairs, float | None, NDArray[np.int64]]:
    """Candidates and judged pairs, each once; the share of those judged the same that were candidates; their places."""
    if known is None:
        return pairs, None, np.empty(0, np.int64)
    keys = pairs[:, 0].astype(np.int64) * n + pairs[:, 1]
    wanted = np.sort(known.rows, axis=1).astype(np.int64) @ np.array([n, 1])
    found = np.isin(wanted, keys)
    every = np.union1d(keys, wanted)
    complete = float(found[known.same].mean()) if known.same.any() else None
    return np.stack([every // n, every % n], axis=1).astype(np.int32), complete, np.searchsorted(every, wanted)


def _learned(matcher: Matcher, likeness: Scores, same: Mask, groups: NDArray[np.int32]) -> float:
    """Fit a matcher to judged pairs; returns the probability from which on taking pairs gives the best F1."""
    from sklearn.base import clone

    unseen = np.zeros(len(same))
    fold = np.unique(groups, return_inverse=True)[1] % _FOLDS
    for number in range(_FOLDS):
        out = fold == number
        if not out.any():
            continue
        if len(np.unique(same[~out])) < 2:
            matcher.fit(likeness, same)
            return 0.5
        unseen[out] = clone(matcher).fit(likeness[~out], same[~out]).probability(likeness[out])
    matcher.fit(likeness, same)
    return best_cut(unseen, same)


_FOLDS = 3


def best_cut(probability: Scores, same: Mask) -> float:
    """The probability from which on taking pairs for one product gives the best F1, between two that occur."""
    order = np.argsort(-probability, kind="stable")
    taken = np.arange(1, len(order) + 1)
    f1 = 2 * np.cumsum(same[order]) / (taken + same.sum())
    values = np.append(probability[order], 0.0)
    last = values[:-1] > values[1:]  # equal ones are taken together
    best = int(np.argmax(np.where(last, f1, -1)))
    return float(np.clip((values[best] + values[best + 1]) / 2, 0.02, 0.98))


# -- what comes later ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Later:
    """One offer that came later and what it may be one product with, the likeliest first.

    rows : (m,) of the matching. likeness : (m, len(COLUMNS)). probability : (m,). read, pairs : the offer as row 0
    with those it was compared with, and the pairs of that.
    """

    rows: NDArray[np.int64]
    likeness: NDArray[np.float32]
    probability: NDArray[np.float32]
    read: Read
    pairs: Pairs


def later(found: Matching, offer: Offers, *, allowed: Mask | None = None, seller: int = -1) -> Later:
    """Compare one new offer with its nearest; nothing else is looked at again. Some milliseconds.

    allowed : (n,) rows it may be matched with. seller : whose it is, so that it is none of that seller's.
    """
    rows = found.nearest(offer, found.near * 2, allowed)
    if found.sellers is not None and seller >= 0:
        rows = rows[found.sellers[rows] != seller]
    read = Read.of(offer.followed_by(found.read.offers.take(rows)), found.read.lexicon)
    pairs = np.stack([np.zeros(len(rows)), np.arange(1, len(rows) + 1)], axis=1).astype(np.int32)
    likeness = liken(read, pairs)
    scores = title_score(likeness)
    sold = None if found.sellers is None else np.concatenate([[-1], found.sellers[rows]])
    own = rivals.side(pairs[:, 0], pairs[:, 1], scores, sold)
    other = rivals.against(scores, found.tops[rows], once=found.theirs is not None)
    likeness = np.column_stack([likeness, rivals.both_sides(own, other)])
    probability = found.matcher.probability(likeness)
    order = np.argsort(-probability, kind="stable")
    return Later(rows[order], likeness[order], probability[order], read, pairs[order])


def joins(found: Matching, labels: Labels, come: Later, seller: int = -1) -> int:
    """The group that an offer which came later belongs to, -1 for none: the likeliest on average of those that have
    no offer of its seller."""
    totals: dict[int, float] = {}
    for row, probability in zip(come.rows.tolist(), come.probability.tolist(), strict=True):
        totals[int(labels[row])] = totals.get(int(labels[row]), 0.0) + probability
    best, most = -1, found.cut
    for label, total in totals.items():
        members = np.flatnonzero(labels == label)
        if seller >= 0 and found.sellers is not None and (found.sellers[members] == seller).any():
            continue
        if total / len(members) >= most:
            best, most = label, total / len(members)
    return best
