"""What recommenders share whose network reads a history event by event, remembering."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wares.algorithm import setting
from wares.recommend.sequences import SPREAD, Sequential, spans


@dataclass(kw_only=True, eq=False)
class Recurrent(Sequential):
    """A memory that each event changes; from it the next is foretold."""

    CELL: ClassVar[Any]
    """The layer of torch that remembers."""

    hidden: int = setting(64, low=1)
    layers: int = setting(1, low=1)

    def _network(self, kinds: int) -> nn.Module:
        return _Network(self, kinds)


class _Network(nn.Module):
    def __init__(self, how: Recurrent, kinds: int) -> None:
        super().__init__()
        self.products = nn.Embedding(kinds, how.width)
        nn.init.normal_(self.products.weight, std=SPREAD)
        self.cell = how.CELL(how.width, how.hidden, how.layers)
        self.out = nn.Linear(how.hidden, how.width)
        self.norm = nn.LayerNorm(how.width)
        self.drop = nn.Dropout(how.dropout)

    def forward(self, kinds: Tensor, sizes: NDArray[np.int64]) -> Tensor:
        # Packed by hand: the first events of all rows, then the second ones, the longest row first.
        rank = np.empty(len(sizes), np.int64)
        rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
        order = spans(np.zeros(len(sizes), np.int64), sizes)
        turn = np.lexsort((np.repeat(rank, sizes), order))
        back = np.empty_like(turn)
        back[turn] = np.arange(len(turn))
        each = self.drop(self.products(kinds))[torch.from_numpy(turn)]
        packed = nn.utils.rnn.PackedSequence(each, torch.from_numpy(np.bincount(order)))
        states: Tensor = self.norm(self.out(self.drop(self.cell(packed)[0].data)))
        return states[torch.from_numpy(back)]
