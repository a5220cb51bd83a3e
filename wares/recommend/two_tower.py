"""Two networks that meet: one reads a product, the other a shopper, and what goes together lies near each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wares.algorithm import Context, Recommender, setting
from wares.arrays import Dense, Mask, Rows, Vectors
from wares.data.history import History
from wares.errors import DataError
from wares.kernels.ease import add_rows
from wares.recommend.features import basis
from wares.recommend.profile import Profile, faded, frozen, picked
from wares.recommend.windows import Windows
from wares.training import Progress, Training, in_blocks, steady, train

NEVER = -1e9
"""Added to what must not be the answer."""


@dataclass(kw_only=True, eq=False)
class TwoTower(Recommender):
    """A product by its vector, and by which product it is where that has events; a shopper by the products of the
    history, the latest counting most.

    Choose it for new products: what nobody has bought yet scores from its vector (`Context.vectors`), in the light of
    what went together before. Of a product as it is met and of one that leads to it there are two vectors, so ink may
    follow a printer that it is not like. Both begin as the directions that the products' vectors spread in, so with few
    events it is `content`; which product it is, is left out of half the steps, so that the vectors have to do without.
    Without vectors it learns from events alone. Time O(epochs x events x width x (length + negatives))
    and for each step O(negatives x width of the vectors x width), memory 40 x n_products x width bytes while learning.
    An answer is one product of matrices, O(n_products x width), without torch.

    Settings
    --------
    width : numbers of a product. hidden : of the bent line beside the straight one.
    features : vectors wider than this are reduced to it first.
    fading : what is left of a product of the history for each event after it; 1 = all count alike.
    length : events before the one to foretell that are learned from.
    temperature : that cosines are divided by; less looks at the nearest others alone.
    nameless : share of products that are known by their vector alone, in each step.
    dropout : share of the numbers of a vector left out at random while learning.
    negatives : other products drawn for each step; all of them where there are no more.
    rate, decay, batch, epochs : of learning.
    seed : of weights, order, and of what is drawn and left out.

    Learned
    -------
    met_, asked_ : (n_products, width) float32 of each product, as the answer and as part of a history; `met_` has unit
    rows, or zero rows of products that nothing is known of.
    basis_ : (width of the vectors, features) float32 what reduces them; of width 0 without vectors.
    network_ : weights by name, for products to come. curve_ : (epochs + 1, 2) the loss of each pass.

    Source: Yi et al. 2019, doi:10.1145/3298689.3346996; Volkovs et al. 2017 (DropoutNet).
    """

    READS: ClassVar[Sequence[str]] = ("history", "vectors")

    width: int = setting(256, low=1)
    hidden: int = setting(128, low=1)
    features: int = setting(256, low=1)
    fading: float = setting(0.5, low=0.0, high=1.0)
    length: int = setting(10, low=1)
    temperature: float = setting(0.1, low=1e-3)
    nameless: float = setting(0.5, low=0.0, high=1.0)
    dropout: float = setting(0.2, low=0.0, high=0.9)
    negatives: int = setting(2048, low=1)
    rate: float = setting(1e-3, low=1e-8)
    decay: float = setting(0.01, low=0.0)
    batch: int = setting(256, low=1)
    epochs: int = setting(2, low=0)
    seed: int = setting(0, low=0)

    def fit(self, history: History, context: Context = Context(), *, progress: Progress | None = None) -> Self:
        """Learn what comes next from products' vectors and from which they are.

        Raises DataError where there are neither vectors nor a shopper with two products.
        """
        self._check()
        windows = Windows.of(history, self.length)
        vectors = context.vectors
        if vectors is None and not len(windows):
            raise DataError("two_tower needs the vectors of the products, or a shopper with two of them")
        n = max(history.n_products, 0 if vectors is None else vectors.shape[0])
        self.basis_ = np.zeros((0, 1), np.float32) if vectors is None else basis(vectors, self.features, self.seed)
        rows = self._rows(vectors, n)
        known = np.zeros(n, np.bool_)
        known[history.products[history.weights > 0]] = True
        with steady(self.seed):
            network = _Towers(self, rows, n)
            loss = _Steps(network, torch.from_numpy(rows), windows, known, self.negatives)
            how = Training(epochs=self.epochs, batch=self.batch, rate=self.rate, decay=self.decay, held=0.0)
            none = np.zeros((1, 2), np.float32)
            self.curve_ = train(network, loss, len(windows), how, progress=progress) if len(windows) else none
            network.eval()
            ids = torch.from_numpy(np.where(known, np.arange(n), n))
            self.met_, self.asked_ = _told(network, rows, ids)
            kept = network.state_dict()
            self.network_ = {name: each.detach().clone() for name, each in kept.items() if not name.startswith("names")}
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """The sum of cosines with the products of the history, the latest counting most; -inf where nothing is known.

        New products are read from `context.vectors`.
        """
        met, asked = self._all(context)
        _, shopper = self._read(history, asked)
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
        met, asked = self._all(context)
        profile, _ = self._read(history, asked)
        products = np.asarray(products)
        found = met[np.minimum(products, len(met) - 1)] @ asked[profile.rows].T
        found[products >= len(met)] = 0
        return profile, (found * profile.values).astype(np.float32)

    def _read(self, history: History, asked: Dense) -> tuple[Profile, Dense]:
        """The profile and (n_shoppers, width) the sum of its products."""
        profile = faded(Profile.of(history, len(asked)), history, self.fading)
        sums = np.zeros((len(history), asked.shape[1]), np.float32)
        add_rows(frozen(asked), profile.indptr, profile.rows, profile.values, sums)
        return profile, sums

    def _all(self, context: Context) -> tuple[Dense, Dense]:
        """What is known of all products; of new ones by their vectors."""
        self._ready()
        n = len(self.met_)
        if not len(self.basis_) or context.vectors is None or context.vectors.shape[0] <= n:
            return self.met_, self.asked_
        rows = self._rows(context.vectors[n:], context.vectors.shape[0] - n)
        network = _Towers(self, rows, 0)
        network.load_state_dict(self.network_, strict=False)
        network.eval()
        with steady(self.seed):
            met, asked = _told(network, rows, torch.zeros(len(rows), dtype=torch.long))
        return np.concatenate([self.met_, met]), np.concatenate([self.asked_, asked])

    def _rows(self, vectors: Vectors | None, n: int) -> Dense:
        """(n, features) what the network reads; zero rows where there are no vectors."""
        rows = np.zeros((n, self.basis_.shape[1]), np.float32)
        if vectors is not None and len(self.basis_):
            rows[: vectors.shape[0]] = np.asarray(vectors @ self.basis_, np.float32)
        return rows


class _Towers(nn.Module):
    """What a product is as an answer, and as part of a history: its vector laid out, bent, and its own."""

    def __init__(self, how: TwoTower, rows: Dense, n: int) -> None:
        super().__init__()
        wide = rows.shape[1]
        self.straight = nn.Linear(wide, how.width, bias=False)
        self.led = nn.Linear(wide, how.width, bias=False)
        self.up, self.down = nn.Linear(wide, how.hidden), nn.Linear(how.hidden, how.width)
        self.names = nn.Embedding(n + 1, how.width, padding_idx=n)
        self.scale = nn.Parameter(torch.tensor(-float(np.log(how.temperature))))
        self.fading, self.dropout, self.nameless = how.fading, how.dropout, how.nameless
        with torch.no_grad():
            line = basis(rows, how.width, how.seed)
            self.straight.weight.zero_()
            self.straight.weight[: line.shape[1]] = torch.from_numpy(line.T)
            # Without vectors nothing but its name tells a product.
            self.names.weight.normal_(std=1e-3 if rows.any() else 0.1)
            self.names.weight[n] = 0
            for each in (self.led.weight, self.down.weight, self.down.bias):
                each.zero_()

    def forward(self, rows: Tensor, names: Tensor) -> tuple[Tensor, Tensor]:
        """(n, width) unit rows as answers and as parts of a history, from (n, features) vectors and (n,) names."""
        if self.training:
            rows = nn.functional.dropout(rows, self.dropout)
            names = torch.where(torch.rand(len(names)) < self.nameless, self.names.padding_idx or 0, names)
        both = self.straight(rows) + self.names(names)
        met = both + self.down(nn.functional.gelu(self.up(rows)))
        return nn.functional.normalize(met, dim=1), nn.functional.normalize(both + self.led(rows), dim=1)


class _Steps:
    """The loss of some windows: cross-entropy of the product that came, among those drawn for the step."""

    def __init__(self, network: _Towers, rows: Tensor, windows: Windows, known: Mask, negatives: int) -> None:
        self.network, self.rows, self.windows = network, rows, windows
        self.known, self.negatives = torch.from_numpy(np.flatnonzero(known)), negatives

    def __call__(self, part: Tensor) -> Tensor:
        before, right = (torch.from_numpy(each) for each in self.windows.take(part.numpy()))
        drawn = self.known
        if self.negatives < len(drawn):
            drawn = drawn[torch.randint(len(drawn), (self.negatives,))]
        used, place = torch.unique(torch.cat([before.clamp(min=0).flatten(), right, drawn]), return_inverse=True)
        met, asked = self.network(self.rows[used], used)
        own = place[: before.numel()].view(before.shape)
        counts = self.network.fading ** torch.arange(before.shape[1]) * (before >= 0)
        shoppers = nn.functional.normalize((asked[own] * counts[:, :, None]).sum(dim=1), dim=1)
        places = place[before.numel() :]
        came, others = met[places[: len(right)]], met[places[len(right) :]]
        scale = torch.exp(self.network.scale)
        nearness = shoppers @ others.T * scale
        nearness = nearness.masked_fill((drawn == right[:, None]) | _within(before, drawn), NEVER)
        # Those drawn stand for all.
        nearness = nearness + float(np.log(len(self.known) / len(drawn)))
        own_score = (shoppers * came).sum(dim=1, keepdim=True) * scale
        loss: Tensor = (torch.logsumexp(torch.cat([own_score, nearness], dim=1), dim=1) - own_score[:, 0]).mean()
        return loss


def _within(before: Tensor, drawn: Tensor) -> Tensor:
    """(b, len(drawn)) whether each is in the window: it cannot come again."""
    found = torch.zeros(len(before), len(drawn), dtype=torch.bool)
    for column in before.T:
        found |= column[:, None] == drawn
    return found


def _told(network: _Towers, rows: Dense, names: Tensor) -> tuple[Dense, Dense]:
    """(n, width) each product as an answer and as part of a history; zero rows where nothing is known."""

    def work(block: Tensor) -> Tensor:
        at = block[:, -1].long()
        return torch.cat(network(block[:, :-1], names[at]), dim=1)

    numbered = np.concatenate([rows, np.arange(len(rows), dtype=np.float32)[:, None]], axis=1)
    both = in_blocks(work, numbered)
    blank = ~rows.any(axis=1) & (names.numpy() == network.names.padding_idx)
    both[blank] = 0
    met, asked = np.split(both, 2, axis=1)
    return np.ascontiguousarray(met), np.ascontiguousarray(asked)
