"""Word vectors of titles beside gensim's: processor time, and how many of a title's nearest are of its category.

Distinct titles of the Flipkart sample, level-1 categories; of 2,000 titles drawn by seed 0 the ten nearest by cosine.
Ours with its defaults; gensim's skip-gram gets the same words, width, window and number of negatives, one thread, our
passes and its own, and its titles are the same weighted means without the common direction.
"""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Row, command, optional
from benchmarks.labelled import titles
from wares.arrays import unit
from wares.encode.lsa import LSA
from wares.encode.word2vec import Word2Vec
from wares.text.tokens import tokens_of

SEEDS = 5
ASKED, NEAREST = 2_000, 10


def run(data: Path) -> Iterator[Row]:
    """What do word vectors cost, and what are they worth?"""
    catalog, labels = titles(data)
    kinds = np.array(labels)
    ways: dict[str, Any] = {
        "ours": lambda seed: Word2Vec(seed=seed).fit(catalog).encode(catalog),
        "lsa": lambda seed: LSA(seed=seed).fit(catalog).encode(catalog),
    }
    if optional("gensim") is not None:
        words = tokens_of(catalog.text(["title"]))
        texts = [words.text(row) for row in range(len(words))]
        for passes in (Word2Vec().epochs, 5):
            ways[f"gensim, {passes} passes"] = lambda seed, passes=passes: _gensim(texts, seed, passes)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found: dict[str, list[float]] = {name: [] for name in ways}
    for seed in range(SEEDS):
        for name, make in ways.items():
            start = time.process_time()
            vectors = make(seed)
            seconds[name].append(time.process_time() - start)
            found[name].append(_agreement(vectors, kinds))
    work = f"{len(kinds):,} distinct titles to vectors by words, {SEEDS} seeds"
    for metric, table, better in (
        ("processor seconds, mean", seconds, "less"),
        ("nearest of the same category, mean", found, "more"),
    ):
        means = {name: statistics.mean(each) for name, each in table.items()}
        yield Row.compared(work, metric, means.pop("ours"), means, better=better, runs=table)


def _agreement(vectors: NDArray[np.float32], kinds: NDArray[np.str_]) -> float:
    asked = np.random.default_rng(0).choice(len(vectors), ASKED, replace=False)
    near = vectors[asked] @ vectors.T
    near[np.arange(ASKED), asked] = -2
    best = np.argpartition(-near, NEAREST, axis=1)[:, :NEAREST]
    return float(np.mean(kinds[best] == kinds[asked][:, None]))


def _gensim(texts: list[list[str]], seed: int, passes: int) -> NDArray[np.float32]:
    from gensim.models import Word2Vec as Theirs

    how = Word2Vec()
    model = Theirs(
        texts,
        vector_size=how.width,
        window=how.window,
        negative=how.negative,
        min_count=how.least,
        epochs=passes,
        sg=1,
        workers=1,
        seed=seed + 1,
    )
    known = model.wv
    counts = np.array([known.get_vecattr(word, "count") for word in known.index_to_key], np.float64)
    weights = how.common / (how.common + counts / counts.sum())
    table = unit(known.vectors)
    table = unit(table - table.mean(axis=0)) * weights[:, None]
    rows = np.zeros((len(texts), how.width), np.float32)
    for row, text in enumerate(texts):
        places = [known.key_to_index[word] for word in text if word in known.key_to_index]
        rows[row] = table[places].sum(axis=0)
    return np.asarray(unit(rows), np.float32)


if __name__ == "__main__":
    command(run)
