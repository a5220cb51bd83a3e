"""The recommenders a shop can be asked by beside its own: judged side by side, or learned when first asked."""

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wares.algorithm import Recommender
from wares.config import Config
from wares.engine import Observer, Unwatched
from wares.errors import MissingExtra, SettingError, UnknownName
from wares.opened import Opened
from wares.registry import find, make, names
from wares.stages.line import settings_of
from wares.store.files import rename, sync
from wares.store.steps import hash_code, hashed
from wares.tasks.blending import name_of
from wares.tasks.evaluating import compare, evaluate
from wares.tasks.fusing import reads
from wares.tasks.splitting import Kind

DRAFT = 86_400.0
"""Seconds after which what was begun and not ended is removed."""

_FOLDER = "models"
"""Where the cache of a shop keeps what it learned for questions, beside its builds."""


def known(config: Config, asked: str | Sequence[str] = "all") -> tuple[dict[str, Recommender], dict[str, str]]:
    """Unfitted recommenders by name, and what is not installed, with the reason.

    asked : "all", or names, in a list or with commas between them. The shop's own has the shop's settings, others their
    defaults. Raises UnknownName with the nearest, and MissingExtra for one that was named.
    """
    every = names(Recommender)
    chosen = every if asked == "all" else asked.split(",") if isinstance(asked, str) else list(asked)
    chosen = [each.strip() for each in chosen if each.strip()]
    if not chosen:
        raise SettingError(f"no model is named; there are {', '.join(every)}, or all")
    own, _ = config.settings("recommend")
    found: dict[str, Recommender] = {}
    missing: dict[str, str] = {}
    for name in dict.fromkeys(chosen):
        if name not in every:
            raise UnknownName.among("recommender", name, [*every, "all"])
        try:
            cls = find(Recommender, name)
        except MissingExtra as error:
            if asked != "all":
                raise
            missing[name] = str(error)
            continue
        seed = {"seed": config.shop.seed} if "seed" in cls._get_param_names() else {}
        found[name] = config.make(Recommender) if name == own else make(Recommender, name, **seed)
    return found, missing


def judge(
    now: Opened, config: Config, asked: str | Sequence[str] | None, kind: Kind, observer: Observer | None = None
) -> dict[str, Any]:
    """Recommenders on one split of the shop's events; its own beside its parts where none is named.

    `recommend` is what `wares.tasks.evaluating.compare` reports. Raises DataError, SettingError, UnknownName.
    """
    watcher = observer or Unwatched()
    options: dict[str, Any] = {
        "kind": kind,
        "until": config.evaluate.moment() if kind == "time" else None,
        "max_shoppers": config.evaluate.max_shoppers,
        "seed": config.shop.seed,
    }
    context = now.context
    if asked is None:
        with watcher.step("evaluate"):
            found = evaluate(config.make(Recommender), now.history, context, **options)
    else:
        models, missing = known(config, asked)
        done: list[str] = []
        with watcher.step("evaluate") as tell:

            def hear(name: str) -> None:
                tell.note = name
                tell(len(done) / (len(models) + 1))
                done.append(name)

            found = compare(models, now.history, context, tell=hear, **options)
            tell.note = f"{len(models)} models"
        found["left_out"] |= missing
    if "history" in reads(now.encoder):
        found["protocol"] += " The products' vectors were learned from all events, those of the test too."
    return {"recommend": found}


def asked_for(
    now: Opened, config: Config, folder: Path, name: str, *, learn: bool, observer: Observer | None = None
) -> Recommender:
    """A recommender by name, fitted: the shop's own, a part of it, or any other, learned at its first use and kept.

    learn : whether it may be learned now, which can take minutes. Raises UnknownName, MissingExtra, DataError where it
    cannot be learned from these events, and SettingError where it was not learned and may not be now.
    """
    fitted: list[Recommender] = [now.recommender, *getattr(now.recommender, "parts_", [])]
    for each in fitted:
        if name_of(each) == name:
            return each
    model = known(config, [name])[0][name]
    home = folder / "cache" / _FOLDER
    path = home / f"{now.folder.name}-{name}-{hashed([settings_of(model), hash_code(type(model))])}"
    if not path.is_dir():
        if not learn:
            raise SettingError(
                f"the model {name!r} has not been learned for this build yet; learn it once by: wares recommend "
                f"{folder} --model {name}. Learned are {', '.join(_learned(now, home))}"
            )
        with (observer or Unwatched()).step(f"learn {name}"):
            _learn(model, now, home, path)
    found: Recommender = Recommender.load(path)
    return found


def _build_of(path: Path) -> str:
    return "-".join(path.name.split("-")[:2])


def _learned(now: Opened, home: Path) -> list[str]:
    """The names that can be asked for without learning."""
    own = [name_of(each) for each in (now.recommender, *getattr(now.recommender, "parts_", []))]
    kept = [path.name.removeprefix(f"{now.folder.name}-") for path in sorted(home.glob(f"{now.folder.name}-*-*"))]
    return list(dict.fromkeys([*own, *(each.rpartition("-")[0] for each in kept)]))


def _learn(model: Recommender, now: Opened, home: Path, path: Path) -> None:
    """Fit and keep; what was learned for builds that are gone is removed."""
    home.mkdir(parents=True, exist_ok=True)
    builds = {each.name for each in now.folder.parent.iterdir()}
    for each in home.iterdir():
        # A name such as 0003-c1080fc3ecae-ease-0123456789abcdef begins with that of its build. Drafts of a process that
        # was ended go as well, once nobody can be at work on them any more.
        old = time.time() - each.stat().st_mtime > DRAFT if each.name.startswith(".") else _build_of(each) not in builds
        if old:
            shutil.rmtree(each, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=".tmp-", dir=home))
    try:
        model.fit(now.history, now.context).save(draft / "model")
        sync(draft / "model")
        os.chmod(draft / "model", 0o755)
        if not path.is_dir():  # another process may have been quicker
            rename(draft / "model", path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
