"""Rows that no dense place holds: kept as noise, or given to the nearest cluster with the distance told."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wares.arrays import Dense, Labels
from wares.errors import SettingError
from wares.kernels.spanning import distances_of

BLOCK = 512
"""Rows compared with all clustered rows at once: BLOCK x n x 4 bytes."""


def nearest(rows: Dense, asked: NDArray[np.int64], among: NDArray[np.int64]) -> NDArray[np.int64]:
    """The nearest of the rows `among` to each of the rows `asked`, ties to the first."""
    points = rows[among]
    squares = np.einsum("ij,ij->i", points, points)
    out = np.empty(len(asked), np.int64)
    for start in range(0, len(asked), BLOCK):
        block = rows[asked[start : start + BLOCK]]
        out[start : start + BLOCK] = (squares - 2 * (block @ points.T)).argmin(axis=1)
    return among[out]


def settled(rows: Dense, labels: Labels, noise: str) -> tuple[Labels, NDArray[np.float32]]:
    """Labels with the noise given away or not, and (n,) the distance of each row of noise to the nearest clustered row.

    The distance is 0 in clusters, infinite where there is no cluster. Where noise is given away and there is no cluster
    to give it to, all rows are one.
    """
    loose = np.flatnonzero(labels < 0)
    held = np.flatnonzero(labels >= 0)
    away = np.zeros(len(labels), np.float32)
    if not len(held):
        away[:] = np.inf
        return (np.zeros_like(labels) if noise == "nearest" else labels), away
    if len(loose):
        near = nearest(rows, loose, held)
        away[loose] = distances_of(rows, np.stack([loose, near], axis=1), np.zeros(len(rows)))
        if noise == "nearest":
            labels = labels.copy()
            labels[loose] = labels[near]
    return labels, away


def refuse_links(name: str, links: Any) -> None:
    """Raise SettingError where there are pairs, which the method cannot honour."""
    if links is not None:
        raise SettingError(f"{name} cannot honour must-link and cannot-link pairs; `constrained` can")
