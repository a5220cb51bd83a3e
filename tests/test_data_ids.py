import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data.ids import Ids
from wares.errors import DataError, UnknownName

NAMES = st.lists(st.text(max_size=6), unique=True, max_size=30)


@given(NAMES, st.lists(st.text(max_size=6), max_size=20))
@settings(deadline=None, max_examples=100)
def test_rows_and_names_are_each_others_way_back(known, asked):
    ids = Ids(known)
    assert ids.names() == known
    assert ids.rows(known).tolist() == list(range(len(known)))
    places = {name: row for row, name in enumerate(known)}
    assert ids.rows(asked, missing=-1).tolist() == [places.get(name, -1) for name in asked]
    assert [name in ids for name in asked] == [name in places for name in asked]


@given(NAMES, st.lists(st.text(max_size=6), max_size=20))
@settings(deadline=None, max_examples=100)
def test_extended_keeps_rows_and_puts_new_names_behind(known, more):
    ids = Ids(known).extended(more)
    new = [name for name in dict.fromkeys(more) if name not in known]
    assert ids.names() == known + new
    assert ids.rows(known).tolist() == list(range(len(known)))


def test_ids_are_text_exactly_as_written():
    ids = Ids(["007", "7", "7.0", " 7", "SHOE", "shoe", ""])
    assert [ids.row(name) for name in ("007", "7", "7.0", " 7", "SHOE", "shoe", "")] == list(range(7))
    assert ids.names([2, 0]) == ["7.0", "007"]
    assert ids.name(4) == "SHOE"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b", "a"], r"product id 'a' stands more than once \(2 such rows\)"),
        (pl.Series(["a", None]), "1 product ids are missing"),
        (pl.Series([1, 2]), "product ids must be text, not Int64"),
    ],
)
def test_names_that_cannot_be_ids(names, message):
    with pytest.raises(DataError, match=message):
        Ids(names)


@pytest.mark.parametrize(
    ("given", "hint"),
    [("shoe-2", "'shoe-1'"), ("SHOE-1", "'shoe-1'"), (" shoe-1 ", "'shoe-1'"), ("42", "'0042'"), ("0042.0", "'0042'")],
)
def test_an_unknown_name_names_the_nearest(given, hint):
    with pytest.raises(UnknownName, match=f"no product '{given}'; did you mean {hint}"):
        Ids(["mug-9", "shoe-1", "0042"]).row(given)


def test_an_unknown_name_among_many_is_told_or_filled():
    ids = Ids(["a", "b"], "shopper")
    with pytest.raises(UnknownName, match="no shopper 'zzz'"):
        ids.rows(["a", "zzz"])
    assert ids.rows(["a", "zzz", "b"], missing=-7).tolist() == [0, -7, 1]
    assert ids.rows(pl.Series(["b", None, "a"]), missing=-1).tolist() == [1, -1, 0]


def test_no_names_at_all():
    ids = Ids([])
    assert len(ids) == 0
    assert "a" not in ids
    assert 3 not in ids
    assert ids.rows(["a"], missing=-1).tolist() == [-1]
    assert ids.extended(["a", "a"]).names() == ["a"]


def test_two_names_of_one_hash_are_told_apart(monkeypatch):
    names = ["shoe-1", "mug-1", "mug-2", "shoe-2"]
    ids = Ids(names)
    # As if all four shared one hash.
    object.__setattr__(ids, "_hashed", (np.zeros(4, np.uint64), np.array([2, 0, 3, 1])))
    monkeypatch.setattr(pl.Series, "hash", lambda self, seed=0: pl.Series([0] * len(self), dtype=pl.UInt64))
    assert ids.rows(names).tolist() == [0, 1, 2, 3]
    assert ids.rows(["other"], missing=-1).tolist() == [-1]


def test_equal_names_are_equal_ids():
    assert Ids(["a", "b"]) == Ids(["a", "b"])
    assert Ids(["a", "b"]) != Ids(["b", "a"])
    assert repr(Ids(["a"], "shopper")) == "Ids(1 shoppers)"
    with pytest.raises(TypeError):
        hash(Ids(["a"]))
