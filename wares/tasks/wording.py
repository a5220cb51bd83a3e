"""Which words and phrases each product uses, and how they are written."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, islice
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from wares.data.catalog import Catalog
from wares.data.schema import SEPARATOR
from wares.text import chinese
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

_BETWEEN = re.compile(
    r"[,;|()\[\]{}•/+*、，。；：（）【】★·|]+|\s[-–—:&]+\s|:\s|(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])"
)
"""What parts a text into pieces that words do not stand side by side across."""

SIGHTINGS, MOST_LINES = 12, 24
"""How often a term is looked at to see how it is written, and in how many lines where it is Chinese."""

LONGEST = 6
"""Characters that a Chinese name may grow to when its neighbours always stand beside it."""

ALWAYS = 0.85
"""How often a character must stand beside a word to belong to it."""


@dataclass(frozen=True, eq=False)
class Wording:
    """Terms, words and then two-word phrases, and which products have them.

    has : (n_products, n_terms) 0/1. words : the words by number, the first terms. pairs : (n_phrases, 2) the words of
    each phrase. last : (n_terms,) how often a word ends what it stands in, as nouns do and adjectives do not, 0..1.
    useful : (n_terms,) which can be part of a name. lines : the texts that were read, by product. forms : a written
    form to its word.
    """

    has: csr_array
    words: list[str]
    pairs: NDArray[np.int64]
    last: NDArray[np.float64]
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
        pieces = [_BETWEEN.split(text) for text in flat]
        found = tokens_of([piece for each in pieces for piece in each])
        piece_of = np.repeat(np.arange(len(found)), np.diff(found.offsets))
        document = np.repeat(np.arange(len(flat)), [len(each) for each in pieces])[piece_of] % max(n, 1)
        useful = np.array([_telling(word) for word in found.words], bool)
        codes = found.codes.astype(np.int64)
        pairs, pair_documents, pair_codes = _pairs(codes, piece_of, document, useful)
        rows = np.concatenate([document, pair_documents])
        terms = np.concatenate([codes, len(found.words) + pair_codes])
        n_terms = len(found.words) + len(pairs)
        has = csr_array((np.ones(len(rows), np.float32), (rows, terms)), shape=(n, n_terms))
        has.sum_duplicates()
        has.data[:] = 1
        last = _ending(codes, piece_of, useful)
        last = np.concatenate([last, last[pairs[:, 1]]])
        lines = [[str(text) for text in each if text] for each in zip(*texts, strict=True)] if texts else [[]] * n
        useful = np.concatenate([useful, np.ones(len(pairs), bool)])
        return cls(has, found.words, pairs, last, useful, lines, _forms(found))

    @cached_property
    def word_pairs(self) -> NDArray[np.int64]:
        """(n_terms, 2) the words of each term; a word alone twice."""
        alone = np.arange(len(self.words))
        return np.concatenate([np.stack([alone, alone], axis=1), self.pairs])

    def having(self, rows: NDArray[np.int64], terms: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n_rows, n) 1 where a product has a term; `terms` in ascending order."""
        part = self.has[rows]
        out = np.zeros((len(rows), len(terms)), np.float32)
        if len(terms):
            at = np.minimum(np.searchsorted(terms, part.indices), len(terms) - 1)
            known = terms[at] == part.indices
            out[np.repeat(np.arange(len(rows)), np.diff(part.indptr))[known], at[known]] = 1
        return out

    def having_any(self, terms: Iterable[int]) -> NDArray[np.bool_]:
        """(n_products,) which have one of the terms."""
        out = np.zeros(self.has.shape[0], np.bool_)
        for term in terms:
            out[self._columns.indices[self._columns.indptr[term] : self._columns.indptr[term + 1]]] = True
        return out

    @cached_property
    def _columns(self) -> csc_array:
        return csc_array(self.has)

    def parts(self, term: int) -> tuple[int, ...]:
        """The words of a term."""
        if term < len(self.words):
            return (term,)
        return tuple(self.pairs[term - len(self.words)].tolist())

    def written(self, term: int, rows: Iterable[int]) -> str | None:
        """How those products write a term, most often; None where its words never stand side by side."""
        parts = self.parts(term)
        words = [self.words[part] for part in parts]
        lines = (line for row in rows for line in self.lines[row])
        if any(_HAN_RUN.search(word) for word in words):
            some = list(islice(lines, MOST_LINES))
            mixed = not all(_HAN_RUN.search(word) for word in words)
            return _written_han("".join(words), some) or (_written_han(" ".join(words), some) if mixed else None)
        seen: Counter[tuple[str, ...]] = Counter()
        shouting = 0
        for line in lines:
            for found in self._side_by_side(line, parts):
                seen[found] += 1
                shouting += line.isupper() and not _HAN_RUN.search(line)
            if seen.total() >= SIGHTINGS:
                break
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
    codes: NDArray[np.int64], piece: NDArray[np.int64], document: NDArray[np.int64], useful: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Phrases of two useful words side by side three times or more: their words; and each time, document and phrase."""
    n_words = len(useful)
    if len(codes) < 2:
        empty = np.empty(0, np.int64)
        return np.empty((0, 2), np.int64), empty, empty
    first, second = codes[:-1], codes[1:]
    kept = (piece[:-1] == piece[1:]) & useful[first] & useful[second] & (first != second)
    keys, inverse, counts = np.unique(first[kept] * n_words + second[kept], return_inverse=True, return_counts=True)
    common = counts >= 3
    number = np.cumsum(common) - 1
    often = common[inverse]
    pairs = np.stack([keys[common] // n_words, keys[common] % n_words], axis=1)
    return pairs, document[:-1][kept][often], number[inverse[often]]


def _ending(codes: NDArray[np.int64], piece: NDArray[np.int64], useful: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n_words,) how often no useful word of the same piece follows."""
    followed = np.zeros(len(codes), np.bool_)
    followed[:-1] = (piece[:-1] == piece[1:]) & useful[codes[1:]]
    times = np.bincount(codes, minlength=len(useful))
    return 1 - np.bincount(codes, followed, len(useful)) / np.maximum(times, 1)


