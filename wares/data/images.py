"""Product images from files: safely, in bounded memory, as small RGB pictures of one size.

What cannot be read is told, with its reason, and never stops anybody. A picture is shrunk while it is decoded where its
format allows that, laid in the middle of a white square (products stand on white), and transparent parts become white.
Needs Pillow.
"""

import struct
import zlib
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from wares.errors import DataError

Source: TypeAlias = Path | str | bytes | None
"""A file, or its content, or nothing at all."""

Pixels: TypeAlias = NDArray[np.uint8]
"""(n, size, size, 3) red, green, blue."""

Image.init()  # else Pillow learns of its formats as it meets them, and asked for one it has not met it fails
FORMATS = tuple(each for each in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "MPO") if each in Image.OPEN)
"""Kinds of files that are read; others that Pillow knows start programs or are no pictures of products."""

MOST = 2**27
"""Pixels of the largest picture that is decoded: 134 million, some 400 MB for a moment."""

_LARGE = 2**24
"""Pixels from which on one picture is decoded at a time, whatever the number of threads."""
_ONE_AT_A_TIME = Lock()

_ADDRESS = ("http:", "https:", "ftp:", "data:")  # with one slash: a Path makes one of two

_BROKEN: tuple[type[Exception], ...] = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)
_BROKEN += (IndexError, KeyError, TypeError, OverflowError, ZeroDivisionError, AttributeError, RuntimeError)
_BROKEN += (MemoryError, UserWarning, Image.DecompressionBombError, Image.DecompressionBombWarning)
"""What Pillow raises for damaged files, by experience."""

if Image.MAX_IMAGE_PIXELS is not None:
    # Pillow warns from 89 million pixels on; photos of 100 are sold, and larger ones are refused here before decoding.
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, MOST)


class TooLarge(DataError):
    """A picture of more pixels than are decoded."""


@dataclass(frozen=True)
class Bad:
    """An image that could not be read: where it was looked for and why not."""

    row: int
    file: str
    reason: str


@dataclass(frozen=True, eq=False)
class Pictures:
    """Some of the images asked for.

    rows : (m,) which of the sources were read, in order. pixels : (m, size, size, 3) uint8. bad : those that could not
    be; sources that name no image are neither.
    """

    rows: NDArray[np.int64]
    pixels: Pixels
    bad: list[Bad]


def located(values: Sequence[str | None], folders: Sequence[Path | str] = ()) -> list[Path | None]:
    """Where the images of products lie: their names as they are, or else below the first folder that has them.

    None for no name. A name found nowhere is looked for in the first folder, to be told from there.
    """
    homes = [Path(each) for each in folders]
    return [None if not value or not value.strip() else _located(value.strip(), homes) for value in values]


