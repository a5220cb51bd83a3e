import os
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wares.data.catalog import Catalog
from wares.runner import Local, Processes


def _state(value: int = 0) -> int:
    return value


def _add(state: int, part: int) -> int:
    return state + part


def _sum(state: int, part: Catalog) -> float:
    return float(part.frame(["price"])["price"].to_numpy().astype(np.float64).sum())


def _pid(state: int, part: int) -> int:
    if part == 3:
        raise ValueError("part 3 is broken")
    return os.getpid()


@given(st.lists(st.integers()))
@settings(deadline=None, max_examples=50)
def test_parts_come_back_in_their_order(parts):
    assert list(Local().map(_add, parts, setup=partial(_state, 5))) == [5 + part for part in parts]


def test_processes_answer_as_one_does(tmp_path):
    """Handles to a file are mapped, not arrays; the sum over them is the same to the bit."""
    from wares.checks import shop  # not above: every process that is started reads this file

    path = tmp_path / "products.arrow"
    shop.catalog().scan.collect().write_ipc(path)
    parts = list(Catalog.of(path).parts(5))
    assert [len(part) for part in parts] == [5, 5, 2]
    alone = list(Local().map(_sum, parts, setup=_state))
    assert list(Processes(2).map(_sum, parts, setup=_state)) == alone
    assert sum(alone) == pytest.approx(563.3)


def test_processes_are_others_and_their_errors_are_heard():
    found = Processes(1).map(_pid, range(5), setup=_state)
    assert os.getpid() not in {next(found), next(found), next(found)}
    with pytest.raises(ValueError, match="part 3 is broken"):
        next(found)


def test_setup_is_called_once():
    calls = []
    assert list(Local().map(lambda state, part: part, range(4), setup=lambda: calls.append(1))) == [0, 1, 2, 3]
    assert calls == [1]
