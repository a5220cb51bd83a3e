"""Shoppers and products as a graph: each is like the mean of its neighbours, and of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.errors import DataError
from wares.kernels.ease import add_rows
from wares.recommend.profile import Profile, frozen, matrix_of, picked
from wares.recommend.softmax import Loss, next_loss
from wares.training import Progress, Training, steady, train

FEWEST_STEPS = 60
"""Few events are gone through more often than `epochs` says: by fewer steps nothing is learned."""

LOUD = 2.0
"""Length that vectors begin with, in the mean."""


@dataclass(kw_only=True, eq=False)
class LightGCN(Recommender):
    """Vectors of shoppers and products, smoothed along who took what, learned so that what was taken is near.

    Choose it where shoppers have few events and products many: what neighbours took fills in. The shoppers' own vectors
    are only learned beside; of a history the vectors of its products are summed, which is one more step along the
    graph, so nobody is stored and anybody is answered. Time O(steps x (events x layers + batch x negatives) x width),
    steps being epochs x events / batch; memory 40 x (shoppers + products) x width bytes and 24 an event. An answer is
    one product of matrices, O(n_products x width), without torch.

    Settings
    --------
    width : numbers of a product. layers : steps along the graph.
    half_life : days after which a product of a history that is asked about counts half; 0 = never fades.
    negatives : other products drawn for each step; 0 = all.
    rate, decay, batch, epochs : of learning; `batch` counts pairs of shopper and product.
    seed : of order and of what is drawn.

    Learned
    -------
    met_, asked_ : (n_products, width) float32 of each product, as the answer and as part of a history; zero rows of
    products that nobody took. curve_ : (epochs + 1, 2) the loss of each pass.

    Source: He et al. 2020, doi:10.1145/3397271.3401063.
    """

    READS: ClassVar[Sequence[str]] = ("history",)

    width: int = setting(64, low=1)
    layers: int = setting(2, low=1)
    half_life: float = setting(0.0, low=0.0)
    negatives: int = setting(1024, low=0)
    rate: float = setting(5e-3, low=1e-8)
    decay: float = setting(1e-3, low=0.0)
    batch: int = setting(4096, low=1)
    epochs: int = setting(10, low=0)
    seed: int = setting(0, low=0)

    def fit(self, history: History, context: Context = Context(), *, progress: Progress | None = None) -> Self:
        """Learn the vectors of the products. Raises DataError where no shopper took a product."""
        self.vectors_of(history, progress=progress)
        return self

    def vectors_of(self, history: History, *, progress: Progress | None = None) -> Dense:
        """Fit, and (n_shoppers, width) the vectors that these shoppers have learned beside, which are not kept."""
        self._check()
        taken = matrix_of(history, "binary")
        if not taken.nnz:
            raise DataError("lightgcn needs events: no product of the history was taken by anybody")
        graph = _graph(taken)
        shoppers, products = np.repeat(np.arange(taken.shape[0]), np.diff(taken.indptr)), taken.indices
        with steady(self.seed):
            network = _Vectors(graph, self.width, self.layers, self.seed)
            right = torch.from_numpy(products.astype(np.int64))
            of, how = torch.from_numpy(shoppers), Loss("softmax", self.negatives, 0.0)

            def loss(part: Tensor) -> Tensor:
                people, things = network()
                none = part.new_empty(len(part), 0)
                found: Tensor = next_loss(people[of[part]], things, right[part], none, how)
                return found

            batch = max(1, min(self.batch, len(right)))
            epochs = max(self.epochs, -(-FEWEST_STEPS * batch // len(right))) if self.epochs else 0
            training = Training(epochs=epochs, batch=batch, rate=self.rate, decay=self.decay, held=0.0)
            self.curve_ = train(network, loss, len(right), training, progress=progress)
            with torch.no_grad():
                layers = [each.detach() for each in network.layers()]
        n = taken.shape[0]
        counts = np.bincount(products, minlength=taken.shape[1]).astype(np.float32)
        scale = np.divide(1, np.sqrt(counts), out=np.zeros_like(counts), where=counts > 0)
        none = (counts > 0)[:, None]
        met = torch.stack([each[n:] for each in layers]).mean(dim=0).numpy() * none
        asked = torch.stack([each[n:] for each in layers[:-1]]).sum(dim=0).numpy() * scale[:, None]
        self.met_, self.asked_ = np.ascontiguousarray(met, np.float32), np.ascontiguousarray(asked, np.float32)
        found: Dense = torch.stack([each[:n] for each in layers]).mean(dim=0).numpy()
        return found

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """What the products of the history say together; -inf where none of them is known, and of products unknown."""
        _, shopper = self._read(history, context)
        met = self.met_
        scores = np.full((len(history), max(len(met), history.n_products)), -np.inf, np.float32)
        np.matmul(shopper, met.T, out=scores[:, : len(met)])
        scores[:, : len(met)][:, ~met.any(axis=1)] = -np.inf
        scores[~shopper.any(axis=1)] = -np.inf
        return picked(scores, products)

    def contributions(self, history: History, product: int) -> NDArray[np.float32]:
        """(n_events,) of a one-shopper history; they sum to the score."""
        return np.asarray(self.contributions_to(history, np.array([product]))[0])

    def contributions_to(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """(len(products), n_events) of a one-shopper history, what each event adds to the score of each product."""
        profile, found = self.by_product(history, products, context=context)
        return profile.spread(found)

    def by_product(self, history: History, products: Rows, *, context: Context = Context()) -> tuple[Profile, Dense]:
        """The profile of a one-shopper history, and (len(products), m) what each of its products adds to the scores."""
        profile, _ = self._read(history, context)
        products, met = np.asarray(products), self.met_
        found = met[np.minimum(products, len(met) - 1)] @ self.asked_[profile.rows].T
        found[products >= len(met)] = 0
        return profile, (found * profile.values).astype(np.float32)

    def _read(self, history: History, context: Context) -> tuple[Profile, Dense]:
        """The profile and (n_shoppers, width) the sum of its products."""
        self._ready()
        profile = Profile.of(history, len(self.asked_), "binary", self.half_life, context.at)
        sums = np.zeros((len(history), self.asked_.shape[1]), np.float32)
        add_rows(frozen(self.asked_), profile.indptr, profile.rows, profile.values, sums)
        return profile, sums


def _graph(taken: csr_array) -> csr_array:
    """(shoppers, products) each cell over the roots of how many its row and its column have."""
    rows, columns = np.diff(taken.indptr), np.bincount(taken.indices, minlength=taken.shape[1])
    data = 1 / np.sqrt(np.repeat(rows, rows) * columns[taken.indices])
    return csr_array((data.astype(np.float32), taken.indices, taken.indptr), shape=taken.shape)


class _Vectors(nn.Module):
    """The vectors before smoothing, shoppers first, which begin as the directions that the graph spreads in."""

    def __init__(self, graph: csr_array, width: int, layers: int, seed: int) -> None:
        super().__init__()
        self.graph, self.back, self.steps = graph, csr_array(graph.T), layers
        start = np.random.default_rng(seed).standard_normal((sum(graph.shape), width)).astype(np.float32) * 0.01
        most = min(*graph.shape, width)
        with threadpool_limits(1, user_api="blas"):
            left, sizes, lines = randomized_svd(graph, most, n_iter=4, random_state=seed)
        both = np.concatenate([left * np.sqrt(sizes), lines.T * np.sqrt(sizes)])
        start[:, :most] += LOUD * both / np.sqrt(np.square(both).sum(axis=1).mean())
        self.own = nn.Parameter(torch.from_numpy(start))

    def forward(self) -> tuple[Tensor, Tensor]:
        """The smoothed vectors of shoppers and of products."""
        mean = torch.stack(self.layers()).mean(dim=0)
        return mean[: self.graph.shape[0]], mean[self.graph.shape[0] :]

    def layers(self) -> list[Tensor]:
        """The vectors, those after one step along the graph, and so on."""
        found: list[Tensor] = [self.own]
        for _ in range(self.steps):
            found.append(_Step.apply(found[-1], self.graph, self.back))  # type: ignore[no-untyped-call]
        return found


class _Step(torch.autograd.Function):
    """One step along the graph, which is the same backwards: shoppers become sums of products, products of shoppers."""

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, graph: csr_array, back: csr_array) -> Tensor:
        ctx.graph, ctx.back = graph, back
        return _walked(vectors, graph, back)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _walked(gradients[0], ctx.graph, ctx.back), None, None


def _walked(vectors: Tensor, graph: csr_array, back: csr_array) -> Tensor:
    table = vectors.detach().numpy()
    n = graph.shape[0]
    return torch.from_numpy(np.concatenate([graph @ table[n:], back @ table[:n]]).astype(np.float32, copy=False))
