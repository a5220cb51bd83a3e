"""Autoencoder: k-means on a narrow description from which a row can be rebuilt."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from wares.arrays import Dense
from wares.cluster.latent import Coder, Latent, pretrained
from wares.training import Progress, Training, in_blocks


@dataclass(kw_only=True, eq=False)
class Autoencoder(Latent):
    """k-means on what a network keeps of a row to rebuild it from.

    Choose it where the columns hang together in bent ways, as attributes do; on sentence vectors k-means is as good and
    a hundred times quicker (docs/clusters/deep.md has the numbers), so it is not recommended for them. The network
    starts as the principal components, which is the best a straight one can do, and learns what is not straight; the
    weights of the best epoch are kept, by rows held out, so it is never worse at rebuilding than the components.
    Time O(epochs x rows x width x hidden), some 10 s for 20,000 rows on one core; memory two copies of the rows.

    Ask for more clusters than there are distinct rows and there is one for each. Vectors are read as float32, moved to
    their mean and scaled by one number, so distances keep their proportions.

    Settings
    --------
    n_clusters : clusters to make.
    latents : numbers kept of a row; no more than the row has.
    hidden : units of the hidden layer, both ways.
    dropout : share of the row and of the hidden units left out at random while learning.
    decay : weights shrink by rate x decay a step (L2).
    rate, batch, epochs : of learning: the length of a step, the rows of a step, the most passes over the rows.
    patience : epochs without a better one after which learning ends.

    Learned
    -------
    network_ : its weights by name. mean_ : (width,) float32 and scale_, which rows are moved and divided by.
    cluster_centers_ : (n_clusters_, latents) float32. labels_ : (n,) int64.
    curve_ : (epochs done + 1, 2) float32, the share of the spread not rebuilt, of the rows learned from and of those
    held out; the first row is that of the principal components.

    Source: Hinton & Salakhutdinov 2006, doi:10.1126/science.1127647; Baldi & Hornik 1989,
    doi:10.1016/0893-6080(89)90014-2, for the straight one.
    """

    RECOMMENDED: ClassVar[bool] = False

    def _coder(self, width: int) -> Coder:
        return Coder(width, min(self.latents, width), self.hidden, self.dropout)

    def _codes(self, coder: Coder, rows: Tensor) -> Tensor:
        codes: Tensor = coder.encoder(rows)
        return codes

    def _learn(self, coder: Coder, rows: Tensor, how: Training, progress: Progress | None) -> Dense:
        self.curve_ = pretrained(coder, rows, how, progress)
        return self._grouped(in_blocks(lambda block: self._codes(coder, block), rows.numpy()))
