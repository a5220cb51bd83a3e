"""The steps of a build, in their order: data, vectors, clusters, words, neighbours, recommender, evaluation."""

from pathlib import Path
from typing import Any

from wares.algorithm import Context
from wares.engine import Run
from wares.stages.data import events_stage, products_stage, shoppers_stage
from wares.stages.finding import index_stage, together_stage, words_stage
from wares.stages.judging import judge_stage
from wares.stages.line import Line
from wares.stages.recommending import created, recommend_stage
from wares.stages.vectors import clusters_stage, vectors_stage


def run_all(run: Run, last: Path | None) -> dict[str, Any]:
    """Every step of a build; returns the report. `last` is the build before, if there is one."""
    line = Line(run)
    shelf = products_stage(line)
    history, end = events_stage(line, shelf)
    shoppers_stage(line)
    vectors = vectors_stage(line, shelf.shown)
    labels = clusters_stage(line, shelf.shown, vectors)
    words_stage(line, shelf.shown, labels, history)
    index_stage(line, vectors)
    together_stage(line, history)
    context = Context(vectors=vectors, clusters=labels, created=created(shelf.shown))
    recommend_stage(line, history, context)
    judge_stage(line, shelf.shown, history, context, last)
    line.report |= {"end": end, "search": vars(line.config.search)}
    return line.report
