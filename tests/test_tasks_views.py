import numpy as np
import polars as pl
import pytest

from wares.algorithm import load
from wares.checks import check
from wares.checks.shop import SHOES, bare_catalog, catalog
from wares.classify.forest import Forest
from wares.classify.naive_bayes import NaiveBayes
from wares.data.catalog import Catalog
from wares.encode.attributes import Attributes
from wares.encode.lsa import LSA
from wares.encode.tfidf import TfIdf
from wares.errors import DataError, SettingError
from wares.tasks.views import Views, _weighed

KIND = ["shoe" if row in SHOES else "mug" for row in range(12)]


def late(**settings):
    return Views(views=[TfIdf(bits=12), Attributes()], fusion="late", **settings)


@pytest.mark.parametrize(
    "model",
    [late(), Views(views=[TfIdf(bits=12), LSA(width=8)]), Views(views=[LSA(width=8)], classifier=NaiveBayes())],
    ids=["late", "joint", "dense"],
)
def test_every_fusion_keeps_the_contract(model):
    assert len(check(model)) >= 24


@pytest.mark.parametrize("model", [late(), Views(views=[TfIdf(bits=12), Attributes()])], ids=["late", "joint"])
def test_a_product_is_answered_from_the_views_it_has(model):
    model.fit(catalog(), {"kind": KIND})
    frame = catalog().scan.collect()
    text = ("title", "description", "category")
    for hidden in (text, ("brand", "price", "rating", "category")):
        some = frame.with_columns(*(pl.lit(None, frame.schema[name]).alias(name) for name in hidden))
        table = model.predict_proba(Catalog(some))["kind"]
        got = model.classes_["kind"][table.argmax(axis=1)]
        assert np.mean(got == np.array(KIND)) >= 0.75


def test_of_nothing_the_shares_are_answered():
    model = Views().fit(catalog(), {"kind": [*KIND[:9], None, None, None]})
    known = np.array(KIND[:9])
    want = [np.mean(known == "mug"), np.mean(known == "shoe")]
    np.testing.assert_allclose(model.predict_proba(bare_catalog())["kind"], [want] * 3, atol=1e-6)


def test_a_column_called_like_a_target_is_not_read():
    model = Views().fit(catalog(), {"category": KIND})
    assert "category" not in model.views_[0].columns
    assert "category" in model.views[0].columns  # the setting is as it was


def test_late_weights_follow_what_views_are_worth():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 500)
    good = np.log(np.where(np.eye(2)[codes] > 0, 0.8, 0.2))
    wrong = rng.random(500) < 0.2
    good[wrong] = good[wrong][:, ::-1]
    noise = np.log(np.full((500, 2), 0.5) + rng.uniform(-0.4, 0.4, (500, 1)) * [1, -1])
    weights = _weighed([good.astype(np.float32), noise.astype(np.float32)], codes)
    assert weights[0] == pytest.approx(1.0, abs=0.15)
    assert weights[1] < 0.15
    assert _weighed([np.full((3, 2), np.nan, np.float32)] * 2, np.array([0, 1, 0])) == [0.5, 0.5]


def test_views_learn_on_with_new_classes(tmp_path):
    model = late().fit(catalog(), {"kind": KIND})
    model.save(tmp_path / "m")
    model = load(tmp_path / "m")
    more = Catalog(
        pl.DataFrame(
            {
                "id": ["b1", "b2", "b3"],
                "title": ["Leather travel bag", "Canvas shoulder bag", "Leather school bag"],
                "brand": ["Sack", "Sack", "Sack"],
                "price": [50.0, 40.0, 45.0],
            }
        )
    )
    model.partial_fit(more, {"kind": ["bag", "bag", "bag"]})
    assert model.classes_["kind"].tolist() == ["bag", "mug", "shoe"]
    table = model.predict_proba(more)["kind"]
    assert (model.classes_["kind"][table.argmax(axis=1)] == "bag").all()
    got = model.classes_["kind"][model.predict_proba(catalog())["kind"].argmax(axis=1)]
    assert (got == np.array(KIND)).mean() >= 0.9


def test_one_class_alone_is_certain():
    model = Views().fit(catalog(), {"kind": ["shoe"] * 12})
    np.testing.assert_array_equal(model.predict_proba(catalog())["kind"], np.ones((12, 1)))


def test_bad_input_is_named():
    with pytest.raises(DataError, match="'kind' has 3 classes for 12 products"):
        Views().fit(catalog(), {"kind": ["shoe"] * 3})
    with pytest.raises(DataError, match="the class of no product is known"):
        Views().fit(catalog(), {"kind": [None] * 12})
    with pytest.raises(DataError, match="no target"):
        Views().fit(catalog(), {})
    with pytest.raises(SettingError, match="1 views need as many weights"):
        Views(weights=[1.0, 2.0]).fit(catalog(), {"kind": KIND})
    with pytest.raises(SettingError, match="views=\\[\\]"):
        Views(views=[]).fit(catalog(), {"kind": KIND})
    forest = Views(views=[LSA(width=8)], classifier=Forest(trees=3)).fit(catalog(), {"kind": KIND})
    with pytest.raises(SettingError, match="Forest cannot learn on"):
        forest.partial_fit(catalog(), {"kind": KIND})
    with pytest.raises(DataError, match="'colour' was not fitted"):
        Views().fit(catalog(), {"kind": KIND}).partial_fit(catalog(), {"colour": KIND})
