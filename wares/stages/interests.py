"""Shoppers in groups by what they want: followed from the build before, named, described; questions for new ones."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wares.algorithm import Clusterer, Context, ReadsText, context_rows, load
from wares.arrays import Dense, Labels
from wares.data.catalog import Catalog
from wares.data.history import History
from wares.data.ids import Ids
from wares.engine import Tell, read_json, write_json
from wares.errors import SettingError
from wares.registry import make
from wares.stages.judging import LITTLE, changed_share
from wares.stages.line import Line
from wares.store.steps import hash_array, hashed
from wares.tasks import following, holding, interests, interviewing, numbering, portraying, segments, wanting
from wares.tasks.demographics import Traits

STEADY = 0.6
"""Share of an interest's shoppers that must have been in it before for it to keep its name."""


def interests_stage(line: Line, shown: Catalog, history: History, context: Context, groups: Labels, end: int) -> None:
    """Find the interests, unless that is off or there are too few shoppers. groups : (n_shown,) clusters that are seen.

    Those of the last build stand while shoppers did nothing since and few products have changed. Takes, beside the
    learning, 2 bytes for each shopper and column of a portrait on the disk.
    """
    config = line.config.interests
    line.report["interests"] = None
    active = int((np.diff(history.indptr) > 0).sum())
    if not config.on or active < max(config.least, 4):
        return
    clusterer = make(Clusterer, config.method)
    if clusterer.READS == "words":
        raise SettingError(
            f"interests.method = {config.method!r}: it counts words, and shoppers are read as vectors; take kmeans, "
            "agglomerative, gmm or leiden"
        )
    last, mark = _last(line)
    keys = _keys(line)
    names = [each["name"] for each in read_json(line.folders["groups"] / "clusters.json")]
    kinds = list(line.config.events.weights)

    def make_(folder: Path, tell: Tell) -> None:
        if last is not None and (changed := _little(line, shown, last, keys)) is not None:
            shutil.copytree(last / "interests", folder, dirs_exist_ok=True)
            marks = read_json(last / "interests" / "marks.json")
            write_json(folder / "marks.json", {**marks, "before": mark, "keys": keys, "changed": changed})
            return
        before = None if last is None else _Before(last, line.folders["history"])
        traits, table = _traits(line, history)
        known = Context(vectors=context.vectors, shoppers=table)
        model = interests.Interests(clusterer=clusterer, n_interests=config.n, seed=line.config.shop.seed).fit(
            history, known, before=None if before is None else before.labels
        )
        _hear(line, model)
        model.save(folder / "model")
        tell(0.5)
        places = _placed(model, history, known, folder)
        k = len(model.prior_)
        quiet = np.diff(history.indptr) == 0
        labels = np.where(quiet, -1, places.argmax(axis=1))
        np.save(folder / "labels.npy", labels.astype(np.int16))
        tell(0.7)
        found = wanting.wants(shown, history, labels, groups, n_interests=k, window=config.lately)
        if traits is not None and table is not None:
            for each, special in zip(found, wanting.apart(table, traits.labels, labels, k), strict=True):
                each["attributes"] = special
            write_json(folder / "traits.json", traits.json())
        followed = following.first(k) if before is None else before.follow(labels)
        kept = {} if before is None else before.names(labels, followed.ids)
        described = wanting.steady(followed.ids, found, kept)
        write_json(folder / "interests.json", described)
        write_json(folder / "choice.json", model.chosen_)
        write_json(
            folder / "ids.json",
            {"ids": followed.ids, "next_id": followed.next_id, "sizes": [each["size"] for each in described]},
        )
        write_json(folder / "followed.json", {"kept": followed.kept, "changes": [c.json() for c in followed.changes]})
        write_json(folder / "questions.json", _questions(model, history, groups, names, labels, traits, table))
        write_json(folder / "segments.json", _standing(shown, history, kinds, end, folder))
        write_json(
            folder / "marks.json", {"own": hashed([hash_array(labels), described]), "before": mark, "keys": keys}
        )

    code = [interests, interviewing, numbering, portraying, segments, wanting, following, holding, Traits]
    folder = line.step("interests", "find interests of shoppers", [*keys, mark], code, make_)
    described, choice = read_json(folder / "interests.json"), read_json(folder / "choice.json")
    line.report["interests"] = {
        "n": len(described),
        "shoppers": int(sum(each["size"] for each in described)),
        **{name: choice.get(name) for name in ("reason", "held", "silhouette", "agreement", "curve")},
        "largest": [{name: each[name] for name in ("id", "name", "size")} for each in described[:8]],
        "followed": read_json(folder / "followed.json"),
    }


def _hear(line: Line, model: interests.Interests) -> None:
    """Let the model hear what phrases are like, by the words of the clusters; encoders that read no text have none."""
    encoder = load(line.folders["vectors"] / "encoder")
    if isinstance(encoder, ReadsText):
        found = read_json(line.folders["groups"] / "clusters.json")
        words = sorted({word.lower() for each in found for word in [each["name"], *each["keywords"]]})
        model.portraits_.hear(np.asarray(encoder.encode_text(words), np.float32))


def _last(line: Line) -> tuple[Path | None, str | None]:
    """The last build, and what names its interests."""
    last = line.run.last
    if last is None or not (last / "interests" / "marks.json").exists():
        return None, None
    marks = read_json(last / "interests" / "marks.json")
    return last, marks["before"] if marks["keys"] == _keys(line) else marks["own"]


