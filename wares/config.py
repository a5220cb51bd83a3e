"""`shop.toml`: where a shop's files are, what their columns mean, and every setting; mistakes are named by line.

The file stays the user's: comments, order and what was not touched survive an edit. Paths of sources stand relative to
the shop folder where they lie below its parent, so that the two can be moved together; others stand as they are.
"""

import os
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError

from wares.algorithm import ROLES, Algorithm, Clusterer, role_name
from wares.data.schema import WEIGHTS
from wares.errors import MissingExtra, SettingError, StoreError, UnknownName
from wares.registry import find, is_path, make, names
from wares.settings import (
    COLUMNS,
    TABLES,
    TEMPLATE,
    CategorySettings,
    EvaluateSettings,
    EventSettings,
    GroupingSettings,
    InterestSettings,
    NameSettings,
    ProductSettings,
    ReviewSettings,
    RuleSettings,
    SearchSettings,
    ShopperSettings,
    ShopSettings,
)
from wares.store.files import write_text
from wares.typed import Mistake, Place, check_known, check_value, dotted, line_of, parse_value, role_in, settings_of

A = TypeVar("A", bound=Algorithm)

FILE = "shop.toml"


@dataclass(frozen=True)
class Config:
    """The settings of one shop. Frozen: `with_…` give changed copies, `write` puts one on the disk.

    Reading checks everything but the settings of algorithms, because that would import every one of them: `check` and
    `make` do.
    """

    shop: ShopSettings
    products: ProductSettings
    events: EventSettings
    shoppers: ShopperSettings
    search: SearchSettings
    grouping: GroupingSettings
    names: NameSettings
    categories: CategorySettings
    reviews: ReviewSettings
    interests: InterestSettings
    evaluate: EvaluateSettings
    rules: RuleSettings
    algorithms: Mapping[str, Mapping[str, Any]]
    folder: Path | None = None
    text: str = field(default=TEMPLATE, repr=False)

    # -- from and to the disk --------------------------------------------------------------------------------------

    @classmethod
    def read(cls, folder: Path | str) -> "Config":
        """The settings in a shop folder. Raises StoreError where there are none, SettingError for every mistake."""
        path = Path(folder) / FILE
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (FileNotFoundError, NotADirectoryError):
            raise StoreError(f"{folder} is not a shop folder: it has no {FILE}") from None
        except UnicodeDecodeError as error:
            raise SettingError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from None
        return cls.of(text, Path(folder))

    @classmethod
    def default(cls, folder: Path | str | None = None) -> "Config":
        """The settings of a new shop."""
        return cls.of(TEMPLATE, None if folder is None else Path(folder))

    @classmethod
    def of(cls, text: str, folder: Path | None = None) -> "Config":
        """The settings that a text in TOML holds. Raises SettingError for every mistake."""
        where = _where(folder)
        try:
            document = tomlkit.parse(text).unwrap()
        except ParseError as error:
            raise SettingError(f"{where}, line {error.line}: {_said(error)}") from None
        except TOMLKitError as error:
            raise SettingError(f"{where}: {error}") from None
        with _named(where, text):
            return cls(**_tables(document, folder), folder=folder, text=text)

    def write(self, folder: Path | str | None = None) -> Path:
        """Replace `shop.toml` of the folder (its own unless given) at one stroke; returns its path."""
        target = Path(folder) if folder is not None else self.folder
        if target is None:
            raise SettingError("these settings belong to no folder yet; say which: config.write(folder)")
        target.mkdir(parents=True, exist_ok=True)
        config = self if self.folder is not None and _same(self.folder, target) else self._moved(target)
        write_text(target / FILE, config.text)
        return target / FILE

    def _moved(self, folder: Path) -> "Config":
        moved = Config.of(self.text, folder)
        sources = self.products.sources, self.events.sources, self.shoppers.source, self.reviews.source
        moved = moved.with_sources(*sources)
        return moved.with_labels(self.categories.source, self.categories.taxonomy)

    # -- changed copies --------------------------------------------------------------------------------------------

    def with_sources(
        self,
        products: Sequence[Path | str] | None = None,
        events: Sequence[Path | str] | None = None,
        shoppers: Path | str | None = None,
        reviews: Path | str | None = None,
    ) -> "Config":
        """The same settings with other source files; what is not given stays. Paths are relative to where we are."""
        document = tomlkit.parse(self.text)
        for name, paths in (("products", products), ("events", events)):
            if paths is not None:
                table = _table(document, name)
                table["sources"] = [_written(path, self.folder) for path in paths]
        for name, path in (("shoppers", shoppers), ("reviews", reviews)):
            if path is not None:
                _table(document, name)["source"] = _written(path, self.folder)
        return Config.of(tomlkit.dumps(document), self.folder)

    def with_labels(self, source: Path | str | None = None, taxonomy: Path | str | None = None) -> "Config":
        """The same settings with another file of labels, or of categories; what is not given stays."""
        document = tomlkit.parse(self.text)
        for key, path in (("source", source), ("taxonomy", taxonomy)):
            if path is not None:
                _table(document, "categories")[key] = _written(path, self.folder)
        return Config.of(tomlkit.dumps(document), self.folder)

    def with_value(self, key: str, value: str) -> "Config":
        """The same settings with one changed, both given as text: `with_value("cluster.n_clusters", "40")`.

        Another algorithm ("cluster.use") takes along only the settings that it knows too. "none" unsets. Raises
        SettingError naming the nearest key.
        """
        table, _, rest = key.partition(".")
        if not rest:
            raise SettingError(f"{key!r} names no setting; write TABLE.KEY=VALUE, such as cluster.n_clusters=40")
        document = tomlkit.parse(self.text)
        try:
            check_known(table, (table,), [*TABLES, *ROLES], "table")
            _set(document, table, rest, value)
        except Mistake as mistake:
            raise SettingError(f"{key}={value}: {mistake}") from mistake.__cause__
        return Config.of(tomlkit.dumps(document), self.folder)

    # -- what the build asks ---------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The shop's name for people."""
        return self.shop.name or (self.folder.resolve().name if self.folder else "shop")

    def says(self, key: str) -> bool:
        """Whether the text sets a key, such as "cluster.n_clusters", rather than leaving it to us."""
        here: Any = tomlkit.parse(self.text).unwrap()
        for step in key.split("."):
            if not isinstance(here, Mapping) or step not in here:
                return False
            here = here[step]
        return True

    def settings(self, role: str) -> tuple[str, dict[str, Any]]:
        """(name, settings) of the algorithm of a role such as "cluster"; the settings as they stand in the file."""
        if role not in ROLES:
            raise UnknownName.among("table", role, list(ROLES))
        if role not in self.algorithms:
            raise UnknownName(f"the settings name no algorithm in [{role}]")
        table = dict(self.algorithms[role])
        return table.pop("use"), table

    def make(self, role: type[A]) -> A:
        """A new algorithm of that role, its parts made too; it gets the shop's seed where it says none of its own.

        Raises SettingError for a mistake in its table, MissingExtra where a package is not installed.
        """
        word = role_name(role)
        self.settings(word)  # raises where there is no such table
        with _named(_where(self.folder), self.text):
            return _make(role, self.algorithms[word], self.shop.seed, (word,))

    def check(self) -> None:
        """Look at every algorithm's settings too. Raises SettingError for the first mistake.

        An algorithm whose package is not installed is passed over: the build says what is lost without it.
        """
        for word in self.algorithms:
            with suppress(MissingExtra):
                self.make(ROLES[word])


