"""Several encoders as one, and texts read in an earlier build remembered."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, pairwise
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
from sklearn.base import clone

from wares.algorithm import Context, Encoder
from wares.arrays import Dense, Labels, Vectors, unit
from wares.data.catalog import PIECE, Catalog
from wares.encode.features import stacked
from wares.encode.hashing import Hashing
from wares.encode.memory import Memory
from wares.errors import MissingExtra, SettingError
from wares.registry import make

_PIECE = 4 * PIECE  # larger than elsewhere, so that texts of one length find each other


@runtime_checkable
class Remembers(Protocol):
    """An encoder that can look a text up instead of reading it; what it answers is the same."""

    def remember(self, memory: Memory | None) -> None: ...


def default_parts() -> list[Encoder]:
    """Meaning and letters. Raises MissingExtra where the sentence encoder is not installed."""
    return [make(Encoder, "sentence"), Hashing(width=256)]


@dataclass(kw_only=True, eq=False)
class Fused(Encoder):
    """Unit rows of several encoders side by side, each by the root of its weight: cosines are their weighted mean.

    Choose it as the encoder of a shop: meaning from `sentence`, model numbers and sizes from `hashing`. Where a part
    knows nothing of a product, the others share its weight. A query is read by the parts that read text.
    Cost: that of the parts together.

    Settings
    --------
    parts : encoders with dense rows. weights : one for each part, in order, above 0; only their ratios count.

    Learned
    -------
    parts_ : the fitted parts. names_ : their names. spans_ : [start, stop] of the columns of each.
    """

    parts: list[Encoder] = field(default_factory=default_parts)
    weights: list[float] = field(default_factory=lambda: [1.0, 0.5])

    def __post_init__(self) -> None:
        self._memory: Memory | None = None

    def fit(self, catalog: Catalog, context: Context = Context(), *, same: Labels | None = None) -> Self:
        """Fit a copy of each part."""
        self._check()
        if len(self.parts) != len(self.weights) or not self.parts:
            raise SettingError(f"Fused: {len(self.parts)} parts need as many weights, not {len(self.weights)}")
        if min(self.weights) <= 0:
            raise SettingError(f"Fused(weights={self.weights}): a weight must be above 0")
        self.parts_: list[Encoder] = [clone(part) for part in self.parts]
        self.remember(self._memory)
        for part in self.parts_:
            part.fit(catalog, context, same=same)
        self.names_ = [type(part).__name__.lower() for part in self.parts]
        nothing = Catalog(catalog.frame(catalog.columns, slice(0, 0)))
        ends = np.cumsum([0] + [_dense(part.encode(nothing), part).shape[1] for part in self.parts_]).tolist()
        self.spans_ = [list(span) for span in pairwise(ends)]
        return self

    def encode(self, catalog: Catalog) -> Dense:
        self.learned()
        return self._joined(len(catalog), lambda part: part.encode(catalog))

    def encode_text(self, texts: Sequence[str]) -> Dense:
        self._ready()
        # Asking for the method is ten times as fast as isinstance(part, ReadsText), and the same.
        readers = [getattr(part, "encode_text", None) for part in self.parts_]
        rows = iter([None if read is None else read(texts) for read in readers])
        return self._joined(len(texts), lambda _: next(rows))

    def encode_query(self, text: str) -> Dense:
        """(1, width) what `encode_text` says of one text, give or take rounding, by the parts' own quicker ways."""
        self._ready()
        rows = iter([_of_query(part, text) for part in self.parts_])
        return self._joined(1, lambda _: next(rows))

    def remember(self, memory: Memory | None) -> None:
        """Let the parts that can look texts up in a memory, from now on."""
        self._memory = memory
        for part in getattr(self, "parts_", []):
            if isinstance(part, Remembers):
                part.remember(memory)

    def likeness(self, first: Dense, second: Dense) -> Dense:
        """(n_parts,) what each part gives to the cosine of two fused rows; their sum is the cosine."""
        self.learned()
        return np.array([first[start:stop] @ second[start:stop] for start, stop in self.spans_], np.float32)

    def _joined(self, n: int, encode: Callable[[Encoder], Vectors | None]) -> Dense:
        out = np.zeros((n, self.spans_[-1][1]), np.float32)
        for part, (start, stop), weight in zip(self.parts_, self.spans_, self.weights, strict=True):
            rows = encode(part)
            if rows is not None:
                np.multiply(_dense(rows, part), np.float32(weight**0.5), out=out[:, start:stop])
        return np.asarray(unit(out), np.float32)


