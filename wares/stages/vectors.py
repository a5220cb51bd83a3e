"""Products as vectors."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Context, Encoder
from wares.arrays import Vectors
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.engine import Tell
from wares.errors import MissingExtra, SettingError
from wares.stages.line import Line, settings_of
from wares.tasks.fusing import Fused, default_encoder, fit_cached, reads
from wares.tasks.picturing import at_home, state, unread


def vectors_stage(line: Line, shown: Catalog, history: History) -> Vectors:
    """(n_shown, width) what the encoder of the settings makes of the products.

    What shoppers did is read only where the encoder, or a part of it, says so: else new events leave all vectors.
    """
    encoder = at_home(encoder_of(line), line.config.products.sources)
    keys = [line.keys["shelf"], settings_of(encoder)]
    keys += [files for files in [state(encoder, shown)] if files]
    keys += [line.keys.get("history") for _ in reads(encoder)]

    def make(folder: Path, tell: Tell) -> None:
        fitted = clone(encoder)
        texts, out = line.run.steps.folder / "texts", folder / "vectors.npy"
        _dense(fit_cached(fitted, shown, texts, Context(history=history), tell=tell, out=out), encoder)
        fitted.save(folder / "encoder")
        if images := unread(fitted):
            (folder / "unread.json").write_text(json.dumps(images, ensure_ascii=False), encoding="utf-8")

    folder = line.step("vectors", "encode products", keys, [Fused, type(encoder)], make)
    vectors: Vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    line.report["encoder"] = {"text": _told(encoder, vectors), "width": int(vectors.shape[1])}
    if (folder / "unread.json").is_file():
        _tell_unread(line, json.loads((folder / "unread.json").read_text(encoding="utf-8")))
    return vectors


def _tell_unread(line: Line, images: dict[str, Any]) -> None:
    """Images that could not be read: in the report, and as a warning."""
    line.report["images"] = images
    why = ", ".join(f"{count} {reason}" for reason, count in images["reasons"].items())
    line.run.warnings.append(f"{images['unread']} images could not be read: {why}; first {images['files'][0]['file']}")


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