@contextmanager
def _named(where: str, text: str) -> Iterator[None]:
    """Give a mistake the file and the line where it was made."""
    try:
        yield
    except Mistake as mistake:
        line = line_of(text, mistake.path)
        place = f", line {line}" if line else ""
        raise SettingError(f"{where}{place}: {mistake}") from mistake.__cause__


def _said(error: ParseError) -> str:
    words = str(error).partition(" at line")[0]
    return "the text ends where a value should stand" if "\\x00" in words else words


def _where(folder: Path | None) -> str:
    return str(folder / FILE) if folder else FILE


# -- reading -------------------------------------------------------------------------------------------------------


def _tables(document: Mapping[str, Any], folder: Path | None) -> dict[str, Any]:
    for name, value in document.items():
        check_known(name, (name,), [*TABLES, *ROLES], "table")
        if not isinstance(value, Mapping):
            raise Mistake((name,), f"{name} must be a table: [{name}]")
    found: dict[str, Any] = {}
    for name, cls in TABLES.items():
        found[name] = _dataclass(cls, document.get(name, {}), name, folder)
    default = tomlkit.parse(TEMPLATE).unwrap()
    found["rules"], document = RuleSettings.of(document)
    found["algorithms"] = {
        role: _algorithm(cls, document.get(role, default.get(role)), (role,))
        for role, cls in ROLES.items()
        if role in document or role in default
    }
    return found


