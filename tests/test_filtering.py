"""Filters and facets, beside plain loops over the same table."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data.catalog import Catalog
from wares.errors import SettingError, UnknownName
from wares.tasks.filtering import Filters

SHOP = pl.DataFrame(
    {
        "id": list("abcdefg"),
        "title": ["Red shoe", "Blue shoe", "Boot", "Mug", "Glass mug", "Lid", "Lid"],
        "brand": ["Acme", "Acme", "Bolt", None, "Kiln", "Kiln", "Kiln"],
        "category": [
            "Shoes > Running", "Shoes", "Shoes > Boots", "Shoes & Mugs", "Kitchen>Mugs", "Kitchen > Mugs",
            None,
        ],
        "price": [50.0, 45.0, None, 8.0, 12.0, 2.5, 2.5],
        "stock": [1, 0, 3, 4, 5, 6, 7],
        "vegan": [True, False, False, None, True, True, True],
        "created": [datetime(2024, 1, day, tzinfo=UTC) for day in range(1, 8)],
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def filters() -> Filters:
    return Filters().fit(Catalog(SHOP), np.array([0, 0, 0, 1, 1, 1, -1]))


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ({"brand": "Acme"}, "ab"),
        ({"brand": ["Acme", "Bolt"]}, "abc"),
        ({"brand": [None, "Bolt"]}, "cd"),
        ({"brand": "acme"}, ""),
        ({"brand": []}, ""),
        ({"category": "Shoes"}, "abc"),
        ({"category": "Shoes>Running"}, "a"),
        ({"category": ["Shoes > Boots", "Kitchen"]}, "cef"),
        ({"category": "Sho"}, ""),
        ({"price": {"lt": 12}}, "dfg"),
        ({"price": {"gte": 8, "lte": 45}}, "bde"),
        ({"price": {"gt": 45}, "brand": "Acme"}, "a"),
        ({"price": 2.5}, "fg"),
        ({"price": [12, None]}, "ce"),
        ({"stock": {"gt": 5}}, "fg"),
        ({"vegan": True}, "aefg"),
        ({"vegan": [False, None]}, "bcd"),
        ({"created": {"lt": "2024-01-03"}}, "ab"),
        ({"created": {"gte": datetime(2024, 1, 6, tzinfo=UTC)}}, "fg"),
        ({"cluster": 1}, "def"),
        ({"cluster": [0, None]}, "abcg"),
        ({"title": "Lid"}, "fg"),
        ({"id": ["a", "g", "z"]}, "ag"),
    ],
)
def test_filters_leave_what_holds(filters: Filters, where: dict[str, Any], left: str) -> None:
    mask = filters.mask(where)
    assert mask is not None
    assert "".join(np.array(SHOP["id"])[mask]) == left
    some = np.array([6, 0, 3, 2])
    of_some = filters.mask(where, some)
    assert of_some is not None
    assert of_some.tolist() == mask[some].tolist()


def test_what_two_products_share(filters: Filters) -> None:
    assert filters.same("brand", 0, 1) == "Acme"
    assert filters.same("brand", 0, 2) is None
    assert filters.same("brand", 3, 3) is None  # neither has one
    assert filters.same("price", 5, 6) is None  # not a text
    assert filters.shared_path(0, 2) == "Shoes"
    assert filters.shared_path(4, 5) == "Kitchen > Mugs"
    assert filters.shared_path(0, 3) == filters.shared_path(0, 6) == ""


def test_no_filter_is_no_mask(filters: Filters) -> None:
    assert filters.mask(None) is None
    assert filters.mask({}) is None


def test_mistakes_name_what_is_right(filters: Filters) -> None:
    with pytest.raises(UnknownName, match="did you mean 'brand'"):
        filters.mask({"brnd": "Acme"})
    with pytest.raises(UnknownName, match="there are id, title"):
        filters.mask({"zzzzz": "Acme"})
    for where, said in (
        ({"price": {"below": 3}}, "lt, lte, gt, gte, not 'below'"),
        ({"price": "cheap"}, "needs a number"),
        ({"price": {"lt": True}}, "needs a number"),
        ({"price": {"lt": float("nan")}}, "needs a number"),
        ({"brand": 3}, "is a text"),
        ({"brand": {"lt": "B"}}, "is for numbers"),
        ({"vegan": "yes"}, "is true or false"),
        ({"cluster": "mugs"}, "whole number"),
        ({"created": {"lt": "last week"}}, "needs a time"),
        ("brand=Acme", "filters must be"),
    ):
        with pytest.raises(SettingError, match=said):
            filters.mask(where)  # type: ignore[arg-type]


def test_facets_count_each_value(filters: Filters) -> None:
    facets = filters.facets(np.arange(7))
    assert set(facets) == {"brand", "category", "price", "stock", "vegan", "created", "cluster"}
    assert facets["brand"] == {
        "kind": "text",
        "values": [{"value": "Kiln", "count": 3}, {"value": "Acme", "count": 2}, {"value": "Bolt", "count": 1}],
        "missing": 1,
    }
    assert [(each["value"], each["level"], each["count"]) for each in facets["category"]["values"]] == [
        ("Shoes", 1, 3),
        ("Kitchen", 1, 2),
        ("Shoes & Mugs", 1, 1),
        ("Kitchen > Mugs", 2, 2),
        ("Shoes > Boots", 2, 1),
        ("Shoes > Running", 2, 1),
    ]
    assert (facets["price"]["low"], facets["price"]["high"], facets["price"]["missing"]) == (2.5, 50.0, 1)
    assert facets["vegan"]["values"] == [{"value": True, "count": 4}, {"value": False, "count": 2}]
    assert facets["cluster"]["values"] == [{"value": 0, "count": 3}, {"value": 1, "count": 3}]
    assert facets["created"]["low"] == "2024-01-01T00:00:00+00:00"
    with pytest.raises(UnknownName, match="brand"):
        filters.facets(np.arange(7), ["brnd"])
    assert filters.facets(np.arange(7), ()) == {}


def test_a_facet_of_nothing(filters: Filters) -> None:
    facets = filters.facets(np.empty(0, np.int64))
    assert facets["brand"] == {"kind": "text", "values": [], "missing": 0}
    assert facets["price"] == {"kind": "number", "low": None, "high": None, "values": [], "missing": 0}


def test_only_the_most_frequent_values_are_told() -> None:
    few = Filters(values=1, distinct=6).fit(Catalog(SHOP))
    facets = few.facets(np.arange(7), ["brand", "category"])
    assert [each["value"] for each in facets["brand"]["values"]] == ["Kiln"]
    assert [each["value"] for each in facets["category"]["values"]] == ["Shoes", "Kitchen > Mugs"]
    # A column of too many values is not counted, but can still be filtered by.
    hashed = Filters(distinct=2).fit(Catalog(SHOP))
    assert "brand" not in hashed.countable
    assert hashed.mask({"brand": "Acme"}).tolist() == [True, True] + [False] * 5  # type: ignore[union-attr]


def test_saved_and_loaded(filters: Filters, tmp_path: Path) -> None:
    filters.save(tmp_path / "filters")
    loaded = Filters.load(tmp_path / "filters")
    assert loaded.facets(np.arange(7)) == filters.facets(np.arange(7))
    where = {"category": "Shoes", "price": {"lt": 48}}
    assert loaded.mask(where).tolist() == filters.mask(where).tolist()  # type: ignore[union-attr]
    assert loaded.value("brand", 4) == "Kiln"
    assert loaded.value("brand", 3) is None
    assert loaded.value("price", 3) is None
    assert loaded.shared_path(0, 2) == "Shoes"
    assert loaded.shared_path(0, 3) == ""


def test_a_catalog_without_products() -> None:
    empty = Filters().fit(Catalog(SHOP.head(0)))
    assert empty.mask({"brand": "Acme"}).shape == (0,)  # type: ignore[union-attr]
    assert empty.facets(np.empty(0, np.int64))["brand"]["values"] == []


VALUES = st.lists(
    st.tuples(
        st.sampled_from(["A", "A > B", "A > C", "A & B", "D", "D > E > F", None]),
        st.one_of(st.none(), st.floats(-5, 5).map(lambda value: round(value, 1))),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(VALUES, st.integers(2, 9))
def test_every_told_count_is_what_its_own_filter_leaves(
    table: list[tuple[str | None, float | None]], ranges: int
) -> None:
    frame = pl.DataFrame(
        {
            "id": [str(row) for row in range(len(table))],
            "category": [a for a, _ in table],
            "price": [b for _, b in table],
        },
        schema_overrides={"category": pl.String, "price": pl.Float64},
    )
    filters = Filters(ranges=ranges).fit(Catalog(frame))
    facets = filters.facets(np.arange(len(table)))
    for each in facets["category"]["values"]:
        path = each["value"].split(" > ")
        assert each["count"] == sum(a is not None and a.split(" > ")[: len(path)] == path for a, _ in table)
        assert each["count"] == filters.mask({"category": each["value"]}).sum()  # type: ignore[union-attr]
    assert facets["category"]["missing"] == sum(a is None for a, _ in table)
    known = [b for _, b in table if b is not None]
    assert sum(each["count"] for each in facets["price"]["values"]) == len(known)
    for each in facets["price"]["values"]:
        low, high = each["from"], each["to"]
        inside = [b for b in known if (low is None or b >= low) and (high is None or b < high)]
        assert each["count"] == len(inside)
    assert facets["price"]["low"] == min(known, default=None)
