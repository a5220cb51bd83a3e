"""How far a network is from what came next, against all products or some drawn at random."""

import math
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


def next_loss(states: Tensor, products: Tensor, right: Tensor, held: Tensor, how: Loss) -> Tensor:
    """The mean over (n, width) states with (n,) the products that came next; products (kinds, width).

    held : (n, m) products that are wrong ones of each place too, -1 for none. Where there are any, each product drawn
    counts for all those that it stands for: else the few that are always there would count too much.
    """
    n = len(products)
    drawn = torch.arange(n) if not 0 < how.negatives < n else torch.randint(n, (how.negatives,))
    piece = max(1, PIECE // len(drawn))
    if torch.is_grad_enabled() or len(states) <= piece:
        return _summed(states, products, right, held, drawn, how) / len(states)
    parts = zip(blocks(states, piece), blocks(right, piece), blocks(held, piece), strict=True)
    sums = [_summed(each, products, came, own, drawn, how) for each, came, own in parts]
    return torch.stack(sums).sum() / len(states)


def _summed(states: Tensor, products: Tensor, right: Tensor, held: Tensor, drawn: Tensor, how: Loss) -> Tensor:
    n = len(products)
    own = (states * nn.functional.embedding(right, products)).sum(dim=1)
    others = states @ (products if len(drawn) == n else nn.functional.embedding(drawn, products)).T
    others = others.masked_fill(drawn == right[:, None], -torch.inf)
    if held.shape[1] and len(drawn) < n:
        near = (states[:, None] * nn.functional.embedding(held.clamp(min=0), products)).sum(dim=2)
        near = near.masked_fill((held < 0) | (held == right[:, None]), -torch.inf)
        others = torch.cat([others + math.log((n - 1) / len(drawn)), near], dim=1)
    if how.kind == "softmax":
        return (torch.logsumexp(torch.cat([own[:, None], others], dim=1), dim=1) - own).sum()
    share = min(1.0, len(drawn) / max(n - 1, 1))
    power = share * (how.calibration * (1 - 1 / share) + 1 / share)
    return -(power * nn.functional.logsigmoid(own)).sum() - nn.functional.logsigmoid(-others).sum()
