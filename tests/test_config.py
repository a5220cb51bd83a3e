from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from wares import registry
from wares.algorithm import Clusterer, Encoder, Index, Recommender, setting
from wares.config import Config
from wares.errors import MissingExtra, SettingError, StoreError, UnknownName


@dataclass(kw_only=True, eq=False)
class One(Clusterer):
    """An algorithm with a setting of every kind."""

    k: int = setting(3, low=1)
    share: float = setting(0.5, low=0.0, high=1.0)
    how: Literal["near", "far"] = "near"
    label: str = "x"
    quick: bool = False
    most: int | None = None
    columns: tuple[str, ...] = ()
    seed: int = 0

    def fit(self, X: Any, y: Any = None, **_: Any) -> Any: ...
    def predict(self, X: Any) -> Any: ...


@dataclass(kw_only=True, eq=False)
class Many(Clusterer):
    """A composite."""

    parts: Sequence[Clusterer] = ()
    weights: Sequence[float] = ()
    base: Clusterer | None = None

    def fit(self, X: Any, y: Any = None, **_: Any) -> Any: ...
    def predict(self, X: Any) -> Any: ...


@pytest.fixture(autouse=True)
def two_more_algorithms(monkeypatch):
    lines = {**registry.REGISTRY["cluster"], "one": f"{__name__}:One", "many": f"{__name__}:Many"}
    monkeypatch.setitem(registry.REGISTRY, "cluster", lines)


MANY = """
[shop]
seed = 7

[cluster]
use = "many"
base = { use = "one", k = 9 }

[[cluster.parts]]
use = "one"          # the first
k = 2

[[cluster.parts]]
use = "one"
how = "far"
weight = 0.5
"""


# -- reading and writing -------------------------------------------------------------------------------------------


def test_a_new_shop_starts_with_settings_that_are_right(tmp_path):
    config = Config.default(tmp_path / "myshop")
    config.check()
    assert config.name == "myshop"
    assert config.products.sources == ()
    assert config.events.weights["purchase"] == 5.0
    for role in (Encoder, Clusterer, Recommender):
        assert isinstance(config.make(role), role)


def test_the_index_is_ours_to_choose_until_somebody_names_one(tmp_path):
    config = Config.default(tmp_path / "myshop")
    assert not config.says("index.use")
    with pytest.raises(UnknownName, match=r"\[index\]"):
        config.make(Index)
    named = config.with_value("index.use", "hnsw")
    assert named.says("index.use")
    assert isinstance(named.make(Index), Index)


def test_what_is_written_is_read(tmp_path):
    config = Config.default(tmp_path / "shop").with_sources([tmp_path / "p.csv"], [tmp_path / "e.csv"])
    path = config.write()
    assert path == tmp_path / "shop" / "shop.toml"
    assert Config.read(tmp_path / "shop") == config
    again = Config.read(tmp_path / "shop")
    again.write()
    assert path.read_text() == config.text


def test_comments_and_order_survive_an_edit(tmp_path):
    before = '# mine\n[cluster]  # groups\nk = 4 # four\nuse = "one"\n\n[shop]\nname = "Ann\'s"\n'
    (tmp_path / "shop.toml").write_text(before)
    Config.read(tmp_path).with_value("cluster.k", "5").with_value("shop.seed", "3").write()
    assert (tmp_path / "shop.toml").read_text() == before.replace("k = 4", "k = 5") + "seed = 3\n"
    assert Config.read(tmp_path).name == "Ann's"


def test_no_settings_no_shop(tmp_path):
    with pytest.raises(StoreError, match=r"is not a shop folder: it has no shop\.toml"):
        Config.read(tmp_path / "nowhere")


def test_windows_text_is_read_and_other_bytes_are_told(tmp_path):
    (tmp_path / "shop.toml").write_bytes(b"\xef\xbb\xbf[shop]\r\nname = 'a'\r\n")
    assert Config.read(tmp_path).name == "a"
    (tmp_path / "shop.toml").write_bytes("[shop]\nname = '商店'\n".encode("gb18030"))
    with pytest.raises(SettingError, match="is not UTF-8"):
        Config.read(tmp_path)


def test_sources_are_relative_where_they_lie_beside_the_shop(tmp_path):
    config = Config.default(tmp_path / "shop").with_sources([tmp_path / "data" / "p.csv"], ["/elsewhere/e.csv"])
    config.write()
    assert 'sources = ["../data/p.csv"]' in config.text
    assert 'sources = ["/elsewhere/e.csv"]' in config.text
    assert config.products.sources == (tmp_path / "data" / "p.csv",)
    (tmp_path / "moved").mkdir()
    (tmp_path / "shop").rename(tmp_path / "moved" / "shop")
    moved = Config.read(tmp_path / "moved" / "shop")
    assert moved.products.sources == (tmp_path / "moved" / "data" / "p.csv",)
    assert moved.events.sources == (Path("/elsewhere/e.csv"),)


