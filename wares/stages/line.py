"""What the steps of a build hand on to each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wares.config import Config
from wares.engine import Run, Tell


@dataclass
class Line:
    """What the steps have made so far: folders, and the keys that name their content."""

    run: Run
    folders: dict[str, Path] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    seq: int = 0
    """The last number of the log that this build reads."""

    @property
    def config(self) -> Config:
        """The shop's settings."""
        return self.run.config

    def step(self, name: str, title: str, reads: Any, code: Sequence[Any], make: Callable[[Path, Tell], None]) -> Path:
        """Run one step into the build folder of its own name."""
        self.folders[name], self.keys[name] = self.run.step(name, reads, code, make, title=title, into=name)
        return self.folders[name]


def settings_of(algorithm: Any) -> Any:
    """Class and settings of an algorithm and its parts, as JSON knows them."""
    if isinstance(algorithm, (list, tuple)):
        return [settings_of(each) for each in algorithm]
    if not hasattr(algorithm, "get_params"):
        return algorithm
    own = algorithm.get_params(deep=False)
    return {"class": type(algorithm).__qualname__, **{name: settings_of(value) for name, value in own.items()}}
