"""Clustering a shop again: another method, other settings, or what suits its products best."""

from pathlib import Path
from typing import Any

from wares.building import build
from wares.config import Config
from wares.engine import Observer, read_json
from wares.errors import SettingError
from wares.store.builds import Builds


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
    elected: dict[str, Any] | None = None
    if method is not None:
        config = config.with_value("cluster.use", method)
    for key, value in (settings or {}).items():
        config = config.with_value(f"cluster.{key}", value)
    config.check()
    if dry_run:
        name, own = config.settings("cluster")
        return {"before": before, "said": [_was(before), f"would be clustered by {_called(name, own)}"]}
    made = build(config, folder, observer)
    after, followed = _state(config, made), read_json(made / "report.json")["clusters"]["followed"]
    said = [_was(before), _is(after), *_changes(followed)]
    return {"before": before, "after": after, "followed": followed, "elected": elected, "said": said}


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
