"""Recommenders tried on more and more shoppers, the better third going on, within a time."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import clone

from wares.algorithm import Context, Recommender
from wares.data.history import History
from wares.errors import DataError
from wares.tasks.costing import fitted
from wares.tasks.standing import Questions, ndcg

LEAST = 300
"""Shoppers with events that a round learns from at least."""

THIRD = 3
"""Each round learns from so many times the shoppers of the one before; so much the fewer go on."""

LIKE = 2
"""Settings of one recommender that go on at most."""

ASKED = 300
"""Shoppers asked in the first rounds; in the last, all."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A recommender by name, unfitted, and the settings that differ from those it begins with."""

    name: str
    settings: Mapping[str, Any]
    model: Recommender

    @property
    def key(self) -> str:
        """What it is known by in a memory of trials."""
        said = ", ".join(f"{key}={self.settings[key]!r}" for key in sorted(self.settings))
        return f"{self.name}({said})"


@dataclass(frozen=True)
class Trial:
    """One candidate in one round. score : mean NDCG@k, None where it could not be learned. failed : then why.

    shoppers : learned from. seconds : to learn and to answer. peak_mb : of the process while it learned.
    """

    candidate: str
    name: str
    settings: Mapping[str, Any]
    shoppers: int
    score: float | None
    seconds: float
    peak_mb: float = 0.0
    failed: str = ""

    @property
    def rank(self) -> tuple[float, str]:
        """The better, the lesser."""
        return (-self.score if self.score is not None else np.inf, self.candidate)


@dataclass
class Memory:
    """Trials made so far, by candidate and shoppers; `keep` is called after each, so that a crash loses only one."""

    trials: dict[str, Trial] = field(default_factory=dict)
    keep: Callable[["Memory"], None] = lambda memory: None
    resumed: int = 0

    def find(self, candidate: Candidate, shoppers: int) -> Trial | None:
        """The trial of a candidate on so many shoppers, if it was made."""
        return self.trials.get(f"{candidate.key} on {shoppers}")

    def add(self, candidate: Candidate, trial: Trial) -> None:
        """Remember a trial."""
        self.trials[f"{candidate.key} on {trial.shoppers}"] = trial
        self.keep(self)


@dataclass(frozen=True)
class Halved:
    """finals : the last trial of each candidate, those that came farthest first, then the best. left_out : what there
    was no time for."""

    finals: Sequence[Trial]
    left_out: Sequence[str]


def halve(
    candidates: Sequence[Candidate],
    train: History,
    questions: Questions,
    context: Context,
    *,
    seconds: float,
    memory: Memory,
    k: int = 10,
    seed: int = 0,
    clock: Callable[[], float] = perf_counter,
    tell: Callable[[str, float], None] = lambda name, share: None,
) -> Halved:
    """Try candidates in rounds of more and more shoppers; of each round the better third goes on.

    At most `LIKE` settings of a recommender go on, so that unlike ones are left to be blended. A candidate whose like
    took longer than there is time left is passed over, and told in `left_out`. What stands in the memory is not tried
    again. tell : hears what is tried and the share of the time that is gone.

    Source: Jamieson & Talwalkar 2016, arXiv:1502.07943.
    """
    start = clock()
    rounds = _rounds(train, len(candidates), seed)
    few = _some(questions, ASKED)
    left, best, left_out = list(candidates), list[Trial](), list[str]()
    for number, some in enumerate(rounds):
        asked = questions if number == len(rounds) - 1 else few
        found: list[Trial] = []
        for candidate in left:
            known = memory.find(candidate, len(some))
            if known is not None:
                memory.resumed += 1
            elif found and clock() - start + _expected(candidate, len(some), memory) > seconds:
                left_out.append(f"{candidate.key} on {len(some):,} shoppers")
                continue
            else:
                tell(candidate.key, min((clock() - start) / seconds, 1.0))
                known = _tried(candidate, train.take(some), asked, context, len(some), k, clock)
                memory.add(candidate, known)
            found.append(known)
        reached = sorted((each for each in found if each.score is not None), key=lambda each: each.rank)
        if not reached:
            break
        tried = {each.candidate for each in reached}
        best = [*reached, *(each for each in best if each.candidate not in tried)]
        kept = _kept(reached)
        left = [each for each in left if each.key in kept]
    return Halved(best, left_out)


def _kept(reached: Sequence[Trial]) -> set[str]:
    """The better third, of no name more than `LIKE`."""
    counts: Counter[str] = Counter()
    unlike = []
    for each in reached:
        counts[each.name] += 1
        if counts[each.name] <= LIKE:
            unlike.append(each.candidate)
    return set(unlike[: max(THIRD, -(-len(reached) // THIRD))])


def _rounds(train: History, n_candidates: int, seed: int) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
    """The shoppers learned from in each round, each round's among those of the next; all in the last."""
    there = np.flatnonzero(np.diff(train.indptr) > 0)
    order = np.random.default_rng(seed).permutation(there)
    sizes = [len(there)]
    while len(sizes) * np.log(THIRD) < np.log(max(n_candidates, 1)) and sizes[0] // THIRD >= LEAST:
        sizes.insert(0, sizes[0] // THIRD)
    return [np.sort(order[:size]) for size in sizes]


def _some(questions: Questions, n: int) -> Questions:
    """Every so many-th of the shoppers asked."""
    if len(questions) <= n:
        return questions
    return questions.take(np.linspace(0, len(questions) - 1, n).astype(np.int64))


def _expected(candidate: Candidate, shoppers: int, memory: Memory) -> float:
    """Seconds that a trial may take, by the slowest of its name so far; 0 where nothing is known."""
    like = [each for each in memory.trials.values() if each.name == candidate.name]
    return max((each.seconds * max(1.0, shoppers / max(each.shoppers, 1)) for each in like), default=0.0)


def _tried(
    candidate: Candidate,
    train: History,
    questions: Questions,
    context: Context,
    shoppers: int,
    k: int,
    clock: Callable[[], float],
) -> Trial:
    begun = clock()
    about = (candidate.key, candidate.name, dict(candidate.settings), shoppers)
    try:
        model, costs = fitted(clone(candidate.model), train, context)
    except DataError as error:
        return Trial(*about, None, clock() - begun, failed=str(error))
    values = ndcg(model, questions, next(iter(questions.relevant)), k)
    score = float(np.nanmean(values)) if np.isfinite(values).any() else 0.0
    return Trial(*about, round(score, 6), clock() - begun, round(costs.peak_mb, 1))
