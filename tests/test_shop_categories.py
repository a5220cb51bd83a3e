"""Categories of a shop: learned from labels, found, asked about, doubted; from Python and the command line."""

from pathlib import Path

import polars as pl
import pytest
from small_shop import products

import wares
from wares.categories import judge, train
from wares.cli import main
from wares.errors import DataError, SettingError, UnknownName
from wares.shop import Shop

LABELS = {
    "Shoes > Running": "Fashion > Footwear > Sports",
    "Shoes > Boots": "Fashion > Footwear > Boots",
    "Kitchen > Mugs": "Home > Tableware",
    "Kitchen > Pans": "Home > Cookware",
}


def labels() -> pl.DataFrame:
    """All but the last of each shelf that there is a label for."""
    rows = products().filter(pl.col("category").is_in(list(LABELS)) & ~pl.col("id").is_in(["P5", "P10", "P15", "P20"]))
    return rows.select("id", label=pl.col("category").replace(LABELS))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("categories")
    products().drop("category").write_csv(folder / "products.csv")
    labels().write_csv(folder / "labels.csv")
    wares.build(folder / "shop", products=folder / "products.csv", settings={"encode.use": "hashing"}).close()
    train(folder / "shop", labels=folder / "labels.csv")
    return folder / "shop"


def test_products_are_found_by_what_was_learned(shop: Path) -> None:
    with Shop(shop) as opened:
        found = opened.classify(
            [{"id": "N1", "title": "green running shoe"}, {"id": "N2", "title": "large coffee mug"}]
        )
        assert [each.path for each in found] == ["Fashion > Footwear > Sports", "Home > Tableware"]
        assert [each.level for each in found] == [3, 2]
        assert all(0 < each.probability <= 1 for each in found)
        assert opened.classify({"id": "N1", "title": "green running shoe"})[0].path == found[0].path


def test_of_a_product_without_a_word_nothing_is_said(shop: Path) -> None:
    with Shop(shop) as opened:
        found = opened.classify([{"title": "😀😀"}, {"title": ""}, {"title": "coffee mug"}])
        assert [(each.id, each.path, each.sure) for each in found[:2]] == [("1", "", False), ("2", "", False)]
        assert found[2].path == "Home > Tableware"
        for wrong in (["mug"], [{}], {}):
            with pytest.raises(DataError, match="a product is like"):
                opened.classify(wrong)


@pytest.mark.parametrize("accuracy", [float("nan"), -0.1, 1.1])
def test_an_accuracy_is_a_share(shop: Path, accuracy: float) -> None:
    with pytest.raises(SettingError, match="from 0 to 1"):
        train(shop, accuracy=accuracy)


def test_what_speaks_for_an_answer_is_told_where_it_adds_up(shop: Path, tmp_path: Path) -> None:
    with Shop(shop) as opened:
        (found,) = opened.classify([{"title": "large coffee mug"}], why=True)
        assert any("mug" in each.text for each in found.reasons)
        assert sum(each.share for each in found.reasons) == pytest.approx(1)
    wares.build(tmp_path / "shop", products=products(), settings={"encode.use": "hashing"}).close()
    labels().write_csv(tmp_path / "labels.csv")
    train(tmp_path / "shop", labels=tmp_path / "labels.csv", settings={"classifier.use": "knn"})
    with Shop(tmp_path / "shop") as opened:
        assert opened.classify([{"title": "large coffee mug"}], why=True)[0].reasons == []


def test_what_was_learned_is_told(shop: Path) -> None:
    with Shop(shop) as opened:
        told = opened.categories()
    assert (told["labels"], told["classes"], told["levels"]) == (len(labels()), 4, 3)
    assert sum(each["products"] for each in told["found"]) == 60
    assert sum(each["given"] for each in told["found"]) == len(labels())


def test_an_export_has_what_was_found(shop: Path, tmp_path: Path) -> None:
    with Shop(shop) as opened:
        opened.export(tmp_path / "out", format="csv")
    table = pl.read_csv(tmp_path / "out" / "products.csv")
    assert table.filter(pl.col("title") == "blue coffee mug")["category_found"].to_list() == ["Home > Tableware"]
    assert table["category_probability"].is_between(0, 1).all()


def test_the_file_is_remembered_and_a_second_build_learns_nothing_anew(shop: Path) -> None:
    assert 'source = "../labels.csv"' in (shop / "shop.toml").read_text()
    with wares.build(shop) as opened:
        steps = {each["step"]: each["cached"] for each in opened.info()["steps"]}
        assert steps["categories"]


def test_labels_given_one_by_one_are_learned_in_the_next_build(shop: Path) -> None:
    with Shop(shop) as opened:
        given = opened.label("P21", "Food>Drinks >  Tea")
        assert given.given == "Food > Drinks > Tea"
        for id in ("P22", "P23", "P24", "P25"):
            opened.label(id, "Food > Drinks > Tea")
        opened.label("P25", "")
        with pytest.raises(UnknownName, match="did you mean"):
            opened.label("P2x", "Food")
    with wares.build(shop) as opened:
        assert opened.categories()["labels"] == len(labels()) + 4
        assert opened.classify([{"id": "N", "title": "green tea"}])[0].path == "Food > Drinks > Tea"


