"""Draws docs/benchmarks.md: a table and a plot of ratios for each file of results."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

INTRODUCTION = """# Benchmarks

Every number here was measured by a command of its own, which `make bench` runs one after the other: one file a question
under `benchmarks/`, its peers in the same process,
run in turn (A B A B …), with the rows as JSON under `benchmarks/results/`. Seconds depend on the machine and on what
else it does; **ratios** are medians of runs that stood side by side, with the least and the greatest in brackets. A
ratio above 1 means ours is better, below 1 that the peer is. A peer that could not be measured says why.
"""

_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


def draw(results: Path, names: Sequence[str], docs: Path) -> None:
    """Write `docs/benchmarks.md` and a plot for each benchmark that has ratios into `docs/img`."""
    page = [INTRODUCTION]
    for name in names:
        report = json.loads((results / f"{name}.json").read_text())
        page.append(f"## {name}\n\n{report['question']}\n")
        if report["missing"]:
            page.append(f"*Not complete: {report['missing']}.*\n")
        plot = docs / "img" / f"bench-{name}.svg"
        if _plot(report["rows"], plot):
            page.append(f"![How many times better ours is, {name}](img/{plot.name})\n")
        growth = docs / "img" / f"bench-{name}-growth.svg"
        if _growth(report["rows"], growth):
            page.append(f"![How time and memory grow with the number of rows, {name}](img/{growth.name})\n")
        page.append(_table(report["rows"]))
        page.append(_machine(report["machine"], report["seconds"]))
    (docs / "benchmarks.md").write_text("\n".join(page).rstrip() + "\n")


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| work | metric | ours | peers (ours better by) | quality |", "|---|---|---|---|---|"]
    for row in rows:
        peers = "<br>".join(_peer(name, value, row) for name, value in row["peers"].items()) or "–"
        quality = "<br>".join(f"{name}: {_show(value)}" for name, value in row["quality"].items()) or "–"
        lines.append(
            "| " + " | ".join((row["work"], row["metric"], f"**{_show(row['ours'])}**", peers, quality)) + " |"
        )
    return "\n".join(lines) + "\n"


def _peer(name: str, value: Any, row: Mapping[str, Any]) -> str:
    said = f"{name} {_show(value)}"
    if name not in row["ratio"]:
        return said
    spread = row["spread"].get(name)
    width = f", {spread[0]:.2f}–{spread[1]:.2f}" if spread else ""
    return f"{said} ({row['ratio'][name]:.2f}×{width})"


def _show(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ", ".join(f"{k} {_show(v)}" for k, v in value.items()) if isinstance(value, dict) else str(value)
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _machine(about: Mapping[str, Any], seconds: float) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    return (
        f'??? note "Measured in {seconds:,.0f} s on {about["processor"]}, {about["cores"]} cores, '
        f'{about["memory_gb"]:.0f} GB"\n'
        f"    {about['system']}, Python {about['python']}, load {about['load_before']} before the start;\n"
        f"    {packages}.\n\n" + "".join(f"    - {each}\n" for each in about["blas"])
    )


def _short(work: str, most: int = 44) -> str:
    """The beginning of a text, cut between words."""
    return work if len(work) <= most else work[:most].rpartition(" ")[0].rstrip(",") + " …"


def _growth(rows: Sequence[Mapping[str, Any]], path: Path) -> bool:
    """Seconds and megabytes by number of rows, a line for each name, where the settings of rows tell them."""
    told = [row["settings"] for row in rows if {"line", "x", "seconds", "megabytes"} <= row["settings"].keys()]
    if not told:
        return False
    plt, ink = _canvas()
    figure, sides = plt.subplots(1, 2, figsize=(9, 3.4))
    for axes, what in zip(sides, ("seconds", "megabytes"), strict=True):
        for name in dict.fromkeys(each["line"] for each in told):
            points = sorted((each["x"], each[what]) for each in told if each["line"] == name)
            axes.plot(*zip(*points, strict=True), marker="o", label=name)
        axes.set(xscale="log", yscale="log")
        axes.set_xlabel("rows", color=ink, size=9)
        axes.set_ylabel(what, color=ink, size=9)
        axes.tick_params(colors=ink, which="both", labelsize=9)
        for side in axes.spines.values():
            side.set_color(ink)
    start, stop = min(each["x"] for each in told), max(each["x"] for each in told)
    least = min(each["seconds"] for each in told)
    sides[0].plot([start, stop], [least, least * stop / start], color=ink, linestyle=":", label="as many times as rows")
    sides[0].legend(fontsize=8, frameon=False, labelcolor=ink)
    figure.tight_layout()
    _save(plt, figure, path)
    return True


def _plot(rows: Sequence[Mapping[str, Any]], path: Path) -> bool:
    """Bars of every ratio on a log scale; False where there is none to draw."""
    bars = [
        (f"{_short(row['work'])}: {row['metric'].partition(',')[0]}", name, ratio, row["spread"].get(name))
        for row in rows
        for name, ratio in row["ratio"].items()
        if ratio > 0
    ]
    if not bars:
        return False
    plt, ink = _canvas()
    figure, axes = plt.subplots(figsize=(8, 0.9 + 0.34 * len(bars)))
    for place, (_, _, ratio, spread) in enumerate(bars):
        axes.barh(place, ratio - 1, left=1, height=0.62, color="#2a9d8f" if ratio >= 1 else "#e07a5f")
        if spread:
            axes.plot(spread, [place, place], color=ink, linewidth=1.4)
        axes.text(
            max(ratio, spread[1] if spread else 0, 1) * 1.04, place, f"{ratio:.2f}×", va="center", color=ink, size=9
        )
    axes.set_yticks(range(len(bars)), [f"{work} | {name}" for work, name, _, _ in bars], size=9, color=ink)
    axes.set_xscale("log")
    low, high = min(ratio for _, _, ratio, _ in bars), max(ratio for _, _, ratio, _ in bars)
    axes.set_xlim(min(0.8, low * 0.8), max(2, high * 1.6))
    axes.set_xticks([value for value in _TICKS if axes.get_xlim()[0] <= value <= axes.get_xlim()[1]])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.minorticks_off()
    axes.axvline(1, color=ink, linewidth=1)
    axes.invert_yaxis()
    axes.set_xlabel("ours better by", color=ink, size=9)
    axes.tick_params(colors=ink, which="both")
    for side in axes.spines.values():
        side.set_visible(False)
    _save(plt, figure, path)
    return True


def _canvas() -> tuple[Any, str]:
    """matplotlib for SVG, and a grey that can be read on the page's light and dark backgrounds alike."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams.update({"svg.hashsalt": "wares", "svg.fonttype": "none", "font.family": "sans-serif"})
    return plt, "#7a7f87"


def _save(plt: Any, figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
    plt.close(figure)
