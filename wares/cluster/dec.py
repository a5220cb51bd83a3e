"""Deep embedded clustering: a network that teaches itself to part what it has grouped."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from wares.algorithm import setting
from wares.arrays import Dense
from wares.cluster.latent import Coder, Latent, pretrained, unlike
from wares.training import Progress, Training, in_blocks, train


class Parting(nn.Module):
    """A coder and the centres of its codes, learned together."""

    def __init__(self, coder: Coder, centers: Tensor) -> None:
        super().__init__()
        self.coder = coder
        self.centers = nn.Parameter(centers)


@dataclass(kw_only=True, eq=False)
class DEC(Latent):
    """An autoencoder whose codes are drawn to the centre they are nearest to, the surer the more.

    Choose it where clusters are many rows thick and apart already: it sharpens what k-means on the codes has found, and
    cannot find what that has missed. On sentence vectors it is no better than k-means (docs/clusters/deep.md has the
    numbers), so it is not recommended for them. After the autoencoder each row has a chance for each centre by
    Student's t; the chances squared, against the size of the clusters, are what the next pass learns. Rows must still
    be rebuilt meanwhile, or codes would fall together (IDEC). Time about three times that of `autoencoder`; memory two
    copies of the rows and 8 x n_rows x n_clusters bytes.

    Ask for more clusters than there are distinct rows and there is one for each; clusters that lose all their rows are
    let go. Vectors are read as float32, moved to their mean and scaled by one number.

    Settings
    --------
    n_clusters : clusters to make.
    latents : numbers kept of a row; no more than the row has. Few part better, many keep more.
    hidden : units of the hidden layer, both ways.
    dropout : share of the row and of the hidden units left out at random while learning.
    decay : weights shrink by rate x decay a step (L2).
    rate, batch, epochs : of learning: the length of a step, the rows of a step, the most passes over the rows.
    patience : epochs without a better one after which learning to rebuild ends.
    parting : weight of drawing to the centres beside rebuilding. passes : most passes of it.
    tol : it ends when a pass moves less than this share of the rows to another cluster.

    Learned
    -------
    network_ : its weights by name. mean_ : (width,) float32 and scale_, which rows are moved and divided by.
    cluster_centers_ : (n_clusters_, latents) float32. labels_ : (n,) int64. reach_ : how far rows lie from their centre
    in the mean, the unit of the chances.
    curve_ : (epochs done + 1, 2) float32, of learning to rebuild: the share of the spread not rebuilt, of the rows
    learned from and of those held out. moved_ : (passes,) float32, the share of the rows that changed their cluster.

    Source: Xie, Girshick & Farhadi 2016, arXiv:1511.06335; Guo et al. 2017, doi:10.24963/ijcai.2017/243.
    """

    RECOMMENDED: ClassVar[bool] = False

    parting: float = setting(0.3, low=0)
    passes: int = setting(5, low=0)
    tol: float = setting(1e-3, low=0)

    def predict_proba(self, X: Any) -> Dense:
        """(n, n_clusters_) float32 the chance of each cluster by Student's t; rows sum to 1."""
        check_is_fitted(self)
        codes = torch.from_numpy(self._described(self._rows(X, reset=False)))
        centers = torch.from_numpy(np.array(self.cluster_centers_))
        return np.asarray(_chances(codes, centers, self.reach_).numpy())

    def _coder(self, width: int) -> Coder:
        return Coder(width, min(self.latents, width), self.hidden, self.dropout)

    def _codes(self, coder: Coder, rows: Tensor) -> Tensor:
        codes: Tensor = coder.encoder(rows)
        return codes

    def _learn(self, coder: Coder, rows: Tensor, how: Training, progress: Progress | None) -> Dense:
        self.curve_ = pretrained(coder, rows, how, progress)

        def codes() -> Tensor:
            return torch.from_numpy(in_blocks(lambda block: self._codes(coder, block), rows.numpy()))

        first = codes()
        centers = torch.from_numpy(self._grouped(first.numpy()))
        gaps = torch.cdist(first, centers).min(dim=1)
        self.reach_ = float(gaps.values.square().mean().sqrt()) or 1.0
        parting = Parting(coder, centers)
        wanted, before, moved = torch.empty(0), gaps.indices, []

        def aim(epoch: int) -> bool:
            """What the next pass is to learn; whether hardly any row moved in the last one."""
            nonlocal wanted, before
            parting.eval()
            with torch.no_grad():
                chances = _chances(codes(), parting.centers, self.reach_)
            wanted = chances.square() / chances.sum(dim=0)
            wanted /= wanted.sum(dim=1, keepdim=True)
            labels = chances.argmax(dim=1)
            if epoch:
                moved.append(float((labels != before).float().mean()))
            before = labels
            return bool(epoch) and moved[-1] < self.tol

        def loss(part: Tensor) -> Tensor:
            chances = _chances(coder.encoder(rows[part]), parting.centers, self.reach_)
            target = wanted[part]
            apart = (target * (target / chances).log()).sum(dim=1).mean()
            return self.parting * apart + unlike(coder, rows[part])

        aim(0)
        train(parting, loss, len(rows), how.but(epochs=self.passes, rate=how.rate / 3, held=0.0), before=aim)
        self.moved_ = np.array(moved, np.float32)
        return np.array(parting.centers.detach().numpy(), np.float32)


def _chances(codes: Tensor, centers: Tensor, reach: float) -> Tensor:
    """(n, n_centers) the chance of each centre, by Student's t with one degree of freedom."""
    apart = (codes.square().sum(dim=1, keepdim=True) - 2 * codes @ centers.T + centers.square().sum(dim=1)).clamp(min=0)
    near = 1 / (1 + apart / reach**2)
    return near / near.sum(dim=1, keepdim=True)
