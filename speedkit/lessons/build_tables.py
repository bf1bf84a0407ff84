"""Builds as tables: which steps ran in one build or several, and the median times of all strategies and edits."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from speedkit.apps import COLD, App
from speedkit.messages import Labels, marked, message, plural
from speedkit.model import Build, Step
from speedkit.rendering import Table
from speedkit.words import seconds_text, shown_state

__all__ = ["NOT_BUILT", "empty_cells", "overview", "side_by_side", "what_ran"]

NOT_BUILT = marked("not built")
HEADS = Labels(
    {
        "build": marked("build"),
        "cached": marked("cached"),
        "failed": marked("failed"),
        "instruction": marked("instruction"),
        "line": marked("line"),
        "ran": marked("ran"),
    }
)


def side_by_side(first: Build, again: Build) -> Table:
    """A row per step that ran in the first of two builds of one Dockerfile: how long it took in each."""
    import pandas as pd

    def cell(step: Step) -> str:
        return seconds_text(step.seconds) if step.ran else shown_state(step.state).word

    pairs = zip(first.instructions, again.instructions, strict=True)
    rows = [(one.line, one.instruction, cell(one), cell(other)) for one, other in pairs if one.ran]
    # Both builds may have the same name. The table then has two columns of that name, in the order of the builds.
    columns = ["line", "instruction", _build_name(first), _build_name(again)]
    return Table(pd.DataFrame(rows, columns=columns), lambda column, _: "sk-whole" if column == "instruction" else "", HEADS)


def _build_name(build: Build) -> str:
    return message("{strategy}, {edit}", strategy=build.strategy, edit=build.edit)


def what_ran(*builds: Build, names: Sequence[str] = ()) -> Table:
    """A row per build: the lines whose steps ran, those that came from the cache, and the one that failed.

    names: of the builds, where strategy and edit do not tell them apart.
    """
    import pandas as pd

    rows = [
        (
            name,
            _lines(step for step in build.instructions if step.ran and step.state != "failed"),
            _lines(step for step in build.instructions if step.cached),
            _lines(step for step in build.instructions if step.state == "failed"),
        )
        for build, name in zip(builds, names or map(_build_name, builds), strict=True)
    ]
    return Table(pd.DataFrame(rows, columns=["build", "ran", "cached", "failed"]), heads=HEADS)


def _lines(steps: Iterable[Step]) -> str:
    """`4, 6, 7`; a command on the host stands for itself, as it has no line. `–` without steps."""
    return ", ".join(step.instruction if step.line is None else str(step.line) for step in steps) or "–"


def overview(builds: Sequence[Build], app: App) -> Table:
    """The median time of each strategy under each edit, as text; a cell says "not built" where there is no build."""
    import pandas as pd

    # A cold build is no edit of the app, and yet has a column.
    edits = [COLD, *app.edits]
    cells = {strategy: [_time_and_look(_runs(builds, strategy, edit)) for edit in edits] for strategy in app.strategies}
    rows = {strategy: [text for text, _ in row] for strategy, row in cells.items()}
    looks = {text: look for row in cells.values() for text, look in row}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=edits)
    return Table(table, lambda _edit, text: looks[text], has_row_heads=True)


def _time_and_look(runs: Sequence[Build]) -> tuple[str, str]:
    """A cell of the overview: its text and its class name."""
    if not runs:
        return message(NOT_BUILT), "sk-dim"
    good_seconds = [build.seconds for build in runs if build.ok]
    if not good_seconds:
        # The time until a failure is no build time: the words say so, and no line break may part the number from its unit.
        seconds = seconds_text(statistics.median(build.seconds for build in runs)).replace(" ", "\N{NO-BREAK SPACE}")
        return message("fails after {seconds}", seconds=seconds), "sk-sentence"
    return seconds_text(statistics.median(good_seconds)), "sk-amount"


def _runs(builds: Sequence[Build], strategy: str, edit: str) -> list[Build]:
    return [build for build in builds if (build.strategy, build.edit) == (strategy, edit)]


def empty_cells(builds: Sequence[Build], app: App) -> str:
    """How many cells of the `overview` are empty, and why; "" when none is."""
    edits = [COLD, *app.edits]
    empty = sum(not _runs(builds, strategy, edit) for strategy in app.strategies for edit in edits)
    if not empty:
        return ""
    return plural(
        "{count:,} cell of {cells} says {words!r}: a tour builds only what its notebooks need. `make tour FULL=1` builds every "
        "strategy under every edit, which takes much longer.",
        "{count:,} cells of {cells} say {words!r}: a tour builds only what its notebooks need. `make tour FULL=1` builds every "
        "strategy under every edit, which takes much longer.",
        empty,
        cells=len(app.strategies) * len(edits),
        words=message(NOT_BUILT),
    )
