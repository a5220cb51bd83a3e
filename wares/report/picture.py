"""The clusters of a shop as one PNG: map, choice of their number, and tree."""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import dendrogram

if TYPE_CHECKING:
    from wares.shop import Shop

_FONTS = ["DejaVu Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Zen Hei"]


def draw_clusters(shop: "Shop", path: Path) -> None:
    """Draw them into a PNG of 2000 x 1500 pixels. Raises StoreError where it cannot be written."""
    found, pictures, points = shop.clusters(), shop.cluster_pictures(), shop.map()
    known = {font.name for font in matplotlib.font_manager.fontManager.ttflist}
    with matplotlib.rc_context({"font.family": [font for font in _FONTS if font in known] or ["sans-serif"]}):
        figure = Figure(figsize=(20, 15), dpi=100, layout="constrained")
        parts = figure.subplot_mosaic([["map", "curve"], ["map", "tree"]], width_ratios=[3, 1], height_ratios=[1, 3])
        axes, upper, lower = parts["map"], parts["curve"], parts["tree"]
        labels = np.array(points["cluster"])
        axes.scatter(
            points["x"], points["y"], s=max(1.0, 30000 / max(len(labels), 1)), c=labels % 20, cmap="tab20", lw=0
        )
        axes.invert_yaxis()  # as on the page, where y grows downwards
        axes.set(xticks=[], yticks=[], title=f"{shop.info()['shop']}: {len(labels):,} products, {len(found)} clusters")
        axes.set_aspect("equal")
        places = np.column_stack([points["x"], points["y"]])
        for number in sorted(range(len(found)), key=lambda each: -found[each].size)[:40]:
            x, y = np.median(places[labels == number], axis=0)
            axes.annotate(
                found[number].name, (x, y), ha="center", fontsize=9, bbox={"fc": "white", "alpha": 0.7, "lw": 0}
            )
        curve = [each for each in pictures["curve"] if each.get("silhouette") is not None]
        upper.plot([each["k"] for each in curve], [each["silhouette"] for each in curve], marker="o")
        upper.set(xlabel="clusters", ylabel="silhouette", title=f"{len(found)} clusters")
        if len(found) > 1:
            names = [each.name[:32] for each in found]
            dendrogram(
                pictures["tree"], labels=names, orientation="right", ax=lower, color_threshold=0, leaf_font_size=7
            )
        figure.savefig(path)
