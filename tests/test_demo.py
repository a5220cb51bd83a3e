"""The demo shop's files, from a made-up table of the same columns as the real one."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from wares.config import Config
from wares.demo import SETTINGS, facts, prepare, readable, size

PRODUCTS = [
    # id, maker, department, brand, category, type, package
    (101, 69, "GROCERY", "Private", "FRZN VEGETABLE/VEG DSH", "FRZN CORN ON THE COB", "16.00 OZ"),
    (102, 69, "GROCERY", "Private", "FRZN VEGETABLE/VEG DSH", "FRZN CORN ON THE COB", "16.00 OZ"),
    (103, 69, "GROCERY", "Private", "FRZN VEGETABLE/VEG DSH", "FRZN CORN ON THE COB", "12 OZ"),
    (104, 5423, "DRUG GM", "National", "TOYS AND GAMES", "PLUSH", None),
    (105, 2, "MISCELLANEOUS", "National", None, None, None),
    (107, 4, "FLORAL", "National", "ROSES", "ROSE BUNCH", None),
    (106, 895, "FUEL", "Private", "COUPON/MISC ITEMS", "GASOLINE-REG UNLEADED", None),
    (108, 4, "FLORAL", "National", "ROSES", "ROSE BUNCH", None),
]
LINES = [
    # household, basket, product, quantity, sales, coupon match
    (7, 9001, 101, 2, 3.00, 0.0),
    (7, 9001, 104, 1, 9.49, 0.5),
    (8, 9002, 108, 1, 5.00, 0.0),
    (8, 9002, 101, 1, 2.00, 0.0),
    (8, 9002, 101, 1, 0.00, 0.0),
    (8, 9003, 106, 10_000, 25.00, 0.0),
    (8, 9003, 999, 1, 1.00, 0.0),
]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    source = tmp_path / "source"
    source.mkdir()
    columns = ["product_id", "manufacturer_id", "department", "brand", "product_category", "product_type"]
    pl.DataFrame(PRODUCTS, schema=[*columns, "package_size"], orient="row").write_parquet(source / "products.parquet")
    columns = ["household_id", "basket_id", "product_id", "quantity", "sales_value", "coupon_match_disc"]
    pl.DataFrame(LINES, schema=columns, orient="row").with_columns(
        pl.lit(datetime(2017, 3, 1, 12, 30)).alias("transaction_timestamp")
    ).write_parquet(source / "transactions.parquet")
    pl.DataFrame({"household_id": [7], "age": ["35-44"], "household_comp": ["1 Adult Kids"]}).write_parquet(
        source / "demographics.parquet"
    )
    return prepare(tmp_path / "made", source)


def test_products_are_what_a_person_can_read(files: tuple[Path, Path, Path]) -> None:
    table = pl.read_parquet(files[0])
    assert table["id"].to_list() == ["101", "102", "103", "104", "105", "108", "107", "106"]
    assert table["title"][0] == "Frozen Corn on the Cob, Store Brand, 16 oz"
    assert table["title"][3] == "Plush, Toys and Games, Brand 5423"
    assert table["title"][4] == "Miscellaneous, Brand 2"
    assert table["category"][0] == "Grocery > Frozen Vegetable/Vegetable Dish > Frozen Corn on the Cob"
    assert table["category"][4] == "Miscellaneous"
    assert table["brand"].to_list()[3:] == ["Brand 5423", "Brand 2", "Brand 4", "Brand 4", "Store Brand 895"]


def test_variants_share_a_group_the_most_bought_first(files: tuple[Path, Path, Path]) -> None:
    table = pl.read_parquet(files[0])
    assert table["group"].to_list() == ["101", "101", "103", "104", "105", "107", "107", "106"]


def test_prices_are_the_median_of_what_was_paid(files: tuple[Path, Path, Path]) -> None:
    table = pl.read_parquet(files[0])
    # 1.50 and 2.00 were paid for 101, and nothing is no price; 102 was never bought and costs what its variant costs.
    assert table["price"].to_list() == [1.75, 1.75, None, 9.99, None, 5, 5, 2.5]
    assert table["popularity"].to_list() == [3, 0, 0, 1, 0, 1, 0, 1]


def test_events_are_purchases_with_basket_and_amount(files: tuple[Path, Path, Path]) -> None:
    log = pl.read_parquet(files[1])
    assert log.columns == ["shopper", "product", "kind", "at", "value", "basket"]
    assert log["shopper"].to_list() == ["7", "7", "8", "8", "8", "8", "8"]
    assert log["product"].dtype == pl.String
    assert log["basket"][0] == "9001"
    assert log["value"].to_list() == [2, 1, 1, 1, 1, 10, 1]
    assert log["at"].dtype == pl.Datetime("us", "UTC")
    assert log["kind"].unique().to_list() == ["purchase"]


def test_shoppers_keep_their_attributes(files: tuple[Path, Path, Path]) -> None:
    assert pl.read_parquet(files[2]).row(0, named=True) == {
        "shopper": "7",
        "age": "35-44",
        "household": "1 Adult Kids",
    }


def test_clusters_are_judged_by_vectors_that_saw_neither_category_nor_type(files: tuple[Path, Path, Path]) -> None:
    config = Config.default()
    for key, value in SETTINGS.items():
        config = config.with_value(key, value)
    table = pl.read_parquet(files[0])
    seen = " ".join(table.select(config.evaluate.columns).row(0))
    assert seen == "Store Brand 16 oz"


def test_facts_count_what_is_missing(files: tuple[Path, Path, Path]) -> None:
    found = facts(files[0], files[1])
    assert found["products"] == 8
    assert found["variant groups"] == 6
    assert found["products without price"] == 2
    assert found["products never bought"] == 4
    assert found["events of unknown products"] == 1


def test_the_same_source_gives_the_same_files(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    again = prepare(tmp_path / "again", tmp_path / "source")
    for one, other in zip(files, again, strict=True):
        assert pl.read_parquet(one).equals(pl.read_parquet(other))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FRZN NOVELTIES/WTR ICE", "Frozen Novelties/Water Ice"),
        ("SEAFOOD-FRE-SALMON", "Seafood: Fresh Salmon"),
        ("CHIX: ROTISSERIE COLD", "Chicken: Rotisserie Cold"),
        ("MENS  HAIR SPRAYS", "Men's Hair Sprays"),
        ("APPLE JUICE & CIDER (50% AND U", "Apple Juice & Cider (up to 50% Juice)"),
        ("SFT DRNK 2 LITER BTL CARB INCL", "Soft Drink 2 Liter Bottle Carbonated"),
        ("PREMIUM 750ML WINES", "Premium 750 ml Wines"),
        ("HOME-MAGAZINE", "Home Magazine"),
        ("TEA (CANNED/BOTTLED) W/SWEETEN", "Tea (Canned/Bottled) with Sweetener"),
    ],
)
def test_abbreviations_are_said_whole(text: str, expected: str) -> None:
    assert readable(text, ["SWEETENER"]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12   OZ", "12 oz"),
        ("P   .22 OZ", "0.22 oz"),
        ("KIOSK16 OZ", "16 oz"),
        ("8.45 FL OZ", "8.45 fl oz"),
        ("750 ML", "750 ml"),
        ("10 OZ", "10 oz"),
        ("2941818 PK", None),
        ("CTN", None),
    ],
)
def test_sizes_are_said_plainly(text: str, expected: str | None) -> None:
    assert size(text) == expected