def _dataclass(cls: type, table: Mapping[str, Any], name: str, folder: Path | None) -> Any:
    hints = typing.get_type_hints(cls)
    for key, value in table.items():
        check_known(key, (name, key), hints, f"key in [{name}]")
        check_value(value, hints[key], (name, key))
    for (owner, key), known in COLUMNS.items():
        for each in table.get(key, {}) if owner == name else ():
            check_known(each, (name, key, each), list(known), f"column in [{name}.{key}]")
    values = dict(table)
    if name == "events":
        values["weights"] = weights = {**WEIGHTS, **{k: float(v) for k, v in table.get("weights", {}).items()}}
        for each, kind in table.get("kinds", {}).items():
            check_known(kind, (name, "kinds", each), list(weights), "kind")
    if name == "interests" and "method" in table:
        check_known(table["method"], (name, "method"), names(Clusterer), "cluster algorithm")
    if "sources" in values:
        values["sources"] = tuple(_read_path(each, folder) for each in values["sources"])
    for key in ("source", "taxonomy"):
        if key in values:
            values[key] = _read_path(values[key], folder) if values[key] else None
    made = cls(**values)
    if isinstance(made, InterestSettings):
        made.check()
    return made


def _algorithm(role: type[Algorithm], table: Mapping[str, Any], path: Place) -> Mapping[str, Any]:
    """The table of an algorithm, its name and those of its parts known."""
    name = table.get("use")
    if not isinstance(name, str):
        raise Mistake(path, f'[{dotted(path)}] must say which algorithm to use: use = "name"')
    if not is_path(name):
        check_known(name, (*path, "use"), names(role), f"{role_name(role)} algorithm")
    return table


def _make(role: type[A], table: Mapping[str, Any], seed: int, path: Place) -> A:
    _algorithm(role, table, path)
    name = table["use"]
    hints = settings_of(find(role, name))
    given: dict[str, Any] = {}
    for key, value in table.items():
        if key == "use":
            continue
        check_known(key, (*path, key), hints, f"setting of {name!r}")
        inner = role_in(hints[key])
        if inner is None:
            check_value(value, hints[key], (*path, key))
            given[key] = tuple(value) if get_origin(hints[key]) is tuple else value
        elif isinstance(value, Mapping):
            given[key] = _make(inner, value, seed, (*path, key))
        else:
            given |= _make_parts(inner, key, value, hints, seed, (*path, key))
    if "seed" in hints:
        given.setdefault("seed", seed)
    algorithm = make(role, name, **given)
    try:
        algorithm._check()
    except SettingError as error:
        culprit = next((key for key in given if f"({key}=" in str(error)), "use")
        raise Mistake((*path, culprit), str(error)) from None
    return algorithm


