"""Values to files and back, each by its codec; never a pickle.

A value becomes one or more files, or stands in the manifest: arrays `.npy` (mapped on load), sparse three of them, text
arrays Arrow, bytes as they are, weights of a network safetensors, a scikit-learn estimator skops (trusting
scikit-learn's types only), lists, tuples and dicts value by value, an algorithm a subfolder of its own.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator

from wares.errors import SettingError, StoreError


def digest(path: Path) -> str:
    """sha256 of a file's content, streamed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(value: Any, folder: Path, name: str, part: Callable[[Any, Path], bool]) -> dict[str, Any]:
    """Write one value under a name; returns how the manifest remembers it.

    `part` saves an algorithm into a subfolder and says True, or False where the value is none. Raises SettingError for
    a type that has no codec.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if _plain(value):
        return {"codec": "json", "value": value}
    if isinstance(value, np.ndarray):
        return _write_array(value, folder, name)
    if isinstance(value, csr_array):
        for each in ("data", "indices", "indptr"):
            np.save(folder / f"{name}.{each}.npy", getattr(value, each))
        return {"codec": "csr", "shape": list(value.shape)}
    if isinstance(value, bytes):
        (folder / f"{name}.bin").write_bytes(value)
        return {"codec": "bytes"}
    if isinstance(value, (list, tuple)):
        # Files are named by the place of a value, which cannot leave the folder whatever the key of a dict is.
        items = [write(each, folder, f"{name}.{number}", part) for number, each in enumerate(value)]
        return {"codec": "tuple" if isinstance(value, tuple) else "list", "items": items}
    if _is_network(value):
        from safetensors.torch import save_file  # torch is there already: these are its tensors

        save_file({key: each.contiguous() for key, each in value.items()}, folder / f"{name}.safetensors")
        return {"codec": "network"}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        items = [write(each, folder, f"{name}.{number}", part) for number, each in enumerate(value.values())]
        return {"codec": "dict", "keys": list(value), "items": items}
    if part(value, folder / name):
        return {"codec": "algorithm"}
    if isinstance(value, BaseEstimator):
        return _write_estimator(value, folder, name)
    raise SettingError(f"cannot save {name!r} of type {type(value).__name__}: no codec for it (pickles are not used)")


def read(entry: Mapping[str, Any], folder: Path, name: str, part: Callable[[Path], Any]) -> Any:
    """Read back what `write` wrote; arrays are memory-mapped, read-only. `part` loads an algorithm."""
    codec = entry["codec"]
    if codec == "json":
        return entry["value"]
    if codec == "array":
        # A plain view: each cut of a memory map is an object to make, a hundred of them an answer's time.
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r"))
    if codec == "csr":
        parts = tuple(np.load(folder / f"{name}.{each}.npy", mmap_mode="r") for each in ("data", "indices", "indptr"))
        return csr_array(parts, shape=tuple(entry["shape"]), copy=False)
    if codec == "text":
        import polars as pl  # only text arrays need it

        values = pl.read_ipc(folder / f"{name}.arrow")["value"].to_list()
        return np.array(values, dtype=object if entry["dtype"] == "O" else np.str_).reshape(entry["shape"])
    if codec == "bytes":
        return (folder / f"{name}.bin").read_bytes()
    if codec in ("list", "tuple", "dict"):
        items = [read(each, folder, f"{name}.{number}", part) for number, each in enumerate(entry["items"])]
        if codec == "dict":
            return dict(zip(entry["keys"], items, strict=True))
        return tuple(items) if codec == "tuple" else items
    if codec == "algorithm":
        return part(folder / name)
    if codec == "network":
        return _read_network(folder / f"{name}.safetensors")
    if codec == "sklearn":
        return _read_estimator(folder / f"{name}.skops")
    raise StoreError(f"{folder}: {name!r} was saved by codec {codec!r}, which this version does not know")


def _plain(value: Any) -> bool:
    """Whether JSON holds the value exactly."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(each) for key, each in value.items())
    if isinstance(value, list):
        return all(_plain(each) for each in value)
    return value is None or type(value) in (bool, int, float, str)


def _write_array(array: NDArray[Any], folder: Path, name: str) -> dict[str, Any]:
    if array.dtype.kind in "biufmM":
        np.save(folder / f"{name}.npy", array)
        return {"codec": "array"}
    values = array.ravel().tolist()
    if array.dtype.kind not in "UO" or not all(each is None or isinstance(each, str) for each in values):
        raise SettingError(f"cannot save {name!r}: an array of {array.dtype} that holds more than text has no codec")
    import polars as pl

    pl.DataFrame({"value": values}, schema={"value": pl.String}).write_ipc(folder / f"{name}.arrow")
    return {"codec": "text", "shape": list(array.shape), "dtype": array.dtype.kind}


def _is_network(value: Any) -> bool:
    """Whether it is the weights of a network by name, without importing torch to see."""
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(key, str) and type(each).__module__ == "torch" for key, each in value.items())
    )


def _read_network(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise StoreError(f"{path} is damaged: {error}") from error


def _write_estimator(value: BaseEstimator, folder: Path, name: str) -> dict[str, Any]:
    from skops import io  # nothing else needs it

    path = folder / f"{name}.skops"
    io.dump(value, path)
    if foreign := [each for each in io.get_untrusted_types(file=path) if not _of_scikit_learn(each)]:
        raise SettingError(f"cannot save {name!r}: it holds {foreign[0]}, and only scikit-learn's types are trusted")
    return {"codec": "sklearn"}


def _read_estimator(path: Path) -> Any:
    from skops import io

    # A type that is not trusted makes this raise before anything of it is run.
    return io.load(path, trusted=[each for each in io.get_untrusted_types(file=path) if _of_scikit_learn(each)])


def _of_scikit_learn(kind: str) -> bool:
    return kind.startswith("sklearn.")
