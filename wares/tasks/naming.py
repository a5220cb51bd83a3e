"""Names for clusters: the words that many of its products share and few of the others'."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.arrays import Labels, Vectors
from wares.data.catalog import Catalog
from wares.errors import DataError
from wares.tasks.wording import Wording

COLUMNS = ("title", "brand", "category")
"""What names are read from; of the category its last level only."""

ENOUGH = 0.6
"""Of the members, how many should have a word of the name."""

MOST_WORDS = 4

PHRASE = 1.2
"""Two words that stand side by side say more than their numbers do."""


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
) -> list[ClusterName]:
    """A name for each cluster 0..labels.max(), all different, in the catalog's own words.

    Words and two-word phrases are weighed by class-based TF-IDF: the share of members that have it times
    log(1 + mean cluster size / products that have it). A name takes the best, then more until 60 % of the members have
    a word of it. `X` (n, width) finds the most central products; without it they are the first.

    Source of the weight: Grootendorst 2022, arXiv:2203.05794.
    """
    if len(labels) != len(catalog):
        raise DataError(f"{len(labels)} labels but {len(catalog)} products: one of each")
    wording = Wording.of(catalog, columns)
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
            members = X[rows]
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
        self.wording = wording
        self.sizes = np.bincount(labels[labels >= 0], minlength=n_clusters)
        known = np.flatnonzero(labels >= 0)
        member = csr_array(
            (np.ones(len(known), np.float32), (labels[known], known)), shape=(n_clusters, wording.has.shape[0])
        )
        self.counts = csr_array(member @ wording.has)
        self.total = np.asarray(self.counts.sum(axis=0)).ravel()
        self.idf = np.log1p(self.sizes.mean() / np.maximum(self.total, 1)) if n_clusters else self.total
        order = np.argsort(labels, kind="stable")
        self.bounds = np.searchsorted(labels[order], np.arange(n_clusters + 1))
        self.order = order
        self.taken: set[str] = set()

    def name(self, cluster: int, typical: list[int]) -> ClusterName:
        """The name of one cluster, unlike those before."""
        rows = self.order[self.bounds[cluster] : self.bounds[cluster + 1]]
        terms, shares = self._candidates(cluster)
        has = self.wording.has[rows][:, terms].toarray().astype(bool) if len(terms) else np.zeros((len(rows), 0), bool)
        picked = self._picked(terms, shares, has, rows)
        name = self._joined(picked, terms, has, rows) or f"Cluster {cluster + 1}"
        name = self._unlike(name, picked, terms, rows)
        words = sorted({part for each in picked for part in self.wording.parts(int(terms[each]))})
        coverage, foreign = self._shares(words, cluster, rows)
        keywords = self._keywords(terms, rows)
        return ClusterName(name, keywords, typical, coverage, foreign)

    def _candidates(self, cluster: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """At most 60 terms of most weight, best first, and the share of members that have each."""
        start, stop = self.counts.indptr[cluster], self.counts.indptr[cluster + 1]
        terms = self.counts.indices[start:stop].astype(np.int64)
        shares = self.counts.data[start:stop].astype(np.float64) / max(self.sizes[cluster], 1)
        useful = self.wording.useful[terms] & (shares >= 0.03)
        terms, shares = terms[useful], shares[useful]
        weight = shares * self.idf[terms] * np.where(terms >= len(self.wording.words), PHRASE, 1.0)
        best = np.lexsort((terms, -weight))[:60]
        return terms[best], shares[best]

    def _picked(
        self, terms: NDArray[np.int64], shares: NDArray[np.float64], has: NDArray[np.bool_], rows: NDArray[np.int64]
    ) -> list[int]:
        """Which candidates make the name."""
        picked: list[int] = []
        words: set[int] = set()
        covered = np.zeros(len(rows), bool)
        gain = self.idf[terms] * np.where(terms >= len(self.wording.words), PHRASE, 1.0)
        while len(words) < MOST_WORDS and (covered.mean() < ENOUGH or len(words) < 2):
            fresh = (has & ~covered[:, None]).mean(axis=0) if covered.mean() < ENOUGH else shares
            worth = fresh * gain
            best = None
            for each in np.argsort(-worth, kind="stable").tolist():
                if worth[each] <= 0 or fresh[each] < 0.04:
                    break
                parts = set(self.wording.parts(int(terms[each])))
                if parts & words or len(parts | words) > MOST_WORDS or self._inside(parts, words):
                    continue
                if self.wording.written(int(terms[each]), rows[has[:, each]][:50].tolist()) is not None:
                    best = each
                    break
            if best is None:
                break
            picked.append(best)
            for part in self.wording.parts(int(terms[best])):
                words.add(part)
            covered |= has[:, best]
        return picked

    def _inside(self, parts: set[int], words: set[int]) -> bool:
        """Whether a word repeats one of the name, as 面奶 does 洗面奶."""
        names = [self.wording.words[word] for word in words]
        return any(a in b or b in a for part in parts for a in [self.wording.words[part]] for b in names)

    def _joined(
        self, picked: list[int], terms: NDArray[np.int64], has: NDArray[np.bool_], rows: NDArray[np.int64]
    ) -> str:
        """The parts in reading order: side by side where the same products have both, else with "&"."""
        if not picked:
            return ""
        groups: list[list[int]] = []
        for each in picked:
            for group in groups:
                both = (has[:, each] & has[:, group[0]]).sum()
                if both >= 0.5 * min(has[:, each].sum(), has[:, group[0]].sum()):
                    group.append(each)
                    break
            else:
                groups.append([each])
        texts = []
        for group in groups:
            group.sort(key=lambda each: self.wording.place[terms[each]])
            written = [self.wording.written(int(terms[each]), rows[has[:, each]][:50].tolist()) or "" for each in group]
            texts.append(_spaced(written))
        return _listed(texts)

    def _unlike(self, name: str, picked: list[int], terms: NDArray[np.int64], rows: NDArray[np.int64]) -> str:
        """The name, with a further keyword or a number where another cluster has it already."""
        words = {part for each in picked for part in self.wording.parts(int(terms[each]))}
        tried = name
        for each in range(len(terms)):
            if tried.casefold() not in self.taken:
                break
            if each in picked or set(self.wording.parts(int(terms[each]))) & words:
                continue
            more = self.wording.written(int(terms[each]), rows[:200].tolist())
            if more:
                tried = _listed([name, more])
        number = 2
        while tried.casefold() in self.taken:
            tried, number = f"{name} {number}", number + 1
        self.taken.add(tried.casefold())
        return tried

    def _shares(self, words: list[int], cluster: int, rows: NDArray[np.int64]) -> tuple[float, float]:
        anywhere = np.asarray(self.wording.has[:, words].sum(axis=1)).ravel() > 0 if words else np.zeros(0, bool)
        if not words or not len(rows):
            return 0.0, 0.0
        inside = int(anywhere[rows].sum())
        others = max(int(self.sizes.sum()) - len(rows), 1)
        return inside / len(rows), (int(anywhere[self.order[self.bounds[0] :]].sum()) - inside) / others

    def _keywords(self, terms: NDArray[np.int64], rows: NDArray[np.int64], n: int = 8) -> list[str]:
        out: list[str] = []
        for term in terms.tolist():
            if term >= len(self.wording.words):
                continue
            text = self.wording.written(term, rows[:300].tolist())
            if text and text.casefold() not in (each.casefold() for each in out):
                out.append(text)
            if len(out) == n:
                break
        return out


def _han(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def _spaced(texts: Sequence[str]) -> str:
    out = ""
    for text in texts:
        out += text if not out or (_han(out[-1]) and _han(text[0])) else f" {text}"
    return out


def _listed(texts: Sequence[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    if all(map(_han, texts)):
        return "、".join(texts)
    return f"{', '.join(texts[:-1])} & {texts[-1]}"
