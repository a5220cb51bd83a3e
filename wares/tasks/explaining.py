"""Why a product was recommended: from what each event adds to its score to sentences."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Context, Explains, Recommender
from wares.arrays import Dense, Labels, Rows
from wares.data.history import History
from wares.data.hits import Reason
from wares.data.ids import Ids
from wares.kernels.topk import two_greatest
from wares.recommend.clusters import Clusters
from wares.recommend.content import Content
from wares.recommend.newest import Newest
from wares.recommend.popular import Popular
from wares.recommend.profile import Profile, frozen
from wares.recommend.repeat import Repeat
from wares.tasks.blending import Blend, Mixture, contributions_to
from wares.tasks.sentences import Say, speaker

MOST = 3
"""Sentences of a hit, before "other"."""

LEAST = 0.02
"""Share below which nothing is said."""

LATEST = 20
"""Products left out one by one to explain a recommender that cannot say what each event adds: the latest, or those that
it looks at most."""


class Titles(Protocol):
    """Titles by row: a list, a polars column or an Arrow array read one at a time."""

    def __getitem__(self, row: int, /) -> str: ...


@runtime_checkable
class Looks(Protocol):
    """A recommender that can say how much it looked at each event of a one-shopper history."""

    def weights_of(self, history: History) -> NDArray[np.float32]: ...


@dataclass(frozen=True, eq=False)
class Amounts:
    """What a score is made of, for each of n products asked about.

    products : (m,) distinct products of the history, in order of first touch. bought, alike : (n, m) what each of them
    adds by what goes together and by likeness. cluster, again : (n,) what the clusters of the history and having bought
    it before add.
    everybody, newest : (n,) what does not depend on the history. total : (n,) the score.
    """

    products: NDArray[np.integer]
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
    # The parts that know every product of the history read it in this order, by this very array.
    products = Profile.of(history, history.n_products).rows
    total = np.zeros(len(rows))
    given = np.zeros((2, len(rows), len(products)), np.float32)
    single: dict[str, NDArray[np.floating]] = dict.fromkeys(
        ("cluster", "again", "everybody", "newest"), np.zeros(len(rows))
    )
    for part, share, score in _of_parts(model, history, rows, context, mixture):
        total += score
        if isinstance(part, Newest):
            single["newest"] = score
        elif isinstance(part, Repeat):
            single["again"] = score
        else:
            of, found = _by_product(part, history, rows, context)
            found *= share[:, None]
            if isinstance(part, (Popular, Clusters)):
                single["cluster"] = single["cluster"] + found.sum(axis=1)
                single["everybody"] = single["everybody"] + score - found.sum(axis=1)
            elif of is products:
                given[int(isinstance(part, Content))] += found
            else:
                given[int(isinstance(part, Content))][:, _places(products, of)] += found
    return Amounts(products, given[0], given[1], **single, total=total)


def _places(products: NDArray[np.integer], some: NDArray[np.integer]) -> NDArray[np.int64]:
    """Where each of some distinct products stands among all."""
    order = np.argsort(products)
    return np.asarray(order[np.searchsorted(products, some, sorter=order)])


def _of_parts(
    model: Recommender, history: History, rows: Rows, context: Context, mixture: Mixture | None
) -> Iterator[tuple[Recommender, NDArray[np.floating], NDArray[np.floating]]]:
    """Each part with what its scores are multiplied by (n,) and what it adds in all (n,)."""
    if isinstance(model, Blend):
        mixture = mixture or model.mixture(history, context=context)
        given, share = mixture.amounts(rows)
        for number, part in enumerate(model.parts_):
            if share[number].any():
                yield part, share[number], given[number]
    else:
        score = model.score(history, rows, context=context)[0]
        yield model, np.ones(len(rows), np.float32), np.where(np.isfinite(score), score, 0)


def _by_product(part: Recommender, history: History, rows: Rows, context: Context) -> tuple[NDArray[np.integer], Dense]:
    """(m,) distinct products of the history and (n, m) what each adds: exactly, or by leaving products out."""
    by_product = getattr(part, "by_product", None)
    if by_product is not None:
        profile, found = by_product(history, rows, context=context)
        return profile.rows, found
    if not isinstance(part, Explains):
        return _left_out(part, history, rows, context)
    products, place = np.unique(history.products, return_inverse=True)
    found = np.zeros((len(rows), len(products)), np.float32)
    np.add.at(found.T, place, contributions_to(part, history, rows, context).T)
    return products, found


def _left_out(part: Recommender, history: History, rows: Rows, context: Context) -> tuple[NDArray[np.integer], Dense]:
    """By how much the score falls without a product; of some products only, all asked about at once."""
    products = _telling(part, history)
    asked = np.concatenate([np.full((1, history.n_events), True), history.products != products[:, None]])
    versions = history.take(np.zeros(len(asked), np.int64)).keep(asked.ravel())
    scores = part.score(versions, rows, context=_repeated(context, len(asked)))
    scores = np.where(np.isfinite(scores), scores, 0)
    return products, np.ascontiguousarray((scores[0] - scores[1:]).T, np.float32)


def _telling(part: Recommender, history: History) -> NDArray[np.int64]:
    """(at most LATEST, 1 at least where there is an event) the products to leave out: those looked at most by a model
    that tells (`weights_of`), of others the latest."""
    latest = np.array(list(dict.fromkeys(history.products[::-1].tolist())), np.int64)
    if len(latest) <= LATEST or not isinstance(part, Looks):
        return latest[:LATEST]
    looks = np.bincount(history.products, part.weights_of(history), minlength=history.n_products)[latest]
    return latest[np.argsort(-looks, kind="stable")[:LATEST]]


def _repeated(context: Context, n: int) -> Context:
    """The context of one shopper for as many versions of the history."""
    if context.shoppers is None and context.at is None:
        return context
    return replace(
        context,
        shoppers=None if context.shoppers is None else np.repeat(context.shoppers, n, axis=0),
        at=None if context.at is None else np.repeat(context.at, n),
    )


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

    `history` is of one shopper. Shares are fractions of the score: exact where the recommender is a sum over events,
    of others by how much it falls without a product. They are in Chinese where the titles are.
    """
    made = amounts(model, history, rows, context=context, mixture=mixture)
    bought, alike = _strongest(made.products, made.bought), _strongest(made.products, made.alike)
    own = (np.asarray(rows)[:, None] == made.products).any(axis=1).tolist()
    name = lru_cache(maxsize=None)(ids.name)  # the same few products stand in many sentences
    say = speaker([titles[each] for each in (*np.asarray(rows).tolist(), *made.products[:MOST].tolist())])
    single = [each.tolist() for each in (made.again, made.cluster, made.everybody, made.newest, made.total)]
    found = []
    for number, row in enumerate(np.asarray(rows).tolist()):
        again, cluster, everybody, newest, total = (each[number] for each in single)
        # A sentence is made only where it may be said.
        least = LEAST * total
        said = [
            _Said(*each, words)
            for each, words in ((bought[number], "bought"), (alike[number], "alike"))
            if each[0] > least
        ]
        if own[number] and again > least:
            times = int((history.products == row).sum())
            said.append(_Said(again, [row], say("once" if times == 1 else "again", times=times), False))
        if cluster > least:
            said.append(_Said(cluster, [], _popular_in(say, row, clusters, cluster_names)))
        if everybody > least:
            said.append(_Said(everybody, [], say("everybody")))
        if newest > least:
            said.append(_Said(newest, [], say("newest")))
        found.append(_sentences(said, total, name, titles, say))
    return found


