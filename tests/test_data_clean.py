"""Cleaning: what is kept, what is set aside, and that nothing vanishes."""

import csv
import gzip
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data.catalog import Catalog
from wares.data.clean import clean_events, clean_products
from wares.data.events import Events
from wares.data.ids import Ids
from wares.errors import DataError

SHOES = """id,title,brand,category,price,colour,size
001,Red running shoe,Acme,Shoes > Running,59.90,red,41
002,Blue running shoe,Acme,Shoes > Running,62.50,blue,42
003,Hiking boot,Berg,Shoes > Hiking,119.00,brown,43
004,Enamel mug,Kuchen,Kitchen > Mugs,8.50,white,
005,Travel mug,Kuchen,Kitchen > Mugs,14.00,black,
006,Tea mug,Kuchen,Kitchen > Mugs,9.00,green,
"""
EVENTS = """user,item,event,time,quantity
ann,001,view,2024-03-01 10:00:00,
ann,001,purchase,2024-03-01 10:05:00,1
bob,004,view,2024-03-02 09:00:00,
bob,005,cart,2024-03-02 09:01:00,
cat,003,购买,2024-03-03 12:00:00,2
"""


@pytest.fixture
def shop(tmp_path) -> Path:
    (tmp_path / "products.csv").write_text(SHOES)
    (tmp_path / "events.csv").write_text(EVENTS)
    return tmp_path


def aside(folder: Path, of: str = "products") -> pl.DataFrame:
    return pl.read_parquet(folder / f"quarantine_{of}.parquet")


def products(source, folder: Path, **options):
    """The report, the clean rows and the quarantine; and that they add up."""
    report = clean_products(source, folder, **options)
    rows = Catalog.of(folder / "products.arrow").scan.collect()
    out = aside(folder)
    rejected = out.filter(action="rejected")
    assert report.rows == report.kept + len(rejected) == len(rows) + sum(report.rejected.values())
    assert sum(report.changed.values()) == len(out) - len(rejected)
    assert json.loads(json.dumps(report.json()))["kept"] == len(rows)
    assert not [p.name for p in folder.iterdir() if p.name.startswith(".") or "part" in p.name]
    return report, rows, out


def events(source, folder: Path, known: list[str], **options):
    report = clean_events(source, folder, products=Ids(known), **options)
    rows = Events.of(folder / "events.arrow").scan.collect()
    out = aside(folder, "events")
    assert report.rows == report.kept + len(out) == len(rows) + sum(report.rejected.values())
    assert not [p.name for p in folder.iterdir() if p.name.startswith(".") or "part" in p.name]
    return report, rows, out


def test_clean_products_stay_as_they_are(shop):
    told = []
    report, rows, out = products(shop / "products.csv", shop / "out", progress=told.append)
    assert rows["id"].to_list() == ["001", "002", "003", "004", "005", "006"]
    assert rows["price"][0] == 59.9
    assert rows["size"].to_list() == [41, 42, 43, None, None, None]
    assert rows["colour"][5] == "green"
    assert not len(out)
    assert report.sources[0]["delimiter"] == ","
    assert report.sources[0]["columns"]["title"] == "title"
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_each_rule_of_products(tmp_path):
    text = SHOES + (
        ",No id,Acme,Shoes,5,red,40\n"
        "008,,Acme,Shoes,5,red,40\n"
        "002,Blue running shoe again,Acme,Shoes,5,red,40\n"
        "010,Free mug,Acme,Kitchen > Mugs,0,red,40\n"
        "011,Odd mug,Acme,Kitchen > Mugs,cheap,red,40\n"
        "012,Test product,Acme,Kitchen > Mugs,3,red,40\n"
        "id,title,brand,category,price,colour,size\n"
        "014,Short\n"
        "015,Long,Acme,Kitchen > Mugs,3,red,40,more\n"
    )
    (tmp_path / "p.csv").write_text(text)
    report, rows, out = products(tmp_path / "p.csv", tmp_path)
    found = {(line, rule, action) for line, rule, action in out.select("line", "rule", "action").iter_rows()}
    assert found == {
        (8, "missing_id", "rejected"),
        (9, "missing_title", "rejected"),
        (10, "duplicate_id", "rejected"),
        (11, "price_not_positive", "changed"),
        (12, "price_unreadable", "changed"),
        (13, "test_row", "rejected"),
        (14, "header_again", "rejected"),
        (15, "too_few_fields", "rejected"),
        (16, "too_many_fields", "rejected"),
    }
    assert rows["id"].to_list() == ["001", "002", "003", "004", "005", "006", "010", "011"]
    assert rows["price"].to_list()[-2:] == [None, None]
    again = out.filter(rule="duplicate_id")
    assert again["reason"][0] == "id 002 is that of an earlier row"
    assert json.loads(again["raw"][0])["title"] == "Blue running shoe again"
    assert out["file"].unique().to_list() == ["p.csv"]
    assert report.rejected["missing_id"] == 1


