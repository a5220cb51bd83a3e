"""Taxonomies out of files: lists of paths, such as Google's, and tables of parents and children or of paths."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from wares.data import columns, formats
from wares.data.read import refuse
from wares.data.reading import names as id_names
from wares.data.reading import words
from wares.data.schema import SEPARATOR
from wares.data.stream import Table, open_table
from wares.data.tree import Tree, file_name, loose, refuse_twice, separator_of, steps_of
from wares.errors import DataError

COLUMNS: dict[str, str] = {
    "parent": """parent, parent id, parent name, parent category, parent node, parent code, broader,
        上级, 上级类目, 父级, 父类目""",
    "child": "child, child id, child name, category id, node, node id, code, id, narrower, 下级, 子类目, 类目id",
    "name": "name, title, label, category name, node name, category, 名称, 类目名称, 类目",
    "path": """path, paths, category path, full path, full name, category full name, taxonomy, category, categories,
        google product category, product category, breadcrumb, breadcrumbs, 类目路径, 路径, 类目""",
}
"""Names that the columns of a taxonomy have."""

_NUMBERED = re.compile(r"(\d+) - (.+)")
_COMMENT = "#"
_DELIMITERS = (",", "\t", ";", "|", "^", "~")

Lines = Iterable[tuple[int, str]]
"""(line, text)."""


def read(source: Any, separator: str | None = None) -> Tree:
    """A taxonomy out of any of these:

    a text file of paths, one a line, such as `google-taxonomy.txt` (`id - A > B > C`; `#` begins a comment); a table
    (CSV, JSON lines, Parquet, xlsx, a frame …) with columns parent and child, by name or by id beside a name, or with
    a column of paths, or with a column for each level; or a list of paths.

    Separators `>`, `>>`, `/` and `|` are told by the paths. Raises DataError, with file and line: a cycle, two parents,
    a category that stands twice, nothing in it.
    """
    if isinstance(source, (list, tuple)) and all(isinstance(each, str) for each in source):
        return _listed([(line, text) for line, text in enumerate(source, 1)], "the list", separator, "list")
    if isinstance(source, (str, Path)) and (lines := _plain(Path(source))) is not None:
        return _listed(lines, Path(source).name, separator, "lines")
    table = open_table(source)
    mapped = columns.recognise(table.columns, COLUMNS, None, file_name(source))
    if "parent" in mapped and ("child" in mapped or "name" in mapped):
        return _parents(table, mapped)
    levels = columns.recognise(table.columns, columns.PRODUCT, None, file_name(source)).get("category", ())
    if len(levels) > 1:
        return _levels(table, levels)
    path = mapped.get("path") or mapped.get("name")
    if path is None:
        raise DataError(
            f"{table.name} is no taxonomy: it needs columns 'parent' and 'child', or a column 'path' with paths "
            f"such as 'Shoes > Boots'; its columns: {', '.join(map(repr, table.columns[:10]))}"
        )
    return _listed(_column(table, path[0]), table.name, separator, "paths", column=path[0])


def _plain(path: Path) -> list[tuple[int, str]] | None:
    """The lines of a file that is a list of paths and no table of several columns; else None."""
    if formats.look(path).format != "delimited":
        return None
    lines = list(_lines(path))
    first = lines[0][1] if lines else ""
    if path.suffix.lower() == ".txt" or _NUMBERED.fullmatch(first):
        return lines
    if any(mark in first for mark in _DELIMITERS) or any('"' in text for _, text in lines):
        return None
    # One column: its first line is a name of it, or a path already.
    heads = {columns.bare(word) for group in COLUMNS.values() for word in group.split(",")}
    return lines[1:] if columns.bare(first) in heads else lines


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers."""
    text = b"".join(chunk for chunk, _, _ in formats.text(formats.look(path))).decode()
    for line, each in enumerate(text.splitlines(), 1):
        if each.strip() and not each.startswith(_COMMENT):
            yield line, each.strip()


def _column(table: Table, name: str) -> Iterator[tuple[int, str]]:
    for block in table.blocks([name]):
        refuse(table, block.bad)
        for line, text in zip(block.lines.tolist(), words(block.frame[name]).to_list(), strict=True):
            if text is not None:
                yield line, text


