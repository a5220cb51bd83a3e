"""Products into a taxonomy without any label: by what titles and the names of categories mean."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.algorithm import Encoder
from wares.arrays import Dense, Rows, Sparse, unit
from wares.data.catalog import Catalog
from wares.data.tree import Tree
from wares.encode.tfidf import TfIdf
from wares.errors import DataError
from wares.kernels.neighbours import neighbours
from wares.registry import make
from wares.tasks.answering import Answer

BLOCK = 1_024
CANDIDATES = 20
"""Categories that a title may stand for at first."""

KEPT = 60
"""Categories kept of a product while neighbours agree."""


class Reads(Protocol):
    """What makes vectors of texts and of names in one space."""

    def encode_text(self, texts: Sequence[str]) -> Dense: ...


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How products are mapped. What is here was chosen on one half of one catalog, and measured on the other.

    sharp : how much likelier a category is whose cosine is higher by one. words : what a word in common counts beside
    meaning. believed : what words that go with a category in this catalog count, each. rounds : in which they are
    learned. neighbours : products nearest in meaning that are listened to, and `agree`: how far, 0..1.
    """

    sharp: float = 30.0
    words: float = 0.4
    believed: float = 0.1
    rounds: int = 10
    neighbours: int = 15
    agree: float = 0.6


def by_meaning(
    catalog: Catalog,
    tree: Tree,
    *,
    encoder: Encoder | None = None,
    rules: Rules = Rules(),
    threshold: float = 0.25,
    alternatives: int = 3,
) -> list[Answer]:
    """A path for each product, without labels. threshold : a path goes on while it is at least so likely.

    Probabilities are not calibrated: nothing was known to calibrate them by. More products at once are better: those of
    like meaning decide together, and the words of the catalog are learned. encoder : fitted or not, of title and text;
    the sentence encoder unless told otherwise. Time: reading two texts a title and two a category (0.3 ms each), and
    1 ms a title to compare with 5,600 categories; memory some 300 numbers a product beside the encoder. Raises
    DataError for an empty taxonomy, MissingExtra.
    """
    table = shares(catalog, tree, encoder=encoder, rules=rules)
    out: list[Answer] = []
    for start in range(0, len(catalog), BLOCK):
        out += _descended(tree, np.asarray(table[start : start + BLOCK].toarray()), threshold, alternatives)
    return out


def shares(catalog: Catalog, tree: Tree, *, encoder: Encoder | None = None, rules: Rules = Rules()) -> Sparse:
    """(n_products, n_nodes) how likely each product is at exactly that node; rows sum to 1."""
    if not len(tree):
        raise DataError("the taxonomy is empty: there is no category to put products into")
    if not len(catalog):
        return csr_array(np.zeros((0, len(tree)), np.float32))
    titles = [title or "" for title in catalog.text(("title",) if catalog.has("title") else ("description",), 400)]
    reader = _reader(encoder, catalog)
    vectors, heads = _read(reader, titles), _read(reader, [ending(title) for title in titles])
    likely = _likely(titles, vectors, heads, reader, tree, rules)
    likely = _believed(likely, titles, tree, rules)
    return _agreed(likely, vectors, rules)


def _reader(encoder: Encoder | None, catalog: Catalog) -> Any:
    encoder = make(Encoder, "sentence", columns=("title",), width=512) if encoder is None else encoder
    return encoder if any(name.endswith("_") for name in vars(encoder)) else encoder.fit(catalog)


def _read(reader: Any, texts: Sequence[str]) -> Dense:
    once = list(dict.fromkeys(texts))
    rows = np.asarray(reader.encode_text(once), np.float32)
    place = {text: row for row, text in enumerate(once)}
    return np.asarray(rows[[place[text] for text in texts]], np.float32)


_AFTER = re.compile(r"\s(?:for|with|of|from|by|in)\s|\(|\s-\s|[,+|]", re.IGNORECASE)


