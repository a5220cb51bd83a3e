"""What search, similar products and products bought together answer from."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Index
from wares.arrays import Labels, Vectors
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.engine import Tell, read_json
from wares.index.words import Words
from wares.registry import make
from wares.stages.line import Line, settings_of
from wares.tasks.filtering import Filters
from wares.tasks.similar import Together


def words_stage(line: Line, shown: Catalog, labels: Labels, history: History) -> None:
    """Index the words, the columns to filter by, and how popular each product is; clusters are filtered by their id."""
    ids = np.array([*read_json(line.folders["groups"] / "ids.json")["ids"], -1])

    def make(folder: Path, tell: Tell) -> None:
        Words().fit(shown, scratch=folder).save(folder / "words")
        tell(0.6)
        Filters().fit(shown, ids[labels]).save(folder / "filters")
        np.save(folder / "popularity.npy", _popularity(shown, history))

    reads = [line.keys["shelf"], line.keys["groups"], line.keys.get("history")]
    line.step("search", "index words", reads, [Words, Filters, _popularity], make)


def _popularity(shown: Catalog, history: History) -> NDArray[np.float32]:
    """(n_shown,) logarithm of how often each was taken, the most popular 1."""
    times = np.zeros(len(shown))
    for part in history.parts():
        times += np.bincount(part.products, weights=part.weights > 0, minlength=len(shown))
    logs = np.log1p(times)
    return (logs / max(float(logs.max(initial=0.0)), 1.0)).astype(np.float32)


def index_stage(line: Line, vectors: Vectors) -> None:
    """Index the vectors."""
    index = _index(line, vectors.shape[0])
    line.step(
        "index",
        "index vectors",
        [line.keys["vectors"], settings_of(index)],
        [type(index)],
        lambda folder, tell: clone(index).fit(vectors).save(folder / "model"),
    )


FEW = 50_000
"""Products up to which looking at all vectors is quicker than building and walking a graph."""


def _index(line: Line, n_products: int) -> Index:
    if line.config.says("index.use"):
        return line.config.make(Index)
    return make(Index, "exact" if n_products <= FEW else "hnsw")


def together_stage(line: Line, history: History) -> None:
    """Find what is bought together, where there are events: from purchases, where there are any."""
    kinds = list(line.config.events.weights)
    if history.kinds is not None and "purchase" in kinds:
        bought = np.asarray(history.kinds) == kinds.index("purchase")
        history = history.keep(bought) if bought.any() and not bought.all() else history
    if history.n_events:
        line.step(
            "together",
            "find what is bought together",
            line.keys["history"],
            [Together],
            lambda folder, tell: Together().fit(history).save(folder / "model"),
        )
