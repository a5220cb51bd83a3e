import json
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from wares.algorithm import Algorithm, NotFitted, load, setting, verify
from wares.errors import MissingExtra, SettingError, StoreError


@dataclass(kw_only=True, eq=False)
class Holder(Algorithm):
    """Learns whatever it is given."""

    depth: int = setting(2, low=1)
    columns: tuple[str, ...] = ("title", "brand")
    parts: list[Algorithm] = field(default_factory=list)
    ratio: float = 0.5
    table: Any = None

    def fit(self, value: Any) -> Self:
        self._check()
        self.value_ = value
        return self


def back(tmp_path: Any, value: Any) -> Any:
    Holder().fit(value).save(tmp_path / "saved")
    return Holder.load(tmp_path / "saved").value_


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.zeros((0, 3), np.float32),
        np.zeros((3, 0), np.int8),
        np.array(3.5),
        np.array([True, False]),
        np.array([1, 2], np.uint64),
        np.array([np.nan, np.inf, -np.inf]),
        np.array(["2024-03-01", "NaT"], "datetime64[ns]"),
        np.array(["shoe", "茶", ""]),
        np.array([["shoe", None], ["", "mug"]], dtype=object),
        np.array([], dtype=np.str_),
    ],
    ids=lambda each: f"{each.dtype}-{each.shape}",
)
def test_arrays_come_back_as_they_were(tmp_path, array):
    found = back(tmp_path, array)
    assert found.shape == array.shape
    assert found.dtype.kind == array.dtype.kind
    assert np.array_equal(found, array, equal_nan=array.dtype.kind in "fmM")


def test_numbers_are_mapped_and_cannot_be_written(tmp_path):
    found = back(tmp_path, np.arange(6.0))
    assert isinstance(found.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1


@pytest.mark.parametrize("shape", [(3, 4), (0, 4), (3, 0)])
def test_sparse_tables_come_back(tmp_path, shape):
    table = csr_array(np.eye(*shape, dtype=np.float32) * 2)
    found = back(tmp_path, table)
    assert found.shape == shape
    assert found.dtype == np.float32
    assert (found.toarray() == table.toarray()).all()
    assert found.has_sorted_indices


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        2.5,
        "茶",
        b"\x00\xff",
        [1, "a", None],
        (1, 2),
        [(1, "a"), (2, "b")],
        {"a": {"b": [1, 2.5, None]}},
        {"../outside": (1,), "": [b"x"]},
        [],
        {},
        (),
    ],
    ids=repr,
)
def test_plain_values_come_back_with_their_types(tmp_path, value):
    found = back(tmp_path, value)
    assert found == value
    assert type(found) is type(value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["saved"]


def test_infinity_and_nan_come_back(tmp_path):
    found = back(tmp_path, [float("inf"), float("nan")])
    assert found[0] == float("inf")
    assert np.isnan(found[1])


def test_numpy_numbers_become_numbers(tmp_path):
    assert back(tmp_path, np.int64(3)) == 3
    assert back(tmp_path / "b", np.float32(0.5)) == 0.5


def test_lists_and_dicts_of_anything_come_back(tmp_path):
    value = {"levels": [np.arange(3), csr_array(np.eye(2))], "by name": {"a/b": (np.array(["x"]), b"y")}}
    found = back(tmp_path, value)
    assert found["levels"][0].tolist() == [0, 1, 2]
    assert found["levels"][1].toarray().tolist() == [[1, 0], [0, 1]]
    assert found["by name"]["a/b"][0].tolist() == ["x"]
    assert found["by name"]["a/b"][1] == b"y"


def test_algorithms_inside_come_back(tmp_path):
    inner = Holder(depth=5).fit(np.arange(3))
    found = back(tmp_path, [inner, {"own": Holder().fit("x")}])
    assert found[0].depth == 5
    assert found[0].value_.tolist() == [0, 1, 2]
    assert found[1]["own"].value_ == "x"


def test_settings_come_back_parts_without_what_they_learned(tmp_path):
    part = Holder(depth=7).fit("learned")
    Holder(columns=("a",), parts=[part], ratio=float("inf"), table={"k": (1, 2)}).fit(1).save(tmp_path / "saved")
    found = Holder.load(tmp_path / "saved")
    assert found.columns == ("a",)
    assert found.ratio == float("inf")
    assert found.table == {"k": (1, 2)}
    assert found.parts[0].depth == 7
    with pytest.raises(NotFitted):
        found.parts[0].learned()
    assert repr(clone(found)) == repr(found)


@pytest.mark.filterwarnings("ignore")
def test_estimators_of_scikit_learn_come_back(tmp_path):
    X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["mug", "mug", "shoe", "shoe"])
    for number, model in enumerate((LogisticRegression(), KNeighborsClassifier(1))):
        found = back(tmp_path / str(number), model.fit(X, y))
        assert (found.predict(X) == y).all()


