"""Products into taxonomies: consistent paths, cut where not sure, learned on, and what comes of odd input."""

from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_labeller import Words

from wares.algorithm import Labeller, load
from wares.checks import check
from wares.data.catalog import Catalog
from wares.errors import DataError, SettingError, UnknownName
from wares.tasks.answering import Paths
from wares.tasks.levels import head, level_weights, levels_of
from wares.tasks.taxonomy import Taxonomy, classify


@dataclass(kw_only=True, eq=False)
class Small(Taxonomy):
    """A taxonomy of the small labeller."""

    part: Labeller = field(default_factory=Words)
    folds: int = 2


KINDS = {
    "Shoes > Boots": ["rain boots rubber", "leather boots brown", "snow boots warm", "hiking boots high"],
    "Shoes > Sandals": ["beach sandals summer", "cork sandals comfy", "leather sandals strap", "kids sandals light"],
    "Kitchen > Mugs > Tea": ["tea mug with lid", "tea mug porcelain", "green tea mug", "tea mug for two"],
    "Kitchen > Mugs > Coffee": ["coffee mug large", "coffee mug enamel", "travel coffee mug", "coffee mug steel"],
    "Kitchen > Pans": ["frying pan iron", "pan with handle", "pan for eggs", "copper pan small"],
}


def titled(titles: list[str]) -> Catalog:
    return Catalog(pl.DataFrame({"id": [f"p{row}" for row in range(len(titles))], "title": titles}))


def shop() -> tuple[Catalog, list[str]]:
    pairs = [(title, path) for path, titles in KINDS.items() for title in titles]
    order = np.random.default_rng(0).permutation(len(pairs))
    return titled([pairs[row][0] for row in order]), [pairs[row][1] for row in order]


@pytest.fixture(scope="module")
def fitted() -> Taxonomy:
    catalog, y = shop()
    return Taxonomy(part=Words(), folds=2).fit(catalog, {"label": y})


def test_it_keeps_the_contract():
    assert len(check(Small())) >= 12
    assert len(check(Small(folds=0))) >= 12


def test_paths_are_whole_and_right(fitted: Taxonomy):
    answers = classify(fitted, titled(["rubber boots for rain", "mug for green tea", "iron pan"]))
    assert [each.path for each in answers] == ["Shoes > Boots", "Kitchen > Mugs > Tea", "Kitchen > Pans"]
    assert [each.level for each in answers] == [2, 3, 2]
    assert all(each.sure and 0 < each.probability <= 1 for each in answers)
    assert answers[1].alternatives[0][0] == "Kitchen > Mugs > Coffee"
    assert answers[1].json()["path"] == "Kitchen > Mugs > Tea"


def test_a_parent_is_never_less_likely_than_its_child(fitted: Taxonomy):
    paths = fitted.paths()
    nodes = paths.nodes(fitted.predict_proba(titled(["green leather tea mug", "", "boots"]))["label"])
    below = paths.tree.parent >= 0
    assert (nodes[:, paths.tree.parent[below]] >= nodes[:, below] - 1e-6).all()
    top = paths.tree.at(1)
    assert nodes[:, top].sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_paths_are_cut_where_it_is_not_sure():
    paths = Paths(["Kitchen > Mugs > Coffee", "Kitchen > Mugs > Tea", "Kitchen > Pans", "Shoes"])
    table = np.array([[0.4, 0.35, 0.15, 0.1], [0.3, 0.2, 0.1, 0.4], [0.9, 0.05, 0.03, 0.02]], np.float32)
    cut = paths.answers(table, threshold=0.7)
    assert [(each.path, each.level, each.sure) for each in cut] == [
        ("Kitchen > Mugs", 2, False),
        ("", 0, False),
        ("Kitchen > Mugs > Coffee", 3, True),
    ]
    assert cut[0].probability == pytest.approx(0.75)
    assert cut[0].alternatives[0] == ("Kitchen > Mugs > Tea", pytest.approx(0.35))