def test_written_into_another_folder_the_sources_stay_the_same_files(tmp_path):
    config = Config.default(tmp_path / "a").with_sources([tmp_path / "p.csv"], shoppers=tmp_path / "s.csv")
    config.write(tmp_path / "deep" / "down" / "b")
    other = Config.read(tmp_path / "deep" / "down" / "b")
    assert other.products.sources == (tmp_path / "p.csv",)
    assert other.shoppers.source == tmp_path / "s.csv"
    with pytest.raises(SettingError, match="belong to no folder"):
        Config.default().write()


# -- algorithms ----------------------------------------------------------------------------------------------------


def test_an_algorithm_gets_its_settings_and_the_seed_of_the_shop():
    config = Config.of('[shop]\nseed = 7\n[cluster]\nuse = "one"\nk = 4\nshare = 1\ncolumns = ["a", "b"]\n')
    made = config.make(Clusterer)
    assert (made.k, made.share, made.seed, made.columns) == (4, 1, 7, ("a", "b"))
    assert config.settings("cluster") == ("one", {"k": 4, "share": 1, "columns": ["a", "b"]})
    assert Config.of('[shop]\nseed = 7\n[cluster]\nuse = "one"\nseed = 1\n').make(Clusterer).seed == 1


def test_a_composite_gets_its_parts_and_what_it_wants_to_know_of_each():
    made = Config.of(MANY).make(Clusterer)
    assert [(part.k, part.how, part.seed) for part in made.parts] == [(2, "near", 7), (3, "far", 7)]
    assert made.weights == [1.0, 0.5]
    assert made.base.k == 9


def test_a_role_that_is_not_there_is_named():
    with pytest.raises(UnknownName, match=r"no table 'clusters'; did you mean 'cluster'\?"):
        Config.default().settings("clusters")


def test_an_algorithm_whose_package_is_missing_is_passed_over_by_check(monkeypatch):
    lines = {**registry.REGISTRY["cluster"], "deep": "no_such_package.x:Deep [deep]"}
    monkeypatch.setitem(registry.REGISTRY, "cluster", lines)
    config = Config.of('[cluster]\nuse = "deep"\nlayers = 3\n')
    config.check()
    with pytest.raises(MissingExtra, match=r"wares\[deep\]"):
        config.make(Clusterer)


# -- every mistake is named ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[shop]\nnam = 'x'", r"line 2: unknown key in \[shop\] 'nam'; did you mean 'name'\?"),
        ("[shop]\nname = 3", "line 2: shop.name = 3: must be text"),
        ("[shop]\nseed = 1.5", "line 2: shop.seed = 1.5: must be a whole number"),
        ("[shop]\nseed = true", "line 2: shop.seed = True: must be a whole number"),
        ("\n[shp]\n", r"line 2: unknown table 'shp'; did you mean 'shop'"),
        ("shop = 3", r"line 1: shop must be a table: \[shop\]"),
        ("[shop]\nname =", "line 2: the text ends where a value should stand"),
        ("[shop]\nname = 'a'\nname = 'b'", 'Key "name" already exists'),
        ("[shop", "line 1"),
        ("[products]\nsources = 'x'", "line 2: products.sources = 'x': must be a list, each a path"),
        ("[products]\nmerge_duplicates = 1", "line 2: .*must be true or false"),
        (
            "[products.columns]\ntitel = 'x'",
            "line 2: unknown column in .products.columns. 'titel'; did you mean 'title'",
        ),
        ("[products.columns]\ntitle = 3", "a table, each value text"),
        ("[events.kinds]\nbuy = 'purchas'", r"line 2: unknown kind 'purchas'; did you mean 'purchase'\?"),
        ("[events.weights]\nview = 'much'", "a table, each value a number"),
        ("[interests]\nlately = nan", "line 2: interests.lately = nan: must be days"),
        ("[interests]\nleast = -5", "line 2: interests.least = -5: must be at least 2"),
        ("[cluster]\nk = 3", 'must say which algorithm to use: use = "name"'),
        ("[cluster]\nuse = 'kmean'", r"line 2: unknown cluster algorithm 'kmean'; did you mean 'kmeans'"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_nearest_right_thing(tmp_path, text, message):
    (tmp_path / "shop.toml").write_text(text)
    with pytest.raises(SettingError, match=message) as caught:
        Config.read(tmp_path)
    assert str(caught.value).startswith(str(tmp_path / "shop.toml"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("kk = 1", r"line 3: unknown setting of 'one' 'kk'; did you mean 'k'"),
        ("k = 0", r"line 3: One\(k=0\): must be at least 1"),
        ("k = 'a'", "line 3: cluster.k = 'a': must be a whole number"),
        ("share = 2", r"line 3: One\(share=2\): must be at least 0.0 and at most 1.0"),
        ("how = 'nearr'", "line 3: cluster.how = 'nearr': must be one of 'near', 'far'"),
        ("quick = 'yes'", "line 3: cluster.quick = 'yes': must be true or false"),
        ("columns = 'a'", "line 3: cluster.columns = 'a': must be a list, each text"),
        ("most = 'a'", "line 3: cluster.most = 'a': must be a whole number"),
    ],
)
def test_a_mistake_in_an_algorithms_settings_is_named(lines, message):
    config = Config.of(f'[cluster]\nuse = "one"\n{lines}\n')
    with pytest.raises(SettingError, match=message):
        config.check()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('how = "far"', 'hew = "far"', r"line 15: unknown setting of 'one' 'hew'; did you mean 'how'"),
        ("k = 2", "k = -2", "line 11: .*must be at least 1"),
        ("weight = 0.5", 'weight = "much"', "line 16: .*must be a list, each a number"),
        ('use = "one"          # the first', 'use = "onne"', r"line 10: unknown cluster algorithm 'onne'"),
        ("k = 9", "kk = 9", r"line 7: unknown setting of 'one' 'kk'"),
    ],
)
def test_a_mistake_in_a_part_is_named(old, new, message):
    assert old in MANY
    with pytest.raises(SettingError, match=message):
        Config.of(MANY.replace(old, new)).check()


