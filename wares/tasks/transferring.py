"""Groups of offers by what judged offers of other products have taught.

What a word is worth differs from category to category: 64gb tells phones apart, silver does not. So each list of offers
first teaches itself (groups without labels, then which words hold within them), and only what is left is learned from
the judged list: how far to trust that, and where to cut.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Matcher
from wares.arrays import Labels
from wares.data.catalog import Catalog
from wares.errors import DataError
from wares.kernels import alike
from wares.kernels.linkage import average_linkage
from wares.match.linear import Linear
from wares.tasks.blocking import candidates
from wares.tasks.grouping import grouping
from wares.tasks.likening import Pairs, Scores
from wares.tasks.matching import NEAR_WITHIN, likened, title_score
from wares.tasks.offers import Offers, Read, unit_rows
from wares.tasks.rivals import rivalry

CUTS = np.arange(0.05, 0.6, 0.03)
"""Mean probabilities within a group that are tried as the least."""

_SURE = 5.0  # pairs of group-mates that a word needs to be judged by itself
_PAIRS = 30_000  # pairs that a list teaches itself by at most
_FLOOR = 0.02


@dataclass(frozen=True, eq=False)
class Evidence:
    """Pairs of a list of offers, (m, 2), and what the list itself says of each, (m, k), 0..1. sellers : (n,)."""

    pairs: Pairs
    table: NDArray[np.float32]
    sellers: Labels | None
    n: int


def evidence(offers: Offers, near: int = NEAR_WITHIN) -> Evidence:
    """What a list of offers says of its pairs, learned from nothing but itself. About 20 s for 4,000 offers."""
    read, sellers = Read.of(offers), offers.sellers
    pairs = candidates(read, near)
    if sellers is not None:
        one, other = sellers[pairs].T
        pairs = pairs[(one != other) | (one < 0)]
    likeness = likened(read, pairs)
    beside = rivalry(pairs, title_score(likeness), sellers)
    labels = alone(offers, near)
    words = _held(read, labels, pairs, sellers)
    odds = _self_taught(np.column_stack([likeness, beside, words]), labels[pairs[:, 0]] == labels[pairs[:, 1]])
    place = np.clip((odds + 20) / 40, 0, 1)
    return Evidence(pairs, np.column_stack([place, beside, words]).astype(np.float32), sellers, len(offers))


def alone(offers: Offers, near: int = NEAR_WITHIN) -> Labels:
    """Groups by the titles alone, without labels."""
    columns = {"id": [str(row) for row in range(len(offers))], "title": list(offers.titles)}
    if offers.sellers is None:
        return grouping(Catalog(pl.DataFrame(columns)), seller=None, near=near).cut()
    sellers = [None if each < 0 else str(each) for each in offers.sellers.tolist()]
    return grouping(Catalog(pl.DataFrame({**columns, "seller": sellers})), near=near).cut()


def _self_taught(table: Scores, same: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(m,) log2 odds by what groups found without labels teach."""
    if same.all() or not same.any():
        return np.zeros(len(same))
    rows = np.random.default_rng(0).permutation(len(same))[:_PAIRS]
    model = Linear(rising=False, folds=1).fit(table[rows], same[rows])
    return np.asarray(model.contributions(table).sum(axis=1) + model.base_, np.float64)


def _held(read: Read, labels: Labels, pairs: Pairs, sellers: Labels | None) -> NDArray[np.float32]:
    """(m, 9) likenesses of titles in which a word weighs what it holds within groups, and their rivals."""
    n, width = len(read), len(read.vocabulary.weights)
    ones = np.ones(len(read.title.words), np.float32)
    counts = csr_array((ones, read.title.words, read.title.starts), shape=(n, width))
    weights = (read.vocabulary.weights * holds(counts, labels, read.vocabulary.fixed)).astype(np.float32)
    vocabulary = read.vocabulary._replace(weights=weights)
    rows = unit_rows(counts, weights)
    cosine = alike.cosines(rows.indptr, rows.indices, rows.data, pairs)
    one = alike.covered(read.title, read.title, True, vocabulary, pairs)
    other = alike.covered(read.title, read.title, True, vocabulary, np.ascontiguousarray(pairs[:, ::-1]))
    low, high = np.minimum(one, other), np.maximum(one, other)
    parts = [cosine, low[:, 0], high[:, 0], 1 - low[:, 1], 1 - high[:, 1], rivalry(pairs, cosine, sellers)]
    return np.column_stack(parts).astype(np.float32)


