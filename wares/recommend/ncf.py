"""Shopper and product multiplied number by number, and read together by a network: neural collaborative filtering."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor, nn

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.errors import DataError
from wares.recommend.directions import directions
from wares.recommend.profile import Profile, matrix_of, picked
from wares.training import Progress, Training, steady, train

FEWEST_STEPS = 200
"""Few events are gone through more often than `epochs` says: by fewer steps nothing is learned."""

SPREAD = 0.05
"""Standard deviation of the weights that are not laid."""

PAIRS = 1 << 18
"""Pairs of shopper and product that the network reads at once when it answers."""


@dataclass(kw_only=True, eq=False)
class NCF(Recommender):
    """NeuMF: a product of vectors (GMF) and a network that reads both vectors (MLP), summed to a probability.

    Choose it to measure others against; where a history tells something, `ease` and `als` tell it as well and faster.
    A shopper has no vector of its own: it is the mean of vectors that products have as parts of a history, learned
    along, the product to be foretold left out; so anybody is answered at once. Time O(epochs x events x negatives x
    width^2), memory 64 x n_products x width bytes while learning. An answer reads every product by the network,
    O(n_products x width^2): some 20 ms for 32,000 products.

    Settings
    --------
    width : numbers of a product, for each of the two ways. layers : of the network, each half as wide as the one
    before.
    half_life : days after which a product of a history that is asked about counts half; 0 = never fades.
    dropout : share of the products of a history left out at random while learning.
    negatives : other products drawn for each step, which all its events share.
    rate, decay, batch, epochs : of learning; `batch` counts pairs of shopper and product.
    seed : of weights, order, and of what is drawn and left out.

    Learned
    -------
    products_ : (n,) int32 the rows it knows, ascending. network_ : weights by name. n_products_ : how many products it
    was fitted on. curve_ : (epochs + 1, 2) the loss of each pass.

    Source: He et al. 2017, doi:10.1145/3038912.3052569; the mean of a history in place of a shopper's number as in
    Kabbur, Ning & Karypis 2013 (FISM), doi:10.1145/2487575.2487589.
    """

    READS: ClassVar[Sequence[str]] = ("history",)
    BLOCK: ClassVar[int] = 32

    width: int = setting(32, low=1)
    layers: int = setting(2, low=1)
    half_life: float = setting(0.0, low=0.0)
    dropout: float = setting(0.2, low=0.0, high=0.95)
    negatives: int = setting(64, low=1)
    rate: float = setting(5e-3, low=1e-8)
    decay: float = setting(1e-4, low=0.0)
    batch: int = setting(1024, low=1)
    epochs: int = setting(10, low=0)
    seed: int = setting(0, low=0)

    def fit(self, history: History, context: Context = Context(), *, progress: Progress | None = None) -> Self:
        """Learn which product goes with the others of a history. Raises DataError where nobody took a product."""
        self._check()
        taken = matrix_of(history, "binary")
        self.products_ = np.unique(taken.indices).astype(np.int32)
        self.n_products_ = history.n_products
        if not len(self.products_):
            raise DataError("ncf needs events: no product of the history was taken by anybody")
        taken = csr_array(taken[:, self.products_])
        # One product alone has no others to be foretold from.
        taken = taken[np.flatnonzero(np.diff(taken.indptr) > 1)]
        with steady(self.seed):
            network = _Network(len(self.products_), self.width, self.layers)
            network.lay(taken, self.seed)
            loss = _Steps(network, taken, self.negatives, self.dropout)
            batch = max(1, min(self.batch, len(loss)))
            epochs = max(self.epochs, -(-FEWEST_STEPS * batch // max(len(loss), 1))) if self.epochs else 0
            how = Training(epochs=epochs, batch=batch, rate=self.rate, decay=self.decay, held=0.0, fused=True)
            none = np.zeros((1, 2), np.float32)
            self.curve_ = train(network, loss, len(loss), how, progress=progress) if len(loss) else none
            self.network_ = {name: each.detach().clone() for name, each in network.state_dict().items()}
        self.__dict__.pop("_made", None)
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """The odds of a product against one drawn at random; -inf for empty histories and products never seen."""
        self._ready()
        products = np.asarray(products)
        n = max(self.n_products_, history.n_products)
        scores = np.full((len(history), n), -np.inf, np.float32)
        profile = Profile.of(history, self.n_products_, "binary", self.half_life, context.at)
        rows = csr_array(profile.matrix(self.n_products_)[:, self.products_])
        some = np.flatnonzero(np.diff(rows.indptr))
        # Only what is asked for is read by the network.
        asked = np.flatnonzero(np.isin(self.products_, products))
        if len(some) and len(asked):
            network = self._restored()
            with torch.inference_mode():
                which = torch.from_numpy(asked)
                for start in range(0, len(some), max(1, PAIRS // len(asked))):
                    part = some[start : start + max(1, PAIRS // len(asked))]
                    own = csr_array(rows[part])
                    products_of = torch.from_numpy(own.indices.astype(np.int64))
                    starts = torch.from_numpy(own.indptr[:-1].astype(np.int64))
                    each = torch.from_numpy(own.data.astype(np.float32))
                    total = network.of(products_of, starts, each)
                    sizes = torch.from_numpy(np.add.reduceat(own.data, own.indptr[:-1]).astype(np.float32))
                    said = network(total / sizes[:, None], which)
                    scores[part[:, None], self.products_[asked]] = torch.exp(said.clamp(max=30)).numpy()
        return picked(scores, products)

    def _restored(self) -> "_Network":
        """The network with the weights learned; made once for as long as they are the same."""
        kept = vars(self).get("_made")
        if kept is None or kept[0] is not self.network_:
            with torch.device("meta"):
                network = _Network(len(self.products_), self.width, self.layers)
            network.load_state_dict(self.network_, assign=True)
            network.eval()
            kept = self._made = (self.network_, network)
        found: _Network = kept[1]
        return found


class _Network(nn.Module):
    """The score of shoppers and products: the first half of each vector is multiplied, the second read together."""

    def __init__(self, n: int, width: int, layers: int) -> None:
        super().__init__()
        self.width = width
        self.asked, self.met = nn.EmbeddingBag(n, 2 * width, mode="sum"), nn.Embedding(n, 2 * width)
        self.usual = nn.Parameter(torch.zeros(n))
        # The first layer reads both vectors: apart, so that products need be read once for all shoppers.
        self.left, self.right = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        sizes = [max(1, width >> depth) for depth in range(layers + 1)]
        self.deeper = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.weigh, self.last = nn.Parameter(torch.ones(width)), nn.Linear(sizes[-1], 1, bias=False)

    def lay(self, taken: csr_array, seed: int) -> None:
        """Begin as what a straight line can say: directions that histories spread in, and how common a product is."""
        with torch.no_grad():
            for table in (self.asked.weight, self.met.weight):
                nn.init.normal_(table, std=SPREAD)
            nn.init.zeros_(self.last.weight)
            counts = np.bincount(taken.indices, minlength=taken.shape[1]) + 0.5
            self.usual.copy_(torch.from_numpy(np.log(counts / counts.mean())))
            lines = torch.from_numpy(directions(taken, self.width, seed))
            self.asked.weight[:, : lines.shape[1]] = lines * len(lines) ** 0.25
            self.met.weight[:, : lines.shape[1]] = lines * len(lines) ** 0.25

    def of(self, products: Tensor, starts: Tensor, weights: Tensor) -> Tensor:
        """(b, 2 width) the sum over each history of its products' vectors."""
        found: Tensor = self.asked(products, starts, per_sample_weights=weights)
        return found

    def forward(self, shoppers: Tensor, products: Tensor) -> Tensor:
        """(b, n) the score of each product for each shopper."""
        met = self.met(products)
        plain = (shoppers[:, : self.width] * self.weigh) @ met[:, : self.width].T + self.usual[products]
        left, right = self.left(shoppers[:, self.width :]), self.right(met[:, self.width :])
        both = torch.relu(left[:, None] + right)
        for layer in self.deeper:
            both = torch.relu(layer(both))
        found: Tensor = plain + self.last(both)[..., 0]
        return found


