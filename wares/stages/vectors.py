"""Products as vectors, and the vectors in groups."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Clusterer, Encoder
from wares.arrays import Labels, Vectors
from wares.data.catalog import Catalog
from wares.engine import Tell, read_json, write_json
from wares.errors import MissingExtra, SettingError
from wares.stages.line import Line, settings_of
from wares.tasks import choosing, naming
from wares.tasks.fusing import Fused, default_encoder, fit_cached


def vectors_stage(line: Line, shown: Catalog) -> Vectors:
    """(n_shown, width) what the encoder of the settings makes of the products."""
    encoder = encoder_of(line)
    reads = [line.keys["shelf"], settings_of(encoder)]

    def make(folder: Path, tell: Tell) -> None:
        fitted = clone(encoder)
        vectors = fit_cached(fitted, shown, line.run.steps.folder / "texts")
        fitted.save(folder / "encoder")
        np.save(folder / "vectors.npy", _dense(vectors, encoder))

    folder = line.step("vectors", "encode products", reads, [Fused, type(encoder)], make)
    vectors: Vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    line.report["encoder"] = {"text": _told(encoder, vectors), "width": int(vectors.shape[1])}
    return vectors


def _dense(vectors: Vectors, encoder: Encoder) -> NDArray[np.float32]:
    if not isinstance(vectors, np.ndarray):
        name = type(encoder).__name__
        raise SettingError(f"encode.use: {name} makes sparse rows, too wide to cluster and to index; use lsa")
    return vectors


def encoder_of(line: Line) -> Encoder:
    """The encoder of the settings; where ours cannot be had for lack of a package, the next best, and a warning."""
    try:
        return line.config.make(Encoder)
    except MissingExtra:
        if line.config.settings("encode") != ("fused", {}):
            raise  # somebody asked for it by name
        encoder, lost = default_encoder()
        if lost not in line.run.warnings:
            line.run.warnings.append(lost)
        return encoder


def blinded(encoder: Encoder, columns: Sequence[str]) -> Encoder:
    """The same encoder, reading only some columns."""
    blind: Encoder = clone(encoder)
    for part in getattr(blind, "parts", [blind]):
        if "columns" in part.get_params():
            part.set_params(columns=tuple(columns))
    return blind


def _told(encoder: Encoder, vectors: Vectors) -> str:
    parts = getattr(encoder, "parts", [encoder])
    return f"{' + '.join(type(each).__name__.lower() for each in parts)}, {vectors.shape[1]} dimensions"


def clusters_stage(line: Line, shown: Catalog, vectors: Vectors) -> Labels:
    """(n_shown,) the cluster of each product; how many is chosen unless the settings say."""
    clusterer = line.config.make(Clusterer)
    chosen = "n_clusters" in clusterer.get_params() and not line.config.says("cluster.n_clusters")
    reads = [line.keys["vectors"], line.keys["shelf"], settings_of(clusterer), chosen]

    def make(folder: Path, tell: Tell) -> None:
        choice: dict[str, Any] = {"reason": "as the settings say", "curve": []}
        model = clone(clusterer)
        if chosen:
            with_k = partial(with_clusters, clusterer)
            found = choosing.choose(with_k, vectors, seed=line.config.shop.seed)
            choice = {"reason": found.reason, "curve": found.curve, "k": found.k, "sample": found.sample}
            model = with_k(found.k)
        tell(0.4)
        model.fit(vectors)
        tell(0.6)
        labels = np.asarray(model.labels_, np.int64)
        model.save(folder / "model")
        np.save(folder / "labels.npy", labels)
        names = naming.name_clusters(shown, labels, vectors)
        sizes = np.bincount(labels[labels >= 0], minlength=len(names))
        described = [
            {"id": n, "name": each.name, "size": int(sizes[n]), "keywords": each.keywords, "typical": each.typical}
            for n, each in enumerate(names)
        ]
        write_json(folder / "clusters.json", described)
        write_json(folder / "choice.json", choice)

    folder = line.step("clusters", "cluster products", reads, [choosing, naming, type(clusterer)], make)
    described = read_json(folder / "clusters.json")
    largest = sorted(described, key=lambda each: -each["size"])[:8]
    line.report["clusters"] = {
        "n": len(described),
        "choice": read_json(folder / "choice.json")["reason"],
        "curve": read_json(folder / "choice.json")["curve"],
        "largest": [{"id": each["id"], "name": each["name"], "size": each["size"]} for each in largest],
    }
    labels: Labels = np.load(folder / "labels.npy")
    return labels


def with_clusters(clusterer: Clusterer, k: int) -> Clusterer:
    """The same clusterer, to make k clusters."""
    made: Clusterer = clone(clusterer).set_params(n_clusters=k)
    return made