def test_the_first_row_with_a_title_wins(tmp_path):
    (tmp_path / "p.csv").write_text("id,title\n1,\n1,Mug\n1,Cup\n2,Shoe\n")
    _, rows, out = products(tmp_path / "p.csv", tmp_path)
    assert rows.rows() == [("1", "Mug"), ("2", "Shoe")]
    assert out.select("line", "rule").rows() == [(2, "missing_title"), (4, "duplicate_id")]


def test_a_description_stands_in_for_a_title(tmp_path):
    (tmp_path / "p.csv").write_text("id,title,description\n1,,A mug of tin\n2,Shoe,Red\n")
    report, rows, _ = products(tmp_path / "p.csv", tmp_path)
    assert rows["title"].to_list() == ["A mug of tin", "Shoe"]
    assert report.changed == {"title_from_description": 1}


@pytest.mark.parametrize("merge", [False, True])
def test_twins_are_groups(shop, merge):
    text = (
        SHOES + "007,Enamel mug,Kuchen,Kitchen > Mugs,8.50,white,\n008,Enamel mug,Kuchen,Kitchen > Mugs,8.50,white,\n"
    )
    (shop / "twins.csv").write_text(text)
    report, rows, _ = products(shop / "twins.csv", shop, merge_duplicates=merge)
    assert report.duplicates == {
        "groups": 1,
        "products": 3,
        "merged": merge,
        "examples": [{"title": "Enamel mug", "ids": ["004", "007", "008"]}],
    }
    assert len(rows) == 8
    assert ("group" in rows.columns) == merge
    if merge:
        assert rows["group"].to_list() == [None, None, None, "004", None, None, "004", "004"]


def test_prices_far_from_their_category(tmp_path):
    rows = [["id", "title", "category", "price"]]
    rows += [[f"m{i}", f"mug {i}", "Kitchen > Mugs", 8 + i % 5] for i in range(40)]
    rows += [[f"t{i}", f"table {i}", "Furniture > Tables", 300 + 40 * (i % 7)] for i in range(40)]
    rows += [["mx", "mug of gold", "Kitchen > Mugs", 400], ["tx", "cheap table", "Furniture > Tables", 4]]
    _write(tmp_path / "p.csv", rows)
    report, clean, out = products(tmp_path / "p.csv", tmp_path)
    assert report.changed == {"price_outlier": 2}
    assert out.select("line", "rule").rows() == [(82, "price_outlier"), (83, "price_outlier")]
    assert json.loads(out["raw"][0])["price"] == 400.0
    assert clean["price"].null_count() == 2
    _, clean, out = products(tmp_path / "p.csv", tmp_path, outliers=0)
    assert clean["price"].null_count() == len(out) == 0


def test_clean_events_stay_as_they_are(shop):
    report, rows, out = events(shop / "events.csv", shop, ["001", "003", "004", "005"])
    assert rows["kind"].to_list() == ["view", "purchase", "view", "cart", "purchase"]
    assert rows["at"][0] == datetime(2024, 3, 1, 10, tzinfo=UTC)
    assert rows["value"].to_list() == [None, 1.0, None, None, 2.0]
    assert not len(out)
    assert report.json()["of"] == "events"