def test_parts_that_are_no_tables_are_told():
    with pytest.raises(SettingError, match=r"cluster.parts must be tables: \[\[cluster.parts\]\]"):
        Config.of('[cluster]\nuse = "many"\nparts = 3\n').check()


# -- from the command line -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("k", "40", 40),
        ("share", "1", 1),
        ("share", "0.25", 0.25),
        ("how", "far", "far"),
        ("label", "12", "12"),
        ("label", "true", "true"),
        ("quick", "yes", True),
        ("quick", "0", False),
        ("most", "5", 5),
        ("most", "none", None),
        ("columns", "title, brand", ("title", "brand")),
    ],
)
def test_a_text_becomes_what_the_setting_is(key, text, value):
    made = Config.of('[cluster]\nuse = "one"\nmost = 3\n').with_value(f"cluster.{key}", text).make(Clusterer)
    assert getattr(made, key) == value
    assert type(getattr(made, key)) is type(value)


def test_tables_inside_tables_and_parts_can_be_set():
    config = Config.default().with_value("events.kinds.buy", "purchase").with_value("products.columns.title", "Name")
    assert config.events.kinds == {"buy": "purchase"}
    assert config.products.columns == {"title": "Name"}
    assert Config.default().with_value("events.weights.view", "2").events.weights["view"] == 2.0
    many = (
        Config.of(MANY).with_value("cluster.parts.1.weight", "0.7").with_value("cluster.parts.0.k", "8").make(Clusterer)
    )
    assert many.weights == [1.0, 0.7]
    assert many.parts[0].k == 8


def test_another_algorithm_takes_along_only_what_it_knows():
    config = Config.of(MANY).with_value("cluster.use", "one").with_value("cluster.k", "4")
    assert config.settings("cluster") == ("one", {"k": 4})
    assert "parts" not in config.text


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("cluster", "3", "names no setting; write TABLE.KEY=VALUE"),
        ("clusters.k", "3", r"unknown table 'clusters'; did you mean 'cluster'\?"),
        ("shop.sed", "3", r"shop.sed=3: unknown key in \[shop\] 'sed'; did you mean 'seed'\?"),
        ("shop.seed", "x", "shop.seed=x: must be a whole number"),
        ("cluster.use", "kmeen", r"unknown cluster algorithm 'kmeen'; did you mean 'kmeans'\?"),
        ("cluster.kk", "3", r"unknown setting of 'one' 'kk'; did you mean 'k'"),
        ("cluster.how", "x", "must be one of 'near', 'far'"),
        ("cluster.parts.7.k", "3", r"there is no part 'parts.7' in \[cluster\]"),
        ("events.kinds.buy", "purchas", "unknown kind 'purchas'"),
    ],
)
def test_a_wrong_setting_from_the_command_line_is_named(key, value, message):
    with pytest.raises(SettingError, match=message):
        Config.of('[cluster]\nuse = "one"\n').with_value(key, value)
