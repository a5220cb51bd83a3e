"""What is told of shoppers: segments, rhythm, what is due, prices, brands, attributes, questions and wants."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data.catalog import Catalog
from wares.data.history import History
from wares.errors import SettingError, UnknownName
from wares.tasks import interviewing, personas, segments, wanting
from wares.tasks.demographics import Traits

DAY = segments.DAY
BUYS = np.array([0.0, 1.0, -1.0])  # view, purchase, return


def one(products: list[int], days: list[int], kinds: list[int] | None = None, n: int = 6) -> History:
    """A shopper who did something on those days."""
    return History(
        np.array([0, len(products)]),
        np.array(products, np.int32),
        np.ones(len(products), np.float32),
        n,
        times=np.array(days, np.int64) * DAY,
        kinds=None if kinds is None else np.array(kinds, np.int8),
    )


# -- segments --------------------------------------------------------------------------------------------------------


def test_recency_frequency_and_money_by_hand() -> None:
    prices = np.array([1.0, 2.0, 4.0, 0.0, 0.0, 0.0])
    history = one([0, 1, 2, 2], [10, 10, 12, 13], [1, 1, 1, 2])  # the last was sent back
    assert segments.rfm(history, prices, 15 * DAY, BUYS).tolist() == [[3.0, 2.0, 3.0]]
    looked = one([0], [10], [0])
    assert segments.rfm(looked, prices, 15 * DAY, BUYS).tolist() == [[0.0, 0.0, 0.0]]


def test_fifths_and_their_names() -> None:
    rows = [
        one([0] * n, list(range(100 - age - n, 100 - age))) for age, n in ((0, 9), (1, 7), (30, 5), (60, 3), (90, 1))
    ]
    parts = [np.concatenate(each) for each in zip(*((h.products, h.times) for h in rows), strict=True)]
    ends = np.concatenate([[0], np.cumsum([h.n_events for h in rows])])
    history = History(ends, parts[0], np.ones(len(parts[0]), np.float32), 6, times=parts[1])
    standing = segments.Standing.of(history, None, 100 * DAY, BUYS)
    scores = [standing.scores(row) for row in standing.values]
    assert scores[0] == (5, 5, 5)
    assert scores[4] == (1, 1, 1)
    names = [segments.segment(*each, int(row[1])) for each, row in zip(scores, standing.values, strict=True)]
    assert names[0] == "champions"
    assert names[4] == "lost"
    assert sum(standing.segments().values()) == 5


@given(st.tuples(*[st.integers(1, 5)] * 3), st.integers(1, 100))
@settings(deadline=None, max_examples=60)
def test_every_shopper_is_in_a_segment_that_is_explained(scores: tuple[int, int, int], visits: int) -> None:
    assert segments.segment(*scores, visits) in segments.SEGMENTS


def test_shoppers_who_are_all_alike_stand_in_the_middle() -> None:
    standing = segments.Standing(np.ones((5, 3), np.float32), ((1.0,) * 4,) * 3)
    assert standing.scores(np.ones(3)) == (3, 3, 3)


@pytest.mark.parametrize(
    ("recency", "cadence", "state"),
    [(3, None, "once"), (5, 7, "active"), (10, 7, "due"), (20, 7, "overdue"), (80, 7, "lapsed"), (0, 0.5, "active")],
)
def test_where_a_shopper_is_in_the_own_rhythm(recency: float, cadence: float | None, state: str) -> None:
    assert segments.told(recency, cadence)[0] == state


# -- one shopper -----------------------------------------------------------------------------------------------------


def test_what_is_due_follows_the_own_rhythm() -> None:
    history = one([0, 1, 0, 1, 0, 2, 0], [0, 0, 10, 20, 20, 25, 30])
    (found,) = personas.due(history, 41 * DAY)  # product 1 was taken on two days only
    assert found == {"row": 0, "every": 10.0, "last": 30, "due": 40, "times": 4}
    assert personas.due(history, 32 * DAY) == []  # too soon
    assert personas.due(history, 300 * DAY) == []  # too long ago


def test_prices_stand_among_their_like() -> None:
    price = np.array([1.0, 2.0, 3.0, 10.0, 10.0, 0.0])
    places = personas.price_places(price, np.array([0, 0, 0, 1, 1, 1]))
    assert places[:5] == pytest.approx([1 / 6, 0.5, 5 / 6, 0.5, 0.5])
    assert np.isnan(places[5])
    found = personas.prices(one([0, 0, 0, 3], [0, 1, 2, 3]), price, places)
    assert found is not None
    assert found["level"] == "cheaper"
    assert found["middle"] == 1.0
    assert personas.prices(one([5], [0]), price, places) is None


def test_brands_and_loyalty_to_them() -> None:
    history = one([0] * 4 + [1] + [2], list(range(6)))
    found = personas.brands(history, ["A", "B", None], np.array([0, 1, 2]), np.zeros(6, np.int64))
    assert found is not None
    assert found["loyalty"] == pytest.approx(0.8)
    assert [(each["brand"], each["share"]) for each in found["brands"]] == [("A", 0.8), ("B", 0.2)]
    assert personas.brands(one([2], [0]), [None], np.array([2]), np.zeros(6, np.int64)) is None


def test_those_alike_are_the_nearest_but_not_oneself() -> None:
    portraits = np.array([[1, 0], [0.6, 0.8], [0, 1], [-1, 0]], np.float16)
    found = personas.alike(portraits, np.array([1, 0], np.float32), but=0, k=3)
    assert found == [(1, pytest.approx(0.6, abs=1e-3))]


# -- attributes ------------------------------------------------------------------------------------------------------


def test_attributes_become_columns_and_numbers_bands() -> None:
    frame = pl.DataFrame(
        {
            "shopper": list("abcdefgh"),
            "age": [20, 25, 30, 35, 40, 45, 50, None],
            "town": ["Ulm", "Bonn"] * 4,
            "name": [f"n{number}" for number in range(8)],
            "same": ["x"] * 8,
        }
    )
    traits = Traits.of(frame)
    assert [each.name for each in traits.columns] == ["age", "town", "name"]
    rows = traits.encode(frame.to_dicts())
    assert rows.shape == (8, traits.width)
    assert rows.sum(axis=1).tolist() == [3.0] * 7 + [2.0]
    assert Traits.read(traits.json()) == traits
    assert traits.checked({"town": "Bonn"}).sum() == 1
    with pytest.raises(UnknownName, match="did you mean 'town'"):
        traits.checked({"twn": "Ulm"})
    with pytest.raises(SettingError, match="known are"):
        traits.checked({"town": "Rome"})


def test_a_column_that_is_different_for_everybody_says_nothing() -> None:
    frame = pl.DataFrame({"shopper": [str(n) for n in range(200)], "street": [f"street {n}" for n in range(200)]})
    assert Traits.of(frame).columns == ()


# -- questions -------------------------------------------------------------------------------------------------------


def test_the_question_that_parts_most_comes_first_and_answers_tell() -> None:
    liked = np.array([[0.9, 0.5], [0.1, 0.5]], np.float32)
    found = interviewing.asked(np.array([0.5, 0.5]), liked, ["tea", "pans"], {})
    assert [each["id"] for each in found] == ["group-0"]  # pans tell nothing
    log = interviewing.answered(found, {"group-0": "yes"}, 2)
    assert log[0] - log[1] == pytest.approx(np.log(9), abs=1e-3)
    assert interviewing.answered(found, {}, 2).tolist() == [0, 0]
    with pytest.raises(UnknownName):
        interviewing.answered(found, {"group-7": "yes"}, 2)
    with pytest.raises(SettingError, match="answered by yes, no"):
        interviewing.answered(found, {"group-0": "maybe"}, 2)


def test_liking_is_more_than_all_take() -> None:
    history = History.of([[0] * 6, [0] * 3 + [1] * 3, [1] * 6, [1]], 2)
    liked = interviewing.liking(history, np.array([0, 1]), np.array([0, 0, 1, 1]), 2)
    # Of interest 0 one of two likes group 0, nobody group 1; of interest 1 the one with enough events likes group 1.
    assert liked == pytest.approx(np.array([[2 / 4, 1 / 4], [1 / 3, 2 / 3]]))


# -- wants -----------------------------------------------------------------------------------------------------------


def test_what_interests_want_and_begin_to_want() -> None:
    catalog = Catalog(pl.DataFrame({"id": list("abcd"), "title": ["red shoe", "blue shoe", "tea mug", "big mug"]}))
    rows, days = [], []
    for shopper in range(8):
        kind = shopper % 2
        rows.append([2 * kind, 2 * kind + 1])
        days.append([0, 100 if shopper < 4 else 1])  # the second is taken up late by half of them
    history = History(
        np.arange(0, 17, 2),
        np.array(rows, np.int32).ravel(),
        np.ones(16, np.float32),
        4,
        times=np.array(days, np.int64).ravel() * DAY,
    )
    found = wanting.wants(catalog, history, np.arange(8) % 2, np.array([0, 0, 1, 1]), n_interests=2)
    assert [each["size"] for each in found] == [4, 4]
    assert [each["row"] for each in found[0]["wants"]] == [0, 1]
    assert found[0]["wants"][0] == {"row": 0, "share": 1.0, "times": 2.0}
    assert [each["row"] for each in found[1]["will_want"]] == [3]
    assert found[0]["groups"] == [{"group": 0, "share": 1.0, "times": 2.0}]
    assert "hoe" in found[0]["name"]
    assert "ug" in found[1]["name"]


def test_attributes_that_set_an_interest_apart_are_sure() -> None:
    interest = np.repeat([0, 1], 40)
    table = np.zeros((80, 2), np.float32)
    table[:40, 0] = table[40:, 1] = 1
    found = wanting.apart(table, [("town", "Ulm"), ("town", "Bonn")], interest, 2)
    assert [[(each["value"], each["times"]) for each in one] for one in found] == [[("Ulm", 2.0)], [("Bonn", 2.0)]]
    assert wanting.apart(np.zeros((80, 2), np.float32), [], interest, 2) == [[], []]
