"""How a build runs: steps cached by what they read, watched, timed and weighed.

What a step reads is its key: hashes of files, settings, the keys of the steps before it and the source of the code that
does the work. So a second build makes only what has changed, and comes out as a build from nothing would.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from wares.config import Config
from wares.measure import Stopwatch
from wares.store.steps import Steps, hash_code


class Observer(Protocol):
    """Is told about each step of a build as it runs."""

    def step(self, name: str, expected: float = 0.0) -> AbstractContextManager["Tell"]:
        """Enter a step that is expected to take some seconds (0 = not known)."""


class Tell(Protocol):
    """A running step: call it with the share done (0..1)."""

    note: str

    def __call__(self, share: float) -> None: ...


class _Silent:
    note = ""

    def __call__(self, share: float) -> None:
        """Nobody watches."""


class Unwatched:
    """An observer that looks away."""

    @contextmanager
    def step(self, name: str, expected: float = 0.0) -> Iterator[Tell]:
        """Nothing is shown."""
        yield _Silent()


@dataclass
class Run:
    """One build in the making: its settings, its steps and what they measured."""

    config: Config
    steps: Steps
    target: Path
    observer: Observer
    expected: Mapping[str, float] = field(default_factory=dict)
    measured: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    last: Path | None = None
    """The build before this one, if there is one."""

    def step(
        self,
        name: str,
        reads: Any,
        code: Sequence[Any],
        make: Callable[[Path, Tell], None],
        *,
        title: str,
        into: str | None = None,
    ) -> tuple[Path, str]:
        """Run or reuse one step; its files become the folder `into` of the build. Returns the folder and its key.

        reads : hashes and settings. code : the classes and functions that do the work, whose source is part of the key.
        """
        watch = Stopwatch()
        with self.observer.step(title, self.expected.get(name, 0.0)) as tell:
            before = len(self.steps.used)
            folder = self.steps.run(name, [reads, hash_code(*code)], lambda draft: make(draft, tell))
            cached = len(self.steps.used) > before
            if into is not None:
                self.steps.link(folder, self.target / into)
            if cached:
                tell.note = "kept"
        self.measured.append(
            {
                "name": title,
                "step": name,
                "seconds": round(watch.seconds, 3),
                "cpu_seconds": round(watch.cpu_seconds, 3),
                "peak_mb": round(watch.peak_mb, 1),
                "cached": cached,
            }
        )
        return folder, folder.name


def read_json(path: Path) -> Any:
    """What a step noted beside its arrays."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Note something beside the arrays of a step."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
