"""One product across shops, from files to files."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wares.cli import main
from wares.errors import DataError, SettingError, UnknownName
from wares.matches import dedupe, match
from wares.tasks.matching import best_cut
from wares.tasks.offers import codes_of
from wares.tasks.rivals import rivalry, tops

OURS = """id,title,brand,price
001,Sony Bravia KD-43XE8005 43 inch 4K TV,Sony,499
002,Apple iPhone 8 Plus 64GB silver,Apple,699
003,Bosch SMS46MI01G dishwasher silver,Bosch,389
004,Samsung Galaxy S9 64GB black,Samsung,549
005,🍎🍎🍎,,
"""
THEIRS = """编号,商品标题,价格
a1,sony kd43xe8005 led tv 43in uhd,489
a2,iphone 8 plus 64 gb spacegrau apple,679
a3,Bosch Serie 4 SMS46MI01G,399
a4,iphone 8 plus 256 gb apple,779
001,galaxy s9 64gb samsung,540
"""
TRUE = {("001", "a1"), ("002", "a2"), ("003", "a3"), ("004", "001")}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    ours.write_text(OURS, encoding="utf-8")
    theirs.write_text(THEIRS, encoding="utf-8")
    return ours, theirs


def run(*args: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(each) for each in args])
    return int(stop.value.code or 0)


# -- matching ------------------------------------------------------------------------------------------------------


def test_matches_without_labels(files: tuple[Path, Path]):
    found = match(*files)
    assert {(each.ours, each.theirs) for each in found.matches} == TRUE
    assert found.facts["without_title"] == 0
    assert 0 < found.facts["reduction"] < 1
    probabilities = [each.probability for each in found.matches]
    assert probabilities == sorted(probabilities, reverse=True)
    best = found.matches[0]
    assert sum(each.share for each in best.reasons) == pytest.approx(1)
    assert best.reasons[-1].text == "other"
    texts = [each.text for one in found.matches for each in one.reasons]
    assert "the same model number (kd43xe8005)" in texts
    odds = sum(weight for _, weight in best.waterfall)
    assert best.probability == pytest.approx(1 / (1 + 2**-odds), abs=1e-5)


def test_a_bare_title_is_enough():
    ours = [{"id": "1", "title": "Sony KD-43XE8005"}, {"id": "2", "title": "Bosch SMS46MI01G"}]
    theirs = [{"id": "x", "title": "Bosch dishwasher SMS46MI01G white"}, {"id": "y", "title": "KD43XE8005 tv by sony"}]
    found = match(ours, theirs, threshold=0.1)
    assert {(each.ours, each.theirs) for each in found.matches} == {("1", "y"), ("2", "x")}


def test_once_and_often():
    ours = [{"id": "1", "title": "Bosch SMS46MI01G dishwasher"}]
    theirs = [{"id": "x", "title": "Bosch SMS46MI01G dishwasher"}, {"id": "y", "title": "Bosch SMS46MI01G"}]
    assert len(match(ours, theirs, threshold=0.001, once=True)) == 1
    assert len(match(ours, theirs, threshold=0.001, once=False)) == 2


def many(n: int, seed: int = 0) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """n products of six brands at two shops that write them their own way."""
    rng = np.random.default_rng(seed)
    brands = ["sony", "bosch", "lg", "canon", "asus", "dell"]
    kinds = ["television", "dishwasher", "camera", "notebook", "printer"]
    ours, theirs = [], []
    for row in range(n):
        brand, kind = brands[rng.integers(6)], kinds[rng.integers(5)]
        code = f"{brand[:2]}{rng.integers(100, 999)}{'abcdef'[rng.integers(6)]}{rng.integers(10, 99)}"
        ours.append({"id": f"p{row}", "title": f"{brand} {kind} {code}"})
        theirs.append({"id": f"q{row}", "title": f"{code[:2]}-{code[2:]} {kind} by {brand} new"})
    return ours, theirs


def test_labels_teach_and_the_rest_is_found(tmp_path: Path):
    ours, theirs = many(120)
    labels = [{"ours": f"p{row}", "theirs": f"q{row}", "same": "1"} for row in range(20)]
    labels += [{"ours": f"p{row}", "theirs": f"q{(row + 1) % 20}", "same": "0"} for row in range(20)]
    pl.DataFrame(labels).write_csv(tmp_path / "labels.csv")
    found = match(ours, theirs, tmp_path / "labels.csv")
    right = {(f"p{row}", f"q{row}") for row in range(120)}
    got = {(each.ours, each.theirs) for each in found.matches}
    assert len(got & right) >= 115
    assert len(got - right) <= 3
    assert found.facts["judged"] == 40
    assert found.facts["pair_completeness"] == 1


def test_only_pairs_of_one_product_teach_too():
    ours, theirs = many(60)
    labels = [{"ours": f"p{row}", "theirs": f"q{row}"} for row in range(15)]
    got = {(each.ours, each.theirs) for each in match(ours, theirs, labels).matches}
    assert len(got & {(f"p{row}", f"q{row}") for row in range(60)}) >= 57


def test_an_offer_that_comes_later_is_matched_as_a_rerun_would():
    ours, theirs = many(80)
    whole = {(each.ours, each.theirs) for each in match(ours, theirs).matches}
    before = match(ours[:60], theirs)
    again = set()
    for offer in ours[60:]:
        best = before.find(offer, k=1)[0]
        assert sum(each.share for each in best.reasons) == pytest.approx(1)
        if best.probability >= 0.5:
            again.add((best.ours, best.theirs))
    assert len(again ^ {pair for pair in whole if int(pair[0][1:]) >= 60}) <= 2


def test_the_same_files_give_the_same_answer(files: tuple[Path, Path]):
    assert match(*files).frame().equals(match(*files).frame())


def test_nothing_in_common_is_no_error():
    found = match([{"id": "1", "title": "🍎🍎"}], [{"id": "1", "title": "🍐"}])
    assert len(found) == 0
    assert found.frame().columns == ["ours", "theirs", "probability", "our_title", "their_title", "reasons"]


@pytest.mark.parametrize("n", [2, 3, 7])
def test_any_number_of_identical_titles_is_one_product(n: int):
    titles = ["bosch dishwasher sms46mi01g series 4"] * n + [f"brass table lamp {word}" for word in ("oak", "elm")]
    found = dedupe(pl.DataFrame({"id": [f"P{i}" for i in range(n + 2)], "title": titles}))
    assert found.labels[:n].tolist() == [0] * n
    assert 0 not in found.labels[n:]


def test_identical_records_are_certain():
    rows = [{"id": str(row), "title": title} for row, title in enumerate(["green tea 100g", "red mug", "blue shoe 42"])]
    found = match(rows, rows)
    assert {(each.ours, each.theirs) for each in found.matches} == {("0", "0"), ("1", "1"), ("2", "2")}


def test_the_verb_and_the_room_share_a_name(files: tuple[Path, Path]):
    import wares.match.linear

    assert len(wares.match(*files)) == 4  # type: ignore[operator]


# -- duplicates ----------------------------------------------------------------------------------------------------

OFFERS = """id,title,shop
1,apple iphone 8 plus 64gb silver,A
2,iphone 8 plus 64 gb apple,B
3,apple iphone 8 plus 256gb,A
4,iphone 8 plus 256 gb apple gold,B
5,Bosch SMS46MI01G dishwasher,A
6,bosch serie 4 sms46mi01g,C
7,Miele G4203,C
"""


def test_duplicates_are_grouped_and_sellers_kept_apart(tmp_path: Path):
    path = tmp_path / "offers.csv"
    path.write_text(OFFERS)
    found = dedupe(path, threshold=0.1)
    group = dict(found.frame().select("id", "group").iter_rows())
    assert group["5"] == group["6"] == "5"
    assert group["1"] != group["3"]  # one seller
    assert group["2"] != group["4"]
    assert group["7"] == "7"
    frame = found.frame()
    assert frame.columns == ["id", "group", "offers", "probability", "title", "reasons"]
    assert frame.filter(pl.col("id") == "7")["probability"].item() == 1
    assert found.find({"id": "8", "title": "Bosch dishwasher SMS46MI01G"}) == "5"
    assert found.find({"id": "9", "title": "Leica M11"}) is None


def test_one_offer_is_one_product():
    assert dedupe([{"id": "1", "title": "tea"}]).labels.tolist() == [0]


# -- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "error", "said"),
    [
        ("ours,theirs,same\n009,a1,1\n", UnknownName, r"labels.csv, line 2: no product '009'; did you mean '00"),
        ("ours,theirs,same\n001,A1 ,1\n", UnknownName, r"line 2: no product 'A1 '; did you mean 'a1'"),
        ("ours,theirs,same\n001,a1,1\n002,a2,perhaps\n", DataError, r"line 3: 'perhaps' does not say"),
        ("ours,theirs,same\n001,,1\n", DataError, r"line 2: theirs is empty"),
        ("ours,theirs,same\n001,a1,1\n001,a1,0\n", DataError, r"'001' and 'a1' are said to be both"),
        ("left thing,right thing\n001,a1\n", DataError, r"columns 'ours' and 'theirs'"),
        ("ours,theirs,same\n", DataError, r"no row below it"),
    ],
)
def test_labels_that_do_not_fit_are_named(files: tuple[Path, Path], labels: str, error: type[Exception], said: str):
    path = files[0].with_name("labels.csv")
    path.write_text(labels)
    with pytest.raises(error, match=said):
        match(*files, path)


def test_catalogs_that_do_not_fit_are_named(tmp_path: Path, files: tuple[Path, Path]):
    twice, nameless, empty = tmp_path / "twice.csv", tmp_path / "nameless.csv", tmp_path / "empty.csv"
    twice.write_text("id,title\n1,tea\n2,mug\n1,shoe\n")
    nameless.write_text("id,weight\n1,3\n")
    empty.write_text("")
    for path, said in (
        (twice, "twice.csv: the id '1' stands in rows 1 and 3"),
        (nameless, "no column for title"),
        (empty, "empty"),
        (tmp_path / "nothing.csv", "there is no file"),
    ):
        with pytest.raises(DataError, match=said):
            match(files[0], path)
    for options, said in (({"threshold": 2.0}, "threshold=2.0"), ({"near": 0}, "near=0")):
        with pytest.raises(SettingError, match=said):
            match(*files, **options)
    with pytest.raises(UnknownName, match="boosted"):
        match(*files, matcher="bosted")


# -- commands ------------------------------------------------------------------------------------------------------


def test_wares_match_writes_a_file(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]):
    to = files[0].with_name("matches.csv")
    assert run("match", *files, "-o", to) == 0
    written = pl.read_csv(to, infer_schema=False)
    assert set(written.select("ours", "theirs").iter_rows()) == TRUE
    assert "4 matches" in capsys.readouterr().out
    assert [each.name for each in files[0].parent.iterdir() if each.name.startswith(".")] == []
    assert run("match", *files, "--json", "--map", "theirs.title=商品标题") == 0
    assert len(json.loads(capsys.readouterr().out)["matches"]) == 4
    assert run("match", *files, "-o", to.with_suffix(".doc")) == 2
    assert "name it .csv, .jsonl or .json" in capsys.readouterr().err.replace("\n", " ")


def test_wares_dedupe_writes_every_offer(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path, to = tmp_path / "offers.csv", tmp_path / "groups.jsonl"
    path.write_text(OFFERS)
    assert run("dedupe", path, "-o", to, "--threshold", 0.1) == 0
    assert [json.loads(line)["id"] for line in to.read_text().splitlines()] == list("1234567")
    assert run("dedupe", path, "--seller", "shops") == 2
    assert "no column 'shops'" in capsys.readouterr().err


# -- parts ---------------------------------------------------------------------------------------------------------


def test_codes():
    assert codes_of("Sony KD-43XE/8005 43 inch 2x 64GB 12345 2019") == ["kd43xe8005", "12345"]
    assert codes_of("lamp", "A 7") == []
    assert codes_of("lamp", "774") == ["774"]
    assert codes_of("小米mi9se手机") == ["mi9se"]


def test_rivalry_by_eye():
    pairs = np.array([[0, 2], [0, 3], [1, 3]], np.int32)
    got = rivalry(pairs, np.array([0.9, 0.5, 0.6]), np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(got[:, :2], [[1, 1], [0.5, 0.5], [1, 1]])
    np.testing.assert_allclose(got[0, 2:], [(1 + 0.9 - 0.5) / 2, (1 + 0.9) / 2], rtol=1e-6)
    np.testing.assert_allclose(got[1, 2:], [(1 + 0.5 - 0.9) / 2, (1 + 0.5 - 0.6) / 2], rtol=1e-6)
    assert tops(pairs, np.array([0.9, 0.5, 0.6]), 4, 2).tolist() == [
        pytest.approx([0.9, 0.5]),
        pytest.approx([0.6, 0]),
        pytest.approx([0.9, 0]),
        pytest.approx([0.6, 0.5]),
    ]


def test_best_cut_lies_between_what_occurs():
    assert best_cut(np.array([0.9, 0.8, 0.3, 0.1]), np.array([True, True, False, False])) == pytest.approx(0.55)
