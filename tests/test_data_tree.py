"""Taxonomies and labels out of files: every form, and every mistake with its line."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data.ids import Ids
from wares.data.labels import read_labels, write_labels
from wares.data.schema import LEVELS
from wares.data.tree import Tree, separator_of, steps_of
from wares.errors import DataError, UnknownName

GOOGLE = """# Google_Product_Taxonomy_Version: 2021-09-21
1 - Animals, Pets & Supplies
2 - Animals, Pets & Supplies > Cat Beds
5 - Shoes
7 - Shoes > Boots
8 - Shoes > Boots > Rain Boots
9 - Shoes > Rain Boots
"""
SHOES = ("Shoes", "Shoes > Boots", "Mugs")


def written(folder: Path, text: str, name: str = "tree.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_numbered_list_of_paths(tmp_path: Path):
    tree = Tree.read(written(tmp_path, GOOGLE, "google-taxonomy.txt"))
    assert tree.paths[1] == "Animals, Pets & Supplies > Cat Beds"
    assert tree.parent.tolist() == [-1, 0, -1, 2, 3, 2]
    assert tree.level.tolist() == [1, 2, 1, 2, 3, 2]
    assert tree.leaves.tolist() == [1, 4, 5]
    assert tree.names[4] == "Rain Boots"
    assert tree.ancestors[4].tolist() == [2, 3, 4]
    assert tree.ancestors[2].tolist() == [2, -1, -1]
    assert tree.children(2).tolist() == [3, 5]
    assert tree.at(2).tolist() == [1, 3, 5]
    assert tree.find("7") == tree.find("boots") == tree.find("SHOES>boots") == 3
    assert tree.find("rain boots") == -1, "two nodes have that name"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("parent,child\n,Shoes\nShoes,Boots\n,Mugs\n", "tree.csv"),
        ("child,parent\nBoots,Shoes\nMugs,\n", "tree.csv"),
        ("id;parent_id;name\n1;;Shoes\n2;1;Boots\n3;0;Mugs\n", "tree.csv"),
        ("path\nShoes\nShoes > Boots\nMugs\n", "tree.csv"),
        ("path\nShoes\nShoes/Boots\nMugs\n", "tree.csv"),
        ("category\nShoes\nShoes|Boots\nMugs\n", "tree.csv"),
        ("n,path\n1,Shoes\n2,Shoes >> Boots\n3,Mugs\n", "tree.csv"),
        ("Shoes\nShoes >> Boots\nMugs\n", "tree.txt"),
        ("level1,level2\nShoes,Boots\nMugs,\n", "tree.csv"),
        (
            '{"parent": null, "child": "Shoes"}\n{"parent": "Shoes", "child": "Boots"}\n{"child": "Mugs"}\n',
            "tree.jsonl",
        ),
    ],
)
def test_every_form_is_the_same_taxonomy(tmp_path: Path, text: str, name: str):
    assert set(Tree.read(written(tmp_path, text, name)).paths) == set(SHOES)


def test_tables_lists_and_labels_in_memory():
    assert Tree.read(["Shoes / Boots", "Shoes", "Mugs"]).paths == ("Shoes", "Shoes > Boots", "Mugs")
    assert (
        Tree.read(pl.DataFrame({"parent": [None, "Shoes", None], "child": ["Shoes", "Boots", "Mugs"]})).paths == SHOES
    )
    assert Tree.of(["Shoes > Boots", None, "Mugs", "Shoes > Boots"]).paths == ("Shoes", "Shoes > Boots", "Mugs")
    assert len(Tree.of([])) == Tree.of([]).depth == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("parent,child\nA,B\nB,C\nC,A\n", "line 2: 'B' is below itself: B > C > A > B"),
        ("parent,child\nA,A\n", "line 2: 'A' is below itself"),
        ("parent,child\nA,B\nC,B\n", "line 3: 'B' is below 'C' here and below 'A' on line 2"),
        ("parent,child\nA,B\nA,B\n", "line 3: 'B' stands on line 2 already"),
        ("id,parent_id,name\n1,,A\n2,9,B\n", "line 3: '2' is below '9', which stands nowhere"),
        ("id,parent_id,name\n1,,A\n2,,A\n", "line 3: 'A' stands on line 2 already"),
        ("parent,child\nA,\n", "line 2: there is no child, only a parent 'A'"),
        ("path\nA > B\nA\na >  b\n", "line 4: 'a > b' stands on line 2 already"),
        ("# only a comment\n", "no category in it"),
        ("parent,child\n", "no category in it"),
        ("", "is empty"),
        ("x,y\n1,2\n", "is no taxonomy: it needs columns 'parent' and 'child'"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, text: str, said: str):
    with pytest.raises(DataError) as error:
        Tree.read(written(tmp_path, text))
    assert said in str(error.value)
    assert "tree.csv" in str(error.value)


def test_the_nearest_paths_are_named(tmp_path: Path):
    tree = Tree.read(written(tmp_path, GOOGLE, "google-taxonomy.txt"))
    with pytest.raises(UnknownName, match="did you mean 'Shoes > Boots'"):
        tree.row("Shoe > Bots")
    with pytest.raises(UnknownName, match="'Shoes > Boots > Rain Boots' or 'Shoes > Rain Boots'"):
        tree.row("Rain boots")


steps = st.lists(st.sampled_from("abc"), min_size=1, max_size=4)


@settings(deadline=None, max_examples=100)
@given(st.lists(steps, max_size=12))
def test_parents_come_first_and_each_node_hangs_on_its_own(paths: list[list[str]]):
    tree = Tree.of([" > ".join(each) for each in paths])
    assert len(set(tree.paths)) == len(tree)
    for row, path in enumerate(tree.paths):
        assert tree.parent[row] < row
        assert tree.level[row] == len(path.split(" > "))
        above = "" if tree.parent[row] < 0 else tree.paths[tree.parent[row]] + " > "
        assert path == above + tree.names[row]
        assert tree.ancestors[row, tree.level[row] - 1] == row
    assert {tree.paths[row] for row in tree.leaves} == {
        path for path in tree.paths if not any(each.startswith(path + " > ") for each in tree.paths)
    }


# -- labels --------------------------------------------------------------------------------------------------------


def test_labels_by_id(tmp_path: Path):
    found = read_labels(written(tmp_path, "sku,category\na,Shoes/Boots\nb,shoes / boots\nc,\nd,Shoes / Heels\n"))
    assert found.paths == {"a": "Shoes > Boots", "b": "Shoes > Boots", "d": "Shoes > Heels"}
    assert (found.unlabelled, found.by_row) == (1, False)
    assert found.tree().paths == ("Shoes", "Shoes > Boots", "Shoes > Heels")
    y, unknown = found.of(Ids(["d", "x", "a"]))
    assert y == ["Shoes > Heels", None, "Shoes > Boots"]
    assert unknown == ["b"]
    assert "products that are not known: 1, b" in found.said(unknown)


def test_labels_of_rows_that_hold_their_own_text(tmp_path: Path):
    found = read_labels(written(tmp_path, "title,lvl1,lvl2\nRain boots,Shoes,Boots\nTea mug,Mugs,\n"))
    assert found.by_row
    catalog = found.products()
    assert catalog.text(("title",)) == ["Rain boots", "Tea mug"]
    assert found.of(catalog.ids) == (["Shoes > Boots", "Mugs"], [])


def test_labels_are_found_in_the_taxonomy_by_path_id_and_name(tmp_path: Path):
    tree = Tree.read(written(tmp_path, GOOGLE, "google-taxonomy.txt"))
    labels = written(tmp_path, "id,label\n1,8\n2,cat beds\n3,SHOES > rain boots\n", "labels.csv")
    assert list(read_labels(labels, tree).paths.values()) == [tree.paths[row] for row in (4, 1, 5)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "id,label\n1,Shoes > Bootz\n2,Shoes\n",
            "1 labels are not in the taxonomy: line 2: 'Shoes > Bootz'; did you mean",
        ),
        ("id,label\n1,Shoes\n1,Boots\n", "line 3: product '1' is labelled 'Boots' here and 'Shoes' on line 2"),
        ("id,label\n,Shoes\n", "line 2: a label without a product's id"),
        ("id,label\n1,\n", "has no label: its column 'label' is empty"),
        ("id,colour\n1,red\n", "has no column for label"),
    ],
)
def test_mistakes_in_labels_are_named(tmp_path: Path, text: str, said: str):
    tree = Tree.read(written(tmp_path, GOOGLE, "google-taxonomy.txt"))
    with pytest.raises(DataError) as error:
        read_labels(written(tmp_path, text, "labels.csv"), tree)
    assert said in str(error.value)
    assert "labels.csv" in str(error.value)


def test_labels_of_other_products_are_refused(tmp_path: Path):
    found = read_labels(written(tmp_path, "id,label\nshoe-1,Shoes\nshoe-2,Shoes\n"))
    with pytest.raises(DataError, match=r"none of its 2 products is known .*did you mean 'shoe-11'"):
        found.of(Ids(["shoe-11", "mug-7"]))


def test_labels_are_written_as_they_are_read(tmp_path: Path):
    labels = {"a": "Shoes > Boots", "b": 'Mugs, "cups"'}
    write_labels(labels, tmp_path / "out.csv")
    assert read_labels(tmp_path / "out.csv").paths == labels


@pytest.mark.parametrize("sign", LEVELS)
def test_every_sign_that_parts_levels_of_products_parts_those_of_labels(sign):
    paths = [sign.join(path) for path in (("保健", "器械", "制氧"), ("保健", "滋补"), ("家电", "电视"))]
    assert separator_of(paths) == sign
    assert Tree.of([" > ".join(steps_of(path, sign)) for path in paths]).depth == 3
    assert separator_of(["保健", "家电 50--60", "电视", "冰箱"]) == ""
