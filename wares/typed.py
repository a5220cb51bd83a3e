"""A value from a file or the command line against the type of its setting, and where in a TOML text it stands."""

import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

from wares.algorithm import Algorithm
from wares.errors import did_you_mean

Place: TypeAlias = tuple[str | int, ...]
"""The keys, and the numbers of array tables, that lead to a value."""


class Mistake(Exception):
    """A mistake at a place of the document, before it is known in which file and line."""

    def __init__(self, path: Place, message: str) -> None:
        super().__init__(message)
        self.path = path


def check_known(name: str, path: Place, known: Iterable[str], kind: str) -> None:
    """Raise the mistake of an unknown name, with the nearest known one."""
    allowed = list(known)
    if name not in allowed:
        hint = did_you_mean(name, allowed) or f"; known are {', '.join(allowed) or 'none'}"
        raise Mistake(path, f"unknown {kind} {name!r}{hint}")


def settings_of(cls: type[Algorithm]) -> dict[str, Any]:
    """Settings of an algorithm with their types."""
    hints = typing.get_type_hints(cls)
    return {name: hints.get(name, Any) for name in cls._get_param_names()}


def role_in(hint: Any) -> type[Algorithm] | None:
    """The role that a field is typed by, alone or in a sequence."""
    if isinstance(hint, type) and issubclass(hint, Algorithm):
        return hint
    return next((found for each in get_args(hint) if (found := role_in(each)) is not None), None)


_WORDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number", Path: "a path"}


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a type, as TOML has types: a float may be written 1, a bool is no number."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is Literal:
        return value in inner
    if origin in (Union, UnionType):
        return any(fits(value, each) for each in inner)
    if hint in (bool, str):
        return isinstance(value, hint)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is Path:
        return isinstance(value, str)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(fits(each, inner[1]) for each in value.values())
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return isinstance(value, list) and all(fits(each, inner[0]) for each in value)
    return hint is not NoneType  # a type that TOML does not know: the algorithm judges it


def wanted(hint: Any) -> str:
    """A type in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return "one of " + ", ".join(map(repr, inner))
    if origin in (Union, UnionType):
        return " or ".join(wanted(each) for each in inner if each is not NoneType)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a table, each value {wanted(inner[1])}"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return f"a list, each {wanted(inner[0])}"
    return _WORDS.get(hint, str(hint))


def check_value(value: Any, hint: Any, path: Place) -> None:
    """Raise the mistake of a value that its type does not allow."""
    if not fits(value, hint):
        raise Mistake(path, f"{dotted(path)} = {value!r}: must be {wanted(hint)}")


def dotted(path: Iterable[str | int]) -> str:
    """A place as it is written, such as `encode.parts.0.weight`."""
    return ".".join(map(str, path))


_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*=""")


def line_of(text: str, path: Place) -> int | None:
    """The line where a key, or else the table it belongs to, stands."""
    found: dict[Place, int] = {}
    here: Place = ()
    seen: dict[Place, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            here = tuple(each.strip().strip("\"'") for each in header[2].split("."))
            if header[1] == "[[":
                seen[here] = seen.get(here, -1) + 1
                here = (*here, seen[here])
            found.setdefault(here, number)
        elif key := _KEY.match(line):
            found.setdefault((*here, key[1] or key[2] or key[3]), number)
    return next((found[path[:end]] for end in range(len(path), 0, -1) if path[:end] in found), None)


_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def parse_value(text: str, hint: Any, key: str) -> Any:
    """A text as the type of its field; None where it unsets."""
    origin, inner = get_origin(hint), get_args(hint)
    lower = text.strip().lower()
    candidates: list[Any] = []
    if origin in (Union, UnionType) and NoneType in inner and lower in ("none", ""):
        return None
    for kind in (int, float):
        with suppress(ValueError):
            candidates.append(kind(text))
    if lower in _TRUE + _FALSE:
        candidates.append(lower in _TRUE)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        candidates.append([parse_value(each.strip(), inner[0], key) for each in text.split(",") if each.strip()])
    candidates.append(text)
    for each in candidates:
        if fits(each, hint):
            return each
    raise Mistake((key,), f"must be {wanted(hint)}")
