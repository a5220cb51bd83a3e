"""Many texts to words at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wares.text.forms import BREAK, forms, normal, tokens
from wares.text.reader import Reader

__all__ = ["BREAK", "Tokens", "forms", "normal", "tokens", "tokens_of"]


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


def tokens_of(texts: Sequence[str]) -> Tokens:
    """The words of many texts: those that `tokens` finds, but what stands between two spaces is looked at once."""
    reader = Reader()
    codes, offsets = reader.read(texts)
    single = reader.single()
    return Tokens(
        list(reader.words),
        codes,
        offsets,
        [form for form, kept in zip(reader.forms, (single >= 0).tolist(), strict=True) if kept],
        single[single >= 0],
        reader.form_counts[single >= 0],
    )
