"""Which recommenders suit a shop, with which settings and mixed how: tried on its own events, and checked on others."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Context, Recommender, context_rows
from wares.data.history import History
from wares.errors import DataError, MissingExtra, SettingError
from wares.recommend.newest import Newest
from wares.recommend.popular import Popular
from wares.recommend.repeat import Repeat
from wares.registry import make
from wares.tasks import metrics
from wares.tasks.blending import Blend, name_of
from wares.tasks.costing import Costs, answering, fitted
from wares.tasks.evaluating import Line, best_simple
from wares.tasks.halving import Candidate, Halved, Memory, Trial, halve
from wares.tasks.spaces import in_order, space
from wares.tasks.splitting import Kind, Split, Task, day, parted
from wares.tasks.standing import Questions, ndcg, stand

ENTRIES = 64_000_000
"""Scores of one recommender that are held on the disk at most: shoppers asked x products."""

MOST = 6
"""Recommenders that are mixed at most; of each only its best settings."""

WEIGHTS = (0.1, 0.2, 0.5, 1.0)
"""Weights that a further part is tried with, beside the first, which has 1."""

GAIN = 0.002
"""By what share a further part has to better the mean: less is chance."""

SEARCH = 0.6
"""Share of the time that the search may take; mixing and the check on later events take the rest."""

HALF_LIVES = (30.0, 60.0, 120.0, 240.0)
"""Of `repeat`, which ranks what is bought again: days that are tried."""


@dataclass(frozen=True, eq=False)
class Tuned:
    """What tuning found.

    chosen : unfitted, what to recommend with from now on. better : whether it is another than the shop had. said : it
    all in sentences, warnings among them. report : the same as plain data.
    """

    chosen: Recommender
    better: bool
    said: Sequence[str]
    report: Mapping[str, Any]


def candidates(models: Mapping[str, Recommender]) -> list[Candidate]:
    """Every recommender with every setting to try: first all with their defaults, then in turn."""
    spaces = {name: space(name, models[name]) for name in in_order(list(models))}
    deepest = max((len(each) for each in spaces.values()), default=0)
    return [
        Candidate(name, every[turn], clone(models[name]).set_params(**every[turn]))
        for turn in range(deepest)
        for name, every in spaces.items()
        if turn < len(every)
    ]


def tune(
    models: Mapping[str, Recommender],
    current: Recommender,
    history: History,
    context: Context = Context(),
    *,
    budget: float = 600.0,
    kind: Kind = "time",
    until: int | None = None,
    k: int = 10,
    most: int = 1500,
    memory: Memory | None = None,
    seed: int = 0,
    clock: Callable[[], float] = perf_counter,
    tell: Callable[[str, float], None] = lambda name, share: None,
) -> Tuned:
    """Search among recommenders and their settings, mix the best, and see on later events whether that is better.

    Twice nothing is known that comes later: what to take is chosen on a split of the events before a moment, and what
    was chosen is judged once on those after it, beside what the shop has now, popularity and the best simple method.
    Where it does not beat popularity and what the shop has, each with an interval that excludes 0, nothing is changed.

    models : unfitted, by name; composites and what answers other questions are passed over. budget : seconds, about.
    until, kind : of the split for the check, see `wares.tasks.splitting.parted`. most : shoppers asked. memory : of
    trials, so that a search that broke off goes on. Raises DataError where there are too few events to choose by, and
    SettingError where no model is a candidate.
    """
    if budget <= 0:
        raise SettingError(f"budget={budget}: how many seconds to search, more than 0")
    every = candidates(models)
    if not every:
        raise SettingError(f"nothing to tune among {', '.join(models) or 'no models'}: name recommenders of one part")
    start = clock()
    check = parted(history, kind, until=until, seed=seed)
    choose = check.inner(seed=seed)
    some = max(1, min(most, ENTRIES // max(history.n_products, 1)))
    questions = Questions.of(choose, ("new", "repeat"), context, most=some, seed=seed)
    memory = Memory() if memory is None else memory
    found = halve(
        every,
        choose.train,
        questions,
        context,
        seconds=SEARCH * budget,
        memory=memory,
        k=k,
        seed=seed,
        clock=clock,
        tell=tell,
    )
    if not found.finals:
        raise DataError(f"no model could be learned: {'; '.join(each.failed for each in memory.trials.values())[:500]}")
    tell("mix the best", (clock() - start) / budget)
    best = _best_of_each(found, every)
    mixed, steps = _mixed(best, choose.train, questions, context, k, lambda: clock() - start > 0.8 * budget)
    again = _again(choose.train, questions, context, k)
    chosen: Recommender = _as_blend(mixed, again, current)
    if clock() - start < 0.7 * budget:
        tell("teach a ranker", (clock() - start) / budget)
        chosen = _ordered(chosen, choose.train, questions, context, k, steps)
    tell("check on later events", 0.85)
    # The best alone, with the same that stands in where it has nothing to say, asked of the same shoppers.
    single: Recommender = _as_blend([(mixed[0][0], 1.0)], again, current)
    took = clock() - start
    return _checked(chosen, single, current, check, context, found, steps, memory, most, k, seed, took, kind)


def _best_of_each(found: Halved, every: Sequence[Candidate]) -> list[Candidate]:
    """The best settings of each of the best recommenders, the best first."""
    by_key = {each.key: each for each in every}
    names: dict[str, Candidate] = {}
    for trial in found.finals:
        names.setdefault(trial.name, by_key[trial.candidate])
    return list(names.values())[:MOST]


# -- mixing ----------------------------------------------------------------------------------------------------------


def _mixed(
    best: Sequence[Candidate],
    train: History,
    questions: Questions,
    context: Context,
    k: int,
    late: Callable[[], bool],
) -> tuple[list[tuple[Candidate, float]], list[dict[str, Any]]]:
    """The parts and weights that answer best together, added one at a time as long as that helps; and each step.

    Scores are brought to one scale for each shopper as `Blend` does, and wait on the disk.
    """
    with tempfile.TemporaryDirectory(prefix="wares-tune-") as name:
        tables = []
        for number, candidate in enumerate(best):
            if number and late():
                break
            model = clone(candidate.model).fit(train, context)
            tables.append(_scaled(model, questions, Path(name) / f"{number}.npy"))
        places = _Places(questions, k)
        alone = [float(np.nanmean(places.ndcg([(each, 1.0)]))) for each in tables]
        first = int(np.argmax(alone))
        parts, score = [(first, 1.0)], alone[first]
        steps = [{"added": best[first].key, "weight": 1.0, "ndcg": round(score, 6)}]
        while len(parts) < len(tables) and not (late() and len(parts) > 1):
            tried = {
                (number, weight): float(
                    np.nanmean(places.ndcg([*((tables[n], w) for n, w in parts), (tables[number], weight)]))
                )
                for number in range(len(tables))
                if number not in [n for n, _ in parts]
                for weight in WEIGHTS
            }
            added = max(tried, key=lambda each: tried[each])
            if tried[added] < score * (1 + GAIN):
                break
            parts.append(added)
            score = tried[added]
            steps.append({"added": best[added[0]].key, "weight": added[1], "ndcg": round(score, 6)})
    return [(best[number], weight) for number, weight in parts], steps


def _scaled(model: Recommender, questions: Questions, path: Path, block: int = 64) -> NDArray[np.float32]:
    """(n_shoppers, n_products) on the disk, each row divided by its greatest score of a product not held."""
    n = questions.history.n_products
    out = np.lib.format.open_memmap(path, "w+", np.float32, (len(questions), n))
    everything = np.arange(n)
    for start in range(0, len(questions), block):
        part = questions.history.take(slice(start, start + block))
        scores = np.array(
            model.score(part, everything, context=context_rows(questions.context, start, start + block)), np.float32
        )
        scores[~np.isfinite(scores)] = 0
        free = scores.copy()
        free[part.owners(), part.products] = 0
        greatest = free.max(axis=1, initial=0)
        scores[greatest <= 0] = 0
        out[start : start + block] = scores / np.where(greatest > 0, greatest, 1)[:, None]
    return out


@dataclass(frozen=True, eq=False)
class _Places:
    """NDCG of weighted sums of scores, of products that are new to the shopper."""

    questions: Questions
    k: int

    def ndcg(self, weighted: Sequence[tuple[NDArray[np.float32], float]]) -> metrics.Values:
        right = self.questions.relevant["new"]
        owners, places = [], []
        for row in range(len(self.questions)):
            of = np.unique(right.row(row)).astype(np.int64)
            if not len(of):
                continue
            score = np.zeros(self.questions.history.n_products, np.float32)
            for table, weight in weighted:
                score += np.float32(weight) * table[row]
            owners.append(np.full(len(of), row))
            places.append(metrics.places(score, of, self.questions.history.row(row)))
        if not owners:
            return np.full(len(self.questions), np.nan)
        judged = metrics.Judged.placed(np.concatenate(owners), np.concatenate(places), len(self.questions), self.k)
        return metrics.ndcg(judged)


def _again(train: History, questions: Questions, context: Context, k: int) -> Repeat:
    """What ranks products had before, with the half-life that suits; the default where nobody took one again."""
    models = [Repeat(half_life=days) for days in HALF_LIVES]
    values = [ndcg(model.fit(train, context), questions, "repeat", k) for model in models]
    if not np.isfinite(values[0]).any():
        return Repeat()
    best = int(np.argmax([np.nanmean(each) for each in values]))
    return Repeat(half_life=HALF_LIVES[best])


def _as_blend(mixed: Sequence[tuple[Candidate, float]], again: Repeat, current: Recommender) -> Blend:
    """The parts as one, with what answers a stranger, or in an empty shop, behind them at weight 0."""
    parts = [clone(each.model) for each, _ in mixed]
    weights = [weight for _, weight in mixed]
    names = [name_of(each) for each in parts]
    for last in (Popular(half_life=30.0), Newest()):
        if name_of(last) not in names:
            parts.append(last)
            weights.append(0.0)
    weight = current.again_weight if isinstance(current, Blend) else Blend().again_weight
    return Blend(parts=parts, weights=weights, again=again, again_weight=weight)


def _ordered(
    blend: Recommender,
    train: History,
    questions: Questions,
    context: Context,
    k: int,
    steps: list[dict[str, Any]],
) -> Recommender:
    """The blend, or a hybrid that puts its candidates in order, where that is better and can be had."""
    try:
        hybrid = make(Recommender, "hybrid", base=blend)
    except MissingExtra:
        return blend
    one, other = (np.nanmean(ndcg(clone(each).fit(train, context), questions, "new", k)) for each in (blend, hybrid))
    if other < one * (1 + GAIN):
        return blend
    steps.append({"added": "a ranker (hybrid)", "weight": 1.0, "ndcg": round(float(other), 6)})
    return hybrid


# -- the check -------------------------------------------------------------------------------------------------------


def _checked(
    chosen: Recommender,
    single: Recommender,
    current: Recommender,
    check: Split,
    context: Context,
    found: Halved,
    steps: Sequence[Mapping[str, Any]],
    memory: Memory,
    most: int,
    k: int,
    seed: int,
    seconds: float,
    kind: Kind,
) -> Tuned:
    """What was chosen, once on later events, beside what it has to beat."""
    tasks: tuple[Task, ...] = ("new", "repeat")
    questions = Questions.of(check, tasks, context, most=most, seed=seed)
    line = best_simple(check, context, "new", k, seed)
    rivals = {"chosen": chosen, "now": current, "plain popular": Popular(), "best single": single}
    values: dict[str, dict[Task, metrics.Values]] = {}
    costs: dict[str, Costs] = {}
    for name, model in rivals.items():
        made, cost = fitted(model, check.train, context)
        values[name] = {task: metrics.ndcg(s.judged(len(questions))) for task, s in stand(made, questions, k).items()}
        costs[name] = Costs(**{**vars(cost), **answering(made, questions, k)})
    values[line.name] = {"new": ndcg(line.model, questions, "new", k)}
    gaps = {
        rival: metrics.difference(values["chosen"]["new"], values[rival]["new"], seed=seed)
        for rival in ("now", "plain popular", "best single", line.name)
    }
    means = {
        name: {task: round(float(np.nanmean(each)), 6) for task, each in of.items() if np.isfinite(each).any()}
        for name, of in values.items()
    }
    beats = gaps["plain popular"].low > 0
    better = beats and gaps["now"].low > 0
    report = {
        "protocol": _protocol(check, kind, len(questions), k),
        "chosen": {"steps": list(steps), "model": " ".join(repr(chosen).split())},
        "single": " ".join(repr(single).split()),
        "better": better,
        "ndcg": means,
        "over": {name: each.json() for name, each in gaps.items()},
        "line": line.json(),
        "costs": {name: each.json() for name, each in costs.items()},
        "tried": [vars(each) | {"settings": dict(each.settings)} for each in found.finals],
        "failed": {each.candidate: each.failed for each in memory.trials.values() if each.failed},
        "left_out": list(found.left_out),
        "resumed": memory.resumed,
        "trials": len(memory.trials),
        "seconds": round(seconds, 1),
    }
    return Tuned(
        chosen if better else current, better, _said(report, steps, gaps, line, costs, beats, found.finals), report
    )


def _protocol(check: Split, kind: Kind, n: int, k: int) -> str:
    moment = "" if check.until is None else f" before {day(check.until)}"
    return (
        f"Chosen on a split ({kind}) of the events{moment}, judged once on what comes after, {n:,} shoppers: products "
        f"they never had, every product ranked, ties counted against, NDCG@{k}; 95 % bootstrap intervals over shoppers."
    )


def _said(
    report: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
    gaps: Mapping[str, metrics.Estimate],
    line: Line,
    costs: Mapping[str, Costs],
    beats: bool,
    finals: Sequence[Trial],
) -> list[str]:
    """What it chose, by how much that is better, and at what cost."""
    mix = " + ".join(f"{each['weight']:g} x {each['added']}" for each in steps)
    said = [f"tried {report['trials']:,} settings; best together: {mix}"]
    said += [f"  {each.candidate}: NDCG {each.score:.4f} ({each.seconds:.1f} s)" for each in finals[:6]]
    ndcg_of = report["ndcg"]
    said.append(f"on later events: NDCG {ndcg_of['chosen'].get('new', float('nan')):.4f}")
    for name, words in (
        ("now", "what the shop has now"),
        ("plain popular", "popularity"),
        ("best single", "the best single model"),
        (line.name, f"{line.name}, the best simple method"),
    ):
        if name == line.name and words == "popularity":
            continue  # told as the best simple method
        gap = gaps[name]
        said.append(
            f"  over {words} ({ndcg_of[name].get('new', float('nan')):.4f}): {gap.mean:+.4f}, "
            f"95 % interval [{gap.low:+.4f}, {gap.high:+.4f}]"
        )
    ours, theirs = costs["chosen"], costs["now"]
    said.append(
        f"cost: {ours.seconds:.1f} s to learn (now {theirs.seconds:.1f}), {ours.learned_mb:,.0f} MB learned (now "
        f"{theirs.learned_mb:,.0f}), {ours.p50_ms:.1f} ms an answer, p99 {ours.p99_ms:.1f} (now {theirs.p50_ms:.1f}, "
        f"{theirs.p99_ms:.1f})"
    )
    if not beats:
        said.append("warning: nothing beats popularity on these events for certain; the settings stay as they are")
    elif not report["better"]:
        said.append("that is not better for certain than what the shop has now: the settings stay as they are")
    if report["left_out"]:
        first = report["left_out"][0]
        said.append(f"no time for {len(report['left_out'])} more trials, such as {first}: give a longer --budget")
    return said
