"""Products by the words they hold."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.algorithm import Algorithm, setting
from wares.arrays import Mask
from wares.data.catalog import Catalog
from wares.data.hits import Hits
from wares.data.outputs import Scratch
from wares.errors import SettingError
from wares.index.folding import Postings, idf_of
from wares.kernels import postings
from wares.text.reader import Reader
from wares.text.spelling import Spelling
from wares.text.tokens import forms

FIELDS = {"title": 3.0, "brand": 2.0, "category": 1.5, "description": 1.0}
"""What a word in each column counts unless told otherwise."""

_ANYTHING: Mask = np.empty(0, np.bool_)  # how the kernels are told that every product is allowed


@dataclass(frozen=True, eq=False)
class Query:
    """What a text was understood to ask.

    words : (n,) distinct rows of the vocabulary, the rarest first. need : how many of them a product must hold.
    bound : what no product's score exceeds, the sum of idf * (k1 + 1) over the words. corrected : the text as
    understood where a word was taken for another, else empty. unknown : forms no product holds.
    """

    words: NDArray[np.int64]
    need: int
    bound: float = 0.0
    corrected: str = ""
    unknown: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.words)


class Matches(NamedTuple):
    """Every product that matches, in no order: (n,) int32 rows and (n,) float32 scores above 0."""

    rows: NDArray[np.int32]
    scores: NDArray[np.float32]


class _Ready(NamedTuple):
    """What is made once from the learned arrays; plain arrays, because numba is slow to look at memory maps."""

    rows_of: dict[str, int]
    ptr: NDArray[np.int64]
    rows: NDArray[np.int32]
    impacts: NDArray[np.float32]
    where: NDArray[np.uint8]
    held: list[int]
    idf: list[float]
    spelling: Spelling | None


class Room(NamedTuple):
    """Where one thread adds up; `sums` and `held` are zero between queries."""

    sums: NDArray[np.float32]
    held: NDArray[np.uint8]
    rows: NDArray[np.int32]
    scores: NDArray[np.float32]


_local = threading.local()


def room(n: int) -> Room:
    """This thread's scratch for n products. Kept, because fresh memory costs more than a query."""
    kept: Room | None = getattr(_local, "room", None)
    if kept is None or len(kept.sums) < n:
        kept = Room(
            np.zeros(n, np.float32), np.zeros(n, np.uint8), np.empty(n + 1, np.int32), np.empty(n + 1, np.float32)
        )
        _local.room = kept
    return kept


