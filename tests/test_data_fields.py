"""Splitting delimited text, beside Python's csv."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data.stream import open_table
from wares.errors import DataError


def read(path: Path, text: str | bytes, **options) -> tuple[list[list[str]], list[int], list]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    table = open_table(path, **options)
    rows, lines, bad = [], [], []
    for block in table.blocks():
        rows += [list(row) for row in block.frame.rows()]
        lines += block.lines.tolist()
        bad += block.bad
    return rows, lines, bad


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(st.text('ab,"\n\r é', max_size=6), min_size=2, max_size=2), min_size=1, max_size=8))
def test_what_csv_writes_comes_back(tmp_path_factory, rows):
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["x", "y"], *rows])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    got, _, bad = read(path, out.getvalue(), delimiter=",")
    assert got == rows
    assert not bad


@settings(deadline=None, max_examples=100)
@given(st.text('ab,"\n', max_size=40))
def test_no_line_vanishes(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    rows, lines, bad = read(path, "x,y\n" + text, delimiter=",", encoding="utf-8")
    every = [line for line, content in enumerate(text.split("\n"), 2) if content]
    begun = sorted([*lines, *(one.line for one in bad)])
    assert set(begun) <= set(every)
    assert len(begun) == len(set(begun)) == len(rows) + len(bad)
    # A line that no row begins on is inside a quoted cell of an earlier row.
    inside = sum(cell.count("\n") for row in rows for cell in row)
    assert len(every) - len(begun) <= inside


def test_lines_are_those_of_the_file(tmp_path):
    text = 'id,title\n1,"a\nb"\n\n2,c\r\n3,"d ""e"""\n4\n5,f,g\n6,h'
    rows, lines, bad = read(tmp_path / "t.csv", text)
    assert rows == [["1", "a\nb"], ["2", "c"], ["3", 'd "e"'], ["6", "h"]]
    assert lines == [2, 5, 6, 9]
    assert [(one.line, one.rule) for one in bad] == [(7, "too_few_fields"), (8, "too_many_fields")]
    assert json.loads(bad[1].raw) == "5,f,g"


def test_a_stray_quote_costs_one_row(tmp_path):
    text = 'id,title\n1,"a stray quote\n2,b\n3,c\n4,d\n'
    rows, _, bad = read(tmp_path / "t.csv", text)
    assert rows == [["2", "b"], ["3", "c"], ["4", "d"]]
    assert [(one.line, one.rule) for one in bad] == [(2, "broken_quotes")]


def test_inches_are_no_quotes(tmp_path):
    rows, _, bad = read(tmp_path / "t.csv", 'id,title\n1,5" nails\n2,"5"" nails"\n')
    assert [row[1] for row in rows] == ['5" nails', '5" nails']
    assert not bad


def test_a_million_characters(tmp_path):
    long = "shoe " * 250_000
    rows, _, _ = read(tmp_path / "t.csv", f'id,title\n1,"{long}"\n2,mug\n')
    assert [len(title) for _, title in rows] == [1_250_000, 3]


def test_rows_over_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("wares.data.formats.CHUNK", 7)
    text = "id,title\r\n" + "".join(f'{i},"number\r\n{i}"\r\n' for i in range(50))
    rows, lines, bad = read(tmp_path / "t.csv", text)
    assert rows == [[str(i), f"number\r\n{i}"] for i in range(50)]
    assert lines == [2 + 2 * i for i in range(50)]
    assert not bad


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_told(tmp_path, delimiter):
    text = "\n".join(
        delimiter.join(row) for row in [["id", "title", "price"], ["1", "a shoe", "2.5"], ["2", "a mug", "3"]]
    )
    assert open_and_columns(tmp_path, text.encode()) == ["id", "title", "price"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encodings_are_told(tmp_path, encoding):
    text = "商品编号,标题,价格\n1,红色跑步鞋,￥139\n2,陶瓷杯,25\n"
    rows, _, _ = read(tmp_path / "t.csv", text.encode(encoding))
    assert rows[0] == ["1", "红色跑步鞋", "￥139"]


def test_western_text_is_not_chinese(tmp_path):
    rows, _, _ = read(tmp_path / "t.csv", "id,title\n1,Crème brûlée\n2,Café £5\n".encode("cp1252"))
    assert [row[1] for row in rows] == ["Crème brûlée", "Café £5"]


def test_a_damaged_letter_does_not_change_the_alphabet(tmp_path):
    text = "id,title\n" + "".join(f"{i},红色跑步鞋\n" for i in range(30))
    rows, _, _ = read(tmp_path / "t.csv", text.encode() + b"31,caf\xe9 shoe\n")
    assert rows[0][1] == "红色跑步鞋"
    assert rows[-1][1] == "caf\ufffd shoe"


def open_and_columns(folder: Path, data: bytes, name: str = "t.csv") -> list[str]:
    (folder / name).write_bytes(data)
    return open_table(folder / name).columns


def test_what_cannot_be_read(tmp_path):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "blank.csv").write_text("\n \n")
    (tmp_path / "photo.csv").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0")
    (tmp_path / "broken.csv.gz").write_bytes(b"\x1f\x8b\x08broken")
    (tmp_path / "text.json").write_text("id,title\n")
    for name, said in {
        "emty.csv": "did you mean 'empty.csv'",
        "empty.csv": "is empty",
        "blank.csv": "is empty",
        "photo.csv": "is not text",
        "broken.csv.gz": "cannot be decompressed",
        "text.json": "is not JSON",
        ".": "is a folder",
    }.items():
        with pytest.raises(DataError, match=said):
            open_table(tmp_path / name)
    with pytest.raises(DataError, match="is not a table"):
        open_table(7)
