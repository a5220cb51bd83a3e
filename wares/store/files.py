"""Files that are whole or not there: digests, syncing, atomic replacement, a lock, and what a full disk looks like."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from wares.errors import StoreError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# numpy, polars and SQLite report a full disk in words of their own, some without the number of the error.
_FULL_WORDS = (
    "no space left",
    "not enough free space",
    "disk is full",
    "requested and",
    "file too large",
    "quota exceeded",
)


def digest(path: Path) -> str:
    """sha256 of a file's content, streamed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_of(folder: Path) -> list[Path]:
    """Every file below a folder, in the order of their paths."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def digests(paths: Iterable[Path]) -> dict[Path, str]:
    """sha256 of each file; two are read at once, hashlib works without the interpreter's lock."""
    wanted = list(paths)
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(wanted, pool.map(digest, wanted), strict=True))


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def sync(folder: Path) -> None:
    """Have every file and folder below, and the folder itself, on the disk before going on."""
    for path in [*folder.rglob("*"), folder]:
        _fsync(path)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def rename(source: Path, target: Path) -> None:
    """Move a folder or file to its final name at one stroke, and have the new name on the disk."""
    os.replace(source, target)
    _fsync(target.parent)


def write_text(path: Path, text: str) -> None:
    """Replace a file's content at one stroke: a reader, or a crash, finds the old text or the new, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        rename(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def link(source: Path, target: Path) -> None:
    """The same files under another folder: hard links, or copies where the file system has none."""
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, place)
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno in _FULL:
                raise
            shutil.copy2(path, place)  # another file system, or one without hard links


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one it came from, says that the disk (or a quota, or the size of a file) is at its end."""
    while error is not None:
        words = str(error).lower()
        if getattr(error, "errno", None) in _FULL or any(each in words for each in _FULL_WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False


def readable(size: float) -> str:
    """A number of bytes for people, such as "1.5 GB"."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file `path` alone. Raises StoreError naming the process that holds it.

    The kernel drops the lock with the process that held it, however that ended: a stale lock cannot be.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"{what} is running already{_holder(path)}; wait for it or end it") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def _holder(path: Path) -> str:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, OSError):  # it holds the lock but has not written its name yet
        return ""
    return f" (process {known['pid']} on {known['host']})"
