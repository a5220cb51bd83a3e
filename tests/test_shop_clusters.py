"""Clusters of a shop as people meet them: ids that last, names of their own, why, departments, another method."""

import json
from pathlib import Path

import polars as pl
import pytest
import small_shop

import wares
from wares.cli import _run
from wares.clustering import recluster
from wares.errors import DataError, SettingError, UnknownName
from wares.shop import Shop


def by_id(shop: Shop) -> dict[int, set[str]]:
    return {each.id: {hit.id for hit in shop.cluster(each.id, k=60)[1].hits} for each in shop.clusters()}


def test_a_changed_title_leaves_ids_and_names(own_folder: Path, shop: Shop):
    changed = small_shop.products().with_columns(
        title=pl.when(pl.col("id") == "P8").then(pl.lit("yellow rain boot")).otherwise("title")
    )
    with wares.build(own_folder, products=changed) as second:
        before, now = by_id(shop), by_id(second)
        assert set(now) <= set(before) | set(range(len(before), 99))
        moved = sum(len(now[id] - before.get(id, set())) for id in now)
        followed = second.info()["clusters"]["followed"]
        assert followed["kept"] == pytest.approx(1 - moved / 60)
        assert followed["kept"] >= 0.9  # sixty products: two clusters that lie close may change places


def test_a_cluster_is_found_by_its_id_everywhere(shop: Shop):
    one = max(shop.clusters(), key=lambda each: each.size)
    members = {hit.id for hit in shop.cluster(one.id, k=60)[1].hits}
    assert len(members) == one.size
    for id in members:
        assert shop.product(id)["cluster"]["id"] == one.id
    found = shop.search("mug", k=60, where={"cluster": one.id})
    assert {hit.id for hit in found.hits} <= members
    with pytest.raises(UnknownName):
        shop.cluster(999)


def test_a_cluster_tells_prices_brands_and_revenue(shop: Shop):
    mugs = next(each for each in shop.clusters() if "Mug" in each.name)
    low, middle, high = mugs.prices
    assert 1 <= low <= middle <= high <= 60
    assert mugs.brands[0][0] == "Clay"
    assert mugs.revenue is not None
    assert len(mugs.borderline) == 8
    assert 0 < mugs.share < 1


def test_departments_hold_every_cluster_once(shop: Shop):
    found = shop.departments()
    ids = [one.id for each in found for one in each["clusters"]]
    assert sorted(ids) == sorted(each.id for each in shop.clusters())
    assert sum(each["size"] for each in found) == 60
    assert len({each["name"] for each in found}) == len(found)


def test_why_names_words_neighbours_and_what_would_move_it(shop: Shop):
    found = shop.why_cluster("P3")
    assert found["product"] == "P3"
    assert found["runner_up"]["farther"] > 0
    assert sum(each["share"] for each in found["reasons"]) == pytest.approx(1)
    assert all(each["here"] > each["elsewhere"] for each in found["terms"])
    boot = shop.why_cluster("P8")
    assert {"without", "to"} <= set(boot["would_move"][0]) if boot["would_move"] else True
    mug = shop.why_cluster("茶 1")
    assert mug["cluster"]["id"] in {each.id for each in shop.clusters()}
    with pytest.raises(UnknownName, match="P3"):
        shop.why_cluster("P3x")


def test_a_name_of_ones_own_is_kept_from_build_to_build(own_folder: Path):
    with Shop(own_folder) as shop:
        id = shop.clusters()[0].id
        assert shop.rename_cluster(id, "绿茶\u3000礼盒").name == "绿茶\u3000礼盒"
        renamed = shop.rename_cluster(id, " The first of all ")
        assert (renamed.name, renamed.curated) == ("The first of all", True)
        with pytest.raises(SettingError, match="already"):
            shop.rename_cluster(shop.clusters()[1].id, "The first of all")
        with pytest.raises(SettingError, match="at most 80"):
            shop.rename_cluster(id, "x" * 81)
        for unseen in ("two\nlines", "\u202ebackwards"):
            with pytest.raises(SettingError, match="visible"):
                shop.rename_cluster(id, unseen)
    with wares.build(own_folder, settings={"search.nearest": 150}) as again:
        assert next(each.name for each in again.clusters() if each.id == id) == "The first of all"
        own = again.rename_cluster(id, "")
        assert own.id == id
    with wares.build(own_folder) as back:
        assert next(each.name for each in back.clusters() if each.id == id) != "The first of all"


def test_another_method_keeps_the_ids_of_what_is_the_same(own_folder: Path):
    tried = recluster(own_folder, settings={"n_clusters": "5"}, dry_run=True)
    assert "n_clusters = 5" in tried["said"][1]
    with Shop(own_folder) as shop:
        assert len(shop.clusters()) == 8
    found = recluster(own_folder, method="nmf", settings={"n_clusters": "5"})
    assert (found["before"]["clusters"], found["after"]["clusters"]) == (8, 5)
    assert found["after"]["method"] == "nmf"
    with Shop(own_folder) as shop:
        assert len(shop.clusters()) == 5
        assert {each.id for each in shop.clusters()} & set(range(8))
    with pytest.raises(SettingError, match="n_clusters"):
        recluster(own_folder, settings={"n_cluster": "5"})
    with pytest.raises(SettingError, match="--auto"):
        recluster(own_folder, method="kmeans", budget=1.0)


def test_the_command_line_says_the_same(shop_folder: Path, own_folder: Path, capsys: pytest.CaptureFixture[str]):
    assert _run(["clusters", str(shop_folder), "--tree", "--json"], False) == 0
    tree = json.loads(capsys.readouterr().out)["departments"]
    assert sum(len(each["clusters"]) for each in tree) == 8
    assert _run(["clusters", str(shop_folder), "--tree"], False) == 0
    assert _run(["why", str(shop_folder), "P3", "--cluster"], False) == 0
    assert "is in" in capsys.readouterr().out
    assert _run(["why", str(shop_folder), "P3", "--json"], False) == 0
    assert json.loads(capsys.readouterr().out)["product"] == "P3"
    assert _run(["clusters", str(own_folder), "--rename", "0=Zero"], False) == 0
    assert "Zero" in capsys.readouterr().out
    assert _run(["clusters", str(own_folder), "--rename", "zero=0"], False) == 2
    assert _run(["cluster", str(own_folder), "--set", "n_clusters=4", "--json"], False) == 0
    assert json.loads(capsys.readouterr().out)["after"]["clusters"] == 4
    assert _run(["cluster", str(own_folder), "--auto", "--budget", "soon"], False) == 2
    assert "90s" in capsys.readouterr().err


def test_a_method_that_finds_nothing_says_so(own_folder: Path):
    with pytest.raises(DataError, match=r"finds no cluster among 60 products.*nearest"):
        recluster(own_folder, method="hdbscan", settings={"min_cluster_size": "50", "noise": "keep"})
    with Shop(own_folder) as shop:
        assert len(shop.clusters()) == 8
