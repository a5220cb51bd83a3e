"""Texts as rows of whole numbers, for networks that read in order: words, or letters, hashed into so many kinds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wares.algorithm import setting
from wares.classify.deep import Deep, Inputs
from wares.data.catalog import Catalog
from wares.text.letters import letters_of
from wares.text.tokens import tokens_of

Units: TypeAlias = Literal["words", "letters"]

_LETTERS_A_WORD = 8


class Texts(Inputs):
    """(n, length) numbers of words or letters, 0 after the end."""

    def __init__(self, table: NDArray[np.int32], drop: float = 0.0) -> None:
        super().__init__(np.asarray(table.any(axis=1)))
        self.table, self.drop = torch.from_numpy(table), drop

    def take(self, rows: Tensor, learning: bool) -> Tensor:
        """The texts of some rows, cut to the longest of them; when learning, with words dropped at random."""
        some = self.table[rows]
        some = some[:, : max(1, int((some != 0).any(dim=0).sum()))]
        if learning and self.drop:
            gone = torch.rand(some.shape) < self.drop
            some = torch.where(gone & (some != 0), 1, some)  # 1: a word that says nothing
        return some.long()


@dataclass(kw_only=True, eq=False)
class ReadsInOrder(Deep):
    """A labeller whose network reads words or letters in their order. Settings : see `TextCNN`."""

    columns: tuple[str, ...] = ("title", "description")
    units: Units = "words"
    length: int = setting(64, low=8)
    kinds: int = setting(16_384, low=256)
    width: int = setting(96, low=1)
    drop: float = setting(0.1, low=0, high=0.9)

    def _prepare(self, catalog: Catalog, targets: Sequence[str]) -> None:
        self.columns_ = [name for name in self.columns if name not in targets]

    def _inputs(self, catalog: Catalog) -> Texts:
        return read(catalog, self.columns_, self.units, self.length, self.kinds, self.drop)


def read(catalog: Catalog, columns: Sequence[str], units: Units, length: int, kinds: int, drop: float = 0.0) -> Texts:
    """The texts of products as numbers of 2 to `kinds` - 1."""
    longest = length * (_LETTERS_A_WORD if units == "words" else 1) * 4
    make = _words if units == "words" else _letters
    parts = [make(texts, length, kinds) for texts in catalog.texts(columns, longest)]
    return Texts(np.concatenate([np.zeros((0, length), np.int32), *parts]), drop)


def _words(texts: Sequence[str], length: int, kinds: int) -> NDArray[np.int32]:
    found = tokens_of(texts)
    numbers = np.array(
        [crc32(word.encode("utf-8", "surrogatepass")) % (kinds - 2) + 2 for word in found.words], np.int32
    )
    return _table(numbers[found.codes] if len(numbers) else np.zeros(0, np.int32), found.offsets, length)


def _letters(texts: Sequence[str], length: int, kinds: int) -> NDArray[np.int32]:
    codes, offsets = letters_of(texts)
    numbers = (codes % np.uint32(kinds - 2) + np.uint32(2)).astype(np.int32)
    # A sign parts texts, which belongs to none of them.
    starts, stops = offsets[:-1], np.concatenate([offsets[1:-1] - 1, offsets[-1:]])
    table = np.zeros((len(texts), length), np.int32)
    for row, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        some = numbers[start : min(stop, start + length)]
        table[row, : len(some)] = some
    return table


def _table(numbers: NDArray[np.int32], offsets: NDArray[np.int64], length: int) -> NDArray[np.int32]:
    sizes = np.minimum(np.diff(offsets), length)
    table = np.zeros((len(sizes), length), np.int32)
    inside = np.arange(length)[None, :] < sizes[:, None]
    table[inside] = numbers[(offsets[:-1, None] + np.arange(length))[inside]]
    return table
