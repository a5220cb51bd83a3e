"""Networks that look at pictures, by a spec string: the one that ships as a package, a folder, a hub.

Not an algorithm itself; see `wares.encode.image`.
"""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from wares.arrays import Dense, unit
from wares.data.images import Pixels
from wares.errors import DataError, MissingExtra, SettingError
from wares.vision import efficientnet, pooling
from wares.vision.graph import Precision

_CLIP_MEAN, _CLIP_STD, _CLIP_SIZE = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711), 224


@dataclass(frozen=True, eq=False)
class Looker:
    """A network: where it comes from (package, version, sha256), the numbers of a row, the side of its pictures, and
    what it says of pictures (n, side, side, 3) on so many threads: unit rows."""

    source: dict[str, str]
    width: int
    size: int
    look: Callable[[Pixels, int], Dense]


@cache
def looker(spec: str, precision: Precision = "fp32") -> Looker:
    """The network of a spec.

    Raises SettingError for what is no spec, DataError for a folder without a network, MissingExtra.
    """
    kind, _, rest = spec.partition(":")
    if spec == "efficientnet-lite0":
        return _efficientnet(precision)
    if kind == "onnx" and rest:
        return _folder(Path(rest))
    if kind == "openclip" and rest:
        return _openclip(*rest.partition("/")[::2])
    raise SettingError(
        f"Image(model={spec!r}): allowed are 'efficientnet-lite0', 'onnx:FOLDER' and 'openclip:NAME/WEIGHTS'"
    )


def _efficientnet(precision: Precision) -> Looker:
    def look(pixels: Pixels, threads: int) -> Dense:
        return pooling.balanced(pooling.pooled(pixels, precision, threads))

    return Looker(efficientnet.source(), pooling.WIDTH, efficientnet.SIZE, look)


# -- a network of the user's ---------------------------------------------------------------------------------------


def _folder(folder: Path) -> Looker:
    """`model.onnx`, or the one .onnx file there is: pictures (n, 3, side, side) to rows, its first answer."""
    files = sorted(folder.glob("*.onnx"))
    path = folder / "model.onnx" if folder / "model.onnx" in files else (files[0] if len(files) == 1 else None)
    if path is None:
        raise DataError(
            f"{folder} holds no model.onnx, nor one .onnx file that could be meant ({len(files)} are there)"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    network = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    asked = network.get_inputs()[0]
    how = _preparation(folder / "preprocess.json", asked.shape)
    mean, std = (np.array(how[name], np.float32) * 255 for name in ("mean", "std"))

    def one(picture: Pixels) -> Dense:
        prepared = ((picture - mean) / std).transpose(2, 0, 1)[None]
        answer = np.asarray(network.run(None, {asked.name: np.ascontiguousarray(prepared, np.float32)})[0])
        return np.asarray(answer.reshape(answer.shape[1], -1).mean(axis=1), np.float32)

    def look(pixels: Pixels, threads: int) -> Dense:
        with ThreadPoolExecutor(max(threads, 1)) as pool:
            return np.asarray(unit(np.stack(list(pool.map(one, pixels)))), np.float32)

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    width = len(one(np.zeros((how["size"], how["size"], 3), np.uint8)))
    return Looker({"package": f"onnx:{folder}", "version": path.name, "sha256": digest}, width, how["size"], look)


def _preparation(path: Path, shape: list[Any]) -> dict[str, Any]:
    """mean and std of colours in 0..1, and the side of a picture: CLIP's, but for what the file and the graph say."""
    side = shape[-1] if isinstance(shape[-1], int) else _CLIP_SIZE
    how = {"mean": _CLIP_MEAN, "std": _CLIP_STD, "size": side}
    if path.is_file():
        try:
            how.update(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise DataError(f"{path} is not JSON: {error}") from error
    if len(how) > 3 or not isinstance(how["size"], int):
        raise DataError(f"{path} says {', '.join(how)}; it may say mean and std (three numbers each) and size")
    return how


def _openclip(name: str, weights: str) -> Looker:
    try:
        import open_clip
        import torch
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"openclip:{name} needs the package 'open-clip-torch': pip install open-clip-torch"
        ) from error
    network, _, _ = open_clip.create_model_and_transforms(name, pretrained=weights or None)
    network.eval()
    size = network.visual.image_size
    side = size[0] if isinstance(size, tuple) else size
    mean, std = (np.array(each, np.float32) * 255 for each in (network.visual.image_mean, network.visual.image_std))

    def look(pixels: Pixels, threads: int) -> Dense:
        prepared = np.ascontiguousarray(((pixels - mean) / std).transpose(0, 3, 1, 2), np.float32)
        with torch.inference_mode():
            # One at a time: a row must not hang on its neighbours.
            rows = [network.encode_image(each[None])[0].float().numpy() for each in torch.from_numpy(prepared)]
        return np.asarray(unit(np.stack(rows)), np.float32)

    state = hashlib.sha256()
    for key, each in sorted(network.visual.state_dict().items()):
        state.update(key.encode() + each.float().numpy().tobytes())
    source = {"package": "open-clip-torch", "version": f"{name}/{weights}", "sha256": state.hexdigest()}
    return Looker(source, int(look(np.zeros((1, side, side, 3), np.uint8), 1).shape[1]), side, look)
