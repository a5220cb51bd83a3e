"""Texts with mistakes, to attack a model or teach it: slips of fingers, words lost or swapped, fields missing."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from wares.arrays import Dense, unit
from wares.data.catalog import Catalog
from wares.data.schema import TEXT

Synonyms: TypeAlias = dict[str, list[str]]
"""By word, those that mean nearly the same."""

Change: TypeAlias = Callable[[str, np.random.Generator], str]
"""A text to the text with mistakes."""

_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEAR = {key: "".join(row[max(at - 1, 0) : at] + row[at + 1 : at + 2]) for row in _KEYS for at, key in enumerate(row)}
"""The keys beside each key."""


def typos(text: str, rng: np.random.Generator, share: float = 0.3) -> str:
    """One slip of the finger in each of a share of the words of four letters or more: a letter swapped with the next,
    left out, doubled, or hit beside."""
    words = text.split(" ")
    for at, word in enumerate(words):
        if len(word) >= 4 and rng.random() < share:
            words[at] = _slip(word, rng)
    return " ".join(words)


def _slip(word: str, rng: np.random.Generator) -> str:
    at, kind = int(rng.integers(0, len(word) - 1)), int(rng.integers(4))
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[: at + 1] + word[at:]
    near = _NEAR.get(word[at].lower(), word[at])
    return word[:at] + near[int(rng.integers(len(near)))] + word[at + 1 :]


def dropped(text: str, rng: np.random.Generator, share: float = 0.3) -> str:
    """A share of the words left out; one word at least stays."""
    words = text.split()
    if len(words) < 2:
        return text
    kept = rng.random(len(words)) >= share
    if not kept.any():
        kept[int(rng.integers(len(words)))] = True
    return " ".join(word for word, stays in zip(words, kept.tolist(), strict=True) if stays)


def swapped(text: str, rng: np.random.Generator, share: float = 0.3) -> str:
    """A share of the words changes place with the next one."""
    words = text.split()
    for at in range(len(words) - 1):
        if rng.random() < share:
            words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)


def joined(text: str, rng: np.random.Generator, share: float = 0.3) -> str:
    """A share of the blanks between words is lost."""
    words = text.split()
    out = words[:1]
    for word in words[1:]:
        if rng.random() < share:
            out[-1] += word
        else:
            out.append(word)
    return " ".join(out)


MISTAKES: dict[str, Change] = {
    "typos": typos,
    "dropped words": dropped,
    "swapped words": swapped,
    "lost blanks": joined,
}
"""Attacks on a text, by name."""


def synonyms_of(words: Sequence[str], vectors: Dense, k: int = 3, least: float = 0.6) -> Synonyms:
    """For each word at most k others whose vectors are the nearest, by cosine of `least` or more."""
    rows = np.asarray(unit(vectors), np.float32)
    out: Synonyms = {}
    for start in range(0, len(rows), 1024):
        near = rows[start : start + 1024] @ rows.T
        near[np.arange(len(near)), np.arange(start, start + len(near))] = -1
        for at, best in enumerate(np.argsort(-near, axis=1, kind="stable")[:, :k]):
            if found := [words[each] for each in best.tolist() if near[at, each] >= least]:
                out[words[start + at]] = found
    return out


def near_words(catalog: Catalog, encoder: Any, *, most: int = 5_000, columns: Sequence[str] = ("title",)) -> Synonyms:
    """Synonyms of the most frequent words of a catalog, by a fitted encoder that reads text."""
    counts = Counter(word for text in catalog.text(columns) for word in text.lower().split() if word.isalpha())
    words = [word for word, n in counts.most_common(most) if n > 1 and len(word) > 2]
    return synonyms_of(words, encoder.encode_text(words)) if words else {}


def replaced(synonyms: Mapping[str, Sequence[str]], share: float = 0.3) -> Change:
    """A change that puts a synonym in place of a share of the words that have one."""

    def change(text: str, rng: np.random.Generator) -> str:
        words = text.split()
        for at, word in enumerate(words):
            near = synonyms.get(word.lower())
            if near and rng.random() < share:
                words[at] = near[int(rng.integers(len(near)))]
        return " ".join(words)

    return change


def changed(catalog: Catalog, change: Change, columns: Sequence[str] = TEXT, seed: int = 0) -> Catalog:
    """The same products, their texts changed; a text hangs on its place and the seed."""
    rng = np.random.default_rng(seed)
    frame = catalog.scan.collect()
    for name in columns:
        if name in frame.columns and frame.schema[name] == pl.String:
            texts = [None if text is None else change(text, rng) for text in frame[name].to_list()]
            frame = frame.with_columns(pl.Series(name, texts, dtype=pl.String))
    return Catalog(frame)


def without(catalog: Catalog, columns: Sequence[str]) -> Catalog:
    """The same products, nothing being known of these columns."""
    frame = catalog.scan.collect()
    there = [name for name in columns if name in frame.columns]
    return Catalog(frame.with_columns(pl.lit(None, frame.schema[name]).alias(name) for name in there))


def attacks(catalog: Catalog, seed: int = 0) -> dict[str, Catalog]:
    """The products under each attack: every mistake of `MISTAKES` in title and description, and each field missing."""
    found = {name: changed(catalog, change, ("title", "description"), seed=seed) for name, change in MISTAKES.items()}
    for name in ("description", "brand", "category", "image", "title"):
        if name in catalog.columns and (name != "title" or catalog.has("description")):
            found[f"no {name}"] = without(catalog, (name,))
    return found
