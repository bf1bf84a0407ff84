"""Figures of a replayed history: the lines that ran at each commit, the running cost, and the cost of each folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from speedkit.data_frame import Frame
from speedkit.messages import clauses, message, plural
from speedkit.text_width import letters
from speedkit.words import seconds_text

from .bar_panels import label_rows
from .plot import Plot
from .style import BAR, GRID, OWN, RAN, ROW, finish, hatched, plain, short, short_instruction

if TYPE_CHECKING:
    from speedkit.replays import Replay, ReplayedCommit

__all__ = ["cost_by_folder", "history_strip", "measured_words", "running_cost"]

MOST_LINES, MOST_FOLDERS, MOST_COLUMNS = 20, 12, 400
STRIP_ROW = 22
CACHED, RUNS, NO_BUILD = 0, 1, 2
SCALE = [
    [0, "rgba(0,114,178,.16)"],
    [0.33, "rgba(0,114,178,.16)"],
    [0.33, "rgba(179,71,0,.85)"],
    [0.66, "rgba(179,71,0,.85)"],
    [0.66, "rgba(128,128,128,.25)"],
    [1, "rgba(128,128,128,.25)"],
]
"""A colour per code of a cell. Each stands twice: plotly blends the colours between two neighbouring entries."""
GIT = ".git"


def history_strip(replay: Replay) -> Plot:
    """A column for each commit and a row for each instruction that ever ran: filled where it runs.

    A long history is cut to its last 400 commits, as a figure has no more columns of pixels.
    """
    shown_commits = replay.commits[-MOST_COLUMNS:]
    # An instruction is the same row while its text is the same, on whatever line it stands.
    counts = Counter(step.instruction for one in shown_commits for step in one.verdicts.ran)
    # Each instruction is named with its line in the newest Dockerfile. One that is no longer there has no line.
    newest = next((one.dockerfile for one in reversed(replay.commits) if one.dockerfile is not None), None)
    lines = {step.instruction: step.line for step in newest.steps} if newest is not None else {}
    shown = sorted(
        (instruction for instruction, _ in counts.most_common(MOST_LINES)), key=lambda one: (lines.get(one, 10**6), one)
    )
    ran = [(one, {step.instruction for step in one.verdicts.ran}) for one in shown_commits]
    words = {CACHED: message("cached"), RUNS: message("runs"), NO_BUILD: message("cannot be built")}
    codes = [
        [NO_BUILD if one.trouble is not None else RUNS if instruction in run else CACHED for one, run in ran]
        for instruction in shown
    ]
    labels = [f"{lines[one]}  {short_instruction(one, 30)}" if one in lines else short_instruction(one, 34) for one in shown]
    figure = go.Figure()
    figure.add_heatmap(
        z=codes,
        x=list(range(len(shown_commits))),
        y=list(range(len(shown))),
        text=[
            [
                f"{plain(_commit(one))}<br>{plain(short(text, 90))}<br>{words[code]}"
                for one, code in zip(shown_commits, row, strict=True)
            ]
            for text, row in zip(shown, codes, strict=True)
        ],
        zmin=0,
        zmax=2,
        colorscale=SCALE,
        showscale=False,
        xgap=1 if len(shown_commits) <= 250 else 0,
        ygap=3,
        hovertemplate="%{text}<extra></extra>",
    )
    finish(
        figure,
        title=_strip_finding(len(shown_commits), counts),
        measured=measured_words(
            replay, message("a column for each commit, the oldest at the left; orange runs, blue is cached")
        ),
        plot_pixels=STRIP_ROW * max(len(shown), 1),
        left=max(map(letters, labels), default=0),
        right_pixels=44,
    )
    label_rows(figure, labels)
    _date_axis(figure, shown_commits)
    table = Frame(
        [[lines.get(text), text, counts[text], len(shown_commits)] for text in shown],
        columns=["line", "instruction", "runs", "commits"],
    )
    return Plot(figure, table.astype({"line": "Int64"}))


def running_cost(replay: Replay) -> Plot:
    """The minutes of all builds up to each commit; without a model of seconds, the number of steps that ran."""
    timed = replay.model is not None
    total, sums = 0.0, []
    for one in replay.commits:
        total += (one.seconds or 0.0) / 60 if timed else len(one.verdicts.ran)
        sums.append(total)
    figure = go.Figure()
    figure.add_scatter(
        x=list(range(len(sums))),
        y=sums,
        mode="lines",
        # Steps and no slopes: between two commits nothing was built.
        line={"color": RAN, "width": 2, "shape": "hv"},
        fill="tozeroy",
        fillcolor="rgba(179,71,0,.15)",
        hovertext=[
            f"{plain(_commit(one))}<br>{seconds_text(one.seconds) if one.seconds is not None else len(one.verdicts.ran)}"
            for one in replay.commits
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    finish(
        figure,
        title=_cost_finding(replay, sums),
        measured=measured_words(replay, message("one build for each commit")),
        plot_pixels=260,
        left=6,
        right_pixels=44,
    )
    unit = message("minutes, all together") if timed else message("steps that ran, all together")
    figure.update_yaxes(title_text=unit, range=[0, max(sums[-1:], default=0) * 1.08 or 1], gridcolor=GRID)
    _date_axis(figure, replay.commits)
    rows = [[one.commit.id, one.seconds, value] for one, value in zip(replay.commits, sums, strict=True)]
    return Plot(
        figure, Frame(rows, columns=["commit", "seconds", "minutes_so_far" if timed else "steps_so_far"]), rows_shown=10
    )


def cost_by_folder(replay: Replay) -> Plot:
    """The minutes caused by changes in each folder. Commits that changed several folders are one bar."""
    timed = replay.model is not None
    costs: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for one in replay.commits:
        for origin, amount in _by_origin(one, timed=timed).items():
            folder = _folder(one.verdicts.files.get(origin, ()))
            costs[folder] += amount  # type: ignore[assignment]
            counts[folder] += 1
    folders = sorted(costs, key=lambda one: -costs[one])[:MOST_FOLDERS]
    amounts = [costs[one] / 60 if timed else costs[one] for one in folders]
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        y=list(range(len(folders))),
        x=amounts,
        width=BAR,
        marker={"color": OWN, "pattern": hatched(False), "line": {"width": 0}},
        text=[message("{minutes:,.1f} min", minutes=amount) if timed else f"{amount:,.0f}" for amount in amounts],
        textposition="outside",
        cliponaxis=False,
        hovertext=[f"{plain(one)}: {plural('{count:,} miss', '{count:,} misses', counts[one])}" for one in folders],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    labels = [short(one, 34) for one in folders]
    finish(
        figure,
        title=_folder_finding(folders, amounts, sum(costs.values()) / (60 if timed else 1)),
        measured=measured_words(replay, message("by the files that made the first step of each chain miss")),
        plot_pixels=ROW * max(len(folders), 1),
        left=max(map(letters, labels), default=0),
    )
    label_rows(figure, labels)
    unit = message("minutes") if timed else message("steps that ran")
    figure.update_xaxes(title_text=unit, range=[0, max(amounts, default=0) * 1.02 or 1])
    rows = [[one, amount, counts[one]] for one, amount in zip(folders, amounts, strict=True)]
    return Plot(figure, Frame(rows, columns=["files", "minutes" if timed else "steps", "misses"]))


def _by_origin(commit: ReplayedCommit, *, timed: bool) -> dict[int, float]:
    """The cost of each step at which a miss began, at one commit: seconds, or steps that ran."""
    amounts: dict[int, float] = {}
    for step, origin in commit.verdicts.origins().items():
        amounts[origin] = amounts.get(origin, 0.0) + (commit.step_seconds.get(step, 0.0) if timed else 1.0)
    return amounts


def _folder(files: Sequence[str]) -> str:
    """The top folder of some files; a phrase where there are none, or several."""
    tops = {f"{path.split('/')[0]}/" if "/" in path else path for path in files if path != GIT}
    if not files:
        return message("the Dockerfile or a base")
    # `.git` differs in every commit, so it is named only where nothing else differs.
    if not tops:
        return GIT
    return tops.pop() if len(tops) == 1 else message("several at once")


def _commit(one: ReplayedCommit) -> str:
    day = datetime.fromtimestamp(one.commit.seconds, UTC).date().isoformat()
    return f"{one.commit.id[:10]} {day} {short(one.commit.subject, 60)}"


def _date_axis(figure: go.Figure, commits: Sequence[ReplayedCommit]) -> None:
    """Puts dates below some commits. Their distance says nothing about the time between them."""
    if not commits:
        return
    places = sorted({round(part * (len(commits) - 1) / 4) for part in range(5)})
    days = [f"{datetime.fromtimestamp(commits[place].commit.seconds, UTC):%Y-%m-%d}" for place in places]
    figure.update_xaxes(tickvals=places, ticktext=days, showgrid=False, range=[-0.5, len(commits) - 0.5])


def measured_words(replay: Replay, how: str) -> str:
    """The line on how the values of a replay came about. how: what is particular to the figure."""
    model = replay.model
    facts = [plural("{count:,} commit replayed", "{count:,} commits replayed", len(replay.commits)), how]
    if model is None:
        facts.append(message("seconds are not known"))
    else:
        builds = len(model.builds)
        if model.from_recordings:
            facts.append(
                plural(
                    "seconds estimated from {count:,} recorded build",
                    "seconds estimated from {count:,} recorded builds",
                    builds,
                )
            )
        else:
            facts.append(
                plural("seconds estimated from {count:,} real build", "seconds estimated from {count:,} real builds", builds)
            )
        if model.error_percent is not None:
            facts.append(message("off by {percent:.0f} %", percent=model.error_percent))
        if model.stand_in:
            facts.append(message("stand-in base"))
    return clauses(facts)


def _strip_finding(commits: int, counts: Counter[str]) -> str:
    if not counts:
        return message("No step ran at any of these commits")
    instruction, most = counts.most_common(1)[0]
    return message(
        "{instruction} runs at {runs:,} of {count:,} commits",
        instruction=short_instruction(instruction),
        runs=most,
        count=commits,
    )


def _cost_finding(replay: Replay, sums: Sequence[float]) -> str:
    if replay.model is None:
        return message("{steps:,.0f} steps ran at {count:,} commits", steps=sums[-1] if sums else 0, count=len(sums))
    # The costliest commits until they make half of the total: often a few of them are most of the cost.
    ordered = sorted((one.seconds or 0.0 for one in replay.commits), reverse=True)
    half, counted = 0.0, 0
    while counted < len(ordered) and half < sum(ordered) / 2:
        half += ordered[counted]
        counted += 1
    return message(
        "{minutes:,.1f} minutes of builds, half of them in {share:.0f} % of the commits",
        minutes=sums[-1] if sums else 0.0,
        share=100 * counted / max(len(ordered), 1),
    )


def _folder_finding(folders: Sequence[str], amounts: Sequence[float], total: float) -> str:
    if not folders or not total:
        return message("No step ran at any of these commits")
    return message("{percent:.0f} % come from {files}", percent=100 * amounts[0] / total, files=folders[0])
