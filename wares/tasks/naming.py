"""Names for clusters: the words that many of its products share and few of the others'."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.arrays import Labels, Vectors, unit
from wares.data.catalog import Catalog
from wares.errors import DataError
from wares.tasks.phrasing import FOREIGN, Candidates, phrases
from wares.tasks.wording import Wording

COLUMNS = ("title", "brand", "category")
"""What names are read from; of the category its last level only."""

COMMON = 0.5
"""Of other clusters' products, how many may have a word for it to be in a name at all."""

CANDIDATES = 60
"""Terms that a name is looked for among."""

SAMPLE = 3000
"""Products of a cluster, and of the others, that its name is tried on; what is told of it is counted on all."""

PHRASE, ALONE = 1.2, 0.4
"""Two words that stand side by side say more than their numbers do, a word that mostly describes another one less."""


@dataclass(frozen=True)
class ClusterName:
    """How a cluster is called and shown.

    keywords : words of most weight, best first. typical : rows of its most central products. coverage and foreign :
    shares of its own and of the other clusters' products that have a word of the name.
    """

    name: str
    keywords: list[str]
    typical: list[int]
    coverage: float
    foreign: float


def name_clusters(
    catalog: Catalog,
    labels: Labels,
    X: Vectors | None = None,
    *,
    columns: Sequence[str] = COLUMNS,
    typical: int = 8,
    wording: Wording | None = None,
) -> list[ClusterName]:
    """A name for each cluster 0..labels.max(), all different, in the catalog's own words.

    Words and two-word phrases are weighed by class-based TF-IDF: the share of members that have it times
    log(1 + mean cluster size / products that have it). A name is a phrase or a list of two or three, of at most four
    words, such that 60 % of the members have a word of it and at most 15 % of the other clusters' products do, as far
    as that can be had (`wares.tasks.phrasing`). `X` (n, width) finds the most central products; without it they are the
    first. wording : of the same catalog and columns, where it is known already.

    Source of the weight: Grootendorst 2022, arXiv:2203.05794.
    """
    if len(labels) != len(catalog):
        raise DataError(f"{len(labels)} labels but {len(catalog)} products: one of each")
    wording = wording or Wording.of(catalog, columns)
    n_clusters = int(labels.max()) + 1 if len(labels) else 0
    titles = catalog.frame(["title"])["title"].to_list()
    central = typical_rows(X, labels, n_clusters=n_clusters, n=typical, titles=titles)
    naming = _Naming(wording, labels, n_clusters)
    return [naming.name(cluster, central[cluster]) for cluster in range(n_clusters)]


def typical_rows(
    X: Vectors | None,
    labels: Labels,
    *,
    n_clusters: int,
    n: int = 8,
    titles: Sequence[str | None] | None = None,
) -> list[list[int]]:
    """For each cluster its n rows nearest (by cosine) to its mean, nearest first, no title twice."""
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(n_clusters + 1))
    out = []
    for cluster in range(n_clusters):
        rows = order[bounds[cluster] : bounds[cluster + 1]]
        if X is not None and len(rows):
            members = unit(X[rows])
            closeness = np.asarray(members @ np.asarray(members.mean(axis=0)).ravel())
            rows = rows[np.argsort(-closeness, kind="stable")]
        out.append(_different(rows.tolist(), titles, n))
    return out


def _different(rows: list[int], titles: Sequence[str | None] | None, n: int) -> list[int]:
    if titles is None:
        return rows[:n]
    seen: dict[str, int] = {}
    for row in rows:
        seen.setdefault(titles[row] or "", row)
        if len(seen) == n:
            break
    return list(seen.values())


