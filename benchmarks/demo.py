"""The demo shop: time, memory and disk of its build, of a second one with 1 % changed, and what its answers are worth.

Needs no data set: the shop's data comes with the extra `demo`. The first build compiles every kernel: its numba cache
is empty. The second reads a product file in which 1 % of the products have another title and price, and is compared
with a build from nothing of the same file: 1,000 searches and as many other questions, ids and order.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from benchmarks.harness import Measured, Row, command, disk_mb, run_command

SEARCHES = 1_000
OTHERS = 500


def run(data: Path) -> Iterator[Row]:
    """What does the demo shop cost to build, to build again, and how good are its recommendations?"""
    with TemporaryDirectory(prefix="wares-demo-") as name:
        folder = Path(name)
        shop, again = folder / "shop", folder / "again"
        os.environ["NUMBA_CACHE_DIR"] = str(folder / "numba")
        first = _wares("demo", str(shop), "--no-serve")
        report = _report(shop)
        settings = {"products": report["products"]["n"], "events": report["events"]["n"], "seed": 0}
        yield _value(
            "first build, kernels compiled in it", "seconds", first.seconds, 120, settings, steps=_steps(report)
        )
        yield _value("first build", "peak memory, MB", first.peak_mb, 3_000, settings)
        yield _value("what the build holds", "disk, MB", disk_mb(_newest(shop)), None, settings)
        yield from _quality(report, settings)

        _change(shop / "data" / "products.parquet")
        second = _wares("build", str(shop))
        kept = [step["name"] for step in _report(shop)["steps"] if step["cached"]]
        share = second.seconds / first.seconds
        yield _value("second build, 1 % of the products changed", "seconds", second.seconds, None, settings, kept=kept)
        yield _value("second build, share of the first", "ratio", share, 0.15, settings)

        sources = {kind: str(shop / "data" / f"{kind}.parquet") for kind in ("products", "events", "shoppers")}
        again.mkdir()
        shutil.copy(shop / "shop.toml", again / "shop.toml")
        fresh = _wares("build", str(again), *(each for kind, path in sources.items() for each in (f"--{kind}", path)))
        asked, same = _compare(shop, again)
        yield Row(
            work=f"second build answers as one from nothing ({fresh.seconds:.0f} s), ids and order",
            metric="answers alike",
            ours=same,
            quality={"asked": asked},
            settings=settings,
        )


def _wares(*arguments: str) -> Measured:
    print(f"wares {' '.join(arguments)}", flush=True)
    return run_command([sys.executable, "-m", "wares.cli", *arguments])


def _newest(shop: Path) -> Path:
    return max((shop / "builds").iterdir())


def _report(shop: Path) -> dict[str, Any]:
    import wares

    with wares.open(shop) as opened:
        return opened.info()


def _steps(report: dict[str, Any]) -> dict[str, float]:
    return {step["name"]: step["seconds"] for step in report["steps"]}


def _value(work: str, metric: str, value: float, bound: float | None, settings: dict[str, Any], **more: Any) -> Row:
    quality = {} if bound is None else {"to reach": f"at most {bound:,g}", "reached": value <= bound}
    return Row(work=work, metric=metric, ours=value, quality=quality, settings={**settings, **more})


def _quality(report: dict[str, Any], settings: dict[str, Any]) -> Iterator[Row]:
    """The evaluation that the build made of itself, as rows: the blend is ours, its parts and popularity the peers."""
    found = report["evaluation"]["recommend"]
    for task, results in found["tasks"].items():
        values = {name: each["ndcg"]["mean"] for name, each in results["models"].items()}
        ours = values.pop("blend")
        over = {name: each["ndcg"] for name, each in results["differences"].items()}
        yield Row.compared(
            f"recommending {task} products to {results['shoppers']:,} shoppers",
            f"NDCG@{found['k']}",
            ours,
            values,
            better="more",
            quality={
                f"over {name}": f"{over[name]['mean']:+.4f} [{over[name]['low']:+.4f}, {over[name]['high']:+.4f}]"
                for name in ("plain popular", "itemknn")
            },
            settings={**settings, "protocol": found["protocol"], "differences": over},
        )


def _change(products: Path) -> None:
    """Give 1 % of the products another title and price."""
    table = pl.read_parquet(products)
    chosen = np.zeros(len(table), bool)
    chosen[np.random.default_rng(7).choice(len(table), len(table) // 100, replace=False)] = True
    mark = pl.Series(chosen)
    table.with_columns(
        pl.when(mark).then(pl.col("title") + ", New Recipe").otherwise("title").alias("title"),
        pl.when(mark).then((pl.col("price") * 1.1).round(2)).otherwise("price").alias("price"),
    ).write_parquet(products)


def _compare(one: Path, other: Path) -> tuple[int, int]:
    """How many questions were asked of both, and how many were answered with the same ids in the same order."""
    import wares

    with wares.open(one) as first, wares.open(other) as second:
        rng = np.random.default_rng(11)
        titles = pl.read_parquet(one / "data" / "products.parquet", columns=["id", "title"])
        questions = [*_searches(titles, rng), *_asked_of(titles, first.shoppers(limit=5_000), rng)]
        same = 0
        for name, *given in questions:
            answers = [[hit.id for hit in getattr(shop, name)(*given, k=10).hits] for shop in (first, second)]
            same += answers[0] == answers[1]
        return len(questions), same


def _searches(titles: pl.DataFrame, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """One to three neighbouring words of titles."""
    for row in rng.choice(len(titles), SEARCHES, replace=False).tolist():
        words = titles["title"][row].replace(",", " ").replace("/", " ").split()
        start = int(rng.integers(len(words)))
        yield "search", " ".join(words[start : start + int(rng.integers(1, 4))])


def _asked_of(titles: pl.DataFrame, shoppers: Sequence[str], rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    for row in rng.choice(len(titles), OTHERS, replace=False).tolist():
        yield "similar", titles["id"][row]
    for row in rng.choice(len(shoppers), min(OTHERS, len(shoppers)), replace=False).tolist():
        yield "recommend", shoppers[row]


if __name__ == "__main__":
    command(run)
