"""The benchmarks' own arithmetic: a ratio must never flatter, and what is missing must be said."""

import json
from pathlib import Path

import pytest

from benchmarks.draw import draw
from benchmarks.harness import ABSENT, MissingData, Row, disk_mb, in_process, interleave, needs, optional, run_command


def test_calls_are_taken_in_turn() -> None:
    order: list[str] = []
    times = interleave({"ours": lambda: order.append("a"), "peer": lambda: order.append("b")}, runs=2, warmup=1)
    assert order == ["a", "b", "a", "b", "a", "b"]
    assert [len(each) for each in times.values()] == [2, 2]


def test_a_missing_peer_is_said_and_has_no_ratio() -> None:
    times = interleave({"ours": lambda: None, "gone": None}, runs=1, warmup=0)
    row = Row.timed("work", times)
    assert row.peers == {"gone": ABSENT}
    assert row.ratio == {}


def test_a_ratio_is_of_runs_side_by_side() -> None:
    row = Row.timed("work", {"ours": [1.0, 2.0, 4.0], "peer": [3.0, 4.0, 4.0]})
    assert row.ours == 2.0
    assert row.ratio == {"peer": 2.0}
    assert row.spread == {"peer": (1.0, 3.0)}


def test_more_is_better_whichever_way_the_metric_goes() -> None:
    up = Row.compared("rank", "NDCG@10", 0.06, {"popular": 0.03, "gone": ABSENT}, better="more")
    down = Row.compared("wait", "ms", 2.0, {"peer": 1.0}, better="less")
    assert up.ratio == {"popular": 2.0}
    assert down.ratio == {"peer": 0.5}


def test_a_missing_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"'shop/log\.csv' is not in"):
        needs(tmp_path, "shop/log.csv")


def test_a_missing_module_is_none_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert optional("no_such_peer") is None
    assert "no_such_peer" in capsys.readouterr().err


def test_a_call_in_its_own_process_tells_its_memory() -> None:
    found = in_process("builtins:len", [1, 2, 3])
    assert found.result == 3
    assert found.peak_mb > 1


def test_a_command_that_fails_says_its_last_words() -> None:
    assert run_command(["sh", "-c", "echo hello"]).result == "hello\n"
    with pytest.raises(RuntimeError, match="no luck"):
        run_command(["sh", "-c", "echo no luck; exit 3"])


def test_a_linked_file_weighs_once(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x" * 2**20)
    before = disk_mb(tmp_path)
    (tmp_path / "other").hardlink_to(tmp_path / "one")
    assert disk_mb(tmp_path) == before


def test_the_page_shows_rows_and_what_is_missing(tmp_path: Path) -> None:
    report = {
        "question": "How fast?",
        "missing": "data set 'x' is not there",
        "seconds": 3,
        "machine": {
            "processor": "P",
            "cores": 2,
            "memory_gb": 24,
            "load_before": 0,
            "system": "Linux",
            "python": "3.11",
            "packages": {"numpy": "2"},
            "blas": ["numpy.libs: openblas"],
        },
        "rows": [
            {
                "work": "fit",
                "metric": "seconds",
                "ours": 2.0,
                "peers": {"peer": 5.0, "gone": ABSENT},
                "ratio": {"peer": 2.5},
                "spread": {"peer": [2.25, 2.75]},
                "quality": {"recall": 0.97},
                "runs": {},
                "settings": {},
            }
        ],
    }
    (tmp_path / "fit.json").write_text(json.dumps(report))
    draw(tmp_path, ["fit"], tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| fit | seconds | **2** | peer 5 (2.50×, 2.25–2.75)<br>gone not installed | recall: 0.97 |" in page
    assert "data set 'x' is not there" in page
