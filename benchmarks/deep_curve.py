"""Draws docs/img/deep-curve.svg: what an autoencoder learns beyond principal components, with few latents and many.

python -m benchmarks.deep_curve --data ../shared/data
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.deep_clusters import flipkart, vectors_of
from wares.cluster.autoencoder import Autoencoder

EPOCHS = 25
ROWS = 4_000
PANELS = (16, 128)


def draw(data: Path, path: Path) -> None:
    """Train on flipkart's titles without stopping early, and draw both losses by epoch."""
    vectors = vectors_of("curve", flipkart(data)[0][:ROWS])
    figure = Figure(figsize=(8, 3), layout="constrained")
    for axes, latents in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        model = Autoencoder(n_clusters=25, latents=latents, epochs=EPOCHS, patience=EPOCHS).fit(vectors)
        learned, held = np.asarray(model.curve_).T
        axes.plot(learned, color="tab:gray", label="learned from (with dropout)")
        axes.plot(held, color="tab:blue", label="held out")
        axes.axhline(held[0], color="tab:orange", linestyle=":", label="principal components")
        axes.set_title(f"{latents} latents")
        axes.set_xlabel("epoch")
        print(latents, np.round(held, 4).tolist(), flush=True)
    figure.axes[0].set_ylabel("share of the spread not rebuilt")
    figure.axes[0].legend(frameon=False, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    draw(options.parse_args().data, Path("docs/img/deep-curve.svg"))
