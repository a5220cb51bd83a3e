"""The hybrid result set: total, facets, order and pages beside an oracle that shares only the plain words."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wares.data.catalog import Catalog
from wares.errors import SettingError, UnknownName
from wares.index.exact import Exact
from wares.index.words import Words
from wares.tasks.filtering import Filters
from wares.tasks.searching import Searcher
from wares.text.tokens import tokens

MEANINGS = {
    "shoe": (1.0, 0.1, 0.0), "boot": (0.9, 0.3, 0.1), "mug": (0.0, 1.0, 0.2), "cup": (0.1, 0.9, 0.3),
    "red": (0.2, 0.2, 1.0), "lid": (0.0, 0.6, -0.4), "鞋": (1.0, 0.0, 0.05),
}  # fmt: skip
"""What each word points to; every other word means nothing."""


class Reader:
    """An encoder of queries that adds up what the words point to."""

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([meaning(text) for text in texts], np.float32)


def meaning(text: str) -> NDArray[np.float64]:
    total = np.sum([MEANINGS.get(word, (0.0, 0.0, 0.0)) for word in [*tokens(text), ""]], axis=0)
    return total / (np.linalg.norm(total) or 1.0)


def shop(rows: list[tuple[str, str, str | None, float]]) -> pl.DataFrame:
    names = ("title", "description", "brand", "price")
    columns: dict[str, Any] = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    return pl.DataFrame({"id": [str(i) for i in range(len(rows))], **columns}, schema_overrides={"brand": pl.String})


def searcher(frame: pl.DataFrame, *, correct: bool = False, popular: bool = True, **rest: Any) -> Searcher:
    catalog = Catalog(frame)
    popularity = np.linspace(1, 0, len(frame)).astype(np.float32) ** 2
    return Searcher(
        words=Words(fields={"title": 2.0, "description": 1.0}, correct=correct).fit(catalog),
        filters=Filters().fit(catalog),
        index=Exact().fit(np.array([meaning(title) for title in frame["title"]], np.float32)),
        encoder=Reader(),
        popularity=popularity if popular else None,
        **rest,
    )


def oracle(frame: pl.DataFrame, query: str, where: dict[str, Any], near: int, floor: float) -> dict[int, float]:
    """Score by row of the whole result set, in float64, from the definition in docs/search.md."""
    n = len(frame)
    popularity = np.linspace(1, 0, n) ** 2
    texts = [(tokens(a), tokens(b)) for a, b in frame.select("title", "description").iter_rows()]
    if not query.strip():
        scores = {row: 0.05 * float(popularity[row]) for row in range(n)}
    else:
        asked = {word for word in tokens(query) if any(word in a or word in b for a, b in texts)}
        filled = [[len(row[i]) for row in texts if row[i]] for i in (0, 1)]
        means = [sum(lengths) / len(lengths) if lengths else 1.0 for lengths in filled]
        held, words, bound = [0] * n, [0.0] * n, 0.0
        for word in asked:
            m = sum(word in a or word in b for a, b in texts)
            idf = math.log(1 + (n - m + 0.5) / (m + 0.5))
            bound += idf * 2.2
            for row, columns in enumerate(texts):
                c = sum(
                    weight * Counter(column)[word] / (0.5 + 0.5 * len(column) / mean)
                    for weight, column, mean in zip((2.0, 1.0), columns, means, strict=True)
                    if column
                )
                held[row] += c > 0
                words[row] += idf * c * 2.2 / (c + 1.2)
        need = min(len(asked) - len(asked) // 3, max(held, default=0))
        matched = {row for row in range(n) if need and held[row] >= need}
        cosines = [float(meaning(title) @ meaning(query)) for title in frame["title"]]
        order = sorted(range(n), key=lambda row: (-round(cosines[row], 6), row))[:near] if tokens(query) else []
        close = {row for row in order if cosines[row] >= floor}
        scores = {
            row: 0.5 * (words[row] / bound if row in matched else 0.0)
            + 0.5 * (cosines[row] if row in close else 0.0)
            + 0.05 * float(popularity[row])
            for row in matched | close
        }
    brand, low = where.get("brand"), where.get("price", {}).get("gte", -math.inf)
    keep = frame.select("brand", "price").rows()
    return {row: s for row, s in scores.items() if (brand is None or keep[row][0] in brand) and keep[row][1] >= low}


TEXT = st.lists(st.sampled_from([*MEANINGS, "big", "blue"]), max_size=4).map(" ".join)
ROWS = st.lists(
    st.tuples(TEXT, TEXT, st.sampled_from(["Acme", "Bolt", None]), st.integers(1, 9).map(float)),
    min_size=1,
    max_size=25,
)
WHERE = st.fixed_dictionaries(
    {},
    optional={
        "brand": st.lists(st.sampled_from(["Acme", "Bolt"])),
        "price": st.fixed_dictionaries({"gte": st.integers(1, 9)}),
    },
)


@settings(deadline=None, max_examples=100)
@given(ROWS, TEXT, WHERE, st.integers(1, 30), st.sampled_from([0.2, 0.45, 0.83]), st.integers(1, 7))
def test_total_facets_order_and_pages_are_those_of_the_definition(
    rows: list[tuple[str, str, str | None, float]], query: str, where: dict[str, Any], near: int, floor: float, k: int
) -> None:
    frame = shop(rows)
    cosines = [float(meaning(title) @ meaning(query)) for title in frame["title"]]
    assume(all(abs(cosine - floor) > 1e-5 for cosine in cosines))  # what rounding decides proves nothing
    edge = sorted(cosines, reverse=True)[near - 1 : near + 1]
    assume(len(edge) < 2 or edge[0] - edge[1] > 1e-5 or edge[0] < floor)
    wanted = oracle(frame, query, where, near, floor)
    ours = searcher(frame, nearest=near, meaning_floor=floor)
    pages = [ours.search(query, k, where=where, offset=start) for start in range(0, len(frame) + k, k)]
    listed = [int(row) for page in pages for row in page.hits.rows[0] if row >= 0]
    assert {page.total for page in pages} == {len(wanted)}
    assert sorted(listed) == sorted(wanted)
    scores = [float(score) for page in pages for score in page.hits.scores[0] if score > -math.inf]
    for row, score in zip(listed, scores, strict=True):
        assert math.isclose(score, wanted[row], abs_tol=1e-5)
    for first, second, one, other in zip(listed, listed[1:], scores, scores[1:], strict=False):
        assert one > other or first < second
    brands = Counter(frame["brand"][row] for row in wanted)
    for page in pages:
        told = {each["value"]: each["count"] for each in page.facets["brand"]["values"]}
        assert told == {brand: count for brand, count in brands.items() if brand is not None}
        assert page.facets["brand"]["missing"] == brands[None]
        prices = [frame["price"][row] for row in wanted]
        assert sum(each["count"] for each in page.facets["price"]["values"]) == len(prices)
        assert page.facets["price"]["low"] == min(prices, default=None)


@settings(deadline=None, max_examples=30)
@given(ROWS, TEXT)
def test_shares_sum_to_one_and_reasons_stand_for_the_score(
    rows: list[tuple[str, str, str | None, float]], query: str
) -> None:
    ours = searcher(shop(rows))
    result = ours.search(query, 5)
    reasons = ours.reasons(result)
    assert len(reasons) == int((result.hits.rows[0] >= 0).sum())
    for each in reasons:
        assert math.isclose(sum(reason.share for reason in each), 1.0, rel_tol=1e-9)
        assert all(reason.share > 0 for reason in each)


SMALL = [
    ("red shoe", "for the big day", "Acme", 50.0), ("blue shoe", "", "Acme", 40.0), ("boot", "", "Bolt", 80.0),
    ("red boot", "", "Bolt", 90.0), ("sandal", "red straps", "Bolt", 20.0), ("clog", "", None, 15.0),
    ("mug", "", "Kiln", 8.0), ("red mug", "goes with the cup", "Kiln", 9.0), ("cup", "", "Kiln", 7.0),
    ("glass mug", "", "Kiln", 12.0), ("lid", "", "Kiln", 2.0), ("mug with lid", "", "Bolt", 14.0),
]  # fmt: skip


def test_a_query_in_chinese_finds_products_by_meaning() -> None:
    ours = searcher(shop(SMALL), popular=False, meaning_floor=0.8)
    result = ours.search("鞋", 10)
    assert [int(row) for row in result.hits.rows[0] if row >= 0] == [1, 2]
    assert [[reason.text for reason in each] for each in ours.reasons(result)] == [["close in meaning"]] * 2


def test_reasons_name_the_words_and_where_they_stand() -> None:
    ours = searcher(shop(SMALL), meaning_floor=0.99)
    result = ours.search("red shoe", 1)
    assert [reason.text for reason in ours.reasons(result)[0]] == [
        "close in meaning",
        "“shoe” in title",
        "“red” in title",
        "popular",
    ]
    sandal = ours.reasons(ours.search("red straps", 1))[0]
    assert {reason.text for reason in sandal} == {"“straps” in description", "“red” in description", "popular"}


def test_what_was_mended_is_told_and_its_meaning_is_asked() -> None:
    ours = searcher(shop([*SMALL, ("leather bootie", "", None, 1.0)]), correct=True)
    result = ours.search("leathre bootie", 3)
    assert result.corrected == "leather bootie"
    assert int(result.hits.rows[0, 0]) == 12
    assert ours.search("leather bootie", 3).corrected == ""


@pytest.mark.parametrize("query", ["???", "🥾🥾", "。，"])
def test_a_query_without_words_finds_nothing(query: str) -> None:
    result = searcher(shop(SMALL)).search(query, 3)
    assert result.total == 0
    assert result.facets["brand"]["values"] == []


def test_an_empty_query_asks_for_everything_the_popular_first() -> None:
    ours = searcher(shop(SMALL))
    result = ours.search(" ", 3, where={"brand": "Bolt"})
    assert result.total == 4
    assert result.hits.rows[0].tolist() == [2, 3, 4]
    assert ours.reasons(result)[0][0].text == "popular"
    plain = searcher(shop(SMALL), popular=False)
    assert plain.reasons(plain.search("", 1))[0][0].text == "other"


def test_products_that_may_not_be_shown_are_in_no_count() -> None:
    allowed = np.ones(12, np.bool_)
    allowed[0] = False
    ours = searcher(shop(SMALL), meaning_floor=0.999)
    assert ours.search("shoe", 5, allowed=allowed).total == ours.search("shoe", 5).total - 1


def test_words_alone_where_there_is_no_encoder() -> None:
    catalog = Catalog(shop(SMALL))
    plain = Searcher(words=Words().fit(catalog), filters=Filters().fit(catalog))
    result = plain.search("mug", 10, facets=("brand",))
    assert result.total == 4
    assert set(result.facets) == {"brand"}
    assert plain.search("鞋", 10).total == 0
    long = plain.search("mug lid cup " * 5_000, 3)
    assert long.total > 0


def test_mistakes_are_told() -> None:
    catalog = Catalog(shop(SMALL))
    words, filters = Words().fit(catalog), Filters().fit(catalog)
    with pytest.raises(SettingError, match="both an index and an encoder"):
        Searcher(words=words, filters=filters, encoder=Reader())
    with pytest.raises(SettingError, match="meaning_floor"):
        Searcher(words=words, filters=filters, meaning_floor=0.0)
    plain = Searcher(words=words, filters=filters)
    with pytest.raises(SettingError, match="at least 0"):
        plain.search("mug", -1)
    with pytest.raises(UnknownName, match="brand"):
        plain.search("mug", where={"brnd": "Kiln"})
    with pytest.raises(UnknownName, match="brand"):
        plain.search("mug", facets=["brnd"])
