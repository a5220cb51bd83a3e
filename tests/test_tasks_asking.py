"""What to ask, which labels to doubt, texts with mistakes, and categories by meaning alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_labeller import Words
from test_tasks_taxonomy import KINDS, shop, titled

from wares.arrays import Dense, unit
from wares.data.catalog import Catalog
from wares.data.tree import Tree
from wares.encode.hashing import Hashing
from wares.errors import DataError, UnknownName
from wares.tasks.asking import ask, telling
from wares.tasks.changing import MISTAKES, attacks, changed, near_words, replaced, synonyms_of
from wares.tasks.doubting import doubt, doubts
from wares.tasks.filling import filled
from wares.tasks.meaning import Rules, by_meaning, ending, shares
from wares.tasks.replaying import remembered, together


def test_what_nobody_labelled_is_asked_and_no_two_alike():
    catalog, y = shop()
    more = Catalog(
        pl.concat(
            [
                catalog.scan.collect(),
                titled(["garden gnome"] * 5 + ["desk lamp"]).scan.collect().with_columns(id=pl.lit("x") + pl.col("id")),
            ]
        )
    )
    model = Words().fit(catalog, {"label": y})
    vectors = Hashing(width=64).fit(more).encode(more)
    asked = ask(model, more, 2, vectors, labelled=np.arange(20)).tolist()
    assert len(asked) == 2
    assert 25 in asked, "of five gnomes one is enough, and the lamp is asked too"
    with pytest.raises(DataError, match="every product has a label already"):
        ask(model, more, 2, vectors, labelled=np.arange(26))
    with pytest.raises(UnknownName, match="did you mean 'label'"):
        ask(model, more, 2, vectors, target="lable")
    assert len(ask(model, more, 100, vectors)) == 26


def test_the_unsure_tells_more_than_the_sure():
    worth = telling(np.array([[0.9, 0.1, 0.0], [0.5, 0.5, 0.0], [0.4, 0.3, 0.3]], np.float32))
    assert worth[0] < worth[1] < worth[2]
    assert telling(np.ones((3, 1), np.float32)).tolist() == [1, 1, 1]


# -- doubts ----------------------------------------------------------------------------------------------------------


def test_planted_mistakes_are_found_with_what_they_should_be():
    titles, y = [], []
    for path, words in KINDS.items():
        for each in words:
            titles += [f"{each} {colour}" for colour in ("red", "blue", "green")]
            y += [path] * 3
    planted = {5: "Kitchen > Pans", 40: "Shoes > Boots"}
    truth = [y[row] for row in planted]
    for row, wrong in planted.items():
        y[row] = wrong
    found = doubt(Words(), titled(titles), {"label": y}, 2, folds=3)
    assert {each.row for each in found} == set(planted)
    assert {each.row: each.suggested for each in found} == dict(zip(planted, truth, strict=True))
    assert found[0].label in found[0].reason
    assert found[0].json()["suggested"] == found[0].suggested
    with pytest.raises(UnknownName):
        doubt(Words(), titled(titles), {"label": y}, target="lable")


def test_the_only_product_of_a_class_is_not_doubted():
    catalog, y = shop()
    found = doubt(Words(), catalog, {"label": ["Only one", *y[1:]]}, 20, folds=4)
    assert len(found) == 19
    assert 0 not in {each.row for each in found}


def test_confident_learning_counts_what_is_said_as_surely_as_is_usual():
    table = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.05, 0.95], [0.45, 0.55]], np.float32)
    certain, wrong = doubts(table, np.array([0, 0, 1, 1, 0, 0]))
    assert wrong.tolist() == [False, False, False, False, True, False]
    assert certain.argmax() == 4
    assert not doubts(np.ones((3, 1), np.float32), np.zeros(3, np.int64))[1].any()


# -- mistakes --------------------------------------------------------------------------------------------------------

texts = st.text(alphabet="abc déé茶👟", max_size=40)


@settings(deadline=None, max_examples=100)
@given(texts, st.sampled_from(sorted(MISTAKES)), st.integers(0, 99))
def test_a_mistake_leaves_a_text_and_is_the_same_each_time(text: str, name: str, seed: int):
    change = MISTAKES[name]
    got = change(text, np.random.default_rng(seed))
    assert got == change(text, np.random.default_rng(seed))
    assert bool(got.split()) == bool(text.split())
    if name == "swapped words":
        assert sorted(got.split()) == sorted(text.split())
    if name == "dropped words":
        assert set(got.split()) <= set(text.split())
    if name == "lost blanks":
        assert "".join(got.split()) == "".join(text.split())


def test_attacks_change_texts_and_take_fields_away():
    catalog, _ = shop()
    with_brand = Catalog(catalog.scan.collect().with_columns(brand=pl.lit("Acme"), description=pl.lit(None, pl.String)))
    found = attacks(with_brand)
    assert set(found) == {*MISTAKES, "no brand", "no title", "no description"}
    assert found["no brand"].frame(["brand"])["brand"].null_count() == 20
    assert found["typos"].text(("title",)) != with_brand.text(("title",))
    assert found["typos"].ids == with_brand.ids


def test_synonyms_are_near_words():
    words = ["mug", "cup", "boot"]
    near = synonyms_of(words, np.array([[1, 0.1], [1, 0.0], [0, 1]], np.float32))
    assert near == {"mug": ["cup"], "cup": ["mug"]}
    assert replaced(near, 1.0)("Mug for boot", np.random.default_rng(0)) == "cup for boot"


def test_synonyms_of_a_catalog_are_of_words_that_come_twice():
    titles = ["boot mug", "boot mug", "sandal cup", "sandal cup", "once only 12"]
    near = near_words(titled(titles), Signs())
    assert set(near) == {"boot", "sandal", "mug", "cup"}
    assert (near["boot"], near["mug"]) == (["sandal"], ["cup"])
    more, _ = filled(titled(["boot"]), {"a": ["B"]}, rare=40, synonyms=near)
    assert set(more.text(("title",))) == {"boot", "sandal"}


def test_rare_classes_are_filled_and_hard_copies_made():
    catalog = titled(["red boots", "blue boots", "green boots", "one mug"])
    more, y = filled(catalog, {"label:path": ["B", "B", "B", "M"]}, rare=3, hardened=1.0, seed=1)
    assert len(more) == 4 + 2 + 4
    assert y["label:path"] == ["B", "B", "B", "M", "M", "M", "B", "B", "B", "M"]
    assert len(more.ids) == 10
    assert set(" ".join(more.text(("title",))[4:6]).split()) <= {"one", "mug"}
    same, _ = filled(catalog, {"a": ["B", "B", "B", "M"]}, rare=2, changed=False)
    assert same.text(("title",))[4:] == ["one mug"]
    assert len(filled(catalog, {"a": ["B", None, None, None]}, rare=2)[0]) == 5


def test_some_hard_copies_lack_a_field_and_never_all():
    catalog = titled(["red boots"] * 60)
    both = Catalog(catalog.scan.collect().with_columns(description=pl.lit("for rain")))
    more, _ = filled(both, {"a": ["B"] * 60}, hardened=1.0)
    hard = more.frame(["title", "description"])[60:]
    lacking = hard.filter(pl.col("title").is_null() | pl.col("description").is_null())
    assert 8 <= len(lacking) <= 32
    assert not hard.filter(pl.col("title").is_null() & pl.col("description").is_null()).height
    assert set(lacking["title"].drop_nulls()) <= {"red boots"}, "what lacks a field has no other mistake"
    alone, _ = filled(catalog, {"a": ["B"] * 60}, hardened=1.0)
    assert not alone.frame(["title"])["title"].null_count()


def test_what_is_remembered_comes_back_beside_what_is_new():
    catalog, y = shop()
    priced = Catalog(catalog.scan.collect().with_columns(price=pl.lit(2.5)))
    memory = remembered(priced, {"label": y}, 2)
    assert len(memory["title"]) == 10
    both, labels = together(memory, titled(["desk lamp"]), {"label": ["Lamps"]})
    assert labels["label"][-1] == "Lamps"
    assert len(both.ids) == 11
    assert both.frame(["price"])["price"].to_list() == [2.5] * 10 + [None]
    for title, label in zip(both.text(("title",))[:10], labels["label"][:10], strict=True):
        assert title in KINDS[str(label)]
    assert len(remembered(priced, {"label": y}, 0)["title"]) == 0


def test_changed_texts_keep_what_is_missing():
    catalog = Catalog(
        pl.DataFrame({"id": ["a", "b"], "title": [None, "tea mug"]}, schema_overrides={"title": pl.String})
    )
    assert changed(catalog, MISTAKES["lost blanks"], seed=3).frame(["title"])["title"][0] is None


# -- by meaning ------------------------------------------------------------------------------------------------------


@dataclass
class Signs:
    """An encoder of two senses: what is worn and what is drunk from."""

    fitted_: bool = True

    def encode_text(self, texts: Sequence[str]) -> Dense:
        worn = [sum(word in text.lower() for word in ("shoe", "boot", "sandal", "wear")) for text in texts]
        drunk = [sum(word in text.lower() for word in ("mug", "cup", "kitchen", "tea")) for text in texts]
        return np.asarray(unit(np.array([worn, drunk], np.float32).T + 1e-3), np.float32)


TREE = Tree.read(["Wear > Shoes > Boots", "Wear > Shoes > Sandals", "Kitchen > Cups > Mugs", "Kitchen > Pans"])


def test_categories_are_found_by_meaning_and_by_words():
    titles = ["Brown boots for men", "Boots for rain", "Cork sandals", "A mug for coffee", "Big mug"]
    found = by_meaning(titled(titles), TREE, encoder=Signs())
    assert [each.path.split(" > ")[0] for each in found] == ["Wear"] * 3 + ["Kitchen"] * 2
    assert found[3].path == "Kitchen > Cups > Mugs"
    assert all(0 < each.probability <= 1 for each in found)
    table = shares(titled(titles), TREE, encoder=Signs())
    assert np.asarray(table.sum(axis=1)).ravel() == pytest.approx(1, abs=1e-3)
    assert by_meaning(titled(titles), TREE, encoder=Signs()) == found


def test_a_path_ends_where_it_is_not_likely():
    found = by_meaning(titled(["cork boots sandals"]), TREE, encoder=Signs(), threshold=0.9)[0]
    assert found.path == "Wear > Shoes"
    assert not found.sure
    assert len(found.alternatives) == 2


def test_odd_products_get_an_answer_by_meaning():
    assert by_meaning(titled([]), TREE, encoder=Signs()) == []
    assert len(by_meaning(titled(["", "👟", "👟"]), TREE, encoder=Signs())) == 3
    assert len(by_meaning(titled(["mug"]), Tree.read(["Kitchen"]), encoder=Signs(), rules=Rules(agree=0))) == 1
    with pytest.raises(DataError, match="the taxonomy is empty"):
        by_meaning(titled(["mug"]), Tree.of([]), encoder=Signs())


def test_the_end_of_a_title_says_what_it_is():
    assert ending("Alisha Solid Women's Cycling Shorts") == "Cycling Shorts"
    assert ending("Fuson Back Cover for Apple iPad Mini 2") == "Back Cover"
    assert ending("Prestige Pan (24 cm)") == "Prestige Pan"
    assert ending("") == ""
