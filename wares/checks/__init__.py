"""The contract: what every algorithm of a role promises, as a program. It is shipped, so that plugins can run it too.

>>> from wares.checks import check
>>> from wares.index.exact import Exact
>>> len(check(Exact())) > 10
True

Every check runs on data small enough to judge by eye (`wares.checks.shop`), with settings as they are given and with
small ones, and tests sense, not only shapes. No check asks for the name of a class.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from sklearn.base import clone

from wares.algorithm import ROLES, Algorithm, role_name
from wares.checks import clusterers, common, encoders, indexes, others, recommenders
from wares.checks.common import Case, ContractBroken
from wares.errors import MissingExtra, UnknownName

__all__ = ["Case", "ContractBroken", "check", "checks", "role_of", "run", "small"]

Check = Callable[[Case], None]

_OWN: Mapping[str, list[Check]] = {
    "encode": encoders.CHECKS,
    "index": indexes.CHECKS,
    "cluster": clusterers.CHECKS,
    "classify": others.CLASSIFIER,
    "label": others.LABELLER,
    "match": others.MATCHER,
    "recommend": recommenders.CHECKS,
    "rank": others.RANKER,
}


def checks(role: type[Algorithm]) -> dict[str, Check]:
    """The checks of a role by name: those that every algorithm passes, then those of the role."""
    return {each.__name__: each for each in [*common.CHECKS, *_OWN[role_name(role)]]}


def role_of(algorithm: Algorithm) -> type[Algorithm]:
    """The role that an algorithm plays. Raises UnknownName where it plays none."""
    for role in ROLES.values():
        if isinstance(algorithm, role):
            return role
    raise UnknownName(f"{type(algorithm).__name__} plays no role; roles are {', '.join(ROLES)}")


def small(algorithm: Algorithm) -> Algorithm:
    """The same algorithm with every count above 8 brought down to 8, so that limits are met on the small data."""
    lowered: dict[str, Any] = {}
    for each in fields(algorithm):
        value, low = getattr(algorithm, each.name), each.metadata.get("low")
        if each.name != "seed" and isinstance(value, int) and not isinstance(value, bool) and value > 8:
            lowered[each.name] = int(max(8, low or 0))
    copy: Algorithm = clone(algorithm)
    copy.set_params(**lowered)
    return copy


def run(name: str, algorithm: Algorithm, case: Case | None = None) -> None:
    """Run one check. Raises ContractBroken saying what is not as promised.

    A `case` can be handed from check to check: an algorithm that only answers is fitted once for all of them.
    """
    role = role_of(algorithm)
    known = checks(role)
    if name not in known:
        raise UnknownName.among(f"check of {role_name(role)}", name, known)
    try:
        known[name](case or Case(role, algorithm))
    except MissingExtra:
        raise
    except Exception as error:
        said = str(error) if isinstance(error, ContractBroken) else f"it raised {type(error).__name__}: {error}"
        raise ContractBroken(f"{type(algorithm).__name__} breaks {name}: {said}") from error


def check(algorithm: Algorithm) -> list[str]:
    """Run every check of its role over an algorithm, as it is set and with small settings; the names of those passed.

    Raises ContractBroken at the first promise that is not kept.
    """
    passed = []
    for each in (algorithm, small(algorithm)):
        case = Case(role_of(each), each)
        for name in checks(case.role):
            run(name, each, case)
            passed.append(name)
    return passed
