"""Products that come in while a shop is open: their cluster at once, in every later build, and watched for drift."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import small_shop

import wares
from wares.arrivals import Arrivals
from wares.cli import _run
from wares.clustering import recluster
from wares.data.changes import apply_changes, folded, read_changes
from wares.errors import DataError, UnknownName
from wares.shop import Shop
from wares.store.log import Log

MUG = {"id": "N1", "title": "green coffee mug", "brand": "Clay", "category": "Kitchen > Mugs", "price": 9.5}


def logged(folder: Path) -> int:
    path = folder / "log.sqlite"
    if not path.exists():
        return 0
    with Log(path) as log:
        return len(log.products_since())


def test_a_new_product_is_in_its_cluster_at_once(own_shop: Shop):
    mugs = own_shop.product("P11")["cluster"]
    (placed,) = own_shop.add_products(MUG)
    assert (placed.id, placed.title, placed.new) == ("N1", "green coffee mug", True)
    assert placed.cluster == mugs
    assert 0 < placed.distance < 2
    found = own_shop.product("N1")
    assert found["price"] == 9.5
    assert found["cluster"] == mugs
    assert (found["new"], found["searchable"]) == (True, "after the next build")
    assert "N1" not in {hit.id for hit in own_shop.search("green coffee mug", k=60).hits}


def test_where_each_product_is_now_it_would_be_put_again(own_shop: Shop):
    ids = small_shop.products()["id"].to_list()
    placed = own_shop.place(small_shop.products())
    assert not any(each.new for each in placed)
    clusters = [own_shop.product(id)["cluster"]["id"] for id in ids]
    # k-means stops where the mean of no cluster would move, so each is at its nearest mean
    assert np.mean([each.cluster["id"] == here for each, here in zip(placed, clusters, strict=True)]) >= 0.95
    assert logged(own_shop.folder) == 0
    assert not (own_shop.folder / "log.sqlite").exists()


def test_what_came_in_is_in_every_later_build(own_folder: Path):
    with Shop(own_folder) as shop:
        (placed,) = shop.add_products([{**MUG, "glaze": "celadon"}])
        shop.add_products({"id": "P1", "price": 44.0})
        assert shop.delete_products(["P2"]) == 1
        assert shop.product("P1")["price"] == 44.0
        assert shop.product("P1")["title"] == "red running shoe"
        assert shop.product("P2")["deleted"]
    for products in (None, small_shop.products()):  # the second reads the file again
        with wares.build(own_folder, products=products) as built:
            found = built.product("N1")
            assert found["glaze"] == "celadon"
            assert found["cluster"]["id"] == placed.cluster["id"]
            assert "searchable" not in found
            assert "N1" in {hit.id for hit in built.search("green coffee mug").hits}
            assert built.product("P1")["price"] == 44.0
            with pytest.raises(UnknownName):
                built.product("P2")
            done = built.info()["products"]
            assert done["n"] == 60
            assert done["changes"] == {"changed": 1, "added": 1, "deleted": 1, "passed_over": 0, "columns": ["glaze"]}
            assert built.drift()["products"] == 0


def test_a_change_after_the_build_counts_after_it(own_folder: Path):
    with Shop(own_folder) as shop:
        shop.add_products(MUG)
    with wares.build(own_folder) as built:
        (placed,) = built.add_products({"id": "N1", "price": 5})
        assert not placed.new
        assert placed.title == "green coffee mug"
        assert built.product("N1")["price"] == 5
        assert not built.product("N1")["new"]
        assert built.drift()["products"] == 0
    with wares.build(own_folder) as built:
        assert built.product("N1")["price"] == 5


def test_what_is_deleted_and_added_again_begins_anew(own_folder: Path):
    with Shop(own_folder) as shop:
        shop.delete_products(["P3"])
        with pytest.raises(DataError, match="title"):
            shop.add_products({"id": "P3", "price": 3.0})
        shop.add_products({"id": "P3", "title": "another trail shoe"})
        assert "brand" not in shop.product("P3")
        with pytest.raises(UnknownName, match="N7"):
            shop.delete_products(["P4", "N7"])
    with wares.build(own_folder) as built:
        assert built.product("P3")["title"] == "another trail shoe"
        assert "brand" not in built.product("P3")
        assert built.product("P4")["title"] == "road racer shoe"


def test_events_may_tell_of_a_product_that_just_came(own_folder: Path):
    with Shop(own_folder) as shop:
        shop.add_products(MUG)
        event = {"shopper": "U1", "product": "N1", "kind": "purchase", "at": datetime(2026, 3, 5, tzinfo=UTC)}
        assert shop.add_events(pl.DataFrame([event])) == 1
        assert shop.recommend("U1", k=3).hits
        with pytest.raises(UnknownName, match="N2"):
            shop.add_events(pl.DataFrame([{**event, "product": "N2"}]))
    with wares.build(own_folder) as built:
        assert "N1" in {each["id"] for each in built.shopper("U1")["products"]}


BAD = [
    ([{**MUG}, {"title": "no id"}], "row 2: no id"),
    ([{**MUG}, {"id": "N2", "price": 3.0}], "'N2' is new and has no title"),
    ([{**MUG}, {**MUG}], "more than once"),
    ([{**MUG}, {"id": "N2", "title": "cup", "price": "cheap"}], "price 'cheap' is not a number"),
    ([{**MUG, "price": -1}], "price '-1.0' is not above zero"),
    ([{**MUG, "created": "yesterday"}], "created 'yesterday' is not a time"),
    ([], "empty list"),
    (["N1"], "is no product"),
    ({"id": "N1"}, "only 'id'"),
    (pl.DataFrame({"title": ["cup"], "price": [1.0]}), "no column for id"),
]


@pytest.mark.parametrize(("products", "says"), BAD, ids=[says for _, says in BAD])
def test_what_cannot_be_is_refused_whole(own_shop: Shop, products: object, says: str):
    with pytest.raises(DataError, match=says):
        own_shop.add_products(products)
    assert logged(own_shop.folder) == 0
    with pytest.raises(UnknownName):
        own_shop.product("N1")


def test_a_file_is_taken_in_with_the_columns_of_the_shops_own(own_shop: Shop, tmp_path: Path):
    path = tmp_path / "new.csv"
    path.write_text("sku,name,price\n007,yellow rain boot,12.50\nP1,,13\n", encoding="utf-8")
    boot, shoe = own_shop.add_products(path)
    assert (boot.id, boot.new, boot.title) == ("007", True, "yellow rain boot")
    assert (shoe.id, shoe.new, shoe.title) == ("P1", False, "red running shoe")
    assert own_shop.product("P1")["price"] == 13.0
    with pytest.raises(DataError, match=r"nothing\.csv"):
        own_shop.add_products(tmp_path / "nothing.csv")


def test_two_processes_know_what_either_took_in(own_folder: Path):
    with Shop(own_folder) as one, Shop(own_folder) as other:
        one.add_products(MUG)
        assert other.product("N1")["title"] == "green coffee mug"
        other.add_products({"id": "N1", "price": 1.25})
        assert one.product("N1")["price"] == 1.25
        assert [each.drift()["products"] for each in (one, other)] == [1, 1]
        other.delete_products(["N1"])
        with pytest.raises(UnknownName):
            one.product("N1")


def test_a_process_killed_before_it_answers_has_lost_nothing(own_folder: Path):
    code = (
        "import os, sys\n"
        "from wares.arrivals import Arrivals\n"
        "from wares.shop import Shop\n"
        "shop = Shop(sys.argv[1])\n"
        "log = shop._live.log()\n"
        "append = log.append\n"
        "log.append = lambda *given: (append(*given), os._exit(9))\n"
        "shop.add_products({'id': 'N1', 'title': 'green coffee mug'})\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(own_folder)], env={**os.environ}, check=False)
    assert done.returncode == 9
    with Shop(own_folder) as shop:
        assert shop.product("N1")["title"] == "green coffee mug"
        assert shop.drift()["products"] == 1


def test_a_department_that_is_planted_is_found_out_and_the_same_mix_is_not(own_folder: Path):
    rng = np.random.default_rng(3)
    known = small_shop.products().to_dicts()
    same = [{**known[i], "id": f"S{n}"} for n, i in enumerate(rng.integers(0, 60, 200))]
    words = ["torque", "wrench", "gasket", "piston", "valve", "rotor", "clutch", "axle"]
    odd = [{"id": f"O{n}", "title": " ".join(rng.choice(words, 4)), "brand": "Motorwerk"} for n in range(100)]
    with Shop(own_folder) as shop:
        shop.add_products(same)
        calm = shop.drift()
        assert (calm["products"], calm["due"]) == (200, False)
        assert "still suit" in calm["said"]
        shop.add_products(odd)
        found = shop.drift()
        assert (found["products"], found["due"]) == (300, True)
        assert "wares build" in found["said"]
        assert found["most_moved"]["cluster"] in [{"id": each.id, "name": each.name} for each in shop.clusters()]
    with Shop(own_folder) as later:  # another process, from the log alone
        again = later.drift()
        assert {**again, "score": 0, "most_moved": 0} == {**found, "score": 0, "most_moved": 0}
        assert again["score"] == pytest.approx(found["score"])


@pytest.mark.parametrize("method", ["agglomerative", "nmf", "gmm"])
def test_methods_without_centres_place_by_their_own_rule(own_folder: Path, method: str):
    recluster(own_folder, method=method, settings={"n_clusters": "6"})
    with Shop(own_folder) as shop:
        placed = shop.place(small_shop.products())
        here = [shop.product(each.id)["cluster"] for each in placed]
        alike = [each.cluster == cluster for each, cluster in zip(placed, here, strict=True) if cluster is not None]
        assert np.mean(alike) >= 0.95


def test_a_variant_goes_where_its_group_is(tmp_path: Path):
    frame = small_shop.products().with_columns(group=pl.when(pl.col("id") == "P11").then(pl.lit("G")))
    with wares.build(tmp_path / "shop", products=frame, settings=small_shop.SETTINGS) as shop:
        (placed,) = shop.place({"id": "N1", "title": "garden fork", "group": "G"})
        assert placed.cluster == shop.product("P11")["cluster"] != shop.product("P32")["cluster"]


def test_changes_are_laid_over_a_file_batch_by_batch(tmp_path: Path):
    source, target = tmp_path / "a.arrow", tmp_path / "b.arrow"
    frame = pl.DataFrame({"id": ["a", "b", "c", "d"], "title": ["A", "B", "C", "D"], "size": [1, 2, None, 4]})
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    with pa.ipc.new_file(source, table.schema) as file:
        file.write_table(table, max_chunksize=2)
    changes = folded(
        [
            ("d", {"title": "dd", "size": "7"}),
            ("x", {"title": "X", "size": 9, "tint": "red"}),
            ("b", None),
            ("y", {"size": 3}),
            ("c", None),
            ("c", {"title": "cc"}),
            ("x", {"size": None, "tint": "blue"}),
            ("z", {"title": "Z"}),
            ("z", None),
        ]
    )
    done = apply_changes(source, target, changes)
    assert pl.read_ipc(target).rows() == [
        ("a", "A", 1, None),
        ("d", "dd", 7, None),
        ("x", "X", 9, "blue"),
        ("c", "cc", None, None),
    ]
    assert done == {"changed": 2, "added": 1, "deleted": 1, "passed_over": 2, "columns": ["tint"]}


def test_json_of_mixed_kinds_is_read():
    rows = [{"id": 1, "price": 3, "tags": ["a", "b"]}, {"id": "P2", "price": "4.50", "open": True}]
    first, second = read_changes(rows)
    assert (first["id"], first["price"]) == ("1", 3.0)
    assert (second["price"], second["open"]) == (4.5, True)
    assert read_changes({"id": "a", "category": "TV/Audio"}, levels=">")[0]["category"] == "TV/Audio"


def test_the_command_line_takes_products_in(own_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "new.jsonl"
    path.write_text(json.dumps(MUG) + "\n" + json.dumps({"id": "P1", "price": 44}) + "\n", encoding="utf-8")

    def run(*args: str) -> str:
        assert _run([args[0], str(own_folder), *args[1:]], False) == 0
        return "".join(capsys.readouterr())

    assert json.loads(run("add", str(path), "--dry-run", "--json"))["products"][0]["new"]
    assert logged(own_folder) == 0
    said = run("add", str(path), "--delete", "P2")
    assert all(part in said for part in ("green coffee mug", "changed", "1 new, 1 changed", "1 deleted"))
    assert "1 new product has come in" in run("drift")
    assert json.loads(run("drift", "--json"))["products"] == 1
    odd = tmp_path / "odd.csv"
    odd.write_text("id,title\n" + "".join(f"O{n},piston gasket {n}\n" for n in range(60)), encoding="utf-8")
    said = run("add", str(odd))
    assert f"wares build {own_folder}" in said.replace("\n", "")
    assert f"wares build {own_folder}" in run("info").replace("\n", "")
    run("build", "--quiet")
    said = run("info")
    assert "since the file: 1 changed, 61 added, 1 deleted" in said
    assert "do not suit" not in said
    assert _run(["add", str(own_folder)], False) == 2
    assert "--delete ID" in capsys.readouterr().err


def test_arrivals_look_at_the_log_only_when_it_changed(own_shop: Shop, monkeypatch: pytest.MonkeyPatch):
    own_shop.add_products(MUG)
    looked: list[int] = []
    products_since = Log.products_since
    monkeypatch.setattr(Log, "products_since", lambda log, seq: (looked.append(seq), products_since(log, seq))[1])
    arrivals: Arrivals = own_shop._arrivals
    for _ in range(3):
        arrivals.card("N1", own_shop.now)
    assert looked == []
