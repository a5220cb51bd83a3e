"""What shoppers did, split as the field splits it: the histories and answers that recommender benchmarks share.

Every product is ranked and ties count against the model: the place of the right product is one more than the number of
candidates that score at least as much.
"""

import ast
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.harness import needs
from wares.algorithm import Context, Recommender, context_rows
from wares.data.history import History

BLOCK = 256
"""Histories scored at once."""


class Asked(NamedTuple):
    """Histories and, row by row, the product that came next."""

    histories: History
    right: NDArray[np.int64]

    def some(self, n: int, seed: int = 0) -> "Asked":
        """So many of them, drawn at random, in their order."""
        if n >= len(self.right):
            return self
        rows = np.sort(np.random.default_rng(seed).choice(len(self.right), n, replace=False))
        return Asked(self.histories.take(rows), self.right[rows])


class Sequences(NamedTuple):
    """What to learn from, what to choose on and what to test on, once."""

    train: History
    valid: Asked
    test: Asked


def beauty(data: Path) -> Sequences:
    """Amazon Beauty, 22,363 shoppers x 12,101 products: the last event tests, the one before it validates."""
    lines = needs(data, "amazon_seq/Beauty.txt").read_text().splitlines()
    rows = [np.array(line.split()[1:], np.int64) - 1 for line in lines]
    n = int(max(row.max() for row in rows)) + 1
    return Sequences(
        History.of([row[:-2] for row in rows], n),
        Asked(History.of([row[:-2] for row in rows], n), np.array([row[-2] for row in rows])),
        Asked(History.of([row[:-1] for row in rows], n), np.array([row[-1] for row in rows])),
    )


def diginetica(data: Path) -> Sequences:
    """Diginetica, 186,670 sessions x 43,097 products and 60,858 prefixes to test; the last 5 % of sessions validate.

    Every prefix of a validating session asks for what came next. What was seen in a session may come again.
    """
    frame = pl.read_csv(
        needs(data, "diginetica/train_sessions.txt.gz"), has_header=False, separator="\t", new_columns=["line"]
    )
    sessions = [np.array(line.split(), np.int64) - 1 for line in frame["line"]]
    asked = pl.read_csv(
        needs(data, "diginetica/test_prefix_target.tsv.gz"),
        has_header=False,
        separator="\t",
        new_columns=["prefix", "next"],
        schema_overrides={"prefix": pl.String, "next": pl.Int64},
    )
    prefixes = [np.array(line.split(), np.int64) - 1 for line in asked["prefix"]]
    right = asked["next"].to_numpy() - 1
    n = int(max(max(row.max() for row in sessions), max(row.max() for row in prefixes), right.max())) + 1
    cut = int(len(sessions) * 0.95)
    steps = [(row[:end], row[end]) for row in sessions[cut:] for end in range(1, len(row))]
    valid = Asked(History.of([before for before, _ in steps], n), np.array([after for _, after in steps]))
    return Sequences(History.of(sessions[:cut], n), valid, Asked(History.of(prefixes, n), right))


def joined(data: Sequences) -> History:
    """Of Diginetica, the sessions learned from and those that validate: what the final model learns from."""
    lengths = np.diff(data.valid.histories.indptr)
    last = np.flatnonzero(np.append(lengths[1:] <= lengths[:-1], True))
    whole = [np.append(data.valid.histories.row(int(row)), data.valid.right[row]) for row in last]
    rows = [data.train.row(shopper) for shopper in range(len(data.train))]
    return History.of([*rows, *whole], data.train.n_products)


@dataclass(frozen=True)
class Ratings:
    """MovieLens-100k, 25 % of each shopper's ratings held out at random."""

    train: History
    test: History
    titles: list[str]
    shoppers: pl.DataFrame