@dataclass(kw_only=True, eq=False)
class Words(Algorithm):
    """BM25 over the words of several columns, as postings whose impacts are worked out beforehand.

    Choose it wherever products have text. One pass over the postings of a query finds every match and its score, so
    totals and facets are exact. Fit takes O(words of all texts) time; memory 13 bytes for each distinct word of each
    product, mapped from the file; a query reads the postings of its words: some 10 microseconds at 100,000 products.

    A product *matches* when it holds at least n - n // 3 of the n distinct words of the query that any product holds:
    all of one or two, one in three may be missing beyond. Where no product holds that many, the products that hold
    the most match (`match="most"`; "all" and "any" ask for n and for 1, "all" without falling back).

    The score is BM25F: a word's counts in each column, divided by 1 - b + b * length / mean length and multiplied by
    the column's weight, add up to c; its impact is idf * c * (k1 + 1) / (c + k1), idf = ln(1 + (N - m + .5) / (m + .5))
    where m of N products hold it; a product's score is the sum over the words of the query.

    Settings
    --------
    fields : weight by column; columns that the catalog lacks are left out. At most 8.
    match : how many of the words a product must hold.
    k1 : how slowly a repeated word stops counting. b : how much a long text counts against its words, 0 to 1.
    correct : whether words that no product holds are taken for the nearest that one does.

    Learned
    -------
    words_ : (n_words,) the vocabulary. shown_ : (n_words,) how each is mostly written.
    ptr_, rows_, impacts_, where_ : postings by word: (n_words + 1,) int64; product rows int32, ascending in each word;
    float32; uint8 bits of the columns that hold it, in the order of columns_.
    indptr_, members_ : (n_products + 1,) int64, words of each product int32.
    columns_ : columns read. spelling_*_ : the state of `Spelling`.

    Source: Robertson & Zaragoza 2009, doi:10.1561/1500000019; impacts: Anh & Moffat 2002, doi:10.1145/564376.564382.
    """

    SPELT: ClassVar[int] = 1_000_000
    """Forms that misspelt words are looked for among; of more, those written most."""
    LONGEST: ClassVar[int] = 64
    """Distinct words of a query that are asked; of more, the rarest."""

    fields: Mapping[str, float] = field(default_factory=lambda: dict(FIELDS))
    match: Literal["most", "all", "any"] = "most"
    k1: float = setting(1.2, low=0.0)
    b: float = setting(0.5, low=0.0, high=1.0)
    correct: bool = True

    def fit(self, catalog: Catalog, scratch: Path | None = None) -> Self:
        """Read the products' text, piece by piece. Raises SettingError where the catalog has none of the columns.

        What does not fit in memory lies in `scratch` (or where the system keeps such things): 9 bytes a word of all
        texts for the while, and large postings until they are saved. Memory some 500 MB, and some 400 bytes for each
        distinct form, 8 bytes for each column of each product.
        """
        self._check()
        self.columns_ = [name for name in self.fields if catalog.has(name)]
        if not self.columns_ or len(self.columns_) > 8:
            raise SettingError(
                f"Words(fields={sorted(self.fields)}): between 1 and 8 of them must be columns of the catalog, "
                f"which has {', '.join(catalog.columns)}"
            )
        with TemporaryDirectory(prefix="wares-words-", dir=scratch) as folder:
            codes = Scratch(Path(folder) / "codes", np.int32)
            lengths = self._read(catalog, codes)
            self._take(Postings.of(codes, lengths, self._weights(), self.b, self.k1, len(self.words_), Path(folder)))
            codes.close()
        self.__dict__.pop("_made", None)
        return self

    def _read(self, catalog: Catalog, codes: Scratch) -> NDArray[np.int32]:
        """(n_products, n_columns) words of each text; all words as numbers go to `codes`, product by product.

        Learns vocabulary and spelling.
        """
        reader = Reader()
        lengths = [np.zeros((0, len(self.columns_)), np.int32)]
        for piece in catalog.pieces(self.columns_):
            frame = piece.frame(self.columns_).select(pl.all().cast(pl.String).fill_null(""))
            texts = list(chain.from_iterable(zip(*(column.to_list() for column in frame), strict=True)))
            found, offsets = reader.read(texts)
            codes.append(found)
            lengths.append(np.diff(offsets).astype(np.int32).reshape(-1, len(self.columns_)))
        self.words_ = np.array(list(reader.words), object)
        self._spell(list(reader.forms), reader.single(), reader.form_counts)
        return np.concatenate(lengths)

    def _spell(self, forms: list[str], words: NDArray[np.int32], counts: NDArray[np.int64]) -> None:
        """Learn how each word is mostly written, and to which word a misspelt form belongs."""
        single = np.flatnonzero(words >= 0)
        shown = self.words_.tolist()
        most: dict[int, tuple[int, str]] = {}
        for row in single.tolist():
            word, found = int(words[row]), (int(counts[row]), forms[row])
            if found > most.get(word, (0, "")):
                most[word] = found
                shown[word] = found[1]
        self.shown_ = np.array(shown, object)
        if self.correct:
            if len(single) > self.SPELT:
                single = np.sort(single[np.argsort(-counts[single], kind="stable")[: self.SPELT]])
            spelling = Spelling.of([forms[row] for row in single.tolist()], counts[single], words[single])
            for name, array in spelling.arrays().items():
                setattr(self, f"spelling_{name}_", array)

    def _weights(self) -> NDArray[np.float64]:
        return np.array([self.fields[name] for name in self.columns_], np.float64)

    def _take(self, made: Postings) -> None:
        self.ptr_, self.rows_, self.impacts_, self.where_ = made.ptr, made.rows, made.impacts, made.where
        self.indptr_, self.members_ = made.indptr, made.members

    @property
    def n_products(self) -> int:
        """Products read."""
        self._ready()
        return len(self.indptr_) - 1

    @property
    def _now(self) -> _Ready:
        made: _Ready | None = self.__dict__.get("_made")
        if made is None:
            self.learned()
            names = Spelling.__dataclass_fields__
            held = np.diff(self.ptr_)
            state = {name: np.asarray(getattr(self, f"spelling_{name}_", ())) for name in names}
            made = _Ready(
                {word: row for row, word in enumerate(self.words_.tolist())},
                np.asarray(self.ptr_),
                np.asarray(self.rows_),
                np.asarray(self.impacts_),
                np.asarray(self.where_),
                held.tolist(),
                idf_of(held, self.n_products).tolist(),
                Spelling.from_arrays(state) if hasattr(self, "spelling_keys_") else None,
            )
            self._made = made
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_made"}

    # -- asking ----------------------------------------------------------------------------------------------------

    def understand(self, text: str) -> Query:
        """The words of the query that products hold, misspelt ones mended."""
        now = self._now
        rows_of = now.rows_of
        wanted: list[int] = []
        doubtful: list[tuple[int, str]] = []
        parts = forms(text)
        for place, (form, words) in enumerate(parts):
            known = [rows_of[word] for word in words if word in rows_of]
            wanted += known
            if words and not known:
                doubtful.append((place, form))
        corrected, unknown = "", []
        if doubtful:
            mended = [form for form, _ in parts]
            for place, form in doubtful:
                row = self._mend(form, wanted)
                if row is None:
                    unknown.append(form)
                else:
                    wanted.append(row)
                    mended[place] = self.shown_[row]
            corrected = " ".join(mended) if len(unknown) < len(doubtful) else ""
        held = now.held
        distinct = sorted(set(wanted), key=lambda row: (held[row], row))[: self.LONGEST]
        bound = sum(now.idf[row] for row in distinct) * (self.k1 + 1)
        return Query(np.array(distinct, np.int64), self._need(len(distinct)), bound, corrected, tuple(unknown))

    def _mend(self, form: str, others: Sequence[int]) -> int | None:
        """The word that was most likely meant: of those near, the one that stands most with the other words."""
        now = self._now
        near = now.spelling.suggest(form, 8) if now.spelling is not None else []
        if len(near) < 2 or not others:
            return near[0][0] if near else None
        marked = np.zeros(self.n_products, np.bool_)
        rarest = min(others, key=now.held.__getitem__)
        marked[now.rows[now.ptr[rarest] : now.ptr[rarest + 1]]] = True
        together = {row: postings.count_in(now.ptr, now.rows, row, marked) for row, _ in near}
        return max(near, key=lambda each: (together[each[0]], each[1], -each[0]))[0]

    def _need(self, n: int) -> int:
        return {"most": n - n // 3, "all": n, "any": min(n, 1)}[self.match]

    def matches(self, query: Query) -> Matches:
        """Every product that matches the query, with its score, in no order; the arrays are the caller's own."""
        now, own = self._now, room(self.n_products)
        if not len(query):
            return Matches(np.empty(0, np.int32), np.empty(0, np.float32))
        least = query.need if self.match == "all" else 1
        n = postings.match_most(
            now.ptr, now.rows, now.impacts, query.words, query.need, least, own.sums, own.held, own.rows, own.scores
        )
        return Matches(own.rows[:n].copy(), own.scores[:n].copy())

    def search(self, text: str, k: int, *, allowed: Mask | None = None) -> tuple[Hits, int]:
        """The k best of one query by words alone, and how many match."""
        now, query = self._now, self.understand(text)
        own = room(len(self.indptr_) - 1)
        rows, scores = np.empty((1, k), np.int64), np.empty((1, k), np.float32)
        least = query.need if self.match == "all" else 1
        n = postings.best_matches(
            now.ptr, now.rows, now.impacts, query.words, query.need, least, own.sums, own.held, own.rows,
            own.scores, _ANYTHING if allowed is None else allowed, rows[0], scores[0],
        )  # fmt: skip
        return Hits(rows, scores), n

    def impacts(self, query: Query, rows: NDArray[np.integer]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """(n, n_words) what each word of the query adds to each product, and the bits of the columns that hold it."""
        now = self._now
        found = np.zeros((len(rows), len(query)), np.float32)
        where = np.zeros((len(rows), len(query)), np.uint8)
        postings.found(now.ptr, now.rows, now.impacts, now.where, query.words, np.asarray(rows, np.int32), found, where)
        return found, where

    def shown(self, row: int) -> str:
        """A word as it is mostly written."""
        return str(self.shown_[row])

    def shared(self, a: int, b: int, column: str = "title", n: int = 3) -> list[str]:
        """At most n words that both products hold in that column, the rarest first; none where it was not read."""
        return self.shared_by(a, [b], column, n)[0]

    def shared_by(self, row: int, others: Sequence[int], column: str = "title", n: int = 3) -> list[list[str]]:
        """For each of some products at most n words that it shares with the first in that column, the rarest first."""
        if column not in self.columns_:
            return [[] for _ in others]
        held, bit = self._now.held, np.uint8(1 << self.columns_.index(column))
        own = self.members_[self.indptr_[row] : self.indptr_[row + 1]].tolist()
        own.sort(key=lambda word: (held[word], word))
        _, where = self.impacts(Query(np.array(own, np.int64), 0), np.array([row, *others]))
        there = (where & bit) > 0
        shown = [self.shown(word) for word in own]
        return [[shown[place] for place in np.flatnonzero(both)[:n].tolist()] for both in there[1:] & there[0]]
