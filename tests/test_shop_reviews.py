"""Reviews of a shop: read in a build, columns of the products, asked from Python, the command line, REST and a page."""

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from small_server import ask, serving
from small_shop import products

import wares
from wares.api import create
from wares.cli import main
from wares.errors import DataError, SettingError, UnknownName
from wares.shop import Shop

SETTINGS = {"encode.use": "hashing", "cluster.n_clusters": 4}
SAID = (
    ("P1", "Great price, but the sole broke after two days!", 2),
    ("P1", "Very comfortable and cheap", 5),
    ("P1", "Not comfortable at all, poor quality", 1),
    ("P2", "Lovely colour, good quality, fair price", 5),
    ("P3", "Comfortable, good quality", 4),
    ("P3", "Great price", 5),
    ("P7", "terrible quality, too expensive", 1),
    ("茶 1", "味道很好，价格便宜，就是包装破了", 4),
    ("P8", "It is a boot.", 3),
    ("P77", "unknown", 5),
    ("P1", None, 5),
)


def reviews() -> pl.DataFrame:
    return pl.DataFrame(SAID, ["product", "text", "stars"], orient="row")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reviews")
    products().write_csv(folder / "products.csv")
    reviews().write_csv(folder / "reviews.csv")
    wares.build(
        folder / "shop", products=folder / "products.csv", reviews=folder / "reviews.csv", settings=SETTINGS
    ).close()
    return folder / "shop"


@pytest.fixture(scope="module")
def reviewed(folder: Path) -> Iterator[Shop]:
    with Shop(folder) as found:
        yield found


def test_a_product_is_told_with_its_aspects_and_the_sentences_that_say_it(reviewed: Shop) -> None:
    found = reviewed.reviews("P1")
    assert found.whole is not None
    assert (found.reviews, found.rating) == (3, pytest.approx(8 / 3))
    aspects = {each.aspect: each for each in found.aspects}
    assert set(aspects) == {"price", "comfort", "quality"}
    assert aspects["price"].blame is None
    assert aspects["quality"].praise is None
    assert aspects["quality"].blame is not None
    assert aspects["quality"].blame.text == "but the sole broke after two days"
    assert aspects["price"].sentiment > found.usual > aspects["quality"].sentiment
    assert "lexicon" in found.said
    tea = {each.aspect: each for each in reviewed.reviews("茶 1").aspects}
    assert tea["taste"].praise is not None
    assert tea["packaging"].blame is not None
    assert (tea["taste"].praise.text, tea["packaging"].blame.text) == ("味道很好", "就是包装破了")


def test_a_product_that_nobody_reviewed(reviewed: Shop) -> None:
    found = reviewed.reviews("P40")
    assert (found.whole, found.reviews, found.aspects) == (None, 0, [])
    with pytest.raises(UnknownName, match="did you mean 'P4"):
        reviewed.reviews("P400")


def test_sentiment_is_a_column_to_filter_count_and_compare_by(reviewed: Shop) -> None:
    card = reviewed.product("P1")
    assert (card["reviews"], reviewed.product("P40")["reviews"]) == (3, 0)
    assert "sentiment" not in reviewed.product("P40")
    assert {"sentiment_price", "sentiment_quality"} <= set(card)
    assert "sentiment_packaging" not in card  # one product is too few
    best = reviewed.search("shoe", where={"sentiment_quality": {"gt": 0.4}})
    assert {hit.id for hit in best.hits} == {"P2", "P3"}
    assert reviewed.product("P1")["sentiment_quality"] < 0.4 < reviewed.product("P3")["sentiment_quality"]
    assert best.facets["reviews"]["kind"] == "number"


def test_what_was_read_is_told(reviewed: Shop) -> None:
    told = reviewed.info()["reviews"]
    assert (told["n"], told["products"], told["rated"], told["learned_from"]) == (9, 6, 9, 0)
    assert told["unknown"] == {"products": 1, "reviews": 1}
    notes = reviewed.info()["warnings"]
    assert any("'P77'; did you mean 'P" in note for note in notes)
    assert any("rows without a text: 1; such as line 12: no text" in note for note in notes)


def test_a_second_build_keeps_every_step(folder: Path) -> None:
    with wares.build(folder) as opened:
        assert all(each["cached"] for each in opened.info()["steps"])


