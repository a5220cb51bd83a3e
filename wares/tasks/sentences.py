"""The sentences of reasons, in the language of the shop."""

from collections.abc import Iterable
from typing import Any, Protocol

from wares.text.chinese import is_chinese

_ENGLISH = {
    "bought": "because you bought {titles}",
    "alike": "similar to {titles}",
    "once": "you have bought it once",
    "again": "you have bought it {times} times",
    "popular_in": "popular in {name}",
    "alike_popular": "popular among what is like it",
    "everybody": "popular with all shoppers",
    "newest": "new in the shop",
    "and": " and ",
}
_CHINESE = {
    "bought": "因为您买过{titles}",
    "alike": "与{titles}相似",
    "once": "您买过一次",
    "again": "您买过{times}次",
    "popular_in": "在“{name}”中受欢迎",
    "alike_popular": "在同类商品中受欢迎",
    "everybody": "受所有顾客欢迎",
    "newest": "新上架",
    "and": "和",
}


class Say(Protocol):
    """Says a phrase by its name, with what goes into it."""

    def __call__(self, key: str, /, **values: Any) -> str: ...


def speaker(titles: Iterable[str]) -> Say:
    """The function that says a phrase in the language of some titles: Chinese where most are, else English."""
    words = _CHINESE if is_chinese(titles) else _ENGLISH

    def say(key: str, /, **values: Any) -> str:
        return words[key].format(**values)

    return say
