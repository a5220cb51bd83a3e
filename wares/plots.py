"""Pictures as SVG text, for pages and reports: a curve with the point chosen, and the tree of the clusters."""

import math
from collections.abc import Callable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 16.0, 14.0, 44.0
LINE = 18.0
"""Height of a leaf of a tree."""

MOST_LEAVES = 80
"""Leaves drawn; what is merged below them is drawn as one."""


def curve(
    points: Sequence[tuple[float, float]], *, x: str, y: str, chosen: float | None = None, even: bool = False
) -> str:
    """An SVG of (x, y) points joined, with a mark where x is `chosen`; "" for under two.

    even : x on an even scale, only every tenth of the points told; else x is above 0, on a logarithmic scale.
    """
    points = sorted(each for each in points if math.isfinite(each[1]) and (each[0] > 0 or even))
    if len(points) < 2:
        return ""
    low, high = min(each[1] for each in points), max(each[1] for each in points)
    place: Callable[[float], float] = float if even else math.log
    across = _scale(place(points[0][0]), place(points[-1][0]), LEFT, WIDTH - RIGHT)
    down = _scale(low, high, HEIGHT - BOTTOM, TOP)
    places = [(across(place(px)), down(py), px, py) for px, py in points]
    path = "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py, _, _ in places)
    parts = [f'<path class="frame" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>']
    for value in _steps(low, high):
        at = down(value)
        parts.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(_text(LEFT - 8, at + 4, f"{value:,.4g}", "end"))
    last = -math.inf
    marks = (
        [(across(k), k) for k in _steps(points[0][0], points[-1][0])] if even else [(px, k) for px, _, k, _ in places]
    )
    for px, k in marks:
        if px - last >= 34:
            parts.append(_text(px, HEIGHT - BOTTOM + 18, f"{k:g}", "middle"))
            last = px
    parts.append(f'<path class="line" d="{path}"/>')
    for px, py, k, value in places[:: max(1, len(places) // 12)] if even else places:
        kind = "chosen" if k == chosen else "point"
        size = 6 if kind == "chosen" else 3.5
        title = f"<title>{escape(x)} {k:g}: {escape(y)} {value:,.4g}</title>"
        parts.append(f'<circle class="{kind}" cx="{px:.1f}" cy="{py:.1f}" r="{size}">{title}</circle>')
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x, "middle"))
    parts.append(_text(LEFT, TOP - 3, y, "start"))
    said = f"{y} against {x}" + ("" if chosen is None else f"; {chosen:g} was chosen")
    return _svg(WIDTH, HEIGHT, said, parts)


def dendrogram(tree: NDArray[np.float64], names: Sequence[str], *, groups: Sequence[int] | None = None) -> str:
    """An SVG of merges in scipy's linkage format (m, 4), the leaves below each other; "" for fewer than two leaves.

    groups : of each leaf, drawn in up to 8 colours. Of many leaves only the 80 that merge last are told apart.
    """
    n = len(names)
    if n < 2:
        return ""
    children = {n + at: (int(left), int(right)) for at, (left, right) in enumerate(tree[:, :2])}
    heights = {n + at: float(height) for at, height in enumerate(tree[:, 2])}
    open_ = [n + len(tree) - 1]
    while len(open_) < min(MOST_LEAVES, n) and (widest := max(open_, key=lambda each: heights.get(each, -1.0))) >= n:
        open_.remove(widest)
        open_ += children[widest]
    shown = set(open_)
    places: dict[int, float] = {}
    parts: list[str] = []
    left, right = 8.0, WIDTH - 250
    across = _scale(0.0, max(heights.values()), right, left)

    def draw(node: int) -> tuple[float, float]:
        if node in shown:
            y = TOP + LINE * (len(places) + 0.5)
            places[node] = y
            leaf = _first(node, children, n)
            more = _count(node, children, n) - 1
            name = names[leaf] + (f" and {more} more" if more else "")
            kind = "" if groups is None else f' class="g{groups[leaf] % 8}"'
            parts.append(f'<circle{kind} cx="{right + 5:.1f}" cy="{y:.1f}" r="4"/>')
            parts.append(_text(right + 14, y + 4, name if len(name) <= 38 else name[:37] + "…", "start"))
            return right, y
        (ax, ay), (bx, by) = (draw(each) for each in children[node])
        x = across(heights[node])
        parts.append(f'<path class="line" d="M{ax:.1f} {ay:.1f}H{x:.1f}V{by:.1f}H{bx:.1f}"/>')
        return x, (ay + by) / 2

    draw(n + len(tree) - 1)
    return _svg(WIDTH, TOP * 2 + LINE * len(places), f"Tree of {n} clusters", parts)


def _first(node: int, children: dict[int, tuple[int, int]], n: int) -> int:
    while node >= n:
        node = children[node][0]
    return node


def _count(node: int, children: dict[int, tuple[int, int]], n: int) -> int:
    todo, found = [node], 0
    while todo:
        each = todo.pop()
        if each < n:
            found += 1
        else:
            todo += children[each]
    return found


def _scale(low: float, high: float, start: float, stop: float) -> Callable[[float], float]:
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (stop - start)


def _steps(low: float, high: float) -> list[float]:
    """Some four round numbers between."""
    raw = ((high - low) or 1.0) / 4
    power = 10 ** math.floor(math.log10(raw))
    step = next((each * power for each in (1, 2, 5) if each * power >= raw), 10 * power)
    first = math.ceil(low / step)
    return [each * step for each in range(first, math.floor(high / step) + 1)]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(width: float, height: float, said: str, parts: Sequence[str]) -> str:
    body = "".join(parts)
    head = f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img"'
    return f'{head} aria-label="{escape(said)}">{body}</svg>'
