"""Offers of several shops to products, on a few that can be judged by eye."""

import numpy as np
import polars as pl
import pytest

from wares.data.catalog import Catalog
from wares.errors import DataError, SettingError
from wares.tasks.grouping import group_offers, grouping
from wares.tasks.pairing import EVIDENCE, PRIOR, pair_up

SHOPS = ("north", "south", "west")
PRODUCTS = {
    "Sharp R344SLM": ("sharp r344slm 25l microwave silver", "Sharp R-344SLM microwave 900w", "r344slm sharp 25 litre"),
    "Sharp R360SLM": ("sharp r360slm 23l microwave silver", "Sharp R-360SLM microwave 900w", "r360slm sharp 23 litre"),
    "Bosch HMT75": ("bosch hmt75m551b built in oven", "HMT75M551B Bosch oven 800w", "bosch oven hmt75m551b steel"),
    "Phone 64": ("acme phone 8 64gb black", "acme phone 8 64 gb", "acme phone8 64gb sim free"),
    "Phone 256": ("acme phone 8 256gb black", "acme phone 8 256 gb", "acme phone8 256gb sim free"),
}  # fmt: skip


def offers(order: list[int] | None = None) -> tuple[Catalog, list[str]]:
    rows = [(title, shop, name) for name, titles in PRODUCTS.items() for title, shop in zip(titles, SHOPS, strict=True)]
    rows = [rows[at] for at in order] if order else rows
    frame = pl.DataFrame(
        {
            "id": [str(at) for at in range(len(rows))],
            "title": [row[0] for row in rows],
            "seller": [row[1] for row in rows],
        }
    )
    return Catalog(frame), [row[2] for row in rows]


def partition(labels: np.ndarray, names: list[str]) -> set[frozenset[str]]:
    return {frozenset(name for name, at in zip(names, labels, strict=True) if at == label) for label in set(labels)}


def test_offers_of_one_product_meet_and_others_do_not() -> None:
    catalog, names = offers()
    labels = group_offers(catalog)
    assert labels.tolist() == np.repeat(np.arange(5), 3).tolist(), partition(labels, names)


def test_the_order_of_the_offers_does_not_matter() -> None:
    catalog, names = offers([7, 2, 14, 0, 9, 4, 11, 1, 13, 6, 3, 12, 8, 5, 10])
    labels = group_offers(catalog)
    assert partition(labels, names) == {frozenset([name]) for name in PRODUCTS}
    assert labels[0] == 0  # counted by first offer


def test_no_seller_has_two_offers_of_one_product() -> None:
    title = "sharp r344slm 25l microwave silver"
    frame = pl.DataFrame({"id": ["a", "b", "c"], "title": [title] * 3, "seller": ["north", "north", "south"]})
    labels = group_offers(Catalog(frame))
    assert labels[0] != labels[1]
    assert labels[2] in (labels[0], labels[1])
    unknown = frame.with_columns(pl.lit(None, pl.String).alias("seller"))
    assert len(set(group_offers(Catalog(unknown)).tolist())) == 1
    assert len(set(group_offers(Catalog(frame), seller=None).tolist())) == 1


def test_a_higher_cut_never_joins_more() -> None:
    catalog, _ = offers()
    found = grouping(catalog)
    counts = [len(np.unique(found.cut(cut))) for cut in (0.05, 0.2, 0.5, 0.9, 0.999)]
    assert counts == sorted(counts)
    assert (found.likeness >= 0).all()
    assert (found.likeness <= 1).all()


def test_settings_and_columns_are_checked() -> None:
    catalog, _ = offers()
    with pytest.raises(DataError, match="no column 'vendor'"):
        group_offers(catalog, seller="vendor")
    with pytest.raises(SettingError, match="near=0"):
        group_offers(catalog, near=0)
    with pytest.raises(SettingError, match=r"threshold=0\.0"):
        group_offers(catalog, cut=0.0)


@pytest.mark.parametrize("titles", [[], ["one"], ["", ""], ["same", "same"]])
def test_next_to_nothing_is_grouped_too(titles: list[str]) -> None:
    frame = pl.DataFrame(
        {"id": [str(at) for at in range(len(titles))], "title": titles}, schema_overrides={"title": pl.String}
    )
    labels = group_offers(Catalog(frame), seller=None)
    assert len(labels) == len(titles)
    if titles == ["same", "same"]:
        assert labels.tolist() == [0, 0]
    if titles == ["", ""]:
        assert labels.tolist() == [0, 1]  # of nothing nothing is known


def test_every_evidence_has_a_weight_and_a_column() -> None:
    assert list(EVIDENCE) == list(PRIOR)
    pairs = pair_up(["red mug 1", "red mug 2", "blue mug 1"])
    assert pairs.evidence.shape == (len(pairs.rows), len(EVIDENCE))
    assert (pairs.rows[:, 0] < pairs.rows[:, 1]).all()
