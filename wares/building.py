"""Source files + log → a new build, published by one rename."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wares import __version__
from wares.config import Config
from wares.engine import Observer, Run, Unwatched, read_json, write_json
from wares.measure import Stopwatch, process_peak_mb
from wares.stages import run_all
from wares.store.builds import Builds
from wares.store.steps import Steps


def build(config: Config, folder: Path, observer: Observer | None = None) -> Path:
    """Make and publish a new build of the shop in `folder`; returns its path.

    Raises DataError, SettingError, MissingExtra or StoreError; whatever is raised, the builds before it are untouched.
    """
    builds = Builds(folder)
    whole = Stopwatch()
    last = builds.all()
    before = _report(last[-1]) if last else {}
    with builds.new() as draft:
        expected = {each["step"]: each["seconds"] for each in before.get("steps", []) if not each["cached"]}
        run = Run(config, Steps(folder / "cache"), draft.folder, observer or Unwatched(), expected)
        run.last = last[-1] if last else None
        report = run_all(run)
        report |= {
            "wares": __version__,
            "shop": config.name,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "steps": run.measured,
            "warnings": run.warnings,
            "seconds": round(whole.seconds, 3),
            "cpu_seconds": round(whole.cpu_seconds, 3),
            "peak_mb": max([process_peak_mb(), *(each["peak_mb"] for each in run.measured)]),
        }
        write_json(draft.folder / "report.json", report)
        config.write(folder)
        published = builds.publish(draft, {"products": report["products"]["n"]})
        run.steps.prune()
    builds.prune(keep=2)
    return published


def _report(build: Path) -> dict[str, Any]:
    path = build / "report.json"
    return dict(read_json(path)) if path.exists() else {}
