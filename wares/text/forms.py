"""One text to its words: the one place where encoders, search indexes and queries learn what a word is."""

import re
import unicodedata
from functools import lru_cache

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
SPLIT = re.compile(re.sub(r"\?P<\w+>", "?:", _FORM.pattern) + f"|{BREAK}")


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
    return [(form, words_of(form)) for form in SPLIT.findall(normal(text)) if form != BREAK]


@lru_cache(maxsize=100_000)
def words_of(form: str) -> tuple[str, ...]:
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
