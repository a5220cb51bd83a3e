from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from wares.checks.shop import SHOES, blobs, catalog
from wares.classify.boosted import Boosted
from wares.classify.forest import Forest
from wares.classify.knn import KNN
from wares.classify.linear import Linear
from wares.classify.mlp import MLP
from wares.classify.naive_bayes import NaiveBayes
from wares.classify.rows import softmax
from wares.classify.tree import Tree
from wares.data.catalog import Catalog
from wares.encode.attributes import Attributes
from wares.encode.features import Features, counts
from wares.encode.lsa import LSA
from wares.encode.tfidf import TfIdf
from wares.errors import DataError, SettingError, UnknownName
from wares.tasks.accounting import account, examples, surrogate
from wares.tasks.shrinking import Exported, export, measured, pruned
from wares.tasks.views import Views

KIND = ["shoe" if row in SHOES else "mug" for row in range(12)]
NAMES = np.array(["mug", "shoe", "bag"])


def fitted(**settings) -> Views:
    return Views(**settings).fit(catalog(), {"kind": KIND})


# -- exact accounts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"views": [TfIdf(pairs=True, sublinear=True)]},
        {"views": [TfIdf(), Attributes(), LSA(width=8)]},
        {"views": [TfIdf(), Attributes(), LSA(width=8)], "fusion": "late"},
        {"classifier": NaiveBayes(kind="multinomial")},
    ],
    ids=["words", "pairs", "joint", "late", "naive bayes"],
)
def test_parts_sum_to_logits_whose_softmax_is_the_probability(settings):
    model = fitted(**settings)
    found = [account(model, catalog(), "kind", name) for name in ("mug", "shoe")]
    for each in found:
        assert each.base + sum(part.value for part in each.parts) == pytest.approx(each.logit)
    logits = np.array([[each.logit for each in found]])
    np.testing.assert_allclose(softmax(logits)[0], model.predict_proba(catalog())["kind"][0], atol=1e-4)
    np.testing.assert_allclose([each.probability for each in found], softmax(logits)[0], atol=1e-4)


def test_a_shoe_is_one_because_of_its_words():
    found = account(fitted(), catalog(), "kind")
    assert found.name == "shoe"
    assert found.parts[0].text == "shoes"
    reasons = found.reasons(2)
    assert "the word “shoes”" in [reason.text for reason in reasons[:3]]
    assert sum(reason.share for reason in reasons) == pytest.approx(1)
    assert reasons[-1].text == "other"


def test_attributes_speak_by_name_and_value():
    found = account(fitted(views=[Attributes(least=1)]), catalog(), "kind")
    texts = {part.text for part in found.parts}
    assert "brand=Strider" in texts
    assert "price=79.0" in texts
    assert any(reason.text == "its category Fashion" for reason in found.reasons())


def test_pairs_of_words_are_counted_beside_words():
    plain = counts(["red shoe red"], Features.of(True, 0, 0, 16))
    pairs = counts(["red shoe red"], Features.of(True, 0, 0, 16, pairs=True))
    assert plain.nnz == 2
    assert pairs.nnz == 4  # red shoe, and shoe red, which is another
    with pytest.raises(SettingError, match="pairs=True, words=False"):
        Features.of(False, 3, 5, 16, pairs=True)


def test_letters_can_run_over_the_ends_of_words():
    apart = counts(["ab cd", "abcd"], Features.of(False, 2, 3, 16))
    across = counts(["ab, cd", "", "abcd"], Features.of(False, 2, 3, 16, across=True)).toarray()
    assert (across[0] == across[2]).all()
    assert not across[1].any()
    assert (apart.toarray()[1] == across[2]).all()
    with pytest.raises(SettingError, match="leave no words"):
        Features.of(True, 2, 3, 16, across=True)


def test_the_most_alike_examples_are_shown():
    reasons = examples(fitted(), catalog(), KIND, catalog(), 2)
    assert reasons[0].products == ("shoe-0",)
    assert reasons[1].text == "like “Blue running shoes for men”, which is shoe"


def test_a_small_tree_stands_for_the_model():
    found = surrogate(fitted(), catalog(), "kind")
    assert "shoes is in it" in found.text
    assert found.fidelity == 1.0
    assert found.leaves == 2


def test_what_cannot_be_accounted_for_is_said():
    with pytest.raises(UnknownName, match="'kinds'; did you mean 'kind'"):
        account(fitted(), catalog(), "kinds")
    with pytest.raises(UnknownName, match="'shoes'; did you mean 'shoe'"):
        account(fitted(), catalog(), "kind", "shoes")
    with pytest.raises(DataError, match="Tree is no sum over columns"):
        account(fitted(views=[LSA(width=4)], classifier=Tree()), catalog(), "kind")
    with pytest.raises(DataError, match="there is no product"):
        account(fitted(), Catalog(catalog().frame(catalog().columns, slice(0, 0))), "kind")


