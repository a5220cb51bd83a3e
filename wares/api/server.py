"""The server: one listening process that hands connections round to workers, each with a map of the same build.

Workers that all listen on one port take what comes first, and one of them often takes nearly all: with eight clients
and two workers that alone doubles the slowest answers. Here the parent accepts and passes each connection on in turn.
It does nothing else, so a worker that dies is replaced while the others serve.
"""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from wares.errors import StoreError

READY, PASS = b"R", b"C"
_START = 120.0  # seconds for a worker to open its build
_STOP = 10.0  # seconds for answers under way to end
_LIBRARIES = ("OPENBLAS", "OMP", "MKL", "NUMBA", "RAYON")
_ONE_THREAD = {"POLARS_MAX_THREADS": "1", **{f"{name}_NUM_THREADS": "1" for name in _LIBRARIES}}
_QUICK_DEATHS = 3  # workers in a row that die before they answer: then it is the build, not the luck


def check_port(host: str, port: int) -> None:
    """Raises StoreError, naming a free port, where the port cannot be listened on."""
    _listen(host, port).close()


def serve(
    folder: Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 2,
    *,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serves a shop folder until SIGINT or SIGTERM. `ready` is called with the address once every worker answers.

    Raises StoreError for a port that cannot be had and for workers that cannot open the shop.
    """
    listener = _listen(host, port)
    with contextlib.closing(listener), _signals() as stop:
        crew = _Crew(folder, listener, workers)
        try:
            crew.hire(stop)
            if not stop.asked:
                (ready or _say)(_address(listener))
            crew.serve(stop)
        finally:
            crew.dismiss()


def _say(address: str) -> None:
    print(f"serving at {address} (its interface is described at {address}/docs); stop with Ctrl-C", flush=True)


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


# -- the port --------------------------------------------------------------------------------------------------------


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise StoreError(f"no machine is called {host!r} ({error.strerror}); try 127.0.0.1") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left is free again at once
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise StoreError(_why_not(host, port, error)) from error
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"port {port} may not be used without more rights; port {_free_port(host)} is free: --port"
    reason = "is busy" if error.errno == 98 or "in use" in str(error) else f"cannot be used ({error.strerror})"
    free = _free_port(host, port)
    return f"port {port} of {host} {reason}" + (f"; port {free} is free: --port {free}" if free else "")


def _free_port(host: str, near: int = 8000) -> int:
    """A free port, one soon after `near` if there is one; 0 where the host cannot be listened on at all."""
    for port in (*range(near + 1, min(near + 20, 65536)), 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    return 0


# -- signals ---------------------------------------------------------------------------------------------------------


@dataclass
class _Stop:
    """Whether to stop, and a socket that wakes whoever waits when the answer turns to yes."""

    waker: socket.socket
    asked: bool = False


@contextlib.contextmanager
def _signals() -> Iterator[_Stop]:
    near, far = socket.socketpair()
    far.setblocking(False)
    stop = _Stop(near)

    def ask(number: int, frame: FrameType | None) -> None:
        stop.asked = True
        with contextlib.suppress(BlockingIOError):  # full: it will wake anyway
            far.send(b"!")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        near.close()
        far.close()


# -- workers ---------------------------------------------------------------------------------------------------------


class _Worker:
    """One process and the channel by which it gets connections; the channel's end tells it to stop."""

    def __init__(self, folder: Path) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "wares.api.worker", str(folder), str(theirs.fileno())],
                env={**os.environ, **_ONE_THREAD},
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for the parent, which lets answers under way end
            )
        self.born, self.answers = time.monotonic(), False

    def give(self, connection: socket.socket) -> bool:
        """Whether the connection could be passed on."""
        try:
            socket.send_fds(self.channel, [PASS], [connection.fileno()])
        except OSError:
            return False
        return True


class _Crew:
    """The workers of one server."""

    def __init__(self, folder: Path, listener: socket.socket, n_workers: int) -> None:
        self.folder, self.listener, self.n_workers = folder, listener, n_workers
        self.workers: list[_Worker] = []
        self.turn = 0
        self.quick_deaths = 0
        self.selector = selectors.DefaultSelector()

    def hire(self, stop: _Stop) -> None:
        """Starts every worker and waits until each answers."""
        self.selector.register(stop.waker, selectors.EVENT_READ)
        for _ in range(self.n_workers):
            self._add()
        end = time.monotonic() + _START
        while not stop.asked and not all(worker.answers for worker in self.workers):
            self._hear(1.0)
            if time.monotonic() > end:
                raise StoreError(f"the workers did not open {self.folder} within {_START:.0f} seconds")

    def serve(self, stop: _Stop) -> None:
        """Hands connections round until it is time to stop."""
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ)
        while not stop.asked:
            self._hear(None)

    def dismiss(self) -> None:
        """Lets every worker end its answers, and ends those that do not."""
        for worker in self.workers:
            worker.channel.close()
        end = time.monotonic() + _STOP
        for worker in self.workers:
            try:
                worker.process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        self.selector.close()

    def _hear(self, timeout: float | None) -> None:
        for key, _ in self.selector.select(timeout):
            if key.fileobj is self.listener:
                self._accept()
            elif isinstance(key.data, _Worker):
                self._word_from(key.data)

    def _accept(self) -> None:
        # A client may be gone before it is accepted; a full table of files ends when one of them closes.
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            connection, _ = self.listener.accept()
            with connection:
                for _ in range(len(self.workers)):
                    self.turn = (self.turn + 1) % len(self.workers)
                    if self.workers[self.turn].give(connection):
                        return

    def _add(self) -> None:
        worker = _Worker(self.folder)
        self.workers.append(worker)
        self.selector.register(worker.channel, selectors.EVENT_READ, worker)

    def _word_from(self, worker: _Worker) -> None:
        """A worker says that it answers; silence for ever says that it died, and another takes its place."""
        word = b""
        with contextlib.suppress(ConnectionResetError):  # it died with connections it had not taken yet
            word = worker.channel.recv(1)
        if word == READY:
            worker.answers, self.quick_deaths = True, 0
            return
        self.selector.unregister(worker.channel)
        worker.channel.close()
        self.workers.remove(worker)
        code = worker.process.wait()
        self.quick_deaths += not worker.answers
        if self.quick_deaths >= _QUICK_DEATHS:
            raise StoreError(f"the workers stop as soon as they start (exit code {code}): see what they print above")
        self._add()
