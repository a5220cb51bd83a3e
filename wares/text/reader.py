"""Words of texts by the million: what stands between two spaces is looked at once."""

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wares.kernels import cutting
from wares.text import chinese, units
from wares.text.forms import BREAK, SPLIT, normal, words_of
from wares.text.plurals import singular

MOST = 1_000_000
"""Pieces of text remembered; of more, all are forgotten, which costs time and nothing else."""

Codes = tuple[NDArray[np.int32], NDArray[np.int64]]


class Reader:
    """Reads texts in batches, giving the words that `tokens` finds as numbers that go on from batch to batch.

    Time some 60 nanoseconds a word where most have been seen; memory some 400 bytes for each distinct form.

    words : by number, in order of first use. forms : how words were written, as `forms` finds it. form_counts :
    (n_forms,) how often each.
    """

    def __init__(self) -> None:
        self.words: dict[str, int] = {}
        self.forms: dict[str, int] = {}
        self.form_counts = np.zeros(0, np.int64)
        self._words_of_form: list[tuple[int, ...]] = []
        self._forget()

    def single(self) -> NDArray[np.int32]:
        """(n_forms,) the word of each form, -1 where it is not exactly one."""
        codes = (codes[0] if len(codes) == 1 else -1 for codes in self._words_of_form)
        return np.fromiter(codes, np.int32, len(self._words_of_form))

    def read(self, texts: Sequence[str]) -> Codes:
        """The words of all texts, one after the other, as numbers; and the (n + 1,) offsets where each text begins."""
        if not texts:
            return np.zeros(0, np.int32), np.zeros(1, np.int64)
        if self._known > MOST:
            self._forget()
        pieces, ends = self._pieces(texts)
        self._count(pieces)
        lengths = np.diff(self._word_starts)[pieces]
        stops = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        codes = self._words[_spread(self._word_starts[pieces], lengths, stops)]
        return codes, stops[np.concatenate([[0], ends])]

    def _forget(self) -> None:
        self._known = 0
        self._table = np.zeros(1 << 12, np.int32)
        self._letters = np.zeros(1 << 12, np.uint32)
        self._offsets = np.zeros(1 << 12, np.int64)
        self._words, self._word_starts = np.zeros(0, np.int32), np.zeros(1, np.int64)
        self._forms, self._form_starts = np.zeros(0, np.int32), np.zeros(1, np.int64)

    def _pieces(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The pieces of all texts as numbers, and how many there are up to the end of each text."""
        joined = BREAK.join(texts)
        if joined.count(BREAK) != len(texts) - 1:
            joined = BREAK.join(text.replace(BREAK, "\x1f") for text in texts)  # as much of a space
        codes = np.frombuffer(normal(joined).encode("utf-32-le", "surrogatepass"), np.uint32)
        starts, stops = np.empty((2, len(codes) + 1), np.int64)
        ends = np.zeros(len(texts), np.int64)
        n = cutting.cut(codes, _kinds(), _units(), starts, stops, ends)
        starts, stops = starts[:n], stops[:n]
        self._make_room(n, int((stops - starts).sum()))
        pieces = np.empty(n, np.int32)
        before = self._known
        self._known = cutting.number(
            codes, starts, stops, self._table, self._letters, self._offsets, self._known, pieces
        )
        self._look_at(before)
        return pieces, ends

    def _make_room(self, pieces: int, letters: int) -> None:
        """So that all pieces could be new."""
        if len(self._table) < 2 * (self._known + pieces):
            self._table = np.zeros(1 << int(2 * (self._known + pieces)).bit_length(), np.int32)
            starts, stops = self._offsets[: self._known], self._offsets[1 : self._known + 1]
            again, offsets = np.empty(self._known, np.int32), np.zeros(self._known + 1, np.int64)
            copy = np.empty(int(self._offsets[self._known]), np.uint32)
            cutting.number(self._letters, starts, stops, self._table, copy, offsets, 0, again)
        self._offsets = _room(self._offsets, self._known + pieces + 1)
        self._letters = _room(self._letters, int(self._offsets[self._known]) + letters)

    def _look_at(self, first: int) -> None:
        """Learn the words of the pieces from `first` on."""
        offsets = self._offsets[first : self._known + 1].tolist()
        if len(offsets) < 2:
            return
        low = offsets[0]
        text = self._letters[low : offsets[-1]].tobytes().decode("utf-32-le", "surrogatepass")
        # A break alone is a space, across which "fl" and "oz" are one unit.
        apart = f"\0{BREAK}"
        written = SPLIT.findall(apart.join(text[start - low : stop - low] for start, stop in pairwise(offsets)) + apart)
        forms, known, words = self.forms, self._words_of_form, self.words
        new_forms: list[int] = []
        new_words: list[int] = []
        n_forms: list[int] = []
        n_words: list[int] = []
        for form in written:
            if form == BREAK:
                n_forms.append(len(new_forms))
                n_words.append(len(new_words))
                continue
            number = forms.setdefault(form, len(known))
            if number == len(known):
                # Most forms are letters alone, and so one word.
                plain = (singular(form),) if form.isascii() and form.isalpha() else words_of(form)
                known.append(tuple([words.setdefault(word, len(words)) for word in plain]))
            new_forms.append(number)
            new_words += known[number]
        self._form_starts = np.concatenate([self._form_starts, self._form_starts[-1] + np.array(n_forms, np.int64)])
        self._word_starts = np.concatenate([self._word_starts, self._word_starts[-1] + np.array(n_words, np.int64)])
        self._forms = np.concatenate([self._forms, np.array(new_forms, np.int32)])
        self._words = np.concatenate([self._words, np.array(new_words, np.int32)])

    def _count(self, pieces: NDArray[np.int32]) -> None:
        times = np.bincount(pieces, minlength=self._known)
        counts = np.bincount(self._forms, np.repeat(times, np.diff(self._form_starts)), len(self.forms))
        counts[: len(self.form_counts)] += self.form_counts
        self.form_counts = counts.astype(np.int64)


def _spread(starts: NDArray[np.int64], lengths: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of stretches that begin at `starts`, one after the other; `stops` are the sums of their lengths."""
    return np.arange(stops[-1]) + np.repeat(starts - stops[:-1], lengths)


def _room(array: Any, n: int) -> Any:
    """The array with room for n, growing by halves."""
    if len(array) >= n:
        return array
    grown = np.zeros(max(n, len(array) * 3 // 2), array.dtype)
    grown[: len(array)] = array
    return grown


@cache
def _kinds() -> NDArray[np.uint8]:
    """(65536,) what each code point is to the cutting kernel."""
    kinds = np.full(1 << 16, cutting.SIGN, np.uint8)
    everything = "".join(map(chr, range(1 << 16)))
    for pattern, kind in (
        (r"[^\W_]", cutting.LETTER),
        (f"[{chinese.MARKS}]", cutting.MARK),
        (r"\d", cutting.DIGIT),
        (f"[{chinese.HAN}]", cutting.HAN),
        (r"\s", cutting.SPACE),
        (r"[.,]", cutting.POINT),
        (r"-", cutting.HYPHEN),
        (r"['’]", cutting.APOSTROPHE),
        (BREAK, cutting.BREAK),
    ):
        for found in re.finditer(f"(?:{pattern})+", everything):
            kinds[found.start() : found.end()] = kind
    return kinds


@cache
def _units() -> NDArray[np.bool_]:
    """(128, 128) which two letters a unit may begin with; 0 for no second letter."""
    found = np.zeros((128, 128), np.bool_)
    for spelling in (each for spellings in units.UNITS.values() for each in spellings if each.isascii()):
        first, second = ord(spelling[0]), ord(spelling[1]) if len(spelling) > 1 else 0
        found[first, second] = True
    return found
