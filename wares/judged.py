"""A file of judged pairs: which offers are one product, which are not."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from wares.data.columns import bare
from wares.data.ids import Ids
from wares.data.read import open_source, refuse
from wares.data.reading import names, words
from wares.errors import DataError, UnknownName
from wares.tasks.matching import Known

OURS = "ours, our id, id, id1, id 1, ida, id a, left, left id, ltable id, a, 我方, 我方编号"
THEIRS = "theirs, their id, id2, id 2, idb, id b, right, right id, rtable id, b, other, 对方, 对方编号"
SAME = "same, label, match, is match, matched, same product, gold, y, 相同, 标签"
"""Names of the columns of a file of judged pairs."""

YES = ("1", "1.0", "true", "yes", "y", "same", "match", "是", "相同")
NO = ("0", "0.0", "false", "no", "n", "different", "-1", "否", "不同")


def read_judged(source: Any, ours: Ids, theirs: Ids, shift: int) -> Known:
    """Judged pairs of a file or table; rows of the second catalog are counted on from `shift`.

    Without a column that says so, every pair is of one product. Raises DataError naming line and value, UnknownName
    with the nearest id.
    """
    table = open_source(source)
    one, other, same = _columns(table.columns, table.name)
    rows: list[tuple[int, int]] = []
    answers: list[bool] = []
    for block in table.blocks():
        refuse(table, block.bad)
        left, right = names(block.frame[one]).to_list(), names(block.frame[other]).to_list()
        said = words(block.frame[same]).to_list() if same else ["1"] * len(left)
        for line, a, b, yes in zip(block.lines.tolist(), left, right, said, strict=True):
            place = f"{table.name}, line {line}"
            rows.append((_row(ours, a, one, place), _row(theirs, b, other, place) + shift))
            answers.append(_answer(yes, place))
            if rows[-1][0] == rows[-1][1]:
                raise DataError(f"{place}: {a!r} is paired with itself")
    if not rows:
        raise DataError(f"{table.name} has a header ({', '.join(table.columns[:10])}) and no row below it")
    return _once(rows, answers, ours, theirs, shift, table.name)


def _columns(columns: Sequence[str], source: str) -> tuple[str, str, str | None]:
    loose = {bare(name): name for name in reversed(columns)}

    def named(known: str) -> str | None:
        return next((loose[bare(each)] for each in known.split(",") if bare(each) in loose), None)

    one, other = named(OURS), named(THEIRS)
    if one is None or other is None or one == other:
        there = ", ".join(map(repr, columns[:20]))
        raise DataError(
            f"{source} has to name two offers a line, in columns 'ours' and 'theirs', and may say in 'same' whether "
            f"they are one product (1 or 0); its columns: {there}"
        )
    return one, other, named(SAME)


def _row(ids: Ids, name: str | None, column: str, place: str) -> int:
    if name is None:
        raise DataError(f"{place}: {column} is empty")
    try:
        return ids.row(name)
    except UnknownName as error:
        raise UnknownName(f"{place}: {error}") from None


def _answer(value: str | None, place: str) -> bool:
    text = (value or "").lower()
    if text in YES or text in NO:
        return text in YES
    raise DataError(f"{place}: {value!r} does not say whether the two are one product; write 1 or 0")


def _once(rows: list[tuple[int, int]], answers: list[bool], ours: Ids, theirs: Ids, shift: int, source: str) -> Known:
    """Each pair once. Raises DataError where it was judged both ways."""
    found: dict[tuple[int, int], bool] = {}
    for (a, b), same in zip(rows, answers, strict=True):
        key = (min(a, b), max(a, b))
        if found.setdefault(key, same) != same:
            raise DataError(
                f"{source}: {ours.name(a)!r} and {theirs.name(b - shift)!r} are said to be both, one and two"
            )
    return Known(np.array(list(found), np.int32), np.array(list(found.values()), np.bool_))