def _located(value: str, homes: list[Path]) -> Path:
    path = Path(value.removeprefix("file://"))
    if path.is_absolute() or not homes or value.lower().startswith(_ADDRESS):
        return path
    return next((home / path for home in homes if _is_file(home / path)), homes[0] / path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no system could have
        return False


def stamps(paths: Sequence[Path | None]) -> list[str]:
    """(n,) a text that changes when the file does: its path, size and time of change; "" where there is none."""
    found = []
    for path in paths:
        try:
            stat = path.stat() if path is not None else None
        except (OSError, ValueError):
            stat = None
        found.append("" if stat is None else f"{path}|{stat.st_size}|{stat.st_mtime_ns}")
    return found


def pictures(sources: Sequence[Source], size: int, *, batch: int = 64, threads: int = 1) -> Iterator[Pictures]:
    """Every image in order, `batch` sources at a time, as squares of `size` pixels.

    Decoded by so many threads, at most two batches ahead: memory is that of a few batches, and of one large picture.
    """
    if threads < 2 or len(sources) < 2:
        for start in range(0, len(sources), batch):
            yield _together(start, [_read(each, size) for each in sources[start : start + batch]], sources, size)
        return
    with ThreadPoolExecutor(threads) as pool:
        todo = iter(sources)
        ahead = deque(pool.submit(_read, each, size) for each in islice(todo, 2 * batch))
        for start in range(0, len(sources), batch):
            found = [ahead.popleft().result() for _ in range(min(batch, len(ahead)))]
            ahead.extend(pool.submit(_read, each, size) for each in islice(todo, batch))
            yield _together(start, found, sources, size)


def read_all(sources: Sequence[Source], size: int, *, threads: int = 1) -> Pictures:
    """All images at once: 3 x size x size bytes each."""
    parts = list(pictures(sources, size, threads=threads))
    rows = [np.zeros(0, np.int64), *(part.rows for part in parts)]
    pixels = [np.zeros((0, size, size, 3), np.uint8), *(part.pixels for part in parts)]
    return Pictures(np.concatenate(rows), np.concatenate(pixels), [bad for part in parts for bad in part.bad])


def reasons(bad: Sequence[Bad]) -> dict[str, int]:
    """How many images could not be read, by reason, the most frequent first."""
    return dict(Counter(each.reason for each in bad).most_common())


def picture(source: Path | str | bytes, size: int) -> Pixels:
    """(size, size, 3) one image. Raises what Pillow raises; `pictures` does not."""
    file = BytesIO(source) if isinstance(source, bytes) else source
    with Image.open(file, formats=FORMATS) as image:
        width, height = image.size
        if width * height > MOST:
            raise TooLarge(f"{width} x {height} pixels are more than {MOST}")
        image.draft("RGB", (2 * size, 2 * size))  # a JPEG is decoded at a half, a quarter or an eighth
        with _ONE_AT_A_TIME if image.size[0] * image.size[1] > _LARGE else nullcontext():
            small = _shrunk(_plain(image), size)
        turned = ImageOps.exif_transpose(small)
    return np.asarray(_squared(turned, size))


def _plain(image: Image.Image) -> Image.Image:
    """The image in a mode that can be shrunk: with transparency where it has any, else RGB or grey."""
    if image.mode.startswith("I;16"):
        image.load()
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))  # Pillow would cut off, not scale
    if image.mode in ("I", "F"):
        values = np.asarray(image, np.float32)
        top = 255 if float(values.max(initial=0)) < 256 else 65_535
        return Image.fromarray((np.clip(values / top, 0, 1) * 255).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("LA", "PA", "La", "RGBa"):
        return image.convert("RGBA")
    return image if image.mode in ("RGB", "RGBA", "L") else image.convert("RGB")


def _shrunk(image: Image.Image, size: int) -> Image.Image:
    """The image with its longer side `size` long; no side vanishes."""
    longer = max(image.size)
    wide, high = (max(1, round(side * size / longer)) for side in image.size)
    return image.resize((wide, high), Image.Resampling.BILINEAR, reducing_gap=2.0)


def _squared(image: Image.Image, size: int) -> Image.Image:
    """In the middle of a white square."""
    square = Image.new("RGB", (size, size), "white")
    corner = (size - image.width) // 2, (size - image.height) // 2
    square.paste(image.convert("RGB"), corner, image.getchannel("A") if image.mode == "RGBA" else None)
    return square


def _read(source: Source, size: int) -> Pixels | str | None:
    """The picture, or why there is none; None where none is named."""
    if source is None or source == "":
        return None
    if not isinstance(source, bytes) and str(source).lower().startswith(_ADDRESS):
        return "an address on the web: download it first, only files are read"
    try:
        return picture(source, size)
    except _BROKEN as error:
        return _why(error)


def _why(error: BaseException) -> str:
    """The reason in words that do not differ from file to file."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "a folder, not a file"
    if isinstance(error, PermissionError):
        return "may not be read"
    if isinstance(error, (TooLarge, Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return f"more than {MOST // 10**6} million pixels"
    if type(error).__name__ == "UnidentifiedImageError":
        return f"not an image, or of a kind that is not read (read are {', '.join(FORMATS)})"
    return "truncated" if "truncated" in str(error) else "damaged"


def _together(start: int, found: Sequence[Pixels | str | None], sources: Sequence[Source], size: int) -> Pictures:
    good = {row: each for row, each in enumerate(found, start) if isinstance(each, np.ndarray)}
    pixels = np.stack(list(good.values())) if good else np.zeros((0, size, size, 3), np.uint8)
    bad = [Bad(row, _named(sources[row]), each) for row, each in enumerate(found, start) if isinstance(each, str)]
    return Pictures(np.array(list(good), np.int64), pixels, bad)


def _named(source: Source) -> str:
    return f"{len(source)} bytes" if isinstance(source, bytes) else str(source)
