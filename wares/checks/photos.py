"""Photos of the twelve products, drawn: shoes lie flat and wide, mugs stand tall and have a handle."""

import struct
import tempfile
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SIDE = 64


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Gone with the process."""
    return tempfile.TemporaryDirectory(prefix="wares-photos-")


@cache
def photos(shoes: tuple[bool, ...]) -> tuple[str, ...]:
    """Where the photo of each product lies, a shoe where it says so, each in a colour of its own."""
    found = []
    for row, shoe in enumerate(shoes):
        path = Path(_folder().name) / f"{row}-{'shoe' if shoe else 'mug'}.png"
        path.write_bytes(png(drawn(row, shoe)))
        found.append(str(path))
    return tuple(found)


def drawn(seed: int, shoe: bool) -> NDArray[np.uint8]:
    """(64, 64, 3) a shoe or a mug on white."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:_SIDE, 0:_SIDE].astype(np.float64)
    y += rng.uniform(-3, 3)
    x += rng.uniform(-3, 3)
    if shoe:
        sole = (y > 44) & (y < 50) & (x > 4) & (x < 60)
        upper = (y > 30) & (y <= 44) & (x > 4 + (44 - y) / 4) & (x < 24 + 2.4 * (y - 30))
        shape, edge = sole | upper, sole
    else:
        body = (x > 16) & (x < 44) & (y > 12) & (y < 54)
        ring = np.hypot(x - 44, (y - 32) * 0.9)
        handle = (ring < 14) & (ring > 9) & (x >= 44)
        shape, edge = body | handle, handle
    colour = rng.integers(30, 200, 3)
    picture = np.full((_SIDE, _SIDE, 3), 255.0)
    picture[shape] = colour * np.linspace(0.8, 1.2, _SIDE)[np.nonzero(shape)[1]][:, None]
    picture[edge] = colour * 0.5
    found: NDArray[np.uint8] = np.clip(picture, 0, 255).astype(np.uint8)
    return found


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A picture (high, wide, 3) as a PNG file."""
    high, wide, _ = pixels.shape
    lines = np.concatenate([np.zeros((high, 1), np.uint8), pixels.reshape(high, wide * 3)], axis=1)
    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
