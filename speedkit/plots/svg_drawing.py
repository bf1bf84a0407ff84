"""A figure as an SVG drawing that needs no script: for exported notebooks, printed pages and viewers that do not know plotly.

It knows the parts that the figures of this room have: horizontal bars, cells, points, lines, annotations, boxes and paths. They
have the places and the words that they have in plotly. Only a treemap is laid out here, as plotly does in the browser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import plotly.graph_objects as go

from speedkit.rendering import NOT_MATH, Box, html_text, nested_boxes

from .scales import Frame, frame_of
from .style import plain

__all__ = ["drawing"]

WIDTH = 900
COLOUR = "var(--jp-content-font-color1,var(--fg,#1f2328))"
FAMILY = "system-ui,'Noto Sans','DejaVu Sans','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"
LINE_HEIGHT = 1.3
"""The distance of two lines of text, in heights of a letter."""
ANCHORS = {"left": "start", "center": "middle", "right": "end"}
BESIDE = 13
"""The distance of a label from its point, in pixels."""
DASHES = {"dot": "2 4", "dash": "8 5"}
POINT = re.compile(r"(-?[\d.]+),(-?[\d.]+)")
HEADING, MARGIN, SMALLEST = 19, 3, 6
LETTER_PIXELS, FEWEST_LETTERS = 6.6, 4
SHADES = (0.14, 0.2, 0.26)


def drawing(figure: go.Figure) -> str:
    """The figure as HTML."""
    layout = figure.layout
    title, subtitle = layout.title, layout.title.subtitle
    below = 14 + title.font.size * LINE_HEIGHT * (title.text.count("<br>") + 1) + subtitle.font.size
    parts = [
        _text(12, 14 + title.font.size / 2, title.text, size=title.font.size, more=' font-weight="600"'),
        _text(12, below, subtitle.text, size=subtitle.font.size, more=' opacity=".8"'),
    ]
    if figure.data and figure.data[0].type == "treemap":
        return _svg(layout, [*parts, *_treemap(figure.data[0], layout)])
    frames = {name: frame_of(figure, name, WIDTH) for name in dict.fromkeys(trace.xaxis or "x" for trace in figure.data)}
    for frame in frames.values():
        parts += _axes(frame)
    parts += [_shape(shape, frames["x"]) for shape in layout.shapes]
    for trace in figure.data:
        parts += TRACES[trace.type](trace, frames[trace.xaxis or "x"])
    parts += [_annotation(note, frames, layout) for note in layout.annotations]
    return _svg(layout, parts)


def _svg(layout: Any, parts: list[str]) -> str:
    """The whole drawing. It takes the text colour of the page, and has the title as its name for screen readers."""
    return (
        f'<svg class="sk-drawing {NOT_MATH}" role="img" aria-label="{_flat(layout.title.text)}" '
        f'viewBox="0 0 {WIDTH} {layout.height}" '
        f'xmlns="http://www.w3.org/2000/svg" style="display:block;max-width:{WIDTH}px;width:100%;height:auto;color:{COLOUR}" '
        f'font-family="{FAMILY}" font-size="13" fill="currentColor">{"".join(parts)}</svg>'
    )


def _flat(text: str) -> str:
    """Plotly text as one line of escaped text, for attributes and tooltips."""
    return html_text(unescape(re.sub(r"<br>", " ", text)))


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 13, colour: str = "", more: str = "") -> str:
    """Text with plotly's markup `<br>` and `<b>`. x: as `anchor` says. y: the middle of its first line. more: attributes."""
    lines = []
    for number, line in enumerate(text.split("<br>")):
        spans, bold = "", False
        for part in re.split(r"(</?b>)", line):
            if part in ("<b>", "</b>"):
                bold = part == "<b>"
            elif part:
                words = html_text(unescape(part))
                spans += f'<tspan font-weight="600">{words}</tspan>' if bold else words
        lines.append(f'<tspan x="{x:.1f}" dy="{0 if number == 0 else size * LINE_HEIGHT:.1f}">{spans}</tspan>')
    fill = f' fill="{colour}"' if colour else ""
    # SVG places text by its baseline, which is about a third of a letter's height below the middle.
    return (
        f'<text x="{x:.1f}" y="{y + size * 0.36:.1f}" text-anchor="{anchor}" font-size="{size}"{fill}{more} '
        f'style="white-space:pre">{"".join(lines)}</text>'
    )


