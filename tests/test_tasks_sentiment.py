"""Praise and blame: by a lexicon, learned from ratings, and of the aspects that clauses speak of."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.algorithm import load
from wares.data.opinions import WHOLE
from wares.encode import phrases
from wares.tasks.opinions import Tally, as_columns, overview
from wares.tasks.sentiment import Sentiment, logistic
from wares.text import opinions
from wares.text.aspects import ASPECTS, Speaks, cut
from wares.text.nouns import spoken_of

PRAISE = (
    "great mug",
    "very good handle",
    "I love it",
    "很好",
    "质量不错",
    "非常喜欢",
    "not bad",
    "一点都不贵",
    "won't break",
    "five stars",
    "Couldn’t be happier",
    "No complaints",
)
BLAME = (
    "terrible mug",
    "not good",
    "I don't like it",
    "It isn't very comfortable",
    "Doesn’t work",
    "Save your money",
    "I expected better",
    "不好",
    "质量太差了",
    "没有效果，后悔",
    "a bit expensive",
    "不是很满意",
)


@pytest.mark.parametrize("text", PRAISE)
def test_the_lexicon_hears_praise(text: str) -> None:
    assert opinions.probability([text])[0] > 0.5


@pytest.mark.parametrize("text", BLAME)
def test_the_lexicon_hears_blame(text: str) -> None:
    assert opinions.probability([text])[0] < 0.5


def test_the_lexicon_is_silent_where_nothing_is_said() -> None:
    assert opinions.probability(["", "the mug is a mug", "这是一个杯子", "😀", "123"]).tolist() == [0.5] * 5


def test_what_is_strong_counts_more_and_what_comes_after_but_too() -> None:
    good, very, but = opinions.scores(["good", "very good", "bad but good"])
    assert very > good > 0
    assert but > 0
    assert opinions.scores(["good but bad"])[0] < 0


def test_much_praise_is_no_more_than_certain() -> None:
    assert opinions.probability(["good " * 2_000, "awful " * 2_000]).tolist() == [1.0, pytest.approx(0.0, abs=1e-9)]


def test_texts_are_cut_at_signs_and_before_but() -> None:
    assert opinions.clauses("Nice mug, cheap. But it leaks!") == ["Nice mug", "cheap", "But it leaks"]
    assert opinions.clauses("Nice mug but it leaks") == ["Nice mug", "but it leaks"]
    assert opinions.clauses("价格便宜，质量好，但是物流慢。不过还行") == [
        "价格便宜",
        "质量好",
        "但是物流慢",
        "不过还行",
    ]
    assert opinions.clauses("butter is fine") == ["butter is fine"]


@given(st.lists(st.text(alphabet="ab 不过但是,.，。!\nbut'-", max_size=30), max_size=5))
@settings(deadline=None, max_examples=100)
def test_many_texts_are_cut_as_one_is(texts: list[str]) -> None:
    found = cut(texts)
    for place, text in enumerate(texts):
        assert found.filter(text=place)["clause"].to_list() == opinions.clauses(text)


# -- learned ---------------------------------------------------------------------------------------------------------


def taught(n: int = 60) -> tuple[list[str], list[float]]:
    """Reviews whose praise is a word that no lexicon knows."""
    good = [f"the mug number {i} is zorp" for i in range(n)]
    bad = [f"the mug number {i} is blik" for i in range(n)]
    return good + bad, [1.0] * n + [0.0] * n


def test_words_are_learned_from_ratings() -> None:
    model = Sentiment(bits=12).fit(*taught())
    assert (model.taught_, model.right_) == (120, 1.0)
    assert "learned from 120 rated reviews" in model.said()
    told = model.probability(["a zorp pan", "a blik pan"])
    assert told[0] > 0.8
    assert told[1] < 0.2


def test_signs_and_order_are_told_apart() -> None:
    n = 30
    texts = ["it is 好"] * n + ["it is 不好"] * n + ["hm！"] * n + ["hm？"] * n
    model = Sentiment(bits=12).fit(texts, [1.0] * n + [0.0] * n + [1.0] * n + [0.0] * n)
    assert (model.probability(["it is 好", "it is 不好", "hm！", "hm？"]) > 0.5).tolist() == [True, False, True, False]


def test_without_ratings_the_lexicon_answers_and_it_is_said() -> None:
    few = Sentiment().fit(["fine", "awful"], [1.0, 0.0])
    none = Sentiment().fit(["fine"], [np.nan])
    for model in (few, none):
        assert model.taught_ == 0
        assert "lexicon" in model.said()
        np.testing.assert_array_equal(
            model.probability(["very good", "不好"]), opinions.probability(["very good", "不好"])
        )


def test_what_was_saved_answers_the_same(tmp_path: Path) -> None:
    for name, model in (("taught", Sentiment(bits=10).fit(*taught())), ("untaught", Sentiment().fit([], []))):
        model.save(tmp_path / name)
        again = load(tmp_path / name)
        assert isinstance(again, Sentiment)
        texts = ["a zorp pan", "very good", ""]
        np.testing.assert_array_equal(again.probability(texts), model.probability(texts))


def test_a_text_is_told_the_same_whatever_stands_beside_it() -> None:
    model = Sentiment(bits=12).fit(*taught())
    texts = ["a zorp pan", "不 blik", "", "zorp blik " * 500]
    alone = [float(model.probability([text])[0]) for text in texts]
    assert model.probability(texts).tolist() == alone
    assert model.probability([]).shape == (0,)


def test_the_same_seed_gives_the_same_bits_and_most_is_kept_to() -> None:
    one, other = (Sentiment(bits=12, most=50, seed=3).fit(*taught()) for _ in range(2))
    assert one.taught_ == 50
    np.testing.assert_array_equal(one.probability(["zorp"]), other.probability(["zorp"]))


def test_logistic_finds_the_share_of_praise() -> None:
    praise = np.array([True] * 300 + [False] * 100)
    (weight,) = logistic(np.ones((400, 1)), praise)
    assert weight == pytest.approx(np.log(3), abs=0.02)


def test_runs_of_letters_and_words_are_counted() -> None:
    (both,) = (phrases.counts(["ab ab"], 2, 2, 10),)
    assert both.shape == (1, 2048)
    letters, words = both[:, :1024], both[:, 1024:]
    # Both ends of a text count as a letter |: | a b and ab twice; the space, |a, "b ", " a" and b| once.
    assert sorted(letters.data.tolist()) == [1, 1, 1, 1, 1, 2, 2, 2, 2]
    # | and ab twice; |ab, "ab ab" and ab| once.
    assert sorted(words.data.tolist()) == [1, 1, 1, 2, 2]


# -- aspects ---------------------------------------------------------------------------------------------------------


def spoken(text: str, more: dict[str, str] | None = None) -> list[tuple[str, str]]:
    speaks = Speaks.of(more)
    return [(clause, speaks.names[aspect]) for _, clause, aspect in speaks.find([text]).iter_rows()]


def test_clauses_speak_of_aspects() -> None:
    assert spoken("Great price, but the battery died.") == [
        ("Great price", "price"),
        ("but the battery died", "battery"),
    ]
    assert spoken("价格便宜，物流太慢了") == [("价格便宜", "price"), ("物流太慢了", "delivery")]
    assert spoken("Pricey!") == [("Pricey", "price")]
    assert spoken("It was priceless boxing") == []  # whole words only


def test_aspects_of_ones_own() -> None:
    more = {"zipper": "zipper, zip，拉链", "price": "rip off"}
    assert spoken("The zip broke; what a rip off. 拉链坏了", more) == [
        ("The zip broke", "zipper"),
        ("The zip broke", "quality"),
        ("what a rip off", "price"),
        ("拉链坏了", "zipper"),
    ]


def test_more_aspects_are_found_in_what_is_said() -> None:
    texts = [
        "The handles are weak",
        "my handle broke",
        "its handle is fine. The price is high",
        "早餐很好，价格太贵",
        "早餐不错",
    ]
    known = Speaks.of().patterns
    assert spoken_of(texts, known, least=2, most=9) == ["handle", "早餐"]
    assert spoken_of(texts, known, least=2, most=1) == ["handle"]
    assert spoken_of(texts, [*known, " handle "], least=2, most=9) == ["早餐"]
    assert spoken_of(["I bought the mug of the shop"], known, least=1, most=9) == []


def test_no_word_stands_for_an_aspect_twice() -> None:
    for words in ASPECTS.values():
        listed = [word.strip() for word in words.split(",")]
        assert len(listed) == len(set(listed))
        assert all(word == word.lower() and word for word in listed)


# -- added up --------------------------------------------------------------------------------------------------------


def tally(reviews: list[tuple[int, str]], stars: list[float | None] | None = None) -> pl.DataFrame:
    found = Tally(Sentiment().fit([], []), Speaks.of())
    owners = np.array([owner for owner, _ in reviews])
    ratings = pl.Series(stars or [None] * len(reviews), dtype=pl.Float64)
    half = len(reviews) // 2
    for part in (slice(0, half), slice(half, None)):  # in two blocks, as a file comes
        found.add(owners[part], [text for _, text in reviews[part]], ratings[part])
    return found.settle()


def test_reviews_are_added_up_by_product_and_aspect() -> None:
    found = tally(
        [
            (0, "Great price. Awful smell"),
            (1, "bad price"),
            (0, "excellent price"),
            (0, "the smell is terrible, a bad smell"),
            (2, "a mug"),
        ],
        [4.0, None, 5.0, 1.0, None],
    )
    rows = {(row["owner"], row["aspect"]): row for row in found.to_dicts()}
    assert set(rows) == {(0, WHOLE), (0, "price"), (0, "smell"), (1, WHOLE), (1, "price"), (2, WHOLE)}
    assert [row["owner"] for row in found.to_dicts()] == sorted(row["owner"] for row in found.to_dicts())
    price, smell = rows[0, "price"], rows[0, "smell"]
    assert (price["reviews"], price["praise"], price["blame"]) == (2, "excellent price", None)
    assert (smell["reviews"], smell["praise"], smell["blame"]) == (2, None, "the smell is terrible")
    assert 0 < price["praise_share"] < 1
    assert rows[0, WHOLE]["rating"] == pytest.approx(10 / 3)
    assert rows[2, WHOLE]["rating"] is None
    expected = opinions.probability(["Great price", "excellent price"]).mean()
    assert price["mean"] == pytest.approx(expected, abs=1e-6)


def test_few_reviews_are_drawn_to_the_mean_of_the_shop() -> None:
    many = [(0, "very good")] * 40 + [(1, "awful")] * 40 + [(2, "fine")] * 20 + [(2, "bad")] * 20
    found = tally([*many, (3, "very good")]).filter(aspect=WHOLE)
    by = {row["owner"]: row for row in found.to_dicts()}
    usual = sum(row["mean"] * row["reviews"] for row in by.values()) / 121
    assert usual < by[3]["sentiment"] < by[3]["mean"]
    assert abs(by[0]["sentiment"] - by[0]["mean"]) < by[3]["mean"] - by[3]["sentiment"]


def test_columns_are_of_aspects_that_enough_products_have() -> None:
    found = tally([(0, "good price"), (1, "bad price"), (2, "good price, nice smell"), (4, "hm")])
    columns = as_columns(found, 5, share=0.05, least=2)
    assert list(columns) == ["sentiment", "reviews", "sentiment_price"]
    assert columns["reviews"].tolist() == [1, 1, 1, 0, 1]
    assert np.isnan(columns["sentiment"]).tolist() == [False, False, False, True, False]
    assert np.isnan(columns["sentiment_price"]).tolist() == [False, False, False, True, True]
    assert [(each["aspect"], each["reviews"], each["products"]) for each in overview(found)] == [
        (WHOLE, 4, 4),
        ("price", 3, 3),
        ("smell", 1, 1),
    ]
