"""Languages, pictures, charts and numbers of the pages, without a server."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.text.chinese import is_chinese
from wares.web import charts, formats, tiles, words


@pytest.mark.parametrize(
    ("accepted", "chosen", "fallback", "speaks"),
    [
        ("", "", "en", "en"),
        ("", "", "zh", "zh"),
        ("de,fr;q=0.8", "", "zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "", "en", "zh"),
        ("en-GB,zh;q=0.9", "", "zh", "en"),
        ("zh;q=0.1, en;q=0.2", "", "en", "en"),
        ("zh;q=0,de", "", "en", "en"),
        ("zh", "en", "zh", "en"),
        ("zh", "klingon", "en", "zh"),
    ],
)
def test_the_language_spoken(accepted: str, chosen: str, fallback: str, speaks: str) -> None:
    assert words.language(accepted, chosen, fallback) == speaks


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=40), st.text(max_size=5))
def test_any_header_gives_a_language(accepted: str, chosen: str) -> None:
    assert words.language(accepted, chosen) in words.LANGUAGES


def test_every_phrase_takes_the_same_values_in_every_language() -> None:
    fields = {
        key: [{part.split("}")[0] for part in phrase.split("{")[1:]} for phrase in phrases]
        for key, phrases in words._WORDS.items()
    }
    assert [key for key, (english, chinese) in fields.items() if english != chinese] == []


def test_whether_titles_are_chinese() -> None:
    assert is_chinese(["龙井绿茶", "green 茶", "mug"])
    assert not is_chinese(["mug", "tea"])
    assert not is_chinese([])


def test_a_picture_suits_its_product() -> None:
    assert tiles.tile("dark chocolate", "Food > Chocolate").glyph == "sweet"
    assert tiles.tile("red running shoe", "Shoes > Running").glyph == "shoe"
    assert tiles.tile("龙井绿茶", "茶叶").glyph == "leaf"
    unknown = tiles.tile("zirconium widget", "Parts")
    assert (unknown.glyph, unknown.initials) == ("", "ZW")
    assert unknown == tiles.tile("zirconium widget", "Parts")


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=30), st.text(max_size=30))
def test_every_product_has_a_picture(title: str, category: str) -> None:
    made = tiles.tile(title, category)
    assert 0 <= made.hue < tiles.HUES
    assert 1 <= len(made.initials) <= 4  # one letter may become two in capitals


def test_values_as_text() -> None:
    assert formats.price(1234.5) == "1,234.50"
    assert formats.number(92331) == "92,331"
    assert formats.share(0.613) == "61 %"
    assert formats.plain(2.50) == "2.5"
    assert formats.plain(["a", 1]) == "a, 1"
    assert formats.label("units_sold") == "Units sold"
    assert formats.product_url("a/b %茶?#") == "/product/a%2Fb%20%25%E8%8C%B6%3F%23"


def test_a_chart_is_drawn_to_scale() -> None:
    def values(ndcg: float, coverage: float) -> dict[str, object]:
        return {"ndcg": {"mean": ndcg, "low": 0.8 * ndcg, "high": 1.2 * ndcg, "n": 9}, "coverage": coverage}

    models = {"popular": values(0.1, 0.01), "blend": values(0.2, 0.5)}
    gap = {"mean": 0.1, "low": 0.05, "high": 0.15, "n": 9}
    task = {"shoppers": 9, "models": models, "differences": {"popular": {"ndcg": gap}, "ease": {"ndcg": gap}}}
    (made,) = charts.tasks({"recommend": {"k": 10, "tasks": {"new": task}}})
    blend, popular = made.charts[0].bars
    assert (blend.kind, popular.kind) == ("ours", "baseline")
    assert blend.width == pytest.approx(2 * popular.width)
    assert blend.from_ < blend.width < blend.to <= 1000
    assert [chart.metric for chart in made.charts] == ["NDCG@10", "Coverage@10"]
    assert made.rows[0] == ("blend", ["0.2000", "0.5000"])
    assert [(one.peer, one.sure) for one in made.gaps] == [("popular", True)]


def test_nothing_evaluated_is_nothing_drawn() -> None:
    assert charts.tasks({}) == []
