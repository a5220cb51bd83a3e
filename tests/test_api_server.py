"""The server as a process: its port, its workers, its end, and a newer build while it runs."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import small_shop
from small_server import ask

from wares.api import check_port
from wares.errors import StoreError
from wares.shop import build_shop


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def wares(*arguments: object) -> subprocess.Popen[str]:
    """A `wares` command, as a shell starts it."""
    command = [sys.executable, "-m", "wares.cli", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def served(folder: Path, workers: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address and process of a server, once it says that it serves; it ends with the block."""
    port = free_port()
    process = wares("serve", folder, "--port", port, "--workers", workers)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert f"http://127.0.0.1:{port}" in line, process.communicate()
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def workers_of(address: str) -> set[int]:
    return {int(ask(address, "/health").json["worker"]) for _ in range(8)}


def until(true: object, seconds: float = 30.0) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)


def test_connections_go_round_the_workers_and_a_dead_worker_is_replaced(shop_folder: Path) -> None:
    with served(shop_folder, 2) as (address, _):
        first = workers_of(address)
        assert len(first) == 2
        victim = min(first)
        os.kill(victim, signal.SIGKILL)
        until(lambda: victim not in workers_of(address) and len(workers_of(address)) == 2)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_and_leaves_no_process(shop_folder: Path, how: signal.Signals) -> None:
    with served(shop_folder, 1) as (address, process):
        (worker,) = workers_of(address)
        process.send_signal(how)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        until(lambda: not Path(f"/proc/{worker}").exists())


def test_workers_end_with_a_parent_that_is_killed(shop_folder: Path) -> None:
    with served(shop_folder, 1) as (address, process):
        (worker,) = workers_of(address)
        process.kill()
        until(lambda: not Path(f"/proc/{worker}").exists())


def test_a_newer_build_is_taken_up_without_a_restart(own_folder: Path) -> None:
    with served(own_folder, 2) as (address, _):
        assert ask(address, "/api/products/new%201").status == 404
        before = ask(address, "/api/info").json["build"]
        more = small_shop.products().vstack(small_shop.products().tail(1).with_columns(id=small_shop.pl.lit("new 1")))
        build_shop(own_folder, products=more, events=small_shop.events(), settings=small_shop.SETTINGS).close()
        until(lambda: all(ask(address, "/api/info").json["build"] != before for _ in range(4)))
        assert {ask(address, "/api/products/new%201").status for _ in range(4)} == {200}


def test_a_busy_port_is_named_with_a_free_one(shop_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StoreError, match=rf"port {port} of 127.0.0.1 is busy; port \d+ is free"):
            check_port("127.0.0.1", port)
        process = wares("serve", shop_folder, "--port", port)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 2
        assert f"port {port} of 127.0.0.1 is busy" in said
        assert "Traceback" not in said


def test_a_host_that_is_not_here() -> None:
    with pytest.raises(StoreError, match="no machine is called"):
        check_port("nowhere.invalid", 8000)
    with pytest.raises(StoreError, match="cannot be used"):
        check_port("192.0.2.1", 8000)


def test_a_folder_that_is_no_shop(tmp_path: Path) -> None:
    process = wares("serve", tmp_path, "--port", free_port())
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "not a shop folder" in said
