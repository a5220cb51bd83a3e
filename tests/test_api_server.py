"""The server as a process: its port, its workers, a newer build while it runs, and its end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import small_shop
from small_server import ask

from wares.api import check_port
from wares.cli import main
from wares.errors import StoreError
from wares.making import build_shop


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def served(folder: Path, workers: int) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The address and process of a server as a shell starts it, once it says that it serves; it ends with the block."""
    port = free_port()
    command = [sys.executable, "-m", "wares.cli", "serve", str(folder), "--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert f"http://127.0.0.1:{port}" in line, process.communicate()
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def workers_of(address: str) -> set[int]:
    """The process ids of the workers that answer; a connection to one that has just died is made again."""
    found: set[int] = set()
    for _ in range(8):
        with suppress(ConnectionError):
            found.add(int(ask(address, "/health").json["worker"]))
    return found


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.1)


def alive(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def test_the_life_of_a_server(own_folder: Path) -> None:
    with served(own_folder, 2) as (address, process):
        # Connections go round the workers.
        first = workers_of(address)
        assert len(first) == 2

        # A newer build is taken up by all of them without a restart.
        assert ask(address, "/api/products/new%201").status == 404
        before = ask(address, "/api/info").json["build"]
        new = small_shop.products().tail(1).with_columns(id=small_shop.pl.lit("new 1"))
        more = small_shop.products().vstack(new)
        build_shop(own_folder, products=more, events=small_shop.events(), settings=small_shop.SETTINGS).close()
        until(lambda: all(ask(address, "/api/info").json["build"] != before for _ in range(4)))
        assert {ask(address, "/api/products/new%201").status for _ in range(4)} == {200}
        assert workers_of(address) == first

        # A worker that dies is replaced while the other serves.
        victim = min(first)
        os.kill(victim, signal.SIGKILL)
        until(lambda: victim not in workers_of(address) and len(workers_of(address)) == 2)

        # Ctrl-C ends it without a word, and no process stays.
        last = workers_of(address)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        until(lambda: not any(map(alive, last)))


def test_workers_end_with_a_parent_that_is_killed(shop_folder: Path) -> None:
    with served(shop_folder, 1) as (address, process):
        (worker,) = workers_of(address)
        process.kill()
        until(lambda: not alive(worker))


def test_a_busy_port_is_named_with_a_free_one(shop_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StoreError, match=rf"port {port} of 127.0.0.1 is busy; port \d+ is free"):
            check_port("127.0.0.1", port)
        with pytest.raises(SystemExit) as stop:
            main(["serve", str(shop_folder), "--port", str(port)])
        assert stop.value.code == 2
        said = capsys.readouterr().err
        assert f"port {port} of 127.0.0.1 is busy" in said
        assert "Traceback" not in said


def test_a_port_that_was_just_left_is_free() -> None:
    port = free_port()
    check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


def test_a_host_that_is_not_here() -> None:
    with pytest.raises(StoreError, match="no machine is called"):
        check_port("nowhere.invalid", 8000)
    with pytest.raises(StoreError, match="cannot be used"):
        check_port("192.0.2.1", 8000)


def test_a_folder_that_is_no_shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["serve", str(tmp_path), "--port", str(free_port())])
    assert stop.value.code == 2
    assert "not a shop folder" in capsys.readouterr().err
