"""The steps of a build, in order: data, vectors, clusters, categories, words, neighbours, recommender, evaluation."""

from typing import Any

from wares.algorithm import Context
from wares.arrays import Labels
from wares.data.history import History
from wares.data.shelf import Shelf
from wares.engine import Run
from wares.stages.clustering import clusters_stage, groups_stage
from wares.stages.data import events_stage, products_stage, shoppers_stage
from wares.stages.finding import index_stage, together_stage, words_stage
from wares.stages.judging import judge_stage
from wares.stages.labels import logged
from wares.stages.line import Line
from wares.stages.recommending import known_of, recommend_stage, rules_stage
from wares.stages.vectors import vectors_stage


def run_all(run: Run) -> dict[str, Any]:
    """Every step of a build; returns the report."""
    line = Line(run)
    shelf = products_stage(line)
    history, end = events_stage(line, shelf)
    shoppers_stage(line)
    vectors = vectors_stage(line, shelf.shown, history)
    labels = clusters_stage(line, shelf.shown, vectors)
    seen = groups_stage(line, shelf.shown, vectors, labels, history)
    _categories(line, shelf)
    words_stage(line, shelf.shown, seen, history)
    index_stage(line, vectors)
    together_stage(line, history)
    # Recommenders learn from clusters of these products alone: what they answer is that of a build from nothing.
    context = known_of(shelf.shown, vectors, labels)
    recommend_stage(line, history, context)
    _interests(line, shelf, history, context, seen, end)
    rules_stage(line, shelf, context.created, end)
    judge_stage(line, shelf.shown, history, context, seen)
    line.report |= {"end": end, "search": vars(line.config.search)}
    return line.report


def _interests(line: Line, shelf: Shelf, history: History, context: Context, seen: Labels, end: int) -> None:
    """Find the interests of shoppers where there are any."""
    line.report["interests"] = None
    if history.n_events:
        from wares.stages.interests import interests_stage  # imports what shops without events do without

        interests_stage(line, shelf.shown, history, context, seen, end)


def _categories(line: Line, shelf: Shelf) -> None:
    """Learn categories where there is anything to learn them from."""
    said = logged(line.run.target.parent.parent / "log.sqlite")
    asked = line.config.categories
    line.report["categories"] = None
    if asked.source is not None or asked.own or said:
        from wares.stages.labelling import categories_stage  # imports what most builds do without

        categories_stage(line, shelf, said)
