"""How well do the factor models foretell the next product of Amazon Beauty, ranked among all?

Settings are chosen on the event before the last, of a sample of shoppers; then the last event is asked for once, of a
sample drawn at random, the same for all. Ties count against the model; what the history holds is no candidate.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.behaviours import Sequences, beauty, hits, ndcg, places
from benchmarks.harness import Row, command
from benchmarks.movielens import settings_of
from wares.algorithm import Recommender
from wares.recommend.als import ALS
from wares.recommend.bpr import BPR
from wares.recommend.logistic import Logistic
from wares.recommend.mf import MF
from wares.recommend.popular import Popular
from wares.recommend.svd import SVD
from wares.tasks.blending import name_of

MODELS: Sequence[Sequence[Recommender]] = (
    [Popular()],
    [ALS(factors=128, unobserved=un, regularisation=reg) for un in (0.003, 0.02) for reg in (0.05, 0.15)],
    [SVD(factors=256, damping=damping, regularisation=5.0) for damping in (0.25, 0.5)],
    [MF(negatives=8, regularisation=each) for each in (0.005, 0.02)],
    [BPR(negatives=8, regularisation=each) for each in (0.005, 0.02)],
    [Logistic(negatives=8, regularisation=each) for each in (0.005, 0.02)],
)
"""The settings each model chooses from."""

K, CHOSEN_ON, TESTED_ON = 10, 1500, 6000


def one(models: Sequence[Recommender], events: Sequences) -> Row:
    """One model, chosen and tested."""
    asked = events.valid.some(CHOSEN_ON)
    tried = [ndcg(places(model.fit(events.train), asked), K) for model in models] if len(models) > 1 else [0.0]
    model = models[tried.index(max(tried))].fit(events.test.histories)  # the validating event stands last in them
    place = places(model, events.test.some(TESTED_ON, seed=1))
    said = {str(settings_of(each)): value for each, value in zip(models, tried, strict=True)} if len(models) > 1 else {}
    return Row(
        work=f"{name_of(model)}: next product of Beauty, {len(place):,} shoppers",
        metric=f"NDCG@{K}",
        ours=ndcg(place, K),
        quality={f"HR@{K}": hits(place, K)},
        settings=settings_of(model) | {f"NDCG@{K} in validation": said},
    )


def run(data: Path) -> Iterator[Row]:
    """How well do the factor models foretell the next product of Amazon Beauty?"""
    events = beauty(data)
    for models in MODELS:
        yield one(models, events)


if __name__ == "__main__":
    command(run)
