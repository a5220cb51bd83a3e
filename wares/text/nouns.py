"""What reviews speak of beside the usual aspects: nouns of which something is said, "the zipper is", "轮子很"."""

import re
from collections import Counter
from collections.abc import Collection, Iterable

from wares.text import chinese
from wares.text.forms import normal
from wares.text.plurals import singular

_OF = "the|its|this|these|those|my|their|your|his|her"
_SAYS = "is|are|was|were|isn't|wasn't|aren't|weren't|feels?|felt|seems?|seemed|broke|works?|stopped|came|could|has|had"
_ENGLISH = re.compile(rf"\b(?:{_OF})\s+([a-z]{{3,20}})\s+(?:{_SAYS})\b")
_HAN = re.compile(f"[{chinese.HAN}]+")
_NOUN, _SAID = {"n", "nz", "vn"}, {"a", "ad", "an", "d", "zg"}
"""Tags of nouns, and of what says something: adjectives, and the adverbs before them."""

_NO_ASPECTS = """
    product item thing one ones same first second other only rest way fact reason idea problem issue person people
    guy company time day week month year review star order part kind lot bit end stuff son daughter husband wife kid
    mother 东西 人 时候 产品 商品 时间 问题 感觉 总体 整体 情况 地方 方面 个人 朋友 大家 老板 东东 宝贝 孩子 儿子
    老婆 老公 妈妈 女儿 家人 公司 评价 价值 心情 效率 缺点 优点 结果 原因 事情 意思 名字 心里 本人 客人 小时 差评
    好评 建议 希望 京东 当当 网上 亚马逊 有点 能力 印象 男朋友 女朋友 棒棒 小哥 机子 本本 机器 生活 父母 人生 人员
    品种 程度 水平 作用 经验 条件
"""
_EMPTY = frozenset(_NO_ASPECTS.split())


def spoken_of(texts: Iterable[str], known: Collection[str], least: int, most: int) -> list[str]:
    """Nouns that something is said of in at least `least` texts, the most frequent first, at most so many.

    known : words that are aspects already; nouns that hold one or stand in one are left out.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_nouns(normal(text)))
    taken = sorted({word.strip() for word in known})
    found: list[str] = []
    for noun, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        if count < least or len(found) == most:
            break
        if noun not in _EMPTY and not any(_same(noun, word) for word in taken):
            found.append(noun)
    return found


def _same(noun: str, word: str) -> bool:
    return noun == word or (noun[0] > "\u2e7f" and (noun in word or word in noun))


def _nouns(text: str) -> set[str]:
    """Nouns of one text that something is said of."""
    found = {singular(noun) for noun in _ENGLISH.findall(text)}
    for run in _HAN.findall(text):
        found |= _chinese(run)
    return found


def _chinese(run: str) -> set[str]:
    import rjieba  # its dictionary takes a while to read

    tagged = rjieba.tag(run)
    found = set()
    for place, (word, tag) in enumerate(tagged[:-1]):
        after, kind = tagged[place + 1]
        if tag in _NOUN and len(word) > 1 and kind in _SAID and after not in _EMPTY:
            found.add(word)
    return found
