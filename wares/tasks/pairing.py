"""Offers that may be one product: which pairs to look at, and what speaks for and against each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from wares.arrays import Labels, Sparse
from wares.encode import features
from wares.kernels.overlap import CODE, NUMBER, SIZE, WORD, Written, overlap
from wares.tasks.blocking import nearest_pairs
from wares.text.tokens import normal, tokens_of
from wares.text.units import UNITS

EVIDENCE = {
    "words": "words in common, rare ones counting more",
    "letters": "letters in common, whatever stands between them",
    "code": "a model number in common",
    "codes differ": "each has a model number that the other lacks",
    "code lacking": "one has a model number that the other lacks",
    "numbers differ": "each has numbers that the other lacks",
    "sizes differ": "sizes of one unit that differ",
    "rank": "others are nearer to one of them",
    "rival": "the same seller has an offer that fits better",
}
"""What is known of a pair, in the order of the columns of `Pairs.evidence`, and what each says to a person."""

PRIOR = {
    "words": 2.0,
    "letters": 4.0,
    "code": 2.0,
    "codes differ": -4.0,
    "code lacking": -1.0,
    "numbers differ": -0.3,
    "sizes differ": -0.8,
    "rank": -0.7,
    "rival": 1.2,
}
"""What each counts, in log odds, before a catalog has told more."""

PRIOR_BIAS = 1.0
"""Log odds of a pair of which nothing else is known."""

GRAMS = features.Features(words=False, low=3, high=5, columns=2**20)
_SIZE = re.compile(rf"[\d.]+({'|'.join(UNITS)})")
_SHORT = 3  # digits of a number that is a number and no model
_MARGIN = 2.0  # log odds by which a rival may be better; beyond that no more is said


@dataclass(frozen=True, eq=False)
class Pairs:
    """rows (m, 2) int32 of two offers, the lower first, none twice; evidence (m, len(EVIDENCE)) float32."""

    rows: NDArray[np.int32]
    evidence: NDArray[np.float32]

    def prior(self) -> NDArray[np.float64]:
        """(m,) log odds that both are one product, by `PRIOR`."""
        odds: NDArray[np.float64] = np.asarray(self.evidence, np.float64) @ np.array(list(PRIOR.values()))
        return odds + PRIOR_BIAS


def pair_up(texts: Sequence[str], *, sellers: Labels | None = None, near: int = 25) -> Pairs:
    """The pairs of offers worth a look, none of one seller: the `near` nearest of each by words, letters and both.

    sellers : (n,) whose offer each is, -1 where it is not known. Time O(texts x texts that share their n-grams), about
    3 s for 4,000 titles; memory O(n x near).
    """
    words, written = _written(texts)
    letters = features.weighed(found := features.counts(_squashed(texts), GRAMS), _idf(found), sublinear=True)
    letters = _narrowed(letters)
    both = csr_array(hstack([words, letters], format="csr") * np.float32(0.5**0.5))
    rows = _candidates([both, words, letters], near)
    cosines = np.stack([_cosines(words, rows), _cosines(letters, rows)], axis=1)
    known = np.concatenate([cosines, overlap(written, rows)], axis=1)
    ranks = _ranks(rows, cosines.sum(axis=1), len(texts))
    weights = np.array(list(PRIOR.values())[: known.shape[1]])
    margins = _margins(rows, known @ weights, sellers)
    evidence = np.column_stack([known, np.log1p(ranks), margins]).astype(np.float32)
    if sellers is None:
        return Pairs(rows, evidence)
    free = (sellers[rows[:, 0]] != sellers[rows[:, 1]]) | (sellers[rows[:, 0]] < 0)
    return Pairs(rows[free], evidence[free])


# -- texts -----------------------------------------------------------------------------------------------------------


def _written(texts: Sequence[str]) -> tuple[Sparse, Written]:
    """Unit rows of tf-idf over words, and the texts as the kernel reads them."""
    found = tokens_of(texts)
    n = len(texts)
    counts = csr_array(
        (np.ones(len(found.codes), np.float32), found.codes, found.offsets), shape=(n, max(len(found.words), 1))
    )
    counts.sum_duplicates()
    idf = _idf(counts)
    telling = np.log(max(n, 2) / np.maximum(np.bincount(counts.indices, minlength=counts.shape[1]), 1))
    letters, starts = _letters(_squashed(texts))
    spelling, spelling_starts = _letters(found.words)
    units = {name: SIZE + place for place, name in enumerate(UNITS)}
    written = Written(
        counts.indices.astype(np.int32),
        counts.indptr.astype(np.int64),
        np.array([_kind(word, units) for word in found.words] or [WORD], np.int32),
        (telling / np.log(max(n, 2))).astype(np.float32),
        letters,
        starts,
        spelling,
        spelling_starts,
    )
    return features.weighed(counts, idf, sublinear=True), written


def _kind(word: str, units: dict[str, int]) -> int:
    size = _SIZE.fullmatch(word)
    if size:
        return units[size[1]]
    if not any(letter.isdigit() for letter in word):
        return WORD
    return NUMBER if len(word) <= _SHORT and word.replace(".", "").isdigit() else CODE


def _squashed(texts: Sequence[str]) -> list[str]:
    """The letters and digits of each text, with nothing between them: "KD-43 XE" and "kd43xe" are one."""
    return ["".join(filter(str.isalnum, normal(text))) for text in texts]


def _letters(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    return codes, np.concatenate([[0], np.cumsum(lengths)])


def _idf(counts: Sparse) -> NDArray[np.float32]:
    return features.idf([counts], counts.shape[1])


def _narrowed(rows: Sparse) -> Sparse:
    """The same rows without the columns that nothing is in."""
    used, codes = np.unique(rows.indices, return_inverse=True)
    return csr_array((rows.data, codes.astype(np.int32), rows.indptr), shape=(rows.shape[0], max(len(used), 1)))


# -- pairs -----------------------------------------------------------------------------------------------------------


def _candidates(tables: Sequence[Sparse], near: int) -> NDArray[np.int32]:
    """(m, 2) every row of unit tables with the nearest others of it in each, each pair once."""
    n = tables[0].shape[0]
    keys = [nearest_pairs(table, table, near) for table in tables]
    key = np.unique(np.concatenate(keys))
    return np.stack([key // n, key % n], axis=1).astype(np.int32)


def _cosines(rows: Sparse, pairs: NDArray[np.int32], block: int = 50_000) -> NDArray[np.float32]:
    out = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), block):
        some = pairs[start : start + block]
        out[start : start + block] = rows[some[:, 0]].multiply(rows[some[:, 1]]).sum(axis=1)
    return out


def _both_ways(
    pairs: NDArray[np.int32], scores: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    left, right = pairs.astype(np.int64).T
    return np.concatenate([left, right]), np.concatenate([right, left]), np.concatenate([scores, scores]).astype(float)


def _ranks(pairs: NDArray[np.int32], scores: NDArray[np.floating], n: int) -> NDArray[np.int64]:
    """(m,) how many are nearer to either of a pair than the other of it; the greater of the two."""
    left, right, both = _both_ways(pairs, scores)
    order = np.lexsort((right, -both, left))
    starts = np.searchsorted(left[order], np.arange(n))
    rank = np.empty(len(left), np.int64)
    rank[order] = np.arange(len(left)) - starts[left[order]]
    return np.maximum(rank[: len(pairs)], rank[len(pairs) :])


def _margins(pairs: NDArray[np.int32], scores: NDArray[np.floating], sellers: Labels | None) -> NDArray[np.float64]:
    """(m,) by how much the best other offer of the same seller fits better, 0 to -`_MARGIN`; the worse of the two."""
    if sellers is None or not len(pairs):
        return np.zeros(len(pairs))
    left, right, both = _both_ways(pairs, scores)
    sold = sellers[right].astype(np.int64)
    order = np.lexsort((-both, sold, left))
    first = np.concatenate([[True], (np.diff(left[order]) != 0) | (np.diff(sold[order]) != 0)])
    best = both[order][np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))]
    margin = np.empty(len(order))
    margin[order] = np.where(sold[order] >= 0, both[order] - best, 0.0)
    return np.clip(np.minimum(margin[: len(pairs)], margin[len(pairs) :]), -_MARGIN, 0)
