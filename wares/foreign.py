"""Estimators of scikit-learn, or of anyone who follows it, by their path; the rooms make classes of ours of them."""

import inspect
import re
from dataclasses import fields
from importlib import import_module
from typing import Any, ClassVar

from sklearn.base import BaseEstimator

from wares.algorithm import Algorithm, setting
from wares.errors import SettingError

_NAMED = re.compile(r"The '(\w+)' parameter of (.*)", re.DOTALL)


class Borrowed(Algorithm):
    """An algorithm whose settings are those of an estimator, which are judged by it; found again by its path."""

    PATH: ClassVar[str] = ""
    ESTIMATOR: ClassVar[type[BaseEstimator]]

    def _check(self) -> None:
        super()._check()
        validate = getattr(self._made(), "_validate_params", None)
        if validate is None:
            return
        try:
            validate()
        except (ValueError, TypeError) as error:
            found = _NAMED.match(str(error))
            key = "seed" if found and found[1] == "random_state" else found[1] if found else ""
            who = f"{self.ESTIMATOR.__name__}({key}={getattr(self, key)!r})" if found else self.PATH
            said = found[2].removeprefix(f"{self.ESTIMATOR.__name__} ") if found else str(error)
            raise SettingError(f"{who}: {said}") from None

    def _made(self) -> Any:
        """The estimator with these settings, not fitted."""
        settings = {each.name: getattr(self, each.name) for each in fields(self)}
        if "seed" in settings and "random_state" in inspect.signature(self.ESTIMATOR).parameters:
            settings["random_state"] = settings.pop("seed")
        return self.ESTIMATOR(**settings)


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
