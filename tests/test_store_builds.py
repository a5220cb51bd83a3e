import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from wares.errors import StoreError
from wares.store.builds import FORMAT, Builds
from wares.store.files import digest, is_full, link, locked, readable, write_text


def publish(builds: Builds, text: str = "shoes", **meta: object) -> Path:
    with builds.new() as draft:
        (draft.folder / "index").mkdir()
        (draft.folder / "index" / "words.txt").write_text(text)
        (draft.folder / "report.json").write_text("{}")
        return builds.publish(draft, meta)


# -- publishing ----------------------------------------------------------------------------------------------------


def test_a_published_build_has_its_number_its_hash_and_its_manifest(tmp_path):
    builds = Builds(tmp_path / "shop")
    path = publish(builds, products=12)
    assert path.name.startswith("0001-")
    assert path == builds.newest()
    manifest = json.loads((path / "build.json").read_text())
    assert manifest["meta"] == {"products": 12}
    assert manifest["format"] == FORMAT
    assert sorted(manifest["files"]) == ["index/words.txt", "report.json"]
    assert manifest["files"]["index/words.txt"]["size"] == 5
    assert builds.verify(path) == []
    assert not list(builds.folder.glob(".tmp-*"))


def test_numbers_grow_and_the_hash_is_of_the_content(tmp_path):
    builds = Builds(tmp_path)
    one, two, three = publish(builds, "a"), publish(builds, "b"), publish(builds, "a")
    assert [path.name[:4] for path in (one, two, three)] == ["0001", "0002", "0003"]
    assert one.name[5:] == three.name[5:] != two.name[5:]
    assert builds.all() == [one, two, three]


def test_what_is_linked_from_the_last_build_is_not_read_again(tmp_path, monkeypatch):
    builds, read = Builds(tmp_path / "shop"), []
    kept, fresh = tmp_path / "kept.npy", tmp_path / "fresh.npy"
    kept.write_text("the same")
    monkeypatch.setattr("wares.store.files.digest", lambda path: read.append(path.name) or digest(path))
    for text in ("one", "two"):
        fresh.write_text(text)
        with builds.new() as draft:
            os.link(kept, draft.folder / "kept.npy")
            (draft.folder / "fresh.npy").write_text(text)
            last = builds.publish(draft)
    assert sorted(read) == ["fresh.npy", "fresh.npy", "kept.npy"]
    assert builds.verify(last) == []


def test_a_last_build_of_a_damaged_manifest_hinders_no_new_one(tmp_path):
    builds = Builds(tmp_path)
    for damage in ("{", '{"format": 1, "files": {"report.json": 3}}'):
        (publish(builds) / "build.json").write_text(damage)
        assert builds.verify(publish(builds)) == []


def test_the_ten_thousandth_build_comes_after_the_one_before(tmp_path):
    builds = Builds(tmp_path)
    old = publish(builds)
    old.rename(old.with_name(f"9999-{old.name[5:]}"))
    assert publish(builds).name.startswith("10000-")
    assert builds.newest().name.startswith("10000-")


def test_what_is_not_published_is_gone(tmp_path):
    builds = Builds(tmp_path)
    with builds.new() as draft:
        (draft.folder / "x").write_text("x")
    assert builds.all() == []
    with pytest.raises(KeyboardInterrupt), builds.new() as draft:
        raise KeyboardInterrupt
    assert list(builds.folder.glob(".tmp-*")) == []


def test_leftovers_of_a_crash_are_removed_by_the_next_build(tmp_path):
    builds = Builds(tmp_path)
    left = tmp_path / "builds" / ".tmp-crashed"
    left.mkdir(parents=True)
    (left / "x").write_text("x")
    publish(builds)
    assert not left.exists()


