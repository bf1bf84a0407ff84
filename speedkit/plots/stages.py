"""The stages of a build as a graph: which steps were cached or ran, and which way a miss took through them.

Each stage is a box with its steps in the order of the Dockerfile. A line at the left of the boxes joins a step to the step of
another stage that takes files from it: thick where a miss went along it, dotted where the miss stopped at its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from speedkit.causes import FilesChanged, NewToCache, OtherBytes, StepRan
from speedkit.history import RUN_STATES, MissPath, Reasons, Travel, trace_misses
from speedkit.measurements import UNCHANGED, edit_words
from speedkit.messages import join_names, message, plural
from speedkit.rendering import Reason
from speedkit.words import seconds_text, shown_state
from speedkit.words.causes import cause_clause, cause_title

from .plot import Plot
from .style import CACHED, CLEAR, FAILED, GRID, RAN, TEXT, finish, notes, plain, short

__all__ = ["stages"]

ROW_PIXELS = 26
GAP_ROWS = 0.45
"""The space between two boxes, and above the first, in rows."""
LANE_PIXELS = 14
SPINE, NUMBER, LABEL = 16, 52, 60
"""Places across a box, in pixels from its left edge: the line through the steps, the end of line numbers, the instruction."""
LETTER_PIXELS = 7.7
DOT, ROUNDING = 5.0, 6.0
INSTRUCTION_LETTERS = 34
CAUSE_LETTERS = 36
SHOWN_STATES = frozenset({"cached", "hit", "depends", "waiting", "unclear", *RUN_STATES})
LINE_STYLES: dict[Travel, tuple[str, float, str]] = {
    "quiet": (TEXT, 1.2, "solid"),
    "perhaps": (RAN, 2.0, "dash"),
    "stopped": (RAN, 2.5, "dot"),
    "carried": (RAN, 4.0, "solid"),
}


@dataclass(frozen=True, slots=True)
class _Row:
    """One step at its place. at: rows from the top. is_opening: it is the FROM of its stage."""

    reason: Reason
    at: float
    is_opening: bool


def stages(reasons: Reasons) -> Plot:
    """The steps of an explained build or a forecast by stage, and the ways between them that a miss took or could take.

    reasons: from `sk.explain` or `sk.predict`.
    """
    rows = _rows(reasons.steps)
    ways = [way for way in trace_misses(reasons.steps) if way.target in rows and way.source in rows]
    lanes = _lanes(ways, rows)
    figure = go.Figure()
    height = max((row.at for row in rows.values()), default=0.0) + 0.5 + GAP_ROWS
    figure.update_layout(
        shapes=[*_stage_shapes(rows), *_lines(ways, rows, lanes), *map(_dot, rows.values())],
        annotations=list(_texts(rows, ways)),
    )
    # An invisible bar behind each row, whose tooltip has the full instruction and the full reason.
    figure.add_bar(
        orientation="h",
        y=[row.at for row in rows.values()],
        x=[1] * len(rows),
        width=1,
        marker={"color": CLEAR, "line": {"width": 0}},
        hovertext=[
            f"{plain(row.reason.stage)}: {plain(row.reason.instruction)}<br>{plain(row.reason.because)}"
            for row in rows.values()
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    finish(
        figure,
        title=_finding(reasons, ways),
        measured="; ".join(_notes(reasons)),
        plot_pixels=round(ROW_PIXELS * height),
        left=0,
        right_pixels=12,
        below_pixels=8,
    )
    # At the left there are no labels, for which `finish` makes room, but the lanes.
    figure.update_layout(margin_l=12 + LANE_PIXELS * (max(lanes.values(), default=-1) + 1))
    hidden: dict[str, object] = {"visible": False, "fixedrange": True, "tickvals": [], "ticktext": []}
    figure.update_xaxes(range=[0, 1], **hidden)
    figure.update_yaxes(range=[height, 0], **hidden)
    return Plot(figure, _table(reasons, rows, ways))


def _rows(steps: Sequence[Reason]) -> dict[int, _Row]:
    """By line, a row for each FROM and for each step that BuildKit looks up or runs."""
    rows: dict[int, _Row] = {}
    at, stage = -0.5, ""
    for step in steps:
        # A FROM is drawn though nothing runs for it: it says what the stage is built on.
        is_opening = step.instruction.startswith("FROM ") and step.state != "not-needed"
        # ONBUILD instructions of a base have the line of the FROM that runs them: one row per line.
        if step.line in rows or not (is_opening or step.state in SHOWN_STATES):
            continue
        at += 1 + (GAP_ROWS if step.stage != stage else 0)
        stage = step.stage
        rows[step.line] = _Row(step, at, is_opening)
    return rows


def _lanes(ways: Sequence[MissPath], rows: Mapping[int, _Row]) -> dict[int, int]:
    """For each step that another stage takes files from, the lane in which its lines go down; lane 0 is next to the boxes.

    The shortest lines get the lanes next to the boxes. Lines that share a row get different lanes.
    """
    ends: dict[int, float] = {}
    for way in ways:
        if _crosses(way, rows):
            ends[way.source] = max(ends.get(way.source, 0.0), rows[way.target].at)
    lanes: dict[int, int] = {}
    for source in sorted(ends, key=lambda line: ends[line] - rows[line].at):
        start, end = rows[source].at, ends[source]
        occupied = {lanes[other] for other in lanes if rows[other].at <= end and start <= ends[other]}
        lanes[source] = next(lane for lane in range(len(ends)) if lane not in occupied)
    return lanes


def _crosses(way: MissPath, rows: Mapping[int, _Row]) -> bool:
    """Whether a way leads from one stage to another."""
    return rows[way.source].reason.stage != rows[way.target].reason.stage


def _stage_shapes(rows: Mapping[int, _Row]) -> Iterator[dict[str, object]]:
    """For each stage, a box around its steps and the thin line through them."""
    places: dict[str, list[float]] = {}
    for row in rows.values():
        places.setdefault(row.reason.stage, []).append(row.at)
    colour, width, _ = LINE_STYLES["quiet"]
    for stage in places.values():
        first, last = stage[0], stage[-1]
        yield {
            "type": "rect",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "yref": "y",
            "y0": first - 0.5,
            "y1": last + 0.5,
            "line": {"color": GRID, "width": 1},
            "layer": "below",
        }
        yield _path(f"M{SPINE},{first} L{SPINE},{last}", line={"color": colour, "width": width})


def _lines(ways: Sequence[MissPath], rows: Mapping[int, _Row], lanes: Mapping[int, int]) -> Iterator[dict[str, object]]:
    """The ways between steps. Those that a miss took are drawn last, so that they lie over the others."""
    for way in sorted(ways, key=lambda way: list(LINE_STYLES).index(way.travel)):
        source, target = rows[way.source].at, rows[way.target].at
        colour, width, dash = LINE_STYLES[way.travel]
        path = f"M{SPINE},{source} L{SPINE},{target}"
        if _crosses(way, rows):
            # Out to its lane, down, and back in, with rounded corners: x is in pixels, y in rows.
            x, round_y = -LANE_PIXELS * (lanes[way.source] + 0.5), ROUNDING / ROW_PIXELS
            path = (
                f"M{SPINE},{source} L{x + ROUNDING},{source} Q{x},{source} {x},{source + round_y} "
                f"L{x},{target - round_y} Q{x},{target} {x + ROUNDING},{target} L{SPINE},{target}"
            )
        yield _path(path, line={"color": colour, "width": width, "dash": dash})
        if way.travel == "stopped":
            # A short bar across the end of the line: the miss got this far.
            bar = f"M{SPINE - 11},{target - 0.3} L{SPINE - 11},{target + 0.3}"
            yield _path(bar, line={"color": CACHED, "width": 3})


def _path(path: str, **style: object) -> dict[str, object]:
    """A shape for plotly. Its x is in pixels from the left edge of the boxes, its y in rows."""
    place = {"type": "path", "xref": "paper", "xsizemode": "pixel", "xanchor": 0, "yref": "y"}
    return place | {"path": path} | style


def _dot(row: _Row) -> dict[str, object]:
    """The mark of a step: round when cached, with corners when it ran, so that colours are not the only difference."""
    state, y, high = row.reason.state, row.at, DOT / ROW_PIXELS
    left, right = SPINE - DOT, SPINE + DOT
    square = f"M{left},{y - high} L{right},{y - high} L{right},{y + high} L{left},{y + high} Z"
    diamond = f"M{left - 1},{y} L{SPINE},{y - 1.2 * high} L{right + 1},{y} L{SPINE},{y + 1.2 * high} Z"
    circle = (
        f"M{left},{y} Q{left},{y - high} {SPINE},{y - high} Q{right},{y - high} {right},{y} "
        f"Q{right},{y + high} {SPINE},{y + high} Q{left},{y + high} {left},{y} Z"
    )
    if state in ("failed", "cancelled"):
        return _path(square, fillcolor=FAILED, line={"width": 0})
    if state in RUN_STATES:
        return _path(diamond, fillcolor=RAN, line={"width": 0})
    if state in ("cached", "hit"):
        return _path(circle, fillcolor=CACHED, line={"width": 0})
    return _path(circle, fillcolor=CLEAR, line={"color": TEXT, "width": 1.2})


def _texts(rows: Mapping[int, _Row], ways: Sequence[MissPath]) -> Iterator[dict[str, object]]:
    stopping = {way.target for way in ways if way.travel == "stopped"}
    labels = {line: short(row.reason.instruction, INSTRUCTION_LETTERS) for line, row in rows.items()}
    second_column = LABEL + round(LETTER_PIXELS * max(map(len, labels.values()), default=0)) + 12
    for line, row in rows.items():
        label = plain(labels[line])
        yield _text(row, NUMBER, str(line), anchor="right")
        yield _text(row, LABEL, f"<b>{label}</b>" if row.is_opening else label)
        if words := _state_text(row.reason, stops=line in stopping):
            yield _text(row, second_column, words)


def _text(row: _Row, pixels: int, text: str, *, anchor: str = "left") -> dict[str, object]:
    return {
        "xref": "paper",
        "x": 0,
        "xshift": pixels,
        "xanchor": anchor,
        "yref": "y",
        "y": row.at,
        "yanchor": "middle",
        "text": text,
        "showarrow": False,
    }


def _state_text(reason: Reason, *, stops: bool) -> str:
    """What became of a step, and the cause when a miss began in it. stops: a miss came to the step, and it stayed cached."""
    icon = shown_state(reason.state).icon
    if reason.state in ("cached", "hit") and stops:
        return message("{icon} cached: same bytes, so the miss stops here", icon=icon)
    if reason.state in ("cached", "hit"):
        return message("{icon} cached", icon=icon)
    if reason.state == "depends":
        return message("{icon} depends on what comes out", icon=icon)
    if reason.state == "waiting":
        return message("not reached")
    if reason.state == "unclear":
        return message("{icon} not told apart", icon=icon)
    if reason.state not in RUN_STATES:
        return ""
    text = _run_text(reason, icon)
    # A step that ran because the step above it ran, or because it is new, says nothing of its own.
    cause = "" if isinstance(reason.cause, StepRan | NewToCache) else cause_clause(reason.cause)
    return f"{text}  <b>{plain(short(cause, CAUSE_LETTERS))}</b>" if cause else text


def _run_text(reason: Reason, icon: str) -> str:
    seconds = seconds_text(reason.seconds)
    if reason.state == "failed":
        return message("{icon} failed, {seconds}", icon=icon, seconds=seconds)
    if reason.state == "cancelled":
        return message("{icon} cancelled, {seconds}", icon=icon, seconds=seconds)
    if reason.state == "miss":
        return message("{icon} runs", icon=icon)
    return message("{icon} {seconds}", icon=icon, seconds=seconds)


def _finding(reasons: Reasons, ways: Sequence[MissPath]) -> str:
    steps = [step for step in reasons.steps if step.state in SHOWN_STATES]
    ran = [step for step in steps if step.state in RUN_STATES]
    if not steps:
        return message("There is nothing to run")
    failed = next((step for step in ran if step.state in ("failed", "cancelled")), None)
    if failed is not None:
        instruction = short(failed.instruction, INSTRUCTION_LETTERS)
        if failed.state == "failed":
            return message("Line {line}, {instruction}, failed", line=failed.line, instruction=instruction)
        return message("Line {line}, {instruction}, cancelled", line=failed.line, instruction=instruction)
    if not ran:
        return reasons.title if reasons.build is None else message("Everything came from the cache")
    count = {"ran": len(ran), "steps": len(steps)}
    if reasons.build is None:
        finding = message("{beginning}: {ran} of {steps} steps run", beginning=_causes_in_words(ran, steps), **count)
    else:
        seconds = seconds_text(sum(step.seconds for step in ran))
        finding = message(
            "{beginning}: {ran} of {steps} steps ran, {seconds}",
            beginning=_causes_in_words(ran, steps),
            seconds=seconds,
            **count,
        )
    stops = list(dict.fromkeys(way.target for way in ways if way.travel == "stopped"))
    match stops:
        case []:
            return finding
        case [line]:
            lines = message("line {number}", number=line)
        case [first, second]:
            lines = message("lines {first} and {second}", first=first, second=second)
        case _:
            lines = plural("{count} place", "{count} places", len(stops))
    return message("{finding}; miss stopped at {lines}", finding=finding, lines=lines)


def _causes_in_words(ran: Sequence[Reason], steps: Sequence[Reason]) -> str:
    """The causes of all misses, in a few words."""
    base_images = sum(step.instruction.startswith("FROM ") for step in steps)
    if len(ran) == len(steps) - base_images and all(isinstance(step.cause, NewToCache) for step in ran):
        return message("Nothing but base images was cached") if base_images else message("Nothing was cached")
    # The steps in which a miss began: others ran because of them. Steps often copy the same files; of two such steps, the one
    # with more changed files speaks for both.
    began = [step for step in ran if not isinstance(step.cause, StepRan | OtherBytes)]
    files = [set(step.cause.files) for step in began if isinstance(step.cause, FilesChanged)]
    causes = dict.fromkeys(
        cause_title(step.cause, line=step.line)
        for step in began
        if not isinstance(step.cause, FilesChanged) or not any(set(step.cause.files) < more for more in files)
    )
    if len(causes) > 2:
        return plural("{count} change", "{count} changes", len(causes))
    return join_names(list(causes)) or message("Bytes that changed")


def _notes(reasons: Reasons) -> Iterator[str]:
    """Which build this is, how it was measured, and how many stages are not drawn."""
    build = reasons.build
    if build is None:
        yield message("a forecast: nothing was built")
    else:
        # "nothing changed" would be wrong here: a build arg may have changed, and the title says so.
        name = build.strategy
        if build.edit != UNCHANGED:
            name = message("{strategy}, {edit}", strategy=build.strategy, edit=edit_words(build.edit))
        yield name
        yield message("one run")
        yield notes([build])
    unused_stages = len({step.stage for step in reasons.steps if step.state == "not-needed"})
    if unused_stages:
        yield plural(
            "{count} stage that the target does not use left out",
            "{count} stages that the target does not use left out",
            unused_stages,
        )


def _table(reasons: Reasons, rows: Mapping[int, _Row], ways: Sequence[MissPath]) -> pd.DataFrame:
    """A row per step of the figure, with the lines of other stages that it takes files from."""
    sources: dict[int, list[str]] = {line: [] for line in rows}
    for way in ways:
        if _crosses(way, rows):
            sources[way.target].append(message("line {number}", number=way.source))
    table = reasons.table
    shown = table[table["line"].isin(list(rows))].drop_duplicates("line").reset_index(drop=True)
    shown.insert(len(shown.columns) - 1, "takes_from", [", ".join(sources[line]) for line in shown["line"]])
    return shown
