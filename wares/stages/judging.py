"""How good the answers are, measured on the shop's own events and categories."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from wares.algorithm import Clusterer, Context, Recommender
from wares.arrays import Labels, Vectors
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.encode.bag import Bag
from wares.engine import Tell, read_json, write_json
from wares.errors import DataError
from wares.stages.clustering import with_clusters
from wares.stages.line import Line, settings_of
from wares.stages.vectors import blinded, encoder_of
from wares.store.steps import hashed
from wares.tasks import agreement, evaluating, metrics, splitting, standing
from wares.tasks.fusing import fit_cached

LITTLE = 0.05
"""Share of changed products and events under which the last evaluation still stands."""


def judge_stage(line: Line, shown: Catalog, history: History, context: Context, clusters: Labels) -> None:
    """Evaluate, unless so little has changed since the last evaluation that it still stands.

    clusters : (n_shown,) those that people see.
    """
    marks = {"settings": hashed(_asked(line)), "products": len(shown), "events": history.n_events}
    kept = _still_stands(marks, shown, line.run.last)
    if kept is not None:
        line.report["evaluation"] = kept
        return
    found: dict[str, Any] = {"marks": marks, "changed": 0.0, "made": datetime.now(UTC).isoformat(timespec="seconds")}
    if context.vectors is not None:
        found |= _judged_clusters(line, shown, context.vectors, clusters, history)
    if history.n_events and history.times is not None:
        found["recommend"] = _judged_recommender(line, history, context)
    line.report["evaluation"] = found


def _asked(line: Line) -> Any:
    config = line.config
    models = [settings_of(config.make(Recommender)), settings_of(config.make(Clusterer)), settings_of(encoder_of(line))]
    return [models, vars(config.evaluate), dict(config.events.weights), config.shop.seed]


def _still_stands(marks: Mapping[str, Any], shown: Catalog, last: Path | None) -> dict[str, Any] | None:
    """The last evaluation, with the share of products and events that have changed since it was made."""
    if last is None or not (last / "report.json").exists():
        return None
    known = dict(read_json(last / "report.json").get("evaluation") or {})
    old = known.get("marks")
    if not old or old["settings"] != marks["settings"]:
        return None
    events = abs(marks["events"] - old["events"]) / max(old["events"], 1)
    changed = known["changed"] + changed_share(shown, Catalog.of(last / "shelf" / "shelf.arrow"))
    return {**known, "changed": changed} if changed + events <= LITTLE else None


def changed_share(shown: Catalog, before: Catalog) -> float:
    """Share of shown products that are new or not as they were, or are gone."""
    if sorted(shown.columns) != sorted(before.columns):
        return 1.0
    columns = sorted(shown.columns)
    one, other = (pl.DataFrame({"row": _hashes(each, columns)}) for each in (shown, before))
    new, gone = (len(a.join(b, on="row", how="anti")) for a, b in ((one, other), (other, one)))
    return max(new, gone) / max(len(shown), 1)


def _hashes(catalog: Catalog, columns: Sequence[str]) -> pl.Series:
    """(n,) a hash of each whole row, read piece by piece."""
    parts = [piece.frame(columns).hash_rows(seed=0) for piece in catalog.pieces()]
    return pl.concat([pl.Series(dtype=pl.UInt64), *parts])


def _judged_recommender(line: Line, history: History, context: Context) -> dict[str, Any]:
    config, model = line.config.evaluate, line.config.make(Recommender)
    until = config.moment()

    def make(folder: Path, tell: Tell) -> None:
        try:
            said = evaluating.evaluate(
                model, history, context, until=until, max_shoppers=config.max_shoppers, seed=line.config.shop.seed
            )
        except DataError as error:
            said = {"protocol": f"not evaluated: {error}", "tasks": {}, "k": 10}
        write_json(folder / "recommend.json", said)

    reads = [line.keys["recommend"], until, config.max_shoppers]
    code = [evaluating, metrics, splitting, standing, type(model)]
    folder = line.step("evaluate", "evaluate recommendations", reads, code, make)
    return dict(read_json(folder / "recommend.json"))


def _judged_clusters(line: Line, shown: Catalog, vectors: Vectors, labels: Labels, history: History) -> dict[str, Any]:
    """Clusters by themselves, and against the categories from vectors that saw neither category nor its words."""
    columns = line.config.evaluate.columns
    seed = line.config.shop.seed

    def make(folder: Path, tell: Tell) -> None:
        said: dict[str, Any] = {"quality": agreement.quality(vectors, labels, seed=seed)}
        tell(0.3)
        if shown.has("category"):
            said["agreement"] = _agreement(line, shown, labels, history, folder / "blind.npy")
        write_json(folder / "clusters.json", said)

    reads = [line.keys["groups"], line.keys["shelf"], list(columns), seed]
    folder = line.step("judge", "judge clusters", reads, [agreement], make)
    return {"clusters": {**read_json(folder / "clusters.json"), "columns": list(columns)}}


def _agreement(line: Line, shown: Catalog, labels: Labels, history: History, out: Path) -> dict[str, Any]:
    columns = line.config.evaluate.columns
    clusterer = line.config.make(Clusterer)
    vectors: Vectors
    if clusterer.READS == "words":
        vectors = Bag(columns=tuple(columns)).fit(shown).counts(shown)
    else:
        blind = blinded(encoder_of(line), columns)
        vectors = fit_cached(blind, shown, line.run.steps.folder / "texts-blind", Context(history=history), out=out)
    again = with_clusters(clusterer, int(labels.max()) + 1) if "n_clusters" in clusterer.get_params() else clusterer
    found = again.fit(vectors).labels_
    out.unlink(missing_ok=True)  # mapped as long as anybody looks at it
    categories = shown.frame(["category"])["category"].to_list()
    levels = {f"level {level}": agreement.agreement(found, categories, level) for level in (1, 2)}
    return {name: each for name, each in levels.items() if each["ami"] is not None}
