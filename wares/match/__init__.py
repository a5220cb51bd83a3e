"""Matchers, one a file; and, called, the verb: `wares.match(ours, theirs)` is `wares.matches.match`.

A package and a function of one name: whichever of the two was asked for first, `wares.match` is both.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Match(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        return import_module("wares.matches").match(*args, **options)


sys.modules[__name__].__class__ = _Match
