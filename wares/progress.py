"""What people see while a shop is built and what it holds afterwards, on a terminal."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text


def _share(task: Task) -> float:
    """How much of a step is done: what it told, or else the time gone of the time expected, never quite all of it."""
    if task.finished:
        return 1.0
    told = float(task.completed)
    expected = float(task.fields.get("expected") or 0.0)
    by_time = (task.elapsed or 0.0) / expected if expected else 0.0
    return told if told > 0 else min(by_time, 0.97)


class _Bar(ProgressColumn):
    def render(self, task: Task) -> ProgressBar:
        return ProgressBar(total=1.0, completed=_share(task), width=24, pulse=False)


class _Left(ProgressColumn):
    """Seconds gone, and the estimated end while the step runs."""

    def render(self, task: Task) -> Text:
        gone, share = task.elapsed or 0.0, _share(task)
        if task.finished:
            return Text(f"{task.finished_time or 0.0:5.1f} s  {task.fields.get('note', '')}", style="dim")
        left = max(gone / share - gone, 0.0) if share > 0.01 else float(task.fields.get("expected") or 0.0)
        return Text(f"{gone:5.1f} s, about {left:.0f} s left" if left >= 0.5 else f"{gone:5.1f} s")


class _Name(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.description:<24}")


class Bars:
    """A progress bar for each step of a build, with its estimated end; plain lines where there is no terminal."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console, self._quiet = console, quiet
        self._plain = not console.is_terminal
        self._progress = Progress(
            _Name(), _Bar(), _Left(), console=console, disable=quiet or self._plain, refresh_per_second=8
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Inside, the bars stand still: for a question to the user."""
        self._progress.stop()
        yield
        self._progress.start()

    @contextmanager
    def step(self, name: str, expected: float = 0.0) -> Iterator["Step"]:
        """One step, expected to take some seconds (0 = not known)."""
        task = self._progress.add_task(name, total=1.0, expected=expected)
        step = Step(lambda share: self._progress.update(task, completed=min(share, 0.99)))
        if self._plain and not self._quiet:
            about = f" (about {expected:.0f} s)" if expected >= 1 else ""
            self._console.print(f"{name}{about} …", highlight=False)
        yield step
        self._progress.update(task, completed=1.0, note=step.note)
        self._progress.stop_task(task)


class Step:
    """A running step: call it with the share done (0..1); `note` stands beside the finished bar."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        self._tell = tell
        self.note = ""

    def __call__(self, share: float) -> None:
        self._tell(share)


# -- summaries -------------------------------------------------------------------------------------------------------


def _rows(console: Console, title: str, rows: Sequence[tuple[str, str]]) -> None:
    console.print(f"\n[bold]{title}[/bold]")
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="left", style="dim")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(value))
    console.print(table)