def test_two_builds_of_one_shop_do_not_collide(tmp_path):
    builds = Builds(tmp_path)
    with builds.new() as draft:
        with pytest.raises(StoreError, match=rf"running already \(process {os.getpid()} on"), Builds(tmp_path).new():
            pass
        builds.publish(draft)
    publish(builds)


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path):
    code = f"""
import time
from wares.store.builds import Builds
with Builds({str(tmp_path)!r}).new() as draft:
    (draft.folder / "x").write_text("x")
    print("ready", flush=True)
    time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        with pytest.raises(StoreError, match=f"process {child.pid}"), Builds(tmp_path).new():
            pass
    finally:
        child.kill()
        child.communicate()
    assert publish(Builds(tmp_path)).exists()
    assert not list((tmp_path / "builds").glob(".tmp-*"))


def test_a_file_where_the_shop_should_be(tmp_path):
    (tmp_path / "shop").write_text("")
    with pytest.raises(StoreError, match="is a file, not a folder"), Builds(tmp_path / "shop").new():
        pass


# -- finding -------------------------------------------------------------------------------------------------------


def test_no_shop_names_the_nearest(tmp_path):
    publish(Builds(tmp_path / "myshop"))
    with pytest.raises(StoreError, match=r"there is no shop folder .*; did you mean 'myshop'\?"):
        Builds(tmp_path / "myshpo").newest()
    (tmp_path / "photos").mkdir()
    with pytest.raises(StoreError, match=r"is not a shop folder: it has neither shop.toml nor builds/"):
        Builds(tmp_path / "photos").newest()


def test_no_shop_at_all_tells_how_to_make_one(tmp_path):
    with pytest.raises(StoreError, match="wares build FOLDER --products FILE"):
        Builds(tmp_path / "a").newest()


def test_no_build_yet_tells_how_to_make_one(tmp_path):
    (tmp_path / "builds").mkdir()
    with pytest.raises(StoreError, match=r"has no build yet; make one with: wares build .* --products FILE"):
        Builds(tmp_path).newest()
    (tmp_path / "shop.toml").write_text("")
    with pytest.raises(StoreError, match=f"make one with: wares build {tmp_path}$"):
        Builds(tmp_path).newest()


@pytest.mark.parametrize(("number", "age"), [(FORMAT - 1, "an older"), (FORMAT + 1, "a newer")])
def test_a_build_of_another_format_tells_how_to_make_it_anew(tmp_path, number, age):
    path = publish(Builds(tmp_path))
    manifest = json.loads((path / "build.json").read_text())
    (path / "build.json").write_text(json.dumps({**manifest, "format": number, "wares": "9.9"}))
    with pytest.raises(StoreError, match=rf"made by {age} wares \(9.9, format {number}.*wares build"):
        Builds(tmp_path).newest()


def test_damage_is_named(tmp_path):
    builds = Builds(tmp_path)
    path = publish(builds)
    (path / "index" / "words.txt").write_text("boots")
    assert builds.newest() == path  # the same size: only reading it shows
    assert builds.verify(path) == ["index/words.txt"]
    (path / "index" / "words.txt").write_text("longer")
    with pytest.raises(StoreError, match=r"is damaged: index/words.txt has changed; make it anew"):
        builds.newest()
    (path / "index" / "words.txt").unlink()
    with pytest.raises(StoreError, match=r"index/words.txt is missing"):
        builds.newest()
    for text in ("", "{", "[]", "{}"):
        (path / "build.json").write_text(text)
        with pytest.raises(StoreError, match=r"build.json is damaged"):
            builds.newest()
    (path / "build.json").unlink()
    with pytest.raises(StoreError, match=r"it has no build.json"):
        builds.newest()


# -- pruning -------------------------------------------------------------------------------------------------------


def test_prune_keeps_the_newest(tmp_path):
    builds = Builds(tmp_path)
    paths = [publish(builds, str(n)) for n in range(4)]
    assert builds.prune() == paths[:2]
    assert builds.all() == paths[2:]
    assert builds.prune(0) == paths[2:3]  # the newest always stays
    assert builds.newest() == paths[3]


def test_a_build_that_is_read_is_not_pruned(tmp_path):
    builds = Builds(tmp_path)
    paths = [publish(builds, str(n)) for n in range(3)]
    held = builds.hold(paths[0])
    assert builds.prune(1) == [paths[1]]
    held.close()
    held.close()
    assert builds.prune(1) == [paths[0]]
    with pytest.raises(StoreError, match="there is no build"):
        builds.hold(paths[0])
    with builds.hold() as newest:
        assert newest.path == paths[2]


def test_forgetting_removes_even_what_is_read_and_maps_live_on(tmp_path):
    builds = Builds(tmp_path)
    with builds.new() as draft:
        np.save(draft.folder / "a.npy", np.arange(1000))
        path = builds.publish(draft)
    publish(builds)
    array = np.load(path / "a.npy", mmap_mode="r")
    with builds.hold(path):
        assert builds.prune(1, held=True) == [path]
    assert array.sum() == 499_500


# -- crashes -------------------------------------------------------------------------------------------------------

_FOREVER = """
import sys
from wares.store.builds import Builds
builds = Builds(sys.argv[1])
number = 0
while True:
    with builds.new() as draft:
        for name in "abc":
            (draft.folder / name).mkdir()
            (draft.folder / name / "data").write_bytes(bytes([number % 256]) * 50_000)
        builds.publish(draft, {"number": number})
    builds.prune(3)
    print(number, flush=True)
    number += 1
