import polars as pl

from wares.data.catalog import Catalog
from wares.data.shelf import Shelf


def shelf_of(tmp_path, **columns):
    return Shelf.make(Catalog(pl.DataFrame(columns)), tmp_path)


def test_variants_are_shown_once_under_their_first_id(tmp_path):
    shelf = shelf_of(
        tmp_path,
        id=["red-s", "mug", "red-m", "red-l", "cup"],
        title=["Red shirt", "Mug", "Red shirt", "Red shirt", "Cup"],
        group=["red", None, "red", "red", None],
        price=[None, 5.0, 9.0, 8.0, 4.0],
    )
    assert shelf.shown.frame(["id"])["id"].to_list() == ["red-s", "mug", "cup"]
    assert shelf.place.tolist() == [0, 1, 0, 0, 2]
    assert shelf.variants.tolist() == [3, 1, 1]
    assert shelf.shown.frame(["price"])["price"].to_list() == [9.0, 5.0, 4.0]
    assert shelf.row("red-l") == 0


def test_products_without_groups_stand_alone(tmp_path):
    shelf = shelf_of(tmp_path, id=["a", "b"], title=["A", "B"])
    assert shelf.place.tolist() == [0, 1]
    assert shelf.variants.tolist() == [1, 1]


def test_a_group_named_like_a_row_number_is_not_mixed_up(tmp_path):
    shelf = shelf_of(tmp_path, id=["a", "b", "c"], title=["A", "B", "C"], group=[None, "0", "0"])
    assert shelf.place.tolist() == [0, 1, 1]