# -- by asking again ---------------------------------------------------------------------------------------------------


def test_words_left_out_tell_which_matter():
    perturbing = pytest.importorskip("wares.tasks.perturbing")
    model = fitted(views=[TfIdf(columns=("title",), bits=12)])
    reasons = perturbing.perturbed(model, catalog(), "kind", columns=("title",), samples=100)
    assert "the word “shoes”" in [reason.text for reason in reasons[:3]]
    assert sum(reason.share for reason in reasons) == pytest.approx(1)
    with pytest.raises(UnknownName):
        perturbing.perturbed(model, catalog(), "kind", "shoos")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("model", [Tree(), Forest(trees=4), Boosted(rounds=3), MLP(hidden=4, passes=3)])
def test_shapley_values_sum_to_the_probability(model):
    perturbing = pytest.importorskip("wares.tasks.perturbing")
    X, group = blobs()
    names = NAMES[group]
    if isinstance(model, Boosted):
        names[names == "mug"] = "shoe"  # of two classes it is exact and quick
    model.fit(X, names)
    for name in ("bag", "shoe"):
        values, base = perturbing.shapley(model, X[:3], X[:10], name)
        k = model.classes_.tolist().index(name)
        np.testing.assert_allclose(values.sum(axis=1) + base, model.predict_proba(X[:3])[:, k], atol=1e-4)
    with pytest.raises(UnknownName):
        perturbing.shapley(model, X, X, "shoes")


# -- small and elsewhere -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize(
    "model",
    [Linear(), NaiveBayes(), MLP(hidden=6), Tree(), Forest(trees=5), Boosted(rounds=4)],
    ids=lambda model: type(model).__name__,
)
def test_onnx_answers_as_the_model(model, int8, tmp_path: Path):
    X, group = blobs()
    if isinstance(model, NaiveBayes):
        X = csr_array(np.maximum(X, 0))
    model.fit(X, NAMES[group])
    file = Exported(export(model, tmp_path / "m.onnx", int8=int8))
    assert file.classes == ["bag", "mug", "shoe"]
    np.testing.assert_allclose(file.predict_proba(X), model.predict_proba(X), atol=0.02 if int8 else 1e-5)


def test_onnx_reads_sparse_rows_of_text(tmp_path: Path):
    rows = TfIdf(bits=12).fit_encode(catalog())
    model = Linear().fit(rows[:6], KIND[:6])  # others have columns never met
    file = Exported(export(model, tmp_path / "m.onnx"))
    np.testing.assert_allclose(file.predict_proba(rows), model.predict_proba(rows), atol=1e-6)
    dense = Exported(export(model, tmp_path / "d.onnx", sparse=False))
    np.testing.assert_allclose(dense.predict_proba(rows), model.predict_proba(rows), atol=1e-6)
    size = measured(model, tmp_path / "m.onnx", rows, KIND)
    assert size.loss == 0
    assert size.megabytes > 0


def test_pruning_drops_what_weighs_least():
    rows = TfIdf(bits=12).fit_encode(catalog())
    model = Linear().fit(rows, KIND)
    less = pruned(model, 0.1)
    kept, whole = np.square(less.coef_).sum(axis=0), np.square(model.coef_).sum(axis=0)
    assert (kept >= 0.9 * whole - 1e-6).all()
    assert len(less.coef_) < len(model.coef_)
    assert (less.predict(rows) == np.array(KIND)).all()
    np.testing.assert_array_equal(pruned(model, 0.0).predict_proba(rows), model.predict_proba(rows))
    with pytest.raises(SettingError, match="share=1"):
        pruned(model, 1)
    with pytest.raises(SettingError, match="MLP cannot be pruned"):
        pruned(MLP().fit(*blobs()), 0.1)


def test_thresholds_of_trees_do_not_move(tmp_path: Path):
    X = np.array([[0.1], [0.2], [0.3], [np.nan]], np.float32)
    model = Tree().fit(X, ["a", "b", "c", "a"])
    file = Exported(export(model, tmp_path / "m.onnx"))
    near = np.nextafter(np.repeat(X[:3], 2, axis=0), np.array([[-1], [1]] * 3, np.float32)).astype(np.float32)
    for rows in (X, near, np.array([[0.15], [0.25]], np.float32)):
        np.testing.assert_array_equal(file.predict_proba(rows), model.predict_proba(rows))


def test_what_cannot_be_written_is_said(tmp_path: Path):
    X, group = blobs()
    with pytest.raises(SettingError, match="KNN cannot be written as ONNX"):
        export(KNN().fit(X, group), tmp_path / "k.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no")
    with pytest.raises(DataError, match="no ONNX file"):
        Exported(tmp_path / "bad.onnx")
    with pytest.raises(SettingError, match="one class only"):
        export(Tree().fit(X, np.zeros(60)), tmp_path / "one.onnx")
