"""What deep clusterers share: the networks, how they start, and k-means on what they make of a row; needs `deep`."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import Tags, TransformerTags
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from wares.algorithm import Clusterer, setting
from wares.arrays import Dense, Labels, Links
from wares.cluster.centred import nearest
from wares.cluster.descent import Descent
from wares.errors import SettingError
from wares.kernels.kmeans import work
from wares.runner import Local, Runner
from wares.training import Progress, Training, in_blocks, steady, train


@dataclass(kw_only=True, eq=False)
class Latent(Clusterer):
    """A clusterer that learns a narrow description of each row and groups the descriptions by k-means."""

    n_clusters: int = setting(8, low=1)
    latents: int = setting(128, low=1)
    hidden: int = setting(256, low=1)
    dropout: float = setting(0.1, low=0, high=0.9)
    decay: float = setting(1e-4, low=0)
    rate: float = setting(1e-3, low=1e-8)
    epochs: int = setting(30, low=0)
    batch: int = setting(256, low=1)
    patience: int = setting(10, low=1)
    seed: int = setting(0, low=0)

    @abstractmethod
    def _coder(self, width: int) -> nn.Module:
        """The network, untrained, for rows of so many numbers."""

    @abstractmethod
    def _codes(self, coder: Any, rows: Tensor) -> Tensor:
        """(b, latents) what clusters are made of."""

    @abstractmethod
    def _learn(self, coder: Any, rows: Tensor, how: Training, progress: Progress | None) -> Dense:
        """(n_centers, latents) the centres, after the network was trained on the scaled rows; learns `curve_`."""

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        links: Links | None = None,
        runner: Runner = Local(),
        progress: Progress | None = None,
    ) -> Self:
        """Group the rows of X (n, width). `progress` is told the epoch, how many there may be and the loss.

        Raises SettingError for links, which this method cannot honour.
        """
        self._check()
        if links is not None:
            raise SettingError(f"{type(self).__name__} cannot honour must-link and cannot-link pairs")
        rows = self._rows(X, reset=True)
        self.mean_ = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        spread = float(np.sqrt(np.square(rows - self.mean_, dtype=np.float64).sum(axis=1).mean()))
        self.scale_ = spread if spread > 1e-6 * float(np.abs(rows).max()) else 1.0
        how = Training(epochs=self.epochs, batch=self.batch, rate=self.rate, decay=self.decay, patience=self.patience)
        with steady(self.seed):
            scaled = torch.from_numpy(self._scaled(rows))
            coder = self._coder(rows.shape[1])
            self.cluster_centers_ = self._learn(coder, scaled, how, progress)
            self.network_ = {name: each.detach().clone() for name, each in coder.state_dict().items()}
        used, self.labels_ = np.unique(self._placed(rows), return_inverse=True)
        self.labels_ = self.labels_.astype(np.int64)
        self.cluster_centers_ = np.ascontiguousarray(self.cluster_centers_[used])
        self.n_clusters_ = len(used)
        return self

    def predict(self, X: Any) -> Labels:
        """(n,) the cluster whose centre is nearest to what the network makes of the row; on the fitted X `labels_`."""
        check_is_fitted(self)
        return self._placed(self._rows(X, reset=False))

    def transform(self, X: Any) -> Dense:
        """(n, latents) float32 what the network makes of each row: what the clusters are made of."""
        check_is_fitted(self)
        return self._described(self._rows(X, reset=False))

    def fit_transform(self, X: Any, y: Any = None, **others: Any) -> Dense:
        """(n, latents) what the network makes of each row, after `fit`."""
        return self.fit(X, y, **others).transform(X)

    def fit_predict(self, X: Any, y: Any = None, **others: Any) -> Labels:
        """(n,) `labels_` after `fit`."""
        return np.asarray(self.fit(X, y, **others).labels_, np.int64)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags = TransformerTags(preserves_dtype=["float32"])
        return tags

    def _rows(self, X: Any, *, reset: bool) -> Dense:
        """X as float32 rows. Raises ValueError as scikit-learn does (NaN, wrong width, no rows)."""
        rows: Dense = validate_data(self, X, reset=reset, dtype=np.float32, order="C")
        return rows

    def _scaled(self, rows: Dense) -> Dense:
        """Rows around 0, of squared length 1 in the mean."""
        return np.ascontiguousarray((rows - np.asarray(self.mean_)) / np.float32(self.scale_))

    def _placed(self, rows: Dense) -> Labels:
        return nearest(self._described(rows), np.asarray(self.cluster_centers_))[0]

    def _described(self, rows: Dense) -> Dense:
        coder = self._coder(rows.shape[1])
        coder.load_state_dict(self.network_)
        coder.eval()
        with steady(self.seed):
            return in_blocks(lambda block: self._codes(coder, block), self._scaled(rows))

    def _grouped(self, codes: Dense) -> Dense:
        """(at most n_clusters, latents) the centres of k-means."""
        with work() as pool:
            run = Descent(pool, codes, np.ones(len(codes), np.float32), self.n_clusters, seed=self.seed)
            run.run()
        return run.centers


class Bent(nn.Module):
    """A straight line and a bent one beside it, which begins as nothing: it starts as well as the line is laid."""

    def __init__(self, wide: int, narrow: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.straight = nn.Linear(wide, narrow)
        self.drop = nn.Dropout(dropout)
        self.rise = nn.Linear(wide, hidden)
        self.fall = nn.Linear(hidden, narrow)
        nn.init.zeros_(self.straight.bias)
        nn.init.zeros_(self.fall.weight)
        nn.init.zeros_(self.fall.bias)

    def forward(self, rows: Tensor) -> Tensor:
        raised: Tensor = self.drop(nn.functional.gelu(self.rise(self.drop(rows))))
        out: Tensor = self.straight(rows) + self.fall(raised)
        return out

    def lay(self, line: NDArray[np.floating[Any]]) -> None:
        """Lay the straight line: (wide, narrow)."""
        with torch.no_grad():
            self.straight.weight.copy_(torch.from_numpy(np.ascontiguousarray(line.T, np.float32)))


def directions(rows: Tensor, most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(most,) variances, the greatest first, and (width, most) directions of scaled rows: principal components.

    Where the rows have fewer, what is missing is zero. One thread and float64: the same rows give the same bits.
    """
    table = rows.numpy()
    with threadpool_limits(1, user_api="blas"):
        gram = np.zeros((table.shape[1], table.shape[1]))
        for start in range(0, len(table), 8192):
            block = table[start : start + 8192].astype(np.float64)
            gram += block.T @ block / len(table)
        values, vectors = np.linalg.eigh(gram)
    variances, lines = np.zeros(most), np.zeros((table.shape[1], most))
    kept = min(most, table.shape[1])
    variances[:kept] = np.maximum(values[::-1][:kept], 0)
    lines[:, :kept] = vectors[:, ::-1][:, :kept]
    return variances, lines


class Coder(nn.Module):
    """A row to its description and back."""

    def __init__(self, width: int, latents: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.encoder = Bent(width, latents, hidden, dropout)
        self.decoder = Bent(latents, width, hidden, 0.0)


def unlike(coder: Coder, rows: Tensor) -> Tensor:
    """The mean squared distance of rows from what they are rebuilt as."""
    error: Tensor = (coder.decoder(coder.encoder(rows)) - rows).square().sum(dim=1).mean()
    return error


def pretrained(coder: Coder, rows: Tensor, how: Training, progress: Progress | None) -> NDArray[np.float32]:
    """The learning curve of a network that learns to rebuild rows, starting from their principal components."""
    _, lines = directions(rows, coder.encoder.straight.out_features)
    coder.encoder.lay(lines)
    coder.decoder.lay(lines.T)
    return train(coder, lambda part: unlike(coder, rows[part]), len(rows), how, progress=progress)