def test_each_rule_of_events(tmp_path):
    text = EVENTS + (
        ",001,view,2024-03-04 10:00:00,\n"
        "dan,,view,2024-03-04 10:00:00,\n"
        "dan,001,,2024-03-04 10:00:00,\n"
        "dan,001,view,,\n"
        "dan,001,view,yesterday,\n"
        "dan,001,view,1970-01-01 00:00:00,\n"
        "dan,001,view,2203-01-01 00:00:00,\n"
        "dan,001,purchase,2024-03-04 10:00:00,many\n"
        "dan,001,view,2024-03-04 10:00:00,-1\n"
        "test user 1,001,view,2024-03-04 10:00:00,1\n"
        "ann,001,view,2024-03-01 10:00:00,\n"
        "dan,001,purchase,2024-03-05 10:00:00,-2\n"
        "dan,009,view,2024-03-05 10:00:00,1\n"
    )
    (tmp_path / "e.csv").write_text(text)
    report, rows, out = events(tmp_path / "e.csv", tmp_path, ["001", "003", "004", "005"], allow_unmatched=True)
    assert out.select("line", "rule").sort("line").rows() == [
        (7, "missing_shopper"),
        (8, "missing_product"),
        (9, "missing_kind"),
        (10, "missing_time"),
        (11, "time_unreadable"),
        (12, "before_1990"),
        (13, "in_the_future"),
        (14, "value_unreadable"),
        (15, "negative_value"),
        (16, "test_row"),
        (17, "duplicate_event"),
        (19, "unknown_product"),
    ]
    assert rows.row(-1, named=True)["kind"] == "return"
    assert rows.row(-1, named=True)["value"] == 2.0
    assert report.changed == {"negative_to_return": 1}
    assert report.unmatched["events"] == 1


def test_without_kinds_every_event_is_a_purchase(tmp_path):
    (tmp_path / "e.csv").write_text("customer,sku,date\nann,1,2024-01-05\nbob,1,2024-01-06\n")
    _, rows, _ = events(tmp_path / "e.csv", tmp_path, ["1"])
    assert rows["kind"].to_list() == ["purchase", "purchase"]


def test_unknown_kinds_stop(shop):
    (shop / "events.csv").write_text(EVENTS.replace("cart", "wave"))
    with pytest.raises(DataError, match=r"'wave' \(1 events\).*--kind wave=view"):
        events(shop / "events.csv", shop, ["001", "003", "004", "005"])
    assert not (shop / "events.arrow").exists()
    _, rows, _ = events(shop / "events.csv", shop, ["001", "003", "004", "005"], kinds={"wave": "view"})
    assert rows["kind"].to_list().count("view") == 3


@pytest.mark.parametrize(
    ("known", "cause"),
    [
        (["1", "3", "4", "5"], "leading zeros"),
        (["001 ", "003 ", "004 ", "005 "], "spaces"),
        (["001.0", "003.0", "004.0", "005.0"], r"trailing \.0"),
        (["x", "y", "z", "w"], "not of the same shop"),
    ],
)
def test_events_that_do_not_find_their_products(shop, known, cause):
    with pytest.raises(DataError, match=rf"(?s)only 0 of 5 events.*'001': nearest.*{cause}.*--allow-unmatched"):
        events(shop / "events.csv", shop, known)
    assert not (shop / "events.arrow").exists()


def test_guests(tmp_path):
    (tmp_path / "e.csv").write_text("customer,sku,date,order\n,1,2024-01-05,A7\nbob,1,2024-01-06,A8\n")
    _, rows, out = events(tmp_path / "e.csv", tmp_path, ["1"])
    assert (len(rows), len(out)) == (1, 1)
    _, rows, out = events(tmp_path / "e.csv", tmp_path, ["1"], guests=True)
    assert rows["shopper"].to_list() == ["guest A7", "bob"]


