"""How well recommenders do on what happened after they learned."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone

from wares.algorithm import Context, Recommender, context_rows
from wares.arrays import Dense
from wares.data.history import History
from wares.errors import DataError, SettingError
from wares.recommend.itemknn import ItemKNN
from wares.recommend.popular import Popular
from wares.tasks import metrics
from wares.tasks.blending import Blend, name_of
from wares.tasks.costing import Costs, answering, fitted
from wares.tasks.splitting import Kind, Split, Task, parted
from wares.tasks.standing import COLD, Questions, Standing, ndcg, stand

FEW = 500
"""Shoppers on whom the best simple method is chosen."""

UNSURE = 100
"""Resamples of metrics that nothing is decided by, such as those of cold shoppers."""


def simple() -> dict[str, Recommender]:
    """The simple methods that whatever is more has to beat."""
    return {"plain popular": Popular(), "recent popular": Popular(half_life=30.0), "plain itemknn": ItemKNN()}


def refuse_sampled(negatives: int) -> None:
    """Raises SettingError: metrics on a few drawn products tell another story than those on all."""
    raise SettingError(
        f"sampled metrics are refused: ranking the right product among {negatives} drawn ones, not among all, can turn "
        "round which of two models is the better (Krichene & Rendle 2020, doi:10.1145/3394486.3403226); every product "
        "is ranked here: leave --sampled out"
    )


@dataclass(frozen=True, eq=False)
class Line:
    """The best simple method: fitted, and how all of them did on what was held out of the events learned from."""

    name: str
    model: Recommender
    ndcg: Mapping[str, float]

    def json(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name, "chosen_by": {name: round(each, 6) for name, each in self.ndcg.items()}}


def best_simple(split: Split, context: Context, task: Task, k: int, seed: int) -> Line:
    """The simple method that is best on a split of what is learned from: the test has no part in the choice.

    Plain popularity where the events are too few to be split again.
    """
    models, found = simple(), dict[str, float]()
    try:
        inner = split.inner(seed=seed)
        questions = Questions.of(inner, (task,), context, most=FEW, seed=seed)
    except DataError:
        questions = None
    if questions is not None:
        for name, model in models.items():
            values = ndcg(model.fit(inner.train, context), questions, task, k)
            found[name] = float(np.nanmean(values)) if np.isfinite(values).any() else 0.0
    name = max(found, key=lambda each: found[each]) if found else "plain popular"
    return Line(name, simple()[name].fit(split.train, context), found)


def evaluate(
    model: Recommender,
    history: History,
    context: Context = Context(),
    *,
    k: int = 10,
    until: int | None = None,
    kind: Kind = "time",
    tasks: tuple[Task, ...] = ("new", "repeat"),
    max_shoppers: int = 1500,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Fit a copy on what a split leaves to learn from, ask for the rest, and count; the report is ready for JSON.

    Every product is ranked. `new` asks for products that the shopper never had, `repeat`, with repeats allowed, for
    those bought before and again. A blend is reported beside each of its parts, all beside plain popularity and the
    best simple method, which is chosen on a split of what is learned from. Each metric is a mean over shoppers with a
    95 % bootstrap interval over shoppers; `differences` are those of the model to every other, paired.

    until : ns since 1970 UTC, of a split by time; chosen by itself where it is not given. Raises DataError where
    nothing can be held out.
    """
    split = parted(history, kind, until=until, seed=seed)
    questions = Questions.of(split, tasks, context, most=max_shoppers, seed=seed)
    line = best_simple(split, context, tasks[0], k, seed)
    beside = {"plain popular": Popular().fit(split.train, context), line.name: line.model}
    found = _beside(clone(model).fit(split.train, context), beside, questions, k)
    report = _head(split, questions, k, tasks, line)
    for task, standings in found.items():
        values = {name: each.values(questions) for name, each in standings.items()}
        told = _told(standings, values, questions, line.name, resamples, seed)
        name = name_of(model)
        told["differences"] = {
            other: {"ndcg": _gap(values[name], values[other], resamples, seed)}
            for other in values
            if other != name and name in values  # what ranks only products had before says nothing of new ones
        }
        report["tasks"][task] = told | {"shoppers": int((np.diff(questions.relevant[task].indptr) > 0).sum())}
    return report