def test_accuracy_chooses_how_much_is_answered():
    model = Taxonomy(part=Words())
    model.classes_ = {"label": np.array(["A", "B"])}
    curve = np.array([[0.0, 1.0, 0.8], [0.5, 0.9, 0.96], [0.6, 0.8, 0.94], [0.7, 0.6, 0.95], [0.9, 0.3, 0.99]])
    model.curve_ = {"label": curve}
    assert model.threshold() == 0.0
    assert model.threshold(accuracy=0.8) == 0.0
    assert model.threshold(accuracy=0.95) == 0.5
    assert model.threshold(accuracy=0.97) == 0.9
    assert model.threshold(accuracy=1.0) > 1
    model.curve_ = {"label": np.empty((0, 3))}
    assert model.threshold(accuracy=0.9) == 0.9, "nothing was held out: probabilities are taken at their word"


def test_the_surer_answers_must_be_the_fewer_there_are(fitted: Taxonomy):
    catalog, _ = shop()
    fitted = deepcopy(fitted)
    fitted.curve_ = {"label": np.array([[0.0, 1.0, 0.5], [0.9, 0.5, 0.8]])}
    lax, strict = (fitted.answers(catalog, accuracy=each) for each in (0.5, 0.8))
    assert sum(each.level for each in strict) < sum(each.level for each in lax)
    assert all(each.probability >= 0.9 for each in strict if each.level)


def test_levels_are_those_that_tell_classes_apart():
    assert levels_of(np.array(["A", "B"])) == [0]
    assert levels_of(np.array(["A > B", "C > D"])) == [0]
    assert levels_of(np.array(["A > B", "A > C", "D > E"])) == [1, 0]
    assert levels_of(np.array(["R > A > B", "R > A > C", "R > D"])) == [2, 0]
    assert levels_of(np.array(["A"])) == [0]
    assert [head("A > B", level) for level in (0, 1, 2, 3)] == ["A > B", "A", "A > B", "A > B > "]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000))
def test_level_weights_say_how_sure_each_level_is(seed: int):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, 60)
    good = np.full((60, 4), np.log(0.1), np.float32)
    good[np.arange(60), np.where(rng.random(60) < 0.8, truth, (truth + 1) % 4)] = np.log(0.7)
    noise = np.log(rng.dirichlet(np.ones(4), 60)).astype(np.float32)
    weights = level_weights([good, noise], truth)
    assert (weights >= 0).all()
    assert weights[0] > weights[1]


def test_new_labels_and_new_classes_are_learned_without_a_new_fit():
    catalog, y = shop()
    model = Taxonomy(part=Words(), folds=2).fit(catalog, {"label": y})
    before = [each.path for each in model.answers(catalog)]
    lamps = titled(["desk lamp led", "floor lamp tall", "lamp with shade", "reading lamp bright"])
    model.partial_fit(lamps, {"label": ["Home > Lamps"] * 4})
    assert model.answers(titled(["bedside lamp"]))[0].path == "Home > Lamps"
    after = [each.path for each in model.answers(catalog)]
    assert np.mean([a == b for a, b in zip(before, after, strict=True)]) > 0.9
    with pytest.raises(UnknownName, match="no target 'lable'"):
        model.partial_fit(lamps, {"lable": ["Home > Lamps"] * 4})


def test_it_is_saved_with_its_part(fitted: Taxonomy, tmp_path: Path):
    fitted.save(tmp_path / "model")
    found = load(tmp_path / "model")
    catalog, _ = shop()
    assert isinstance(found, Taxonomy)
    assert found.answers(catalog, accuracy=0.9) == fitted.answers(catalog, accuracy=0.9)


def test_one_class_is_answered_with_certainty():
    catalog, y = shop()
    model = Taxonomy(part=Words(), folds=2).fit(catalog, {"label": ["Shoes > Boots"] * len(y)})
    answer = model.answers(titled(["anything"]))[0]
    assert (answer.path, answer.probability, answer.sure) == ("Shoes > Boots", 1.0, True)


