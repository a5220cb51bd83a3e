"""What texts were read as, kept from one build to the next: only new texts are read again.

Not an algorithm: a help to encoders whose row of a text hangs on nothing but the text.
"""

import hashlib
import os
import shutil
import weakref
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Dense

Read = Callable[[list[str]], Dense]
"""Distinct texts to (n, width) rows, each hanging on its text alone."""

_COPY = 16_384  # rows carried over at a time


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
    only that. The folder may be deleted at any time, which costs time and nothing else. Rows stay on disk; a text takes
    24 bytes of memory.
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
        self.close()

    def close(self) -> None:
        """Let go of what is not kept."""
        for each in self._texts.values():
            each.close()
        self._texts = {}


class _Places:
    """Where the row of each 128-bit key stands: sorted runs of keys, merged as they grow."""

    def __init__(self) -> None:
        self._runs: list[tuple[NDArray[np.uint64], NDArray[np.int64]]] = []

    def add(self, keys: NDArray[np.uint64], places: NDArray[np.int64]) -> None:
        """Remember more keys (n, 2)."""
        self._runs.append(_ordered(keys, places))
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            (more, theirs), (own, ours) = self._runs.pop(), self._runs.pop()
            self._runs.append(_ordered(np.concatenate([own, more]), np.concatenate([ours, theirs])))

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """(n,) the place of each key, -1 where it is not known."""
        found = np.full(len(keys), -1, np.int64)
        for own, places in self._runs:
            if len(own):
                at = np.minimum(np.searchsorted(own[:, 0], keys[:, 0]), len(own) - 1)
                same = (own[at] == keys).all(axis=1)
                found[same] = places[at[same]]
        return found

    def all(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Every key in order, and its place."""
        if len(self._runs) != 1:
            keys = [np.empty((0, 2), np.uint64), *(keys for keys, _ in self._runs)]
            places = [np.empty(0, np.int64), *(places for _, places in self._runs)]
            self._runs = [_ordered(np.concatenate(keys), np.concatenate(places))]
        return self._runs[0]


def _ordered(keys: NDArray[np.uint64], places: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    order = np.argsort(keys[:, 0], kind="stable")
    return keys[order], places[order]


class _Rows:
    """Rows of float32 one after the other in a file, read and added to but never changed."""

    def __init__(self, path: Path, n: int = 0) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        weakref.finalize(self, os.close, self._file)
        self.n = n
        self.width = os.fstat(self._file).st_size // (4 * max(n, 1))

    def add(self, rows: Dense) -> NDArray[np.int64]:
        """Append rows; returns their places."""
        first, self.width = self.n, rows.shape[1]
        with os.fdopen(os.dup(self._file), "wb") as file:
            file.write(np.ascontiguousarray(rows, np.float32).data)
        self.n += len(rows)
        return np.arange(first, self.n)

    def take(self, places: NDArray[np.int64]) -> Dense:
        """(len(places), width) some rows; those side by side are read at once."""
        out = np.empty((len(places), self.width), np.float32)
        size = self.width * out.itemsize
        ends = (np.flatnonzero(np.diff(places) != 1) + 1).tolist()
        for start, stop in pairwise([0, *ends, len(places)]):
            if stop > start:
                read = os.pread(self._file, (stop - start) * size, int(places[start]) * size)
                out[start:stop] = np.frombuffer(read, np.float32).reshape(-1, self.width)
        return out


class _Texts:
    """Rows of texts under one key.

    What is on disk is never written to; `keep` writes what was used since opening, and only that, as a new generation:
    `N/keys.npy` (n, 2) uint64 sorted hashes, `N/places.npy` (n,) where the row of each stands, and `N/rows.bin`, the
    float32 rows in the order they were first asked for. A generation appears by one rename, so a crash leaves the old
    one; a folder deleted at any time costs time and nothing else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.missed = 0
        self._old, self._new = _Places(), _Places()
        self._kept: _Rows | None = None
        self._fresh: _Rows | None = None
        for left in self.folder.glob("new-*"):
            shutil.rmtree(left, ignore_errors=True)
        last = self.folder / str(max(self._generations(), default=0))
        if (last / "places.npy").is_file():
            places = np.load(last / "places.npy")
            self._old.add(np.load(last / "keys.npy"), places)
            self._kept = _Rows(last / "rows.bin", len(places))
        self._used = np.zeros(0 if self._kept is None else self._kept.n, np.bool_)
        self._draft = self.folder / f"new-{os.getpid()}"
        self._gone = weakref.finalize(self, shutil.rmtree, self._draft, ignore_errors=True)

    def _generations(self) -> list[int]:
        return [int(path.name) for path in self.folder.glob("*") if path.name.isdecimal()]

    def read(self, texts: list[str], read: Read) -> Dense:
        """(n, width) the rows of distinct texts."""
        digests = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts)
        keys = np.frombuffer(b"".join(digests), np.uint64).reshape(-1, 2)
        old, new = self._old.find(keys), self._new.find(keys)
        missing = np.flatnonzero((old < 0) & (new < 0))
        fresh = read([texts[row] for row in missing.tolist()])
        out = np.empty((len(texts), fresh.shape[1]), np.float32)
        out[missing] = fresh
        if self._kept is not None:
            out[old >= 0] = self._kept.take(old[old >= 0])
            self._used[old[old >= 0]] = True
        if self._fresh is not None:
            again = (old < 0) & (new >= 0)
            out[again] = self._fresh.take(new[again])
        if len(missing):
            if self._fresh is None:
                self._draft.mkdir(parents=True)
                self._fresh = _Rows(self._draft / "rows.new")
            self._new.add(keys[missing], self._fresh.add(fresh))
            self.missed += len(missing)
        return out

    def keep(self) -> None:
        """Write what was used since opening for the next build, and let go of the rest."""
        if self._fresh is None and self._used.all():
            return
        self._draft.mkdir(parents=True, exist_ok=True)
        n_used = int(self._used.sum())
        if n_used or self._fresh is None:
            with (self._draft / "rows.bin").open("wb") as file:
                self._carry_over(file)
            (self._draft / "rows.new").unlink(missing_ok=True)
        else:
            (self._draft / "rows.new").rename(self._draft / "rows.bin")
        (keys, places), (more, theirs) = self._old.all(), self._new.all()
        mine = self._used[places]
        now = np.cumsum(self._used) - 1  # where an old row stands from now on
        key, place = _ordered(
            np.concatenate([keys[mine], more]), np.concatenate([now[places[mine]], theirs + n_used]).astype(np.int64)
        )
        np.save(self._draft / "keys.npy", key)
        np.save(self._draft / "places.npy", place)
        old = self._generations()
        self._draft.rename(self.folder / str(max(old, default=0) + 1))
        for each in old:
            shutil.rmtree(self.folder / str(each), ignore_errors=True)

    def _carry_over(self, file: BinaryIO) -> None:
        for rows, places in ((self._kept, np.flatnonzero(self._used)), (self._fresh, None)):
            if rows is None:
                continue
            wanted = np.arange(rows.n) if places is None else places
            for start in range(0, len(wanted), _COPY):
                file.write(rows.take(wanted[start : start + _COPY]).data)

    def close(self) -> None:
        """Let go of what was not kept."""
        self._kept = self._fresh = None
        self._gone()