def _axes(frame: Frame) -> Iterator[str]:
    """The grid, the labels and the titles of both axes of a panel."""
    x, y = frame.x, frame.y
    for value, text in x.ticks:
        if x.grid:
            yield _line(x.at(value), y.start, x.at(value), y.end)
        if text:
            above = y.end - 12 - (text.count("<br>")) * 12 * LINE_HEIGHT
            yield _text(x.at(value), above if frame.on_top else y.start + 14, text, anchor="middle", size=12)
    for value, text in y.ticks:
        if y.grid:
            yield _line(x.start, y.at(value), x.end, y.at(value))
        yield _text(x.start - 6, y.at(value), text, anchor="end")
    if x.title:
        yield _text((x.start + x.end) / 2, y.start + 36, x.title, anchor="middle")
    if y.title:
        at, middle = x.start - 42, (y.start + y.end) / 2
        yield _text(at, middle, y.title, anchor="middle", more=f' transform="rotate(-90 {at:.1f} {middle:.1f})"')


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="rgba(128,128,128,.3)"/>'


def _rectangle(x1: float, y1: float, x2: float, y2: float, fill: str, tooltip: str = "") -> str:
    title = f"<title>{_flat(tooltip)}</title>" if tooltip else ""
    return f'<rect x="{x1:.1f}" y="{y1:.1f}" width="{max(x2 - x1, 0):.1f}" height="{y2 - y1:.1f}" fill="{fill}">{title}</rect>'


def _bars(trace: Any, frame: Frame) -> Iterator[str]:
    bases = trace.base or [None] * len(trace.x)
    half = abs(frame.y.at(1) - frame.y.at(0)) / 2 * trace.width
    hatch = trace.marker.pattern.shape
    for place, (base, length, row) in enumerate(zip(bases, trace.x, trace.y, strict=True)):
        middle, start = frame.y.at(row), frame.x.start if base is None else frame.x.at(base)
        end = frame.x.at((base or 0) + length)
        tooltip = trace.hovertext[place] if trace.hovertext else ""
        yield _rectangle(start, middle - half, end, middle + half, trace.marker.color, tooltip)
        if hatch:
            yield _hatch(start, middle - half, end, middle + half)
        text = trace.text[place] if trace.text else ""
        if text and trace.textposition == "inside":
            font = trace.insidetextfont
            yield _text(end - 5, middle, text, anchor="end", size=font.size, colour=font.color)
        elif text:
            yield _text(end + 5, middle, text)


def _hatch(x1: float, y1: float, x2: float, y2: float) -> str:
    """Slanted lines over a bar, one by one: an SVG pattern needs an id, which must be unique on the page."""
    height, strokes, x = y2 - y1, [], x1 - (y2 - y1)
    while x < x2:
        left, right = max(x, x1), min(x + height, x2)
        strokes.append(f"M{left:.1f} {y2 - (left - x):.1f}L{right:.1f} {y2 - (right - x):.1f}")
        x += 7
    return f'<path d="{"".join(strokes)}" stroke="rgba(255,255,255,.55)" stroke-width="1.4" pointer-events="none"/>'


def _cells(trace: Any, frame: Frame) -> Iterator[str]:
    wide, high = abs(frame.x.at(1) - frame.x.at(0)), abs(frame.y.at(1) - frame.y.at(0))
    for row, codes in enumerate(trace.z):
        for column, code in enumerate(codes):
            x, y = frame.x.at(column), frame.y.at(row)
            # The colour scale has two entries per code, the start and the end of its range (`rerun_grid.SCALE`).
            fill = trace.colorscale[2 * int(code)][1]
            across, down = (trace.xgap or 0) / 2, (trace.ygap or 0) / 2
            box = (x - wide / 2 + across, y - high / 2 + down, x + wide / 2 - across, y + high / 2 - down)
            yield _rectangle(*box, fill, trace.text[row][column])


def _points(trace: Any, frame: Frame) -> Iterator[str]:
    if trace.mode == "lines":
        yield from _steps(trace, frame)
        return
    for x, y, text, place in zip(trace.x, trace.y, trace.text, trace.textposition, strict=True):
        at, middle = frame.x.at(x), frame.y.at(y)
        vertical, across = place.split(" ")
        aside = {"center": 0, "right": 1, "left": -1}[across] * (BESIDE - 4 if vertical == "middle" else 4)
        down = {"top": -1, "middle": 0, "bottom": 1}[vertical] * (BESIDE + 2)
        anchor = {"center": "middle", "right": "start", "left": "end"}[across]
        yield f'<circle cx="{at:.1f}" cy="{middle:.1f}" r="6" fill="{trace.marker.color}"/>'
        yield _text(at + aside, middle + down, text, anchor=anchor)


