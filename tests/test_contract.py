"""Every registered algorithm keeps every promise of its role; and the checks are shown to catch what they should."""

import os
from functools import cache
from importlib.metadata import requires

import pytest
from faults import CAUGHT_BY, GOOD
from sklearn.utils.estimator_checks import check_estimator

from wares.algorithm import ROLES, Algorithm
from wares.checks import Case, ContractBroken, check, checks, role_of, run, small
from wares.errors import MissingExtra
from wares.registry import make, registered

EXPECTED: dict[tuple[str, str, str], str] = {
    ("encode", "behaviour", "ids_say_nothing"): "it knows the products of its events by their ids, and by nothing else",
    ("recommend", "popular", "first_reason_counts"): (
        "its score is a mean over the clusters of the history: without one of several products of a cluster the mean "
        "stays as it was"
    ),
}
"""What an algorithm is known not to keep, by role, name and check, with the reason. It must not be kept: see below."""


# Every token of `static` goes through the sentence encoder: seconds for each fit. Pictures are looked at over and over.
INSTEAD_OF_DEFAULT: dict[tuple[str, str], dict[str, int]] = {
    ("encode", "static"): {"vocabulary": 500, "width": 64},
    ("encode", "image"): {"size": 64},
    ("encode", "siamese"): {"bits": 10, "width": 64},
    ("label", "textcnn"): {"kinds": 1024},
    ("label", "lstm"): {"kinds": 1024},
    ("label", "multitask"): {"bits": 10},
    ("label", "imagecnn"): {"size": 32},
}
"""Settings that differ from the default ones for the sake of time alone."""


@cache
def case_of(role: str, name: str, size: str) -> Case:
    try:
        algorithm = make(ROLES[role], name, **INSTEAD_OF_DEFAULT.get((role, name), {}))
    except MissingExtra as missing:
        if os.environ.get("CI"):
            raise  # the dev extra installs all of them
        pytest.skip(str(missing))
    return Case(ROLES[role], small(algorithm) if size == "small" else algorithm)


EVERY = [
    pytest.param(role, name, size, each, id=f"{role}-{name}-{size}-{each}")
    for role, name in registered()
    for size in ("default", "small")
    for each in checks(ROLES[role])
]


@pytest.mark.parametrize(("role", "name", "size", "each"), EVERY)
def test_every_algorithm_keeps_the_contract(role: str, name: str, size: str, each: str):
    case = case_of(role, name, size)
    if (role, name, each) in EXPECTED:
        with pytest.raises(ContractBroken):  # strict: once kept, the line above has to go
            run(each, case.algorithm, case)
        return
    run(each, case.algorithm, case)


def test_expected_failures_are_of_algorithms_and_checks_that_are_there():
    for role, name, each in EXPECTED:
        assert (role, name) in registered()
        assert each in checks(ROLES[role])


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_role_has_checks_of_sense(role: str):
    assert len(checks(ROLES[role])) >= 12


# -- scikit-learn's own checks -------------------------------------------------------------------------------------

STATUS = ("passed", "xfail", "skipped")
FEWEST = {"cluster": 40, "classify": 40}
"""Of scikit-learn's checks that must have run: tags can silence nearly all of them."""

_TOPICS = {
    "check_clustering": "it feeds numbers below 0 in spite of the tag, and counts of words have none",
    "check_estimator_sparse_array": "it takes what has predict_proba for a classifier of four classes",
    "check_estimator_sparse_matrix": "it takes what has predict_proba for a classifier of four classes",
}

EXPECTED_BY_SCIKIT_LEARN: dict[str, dict[str, str]] = {"lda": _TOPICS, "multinomial": _TOPICS, "nmf": _TOPICS}
"""Its checks that fail by what the algorithm is; strictly: one that passes after all has to go from here."""


@pytest.mark.filterwarnings("ignore")  # its checks warn of what they do on purpose
@pytest.mark.parametrize(("role", "name"), [each for each in registered() if each[0] in FEWEST])
def test_scikit_learn_takes_it_for_its_own(role: str, name: str):
    expected = EXPECTED_BY_SCIKIT_LEARN.get(name, {})
    algorithm = case_of(role, name, "default").fresh()
    results = check_estimator(algorithm, expected_failed_checks=expected, on_fail=None)
    by_status = {status: {each["check_name"] for each in results if each["status"] == status} for status in STATUS}
    failed = [(each["check_name"], str(each["exception"])) for each in results if each["status"] == "failed"]
    assert not failed
    assert by_status["xfail"] == set(expected)
    assert len(by_status["passed"]) >= FEWEST[role]


# -- the contract itself -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", GOOD)
def test_an_algorithm_without_fault_passes(cls: type[Algorithm]):
    assert len(check(cls())) >= 30


@pytest.mark.parametrize("cls", CAUGHT_BY, ids=lambda cls: cls.__name__)
def test_a_planted_fault_is_caught(cls: type[Algorithm]):
    algorithm = cls()
    role = role_of(algorithm)
    found = set()
    for name in checks(role):
        try:
            run(name, algorithm)
        except Exception:  # a broken algorithm may fail a check in any way
            found.add(name)
    assert found >= CAUGHT_BY[cls], f"caught by {sorted(found)}"
    with pytest.raises(ContractBroken):
        check(algorithm)


def test_there_are_enough_faults():
    assert len(CAUGHT_BY) >= 12
    assert {role_of(cls()) for cls in CAUGHT_BY} == {role_of(cls()) for cls in GOOD}


def test_small_settings_stay_allowed():
    for role, name in registered():
        small(case_of(role, name, "default").algorithm)._check()


def test_the_dev_extra_installs_what_the_contract_needs():
    extras = {line.partition("[")[2].partition("]")[0] for line in requires("wares") or [] if line.startswith("wares[")}
    named = {each for extra in extras for each in extra.split(",")}
    assert "sentence" in named