def test_labels_are_judged_on_products_held_out(shop: Path) -> None:
    found = judge(shop, folds=2, budget=0.001)
    assert list(found["levels"]) == ["1", "2", "3", "path"]
    assert found["levels"]["1"]["accuracy"] >= found["levels"]["path"]["accuracy"] > 0.5
    assert len(found["tried"]) == 1  # the time was up
    assert [each["kind"] for each in found["leaks"]] == ["label in a column"]  # each shelf has a brand of its own


def test_own_categories_are_learned_without_being_read(tmp_path: Path) -> None:
    some = products().with_columns(category=pl.when(pl.col("id") != "P12").then("category"))
    wares.build(tmp_path / "shop", products=some, settings={"encode.use": "hashing"}).close()
    train(tmp_path / "shop", own=True)
    with Shop(tmp_path / "shop") as opened:
        assert opened.classify([{"id": "N", "title": "blue coffee mug", "category": "Shoes > Boots"}])[0].path == (
            "Kitchen > Mugs"
        )


def test_labelled_rows_may_be_products_of_their_own(tmp_path: Path) -> None:
    own = labels().join(products().select("id", "title"), on="id").drop("id")
    own.write_csv(tmp_path / "labels.csv")
    wares.build(tmp_path / "shop", products=products(), settings={"encode.use": "hashing"}).close()
    train(tmp_path / "shop", labels=tmp_path / "labels.csv")
    with Shop(tmp_path / "shop") as opened:
        assert opened.classify([{"id": "N", "title": "blue coffee mug"}])[0].path == "Home > Tableware"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,label\nX1,Food\nX2,Home\n", "none of its 2 products is known"),
        ("id,label\nP1,Food\nP1,Home\n", "one product has one label"),
        ("id,label\n", "has no"),
        ("", "empty"),
        ("id,colour\nP1,red\n", "label"),
    ],
)
def test_labels_that_cannot_be_learned_from_change_nothing(tmp_path: Path, shop: Path, text: str, said: str) -> None:
    (tmp_path / "wrong.csv").write_text(text)
    before = (shop / "shop.toml").read_text()
    with pytest.raises(DataError, match=said):
        train(shop, labels=tmp_path / "wrong.csv")
    assert (shop / "shop.toml").read_text() == before


def test_without_anything_learned_the_way_is_shown(tmp_path: Path) -> None:
    with wares.build(tmp_path / "bare", products=products(), settings={"encode.use": "hashing"}) as opened:
        assert opened.categories() == {}
        with pytest.raises(SettingError, match="wares classify train"):
            opened.classify([{"id": "N", "title": "mug"}])
        with pytest.raises(SettingError, match="wares classify train"):
            opened.ask(3)
    with pytest.raises(SettingError, match="nothing to learn from"):
        train(tmp_path / "bare")


def test_the_command_line_trains_finds_asks_and_writes(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stop:
            main(list(words))
        told = capsys.readouterr()
        return int(stop.value.code or 0), told.out + told.err

    pl.DataFrame({"id": ["N1"], "title": ["winter boot"]}).write_csv(tmp_path / "new.csv")
    assert "Fashion > Footwear > Boots" in run("classify", str(shop), str(tmp_path / "new.csv"))[1]
    code, _ = run("classify", str(shop), str(tmp_path / "new.csv"), "-o", str(tmp_path / "found.csv"))
    assert code == 0
    assert pl.read_csv(tmp_path / "found.csv")["found"].to_list() == ["Fashion > Footwear > Boots"]
    code, said = run("classify", str(shop), "--ask", "3", "--json")
    assert code == 0
    assert said.count('"id"') == 3
    assert run("classify", str(shop))[0] == 2
    assert run("classify", str(shop), "--ask", "2", "-o", str(tmp_path / "ask.csv"))[0] == 0
    assert pl.read_csv(tmp_path / "ask.csv").columns == ["id", "title", "label", "guess", "probability", "or"]
    code, said = run("classify", "train", str(shop), "--labels", str(tmp_path / "ask.csv"), "--dry-run")
    assert code == 2  # nobody has filled it in
    for wrong, why in (
        (tmp_path / "none" / "x.csv", "not there"),
        (tmp_path / "x.txt", "name it .csv"),
        (tmp_path, "name it"),
        (tmp_path / "new.csv", "is what is read"),
    ):
        code, said = run("classify", str(shop), str(tmp_path / "new.csv"), "-o", str(wrong))
        assert code == 2
        assert why in said
    code, said = run("classify", "train", str(shop), "--labels", str(tmp_path / "none.csv"))
    assert code == 2
    assert "none.csv" in said
    assert "labels" in run("classify", "train", str(shop), "--dry-run")[1]
    assert "macro F1" in run("classify", "judge", str(shop), "--folds", "2")[1]
    assert run("classify", str(shop), "--doubt", "2", "--json")[1].count('"given"') == 2
