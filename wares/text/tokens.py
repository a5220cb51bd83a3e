"""Text to words: the one place where encoders, search indexes and queries learn what a word is."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wares.text import chinese, units
from wares.text.plurals import singular

BREAK = "\x1e"
"""Between the texts of a batch; a character that no shop writes, and a space to the words."""


_LETTER = rf"[^\W_{chinese.HAN}]"
_RUN = rf"{_LETTER}+(?:[{chinese.MARKS}]+{_LETTER}*)*"
_ACCENTS = re.compile(r"[\u0300-\u036f]+")
_FORM = re.compile(
    rf"(?P<size>{units.SIZE})"
    rf"|(?P<number>\d+(?:[.,]\d+)+{_LETTER}*)"
    rf"|(?P<joined>[a-z]-[a-z]{{2,}}(?!{_LETTER}))"  # t-shirt, x-large, e-reader
    rf"|(?P<word>{_RUN}(?:['’]{_RUN})*)"
    rf"|(?P<han>[{chinese.HAN}]+)"
)
_SPLIT = re.compile(re.sub(r"\?P<\w+>", "?:", _FORM.pattern) + f"|{BREAK}")


@dataclass(frozen=True, eq=False)
class Tokens:
    """The words of many texts as numbers.

    words : distinct words, in order of first use. codes : the words of all texts, one after the other, as rows of
    `words`. offsets : (n_texts + 1,) where each text's codes begin. forms : how words were written, such as "mugs"
    beside the word "mug"; only forms that are one word. form_words : (n_forms,) the word of each, as a row of `words`.
    form_counts : (n_forms,) how often each was written.
    """

    words: list[str]
    codes: NDArray[np.int32]
    offsets: NDArray[np.int64]
    forms: list[str]
    form_words: NDArray[np.int32]
    form_counts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def text(self, row: int) -> list[str]:
        """The words of one text."""
        return [self.words[code] for code in self.codes[self.offsets[row] : self.offsets[row + 1]]]

    def shown(self) -> list[str]:
        """For each word the form it was written in most often: "cookies" where hardly anybody writes "cookie"."""
        shown = list(self.words)
        for row in np.argsort(self.form_counts, kind="stable").tolist():
            shown[self.form_words[row]] = self.forms[row]
        return shown


def normal(text: str) -> str:
    """NFKC, lower case, no accents: full-width and half-width, ligatures, "café" and "cafe" meet."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text).lower()))


def tokens(text: str) -> list[str]:
    """The words of one text, in order."""
    return [word for _, words in forms(text) for word in words]


def forms(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The words of one text beside what was written: `"Red mugs"` to `[("red", ("red",)), ("mugs", ("mug",))]`."""
    return [(form, _words(form)) for form in _SPLIT.findall(normal(text)) if form != BREAK]


def tokens_of(texts: Sequence[str]) -> Tokens:
    """The words of many texts; the same words as `tokens` finds, but each distinct form is looked at once."""
    joined = BREAK.join(texts)
    if joined.count(BREAK) != max(len(texts) - 1, 0):
        joined = BREAK.join(text.replace(BREAK, " ") for text in texts)
    written = _SPLIT.findall(normal(joined))
    distinct = {form: number for number, form in enumerate(dict.fromkeys(written))}
    form_codes = np.fromiter(map(distinct.__getitem__, written), np.int64, len(written))

    vocabulary: dict[str, int] = {}
    rows = [[vocabulary.setdefault(word, len(vocabulary)) for word in _words(form)] for form in distinct]
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    flat = np.fromiter((code for row in rows for code in row), np.int32, int(lengths.sum()))
    starts = np.concatenate([[0], np.cumsum(lengths)])

    counts = lengths[form_codes]
    ends = np.cumsum(counts)
    inside = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
    codes = flat[np.repeat(starts[form_codes], counts) + inside]

    # A break is a form of no words; the words up to it belong to the texts before it.
    breaks = ends[form_codes == distinct[BREAK]] if BREAK in distinct else np.empty(0, np.int64)
    offsets = np.concatenate([[0], breaks, [len(codes)]])[: len(texts) + 1] if len(texts) else np.zeros(1)
    single = np.flatnonzero(lengths == 1)
    names = list(distinct)
    return Tokens(
        list(vocabulary),
        codes.astype(np.int32),
        offsets.astype(np.int64),
        [names[row] for row in single.tolist()],
        flat[starts[single]],
        np.bincount(form_codes, minlength=len(rows))[single].astype(np.int64),
    )


@lru_cache(maxsize=100_000)
def _words(form: str) -> tuple[str, ...]:
    """The words that one matched form stands for; none for the break between texts."""
    match = _FORM.fullmatch(form)
    if match is None:
        return ()
    kind = match.lastgroup
    if kind == "size":
        return (units.size(form),)
    if kind == "number":
        return (units.number(form),)
    if kind == "joined":
        return (singular(form.replace("-", "")),)
    if kind == "han":
        return tuple(chinese.words(form))
    word = form.replace("’", "'")
    word = word[:-2] if word.endswith("'s") else word.replace("'", "")
    return (singular(word),)
