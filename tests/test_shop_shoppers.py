"""Interests and profiles of the small shop: from Python, the command line, REST and the pages."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from small_server import ask

from wares.cli import _run
from wares.errors import SettingError, UnknownName
from wares.making import build_shop
from wares.shop import Shop

Wares = Callable[..., tuple[int, str, str]]


@pytest.fixture
def wares(capsys: pytest.CaptureFixture[str]) -> Wares:
    """Run a command line; its exit code, output and errors."""

    def run(*args: object) -> tuple[int, str, str]:
        code = _run([str(each) for each in args], False)
        return code, *capsys.readouterr()

    return run


def test_every_shopper_is_in_one_interest(shop: Shop) -> None:
    found = shop.interests()
    assert sum(each.size for each in found) == 40
    assert len({each.name for each in found}) == len(found) >= 2
    for each in found:
        assert each.wants
        assert all(one["times"] > 1 for one in each.wants)
        shop.products([one["id"] for one in [*each.wants, *each.will_want]])  # all are there
    assert sum(each["shoppers"] for each in shop.segments()) == 40


def test_a_new_shopper_is_placed_by_all_that_is_said(shop: Shop) -> None:
    usual = {each["id"]: each["probability"] for each in shop.place_shopper()}
    assert sum(usual.values()) == pytest.approx(1, abs=1e-4)
    for given in (
        {"profile": "green tea"},
        {"answers": {shop.questions()[0]["id"]: "yes"}},
        {"attributes": {"town": "Ulm"}},
        {"basket": ["P1", "P2"]},
        {"shopper": "U7"},
        {"profile": "boots", "basket": ["P6"], "attributes": {"town": "Bonn"}},
    ):
        found = {each["id"]: each["probability"] for each in shop.place_shopper(**given)}  # type: ignore[arg-type]
        assert found.keys() == usual.keys()
        assert sum(found.values()) == pytest.approx(1, abs=1e-4)
        assert found != usual
    boots = shop.place_shopper(profile="brown leather boot, hiking boot")[0]["id"]
    wanted = next(each for each in shop.interests() if each.id == boots)
    assert any("boot" in one["title"] or "shoe" in one["title"] for one in wanted.wants)


def test_what_is_not_known_is_named(shop: Shop) -> None:
    with pytest.raises(UnknownName, match="did you mean 'town'"):
        shop.place_shopper(attributes={"toen": "Ulm"})
    with pytest.raises(SettingError, match="known are"):
        shop.place_shopper(attributes={"town": "Rome"})
    with pytest.raises(UnknownName, match="no question"):
        shop.place_shopper(answers={"age": "7"})
    with pytest.raises(SettingError, match="says nothing"):
        shop.recommend(profile=" , ")
    with pytest.raises(UnknownName):
        shop.place_shopper(shopper="U999")


def test_a_sentence_is_answered_with_what_was_said(shop: Shop) -> None:
    answer = shop.recommend(profile="likes green tea and hiking boots", k=4)
    titles = [hit.title for hit in answer.hits]
    assert any("tea" in title for title in titles)
    assert any("boot" in title for title in titles)
    said = {reason.text for hit in answer.hits for reason in hit.reasons}
    assert {"you said: green tea", "you said: hiking boots"} <= said
    cheap = shop.recommend(profile="green tea", where={"price": {"lt": 5}})
    assert cheap.hits
    assert all(card["price"] < 5 for card in shop.products([hit.id for hit in cheap.hits]))
    had = {each["id"] for each in shop.shopper("U7")["products"]}
    assert not had & {hit.id for hit in shop.recommend("U7", profile="wooden blocks", k=20).hits}


def test_a_profile_rests_on_products_of_the_shopper(shop: Shop) -> None:
    found = shop.shopper("U7")
    profile, had = found["profile"], {each["id"] for each in found["products"]}
    assert 0.5 < sum(each["share"] for each in profile["interests"]) <= 1.001
    assert all(
        sum(one["share"] for one in each["shares"]) == pytest.approx(1, abs=1e-3) for each in profile["over_time"]
    )
    assert {product for each in profile["sentences"] for product in each["products"]} <= had
    assert profile["rhythm"]["every"] == 10
    assert profile["segment"]["visits"] == 6
    alike = [each["id"] for each in profile["alike"]]
    assert alike
    assert "U7" not in alike
    assert profile["brands"]["brands"][0]["products"][0]["id"] in had


def test_a_shopper_who_came_since_the_build_has_a_profile_too(own_shop: Shop) -> None:
    own_shop.add_events([{"shopper": "new", "product": "P1"}, {"shopper": "new", "product": "P2"}])
    profile = own_shop.shopper("new")["profile"]
    assert profile["rhythm"]["state"] == "once"
    assert profile["over_time"] == []
    assert own_shop.place_shopper(shopper="new") != own_shop.place_shopper()


def test_interests_keep_ids_and_names_from_build_to_build(own_folder: Path) -> None:
    with Shop(own_folder) as shop:
        before = {each.id: (each.name, each.size) for each in shop.interests()}
        shop.add_events([{"shopper": "new", "product": f"P{number}"} for number in (1, 2, 3, 4)])
    with build_shop(own_folder) as shop:
        after = {each.id: (each.name, each.size) for each in shop.interests()}
        assert shop.info()["interests"]["followed"]["kept"] >= 0.8
    assert after.keys() == before.keys()
    assert {name for name, _ in after.values()} == {name for name, _ in before.values()}
    assert sum(size for _, size in after.values()) == 41
    with build_shop(own_folder) as shop:  # nothing has changed: nothing is made anew
        assert next(each for each in shop.info()["steps"] if each["step"] == "interests")["cached"]


def test_a_shop_of_few_shoppers_has_none_and_says_so(own_folder: Path, wares: Wares) -> None:
    with build_shop(own_folder, settings={"interests.least": 41}) as shop:
        assert shop.info()["interests"] is None
        assert shop.shopper("U7")["profile"] is None
        for question in (shop.interests, shop.questions, shop.segments, shop.place_shopper):
            with pytest.raises(SettingError, match="no interests of shoppers"):
                question()  # type: ignore[operator]
        with pytest.raises(SettingError, match="no interests of shoppers"):
            shop.recommend(profile="tea")
    code, _, said = wares("interests", own_folder)
    assert (code, "interests.least" in said) == (2, True)
    assert wares("shopper", own_folder, "U7")[0] == 0


def test_the_command_line(wares: Wares, shop_folder: Path) -> None:
    found = json.loads(wares("interests", shop_folder, "--json")[1])["interests"]
    assert {"id", "name", "size", "wants", "will_want", "groups", "rising", "attributes"} <= set(found[0])
    assert found[0]["name"] in wares("interests", shop_folder)[1].replace("\n", " ") or found[0]["size"]
    placed = wares("interests", shop_folder, "--profile", "tea", "--attribute", "town=Ulm", "--json")
    assert {"id", "name", "probability"} == set(json.loads(placed[1])["interests"][0])
    assert json.loads(wares("interests", shop_folder, "--questions", "--json")[1])["questions"]
    assert json.loads(wares("interests", shop_folder, "--segments", "--json")[1])["segments"]
    shopper = json.loads(wares("shopper", shop_folder, "U7", "--json")[1])
    assert shopper["profile"]["sentences"]
    code, out, _ = wares("shopper", shop_folder, "U7")
    assert code == 0
    assert "Mostly interested in" in out
    hits = json.loads(wares("recommend", shop_folder, "--profile", "green tea", "-k", 3, "--json")[1])["hits"]
    assert any("tea" in hit["title"] for hit in hits)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--questions", "--segments"), "one at a time"),
        (("--attribute", "town"), "name=value"),
        (("--attribute", "toen=Ulm"), "did you mean 'town'"),
        (("--answer", "x=yes"), "no question"),
    ],
)
def test_mistakes_on_the_command_line(wares: Wares, shop_folder: Path, arguments: tuple[str, ...], says: str) -> None:
    code, _, said = wares("interests", shop_folder, *arguments)
    assert code == 2
    assert says in said


def test_rest(address: str) -> None:
    found = ask(address, "/api/interests").json["interests"]
    assert sum(each["size"] for each in found) == 40
    assert ask(address, "/api/segments").json["segments"]
    question = ask(address, "/api/questions").json["questions"][0]
    who = {"profile": "green tea", "answers": {question["id"]: question["options"][0]}, "attributes": {"town": "Ulm"}}
    as_json = {"content_type": "application/json"}
    placed = ask(address, "/api/interests", "POST", who, **as_json).json["interests"]
    assert sum(each["probability"] for each in placed) == pytest.approx(1, abs=1e-4)
    assert ask(address, "/api/interests", "POST", {"profle": "tea"}, **as_json).status == 422
    assert ask(address, "/api/interests", "POST", {"attributes": {"toen": "Ulm"}}, **as_json).status == 404
    hits = ask(address, "/api/recommend?profile=green%20tea&k=3").json["hits"]
    assert any("tea" in hit["title"] for hit in hits)
    assert ask(address, "/api/shoppers/U7").json["profile"]["sentences"]


def test_the_pages_say_it_in_both_languages(address: str, shop: Shop) -> None:
    text = ask(address, "/interests").text
    assert all(each.name.replace("&", "&amp;") in text for each in shop.interests())
    asked = ask(address, "/interests?profile=green%20tea&" + shop.questions()[0]["id"] + "=yes").text
    assert "you said: green tea" in asked
    assert "How likely each interest is yours" in asked
    assert ask(address, "/interests?profile=%2C%2C").status == 200  # says nothing, asks nothing
    assert "Mostly interested in" in ask(address, "/shoppers/U7").text
    assert "最感兴趣" in ask(address, "/shoppers/U7?lang=zh").text


def test_the_page_of_a_shop_without_interests(own_folder: Path) -> None:
    from small_server import serving

    from wares.api import create

    shutil.rmtree(own_folder / "cache")
    with build_shop(own_folder, settings={"interests.on": False}) as shop, serving(create(shop)) as address:
        assert "no interests of shoppers yet" in ask(address, "/interests").text
        assert ask(address, "/shoppers/U7").status == 200
        assert "no interests" in ask(address, "/api/interests").text


def test_interests_stand_while_few_products_have_changed(own_folder: Path) -> None:
    def made(shop: Shop) -> tuple[str, bool]:
        marks = json.loads((shop.now.folder / "interests" / "marks.json").read_text())
        return marks["own"], "changed" in marks

    with Shop(own_folder) as shop:
        before, stood = made(shop)
        assert not stood
        names = [each.name for each in shop.interests()]
        product = shop.product("P1")
        shop.add_products([{"id": "P1", "title": product["title"], "price": 1234.5}])
    with build_shop(own_folder) as shop:
        assert not next(each for each in shop.info()["steps"] if each["step"] == "interests")["cached"]
        assert made(shop) == (before, True)
        assert [each.name for each in shop.interests()] == names
        assert shop.place_shopper(basket=["P1", "P2"])
