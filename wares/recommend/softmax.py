"""How far a network is from what came next, against all products or some drawn at random."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from wares.training import blocks

PIECE = 1 << 26
"""Numbers of a table of scores at most, where no gradient is wanted."""


class Loss(NamedTuple):
    """What to make small.

    kind : "softmax" is cross-entropy, "gbce" a yes or no to each. negatives : products drawn for each step, which all
    its events share; 0 = all products. calibration : of gbce, 1 undoes what drawing does to probabilities.
    """

    kind: Literal["softmax", "gbce"]
    negatives: int
    calibration: float


def next_loss(states: Tensor, products: Tensor, right: Tensor, how: Loss) -> Tensor:
    """The mean over (n, width) states with (n,) the products that came next; products (kinds, width)."""
    n = len(products)
    drawn = torch.arange(n) if not 0 < how.negatives < n else torch.randint(n, (how.negatives,))
    piece = max(1, PIECE // len(drawn))
    if torch.is_grad_enabled() or len(states) <= piece:
        return _summed(states, products, right, drawn, how) / len(states)
    pairs = zip(blocks(states, piece), blocks(right, piece), strict=True)
    return torch.stack([_summed(each, products, came, drawn, how) for each, came in pairs]).sum() / len(states)


def _summed(states: Tensor, products: Tensor, right: Tensor, drawn: Tensor, how: Loss) -> Tensor:
    n = len(products)
    own = (states * products[right]).sum(dim=1)
    others = states @ (products if len(drawn) == n else products[drawn]).T
    others = others.masked_fill(drawn == right[:, None], -torch.inf)
    if how.kind == "softmax":
        return (torch.logsumexp(torch.cat([own[:, None], others], dim=1), dim=1) - own).sum()
    share = min(1.0, len(drawn) / max(n - 1, 1))
    power = share * (how.calibration * (1 - 1 / share) + 1 / share)
    return -(power * nn.functional.logsigmoid(own)).sum() - nn.functional.logsigmoid(-others).sum()
