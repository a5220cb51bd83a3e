"""Rules of likeness: what two offers have in common, each 0..1, more being more alike, with words for people."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Sparse
from wares.kernels import alike
from wares.kernels.overlap import Written, overlap
from wares.tasks.offers import Read

Pairs: TypeAlias = NDArray[np.int32]
Scores: TypeAlias = NDArray[np.floating[Any]]


class Rule(NamedTuple):
    """A kind of likeness: what speaks for one product where it is great, and against where it is small."""

    kind: str
    pro: str
    con: str


WORDS = Rule("title by words", "titles share their telling words", "titles share few telling words")
LETTERS = Rule("title by letters", "titles are written alike", "titles are written differently")
MEANING = Rule("title by meaning", "titles mean the same", "titles mean different things")
TEXT = Rule("all text", "the text of one says what the other does", "the text of one lacks what the other says")
CODE = Rule("model number", "the same model number", "different model numbers")
NUMBERS = Rule("numbers", "the same numbers", "numbers that only one of them has")
SIZES = Rule("size", "the same sizes", "different sizes")
BRAND = Rule("brand", "the same brand", "different brands")
BARCODE = Rule("barcode", "the same barcode", "different barcodes")
PRICE = Rule("price", "prices near each other", "prices far from each other")
CATEGORY = Rule("category", "categories alike", "different categories")
IMAGE = Rule("image", "the same picture", "different pictures")
BEGIN = Rule("first word", "titles begin alike", "titles begin differently")
RIVALS = Rule("rivals", "nothing else fits either of them better", "something else fits one of them better")

RULES: Mapping[str, Rule] = {
    "words": WORDS,
    "letters": LETTERS,
    "lesser cover": WORDS,
    "greater cover": WORDS,
    "lesser lack": WORDS,
    "greater lack": WORDS,
    "begin": BEGIN,
    "length": WORDS,
    "text": TEXT,
    "lesser text cover": TEXT,
    "greater text cover": TEXT,
    "lesser text lack": TEXT,
    "greater text lack": TEXT,
    "digits": NUMBERS,
    "lesser digits": NUMBERS,
    "greater digits": NUMBERS,
    "lesser digits lack": NUMBERS,
    "greater digits lack": NUMBERS,
    "code": CODE,
    "codes differ": CODE,
    "code lacking": CODE,
    "numbers differ": NUMBERS,
    "sizes differ": SIZES,
    "nearest code": CODE,
    "nearest digits": CODE,
    "nearest begin": CODE,
    "model": CODE,
    "model written": CODE,
    "brand": BRAND,
    "barcode": BARCODE,
    "price": PRICE,
    "category": CATEGORY,
    "image": IMAGE,
    "meaning": MEANING,
}
"""The columns that `liken` gives, and the rule that each belongs to."""


def liken(read: Read, pairs: Pairs) -> NDArray[np.float32]:
    """(m, len(RULES)) float32 of pairs (m, 2) of rows; NaN where one of the two says nothing."""
    columns: dict[str, Scores] = {}
    for part in (_titles, _texts, _numbers, _codes, _fields):
        columns.update(part(read, pairs))
    return np.column_stack([columns[name] for name in RULES]).astype(np.float32)


def _cosines(rows: Sparse, pairs: Pairs, *, known: bool = False) -> Scores:
    """(m,) cosines; NaN where one row is empty and `known` is asked for."""
    found: Scores = alike.cosines(rows.indptr, rows.indices, rows.data, pairs)
    if known:
        empty = np.diff(rows.indptr) == 0
        found[empty[pairs].any(axis=1)] = np.nan
    return found


def _two_ways(both: Callable[[Pairs], Scores], pairs: Pairs, name: str) -> dict[str, Scores]:
    """Covers and lacks of both directions as their lesser and greater likeness."""
    one, other = both(pairs), both(np.ascontiguousarray(pairs[:, ::-1]))
    return {
        f"lesser {name}": np.minimum(one[:, 0], other[:, 0]),
        f"greater {name}": np.fmax(one[:, 0], other[:, 0]),
        f"lesser {name} lack": 1 - np.maximum(one[:, 1], other[:, 1]),
        f"greater {name} lack": 1 - np.minimum(one[:, 1], other[:, 1]),
    }


def _titles(read: Read, pairs: Pairs) -> dict[str, Scores]:
    found = _two_ways(lambda p: alike.covered(read.title, read.title, True, read.vocabulary, p), pairs, "title")
    sizes = np.diff(read.title.letter_starts)[pairs].astype(np.float32)
    return {
        "words": _cosines(read.words, pairs),
        "letters": _cosines(read.letters, pairs),
        "lesser cover": found["lesser title"],
        "greater cover": found["greater title"],
        "lesser lack": found["lesser title lack"],
        "greater lack": found["greater title lack"],
        "begin": _begin(read, pairs),
        "length": sizes.min(axis=1) / np.maximum(sizes.max(axis=1), 1),
    }


def _begin(read: Read, pairs: Pairs) -> Scores:
    """Whether the first four letters of the titles are the same."""
    starts, stops = read.title.letter_starts[:-1], read.title.letter_starts[1:]
    first = np.zeros((len(read), 4), np.uint32)
    for at in range(4):
        there = starts + at < stops
        first[there, at] = read.title.letters[starts[there] + at]
    return np.asarray((first[pairs[:, 0]] == first[pairs[:, 1]]).all(axis=1), np.float32)


def _texts(read: Read, pairs: Pairs) -> dict[str, Scores]:
    found = _two_ways(lambda p: alike.covered(read.title, read.full, False, read.vocabulary, p), pairs, "text")
    found = {
        "lesser text cover": found["lesser text"],
        "greater text cover": found["greater text"],
        "lesser text lack": found["lesser text lack"],
        "greater text lack": found["greater text lack"],
    }
    return {"text": _cosines(read.text, pairs), **found}


def _numbers(read: Read, pairs: Pairs) -> dict[str, Scores]:
    vocabulary = read.vocabulary._replace(
        weights=np.where(read.vocabulary.fixed, read.vocabulary.weights, np.float32(0))
    )
    found = _two_ways(lambda p: alike.covered(read.title, read.full, False, vocabulary, p), pairs, "digits")
    return {"digits": _cosines(read.digits, pairs, known=True), **found}


def _codes(read: Read, pairs: Pairs) -> dict[str, Scores]:
    title, words = read.title, read.vocabulary
    written = Written(
        title.words,
        title.starts,
        read.kinds,
        words.weights,
        title.letters,
        title.letter_starts,
        words.letters,
        words.starts,
    )
    found = overlap(written, pairs)
    nearest = alike.nearest_codes(*read.codes, pairs)
    return {
        "code": found[:, 0],
        "codes differ": 1 - found[:, 1],
        "code lacking": 1 - found[:, 2],
        "numbers differ": 1 / (1 + found[:, 3]),
        "sizes differ": 1 / (1 + found[:, 4]),
        "nearest code": nearest[:, 0],
        "nearest digits": nearest[:, 1],
        "nearest begin": nearest[:, 2],
    }


def _fields(read: Read, pairs: Pairs) -> dict[str, Scores]:
    offers = read.offers
    unknown = np.full(len(pairs), np.nan, np.float32)
    models, brands = read.squashed("models"), read.squashed("brands")
    found = {
        "model": unknown if models is None else alike.spellings(models, pairs),
        "model written": unknown if models is None else _stands(models, read, pairs),
        "brand": unknown if brands is None else _brands(brands, read, pairs),
        "barcode": unknown if offers.barcodes is None else _equal(offers.barcodes, pairs),
        "price": unknown if offers.prices is None else _ratio(offers.prices, pairs),
        "category": unknown if read.category is None else _cosines(read.category, pairs, known=True),
        "image": unknown if offers.images is None else _pictures(offers.images, pairs),
        "meaning": unknown,
    }
    if offers.vectors is not None:
        found["meaning"] = np.einsum("ij,ij->i", offers.vectors[pairs[:, 0]], offers.vectors[pairs[:, 1]])
    return found


def _stands(texts: alike.Texts, read: Read, pairs: Pairs) -> Scores:
    """Whether what the one gives in its field stands in the text of the other; NaN where neither says anything."""
    full = alike.Texts(read.full.letters, read.full.letter_starts)
    one = alike.stands(texts, full, pairs)
    other = alike.stands(texts, full, np.ascontiguousarray(pairs[:, ::-1]))
    return np.asarray(np.fmax(one, other), np.float32)


def _brands(texts: alike.Texts, read: Read, pairs: Pairs) -> Scores:
    """How alike the brands are; 1 where one stands in the text of the other."""
    written = np.where(_stands(texts, read, pairs) == 1, 1, np.nan)
    return np.asarray(np.fmax(written, alike.spellings(texts, pairs)), np.float32)


def _equal(values: Sequence[str], pairs: Pairs) -> Scores:
    texts = np.array([each.strip().lstrip("0") for each in values])
    one, other = texts[pairs[:, 0]], texts[pairs[:, 1]]
    return np.asarray(np.where((one == "") | (other == ""), np.nan, one == other), np.float32)


def _ratio(prices: Scores, pairs: Pairs) -> Scores:
    low, high = np.sort(np.where(prices > 0, prices, np.nan)[pairs], axis=1).T
    return np.asarray(low / high, np.float32)


def _pictures(hashes: NDArray[np.uint64], pairs: Pairs) -> Scores:
    """1 less the share of bits that differ; half of them do where pictures have nothing to do with each other."""
    one, other = hashes[pairs[:, 0]], hashes[pairs[:, 1]]
    bits = np.unpackbits((one ^ other).view(np.uint8).reshape(-1, 8), axis=1).sum(axis=1)
    return np.asarray(np.where((one == 0) | (other == 0), np.nan, np.clip(1 - bits / 32, 0, 1)), np.float32)
