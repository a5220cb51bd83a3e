"""Why a product was recommended: from what each event adds to its score to sentences."""

from collections.abc import Mapping, Sequence
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
    """What a score is made of, for each product asked about.

    products : (m,) distinct products of the history. bought, alike : (n, m) what each of them adds by what goes
    together and by likeness. cluster, again : (n,) what the clusters of the history and having bought it before add.
    everybody, newest : (n,) what does not depend on the history. total : (n,) the score.
    """

    products: NDArray[np.int64]
    bought: NDArray[np.float64]
    alike: NDArray[np.float64]
    cluster: NDArray[np.float64]
    again: NDArray[np.float64]
    everybody: NDArray[np.float64]
    newest: NDArray[np.float64]
    total: NDArray[np.float64]


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
    products, place = np.unique(history.products.astype(np.int64), return_inverse=True)
    n, m = len(rows), len(products)
    found = Amounts(products, np.zeros((n, m)), np.zeros((n, m)), *(np.zeros(n) for _ in range(5)))
    if isinstance(model, Blend):
        mixture = mixture or model.mixture(history, context=context)
        given = mixture.amounts(rows)
        by_part = model.by_part(history, rows, mixture, context=context)
        for number, part in enumerate(model.parts_):
            _add(found, part, rows, by_part.get(number), given[number], place)
    else:
        score = model.score(history, rows, context=context)[0].astype(np.float64)
        score = np.where(np.isfinite(score), score, 0)
        if isinstance(model, Explains):
            _add(found, model, rows, contributions_to(model, history, rows, context), score, place)
        else:
            found.bought[:] = _left_out(model, history, rows, score, context, products)
            found.total[:] += score
    return found


def _add(
    found: Amounts,
    part: Recommender,
    rows: Rows,
    by_event: Dense | None,
    score: NDArray[np.floating],
    place: NDArray[np.int64],
) -> None:
    """Add what one part gives to the scores."""
    m = len(found.products)
    if by_event is None:
        by_product = np.zeros((len(rows), m))
    else:
        keys = np.arange(len(rows))[:, None] * m + place
        flat = np.bincount(keys.ravel(), weights=by_event.ravel(), minlength=len(rows) * m)
        by_product = flat.reshape(len(rows), m).astype(np.float64)
    found.total[:] += score
    rest = score - by_product.sum(axis=1)
    if isinstance(part, Repeat):
        found.again[:] += by_product.sum(axis=1)
    elif isinstance(part, Popular):
        found.cluster[:] += by_product.sum(axis=1)
        found.everybody[:] += rest
    elif isinstance(part, Newest):
        found.newest[:] += score
    elif isinstance(part, Content):
        found.alike[:] += by_product
    else:
        found.bought[:] += by_product


def _left_out(
    model: Recommender,
    history: History,
    rows: Rows,
    score: NDArray[np.float64],
    context: Context,
    products: NDArray[np.int64],
) -> NDArray[np.float64]:
    """(n, m) by how much the score falls when one product is left out; the latest products only."""
    out = np.zeros((len(rows), len(products)))
    latest = list(dict.fromkeys(history.products[::-1].tolist()))[:LATEST]
    for product in latest:
        less = model.score(history.without(0, product), rows, context=context)[0].astype(np.float64)
        out[:, np.searchsorted(products, product)] = score - np.where(np.isfinite(less), less, 0)
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
    named = [Reason(text, round(float(amount / whole), 6), ids.names(of)) for amount, text, of in said]
    return (*named, Reason("other", max(0.0, 1.0 - sum(each.share for each in named))))


def _of_products(
    made: Amounts, by_product: NDArray[np.float64], words: str, titles: Titles
) -> list[tuple[float, str, list[int]]]:
    """One sentence on the product that adds most, and on the second where it adds at least half of that."""
    if not len(by_product) or by_product.max() <= 0:
        return []
    order = np.argsort(-by_product, kind="stable")[:2]
    if len(order) == 2 and by_product[order[1]] < by_product[order[0]] / 2:
        order = order[:1]
    of = made.products[order].tolist()
    return [(float(by_product[order].sum()), f"{words} {' and '.join(titles[each] for each in of)}", of)]
