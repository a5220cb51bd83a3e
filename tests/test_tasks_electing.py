"""An election on three plain groups: the number and the method that are right by eye, and why."""

import numpy as np
import polars as pl
import pytest

from wares.cluster.kmeans import KMeans
from wares.cluster.leiden import Leiden
from wares.cluster.multinomial import Multinomial
from wares.data.catalog import Catalog
from wares.encode.bag import Bag
from wares.errors import SettingError
from wares.tasks.electing import _lift, _told, elect

KINDS = ("running shoe", "coffee mug", "garden hose", "desk lamp")
TITLES = [f"{brand} {kind} {n}x" for kind in KINDS for brand in ("acme", "orbit", "zenith") for n in range(10)]
TRUTH = np.repeat(np.arange(4), 30)
CATALOG = Catalog(pl.DataFrame({"id": [str(at) for at in range(len(TITLES))], "title": TITLES}))
WORDS = Bag(columns=("title",)).fit(CATALOG).counts(CATALOG)


def vectors() -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = np.eye(4, 8, dtype=np.float32)[TRUTH] + rng.normal(0, 0.08, (len(TRUTH), 8)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


VIEWS = {"vectors": vectors(), "words": WORDS}
BOTH = {
    "kmeans": lambda k: KMeans(n_clusters=k or 8),
    "multinomial": lambda k: Multinomial(n_clusters=k or 8),
}


def test_the_number_of_groups_is_found_and_told() -> None:
    found = elect(BOTH, VIEWS, ks=[2, 3, 4, 6, 8])
    assert found.chosen.k == 4
    assert found.runner_up is not None
    assert {found.chosen.method, found.runner_up.method} == {"kmeans", "multinomial"}
    assert found.reason.startswith("4 clusters")
    assert found.chosen.method in found.reason
    assert [k for k, _ in found.curve] == [2, 3, 4, 6, 8]
    assert not found.left_out
    assert len(found.ranking) == 10
    assert found.as_json()["chosen"]["k"] == 4


def test_a_method_that_draws_lots_loses() -> None:
    class Lots(KMeans):
        def fit(self, X, y=None, **others):  # type: ignore[no-untyped-def]
            super().fit(X, y)
            self.labels_ = np.arange(len(X), dtype=np.int64) % self.n_clusters
            return self

        def predict(self, X):  # type: ignore[no-untyped-def]
            return np.random.default_rng(len(X)).integers(0, self.n_clusters, len(X))

    found = elect({"lots": lambda k: Lots(n_clusters=k or 8), "kmeans": BOTH["kmeans"]}, VIEWS, ks=[3, 4, 5])
    assert (found.chosen.method, found.chosen.k) == ("kmeans", 4)


def test_what_there_is_no_time_for_is_told() -> None:
    found = elect(BOTH, VIEWS, ks=[2, 4, 8], budget=0.0)
    assert found.chosen.k == 4  # from the middle outwards
    assert len(found.left_out) == 5
    assert "multinomial with 4 clusters" in found.left_out


def test_clusters_tell_of_words_and_of_what_is_taken_together() -> None:
    assert _told(WORDS, TRUTH, 0) > 0.5
    assert _told(WORDS, np.arange(len(TRUTH)) % 4, 0) < 0.1
    pairs = np.array([[0, 1], [31, 32], [60, 62], [90, 95]])
    assert _lift(TRUTH, pairs) == 4  # always, where chance is a quarter
    assert _lift(TRUTH, np.empty((0, 2), np.int64)) is None


def test_what_is_missing_is_named() -> None:
    with pytest.raises(SettingError, match="no candidates"):
        elect({}, VIEWS)
    with pytest.raises(SettingError, match="'multinomial' reads words"):
        elect(BOTH, {"vectors": vectors()})
    with pytest.raises(SettingError, match="vectors are needed"):
        elect(BOTH, {"words": WORDS})


def test_without_numbers_what_lies_beside_the_soundest_is_tried_and_what_is_found_is_only_told() -> None:
    set_plainly = {"kmeans": lambda k: KMeans(n_clusters=k), "multinomial": lambda k: Multinomial(n_clusters=k)}
    found = elect({**set_plainly, "leiden": lambda k: Leiden(n_clusters=k)}, VIEWS)
    assert found.chosen.k == 4
    tried = [k for k, _ in found.curve]
    assert {3, 4, 5} <= set(tried)
    assert len(tried) == len(set(tried))
    at_four = [each.method for each in found.ranking if each.k == 4]
    assert sorted(at_four) == ["kmeans", "leiden", "multinomial"]
    own = [each for each in found.ranking if each.k is None]
    assert [each.method for each in own] == ["leiden"]
    assert own[0].clusters >= 1
    assert found.chosen.method in at_four
