"""Packages that are imported when something is asked of them, not before: for processes that are ours alone."""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from threading import RLock
from types import ModuleType
from typing import Any

_lock = RLock()


def quick_start() -> None:
    """Let scikit-learn import what it asks for nothing, three quarters of the time it takes to import, when it does."""
    later("scipy.stats")
    later("pandas")


def later(name: str) -> None:
    """Let whoever imports a module have an empty one in its place, which becomes the real one when it is asked.

    A module that is imported already, or whose package is not installed, stays as it is.
    """
    if name not in sys.modules and find_spec(name.partition(".")[0]) is not None:
        sys.modules[name] = _Later(name)


def forget(name: str) -> None:
    """From now on whoever imports the module gets the real one; nobody finds it among the modules before."""
    if isinstance(sys.modules.get(name), _Later):
        del sys.modules[name]


class _Later(ModuleType):
    """Stands in for a module until an attribute is asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None)  # the import system looks here whether it is still being loaded

    def __getattr__(self, attribute: str) -> Any:
        with _lock:
            forget(self.__name__)
            real = import_module(self.__name__)
        return getattr(real, attribute)
