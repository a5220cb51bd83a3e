"""Classes of products by their photos: a network of our own, or one that has seen a million photos before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from wares.algorithm import setting
from wares.arrays import Mask
from wares.classify.deep import Deep, Heads, Inputs
from wares.data.catalog import Catalog
from wares.data.images import Pixels, located, pictures, stamps
from wares.vision.layers import BLOCKS, Small, Tuned, part, prepared
from wares.vision.pooling import WIDTH, balanced, pooled

_AT_ONCE = 64


class Pictures(Inputs):
    """A row of anything a picture was made of; products without one have no row."""

    def __init__(self, known: Mask, values: Tensor, augment: Any = None) -> None:
        super().__init__(known)
        self.place = torch.from_numpy(np.cumsum(known) - 1)
        self.values, self.augment = values, augment

    def take(self, rows: Tensor, learning: bool) -> Tensor:
        some = self.values[self.place[rows]]
        return self.augment(some) if learning and self.augment is not None else some


@dataclass(kw_only=True, eq=False)
class ImageCNN(Deep):
    """A convolutional network over product photos.

    Choose `way="head"`: a line over what EfficientNet-Lite0 sees, learned in seconds once the photos were looked at,
    which takes 9 ms each on one core. "tune" trains the last blocks of that network on as well, which takes a hundred
    times as long, where there are hundreds of photos a class; "own" learns a small network from nothing, for pictures
    unlike photos, or where no other's weights may be used. Products without a readable image get how frequent the
    classes are.
    Memory: 7 KB a photo for "head", 3 x size^2 bytes for "own", 44 KB for "tune" at 224 pixels.

    Settings
    --------
    column : holds the name of each product's image file. folders : where those are looked for; none = the working
    folder. way : see above. size : pixels of a side; 0 = 224, and 64 for "own".
    tuned : blocks trained on by "tune", the last of eighteen. width : of the network of our own.
    augment : show each picture anew each time: cut off, mirrored, turned a little ("own"), or mirrored ("head").
    dropout : share of what was seen left out at random while learning.
    weighted : "balanced" lets all classes count alike, however rare.
    rate, batch, epochs, patience, decay : of learning; a tenth of the products judges when to end.

    Learned
    -------
    classes_ : by target, in order. shares_ : how frequent they are. network_ : weights by name. heads_ : classes of
    each head. centre_, spread_ : (1792,) of what "head" reads. curve_ : (epochs + 1, 2) the loss learned from and the
    loss judged by.

    Source: Tan & Le 2019, arXiv:1905.11946; Donahue et al. 2014, arXiv:1310.1531, for the head alone.
    """

    column: str = "image"
    folders: tuple[str, ...] = ()
    way: Literal["head", "tune", "own"] = "head"
    size: int = setting(0, low=0, high=1024)
    tuned: int = setting(3, low=1, high=BLOCKS - 1)
    width: int = setting(128, low=8)
    augment: bool = True

    def __post_init__(self) -> None:
        self._fresh: tuple[Catalog, tuple[Mask, Any, Any]] | None = None

    def files(self, catalog: Catalog) -> list[str]:
        """A text for each product that changes when its image file does; "" where there is none."""
        return stamps(self._paths(catalog))

    def _paths(self, catalog: Catalog) -> list[Path | None]:
        names = catalog.frame([self.column])[self.column].to_list() if catalog.has(self.column) else []
        return located(names, self.folders)

    def _prepare(self, catalog: Catalog, targets: Sequence[str]) -> None:
        if self.way == "head":
            self._fresh = (catalog, self._looked(catalog, both=self.augment))
            rows = self._fresh[1][1]
            nothing = not len(rows)
            self.centre_ = np.zeros(WIDTH, np.float32) if nothing else rows.mean(axis=0)
            # Less than a tenth of the mean spread is next to nothing, and would only be made louder.
            spread = np.ones(WIDTH, np.float32) if nothing else rows.std(axis=0)
            self.spread_ = np.maximum(spread, 0.1 * spread.mean() + 1e-6).astype(np.float32) * np.float32(WIDTH**0.5)

    def _inputs(self, catalog: Catalog) -> Pictures:
        if self.way == "head":
            before, self._fresh = self._fresh, None  # looked at once, not once for the scale and once to learn from
            seen = before[1] if before and before[0] is catalog else self._looked(catalog, both=self.augment)
            known, rows, mirrored = seen
            sides = np.stack([rows, mirrored], axis=1)
            scaled = (sides - np.asarray(self.centre_)) / np.asarray(self.spread_)
            return Pictures(known, torch.from_numpy(scaled.astype(np.float32)), _either_side)
        if self.way == "own":
            known, pixels = self._made(catalog, torch.from_numpy)
            return Pictures(known, pixels, _shaken if self.augment else None)
        fixed = part(0, BLOCKS - self.tuned)
        # In half precision: it is kept for all photos.
        return Pictures(*self._made(catalog, lambda some: fixed(prepared(torch.from_numpy(some))).half()))

    def _looked(self, catalog: Catalog, both: bool = False) -> tuple[Mask, Any, Any]:
        """Which products have a picture, and what is seen on it and on its mirror image."""

        def look(some: Pixels) -> Tensor:
            sides = [some, np.ascontiguousarray(some[:, :, ::-1])] if both else [some]
            return torch.from_numpy(np.stack([balanced(pooled(side)) for side in sides], axis=1))

        known, seen = self._made(catalog, look)
        sides = seen.numpy() if len(seen) else np.zeros((0, 2, WIDTH), np.float32)
        return known, sides[:, 0], sides[:, -1]

    def _made(self, catalog: Catalog, make: Callable[[Pixels], Tensor]) -> tuple[Mask, Tensor]:
        """Which products have a picture, and what is made of it, a few pictures held at a time."""
        known = np.zeros(len(catalog), np.bool_)
        size = self.size or (64 if self.way == "own" else 224)
        parts = []
        with torch.inference_mode():
            for some in pictures(self._paths(catalog), size, batch=_AT_ONCE):
                known[some.rows] = True
                if len(some.rows):
                    parts.append(make(some.pixels))
        return known, torch.cat(parts).clone() if parts else torch.zeros((0, 1, 1, 1))

    def _network(self, heads: Sequence[int]) -> nn.Module:
        if self.way == "head":
            return _Line(heads, self.dropout)
        trunk = Small(self.width) if self.way == "own" else Tuned(BLOCKS - self.tuned)
        return _Network(trunk, heads, self.dropout, pixels=self.way == "own")


class _Line(nn.Module):
    """Heads over both sides of a picture, their logits' mean; while learning one side is given."""

    def __init__(self, heads: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.heads = Heads(WIDTH, heads, dropout)

    def forward(self, sides: Tensor) -> list[Tensor]:
        answer: list[Tensor] = self.heads(sides.mean(dim=1) * WIDTH**0.5)
        return answer


class _Network(nn.Module):
    def __init__(self, trunk: Any, heads: Sequence[int], dropout: float, *, pixels: bool) -> None:
        super().__init__()
        self.trunk, self.pixels = trunk, pixels
        self.heads = Heads(trunk.width, heads, dropout)

    def forward(self, given: Tensor) -> list[Tensor]:
        answer: list[Tensor] = self.heads(self.trunk(prepared(given) if self.pixels else given))
        return answer


def _either_side(sides: Tensor) -> Tensor:
    """Of each picture one side at random."""
    chosen = torch.randint(2, (len(sides),))
    return sides[torch.arange(len(sides)), chosen][:, None]


def _shaken(pixels: Tensor) -> Tensor:
    """Pictures cut off by up to a tenth, mirrored by chance, turned by up to ten degrees."""
    n = len(pixels)
    turn = (torch.rand(n) * 2 - 1) * 0.17
    scale = 1 - 0.1 * torch.rand(n)
    side = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    shift = (torch.rand(n, 2) * 2 - 1) * 0.1
    cos, sin = torch.cos(turn) * scale, torch.sin(turn) * scale
    rows = [torch.stack([cos * side, -sin, shift[:, 0]], dim=1), torch.stack([sin * side, cos, shift[:, 1]], dim=1)]
    grid = nn.functional.affine_grid(torch.stack(rows, dim=1), [n, 3, *pixels.shape[1:3]], align_corners=False)
    # Less 255, so that what comes in from outside is white.
    seen = nn.functional.grid_sample(pixels.permute(0, 3, 1, 2).float() - 255, grid, align_corners=False) + 255
    return seen.permute(0, 2, 3, 1)
