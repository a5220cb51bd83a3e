"""The recommender: each part learned in a step of its own, so that what a part does not read does not disturb it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Context, Recommender, load
from wares.arrays import Labels, Vectors
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.data.shelf import Shelf
from wares.engine import Tell, read_json, write_json
from wares.errors import DataError
from wares.stages.line import Line, settings_of
from wares.tasks.filtering import Filters
from wares.tasks.ruling import rules_of


@dataclass(frozen=True, eq=False)
class _Learned:
    """A part of a composite that was learned in an earlier step: to fit it is to load it."""

    folder: Path

    def __sklearn_clone__(self) -> "_Learned":
        return self

    def fit(self, history: History, context: Context = Context()) -> Recommender:
        """The part as it was learned. Raises DataError where it could not be, as it did then."""
        failed = self.folder / "failed.json"
        if failed.exists():
            raise DataError(read_json(failed))
        found = load(self.folder / "model")
        if not isinstance(found, Recommender):
            raise TypeError(f"{self.folder} holds a {type(found).__name__}")
        return found


def recommend_stage(line: Line, history: History, context: Context) -> None:
    """Learn the recommender of the settings."""
    model = line.config.make(Recommender)
    learned = {name: _parts(line, value, history, context) for name, value in _inner(model).items()}

    def make(folder: Path, tell: Tell) -> None:
        made = clone(model)
        own = _inner(made)
        # Plain attributes for the while: a learned part is no setting, and none of them is saved.
        for name, parts in learned.items():
            setattr(made, name, parts)
        fitted = made.fit(history, context)
        for name, value in own.items():
            setattr(fitted, name, value)
        fitted.save(folder / "model")

    reads = [*_reads(line, model, context), settings_of(model)]
    folder = line.step("recommend", "learn to recommend", reads, [type(model)], make)
    fitted = load(folder / "model")
    parts = getattr(fitted, "parts_", [fitted])
    # Without events only those have something to say that read something else.
    speak = [each for each in parts if history.n_events or "history" not in each.READS]
    names = [type(each).__name__.lower() for each in speak]
    line.report["recommend"] = {
        "text": " + ".join(names) or "nothing yet: there are no events",
        "left_out": getattr(fitted, "left_out_", []),
    }


def rules_stage(line: Line, shelf: Shelf, created: NDArray[np.int64] | None, end: int) -> None:
    """Look at the rules: what they cannot mean is said before anything is published."""
    asked = vars(line.config.rules)
    rules_of(asked, shelf, Filters.load(line.folders["search"] / "filters"), created, end)
    line.report["rules"] = {name: list(each) if isinstance(each, tuple) else each for name, each in asked.items()}


def _inner(model: Recommender) -> dict[str, Any]:
    """The settings of a composite that are recommenders, or lists of them."""
    own = model.get_params(deep=False) if model.APART else {}
    return {
        name: value
        for name, value in own.items()
        if isinstance(value, Recommender)
        or (isinstance(value, list) and value and all(isinstance(each, Recommender) for each in value))
    }


def _parts(line: Line, parts: Any, history: History, context: Context) -> Any:
    if isinstance(parts, list):
        return [_part(line, each, history, context) for each in parts]
    return _part(line, parts, history, context)


def _part(line: Line, part: Recommender, history: History, context: Context) -> _Learned:
    name = type(part).__name__.lower()

    def make(folder: Path, tell: Tell) -> None:
        try:
            clone(part).fit(history, context).save(folder / "model")
        except DataError as error:
            write_json(folder / "failed.json", str(error))

    reads = [*_reads(line, part, context), settings_of(part)]
    folder, _ = line.run.step(f"learn-{name}", reads, [type(part)], make, title=f"learn {name}")
    return _Learned(folder)


def _reads(line: Line, model: Recommender, context: Context) -> Sequence[str | None]:
    """The keys of what a recommender reads, by its own word."""
    keys = {
        "history": line.keys.get("history"),
        "vectors": line.keys["vectors"],
        "clusters": line.keys["clusters"],
        "created": line.keys["shelf"] if context.created is not None else None,
        "ratings": line.keys["shelf"] if context.ratings is not None else None,
        "prices": line.keys["shelf"] if context.prices is not None else None,
    }
    return [
        str(context.vectors.shape[0]) if context.vectors is not None else None,
        *(keys[each] for each in model.READS),
    ]


def known_of(shown: Catalog, vectors: Vectors, clusters: Labels) -> Context:
    """What recommenders learn from beside the history."""
    return Context(
        vectors=vectors, clusters=clusters, created=created(shown), ratings=ratings(shown), prices=prices(shown)
    )


def created(shown: Catalog) -> NDArray[np.int64] | None:
    """(n_shown,) when each product came in, ns since 1970 UTC; None where nobody says."""
    if not shown.has("created"):
        return None
    return shown.frame(["created"])["created"].dt.timestamp("ns").fill_null(0).to_numpy()


def ratings(shown: Catalog) -> NDArray[np.float32] | None:
    """(n_shown,) how people rate each product, NaN where nobody has; None where nobody says."""
    return _numbers(shown, "rating")


def prices(shown: Catalog) -> NDArray[np.float32] | None:
    """(n_shown,) the price of each product, NaN where none is known; None where there are none."""
    return _numbers(shown, "price")


def _numbers(shown: Catalog, column: str) -> NDArray[np.float32] | None:
    if not shown.has(column):
        return None
    return shown.frame([column])[column].cast(pl.Float32).fill_null(float("nan")).to_numpy()