def ending(title: str) -> str:
    """The last two words of what a title names, before "for …", "with …" or brackets; words with digits left out.

    In English and in Chinese titles the kind of thing stands last.
    """
    words = [word for word in _AFTER.split(title)[0].split() if not any(letter.isdigit() for letter in word)]
    return " ".join((words or title.split())[-2:])


def _stems(text: str) -> str:
    """Words without case, possessives and the s of a plural."""
    words = re.findall(r"\w+", text.casefold().replace("'s", "").replace("’s", ""))
    return " ".join(word[:-1] if word.endswith("s") and len(word) > 3 else word for word in words)


def _titled(texts: Sequence[str]) -> Catalog:
    return Catalog(pl.DataFrame({"id": [str(row) for row in range(len(texts))], "title": list(texts)}))


def _likely(titles: Sequence[str], vectors: Dense, heads: Dense, reader: Any, tree: Tree, rules: Rules) -> Sparse:
    """What each title says by itself: meaning of the whole and of its end against names and paths, and common words."""
    names, paths = _read(reader, tree.names), _read(reader, [path.replace(" > ", ", ") for path in tree.paths])
    nodes = np.asarray(unit(names + paths), np.float32)
    encoder = TfIdf(columns=("title",), low=0, high=0, bits=18).fit(_titled([_stems(name) for name in tree.names]))
    words = csr_array(encoder.encode_text([_stems(name) for name in tree.names]).T)
    m = min(CANDIDATES, len(tree))
    rows, values = np.empty((len(titles), m), np.int64), np.empty((len(titles), m), np.float32)
    for start in range(0, len(titles), BLOCK):
        part = slice(start, start + BLOCK)
        score = (vectors[part] + heads[part]) @ nodes.T / 2
        score += rules.words * (encoder.encode_text([_stems(title) for title in titles[part]]) @ words).toarray()
        rows[part] = np.argpartition(-score, m - 1, axis=1)[:, :m]
        values[part] = np.take_along_axis(score, rows[part], axis=1)
    values = np.exp(np.float32(rules.sharp) * (values - values.max(axis=1, keepdims=True)))
    values /= values.sum(axis=1, keepdims=True)
    return csr_array((values.ravel(), rows.ravel(), np.arange(0, rows.size + 1, m)), shape=(len(titles), len(tree)))


def _believed(likely: Sparse, titles: Sequence[str], tree: Tree, rules: Rules) -> Sparse:
    """Weighed anew at the top level by which words of this catalog go with it, and by how much of the catalog it is.

    Expectation and maximisation: what most products with "women's" are is learned from those that say it by name.
    """
    top, tops = tree.ancestors[:, 0], tree.at(1)
    place = np.searchsorted(tops, top)
    up = csr_array((np.ones(len(tree), np.float32), (np.arange(len(tree)), place)), shape=(len(tree), len(tops)))
    first = np.asarray((likely @ up).toarray(), np.float64) + 1e-4
    words = _words(titles)
    now = first / first.sum(axis=1, keepdims=True)
    for _ in range(rules.rounds):
        count = words.T @ now
        usual = count.sum(axis=1, keepdims=True) / max(count.sum(), 1)
        said = np.log((count + usual) / (count.sum(axis=0) + 1) + 1e-12)
        share = (now.sum(axis=0) + 1) / (len(now) + 1)
        logs = np.log(first) + rules.believed * (words @ said) + np.log(share)
        now = np.exp(logs - logs.max(axis=1, keepdims=True))
        now /= now.sum(axis=1, keepdims=True)
    scale = np.asarray(now / first, np.float32)
    rows = np.repeat(np.arange(likely.shape[0]), np.diff(likely.indptr))
    out = csr_array((likely.data * scale[rows, place[likely.indices]], likely.indices, likely.indptr), likely.shape)
    return _summing(out)