def _written_han(text: str, lines: Sequence[str]) -> str | None:
    """The text, grown to whole words and by the characters that always stand beside it: 自然 to 自然堂.

    None where it does not occur.
    """
    cut = [chinese.cut(line) for each in lines if text in (line := normal(each))]
    spans = [(words, *_span(text, words)) for words in cut]
    if not spans:
        return None
    whole, times = Counter("".join(words[start:stop]) for words, start, stop in spans).most_common(1)[0]
    if times >= ALWAYS * len(spans) and len(whole) <= LONGEST:
        text = _grown(whole, [each for each in spans if "".join(each[0][each[1] : each[2]]) == whole])
    return re.sub(r"[a-z]+", lambda found: _cased(found[0].upper() if len(found[0]) < 4 else found[0], False), text)


def _span(text: str, words: Sequence[str]) -> tuple[int, int]:
    """The first and the last word, excluded, of those that a text lies in."""
    at = "".join(words).find(text)
    ends = list(accumulate(map(len, words)))
    return bisect_right(ends, at), bisect_left(ends, at + len(text)) + 1


def _grown(text: str, spans: Sequence[tuple[Sequence[str], int, int]]) -> str:
    """With what always stands beside it: the word before, and letters that the dictionary has cut off, 自然|堂."""
    before = Counter(words[start - 1] for words, start, _ in spans if start)
    word, times = before.most_common(1)[0] if before else ("", 0)
    if times >= ALWAYS * len(spans) and _HAN_RUN.fullmatch(word) and len(word + text) <= LONGEST:
        text = word + text
    rests = ["".join(words[stop:]) for words, _, stop in spans]
    nexts = Counter(words[stop] for words, _, stop in spans if stop < len(words))
    if nexts and nexts.most_common(1)[0][1] >= 0.6 * len(spans) and len(nexts.most_common(1)[0][0]) > 1:
        return text  # a word of its own
    while len(text) < LONGEST:
        letter, times = Counter(rest[:1] for rest in rests).most_common(1)[0]
        if times < ALWAYS * len(spans) or not _HAN_RUN.match(letter):
            break
        text, rests = text + letter, [rest[1:] if rest[:1] == letter else "" for rest in rests]
    return text


def _quiet(form: Sequence[str]) -> bool:
    return all(word.islower() for word in form)


def _cased(word: str, loud: bool) -> str:
    """Title Case for shouted and whispered words; "iPhone" and "USB" stay."""
    if word.islower() or (word.isupper() and (loud or len(word) > 4)):
        return "-".join(piece[:1].upper() + piece[1:].lower() for piece in word.split("-"))
    return word