def compare(
    models: Mapping[str, Recommender],
    history: History,
    context: Context = Context(),
    *,
    k: int = 10,
    until: int | None = None,
    kind: Kind = "time",
    tasks: tuple[Task, ...] = ("new", "repeat"),
    max_shoppers: int = 1500,
    resamples: int = 1000,
    seed: int = 0,
    tell: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """Several recommenders on one split, as `evaluate` reports one, and what each costs.

    `costs` has of each its seconds to learn, peak memory while it did, megabytes learned, and milliseconds to an answer
    (p50, p99). `over_line` are paired differences to the best simple method. `left_out` names what could not be learned
    from these events, with the reason. tell : hears of each before it is learned.
    """
    if not models:
        raise SettingError("no model to evaluate: name at least one")
    split = parted(history, kind, until=until, seed=seed)
    questions = Questions.of(split, tasks, context, most=max_shoppers, seed=seed)
    line = best_simple(split, context, tasks[0], k, seed)
    standings: dict[Task, dict[str, Standing]] = {task: {} for task in tasks}
    costs: dict[str, Costs] = {}
    left_out: dict[str, str] = {}
    for name, model in {**models, line.name: simple()[line.name]}.items():
        tell(name)
        try:
            made, costs[name] = fitted(model, split.train, context)
        except DataError as error:
            left_out[name] = str(error)
            continue
        for task, standing in stand(made, questions, k).items():
            standings[task][name] = standing
        costs[name] = replace(costs[name], **answering(made, questions, k))
    report = _head(split, questions, k, tasks, line)
    report |= {"costs": {name: each.json() for name, each in costs.items()}, "left_out": left_out}
    for task, found in standings.items():
        values = {name: each.values(questions) for name, each in found.items()}
        told = _told(found, values, questions, line.name, resamples, seed)
        report["tasks"][task] = told | {"shoppers": int((np.diff(questions.relevant[task].indptr) > 0).sum())}
    return report


def _head(split: Split, questions: Questions, k: int, tasks: Sequence[Task], line: Line) -> dict[str, Any]:
    return {
        "protocol": protocol(split, k, len(questions), tasks),
        "k": k,
        "split": split.kind,
        "until": None if split.until is None else split.said.partition("before ")[2][:10],
        "events": {"train": len(split.train.products), "test": len(split.test.products)},
        "shoppers": len(questions),
        "line": line.json(),
        "tasks": {},
    }


def protocol(split: Split, k: int, n_shoppers: int, tasks: Sequence[Task]) -> str:
    """In words how the numbers came about."""
    said = [
        f"{split.said}, {n_shoppers:,} shoppers drawn at random; every product ranked, ties counted against, the best "
        f"{k} counted; 95 % bootstrap intervals over shoppers."
    ]
    if "new" in tasks:
        said.append("New: products the shopper never had before; none they had is recommended.")
    if "repeat" in tasks:
        said.append("Repeat: of all products, those the shopper had before and took again.")
    return " ".join(said)


def _beside(
    model: Recommender, beside: Mapping[str, Recommender], questions: Questions, k: int
) -> dict[Task, dict[str, Standing]]:
    """Where right products stand by the model, by its parts and by what stands beside it; each is asked once."""
    found: dict[Task, dict[str, Standing]] = {task: {} for task in questions.relevant}
    for start, block, scores in _scored(model, beside, questions):
        for task, right in questions.relevant.items():
            for name, each in scores.items():
                if name == "repeat" and task == "new":
                    continue  # it ranks what the shopper had, and nothing else
                found[task].setdefault(name, Standing(k)).add(each, block, right, start, task)
    return found


def _scored(
    model: Recommender, beside: Mapping[str, Recommender], questions: Questions
) -> Iterator[tuple[int, History, dict[str, Dense]]]:
    """Blocks of shoppers with the scores of every recommender over all products."""
    everything = np.arange(questions.history.n_products)
    for start in range(0, len(questions), Blend.BLOCK):
        block = questions.history.take(slice(start, start + Blend.BLOCK))
        asked = context_rows(questions.context, start, start + Blend.BLOCK)
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
        yield start, block, scores


def _told(
    standings: Mapping[str, Standing],
    values: Mapping[str, Mapping[str, metrics.Values]],
    questions: Questions,
    line: str,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """By recommender its metrics, those of the cold apart, and its difference to the best simple method."""
    told: dict[str, Any] = {"models": {}, "over_line": {}}
    n_products = questions.history.n_products
    for name, standing in standings.items():
        hits = standing.listed()
        said: dict[str, Any] = {
            metric: metrics.estimate(each, resamples=resamples, seed=seed).json()
            for metric, each in values[name].items()
        }
        said["coverage"] = round(metrics.coverage(hits, n_products), 6)
        said["gini"] = round(metrics.gini(hits, n_products), 6)
        said["cold"] = _cold(standing, values[name], questions, seed)
        told["models"][name] = said
        if name != line:
            told["over_line"][name] = {"ndcg": _gap(values[name], values[line], resamples, seed)}
    return told


def _cold(
    standing: Standing, values: Mapping[str, metrics.Values], questions: Questions, seed: int
) -> dict[str, dict[str, Any]]:
    """NDCG and recall of shoppers with few events, and of products with few."""
    of_products = standing.judged(len(questions), questions.events <= COLD)
    cold = {
        "shoppers": {name: values[name][questions.cold()] for name in ("ndcg", "recall")},
        "products": {"ndcg": metrics.ndcg(of_products), "recall": metrics.recall(of_products)},
    }
    return {
        which: {name: metrics.estimate(each, resamples=UNSURE, seed=seed).json() for name, each in found.items()}
        for which, found in cold.items()
    }


def _gap(
    ours: Mapping[str, metrics.Values], theirs: Mapping[str, metrics.Values], resamples: int, seed: int
) -> dict[str, Any]:
    return metrics.difference(ours["ndcg"], theirs["ndcg"], resamples=resamples, seed=seed).json()