def _little(line: Line, shown: Catalog, last: Path, keys: list[str]) -> float | None:
    """The share of products that have changed since the interests were found, where they still stand: shoppers did what
    they did, the settings are the same, and the share is at most `LITTLE`."""
    marks = read_json(last / "interests" / "marks.json")
    was = marks["keys"]
    if [was[0], *was[3:]] != [keys[0], *keys[3:]]:  # all but vectors and clusters, which any change of a product moves
        return None
    share = float(marks.get("changed", 0.0)) + changed_share(shown, Catalog.of(last / "shelf" / "shelf.arrow"))
    return share if share <= LITTLE else None


def _keys(line: Line) -> list[str]:
    """What the interests are made from."""
    keys = [line.keys[each] for each in ("history", "vectors", "groups")]
    return [*keys, line.keys.get("shoppers", ""), str(vars(line.config.interests)), str(line.config.shop.seed)]


class _Before:
    """The interests of the last build, over today's shoppers."""

    def __init__(self, build: Path, history: Path) -> None:
        folder = build / "interests"
        known = read_json(folder / "ids.json")
        self.ids, self.next_id, self.sizes = known["ids"], known["next_id"], known["sizes"]
        self.described = read_json(folder / "interests.json")
        now = pl.read_ipc(history / "shoppers.arrow")["shopper"]
        rows = Ids(pl.read_ipc(build / "history" / "shoppers.arrow")["shopper"], "shopper").rows(now, missing=-1)
        self.labels = np.where(rows >= 0, np.load(folder / "labels.npy").astype(np.int64)[rows], -1)

    def follow(self, labels: Labels) -> following.Following:
        return following.follow(self.labels, labels, self.ids, self.next_id, sizes_before=self.sizes)

    def names(self, labels: Labels, ids: list[int]) -> dict[int, str]:
        """Of interests that are mostly as they were, their names."""
        known = {each["id"]: each["name"] for each in self.described}
        found = {}
        for number, id in enumerate(ids):
            was = self.labels[labels == number]
            if id in known and (was == self.ids.index(id)).sum() >= STEADY * max(len(was), 1):
                found[id] = known[id]
        return found


def _traits(line: Line, history: History) -> tuple[Traits | None, Dense | None]:
    """What is known of the shoppers of the history beside their events."""
    if "shoppers" not in line.folders:
        return None, None
    frame = pl.read_ipc(line.folders["shoppers"] / "shoppers.arrow")
    traits = Traits.of(frame)
    if not traits.columns:
        return None, None
    rows = Ids(pl.read_ipc(line.folders["history"] / "shoppers.arrow")["shopper"], "shopper").rows(
        frame["shopper"], missing=-1
    )
    table = np.zeros((len(history), traits.width), np.float32)
    table[rows[rows >= 0]] = traits.encode(frame.to_dicts())[rows >= 0]
    return traits, table


def _placed(model: interests.Interests, history: History, context: Context, folder: Path) -> Dense:
    """(n_shoppers, n_interests) the probabilities; writes them, and the shoppers' portraits, part by part."""
    k = len(model.prior_)
    places = np.empty((len(history), k), np.float32)
    width = model.portraits_.vectors_.shape[1] + model.portraits_.factors_.shape[1]
    path = folder / "portraits.npy"
    portraits = np.lib.format.open_memmap(path, "w+", np.float16, (len(history), width))
    start = 0
    for part in history.parts():
        stop = start + len(part)
        own = context_rows(context, start, stop)
        places[start:stop] = model.place(part, own)
        portraits[start:stop] = model.portrait(part, own)
        start = stop
    portraits.flush()
    np.save(folder / "places.npy", places.astype(np.float16))
    return places


def _questions(
    model: interests.Interests,
    history: History,
    groups: Labels,
    names: list[str],
    labels: Labels,
    traits: Traits | None,
    table: Dense | None,
) -> list[dict[str, Any]]:
    k = len(model.prior_)
    liked = interviewing.liking(history, groups, labels, k)
    found: dict[str, Any] = {}
    if traits is not None and table is not None:
        spans, start = {}, 0
        for each in traits.columns:
            spans[each.name] = (start, start + len(each.values))
            start += len(each.values)
        likely = interviewing.of_traits(table, spans, labels, k)
        found = {each.name: (each.values, likely[each.name]) for each in traits.columns}
    return interviewing.asked(model.prior_, liked, names[: liked.shape[1]], found)


def _standing(shown: Catalog, history: History, kinds: list[str], end: int, folder: Path) -> dict[str, Any]:
    """Segments of the shop: the edges of fifths and how many shoppers are in each; writes what each shopper has."""
    standing = segments.Standing.of(history, prices_of(shown), end, buys_of(kinds))
    np.save(folder / "rfm.npy", standing.values)
    return {"edges": [list(each) for each in standing.edges], "segments": segments.counted(standing.segments())}


def prices_of(shown: Catalog) -> NDArray[np.float64] | None:
    """(n_shown,) prices, 0 where none is known; None where there are none at all."""
    if not shown.has("price"):
        return None
    found = shown.frame(["price"])["price"].cast(pl.Float64).fill_null(0.0).to_numpy()
    return np.nan_to_num(found, posinf=0.0, neginf=0.0) if found.any() else None


def buys_of(kinds: list[str]) -> NDArray[np.float64]:
    """By the number of a kind 1 for a purchase, -1 for a return, 0 else."""
    signs: Mapping[str, float] = {"purchase": 1.0, "return": -1.0}
    return np.array([signs.get(kind, 0.0) for kind in kinds])
