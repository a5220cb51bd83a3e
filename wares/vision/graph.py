"""EfficientNet-Lite0 as an ONNX graph: pixels to what is pooled from its layers; in float32 or in whole numbers.

In whole numbers each layer's output is a byte. After a bend it lies in 0..6 by construction; where a block ends, in
what its normalisation gives, so many deviations around its mean: no pictures are needed to find out. Weights are of
seven bits, since some processors add up pairs of products in sixteen bits, and eight would overflow there and not
elsewhere; layers that look at each channel by itself add up none, and have eight.

Source: Jacob et al. 2018, arXiv:1712.05877, for whole numbers.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from wares.vision.efficientnet import MEAN, SPREAD, Block, Layer, blocks

Precision: TypeAlias = Literal["fp32", "int8"]

_SEVEN_BITS, _EIGHT_BITS = 63.0, 127.0
_DEVIATIONS = 6.0
_BENT = 6 / 255
"""A step of a byte where 255 is 6."""


def graph(taps: Sequence[int], precision: Precision = "fp32") -> bytes:
    """The network: `pixels` (n, side, side, 3) uint8 to `pooled` (n, width) float32, the mean over the places of each
    tapped block, one after the other; block 17 is the head."""
    return (_Floats() if precision == "fp32" else _Bytes()).model(taps)


class _Graph(ABC):
    """A graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: Any, kind: type[np.generic] = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, kind).reshape(np.shape(value)), name))
        return name

    def add(self, op: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        out = out or f"{op}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [out], **attributes))
        return out

    def model(self, taps: Sequence[int]) -> bytes:
        pixels = self.add("Transpose", self.add("Cast", "pixels", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
        x = self.add("Div", self.add("Sub", pixels, self.constant(MEAN)), self.constant(SPREAD))
        pooled = []
        x = self.begin(x)
        for number, block in enumerate(blocks()):
            x = self.block(x, block)
            if number in taps:
                pooled.append(self.add("ReduceMean", self.floats(x), self.constant([2, 3], np.int64), keepdims=0))
        self.add("Concat", *pooled, axis=1, out="pooled")
        width = sum(block.layers[-1].weight.shape[0] for number, block in enumerate(blocks()) if number in taps)
        model = helper.make_model(
            helper.make_graph(
                self.nodes,
                "efficientnet_lite0",
                [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", "side", "side", 3])],
                [helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["n", width])],
                self.constants,
            ),
            opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)],
            ir_version=9,
        )
        return bytes(model.SerializeToString())

    def begin(self, x: str) -> str:
        """What the first block is given."""
        return x

    def floats(self, x: str) -> str:
        """What a block has given, as float32."""
        return x

    @abstractmethod
    def block(self, x: str, block: Block) -> str:
        """What a block makes of what it is given."""

    @staticmethod
    def shape(layer: Layer) -> dict[str, Any]:
        side = layer.weight.shape[2]
        # As the network was trained: a row of zeros more below and right than above and left.
        return {
            "strides": [layer.stride] * 2,
            "group": layer.groups,
            "kernel_shape": [side, side],
            "auto_pad": "SAME_UPPER",
        }


class _Floats(_Graph):
    def __init__(self) -> None:
        super().__init__()
        self.ends = self.constant(0.0), self.constant(6.0)

    def block(self, x: str, block: Block) -> str:
        y = x
        for layer in block.layers:
            y = self.add("Conv", y, self.constant(layer.weight), self.constant(layer.bias), **self.shape(layer))
            y = self.add("Clip", y, *self.ends) if layer.bent else y
        return self.add("Add", x, y) if block.skip else y


@dataclass(frozen=True)
class _Scale:
    """What a byte means: (byte - zero) x step."""

    step: float
    zero: int


class _Bytes(_Graph):
    """Keeps for each name of a table what its bytes mean."""

    def __init__(self) -> None:
        super().__init__()
        self.scales: dict[str, _Scale] = {}

    def begin(self, x: str) -> str:
        return self.meaning(self.add("QuantizeLinear", x, *self.scale(_Scale(1 / SPREAD, int(MEAN)))), 1 / SPREAD, 127)

    def floats(self, x: str) -> str:
        return self.add("DequantizeLinear", x, *self.scale(self.scales[x]))

    def block(self, x: str, block: Block) -> str:
        y = x
        for layer in block.layers:
            y = self.layer(y, layer)
        if not block.skip:
            return y
        before, after = self.scales[x], self.scales[y]
        # Two that vary by themselves vary together by the root of the sum of their squares.
        step = float(np.hypot(before.step, after.step))
        inputs = x, *self.scale(before), y, *self.scale(after), *self.scale(_Scale(step, 128))
        return self.meaning(self.add("QLinearAdd", *inputs, domain="com.microsoft"), step, 128)

    def layer(self, x: str, layer: Layer) -> str:
        greatest = _EIGHT_BITS if layer.groups > 1 else _SEVEN_BITS
        steps = np.maximum(np.abs(layer.weight).max(axis=(1, 2, 3)), 1e-6) / greatest
        weight = np.round(layer.weight / steps[:, None, None, None])
        out = _Scale(_BENT, 0) if layer.bent else _Scale(layer.reach * _DEVIATIONS / 127, 128)
        ends = np.iinfo(np.int32)  # a channel without weights has but its bias, in steps of nearly nothing
        bias = np.clip(np.round(layer.bias / (steps * self.scales[x].step)), ends.min + 128, ends.max - 128)
        y = self.add(
            "QLinearConv",
            x,
            *self.scale(self.scales[x]),
            self.constant(weight, np.int8),
            self.constant(steps),
            self.constant(np.zeros(len(steps)), np.int8),
            *self.scale(out),
            self.constant(bias, np.int32),
            **self.shape(layer),
        )
        return self.meaning(y, out.step, out.zero)

    def scale(self, scale: _Scale) -> tuple[str, str]:
        return self.constant(scale.step), self.constant(scale.zero, np.uint8)

    def meaning(self, name: str, step: float, zero: int) -> str:
        self.scales[name] = _Scale(step, zero)
        return name
