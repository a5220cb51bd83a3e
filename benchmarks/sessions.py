"""How well do the counting and linear recommenders, alone and blended, foretell the next product?

Diginetica: 60,858 prefixes of the last week, what was seen may come again; the sessions of the file are in order of
time, so the place of a session stands for its time. Beauty: the last event of each shopper, what the history holds is
no candidate. All products are ranked, ties count against the model. Settings and weights are chosen on validation
alone, among those listed here; then the test is asked once.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.behaviours import Asked, beauty, diginetica, hits, joined, mrr, ndcg, places
from benchmarks.harness import Row, command
from wares.algorithm import Recommender
from wares.data.history import History
from wares.recommend.associations import Associations
from wares.recommend.ease import EASE
from wares.recommend.itemknn import ItemKNN
from wares.recommend.markov import Markov
from wares.recommend.popular import Popular
from wares.recommend.profile import DAY
from wares.recommend.rp3beta import RP3beta
from wares.recommend.sessionknn import SessionKNN
from wares.recommend.slim import SLIM
from wares.recommend.sparse_ease import SparseEASE
from wares.recommend.userknn import UserKNN
from wares.tasks.blending import Blend

SPAN = 150.0
"""Days that the sessions of Diginetica cover, about."""

MODELS: Mapping[str, Sequence[Recommender]] = {
    "popular": [Popular()],
    "itemknn": [ItemKNN(decay=decay, shrink=shrink) for decay in (0.6, 1.0) for shrink in (10.0, 30.0)],
    "markov": [Markov(), Markov(backward=0.5, smoothing=10.0), Markov(backward=0.3, decay=0.5, smoothing=10.0)],
    "associations": [Associations(decay=decay, min_count=least) for decay in (0.4, 0.6) for least in (1, 2)],
    "sessionknn": [
        SessionKNN(),
        SessionKNN(rare=3.0, again=1.2),
        SessionKNN(rare=3.0, again=1.5, short=0.1),
        SessionKNN(short=0.1, backward=0.35),
    ],
    "userknn": [UserKNN(decay=decay, neighbours=100, rare=rare) for decay in (0.5, 0.7) for rare in (1.0, 2.0)],
    "rp3beta": [RP3beta(decay=0.6, alpha=alpha, beta=beta) for alpha in (0.4, 0.6) for beta in (0.0, 0.2)],
    "slim": [SLIM(decay=0.6), SLIM(decay=0.6, l2=30.0)],
    "sparse_ease": [SparseEASE(decay=0.6), SparseEASE(decay=0.6, regularisation=50.0)],
}
"""The settings each model chooses from."""

WEIGHTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.8)
"""The weights a part of the blend chooses from, beside 1 of the best one."""

UNMIXED = {"popular", "ease"}
"""What has no part in the blend: what speaks for every product, or for what another speaks for too."""

SOME, FEW = 12_000, 4_000
"""Questions of the validation that settings, and weights, are chosen by."""


@dataclass(frozen=True)
class Task:
    """One data set: learned from `train` the choices are made on `valid`, learned from `whole` the test is asked."""

    name: str
    train: History
    valid: Asked
    whole: History
    test: Asked
    repeats: bool
    k: int
    measures: Mapping[str, Callable[..., float]]
    published: Mapping[str, tuple[float, float]]

    def judged(self, model: Recommender, asked: Asked) -> tuple[float, ...]:
        """The measures, in order."""
        place = places(model, asked, repeats=self.repeats)
        return tuple(measure(place, self.k) for measure in self.measures.values())


def sessions_of(data: Path) -> Task:
    """Diginetica, learned from the sessions that validate too before the test is asked."""
    found = diginetica(data)
    whole = joined(found)
    return Task(
        "Diginetica",
        in_order(found.train, len(whole)),
        found.valid,
        in_order(whole, len(whole)),
        found.test,
        repeats=True,
        k=20,
        measures={"P@20": hits, "MRR@20": mrr},
        published={"SR-GNN": (0.507, 0.176), "GCE-GNN": (0.542, 0.190)},
    )


def shoppers_of(data: Path) -> Task:
    """Beauty, learned as the field does it from all but the last two events of each shopper."""
    found = beauty(data)
    return Task(
        "Beauty",
        found.train,
        found.valid,
        found.train,
        found.test,
        repeats=False,
        k=10,
        measures={"HR@10": hits, "NDCG@10": ndcg},
        published={"SASRec + sampled softmax": (0.0921, 0.0531), "eSASRec": (0.0928, 0.0523)},
    )


def in_order(history: History, n: int) -> History:
    """The sessions with times: `n` of them cover the span evenly, in their order."""
    at = (np.arange(len(history)) * (SPAN / n) * DAY).astype(np.int64)
    return replace(history, times=np.repeat(at, np.diff(history.indptr)))


def run(data: Path) -> Iterator[Row]:
    """How well do the counting and linear recommenders, alone and blended, foretell the next product?"""
    for task, more in ((sessions_of(data), {}), (shoppers_of(data), {"ease": _dense()})):
        chosen: dict[str, tuple[Recommender, tuple[float, ...]]] = {}
        for name, candidates in ({**MODELS, **more}).items():
            best, seen = chosen[name] = choose(task, candidates)
            yield row(task, name, best, seen)
        blend, seen = mix(task, chosen)
        yield row(task, f"blend of {', '.join(_named(blend))}", blend, seen)


def _dense() -> list[Recommender]:
    return [EASE(regularisation=each, max_products=12_101) for each in (100.0, 300.0)]


def choose(task: Task, candidates: Sequence[Recommender]) -> tuple[Recommender, tuple[float, ...]]:
    """The one with the greatest sum of measures on some questions of the validation, and its measures."""
    some = task.valid.some(SOME)
    seen = [task.judged(each.fit(task.train), some) for each in candidates]
    best = int(np.argmax([sum(each) for each in seen]))
    return candidates[best], seen[best]


def mix(
    task: Task, chosen: Mapping[str, tuple[Recommender, tuple[float, ...]]]
) -> tuple[Recommender, tuple[float, ...]]:
    """The blend whose weights do best on a few questions of the validation, found one part after another, twice."""
    order = sorted(set(chosen) - UNMIXED, key=lambda name: -sum(chosen[name][1]))
    parts = [chosen[name][0] for name in order]
    said = _said(task, Blend(parts=parts, weights=[1.0] * len(parts), again_weight=0.0).fit(task.train))

    def worth(weights: np.ndarray) -> float:
        place = np.array([_place(amounts, right, weights) for amounts, right in said])
        return sum(measure(place, task.k) for measure in task.measures.values())

    weights = np.zeros(len(parts), np.float32)
    weights[0] = 1
    best = worth(weights)
    for part in [*range(1, len(parts))] * 2:
        for weight in WEIGHTS:
            tried = weights.copy()
            tried[part] = weight
            found = worth(tried)
            if found > best:
                best, weights = found, tried
    kept = np.flatnonzero(weights > 0)
    blend = Blend(
        parts=[parts[number] for number in kept],
        weights=weights[kept].astype(float).round(2).tolist(),
        again_weight=0.0,
    )
    return blend, task.judged(blend.fit(task.train), task.valid.some(SOME))


def _said(task: Task, blend: Blend) -> list[tuple[np.ndarray, int]]:
    """For some questions what each part gives the products that any of them speaks for, and where the right one is."""
    few, found = task.valid.some(FEW, seed=1), []
    for start in range(0, len(few.right), blend.BLOCK):
        block = few.histories.take(slice(start, start + blend.BLOCK))
        for row, mixture in enumerate(blend.mixtures(block)):
            right = few.right[start + row]
            scores = np.stack(mixture.scores[:-1])  # the last is what is taken again
            if not task.repeats:
                scores[:, block.row(row)] = 0
            spoken = np.flatnonzero((scores > 0).any(axis=0))
            place = np.flatnonzero(spoken == right)
            found.append((scores[:, spoken] * mixture.factors[:-1, :1], int(place[0]) if len(place) else -1))
    return found


def _place(amounts: np.ndarray, right: int, weights: np.ndarray) -> int:
    """The place of the right product; far behind where no part speaks for it."""
    scores = weights @ amounts
    return int((scores >= scores[right]).sum()) if right >= 0 and scores[right] > 0 else 10**6


def _named(blend: Any) -> list[str]:
    return [f"{type(part).__name__.lower()} {weight}" for part, weight in zip(blend.parts, blend.weights, strict=True)]


def row(task: Task, name: str, model: Recommender, seen: Sequence[float]) -> Row:
    """Learn from all there is before the test, and ask it."""
    start = time.process_time()
    model.fit(task.whole)
    learned = time.process_time() - start
    start = time.process_time()
    found = task.judged(model, task.test)
    asked = time.process_time() - start
    first, second = task.measures
    return Row.compared(
        f"{task.name}, {len(task.test.right):,} questions: {name}",
        first,
        found[0],
        {f"{peer} (published)": values[0] for peer, values in task.published.items()} if "blend" in name else {},
        better="more",
        quality={
            second: found[1],
            **({f"{p}, {second}": both[1] for p, both in task.published.items()} if "blend" in name else {}),
            **{f"{measure}, validation": value for measure, value in zip(task.measures, seen, strict=True)},
            "CPU seconds to learn": learned,
            "CPU seconds to ask and judge": asked,
        },
        settings={"chosen": repr(model)},
    )


if __name__ == "__main__":
    command(run)