def _of_query(part: Encoder, text: str) -> Vectors | None:
    quick = getattr(part, "encode_query", None)
    if quick is not None:
        return np.asarray(quick(text))
    read = getattr(part, "encode_text", None)
    return None if read is None else read([text])


def _dense(rows: Vectors, part: Encoder) -> Dense:
    if not isinstance(rows, np.ndarray):
        raise SettingError(
            f"Fused: {type(part).__name__} makes sparse rows, which cannot stand in a dense one; use LSA"
        )
    return rows


def default_encoder() -> tuple[Fused, str]:
    """The encoder of a shop that names none, and what is lost with it: "" where nothing is."""
    try:
        return Fused(), ""
    except MissingExtra as missing:
        lost = f"no search by meaning or across languages, products are compared by their words only: {missing}"
        return Fused(parts=[make(Encoder, "lsa"), Hashing(width=256)]), lost


def reads(encoder: Encoder) -> list[str]:
    """What an encoder, or a part of it, reads beside the catalog."""
    parts = encoder.parts if isinstance(encoder, Fused) else [encoder]
    return sorted({name for part in parts for name in part.READS})


def blinded(encoder: Encoder, columns: Sequence[str]) -> Encoder:
    """An unfitted copy that reads these columns only, as text and as attributes."""
    blind: Encoder = clone(encoder)
    for part in blind.parts if isinstance(blind, Fused) else [blind]:
        settings = part.get_params(deep=False)
        if "columns" in settings:
            part.set_params(columns=tuple(columns))
        for name in ("numbers", "names"):
            if name in settings:
                part.set_params(**{name: tuple(each for each in settings[name] if each in columns)})
    return blind


# -- remembering -----------------------------------------------------------------------------------------------------


@contextmanager
def remembering(encoder: Encoder, folder: Path) -> Iterator[Memory]:
    """Inside, the encoder looks texts up in the folder; on leaving well, the folder holds what was used, and only that.

    What the encoder answers is the same to the bit, whatever the folder holds.
    """
    memory = Memory(folder)
    if not isinstance(encoder, Remembers):
        yield memory
        return
    encoder.remember(memory)
    try:
        yield memory
        memory.keep()
    finally:
        encoder.remember(None)
        memory.close()


def fit_cached(
    encoder: Encoder,
    catalog: Catalog,
    folder: Path,
    context: Context = Context(),
    *,
    same: Labels | None = None,
    tell: Callable[[float], None] | None = None,
    out: Path | None = None,
) -> Vectors:
    """Fit an encoder and encode the catalog, reading only texts that the folder does not remember.

    `tell` hears the share done, as far as it is known. `out` is as `encoded` has it.
    """
    with remembering(encoder, folder):
        encoder.fit(catalog, context, same=same)
        if tell is not None:
            tell(0.4)
        return encoded(encoder, catalog, out, None if tell is None else lambda share: tell(0.4 + 0.6 * share))


def encode_cached(encoder: Encoder, catalog: Catalog, folder: Path, *, out: Path | None = None) -> Vectors:
    """Encode a catalog with a fitted encoder, reading only texts that the folder does not remember."""
    with remembering(encoder, folder):
        return encoded(encoder, catalog, out)


# -- piece by piece --------------------------------------------------------------------------------------------------


def encoded(
    encoder: Encoder, catalog: Catalog, out: Path | None = None, tell: Callable[[float], None] | None = None
) -> Vectors:
    """What the encoder makes of a catalog, read piece by piece, since a row hangs on its product alone.

    With `out` the rows are written there (`.npy`) as they are made and come back mapped: at no time are text or rows of
    the whole catalog held. Sparse rows are held.
    """
    pieces = catalog.pieces(size=_PIECE)
    first = encoder.encode(next(pieces, catalog))
    if out is None or not isinstance(first, np.ndarray):
        parts = [first, *(encoder.encode(piece) for piece in pieces)]
        if len(parts) == 1:
            return first
        sparse = [part for part in parts if not isinstance(part, np.ndarray)]
        if sparse:
            return stacked(sparse, first.shape[1])
        return np.concatenate([part for part in parts if isinstance(part, np.ndarray)])
    with out.open("wb") as file:
        shape = {"descr": np.lib.format.dtype_to_descr(first.dtype), "fortran_order": False}
        np.lib.format.write_array_header_1_0(file, {**shape, "shape": (len(catalog), first.shape[1])})
        done = 0
        for rows in chain([first], map(encoder.encode, pieces)):
            np.ascontiguousarray(rows).tofile(file)
            done += rows.shape[0]
            if tell is not None:
                tell(done / max(len(catalog), 1))
    found: Vectors = np.load(out, mmap_mode="r")
    return found
