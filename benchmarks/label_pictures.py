"""Draws the pictures of docs/classify/taxonomies.md out of the results of `labels` and `asking`.

python -m benchmarks.label_pictures
"""

import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

RESULTS = Path(__file__).parent / "results"
IMAGES = Path(__file__).parent.parent / "docs" / "img"
BLUE, RED, GREY = "#1f5fa8", "#c1440e", "#999999"


def draw() -> None:
    """Write the three pictures into docs/img."""
    plt.rcParams.update({"svg.hashsalt": "wares", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    paths = next(row for row in _rows("labels") if row["work"].startswith("paths:"))
    _honest(paths["settings"]["reliability"])
    _covered(paths["settings"]["coverage"])
    _learned([row for row in _rows("asking") if "asked" in row["settings"]])


def _rows(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((RESULTS / f"{name}.json").read_text())["rows"]
    return found


def _honest(points: list[dict[str, float]]) -> None:
    figure, axes = plt.subplots(figsize=(4.2, 3.8))
    axes.plot([0, 1], [0, 1], color=GREY, lw=0.8)
    axes.plot([each["said"] for each in points], [each["right"] for each in points], "o-", color=BLUE)
    axes.set_xlabel("probability that was said")
    axes.set_ylabel("share that was right")
    _save(figure, "labels-reliability.svg")


def _covered(points: list[dict[str, float]]) -> None:
    figure, axes = plt.subplots(figsize=(4.6, 3.8))
    axes.plot([each["answered"] for each in points], [each["right"] for each in points], color=BLUE)
    axes.set_xlabel("share of products with an answer")
    axes.set_ylabel("share of answers that are right")
    _save(figure, "labels-coverage.svg")


def _learned(rows: list[dict[str, Any]]) -> None:
    figure, panels = plt.subplots(1, len(rows), figsize=(3.2 * len(rows), 3.2), squeeze=False)
    for axes, row in zip(panels[0], rows, strict=True):
        told = row["settings"]
        axes.plot(told["labels"], told["asked"], "o-", color=BLUE, label="asked")
        axes.plot(told["labels"], told["random"], "o-", color=RED, label="at random")
        axes.set_title(row["work"].rpartition(": ")[2], fontsize=9)
        axes.set_xlabel("labels")
    panels[0][0].set_ylabel("macro-F1, mean of 5 seeds")
    panels[0][0].legend(frameon=False)
    _save(figure, "labels-learning.svg")


def _save(figure: Figure, name: str) -> None:
    figure.tight_layout()
    figure.savefig(IMAGES / name, metadata={"Date": None})


if __name__ == "__main__":
    draw()
