"""The command line on a small shop: shapes of the JSON, tables for people, and the exit code of every mistake."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from wares.cli import _run

Wares = Callable[..., tuple[int, str, str]]


@pytest.fixture
def wares(capsys: pytest.CaptureFixture[str]) -> Wares:
    """Run a command line; its exit code, output and errors."""

    def run(*args: object) -> tuple[int, str, str]:
        words = [str(each) for each in args]
        code = _run(words, "--debug" in words)
        return code, *capsys.readouterr()

    return run


HIT = {"id", "title", "score", "reasons"}


@pytest.mark.parametrize(
    ("command", "beside"),
    [
        (("search", "red shoe"), {"total", "facets"}),
        (("similar", "P1"), set()),
        (("similar", "P1", "--together"), set()),
        (("similar", "P1", "--by", "price"), set()),
        (("recommend", "--shopper", "U7"), set()),
        (("recommend", "--basket", "P1,P2"), set()),
        (("recommend",), set()),
    ],
)
def test_every_ranked_answer_has_one_shape(
    wares: Wares, shop_folder: Path, command: tuple[str, ...], beside: set[str]
) -> None:
    name, *rest = command
    code, out, _ = wares(name, shop_folder, *rest, "-k", 3, "--json")
    answer = json.loads(out)
    assert code == 0
    assert {"hits", "took_ms"} | beside <= set(answer)
    assert 1 <= len(answer["hits"]) <= 3
    for hit in answer["hits"]:
        assert set(hit) >= HIT
        assert all(set(reason) == {"text", "share", "products"} for reason in hit["reasons"])
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)


def test_clusters_hold_every_product_once(wares: Wares, shop_folder: Path) -> None:
    _, out, _ = wares("clusters", shop_folder, "--json")
    found = json.loads(out)["clusters"]
    assert sum(each["size"] for each in found) == 60
    assert all(
        {"id", "name", "size", "keywords", "typical", "borderline", "prices", "revenue"} <= set(each) for each in found
    )


def test_what_is_known_of_the_build(wares: Wares, shop_folder: Path) -> None:
    info = json.loads(wares("info", shop_folder, "--json")[1])
    assert {"products", "events", "clusters", "encoder", "recommend", "evaluation", "steps", "warnings"} <= set(info)
    assert json.loads(wares("evaluate", shop_folder, "--json")[1]) == info["evaluation"]
    named = json.loads(wares("algorithms", "--json")[1])["algorithms"]
    assert all(set(each) == {"role", "name", "summary", "needs"} for each in named)


def test_models_are_judged_on_one_split(wares: Wares, shop_folder: Path) -> None:
    code, out, _ = wares("evaluate", shop_folder, "--models", "popular,ease", "--split", "last", "--json")
    found = json.loads(out)["recommend"]
    assert code == 0
    assert found["split"] == "last"
    assert {"popular", "ease"} <= set(found["costs"]) == set(found["tasks"]["new"]["models"])
    code, out, _ = wares("evaluate", shop_folder, "--models", "popular,ease")
    assert code == 0
    assert "p99 ms" in out
    assert "the best simple method" in out


def test_what_cannot_be_judged_so_is_refused(wares: Wares, shop_folder: Path) -> None:
    code, _, err = wares("evaluate", shop_folder, "--sampled", 100)
    assert code == 2
    assert "sampled metrics are refused" in err
    assert "10.1145/3394486.3403226" in err
    code, _, err = wares("evaluate", shop_folder, "--models", "popluar")
    assert code == 2
    assert "did you mean 'popular'" in err
    code, _, err = wares("evaluate", shop_folder, "--split", "users")
    assert code == 2
    assert "time, last, random" in err


def test_tuning_says_what_it_found(wares: Wares, shop_folder: Path) -> None:
    given = ("tune", shop_folder, "--models", "popular,itemknn", "--budget", "60s", "--dry-run")
    code, out, _ = wares(*given, "--json")
    found = json.loads(out)
    assert code == 0
    assert {"chosen", "better", "over", "costs", "tried", "table", "said"} <= set(found)
    assert not found["written"]
    code, out, _ = wares(*given)
    assert code == 0
    assert "best together" in out
    assert wares("tune", shop_folder, "--budget", "soon")[0] == 2


def test_tables_for_people(wares: Wares, shop_folder: Path) -> None:
    for command in (("clusters", shop_folder), ("info", shop_folder), ("evaluate", shop_folder), ("algorithms",)):
        code, out, err = wares(*command)
        assert code == 0
        assert out
        assert not err
    code, out, _ = wares("search", shop_folder, "mug", "-k", 2)
    assert code == 0
    assert "mug" in out
    assert "products match" in out


def test_export(wares: Wares, shop_folder: Path, tmp_path: Path) -> None:
    code, out, _ = wares("export", shop_folder, tmp_path / "out", "--format", "csv")
    assert code == 0
    assert {Path(line).stem for line in out.splitlines()} >= {"products", "clusters", "neighbours", "recommendations"}
    assert len(pl.read_csv(tmp_path / "out" / "products.csv")) == 60


@pytest.mark.parametrize(
    "query", ["", "   ", "!?", "'; DROP TABLE products; --", "<b>[/red]</b>", "ｘ茶😀", "shoe " * 2000]
)
def test_any_query_is_answered(wares: Wares, shop_folder: Path, query: str) -> None:
    assert wares("search", shop_folder, query, "-k", 1)[0] == 0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("serch", "{shop}", "x"), "did you mean 'search'"),
        (("search", "{shop}", "x", "-k", "0"), "-k"),
        (("search", "{shop}", "x", "--where", "{"), "is not JSON"),
        (("search", "{shop}", "x", "--where", "[]"), "not a JSON object"),
        (("search", "{shop}", "x", "--where", '{"prize": {"lt": 5}}'), "did you mean 'price'"),
        (("search", "{shop}", "x", "--where", '{"price": {"below": 5}}'), "lt, lte, gt, gte"),
        (("search", "{shop}", "x", "--where", '{"price": {"lt": NaN}}'), "needs a number"),
        (("similar", "{shop}", "p1"), "did you mean 'P1'"),
        (("similar", "{shop}", "P1", "--together", "--where", "{}"), "leave one of the two out"),
        (("similar", "{shop}", "P1", "--by", "prise"), "did you mean 'price'"),
        (("similar", "{shop}", "P1", "--by", "image"), "It can compare by text, behaviour, price"),
        (("similar", "{shop}"), "give a product or --image"),
        (("similar", "{shop}", "P1", "--image", "photo.jpg"), "give a product or --image"),
        (("recommend", "{shop}", "--shopper", "u7"), "did you mean 'U7'"),
        (("recommend", "{shop}", "--shopper", "U7", "--basket", "P1"), "not both"),
        (("recommend", "{shop}", "--basket", "P1,nothing"), "no product 'nothing'"),
        (("export", "{shop}", "{file}"), "is a file"),
        (("export", "{shop}", "{file}/below"), "cannot make the folder"),
        (("search", "{file}", "x"), "is a file, not a shop folder"),
        (("search", "{empty}", "x"), "is not a shop folder"),
        (("search", "{empty}/nowhere", "x"), "there is no shop folder"),
        (("demo", "{file}", "--no-serve"), "is a file"),
    ],
)
def test_a_mistake_is_named_and_costs_2(
    wares: Wares, shop_folder: Path, tmp_path: Path, command: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear shop")
    empty = tmp_path / "empty"
    empty.mkdir()
    places = {"{shop}": str(shop_folder), "{file}": str(file), "{empty}": str(empty)}
    words = []
    for word in command:
        for name, place in places.items():
            word = word.replace(name, place)
        words.append(word)
    code, out, err = wares(*words)
    assert code == 2
    assert said in err
    assert not out
    assert "Traceback" not in err


def test_markup_in_the_data_is_text(wares: Wares, tmp_path: Path) -> None:
    titles = ["[/red] boot", "[bold]boot[/bold]", "boot [link=x]", "a mug", "red mug", "tea"]
    products = pl.DataFrame({"id": [f"[{n}]" for n in range(6)], "title": titles, "brand": ["[/b]"] * 6})
    products.write_csv(tmp_path / "products.csv")
    settings = ("--set", "encode.use=lsa", "--set", "cluster.n_clusters=2")
    code, out, err = wares("build", tmp_path / "shop", "-p", tmp_path / "products.csv", *settings)
    assert code == 0, err
    code, out, _ = wares("search", tmp_path / "shop", "boot")
    assert code == 0
    assert "[/red]" in out
    assert "[bold]" in out
    assert wares("clusters", tmp_path / "shop")[0] == 0


def test_what_the_system_refuses_is_no_mistake_of_ours(
    wares: Wares, shop_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/somewhere")

    monkeypatch.setattr("wares.cli.common.open_folder", refuse)
    code, _, err = wares("info", shop_folder)
    assert code == 2
    assert "/somewhere" in err
    assert "may read and write" in err


def test_a_mistake_of_ours_says_so_and_debug_shows_it(
    wares: Wares, shop_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("wares.cli.common.open_folder", break_down)
    code, _, err = wares("info", shop_folder)
    assert code == 1
    assert "mistake of ours" in err
    assert "--debug" in err
    with pytest.raises(RuntimeError):
        wares("--debug", "info", shop_folder)


def test_no_name_is_proposed_that_is_not_near(wares: Wares, shop_folder: Path) -> None:
    assert "did you mean" not in wares("similar", shop_folder, "nope")[2]
    assert "did you mean" in wares("similar", shop_folder, "P999")[2]


@pytest.mark.parametrize("error", [MemoryError(), OSError(12, "Cannot allocate memory")])
def test_too_little_memory_is_said_with_a_way_out(
    wares: Wares, shop_folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def run_out(*_: object) -> None:
        raise error

    monkeypatch.setattr("wares.cli.common.open_folder", run_out)
    code, _, err = wares("info", shop_folder)
    assert code == 2
    assert "ulimit -v" in err
