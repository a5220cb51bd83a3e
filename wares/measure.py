"""Seconds and peak memory of a piece of work in this process."""

import resource
import sys
import time
from pathlib import Path

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
