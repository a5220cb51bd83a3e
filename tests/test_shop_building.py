"""Builds as a shop's owner sees them: a second, a killed and a damaged one, live events, kinds of tables."""

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import small_shop

import wares
from wares.errors import DataError, SettingError, StoreError, UnknownName
from wares.shop import Shop
from wares.store.builds import MANIFEST, Builds


def answers(shop: Shop) -> list[Any]:
    """What a shop says to many askers: ids and scores."""
    found = [shop.search(query, k=20) for query in ("red shoe", "mug", "steel", "tea for two", "choclate", "castle")]
    found += [shop.similar(f"P{n}", k=20) for n in range(1, 56)]
    found += [shop.bought_together(f"P{n}", k=20) for n in range(1, 56, 3)]
    found += [shop.recommend(shopper=f"U{n}", k=20) for n in range(1, 41)]
    found += [shop.recommend(basket=["P1", f"P{n}"], k=20) for n in range(2, 50, 5)]
    return [[(hit.id, hit.score) for hit in each.hits] for each in found]


def test_a_second_build_is_a_build_from_nothing(own_folder: Path, tmp_path: Path) -> None:
    changed = small_shop.products().with_columns(
        title=pl.when(pl.col("id") == "P8").then(pl.lit("yellow rain boot")).otherwise("title")
    )
    with wares.build(own_folder, products=changed) as second:
        tables = {"events": small_shop.events(), "shoppers": small_shop.shoppers()}
        with wares.build(tmp_path / "new", products=changed, **tables, settings=small_shop.SETTINGS) as new:
            assert answers(second) == answers(new)
        kept = [each["step"] for each in second.info()["steps"] if each["cached"]]
        assert {"events", "history"} <= set(kept)
        assert "yellow" in second.search("yellow boot", k=1).hits[0].title


def test_a_third_build_of_the_same_makes_nothing(own_folder: Path) -> None:
    with wares.build(own_folder) as shop:
        assert all(each["cached"] for each in shop.info()["steps"] if each["step"] in ("products", "vectors", "events"))


_SLOW = """
import sys, time
from wares.making import build_shop
from wares.engine import Unwatched
class Slow(Unwatched):
    def step(self, name, expected=0.0):
        if name.startswith("index"):
            print("there", flush=True)
            time.sleep(60)
        return super().step(name, expected)
build_shop(sys.argv[1], settings={"encode.width": 8}, observer=Slow())
"""


def test_a_killed_build_leaves_the_last_one_serving(own_folder: Path) -> None:
    before = Builds(own_folder).all()
    process = subprocess.Popen([sys.executable, "-c", _SLOW, str(own_folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "there\n"
        with pytest.raises(StoreError, match="running already"):  # and two builds at once are refused
            wares.build(own_folder)
        with wares.open(own_folder) as shop:
            assert shop.search("mug").hits
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert Builds(own_folder).all() == before
    with wares.open(own_folder) as shop:
        assert shop.search("mug").hits
    with wares.build(own_folder) as shop:  # what the dead one left is no hindrance
        assert shop.similar("P1").hits
    assert not list((own_folder / "builds").glob(".tmp-*"))


def test_damage_and_age_are_said_with_a_way_out(own_folder: Path) -> None:
    manifest = Builds(own_folder).all()[-1] / MANIFEST
    known = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**known, "format": 0}))
    with pytest.raises(StoreError, match=r"older wares.*wares build"):
        wares.open(own_folder)
    manifest.write_text("{")
    with pytest.raises(StoreError, match=r"damaged.*wares build"):
        wares.open(own_folder)
    with wares.build(own_folder) as shop:
        assert shop.search("mug").hits


def test_a_missing_file_of_a_build_is_named(own_folder: Path) -> None:
    build = Builds(own_folder).all()[-1]
    (build / "search" / "popularity.npy").unlink()
    with pytest.raises(StoreError, match=r"popularity.npy is missing.*wares build"):
        wares.open(own_folder)


def test_a_failed_build_leaves_the_last_one(own_folder: Path) -> None:
    settings = (own_folder / "shop.toml").read_text()
    for bad in (
        {"products": "nowhere.csv"},
        {"settings": {"cluster.n_cluster": 4}},
        {"events": small_shop.events().with_columns(product=pl.lit("nothing"))},
    ):
        with pytest.raises((DataError, SettingError)):
            wares.build(own_folder, **bad)
    assert (own_folder / "shop.toml").read_text() == settings
    with wares.open(own_folder) as shop:
        assert shop.search("mug").hits


def test_an_event_is_in_the_next_answer_and_in_the_next_build(own_folder: Path) -> None:
    with wares.open(own_folder) as shop:
        at = datetime(2026, 3, 5, tzinfo=UTC)
        assert shop.add_events([{"shopper": "new", "product": "P11", "at": at.isoformat()}]) == 1
        first = shop.recommend(shopper="new", k=5)
        assert first.hits
        assert "P11" not in [hit.id for hit in first.hits]
        assert any("P11" in reason.products for hit in first.hits for reason in hit.reasons)
        assert shop.shopper("new")["events"] == 1
        with pytest.raises(UnknownName, match="P11"):
            shop.add_events([{"shopper": "new", "product": "P11x"}])
    with wares.build(own_folder) as shop:
        assert "new" in shop.shoppers("new")
        assert shop.shopper("new")["events"] == 1  # not counted twice


def test_every_kind_of_table(tmp_path: Path) -> None:
    products = small_shop.products()
    tables = {"polars": products, "arrow": products.to_arrow(), "dicts": products.to_dicts()}
    pandas = pytest.importorskip("pandas")
    tables["pandas"] = pandas.DataFrame(products.to_dict(as_series=False))
    found = {}
    for name, table in tables.items():
        with wares.build(tmp_path / name, products=table, settings=small_shop.SETTINGS) as shop:
            found[name] = [(hit.id, hit.score) for hit in shop.search("steel mug", where={"price": {"lt": 12}}).hits]
    assert found["polars"]
    assert all(each == found["polars"] for each in found.values())


def test_what_is_no_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="neither a path nor"):
        wares.build(tmp_path / "shop", products=42)
    assert not (tmp_path / "shop" / "builds").exists()


def test_filters(shop: Shop) -> None:
    cheap = shop.search("mug", k=50, where={"price": {"lt": 9}, "brand": ["Clay"]})
    assert cheap.total == len(cheap.hits) > 0
    assert all(each["price"] < 9 and each["brand"] == "Clay" for each in shop.products([h.id for h in cheap.hits]))
    assert (
        shop.search("tea", where={"category": "Food"}).total
        >= shop.search("tea", where={"category": "Food > Tea"}).total
    )
    with pytest.raises(UnknownName, match="price"):
        shop.search("mug", where={"prise": 1})
    with pytest.raises(SettingError, match="k=0"):
        shop.search("mug", k=0)


def test_an_event_of_another_time_is_refused(own_shop: Shop) -> None:
    for at in ("2999-01-01", "1889-12-31"):
        with pytest.raises(DataError, match="to tomorrow"):
            own_shop.add_events([{"shopper": "new", "product": "P11", "at": at}])
    assert "new" not in own_shop.shoppers()