def _steps(trace: Any, frame: Frame) -> Iterator[str]:
    """A line that keeps each value until the next one, and the area below it."""
    path = "".join(
        f"{'M' if number == 0 else 'H'}{frame.x.at(x):.1f}{' ' if number == 0 else 'V'}{frame.y.at(y):.1f}"
        for number, (x, y) in enumerate(zip(trace.x, trace.y, strict=True))
    )
    if path:
        area = f"{path}V{frame.y.start:.1f}H{frame.x.at(trace.x[0]):.1f}Z"
        yield f'<path d="{area}" fill="{trace.fillcolor}"/>'
        yield f'<path d="{path}" fill="none" stroke="{trace.line.color}" stroke-width="{trace.line.width}"/>'


def _treemap(trace: Any, layout: Any) -> Iterator[str]:
    """Boxes within boxes, at most three deep. Deeper boxes are darker."""
    texts = dict(zip(trace.ids, zip(trace.labels, trace.hovertext, strict=True), strict=True))
    children: dict[str, list[tuple[str, float]]] = {}
    for path, parent, size in zip(trace.ids, trace.parents, trace.values, strict=True):
        children.setdefault(parent, []).append((path, size))
    room = Box(12, layout.margin.t, WIDTH - 24, layout.height - layout.margin.t - layout.margin.b)
    boxes = nested_boxes(
        children[""][0][0],
        lambda path: children.get(path, []),
        room,
        heading=HEADING,
        margin=MARGIN,
        smallest=SMALLEST,
        deepest=len(SHADES),
    )
    for path, box, depth in boxes:
        label, tooltip = texts[path]
        place = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
        look = f'fill="rgba(128,128,128,{SHADES[depth - 1]})" stroke="rgba(128,128,128,.6)"'
        yield f"<rect {place} {look}><title>{_flat(tooltip)}</title></rect>"
        if box.height >= HEADING - 3:
            letters, name = int((box.width - 8) / LETTER_PIXELS), unescape(label)
            if len(name) > letters:
                # A letter or two of a name say nothing.
                name = f"{name[: letters - 1]}…" if letters >= FEWEST_LETTERS else ""
            yield _text(box.x + 4, box.y + HEADING / 2, plain(name), size=12)


TRACES = {"bar": _bars, "heatmap": _cells, "scatter": _points}


def _shape(shape: Any, frame: Frame) -> str:
    """A box over the whole width, or a path with x in pixels from the left edge of the first panel and y in values."""
    x, y, line = frame.x, frame.y, shape.line
    dashes = f' stroke-dasharray="{DASHES[line.dash]}"' if line.dash in DASHES else ""
    stroke = f' stroke="{line.color}" stroke-width="{line.width}"{dashes}' if line.width else ""
    if shape.type == "rect":
        top, bottom = y.at(shape.y0), y.at(shape.y1)
        size = f'width="{x.end - x.start:.1f}" height="{bottom - top:.1f}"'
        return f'<rect x="{x.start:.1f}" y="{top:.1f}" {size} fill="none"{stroke}/>'
    points = POINT.sub(lambda point: f"{x.start + float(point[1]):.1f},{y.at(float(point[2])):.1f}", shape.path)
    return f'<path d="{points}" fill="{shape.fillcolor or "none"}"{stroke}/>'


def _annotation(note: Any, frames: dict[str, Frame], layout: Any) -> str:
    """Text at a place of the whole figure ("paper"), or at values of the first panel."""
    frame, bottom = frames["x"], layout.height - layout.margin.b
    x = frame.x.start + note.x * (frame.x.end - frame.x.start) if note.xref == "paper" else frame.x.at(note.x)
    y = bottom - note.y * (bottom - layout.margin.t) - 7 if note.yref == "paper" else frame.y.at(note.y)
    shift, lift = note.xshift or 0, note.yshift or 0
    return _text(x + shift, y - lift, note.text, anchor=ANCHORS[note.xanchor or "center"], size=note.font.size or 13)
