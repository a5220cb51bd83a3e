"""The rules that look at many rows, in one part or in many."""

import bz2
import json
import lzma

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data import repeats as repeats_module
from wares.data.clean import clean_events, clean_products
from wares.data.ids import Ids
from wares.data.outputs import Scratch
from wares.data.read import event_columns, product_columns, read_events, read_products
from wares.data.repeats import repeats
from wares.data.rules import Prices
from wares.data.stream import open_table
from wares.errors import DataError


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 9), max_size=40), st.booleans())
def test_repeats(tmp_path_factory, numbers, parted):
    hashes = Scratch(tmp_path_factory.mktemp("r") / "h", np.uint64)
    spread = [n and n * 0x1999999999999999 for n in numbers]  # all over the 64 bits, as hashes are
    for start in range(0, len(spread), 7):
        hashes.append(np.array(spread[start : start + 7], np.uint64))
    with pytest.MonkeyPatch.context() as patch:
        if parted:
            patch.setattr(repeats_module, "_PART", 3)
            patch.setattr(repeats_module, "_READ", 5)
        rows, firsts = repeats(hashes)
    wanted = [(i, numbers.index(n)) for i, n in enumerate(numbers) if n and numbers.index(n) < i]
    assert list(zip(rows.tolist(), firsts.tolist(), strict=True)) == wanted
    hashes.close()


def _prices(groups: dict[str | None, list[float]], **options) -> dict[str | None, tuple[float, float]]:
    prices = Prices(6.0, **options)
    for category, values in groups.items():
        frame = pl.DataFrame(
            {"category": [category] * len(values), "price": values}, schema_overrides={"category": pl.String}
        )
        prices.add(frame)
    return {category: (low, high) for category, low, high in prices.bounds().iter_rows()}


def test_bounds_of_prices():
    mugs, tables = [8.0, 9.0, 10.0] * 10, [300.0, 400.0, 500.0] * 10
    bounds = _prices({"Home > Mugs": mugs, "Home > Tables": tables, "Home > Rare": [9.0], None: [1.0]})
    low, high = bounds["Home > Mugs"]
    assert 1 < low < 8 < 10 < high < 100
    assert bounds["Home > Tables"][0] > 50
    assert bounds["Home > Rare"][1] > bounds["Home > Mugs"][1]  # judged with all of Home
    assert set(bounds) == {"Home > Mugs", "Home > Tables", "Home > Rare", None}


def test_equal_prices_make_no_other_odd():
    low, high = _prices({"Mugs": [10.0] * 50})["Mugs"]
    assert low < 3 < 30 < high


def test_blocks_make_no_difference(tmp_path, monkeypatch):
    rows = [
        f"{i % 70},{'Mug' if i % 3 else 'Cup'} {i % 5},Cat > {i % 2},{(i % 3) + (999 if i == 50 else 1)}"
        for i in range(120)
    ]
    (tmp_path / "p.csv").write_text("id,title,category,price\n" + "\n".join([*rows, "71", "72,a,b,c,d", ",x,y,1"]))
    visits = [f"u{i % 7},{i % 30},2024-01-{i % 28 + 1:02d},{i % 3}" for i in range(300)]
    (tmp_path / "e.csv").write_text("user,item,time,quantity\n" + "\n".join([*visits, "u1", ",,,"]))

    def clean(folder):
        products = clean_products(tmp_path / "p.csv", folder, merge_duplicates=True).json()
        events = clean_events(tmp_path / "e.csv", folder, products=Ids([str(i) for i in range(30)])).json()
        frames = [pl.read_ipc(folder / f"{name}.arrow") for name in ("products", "events")]
        frames += [
            pl.read_parquet(folder / f"quarantine_{name}.parquet").sort("line", "rule")
            for name in ("products", "events")
        ]
        return [{**report, "seconds": 0} for report in (products, events)], frames

    reports, frames = clean(tmp_path / "whole")
    assert reports[0]["duplicates"]["groups"] > 0
    assert reports[0]["rejected"]["duplicate_id"] == 50
    monkeypatch.setattr("wares.data.formats.CHUNK", 61)
    other_reports, other_frames = clean(tmp_path / "parts")
    assert other_reports == reports
    for one, other in zip(frames, other_frames, strict=True):
        assert one.equals(other)


