"""Labels of products out of a file: which category somebody said each of them is in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from wares.data import columns
from wares.data.catalog import Catalog
from wares.data.ids import Ids
from wares.data.read import open_source, refuse
from wares.data.reading import names as id_names
from wares.data.reading import words
from wares.data.schema import SEPARATOR
from wares.data.tree import Tree, loose, separator_of, steps_of
from wares.errors import DataError, did_you_mean

LABEL: dict[str, str] = {
    "id": columns.PRODUCT["id"],
    "label": """label, labels, category label, correct label, class, target, y, annotation, answer, path, label path,
        google product category, taxonomy, category path, category, categories, node, class name,
        标签, 标注, 类目, 类目路径, 类别, 分类""",
}
"""Names that the columns of labels have."""

NAMED = 5
"""Ids and labels that a message names."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Which category each product is in, by the product's id.

    paths : id to path, levels joined by " > ". lines : id to the line it stands on. name : of the file. by_row :
    whether ids are line numbers, the file having none. unlabelled : rows without a label. facts : how it was read.
    """

    paths: Mapping[str, str]
    lines: Mapping[str, int]
    name: str
    by_row: bool = False
    unlabelled: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    source: Any = None

    def __len__(self) -> int:
        return len(self.paths)

    def tree(self) -> Tree:
        """The taxonomy that these labels span."""
        return Tree.of(self.paths.values(), format="labels")

    def of(self, ids: Ids) -> tuple[list[str | None], list[str]]:
        """The label of each of these products, None where there is none; and the labelled ids that are none of them.

        Raises DataError where none of the labelled products is there.
        """
        unknown = [name for name in self.paths if name not in ids]
        if len(unknown) == len(self.paths):
            few = ", ".join(map(repr, unknown[:NAMED]))
            hint = did_you_mean(unknown[0], ids.names(slice(0, 20_000))) if unknown else ""
            raise DataError(f"{self.name}: none of its {len(unknown):,} products is known ({few} …){hint}")
        return [self.paths.get(name) for name in ids.names()], unknown

    def products(self) -> Catalog:
        """The labelled rows themselves as products, where the file holds their text too. Raises DataError."""
        table = open_source(self.source)
        titles = columns.recognise(table.columns, columns.PRODUCT, None, table.name).get("title", ())
        if not set(titles) - set(self.facts["columns"]["label"]):  # a column of labels alone is taken for titles
            raise DataError(f"{self.name}: its rows have a label and no text of their own")
        return Catalog.of(self.source, {"id": "#row"} if self.by_row else None)

    def said(self, unknown: Sequence[str] = ()) -> str:
        """In a sentence what was read, and what was passed over."""
        parts = [f"{len(self.paths):,} labels of {len(set(self.paths.values())):,} categories from {self.name}"]
        if self.unlabelled:
            parts.append(f"rows without a label: {self.unlabelled:,}")
        if unknown:
            more = " …" if len(unknown) > NAMED else ""
            parts.append(f"products that are not known: {len(unknown):,}, {', '.join(unknown[:NAMED])}{more}")
        return "; ".join(parts)


def read_labels(
    source: Any,
    tree: Tree | None = None,
    given: Mapping[str, str] | None = None,
    *,
    separator: str | None = None,
) -> Labelled:
    """Labels out of a table (CSV, JSON lines, Parquet, xlsx, a frame …) of products' ids and their categories.

    tree : the taxonomy; labels may then be paths, ids or names in it. given : our name ("id", "label") -> the source's
    column, "a > b > c" for one column a level. Without a column of ids a row's name is its line, as products read with
    `id=#row` have it. Raises DataError: no label, one product with two, labels that are not in the taxonomy.
    """
    table = open_source(source, given)
    mapped = columns.recognise(table.columns, LABEL, given, table.name)
    levels = columns.recognise(table.columns, columns.PRODUCT, None, table.name).get("category", ())
    if len(levels) > 1 and "label" not in (given or {}):
        mapped["label"] = levels
    columns.check(mapped, ("label",), table.columns, table.name)
    by_row = "id" not in mapped or mapped["id"][0] == "#row"
    rows = list(_rows(table, mapped, by_row))
    if len(mapped["label"]) == 1 and separator is None:
        separator = separator_of([label for _, _, label in rows if label])
    elif len(mapped["label"]) > 1:
        separator = ">"
    paths, lines = _once(rows, separator or "", table.name)
    if not paths:
        raise DataError(f"{table.name} has no label: its column {mapped['label'][0]!r} is empty")
    if tree is not None:
        paths = _known(paths, lines, tree, table.name)
    facts = {"columns": {ours: list(theirs) for ours, theirs in mapped.items()}, "separator": separator}
    unlabelled = sum(1 for _, _, label in rows if not label)
    return Labelled(paths, lines, table.name, by_row, unlabelled, facts, source)


def _rows(table: Any, mapped: columns.Mapped, by_row: bool) -> Iterator[tuple[int, str, str]]:
    """(line, id, label) of each row; a label of several columns is joined to a path."""
    for block in table.blocks():
        refuse(table, block.bad)
        steps = [words(block.frame[column]).to_list() for column in mapped["label"]]
        lines = block.lines.tolist()
        ids = list(map(str, lines)) if by_row else id_names(block.frame[mapped["id"][0]]).to_list()
        for line, name, *row in zip(lines, ids, *steps, strict=True):
            if name is None:
                raise DataError(f"{table.name}, line {line}: a label without a product's id")
            yield line, name, SEPARATOR.join(step for step in row if step)


def _once(rows: list[tuple[int, str, str]], separator: str, source: str) -> tuple[dict[str, str], dict[str, int]]:
    """By product its path and line. Raises DataError where one product has two labels."""
    paths: dict[str, str] = {}
    lines: dict[str, int] = {}
    spelled: dict[str, str] = {}
    for line, name, label in rows:
        steps = steps_of(label, separator) if separator else [" ".join(label.split())]
        path = SEPARATOR.join(step for step in steps if step)
        if not path:
            continue
        path = spelled.setdefault(loose(path), path)  # as it was first spelled
        if paths.get(name, path) != path:
            raise DataError(
                f"{source}, line {line}: product {name!r} is labelled {path!r} here and {paths[name]!r} on line "
                f"{lines[name]}; one product has one label"
            )
        paths[name] = path
        lines.setdefault(name, line)
    return paths, lines


def _known(paths: dict[str, str], lines: dict[str, int], tree: Tree, source: str) -> dict[str, str]:
    """The labels as the taxonomy spells them. Raises DataError naming those that are not in it."""
    rows = {path: tree.find(path) for path in dict.fromkeys(paths.values())}
    strange = [path for path, row in rows.items() if row < 0]
    if strange:
        first = {path: lines[name] for name, path in reversed(list(paths.items()))}
        told = "; ".join(f"line {first[path]}: {path!r}{tree.hint(path)}" for path in strange[:NAMED])
        more = f", of which {NAMED}" if len(strange) > NAMED else ""
        raise DataError(f"{source}: {len(strange):,} labels are not in the taxonomy{more}: {told}")
    return {name: tree.paths[rows[path]] for name, path in paths.items()}


def as_frame(labels: Mapping[str, str]) -> pl.DataFrame:
    """Labels as a table with columns id and label, which `read_labels` reads back."""
    return pl.DataFrame(
        {"id": list(labels), "label": list(labels.values())}, schema={"id": pl.String, "label": pl.String}
    )


def write_labels(labels: Mapping[str, str], path: Path) -> None:
    """Write labels as CSV."""
    as_frame(labels).write_csv(path)
