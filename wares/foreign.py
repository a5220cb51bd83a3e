"""Estimators of scikit-learn, or of anyone who follows it, by their path; the rooms make classes of ours of them."""

import inspect
from importlib import import_module
from typing import Any

from sklearn.base import BaseEstimator

from wares.algorithm import Algorithm, setting
from wares.errors import SettingError


def estimator(path: str, mixin: type, role: type[Algorithm]) -> Any:
    """The class at `package.module:Class`. Raises SettingError where that is none of the kind, or is ours already."""
    module, _, name = path.partition(":")
    cls = getattr(import_module(module), name, None)
    what = role.__name__.lower()
    if not (isinstance(cls, type) and issubclass(cls, BaseEstimator) and issubclass(cls, mixin)):
        raise SettingError(
            f"{path} is no {what}: neither a wares.algorithm.{role.__name__} nor a scikit-learn {mixin.__name__}"
        )
    if issubclass(cls, role):
        raise SettingError(f"{path} is a {what} of ours already; name it as it is")
    return cls


def settings(path: str, cls: type) -> list[Any]:
    """The fields of a dataclass with the estimator's settings; `random_state` is called `seed`.

    Raises SettingError for one that cannot be made from settings alone.
    """
    found: list[Any] = []
    for each in inspect.signature(cls).parameters.values():
        if each.name == "random_state":
            found.append(("seed", int, setting(0, low=0)))
        elif each.default is inspect.Parameter.empty:
            raise SettingError(f"{path} cannot be made from settings alone: {each.name!r} has no default")
        else:
            found.append((each.name, Any | None, setting(each.default)))
    return found
