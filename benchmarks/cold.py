"""Do new products find their shoppers, whom nobody has bought them yet?"""

import ast
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.behaviours import Asked, amazon_texts, places
from benchmarks.harness import Row, command, needs
from wares.algorithm import Context, Encoder, Recommender
from wares.arrays import Dense, Rows, Vectors
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.encode.hashing import Hashing
from wares.encode.sentence import Sentence
from wares.encode.tfidf import TfIdf
from wares.recommend.content import Content
from wares.recommend.kin import Kin
from wares.recommend.two_tower import TwoTower
from wares.tasks.blending import Blend
from wares.tasks.fusing import Fused

SHOPS = ("Office_Products", "Industrial_and_Scientific")
FOLDS = 5
SEEDS = 3
RESAMPLES = 2_000
K = 10


def run(data: Path) -> Iterator[Row]:
    """Do products without any event find the shoppers who took them next?"""
    for shop in SHOPS:
        yield from of_shop(data, shop)


def of_shop(data: Path, shop: str) -> Iterator[Row]:
    """The rows of one shop: the file that was chosen on, and the one that was tested on once."""
    texts = amazon_texts(data, shop)
    vectors, plain = encoded(texts.products, ("title", "brand", "description"))
    _, short = encoded(texts.products, ("title",), vectors=False)
    of = {"TF-IDF, all text": plain, "TF-IDF, titles": short}
    for part, seeds in (("valid", 1), ("test", SEEDS)):
        learned, asked = learned_from(data, shop, part), getattr(texts, part)
        yield from _judged(f"{shop}, {part} file", learned, asked, vectors, of, seeds)


def blended(seed: int) -> Blend:
    """Ours, its settings and those of its parts chosen on the valid files of both shops, other fifths held out too."""
    parts: list[Recommender] = [TwoTower(seed=seed), Content(width=1024, fading=0.5), Kin()]
    return Blend(parts=parts, weights=[1.0, 0.5, 0.4])


@dataclass(kw_only=True, eq=False)
class Plain(Recommender):
    """The peer: cosine of TF-IDF to the mean of the history, every event alike."""

    READS: ClassVar[Sequence[str]] = ("vectors",)

    def fit(self, history: History, context: Context = Context()) -> "Plain":
        """Take in the vectors."""
        self.vectors_ = context.vectors
        return self

    def score(self, history: History, products: Rows, *, context: Context = Context()) -> Dense:
        """Cosine but for the length of the mean, which changes no order; -inf for an empty history."""
        scores = (history.matrix() @ self.vectors_ @ self.vectors_.T).toarray()
        scores[np.diff(history.indptr) == 0] = -np.inf
        return np.asarray(scores[:, products], np.float32)


def encoded(products: pl.DataFrame, columns: Sequence[str], *, vectors: bool = True) -> tuple[Any, Vectors]:
    """Meaning and letters side by side, where asked for, and TF-IDF of some columns."""
    text = (
        pl.col("description").str.replace_all(r"<[^>]*>|\{[^}]*\}|[\[\]'\"]", " ").str.strip_chars().str.slice(0, 600)
    )
    frame = products.with_columns(text).select("id", *columns)
    catalog = Catalog(frame)
    parts: list[Encoder] = [Sentence(columns=tuple(columns)), Hashing(columns=tuple(columns))]
    fused = Fused(parts=parts, weights=[0.4, 1.0])
    words = TfIdf(columns=tuple(columns)).fit(catalog).encode(catalog)
    return (fused.fit(catalog).encode(catalog) if vectors else None), words


def held_out(n: int, fold: int = 0) -> NDArray[np.bool_]:
    """(n,) which products stand for new ones: a fifth, by the hash of the id."""
    hashed = [int(hashlib.sha256(str(row).encode()).hexdigest(), 16) % FOLDS for row in range(n)]
    return np.array(hashed) == fold