def _listed(lines: Lines, name: str, separator: str | None, form: str, **facts: Any) -> Tree:
    """A taxonomy of paths, each with its line."""
    numbers: list[int] = []
    paths: list[str] = []
    ids: list[str] = []
    for line, text in lines:
        numbered = _NUMBERED.fullmatch(text)
        numbers.append(line)
        ids.append(numbered[1] if numbered else "")
        paths.append(numbered[2] if numbered else text)
    if not all(ids):
        paths = [f"{number} - {path}" if number else path for number, path in zip(ids, paths, strict=True)]
        ids = [""] * len(ids)
    if separator is None:
        separator = separator_of(paths)
    ours: list[str] = []
    seen: dict[str, int] = {}
    for line, path in zip(numbers, paths, strict=True):
        path = SEPARATOR.join(steps_of(path, separator) if separator else [" ".join(path.split())])
        refuse_twice(seen, path, line, name)
        if path:
            seen[loose(path)] = line
            ours.append(path)
    _some(ours, name)
    known = {path: number for path, number in zip(ours, ids, strict=True) if number} if all(ids) else {}
    return Tree.of(ours, known, format=form, separator=separator, **facts)


def _some(paths: Sequence[str], name: str) -> None:
    if not paths:
        raise DataError(f"{name} is no taxonomy: there is no category in it")


def _levels(table: Table, levels: Sequence[str]) -> Tree:
    """A taxonomy with a column for each level."""
    paths: list[str] = []
    for block in table.blocks(list(levels)):
        refuse(table, block.bad)
        each = [words(block.frame[level]).to_list() for level in levels]
        paths += [SEPARATOR.join(step for step in row if step) for row in zip(*each, strict=True)]
    _some([path for path in paths if path], table.name)
    return Tree.of(paths, format="levels", columns=list(levels))


def _parents(table: Table, mapped: columns.Mapped) -> Tree:
    """A taxonomy of children and their parents; where there are ids and names, paths are made of the names."""
    child = mapped.get("child", mapped.get("name", ("",)))[0]
    named = mapped["name"][0] if "child" in mapped and "name" in mapped else child
    parent_of: dict[str, str] = {}
    name_of: dict[str, str] = {}
    lines: dict[str, int] = {}
    for block in table.blocks():
        refuse(table, block.bad)
        nodes, above = id_names(block.frame[child]).to_list(), id_names(block.frame[mapped["parent"][0]]).to_list()
        names = words(block.frame[named]).to_list()
        for line, node, parent, name in zip(block.lines.tolist(), nodes, above, names, strict=True):
            if node is None:
                raise DataError(f"{table.name}, line {line}: there is no {child}, only a parent {parent!r}")
            node, parent = node.strip(), (parent or "").strip()
            if node in parent_of:
                _refuse_again(table.name, line, lines[node], node, parent_of[node], parent)
            parent_of[node], name_of[node], lines[node] = parent, name or node, line
    _some(list(parent_of), table.name)
    _orphans(table.name, parent_of, lines, with_ids=named != child)
    chains = {node: _chain(node, parent_of, lines, table.name) for node in parent_of}
    paths = {
        node: SEPARATOR.join(name_of.get(each, each).replace(">", "›") for each in chain)
        for node, chain in chains.items()
    }
    seen: dict[str, int] = {}
    for node, path in paths.items():
        refuse_twice(seen, path, lines[node], table.name)
        seen[loose(path)] = lines[node]
    ids = {paths[node]: node for node in parent_of} if named != child else {}
    return Tree.of(paths.values(), ids, format="parents", columns=[mapped["parent"][0], child])


def _refuse_again(name: str, line: int, before: int, node: str, first: str, second: str) -> None:
    if first == second:
        raise DataError(f"{name}, line {line}: {node!r} stands on line {before} already; a category stands once")
    raise DataError(
        f"{name}, line {line}: {node!r} is below {second or 'nothing'!r} here and below {first or 'nothing'!r} on line "
        f"{before}; a category has one parent. Where two have the same name, give ids beside names, or whole paths"
    )


def _orphans(name: str, parent_of: dict[str, str], lines: dict[str, int], *, with_ids: bool) -> None:
    """Parents that stand nowhere as a child are the top, if they are names; an id without a name is a mistake."""
    for node, parent in list(parent_of.items()):
        if parent and parent not in parent_of:
            if with_ids and parent not in ("0", "-1"):
                raise DataError(f"{name}, line {lines[node]}: {node!r} is below {parent!r}, which stands nowhere")
            if with_ids:
                parent_of[node] = ""
            else:
                parent_of[parent], lines[parent] = "", lines[node]


def _chain(node: str, parent_of: dict[str, str], lines: dict[str, int], name: str) -> list[str]:
    """From the top down to a node. Raises DataError where it goes round."""
    chain = [node]
    while parent := parent_of[chain[-1]]:
        if parent in chain:
            circle = [*chain[chain.index(parent) :], parent]
            raise DataError(
                f"{name}, line {lines[parent]}: {parent!r} is below itself: {' > '.join(reversed(circle))}; a taxonomy "
                "has no circles"
            )
        chain.append(parent)
    return chain[::-1]
