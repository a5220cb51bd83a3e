"""Classes of products by a recurrent network that reads their text in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from wares.algorithm import setting
from wares.classify.deep import Heads
from wares.classify.tokens import ReadsInOrder


@dataclass(kw_only=True, eq=False)
class LSTM(ReadsInOrder):
    """Reads a text word by word, remembering, forwards and backwards; what it had in mind is averaged and maximised.

    Choose it for texts of some length whose order tells, as reviews; for titles try `views` and `textcnn` first, which
    are quicker. Time O(epochs x products x length x hidden^2); memory 12 x kinds x width bytes while learning.

    Settings
    --------
    columns : read as one text; those that the catalog lacks, and any called like a target, are left out.
    units : what is read, "words" or "letters". length : so many of them. kinds : numbers they are hashed into.
    cell : "lstm", or "gru", which has a quarter fewer weights. bidirectional : reads backwards as well.
    width : of a word's vector. hidden : of the memory, each way.
    drop : share of the words left out at random while learning. dropout : the same of what was remembered.
    weighted : "balanced" lets all classes count alike, however rare.
    rate, batch, epochs, patience, decay : of learning; a tenth of the products judges when to end.

    Learned
    -------
    classes_ : by target, in order. shares_ : how frequent they are. network_ : weights by name. columns_ : what is
    read. heads_ : classes of each head. curve_ : (epochs + 1, 2) the loss learned from and the loss judged by.

    Source: Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735; Cho et al. 2014, doi:10.3115/v1/D14-1179.
    """

    cell: Literal["lstm", "gru"] = "lstm"
    bidirectional: bool = True
    hidden: int = setting(96, low=1)

    def _network(self, heads: Sequence[int]) -> nn.Module:
        return _Network(self, heads)


class _Network(nn.Module):
    def __init__(self, how: LSTM, heads: Sequence[int]) -> None:
        super().__init__()
        self.words = nn.Embedding(how.kinds, how.width, padding_idx=0)
        nn.init.normal_(self.words.weight, std=0.1)
        cell = nn.LSTM if how.cell == "lstm" else nn.GRU
        self.reader = cell(how.width, how.hidden, batch_first=True, bidirectional=how.bidirectional)
        self.heads = Heads(2 * how.hidden * (2 if how.bidirectional else 1), heads, how.dropout)

    def forward(self, texts: Tensor) -> list[Tensor]:
        there = texts != 0
        sizes = there.sum(dim=1)
        # Packed, so that the way back begins at the end of each text and not in what fills it up.
        packed = nn.utils.rnn.pack_padded_sequence(self.words(texts), sizes, batch_first=True, enforce_sorted=False)
        read, _ = nn.utils.rnn.pad_packed_sequence(
            self.reader(packed)[0], batch_first=True, total_length=texts.shape[1]
        )
        mean = read.sum(dim=1) / sizes[:, None]
        most = read.masked_fill(~there[:, :, None], -torch.inf).amax(dim=1)
        answer: list[Tensor] = self.heads(torch.cat([mean, most], dim=1))
        return answer
