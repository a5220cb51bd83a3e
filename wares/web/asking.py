"""What a URL asks, read into arguments for the shop. One table serves REST, the pages and the OpenAPI document."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeAlias

import orjson

from wares.errors import SettingError, UnknownName

MAX_K = 100
MAX_OFFSET = 10_000
MAX_QUERY = 1_000  # characters; a longer query is a mistake, and would only cost time

Read: TypeAlias = Callable[[str, str], Any]


@dataclass(frozen=True)
class Parameter:
    """One query parameter.

    read : its name and text to its value. schema : as in OpenAPI. argument : what the shop calls it.
    filter : (column, comparison) where it is a filter; no comparison means "is one of".
    """

    name: str
    about: str
    read: Read
    schema: Mapping[str, Any]
    argument: str = ""
    filter: tuple[str, str] | None = None
    many: bool = False
    required: bool = False


Table: TypeAlias = Mapping[str, Parameter]


def _text(name: str, text: str) -> str:
    return text


def _query(name: str, text: str) -> str:
    if len(text) > MAX_QUERY:
        raise SettingError(f"{name} has {len(text):,} characters; at most {MAX_QUERY:,} are read")
    return text


def _whole(low: int, high: int) -> Read:
    def read(name: str, text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 10) or not low <= int(text) <= high:
            raise SettingError(f"{name} must be a whole number from {low} to {high:,}, not {text!r}")
        return int(text)

    return read


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number != number or number in (float("inf"), float("-inf")):
        raise SettingError(f"{name} must be a number, not {text!r}")
    return number


def _share(name: str, text: str) -> float:
    number = _number(name, text)
    if not 0 <= number <= 1:
        raise SettingError(f"{name} must be from 0 to 1, not {text}")
    return number


def _yes(name: str, text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in words:
        raise SettingError(f"{name} must be true or false, not {text!r}")
    return words[text.lower()]


def _where(name: str, text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise SettingError(f'{name} must be JSON such as {{"price": {{"lt": 50}}}}: {error}') from error
    if not isinstance(value, dict):
        raise SettingError(f'{name} must be a JSON object such as {{"brand": ["Acme"]}}, not {text!r}')
    return value


def _basket(name: str, text: str) -> list[str]:
    """Ids apart by commas; ids that hold a comma go as a JSON list."""
    if text.startswith("["):
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise SettingError(f"{name} must be ids apart by commas or a JSON list of ids: {error}") from error
        if not all(isinstance(one, str) for one in value):
            raise SettingError(f"{name} must be a JSON list of ids, each of them text, not {text!r}")
        return list(value)
    return [one.strip() for one in text.split(",") if one.strip()]


_NUMBER, _TEXT = {"type": "number"}, {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}

_PARAMETERS = (
    Parameter("q", "What to look for; empty matches every product.", _query, _TEXT, "query", required=True),
    Parameter(
        "k",
        "How many products to answer.",
        _whole(1, MAX_K),
        {"type": "integer", "minimum": 1, "maximum": MAX_K, "default": 10},
        "k",
    ),
    Parameter(
        "offset",
        "How many of the best to pass over.",
        _whole(0, MAX_OFFSET),
        {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0},
        "offset",
    ),
    Parameter(
        "where",
        'Filters on any column, as JSON: {"price": {"lt": 50}, "brand": ["Acme"], "category": "Shoes"}.',
        _where,
        {"type": "string", "contentMediaType": "application/json"},
        "where",
    ),
    Parameter(
        "by",
        "What to compare by alone; without it by content and by who buys it.",
        _text,
        {"type": "string", "enum": ["text", "image", "behaviour", "attributes", "price"]},
        "by",
    ),
    Parameter("shopper", "The id of the shopper.", _text, _TEXT, "shopper"),
    Parameter("basket", "Ids of products, apart by commas, or a JSON list.", _basket, _TEXT, "basket", many=True),
    Parameter(
        "profile",
        'What the shopper says of themselves, such as "runner, two kids, likes green tea".',
        _query,
        _TEXT,
        "profile",
    ),
    Parameter(
        "repeats",
        "Whether products had before may come again.",
        _yes,
        {"type": "boolean", "default": False},
        "repeats",
    ),
    Parameter("model", "A recommender by name, of those that were learned.", _text, _TEXT, "model"),
    Parameter(
        "diverse",
        "From 0 to 1, how much products unlike each other are preferred.",
        _share,
        {"type": "number", "minimum": 0, "maximum": 1, "default": 0},
        "diverse",
    ),
    Parameter(
        "out_of_stock",
        "Whether what is sold out may be answered.",
        _yes,
        {"type": "boolean", "default": False},
        "out_of_stock",
    ),
    Parameter("brand", "Only these brands.", _text, _TEXTS, filter=("brand", ""), many=True),
    Parameter("category", "Only below these category paths.", _text, _TEXTS, filter=("category", ""), many=True),
    Parameter(
        "cluster",
        "Only these clusters.",
        _whole(0, 10**8),
        {"type": "array", "items": {"type": "integer"}},
        filter=("cluster", ""),
        many=True,
    ),
    Parameter("price_lt", "Only cheaper than this.", _number, _NUMBER, filter=("price", "lt")),
    Parameter("price_lte", "Only this price or less.", _number, _NUMBER, filter=("price", "lte")),
    Parameter("price_gt", "Only dearer than this.", _number, _NUMBER, filter=("price", "gt")),
    Parameter("price_gte", "Only this price or more.", _number, _NUMBER, filter=("price", "gte")),
)
_BY_NAME = {one.name: one for one in _PARAMETERS}
_FILTERS = ("where", *(one.name for one in _PARAMETERS if one.filter))


def _table(*names: str) -> Table:
    return MappingProxyType({name: _BY_NAME[name] for name in names})


SEARCH = _table("q", "k", "offset", *_FILTERS)
SIMILAR = _table("k", "by", *_FILTERS)
RECOMMEND = _table("shopper", "basket", "profile", "k", "repeats", "model", "diverse", "out_of_stock", *_FILTERS)
BOUGHT_TOGETHER = _table("k")
NOTHING = _table()


def read(given: Iterable[tuple[str, str]], table: Table, *, strict: bool = True) -> dict[str, Any]:
    """Keyword arguments for the shop from the (name, text) pairs of a URL; empty texts of filters are left out.

    Raises UnknownName for a parameter that is not in the table (`strict=False` passes it over), SettingError for a
    value that is not allowed.
    """
    arguments: dict[str, Any] = {}
    conditions: dict[str, Any] = {}
    seen: set[str] = set()
    for name, text in given:
        parameter = table.get(name)
        if parameter is None:
            if strict:
                raise _unknown(name, table)
            continue
        if not text and not parameter.required:
            continue  # an empty field of a form asks nothing
        if name in seen and not parameter.many:
            raise SettingError(f"{name} is given more than once")
        seen.add(name)
        value = parameter.read(name, text)
        if parameter.filter:
            _narrow(conditions, *parameter.filter, value)
        elif parameter.many:
            arguments.setdefault(parameter.argument, []).extend(value)
        else:
            arguments[parameter.argument] = value
    _require(arguments, table)
    if conditions:
        arguments["where"] = _joined(arguments.get("where", {}), conditions)
    return arguments


def _narrow(conditions: dict[str, Any], column: str, comparison: str, value: Any) -> None:
    if comparison:
        conditions.setdefault(column, {})[comparison] = value
    else:
        conditions.setdefault(column, []).append(value)


def _joined(where: Mapping[str, Any], conditions: Mapping[str, Any]) -> dict[str, Any]:
    twice = where.keys() & conditions.keys()
    if twice:
        raise SettingError(f"{min(twice)!r} is filtered both in 'where' and by a parameter of its own; use one of them")
    return {**where, **conditions}


def _require(arguments: Mapping[str, Any], table: Table) -> None:
    for parameter in table.values():
        if parameter.required and parameter.argument not in arguments:
            raise SettingError(f"{parameter.name!r} is missing: {parameter.about}")


def _unknown(name: str, table: Iterable[str]) -> UnknownName:
    known = list(table)
    error = UnknownName.among("query parameter", name, known)
    return UnknownName(f"{error}; allowed: {', '.join(known) or 'none'}")


def check_known(given: Iterable[str], table: Iterable[str]) -> None:
    """Raises UnknownName for the first given name that is not in the table."""
    known = list(table)
    for name in given:
        if name not in known:
            raise _unknown(name, known)


def optional(parameter: Parameter) -> Parameter:
    """The same parameter where it may be missing."""
    return replace(parameter, required=False)