"""


def test_killed_at_any_moment_the_last_build_opens(tmp_path):
    rng = random.Random(7)
    told = 0
    for _ in range(8):
        child = subprocess.Popen([sys.executable, "-c", _FOREVER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()  # one is published: kill somewhere in the next
        time.sleep(rng.uniform(0, 0.03))
        child.send_signal(signal.SIGKILL)
        published, _ = child.communicate()
        builds = Builds(tmp_path)
        newest = builds.newest()
        assert builds.verify(newest) == []
        assert len({(newest / name / "data").read_bytes() for name in "abc"}) == 1
        # What was told to be published is there: at least so many builds were made.
        told += 1 + len(published.split())
        assert int(newest.name[:4]) >= told
    publish(Builds(tmp_path))
    assert not list((tmp_path / "builds").glob(".tmp-*"))


def test_interrupted_it_leaves_nothing(tmp_path):
    publish(Builds(tmp_path))
    code = f"""
import time
from wares.store.builds import Builds
with Builds({str(tmp_path)!r}).new() as draft:
    (draft.folder / "x").write_text("x")
    print("ready", flush=True)
    time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    assert sorted(path.name for path in (tmp_path / "builds").iterdir() if path.name != ".lock") == [
        Builds(tmp_path).newest().name
    ]


# -- a full disk ---------------------------------------------------------------------------------------------------

_TOO_LARGE = """
import resource, sys
import numpy as np, polars as pl
from wares.errors import StoreError
from wares.store.builds import Builds
from wares.store.steps import Steps
# No file may be larger than that: EFBIG here is what ENOSPC is elsewhere, and needs no disk of its own to be filled.
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
frame = pl.DataFrame({"a": np.random.default_rng(0).random(1_000_000)})
array = frame["a"].to_numpy()
makers = [
    lambda folder: np.save(folder / "a.npy", array),
    lambda folder: frame.write_ipc(folder / "a.arrow"),
    lambda folder: frame.write_parquet(folder / "a.parquet"),
    lambda folder: (folder / "a.bin").write_bytes(array.tobytes()),
]
for make in makers:
    for step in (False, True):
        try:
            with Builds(sys.argv[1]).new() as draft:
                if step:
                    Steps(sys.argv[1] + "/cache").run("a", [], make)
                else:
                    make(draft.folder)
                    Builds(sys.argv[1]).publish(draft)
        except StoreError as error:
            print(error)
"""


def test_a_full_disk_is_told_and_leaves_the_last_build(tmp_path):
    publish(Builds(tmp_path))
    done = subprocess.run([sys.executable, "-c", _TOO_LARGE, str(tmp_path)], capture_output=True, text=True, timeout=60)
    told = done.stdout.splitlines()
    assert len(told) == 8, done.stdout + done.stderr
    assert all(line.startswith("the disk is full") and "untouched" in line for line in told)
    assert all(" MB" in line or " GB" in line for line in told)
    assert len(Builds(tmp_path).all()) == 1
    assert Builds(tmp_path).verify(Builds(tmp_path).newest()) == []
    assert not list(tmp_path.rglob(".tmp-*"))


def test_a_full_disk_is_known_by_its_number_and_by_its_words():
    assert is_full(OSError(errno.ENOSPC, "No space left on device"))
    assert is_full(OSError("800000 requested and 261616 written"))
    assert not is_full(OSError(errno.EACCES, "Permission denied"))
    wrapped = ValueError("could not write")
    wrapped.__cause__ = OSError(errno.EDQUOT, "")
    assert is_full(wrapped)
    assert not is_full(None)


def test_an_error_of_another_kind_goes_through(tmp_path):
    with pytest.raises(ZeroDivisionError), Builds(tmp_path).new():
        _ = 1 / 0


# -- files ---------------------------------------------------------------------------------------------------------


def test_write_text_replaces_at_one_stroke(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "one\n")
    write_text(path, "two 茶\n")
    assert path.read_bytes() == "two 茶\n".encode()
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_link_shares_the_disk_and_copies_where_it_must(tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").write_text("x")
    link(tmp_path / "a", tmp_path / "linked")
    assert (tmp_path / "linked" / "b" / "x").stat().st_ino == (tmp_path / "a" / "b" / "x").stat().st_ino

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    link(tmp_path / "a", tmp_path / "copied")
    assert (tmp_path / "copied" / "b" / "x").read_text() == "x"
    assert (tmp_path / "copied" / "b" / "x").stat().st_nlink == 1


def test_sizes_for_people():
    assert [readable(n) for n in (5, 1500, 2.5e6, 3e9, 4e12)] == ["5 bytes", "1.5 kB", "2.5 MB", "3.0 GB", "4.0 TB"]


def test_a_lock_names_what_is_running(tmp_path):
    with (
        locked(tmp_path / "lock", "a build"),
        pytest.raises(StoreError, match="a build is running already"),
        locked(tmp_path / "lock", "a build"),
    ):
        pass
