"""EfficientNet-Lite0 as a network of torch, for training its last blocks on; and a small one of our own."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from wares.vision.efficientnet import MEAN, SPREAD, WIDTH, Block, blocks

BLOCKS = 18
"""The stem, sixteen blocks and the head."""


def prepared(pixels: Tensor) -> Tensor:
    """(n, 3, side, side) float32 of pictures (n, side, side, 3) uint8."""
    return (pixels.permute(0, 3, 1, 2).float() - MEAN) / SPREAD


class Convolutions(nn.Module):
    """One block with the weights it was made with."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.skip = block.skip
        self.bent = [layer.bent for layer in block.layers]
        self.convs = nn.ModuleList()
        for layer in block.layers:
            out, wide, side, _ = layer.weight.shape
            conv = nn.Conv2d(wide * layer.groups, out, side, stride=layer.stride, groups=layer.groups)
            with torch.no_grad():
                conv.weight.copy_(torch.from_numpy(layer.weight))
                conv.bias.copy_(torch.from_numpy(layer.bias))  # type: ignore[union-attr]
            self.convs.append(conv)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for conv, bent in zip(self.convs, self.bent, strict=True):
            assert isinstance(conv, nn.Conv2d)
            y = conv(_padded(y, conv))
            y = y.clamp(0, 6) if bent else y
        return x + y if self.skip else y


def _padded(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """Zeros around, one more below and right than above and left where they cannot be as many."""
    side, stride = conv.kernel_size[0], conv.stride[0]
    need = [max((-(-size // stride) - 1) * stride + side - size, 0) for size in (x.shape[-1], x.shape[-2])]
    return nn.functional.pad(x, [each for total in need for each in (total // 2, total - total // 2)])


def part(start: int, stop: int = BLOCKS) -> nn.Sequential:
    """Blocks from `start` on, before `stop`."""
    return nn.Sequential(*(Convolutions(block) for block in blocks()[start:stop]))


class Small(nn.Module):
    """Four convolutions, each halving the picture, to `width` numbers: for pictures of one's own kind and no others."""

    def __init__(self, width: int) -> None:
        super().__init__()
        wide = [3, width // 8, width // 4, width // 2, width]
        wide[1:] = [max(8, each) for each in wide[1:]]
        self.width = wide[-1]
        layers: list[nn.Module] = []
        for before, after in pairwise(wide):
            layers += [
                nn.Conv2d(before, after, 3, padding=1, bias=False),
                nn.GroupNorm(8 if after % 8 == 0 else 1, after),
            ]
            layers += [nn.ReLU(), nn.MaxPool2d(2)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return _pooled(self.layers(x))


def _pooled(x: Tensor) -> Tensor:
    mean: Tensor = x.mean(dim=(2, 3))
    return mean


class Tuned(nn.Module):
    """The last blocks of EfficientNet-Lite0, from what the ones before have made: the head's mean."""

    width = WIDTH

    def __init__(self, start: int) -> None:
        super().__init__()
        self.blocks = part(start)

    def forward(self, x: Tensor) -> Tensor:
        return _pooled(self.blocks(x.float()))
