"""Text to letters: what character n-grams and hashed words are made of."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wares.text import chinese
from wares.text.tokens import BREAK, normal

_HAN = re.compile(f"[{chinese.HAN}]+")
_NOT_LETTERS = re.compile(rf"[^\x00-\x7f\w{chinese.MARKS}]+")


def letters_of(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Code points of all texts, normalised, and the (n + 1,) offsets where each text begins.

    Chinese words stand apart; beyond ASCII nothing is left that is not a letter, a digit or a space.
    """
    if not texts:
        return np.empty(0, np.uint32), np.zeros(1, np.int64)
    # Most texts are plain ASCII and need nothing but lower case, which the join gets at once.
    joined = BREAK.join([text if text.isascii() else _plain(text) for text in texts]).lower()
    if joined.count(BREAK) != len(texts) - 1:
        joined = BREAK.join(_plain(text.replace(BREAK, " ")) for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    ends = np.flatnonzero(codes == ord(BREAK))
    return codes, np.concatenate([[0], ends + 1, [len(codes)]]).astype(np.int64)


def _plain(text: str) -> str:
    return _NOT_LETTERS.sub(" ", _HAN.sub(_apart, normal(text)))


def _apart(match: re.Match[str]) -> str:
    return f" {' '.join(chinese.words(match[0]))} "
