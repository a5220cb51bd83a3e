"""The hot loop of a map: points pulled towards their neighbours and pushed from points drawn at random."""

import numba as nb
import numpy as np

_CLIP = 4.0
"""A single push or pull moves a point by no more."""

_NEAR = 1e-3
"""Keeps the push of two points in one place finite."""


@nb.njit(nogil=True, cache=True)
def _next(state):
    """The next state of a generator of random numbers: xorshift64 (Marsaglia 2003)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    return state ^ (state << np.uint64(17))


@nb.njit(nogil=True, cache=True)
def _clipped(value):
    return min(max(value, -_CLIP), _CLIP)


@nb.njit(nogil=True, cache=True)
def settle(bounds, others, chances, places, rounds, pushes, seed):
    """Move `places` (n, 2) float64 for `rounds` rounds, by steps that shrink from 1 to 0.

    In each round an edge acts with its chance: it pulls its two ends together by 2 d / (1 + d^2) and pushes its first
    end from `pushes` points drawn at random by 2 / (d (1 + d^2)), where d is how far apart they are. One thread: a step
    starts from where the steps before have led.
    """
    n = places.shape[0]
    state = np.uint64(seed) * np.uint64(2654435761) + np.uint64(88172645463325252)
    for turn in range(rounds):
        step = 1.0 - turn / rounds
        for i in range(n):
            for e in range(bounds[i], bounds[i + 1]):
                state = _next(state)
                if np.float64(state >> np.uint64(11)) * 1.1102230246251565e-16 >= chances[e]:
                    continue
                j = others[e]
                x, y = places[i, 0] - places[j, 0], places[i, 1] - places[j, 1]
                by = -2.0 / (1.0 + x * x + y * y)
                x, y = step * _clipped(by * x), step * _clipped(by * y)
                places[i, 0] += x
                places[i, 1] += y
                places[j, 0] -= x
                places[j, 1] -= y
                for _ in range(pushes):
                    state = _next(state)
                    j = np.int64((state >> np.uint64(32)) * np.uint64(n) >> np.uint64(32))
                    x, y = places[i, 0] - places[j, 0], places[i, 1] - places[j, 1]
                    far = x * x + y * y
                    by = 2.0 / ((_NEAR + far) * (1.0 + far))
                    places[i, 0] += step * _clipped(by * x)
                    places[i, 1] += step * _clipped(by * y)
