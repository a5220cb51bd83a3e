"""How good are recommendations of a shop that has seen few events, from none upward?

The demo shop as if it had opened so many events before a day: they are learned from, and what shoppers take in the
month after it is asked for, of products they have not had in those events. Every product ranked, ties counted against.
Chosen on October 2017, shown for November.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Row, command
from benchmarks.shops import demo, moment
from wares.algorithm import Context, Recommender
from wares.data.history import History
from wares.errors import DataError
from wares.recommend.content import Content
from wares.recommend.itemknn import ItemKNN
from wares.recommend.newest import Newest
from wares.recommend.popular import Popular
from wares.tasks import metrics
from wares.tasks.blending import Blend
from wares.tasks.splitting import Split
from wares.tasks.standing import Questions, ndcg

EVENTS = (0, 10, 100, 1_000, 10_000, 100_000, None)
ASKED = 250
MONTH = 30 * 86_400_000_000_000


def models() -> dict[str, Recommender]:
    """Ours and the simple methods, as a shop has them that says nothing."""
    return {
        "blend": Blend(),
        "popular": Popular(),
        "recent popular": Popular(half_life=30.0),
        "itemknn": ItemKNN(),
        "content": Content(),
        "newest": Newest(),
    }


def run(data: Path, day: str = "2017-11-01") -> Iterator[Row]:
    """What is the blend worth at each number of events, beside the best simple method there?"""
    with demo() as now:
        at = moment(day)
        later = now.history.keep((now.history.times >= at) & (now.history.times < at + MONTH))
        before = now.history.keep(now.history.times < at)
        for n in EVENTS:
            train = latest(before, n)
            values = judged(train, later, now.context, at)
            yield row(n, values, day, train.n_events)


def latest(history: History, n: int | None) -> History:
    """The last n events of all, everything for None."""
    if n is None or n >= history.n_events:
        return history
    kept = np.zeros(history.n_events, bool)
    if n:
        kept[np.argsort(history.times, kind="stable")[-n:]] = True
    return history.keep(kept)


def judged(train: History, later: History, context: Context, at: int) -> Mapping[str, metrics.Values]:
    """NDCG@10 of each recommender, one number a shopper; what cannot be learned answers nothing."""
    split = Split(train, later, "time", at, "")
    questions = Questions.of(split, ("new",), context, most=ASKED)
    found: dict[str, NDArray[np.float64]] = {}
    for name, model in models().items():
        try:
            fitted = model.fit(train, replace(context, created=None))
        except DataError:
            found[name] = np.where(np.diff(questions.relevant["new"].indptr) > 0, 0.0, np.nan)
            continue
        found[name] = ndcg(fitted, questions, "new")
    return found


def row(n: int | None, values: Mapping[str, metrics.Values], day: str, events: int) -> Row:
    """The blend beside each simple method, and its paired difference to the best of them."""
    means = {name: round(float(np.nanmean(each)), 5) for name, each in values.items()}
    simple = {name: each for name, each in means.items() if name != "blend"}
    best = max(simple, key=lambda name: simple[name])
    gap = metrics.difference(values["blend"], values[best])
    return Row.compared(
        f"demo shop after {'all' if n is None else f'{n:,}'} events, asked in the month from {day}",
        "NDCG@10, new products",
        means["blend"],
        simple,
        better="more",
        quality={
            "best simple": best,
            "blend over it": f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]",
            "never below it": means["blend"] >= simple[best],
        },
        settings={"events": events, "shoppers": ASKED, "seed": 0},
    )


def draw(results: Path, path: Path) -> None:
    """Quality against events, one line a recommender, from a file of results."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    rows = json.loads(results.read_text(encoding="utf-8"))["rows"]
    figure, axes = plt.subplots(figsize=(7, 4))
    x = [max(each["settings"]["events"], 1) for each in rows]
    for name in ("blend", *rows[0]["peers"]):
        y = [each["ours"] if name == "blend" else each["peers"][name] for each in rows]
        axes.plot(x, y, marker="o", label=name, linewidth=2.4 if name == "blend" else 1.2)
    axes.set_xscale("log")
    axes.set_xlabel("events learned from (none at the left)")
    axes.set_ylabel("NDCG@10, new products")
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--picture"]:  # FILE.json FILE.svg
        draw(*map(Path, sys.argv[2:4]))
    elif "--october" in sys.argv:  # what was chosen on
        for each in run(Path(), "2017-10-01"):
            print(each.work, each.ours, dict(each.peers), dict(each.quality), flush=True)
    else:
        command(run)
