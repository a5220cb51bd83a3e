"""Words and character n-grams of many texts to hashed sparse rows."""

import numba as nb
import numpy as np

_BEGIN = 2166136261
_PRIME = 16777619


@nb.njit(inline="always")
def _mix(h):
    """Spread a 32-bit FNV hash over all its bits, so that its low ones can choose a column."""
    h ^= h >> np.uint32(16)
    h = np.uint32(h * np.uint32(0x7FEB352D))
    h ^= h >> np.uint32(15)
    h = np.uint32(h * np.uint32(0x846CA68B))
    return h ^ (h >> np.uint32(16))


@nb.njit(inline="always")
def _in_word(code):
    """Whether a lower-case code point belongs to a word; beyond ASCII all are letters already."""
    return (code >= 97 and code <= 122) or (code >= 48 and code <= 57) or code > 127


@nb.njit(nogil=True, cache=True)
def _features(codes, start, stop, low, high, words, out):
    """Write the hashes of one text's words and n-grams (a space before and after each word); returns how many.

    words : 0 for none, 1 for words, 2 for words and each two that stand beside each other.
    """
    n = 0
    i = start
    before = np.uint32(0)
    while i < stop:
        if not _in_word(codes[i]):
            i += 1
            continue
        first = i
        h = np.uint32(_BEGIN)
        while i < stop and _in_word(codes[i]):
            h = np.uint32((h ^ codes[i]) * np.uint32(_PRIME))
            i += 1
        if words:
            out[n] = _mix(h)
            n += 1
        if words > 1:
            if before:
                out[n] = _mix(np.uint32((before ^ np.uint32(0x5BD1E995)) * np.uint32(_PRIME)) ^ h)
                n += 1
            before = h
        if high == 0:
            continue
        length = i - first + 2
        for begin in range(max(length - low + 1, 1)):
            h = np.uint32(0x9747B28C)
            for size in range(1, min(high, length - begin) + 1):
                place = first - 1 + begin + size - 1
                code = codes[place] if first <= place < i else np.uint32(32)
                h = np.uint32((h ^ code) * np.uint32(_PRIME))
                # A word shorter than the shortest n-gram is one n-gram itself.
                if size >= low or size == length:
                    out[n] = _mix(h)
                    n += 1
    return n


@nb.njit(nogil=True, cache=True)
def _sort(values, n):
    """Sort the first n values in place."""
    if n > 24:
        values[:n] = np.sort(values[:n])
        return
    for i in range(1, n):
        value = values[i]
        j = i - 1
        while j >= 0 and values[j] > value:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = value


@nb.njit(nogil=True, cache=True)
def count(codes, offsets, low, high, words, mask, room, columns, counts, indptr):
    """Count each text's features in `mask` + 1 columns.

    codes : letters of all texts. offsets (n + 1,) : where each begins. room (n + 1,) : at most so many features.
    Fills columns and counts (room[n],), columns sorted in each text, and indptr (n + 1,) of a sparse matrix.
    """
    longest = 1
    for i in range(len(offsets) - 1):
        longest = max(longest, room[i + 1] - room[i])
    found = np.empty(longest, np.uint32)
    at = 0
    for i in range(len(offsets) - 1):
        n = _features(codes, offsets[i], offsets[i + 1], low, high, words, found)
        for j in range(n):
            found[j] &= mask
        _sort(found, n)
        for j in range(n):
            if j == 0 or found[j] != found[j - 1]:
                columns[at] = found[j]
                counts[at] = 1
                at += 1
            else:
                counts[at - 1] += 1
        indptr[i + 1] = at


@nb.njit(nogil=True, cache=True)
def tally(columns, found):
    """Add one to `found` at each of `columns`."""
    for column in columns:
        found[column] += 1


@nb.njit(nogil=True, cache=True)
def weigh(columns, data, indptr, idf, sublinear):
    """Turn counts `data` into unit rows of tf-idf, in place."""
    for i in range(len(indptr) - 1):
        square = np.float32(0)
        for j in range(indptr[i], indptr[i + 1]):
            tf = data[j]
            if sublinear:
                tf = np.float32(1) + np.log(tf)
            data[j] = tf * idf[columns[j]]
            square += data[j] * data[j]
        if square > 0:
            scale = np.float32(1) / np.sqrt(square)
            for j in range(indptr[i], indptr[i + 1]):
                data[j] *= scale


@nb.njit(nogil=True, cache=True)
def sketch(codes, offsets, low, high, words, per_letter, idf, out):
    """Add each text's features to dense rows `out` (n, width): the hash chooses the column and the sign.

    idf (a power of two,) : the weight of a feature, by its hash.
    """
    longest = np.int64(0)
    for i in range(len(out)):
        longest = max(longest, offsets[i + 1] - offsets[i])
    found = np.empty((longest + 2) * per_letter, np.uint32)
    width = np.uint32(out.shape[1])
    mask = np.uint32(len(idf) - 1)
    for i in range(len(out)):
        n = _features(codes, offsets[i], offsets[i + 1], low, high, words, found)
        for j in range(n):
            other = _mix(np.uint32(found[j] + np.uint32(0x9E3779B9)))
            value = idf[found[j] & mask]
            if other & np.uint32(1):
                value = -value
            out[i, (other >> np.uint32(1)) % width] += value
