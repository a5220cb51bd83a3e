"""Reviews: what they say of products, learned, added up, and given to the products as columns."""

import shutil
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.classify.linear import Linear
from wares.data.catalog import Catalog
from wares.data.mapped import read_batches
from wares.data.opinions import WHOLE, Opinions
from wares.data.outputs import Output
from wares.data.reviews import Reviews, matched, read_reviews, unknown_said
from wares.encode.phrases import counts
from wares.engine import Tell, read_json, write_json
from wares.errors import DataError
from wares.settings import ReviewSettings
from wares.stages.line import Line, settings_of
from wares.store.steps import hash_array
from wares.tasks.opinions import Tally, as_columns, overview
from wares.tasks.sentiment import LETTERS, Sentiment
from wares.text.aspects import Speaks
from wares.text.nouns import spoken_of
from wares.text.opinions import scores

SHARE, LEAST = 0.05, 3
"""An aspect becomes a column of products where so many, and this share of those with reviews, are spoken of by it."""

SAMPLE, OFTEN = 20_000, 0.005
"""Reviews that aspects are found in, and the share of them that has to speak of one; five reviews at least."""


def reviews_stage(line: Line, products: Path) -> str:
    """Read what people wrote of the products in a folder; returns the key of what came out."""
    asked = line.config.reviews
    assert asked.source is not None
    frame = pl.read_ipc(products / "products.arrow", columns=_owning(products))
    owner = owners(frame)
    sentiment = Sentiment(seed=line.config.shop.seed)
    reads = [
        [asked.source.name, line.run.steps.hash_file(asked.source)],
        [dict(asked.columns), dict(asked.aspects), asked.found],
        settings_of(sentiment),
        [hash_array(frame["id"].hash(seed=0).to_numpy()), hash_array(owner), pl.__version__],
    ]
    code = [Sentiment, Linear, counts, scores, Tally, Speaks, spoken_of, read_reviews, Opinions]
    folder = line.step("reviews", "read reviews", reads, code, partial(_make, asked, frame["id"], owner, sentiment))
    report = read_json(folder / "report.json")
    line.run.warnings += report["notes"]
    line.report["reviews"] = report
    return line.keys["reviews"]


def give(read: Path, said: Path, folder: Path, tell: Tell) -> None:
    """The products of one folder, into another, with what reviews say of them; their own columns of that name are
    called "source NAME"."""
    for path in read.iterdir():
        if path.name != "products.arrow":
            shutil.copy(path, folder)
    owner, table = np.load(said / "owner.npy"), pl.read_ipc(said / "columns.arrow")
    start = 0
    with Output(folder / "products.arrow") as out:
        for batch in read_batches(read / "products.arrow"):
            own = {name: _free(name, batch) for name in table.columns if name in batch.columns}
            given = table[owner[start : start + len(batch)]]
            out.write(batch.rename(own).hstack(given))
            start += len(batch)


def _free(name: str, frame: pl.DataFrame) -> str:
    while name in frame.columns:
        name = f"source {name}"
    return name


def owners(frame: pl.DataFrame) -> NDArray[np.int64]:
    """(n,) the number of the product that each row's reviews count for: all variants of one share theirs."""
    if "group" not in frame.columns:
        return np.arange(len(frame))
    alone = pl.int_range(pl.len()).cast(pl.String)
    keys = pl.struct("group", pl.when(pl.col("group").is_null()).then(alone).alias("alone"))
    return frame.select(owner=keys.rank("dense").cast(pl.Int64) - 1)["owner"].to_numpy()


def _owning(products: Path) -> list[str]:
    there = pl.scan_ipc(products / "products.arrow").collect_schema()
    return [name for name in ("id", "group") if name in there]


