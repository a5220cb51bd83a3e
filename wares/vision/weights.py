"""Weights of a network from a file that torch wrote, without torch and without running what stands in it.

Such a file holds pickles, which may call anything when they are read. Here they may call nothing but what makes a
dict and names a table; whatever else they ask for is refused.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from wares.errors import StoreError

_MAGIC = 0x1950A86A20F9469CFC6C
"""The number that such a file begins with, when it is of the kind written before 2020."""
_KINDS = {"FloatStorage": np.float32, "DoubleStorage": np.float64, "LongStorage": np.int64}


class _Storage:
    """The numbers behind tables, by the kind of number and the key they are written under."""

    def __init__(self, kind: type[np.generic], key: str) -> None:
        self.kind, self.key = kind, key


class _Table:
    """A table as strides over a storage."""

    def __init__(self, storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def over(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """The table. Raises StoreError where it reaches beyond the numbers."""
        last = self.offset + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        if min((self.offset, *self.shape, *self.strides)) < 0 or (0 not in self.shape and last >= len(numbers)):
            raise StoreError("a table reaches beyond its numbers")
        bytes_each = [step * numbers.itemsize for step in self.strides]
        view = np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, bytes_each, writeable=False)
        return np.ascontiguousarray(view)


def _table(storage: Any, offset: int, shape: Any, strides: Any, *_: Any) -> _Table:
    return _Table(storage, offset, tuple(shape), tuple(strides))


class _Reader(pickle.Unpickler):
    """Reads dicts of tables, and nothing else."""

    _ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {  # noqa: RUF012
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _table,
        **{("torch", name): kind for name, kind in _KINDS.items()},
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise StoreError(f"it asks for {module}.{name}, which weights have no need of") from None

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, *_ = pid
        return _Storage(kind, str(key))


def read(path: Path) -> dict[str, NDArray[Any]]:
    """The tables of a file of weights by name. Raises StoreError where it is no such file or is damaged."""
    try:
        with path.open("rb") as file:
            return _read(file)
    except (StoreError, pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"{path} is not a file of weights that can be read: {error}") from error


def _read(file: BinaryIO) -> dict[str, NDArray[Any]]:
    if _Reader(file).load() != _MAGIC:
        raise StoreError("it begins otherwise")
    _Reader(file).load()  # version
    system = _Reader(file).load()
    if not system["little_endian"]:
        raise StoreError("it was written on a machine of the other byte order")
    tables = _Reader(file).load()
    keys = _Reader(file).load()
    kinds = {each.storage.key: each.storage.kind for each in tables.values()}
    numbers = {key: _numbers(file, kinds[key]) for key in keys}
    return {name: each.over(numbers[each.storage.key]) for name, each in tables.items()}


def _numbers(file: BinaryIO, kind: type[np.generic]) -> NDArray[Any]:
    count = int.from_bytes(file.read(8), "little")
    size = count * np.dtype(kind).itemsize
    content = file.read(size)
    if len(content) != size:
        raise StoreError("it ends too early")
    return np.frombuffer(content, kind)
