"""A few questions whose answers part the interests, and what answers say."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares.arrays import Dense, Labels
from wares.data.history import History
from wares.errors import SettingError, UnknownName

LIKED = 1.5
"""How many times as much of a group of products as all shoppers one must take to like it."""

ENOUGH = 5
"""Events that a shopper needs to be counted."""

DRAWN = 10.0
"""Shoppers of the average that each interest is mixed with before its attributes are read."""

LEAST = 0.005
"""Nats that a question must add to be asked."""


def liking(history: History, groups: Labels, interest: Labels, k: int) -> Dense:
    """(k, n_groups) the probability that a shopper of an interest likes a group of products.

    Liked is what has at least 1.5 times the share of the shopper's events that it has of all, and two events.
    """
    n = int(groups.max(initial=-1)) + 1
    overall = np.zeros(n)
    for part in history.parts():
        found = groups[part.products]
        overall += np.bincount(found[found >= 0], minlength=n)
    overall /= max(float(overall.sum()), 1.0)
    liked, members, start = np.zeros((k, n)), np.zeros(k), 0
    for part in history.parts():
        own = interest[start : start + len(part)]
        start += len(part)
        group = groups[part.products]
        some = group >= 0
        table = csr_array((np.ones(int(some.sum())), (part.owners()[some], group[some])), shape=(len(part), n))
        table.sum_duplicates()
        sizes = np.diff(part.indptr)
        owners = np.repeat(np.arange(len(part)), np.diff(table.indptr))
        much = (table.data >= 2) & (table.data >= LIKED * overall[table.indices] * sizes[owners])
        much &= (sizes[owners] >= ENOUGH) & (own[owners] >= 0)
        np.add.at(liked, (own[owners[much]], table.indices[much]), 1)
        members += np.bincount(own[(own >= 0) & (sizes >= ENOUGH)], minlength=k)
    return np.asarray((liked + 1) / (members[:, None] + 2), np.float32)


def asked(
    prior: NDArray[np.floating],
    liked: Dense,
    names: Sequence[str],
    traits: Mapping[str, tuple[Sequence[str], Dense]],
    *,
    n: int = 5,
) -> list[dict[str, Any]]:
    """At most n questions, each chosen for what its answer adds to those before, as plain values.

    liked : (k, n_groups), of groups called `names`. traits : of each attribute its values and (k, n_values) how
    probable each is. A question has an id, a text, options, `likely` (k x options) and `tells`, the nats it adds.
    """
    candidates: list[dict[str, Any]] = [
        {
            "id": f"group-{number}",
            "text": f"Do you often take {name}?",
            "options": ["yes", "no"],
            "likely": np.stack([liked[:, number], 1 - liked[:, number]], axis=1),
        }
        for number, name in enumerate(names)
    ]
    candidates += [
        {"id": f"attribute-{name}", "text": f"Your {name.replace('_', ' ')}?", "options": list(values), "likely": table}
        for name, (values, table) in traits.items()
    ]
    share = np.asarray(prior, np.float64) / np.sum(prior)
    known = np.ones((1, len(share)))  # patterns of answers so far x interests: how likely each pattern is
    found: list[dict[str, Any]] = []
    before = 0.0
    while len(found) < n and candidates and len(known) < 5000:
        gains = [_gain(share, known, np.asarray(each["likely"], np.float64)) for each in candidates]
        best = int(np.argmax(gains))
        if gains[best] - before < LEAST:
            break
        one = candidates.pop(best)
        likely = np.asarray(one["likely"], np.float64)
        known = (known[:, None, :] * likely.T[None]).reshape(-1, len(share))
        found.append(
            {**one, "likely": [[round(float(p), 6) for p in row] for row in likely], "tells": gains[best] - before}
        )
        before = gains[best]
    return found


def _gain(prior: NDArray[np.float64], known: NDArray[np.float64], likely: NDArray[np.float64]) -> float:
    """Nats that the answers so far and one more tell of the interest."""
    joint = (known[:, None, :] * likely.T[None]).reshape(-1, len(prior)) * prior
    total = np.maximum(joint.sum(axis=1), 1e-300)
    after = -(joint * np.log(np.maximum(joint, 1e-300) / total[:, None])).sum()
    return float(-(prior * np.log(np.maximum(prior, 1e-300))).sum() - after)


def answered(questions: Sequence[Mapping[str, Any]], answers: Mapping[str, str], k: int) -> NDArray[np.float64]:
    """(k,) the logarithm of how likely the answers are for each interest; zeros without answers.

    answers : option by the id of the question. Raises UnknownName and SettingError for what was not asked.
    """
    by_id = {str(each["id"]): each for each in questions}
    out = np.zeros(k)
    for id, answer in answers.items():
        if id not in by_id:
            raise UnknownName.among("question", id, list(by_id))
        options = list(by_id[id]["options"])
        if answer not in options:
            raise SettingError(f"question {id} is answered by {', '.join(options)}, not {answer!r}")
        out += np.log(np.maximum([row[options.index(answer)] for row in by_id[id]["likely"]], 1e-6))
    return out


def of_traits(traits: Dense, spans: Mapping[str, tuple[int, int]], interest: Labels, k: int) -> dict[str, Dense]:
    """By attribute (k, n_values) how probable each value is among the shoppers of an interest who tell it."""
    found = {}
    for name, (start, stop) in spans.items():
        rows = (interest >= 0) & traits[:, start:stop].any(axis=1)
        overall = traits[rows, start:stop].sum(axis=0) + 1.0
        counts = np.tile(DRAWN * overall / overall.sum(), (k, 1))
        np.add.at(counts, interest[rows], traits[rows, start:stop])
        found[name] = np.asarray(counts / counts.sum(axis=1, keepdims=True), np.float32)
    return found
