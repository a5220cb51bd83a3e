"""Tuning a shop: which recommenders suit it, by its own events; what is chosen goes into its `shop.toml`."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wares.algorithm import Recommender
from wares.building import build
from wares.config import Config
from wares.engine import Observer, Unwatched, write_json
from wares.models import known
from wares.opened import Opened
from wares.stages.line import settings_of
from wares.store.builds import Builds
from wares.store.files import write_text
from wares.store.steps import hash_code, hashed
from wares.tasks import costing, halving, splitting, standing
from wares.tasks.halving import Memory, Trial
from wares.tasks.tuning import Tuned, tune
from wares.written import table_of, with_algorithm

FOLDER = "tune"
"""Where the cache of a shop keeps the trials of a search that broke off."""

RESULT = "tuned.json"
"""Where a shop's folder keeps what its last tuning tried and found."""


def tune_shop(
    folder: Path | str,
    *,
    budget: float = 600.0,
    models: str | Sequence[str] = "all",
    dry_run: bool = False,
    agree: Callable[[dict[str, Any]], bool] = lambda found: True,
    observer: Observer | None = None,
) -> dict[str, Any]:
    """Find what recommends best in a shop, write it into `shop.toml` and build, unless what is there is as good.

    budget : seconds, about. models : "all" that are installed, or names, in a list or with commas between them. dry_run
    : change nothing. agree : hears what was found, and says whether it is to be written.

    Returns what `wares.tasks.tuning.tune` reports, `table` (what was chosen, as in shop.toml), `written` and `said`,
    all in sentences. A search that broke off goes on where it was, as long as events and models are the same. Raises
    DataError where there are too few events, SettingError, UnknownName, MissingExtra and StoreError; whatever is
    raised, shop and settings stay as they were.
    """
    folder = Path(folder)
    watcher = observer or Unwatched()
    now = Opened(Builds(folder).newest())
    config = Config.read(folder)
    made, missing = known(config, models)
    memory = remembered(folder, now, config, made)
    with watcher.step("tune", budget) as tell:

        def hear(name: str, share: float) -> None:
            tell.note = name
            tell(share)

        found = tune(
            made,
            config.make(Recommender),
            now.history,
            now.context,
            budget=budget,
            until=config.evaluate.moment(),
            most=config.evaluate.max_shoppers,
            memory=memory,
            seed=config.shop.seed,
            tell=hear,
        )
        tell.note = f"{len(memory.trials):,} trials"
    report = _told(found, config, missing)
    if not dry_run and found.better and agree(report):
        changed = with_algorithm(config, "recommend", found.chosen)
        build(changed, folder, observer)
        report["written"] = True
        report["said"].append("written to shop.toml and built: the shop recommends by it from now on")
    if not dry_run:
        write_json(folder / RESULT, report)
    return report


def _told(found: Tuned, config: Config, missing: dict[str, str]) -> dict[str, Any]:
    said = [*found.said, *(f"not installed: {reason}" for reason in missing.values())]
    table = table_of(found.chosen, config.shop.seed)
    return {**found.report, "table": table, "missing": missing, "said": said, "written": False}


def remembered(folder: Path, now: Opened, config: Config, models: dict[str, Recommender]) -> Memory:
    """The trials of a search that broke off, on these events with this code; each new one is on the disk at once."""
    code = hash_code(costing, halving, splitting, standing, *(type(each) for each in models.values()))
    # What a trial depends on; which models are tried beside it decides of rounds alone, which are in its own name.
    about = [now.folder.name, vars(config.evaluate), config.shop.seed, code, settings_of(list(models.values()))]
    home = folder / "cache" / FOLDER
    path = home / f"{hashed(about)}.json"
    trials: dict[str, Trial] = {}
    if path.exists():
        trials = {key: Trial(**each) for key, each in json.loads(path.read_text(encoding="utf-8")).items()}

    def keep(memory: Memory) -> None:
        home.mkdir(parents=True, exist_ok=True)
        for other in home.glob("*.json"):
            if other != path:
                other.unlink(missing_ok=True)  # of events or code that are no more
        write_text(path, json.dumps({key: vars(each) for key, each in memory.trials.items()}, ensure_ascii=False))

    return Memory(trials, keep)
