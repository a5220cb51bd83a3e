"""How well a recommender does on what happened after it learned."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Context, Recommender, context_rows
from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.data.hits import Hits
from wares.errors import DataError
from wares.recommend.popular import Popular
from wares.tasks import metrics
from wares.tasks.blending import Blend, name_of

DAY = 86_400_000_000_000
"""Nanoseconds."""

Task: TypeAlias = Literal["new", "repeat"]
"""Products a shopper never had, or those had before."""

_SHOPPERS = 50_000  # compared at a time, so that long histories need no more memory

LISTS = {
    "ndcg": metrics.ndcg,
    "recall": metrics.recall,
    "precision": metrics.precision,
    "mrr": metrics.mrr,
    "hit_rate": metrics.hit_rate,
}
"""What is counted of the list of each shopper."""


def split(history: History, until: int | None = None, *, test: float = 0.2) -> tuple[History, History, int]:
    """The events before a moment, those from it on (the same shoppers), and the moment, ns since 1970 UTC.

    Where it is not given it is the start of the UTC day after which about the share `test` of the events fall. Raises
    DataError where there are no times or nothing falls on one side.
    """
    times = history.times
    if times is None or not len(times):
        raise DataError("evaluation needs events with times: nothing says what came before and what after")
    if until is None:
        until = int(np.quantile(times, 1 - test)) // DAY * DAY
    after = times >= until
    if after.all() or not after.any():
        first, last = _day(int(times.min())), _day(int(times.max()))
        raise DataError(f"no event on one side of {_day(until)}; events run from {first} to {last}")
    return history.keep(~after), history.keep(after), until


def wanted(train: History, test: History, task: Task) -> History:
    """What each shopper took in `test`: only products not in their `train`, or only those in it."""
    width = max(train.n_products, test.n_products)
    kept = np.empty(len(test.products), np.bool_)
    for start in range(0, len(test), _SHOPPERS):
        shoppers = np.arange(start, min(start + _SHOPPERS, len(test)))
        first, last = test.indptr[shoppers[0]], test.indptr[shoppers[-1] + 1]
        before = _had(train.take(shoppers), test.take(shoppers), width)
        kept[first:last] = before if task == "repeat" else ~before
    return test.keep(kept & (test.weights > 0))


def _had(train: History, test: History, width: int) -> NDArray[np.bool_]:
    """(n_events,) of `test`, whether the same shopper has the product in `train`."""
    had = np.sort(train.owners() * width + train.products)
    mine = test.owners() * width + test.products
    if not len(had):
        return np.zeros(len(mine), np.bool_)
    place = np.minimum(np.searchsorted(had, mine), len(had) - 1)
    return np.asarray(had[place] == mine)


@dataclass
class _Lists:
    """The answers of one recommender in one task, block by block."""

    hits: list[Hits] = field(default_factory=list)
    auc: list[float] = field(default_factory=list)


def evaluate(
    model: Recommender,
    history: History,
    context: Context = Context(),
    *,
    k: int = 10,
    until: int | None = None,
    max_shoppers: int = 1500,
    tasks: tuple[Task, ...] = ("new", "repeat"),
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Learn from the events before a date, ask for those after it; every product is ranked.

    `model` is not changed: a copy learns. A blend's parts, learned once, stand beside it; popularity always does.
    Returns plain values: protocol, split, and by task and recommender each metric with its 95 % bootstrap interval over
    shoppers, and the paired differences of the model to every other. Raises DataError where there are no times.
    """
    train, test, moment = split(history, until)
    relevant = {task: wanted(train, test, task) for task in tasks}
    asked = _sample(relevant, max_shoppers, seed)
    fitted = clone(model).fit(train, context)
    beside = {} if isinstance(fitted, Blend) else {"popular": Popular().fit(train, context)}
    lists = _ask(fitted, beside, train.take(asked), {t: r.take(asked) for t, r in relevant.items()}, k, context)
    shares = _shares(train)
    name = name_of(model)
    return {
        "protocol": protocol(moment, k, len(asked), tasks),
        "k": k,
        "until": _day(moment),
        "events": {"train": len(train.products), "test": len(test.products)},
        "shoppers": len(asked),
        "tasks": {
            task: _report(found, relevant[task].take(asked), shares, name, resamples, seed)
            for task, found in lists.items()
        },
    }


def protocol(moment: int, k: int, n_shoppers: int, tasks: tuple[Task, ...]) -> str:
    """In words how the numbers came about."""
    said = [
        f"Learned from the events before {_day(moment)} (UTC), tested on those from then on, {n_shoppers:,} shoppers "
        f"drawn at random; every product ranked, the best {k} counted; 95 % bootstrap intervals over shoppers."
    ]
    if "new" in tasks:
        said.append("New: products the shopper never had before; none they had is recommended.")
    if "repeat" in tasks:
        said.append("Repeat: of all products, those the shopper had before and took again.")
    return " ".join(said)


