"""Reviews out of files: columns in two languages, ratings of every kind, and rows that cannot be used."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from wares.data.ids import Ids
from wares.data.reviews import SCHEMA, check_reviews, matched, read_reviews, unknown_said
from wares.errors import DataError, SettingError


def good(ratings: list[object]) -> list[float | None]:
    table = pl.DataFrame({"product": ["P"] * len(ratings), "text": ["so so"] * len(ratings), "rating": ratings})
    return read_reviews(table).frame()["good"].to_list()


def test_columns_are_known_in_english_and_in_chinese(tmp_path: Path) -> None:
    (tmp_path / "en.csv").write_text(
        "Review ID,ASIN,Star Rating,Review Headline,Review Body,Review Date,Customer ID\n"
        "R1,P1,5,Lovely,Soft and warm.,2024-03-02,U1\n"
    )
    (tmp_path / "zh.csv").write_text("商品编号,评分,评论内容,评论时间,会员id\nP1,1,太差了,2024-03-02,U1\n")
    english, chinese = (read_reviews(tmp_path / name).frame() for name in ("en.csv", "zh.csv"))
    assert dict(english.schema) == dict(chinese.schema) == SCHEMA
    day = datetime(2024, 3, 2, tzinfo=UTC)
    assert english.rows() == [(2, "P1", "Lovely\nSoft and warm.", 5.0, 1.0, day, "U1")]
    assert chinese.rows() == [(2, "P1", "太差了", 1.0, 0.0, day, "U1")]


def test_columns_as_the_caller_says() -> None:
    table = pl.DataFrame({"a": ["P1"], "b": ["Nice."], "c": [5]})
    found = read_reviews(table, {"product": "a", "text": "b", "rating": "c"}).frame()
    assert found.select("product", "text", "good").rows() == [("P1", "Nice.", 1.0)]
    with pytest.raises(SettingError, match="did you mean 'rating'"):
        read_reviews(table, {"product": "a", "text": "b", "ratings": "c"})


def test_a_title_alone_is_the_text() -> None:
    table = pl.DataFrame({"sku": ["P1"], "headline": ["Lovely"]})
    assert read_reviews(table).frame()["text"].to_list() == ["Lovely"]


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        ([1, 2, 3, 4, 5], [0, 0, None, 1, 1]),
        ([0, 1], [0, 1]),
        ([-1, 1], [0, 1]),
        ([True, False], [1, 0]),
        ([2, 5, 8, 10], [0, None, 1, 1]),
        (["5.0 out of 5 stars", "1,5", "3 stars"], [1, 0, None]),
        (["positive", "Negative", "neutral"], [1, 0, None]),
        (["好评", "中评", "差评"], [1, None, 0]),
        ([1, 1], [0, 0]),  # without a zero these are stars
        ([5, None], [1, None]),
    ],
)
def test_ratings_are_praise_or_blame(ratings: list[object], expected: list[float | None]) -> None:
    assert good(ratings) == expected


def test_stars_to_ten_are_told_as_stars_to_five() -> None:
    table = pl.DataFrame({"product": ["P"] * 3, "text": ["x"] * 3, "rating": [4, 9, 10]})
    found = read_reviews(table)
    assert found.scale == "stars to 10"
    assert found.frame()["rating"].to_list() == [2.0, 4.5, 5.0]


def test_bad_rows_are_left_out_and_named_by_line(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(
        "product,rating,text\nP1,5,fine\n,4,of nothing\nP2,3,\nP2,what,odd\nP3,77,too many\nP3,2,bad\nP3,1,bad\n"
        "P4,5,good\n"
    )
    found = read_reviews(tmp_path / "r.csv")
    assert (len(found), found.rated, found.scale) == (6, 4, "stars")
    assert dict(found.left_out) == {
        "rows without a product": 1,
        "rows without a text": 1,
        "ratings that are none": 1,
        "ratings outside the scale": 1,
    }
    told = found.said()
    assert "r.csv" in told
    for each in ("line 3: no product", "line 4: no text", "line 5: rating 'what'", "line 6: rating 77 is none of"):
        assert each in told
    assert found.frame().filter(product="P2")["rating"].to_list() == [None]


def test_files_that_hold_no_reviews(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no column for the text of a review.*'sku', 'price'.*--map reviews\.text="):
        check_reviews(pl.DataFrame({"sku": ["P1"], "price": [3]}))
    with pytest.raises(DataError, match="no column for the product"):
        read_reviews(pl.DataFrame({"review": ["x"]}))
    (tmp_path / "r.csv").write_text("product,text\n,\nP1,\n")
    with pytest.raises(DataError, match=r"r\.csv holds no review that can be used.*line 3: no text"):
        read_reviews(tmp_path / "r.csv")
    with pytest.raises(DataError, match=r"none\.csv"):
        read_reviews(tmp_path / "none.csv")


def test_any_kind_of_file(tmp_path: Path) -> None:
    table = pl.DataFrame({"product": ["P1", "P2"], "text": ["好", "bad"], "rating": [5, 1]})
    table.write_parquet(tmp_path / "r.parquet")
    table.write_ndjson(tmp_path / "r.jsonl")
    table.write_csv(tmp_path / "r.tsv", separator="\t")
    for name in ("r.parquet", "r.jsonl", "r.tsv"):
        found = read_reviews(tmp_path / name).frame()
        assert found.select("product", "text", "good").rows() == [("P1", "好", 1.0), ("P2", "bad", 0.0)]


def test_products_that_are_not_known_are_named_with_the_nearest() -> None:
    table = pl.DataFrame({"product": ["shoe-1", "shoe-9", "shoe-9", "mug"], "text": ["a", "b", "c", "d"]})
    ids = Ids(["mug-1", "shoe-1", "shoe-2"])
    known, unknown = matched(read_reviews(table).frame(), ids)
    assert known.select("product", "row").rows() == [("shoe-1", 1)]
    assert unknown == ["shoe-9", "shoe-9", "mug"]
    told = unknown_said({"shoe-9": 2, "mug": 1}, ids, "r.csv")
    assert "r.csv: reviews of products that are not known: 3, of 'shoe-9', 'mug'" in told
    assert "did you mean 'shoe-" in told
