"""Why a product was recommended: from what each event adds to its score to sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Context, Explains, Recommender
from wares.arrays import Dense, Labels, Rows
from wares.data.history import History
from wares.data.hits import Reason
from wares.data.ids import Ids
from wares.recommend.content import Content
from wares.recommend.newest import Newest
from wares.recommend.popular import Popular
from wares.recommend.repeat import Repeat
from wares.tasks.blending import Blend, Mixture, contributions_to

MOST = 3
"""Sentences of a hit, before "other"."""

LEAST = 0.02
"""Share below which nothing is said."""

LATEST = 20
"""Products left out one by one to explain a recommender that cannot say what each event adds."""


class Titles(Protocol):
    """Titles by row: a list, a polars column or an Arrow array read one at a time."""

    def __getitem__(self, row: int, /) -> str: ...


@dataclass(frozen=True, eq=False)
class Amounts:
    """What a score is made of, for each of n products asked about.

    products : (m,) distinct products of the history. bought, alike : (n, m) what each of them adds by what goes
    together and by likeness. cluster, again : (n,) what the clusters of the history and having bought it before add.
    everybody, newest : (n,) what does not depend on the history. total : (n,) the score.
    """

    products: NDArray[np.int64]
    bought: NDArray[np.floating]
    alike: NDArray[np.floating]
    cluster: NDArray[np.floating]
    again: NDArray[np.floating]
    everybody: NDArray[np.floating]
    newest: NDArray[np.floating]
    total: NDArray[np.floating]


def amounts(
    model: Recommender,
    history: History,
    rows: Rows,
    *,
    context: Context = Context(),
    mixture: Mixture | None = None,
) -> Amounts:
    """What the scores of `rows` are made of, for a one-shopper history; `mixture` where a blend has just been asked."""
    rows = np.asarray(rows, np.int64)
    order = np.argsort(history.products, kind="stable")
    ordered = history.products[order].astype(np.int64)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
    products = ordered[starts]

    def by_product(by_event: NDArray[np.floating]) -> NDArray[np.floating]:
        if not len(starts):
            return np.zeros((len(rows), 0))
        return np.asarray(np.add.reduceat(by_event[:, order], starts, axis=1))

    total = np.zeros(len(rows))
    events = np.zeros((2, len(rows), len(history.products)), np.float32)
    single: dict[str, NDArray[np.floating]] = dict.fromkeys(
        ("cluster", "again", "everybody", "newest"), np.zeros(len(rows))
    )
    for part, given, score in _of_parts(model, history, rows, context, mixture):
        total += score
        if isinstance(part, Newest):
            single["newest"] = score
        elif isinstance(part, Popular):
            single["cluster"] = given.sum(axis=1)
            single["everybody"] = score - single["cluster"]
        elif isinstance(part, Repeat):
            single["again"] = score
        else:
            events[int(isinstance(part, Content))] += given
    return Amounts(products, by_product(events[0]), by_product(events[1]), **single, total=total)


def _of_parts(
    model: Recommender, history: History, rows: Rows, context: Context, mixture: Mixture | None
) -> Iterator[tuple[Recommender, Dense, NDArray[np.floating]]]:
    """Each part with what it adds by event (n, n_events) and in all (n,)."""
    if isinstance(model, Blend):
        mixture = mixture or model.mixture(history, context=context)
        share, given = mixture.share(rows), mixture.amounts(rows)
        for number, part in enumerate(model.parts_):
            if share[number].any():
                yield part, _by_event(part, history, rows, context) * share[number][:, None], given[number]
    else:
        score = model.score(history, rows, context=context)[0]
        yield model, _by_event(model, history, rows, context), np.where(np.isfinite(score), score, 0)


def _by_event(part: Recommender, history: History, rows: Rows, context: Context) -> Dense:
    """(n, n_events) what each event adds: nothing, exactly what it does, or by leaving products out."""
    if isinstance(part, Newest):
        return np.zeros((len(rows), len(history.products)), np.float32)
    if isinstance(part, Explains):
        return contributions_to(part, history, rows, context)
    return _left_out(part, history, rows, context)


def _left_out(part: Recommender, history: History, rows: Rows, context: Context) -> Dense:
    """(n, n_events) by how much the score falls without a product, at its last event; of the latest products only."""
    whole = part.score(history, rows, context=context)[0]
    out = np.zeros((len(rows), len(history.products)), np.float32)
    for product in list(dict.fromkeys(history.products[::-1].tolist()))[:LATEST]:
        less = part.score(history.without(0, product), rows, context=context)[0]
        fall = np.where(np.isfinite(whole), whole, 0) - np.where(np.isfinite(less), less, 0)
        out[:, np.flatnonzero(history.products == product)[-1]] = fall
    return out


def reasons(
    model: Recommender,
    history: History,
    rows: Rows,
    ids: Ids,
    titles: Titles,
    *,
    context: Context = Context(),
    mixture: Mixture | None = None,
    clusters: Labels | None = None,
    cluster_names: Sequence[str] | Mapping[int, str] | None = None,
) -> list[tuple[Reason, ...]]:
    """For each of `rows` the sentences that say why, the greatest share first, "other" last; shares sum to 1.

    `history` is of one shopper. Shares are fractions of the score, exact where the recommender is a sum over events.
    """
    made = amounts(model, history, rows, context=context, mixture=mixture)
    times = np.bincount(np.searchsorted(made.products, history.products), minlength=len(made.products))
    found = []
    for number, row in enumerate(np.asarray(rows).tolist()):
        cluster = ""
        if clusters is not None and cluster_names is not None and row < len(clusters) and clusters[row] >= 0:
            cluster = cluster_names[int(clusters[row])]
        found.append(_sentences(made, number, row, times, ids, titles, cluster))
    return found


def _sentences(
    made: Amounts, number: int, row: int, times: NDArray[np.int64], ids: Ids, titles: Titles, cluster: str
) -> tuple[Reason, ...]:
    total = float(made.total[number])
    said: list[tuple[float, str, list[int]]] = []
    if total > 0:
        said += _of_products(made, made.bought[number], "because you bought", titles)
        said += _of_products(made, made.alike[number], "similar to", titles)
        own = np.flatnonzero(made.products == row)
        if len(own):
            n = int(times[own[0]])
            often = "once" if n == 1 else f"{n} times"
            said.append((made.again[number], f"you have bought it {often}", [row]))
        said.append((made.cluster[number], f"popular in {cluster}" if cluster else "popular among what is like it", []))
        said.append((made.everybody[number], "popular with all shoppers", []))
        said.append((made.newest[number], "new in the shop", []))
    said = sorted((each for each in said if each[0] > LEAST * total), key=lambda each: -each[0])[:MOST]
    # What speaks against a product can make the parts that speak for it more than the whole.
    whole = max(total, sum(each[0] for each in said))
    named = [Reason(text, round(float(amount / whole), 6), [ids.name(p) for p in of]) for amount, text, of in said]
    return (*named, Reason("other", max(0.0, 1.0 - sum(each.share for each in named))))


def _of_products(
    made: Amounts, by_product: NDArray[np.floating], words: str, titles: Titles
) -> list[tuple[float, str, list[int]]]:
    """One sentence on the product that adds most, and on the second where it adds at least half of that."""
    if not len(by_product):
        return []
    first = int(by_product.argmax())
    amount = float(by_product[first])
    if amount <= 0:
        return []
    others = by_product.copy()
    others[first] = -np.inf
    second = int(others.argmax())
    of = [int(made.products[first])]
    if others[second] >= amount / 2:
        amount += float(others[second])
        of.append(int(made.products[second]))
    return [(amount, f"{words} {' and '.join(titles[each] for each in of)}", of)]