def learned_from(data: Path, shop: str, part: str) -> list[list[int]]:
    """Histories as they were before any question of the file, and for "test" with what the valid file asked."""
    known: dict[str, list[int]] = {}
    if part == "test":
        for shopper, history, right in _read(data, shop, "valid"):
            known[shopper] = _joined(known.get(shopper, []), [*history, right])
    asked = set()
    for shopper, history, _ in _read(data, shop, part):
        if shopper not in asked:  # later questions of a shopper hold the answers of earlier ones
            known[shopper] = _joined(known.get(shopper, []), history)
            asked.add(shopper)
    return list(known.values())


def _read(data: Path, shop: str, part: str) -> Iterator[tuple[str, list[int], int]]:
    frame = pl.read_csv(needs(data, f"amazon2018_office_industrial/{shop}.{part}.csv.gz"))
    histories = [ast.literal_eval(each) for each in frame["history_item_id"]]
    yield from zip(frame["user_id"], histories, frame["item_id"], strict=True)


def _joined(old: list[int], new: list[int]) -> list[int]:
    """One after the other; of files that tell the last ten events each, what both tell stands once."""
    for start in range(max(0, len(old) - len(new)), len(old) + 1):
        if old[start:] == new[: len(old) - start]:
            return old + new[len(old) - start :]
    return old + new


def _judged(
    work: str,
    learned: list[list[int]],
    asked: Asked,
    vectors: Dense,
    of: Mapping[str, Vectors],
    seeds: int,
) -> Iterator[Row]:
    """One row a model of ours, beside the peers, on the questions whose answer is a new product."""
    n = asked.histories.n_products
    new = held_out(n)
    history = History.of([[each for each in row if not new[each]] for row in learned], n)
    some = np.flatnonzero(new[asked.right])
    question = asked.histories.take(some)
    cold = Asked(question.keep(~new[question.products]), asked.right[some])
    peers = {name: gains(Plain().fit(history, Context(vectors=each)), cold) for name, each in of.items()}
    runs: dict[str, list[NDArray[np.float64]]] = {}
    for seed in range(seeds):
        blend = blended(seed).fit(history, Context(vectors=vectors))
        two, content, kin, _ = blend.parts_
        for name, model in {"content": content, "kin": kin, "two_tower": two, "blend": blend}.items():
            runs.setdefault(name, []).append(gains(model, cold))
    for name, each in runs.items():
        yield _row(f"{work}: {name}", each, peers)


def gains(model: Recommender, asked: Asked) -> NDArray[np.float64]:
    """(n,) NDCG@10 of each question."""
    place = places(model, asked)
    place[np.diff(asked.histories.indptr) == 0] = asked.histories.n_products  # nothing known, so nothing told
    return np.where(place <= K, 1 / np.log2(place + 1.0), 0)


def _row(work: str, runs: list[NDArray[np.float64]], peers: Mapping[str, NDArray[np.float64]]) -> Row:
    ours = np.mean(runs, axis=0)
    quality: dict[str, Any] = {"questions": len(ours), "seeds": [float(each.mean()) for each in runs]}
    spread = {}
    for name, theirs in peers.items():
        low, high, spread[name] = _interval(ours, theirs)
        quality[f"more than {name}, 95 %"] = [low, high]
    return Row.compared(
        work,
        f"NDCG@{K}, every product ranked",
        float(ours.mean()),
        {name: float(each.mean()) for name, each in peers.items()},
        better="more",
        spread=spread,
        quality=quality,
    )


def _interval(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[float, float, tuple[float, float]]:
    """The 95 % intervals of the difference and of the ratio, questions drawn in pairs."""
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(ours), len(ours)) for _ in range(RESAMPLES)]
    one, other = (np.array([each[rows].mean() for rows in drawn]) for each in (ours, theirs))
    low, high = np.quantile(one - other, [0.025, 0.975])
    least, most = np.quantile(one / np.maximum(other, 1e-9), [0.025, 0.975])
    return float(low), float(high), (float(least), float(most))


if __name__ == "__main__":
    command(run)
