"""What recommenders share that read a history event by event with a network: its windows, learning, and answers."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Rows
from wares.data.history import History
from wares.errors import DataError
from wares.recommend.profile import picked
from wares.recommend.softmax import Loss, next_loss
from wares.recommend.together import together
from wares.training import Progress, Training, steady, train

FEWEST_STEPS = 120
"""Few shoppers are gone through more often than `epochs` says: by fewer steps nothing is learned."""

SPREAD = 0.02
"""Standard deviation that weights begin with."""


class Read(NamedTuple):
    """What a network reads: the known products of some rows on end, and how many each row has.

    events : (n,) where in the history each stands.
    """

    kinds: NDArray[np.int64]
    sizes: NDArray[np.int64]
    events: NDArray[np.int64]


@dataclass(kw_only=True, eq=False)
class Sequential(Recommender):
    """A network that reads products in order and says of each place which comes next.

    Products begin and end with the same vectors. A shopper's history is cut into windows of `length`; the rows that
    share a step need no filling up, however different their lengths.
    """

    READS: ClassVar[Sequence[str]] = ("history",)

    width: int = setting(64, low=1)
    length: int = setting(50, low=1)
    loss: Literal["softmax", "gbce"] = "softmax"
    negatives: int = setting(256, low=0)
    calibration: float = setting(0.75, low=0.0, high=1.0)
    start: Literal["together", "random"] = "together"
    held: int = setting(0, low=0)
    temperature: float = setting(2.0, low=1e-3)
    dropout: float = setting(0.4, low=0.0, high=0.9)
    rate: float = setting(3e-3, low=1e-8)
    decay: float = setting(0.0, low=0.0)
    batch: int = setting(256, low=1)
    epochs: int = setting(45, low=1)
    refresh: int = setting(3, low=1)
    threads: int = setting(1, low=1)
    seed: int = setting(0, low=0)

    @abstractmethod
    def _network(self, kinds: int) -> nn.Module:
        """The network, untrained, over so many products: (n,) products and (rows,) sizes to (n, width) states.

        Its products' vectors are `products.weight`.
        """

    def fit(self, history: History, context: Context = Context(), *, progress: Progress | None = None) -> Self:
        """Learn what comes next; `progress` is told the epoch, how many there are and the loss.

        Raises DataError where no shopper has two events: then nothing comes next.
        """
        self._check()
        self._forget()
        self.products_ = np.unique(history.products[history.weights > 0]).astype(np.int32)
        self.n_products_ = history.n_products
        with steady(self.seed, self.threads):
            network = self._network(len(self.products_))
            if self.start == "together" and len(self.products_):
                vectors = together(self._known(history), self.width, self.seed)
                network.get_parameter("products.weight").data.add_(torch.from_numpy(vectors))
            self.curve_ = self._learn(network, history, self.epochs, progress)
            self._keep(network)
        return self

    def partial_fit(self, history: History, context: Context = Context(), *, progress: Progress | None = None) -> Self:
        """Learn on from these histories for `refresh` passes, products that are new among them; or fit, if it is not.

        What is to stay known must be in the histories as well: it goes on from what it has, and adds no old data.
        """
        if not hasattr(self, "network_"):
            return self.fit(history, context, progress=progress)
        self._check()
        old = self.products_
        self.products_ = np.union1d(old, history.products[history.weights > 0]).astype(np.int32)
        self.n_products_ = max(self.n_products_, history.n_products)
        with steady(self.seed, self.threads):
            network = self._network(len(self.products_))
            weights = {name: each.clone() for name, each in self.network_.items()}
            vectors = network.state_dict()["products.weight"]
            vectors[torch.from_numpy(np.searchsorted(self.products_, old))] = weights["products.weight"]
            network.load_state_dict({**weights, "products.weight": vectors})
            self.curve_ = self._learn(network, history, self.refresh, progress)
            self._keep(network)
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """How likely each product comes next, in all 1; -inf for an empty history and for products never seen."""
        self._ready()
        scores = np.full((len(history), max(self.n_products_, history.n_products)), -np.inf, np.float32)
        read = self._read(history)
        some = np.flatnonzero(read.sizes)
        if len(some):
            with torch.inference_mode():
                network = self._restored()
                states = network(torch.from_numpy(read.kinds), read.sizes[some])
                last = states[torch.from_numpy(np.cumsum(read.sizes[some]) - 1)]
                near = last @ self.network_["products.weight"].T
                said = torch.softmax(near / self.temperature, dim=1).numpy()
            if len(some) == len(scores) and len(self.products_) == scores.shape[1]:
                return picked(said, products)
            scores[some[:, None], self.products_] = said
        return picked(scores, products)

    def _read(self, history: History) -> Read:
        """The last `length` products of each row that are known, those sent back left out."""
        kinds = self._kinds(history)
        events = np.flatnonzero(kinds >= 0)
        owners = history.owners()[events]
        ends = np.cumsum(np.bincount(owners, minlength=len(history)))
        kept = ends[owners] - np.arange(len(events)) <= self.length
        events, owners = events[kept], owners[kept]
        return Read(kinds[events], np.bincount(owners, minlength=len(history)), events)

    def _kinds(self, history: History) -> NDArray[np.int64]:
        """(n_events,) the place of each product among those known; -1 for others and for what was sent back."""
        if not len(self.products_):
            return np.full(history.n_events, -1, np.int64)
        place = np.minimum(np.searchsorted(self.products_, history.products), len(self.products_) - 1)
        return np.where((self.products_[place] == history.products) & (history.weights > 0), place, -1)

    def _known(self, history: History) -> History:
        """The events of known products that were not sent back, products by their place among those known."""
        kinds = self._kinds(history)
        kept = kinds >= 0
        found = history.keep(kept)
        return replace(found, products=kinds[kept].astype(np.int32), n_products=len(self.products_))

    def _learn(
        self, network: nn.Module, history: History, epochs: int, progress: Progress | None
    ) -> NDArray[np.float32]:
        known = self._known(history)
        starts, sizes = windows(known.indptr, self.length)
        if not len(starts):
            raise DataError(f"{type(self).__name__}: no shopper has two events, so nothing comes next to learn from")
        flat = torch.from_numpy(known.products.astype(np.int64))
        how = Loss(self.loss, self.negatives, self.calibration)

        def loss(part: Tensor) -> Tensor:
            rows = part.numpy()
            places = torch.from_numpy(spans(starts[rows], sizes[rows]))
            states = network(flat[places], sizes[rows])
            held = before(flat[places], sizes[rows], self.held)
            return next_loss(states, network.get_parameter("products.weight"), flat[places + 1], held, how)

        batch = max(1, min(self.batch, -(-len(starts) // 2)))
        epochs = max(epochs, -(-FEWEST_STEPS * batch // len(starts)))
        training = Training(epochs=epochs, batch=batch, rate=self.rate, decay=self.decay, held=0.0)
        return train(network, loss, len(starts), training.but(fall=0.0, fused=True), progress=progress)

    def _forget(self) -> None:
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)

    def _keep(self, network: nn.Module) -> None:
        self.network_ = {name: each.detach().clone() for name, each in network.state_dict().items()}

    def _restored(self) -> Any:
        """The network with the weights learned; made once for as long as they are the same."""
        kept = vars(self).get("_made")
        if kept is None or kept[0] is not self.network_:
            with torch.device("meta"):
                network = self._network(len(self.products_))
            network.load_state_dict(self.network_, assign=True)
            network.eval()
            kept = self._made = (self.network_, network)
        return kept[1]


def windows(indptr: NDArray[np.int64], length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where windows begin and how many events each has to learn from, the one after each being what is to come.

    Cut from the end, so that the newest stand in a full one; each begins where the one before has its last answer.
    """
    steps = np.maximum(np.diff(indptr) - 1, 0)
    counts = -(-steps // length)
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    ends = np.repeat(indptr[1:] - 1, counts) - number * length
    starts = np.maximum(ends - length, np.repeat(indptr[:-1], counts))
    return starts, ends - starts


def spans(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers from each start on, so many of each, on end."""
    return np.asarray(np.repeat(starts - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum()))


def before(kinds: Tensor, sizes: NDArray[np.int64], n: int) -> Tensor:
    """(len(kinds), n) the products at each place and before it in its row, each once; -1 where there are no more."""
    order = torch.from_numpy(spans(np.zeros(len(sizes), np.int64), sizes))
    found = torch.full((len(kinds), n), -1)
    for back in range(n):
        own = torch.where(order >= back, kinds.roll(back), -1)
        again = (found[:, :back] == own[:, None]).any(dim=1)
        found[:, back] = torch.where(again, -1, own)
    return found
