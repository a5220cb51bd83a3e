"""One question to a recommender, answered with its reasons and what was used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wares.algorithm import Context, Recommender
from wares.arrays import Labels, Mask, Vectors
from wares.data.history import History
from wares.data.hits import Hits, Reason
from wares.data.ids import Ids
from wares.tasks.arranging import Wish, arrange, told
from wares.tasks.blending import Blend, name_of
from wares.tasks.explaining import Titles, reasons


@dataclass(frozen=True, eq=False)
class Recommended:
    """The answer to one history.

    hits : one row. reasons : for each hit that there is; empty where none were asked for. used : what had something to
    say, the weightiest first, such as "ease + popular".
    """

    hits: Hits
    reasons: Sequence[tuple[Reason, ...]]
    used: str


def recommend(
    model: Recommender,
    history: History,
    k: int,
    ids: Ids,
    titles: Titles,
    *,
    context: Context = Context(),
    allowed: Mask | None = None,
    repeats: bool = False,
    why: bool = True,
    clusters: Labels | None = None,
    cluster_names: Sequence[str] | Mapping[int, str] | None = None,
    wish: Wish | None = None,
    vectors: Vectors | None = None,
) -> Recommended:
    """The k best products of a one-shopper history; each part of a blend is asked once for answer and reasons.

    wish : rules of the shop and variety, by which the best of a larger pool are put in order. vectors : of all
    products, to tell how like they are.
    """
    mixture = None
    wish = wish or Wish()
    allowed, pool = wish.allowed(allowed), wish.pool(k)
    if isinstance(model, Blend):
        hits, mixture = model.best(history, pool, context=context, allowed=allowed, repeats=repeats)
        used = " + ".join(name for name, _ in model.used(mixture))
    else:
        hits = model.recommend(history, pool, context=context, allowed=allowed, repeats=repeats)
        used = name_of(model)
    hits = arrange(hits, k, wish, vectors)
    rows = hits.rows[0][hits.rows[0] >= 0]
    said: list[tuple[Reason, ...]] = []
    # What puts the proposals of a blend in order gives no reasons; why they are proposed, the blend can tell.
    basis: Any = getattr(model, "base_", model)
    if why and len(rows):
        said = reasons(
            basis,
            history,
            rows,
            ids,
            titles,
            context=context,
            mixture=mixture,
            clusters=clusters,
            cluster_names=cluster_names,
        )
        said = told(said, rows, wish)
    return Recommended(hits, said, used)
