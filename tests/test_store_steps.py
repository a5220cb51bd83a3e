import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from wares.store import steps as steps_module
from wares.store.builds import Builds
from wares.store.steps import Steps, hash_array, hash_code, hash_frame, hashed


class Maker:
    """Writes a file and counts how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / "sub").mkdir()
        (folder / "sub" / "x").write_text(str(self.calls))


def test_the_same_inputs_are_made_once(tmp_path):
    make, steps = Maker(), Steps(tmp_path)
    one = steps.run("encode", {"a": 1, "b": [2, "x"]}, make)
    assert steps.run("encode", {"b": (2, "x"), "a": 1}, make) == one
    assert Steps(tmp_path).run("encode", {"a": 1, "b": [2, "x"]}, make) == one
    assert make.calls == 1
    assert steps.made == [one.name]
    assert steps.used == [one.name]
    assert one.name.startswith("encode-")


@pytest.mark.parametrize("inputs", [{"a": 2, "b": []}, {"a": 1}, [], None, {"a": 1.5}])
def test_other_inputs_are_another_step(tmp_path, inputs):
    make, steps = Maker(), Steps(tmp_path)
    assert steps.run("encode", {"a": 1, "b": []}, make) != steps.run("encode", inputs, make)
    assert steps.run("encode", inputs, make) != steps.run("index", inputs, make)
    assert make.calls == 3


def test_another_version_of_wares_makes_anew(tmp_path, monkeypatch):
    make = Maker()
    Steps(tmp_path).run("a", 1, make)
    monkeypatch.setattr(steps_module, "__version__", "99")
    Steps(tmp_path).run("a", 1, make)
    assert make.calls == 2


def test_a_step_that_fails_leaves_nothing(tmp_path):
    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise KeyboardInterrupt

    steps = Steps(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        steps.run("a", 1, fail)
    assert list(tmp_path.iterdir()) == []
    assert steps.run("a", 1, Maker()).is_dir()


def test_leftovers_of_a_crash_are_removed(tmp_path):
    (tmp_path / ".tmp-crashed").mkdir()
    Steps(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_step_is_linked_into_a_build_and_survives_the_cache(tmp_path):
    steps, builds = Steps(tmp_path / "cache"), Builds(tmp_path)
    step = steps.run("a", 1, Maker())
    with builds.new() as draft:
        steps.link(step, draft.folder / "encoder")
        path = builds.publish(draft)
    assert (path / "encoder" / "sub" / "x").stat().st_ino == (step / "sub" / "x").stat().st_ino
    steps.prune(keep=[])
    assert (path / "encoder" / "sub" / "x").read_text() == "1"
    assert builds.verify(path) == []


def test_prune_keeps_what_this_run_used(tmp_path):
    Steps(tmp_path).run("old", 1, Maker())
    steps = Steps(tmp_path)
    one, two = steps.run("new", 1, Maker()), steps.run("newer", 1, Maker())
    gone = steps.prune()
    assert [name.partition("-")[0] for name in gone] == ["old"]
    assert one.is_dir()
    assert two.is_dir()


def test_inputs_that_are_not_plain_are_refused(tmp_path):
    with pytest.raises(TypeError, match="a step cannot be known by a ndarray; give its hash"):
        Steps(tmp_path).run("a", np.zeros(3), Maker())
    assert hashed({Path("/a"), Path("/b")} and [Path("/a"), np.int64(3)]) == hashed(["/a", 3])


# -- hashes --------------------------------------------------------------------------------------------------------


def test_a_file_that_did_not_change_is_not_read_again(tmp_path, monkeypatch):
    path, steps = tmp_path / "products.csv", Steps(tmp_path / "cache")
    path.write_text("id,title\n1,shoe\n")
    os.utime(path, (1e9, 1e9))
    read = []
    monkeypatch.setattr(steps_module, "digest", lambda each: read.append(each) or f"hash {len(read)}")
    assert steps.hash_file(path) == "hash 1"
    assert Steps(tmp_path / "cache").hash_file(path) == "hash 1"
    os.utime(path, (1e9, 1e9 + 1))
    assert steps.hash_file(path) == "hash 2"
    path.write_text("id,title\n1,shoes\n")
    os.utime(path, (1e9, 1e9 + 1))
    assert steps.hash_file(path) == "hash 3"


def test_a_file_changed_just_now_is_always_read(tmp_path):
    path, steps = tmp_path / "a.csv", Steps(tmp_path / "cache")
    path.write_text("one")
    one = steps.hash_file(path)
    path.write_text("two")
    assert steps.hash_file(path) != one


def test_a_damaged_memo_is_forgotten(tmp_path):
    path, steps = tmp_path / "a.csv", Steps(tmp_path / "cache")
    path.write_text("one")
    os.utime(path, (1e9, 1e9))
    one = steps.hash_file(path)
    (tmp_path / "cache" / "sources.json").write_text("{")
    assert steps.hash_file(path) == one


def test_hashes_of_arrays_tell_shape_type_and_content():
    table = np.arange(6, dtype=np.float32)
    others = [table.reshape(2, 3), table.astype(np.float64), table + 1, table[:5], np.zeros((0, 3)), np.zeros((3, 0))]
    assert len({hash_array(each) for each in [table, *others]}) == 7
    assert hash_array(table.reshape(2, 3).T) == hash_array(np.ascontiguousarray(table.reshape(2, 3).T))
    sparse = csr_array(np.eye(3, dtype=np.float32))
    assert hash_array(sparse) != hash_array(csr_array(np.eye(3, 4, dtype=np.float32)))
    assert hash_array(sparse) == hash_array(sparse.copy())


def test_hashes_of_frames_tell_names_types_rows_and_order():
    frame = pl.DataFrame({"a": ["x", None, "y"], "b": [1, 2, 3]})
    others = [
        frame[::-1],
        frame.rename({"a": "c"}),
        frame.with_columns(b=pl.col("b").cast(pl.Float64)),
        frame.with_columns(a=pl.col("a").fill_null("")),
        frame.head(2),
        frame.head(0),
        pl.DataFrame(),
    ]
    assert len({hash_frame(each) for each in [frame, *others]}) == 8
    assert hash_frame(frame) == hash_frame(frame.clone())


def test_the_hash_of_code_is_that_of_its_file():
    assert hash_code(Steps) == hash_code(Steps, hashed) != hash_code(Builds)
