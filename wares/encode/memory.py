"""What texts were read as, kept from one build to the next: only new texts are read again.

Not an algorithm: a help to encoders whose row of a text hangs on nothing but the text.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Dense

Read = Callable[[list[str]], Dense]
"""Distinct texts to (n, width) rows, each hanging on its text alone."""


def once(texts: Sequence[str], read: Read) -> Dense:
    """(n, width) rows of texts, each distinct text read once."""
    distinct = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    rows = read(list(distinct))
    if len(distinct) == len(texts):
        return rows
    return rows[np.fromiter(map(distinct.__getitem__, texts), np.int64, len(texts))]


class Memory:
    """Rows of texts, by a key that names all else they hang on, and the hash of the text; kept in a folder.

    Read as often as needed, then `keep` once: the folder then holds what was used since this memory was made, and
    only that. The folder may be deleted at any time, which costs time and nothing else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._texts: dict[str, _Texts] = {}

    @property
    def missed(self) -> int:
        """Texts that were read because no earlier build had read them."""
        return sum(each.missed for each in self._texts.values())

    def read(self, key: str, texts: list[str], read: Read) -> Dense:
        """(n, width) the rows of distinct texts; `read` is asked for those that are not remembered."""
        if key not in self._texts:
            self._texts[key] = _Texts(self.folder / key)
        return self._texts[key].read(texts, read)

    def keep(self) -> None:
        """Write what was used for the next build, and let go of the rest."""
        for each in self._texts.values():
            each.keep()
        for path in self.folder.glob("*"):
            if path.is_dir() and path.name not in self._texts:
                shutil.rmtree(path, ignore_errors=True)
        self._texts = {}


class _Texts:
    """Rows of texts under one key.

    What is on disk is memory-mapped and never written to; `keep` writes what was used since opening, and only that, as
    a new generation: `N/keys.npy` (n, 2) uint64 sorted hashes and `N/rows.npy` (n, width) float32. A generation
    appears by one rename, so a crash leaves the old one; a folder deleted at any time costs time and nothing else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.missed = 0
        self._keys: NDArray[np.uint64] = np.empty((0, 2), np.uint64)
        self._rows: Dense | None = None
        self._new: dict[bytes, NDArray[np.float32]] = {}
        self._generation = max(self._generations(), default=0)
        if self._generation:
            self._keys = np.load(self.folder / str(self._generation) / "keys.npy", mmap_mode="r")
            self._rows = np.load(self.folder / str(self._generation) / "rows.npy", mmap_mode="r")
        self._used = np.zeros(len(self._keys), np.bool_)

    def _generations(self) -> list[int]:
        return [int(path.name) for path in self.folder.glob("*") if path.name.isdecimal()]

    def read(self, texts: list[str], read: Read) -> Dense:
        """(n, width) the rows of distinct texts."""
        digests = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        places = self._places(digests)
        missing = [row for row in np.flatnonzero(places < 0).tolist() if digests[row] not in self._new]
        fresh = read([texts[row] for row in missing])
        self.missed += len(missing)
        self._new.update(zip((digests[row] for row in missing), fresh, strict=True))
        out = np.empty((len(texts), fresh.shape[1]), np.float32)
        known = places >= 0
        if self._rows is not None:
            out[known] = self._rows[places[known]]
        for row in np.flatnonzero(~known).tolist():
            out[row] = self._new[digests[row]]
        self._used[places[known]] = True
        return out

    def _places(self, digests: list[bytes]) -> NDArray[np.int64]:
        """(n,) the row on disk of each hash, -1 where it is not known."""
        if not len(self._keys) or not digests:
            return np.full(len(digests), -1, np.int64)
        keys = np.frombuffer(b"".join(digests), np.uint64).reshape(-1, 2)
        places = np.minimum(np.searchsorted(self._keys[:, 0], keys[:, 0]), len(self._keys) - 1)
        return np.where((self._keys[places] == keys).all(axis=1), places, -1)

    def keep(self) -> None:
        """Write what was used since opening for the next build, and let go of the rest."""
        if not self._new and self._used.all():
            return
        keys = [self._keys[self._used], np.frombuffer(b"".join(self._new), np.uint64).reshape(-1, 2)]
        rows = [] if self._rows is None else [self._rows[self._used]]
        rows += [np.stack(list(self._new.values()))] if self._new else []
        key = np.concatenate(keys)
        order = np.argsort(key[:, 0], kind="stable")
        temporary = self.folder / f"new-{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        np.save(temporary / "keys.npy", key[order])
        np.save(temporary / "rows.npy", np.concatenate(rows)[order] if rows else np.empty((0, 0), np.float32))
        old = self._generations()
        temporary.rename(self.folder / str(max(old, default=0) + 1))
        for each in old:
            shutil.rmtree(self.folder / str(each), ignore_errors=True)