def holds(counts: csr_array, labels: Labels, fixed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n_words,) of the pairs of group-mates of which one has a word, the share of which both have it.

    counts : (n, n_words) 1 where a text has a word. fixed : (n_words,) words with digits: a word that few groups tell
    of is taken for one of its kind.
    """
    sizes = np.bincount(labels)
    members = csr_array((np.ones(len(labels), np.float32), (labels, np.arange(len(labels)))))
    have = csr_array(members @ counts)
    with_it, size = have.data.astype(np.float64), np.repeat(sizes, np.diff(have.indptr)).astype(np.float64)
    both = np.bincount(have.indices, with_it * (with_it - 1) / 2, counts.shape[1])
    without = size - with_it
    with_one = size * (size - 1) / 2 - without * (without - 1) / 2
    either = np.bincount(have.indices, with_one, counts.shape[1])
    usual = np.zeros(counts.shape[1])
    for kind in (True, False):
        of_kind = fixed == kind
        usual[of_kind] = both[of_kind].sum() / max(either[of_kind].sum(), 1.0)
    return np.asarray((both + _SURE * usual) / (either + _SURE), np.float64)


# -- from list to list -----------------------------------------------------------------------------------------------


def grouped(found: Evidence, probability: Scores, cut: float) -> Labels:
    """(n,) groups, the likeliest merged first while the mean is at least `cut`; no two of one seller."""
    kept = probability > _FLOOR
    values = probability[kept].astype(np.float32)
    return average_linkage(found.pairs[kept], values, found.n, threshold=max(cut, _FLOOR), groups=found.sellers)


def taught(found: Evidence, products: Labels, matcher: Matcher | None = None) -> tuple[Matcher, float]:
    """A matcher and a cut learned from a list of which the product of each offer is known.

    The cut is the one of best pairwise F1 where each half of the products is judged by the other. Raises DataError
    where no two offers are of one product.
    """
    from sklearn.base import clone

    same = products[found.pairs[:, 0]] == products[found.pairs[:, 1]]
    if same.all() or not same.any():
        raise DataError("to learn, some pairs of offers have to be of one product and some of two")
    fresh = Linear(rising=False) if matcher is None else matcher
    half = np.random.default_rng(0).integers(0, 2, int(products.max()) + 1)[products]
    sides = half[found.pairs]
    probability = np.zeros(len(same))
    for side in (0, 1):
        inside = (sides == side).all(axis=1)
        if len(np.unique(same[inside])) < 2:
            return fresh.fit(found.table, same), 0.3
        model = clone(fresh).fit(found.table[inside], same[inside])
        probability += model.probability(found.table) * np.where(inside, 0, np.where((sides != side).all(1), 1, 0.5))
    scores = [pairwise_f1(grouped(found, probability, cut), products) for cut in CUTS]
    return clone(fresh).fit(found.table, same), float(CUTS[int(np.argmax(scores))])


def pairwise_f1(labels: Labels, products: Labels) -> float:
    """F1 over all pairs of offers: grouped together beside being of one product."""

    def pairs(values: NDArray[np.int64]) -> float:
        counts = np.unique(values, return_counts=True)[1]
        return float((counts * (counts - 1) // 2).sum())

    both = np.unique(np.stack([labels, products]), axis=1, return_inverse=True)[1].ravel()
    return 2 * pairs(both) / max(pairs(labels) + pairs(products), 1.0)
