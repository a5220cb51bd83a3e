"""Draws the picture of docs/shoppers.md from the results: what interests add to new shoppers of at most three events.

python -m benchmarks.interest_pictures
"""

import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

RESULTS = Path(__file__).parent / "results" / "interests.json"
IMAGES = Path(__file__).parent.parent / "docs" / "img"
SHOPS = {"movielens-100k": "MovieLens-100k", "online-retail": "Online Retail", "complete-journey": "Complete Journey"}


def draw() -> None:
    """Write docs/img/interests-cold.svg."""
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]
    plt.rcParams.update({"svg.hashsalt": "wares", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.4), constrained_layout=True)
    for axis, (shop, title) in zip(axes, SHOPS.items(), strict=True):
        found = [each for each in rows if each["work"].startswith(f"{shop}: new shoppers") and each["peers"]]
        _gains(axis, found)
        axis.set_title(title, loc="left")
    axes[0].set_xlabel("NDCG@10, model alone (grey) and with interests (green)")
    figure.savefig(IMAGES / "interests-cold.svg", metadata={"Date": None})


def _gains(axis: Any, rows: list[dict[str, Any]]) -> None:
    names = [each["work"].rpartition(", ")[2] for each in rows]
    for place, each in enumerate(rows):
        alone, both = each["ours"], each["peers"]["with interests"]
        axis.plot([alone, both], [place, place], color="#a79e90", linewidth=1.2, zorder=1)
        axis.scatter([alone], [place], color="#a79e90", s=26, zorder=2)
        error = [
            [max(0.0, both - (alone + each["quality"]["gain low"]))],
            [max(0.0, alone + each["quality"]["gain high"] - both)],
        ]
        axis.errorbar([both], [place], xerr=error, color="#12806a", fmt="o", markersize=5, capsize=2.5, zorder=3)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlim(left=0)
    axis.grid(axis="x", color="#e3ddd2", linewidth=0.7)


if __name__ == "__main__":
    draw()
