"""Classes of products by a convolutional network over their words or letters."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wares.algorithm import setting
from wares.classify.deep import Heads
from wares.classify.tokens import ReadsInOrder


@dataclass(kw_only=True, eq=False)
class TextCNN(ReadsInOrder):
    """Filters over a few neighbouring words, each saying whether what it looks for is anywhere in the text.

    Choose it where the order of neighbouring words tells and examples are many; try `views`, a line over words, first,
    which learns in a fraction of the time. Letters instead of words forgive spelling. The vocabulary is hashed, so its
    size is fixed and no word is unknown for being new.
    Time O(epochs x products x length x filters); memory 12 x kinds x width bytes while learning.

    Settings
    --------
    columns : read as one text; those that the catalog lacks, and any called like a target, are left out.
    units : what is read, "words" or "letters". length : so many of them. kinds : numbers they are hashed into.
    width : of a word's vector. filters : of each size. sizes : words that a filter sees.
    drop : share of the words left out at random while learning. dropout : the same of what the filters found.
    weighted : "balanced" lets all classes count alike, however rare.
    rate, batch, epochs, patience, decay : of learning; a tenth of the products judges when to end.

    Learned
    -------
    classes_ : by target, in order. shares_ : how frequent they are. network_ : weights by name. columns_ : what is
    read. heads_ : classes of each head. curve_ : (epochs + 1, 2) the loss learned from and the loss judged by.

    Source: Kim 2014, doi:10.3115/v1/D14-1181.
    """

    filters: int = setting(96, low=1)
    sizes: tuple[int, ...] = (1, 2, 3)

    def _network(self, heads: Sequence[int]) -> nn.Module:
        return _Network(self, heads)


class _Network(nn.Module):
    def __init__(self, how: TextCNN, heads: Sequence[int]) -> None:
        super().__init__()
        self.words = nn.Embedding(how.kinds, how.width, padding_idx=0)
        nn.init.normal_(self.words.weight, std=0.1)
        self.filters = nn.ModuleList([nn.Conv1d(how.width, how.filters, size, padding=size - 1) for size in how.sizes])
        self.heads = Heads(how.filters * len(how.sizes), heads, how.dropout)

    def forward(self, texts: Tensor) -> list[Tensor]:
        words = self.words(texts).transpose(1, 2)
        found = [torch.relu(each(words)).amax(dim=2) for each in self.filters]
        answer: list[Tensor] = self.heads(torch.cat(found, dim=1))
        return answer