def test_changed_prices_leave_what_reviews_say(folder: Path, tmp_path: Path) -> None:
    with Shop(folder) as opened:
        opened.add_products([{"id": "P1", "price": 1.5}, {"id": "NEW", "title": "felt shoe", "price": 5.0}])
    with wares.build(folder) as opened:
        assert opened.product("P1")["price"] == 1.5
        assert opened.reviews("P1").reviews == opened.product("P1")["reviews"] == 3
        assert opened.reviews("NEW").reviews == 0


def test_variants_share_their_reviews(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "id": ["a", "b", "c"],
            "title": ["red mug", "blue mug", "iron pan"],
            "group": ["m", "m", None],
            "sentiment": ["x"] * 3,
            "source sentiment": ["y"] * 3,
        }
    )
    said = pl.DataFrame({"product": ["b", "c"], "text": ["very good", "bad"]})
    with wares.build(tmp_path / "shop", products=table, reviews=said, settings={"encode.use": "hashing"}) as opened:
        assert opened.reviews("a").whole == opened.reviews("b").whole != opened.reviews("c").whole
        card = opened.product("a")
        assert card["sentiment"] > 0.5
        # Columns that have one of these names keep their values.
        assert (card["source source sentiment"], card["source sentiment"]) == ("x", "y")


def test_ratings_of_the_shop_are_learned_from_and_aspects_can_be_added(tmp_path: Path) -> None:
    said = pl.DataFrame(
        {
            "product": ["P1", "P2"] * 40,
            "body": ["the laces are zorp. The tongue is zorp", "the laces are blik. The tongue is blik"] * 40,
            "grade": [5, 1] * 40,
        }
    )
    with wares.build(
        tmp_path / "shop",
        products=products(),
        reviews=said,
        columns={"reviews.text": "body", "reviews.rating": "grade"},
        settings={"encode.use": "hashing", "reviews.aspects.laces": "lace, laces"},
    ) as opened:
        assert opened.info()["reviews"]["learned_from"] == 80
        good, bad = opened.reviews("P1"), opened.reviews("P2")
        assert [each.aspect for each in good.aspects] == ["laces", "tongue"]  # one was asked for, the other found
        assert opened.info()["reviews"]["found"] == ["tongue"]
        assert good.aspects[0].sentiment > 0.8
        assert bad.aspects[0].sentiment < 0.2


def test_mistakes_are_named_and_leave_the_shop_alone(folder: Path, shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no reviews yet: wares build SHOP --reviews FILE"):
        shop.reviews("P1")
    others = pl.DataFrame({"product": ["Q"], "text": ["fine"]})
    with pytest.raises(DataError, match="reviews of products that are not known: 1, of 'Q'"):
        wares.build(tmp_path / "other", products=products(), reviews=others, settings=SETTINGS)
    with pytest.raises(DataError, match="no column for the text"):
        wares.build(tmp_path / "third", products=products(), reviews=others.drop("text"), settings=SETTINGS)
    with pytest.raises(SettingError, match="one file, not 2"):
        wares.build(folder, reviews=["a.csv", "b.csv"])


def test_the_command_line_tells_reviews(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for args, words in (
        (["reviews", str(folder), "P1"], ["in 3 reviews, 2.7 of 5 stars", "comfort", "the sole broke"]),
        (["reviews", str(folder), "P40"], ["nobody has reviewed it yet"]),
    ):
        with pytest.raises(SystemExit) as stop:
            main(args)
        assert stop.value.code == 0
        said = " ".join(capsys.readouterr().out.split())
        assert all(word in said for word in words)
    with pytest.raises(SystemExit):
        main(["reviews", str(folder), "茶 1", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["id"], found["reviews"], found["rating"]) == ("茶 1", 1, 4.0)
    assert {each["aspect"] for each in found["aspects"]} == {"taste", "price", "packaging"}


def test_rest_and_pages_tell_reviews(reviewed: Shop, shop: Shop) -> None:
    with serving(create(reviewed)) as address:
        assert ask(address, "/api/reviews/P1").json == json.loads(json.dumps(reviewed.reviews("P1").json()))
        assert ask(address, "/api/reviews/nobody").status == 404
        page = ask(address, "/product/P1?lang=en").text
        assert "the sole broke after two days" in page
        assert "too few ratings to learn from" in page
        chinese = ask(address, "/product/P1?lang=zh").text
        assert "3 条评价" in chinese
        assert "舒适" in chinese
        assert "暂无评价" in ask(address, "/product/P40?lang=zh").text
    with serving(create(shop)) as address:
        assert 'id="reviews"' not in ask(address, "/product/P1").text
        assert ask(address, "/api/reviews/P1").status == 422
