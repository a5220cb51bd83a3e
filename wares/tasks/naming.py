"""Names for clusters: the words that many of its products share and few of the others'."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.arrays import Labels, Vectors, unit
from wares.data.catalog import Catalog
from wares.errors import DataError
from wares.tasks.wording import Wording

COLUMNS = ("title", "brand", "category")
"""What names are read from; of the category its last level only."""

ENOUGH = 0.6
"""Of the members, how many should have a word of the name."""

FOREIGN = 0.15
"""Of other clusters' products, how many may have a word before it counts for less."""

COMMON = 0.5
"""Of other clusters' products, how many may have a word for it to be in a name at all."""

MOST_WORDS = 4

PHRASE_SHARE = 0.25
"""Of the members, how many must have a phrase for it to stand for one of its words."""

WORD_SHARE = 0.35
"""Of the members, how many must have a word for it to join a name that covers enough."""

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


@dataclass(frozen=True, eq=False)
class _Members:
    """The rows of a cluster, and which of the candidates each has (n_rows, n_candidates)."""

    rows: NDArray[np.int64]
    has: NDArray[np.bool_]


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
        terms, worth = self._candidates(cluster)
        members = _Members(rows, self.wording.has[rows][:, terms].toarray().astype(bool))
        picked = self._picked(terms, worth, members) if len(terms) and len(rows) else []
        name = self._unlike(self._joined(picked, terms, members) or f"Cluster {cluster + 1}", picked, terms, members)
        coverage, foreign = self._shares(sorted(self._words(picked, terms)), rows)
        return ClusterName(name, self._keywords(terms, members), typical, coverage, foreign)

    def _candidates(self, cluster: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """At most 80 terms of most weight, best first, and their weights a member that has them."""
        start, stop = self.counts.indptr[cluster], self.counts.indptr[cluster + 1]
        terms = self.counts.indices[start:stop].astype(np.int64)
        counts = self.counts.data[start:stop].astype(np.float64)
        size = max(int(self.sizes[cluster]), 1)
        kept = self.wording.useful[terms] & (counts >= max(0.03 * size, min(2, size)))
        terms, counts = terms[kept], counts[kept]
        outside = (self.total - self._counts_of(cluster)) / max(int(self.sizes.sum()) - size, 1)
        foreign = np.array([max(outside[part] for part in self.wording.parts(int(term))) for term in terms])
        kept = foreign <= COMMON
        terms, counts, foreign = terms[kept], counts[kept], foreign[kept]
        phrase = np.where(terms >= len(self.wording.words), PHRASE, 1.0)
        worth = self.idf[terms] * phrase * np.minimum(1.0, FOREIGN / np.maximum(foreign, 1e-9))
        best = np.lexsort((terms, -worth * counts))[:80]
        return terms[best], worth[best]

    def _counts_of(self, cluster: int) -> NDArray[np.float64]:
        out = np.zeros(self.counts.shape[1])
        start, stop = self.counts.indptr[cluster], self.counts.indptr[cluster + 1]
        out[self.counts.indices[start:stop]] = self.counts.data[start:stop]
        return out

    def _picked(self, terms: NDArray[np.int64], worth: NDArray[np.float64], members: _Members) -> list[int]:
        """Which candidates make the name: the best, then what covers more members, then what says it more nearly."""
        picked: list[int] = []
        covered = np.zeros(len(members.rows), bool)
        while covered.mean() < ENOUGH:
            fresh = (members.has & ~covered[:, None]).mean(axis=0)
            best = self._best(picked, terms, worth * fresh * (fresh >= 0.04), members)
            if best is None:
                break
            picked.append(best)
            covered |= members.has[:, best]
        return self._made_nearer(picked, terms, worth, members)

    def _best(
        self, picked: list[int], terms: NDArray[np.int64], values: NDArray[np.float64], members: _Members
    ) -> int | None:
        """The candidate of most value that can stand beside those picked."""
        words = self._words(picked, terms)
        for each in np.argsort(-values, kind="stable").tolist():
            if values[each] <= 0:
                return None
            parts = set(self.wording.parts(int(terms[each])))
            if parts & words or len(parts | words) > MOST_WORDS or self._inside(parts, words):
                continue
            if self._written(each, terms, members) is not None:
                return int(each)
        return None

    def _made_nearer(
        self, picked: list[int], terms: NDArray[np.int64], worth: NDArray[np.float64], members: _Members
    ) -> list[int]:
        """A name of one word becomes a phrase that holds it, or takes a word that many members share."""
        words = self._words(picked, terms)
        if len(words) != 1:
            return picked
        shares = members.has.mean(axis=0)
        longer = [each for each in range(len(terms)) if words < set(self.wording.parts(int(terms[each])))]
        for each in sorted(longer, key=lambda each: -shares[each] * worth[each]):
            if (
                shares[each] >= PHRASE_SHARE
                and worth[each] >= 0.5 * worth[picked[0]]
                and self._written(each, terms, members)
            ):
                return [each]
        more = self._best(picked, terms, worth * shares * (shares >= WORD_SHARE), members)
        return picked if more is None else [*picked, more]

    def _written(self, each: int, terms: NDArray[np.int64], members: _Members) -> str | None:
        return self.wording.written(int(terms[each]), members.rows[members.has[:, each]][:80].tolist())

    def _words(self, picked: list[int], terms: NDArray[np.int64]) -> set[int]:
        return {part for each in picked for part in self.wording.parts(int(terms[each]))}

    def _inside(self, parts: set[int], words: set[int]) -> bool:
        """Whether a word repeats one of the name, as 面奶 does 洗面奶."""
        names = [self.wording.words[word] for word in words]
        return any(a in b or b in a for part in parts for a in [self.wording.words[part]] for b in names)

    def _joined(self, picked: list[int], terms: NDArray[np.int64], members: _Members) -> str:
        """The parts in reading order: side by side where the same products have both, else with "&"."""
        groups: list[list[int]] = []
        for each in picked:
            has = members.has[:, each]
            for group in groups:
                other = members.has[:, group[0]]
                if (has & other).sum() >= 0.5 * min(has.sum(), other.sum()):
                    group.append(each)
                    break
            else:
                groups.append([each])
        texts = []
        for group in groups:
            group.sort(key=lambda each: self.wording.place[terms[each]])
            both = members.rows[members.has[:, group].all(axis=1)][:80].tolist()
            texts.append(self._run([self._written(each, terms, members) or "" for each in group], both))
        return _listed(texts)

    def _run(self, texts: Sequence[str], rows: Sequence[int]) -> str:
        """Texts that the same products have, in a row; with "&" where the products list them so."""
        lines = "\n".join(line for row in rows for line in self.wording.lines[row]).casefold()
        out = texts[0]
        for before, text in pairwise(texts):
            if _han(before) and _han(text):
                out += text
                continue
            sides = re.escape(before.casefold()), re.escape(text.casefold())
            listed = re.search(rf"{sides[0]}\s*(?:[&/,]|and\b)\s*{sides[1]}", lines)
            out += f" & {text}" if listed else f" {text}"
        return out

    def _unlike(self, name: str, picked: list[int], terms: NDArray[np.int64], members: _Members) -> str:
        """The name, with a further keyword or a number where another cluster has it already."""
        words = self._words(picked, terms)
        tried = name
        for each in range(len(terms)):
            if tried.casefold() not in self.taken:
                break
            parts = set(self.wording.parts(int(terms[each])))
            if not parts & words and not self._inside(parts, words):
                more = self._written(each, terms, members)
                tried = f"{name}: {more}" if more else tried
        number = 2
        while tried.casefold() in self.taken:
            tried, number = f"{name} {number}", number + 1
        self.taken.add(tried.casefold())
        return tried

    def _shares(self, words: list[int], rows: NDArray[np.int64]) -> tuple[float, float]:
        """Of the rows and of the other clusters' products, how many have one of the words."""
        if not words or not len(rows):
            return 0.0, 0.0
        anywhere = np.asarray(self.wording.has[:, words].sum(axis=1)).ravel() > 0
        inside = int(anywhere[rows].sum())
        others = max(int(self.sizes.sum()) - len(rows), 1)
        return inside / len(rows), (int(anywhere[self.order[self.bounds[0] :]].sum()) - inside) / others

    def _keywords(self, terms: NDArray[np.int64], members: _Members, n: int = 8) -> list[str]:
        out: list[str] = []
        for each in np.flatnonzero(terms < len(self.wording.words)).tolist():
            text = self._written(each, terms, members)
            if text and not any(text.casefold() in known.casefold() for known in out):
                out.append(text)
            if len(out) == n:
                break
        return out


def _han(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def _listed(texts: Sequence[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    if all(map(_han, texts)):
        return "、".join(texts)
    return f"{', '.join(texts[:-1])} & {texts[-1]}"
