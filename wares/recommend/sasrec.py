"""What comes next, by a network that looks back at every event and weighs each."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wares.algorithm import setting
from wares.data.history import History
from wares.errors import SettingError
from wares.recommend.sequences import SPREAD, Sequential, spans

NEVER = -1e9
"""Stands for a place that must not be looked at."""


@dataclass(kw_only=True, eq=False)
class SASRec(Sequential):
    """Self-attention over the history: each event is read in the light of those before it, and the next is foretold.

    Choose it where the order of events tells, and there are tens of thousands of them; for fewer, `ease` and `markov`
    know as much. Time O(epochs x events x width x (width x blocks + length + negatives)), memory O(n_products x width)
    x 16 bytes while learning. It answers from the last `length` events.

    Settings
    --------
    width : of a product's vector and of what is remembered. length : events looked back at.
    blocks, heads : of attention, one after the other and side by side.
    loss : "softmax" of the right product among those drawn, or "gbce", a yes or no to each, calibrated.
    negatives : wrong products drawn for each step; 0 = all of them. calibration : of "gbce", 1 undoes the drawing.
    held : so many of the latest products of the history stand among the wrong ones too; above 0 where one asks with
        `repeats`. temperature : of the scores; 1 makes them probabilities, more brings what is behind nearer to the
        first, which blends better.
    start : vectors of products begin where shoppers took them "together", or at "random".
    dropout : share of the numbers left out at random while learning.
    rate, decay, batch, epochs : of learning, the rate falling on a straight line; batch counts windows of `length`.
    refresh : passes of `partial_fit`. threads : torch learns on; other numbers give other last bits.

    Learned
    -------
    products_ : (n,) int32 the rows it has seen, ascending. network_ : weights by name. n_products_ : how many products
    it was fitted on. curve_ : (epochs + 1, 2) the loss of each pass, the first row before learning.

    Source: Kang & McAuley 2018, doi:10.1109/ICDM.2018.00035; Petrov & Macdonald 2023 (gBCE),
    doi:10.1145/3604915.3608783.
    """

    blocks: int = setting(2, low=1)
    heads: int = setting(2, low=1)

    def weights_of(self, history: History) -> NDArray[np.float32]:
        """(n_events,) of a one-shopper history, how much the last event looked at each, the mean of heads and blocks.

        They sum to 1; 0 for events that it does not read: those before the last `length`, sent back or unknown.
        """
        self._ready()
        found = np.zeros(history.n_events, np.float32)
        read = self._read(history)
        if len(read.kinds):
            with torch.inference_mode():
                found[read.events] = self._restored().looks(torch.from_numpy(read.kinds), read.sizes).numpy()
        return found

    def _network(self, kinds: int) -> nn.Module:
        if self.width % self.heads:
            raise SettingError(f"SASRec(width={self.width}): heads must divide it, {self.heads} of them do not")
        return _Network(self, kinds)


class _Network(nn.Module):
    def __init__(self, how: SASRec, kinds: int) -> None:
        super().__init__()
        self.length, self.heads = how.length, how.heads
        self.products = nn.Embedding(kinds, how.width)
        self.places = nn.Embedding(how.length, how.width)
        self.blocks = nn.ModuleList([_Block(how.width, how.heads, how.dropout) for _ in range(how.blocks)])
        self.norm = nn.LayerNorm(how.width)
        self.drop = nn.Dropout(how.dropout)
        for each in self.modules():
            if isinstance(each, (nn.Linear, nn.Embedding)):
                nn.init.normal_(each.weight, std=SPREAD)
            if isinstance(each, nn.Linear):
                nn.init.zeros_(each.bias)

    def forward(self, kinds: Tensor, sizes: NDArray[np.int64]) -> Tensor:
        table, place, mask = self._laid(kinds, sizes)
        for block in self.blocks:
            table = block(table, mask)
        states: Tensor = self.norm(table.flatten(0, 1)[place])
        return states

    def looks(self, kinds: Tensor, sizes: NDArray[np.int64]) -> Tensor:
        """(n,) how much the last event of a single row looked at each."""
        table, _, mask = self._laid(kinds, sizes)
        looks = []
        for block in self.blocks:
            asked, _ = block.asked(table, mask)  # type: ignore[operator]
            looks.append(asked[:, -1].mean(dim=0))
            table = block(table, mask)
        return torch.stack(looks).mean(dim=0)

    def _laid(self, kinds: Tensor, sizes: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """The rows laid on end in lines of one length: (lines, length, width), where each event stands, who sees whom.

        Several short rows share a line and do not see each other: so nothing is spent on filling up.
        """
        length = int(sizes.max())
        at, lines = _lines(sizes, length)
        place = torch.from_numpy(spans(at, sizes))
        order = torch.from_numpy(spans(np.zeros(len(sizes), np.int64), sizes))
        rows = torch.full((lines * length,), -1).index_copy(0, place, torch.from_numpy(spans_of(sizes)))
        rows = rows.view(lines, length)
        seen = (rows[:, :, None] == rows[:, None, :]).tril()
        mask = torch.where(seen, 0.0, NEVER).repeat_interleave(self.heads, dim=0)
        each = self.drop(self.products(kinds) + self.places(order))
        table = each.new_zeros(lines * length, each.shape[1]).index_copy(0, place, each)
        return table.view(lines, length, -1), place, mask


class _Block(nn.Module):
    """Attention and two lines with a bend between, each added to what comes in, normalised before."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, width), nn.Linear(width, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, table: Tensor, mask: Tensor) -> Tensor:
        looks, told = self.asked(table, mask)
        found = torch.bmm(looks, told).view(len(table), self.heads, *told.shape[1:]).transpose(1, 2).flatten(2)
        table = table + self.drop(self.join(found))
        out: Tensor = table + self.drop(self.down(torch.relu(self.up(self.between(table)))))
        return out

    def asked(self, table: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(lines x heads, length, length) how much each place looks at each, and what each has to tell."""
        lines, length, width = table.shape
        parts = self.ask(self.before(table)).view(lines, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        asks, shows, told = parts.reshape(3, lines * self.heads, length, -1)
        near = torch.baddbmm(mask, asks, shows.transpose(1, 2), alpha=(width / self.heads) ** -0.5)
        return torch.softmax(near, dim=-1), told


def spans_of(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row of each event."""
    return np.repeat(np.arange(len(sizes)), sizes)


def _lines(sizes: NDArray[np.int64], length: int) -> tuple[NDArray[np.int64], int]:
    """Where each row begins when they are laid on end and none runs over the end of a line; and how many lines."""
    at, line, used = [], 0, 0
    for size in sizes.tolist():
        if used + size > length:
            line, used = line + 1, 0
        at.append(line * length + used)
        used += size
    return np.array(at, np.int64), line + 1
