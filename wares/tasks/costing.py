"""What a recommender costs: time to learn, memory, and time to an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import clone

from wares.algorithm import Algorithm, Context, Recommender, context_rows
from wares.data.history import History
from wares.measure import Stopwatch
from wares.tasks.standing import Questions

ASKED = 200
"""Shoppers whose answers are timed, one by one."""

WARM = 5
"""Answers before the first that is timed: what is compiled or read at first use is not what an answer costs."""


@dataclass(frozen=True)
class Costs:
    """seconds, cpu_seconds : to learn. peak_mb : the process's memory while it did. learned_mb : of arrays learned.

    p50_ms, p99_ms : to an answer of k products without reasons, NaN where nobody was asked.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    learned_mb: float
    p50_ms: float = float("nan")
    p99_ms: float = float("nan")

    def json(self) -> dict[str, float | None]:
        """Plain values, rounded."""
        return {name: None if np.isnan(each) else round(each, 6) for name, each in vars(self).items()}


def fitted(model: Recommender, history: History, context: Context) -> tuple[Recommender, Costs]:
    """A copy, fitted, and what that took. Raises DataError as `fit` does."""
    watch = Stopwatch()
    made: Recommender = clone(model).fit(history, context)
    costs = Costs(watch.seconds, watch.cpu_seconds, watch.peak_mb, learned_bytes(made) / 1e6)
    return made, costs


def answering(model: Recommender, questions: Questions, k: int) -> dict[str, float]:
    """`p50_ms` and `p99_ms` of answers to single shoppers."""
    took = []
    for row in range(min(len(questions), ASKED + WARM)):
        one, context = questions.history.one(row), context_rows(questions.context, row, row + 1)
        start = perf_counter()
        model.recommend(one, k, context=context)
        took.append((perf_counter() - start) * 1000)
    timed = took[WARM:] or took
    return {"p50_ms": float(np.percentile(timed, 50)), "p99_ms": float(np.percentile(timed, 99))}


def learned_bytes(algorithm: Algorithm) -> int:
    """Bytes of all that an algorithm and its parts have learned."""
    return sum(_bytes(each) for each in algorithm.learned().values())


def _bytes(value: Any) -> int:
    if isinstance(value, Algorithm):
        return learned_bytes(value)
    if isinstance(value, csr_array):
        return sum(int(each.nbytes) for each in (value.data, value.indices, value.indptr))
    if hasattr(value, "nbytes"):
        return int(value.nbytes)
    if isinstance(value, (bytes, str)):
        return len(value)
    if isinstance(value, Mapping):
        return sum(_bytes(each) for each in value.values())
    if isinstance(value, Sequence):
        return sum(_bytes(each) for each in value)
    return 8
