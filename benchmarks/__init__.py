"""Benchmarks: one file a question, real peers beside us, rows of numbers as JSON.

Run one with `python -m benchmarks.NAME --data FOLDER --out FILE.json`, all with `python -m benchmarks --data FOLDER`.
"""

import os
import sys

_KERNEL_CHOICES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def _choose_kernels_freely() -> None:
    """Start again without the variables that pin a BLAS kernel: they are read once, when the library loads.

    Only for a benchmark's own command: a test that imports this package keeps its process.
    """
    command = sys.orig_argv
    place = command.index("-m") + 1 if "-m" in command else len(command)
    own = place < len(command) and command[place].split(".")[0] == __name__
    if own and any(name in os.environ for name in _KERNEL_CHOICES):
        free = {name: value for name, value in os.environ.items() if name not in _KERNEL_CHOICES}
        os.execve(sys.executable, [sys.executable, *command[1:]], free)


_choose_kernels_freely()