class _Naming:
    """The counts of all clusters, and the names given so far."""

    def __init__(self, wording: Wording, labels: Labels, n_clusters: int) -> None:
        self.wording, self.labels = wording, labels
        self.sizes = np.bincount(labels[labels >= 0], minlength=n_clusters)
        known = np.flatnonzero(labels >= 0)
        member = csr_array(
            (np.ones(len(known), np.float32), (labels[known], known)), shape=(n_clusters, wording.has.shape[0])
        )
        self.counts = csr_array(member @ wording.has)
        self.total = np.asarray(self.counts.sum(axis=0)).ravel()
        self.idf = np.log1p(self.sizes.mean() / np.maximum(self.total, 1)) if n_clusters else self.total
        self.order = np.argsort(labels, kind="stable")
        self.bounds = np.searchsorted(labels[self.order], np.arange(n_clusters + 1))
        self.some = known[:: max(1, len(known) // SAMPLE)]
        self.taken: set[str] = set()

    def name(self, cluster: int, typical: list[int]) -> ClusterName:
        """The name of one cluster, unlike those before."""
        rows = self.order[self.bounds[cluster] : self.bounds[cluster + 1]]
        terms, shares, foreign = self._terms(cluster)
        lines = _Lines(self.wording, rows, terms)
        found = phrases(self._candidates(terms, shares, foreign, rows, cluster))
        name, words = f"Cluster {cluster + 1}", list[int]()
        for each in found:
            picked = sorted(each.terms, key=lambda at: -shares[at])
            written = [lines.written(at) for at in picked]
            tried = _listed([text for text in written if text])
            if all(written) and tried.casefold() not in self.taken:
                name, words = tried, sorted(each.words)
                break
        coverage, others = self._shares(words, rows)
        return ClusterName(self._unlike(name), self._keywords(terms, lines), typical, coverage, others)

    def _terms(self, cluster: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """At most 60 terms of most weight, best first; of the members how many have each, and of all others."""
        start, stop = self.counts.indptr[cluster], self.counts.indptr[cluster + 1]
        terms = self.counts.indices[start:stop].astype(np.int64)
        counts = self.counts.data[start:stop].astype(np.float64)
        size = max(int(self.sizes[cluster]), 1)
        outside = self.total.astype(np.float64)
        outside[terms] -= counts
        outside /= max(int(self.sizes.sum()) - size, 1)
        kept = self.wording.useful[terms] & (counts >= max(0.03 * size, min(2, size)))
        terms, counts = terms[kept], counts[kept]
        foreign = outside[self.wording.word_pairs[terms]].max(axis=1)
        worth = self.idf[terms] * np.minimum(1.0, FOREIGN / np.maximum(foreign, 1e-9)) * (foreign <= COMMON)
        best = np.lexsort((terms, -worth * counts))[:CANDIDATES]
        best = best[worth[best] > 0]
        return terms[best], counts[best] / size, foreign[best]

    def _candidates(
        self,
        terms: NDArray[np.int64],
        shares: NDArray[np.float64],
        foreign: NDArray[np.float64],
        rows: NDArray[np.int64],
        cluster: int,
    ) -> Candidates:
        """What a name may be made of."""
        wording = self.wording
        parts = [wording.parts(int(term)) for term in terms]
        words = np.unique(wording.word_pairs[terms]) if len(terms) else np.empty(0, np.int64)
        inside = wording.having(rows[:: max(1, len(rows) // SAMPLE)], words)
        outside = wording.having(self.some[self.labels[self.some] != cluster], words)
        at = np.searchsorted(words, wording.word_pairs[terms])
        # What reads as a thing: a phrase, or a word that stands last where it stands.
        reads = np.where(terms >= len(wording.words), PHRASE, ALONE + (1 - ALONE) * wording.last[terms])
        near = np.clip(1 - 0.5 * foreign / FOREIGN, 0.1, 1)
        values = self.idf[terms] * shares * reads * near
        return Candidates(
            parts,
            values,
            whole=np.array([_alone("".join(wording.words[word] for word in each)) for each in parts], np.bool_),
            inside=np.maximum(inside[:, at[:, 0]], inside[:, at[:, 1]]),
            outside=np.maximum(outside[:, at[:, 0]], outside[:, at[:, 1]]),
            repeats=self._repeats(parts),
        )

    def _repeats(self, parts: Sequence[tuple[int, ...]]) -> Callable[[int], NDArray[np.bool_]]:
        """Which terms share a word with one of them, or hold a word of it or the other way round: 洗面奶 and 面奶."""
        texts = [[self.wording.words[word] for word in each] for each in parts]

        @cache
        def repeats(at: int) -> NDArray[np.bool_]:
            return np.array([any(a in b or b in a for a in texts[at] for b in other) for other in texts], np.bool_)

        return repeats

    def _unlike(self, name: str) -> str:
        """The name, with a number where another cluster has it already."""
        tried, number = name, 2
        while tried.casefold() in self.taken:
            tried, number = f"{name} {number}", number + 1
        self.taken.add(tried.casefold())
        return tried

    def _shares(self, words: list[int], rows: NDArray[np.int64]) -> tuple[float, float]:
        """Of the rows and of the other clusters' products, how many have one of the words."""
        if not words or not len(rows):
            return 0.0, 0.0
        anywhere = self.wording.having_any(words)
        inside = int(anywhere[rows].sum())
        others = max(int(self.sizes.sum()) - len(rows), 1)
        return inside / len(rows), (int(anywhere[self.labels >= 0].sum()) - inside) / others

    def _keywords(self, terms: NDArray[np.int64], lines: "_Lines", n: int = 8) -> list[str]:
        out: list[str] = []
        for each in np.flatnonzero(terms < len(self.wording.words)).tolist():
            text = lines.written(each)
            if text and not any(text.casefold() in known.casefold() for known in out):
                out.append(text)
            if len(out) == n:
                break
        return out


class _Lines:
    """How a cluster's products write its terms."""

    def __init__(self, wording: Wording, rows: NDArray[np.int64], terms: NDArray[np.int64]) -> None:
        self.wording, self.terms = wording, terms
        self.rows = rows[:: max(1, len(rows) // SAMPLE)]
        self.has = wording.having(self.rows, np.sort(terms))[:, np.argsort(np.argsort(terms))]
        self.known: dict[int, str | None] = {}

    def written(self, at: int) -> str | None:
        """The term at a place of `terms` as it is mostly written; None where its words never stand side by side."""
        if at not in self.known:
            rows = self.rows[self.has[:, at] > 0].tolist()
            self.known[at] = self.wording.written(int(self.terms[at]), rows)
        return self.known[at]


def _han(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def _alone(text: str) -> bool:
    """Whether a word of Chinese is long enough to be a name."""
    return len(text) > 2 and _han(text)


def _listed(texts: Sequence[str]) -> str:
    if len(texts) <= 1:
        return "".join(texts)
    if any(map(_han, texts)):
        return "、".join(texts)
    return f"{', '.join(texts[:-1])} & {texts[-1]}"