def test_a_class_with_one_example_is_learned():
    catalog, y = shop()
    more = Catalog(
        pl.concat([catalog.scan.collect(), titled(["garden gnome"]).scan.collect().with_columns(id=pl.lit("x"))])
    )
    model = Taxonomy(part=Words(), folds=3).fit(more, {"label": [*y, "Garden > Gnomes"]})
    assert model.answers(titled(["gnome for the garden"]))[0].path == "Garden > Gnomes"


def test_emoji_empty_titles_and_identical_records_get_an_answer():
    titles = ["👟👟", "☕", "👟👟", "☕", "👟👟", "", "☕", "👟👟"]
    y = ["Shoes", "Mugs", "Shoes", "Mugs", "Shoes", "Mugs", "Mugs", "Shoes"]
    model = Taxonomy(part=Words(), folds=2).fit(titled(titles), {"label": y})
    table = model.predict_proba(titled(["👟👟", "", "👟👟"]))["label"]
    assert np.isfinite(table).all()
    assert np.array_equal(table[0], table[2])
    same = Taxonomy(part=Words(), folds=2).fit(titled(["shoe"] * 6), {"label": ["A", "B"] * 3})
    assert same.predict_proba(titled(["shoe"]))["label"] == pytest.approx(0.5, abs=0.2)


def test_a_column_that_holds_the_labels_is_not_read():
    catalog, y = shop()
    telling = Catalog(catalog.scan.collect().with_columns(description=pl.Series(y)))
    seen, blind = (Small().fit(telling, {target: y}) for target in ("label", "description"))
    asked = Catalog(pl.DataFrame({"id": ["a"], "title": ["thing"], "description": ["Kitchen > Pans"]}))
    assert (seen.blind_, blind.blind_) == ([], ["description"])
    assert seen.answers(asked)[0].path == "Kitchen > Pans"
    nothing = blind.predict_proba(titled(["thing"]))["description"]
    assert np.array_equal(blind.predict_proba(asked)["description"], nothing)


def test_other_columns_are_no_error(fitted: Taxonomy):
    other = Catalog(pl.DataFrame({"id": ["a"], "colour": ["red"], "price": [3.0]}))
    assert fitted.predict_proba(other)["label"].sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        ({}, "no target"),
        ({"label": ["A"]}, "1 labels of 'label' for 2 products"),
        ({"label": [None, None]}, "no product has a label of 'label'"),
    ],
)
def test_labels_that_cannot_be_learned_from(y: dict[str, list[str | None]], said: str):
    with pytest.raises(DataError, match=said):
        Taxonomy(part=Words()).fit(titled(["a", "b"]), y)


def test_as_many_are_held_out_as_asked_and_answers_come_part_by_part(monkeypatch: pytest.MonkeyPatch):
    catalog, y = shop()
    model = Small(sample=8).fit(catalog, {"label": y})
    assert len(model.curve_["label"]) <= 24 + 1, "thresholds are those of eight products"
    whole = model.answers(catalog)
    monkeypatch.setattr("wares.tasks.taxonomy.PART", 3)
    assert [each.path for each in model.answers(catalog)] == [each.path for each in whole]


def test_what_a_labeller_cannot_say_is_refused():
    catalog, y = shop()
    plain = Words().fit(catalog, {"label": y})
    assert classify(plain, titled(["iron pan"]))[0].path == "Kitchen > Pans"
    with pytest.raises(SettingError, match="has not learned how sure it is"):
        classify(plain, catalog, accuracy=0.9)
    with pytest.raises(UnknownName, match="did you mean 'label'"):
        classify(plain, catalog, target="lable")
    with pytest.raises(SettingError, match="one part cannot be held out"):
        Taxonomy(part=Words(), folds=1).fit(catalog, {"label": y})


def test_rare_classes_get_copies_and_a_favour():
    catalog, y = shop()
    for settings_ in ({"rare": 6}, {"rare": 6, "copies": "changed"}, {"hardened": 0.5}, {"prior": 1.0}):
        model = Taxonomy(part=Words(), folds=2, **settings_).fit(catalog, {"label": y})
        assert model.answers(titled(["iron pan"]))[0].path == "Kitchen > Pans"
