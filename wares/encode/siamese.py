"""Products near each other that are the same, or go together: learned from pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wares.algorithm import Context, Encoder, setting
from wares.arrays import Dense, Labels, Rows, Sparse, unit
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.encode import features as of
from wares.encode import use
from wares.encode.cores import cores
from wares.kernels.project import projected
from wares.training import Progress, Training, steady, train

_NEAREST, _BLOCK = 16, 1024
_MEANT = 0.3
"""Of meaning before learning, letters being 1: which product it is, its letters tell; learning may find otherwise."""


@dataclass(kw_only=True, eq=False)
class Siamese(Encoder):
    """Words, character n-grams and meaning, weighed so that products known to be the same lie near each other.

    Choose it where many pairs are known, as offers that were matched by hand, or where there are no such pairs but
    shoppers who looked at one product after another; without either it is n-grams beside meaning, unlearned. It begins
    as that, so what it has not seen it still compares by letters; on shelves it has no pairs of it is no better than
    `hashing`. Fit it on the whole catalog, with -1 in `same` for products not known to be any other's.
    Both products of a pair go through one network; other
    products of the batch, and those that were nearest before learning, are what they must not be like.
    Time O(epochs x products x n-grams x width), about 7 s for 1,000 titles and three epochs on one core; memory
    12 x 2^bits x width bytes while learning.

    Settings
    --------
    columns : read as one text, in this order; those that the catalog lacks are left out.
    width : numbers for the letters. meaning : numbers for what the sentence encoder says; 0 = not asked.
    bits : words and n-grams are hashed into 2^bits. low, high : letters of an n-gram, a space around a word counted.
    loss : "contrastive", to tell the other of the pair among all (InfoNCE), or "squared", the squared error of the
    likeness, 1 for pairs and 0 for others. measure : likeness by "cosine", or by "euclidean" distance.
    temperature : of the contrastive loss; less looks at the nearest others alone.
    hard : of those nearest before learning, so many others for each product of a batch.
    rate, batch, epochs, patience, decay : of learning; a tenth of the products judges when to end.

    Learned
    -------
    table_ : (2^bits, width) float32. lines_ : (512, meaning) float32. rarity_ : (2^bits,) float32 idf.
    source_ : of the sentence encoder. curve_ : (epochs + 1, 2) the loss learned from and the loss judged by.

    Source: van den Oord et al. 2018, arXiv:1807.03748; Hadsell, Chopra & LeCun 2006, doi:10.1109/CVPR.2006.100.
    """

    READS: ClassVar[Sequence[str]] = ("history",)

    columns: tuple[str, ...] = ("title", "brand")
    width: int = setting(512, low=1)
    meaning: int = setting(128, low=0, high=use.WIDTH)
    bits: int = setting(15, low=8, high=22)
    low: int = setting(3, low=1, high=16)
    high: int = setting(4, low=1, high=16)
    loss: Literal["contrastive", "squared"] = "contrastive"
    measure: Literal["cosine", "euclidean"] = "cosine"
    temperature: float = setting(0.07, low=1e-3)
    hard: int = setting(1, low=0, high=_NEAREST)
    epochs: int = setting(8, low=1)
    batch: int = setting(128, low=2)
    rate: float = setting(1e-3, low=1e-8)
    decay: float = setting(1e-4, low=0)
    patience: int = setting(3, low=1)
    seed: int = setting(0, low=0)

    def fit(
        self,
        catalog: Catalog,
        context: Context = Context(),
        *,
        same: Labels | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Learn from groups of products that are the same; where none are given, from the history of the context."""
        self._check()
        features = self._features()
        self.rarity_ = of.idf((of.counts(texts, features) for texts in catalog.texts(self.columns)), 2**self.bits)
        self.source_ = use.source().as_json() if self.meaning else {}
        pairs = _Pairs.of(len(catalog), same, context.history)
        with steady(self.seed):
            network = _Network(self)
            self._take(network)
            self.curve_ = np.zeros((1, 2), np.float32)
            if len(pairs):
                self.curve_ = self._learn(network, catalog, pairs, progress)
                self._take(network)
        return self

    def encode(self, catalog: Catalog) -> Dense:
        self.learned()
        nothing = np.zeros((0, self.width + self.meaning), np.float32)
        return np.concatenate([nothing, *(self.encode_text(texts) for texts in catalog.texts(self.columns))])

    def encode_text(self, texts: Sequence[str]) -> Dense:
        self._ready()
        if self.meaning:
            use.check_source(self.source_)
        weighed = self._weighed(texts)
        letters = np.asarray(weighed @ np.asarray(self.table_), np.float32)
        if not self.meaning:
            return np.asarray(unit(letters), np.float32)
        meant = projected(_said(texts), np.asarray(self.lines_))
        return np.asarray(unit(np.concatenate([letters, meant], axis=1)), np.float32)

    def _features(self) -> of.Features:
        return of.Features.of(True, self.low, self.high, self.bits)

    def _weighed(self, texts: Sequence[str]) -> Sparse:
        return of.weighed(of.counts(texts, self._features()), np.asarray(self.rarity_), sublinear=True)

    def _take(self, network: "_Network") -> None:
        """Learn the network's weights as they are."""
        self.table_ = network.bag.weight.detach().numpy().copy()
        self.lines_ = network.lines.weight.detach().numpy().T[:, : self.meaning].copy()

    def _learn(
        self, network: "_Network", catalog: Catalog, pairs: "_Pairs", progress: Progress | None
    ) -> NDArray[np.float32]:
        rows = pairs.rows()
        texts = catalog.text(self.columns)
        told = [texts[row] for row in rows.tolist()]
        letters = self._weighed(told)
        meant = torch.from_numpy(_said(told) if self.meaning else np.zeros((len(told), 0), np.float32))
        inner = pairs.renumbered(rows)
        before = [letters @ self.table_, *([meant.numpy() @ self.lines_] if self.meaning else [])]
        near = _nearest(unit(np.concatenate(before, axis=1)), inner)
        rng = np.random.default_rng(self.seed)

        def seen(some: Rows) -> Tensor:
            found: Tensor = network(letters[some], meant[torch.from_numpy(some)])
            return found

        def loss(part: Tensor) -> Tensor:
            ones, others = inner.drawn(part.numpy(), rng)
            wrong = near[ones][:, rng.permutation(_NEAREST)[: self.hard]].T.ravel() if self.hard else ones[:0]
            keys = np.concatenate([others, wrong[wrong >= 0]])
            match = torch.from_numpy(inner.alike(ones, keys))
            return self._unlikeness(seen(ones), seen(keys), match)

        batch = max(2, min(self.batch, len(inner) // 2))
        how = Training(epochs=self.epochs, batch=batch, rate=self.rate, decay=self.decay, patience=self.patience)
        return train(network, loss, len(inner), how, progress=progress)

    def _unlikeness(self, ones: Tensor, keys: Tensor, match: Tensor) -> Tensor:
        """The loss of rows (b, width) whose others are the first b of the keys; `match` (b, n_keys) are the same."""
        cosine = ones @ keys.T
        like = cosine if self.measure == "cosine" else 1 - (2 - 2 * cosine).clamp(min=1e-6).sqrt() / 2
        own = torch.eye(*like.shape, dtype=torch.bool)
        if self.loss == "contrastive":
            # What is the same but not the other of this pair is no wrong answer: it is not asked about.
            asked = (like / self.temperature).masked_fill(match & ~own, -torch.inf)
            told: Tensor = nn.functional.cross_entropy(asked, torch.arange(len(ones)))
            return told
        # Others may be opposite, which is as good as nothing in common; the same may not, and are drawn on from there.
        near: Tensor = (like[match] - 1).square().mean()
        far: Tensor = like[~match].clamp(min=0).square().mean() if not bool(match.all()) else torch.zeros(())
        return near + far


class _Network(nn.Module):
    """Weighed n-grams and meaning to unit rows."""

    def __init__(self, how: Siamese) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(2**how.bits, how.width, mode="sum")
        nn.init.normal_(self.bag.weight, std=how.width**-0.5)
        self.lines = nn.Linear(use.WIDTH, max(how.meaning, 1), bias=False)  # torch warns of one without width
        nn.init.orthogonal_(self.lines.weight, gain=_MEANT)

    def forward(self, letters: Any, meant: Tensor) -> Tensor:
        columns, starts = (torch.from_numpy(each.astype(np.int64)) for each in (letters.indices, letters.indptr[:-1]))
        bag = self.bag(columns, starts, per_sample_weights=torch.from_numpy(letters.data))
        both = torch.cat([bag, self.lines(meant)], dim=1) if meant.shape[1] else bag
        rows: Tensor = nn.functional.normalize(both, dim=1)
        return rows


class _Pairs:
    """Products that belong together: by groups, or pair by pair."""

    def __init__(self, ones: Rows, others: Rows | None, group: Labels) -> None:
        self.ones, self.others, self.group = ones, others, group
        order = np.argsort(group, kind="stable")
        self._order, self._starts = order, np.searchsorted(group[order], group)
        self._sizes = np.searchsorted(group[order], group, side="right") - self._starts

    @classmethod
    def of(cls, n: int, same: Labels | None, history: History | None) -> "_Pairs":
        if same is not None:
            group = np.asarray(same, np.int64).copy()
            group[group < 0] = -1 - np.arange(n)[group < 0]  # alone
            _, group, sizes = np.unique(group, return_inverse=True, return_counts=True)
            return cls(np.flatnonzero(sizes[group] > 1), None, group.astype(np.int64))
        if history is None:
            return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.arange(n))
        owners, products = history.owners(), history.products.astype(np.int64)
        together = (owners[1:] == owners[:-1]) & (products[1:] != products[:-1])
        pairs = np.stack([products[:-1][together], products[1:][together]], axis=1)
        pairs = pairs[(pairs < n).all(axis=1)]
        return cls(pairs[:, 0], pairs[:, 1], np.arange(n))

    def __len__(self) -> int:
        return len(self.ones)

    def rows(self) -> Rows:
        """The products that occur."""
        return np.unique(self.ones if self.others is None else np.concatenate([self.ones, self.others]))

    def renumbered(self, rows: Rows) -> "_Pairs":
        """The same over these rows alone."""
        others = None if self.others is None else np.searchsorted(rows, self.others)
        return _Pairs(np.searchsorted(rows, self.ones), others, self.group[rows])

    def drawn(self, some: Rows, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """The products of some pairs; of groups, another one of the group at random."""
        ones = self.ones[some]
        if self.others is not None:
            return ones, self.others[some]
        step = rng.integers(0, self._sizes[ones] - 1)
        others = self._order[self._starts[ones] + step]
        # The last of the group stands for the product itself, which is no pair.
        last = self._order[self._starts[ones] + self._sizes[ones] - 1]
        return ones, np.where(others == ones, last, others)

    def alike(self, ones: Rows, keys: Rows) -> NDArray[np.bool_]:
        """(n, m) which are the same; the other of a pair is, whatever the group."""
        found = self.group[ones][:, None] == self.group[keys][None]
        np.fill_diagonal(found, True)
        return np.asarray(found)


def _nearest(vectors: Dense, pairs: _Pairs) -> NDArray[np.int64]:
    """(n, 16) the nearest of each row that are not the same as it; -1 where there are not so many."""
    found = np.full((len(vectors), _NEAREST), -1, np.int64)
    for start in range(0, len(vectors), _BLOCK):
        like = vectors[start : start + _BLOCK] @ vectors.T
        like[pairs.group[start : start + _BLOCK][:, None] == pairs.group[None]] = -np.inf
        most = min(_NEAREST, like.shape[1])
        rows = np.argpartition(-like, most - 1, axis=1)[:, :most]
        rows[np.isinf(np.take_along_axis(like, rows, axis=1))] = -1
        found[start : start + _BLOCK, :most] = np.sort(rows, axis=1)
    return found


def _said(texts: Sequence[str]) -> Dense:
    """(n, 512) what the sentence encoder says; zero rows of empty texts."""
    tokens = [each[:65] for each in use.tokenizer().encode([text[:2_000] for text in texts])]
    said = use.network().encode(tokens, cores())
    said[[row for row, text in enumerate(texts) if not text.strip()]] = 0
    return said
