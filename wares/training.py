"""The one training loop of what learns by gradients, on torch; needs the extra `deep`.

A network and a loss over row numbers go in; what comes back is the learning curve, and the network holds the weights
of its best epoch. Torch works on its own threads and from its own seed inside `steady`, and is as it was outside.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wares.errors import DataError

Loss = Callable[[Tensor], Tensor]
"""(b,) int64 row numbers to the mean loss of these rows, a number with a gradient."""

Progress = Callable[[int, int, float], None]
"""Told the epoch, how many there may be and the loss judged by, after each; what it raises ends the training."""

EVALUATED = 4_096
"""Rows of one step when nothing is learned."""

FEWEST = 5
"""Rows that can be judged by; with fewer the rows learned from are the judge."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How to train.

    epochs : most passes over the rows. batch : rows of a step. rate : of Adam, its first steps smaller. decay : weights
    shrink by rate x decay a step (L2). clip : greatest length of the gradient. held : share of the rows that are not
    learned from but judged by; with 0 it goes through all epochs and the last weights stay. patience : epochs without a
    better one after which it ends. least : a better one is lower by at least this share. fall : the share of the rate
    that the last step takes, on a straight line from the first; 1 = it stays. fused : Adam in one pass over the
    weights, several times as fast where there are millions; its bits differ a little.
    """

    epochs: int = 50
    batch: int = 256
    rate: float = 1e-3
    decay: float = 1e-4
    clip: float = 1.0
    held: float = 0.1
    patience: int = 5
    least: float = 1e-3
    fall: float = 1.0
    fused: bool = False

    def but(self, **others: Any) -> "Training":
        """The same, but for what is given."""
        return replace(self, **others)


@contextmanager
def steady(seed: int, threads: int = 1) -> Iterator[None]:
    """Torch from this seed, on so many threads and by deterministic means; afterwards it is as it was.

    One thread is the fastest for networks of this size, and gives the same bits on any number of cores.
    """
    before, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        try:
            torch.manual_seed(seed)
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(True)
            yield
        finally:
            torch.set_num_threads(before)
            torch.use_deterministic_algorithms(deterministic)


def train(
    network: nn.Module,
    loss: Loss,
    n: int,
    how: Training,
    *,
    before: Callable[[int], bool] = lambda epoch: False,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """(epochs done + 1, 2) float32 the loss learned from and the loss judged by; the first row is before learning.

    `before` is called before each epoch and ends the training by True. Where rows are held out, the network gets the
    weights of its best epoch, those it came with included: training never makes the loss judged by greater.
    Raises DataError where the loss is not finite.
    """
    learned, judged = _split(n, how.held)
    optimiser = torch.optim.AdamW(network.parameters(), how.rate, weight_decay=how.decay, fused=how.fused)
    steps = -(-len(learned) // how.batch)
    lines = [torch.optim.lr_scheduler.LinearLR(optimiser, 0.1, 1.0, total_iters=steps)]
    if how.fall < 1:
        lines.append(torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, how.fall, total_iters=steps * how.epochs))
    best = _judge(network, loss, judged)
    curve, kept, waited = [(_judge(network, loss, learned), best)], _copy(network), 0
    for epoch in range(how.epochs):
        if before(epoch):
            break
        seen = _epoch(network, loss, learned, optimiser, lines, how)
        now = _judge(network, loss, judged) if how.held else seen
        if not np.isfinite(now):
            raise DataError(f"the loss is {now} after epoch {epoch + 1}: lower the rate, which is {how.rate}")
        curve.append((seen, now))
        if progress is not None:
            progress(epoch + 1, how.epochs, now)
        waited = 0 if now < best - how.least * abs(best) else waited + 1
        if now < best or not how.held:
            best, kept = now, _copy(network)
        if how.held and waited >= how.patience:
            break
    network.load_state_dict(kept)
    network.eval()
    return np.array(curve, np.float32)


def in_blocks(work: Callable[[Tensor], Tensor], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """What `work` makes of rows (n, width), a block at a time, nothing learned from it."""
    with torch.inference_mode():
        parts = [work(block).numpy() for block in blocks(torch.from_numpy(rows), EVALUATED)]
    return np.concatenate(parts)


def blocks(rows: Tensor, size: int) -> Iterator[Tensor]:
    """Consecutive rows, `size` at a time."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _split(n: int, held: float) -> tuple[Tensor, Tensor]:
    """Rows learned from and rows judged by; the same ones where there are too few to part."""
    order = torch.randperm(n)
    size = int(n * held)
    if size < FEWEST:
        return order, order
    return order[size:], order[:size]


def _epoch(
    network: nn.Module,
    loss: Loss,
    rows: Tensor,
    optimiser: torch.optim.Optimizer,
    lines: list[torch.optim.lr_scheduler.LinearLR],
    how: Training,
) -> float:
    """The mean loss of one pass in random order."""
    network.train()
    total = 0.0
    for part in blocks(rows[torch.randperm(len(rows))], how.batch):
        found = loss(part)
        optimiser.zero_grad()
        found.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), how.clip)
        optimiser.step()
        for line in lines:
            line.step()
        total += float(found.detach()) * len(part)
    return total / len(rows)


def _judge(network: nn.Module, loss: Loss, rows: Tensor) -> float:
    """The mean loss of rows, nothing dropped and nothing learned."""
    network.eval()
    with torch.no_grad():
        return sum((float(loss(part)) * len(part) for part in blocks(rows, EVALUATED)), 0.0) / len(rows)


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: each.detach().clone() for name, each in network.state_dict().items()}
