"""Steps of a build, cached by what they read: the same input, settings and code give the same folder again.

A step is made in a hidden folder and renamed to its key, like a build; its files are then hard-linked into the build,
so that cache and builds share the disk. The inputs of a step are hashes and settings; where a step reads another, the
key of that other is its hash.
"""

import hashlib
import inspect
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from wares import __version__
from wares.errors import StoreError
from wares.store.files import digest, is_full, link, readable, rename, size_of, sync, write_text

_DRAFT = ".tmp-"
_MEMO = "sources.json"
_STEP = re.compile(r".+-[0-9a-f]{16}")
_SETTLED = 2.0  # seconds: file systems keep times that coarsely, so a file changed just now may change again unseen


@dataclass
class Steps:
    """The cached steps of one shop.

    Used by one build at a time (the lock of `Builds.new`); what a crash leaves is removed when the next one opens.
    `used` and `made` tell which steps of this run came from the cache and which did not, by the name of their folder.
    """

    folder: Path
    used: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = Path(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.glob(f"{_DRAFT}*"):
            shutil.rmtree(path, ignore_errors=True)

    def key(self, name: str, inputs: Any) -> str:
        """The name of a step's folder: `name-HASH`, the hash being of the inputs and the version of wares."""
        return f"{name}-{hashed(inputs)}"

    def run(self, name: str, inputs: Any, make: Callable[[Path], None]) -> Path:
        """The folder of a step: from the cache, or made now by `make(empty folder)`.

        `inputs` is anything JSON knows (paths too): hashes of what the step reads, its settings, and a version of its
        code where that may change what it gives. Raises StoreError where the disk is full; whatever goes wrong leaves
        nothing behind.
        """
        key = self.key(name, inputs)
        path = self.folder / key
        if path.is_dir():
            self.used.append(key)
            return path
        with self._draft() as draft:
            make(draft)
            sync(draft)
            rename(draft, path)
        self.made.append(key)
        return path

    def link(self, step: Path, target: Path) -> Path:
        """The files of a step as part of a build: hard links, or copies where the file system has none."""
        target.mkdir(parents=True, exist_ok=True)
        link(step, target)
        return target

    def prune(self, keep: Sequence[str] | None = None) -> list[str]:
        """Remove the steps that are not in `keep` (those of this run unless given); returns what was removed."""
        wanted = set(self.used + self.made if keep is None else keep)
        steps = [path for path in self.folder.iterdir() if _STEP.fullmatch(path.name)]  # others keep things here too
        gone = [path for path in steps if path.name not in wanted]
        for path in gone:
            shutil.rmtree(path, ignore_errors=True)
        return sorted(path.name for path in gone)

    def hash_file(self, path: Path | str) -> str:
        """sha256 of a file's content; a file of the same size and time of change as before is not read again.

        The trade: content replaced without a change of size and with the old time put back (by hand, or by a tool that
        keeps times) goes unseen. A file changed within the last two seconds is always read, since a second change may
        leave the same time.
        """
        full = Path(path).absolute()
        stat = full.stat()
        mark = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        memo = self._memo()
        known = memo.get(str(full))
        if known and known["mark"] == mark:
            return str(known["sha256"])
        found = digest(full)
        after = full.stat()
        if time.time() - stat.st_mtime > _SETTLED and [after.st_size, after.st_mtime_ns, after.st_ino] == mark:
            memo[str(full)] = {"mark": mark, "sha256": found}
            write_text(self.folder / _MEMO, json.dumps(memo, ensure_ascii=False, indent=1))
        return found

    def _memo(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.folder / _MEMO).read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError):  # it can always be computed again
            return {}

    @contextmanager
    def _draft(self) -> Iterator[Path]:
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self.folder))
        os.chmod(draft, 0o755)
        try:
            yield draft
        except Exception as error:
            if not is_full(error) or isinstance(error, StoreError):
                raise
            written, free = readable(size_of(draft)), readable(shutil.disk_usage(self.folder).free)
            raise StoreError(
                f"the disk is full: a step of the build had written {written} to {self.folder} and {free} were left; "
                "free some space, or build in another place. The last build is untouched"
            ) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def hashed(inputs: Any) -> str:
    """16 hexadecimal digits of anything JSON knows, whatever the order of its keys, and of the version of wares."""
    text = json.dumps([__version__, inputs], sort_keys=True, ensure_ascii=False, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a step cannot be known by a {type(value).__name__}; give its hash")


def hash_code(*things: Any) -> str:
    """16 hexadecimal digits of the source files where classes or functions stand: a step's code version that no one
    can forget to raise."""
    files = sorted({inspect.getsourcefile(each) or "" for each in things})
    return hashed([digest(Path(path)) for path in files])


def hash_array(array: NDArray[Any] | csr_array) -> str:
    """16 hexadecimal digits of an array's shape, type and content."""
    if isinstance(array, csr_array):
        return hashed([list(array.shape), *(hash_array(each) for each in (array.data, array.indices, array.indptr))])
    found = hashlib.sha256(f"{array.shape}{array.dtype.str}".encode())
    found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()[:16]


def hash_frame(frame: pl.DataFrame) -> str:
    """16 hexadecimal digits of a frame's columns and rows, in their order."""
    # 64 bits a row by polars (its hash may differ between versions, which then costs one build), sha256 over them.
    rows = frame.hash_rows(seed=0).to_numpy() if frame.width else np.empty(0, np.uint64)
    schema = [[name, str(kind)] for name, kind in frame.schema.items()]
    return hashed([pl.__version__, schema, frame.height, hash_array(rows)])
