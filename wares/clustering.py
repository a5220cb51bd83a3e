"""Clustering a shop again: another method, other settings, or what suits its products best."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from wares.algorithm import Clusterer
from wares.arrays import Vectors
from wares.building import build
from wares.config import Config
from wares.encode.bag import Bag
from wares.engine import Observer, Unwatched, read_json, write_json
from wares.errors import MissingExtra, SettingError
from wares.opened import Opened
from wares.registry import find, make, names
from wares.store.builds import Builds
from wares.tasks.electing import Election, elect

FIRST = ("kmeans", "multinomial", "leiden", "agglomerative", "bisecting")
"""Methods that are quick and unlike each other, tried before the others."""

ELECTION = "election.json"
"""Where a shop's folder keeps what its last election tried and found."""


def recluster(
    folder: Path | str,
    *,
    method: str | None = None,
    settings: dict[str, str] | None = None,
    budget: float | None = None,
    dry_run: bool = False,
    observer: Observer | None = None,
) -> dict[str, Any]:
    """Change how a shop is clustered, build it, and say what that did; the settings go into its `shop.toml`.

    method : the name of a clusterer, or the path of one of scikit-learn's; None = the shop's. settings : of the method,
    as text. budget : seconds to find the method and the number of clusters that suit the products; the method is then
    one of those tried. dry_run : only say what would be done.

    Returns `before` and `after` (method, number of clusters, silhouette, settings), `followed` (share of products whose
    cluster kept its id, and what changed) and `said`, the same in sentences. Raises SettingError, StoreError or
    DataError; whatever is raised, shop and settings stay as they were.
    """
    folder = Path(folder)
    if budget is not None and method is not None:
        raise SettingError("--auto finds the method: leave --method out, or --auto")
    last = Builds(folder).newest()
    config = Config.read(folder)
    before = _state(config, last)
    elected: Election | None = None
    if budget is not None:
        elected = _elected(config, last, budget, observer or Unwatched())
        config = config.with_value("cluster.use", elected.chosen.method)
        config = config.with_value("cluster.n_clusters", str(elected.chosen.k))
    if method is not None:
        config = config.with_value("cluster.use", method)
    for key, value in (settings or {}).items():
        config = config.with_value(f"cluster.{key}", value)
    config.check()
    if dry_run:
        name, own = config.settings("cluster")
        return {
            "before": before,
            "elected": None if elected is None else elected.as_json(),
            "said": [_was(before), *_ranking(elected), f"would be clustered by {_called(name, own)}"],
        }
    made = build(config, folder, observer)
    after, followed = _state(config, made), read_json(made / "report.json")["clusters"]["followed"]
    if elected is not None:
        write_json(folder / ELECTION, elected.as_json())
    return {
        "before": before,
        "after": after,
        "followed": followed,
        "elected": None if elected is None else elected.as_json(),
        "said": [_was(before), *_ranking(elected), _is(after), *_changes(followed)],
    }


def _elected(config: Config, build: Path, budget: float, observer: Observer) -> Election:
    """The method and number of clusters for the products of a build, with the settings' own where it is theirs."""
    now = Opened(build)
    name, own = config.settings("cluster")
    own.pop("n_clusters", None)
    candidates: dict[str, Callable[[int | None], Clusterer]] = {}
    known = names(Clusterer)
    for each in [*(each for each in FIRST if each in known), *(each for each in known if each not in FIRST)]:
        try:
            cls = find(Clusterer, each)
        except MissingExtra:
            continue  # what is not installed is not tried; `wares algorithms` says how to have it
        if cls.RECOMMENDED and "n_clusters" in cls._get_param_names():
            settings = {"seed": config.shop.seed} if "seed" in cls._get_param_names() else {}
            candidates[each] = partial(_made, each, {**settings, **(own if each == name else {})})
    with observer.step("try methods and numbers of clusters", budget):
        views: dict[str, Vectors] = {
            "vectors": now.vectors,
            "words": Bag().fit(now.shelf.shown).counts(now.shelf.shown),
        }
        return elect(candidates, views, budget=budget, history=now.history, seed=config.shop.seed)


def _made(name: str, settings: dict[str, Any], k: int | None) -> Clusterer:
    return make(Clusterer, name, **settings, n_clusters=k)


def _ranking(elected: Election | None) -> list[str]:
    """What was chosen and why, and the best of what was tried."""
    if elected is None:
        return []
    said = [f"chosen: {elected.chosen.method} with {elected.chosen.k} clusters. {elected.reason}"]
    for each in elected.ranking[:6]:
        measures = [
            f"{label} {value:.3f}"
            for label, value in (
                ("stability", each.stability),
                ("silhouette", each.silhouette),
                ("tells", each.tells),
                ("together", each.together),
            )
            if value is not None
        ]
        said.append(f"  {each.method}, {each.k} clusters: {', '.join(measures)} ({each.seconds:.1f} s a fit)")
    if elected.left_out:
        said.append(
            f"  no time for {len(elected.left_out)} more, such as {elected.left_out[0]}: give a longer --budget"
        )
    return said


def _state(config: Config, made: Path) -> dict[str, Any]:
    report = read_json(made / "report.json")
    name, own = config.settings("cluster")
    judged = (report.get("evaluation") or {}).get("clusters", {}).get("quality", {})
    return {
        "method": name,
        "settings": own,
        "clusters": report["clusters"]["n"],
        "choice": report["clusters"]["choice"],
        "silhouette": judged.get("silhouette"),
    }


def _called(name: str, settings: dict[str, Any]) -> str:
    said = ", ".join(f"{key} = {value}" for key, value in settings.items())
    return f"{name} ({said})" if said else name


def _measured(state: dict[str, Any]) -> str:
    quality = "" if state["silhouette"] is None else f", silhouette {state['silhouette']:.3f}"
    return f"{state['clusters']} clusters by {_called(state['method'], state['settings'])}{quality}"


def _was(state: dict[str, Any]) -> str:
    return f"before: {_measured(state)}"


def _is(state: dict[str, Any]) -> str:
    return f"now:    {_measured(state)}; {state['choice']}"


def _changes(followed: dict[str, Any]) -> list[str]:
    said = [f"{followed['kept']:.0%} of the products are in a cluster of the same id; {followed['reason']}"]
    for each in followed["changes"][:20]:
        before, now = (", ".join(map(str, each[side])) for side in ("before", "now"))
        ids = f"{before} -> {now}" if before and now else before or now
        said.append(f"  {each['kind']} {ids}: {each['products']:,} products")
    if len(followed["changes"]) > 20:
        said.append(f"  and {len(followed['changes']) - 20} more")
    return said
