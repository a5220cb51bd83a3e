"""Labels that people gave one by one, out of the log."""

from pathlib import Path

LABEL = "label"
"""The kind of the log's rows that say which category a product is in."""


def logged(path: Path) -> dict[str, str]:
    """What people said of products, id to category; the last word counts, an empty one takes it back."""
    if not path.exists():
        return {}
    from wares.store.log import Log  # SQLAlchemy is long to import, and most builds have no log

    with Log(path) as log:
        found = {str(row["product"]): str(row["path"]) for _, row in log.since(LABEL)}
    return {id: name for id, name in found.items() if name}
