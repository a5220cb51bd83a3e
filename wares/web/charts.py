"""How good the answers are, as bars with intervals: positions and lengths for the template to draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WIDTH = 1000.0  # units of the drawing across; the template's viewBox


METRICS = {
    "ndcg": "NDCG",
    "recall": "Recall",
    "precision": "Precision",
    "map": "MAP",
    "mrr": "MRR",
    "hit_rate": "Hit rate",
    "auc": "AUC",
    "coverage": "Coverage",
    "novelty": "Novelty",
}
DRAWN = ("ndcg", "recall", "mrr", "coverage")
COMPARED = ("popular", "plain popular", "recent popular", "plain itemknn", "itemknn")
_KINDS = {"blend": "ours", "popular": "baseline", "plain popular": "baseline"}


@dataclass(frozen=True)
class Bar:
    """One recommender in one chart; lengths in units of the drawing. kind : ours (what the shop uses) or baseline."""

    name: str
    value: float
    low: float
    high: float
    width: float
    from_: float
    to: float
    kind: str


@dataclass(frozen=True)
class Gap:
    """How much NDCG what the shop uses is above a peer, shopper by shopper."""

    peer: str
    value: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Chart:
    """One metric of every recommender, the best first."""

    metric: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Task:
    """One question the recommenders were asked: products new to the shopper, or products to take again."""

    name: str
    shoppers: int
    charts: Sequence[Chart]
    gaps: Sequence[Gap]
    metrics: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


def tasks(evaluation: Mapping[str, Any]) -> list[Task]:
    """The charts and tables of an evaluation, as `Shop.evaluate()` gives it."""
    found = evaluation.get("recommend") or {}
    return [_task(name, task, found["k"]) for name, task in found.get("tasks", {}).items()]


def _task(name: str, task: Mapping[str, Any], k: int) -> Task:
    models: Mapping[str, Mapping[str, Any]] = task["models"]
    order = sorted(models, key=lambda model: -_interval(models[model].get("ndcg", 0.0))[0])
    known = [metric for metric in METRICS if any(metric in models[model] for model in order)]
    return Task(
        name=name,
        shoppers=task["shoppers"],
        charts=[_chart(metric, k, {model: models[model] for model in order}) for metric in known if metric in DRAWN],
        gaps=[
            Gap(peer, *_interval(gap["ndcg"]))
            for peer, gap in task.get("differences", {}).items()
            if peer in COMPARED and "ndcg" in gap
        ],
        metrics=[_label(metric, k) for metric in known],
        rows=[(model, [_cell(models[model].get(metric)) for metric in known]) for model in order],
    )


def _chart(metric: str, k: int, models: Mapping[str, Mapping[str, Any]]) -> Chart:
    values = {name: _interval(found[metric]) for name, found in models.items() if found.get(metric) is not None}
    top = max((high for _, _, high in values.values()), default=0.0) * 1.02 or 1.0  # room for the last whisker's end
    return Chart(_label(metric, k), [_bar(name, *value, _WIDTH / top) for name, value in values.items()])


def _label(metric: str, k: int) -> str:
    return METRICS[metric] + ("" if metric == "auc" else f"@{k}")


def _bar(name: str, value: float, low: float, high: float, scale: float) -> Bar:
    return Bar(name, value, low, high, value * scale, low * scale, high * scale, _KINDS.get(name, ""))


def _interval(value: Any) -> tuple[float, float, float]:
    """Mean, low and high; a number without an interval is all three."""
    if isinstance(value, Mapping):
        return float(value["mean"]), float(value["low"]), float(value["high"])
    return float(value), float(value), float(value)


def _cell(value: Any) -> str:
    return "–" if value is None else f"{_interval(value)[0]:.4f}"
