"""What labellers that are networks share: classes of several targets, one training, answers where nothing is known."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wares.algorithm import Labeller, setting
from wares.arrays import Dense, Labels, Mask
from wares.classify.rows import distinct
from wares.data.catalog import Catalog
from wares.errors import DataError
from wares.training import Progress, Training, steady, train

ASKED = 256
"""Products answered at once."""

FEWEST_STEPS = 150
"""Few products are gone through more often than `epochs` says: by fewer steps nothing is learned."""


class Inputs(ABC):
    """What a network reads of products, by rows."""

    def __init__(self, known: Mask) -> None:
        self.known = known

    def __len__(self) -> int:
        return len(self.known)

    @abstractmethod
    def take(self, rows: Tensor, learning: bool) -> Any:
        """What the network is given of some products."""


@dataclass(kw_only=True, eq=False)
class Deep(Labeller):
    """A labeller that is one network with a head for each target."""

    epochs: int = setting(30, low=1)
    batch: int = setting(64, low=1)
    rate: float = setting(2e-3, low=1e-8)
    decay: float = setting(1e-2, low=0)
    dropout: float = setting(0.3, low=0, high=0.9)
    patience: int = setting(5, low=1)
    weighted: Literal["none", "balanced"] = "none"
    seed: int = setting(0, low=0)

    @abstractmethod
    def _inputs(self, catalog: Catalog) -> Inputs:
        """What the network reads of these products, after `fit` has set what that hangs on."""

    @abstractmethod
    def _network(self, heads: Sequence[int]) -> nn.Module:
        """The network, untrained: what `Inputs.take` gives to the logits of each head."""

    def _prepare(self, catalog: Catalog, targets: Sequence[str]) -> None:
        """Learn what reading hangs on; called by `fit` before anything is read."""

    def _besides(self, catalog: Catalog) -> list[Labels]:
        """Classes of targets that are learned beside those asked for, -1 where not known."""
        return []

    def fit(self, catalog: Catalog, y: Mapping[str, Sequence[str | None]], *, progress: Progress | None = None) -> Self:
        """Learn each target's class of each product; None where it is not known.

        `progress` is told the epoch, how many there may be and the loss. Raises DataError where classes are not one a
        product, and for a target of which no class is known.
        """
        self._check()
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)
        codes = self._codes(catalog, y)
        self._prepare(catalog, list(y))
        besides = self._besides(catalog)
        self.heads_ = [*(len(each) for each in self.classes_.values()), *(int(each.max()) + 1 for each in besides)]
        inputs = self._inputs(catalog)
        answers = torch.from_numpy(np.stack([*codes, *besides]))
        taught = np.flatnonzero(inputs.known & (answers[: len(codes)] >= 0).any(dim=0).numpy())
        with steady(self.seed):
            network = self._network(self.heads_)
            if len(taught):
                self.curve_ = self._train(network, inputs, torch.from_numpy(taught), answers, len(codes), progress)
            else:
                self.curve_ = np.zeros((1, 2), np.float32)
            self.network_ = {name: each.detach().clone() for name, each in network.state_dict().items()}
        return self

    def predict_proba(self, catalog: Catalog) -> Mapping[str, Dense]:
        """(n_products, n_classes) probabilities by target, columns in the order of `classes_`.

        Of products of which there is nothing to read they are how frequent the classes are.
        """
        self.learned()
        network = self._restored()
        found: dict[str, list[Dense]] = {target: [] for target in self.classes_}
        for piece in catalog.parts(16 * ASKED):  # what is read of all products need not fit into memory
            for target, table in self._asked(network, self._inputs(piece)).items():
                found[target].append(table)
        return {
            target: np.concatenate([np.zeros((0, len(classes)), np.float32), *found[target]])
            for target, classes in self.classes_.items()
        }

    def _restored(self) -> nn.Module:
        with steady(self.seed):
            network = self._network(self.heads_)
        network.load_state_dict(self.network_)
        network.eval()
        return network

    def _asked(self, network: nn.Module, inputs: Inputs) -> dict[str, Dense]:
        tables = {target: np.tile(np.asarray(self.shares_[target]), (len(inputs), 1)) for target in self.classes_}
        rows = np.flatnonzero(inputs.known)
        with steady(self.seed), torch.inference_mode():
            for start in range(0, len(rows), ASKED):
                some = rows[start : start + ASKED]
                logits = network(inputs.take(torch.from_numpy(some), False))
                for target, each in zip(self.classes_, logits, strict=False):
                    tables[target][some] = torch.softmax(each, dim=1).numpy()
        return tables

    def _codes(self, catalog: Catalog, y: Mapping[str, Sequence[str | None]]) -> list[Labels]:
        """Of each target the number of each product's class, -1 for none; `classes_` and `shares_` are learned."""
        if not y:
            raise DataError("no target to learn: give classes by target, such as {'category': [...]}")
        self.classes_: dict[str, NDArray[Any]] = {}
        self.shares_: dict[str, Dense] = {}
        found = []
        for target, names in y.items():
            if len(names) != len(catalog):
                raise DataError(f"target {target!r}: {len(names)} classes for {len(catalog)} products")
            known = np.array([row for row, name in enumerate(names) if name is not None], np.int64)
            if not len(known):
                raise DataError(f"target {target!r}: no class is known, so there is nothing to learn")
            self.classes_[target], numbers = distinct(np.array([names[row] for row in known.tolist()]))
            codes = np.full(len(names), -1, np.int64)
            codes[known] = numbers
            self.shares_[target] = (np.bincount(numbers) / len(numbers)).astype(np.float32)
            found.append(codes)
        return found

    def _train(
        self,
        network: nn.Module,
        inputs: Inputs,
        taught: Tensor,
        answers: Tensor,
        asked: int,
        progress: Progress | None,
    ) -> NDArray[np.float32]:
        batch = max(1, min(self.batch, -(-len(taught) // 2)))
        epochs = max(self.epochs, -(-FEWEST_STEPS * batch // len(taught)))
        how = Training(epochs=epochs, batch=batch, rate=self.rate, decay=self.decay, patience=self.patience)
        weights = [_weights(row[taught], size, self.weighted) for row, size in zip(answers, self.heads_, strict=True)]

        def loss(part: Tensor) -> Tensor:
            rows = taught[part]
            logits = network(inputs.take(rows, network.training))
            total = torch.zeros(())
            for number, (each, weight) in enumerate(zip(logits, weights, strict=True)):
                share = 1.0 if number < asked else self._beside_weight()
                total = total + share * _unlike(each, answers[number, rows], weight)
            return total

        return train(network, loss, len(taught), how, progress=progress)

    def _beside_weight(self) -> float:
        return 1.0


def _unlike(logits: Tensor, codes: Tensor, weight: Tensor | None) -> Tensor:
    """The mean cross-entropy over the rows whose class is known; 0 where none is."""
    there = codes >= 0
    if not bool(there.any()):
        return logits.sum() * 0.0
    return nn.functional.cross_entropy(logits[there], codes[there], weight=weight)


def _weights(codes: Tensor, size: int, how: str) -> Tensor | None:
    """What a row of each class counts: all alike, or so that classes do."""
    if how == "none":
        return None
    counts = torch.bincount(codes[codes >= 0], minlength=size).clamp(min=1).float()
    return counts.sum() / (size * counts)


class Heads(nn.Module):
    """A line for each head over what a trunk has made."""

    def __init__(self, width: int, heads: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.lines = nn.ModuleList([nn.Linear(width, size) for size in heads])

    def forward(self, rows: Tensor) -> list[Tensor]:
        dropped = self.drop(rows)
        return [line(dropped) for line in self.lines]
