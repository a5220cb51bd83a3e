"""The vectors in groups; the groups followed from the build before, named, described and put in departments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import clone

from wares.algorithm import Clusterer, load
from wares.arrays import Labels, Vectors
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.data.ids import Ids
from wares.encode.bag import Bag
from wares.engine import Tell, read_json, write_json
from wares.errors import DataError
from wares.stages.line import Line, settings_of
from wares.store.steps import hash_array, hashed
from wares.tasks import (
    choosing,
    describing,
    drifting,
    following,
    holding,
    naming,
    phrasing,
    renaming,
    sparing,
    treeing,
    wording,
)

SAID = ("n_clusters", "distance_threshold", "threshold")
"""Settings that say how many clusters there are to be, each in its way."""

NAMED = "cluster-name"
"""The kind of the log's rows that say how a cluster is to be called."""


def clusters_stage(line: Line, shown: Catalog, vectors: Vectors) -> Labels:
    """(n_shown,) a clustering of these products alone, whatever was before; how many is chosen unless it is said."""
    clusterer = line.config.make(Clusterer)
    chosen = "n_clusters" in clusterer.get_params() and not any(line.config.says(f"cluster.{each}") for each in SAID)
    reads = [line.keys["vectors"], line.keys["shelf"], settings_of(clusterer), chosen]

    def make(folder: Path, tell: Tell) -> None:
        choice: dict[str, Any] = {"reason": "as the settings say", "curve": []}
        model, X = clone(clusterer), _rows(clusterer, shown, vectors, folder)
        if chosen:
            with_k = partial(with_clusters, clusterer)
            found = choosing.choose(with_k, X, seed=line.config.shop.seed)
            choice = {"reason": found.reason, "curve": found.curve, "k": found.k, "sample": found.sample}
            model = with_k(found.k)
        tell(0.6)
        model.fit(X)
        model.save(folder / "model")
        np.save(folder / "labels.npy", np.asarray(model.labels_, np.int64))
        write_json(folder / "choice.json", choice)

    line.step("clusters", "cluster products", reads, [choosing, type(clusterer)], make)
    labels: Labels = np.load(line.folders["clusters"] / "labels.npy")
    return labels


def _rows(clusterer: Clusterer, shown: Catalog, vectors: Vectors, folder: Path) -> Vectors:
    """What the clusterer reads: the vectors, or counts of words; the encoder that made those is kept."""
    if clusterer.READS == "vectors":
        return vectors
    bag = Bag().fit(shown)
    bag.save(folder / "encoder")
    return bag.counts(shown)


def with_clusters(clusterer: Clusterer, k: int) -> Clusterer:
    """The same clusterer, to make k clusters."""
    found: Clusterer = clone(clusterer).set_params(n_clusters=k)
    return found


# -- from build to build ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Before:
    """The clusters of the last build, over today's products. labels : (n_shown,) by number, -1 for new products."""

    labels: Labels
    ids: list[int]
    next_id: int
    sizes: NDArray[np.int64]
    centers: NDArray[np.float32]
    names: Mapping[int, str]

    @classmethod
    def read(cls, build: Path, shown: Catalog) -> Self:
        """What the last build's folder says."""
        folder = build / "groups"
        known = read_json(folder / "ids.json")
        labels = np.load(folder / "labels.npy")
        rows = Ids(Catalog.of(build / "shelf" / "shelf.arrow").frame(["id"])["id"]).rows(shown.ids.series, missing=-1)
        described = read_json(folder / "clusters.json")
        return cls(
            labels=np.where(rows >= 0, labels[rows], -1),
            ids=known["ids"],
            next_id=known["next_id"],
            sizes=np.bincount(labels[labels >= 0], minlength=len(known["ids"])),
            centers=np.load(folder / "centers.npy"),
            # What a person said is in the log, as long as they mean it.
            names={each["id"]: each["name"] for each in described if not each["curated"]},
        )


def groups_stage(line: Line, shown: Catalog, vectors: Vectors, labels: Labels, history: History) -> Labels:
    """(n_shown,) the clusters that people see: those of the last build as far as they still suit, with its ids.

    Without a last build, or where the settings do not want it, they are `labels`.
    """
    build, mark = _last(line)
    curated = curated_names(line.run.target.parent.parent / "log.sqlite")
    kinds = list(line.config.events.weights)
    asked = vars(line.config.names)
    reads = [line.keys["clusters"], line.keys["shelf"], line.keys.get("history"), mark, curated, kinds, asked]
    if line.run.last is not None and _failed(line.run.last):
        reads.append(line.run.last.name)  # a model that gave no names last time is asked again

    def make(folder: Path, tell: Tell) -> None:
        before = None if build is None else _Before.read(build, shown)
        fresh = load(line.folders["clusters"] / "model")
        assert isinstance(fresh, Clusterer)
        if not (labels >= 0).any():
            name = line.config.settings("cluster")[0]
            raise DataError(
                f"{name} finds no cluster among {len(labels):,} products: all of them are noise to it. Ask for smaller "
                'clusters, or set cluster.noise = "nearest" to give noise to the nearest cluster'
            )
        k = fresh.get_params().get("n_clusters") if line.config.says("cluster.n_clusters") else None
        seen, reason = _held(fresh, vectors, labels, before, k, folder)
        tell(0.4)
        found = _followed(seen, before)
        centers = drifting.means(vectors, seen)
        np.save(folder / "labels.npy", seen)
        np.save(folder / "centers.npy", centers)
        write_json(folder / "ids.json", {"ids": found.ids, "next_id": found.next_id})
        write_json(
            folder / "followed.json",
            {"kept": found.kept, "reason": reason, "changes": [each.json() for each in found.changes]},
        )
        write_json(folder / "drift.json", {"limit": drifting.limit_of(vectors, seen, centers)})
        bought = describing.bought(shown, history, kinds)
        words = sparing.read(shown, seen)
        described = describing.describe(shown, seen, vectors, centers, words, bought)
        tell(0.8)
        better, failed = renaming.better_names(described, _typical(shown, described), line.config.names)
        plain = [{**each, "name": name} for each, name in zip(described, better, strict=True)]
        names = _names(plain, found, before, curated, seen)
        write_json(folder / "warnings.json", failed)
        write_json(folder / "clusters.json", [{"id": id, **each} for id, each in zip(found.ids, names, strict=True)])
        tree = treeing.merges(centers)
        np.save(folder / "tree.npy", tree)
        write_json(folder / "tree.json", [each.json() for each in treeing.departments(words, seen, vectors, tree)])
        own = hashed([hash_array(seen), found.ids, found.next_id, [each["name"] for each in names]])
        write_json(
            folder / "marks.json",
            {"own": own, "before": mark, "clusters": line.keys["clusters"], "shelf": line.keys["shelf"]},
        )

    code = [describing, drifting, following, holding, naming, phrasing, renaming, sparing, treeing, wording]
    folder = line.step("groups", "name clusters", reads, code, make)
    _tell(line, folder)
    line.run.warnings += read_json(folder / "warnings.json")
    seen: Labels = np.load(folder / "labels.npy")
    return seen


