"""Where products go that the clusters of a build have not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.algorithm import Clusterer, Encoder, load
from wares.arrays import Labels
from wares.cluster.placing import PlacesByNeighbour
from wares.data.catalog import Catalog
from wares.data.changes import table
from wares.engine import read_json
from wares.opened import Opened
from wares.tasks.agreement import dense

_AT_ONCE = 1024  # products
_NEIGHBOURS = 8  # looked at for one that is in a cluster


@dataclass(frozen=True, eq=False)
class Place:
    """Where one product goes: its vector, its cluster, the distance from that one's mean, and whether all are far."""

    vector: NDArray[np.float32]
    cluster: dict[str, Any]
    distance: float
    far: bool


class Clusters:
    """The clusters of a build, ready to take in products.

    A variant goes where its group is. Otherwise a method that has a rule of its own for new products places them:
    by words, by its model, or beside the nearest product (which the build's index finds). One that has centres places
    them at the nearest mean.
    """

    def __init__(self, now: Opened) -> None:
        self._now = now
        self.centers: NDArray[np.float32] = np.load(now.folder / "groups" / "centers.npy")
        self.limit = float(read_json(now.folder / "groups" / "drift.json")["limit"])
        self._squares = np.einsum("ij,ij->i", self.centers, self.centers)

    def of(self, rows: Sequence[Mapping[str, Any]]) -> list[Place]:
        """Where products go, given all that is known of each."""
        vectors = self.encode(rows)
        gaps = self._squares - 2 * (vectors @ self.centers.T) + np.einsum("ij,ij->i", vectors, vectors)[:, None]
        labels = self._grouped(rows, self._own(rows, vectors))
        labels = np.where(labels < 0, gaps.argmin(axis=1), labels)
        away = np.sqrt(np.maximum(gaps[np.arange(len(rows)), labels], 0)).astype(np.float64).round(4).tolist()
        far = (gaps.min(axis=1) > self.limit).tolist()
        named = [{"id": each.id, "name": each.name} for each in self._now.clusters]
        return [Place(*each) for each in zip(vectors, [named[label] for label in labels], away, far, strict=True)]

    def encode(self, rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
        """(n, width) what the encoder of the build makes of products."""
        encode = self._now.encoder.encode
        parts = [self._catalog(rows[start : start + _AT_ONCE]) for start in range(0, len(rows), _AT_ONCE)]
        return np.concatenate([np.asarray(dense(encode(part)), np.float32) for part in parts])

    def _catalog(self, rows: Sequence[Mapping[str, Any]]) -> Catalog:
        return Catalog(table(rows, self._now.shelf.products.schema))

    @cached_property
    def _model(self) -> Clusterer:
        folders = [self._now.folder / name / "model" for name in ("groups", "clusters")]
        found = load(next(each for each in folders if each.exists()))
        assert isinstance(found, Clusterer)
        return found

    @cached_property
    def _words(self) -> Encoder:
        return Encoder.load(self._now.folder / "clusters" / "encoder")

    def _own(self, rows: Sequence[Mapping[str, Any]], vectors: NDArray[np.float32]) -> Labels:
        """(n,) the clusters by the method's own rule; -1 where it has none."""
        model = self._model
        if model.READS == "words":
            return np.asarray(model.predict(self._words.encode(self._catalog(rows))), np.int64)
        if not isinstance(model, PlacesByNeighbour) or hasattr(model, "estimator_"):  # a foreign one with its own rule
            centred = hasattr(model, "cluster_centers_")
            return np.full(len(vectors), -1) if centred else np.asarray(model.predict(vectors), np.int64)
        near = self._now.index.search(vectors, _NEIGHBOURS).rows
        labels = np.where(near >= 0, np.asarray(self._now.labels)[near], -1)
        first = (labels >= 0).argmax(axis=1)  # the nearest that is in a cluster
        found: Labels = labels[np.arange(len(labels)), first]
        return found

    @cached_property
    def _groups(self) -> pl.Series | None:
        products = self._now.shelf.products
        return products.frame(["group"])["group"] if products.has("group") else None

    def _grouped(self, rows: Sequence[Mapping[str, Any]], labels: Labels) -> Labels:
        """(n,) the same, but variants are where their group is."""
        if self._groups is None:
            return labels
        labels = labels.copy()
        for number, fields in enumerate(rows):
            row = self._groups.index_of(str(fields["group"])) if fields.get("group") is not None else None
            if row is not None:
                labels[number] = self._now.labels[self._now.shelf.place[row]]
        return labels