_amount = itemgetter(0)


class _Said(NamedTuple):
    """A sentence: what it gives to the score, the products that it rests on, its words; `titled` where these are the
    name of a phrase that titles go into."""

    amount: float
    products: list[int]
    words: str
    titled: bool = True


def _sentences(
    said: list[_Said], total: float, name: Callable[[int], str], titles: Titles, say: Say
) -> tuple[Reason, ...]:
    if total <= 0:
        return (Reason("other", 1.0),)
    if len(said) > 1:
        said = sorted(said, key=_amount, reverse=True)[:MOST]
    # What speaks against a product can make the parts that speak for it more than the whole.
    whole = max(total, sum(each.amount for each in said))
    named = []
    for amount, products, words, titled in said:
        text = say(words, titles=say("and").join(titles[each] for each in products)) if titled and products else words
        named.append(Reason(text, round(amount / whole, 6), [name(each) for each in products]))
    return (*named, Reason("other", max(0.0, 1.0 - sum(each.share for each in named))))


def _strongest(products: NDArray[np.integer], given: NDArray[np.floating]) -> list[tuple[float, list[int]]]:
    """For each row of `given` (n, m) the product that adds most, with the second where it adds at least half of that.

    Together with what they add; nothing where none adds. Ties to the lower product.
    """
    places, most = np.empty((len(given), 2), np.int64), np.empty((len(given), 2), np.float32)
    two_greatest(frozen(products), np.asarray(given, np.float32), places, most)
    found: list[tuple[float, list[int]]] = []
    for (a, b), (one, two) in zip(places.tolist(), most.tolist(), strict=True):
        if one <= 0:
            found.append((0.0, []))
        elif two >= one / 2:
            found.append((one + two, [int(products[a]), int(products[b])]))
        else:
            found.append((one, [int(products[a])]))
    return found


def _popular_in(say: Say, row: int, clusters: Labels | None, names: Sequence[str] | Mapping[int, str] | None) -> str:
    if clusters is None or names is None or row >= len(clusters) or clusters[row] < 0:
        return say("alike_popular")
    return say("popular_in", name=names[int(clusters[row])])