def _failed(build: Path) -> bool:
    path = build / "groups" / "warnings.json"
    return path.exists() and bool(read_json(path))


def _last(line: Line) -> tuple[Path | None, str | None]:
    """The last build, and what names its clusters: the key of a step cannot hang on a folder's name."""
    last = line.run.last
    if last is None or not line.config.grouping.steady or not (last / "groups" / "marks.json").exists():
        return None, None
    marks = read_json(last / "groups" / "marks.json")
    if (marks["clusters"], marks["shelf"]) == (line.keys["clusters"], line.keys["shelf"]):
        return last, marks["before"]  # nothing has changed since: what was made of the one before it stands
    return last, marks["own"]


def _held(
    fresh: Clusterer, vectors: Vectors, labels: Labels, before: _Before | None, k: int | None, folder: Path
) -> tuple[Labels, str]:
    """The labels that people see and why; writes the model where it is not the fresh one."""
    if before is None:
        return labels, "first clusters"
    if np.array_equal(before.labels, labels):
        return labels, "the same clusters as before"
    if type(fresh).READS != "vectors":
        return labels, "made anew: this method reads words"
    found = holding.hold(fresh, vectors, before.labels, before.centers, k=k)
    if found.held:
        found.model.save(folder / "model")
    return np.asarray(found.model.labels_, np.int64), found.reason


def _followed(labels: Labels, before: _Before | None) -> following.Following:
    if before is None:
        return following.first(int(labels.max(initial=-1)) + 1)
    return following.follow(before.labels, labels, before.ids, before.next_id, sizes_before=before.sizes.tolist())


def _typical(shown: Catalog, described: Sequence[Mapping[str, Any]]) -> dict[int, str | None]:
    """Titles of the typical products, by row."""
    rows = sorted({row for each in described for row in each["typical"]})
    titles = shown.scan.select("title").select(pl.col("title").gather(rows)).collect()["title"].to_list()
    return dict(zip(rows, titles, strict=True))


STEADY = 0.8
"""Share of a cluster's products that must have been in it before for it to keep its name."""


def _names(
    described: list[dict[str, Any]],
    found: following.Following,
    before: _Before | None,
    curated: Mapping[str, str],
    labels: Labels,
) -> list[dict[str, Any]]:
    """The clusters, called as a curator said, else as before where they are as before, else as their words say."""
    kept = dict(curated)
    if before is not None:
        for cluster, id in enumerate(found.ids):
            was = before.labels[labels == cluster]
            number = before.ids.index(id) if id in before.names else -1
            if number >= 0 and (was == number).mean() >= STEADY <= (was == number).sum() / before.sizes[number]:
                kept.setdefault(str(id), before.names[id])
    taken = {kept[str(id)] for id in found.ids if str(id) in kept}
    out = []
    for id, each in zip(found.ids, described, strict=True):
        name = kept.get(str(id)) or _other(each["name"], taken, id)
        taken.add(name)
        out.append({**each, "name": name, "curated": str(id) in curated})
    return out


def _other(name: str, taken: set[str], id: int) -> str:
    return name if name not in taken else f"{name} ({id})"


def curated_names(path: Path) -> dict[str, str]:
    """Cluster ids, as text, to the names that people gave them; the last word counts, an empty one takes it back."""
    if not path.exists():
        return {}
    from wares.store.log import Log  # SQLAlchemy is long to import, and most builds have no log

    with Log(path) as log:
        given = {str(row["cluster"]): str(row["name"]) for _, row in log.since(NAMED)}
    return {id: name for id, name in given.items() if name}


def _tell(line: Line, folder: Path) -> None:
    described = read_json(folder / "clusters.json")
    largest = sorted(described, key=lambda each: -each["size"])[:8]
    choice = read_json(line.folders["clusters"] / "choice.json")
    line.report["clusters"] = {
        "n": len(described),
        "method": line.config.settings("cluster")[0],
        "choice": choice["reason"],
        "curve": choice["curve"],
        "largest": [{"id": each["id"], "name": each["name"], "size": each["size"]} for each in largest],
        "departments": len(read_json(folder / "tree.json")),
        "followed": read_json(folder / "followed.json"),
    }