def _make(
    asked: ReviewSettings,
    ids: pl.Series,
    owner: NDArray[np.int64],
    sentiment: Sentiment,
    folder: Path,
    tell: Tell,
) -> None:
    reviews = read_reviews(asked.source, asked.columns or None)
    tell(0.1)
    sentiment.fit(*_rated(reviews, sentiment))
    sentiment.save(folder / "model")
    tell(0.4)
    names = Catalog(ids.alias("id").to_frame()).ids
    more = _found(reviews, asked)
    tally, unknown, done = Tally(sentiment, Speaks.of({**asked.aspects, **more})), Counter[str](), 0
    for block in reviews.blocks():
        known, others = matched(block, names)
        unknown.update(others)
        if len(known):
            tally.add(owner[known["row"].to_numpy()], known["text"].to_list(), known["rating"])
        done += len(block)
        tell(0.4 + 0.6 * done / max(len(reviews), 1))
    notes = [unknown_said(unknown, names, reviews.name)] if unknown else []
    if not tally.reviews:
        raise DataError(notes[0])
    if reviews.left_out:
        notes.insert(0, reviews.said())
    _write(folder, tally.settle(), owner)
    write_json(folder / "report.json", {**_report(reviews, sentiment, tally, unknown, notes, folder), "found": [*more]})


def _found(reviews: Reviews, asked: ReviewSettings) -> dict[str, str]:
    """Aspects that the reviews themselves speak of, each with its words."""
    if asked.found <= 0:
        return {}
    every, start = -(-len(reviews) // SAMPLE), 0
    texts: list[str] = []
    for block in reviews.blocks():
        texts += block["text"].gather_every(every, -start % every).to_list()
        start += len(block)
    least = max(5, round(OFTEN * len(texts)))
    nouns = spoken_of(texts, Speaks.of(asked.aspects).patterns, least, asked.found)
    return {noun: f"{noun}, {noun}s" if noun.isascii() else noun for noun in nouns}


def _rated(reviews: Reviews, sentiment: Sentiment) -> tuple[list[str], NDArray[np.float64]]:
    """Texts and praise of the rated reviews, as many as are learned from, by chance."""
    wanted = np.arange(reviews.rated)
    if reviews.rated > sentiment.most:
        wanted = np.random.default_rng(sentiment.seed).choice(reviews.rated, sentiment.most, replace=False)
    chosen = np.zeros(reviews.rated, np.bool_)
    chosen[wanted] = True
    texts: list[str] = []
    good: list[float] = []
    start = 0
    for block in reviews.blocks() if reviews.rated else ():
        rated = block.filter(pl.col("good").is_not_null())
        some = rated.filter(pl.Series(chosen[start : start + len(rated)], dtype=pl.Boolean))
        start += len(rated)
        texts += some["text"].str.slice(0, LETTERS).to_list()
        good += some["good"].to_list()
    return texts, np.array(good, np.float64)


def _write(folder: Path, opinions: pl.DataFrame, owner: NDArray[np.int64]) -> None:
    n = int(owner.max(initial=-1)) + 1
    with Output(folder / "opinions.arrow") as out:
        out.write(opinions.drop("owner"))
    np.save(folder / "owner.npy", owner)
    np.save(folder / "starts.npy", np.searchsorted(opinions["owner"].to_numpy(), np.arange(n + 1)))
    table = pl.DataFrame(as_columns(opinions, n, SHARE, LEAST)).fill_nan(None)
    table.with_columns(pl.col("reviews").cast(pl.Int64)).write_ipc(folder / "columns.arrow", compression="uncompressed")


def _report(
    reviews: Reviews, sentiment: Sentiment, tally: Tally, unknown: Counter[str], notes: list[str], folder: Path
) -> dict[str, Any]:
    opinions = pl.read_ipc(folder / "opinions.arrow")
    told = overview(opinions)
    whole = next(each for each in told if each["aspect"] == WHOLE)
    return {
        "n": tally.reviews,
        "products": whole["products"],
        "usual": whole["mean"],
        "rated": reviews.rated,
        "learned_from": sentiment.taught_,
        "right": sentiment.right_ or None,
        "said": f"{reviews.said()}; sentiment {sentiment.said()}",
        "by": sentiment.said(),
        "unknown": {"products": len(unknown), "reviews": sum(unknown.values())},
        "left_out": dict(reviews.left_out),
        "aspects": [each for each in told if each["aspect"] != WHOLE],
        "columns": pl.scan_ipc(folder / "columns.arrow").collect_schema().names(),
        "notes": notes,
    }
