"""Seconds and peak memory of a piece of work in this process, and times as people write them."""

import resource
import sys
import time
from pathlib import Path

from wares.errors import SettingError

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class Stopwatch:
    """Starts when made.

    `seconds` is wall time, `cpu_seconds` that of all threads, `peak_mb` the largest resident memory since, in 10^6
    bytes: on Linux the kernel's high-water mark is set back at the start; elsewhere it is the whole process's.
    """

    def __init__(self) -> None:
        self._reset()
        self._start = time.perf_counter()
        self._cpu = time.process_time()

    @property
    def seconds(self) -> float:
        """Wall time since the start."""
        return time.perf_counter() - self._start

    @property
    def cpu_seconds(self) -> float:
        """Processor time of all threads since the start: what a loaded machine does not change."""
        return time.process_time() - self._cpu

    @property
    def peak_mb(self) -> float:
        """Peak resident memory since the start, files mapped and touched included."""
        if _STATUS.exists():
            for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024 / 1e6
        return process_peak_mb()

    @staticmethod
    def _reset() -> None:
        try:
            _CLEAR.write_text("5", encoding="ascii")
        except OSError:  # not Linux, or a container that forbids it: peaks are then of the process so far
            return


def process_peak_mb() -> float:
    """Peak resident memory of the process so far, in 10^6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def seconds_of(text: str) -> float:
    """A time such as 90s, 10m or 1h. Raises SettingError."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        seconds = float(number) * units[unit]
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise SettingError(f"{text!r} is not a time such as 90s, 10m or 1h")
    return seconds
