"""What there is to build, as tables: a Dockerfile with its line numbers, its stages, an app's strategies and edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from speedkit.apps import App, Edit, Strategy
from speedkit.control_characters import visible
from speedkit.dockerfile import read_dockerfile
from speedkit.messages import Labels, marked
from speedkit.rendering import Table, html_text

__all__ = ["Listing", "dockerfile", "stages", "summaries"]

CODE = (
    "font:12px/1.6 var(--jp-code-font-family,ui-monospace,monospace);"
    "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"
)
DIM = "color:var(--jp-ui-font-color2,#59636e)"
HANGING = "display:block;padding-left:5ch;text-indent:-5ch"
"""The rest of a line that is too long for the page starts below its text, not below the line numbers."""
HEADS = Labels(
    {
        "instructions": marked("instructions"),
        "line": marked("line"),
        "stage": marked("stage"),
        "starts from": marked("starts from"),
    }
)


@dataclass(frozen=True, slots=True)
class Listing:
    """A text with line numbers, the same numbers that builds and figures name. A notebook shows it as HTML."""

    text: str

    def __str__(self) -> str:
        return "\n".join(f"{number:3}  {visible(line)}" for number, line in enumerate(self._lines, 1))

    __repr__ = __str__

    @property
    def _lines(self) -> list[str]:
        # As BuildKit counts lines. `str.splitlines` also ends a line at a lone carriage return or a line separator.
        return self.text.replace("\r\n", "\n").removesuffix("\n").split("\n")

    def _repr_html_(self) -> str:
        rows = []
        for number, line in enumerate(self._lines, 1):
            text = f'<span style="{DIM}">{html_text(line)}</span>' if line.startswith("#") else html_text(line)
            number_html = f'<span style="{DIM};user-select:none">{number:3}  </span>'
            rows.append(f'<span style="{HANGING}">{number_html}{text}</span>')
        return f'<pre style="{CODE}">{"".join(rows)}</pre>'


def dockerfile(app: App, strategy: str) -> Listing:
    """The Dockerfile of a strategy, with line numbers."""
    return Listing(_dockerfile_text(app, strategy))


def _dockerfile_text(app: App, strategy: str) -> str:
    """A Dockerfile's text with its line ends as they are: `Path.read_text` would turn a lone carriage return into one."""
    return app.strategy(strategy).dockerfile.read_bytes().decode("utf-8", "backslashreplace")


def summaries(things: Mapping[str, Strategy] | Mapping[str, Edit]) -> Table:
    """A row per strategy or edit: its name and its summary in full."""
    import pandas as pd

    table = pd.DataFrame({"": {name: thing.summary for name, thing in things.items()}})
    return Table(table, has_column_heads=False, has_row_heads=True)


def stages(app: App, strategy: str) -> Table:
    """A row per stage of a strategy's Dockerfile: its name, what it starts from, its line, how many instructions it has.

    Raises: DockerfileError.
    """
    import pandas as pd

    rows = [
        (stage.name, stage.base, stage.line, len(stage.instructions))
        for stage in read_dockerfile(_dockerfile_text(app, strategy)).stages
    ]
    return Table(pd.DataFrame(rows, columns=["stage", "starts from", "line", "instructions"]), heads=HEADS)
