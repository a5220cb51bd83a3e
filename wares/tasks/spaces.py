"""Which settings of which recommender are worth a try; what stands in no table is tried around its defaults."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from wares.algorithm import Recommender

SPACES: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "popular": {"half_life": (0.0, 14.0, 30.0, 90.0), "personal": (0.0, 0.3)},
    "itemknn": {"shrink": (10.0, 100.0), "half_life": (0.0, 90.0)},
    "ease": {"regularisation": (100.0, 300.0, 1000.0), "half_life": (0.0, 240.0)},
    "slim": {"l1": (0.5, 2.0), "l2": (30.0, 300.0)},
    "rp3beta": {"alpha": (0.6, 1.0), "beta": (0.3, 0.6)},
    "markov": {"fade": (0.7, 0.9), "smoothing": (2.0, 20.0)},
    "als": {"factors": (64, 128), "regularisation": (0.003, 0.03)},
}
"""By name, the values of its settings; every combination is a candidate, beside the defaults."""

APART = ("blend", "hybrid", "repeat", "nextbasket", "newest", "bandit")
"""What is no candidate: made of others, or for other questions than what a shopper will take for the first time."""

QUICK = ("popular", "itemknn", "ease", "rp3beta", "markov", "associations", "content", "clusters", "userknn")
"""Looked at first, in this order: they take seconds."""

STEP = 3.0
"""Settings of no table are divided and multiplied by this, one at a time."""


def space(name: str, model: Recommender) -> list[dict[str, Any]]:
    """Settings to try of a recommender, its defaults first; those that it does not know are passed over."""
    table = {key: values for key, values in SPACES.get(name, {}).items() if key in model.get_params(deep=False)}
    if name in SPACES:
        combined = [dict(zip(table, values, strict=True)) for values in itertools.product(*table.values())]
    else:
        combined = list(_around(model))
    found: list[dict[str, Any]] = [{}]
    for each in combined:
        told = {key: value for key, value in each.items() if value != getattr(model, key)}
        if told not in found:
            found.append(told)
    return found


def _around(model: Recommender) -> Iterator[dict[str, Any]]:
    """Each number above 0 that is no count of anything, smaller and greater, inside its limits; switches turned."""
    for each in fields(model):
        value = getattr(model, each.name)
        if isinstance(value, bool):
            yield {each.name: not value}
        elif isinstance(value, float) and value > 0:
            low, high = each.metadata.get("low"), each.metadata.get("high")
            for other in (value / STEP, value * STEP):
                if (low is None or other >= low) and (high is None or other <= high):
                    yield {each.name: other}


def in_order(names: Sequence[str]) -> list[str]:
    """The candidates among some names, the quick ones first."""
    some = [name for name in names if name not in APART]
    return sorted(some, key=lambda name: (QUICK.index(name) if name in QUICK else len(QUICK), name))
