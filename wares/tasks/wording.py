"""Which words and phrases each product uses, and how they are written."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.data.catalog import Catalog
from wares.data.schema import SEPARATOR
from wares.text.tokens import Tokens, normal, tokens_of

_SMALL = frozenset(
    re.findall(
        r"\w+",
        """a an and any are as at be by can for from he her his if in into is it its me my no non not of off on or our
        out over per she so than that the their them then this to too under up us was we with without you your all new
        other others assorted misc miscellaneous various brand store product products item items pack pcs pc piece
        pieces set sets count size oz ml kg cm mm lb ct inch inches ft gb tb""",
    )
)
_EMPTY_HAN = frozenset(
    re.findall(
        r"\w+",
        """正品 包邮 新款 专柜 官方 旗舰 旗舰店 特价 促销 热卖 爆款 现货 直销 厂家 品质 保障 套装
        升级 新品 其他 其它 系列 自营 授权 专用 适用 产品 优惠 免邮 全国 清仓 秒杀 限量 经典 推荐 多功能 可选
        可以 一个 适合 通用 原装 全新 国行 正版 进口 国产 天猫 京东 淘宝 苏宁 预售 抢先 专享 仅限""",
    )
)
_RAW = re.compile(r"[^\W\d_\u4e00-\u9fff]+(?:[-'’&][^\W\d_\u4e00-\u9fff]+)*")
_HAN = "\u4e00-\u9fff"
_HAN_RUN = re.compile(rf"[{_HAN}]+")

LONGEST = 5
"""Characters that a Chinese name may grow to when its neighbours always stand beside it."""

ALWAYS = 0.85
"""How often a character must stand beside a word to belong to it."""


@dataclass(frozen=True, eq=False)
class Wording:
    """Terms, words and then two-word phrases, and which products have them.

    has : (n_products, n_terms) 0/1. words : the words by number, the first terms. pairs : (n_phrases, 2) the words of
    each phrase. place : (n_terms,) mean place in the text, 0 first. useful : (n_terms,) which can be part of a name.
    lines : the texts that were read, by product. forms : a written form to its word.
    """

    has: csr_array
    words: list[str]
    pairs: NDArray[np.int64]
    place: NDArray[np.float64]
    useful: NDArray[np.bool_]
    lines: list[list[str]]
    forms: Mapping[str, int]
    known: dict[str, tuple[list[tuple[str, int, int]], list[int]]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, catalog: Catalog, columns: Sequence[str]) -> Self:
        """The terms of some text columns of a catalog; of `category` the last level."""
        present = [name for name in columns if catalog.has(name)]
        frame = catalog.frame(present)
        texts = [_leaves(frame[name].to_list()) if name == "category" else frame[name].to_list() for name in present]
        n = len(catalog)
        flat = [str(text) if text is not None else "" for column in texts for text in column]
        found = tokens_of(flat)
        documents = np.repeat(np.arange(len(flat)), np.diff(found.offsets))
        useful = np.array([_telling(word) for word in found.words], bool)
        places = np.arange(len(found.codes)) - found.offsets[documents]
        codes = found.codes.astype(np.int64)
        pairs, pair_documents, pair_codes, pair_places = _pairs(codes, documents, places, useful)
        rows = np.concatenate([documents, pair_documents]) % max(n, 1)
        terms = np.concatenate([codes, len(found.words) + pair_codes])
        n_terms = len(found.words) + len(pairs)
        has = csr_array((np.ones(len(rows), np.float32), (rows, terms)), shape=(n, n_terms))
        has.sum_duplicates()
        has.data[:] = 1
        summed = np.bincount(terms, np.concatenate([places, pair_places]), n_terms)
        place: NDArray[np.float64] = summed / np.maximum(np.bincount(terms, minlength=n_terms), 1)
        lines = [[str(text) for text in each if text] for each in zip(*texts, strict=True)] if texts else [[]] * n
        useful = np.concatenate([useful, np.ones(len(pairs), bool)])
        return cls(has, found.words, pairs, place, useful, lines, _forms(found))

    def parts(self, term: int) -> tuple[int, ...]:
        """The words of a term."""
        if term < len(self.words):
            return (term,)
        return tuple(self.pairs[term - len(self.words)].tolist())

    def written(self, term: int, rows: Iterable[int]) -> str | None:
        """How those products write a term, most often; None where its words never stand side by side."""
        parts = self.parts(term)
        words = [self.words[part] for part in parts]
        lines = [line for row in rows for line in self.lines[row]]
        if any(_HAN_RUN.search(word) for word in words):
            return _written_han("".join(words), lines) or _written_han(" ".join(words), lines)
        seen: Counter[tuple[str, ...]] = Counter()
        shouting = 0
        for line in lines:
            for found in self._side_by_side(line, parts):
                seen[found] += 1
                shouting += line.isupper() and not _HAN_RUN.search(line)
        if not seen:
            return None
        often = max(seen.values())
        loud = shouting * 2 > sum(seen.values())
        best = min(seen, key=lambda form: (-seen[form], form))
        if not loud:  # "usb" beside "USB": the capitals are meant
            best = min(
                (form for form in seen if seen[form] * 4 >= often), key=lambda form: (_quiet(form), form != best)
            )
        return " ".join(_cased(word, loud) for word in best)

    def _split(self, line: str) -> tuple[list[tuple[str, int, int]], list[int]]:
        """What stands where in a line, and its words; remembered, for each line is asked about many terms."""
        if line not in self.known:
            raw = [(found[0], found.start(), found.end()) for found in _RAW.finditer(line)]
            self.known[line] = raw, [self.forms.get(normal(text), -1) for text, _, _ in raw]
        return self.known[line]

    def _side_by_side(self, line: str, parts: tuple[int, ...]) -> Iterable[tuple[str, ...]]:
        """The places of a line where exactly those words stand side by side, as they are written."""
        raw, codes = self._split(line)
        if parts[0] not in codes:
            return
        n = len(parts)
        for at in range(len(raw) - n + 1):
            if tuple(codes[at : at + n]) != parts:
                continue
            gaps = {line[raw[i][2] : raw[i + 1][1]].strip() for i in range(at, at + n - 1)}
            if gaps <= {""}:  # no comma, slash or number between them
                yield tuple(text for text, _, _ in raw[at : at + n])


def _forms(found: Tokens) -> dict[str, int]:
    return dict(zip(found.forms, found.form_words.tolist(), strict=True))


def _leaves(categories: Iterable[str | None]) -> list[str | None]:
    return [path.rsplit(SEPARATOR, 1)[-1] if path else None for path in categories]


def _telling(word: str) -> bool:
    """Whether a word can say what a product is: no numbers, single letters or words of every shop."""
    if any(letter.isdigit() for letter in word) or word in _SMALL or word in _EMPTY_HAN:
        return False
    return len(word) > 1


def _pairs(
    codes: NDArray[np.int64], documents: NDArray[np.int64], places: NDArray[np.int64], useful: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Phrases of two useful words side by side in three texts or more: their words; and each text, phrase and place."""
    n_words = len(useful)
    if len(codes) < 2:
        empty = np.empty(0, np.int64)
        return np.empty((0, 2), np.int64), empty, empty, empty
    first, second = codes[:-1], codes[1:]
    kept = (documents[:-1] == documents[1:]) & useful[first] & useful[second] & (first != second)
    keys, inverse, counts = np.unique(first[kept] * n_words + second[kept], return_inverse=True, return_counts=True)
    common = counts >= 3
    number = np.cumsum(common) - 1
    often = common[inverse]
    pairs = np.stack([keys[common] // n_words, keys[common] % n_words], axis=1)
    return pairs, documents[:-1][kept][often], number[inverse[often]], places[:-1][kept][often]


def _written_han(text: str, lines: Iterable[str]) -> str | None:
    """The text, grown by the characters that always stand beside it: 自然 to 自然堂; None where it does not occur."""
    flat = "\n".join(normal(line) for line in lines)
    if text not in flat:
        return None
    while len(text) < LONGEST:
        times = flat.count(text)
        after = Counter(re.findall(f"{re.escape(text)}([{_HAN}])", flat)).most_common(1)
        before = Counter(re.findall(f"([{_HAN}]){re.escape(text)}", flat)).most_common(1)
        if after and after[0][1] >= ALWAYS * times:
            text += after[0][0]
        elif before and before[0][1] >= ALWAYS * times:
            text = before[0][0] + text
        else:
            break
    return re.sub(r"[a-z]+", lambda found: _cased(found[0].upper() if len(found[0]) < 4 else found[0], False), text)


def _quiet(form: Sequence[str]) -> bool:
    return all(word.islower() for word in form)


def _cased(word: str, loud: bool) -> str:
    """Title Case for shouted and whispered words; "iPhone" and "USB" stay."""
    if word.islower() or (word.isupper() and (loud or len(word) > 4)):
        return "-".join(piece[:1].upper() + piece[1:].lower() for piece in word.split("-"))
    return word
