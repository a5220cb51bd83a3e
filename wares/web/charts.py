"""How good the answers are, as bars with intervals: positions and lengths for the template to draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WIDTH = 1000.0  # units of the drawing across; the template's viewBox


@dataclass(frozen=True)
class Bar:
    """One recommender in one chart; lengths in units of the drawing. baseline : it is popularity."""

    name: str
    value: float
    low: float
    high: float
    width: float
    from_: float
    to: float
    baseline: bool

    @property
    def text(self) -> str:
        """The value, and its interval where it has one."""
        return f"{self.value:.4f}" if self.low == self.high else f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


@dataclass(frozen=True)
class Chart:
    """One metric of every recommender."""

    metric: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Task:
    """One question the recommenders were asked, such as products new to the shopper."""

    title: str
    protocol: str
    charts: Sequence[Chart]
    findings: Sequence[str]
    metrics: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


def tasks(evaluation: Mapping[str, Any]) -> list[Task]:
    """The charts and tables of an evaluation."""
    return [_task(task) for task in evaluation.get("recommend", [])]


def _task(task: Mapping[str, Any]) -> Task:
    found = [_chart(metric, task["rows"]) for metric in task["metrics"]]
    return Task(
        title=task["title"],
        protocol=task["protocol"],
        charts=[chart for chart in found if chart.bars],
        findings=task.get("findings", ()),
        metrics=task["metrics"],
        rows=[(row["name"], [_cell(row["values"].get(metric)) for metric in task["metrics"]]) for row in task["rows"]],
    )


def _chart(metric: str, rows: Sequence[Mapping[str, Any]]) -> Chart:
    values = [(row["name"], _interval(row["values"][metric])) for row in rows if row["values"].get(metric) is not None]
    top = max((high for _, (_, _, high) in values), default=0.0) * 1.02 or 1.0  # room for the last whisker's end
    return Chart(metric, [_bar(name, *value, _WIDTH / top) for name, value in values])


def _bar(name: str, value: float, low: float, high: float, scale: float) -> Bar:
    baseline = name.lower().startswith("popular")
    return Bar(name, value, low, high, value * scale, low * scale, high * scale, baseline)


def _interval(value: Any) -> tuple[float, float, float]:
    if isinstance(value, (list, tuple)):
        middle, low, high = map(float, value)
        return middle, low, high
    return float(value), float(value), float(value)


def _cell(value: Any) -> str:
    return "–" if value is None else f"{_interval(value)[0]:.4f}"
