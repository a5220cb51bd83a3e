"""Where a shop's images lie, whether they have changed, and which of them could not be read."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sklearn.base import clone

from wares.algorithm import Algorithm, ReadsImages
from wares.data.catalog import Catalog

A = TypeVar("A", bound=Algorithm)

_SHOWN = 20


def lookers(algorithm: Any) -> list[Any]:
    """What of an algorithm looks at images."""
    return [each for each in _inside(algorithm) if isinstance(each, ReadsImages)]


def _inside(value: Any) -> Iterator[Algorithm]:
    """An algorithm and what it is made of, settings and fitted copies alike."""
    if isinstance(value, Algorithm):
        yield value
        for each in vars(value).values():
            yield from _inside(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _inside(each)
    elif isinstance(value, dict):
        yield from _inside(list(value.values()))


def at_home(algorithm: A, sources: Sequence[Path]) -> A:
    """The same, unfitted, looking for images beside the product files where it was not told another folder."""
    if all(getattr(each, "folders", True) for each in _inside(algorithm)):
        return algorithm
    found: A = clone(algorithm)
    folders = tuple(dict.fromkeys(str(Path(source).resolve().parent) for source in sources))
    for each in _inside(found):
        if not getattr(each, "folders", True):
            each.set_params(folders=folders)
    return found


def state(algorithm: Any, catalog: Catalog) -> str:
    """A text that changes when an image file does; "" where nothing looks at images."""
    digest = hashlib.sha256()
    parts: list[Any] = [each for each in _inside(algorithm) if hasattr(each, "files")]
    for each in parts:
        for piece in catalog.pieces([each.column]):
            digest.update("\n".join(each.files(piece)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest() if parts else ""


def unread(algorithm: Any) -> dict[str, Any]:
    """How many images could not be read, by reason, and the first of them; nothing where all could."""
    bad = [bad for each in lookers(algorithm) for bad in getattr(each, "bad", ())]
    if not bad:
        return {}
    from wares.data.images import reasons  # whoever looks at images has what it takes to read them

    return {
        "unread": len(bad),
        "reasons": reasons(bad),
        "files": [{"file": each.file, "reason": each.reason} for each in bad[:_SHOWN]],
    }
