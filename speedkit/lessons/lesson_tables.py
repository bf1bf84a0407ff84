"""Tables and listings that the notebooks show: Dockerfiles with line numbers, strategies, stages, builds beside each other."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from speedkit.apps import COLD, App, Edit, Strategy
from speedkit.dockerfile import read_dockerfile
from speedkit.messages import message, plural
from speedkit.model import Build, Step
from speedkit.rendering import Table, html_text
from speedkit.visible import visible
from speedkit.words import seconds_text, shown_state

__all__ = ["Listing", "dockerfile", "empty_cells", "overview", "side_by_side", "stages", "summaries", "what_ran"]

CODE = (
    "font:12px/1.6 var(--jp-code-font-family,ui-monospace,monospace);"
    "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"
)
NOT_BUILT = message("not built")
DIM = "var(--jp-ui-font-color2,#59636e)"
HEADS = {
    "build": message("build"),
    "cached": message("cached"),
    "failed": message("failed"),
    "instruction": message("instruction"),
    "instructions": message("instructions"),
    "line": message("line"),
    "ran": message("ran"),
    "stage": message("stage"),
    "starts from": message("starts from"),
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A text with its line numbers, the same that builds and figures name. Shown as such in a notebook."""

    text: str

    def __str__(self) -> str:
        return "\n".join(f"{number:3}  {visible(line)}" for number, line in enumerate(self._lines, 1))

    __repr__ = __str__

    @property
    def _lines(self) -> list[str]:
        """As BuildKit counts them: Python would also end a line at a carriage return or a line separator."""
        return self.text.replace("\r\n", "\n").removesuffix("\n").split("\n")

    def _repr_html_(self) -> str:
        rows = "".join(_listed(number, line) for number, line in enumerate(self._lines, 1))
        return f'<pre style="{CODE}">{rows}</pre>'


def _listed(number: int, line: str) -> str:
    dim = f"color:{DIM}"
    text = f'<span style="{dim}">{html_text(line)}</span>' if line.startswith("#") else html_text(line)
    # What goes on in the next line stays beside the numbers.
    hanging = "display:block;padding-left:5ch;text-indent:-5ch"
    return f'<span style="{hanging}"><span style="{dim};user-select:none">{number:3}  </span>{text}</span>'


def dockerfile(app: App, strategy: str) -> Listing:
    """The Dockerfile of a strategy, with line numbers."""
    return Listing(_text(app, strategy))


def _text(app: App, strategy: str) -> str:
    """A Dockerfile as it is: reading text, Python would make a line end of a lone carriage return."""
    return app.strategy(strategy).dockerfile.read_bytes().decode("utf-8", "backslashreplace")


def summaries(things: Mapping[str, Strategy] | Mapping[str, Edit]) -> Table:
    """A row per strategy or edit: what it is, in a few words; none of the words cut off."""
    import pandas as pd

    table = pd.DataFrame({"": {name: thing.summary for name, thing in things.items()}})
    return Table(table, has_column_heads=False, has_row_heads=True)


def stages(app: App, strategy: str) -> Table:
    """A row per stage of a strategy's Dockerfile: its name, what it starts from, its line, how many instructions it has.

    Raises: DockerfileError.
    """
    import pandas as pd

    found = read_dockerfile(_text(app, strategy)).stages
    rows = [(stage.name, stage.base, stage.line, len(stage.instructions)) for stage in found]
    return Table(pd.DataFrame(rows, columns=["stage", "starts from", "line", "instructions"]), heads=HEADS)


def side_by_side(first: Build, again: Build) -> Table:
    """A row per step that ran in the first of two builds of one Dockerfile: how long it took in each."""
    import pandas as pd

    pairs = zip(first.instructions, again.instructions, strict=True)
    rows = [(one.line, one.instruction, _amount(one), _amount(other)) for one, other in pairs if one.ran]
    columns = ["line", "instruction", _name(first), _name(again)]
    # Two builds may have one name: the columns are told apart by their place.
    return Table(pd.DataFrame(rows, columns=columns), lambda column, _: "sk-whole" if column == "instruction" else "", HEADS)


def _amount(step: Step) -> str:
    return seconds_text(step.seconds) if step.ran else shown_state(step.state).word


def _name(build: Build) -> str:
    return message("{strategy}, {edit}", strategy=build.strategy, edit=build.edit)


def what_ran(*builds: Build) -> Table:
    """A row per build: the lines whose steps ran, those that came from the cache, and the one that failed."""
    import pandas as pd

    rows = [
        (
            _name(build),
            _lines(step for step in build.instructions if step.ran and step.state != "failed"),
            _lines(step for step in build.instructions if step.cached),
            _lines(step for step in build.instructions if step.state == "failed"),
        )
        for build in builds
    ]
    return Table(pd.DataFrame(rows, columns=["build", "ran", "cached", "failed"]), heads=HEADS)


def _lines(steps: Iterable[Step]) -> str:
    """`4, 6, 7`, a step of the host by its command; `–` for none."""
    return ", ".join(step.instruction if step.line is None else str(step.line) for step in steps) or "–"


def overview(builds: Sequence[Build], app: App) -> Table:
    """Median time by strategy and edit, as text; combinations that were not built say so."""
    import pandas as pd

    edits = [COLD, *app.edits]
    cells = {strategy: [_time(_runs(builds, strategy, edit)) for edit in edits] for strategy in app.strategies}
    rows = {strategy: [text for text, _ in row] for strategy, row in cells.items()}
    looks = {text: look for row in cells.values() for text, look in row}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=edits)
    return Table(table, lambda _edit, text: looks[text], has_row_heads=True)


def _time(runs: Sequence[Build]) -> tuple[str, str]:
    """A cell of the overview: its text and its look."""
    if not runs:
        return NOT_BUILT, "sk-dim"
    good = [build.seconds for build in runs if build.ok]
    if not good:
        amount = seconds_text(statistics.median(build.seconds for build in runs)).replace(" ", "\N{NO-BREAK SPACE}")
        return message("fails after {seconds}", seconds=amount), "sk-said"
    return seconds_text(statistics.median(good)), "sk-amount"


def _runs(builds: Sequence[Build], strategy: str, edit: str) -> list[Build]:
    return [build for build in builds if (build.strategy, build.edit) == (strategy, edit)]


def empty_cells(builds: Sequence[Build], app: App) -> str:
    """How many cells of the `overview` are empty, and why; "" when none is."""
    edits = [COLD, *app.edits]
    empty = sum(not _runs(builds, strategy, edit) for strategy in app.strategies for edit in edits)
    if not empty:
        return ""
    return plural(
        "{count:,} cell of {cells} says {words!r}: a tour builds what its notebooks ask about. `make tour FULL=1` builds every "
        "strategy under every edit, which takes much longer.",
        "{count:,} cells of {cells} say {words!r}: a tour builds what its notebooks ask about. `make tour FULL=1` builds every "
        "strategy under every edit, which takes much longer.",
        empty,
        cells=len(app.strategies) * len(edits),
        words=NOT_BUILT,
    )
