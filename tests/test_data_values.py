"""Numbers, moments, ids and columns out of what people write."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data import columns, kinds, numbers, times
from wares.data.reading import names, path, separator
from wares.errors import DataError, SettingError


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.50", 12.5),
        ("$1,234.56", 1234.56),
        ("1.234,56 €", 1234.56),
        ("￥139", 139.0),
        ("99元", 99.0),
        ("1 234,56", 1234.56),
        ("1'234.50", 1234.5),
        ("12,5", 12.5),
        ("1,234", 1234.0),
        ("1.234", 1.234),
        ("1,234,567", 1234567.0),
        ("₹1,29,999", 129999.0),
        ("１３９", 139.0),
        ("R$ 1.000,00", 1000.0),
        ("(12.00)", -12.0),
        ("5,-", 5.0),
        ("-3", -3.0),
        ("12.99 - 15.99", None),
        ("a lot", None),
        ("inf", None),
        ("nan", None),
        ("", None),
        (None, None),
    ],
)
def test_prices(text, number):
    assert numbers.read(pl.Series([text], dtype=pl.String))[0] == number


def test_a_file_of_decimal_commas_reads_points_as_thousands():
    prices = pl.Series(["12,50", "3,99", "1.500", "2"])
    comma, point = numbers.evidence(prices)
    assert comma > point
    assert numbers.read(prices, comma=True).to_list() == [12.5, 3.99, 1500.0, 2.0]


@settings(deadline=None, max_examples=100)
@given(st.floats(0, 1e9).map(lambda x: round(x, 2)))
def test_both_ways_of_writing_agree(number):
    english = f"{number:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    got = numbers.read(pl.Series([english, german, f"{number:.2f}"]), comma=False)
    assert got.to_list() == [number] * 3


EIGHT = datetime(2010, 12, 1, 8, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2010-12-01 08:26:00", EIGHT),
        ("2010-12-01T08:26:00Z", EIGHT),
        ("2010-12-01T16:26:00+08:00", EIGHT),
        ("2010-12-01 08:26:00 UTC", EIGHT),
        ("2010/12/1 8:26", EIGHT),
        ("2010年12月1日 8:26", EIGHT),
        ("12/1/2010 8:26", EIGHT),
        ("12/1/2010 8:26 AM", EIGHT),
        ("1 Dec 2010 08:26", EIGHT),
        ("Dec 1, 2010 8:26", EIGHT),
        ("Wed, 01 Dec 2010 08:26:00 GMT", EIGHT),
        ("1291191960", EIGHT),
        ("1291191960000", EIGHT),
        ("1291191960000000", EIGHT),
        ("1291191960000000000", EIGHT),
        ("20101201082600", EIGHT),
        ("20101201", EIGHT.replace(hour=0, minute=0)),
        ("2010-12-01", EIGHT.replace(hour=0, minute=0)),
        ("40513", EIGHT.replace(hour=0, minute=0)),
        ("1-Dec-10", EIGHT.replace(hour=0, minute=0)),
        ("2010-13-45", None),
        ("31/31/2010", None),
        ("soon", None),
        ("", None),
    ],
)
def test_moments(text, moment):
    assert times.read(pl.Series([text]))[0] == moment


def test_moments_of_a_column_may_differ_in_form():
    values = pl.Series(["2010-12-01 08:26:00", None, "12/1/2010 8:26", "1291191960"])
    assert times.read(values).to_list() == [EIGHT, None, EIGHT, EIGHT]


def test_typed_moments():
    assert times.read(pl.Series([1291191960]))[0] == EIGHT
    assert times.read(pl.Series([1291191960.0]))[0] == EIGHT
    assert times.read(pl.Series([datetime(2010, 12, 1, 8, 26)]))[0] == EIGHT
    assert times.read(pl.Series([EIGHT]).dt.convert_time_zone("Asia/Shanghai"))[0] == EIGHT
    assert times.read(pl.Series([EIGHT.date()]))[0] == EIGHT.replace(hour=0, minute=0)


def test_one_date_tells_the_order_of_all():
    order = times.Order()
    order.look(pl.Series(["1/2/2024", "3/2/2024"]))
    assert order.said().startswith("month first (a guess")
    order.look(pl.Series(["25/2/2024"]))
    assert order.said().startswith("day first (1 dates need the day first")
    assert times.read(pl.Series(["1/2/2024"]), order.day())[0] == datetime(2024, 2, 1, tzinfo=UTC)


@settings(deadline=None, max_examples=100)
@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda t: t.replace(microsecond=0)))
def test_every_moment_comes_back(moment):
    exact = moment.replace(tzinfo=UTC)
    written = [moment.isoformat(), moment.isoformat(" "), f"{moment:%d.%m.%Y %H:%M:%S}", f"{moment:%Y/%m/%d %H:%M:%S}"]
    assert times.read(pl.Series(written), day_first=True).to_list() == [exact] * 4


def test_ids_stay_as_written():
    assert names(pl.Series(["007", "1e5", " a ", "", "NULL", None])).to_list() == [
        "007",
        "1e5",
        " a ",
        None,
        None,
        None,
    ]
    assert names(pl.Series([7, None])).to_list() == ["7", None]
    assert names(pl.Series([7.0, 1e15, float("nan"), None])).to_list() == ["7", "1000000000000000", None, None]
    assert names(pl.Series([7.5])).to_list() == ["7.5"]
    assert names(pl.Series(["a", "b"], dtype=pl.Categorical)).to_list() == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Shoes > Running", "Shoes > Running"),
        ("Shoes>>Running", "Shoes > Running"),
        ("家用电器--大 家 电--平板电视", "家用电器 > 大 家 电 > 平板电视"),
        ("Shoes | Running", "Shoes > Running"),
        ('["Shoes >> Running >> "]', "Shoes > Running"),
        ("/Shoes/Running", "Shoes > Running"),
        ("Home & Kitchen", "Home & Kitchen"),
        (" ", None),
    ],
)
def test_category_paths(text, read):
    values = pl.Series([text])
    assert path(values, separator(values))[0] == read


def test_columns_in_english_and_chinese():
    found = columns.recognise(["商品编号", "商品名称", "品牌", "类目", "价格"], columns.PRODUCT, None, "t")
    assert {ours: theirs[0] for ours, theirs in found.items()} == {
        "id": "商品编号", "title": "商品名称", "brand": "品牌", "category": "类目", "price": "价格",
    }  # fmt: skip
    found = columns.recognise(["User ID", "itemId:token", "EVENT_TYPE", "Timestamp", "Qty"], columns.EVENT, None, "t")
    assert {ours: theirs[0] for ours, theirs in found.items()} == {
        "shopper": "User ID", "product": "itemId:token", "kind": "EVENT_TYPE", "at": "Timestamp", "value": "Qty",
    }  # fmt: skip


def test_levels_of_a_category():
    found = columns.recognise(
        ["id", "Name", "masterCategory", "subCategory", "articleType"], columns.PRODUCT, None, "t"
    )
    assert found["category"] == ("masterCategory", "subCategory", "articleType")


def test_what_is_mapped_goes_first():
    there = ["sku", "Description", "name"]
    assert columns.recognise(there, columns.PRODUCT, {"title": "description"}, "t")["title"] == ("Description",)
    with pytest.raises(DataError, match=r"no column 'Descripton'; did you mean 'Description'"):
        columns.recognise(there, columns.PRODUCT, {"title": "Descripton"}, "t")
    with pytest.raises(SettingError, match="did you mean 'shopper'"):
        columns.recognise(there, columns.EVENT, {"shoper": "sku"}, "t")
    with pytest.raises(DataError, match="no column #4"):
        columns.recognise(there, columns.PRODUCT, {"title": "#4"}, "t")


def test_kinds():
    weights = {"view": 1.0, "purchase": 5.0, "rent": 4.0}
    counts = {"PV": 3, "购买": 2, "Rent": 1}
    assert kinds.of(counts, None, weights) == {"PV": "view", "购买": "purchase", "Rent": "rent"}
    with pytest.raises(DataError, match=r"'wave' \(7 events\).*--kind wave=view"):
        kinds.of({**counts, "wave": 7}, None, weights)
    assert kinds.of({"wave": 7}, {"wave": "ignore"}, weights) == {"wave": "ignore"}
    with pytest.raises(SettingError, match="did you mean 'view'"):
        kinds.of({"wave": 7}, {"wave": "vew"}, weights)
