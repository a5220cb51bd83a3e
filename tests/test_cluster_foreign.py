import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import Birch, KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import check_estimator

from wares.algorithm import Clusterer, load
from wares.checks import check
from wares.checks.shop import blobs
from wares.config import Config
from wares.errors import DataError, SettingError, UnknownName
from wares.registry import find, make

BIRCH = "sklearn.cluster:Birch"


@pytest.mark.parametrize("path", [BIRCH, "sklearn.cluster:AgglomerativeClustering", "sklearn.cluster:MeanShift"])
def test_scikit_learns_keep_our_contract(path):
    assert len(check(find(Clusterer, path)())) >= 36


@pytest.mark.filterwarnings("ignore")  # its checks warn of what they do on purpose
def test_scikit_learns_own_checks():
    results = check_estimator(find(Clusterer, BIRCH)(), on_fail=None)
    assert [each["check_name"] for each in results if each["status"] == "failed"] == []
    assert sum(each["status"] == "passed" for each in results) >= 40


def test_it_is_one_class_whatever_way_it_is_named():
    assert find(Clusterer, "sklearn.cluster.Birch") is find(Clusterer, BIRCH)
    model = make(Clusterer, "sklearn.cluster.Birch", threshold=0.3)
    assert model.get_params() == {"threshold": 0.3, "branching_factor": 50, "n_clusters": 3, "compute_labels": True}


def test_it_groups_and_places_as_the_estimator_does(tmp_path):
    X, _ = blobs()
    model = make(Clusterer, "sklearn.cluster:KMeans", n_clusters=3, seed=4).fit(X)
    theirs = KMeans(n_clusters=3, random_state=4).fit(X)
    assert adjusted_rand_score(theirs.labels_, model.labels_) == 1
    assert model.labels_[0] == 0
    near = np.random.default_rng(0).normal(size=(50, 5)).astype(np.float32) * 5
    np.testing.assert_array_equal(
        model.predict(near), model.labels_[[(theirs.labels_ == each).argmax() for each in theirs.predict(near)]]
    )
    assert not hasattr(model, "points_")
    model.save(tmp_path / "one")
    loaded = load(tmp_path / "one")
    assert type(loaded) is type(model)
    np.testing.assert_array_equal(loaded.predict(near), model.predict(near))
    assert clone(loaded).get_params() == model.get_params()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(near), model.predict(near))


def test_without_a_predict_new_rows_go_beside_the_nearest():
    X, group = blobs()
    model = make(Clusterer, "sklearn.cluster:DBSCAN", eps=2.0).fit(X)
    assert adjusted_rand_score(group, model.labels_) == 1
    np.testing.assert_array_equal(model.predict(X + np.float32(0.1)), model.labels_)


def test_what_cannot_be_saved_is_not_kept(tmp_path):
    X = np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32)
    model = make(Clusterer, BIRCH, threshold=0.01, n_clusters=5).fit(X)  # a chain of leaves too long to write
    assert not hasattr(model, "estimator_")
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert adjusted_rand_score(Birch(threshold=0.01, n_clusters=5).fit(X).labels_, model.labels_) == 1
    model.save(tmp_path / "one")


def test_the_seed_is_the_shops():
    text = 'seed = 7\n[cluster]\nuse = "sklearn.cluster.KMeans"\nn_clusters = 4\n'
    model = Config.of(f"[shop]\n{text}").make(Clusterer)
    assert (model.seed, model.n_clusters) == (7, 4)


def test_set_on_the_command_line():
    config = Config.default().with_value("cluster.use", BIRCH).with_value("cluster.threshold", "0.3")
    assert config.settings("cluster") == (BIRCH, {"threshold": 0.3})
    assert config.with_value("cluster.n_clusters", "none").make(Clusterer).n_clusters == 3


@pytest.mark.parametrize(
    ("key", "value", "kind", "said"),
    [
        ("cluster.treshold", "1", SettingError, "did you mean 'threshold'"),
        ("cluster.threshold", "-1", SettingError, r"line \d+: Birch\(threshold=-1\): must be .* in the range"),
        ("cluster.use", "sklearn.cluster.Brch", UnknownName, "did you mean 'Birch'"),
        ("cluster.use", "sklearn.svm:SVC", SettingError, "is no clusterer"),
        ("cluster.use", "sklearn.clustr:Birch", UnknownName, "no module 'sklearn.clustr'"),
        ("cluster.use", "sklearn.cluster:FeatureAgglomeration", SettingError, "no clusterer"),
    ],
)
def test_mistakes_are_named(key, value, kind, said):
    def asked():
        Config.default().with_value("cluster.use", BIRCH).with_value(key, value).make(Clusterer).fit(blobs()[0])

    with pytest.raises(kind, match=said):
        asked()


def test_its_mistakes_with_rows_are_ours():
    with pytest.raises(DataError, match=r"sklearn.cluster:KMeans: n_samples=2 should be >= n_clusters=8"):
        make(Clusterer, "sklearn.cluster:KMeans").fit(np.eye(2))
    with pytest.raises(SettingError, match="cannot honour"):
        make(Clusterer, BIRCH).fit(blobs()[0], links=(np.array([[0, 1]]), np.empty((0, 2), int)))
    with pytest.raises(ValueError, match="NaN"):
        make(Clusterer, BIRCH).fit(np.full((5, 2), np.nan))
