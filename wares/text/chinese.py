"""Chinese to words, by the dictionary and hidden Markov model of jieba; and the letters of other scripts."""

from collections.abc import Iterable

HAN = r"\u2e80-\u2fdf\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han characters, as the inside of a character class."""

MARKS = r"\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0e00-\u0eff"
"""Scripts that write vowels as marks, which Python does not count as word characters; for a character class too."""

_EMPTY = frozenset("的了是在和与及或等也就都而着之于")


def words(run: str) -> list[str]:
    """The words of a run of Han characters, long words together with the words inside them.

    Both queries and products give long and short words, so `绿茶` finds `绿茶饮料` and the whole phrase counts more.
    """
    import rjieba  # its dictionary takes a while to read, and many a catalog has no Chinese

    found = [word for word in rjieba.cut_for_search(run) if word not in _EMPTY]
    return found or [run]


def cut(text: str) -> list[str]:
    """A text as words, one after the other, nothing left out."""
    import rjieba

    return list(rjieba.cut(text))


def is_chinese(texts: Iterable[str]) -> bool:
    """Whether most of some texts are written with Han characters."""
    han = [any("\u4e00" <= letter <= "\u9fff" for letter in text) for text in texts]
    return bool(han) and sum(han) * 2 > len(han)
