"""Bags of tokens to dense rows."""

import numba as nb
import numpy as np


@nb.njit(nogil=True, cache=True)
def add_up(tokens, offsets, table, scale, out):
    """Fill `out` (n, w) float32 with the sum of the rows of each text's tokens.

    tokens (m,), offsets (n + 1,) : of the texts. table (v, w) int8, scale (v,) float32 : row t is table[t] * scale[t].
    """
    for i in range(len(out)):
        for j in range(out.shape[1]):
            out[i, j] = 0
        for at in range(offsets[i], offsets[i + 1]):
            token = tokens[at]
            weight = np.float32(scale[token])
            for j in range(out.shape[1]):
                out[i, j] += weight * np.float32(table[token, j])
