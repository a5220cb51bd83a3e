"""Where on its photo an answer about a product comes from: squares are blurred one after the other, and it is seen how
much less probable the answer becomes. It asks any labeller that reads photos, and looks into none."""

import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from wares.algorithm import Labeller
from wares.data.catalog import Catalog
from wares.data.images import Pixels, located, read_all
from wares.errors import DataError, UnknownName

_LEAST = 1e-6
_WARM, _COLD = np.array([214, 40, 40], np.float32), np.array([40, 90, 200], np.float32)


@dataclass(frozen=True, eq=False)
class Saliency:
    """Which places of a photo speak for an answer.

    answer : the class, and its probability with the photo as it is. heat : (grid, grid) by how much the logarithm of
    that falls where the place is blurred; below 0 it speaks against. photo : (size, size, 3).
    """

    answer: str
    probability: float
    heat: NDArray[np.float32]
    photo: Pixels

    def png(self, *, photo: bool = True) -> bytes:
        """A picture: what speaks for the answer red, what speaks against it blue, over the photo or alone."""
        size = self.photo.shape[0]
        strongest = max(float(np.abs(self.heat).max(initial=0)), 1e-9)
        heat = Image.fromarray((self.heat / strongest).astype(np.float32))
        strength = np.asarray(heat.resize((size, size), Image.Resampling.BICUBIC))[:, :, None]
        under = self.photo.mean(axis=2, keepdims=True) * 0.6 + 90 if photo else np.full_like(self.photo, 255)
        shown = np.clip(np.abs(strength), 0, 1) * 0.75
        over = np.where(strength > 0, _WARM, _COLD)
        file = BytesIO()
        Image.fromarray(np.clip(under * (1 - shown) + over * shown, 0, 255).astype(np.uint8)).save(file, "PNG")
        return file.getvalue()


def saliency(
    labeller: Labeller,
    product: Catalog,
    target: str,
    *,
    answer: str | None = None,
    column: str = "image",
    folders: tuple[str, ...] = (),
    grid: int = 7,
    size: int = 224,
) -> Saliency:
    """Where on the photo of a product (a catalog of one) the answer about a target comes from; the likeliest unless
    another is given. Costs grid x grid + 1 answers.

    Raises UnknownName for a target or class that was not learned, DataError where the photo cannot be read.
    """
    classes = labeller.learned()["classes_"]
    if target not in classes:
        raise UnknownName.among("target", target, classes)
    names = [str(each) for each in classes[target]]
    if answer is not None and answer not in names:
        raise UnknownName.among(f"class of {target!r}", answer, names)
    found = read_all(located(product.frame([column])[column].to_list()[:1], folders), size)
    if not len(found.rows):
        raise DataError(f"no photo to look at: {found.bad[0].file}: {found.bad[0].reason}" if found.bad else "no photo")
    photo = found.pixels[0]
    table = _asked(labeller, product, column, [photo, *_blurred(photo, grid)])[target]
    chosen = names.index(answer) if answer is not None else int(table[0].argmax())
    told = np.log(np.maximum(table[:, chosen], _LEAST))
    return Saliency(names[chosen], float(table[0, chosen]), _spread(told[0] - told[1:], grid), photo)


def _blurred(photo: Pixels, grid: int) -> list[Pixels]:
    """The photo with one square after the other out of focus, two places wide, a place apart."""
    size = photo.shape[0]
    blurred = np.asarray(Image.fromarray(photo).filter(ImageFilter.GaussianBlur(size / 10)))
    edges = np.linspace(0, size, grid + 1).round().astype(int)
    found = []
    for row in range(grid):
        for column in range(grid):
            inside = np.s_[edges[row] : edges[min(row + 2, grid)], edges[column] : edges[min(column + 2, grid)]]
            picture = photo.copy()
            picture[inside] = blurred[inside]
            found.append(picture)
    return found


def _spread(falls: NDArray[np.float64], grid: int) -> NDArray[np.float32]:
    """(grid, grid) the mean fall over the squares that a place lies in."""
    heat, times = np.zeros((grid, grid)), np.zeros((grid, grid))
    for number, fall in enumerate(falls.tolist()):
        row, column = divmod(number, grid)
        heat[row : row + 2, column : column + 2] += fall
        times[row : row + 2, column : column + 2] += 1
    return (heat / times).astype(np.float32)


def _asked(labeller: Labeller, product: Catalog, column: str, pictures: list[Pixels]) -> dict[str, NDArray[np.float32]]:
    """What the labeller says of the product with each of these photos."""
    with tempfile.TemporaryDirectory(prefix="wares-saliency-") as folder:
        paths = [str(Path(folder) / f"{number}.png") for number in range(len(pictures))]
        for path, picture in zip(paths, pictures, strict=True):
            Image.fromarray(picture).save(path)
        one = product.scan.head(1).collect()
        many = pl.concat([one] * len(pictures)).with_columns(pl.Series(column, paths))
        return dict(labeller.predict_proba(Catalog(many)))
