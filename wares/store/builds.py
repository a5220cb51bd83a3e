"""Builds: folders that never change once published.

A build is made in a hidden folder beside the others and published by one rename, after every byte of it is on the disk.
The newest build is the one with the highest number: a name that is there is complete, so no pointer could ever disagree
with the folders. A crash at any moment leaves the builds before it as they were.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from wares import __version__
from wares.errors import StoreError, did_you_mean
from wares.store.files import digests, files_of, is_full, locked, readable, rename, size_of, sync, write_text

FORMAT = 3
"""Version of what a build holds; a build of another format is made anew."""

MANIFEST = "build.json"
_NAME = re.compile(r"(\d{4,})-([0-9a-f]{12})")
_DRAFT = ".tmp-"


@dataclass
class Draft:
    """A build in the making: write into `folder`, then publish."""

    folder: Path
    published: Path | None = None


@dataclass(frozen=True)
class Held:
    """A published build that is not pruned until `close` (or the end of the process)."""

    path: Path
    _handle: list[int] = field(repr=False)

    def close(self) -> None:
        """Let it go; closing twice does no harm."""
        while self._handle:
            os.close(self._handle.pop())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Builds:
    """The builds of one shop folder."""

    def __init__(self, shop: Path | str) -> None:
        self.shop = Path(shop)
        self.folder = self.shop / "builds"

    # -- making ----------------------------------------------------------------------------------------------------

    @contextmanager
    def new(self) -> Iterator[Draft]:
        """A draft to write into. What is not published when the block ends is removed, whatever ended it.

        Raises StoreError where another build of the shop is running, the folder cannot be written, or the disk is full.
        """
        self._prepare()
        with locked(self.folder / ".lock", f"a build of {self.shop}"):
            self._clean()
            draft = Draft(Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self.folder)))
            os.chmod(draft.folder, 0o755)  # mkdtemp's 0700 would keep out a server that runs as another user
            try:
                yield draft
            except Exception as error:
                if not is_full(error) or isinstance(error, StoreError):
                    raise
                raise self._full(draft) from error
            finally:
                if draft.published is None:
                    shutil.rmtree(draft.folder, ignore_errors=True)

    def publish(self, draft: Draft, meta: Mapping[str, Any] | None = None) -> Path:
        """Write the manifest, have every byte on the disk, and give the folder its final name: `builds/NNNN-HASH`.

        `meta` is what the maker wants remembered in the manifest. The hash is of the files' names and contents.
        """
        paths = {str(path.relative_to(draft.folder)): path for path in files_of(draft.folder)}
        kept = self._kept(paths)
        fresh = digests(path for name, path in paths.items() if name not in kept)
        files = {
            name: {"sha256": kept.get(name) or fresh[path], "size": path.stat().st_size} for name, path in paths.items()
        }
        content = "".join(f"{each['sha256']} {name}\n" for name, each in files.items())
        manifest = {
            "format": FORMAT,
            "wares": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "meta": dict(meta or {}),
            "files": files,
        }
        write_text(draft.folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
        sync(draft.folder)
        number = max((self._number(path) for path in self.all()), default=0) + 1
        target = self.folder / f"{number:04d}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
        rename(draft.folder, target)
        draft.published = target
        return target

    def _kept(self, paths: Mapping[str, Path]) -> dict[str, str]:
        """The digests of those files that are hard links of files of the last build: published once, never changed."""
        for last in self.all()[-1:]:
            with suppress(StoreError, KeyError, TypeError):  # a manifest that is damaged: everything is read then
                known = read_manifest(last)["files"]
                return {
                    name: str(known[name]["sha256"])
                    for name, path in paths.items()
                    if name in known and _same(path, last / name, known[name]["size"])
                }
        return {}

    def _prepare(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise StoreError(f"{self.shop} is a file, not a folder; a shop needs a folder of its own") from None
        except PermissionError:
            raise StoreError(f"cannot write in {self.shop}: permission denied") from None
        except OSError as error:
            raise StoreError(f"cannot make {self.folder}: {error.strerror}") from error

    def _clean(self) -> None:
        """Remove what crashed builds left; only called under the lock, so none of it is being written."""
        for path in self.folder.glob(f"{_DRAFT}*"):
            shutil.rmtree(path, ignore_errors=True)

    def _full(self, draft: Draft) -> StoreError:
        written, free = size_of(draft.folder), shutil.disk_usage(self.folder).free
        done = self.all()
        needed = max(written, size_of(done[-1])) if done else written
        last = f"; the last build, {done[-1].name}, is untouched" if done else ""
        return StoreError(
            f"the disk is full: {readable(written)} of the build were written to {self.folder} and {readable(free)} "
            f"were left; it needs {'about' if done else 'more than'} {readable(needed)}. Free some space, or build in "
            f"another place{last}"
        )

    # -- finding ---------------------------------------------------------------------------------------------------

    def all(self) -> list[Path]:
        """The published builds, oldest first."""
        if not self.folder.is_dir():
            return []
        found = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name) and path.is_dir()]
        return sorted(found, key=self._number)

    def newest(self) -> Path:
        """The build to serve. Raises StoreError saying what is wrong and how to mend it."""
        found = self.all()
        if not found:
            raise StoreError(self._why_none())
        self.check(found[-1])
        return found[-1]

    def check(self, build: Path) -> dict[str, Any]:
        """The manifest of a build that is whole and of this format. Raises StoreError otherwise.

        Looks at the names and sizes of the files; `verify` reads them.
        """
        mend = f"make it anew with: wares build {self.shop}"
        manifest = read_manifest(build, mend)
        if manifest["format"] != FORMAT:
            age = "an older" if manifest["format"] < FORMAT else "a newer"
            raise StoreError(
                f"build {build.name} was made by {age} wares ({manifest['wares']}, format {manifest['format']}; "
                f"this is {__version__}, format {FORMAT}); {mend}"
            )
        for name, known in manifest["files"].items():
            path = build / name
            if not path.is_file() or path.stat().st_size != known["size"]:
                state = "has changed" if path.is_file() else "is missing"
                raise StoreError(f"build {build.name} is damaged: {name} {state}; {mend}")
        return manifest

    def verify(self, build: Path) -> list[str]:
        """The files of a build whose content is not what was published; empty where all is well."""
        files = self.check(build)["files"]
        found = digests(build / name for name in files)
        return [name for name, known in files.items() if found[build / name] != known["sha256"]]

    def hold(self, build: Path | None = None) -> Held:
        """Keep a build, the newest unless given, from being pruned while it is read."""
        while True:
            path = build or self.newest()
            try:
                handle = os.open(path / MANIFEST, os.O_RDONLY)
            except FileNotFoundError:
                if build is not None:
                    raise StoreError(f"there is no build {build}") from None
                continue  # pruned between the look and the open: there is a newer one
            fcntl.flock(handle, fcntl.LOCK_SH)
            if (path / MANIFEST).exists():
                return Held(path, [handle])
            os.close(handle)

    def prune(self, keep: int = 2, *, held: bool = False) -> list[Path]:
        """Remove all but the newest `keep` builds, and return what was removed.

        A build that a reader holds stays, unless `held`: what such a reader has mapped lives on without a name, but it
        can open nothing more.
        """
        return [path for path in self.all()[: -max(keep, 1)] if self._remove(path, held)]

    def _remove(self, build: Path, held: bool) -> bool:
        try:
            handle = os.open(build / MANIFEST, os.O_RDONLY)
        except FileNotFoundError:  # another process prunes too, or it is damaged
            shutil.rmtree(build, ignore_errors=True)
            return True
        try:
            if not held:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Out of sight first: a half removed build must never be found.
            hidden = self.folder / f"{_DRAFT}gone-{build.name}"
            os.replace(build, hidden)
            shutil.rmtree(hidden, ignore_errors=True)
        except BlockingIOError:
            return False
        finally:
            os.close(handle)
        return True

    def _why_none(self) -> str:
        if not self.shop.exists():
            return f"there is no shop folder {self.shop}{self._nearest_shop()}"
        if not self.shop.is_dir():
            return f"{self.shop} is a file, not a shop folder{self._nearest_shop()}"
        if not is_shop(self.shop) and not self.folder.is_dir():
            return f"{self.shop} is not a shop folder: it has neither shop.toml nor builds/{self._nearest_shop()}"
        how = "" if (self.shop / "shop.toml").exists() else " --products FILE --events FILE"
        return f"the shop {self.shop} has no build yet; make one with: wares build {self.shop}{how}"

    def _nearest_shop(self) -> str:
        beside = self.shop.absolute().parent
        shops = [path.name for path in beside.iterdir() if is_shop(path)] if beside.is_dir() else []
        if not shops:
            return "; make a shop with: wares build FOLDER --products FILE --events FILE"
        return did_you_mean(self.shop.name, shops) or f"; shops beside it: {', '.join(sorted(shops)[:5])}"

    @staticmethod
    def _number(build: Path) -> int:
        return int(build.name.partition("-")[0])


def _same(path: Path, other: Path, size: int) -> bool:
    """Whether two names are one file of that size."""
    try:
        return path.samefile(other) and path.stat().st_size == size
    except FileNotFoundError:
        return False


def is_shop(folder: Path) -> bool:
    """Whether a folder is one that `wares build` made."""
    return (folder / "shop.toml").is_file() or bool(Builds(folder).all())


def read_manifest(build: Path, mend: str = "") -> dict[str, Any]:
    """The manifest of a published build as it stands. Raises StoreError where it is missing or damaged."""
    try:
        manifest = json.loads((build / MANIFEST).read_text(encoding="utf-8"))
        if not isinstance(manifest["format"], int) or not isinstance(manifest["files"], dict):
            raise KeyError("format")
    except FileNotFoundError:
        raise StoreError(f"{build} is not a build: it has no {MANIFEST}; {mend}".rstrip("; ")) from None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise StoreError(f"{build / MANIFEST} is damaged; {mend}".rstrip("; ")) from None
    return dict(manifest)
