import sys
from pathlib import Path

import numpy as np
import pytest

from wares import registry
from wares.algorithm import ROLES, Clusterer, Encoder, Index, Recommender, role_name
from wares.errors import MissingExtra, SettingError, UnknownName
from wares.registry import find, listing, make, names, registered


@pytest.fixture
def line(monkeypatch):
    """Puts a line into the registry of clusterers."""

    def put(text: str) -> None:
        monkeypatch.setitem(registry.REGISTRY, "cluster", {**registry.REGISTRY["cluster"], "mine": text})

    return put


def test_an_algorithm_is_made_by_its_name():
    assert make(Index, "exact", block=32).block == 32
    assert type(make(Recommender, "popular")).__name__ == "Popular"
    assert find(Index, "wares.index.exact:Exact") is find(Index, "exact")


def test_every_line_has_its_form_and_its_file():
    root = Path(registry.__file__).parent.parent
    for word, lines in registry.REGISTRY.items():
        assert word in ROLES
        for name, text in lines.items():
            found = registry._LINE.fullmatch(text)
            assert found, f"{word} {name}: {text}"
            assert (root / found["module"].replace(".", "/")).with_suffix(".py").is_file(), text


def test_every_algorithm_bears_its_role_and_says_when_to_choose_it():
    for word, name in registered():
        cls = find(ROLES[word], name)
        assert issubclass(cls, ROLES[word])
        assert "Choose" in (cls.__doc__ or ""), f"{name} does not say when to choose it"


def test_names_are_in_order_and_every_role_has_its_word():
    assert names(Encoder) == sorted(names(Encoder))
    assert {"sentence", "tfidf", "lsa", "hashing"} <= set(names(Encoder))
    assert [role_name(role) for role in ROLES.values()] == list(ROLES)
    with pytest.raises(UnknownName, match="Path is not a role"):
        role_name(Path)


def test_a_wrong_name_and_a_wrong_setting_name_the_nearest():
    with pytest.raises(UnknownName, match=r"no cluster algorithm 'kmean'; did you mean 'kmeans'\?"):
        find(Clusterer, "kmean")
    with pytest.raises(SettingError, match=r"'kmeans' has no setting 'n_cluster'; did you mean 'n_clusters'"):
        make(Clusterer, "kmeans", n_cluster=3)
    with pytest.raises(SettingError, match="it has block"):
        make(Index, "exact", zzz=3)


def test_a_missing_package_names_its_extra_and_a_broken_module_is_seen(line, tmp_path, monkeypatch):
    line("no_such_package.deep:Mine [deep]")
    with pytest.raises(MissingExtra, match=r"'mine' needs the package 'no_such_package': pip install 'wares\[deep\]'"):
        find(Clusterer, "mine")
    line("wares.cluster.no_such_file:Mine [deep]")
    with pytest.raises(ModuleNotFoundError, match=r"wares\.cluster\.no_such_file"):
        find(Clusterer, "mine")
    line("no_such_package.deep:Mine")
    with pytest.raises(ModuleNotFoundError) as caught:
        find(Clusterer, "mine")
    assert not isinstance(caught.value, MissingExtra)
    line("not a line")
    with pytest.raises(SettingError, match="is not of the form"):
        find(Clusterer, "mine")


_PLUGIN = '''
from dataclasses import dataclass
import numpy as np
from wares.algorithm import Clusterer, setting

@dataclass(kw_only=True, eq=False)
class Halves(Clusterer):
    """The first half of the rows and the second."""

    share: float = setting(0.5, low=0.0, high=1.0)

    def fit(self, X, y=None, *, links=None, runner=None):
        self._check()
        self.labels_ = (np.arange(len(X)) >= self.share * len(X)).astype(np.int64)
        self.n_clusters_ = int(self.labels_.max()) + 1
        return self

    def predict(self, X):
        return self.labels_
'''


def test_a_package_of_anyones_adds_an_algorithm(tmp_path, monkeypatch):
    """Installed as pip would leave it: a module and the entry points of its distribution."""
    (tmp_path / "halves_plugin.py").write_text(_PLUGIN)
    info = tmp_path / "halves_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: halves-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[wares.cluster]\nhalves = halves_plugin:Halves\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._plugins.cache_clear()
    try:
        assert "halves" in names(Clusterer)
        assert ("cluster", "halves") in registered()
        made = make(Clusterer, "halves", share=0.25).fit(np.zeros((4, 1)))
        assert made.labels_.tolist() == [0, 1, 1, 1]
    finally:
        monkeypatch.undo()
        sys.modules.pop("halves_plugin", None)
        registry._plugins.cache_clear()
    assert "halves" not in names(Clusterer)


def test_the_listing_tells_of_each_algorithm():
    rows = listing()
    assert [(row["role"], row["name"]) for row in rows] == registered()
    assert all(row["summary"] or row["needs"] for row in rows)
