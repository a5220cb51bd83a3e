"""The report of the clusters: one file that needs nothing else, and one picture."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from wares.cli import _run
from wares.errors import SettingError, StoreError
from wares.plots import curve, dendrogram
from wares.report import write_clusters
from wares.shop import Shop


def test_the_page_holds_every_cluster_and_product_and_asks_nobody(shop: Shop, tmp_path: Path):
    path = write_clusters(shop, tmp_path / "clusters.html")
    text = path.read_text(encoding="utf-8")
    for each in shop.clusters():
        assert f'id="c{each.id}"' in text
    data = json.loads(re.search(r"drawMap\(document.getElementById\(\"map\"\), (\{.*\}), \{", text).group(1))
    assert sorted(data["ids"]) == sorted(hit.id for hit in shop.search("", k=60).hits)
    assert "<script>alert" not in text
    assert not re.search(r'(src|href)="(http|//|/)', text)
    assert "export function" not in text


def test_the_picture_is_a_png(shop: Shop, tmp_path: Path):
    path = write_clusters(shop, tmp_path / "clusters.png")
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert path.stat().st_size > 20_000


def test_another_ending_or_no_folder_is_refused(shop: Shop, tmp_path: Path):
    with pytest.raises(SettingError, match=r"\.html or \.png"):
        write_clusters(shop, tmp_path / "clusters.pdf")
    with pytest.raises(StoreError, match="no folder"):
        write_clusters(shop, tmp_path / "nowhere" / "clusters.html")


def test_the_command_writes_it(shop_folder: Path, tmp_path: Path):
    assert _run(["report", str(shop_folder), "--clusters", "-o", str(tmp_path / "a.html")], False) == 0
    assert (tmp_path / "a.html").exists()
    assert _run(["report", str(shop_folder), "-o", str(tmp_path / "a.doc")], False) == 2


def test_a_curve_marks_what_was_chosen():
    drawn = curve([(8, 1.0), (16, 0.5), (32, 0.4)], x="clusters", y="inertia", chosen=16)
    assert drawn.count("<circle") == 3
    assert drawn.count('class="chosen"') == 1
    assert "16 was chosen" in drawn
    assert curve([(8, 1.0)], x="a", y="b") == ""
    assert curve([(8, 1.0), (9, float("nan"))], x="a", y="b") == ""


def test_a_tree_names_its_leaves_and_escapes_them():
    tree = np.array([[0, 1, 1.0, 2], [2, 3, 2.0, 3]])
    drawn = dendrogram(tree, ["tea", "<mugs>", "shoes"], groups=[0, 0, 1])
    assert "&lt;mugs&gt;" in drawn
    assert drawn.count("<circle") == 3
    assert drawn.count('class="line"') == 2
    assert dendrogram(np.empty((0, 4)), ["one"]) == ""


def test_of_a_large_tree_the_last_merges_are_drawn():
    n = 200
    tree = np.array([[0 if at == 0 else n + at - 1, at + 1, at + 1.0, at + 2] for at in range(n - 1)])
    drawn = dendrogram(tree, [f"c{at}" for at in range(n)])
    assert drawn.count("<circle") == 80
    assert "and 120 more" in drawn