class _Steps:
    """The loss of some pairs: cross-entropy of the product that a shopper took besides others, among those drawn."""

    def __init__(self, network: _Network, taken: csr_array, negatives: int, dropout: float) -> None:
        self.network, self.taken, self.negatives, self.dropout = network, taken, negatives, dropout
        self.owners = np.repeat(np.arange(taken.shape[0]), np.diff(taken.indptr))

    def __len__(self) -> int:
        return len(self.owners)

    def __call__(self, part: Tensor) -> Tensor:
        pairs = part.numpy()
        right, owners = self.taken.indices[pairs], self.owners[pairs]
        people, place = np.unique(owners, return_inverse=True)
        own = csr_array(self.taken[people])
        shoppers = self._others(own, right, place)
        n = self.taken.shape[1]
        drawn = np.arange(n) if self.negatives >= n else np.unique(torch.randint(n, (self.negatives,)).numpy())
        # What a shopper took is no wrong answer; the right one is added at the front of its row.
        held = csr_array(own[:, drawn]).toarray()[place] > 0
        said = self.network(shoppers, torch.from_numpy(drawn)).masked_fill(torch.from_numpy(held), -torch.inf)
        came = self._right(shoppers, right)
        return (torch.logsumexp(torch.cat([came[:, None], said], dim=1), dim=1) - came).mean()

    def _others(self, own: csr_array, right: NDArray[np.int32], place: NDArray[np.int64]) -> Tensor:
        """(b, 2 width) the mean of the products of each shopper, without the one to be foretold."""
        weights = np.ones(own.nnz, np.float32)
        if self.network.training and self.dropout:
            weights = (torch.rand(own.nnz) >= self.dropout).numpy().astype(np.float32)
        kept = csr_array((weights, own.indices, own.indptr), own.shape)
        products, starts = own.indices.astype(np.int64), own.indptr[:-1].astype(np.int64)
        total = self.network.of(torch.from_numpy(products), torch.from_numpy(starts), torch.from_numpy(weights))
        itself = torch.from_numpy(np.asarray(kept[place, right], np.float32).ravel())[:, None]
        sizes = torch.from_numpy(np.asarray(kept.sum(axis=1), np.float32))[torch.from_numpy(place)][:, None]
        table = self.network.asked.weight[torch.from_numpy(right.astype(np.int64))]
        return (total[torch.from_numpy(place)] - itself * table) / (sizes - itself).clamp(min=1)

    def _right(self, shoppers: Tensor, right: NDArray[np.int32]) -> Tensor:
        """(b,) the score of each one's own product."""
        products = torch.from_numpy(right.astype(np.int64))
        network, width = self.network, self.network.width
        met = network.met(products)
        plain = (shoppers[:, :width] * network.weigh * met[:, :width]).sum(dim=1) + network.usual[products]
        both = torch.relu(network.left(shoppers[:, width:]) + network.right(met[:, width:]))
        for layer in network.deeper:
            both = torch.relu(layer(both))
        found: Tensor = plain + network.last(both)[:, 0]
        return found