class Foreign(LogisticRegression):
    """An estimator that is not scikit-learn's own."""


@pytest.mark.filterwarnings("ignore")
def test_only_types_of_scikit_learn_are_trusted(tmp_path):
    X, y = np.array([[0.0], [1.0]]), np.array([0, 1])
    with pytest.raises(SettingError, match="only scikit-learn's types are trusted"):
        Holder().fit(Foreign().fit(X, y)).save(tmp_path / "saved")
    Holder().fit(LogisticRegression().fit(X, y)).save(tmp_path / "saved")
    from skops import io

    io.dump(Foreign().fit(X, y), tmp_path / "saved" / "value_.skops")
    with pytest.raises(StoreError, match="Untrusted types"):
        load(tmp_path / "saved")


@pytest.mark.parametrize(
    "value",
    [object(), {1: "a"}, {"a", "b"}, csc_array(np.eye(2)), np.array([1, "a"], dtype=object), [object()], lambda: 0, 1j],
    ids=lambda each: type(each).__name__,
)
def test_what_has_no_codec_is_refused_and_leaves_nothing(tmp_path, value):
    with pytest.raises(SettingError, match="cannot save 'value_"):
        Holder().fit(value).save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_nothing_learned_nothing_saved(tmp_path):
    with pytest.raises(NotFitted, match="Holder has not been fitted; call fit first"):
        Holder().save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_nothing_is_saved_over(tmp_path):
    Holder().fit(1).save(tmp_path / "saved")
    with pytest.raises(StoreError, match="exists already"):
        Holder().fit(2).save(tmp_path / "saved")
    assert Holder.load(tmp_path / "saved").value_ == 1


# -- what cannot be loaded -----------------------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False)
class Other(Algorithm):
    """Another one."""


def change(folder: Any, **values: Any) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **values}))


def test_a_folder_that_is_none_is_told(tmp_path):
    with pytest.raises(StoreError, match=r"is not a saved algorithm: it has no manifest\.json"):
        load(tmp_path)
    for text in ("{", "[]", "{}", "3"):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(StoreError, match="is damaged"):
            load(tmp_path)


def test_another_algorithm_is_told(tmp_path):
    Holder().fit(1).save(tmp_path / "saved")
    with pytest.raises(StoreError, match="holds a Holder, not a Other"):
        Other.load(tmp_path / "saved")


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"format": 99}, StoreError, "saved in format 99; this version reads"),
        ({"class": "wares.cluster.nothing:Nothing"}, StoreError, "this version of wares does not have"),
        ({"class": "pathlib:Path"}, StoreError, "which is no algorithm"),
        ({"class": "pathlib:Nothing"}, StoreError, "which is no algorithm"),
        ({"class": "no_such_package:Nothing"}, MissingExtra, "needs the package 'no_such_package'"),
        ({"settings": {"nothing": {"codec": "json", "value": 1}}}, StoreError, "another version of its algorithm"),
        ({"learned": {"value_": {"codec": "pickle"}}}, StoreError, "codec 'pickle', which this version does not know"),
    ],
)
def test_what_cannot_be_loaded_is_told(tmp_path, values, kind, message):
    Holder().fit(1).save(tmp_path / "saved")
    change(tmp_path / "saved", **values)
    with pytest.raises(kind, match=message):
        load(tmp_path / "saved")


def test_a_missing_package_of_an_extra_names_the_extra(tmp_path):
    Holder().fit(1).save(tmp_path / "saved")
    change(tmp_path / "saved", **{"class": "ray.nothing_of_the_sort:Nothing"})
    with pytest.raises(MissingExtra, match=r"pip install 'wares\[ray\]'"):
        load(tmp_path / "saved")


def test_damage_is_found(tmp_path):
    Holder().fit(np.arange(1000)).save(tmp_path / "saved")
    assert verify(tmp_path / "saved") == []
    path = tmp_path / "saved" / "value_.npy"
    path.write_bytes(path.read_bytes()[:-8] + b"\1" * 8)
    assert verify(tmp_path / "saved") == ["value_.npy"]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(StoreError, match="is damaged"):
        load(tmp_path / "saved")
    path.unlink()
    assert verify(tmp_path / "saved") == ["value_.npy"]
    with pytest.raises(StoreError, match=r"value_\.npy is missing"):
        load(tmp_path / "saved")


def test_a_setting_outside_its_range_is_an_error_of_fit():
    holder = Holder(depth=0)
    with pytest.raises(SettingError, match=r"Holder\(depth=0\): must be at least 1"):
        holder.fit(1)
    assert Holder(depth=1).fit(1).value_ == 1
