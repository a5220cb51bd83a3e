"""How well is told which films a shopper rates?

MovieLens-100k, 25 % of each shopper's ratings held out at random, for five seeds; every rating counts as wanted, every
film not in the history is ranked, ties count against the model. Settings and the weights of the blend are chosen for
each seed anew, on a quarter held out of its training part; the test part is asked once.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.behaviours import movielens
from benchmarks.harness import OURS, Row, command
from wares.algorithm import Recommender
from wares.data.history import History
from wares.data.hits import Hits
from wares.recommend.als import ALS
from wares.recommend.bpr import BPR
from wares.recommend.ease import EASE
from wares.recommend.itemknn import ItemKNN
from wares.recommend.logistic import Logistic
from wares.recommend.mf import MF
from wares.recommend.popular import Popular
from wares.recommend.rp3beta import RP3beta
from wares.recommend.slim import SLIM
from wares.recommend.svd import SVD
from wares.recommend.userknn import UserKNN
from wares.tasks import metrics
from wares.tasks.blending import name_of

SEEDS = (0, 1, 2, 3, 4)
K = 10

MODELS: Sequence[Sequence[Recommender]] = (
    [Popular()],
    [ItemKNN(neighbours=200, shrink=50.0)],
    [UserKNN(neighbours=100)],
    [RP3beta(alpha=1.0, beta=0.3)],
    [EASE(regularisation=each) for each in (200.0, 350.0, 500.0)],
    [SLIM(l1=0.5, l2=200.0)],
    [ALS(unobserved=0.1, regularisation=each) for each in (0.02, 0.03, 0.045)],
    [SVD(factors=16, damping=0.0, regularisation=30.0)],
    [MF(negatives=8, regularisation=0.02, rating_epochs=1)],
)
"""The settings each model chooses from. One alone was chosen before, of up to twelve, on the same cut of seed 0."""

SLOW: Sequence[Recommender] = [BPR(negatives=8, epochs=20), Logistic(regularisation=0.03)]
"""Models that stand beside the others on the first seed alone."""

ROUNDS = 8
"""Times that a model is added to the blend: the weights are how often each was."""


def cut(history: History, seed: int, share: float = 0.25) -> tuple[History, History]:
    """A share of each shopper's events held out at random."""
    rng = np.random.default_rng([seed, 17])
    held = np.zeros(history.n_events, np.bool_)
    for shopper in range(len(history)):
        own = np.arange(history.indptr[shopper], history.indptr[shopper + 1])
        held[rng.permutation(own)[: round(share * len(own))]] = True
    return history.keep(~held), history.keep(held)


def scores_of(model: Recommender, train: History) -> NDArray[np.float32]:
    """Of every product not in the history."""
    scores = np.array(model.score(train, np.arange(train.n_products)), np.float32)
    scores[train.owners(), train.products] = -np.inf
    return scores


def judged(scores: NDArray[np.float32], test: History) -> float:
    """NDCG@10."""
    return float(np.nanmean(metrics.ndcg(metrics.Judged.of(Hits.top(scores, K), test))))


def settings_of(model: Recommender) -> dict[str, Any]:
    """The settings that are not the default ones."""
    usual = type(model)().get_params(deep=False)
    return {name: value for name, value in model.get_params(deep=False).items() if value != usual[name]}


def mixed(scores: Sequence[NDArray[np.float32]], weights: Sequence[float]) -> NDArray[np.float32]:
    """The weighted sum of the scores, each divided by the greatest of its shopper, as `Blend` does."""
    total = np.zeros_like(scores[0])
    for each, weight in zip(scores, weights, strict=True):
        if weight:
            total += weight * (each / np.maximum(each.max(axis=1, keepdims=True), np.float32(1e-9)))
    return total


def weights_of(scores: Sequence[NDArray[np.float32]], test: History) -> list[float]:
    """How often each model was added to the blend, each time the one that does the most for it."""
    counts = [0.0] * len(scores)
    total, scaled = np.zeros_like(scores[0]), [mixed([each], [1.0]) for each in scores]
    for _ in range(ROUNDS):
        best = int(np.argmax([judged(total + each, test) for each in scaled]))
        total += scaled[best]
        counts[best] += 1
    return counts


def trained(model: Any, train: History) -> NDArray[np.float32]:
    """The scores by the vectors that the shoppers had in training, which the model itself does not keep."""
    found = model.factorise(model._taken(train))
    scores = found[0] @ found[1].T + (found[2] if len(found) > 2 else 0)
    scores[:, model.shoppers_of_ == 0] = -np.inf
    scores[train.owners(), train.products] = -np.inf
    return np.asarray(scores, np.float32)


def by_seed(call: Callable[[int], Any]) -> list[Any]:
    """What a call gives for each seed, in processes side by side: WARES_WORKERS of them, or one for each core."""
    workers = int(os.environ.get("WARES_WORKERS", os.cpu_count() or 1))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(call, SEEDS))


def one_seed(data: Path, seed: int) -> tuple[dict[str, float], dict[str, dict[str, Any]]]:
    """NDCG@10 by model, and what was chosen."""
    whole = movielens(data, seed)
    train, valid = cut(whole.train, seed)
    chosen, said, at_hand = [], [], {}
    for each in MODELS:
        tried = [(model, scores_of(model.fit(train), train)) for model in each]
        best = max(range(len(tried)), key=lambda n: judged(tried[n][1], valid))
        chosen.append(tried[best][0])
        said.append(tried[best][1])
    weights = weights_of(said, valid)
    found, settings = {}, {}
    final = []
    for model in chosen:
        final.append(scores_of(model.fit(whole.train), whole.train))
        found[name_of(model)] = judged(final[-1], whole.test)
        settings[name_of(model)] = settings_of(model)
        if isinstance(model, (ALS, MF)):
            at_hand[f"{name_of(model)}, vectors as trained"] = judged(trained(model, whole.train), whole.test)
    for model in SLOW if seed == SEEDS[0] else []:
        name = name_of(model)
        found[name] = judged(scores_of(model.fit(whole.train), whole.train), whole.test)
        at_hand[f"{name}, vectors as trained"] = judged(trained(model, whole.train), whole.test)
        settings[name] = settings_of(model)
    found["blend"] = judged(mixed(final, weights), whole.test)
    settings["blend"] = {name_of(model): weight for model, weight in zip(chosen, weights, strict=True) if weight}
    return found | at_hand, settings


def run(data: Path) -> Iterator[Row]:
    """How well is told which films a shopper rates?"""
    found: dict[str, list[float]] = {}
    chosen: dict[str, list[Any]] = {}
    for values, settings in by_seed(partial(one_seed, data)):
        for name, value in values.items():
            found.setdefault(name, []).append(value)
        for name, each in settings.items():
            chosen.setdefault(name, []).append(each)
    published = {"BPR": 0.442, "BiVAE": 0.475}
    for name, values in found.items():
        yield Row.compared(
            f"{name}: MovieLens-100k, 75/25 by shopper",
            f"NDCG@{K}, mean of {len(values)} seeds",
            float(np.mean(values)),
            {f"{each}, as published": value for each, value in published.items()},
            better="more",
            runs={OURS: values},
            settings={"chosen on a quarter of the training part, by seed": chosen.get(name, [])},
        )


if __name__ == "__main__":
    command(run)
