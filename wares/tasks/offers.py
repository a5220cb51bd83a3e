"""Offers as matching reads them: what is said of each in plain fields, and those fields as words, letters and codes."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.arrays import Dense, Labels, Sparse
from wares.data.catalog import Catalog
from wares.data.columns import bare
from wares.encode import features
from wares.kernels.alike import Spelled, Texts, Vocabulary
from wares.kernels.overlap import CODE, NUMBER, SIZE, WORD
from wares.text import units
from wares.text.tokens import normal, tokens_of

GRAMS = features.Features(words=False, low=3, high=5, columns=2**18)

MODEL = """model, model no, modelno, model number, mpn, part number, part no, partno,
    manufacturer part number, model code, 型号, 商品型号, 产品型号, 规格型号"""
BARCODE = "gtin, ean, upc, barcode, isbn, gtin13, gtin14, ean13, 条码, 条形码, 国际条码"
"""Columns of these names hold a model number, or a barcode."""

_TITLE, _TEXT = 300, 2_000  # letters of a title, and of other text, that are read
_CODE = re.compile(r"[a-z0-9]+(?:[-/._][a-z0-9]+)*")
_SIZE = re.compile(units.SIZE)
_UNITS = list(units.UNITS)
_UNIT = re.compile(rf"[\d.]+({'|'.join(_UNITS)})")
_PLAIN = 4  # digits of a number that is a number, and no model
_LONG = 24  # letters of a code; what is longer is an address or a key


@dataclass(frozen=True, eq=False)
class Offers:
    """What is said of n offers; a field is None where nobody says it, and empty (NaN, -1, 0) where this one does not.

    sellers : (n,) whose each is. images : (n,) uint64 perceptual hashes. vectors : (n, width) unit rows of meaning.
    """

    titles: Sequence[str]
    descriptions: Sequence[str] | None = None
    brands: Sequence[str] | None = None
    models: Sequence[str] | None = None
    barcodes: Sequence[str] | None = None
    categories: Sequence[str] | None = None
    prices: NDArray[np.float64] | None = None
    sellers: Labels | None = None
    images: NDArray[np.uint64] | None = None
    vectors: Dense | None = None

    def __len__(self) -> int:
        return len(self.titles)

    @classmethod
    def of(cls, catalog: Catalog, *, seller: str | None = None, text: Sequence[str] | None = None) -> Self:
        """The offers of a catalog. text : columns that are read as one title; the title alone by default."""
        names = {bare(name): name for name in reversed(catalog.columns)}

        def column(name: str | None) -> list[str] | None:
            if name is None or not catalog.has(name):
                return None
            values = catalog.scan.select(pl.col(name).cast(pl.String).fill_null("").str.slice(0, _TEXT)).collect()
            return values[name].to_list() if (values[name] != "").any() else None

        def by_name(known: str) -> str | None:
            return next((names[bare(each)] for each in known.split(",") if bare(each) in names), None)

        prices = catalog.frame(["price"])["price"].cast(pl.Float64) if catalog.has("price") else None
        return cls(
            catalog.text(("title",) if text is None else text, _TITLE),
            column("description") if text is None or "description" not in text else None,
            column("brand"),
            column(by_name(MODEL)),
            column(by_name(BARCODE)),
            column("category"),
            None if prices is None else prices.fill_null(np.nan).to_numpy().astype(np.float64),
            None if seller is None else _codes(catalog.frame([seller])[seller]),
        )

    def take(self, rows: NDArray[np.integer]) -> Self:
        """Some of them."""
        picked = rows.tolist()

        def some(value: Any) -> Any:
            if value is None or isinstance(value, np.ndarray):
                return None if value is None else value[rows]
            return [value[row] for row in picked]

        return replace(self, **{each.name: some(getattr(self, each.name)) for each in fields(self)})

    def followed_by(self, others: "Offers") -> "Offers":
        """These and then the others; sellers of the two must be numbered alike."""
        return Offers(
            *(
                _joined(getattr(self, each.name), len(self), getattr(others, each.name), len(others))
                for each in fields(self)
            )
        )


def _codes(values: pl.Series) -> Labels:
    return np.asarray(values.rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1, np.int64)


def _joined(one: Any, n: int, other: Any, m: int) -> Any:
    if one is None and other is None:
        return None
    known = other if one is None else one
    if not isinstance(known, np.ndarray):
        return [*(one or [""] * n), *(other or [""] * m)]
    empty = {"f": np.nan, "i": -1, "u": 0}[known.dtype.kind]
    shape = known.shape[1:]
    parts = [
        np.full((size, *shape), empty, known.dtype) if part is None else part for part, size in ((one, n), (other, m))
    ]
    return np.concatenate(parts)


# -- as words ----------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Lexicon:
    """How many of `n` offers have each word and each code, and what each n-gram of letters weighs."""

    n: int
    words: Mapping[str, int]
    codes: Mapping[str, int]
    grams: Dense

    def letters(self, titles: Sequence[str]) -> Sparse:
        """Unit rows of the n-grams of titles, rare ones weighing more."""
        return features.weighed(features.counts(_squashed(titles), GRAMS), self.grams, sublinear=True)

    def telling(self, counts: NDArray[np.integer]) -> NDArray[np.float32]:
        """0..1: how much it says to have in common what so many of the offers have; 1 for what only one has."""
        n = max(self.n, 2)
        weights = np.maximum(np.log(n / np.maximum(counts, 1)) / np.log(n), 0.02)
        return np.asarray(weights, np.float32)


@dataclass(eq=False)
class Read:
    """Offers as the rules of likeness look at them. lexicon : of other offers, where these were read by it."""

    offers: Offers
    lexicon: Lexicon = field(repr=False)
    title: Spelled
    full: Spelled
    vocabulary: Vocabulary
    words: Sparse
    digits: Sparse
    text: Sparse
    letters: Sparse
    codes: tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.uint32], NDArray[np.int64]]
    kinds: NDArray[np.int32]

    @classmethod
    def of(cls, offers: Offers, lexicon: Lexicon | None = None) -> "Read":
        """Read offers; without a lexicon, what is rare among them is what tells."""
        n = len(offers)
        found = tokens_of([*offers.titles, *_beside(offers)])
        titles = csr_array(
            (np.ones(found.offsets[n]), found.codes[: found.offsets[n]], found.offsets[: n + 1]),
            shape=(n, max(len(found.words), 1)),
            dtype=np.float32,
        )
        rest = csr_array(
            (
                np.ones(len(found.codes) - found.offsets[n]),
                found.codes[found.offsets[n] :],
                found.offsets[n:] - found.offsets[n],
            ),
            shape=titles.shape,
            dtype=np.float32,
        )
        titles.sum_duplicates()
        full = csr_array(titles + rest)
        full.sum_duplicates()
        codes = [codes_of(title, model) for title, model in zip(offers.titles, offers.models or [""] * n, strict=True)]
        grams = features.counts(_squashed(offers.titles), GRAMS)
        if lexicon is None:
            counts = np.bincount(full.indices, minlength=full.shape[1])
            lexicon = Lexicon(
                n,
                dict(zip(found.words, counts.tolist(), strict=False)),
                Counter(code for each in codes for code in each),
                features.idf([grams], GRAMS.columns),
            )
        weights = lexicon.telling(np.array([lexicon.words.get(word, 0) for word in found.words] or [0]))
        spelt = list(dict.fromkeys(code for each in codes for code in each))
        place = {code: at for at, code in enumerate(spelt)}
        fixed = np.array([any(map(str.isdigit, word)) for word in found.words] or [False])
        squashed = _squashed(offers.titles)
        return cls(
            offers,
            lexicon,
            _spelled(titles, squashed),
            _spelled(full, [a + b for a, b in zip(squashed, _squashed(_beside(offers)), strict=True)]),
            Vocabulary(weights, fixed, *_letters(found.words)),
            unit_rows(titles, weights),
            unit_rows(titles, np.where(fixed, weights, 0)),
            unit_rows(full, weights),
            features.weighed(grams, lexicon.grams, sublinear=True),
            (
                np.array([place[code] for each in codes for code in each], np.int32),
                np.concatenate([[0], np.cumsum([len(each) for each in codes])]).astype(np.int64),
                *_letters(spelt),
            ),
            np.array([_kind(word) for word in found.words] or [WORD], np.int32),
        )

    def __len__(self) -> int:
        return len(self.offers)

    def squashed(self, name: str) -> Texts | None:
        """A field of the offers as letters alone; None where nobody fills it."""
        values = getattr(self.offers, name)
        return None if values is None else Texts(*_letters(_squashed(values)))

    @cached_property
    def category(self) -> Sparse | None:
        """Unit rows of the words of the categories, rare ones weighing more; None where there are none."""
        if self.offers.categories is None:
            return None
        found = tokens_of(self.offers.categories)
        counts = csr_array(
            (np.ones(len(found.codes), np.float32), found.codes, found.offsets),
            shape=(len(self), max(len(found.words), 1)),
        )
        counts.sum_duplicates()
        return features.weighed(counts, features.idf([counts], counts.shape[1]), sublinear=False)


def codes_of(title: str, model: str = "") -> list[str]:
    """The words that could be a model number, without what stands between their parts: "KD-43 XE" has "kd43"."""
    out: dict[str, None] = {}
    for text, sure in ((title, False), (model, True)):
        for word in _CODE.findall(normal(text)):
            code = "".join(filter(str.isalnum, word))
            plain = code.isdigit() and (len(code) <= _PLAIN or "." in word)
            if (
                2 < len(code) <= _LONG
                and any(map(str.isdigit, code))
                and (sure or not (plain or _SIZE.fullmatch(word)))
            ):
                out[code] = None
    return list(out)


def _kind(word: str) -> int:
    """What kind of word it is to `wares.kernels.overlap`."""
    size = _UNIT.fullmatch(word)
    if size:
        return SIZE + _UNITS.index(size[1])
    if not any(map(str.isdigit, word)):
        return WORD
    return NUMBER if len(word) < _PLAIN and word.replace(".", "").isdigit() else CODE


def _beside(offers: Offers) -> list[str]:
    """(n,) all text beside the title."""
    columns = [each for each in (offers.brands, offers.models, offers.descriptions) if each is not None]
    return [" ".join(parts) for parts in zip(*columns, strict=True)] if columns else [""] * len(offers)


def _squashed(texts: Iterable[str]) -> list[str]:
    return ["".join(filter(str.isalnum, normal(text))) for text in texts]


def _letters(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    return codes, np.concatenate([[0], np.cumsum(lengths)])


def _spelled(counts: Sparse, squashed: Sequence[str]) -> Spelled:
    counts.sort_indices()
    return Spelled(counts.indices.astype(np.int32), counts.indptr.astype(np.int64), *_letters(squashed))


def unit_rows(counts: Sparse, weights: NDArray[np.floating]) -> Sparse:
    """Unit rows of counts times weights, words of weight 0 left out."""
    rows = counts.copy()
    rows.data = ((1 + np.log(rows.data)) * weights[rows.indices]).astype(np.float32)
    rows.eliminate_zeros()
    lengths = np.sqrt(np.maximum(np.asarray(rows.multiply(rows).sum(axis=1)).ravel(), 1e-12))
    rows.data /= np.repeat(lengths, np.diff(rows.indptr)).astype(np.float32)
    rows.sort_indices()
    return rows