def _sample(relevant: Mapping[Task, History], most: int, seed: int) -> Rows:
    """At most so many shoppers who took something in any task, in their order."""
    there = np.zeros(len(next(iter(relevant.values()))), bool)
    for each in relevant.values():
        there |= np.diff(each.indptr) > 0
    rows = np.flatnonzero(there)
    if not len(rows):
        raise DataError("nothing to evaluate on: no shopper took anything after the date")
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return rows


def _ask(
    model: Recommender,
    beside: Mapping[str, Recommender],
    history: History,
    relevant: Mapping[Task, History],
    k: int,
    context: Context,
) -> dict[Task, dict[str, _Lists]]:
    """The lists of the model, of its parts and of what stands beside it; each is asked once."""
    found: dict[Task, dict[str, _Lists]] = {task: {} for task in relevant}
    for start, scores in _scored(model, beside, history, context):
        block = history.take(slice(start, start + Blend.BLOCK))
        for task, right in relevant.items():
            for name, each in scores.items():
                if name == "repeat" and task == "new":
                    continue  # it ranks what the shopper had, and nothing else
                lists = found[task].setdefault(name, _Lists())
                lists.hits.append(_top(each, block, k, repeats=task == "repeat"))
                for row in range(len(block)):
                    own = block.products[block.indptr[row] : block.indptr[row + 1]]
                    of = right.products[right.indptr[start + row] : right.indptr[start + row + 1]]
                    lists.auc.append(metrics.auc(each[row], of, own if task == "new" else own[:0]))
    return found


def _scored(
    model: Recommender, beside: Mapping[str, Recommender], history: History, context: Context
) -> Iterator[tuple[int, dict[str, Dense]]]:
    """Blocks of shoppers with the scores of every recommender over all products."""
    everything = np.arange(history.n_products)
    for start in range(0, len(history), Blend.BLOCK):
        block = history.take(slice(start, start + Blend.BLOCK))
        asked = context_rows(context, start, start + Blend.BLOCK)
        scores: dict[str, Dense] = {}
        if isinstance(model, Blend):
            mixtures = model.mixtures(block, context=asked)
            scores["blend"] = np.stack([mixture.total() for mixture in mixtures])
            for number in np.flatnonzero(model.weights_).tolist():
                name = name_of(model.parts_[number])
                scores[name] = np.stack([mixture.scores[number] for mixture in mixtures])
        else:
            scores[name_of(model)] = model.score(block, everything, context=asked)
        for name, each in beside.items():
            scores[name] = each.score(block, everything, context=asked)
        yield start, scores


def _top(scores: Dense, block: History, k: int, *, repeats: bool) -> Hits:
    scores = scores.copy()
    if not repeats:
        scores[block.owners(), block.products] = -np.inf
    return Hits.top(scores, k)


def _report(
    found: Mapping[str, _Lists],
    relevant: History,
    shares: NDArray[np.floating],
    model: str,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """By recommender its metrics; and the differences of the model to each other one."""
    values: dict[str, dict[str, metrics.Values]] = {}
    report: dict[str, Any] = {"shoppers": int((np.diff(relevant.indptr) > 0).sum()), "models": {}, "differences": {}}
    for name, lists in found.items():
        hits = Hits(np.concatenate([h.rows for h in lists.hits]), np.concatenate([h.scores for h in lists.hits]))
        judged = metrics.Judged.of(hits, relevant)
        values[name] = {metric: count(judged) for metric, count in LISTS.items()}
        values[name]["auc"] = np.where(judged.n_right > 0, lists.auc, np.nan)
        values[name]["novelty"] = metrics.novelty(hits, shares)
        report["models"][name] = {
            metric: metrics.estimate(each, resamples=resamples, seed=seed).json()
            for metric, each in values[name].items()
        }
        report["models"][name]["coverage"] = round(metrics.coverage(hits, len(shares)), 6)
        report["models"][name]["gini"] = round(metrics.gini(hits, len(shares)), 6)
    for name in values:
        if name != model:
            gap = metrics.difference(values[model]["ndcg"], values[name]["ndcg"], resamples=resamples, seed=seed)
            report["differences"][name] = {"ndcg": gap.json()}
    return report


def _shares(train: History) -> NDArray[np.float64]:
    """(n_products,) the share of shoppers who took each product."""
    counts = np.zeros(train.n_products, np.int64)
    for part in train.parts():
        counts += np.bincount(part.matrix().indices, minlength=train.n_products)
    return np.asarray(counts / max(int((np.diff(train.indptr) > 0).sum()), 1), np.float64)


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1e9, UTC).strftime("%Y-%m-%d")
