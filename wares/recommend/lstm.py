"""What comes next, by long short-term memory of the history."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from wares.recommend.recurrent import Recurrent


@dataclass(kw_only=True, eq=False)
class LSTM(Recurrent):
    """Reads the history event by event into a memory that keeps some things long, and foretells the next.

    Choose it over `gru4rec` for long histories in which early events matter; it takes a third longer. Time O(epochs x
    events x (hidden^2 + width x negatives)), memory O(n_products x width) x 16 bytes while learning; an answer reads
    the last `length` events one by one.

    Settings
    --------
    width : of a product's vector. hidden : of what is remembered. layers : of memory, one over the other.
    length : events read.
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

    Source: Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735.
    """

    CELL: ClassVar[Any] = nn.LSTM
