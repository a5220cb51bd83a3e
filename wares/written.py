"""An algorithm as the table of `shop.toml` that makes it."""

import re
from collections.abc import Mapping
from typing import Any

import tomlkit

from wares.algorithm import ROLES, Algorithm
from wares.config import Config
from wares.registry import REGISTRY

KEPT = ("rules",)
"""Tables inside the table of a role that are no setting of its algorithm: they stay."""


def with_algorithm(config: Config, role: str, algorithm: Algorithm) -> Config:
    """The same settings with another algorithm in a role, its parts and settings; comments and other tables stay.

    What an algorithm has by default, and the shop's seed, are left out.
    """
    document = tomlkit.parse(config.text)
    if role not in document:
        document[role] = tomlkit.table()
    table: Any = document[role]
    for key in [key for key in table if key not in KEPT]:
        del table[key]
    for key, value in table_of(algorithm, config.shop.seed).items():
        table[key] = value if not isinstance(value, list) or not _tables(value) else _array(value)
    # A line between tables, as people write them.
    text = re.sub(r"(?<=[^\n])\n(?=\[[a-z\[])", "\n\n", tomlkit.dumps(document))
    changed = Config.of(text, config.folder)
    changed.make(ROLES[role])  # what was written can be read
    return changed


def table_of(algorithm: Algorithm, seed: int = 0) -> dict[str, Any]:
    """`use` and the settings that differ from the defaults, parts of a composite as tables with their `weight`."""
    default = type(algorithm)()
    found: dict[str, Any] = {"use": name_in_registry(algorithm)}
    own = algorithm.get_params(deep=False)
    for name, value in own.items():
        if name == "seed" and value == seed:
            continue
        if isinstance(value, list) and value and all(isinstance(each, Algorithm) for each in value):
            weights = own.get("weights")
            found[name] = [table_of(each, seed) for each in value]
            if name == "parts" and isinstance(weights, list):
                for table, weight in zip(found[name], weights, strict=True):
                    table["weight"] = float(weight)
        elif isinstance(value, Algorithm):
            if repr(value) != repr(getattr(default, name)):
                found[name] = table_of(value, seed)
        elif not (name == "weights" and "parts" in own) and value is not None and value != getattr(default, name):
            found[name] = list(value) if isinstance(value, tuple) else value
    return found


def name_in_registry(algorithm: Algorithm) -> str:
    """The name by which `shop.toml` can ask for an algorithm; its path, where it has none."""
    path = f"{type(algorithm).__module__}:{type(algorithm).__qualname__}"
    for role, lines in REGISTRY.items():
        if isinstance(algorithm, ROLES[role]):
            for name, line in lines.items():
                if line.partition(" ")[0] == path:
                    return name
    return path


def _tables(values: list[Any]) -> bool:
    return all(isinstance(each, Mapping) for each in values)


def _array(values: list[Any]) -> Any:
    array = tomlkit.aot()
    for each in values:
        table = tomlkit.table()
        for key, value in each.items():
            table[key] = value
        array.append(table)
    return array
