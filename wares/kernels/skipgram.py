"""Products that are met together pulled together, products drawn by chance pushed apart: one step after the other."""

import numba as nb
import numpy as np

# Only sums may be reordered, so that they run on vector registers: NaN and infinity keep their meaning.
_SUMS = {"reassoc", "contract"}


@nb.njit(nogil=True, cache=True, fastmath=_SUMS)
def descend(inputs, outputs, centres, targets, n_met, rates):
    """Gradient steps of skip-gram with negative sampling, in place and in order.

    inputs, outputs : (n, width) float32, the two vectors of each product. centres (m,) int32 : the product of each
    step. targets (m, k) int32 : the first `n_met` were met with it, the others drawn by chance; one that is the centre
    itself, or -1, counts nothing. rates (m,) float32 : the length of each step.
    """
    width = inputs.shape[1]
    change = np.empty(width, np.float32)
    one = np.float32(1.0)
    for step in range(centres.shape[0]):
        centre = centres[step]
        own = inputs[centre]
        change[:] = 0
        for place in range(targets.shape[1]):
            target = targets[step, place]
            if target < 0 or target == centre:
                continue
            other = outputs[target]
            dot = np.float32(0.0)
            for d in range(width):
                dot += own[d] * other[d]
            wanted = one if place < n_met else np.float32(0.0)
            pull = rates[step] * (wanted - one / (one + np.exp(-dot)))
            for d in range(width):
                change[d] += pull * other[d]
                other[d] += pull * own[d]
        for d in range(width):
            own[d] += change[d]


def plain(inputs, outputs, centres, targets, n_met, rates):
    """What `descend` does, in plain numpy; returns new inputs and outputs in float64."""
    inputs, outputs = inputs.astype(np.float64), outputs.astype(np.float64)
    for centre, row, rate in zip(centres.tolist(), targets.tolist(), rates.tolist(), strict=True):
        change = np.zeros(inputs.shape[1])
        for place, target in enumerate(row):
            if target < 0 or target == centre:
                continue
            wanted = 1.0 if place < n_met else 0.0
            pull = rate * (wanted - 1 / (1 + np.exp(-(inputs[centre] @ outputs[target]))))
            change += pull * outputs[target]
            outputs[target] += pull * inputs[centre]
        inputs[centre] += change
    return inputs, outputs