def movielens(data: Path, seed: int, *, test: float = 0.25) -> Ratings:
    """943 shoppers x 1,682 films, `values` the ratings of 1 to 5, each row in the order of time."""
    kept = {"separator": "\t", "infer_schema_length": 10_000}
    frame = pl.read_csv(needs(data, "movielens_100k/ml-100k.inter"), **kept)
    frame.columns = ["shopper", "film", "rating", "at"]
    films = pl.read_csv(needs(data, "movielens_100k/ml-100k.item"), quote_char=None, **kept)
    films.columns = ["film", "title", "year", "genres"]
    people = pl.read_csv(needs(data, "movielens_100k/ml-100k.user"), **kept)
    people.columns = ["shopper", "age", "gender", "occupation", "zip"]
    people = people.sort("shopper")
    frame = frame.join(films.with_row_index("row").select("film", "row"), on="film").sort("shopper", "at", "film")
    rng = np.random.default_rng(seed)
    held = np.zeros(len(frame), bool)
    starts = frame.with_row_index("n").group_by("shopper", maintain_order=True).agg(pl.col("n"))["n"]
    for rows in starts:
        own = rows.to_numpy()
        held[rng.permutation(own)[: round(test * len(own))]] = True
    return Ratings(
        _rated(frame.filter(~held), len(people), len(films)),
        _rated(frame.filter(held), len(people), len(films)),
        films["title"].cast(pl.String).to_list(),
        people,
    )


def _rated(frame: pl.DataFrame, n_shoppers: int, n: int) -> History:
    counts = np.bincount(frame["shopper"].to_numpy() - 1, minlength=n_shoppers)
    return History(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        frame["row"].to_numpy().astype(np.int32),
        np.ones(len(frame), np.float32),
        n,
        times=frame["at"].to_numpy().astype(np.int64) * 10**9,
        values=frame["rating"].to_numpy().astype(np.float32),
    )


class Texts(NamedTuple):
    """One shop of Amazon 2018: its products and, row by row, histories and what came next."""

    products: pl.DataFrame
    valid: Asked
    test: Asked


def amazon_texts(data: Path, name: str) -> Texts:
    """`name` is "Office_Products" or "Industrial_and_Scientific"; histories of at most 10 products, oldest first.

    `products` has id, title, description and brand, and whatever else the file says, in the order of their rows.
    """
    folder = "amazon2018_office_industrial"
    found = json.loads(gzip.decompress(needs(data, f"{folder}/{name}.item.json.gz").read_bytes()))
    rows = sorted(found, key=int)
    columns = sorted({key for each in found.values() for key in each})
    products = pl.DataFrame({"id": rows} | {c: [str(found[row].get(c) or "") for row in rows] for c in columns})
    parts = []
    for part in ("valid", "test"):
        frame = pl.read_csv(needs(data, f"{folder}/{name}.{part}.csv.gz"))
        histories = [ast.literal_eval(each) for each in frame["history_item_id"]]
        parts.append(Asked(History.of(histories, len(rows)), frame["item_id"].to_numpy().astype(np.int64)))
    return Texts(products, *parts)


def places(
    model: Recommender, asked: Asked, *, repeats: bool = False, context: Context = Context(), block: int = BLOCK
) -> NDArray[np.int64]:
    """(n,) the place of the right product among all, from 1; without `repeats` what the history holds is no candidate.

    A right product that the model cannot score comes last.
    """
    out = np.empty(len(asked.right), np.int64)
    for start, histories, scores in scored(model, asked.histories, context, block):
        right = asked.right[start : start + len(histories)]
        if not repeats:
            own = scores[np.arange(len(right)), right].copy()
            scores[histories.owners(), histories.products] = -np.inf
            scores[np.arange(len(right)), right] = own
        own = scores[np.arange(len(right)), right]
        out[start : start + len(right)] = (scores >= own[:, None]).sum(axis=1)
    return out


def scored(
    model: Recommender, histories: History, context: Context = Context(), block: int = BLOCK
) -> Iterator[tuple[int, History, NDArray[np.float32]]]:
    """Blocks of histories with their scores of all products, to be written over."""
    everything = np.arange(histories.n_products)
    for start in range(0, len(histories), block):
        part = histories.take(slice(start, start + block))
        found = model.score(part, everything, context=context_rows(context, start, start + block))
        yield start, part, np.array(found, np.float32)


def hits(place: NDArray[np.int64], k: int) -> float:
    """Share of the questions whose right product is among the first k: HR@k, recall@k and, of sessions, "P@k"."""
    return float((place <= k).mean())


def ndcg(place: NDArray[np.int64], k: int) -> float:
    """NDCG@k of one right product each."""
    return float(np.where(place <= k, 1 / np.log2(place + 1.0), 0).mean())


def mrr(place: NDArray[np.int64], k: int) -> float:
    """Mean of one over the place, 0 beyond k."""
    return float(np.where(place <= k, 1 / place, 0).mean())
