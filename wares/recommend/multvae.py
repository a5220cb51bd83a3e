"""A shopper's products written down in a few numbers and read back, with a guess at what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
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
from wares.recommend.profile import Profile, Strength, matrix_of, picked
from wares.training import Progress, Training, steady, train

FEWEST_STEPS = 200
"""Few shoppers are gone through more often than `epochs` says: by fewer steps nothing is learned."""

SPREAD = 0.01
"""Standard deviation of the weights that are not laid."""

LOUD = 8.0
"""What a product that lies wholly in the direction of a history begins with: it is exp(8) times as probable."""


@dataclass(kw_only=True, eq=False)
class MultVAE(Recommender):
    """A variational autoencoder of histories with a multinomial answer, partially regularised (Mult-VAE^PR).

    Choose it where shoppers have tens of products each and order tells little: films, books, groceries. With few events
    a shopper `ease` does as well in a hundredth of the time. Time O(epochs x (events x hidden + shoppers x n x
    hidden)), n being the products with events, or O(epochs x shoppers x negatives x hidden) where there are more than
    `negatives` of them; memory 32 x n x hidden bytes while learning. An answer is O(n x hidden), some 5 ms for 32,000
    products.

    Settings
    --------
    hidden : numbers between products and description. latents : numbers of the description.
    strength : how much a product counts: "binary" 1, "log" of the summed weights, or their "sum".
    half_life : days after which a product of a history that is asked about counts half; 0 = never fades.
    dropout : share of the products of a history left out at random while learning.
    most : the greatest weight of the distance from the prior (beta). anneal : share of the steps it takes to grow so.
    negatives : of the products so many, drawn for each step, are learned to tell apart; all where there are no more.
    rate, decay, batch, epochs : of learning.
    seed : of weights, order, and of what is drawn and left out.

    Learned
    -------
    products_ : (n,) int32 the rows it knows, ascending. network_ : weights by name. n_products_ : how many products it
    was fitted on. curve_ : (epochs + 1, 2) the loss of each pass.

    Source: Liang et al. 2018, doi:10.1145/3178876.3186150.
    """

    READS: ClassVar[Sequence[str]] = ("history",)

    hidden: int = setting(256, low=1)
    latents: int = setting(128, low=1)
    strength: Strength = "binary"
    half_life: float = setting(0.0, low=0.0)
    dropout: float = setting(0.5, low=0.0, high=0.95)
    most: float = setting(0.2, low=0.0, high=1.0)
    anneal: float = setting(0.8, low=0.0, high=1.0)
    negatives: int = setting(16384, low=1)
    rate: float = setting(2e-3, low=1e-8)
    decay: float = setting(0.0, low=0.0)
    batch: int = setting(128, low=1)
    epochs: int = setting(100, low=1)
    seed: int = setting(0, low=0)

    def fit(self, history: History, context: Context = Context(), *, progress: Progress | None = None) -> Self:
        """Learn to write down and read back. Raises DataError where no shopper took a product."""
        self._check()
        taken = matrix_of(history, self.strength)
        self.products_ = np.unique(taken.indices).astype(np.int32)
        self.n_products_ = history.n_products
        if not len(self.products_):
            raise DataError("multvae needs events: no product of the history was taken by anybody")
        taken = csr_array(taken[:, self.products_])
        taken = taken[np.flatnonzero(np.diff(taken.indptr))]
        batch = max(1, min(self.batch, -(-taken.shape[0] // 2)))
        epochs = max(self.epochs, -(-FEWEST_STEPS * batch // taken.shape[0]))
        how = Training(epochs=epochs, batch=batch, rate=self.rate, decay=self.decay, held=0.0, fused=True)
        with steady(self.seed):
            network = _Coder(len(self.products_), self.hidden, self.latents, self.dropout)
            steps = epochs * -(-taken.shape[0] // batch)
            network.lay(taken, self.seed)
            loss = _Steps(network, taken, self.most, max(1.0, self.anneal * steps), self.negatives)
            self.curve_ = train(network, loss, taken.shape[0], how, progress=progress)
            self.network_ = {name: each.detach().clone() for name, each in network.state_dict().items()}
        self.__dict__.pop("_made", None)
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """The probability that a product is the next one taken; -inf for empty histories and products never seen."""
        self._ready()
        scores = np.full((len(history), max(self.n_products_, history.n_products)), -np.inf, np.float32)
        rows = self._asked(history, context)
        some = np.flatnonzero(np.diff(rows.indptr))
        if len(some):
            with torch.inference_mode():
                network = self._restored()
                described, _ = network.described(*_bags(rows, some))
                said = torch.softmax(network.told(described), dim=1).numpy()
            scores[some[:, None], self.products_] = said
        return picked(scores, products)

    def _asked(self, history: History, context: Context) -> csr_array:
        """(n_shoppers, n) what is known of each history."""
        found = Profile.of(history, self.n_products_, self.strength, self.half_life, context.at)
        return csr_array(found.matrix(self.n_products_)[:, self.products_])

    def _restored(self) -> "_Coder":
        """The network with the weights learned; made once for as long as they are the same."""
        kept = vars(self).get("_made")
        if kept is None or kept[0] is not self.network_:
            with torch.device("meta"):
                network = _Coder(len(self.products_), self.hidden, self.latents, self.dropout)
            network.load_state_dict(self.network_, assign=True)
            network.eval()
            kept = self._made = (self.network_, network)
        found: _Coder = kept[1]
        return found


class _Coder(nn.Module):
    """Products to a description and back, each by one bent layer."""

    def __init__(self, n: int, hidden: int, latents: int, dropout: float) -> None:
        super().__init__()
        self.rise = nn.EmbeddingBag(n, hidden, mode="sum")
        self.bent = nn.Parameter(torch.zeros(hidden))
        self.middle, self.spread = nn.Linear(hidden, latents), nn.Linear(hidden, latents)
        self.back = nn.Linear(latents, hidden)
        self.products, self.usual = nn.Parameter(torch.empty(n, hidden)), nn.Parameter(torch.zeros(n))
        self.dropout = dropout
        if self.products.is_meta:
            return
        with torch.no_grad():
            for table in (self.rise.weight, self.products):
                nn.init.normal_(table, std=SPREAD)

    def lay(self, taken: csr_array, seed: int) -> None:
        """Begin as what a straight line can say: the directions in which histories spread, and how common each product
        is. What is learned then is what bends it, in a fraction of the steps."""
        with torch.no_grad():
            self.usual.copy_(torch.from_numpy(np.log(np.bincount(taken.indices, minlength=taken.shape[1]) + 0.5)))
            lines = torch.from_numpy(directions(taken, min(self.middle.weight.shape), seed))
            most = lines.shape[1]
            self.rise.weight[:, :most] += lines
            self.products[:, :most] += LOUD * lines
            for each in (self.middle.weight, self.back.weight):
                each[range(most), range(most)] += 1

    def described(self, products: Tensor, starts: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """(b, latents) where each history lies, and the logarithm of its variance; rows of `weights` have length 1."""
        if self.training:
            weights = nn.functional.dropout(weights, self.dropout)
        up = torch.tanh(self.rise(products, starts, per_sample_weights=weights) + self.bent)
        return self.middle(up), self.spread(up)

    def told(self, described: Tensor, drawn: Tensor | None = None) -> Tensor:
        """(b, n) how much speaks for each product, or for those drawn."""
        down = torch.tanh(self.back(described))
        table, usual = (self.products, self.usual) if drawn is None else (self.products[drawn], self.usual[drawn])
        out: Tensor = down @ table.T + usual
        return out


class _Steps:
    """The loss of some shoppers: what they took, as read back, and how far the description is from the prior."""

    def __init__(self, network: _Coder, taken: csr_array, most: float, grown: float, negatives: int) -> None:
        self.network, self.taken = network, taken
        self.most, self.grown, self.negatives, self.step = most, grown, negatives, 0

    def __call__(self, part: Tensor) -> Tensor:
        rows = part.numpy()
        middle, spread = self.network.described(*_bags(self.taken, rows))
        there, drawn = self._right(csr_array(self.taken[rows]))
        described = middle
        if self.network.training:
            described = middle + torch.randn_like(middle) * torch.exp(spread / 2)
        said = torch.log_softmax(self.network.told(described, drawn), dim=1)
        missed = -(said * there).sum(dim=1).mean()
        far = (middle.square() + spread.exp() - 1 - spread).sum(dim=1).mean() / 2
        found: Tensor = missed + self._beta() * far
        return found

    def _beta(self) -> float:
        """The weight of the prior, which grows while it learns."""
        if self.network.training:
            self.step += 1
        return self.most * min(1.0, self.step / self.grown)

    def _right(self, taken: csr_array) -> tuple[Tensor, Tensor | None]:
        """(b, n) what each took, and which n products those are: all, or those taken and others drawn beside them."""
        n = taken.shape[1]
        drawn = None
        if self.negatives < n:
            some = torch.randperm(n)[: self.negatives].numpy()
            drawn = np.union1d(some, taken.indices)
            taken = csr_array(taken[:, drawn])
        return torch.from_numpy(taken.toarray()), None if drawn is None else torch.from_numpy(drawn)


def _bags(rows: csr_array, some: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
    """The products of some rows on end, where each row starts, and how much each counts: rows of length one."""
    own = csr_array(rows[some])
    lengths = np.sqrt(np.add.reduceat(np.square(own.data), own.indptr[:-1])) if len(own.data) else np.ones(len(some))
    weights = own.data / np.repeat(lengths, np.diff(own.indptr))
    return (
        torch.from_numpy(own.indices.astype(np.int64)),
        torch.from_numpy(own.indptr[:-1].astype(np.int64)),
        torch.from_numpy(weights.astype(np.float32)),
    )
