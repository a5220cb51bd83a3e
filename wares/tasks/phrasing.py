"""Which few words name a cluster: those that most of its products have, few others do, and that read as a phrase."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ENOUGH = 0.6
"""Of the members, how many should have a word of the name."""

FOREIGN = 0.15
"""Of other clusters' products, how many may have a word of the name."""

SPARE = 0.02
"""How far inside both bounds a name is looked for, since they are measured on samples."""

MOST_WORDS, MOST_GROUPS = 4, 3
"""Words of a name, and groups of them that do not stand side by side."""

BEAM = 10
"""Names under construction that are followed up."""

SHORT, MORE = 0.8, 0.06
"""What a name of one short word, and each group after the first, costs, in the value of the best term."""

MISSED = 10.0
"""What a name costs for each part of the members it should reach and does not, or of others that it should not."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Terms that a name may be made of.

    parts : the words of each, by number. values : (n,) how well each would stand for the cluster alone, above 0.
    whole : (n,) which can be all of a name.
    inside : (n_members, n) whether a member has a word of the term. outside : the same of other clusters' products.
    repeats : for one of them, (n,) which others would say it twice.
    """

    parts: Sequence[tuple[int, ...]]
    values: NDArray[np.float64]
    whole: NDArray[np.bool_]
    inside: NDArray[np.float32]
    outside: NDArray[np.float32]
    repeats: Callable[[int], NDArray[np.bool_]]

    def __len__(self) -> int:
        return len(self.parts)


@dataclass(frozen=True, eq=False)
class Phrase:
    """A name under construction: places of terms in the order they were taken, its words, and who has one of them."""

    terms: tuple[int, ...]
    words: frozenset[int]
    inside: NDArray[np.float32]
    outside: NDArray[np.float32]
    value: float


def phrases(candidates: Candidates) -> list[Phrase]:
    """Names of up to four words in three groups, best first.

    A beam search: every term begins a name, and the best names so far are tried with every further term. A name is
    worth the mean value of its terms, less for what it misses of the two bounds, for one word alone and for each
    further group.
    """
    if not len(candidates):
        return []
    nothing = Phrase(
        (),
        frozenset(),
        np.zeros(len(candidates.inside), np.float32),
        np.zeros(len(candidates.outside), np.float32),
        -np.inf,
    )
    found: dict[frozenset[int], Phrase] = {}
    beam = [nothing]
    for _ in range(MOST_GROUPS):
        grown: dict[frozenset[int], Phrase] = {}
        for phrase in beam:
            for each in _extended(phrase, candidates):
                known = grown.get(each.words)
                if known is None or each.value > known.value:
                    grown[each.words] = each
        beam = sorted(grown.values(), key=_order)[:BEAM]
        found |= {each.words: each for each in beam if each.words not in found or each.value > found[each.words].value}
    return sorted(found.values(), key=_order)


def _order(phrase: Phrase) -> tuple[float, tuple[int, ...]]:
    return -phrase.value, phrase.terms


def _extended(phrase: Phrase, candidates: Candidates) -> list[Phrase]:
    """The phrase with each further term, the best few."""
    free_in, free_out = 1 - phrase.inside, 1 - phrase.outside
    with np.errstate(invalid="ignore"):  # some BLAS kernels raise the flag for lanes that they mask; all here is finite
        covered = (phrase.inside.sum() + free_in @ candidates.inside) / max(len(free_in), 1)
        foreign = (phrase.outside.sum() + free_out @ candidates.outside) / max(len(free_out), 1)
    missed = np.maximum(0, ENOUGH + SPARE - covered) + 2 * np.maximum(0, foreign - FOREIGN + SPARE)
    before = candidates.values[list(phrase.terms)].sum()
    groups = len(phrase.terms) + 1
    sizes = np.array([len(phrase.words) + len(parts) for parts in candidates.parts])
    best = candidates.values.max()
    short = (sizes == 1) & ~candidates.whole
    values = (before + candidates.values) / groups - best * (MORE * (groups - 1) + MISSED * missed + SHORT * short)
    allowed = sizes <= MOST_WORDS
    for at in phrase.terms:
        allowed &= ~candidates.repeats(at)
    order = np.argsort(-values, kind="stable")
    return [
        Phrase(
            (*phrase.terms, at),
            phrase.words | set(candidates.parts[at]),
            np.maximum(phrase.inside, candidates.inside[:, at]),
            np.maximum(phrase.outside, candidates.outside[:, at]),
            float(values[at]),
        )
        for at in order[allowed[order]][:BEAM].tolist()
    ]
