"""What does tuning find on the demo shop, beside what it has, its best single model, popularity and simple methods?

Chosen on a split of the events before 2017-11-01, judged once on the two months after it: products that the shopper
never had, and those bought again. Every product ranked, ties counted against, variants as one product.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Row, command
from benchmarks.shops import demo, moment
from wares.algorithm import Recommender
from wares.registry import make
from wares.tasks.blending import Blend
from wares.tasks.tuning import tune

NAMES = ("popular", "itemknn", "ease", "rp3beta", "userknn", "als")
BUDGET = 600.0
ASKED = 1_500
DAY = "2017-11-01"


def run(data: Path, names: tuple[str, ...] = NAMES, budget: float = BUDGET, asked: int = ASKED) -> Iterator[Row]:
    """By how much is what tuning chooses better than what there was?"""
    with demo() as now:
        models = {name: make(Recommender, name) for name in names}
        found = tune(
            models,
            Blend(),
            now.history,
            now.context,
            budget=budget,
            until=moment(DAY),
            most=asked,
            tell=lambda name, share: print(f"{share:.0%} {name}", flush=True),
        )
    report = found.report
    gaps = {
        f"over {name}": f"{each['mean']:+.4f} [{each['low']:+.4f}, {each['high']:+.4f}]"
        for name, each in report["over"].items()
    }
    for task in ("new", "repeat"):
        values = {name: of[task] for name, of in report["ndcg"].items() if task in of}
        ours = values.pop("chosen")
        yield Row.compared(
            f"demo shop from {DAY}, {task} products, what tuning chose",
            "NDCG@10",
            ours,
            values,
            better="more",
            quality=gaps if task == "new" else {},
            settings={
                "protocol": report["protocol"],
                "chosen": report["chosen"],
                "single": report["single"],
                "written": report["better"],
                "budget, s": budget,
                "took, s": report["seconds"],
                "models": list(names),
                "trials": report["trials"],
                "left out": len(report["left_out"]),
                "costs": report["costs"],
                "said": list(found.said),
                "seed": 0,
            },
        )


if __name__ == "__main__":
    command(run)
