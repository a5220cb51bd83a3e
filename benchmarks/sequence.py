"""How well do networks that read in order, alone and blended, foretell a shopper's next product?

Amazon Beauty, 22,363 shoppers x 12,101 products: the last event of each tests, the one before it validates. All
products are ranked, what the history holds is no candidate, ties count against the model. Settings and weights are
chosen on validation, the test is asked once of each row: of models that learned from all but the last two events, as
the field does it, and of the same that then learned on, as a shop would, from the event that validated. What was
learned is kept in the folder for temporary files, with what it cost.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import gettempdir
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.behaviours import BLOCK, Asked, Sequences, beauty, hits, ndcg, places
from benchmarks.harness import Row, command, needs
from wares.algorithm import Context, Recommender
from wares.arrays import unit
from wares.data.history import History
from wares.recommend.content import Content
from wares.recommend.gru4rec import GRU4Rec
from wares.recommend.markov import Markov
from wares.recommend.sasrec import SASRec
from wares.recommend.sequences import Sequential
from wares.recommend.sessionknn import SessionKNN
from wares.recommend.slim import SLIM

KEPT = Path(gettempdir()) / "wares-sequence"
"""Where learned networks are kept from run to run."""

SEEDS = (0, 1, 2)

SETTINGS: dict[str, Any] = {"dropout": 0.3, "epochs": 30}
"""Of the networks, beside the default ones."""

WIDE: dict[str, Any] = {"width": 128, "dropout": 0.5, "epochs": 60, "rate": 2e-3}
"""Of a network of more numbers, more of them left out and longer learned."""

ONWARD: dict[str, Any] = {"refresh": 6, "rate": 2e-3}
"""Of learning on; set beforehand, for there is nothing left to choose on."""

WEIGHTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.8, 1.2)
"""The weights a part of the blend chooses from, beside 1 of `sasrec`."""

FEW = 2_500
"""Questions of the validation that weights are chosen by."""

ANSWERS = 300
"""Single questions whose time is taken."""

PUBLISHED = {"Markov": 0.0506, "SASRec + sampled softmax (GPU)": 0.0531, "eSASRec (GPU)": 0.0523}
"""NDCG@10 of others on the same file and split."""


class Learned(NamedTuple):
    """A fitted model and what it cost."""

    model: Sequential
    cost: Mapping[str, float]


def run(data: Path) -> Iterator[Row]:
    """How well do networks that read in order, alone and blended, foretell a shopper's next product?"""
    found = beauty(data)
    networks = [learned(SASRec(seed=seed, **SETTINGS), found) for seed in SEEDS]
    yield alone("sasrec", networks, found)
    yield alone("sasrec, 128 wide", [learned(SASRec(seed=seed, **WIDE), found) for seed in SEEDS], found)
    yield alone("gru4rec", [learned(GRU4Rec(**SETTINGS), found)], found)
    onward = [learned_on(each, found) for each in networks]
    yield alone("sasrec, learned on", onward, found, onward=True)
    others = counting(data, found.train)
    weights, best = weighed([each.model for each in networks], others, found)
    yield blended("blend", [each.model for each in networks], others, weights, best, found)
    whole = counting(data, found.test.histories)
    yield blended("blend, learned on", [each.model for each in onward], whole, weights, best, found)


def counting(data: Path, history: History) -> dict[str, Recommender]:
    """The other parts of the blend, learned from a history."""
    vectors = attributes(data, history.n_products)
    return {
        "sessionknn": SessionKNN().fit(history),
        "markov": Markov(backward=0.3, decay=0.5, smoothing=10.0).fit(history),
        "slim": SLIM(decay=0.6).fit(history),
        "content": Content(width=128).fit(history, Context(vectors=vectors)),
    }


def learned(model: Sequential, data: Sequences) -> Learned:
    """The model fitted, or what is kept of the same one."""
    return kept(model, "", lambda: model.fit(data.train))


def learned_on(before: Learned, data: Sequences) -> Learned:
    """A copy that has gone on to learn from all that is before the test, or what is kept of the same one."""
    model = before.model
    model.set_params(**ONWARD)
    return kept(model, "on", lambda: model.partial_fit(data.test.histories))


def kept(model: Sequential, how: str, learn: Callable[[], Sequential]) -> Learned:
    """What is kept of a model of these settings; learned first where nothing is."""
    words = json.dumps([type(model).__name__, how, model.get_params(deep=False)], sort_keys=True)
    folder = KEPT / hashlib.sha256(words.encode()).hexdigest()[:12]
    if not folder.exists():
        wall, cpu = time.perf_counter(), time.process_time()
        learn()
        cost = {"CPU seconds to learn": time.process_time() - cpu, "wall seconds": time.perf_counter() - wall}
        KEPT.mkdir(exist_ok=True)
        folder.with_suffix(".json").write_text(json.dumps(cost))
        model.save(folder)
    return Learned(type(model).load(folder), json.loads(folder.with_suffix(".json").read_text()))


def attributes(data: Path, n: int) -> csr_array:
    """(n, n_attributes) unit rows of what is said of each product, rare attributes counting more."""
    found = json.loads(needs(data, "amazon_seq/Beauty_item2attributes.json").read_text())
    rows = np.concatenate([np.full(len(each), int(key) - 1) for key, each in found.items()])
    columns = np.concatenate([np.array(each) for each in found.values()])
    rare = np.log(n / np.maximum(np.bincount(columns), 1)).astype(np.float32)
    table: csr_array = unit(csr_array((rare[columns], (rows, columns)), shape=(n, len(rare))))
    return table


