"""What is asked of recommenders on one split, and where right products stand in their answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from wares.algorithm import Context, Recommender, context_rows
from wares.arrays import Dense, Labels, Rows
from wares.data.history import History
from wares.data.hits import Hits
from wares.tasks import metrics
from wares.tasks.splitting import Split, Task, sampled, wanted

COLD = 3
"""Events up to which a shopper, or a product, is cold."""

LISTS = {
    "ndcg": metrics.ndcg,
    "recall": metrics.recall,
    "precision": metrics.precision,
    "map": metrics.average_precision,
    "mrr": metrics.mrr,
    "hit_rate": metrics.hit_rate,
}
"""What is counted of the best places of each shopper."""


@dataclass(frozen=True, eq=False)
class Questions:
    """The histories asked with, and by task what each of their shoppers took afterwards.

    context : of these shoppers. events : (n_products,) events of each product that were learned from. shares :
    (n_products,) share of shoppers who took each. clusters : of the products, or None.
    """

    history: History
    relevant: Mapping[Task, History]
    context: Context
    events: NDArray[np.int64]
    shares: NDArray[np.float64]
    clusters: Labels | None

    @classmethod
    def of(
        cls, split: Split, tasks: Sequence[Task], context: Context = Context(), *, most: int = 1500, seed: int = 0
    ) -> "Questions":
        """At most so many shoppers, drawn by the seed, who took anything. Raises DataError where nobody did."""
        right = {task: wanted(split.train, split.test, task) for task in tasks}
        rows = sampled(list(right.values()), most, seed)
        at = split.at()
        return cls(
            split.train.take(rows),
            {task: each.take(rows) for task, each in right.items()},
            replace(context, at=None if at is None else at[rows], shoppers=None, told=None),
            np.bincount(split.train.products, minlength=split.train.n_products),
            shares(split.train),
            context.clusters,
        )

    def __len__(self) -> int:
        return len(self.history)

    def take(self, rows: Rows) -> "Questions":
        """Some of the shoppers."""
        at = self.context.at
        return replace(
            self,
            history=self.history.take(rows),
            relevant={task: each.take(rows) for task, each in self.relevant.items()},
            context=replace(self.context, at=None if at is None else at[rows]),
        )

    def cold(self) -> NDArray[np.bool_]:
        """(n_shoppers,) who has done too little to be known."""
        return np.diff(self.history.indptr) <= COLD


@dataclass(eq=False)
class Standing:
    """Where the right products of each shopper stand in one recommender's order of all products.

    owners, products, places : one entry a right product: the shopper, the product, and its place from 1. auc : one
    number a shopper. hits : the best k of each.
    """

    k: int
    owners: list[NDArray[np.int64]] = field(default_factory=list)
    products: list[NDArray[np.int64]] = field(default_factory=list)
    places: list[NDArray[np.int64]] = field(default_factory=list)
    auc: list[float] = field(default_factory=list)
    hits: list[Hits] = field(default_factory=list)

    def add(self, scores: Dense, block: History, right: History, start: int, task: Task) -> None:
        """Take in the scores of all products for the shoppers from `start` on."""
        for row in range(len(block)):
            own = block.row(row) if task == "new" else block.products[:0]
            of = np.unique(right.row(start + row)).astype(np.int64)
            self.owners.append(np.full(len(of), start + row))
            self.products.append(of)
            places, auc = metrics.standing(scores[row], of, own)
            self.places.append(places)
            self.auc.append(auc)
        if task == "new":
            scores = scores.copy()
            scores[block.owners(), block.products] = -np.inf
        self.hits.append(Hits.top(scores, self.k))

    def listed(self) -> Hits:
        """The best k of each shopper, as the shop would answer."""
        return Hits(np.concatenate([h.rows for h in self.hits]), np.concatenate([h.scores for h in self.hits]))

    def judged(self, n_shoppers: int, cold: NDArray[np.bool_] | None = None) -> metrics.Judged:
        """The best k places of each shopper; with `cold` (n_products,) only these products are asked for."""
        owners, places = np.concatenate(self.owners), np.concatenate(self.places)
        if cold is not None:
            kept = cold[np.concatenate(self.products)]
            owners, places = owners[kept], places[kept]
        return metrics.Judged.placed(owners, places, n_shoppers, self.k)

    def values(self, questions: Questions) -> dict[str, metrics.Values]:
        """Every metric that is one number a shopper."""
        judged, hits = self.judged(len(questions)), self.listed()
        found = {name: count(judged) for name, count in LISTS.items()}
        found["auc"] = np.where(judged.n_right > 0, self.auc, np.nan)
        asked = judged.n_right > 0
        found["novelty"] = np.where(asked, metrics.novelty(hits, questions.shares), np.nan)
        if questions.clusters is not None:
            strays = metrics.calibration(hits, questions.history, questions.clusters)
            found["calibration"] = np.where(asked, strays, np.nan)
        return found


def stand(model: Recommender, questions: Questions, k: int, *, block: int = 64) -> dict[Task, Standing]:
    """Where the right products stand in the order of a fitted recommender; it is asked once for all tasks."""
    found = {task: Standing(k) for task in questions.relevant}
    everything = np.arange(questions.history.n_products)
    for start in range(0, len(questions), block):
        part = questions.history.take(slice(start, start + block))
        context = context_rows(questions.context, start, start + block)
        scores = np.asarray(model.score(part, everything, context=context), np.float32)
        for task, right in questions.relevant.items():
            found[task].add(scores, part, right, start, task)
    return found


def ndcg(model: Recommender, questions: Questions, task: Task, k: int = 10) -> metrics.Values:
    """(n_shoppers,) NDCG@k of a fitted recommender on one task."""
    only = replace(questions, relevant={task: questions.relevant[task]})
    return metrics.ndcg(stand(model, only, k)[task].judged(len(questions)))


def shares(train: History) -> NDArray[np.float64]:
    """(n_products,) the share of shoppers who took each product."""
    counts = np.zeros(train.n_products, np.int64)
    for part in train.parts():
        counts += np.bincount(part.matrix().indices, minlength=train.n_products)
    return np.asarray(counts / max(int((np.diff(train.indptr) > 0).sum()), 1), np.float64)
