"""Text to pieces that can be looked at alone, and pieces to numbers: what makes reading words of many texts quick.

A piece is a stretch of letters that is cut from its neighbours where no word can reach across: at spaces and signs,
between scripts, at full stops and hyphens of words without digits. Numbers stay together with what may be their unit.
"""

import numba as nb
import numpy as np

SIGN, SPACE, LETTER, DIGIT, HAN, MARK, POINT, HYPHEN, APOSTROPHE, BREAK = range(10)
_BEYOND, _HAN = 0x10000, 0x20000
_F, _L, _O, _I, _N, _DOT = 102, 108, 111, 105, 110, 46


@nb.njit(nogil=True, cache=True)
def _kind(kinds, code):
    if code < _BEYOND:
        return kinds[code]
    return np.uint8(HAN) if _HAN <= code < 2 * _HAN else np.uint8(DIGIT)  # a digit is what is cut least


@nb.njit(nogil=True, cache=True)
def _goes_on(codes, kinds, units, i, start):
    """Whether what began at `start` and has a digit may reach across the space at `i`."""
    n = codes.size
    if i + 1 >= n:
        return False
    after = codes[i + 1]
    kind = _kind(kinds, after)
    if _kind(kinds, codes[i - 1]) == DIGIT:
        if kind == HAN:
            return True
        if after >= 128:
            return False
        second = codes[i + 2] if i + 2 < n else 0
        if second >= 128 or _kind(kinds, second) not in (LETTER, DIGIT):
            second = 0
        return units[after, second]
    last = i - 1
    if after == _O and codes[last] == _DOT:
        last -= 1
    if last - 1 < start:
        return False
    if after == _O and codes[last] == _L:
        return codes[last - 1] == _F  # fl oz
    return kind == DIGIT and codes[last] == _N and codes[last - 1] == _I  # 2 in 1


@nb.njit(nogil=True, cache=True)
def cut(codes, kinds, units, starts, stops, ends):
    """The pieces of texts with a BREAK between them; returns how many.

    kinds : (65536,) uint8 what each code point is. units : (128, 128) bool, which two letters a unit may begin with (0
    = no second letter). Fills starts and stops (room for all codes), and ends (n_texts,) with the pieces up to each.
    """
    n = 0
    text = 0
    start = -1
    run = 0  # letters since the last that is none
    digit = False
    before = SIGN
    for i in range(codes.size):
        kind = _kind(kinds, codes[i])
        if kind >= LETTER and kind <= MARK:
            if start >= 0 and not digit and (kind == HAN) != (before == HAN) and before != SIGN:
                starts[n] = start
                stops[n] = i
                n += 1
                start = -1
            if start < 0:
                start = i
                run = 0
                digit = False
            run = 0 if kind >= HAN else run + 1
            digit = digit or kind == DIGIT
            before = kind
            continue
        if start >= 0:
            stays = kind == APOSTROPHE
            if kind == POINT:
                stays = digit
            elif kind == HYPHEN:
                stays = digit or (run == 1 and before == LETTER)
            elif kind == SPACE:
                stays = digit and _goes_on(codes, kinds, units, i, start)
            if stays:
                run = 0
                before = SIGN
                continue
            starts[n] = start
            stops[n] = i
            n += 1
            start = -1
        before = SIGN
        if kind == BREAK:
            ends[text] = n
            text += 1
    if start >= 0:
        starts[n] = start
        stops[n] = codes.size
        n += 1
    if text < ends.size:
        ends[text] = n
    return n


@nb.njit(nogil=True, cache=True)
def number(codes, starts, stops, table, letters, offsets, known, out):
    """The number of each piece; new ones are numbered on from `known`. Returns how many are known then.

    table : (a power of two,) int32, number + 1 of the piece that hashes there, 0 = none; at least twice as long as all
    pieces. letters, offsets : those of all known pieces, with room for the new.
    """
    mask = table.size - 1
    for i in range(starts.size):
        start, stop = starts[i], stops[i]
        h = np.uint64(14695981039346656037)
        for p in range(start, stop):
            h = (h ^ np.uint64(codes[p])) * np.uint64(1099511628211)
        place = np.int64((h ^ (h >> np.uint64(29))) & np.uint64(mask))
        while True:
            found = table[place] - 1
            if found < 0:
                table[place] = known + 1
                low = offsets[known]
                for p in range(start, stop):
                    letters[low + p - start] = codes[p]
                offsets[known + 1] = low + stop - start
                out[i] = known
                known += 1
                break
            low = offsets[found]
            if offsets[found + 1] - low == stop - start:
                same = True
                for p in range(start, stop):
                    if letters[low + p - start] != codes[p]:
                        same = False
                        break
                if same:
                    out[i] = found
                    break
            place = (place + 1) & mask
    return known
