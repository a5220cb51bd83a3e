"""What a URL asks, read into arguments for the shop."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.errors import SettingError, UnknownName, WaresError
from wares.web import asking


def read(table: asking.Table = asking.SEARCH, **given: str) -> dict[str, Any]:
    return asking.read(given.items(), table)


def test_arguments_are_named_as_the_shop_names_them() -> None:
    assert read(q="tea", k="5", offset="10") == {"query": "tea", "k": 5, "offset": 10}
    assert read(asking.RECOMMEND, basket="P1, P2,", repeats="true") == {"basket": ["P1", "P2"], "repeats": True}


def test_filters_join_into_where() -> None:
    pairs = [("q", ""), ("brand", "Acme"), ("brand", "Bolt"), ("price_gte", "5"), ("price_lt", "9.5"), ("cluster", "3")]
    assert asking.read(pairs, asking.SEARCH) == {
        "query": "",
        "where": {"brand": ["Acme", "Bolt"], "price": {"gte": 5.0, "lt": 9.5}, "cluster": [3]},
    }


def test_where_is_json_and_joins_other_filters() -> None:
    assert read(q="", where='{"size": ["M"]}', brand="Acme")["where"] == {"size": ["M"], "brand": ["Acme"]}


def test_one_column_filtered_twice_is_refused() -> None:
    with pytest.raises(SettingError, match="'brand' is filtered both"):
        read(q="", where='{"brand": "Bolt"}', brand="Acme")


def test_ids_with_commas_go_as_a_json_list() -> None:
    assert read(asking.RECOMMEND, basket='["a,b", "c"]') == {"basket": ["a,b", "c"]}


def test_a_basket_may_be_given_in_pieces() -> None:
    assert asking.read([("basket", "a"), ("basket", "b,c")], asking.RECOMMEND) == {"basket": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"q": "a", "k": "0"}, "k must be a whole number from 1 to 100, not '0'"),
        ({"q": "a", "k": "101"}, "k must be"),
        ({"q": "a", "k": "ten"}, "not 'ten'"),
        ({"q": "a", "k": "²"}, "k must be"),
        ({"q": "a", "k": "9" * 5000}, "k must be"),
        ({"q": "a", "offset": "-1"}, "offset must be"),
        ({"q": "a", "price_lt": "cheap"}, "price_lt must be a number"),
        ({"q": "a", "price_lt": "nan"}, "price_lt must be a number"),
        ({"q": "a", "where": "[1]"}, "JSON object"),
        ({"q": "a", "where": "{"}, "must be JSON"),
        ({"q": "a" * 1001}, "at most 1,000"),
        ({}, "'q' is missing"),
    ],
)
def test_values_not_allowed_are_named(given: dict[str, str], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        read(**given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"repeats": "perhaps"}, "repeats must be true or false, not 'perhaps'"),
        ({"basket": "[1]"}, "each of them text"),
        ({"basket": "[broken"}, "JSON list"),
    ],
)
def test_values_of_recommend_are_named(given: dict[str, str], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        read(asking.RECOMMEND, **given)


def test_an_unknown_parameter_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="no query parameter 'brnad'; did you mean 'brand'"):
        read(q="a", brnad="Acme")


def test_pages_pass_over_what_they_do_not_know() -> None:
    assert asking.read([("q", "a"), ("utm", "b")], asking.SEARCH, strict=False) == {"query": "a"}


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(SettingError, match="k is given more than once"):
        asking.read([("q", "a"), ("k", "1"), ("k", "2")], asking.SEARCH)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.sampled_from([*asking.SEARCH, "other"]), st.text(max_size=20)), max_size=6))
def test_any_url_is_read_or_explained(pairs: list[tuple[str, str]]) -> None:
    with suppress(WaresError):  # any other error is a failure
        arguments = asking.read(pairs, asking.SEARCH)
        assert isinstance(arguments["query"], str)
        assert 1 <= arguments.get("k", 10) <= asking.MAX_K