def _make_parts(
    role: type[Algorithm], key: str, parts: Any, hints: Mapping[str, Any], seed: int, path: Place
) -> dict[str, Any]:
    """The parts of a composite, and what it wants to know of each: `weight` of a part goes to its own `weights`."""
    if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
        raise Mistake(path, f"{dotted(path)} must be tables: [[{dotted(path)}]]")
    beside = [each.removesuffix("s") for each in hints if each.endswith("s") and each != key]
    given: dict[str, Any] = {key: []}
    for number, part in enumerate(parts):
        _algorithm(role, part, (*path, number))
        own = settings_of(find(role, part["use"]))
        of_whole = {each for each in part if each in beside and each not in own}
        given[key].append(_make(role, {k: v for k, v in part.items() if k not in of_whole}, seed, (*path, number)))
        for each in of_whole:
            check_value([part[each]], hints[f"{each}s"], (*path, number, each))
            given.setdefault(f"{each}s", [1.0] * len(parts))[number] = part[each]
    return given


# -- writing -------------------------------------------------------------------------------------------------------


def _read_path(written: str, folder: Path | None) -> Path:
    path = Path(written).expanduser()
    return path if folder is None or path.is_absolute() else Path(os.path.normpath(folder.absolute() / path))


def _written(path: Path | str, folder: Path | None) -> str:
    full = Path(os.path.abspath(Path(path).expanduser()))
    if folder is not None and full.is_relative_to(folder.absolute().parent):
        return Path(os.path.relpath(full, folder.absolute())).as_posix()
    return str(full)


def _same(one: Path, other: Path) -> bool:
    return one.absolute() == other.absolute()


def _table(document: Any, *path: str) -> Any:
    """The table at a path, made where it is missing."""
    here = document
    for key in path:
        if key not in here:
            here[key] = tomlkit.table()
        here = here[key]
    return here


def _set(document: Any, name: str, rest: str, text: str) -> None:
    if name in TABLES:
        hints = typing.get_type_hints(TABLES[name])
        key, _, inner = rest.partition(".")
        check_known(key, (name, key), hints, f"key in [{name}]")
        if inner:
            _table(document, name, key)[inner] = parse_value(text, get_args(hints[key])[1], rest)
        else:
            _assign(_table(document, name), key, parse_value(text, hints[key], rest))
        return
    if (name, rest[:6]) == ("recommend", "rules."):
        _assign(_table(document, name, "rules"), rest[6:], parse_value(text, RuleSettings.hint(rest[6:]), rest))
        return
    role, table = ROLES[name], _table(document, name)
    *steps, key = rest.split(".")
    for step in steps:  # into the parts of a composite
        hint = settings_of(find(role, table["use"])).get(step) if "use" in table else None
        role = role_in(hint) or role
        if step not in table and isinstance(hint, type) and issubclass(hint, Algorithm) and key == "use":
            table[step] = tomlkit.table()  # one part, until now the default
        try:
            table = table[int(step) if step.isdigit() else step]
        except (KeyError, IndexError, TypeError):
            where = ".".join([name, *steps])
            first = f"; say which first: {where}.use=NAME" if hint is not None and role_in(hint) else ""
            raise Mistake((name, *steps), f"there is no part {'.'.join(steps)!r} in [{name}]{first}") from None
    if key == "use":
        if not is_path(text):  # package.module:Class names a class of anyone's
            check_known(text, (name, key), names(role), f"{name} algorithm")
        known = settings_of(find(role, text))
        for old in [each for each in table if each != "use" and each not in known]:
            del table[old]
        table["use"] = text
        return
    hints = settings_of(find(role, table["use"]))
    if key == "weight" and steps:
        hints.setdefault("weight", float)
    check_known(key, (name, key), hints, f"setting of {table['use']!r}")
    _assign(table, key, parse_value(text, hints[key], rest))


def _assign(table: Any, key: str, value: Any) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value