def alone(name: str, models: Sequence[Learned], data: Sequences, *, onward: bool = False) -> Row:
    """The mean of the seeds, asked once each."""
    tested = [places(each.model, data.test) for each in models]
    runs = [ndcg(each, 10) for each in tested]
    valid = {}
    if not onward:
        valid["NDCG@10, validation"] = float(np.mean([ndcg(places(each.model, data.valid), 10) for each in models]))
    return Row.compared(
        f"{name}, {len(models)} seeds",
        "NDCG@10",
        float(np.mean(runs)),
        {f"{peer} (published)": value for peer, value in PUBLISHED.items()},
        better="more",
        quality={
            "HR@10": float(np.mean([hits(each, 10) for each in tested])),
            "least and greatest NDCG@10": [min(runs), max(runs)],
            **valid,
            **{key: float(np.mean([each.cost[key] for each in models])) for key in models[0].cost},
            "p99 of an answer, CPU ms": answered(models[0].model, data.test),
        },
        runs={"NDCG@10": runs},
        settings={"chosen": repr(models[0].model), "threads": 1},
    )


def answered(model: Recommender, asked: Asked) -> float:
    """The 99th of a hundred answers to one shopper, the ten best products, in CPU milliseconds."""
    spent = []
    for shopper in range(ANSWERS):
        own = asked.histories.one(shopper)
        start = time.process_time()
        model.recommend(own, 10)
        spent.append(time.process_time() - start)
    return float(np.quantile(spent[10:], 0.99)) * 1e3


def weighed(
    networks: Sequence[Recommender], others: Mapping[str, Recommender], data: Sequences
) -> tuple[dict[str, float], float]:
    """The weights of the others beside 1 of the networks, by coordinate search on validation; and NDCG@10 there."""
    few = data.valid.some(FEW, seed=1)
    base = mixed(networks, [1.0 / len(networks)] * len(networks), few)
    tables = {name: scored(part, few) for name, part in others.items()}
    weights = dict.fromkeys(others, 0.0)

    def worth(tried: Mapping[str, float]) -> float:
        total = base.copy()
        for name, weight in tried.items():
            if weight:
                total += np.float32(weight) * tables[name]
        return ndcg(placed(total, few), 10)

    best = worth(weights)
    for name in [*others] * 2:
        for weight in WEIGHTS:
            value = worth({**weights, name: weight})
            if value > best:
                best, weights = value, {**weights, name: weight}
    return weights, best


def blended(
    name: str,
    networks: Sequence[Recommender],
    others: Mapping[str, Recommender],
    weights: Mapping[str, float],
    valid: float,
    data: Sequences,
) -> Row:
    """The parts added up as `Blend` does, each over its greatest score."""
    parts = [*networks, *others.values()]
    every = [1.0 / len(networks)] * len(networks) + [weights[each] for each in others]
    place = np.concatenate([placed(mixed(parts, every, block), block) for block in blocks(data.test)])
    return Row.compared(
        f"{name} of {len(networks)} sasrec and others",
        "NDCG@10",
        ndcg(place, 10),
        {f"{peer} (published)": value for peer, value in PUBLISHED.items()},
        better="more",
        quality={"HR@10": hits(place, 10), f"NDCG@10, validation ({FEW:,} questions)": valid},
        settings={"weights": {"sasrec": 1.0, **weights}},
    )


def blocks(asked: Asked) -> Iterator[Asked]:
    """The questions, some at a time."""
    for start in range(0, len(asked.right), BLOCK):
        rows = slice(start, start + BLOCK)
        yield Asked(asked.histories.take(rows), asked.right[rows])


def mixed(parts: Sequence[Recommender], weights: Sequence[float], asked: Asked) -> NDArray[np.float32]:
    """(n, n_products) the weighted sum of the parts."""
    spoken = [(part, np.float32(weight)) for part, weight in zip(parts, weights, strict=True) if weight]
    total = scored(spoken[0][0], asked) * spoken[0][1]
    for part, weight in spoken[1:]:
        total += scored(part, asked) * weight
    return total


def scored(part: Recommender, asked: Asked) -> NDArray[np.float32]:
    """(n, n_products) its scores over the greatest of each row; 0 of what it cannot say and of what is held."""
    histories = asked.histories
    found = [
        part.score(histories.take(slice(start, start + BLOCK)), np.arange(histories.n_products))
        for start in range(0, len(histories), BLOCK)
    ]
    scores = np.nan_to_num(np.concatenate(found), neginf=0.0)
    scores[histories.owners(), histories.products] = 0
    scores /= np.maximum(scores.max(axis=1, keepdims=True), np.float32(1e-30))
    return scores


def placed(scores: NDArray[np.float32], asked: Asked) -> NDArray[np.int64]:
    """(n,) the place of the right product among those the history does not hold, ties against it."""
    rows = np.arange(len(asked.right))
    own = scores[rows, asked.right]
    held = csr_array(
        (np.ones(asked.histories.n_events, np.float32), asked.histories.products, asked.histories.indptr),
        shape=scores.shape,
    ).toarray()
    held[rows, asked.right] = 0
    return np.asarray(((scores >= own[:, None]) & (held == 0)).sum(axis=1))


if __name__ == "__main__":
    command(run)
