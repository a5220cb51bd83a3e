"""Where the fields of delimited text stand: one pass over the bytes, quotes understood, lines counted.

A quote opens a quoted field only at the field's start; inside, two quotes are one; what follows the closing quote up to
the delimiter belongs to the field. So does Python's `csv`, to which the tests compare.
"""

import numba as nb
import numpy as np

QUOTE, LF, CR = 34, 10, 13
GOOD, FEW, MANY, BROKEN = 0, 1, 2, 3
PLAIN, DOUBLED, ROUGH = 0, 1, 2  # a field's bytes as they stand; quotes doubled; text behind the closing quote
_OPEN = -1


@nb.njit(nogil=True, cache=True)
def _quoted(buffer, i, final):
    """From an opening quote at `i`: (place behind the closing one, whether quotes are doubled inside, line breaks,
    place behind the first of them). The place is -1 where the buffer ends first."""
    n = len(buffer)
    doubled = False
    breaks = 0
    first = -1
    i += 1
    while i < n:
        b = buffer[i]
        if b == QUOTE:
            if i + 1 == n and not final:
                break
            if i + 1 < n and buffer[i + 1] == QUOTE:
                doubled = True
                i += 2
                continue
            return i + 1, doubled, breaks, first
        i += 1
        if b == LF or (b == CR and not (i < n and buffer[i] == LF)):
            breaks += 1
            if first < 0:
                first = i
    return _OPEN, doubled, breaks, first


@nb.njit(nogil=True, cache=True)
def split(buffer, delimiter, width, line, final, limit):
    """The records of a buffer that begins at a record.

    width : fields a record must have; 0 takes any number. line : number of the first line. final : whether the text
    ends here. limit : bytes a record that a quote leaves open may have before it counts as broken.

    Returns (starts, stops, forms) of the fields of good records, flat; (start, stop, line, status, n_fields) of each
    record that is not blank; the bytes used; the number of the next line. A record left open by a quote, or with line
    breaks inside and the wrong number of fields, is BROKEN: only its first line is set aside and reading goes on behind
    it, so that one stray quote never swallows the rows that follow.
    """
    n = len(buffer)
    room = 1
    lines = 1
    for i in range(n):
        b = buffer[i]
        if b in (LF, CR):
            lines += 1
        elif b == delimiter:
            room += 1
    room += lines
    starts = np.empty(room, np.int32)
    stops = np.empty(room, np.int32)
    forms = np.empty(room, np.uint8)
    records = np.empty((lines, 5), np.int64)
    n_good = 0
    n_records = 0
    i = 0
    while i < n:
        begin = i
        fields = 0
        breaks = 0
        inner = -1  # where the record's first line ends, if a quoted field goes on behind it
        status = GOOD
        complete = False
        while True:
            start = i
            stop = -1
            form = PLAIN
            if i < n and buffer[i] == QUOTE:
                i, twice, inside, first = _quoted(buffer, i, final)
                breaks += inside
                if inner < 0:
                    inner = first
                if i == _OPEN:
                    if final or n - begin > limit:
                        status = BROKEN
                    break
                if i == n or buffer[i] == delimiter or buffer[i] == LF or buffer[i] == CR:
                    form = DOUBLED if twice else PLAIN
                    start += 1
                    stop = i - 1
                else:
                    form = ROUGH
            while i < n and buffer[i] != delimiter and buffer[i] != LF and buffer[i] != CR:
                i += 1
            if not final and (i == n or (buffer[i] == CR and i + 1 == n)):
                break
            if stop < 0:
                stop = i
            if n_good + fields < room:
                starts[n_good + fields] = start
                stops[n_good + fields] = stop
                forms[n_good + fields] = form
            fields += 1
            if i == n:
                complete = True
                break
            if buffer[i] != delimiter:
                complete = True
                break
            i += 1
        if status != BROKEN and not complete:
            i = begin
            break
        end = i
        if status != BROKEN:
            if i < n:
                i += 2 if buffer[i] == CR and i + 1 < n and buffer[i + 1] == LF else 1
            if fields == 1 and end == begin:
                line += 1
                continue
            if width > 0 and fields != width:
                status = FEW if fields < width else MANY
                if inner >= 0:
                    status = BROKEN
        if status == BROKEN:
            if inner < 0:  # the last line of the text
                end, i, breaks = n, n, 0
            else:
                end, i, breaks = inner, inner, 0
            while end > begin and (buffer[end - 1] == LF or buffer[end - 1] == CR):
                end -= 1
        records[n_records] = (begin, end, line, status, fields)
        n_records += 1
        line += 1 + breaks
        if status == GOOD:
            n_good += fields
    return starts[:n_good], stops[:n_good], forms[:n_good], records[:n_records], i, line


@nb.njit(nogil=True, cache=True)
def column(buffer, starts, stops, forms, place, width):
    """One column out of flat fields of `width` columns: (offsets (n + 1,) int64, bytes) as Arrow lays text out."""
    n = len(starts) // width
    offsets = np.empty(n + 1, np.int64)
    size = 0
    for r in range(n):
        f = r * width + place
        size += stops[f] - starts[f]
    out = np.empty(size, np.uint8)
    at = 0
    for r in range(n):
        f = r * width + place
        offsets[r] = at
        i, stop = starts[f], stops[f]
        if forms[f] == PLAIN:
            while i < stop:
                out[at] = buffer[i]
                at += 1
                i += 1
            continue
        inside = True
        if forms[f] == ROUGH:
            i += 1
        while i < stop:
            if inside and buffer[i] == QUOTE:
                i += 1
                if i == stop or buffer[i] != QUOTE:
                    inside = False
                    continue
            out[at] = buffer[i]
            at += 1
            i += 1
    offsets[n] = at
    return offsets, out[:at]