def _counts(rules: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {rule}" for rule, count in rules.items() if count)


def _data_rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("products", "events"):
        part = found.get(name)
        if not part:
            yield name, "none"
            continue
        cleaned = part["cleaning"]
        distinct = (
            f", shown as {part['shown']:,} (variants together)" if part.get("shown", part["n"]) != part["n"] else ""
        )
        yield name, f"{cleaned['kept']:,} of {cleaned['rows']:,} rows read{distinct}"
        if _counts(cleaned["rejected"]):
            yield "", f"set aside: {_counts(cleaned['rejected'])} (see quarantine_{name}.parquet in the build)"
        if _counts(cleaned["changed"]):
            yield "", f"mended: {_counts(cleaned['changed'])}"
        if part.get("changes"):
            counts = {name: n for name, n in part["changes"].items() if isinstance(n, int)}
            yield "", f"since the file: {_counts(counts).replace('_', ' ') or 'nothing'}; {part['n']:,} now"
    if found.get("shoppers"):
        yield "shoppers", f"{found['shoppers']['n']:,}"
    if found.get("reviews"):
        told = found["reviews"]
        yield "reviews", f"{told['n']:,} of {told['products']:,} products, {told['usual']:.0%} praise; {told['by']}"


def summary(console: Console, found: Mapping[str, Any]) -> None:
    """What a build holds, from `Shop.info()`."""
    _rows(console, f"{found['shop']}, build {found['build']}", list(_data_rows(found)))
    models = [
        ("vectors", found["encoder"]["text"]),
        ("clusters", f"{found['clusters']['n']}: {found['clusters']['choice']}"),
        ("largest", "; ".join(f"{each['name']} ({each['size']:,})" for each in found["clusters"]["largest"])),
        ("recommends by", found["recommend"]["text"]),
    ]
    _rows(console, "Models", models)
    if found.get("evaluation"):
        quality(console, found["evaluation"])
    steps = Table(box=None, pad_edge=False, title="", title_justify="left")
    for name in ("step", "seconds", "CPU s", "peak MB"):
        steps.add_column(name, justify="left" if name == "step" else "right")
    for each in found["steps"]:
        cached = " (kept)" if each["cached"] else ""
        steps.add_row(
            each["name"] + cached, f"{each['seconds']:.1f}", f"{each['cpu_seconds']:.1f}", f"{each['peak_mb']:,.0f}"
        )
    steps.add_row(
        "in all", f"{found['seconds']:.1f}", f"{found['cpu_seconds']:.1f}", f"{found['peak_mb']:,.0f}", style="bold"
    )
    console.print()
    console.print(steps)
    for warning in found["warnings"]:
        console.print("[yellow]note[/yellow]", Text(warning))


def quality(console: Console, found: Mapping[str, Any]) -> None:
    """An evaluation, from `Shop.evaluate()`: recommenders beside popularity, clusters beside categories."""
    recommend = found.get("recommend")
    if recommend:
        console.print(f"\n[bold]Recommendations[/bold]  [dim]{recommend['protocol']}[/dim]")
        for task, said in recommend["tasks"].items():
            _models(console, task, said, recommend["k"], recommend.get("line", {}).get("name", ""))
        _costs(console, recommend)
    clusters = found.get("clusters")
    if clusters:
        _judged(console, clusters)


def _models(console: Console, task: str, said: Mapping[str, Any], k: int, line: str) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column(f"{task} products")
    for metric in _METRICS:
        table.add_column(f"{metric}@{k}", justify="right")
    for name, values in said["models"].items():
        table.add_row(name, *(_cell(values.get(metric)) for metric in _METRICS))
    console.print(table)
    for name, gap in said.get("differences", {}).items():
        if name in _SIMPLE:
            _gap(console, f"NDCG over {name}", gap["ndcg"])
    for name, gap in {} if "differences" in said else said["over_line"].items():
        _gap(console, f"NDCG of {name} over {line}, the best simple method", gap["ndcg"])


def _gap(console: Console, what: str, gap: Mapping[str, Any]) -> None:
    if gap["mean"] is not None:
        console.print(f"  {what}: {gap['mean']:+.4f}, 95 % interval [{gap['low']:+.4f}, {gap['high']:+.4f}]")


def _costs(console: Console, said: Mapping[str, Any]) -> None:
    """What each of several models took, and those that could not be judged."""
    if said.get("costs"):
        table = Table(box=None, pad_edge=False)
        for name in ("costs", "s to learn", "CPU s", "peak MB", "MB learned", "p50 ms", "p99 ms"):
            table.add_column(name, justify="left" if name == "costs" else "right")
        for name, each in said["costs"].items():
            digits = {"seconds": 1, "cpu_seconds": 1, "peak_mb": 0, "learned_mb": 1, "p50_ms": 2, "p99_ms": 2}
            cells = ["-" if each[key] is None else f"{each[key]:,.{n}f}" for key, n in digits.items()]
            table.add_row(name, *cells)
        console.print(table)
    for name, reason in said.get("left_out", {}).items():
        console.print("[yellow]left out[/yellow]", Text(f"{name}: {reason}"))


def _judged(console: Console, found: Mapping[str, Any]) -> None:
    said = found["quality"]
    shown = [f"{name} {said[name]:.3f}" for name in ("silhouette", "davies_bouldin") if said[name] is not None]
    if said["calinski_harabasz"] is not None:
        shown.append(f"calinski_harabasz {said['calinski_harabasz']:.0f}")
    console.print(f"\n[bold]Clusters[/bold]  [dim]on {said['sample']:,} products drawn at random[/dim]")
    console.print("  " + "  ".join(shown))
    if found.get("agreement"):
        console.print(f"  against the categories, from vectors of {', '.join(found['columns'])} only:")
        for level, each in found["agreement"].items():
            console.print(
                f"    {level} ({each['categories']:,} categories): AMI {each['ami']:.3f}  ARI {each['ari']:.3f}"
            )


_METRICS = ("ndcg", "recall", "precision", "map", "mrr", "auc", "coverage", "novelty")
_SIMPLE = ("plain popular", "recent popular", "plain itemknn", "itemknn")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping) and value["mean"] is None:
        return "-"
    if isinstance(value, Mapping):
        return f"{value['mean']:.4f} ±{(value['high'] - value['low']) / 2:.4f}"
    return f"{value:.4f}"
