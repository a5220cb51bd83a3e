"""Variational autoencoder: k-means on what is sure in a row."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from wares.arrays import Dense
from wares.cluster.latent import Coder, Latent, directions
from wares.training import Progress, Training, in_blocks, train

LEAST = 1e-6
"""Of the spread of a column, what is taken for noise at least."""

ASKED = 512
"""Rows that the worth of a latent is measured on."""


class Variational(Coder):
    """A row to the mean and the doubt of its description, and back."""

    def __init__(self, width: int, latents: int, hidden: int, dropout: float) -> None:
        super().__init__(width, latents, hidden, dropout)
        self.doubt = torch.nn.Linear(width, latents)
        torch.nn.init.zeros_(self.doubt.weight)
        self.worth: Tensor
        self.register_buffer("worth", torch.ones(latents))


@dataclass(kw_only=True, eq=False)
class VAE(Latent):
    """k-means on the means of a probabilistic description from which a row can be rebuilt, with noise in between.

    Choose it over `autoencoder` where columns are noisy: a latent that tells less than the noise is switched off, so
    how many are used is learned. On sentence vectors k-means is as good and quicker (docs/clusters/deep.md has the
    numbers), so it is not recommended for them. It starts as probabilistic principal components, and the noise of the
    rows is not a setting but what is left unexplained. Latents count in the clusters by how much they move what is
    rebuilt. Time O(epochs x rows x width x hidden), some 10 s for 20,000 rows on one core; memory two copies of them.

    Ask for more clusters than there are distinct rows and there is one for each. Vectors are read as float32, moved to
    their mean and scaled by one number, so distances keep their proportions.

    Settings
    --------
    n_clusters : clusters to make.
    latents : numbers of a description; no more than the row has.
    hidden : units of the hidden layer, both ways.
    dropout : share of the row and of the hidden units left out at random while learning.
    decay : weights shrink by rate x decay a step (L2).
    rate, batch, epochs : of learning: the length of a step, the rows of a step, the most passes over the rows.
    patience : epochs without a better one after which learning ends.

    Learned
    -------
    network_ : its weights by name. mean_ : (width,) float32 and scale_, which rows are moved and divided by.
    cluster_centers_ : (n_clusters_, latents) float32. labels_ : (n,) int64.
    curve_ : (epochs done + 1, 2) float32, less the evidence (nats a row, up to a constant), of the rows learned from
    and of those held out; the first row is that of probabilistic principal components.

    Source: Kingma & Welling 2014, arXiv:1312.6114; Tipping & Bishop 1999, doi:10.1111/1467-9868.00196, for the
    straight one; Rybkin, Daniilidis & Levine 2021, arXiv:2006.13202, for the noise.
    """

    RECOMMENDED: ClassVar[bool] = False

    def _coder(self, width: int) -> Variational:
        return Variational(width, min(self.latents, width), self.hidden, self.dropout)

    def _codes(self, coder: Variational, rows: Tensor) -> Tensor:
        codes: Tensor = coder.encoder(rows) * coder.worth
        return codes

    def _learn(self, coder: Variational, rows: Tensor, how: Training, progress: Progress | None) -> Dense:
        _start(coder, rows)
        self.curve_ = train(coder, lambda part: _surprise(coder, rows[part]), len(rows), how, progress=progress)
        coder.worth.copy_(_worth(coder, rows[:: max(1, len(rows) // ASKED)]))
        return self._grouped(in_blocks(lambda block: self._codes(coder, block), rows.numpy()))


def _start(coder: Variational, rows: Tensor) -> None:
    """Lay the network as probabilistic principal components, which have the answer at once."""
    width = rows.shape[1]
    variances, lines = directions(rows, width)
    most = coder.encoder.straight.out_features
    floor = LEAST / width
    noise = max(float(variances[most:].mean()) if most < width else 0.0, floor)
    kept, lines = np.maximum(variances[:most], noise + floor), lines[:, :most]
    coder.encoder.lay(lines * (np.sqrt(kept - noise) / kept))
    coder.decoder.lay((lines * np.sqrt(kept - noise)).T)
    with torch.no_grad():
        coder.doubt.bias.copy_(torch.from_numpy(np.log(noise / kept)))


def _surprise(coder: Variational, rows: Tensor) -> Tensor:
    """Less the evidence lower bound of rows, in nats a row; the noise is what is not explained."""
    mean, doubt = coder.encoder(rows), coder.doubt(rows).clamp(-16, 4)
    drawn = mean + torch.randn_like(mean) * (doubt / 2).exp() if coder.training else mean
    wrong = (coder.decoder(drawn) - rows).square().mean()
    told = 0.5 * (mean.square() + doubt.exp() - 1 - doubt).sum(dim=1).mean()
    surprise: Tensor = 0.5 * rows.shape[1] * (wrong + LEAST / rows.shape[1]).log() + told
    return surprise


def _worth(coder: Variational, rows: Tensor) -> Tensor:
    """(latents,) how far what is rebuilt moves with one unit of each latent, in the mean."""
    with torch.no_grad():
        codes = coder.encoder(rows)
        rebuilt = coder.decoder(codes)
        steps = torch.eye(codes.shape[1]) * 0.1
        moved = [(coder.decoder(codes + step) - rebuilt).square().sum(dim=1).mean().sqrt() / 0.1 for step in steps]
    return torch.stack(moved)