def test_json_lines_with_a_broken_one(tmp_path):
    text = (
        '{"id": 7, "title": "Mug", "tags": ["a", "b"], "price": 1e1}\n{"id": 8,\n[1]\n\n{"id": 1e5, "title": "Cup"}\n'
    )
    (tmp_path / "p.jsonl").write_text(text)
    report = clean_products(tmp_path / "p.jsonl", tmp_path)
    rows = pl.read_ipc(tmp_path / "products.arrow")
    assert rows["id"].to_list() == ["7", "1e5"]
    assert rows["tags"].to_list() == ["a > b", None]
    assert rows["price"].to_list() == [10.0, None]
    out = pl.read_parquet(tmp_path / "quarantine_products.parquet")
    assert out.select("line", "rule").rows() == [(2, "broken_json"), (3, "broken_json")]
    assert report.rows == 4


def test_json_over_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("wares.data.formats.CHUNK", 11)
    rows = [{"id": str(i), "title": f"Mug {i}"} for i in range(30)]
    (tmp_path / "p.json").write_text(json.dumps(rows, indent=2))
    table = open_table(tmp_path / "p.json")
    blocks = list(table.blocks())
    assert pl.concat([block.frame for block in blocks]).rows() == [(row["id"], row["title"]) for row in rows]
    assert blocks[0].lines[:2].tolist() == [2, 6]
    (tmp_path / "bad.json").write_text('[{"id": 1}, {"id": ')
    with pytest.raises(DataError, match="not sound JSON near line 1"):
        open_table(tmp_path / "bad.json")


@pytest.mark.parametrize("compress", [bz2.compress, lzma.compress])
def test_other_compressions(tmp_path, compress):
    (tmp_path / "p.csv.z").write_bytes(compress(b"id,title\n1,Mug\n"))
    assert read_products(tmp_path / "p.csv.z").collect().rows() == [("1", "Mug")]


def test_a_file_that_ends_too_soon(tmp_path):
    import gzip

    whole = gzip.compress("".join(f"{i},Mug number {i * 7919}\n" for i in range(5000)).encode())
    (tmp_path / "p.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot be decompressed"):
        open_table(tmp_path / "p.csv.gz")


def test_what_would_be_read(tmp_path):
    (tmp_path / "p.csv").write_text("sku,name,Main category,sub category\n1,Mug,Home,Mugs\n")
    assert product_columns(tmp_path / "p.csv") == {
        "id": "sku",
        "title": "name",
        "category": "Main category > sub category",
    }
    (tmp_path / "e.csv").write_text("uid,sku,ts\nann,1,1700000000\n")
    assert event_columns(tmp_path / "e.csv") == {"shopper": "uid", "product": "sku", "at": "ts"}


def test_plain_reading_refuses_what_cleaning_would_set_aside(tmp_path):
    (tmp_path / "p.csv").write_text("id,title\n1,Mug\n2\n")
    with pytest.raises(DataError, match=r"p.csv, line 3: 1 fields where the header has 2"):
        read_products(tmp_path / "p.csv")
    (tmp_path / "e.csv").write_text("uid,sku,ts,event\nann,1,1700000000,PV\nann,1,1700000000,wave\n")
    with pytest.raises(DataError, match="wave"):
        read_events(tmp_path / "e.csv")
    kinds = read_events(tmp_path / "e.csv", kinds={"wave": "cart"}).collect()["kind"]
    assert kinds.to_list() == ["view", "cart"]


def test_json_objects_by_their_ids(tmp_path):
    path = tmp_path / "products.json"
    path.write_text('{"007": {"title": "Mug"}, "8": {"title": "Cup", "id": "eight"}}', encoding="utf-8")
    assert read_products(path).collect().select("id", "title").rows() == [("007", "Mug"), ("eight", "Cup")]