def test_bots(tmp_path):
    people = [[f"p{i % 50}", i % 4, f"2024-03-{1 + i // 50:02d} 10:{i % 60:02d}:00"] for i in range(1000)]
    quick = [["quick", i % 4, f"2024-03-05 11:00:{i:02d}"] for i in range(60)]
    steady = [["steady", i % 4, f"2024-03-06 {i // 100:02d}:{i % 60:02d}:{i % 59:02d}"] for i in range(2000)]
    basket = [["basket", i, "2024-03-07 12:00:00"] for i in range(90)]
    _write(tmp_path / "e.csv", [["user", "item", "time"], *people, *quick, *steady, *basket])
    known = [str(i) for i in range(90)]
    _, rows, out = events(tmp_path / "e.csv", tmp_path, known)
    robots = out.filter(rule="bot")
    shopper = pl.Series([json.loads(raw)["shopper"] for raw in robots["raw"]])
    assert set(shopper) == {"quick", "steady"}
    assert robots["line"].min() == 1002
    assert "basket" in set(rows["shopper"])
    assert "different moments" in robots["reason"][0]
    _, rows, out = events(tmp_path / "e.csv", tmp_path, known, bots=False)
    assert not len(out.filter(rule="bot"))


cell = st.text('a7 ,"\n.é', max_size=4)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(cell, min_size=1, max_size=4), max_size=12))
def test_nothing_vanishes(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("p")
    _write(folder / "p.csv", [["id", "title", "price"], ["first", "Mug", "2"], *rows])
    _, _, out = products(folder / "p.csv", folder)
    assert (out["line"] > 2).all()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ann", "bob", "", "test"]),
            st.sampled_from(["1", "2", "3", ""]),
            st.sampled_from(["2024-01-05", "1970-01-01", "soon", "", "2024-01-05 10:00:00"]),
            st.sampled_from(["1", "-1", "many", ""]),
        ),
        max_size=20,
    )
)
def test_no_event_vanishes(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("e")
    _write(folder / "e.csv", [["user", "item", "time", "quantity"], ["zoe", "1", "2024-01-01", "1"], *rows])
    events(folder / "e.csv", folder, ["1", "2"], allow_unmatched=True)


def _write(path: Path, rows) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    path.write_text(out.getvalue())


def _sources(folder: Path) -> dict[str, object]:
    frame = pl.read_csv(io.StringIO(SHOES), schema_overrides={"id": pl.String})
    frame.write_parquet(folder / "p.parquet")
    frame.write_ipc(folder / "p.arrow", compression="uncompressed")
    frame.write_ndjson(folder / "p.jsonl")
    frame.write_csv(folder / "p.tsv", separator="\t")
    (folder / "p.json").write_text(json.dumps({"products": frame.to_dicts()}))
    (folder / "p2.json").write_text(json.dumps(frame.to_dicts(), indent=1))
    (folder / "p.csv.gz").write_bytes(gzip.compress(SHOES.encode()))
    (folder / "no ending").write_text(SHOES)
    (folder / "p.xlsx").write_bytes(_workbook([line.split(",") for line in SHOES.splitlines()]))
    names = ["p.parquet", "p.arrow", "p.jsonl", "p.tsv", "p.json", "p2.json", "p.csv.gz", "no ending", "p.xlsx"]
    tables = {"polars": frame, "lazy": frame.lazy(), "arrow": frame.to_arrow(), "dicts": frame.to_dicts()}
    return {**{name: folder / name for name in names}, **tables, "pandas": pd.DataFrame(frame.to_dict(as_series=False))}


def test_every_format_says_the_same(tmp_path):
    for name, source in _sources(tmp_path).items():
        _, rows, out = products(source, tmp_path / "out")
        assert rows["id"].to_list() == ["001", "002", "003", "004", "005", "006"], name
        assert rows["price"].to_list() == [59.9, 62.5, 119.0, 8.5, 14.0, 9.0], name
        assert rows["size"].to_list() == [41, 42, 43, None, None, None], name
        assert not len(out), name


def test_frames_are_read_by_catalog_and_events():
    frame = pd.DataFrame({"Product ID": [7.0, 8.0], "Name": ["Mug", "Shoe"], "Mixed": ["a", 2]})
    catalog = Catalog.of(frame)
    assert catalog.ids.names() == ["7", "8"]
    assert catalog.frame(["Mixed"])["Mixed"].to_list() == ["a", "2"]
    table = pa.table({"user": ["ann"], "item": [7], "when": [1_700_000_000]})
    row = Events.of(table).scan.collect().row(0, named=True)
    assert (row["product"], row["kind"], row["at"].year) == ("7", "purchase", 2023)


def test_several_files_become_one(tmp_path):
    (tmp_path / "a.csv").write_text("id,title,weight\n1,Mug,5\n2,Cup,6\n")
    (tmp_path / "b.csv").write_text("sku;name;weight;stock\n2;Cup again;7;1\n3;Shoe;1,5;3\n")
    _, rows, out = products([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path)
    assert rows["id"].to_list() == ["1", "2", "3"]
    assert rows["weight"].dtype == pl.String  # "1,5" is no number for a column nobody named
    assert rows["stock"].to_list() == [None, None, 3.0]
    assert out.select("file", "line").rows() == [("b.csv", 2)]


def test_a_map_is_asked_of_the_files_that_have_the_column(tmp_path):
    (tmp_path / "e.csv").write_text("who,item,when\nann,1,2024-01-05\n")
    live = pl.DataFrame({"shopper": ["bob"], "product": ["1"], "at": [datetime(2024, 1, 6, tzinfo=UTC)]})
    _, rows, _ = events([tmp_path / "e.csv", live], tmp_path, ["1"], columns={"shopper": "who"})
    assert rows["shopper"].to_list() == ["ann", "bob"]
    with pytest.raises(DataError, match="no column 'whom'"):
        events([tmp_path / "e.csv", live], tmp_path, ["1"], columns={"shopper": "whom"})


def test_lines_may_be_ids(tmp_path):
    (tmp_path / "a.csv").write_text("title\nMug\nCup\n")
    _, rows, _ = products(tmp_path / "a.csv", tmp_path, columns={"id": "#row"})
    assert rows["id"].to_list() == ["2", "3"]
    (tmp_path / "b.csv").write_text("7,Mug\n8,Cup\n")
    _, rows, _ = products(tmp_path / "b.csv", tmp_path, columns={"id": "#1", "title": "#2"})
    assert rows.rows() == [("7", "Mug"), ("8", "Cup")]


def test_what_is_no_product_file(tmp_path):
    (tmp_path / "head.csv").write_text("id,title\n")
    (tmp_path / "one.csv").write_text("id#title\n1#Mug\n2#Cup\n")
    (tmp_path / "other.csv").write_text("number,words\n1,Mug\n")
    (tmp_path / "bad.csv").write_text("id,title\n1\n2\n")
    for name, said in {
        "head.csv": "has a header",
        "one.csv": "another delimiter",
        "other.csv": "no column for id.*'number', 'words'.*--map id=COLUMN",
        "bad.csv": "none of the 2 products can be used.*line 2: 1 fields where the header has 2",
    }.items():
        with pytest.raises(DataError, match=said):
            clean_products(tmp_path / name, tmp_path / "out")
        assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True
    _, rows, _ = products(tmp_path / "one.csv", tmp_path, delimiter="#")
    assert len(rows) == 2


def _workbook(rows: list[list[str]]) -> bytes:
    """The smallest workbook that holds text."""
    cells = "".join(
        "<row>"
        + "".join(f'<c t="inlineStr"><is><t>{c.replace(">", "&gt;")}</t></is></c>' if c else "<c/>" for c in row)
        + "</row>"
        for row in rows
    )
    main, rel = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://schemas.openxmlformats.org"
    kinds, office = f"{rel}/package/2006/content-types", f"{rel}/officeDocument/2006/relationships"
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{kinds}"><Default Extension="rels" ContentType="application/vnd.'
        f'openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{sheet}.sheet.'
        f'main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{sheet}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{rel}/package/2006/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Products" sheetId="1" '
        'r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{rel}/package/2006/relationships"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return out.getvalue()
