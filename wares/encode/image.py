"""What is on a product's photo, by a network that ships as a package, or by one of your own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
from threadpoolctl import threadpool_limits

from wares.algorithm import Context, Encoder, setting
from wares.arrays import Dense, Labels, unit
from wares.data.catalog import Catalog
from wares.data.images import Bad, Source, located, pictures, stamps
from wares.encode.cores import cores
from wares.encode.lookers import Looker, looker
from wares.encode.memory import Memory
from wares.encode.reduce import principal
from wares.errors import StoreError
from wares.kernels.project import projected

_BATCH = 64
_TOLD = 100_000  # who serves for years must not remember every photo that could not be read


@dataclass(kw_only=True, eq=False)
class Image(Encoder):
    """EfficientNet-Lite0: the last layers of a network that has learned a thousand kinds of things, reduced.

    Choose it where products have photos: what looks alike lies near, whatever it is called, and a photo finds products.
    Fuse it with a text encoder; where a product has no image, the text has all the weight. A picture's row is the same
    to the bit whatever stands beside it, on any number of threads. Images are read from files only, never from the web;
    those that cannot be read become zero rows and are told in `bad`.
    Time 9 ms an image on one core in fp32, 5 in int8; memory 150 MB and 4 x width bytes a product.

    Settings
    --------
    column : holds the name of each product's image file.
    folders : where those names are looked for; none = the working folder. A shop looks beside its product files.
    model : "efficientnet-lite0"; "onnx:FOLDER" for a CLIP or another network of yours (model.onnx, and preprocess.json
    if its pictures are not prepared as CLIP's); "openclip:NAME/WEIGHTS" by the package open-clip-torch.
    width : dimensions kept, by principal components; where the network gives no more, all.
    size : pixels of a side that are looked at; 0 = what the network was made for. Less is quicker and sees less.
    precision : of "efficientnet-lite0"; "int8" is nearly twice as fast, its rows have a cosine of .98 with the others.
    mirrored : look at the mirror image as well and take the mean; twice the time.
    sample : images that the components are learned from.
    threads : images looked at side by side; 0 = one a core. Any number gives the same bits.

    Learned
    -------
    source_ : where the network comes from, with its sha256; another one is refused.
    components_ : (d, width) float32, orthonormal columns.

    Source: Tan & Le 2019, arXiv:1905.11946.
    """

    SHOWS: ClassVar[Literal["text", "image", "behaviour", "attributes"]] = "image"

    column: str = "image"
    folders: tuple[str, ...] = ()
    model: str = "efficientnet-lite0"
    width: int = setting(256, low=1)
    size: int = setting(0, low=0, high=1024)
    precision: Literal["fp32", "int8"] = "fp32"
    mirrored: bool = False
    sample: int = setting(2_000, low=1)
    threads: int = setting(0, low=0)
    seed: int = 0

    def __post_init__(self) -> None:
        self._memory: Memory | None = None
        self.bad: list[Bad] = []

    def fit(self, catalog: Catalog, context: Context = Context(), *, same: Labels | None = None) -> Self:
        self._check()
        self.bad = []
        network = self._looker()
        self.source_ = network.source
        paths = [path for path in self._paths(catalog) if path is not None]
        if len(paths) > self.sample:
            chosen = np.random.default_rng(self.seed).choice(len(paths), self.sample, replace=False)
            paths = [paths[row] for row in np.sort(chosen).tolist()]
        rows = self._rows(paths)
        width = min(self.width, rows.shape[1])
        self.components_ = np.eye(width, dtype=np.float32)
        if width < rows.shape[1]:
            self.components_ = _directions(rows, width, np.random.default_rng(self.seed))
        self.bad = []  # told when the products are encoded, all of them
        return self

    def encode(self, catalog: Catalog) -> Dense:
        return self.encode_images(self._paths(catalog))

    def encode_images(self, paths: Sequence[Source]) -> Dense:
        """(n, width) unit rows of image files, or of their content as bytes; zero rows where one cannot be read.

        What could not be read is added to `bad`.
        """
        self.learned()
        now = self._looker().source
        if now["sha256"] != self.source_["sha256"]:
            raise StoreError(f"these vectors were made by {_told(self.source_)}, but {_told(now)} is here; build again")
        out = np.zeros((len(paths), self.components_.shape[1]), np.float32)
        step = 16 * _BATCH  # at no time are all images held at full width
        for start in range(0, len(paths), step):
            rows = self._rows(paths[start : start + step], start)
            out[start : start + step] = unit(projected(rows, np.asarray(self.components_)))
        return out

    def remember(self, memory: Memory | None) -> None:
        """Look images up in a memory before reading them, from now on: those whose file has not changed."""
        self._memory = memory

    def files(self, catalog: Catalog) -> list[str]:
        """A text for each product that changes when its image file does; "" where there is none."""
        return stamps(self._paths(catalog))

    def _paths(self, catalog: Catalog) -> list[Path | None]:
        if not catalog.has(self.column):
            return [None] * len(catalog)
        return located(catalog.frame([self.column])[self.column].to_list(), self.folders)

    def _looker(self) -> Looker:
        return looker(self.model, self.precision)

    def _rows(self, sources: Sequence[Source], start: int = 0) -> Dense:
        """(n, d) unit rows, not reduced; zero rows where there is no image."""
        if self._memory is None:
            return self._read(sources, start)
        marks = stamps([each if isinstance(each, Path) else None for each in sources])
        place = {mark: row for row, mark in reversed(list(enumerate(marks))) if mark}
        network = self._looker()
        key = f"image-{network.source['sha256'][:16]}-{self.precision}-{self.size}-{self.mirrored}"
        bad, self.bad = self.bad, []
        known = self._memory.read(key, list(place), lambda new: self._read([sources[place[mark]] for mark in new]))
        self.bad = bad
        at = {mark: row for row, mark in enumerate(place)}
        rows = np.zeros((len(sources), network.width), np.float32)
        marked = [row for row, mark in enumerate(marks) if mark]
        rows[marked] = known[[at[marks[row]] for row in marked]]
        # What is remembered as nothing is looked at again, to tell why.
        nothing = np.flatnonzero(~rows.any(axis=1)).tolist()
        rows[nothing] = self._read([sources[row] for row in nothing], rows_of=[start + row for row in nothing])
        return rows

    def _read(self, sources: Sequence[Source], start: int = 0, rows_of: Sequence[int] | None = None) -> Dense:
        network, numbers = self._looker(), rows_of or range(start, start + len(sources))
        rows = np.zeros((len(sources), network.width), np.float32)
        threads = self.threads or cores()
        for part in pictures(sources, self.size or network.size, batch=_BATCH, threads=threads):
            self.bad += (
                [] if len(self.bad) > _TOLD else [Bad(numbers[each.row], each.file, each.reason) for each in part.bad]
            )
            if len(part.rows):
                seen = network.look(part.pixels, threads)
                if self.mirrored:
                    seen = unit(seen + network.look(np.ascontiguousarray(part.pixels[:, :, ::-1]), threads))
                rows[part.rows] = seen
        return rows


def _directions(rows: Dense, width: int, rng: np.random.Generator) -> Dense:
    """(d, width) orthonormal columns: principal components, and any directions where there are fewer rows than that."""
    if len(rows) > rows.shape[1]:
        return principal(rows, width)
    with threadpool_limits(1, user_api="blas"):
        some = rows.astype(np.float64)
        values, vectors = np.linalg.eigh(some @ some.T)
        kept = np.flatnonzero(values > 1e-6 * values.max(initial=0))[::-1][:width]
        found = some.T @ vectors[:, kept]
        # Any directions keep cosines roughly: a photo that is like none of the few is still like another such.
        spare = rng.standard_normal((rows.shape[1], width - len(kept)))
        basis, turns = np.linalg.qr(np.concatenate([found, spare], axis=1))
    return np.ascontiguousarray(basis * np.sign(np.diag(turns)), np.float32)


def _told(source: dict[str, str]) -> str:
    return f"{source['package']} {source['version']} (sha256 {source['sha256'][:12]}…)"
