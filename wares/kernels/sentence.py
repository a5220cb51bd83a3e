"""The sentence encoder's network for one text: weights stay bytes, sums are of floats.

One text waits for the weights to come from memory and does little with each. As bytes they are a quarter of that, and a
byte times its scale is the very weight, so nothing is lost but the order of additions.
"""

import numba as nb
import numpy as np

_TOGETHER = 8  # rows of weights added in one pass over the sums


@nb.njit(nogil=True, cache=True, fastmath={"contract"})
def _add_wide(wide, weights, out):
    """Add to each row of `out` (n, m) eight rows of floats (8, m) times its weights (n, 8)."""
    for i in range(out.shape[0]):
        line, own = out[i], weights[i]
        w0, w1, w2, w3, w4, w5, w6, w7 = own[0], own[1], own[2], own[3], own[4], own[5], own[6], own[7]
        for j in range(line.size):
            low = w0 * wide[0, j] + w1 * wide[1, j] + (w2 * wide[2, j] + w3 * wide[3, j])
            high = w4 * wide[4, j] + w5 * wide[5, j] + (w6 * wide[6, j] + w7 * wide[7, j])
            line[j] += low + high


@nb.njit(nogil=True, cache=True, fastmath={"contract"})
def _add_codes(c0, c1, c2, c3, c4, c5, c6, c7, weights, line):
    """Add to `line` (m,) eight rows of codes (m,) times their weights (8,)."""
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    w4, w5, w6, w7 = weights[4], weights[5], weights[6], weights[7]
    for j in range(line.size):
        low = w0 * np.float32(c0[j]) + w1 * np.float32(c1[j]) + (w2 * np.float32(c2[j]) + w3 * np.float32(c3[j]))
        high = w4 * np.float32(c4[j]) + w5 * np.float32(c5[j]) + (w6 * np.float32(c6[j]) + w7 * np.float32(c7[j]))
        line[j] += low + high


@nb.njit(nogil=True, cache=True)
def _widen(codes, out):
    for j in range(codes.size):
        out[j] = np.float32(codes[j])


@nb.njit(nogil=True, cache=True)
def add_products(rows, codes, scale, out):
    """Add to `out` (n, m) the rows (n, k) times codes (k, m) int8 times scale; k is a multiple of eight."""
    n, width = out.shape
    wide, weights = np.empty((_TOGETHER, width), np.float32), np.empty((n, _TOGETHER), np.float32)
    for a in range(0, codes.shape[0], _TOGETHER):
        for b in range(_TOGETHER):
            _widen(codes[a + b], wide[b])
            for i in range(n):
                weights[i, b] = rows[i, a + b] * scale
        _add_wide(wide, weights, out)


@nb.njit(nogil=True, cache=True)
def add_product(row, codes, scale, out):
    """Add to `out` (m,) the row (k,) times codes (k, m) int8 times scale; codes that meet a zero are not read."""
    places, weights = np.empty(_TOGETHER, np.int64), np.empty(_TOGETHER, np.float32)
    a = 0
    while a < row.size:
        m = 0
        places[:], weights[:] = 0, 0
        while a < row.size and m < _TOGETHER:
            if row[a] != 0:
                places[m], weights[m] = a, row[a] * scale
                m += 1
            a += 1
        c0, c1, c2, c3 = codes[places[0]], codes[places[1]], codes[places[2]], codes[places[3]]
        c4, c5, c6, c7 = codes[places[4]], codes[places[5]], codes[places[6]], codes[places[7]]
        _add_codes(c0, c1, c2, c3, c4, c5, c6, c7, weights, out)


@nb.njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def normalise(rows, gain, bias, epsilon):
    """Bring each row (n, m) to mean 0 and variance 1, in place, then times gain plus bias (m,)."""
    for row in rows:
        mean = np.float32(0)
        for j in range(row.size):
            mean += row[j]
        mean /= np.float32(row.size)
        square = np.float32(0)
        for j in range(row.size):
            square += (row[j] - mean) * (row[j] - mean)
        factor = np.float32(1) / np.sqrt(square / np.float32(row.size) + epsilon)
        for j in range(row.size):
            row[j] = (row[j] - mean) * factor * gain[j] + bias[j]


@nb.njit(nogil=True, cache=True)
def first_layer(own, gives, bias, left, out):
    """Fill `out` (t, c): what the tokens around each give to their places of its window, bent, plus its own (t, c).

    gives (t, size * c) : what a token gives to each place of a window, of which `left` lie before the centre.
    """
    t, c = own.shape
    size = gives.shape[1] // c
    for i in range(t):
        line = out[i]
        line[:] = bias
        for place in range(size):
            near = i + place - left
            if 0 <= near < t:
                for j in range(c):
                    line[j] += gives[near, place * c + j]
        for j in range(c):
            line[j] = max(line[j], np.float32(0)) + own[i, j]


@nb.njit(nogil=True, cache=True)
def second_layer(hidden, codes, scale, bias, left, out):
    """Fill `out` (t, c) with hidden (t, c) through a convolution, codes (size * c, c) int8, bent, plus hidden."""
    t, c = hidden.shape
    size = codes.shape[0] // c
    sums = np.empty((t, c), np.float32)  # `out` may lie among other columns, where additions are slow
    sums[:] = bias
    for place in range(size):
        shift = place - left
        low, high = max(0, -shift), min(t, t - shift)
        if low < high:
            add_products(hidden[low + shift : high + shift], codes[place * c : place * c + c], scale, sums[low:high])
    for i in range(t):
        for j in range(c):
            out[i, j] = max(sums[i, j], np.float32(0)) + hidden[i, j]