def _words(titles: Sequence[str]) -> csr_array:
    """(n, n_words) 1 where a title has a word that three have at least."""
    rows = [set(_stems(title).split()) for title in titles]
    found, counts = np.unique(np.array([word for row in rows for word in sorted(row)], np.str_), return_counts=True)
    kept = {word: at for at, word in enumerate(found[(counts >= 3) & (np.char.str_len(found) > 1)].tolist())}
    places = [[kept[word] for word in sorted(row) if word in kept] for row in rows]
    flat = np.array([place for row in places for place in row], np.int64)
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in places])])
    return csr_array((np.ones(len(flat)), flat, indptr), shape=(len(titles), len(kept)))


def _agreed(likely: Sparse, vectors: Dense, rules: Rules) -> Sparse:
    """What neighbours in meaning say, in turn, with what the title itself says."""
    k = min(rules.neighbours, len(vectors) - 1)
    if k < 1 or not rules.agree:
        return likely
    near, distance = neighbours(vectors, k)
    cosine = np.where(near >= 0, 1 - np.square(np.where(near >= 0, distance, 0)) / 2, 0)  # of unit rows
    weights = np.maximum(cosine, 0).astype(np.float32) ** 3
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    graph = csr_array(
        (weights.ravel(), np.maximum(near, 0).ravel(), np.arange(0, near.size + 1, near.shape[1])),
        shape=(len(vectors), len(vectors)),
    )
    now = likely
    for _ in range(6):
        now = _strongest(csr_array((1 - rules.agree) * likely + rules.agree * (graph @ now)))
    return _summing(now)


def _strongest(table: Sparse) -> Sparse:
    """The KEPT largest numbers of each row."""
    counts = np.diff(table.indptr)
    if not len(counts) or counts.max() <= KEPT:
        return table
    rows = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((-table.data, rows))
    rank = np.arange(len(order)) - np.repeat(table.indptr[:-1], counts)
    keep = np.sort(order[rank < KEPT])
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[keep], minlength=len(counts)))])
    return csr_array((table.data[keep], table.indices[keep], indptr), shape=table.shape)


def _summing(table: Sparse) -> Sparse:
    total = np.asarray(table.sum(axis=1)).ravel()
    data = table.data / np.repeat(np.maximum(total, 1e-12), np.diff(table.indptr))
    return csr_array((data.astype(np.float32), table.indices, table.indptr), shape=table.shape)


def _descended(tree: Tree, table: Dense, threshold: float, alternatives: int) -> list[Answer]:
    """From the top down, always to the likeliest child, while it is likely enough and likelier than staying."""
    up = tree.ancestors
    nodes = np.zeros_like(table)
    for level in range(tree.depth):
        there = up[:, level] >= 0
        np.add.at(nodes.T, up[there, level], table.T[there])
    n = len(table)
    at, level_of = np.full(n, -1, np.int64), np.zeros(n, np.int64)
    going = np.ones(n, np.bool_)
    for level in range(1, tree.depth + 1):
        rows = tree.at(level)
        share = np.where(tree.parent[rows] == at[:, None], nodes[:, rows], -1.0)
        best = rows[share.argmax(axis=1)]
        value = share.max(axis=1)
        staying = np.where(at >= 0, table[np.arange(n), at], 0)
        going &= (value >= threshold) & (value > staying)
        at, level_of = np.where(going, best, at), np.where(going, level, level_of)
    leaf = np.isin(at, tree.leaves)
    out = []
    for row in range(n):
        here = int(at[row])
        others = [each for each in _largest(table[row], alternatives + 1) if each != here][:alternatives]
        out.append(
            Answer(
                tree.paths[here] if here >= 0 else "",
                float(min(nodes[row, here], 1.0)) if here >= 0 else 0.0,
                int(level_of[row]),
                bool(leaf[row]),
                [(tree.paths[each], float(table[row, each])) for each in others],
            )
        )
    return out


def _largest(values: NDArray[np.float32], k: int) -> list[int]:
    rows: Rows = np.flatnonzero(values > 0.005)
    return [int(each) for each in rows[np.lexsort((rows, -values[rows]))][:k]]
