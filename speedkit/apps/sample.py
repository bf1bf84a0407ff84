"""The sample app: the Go service of the article, its strategies and edits."""

from __future__ import annotations

import re
import shutil
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Self

from speedkit.errors import EditDoesNotApply, NotAFolder
from speedkit.messages import message
from speedkit.shipped import shipped_folder, shipped_places

from .app import App, Strategy
from .edits import RESET, Edit, append_line, nothing, replace_text, touch
from .probe import Probe
from .text_files import read_text, write_text
from .working_copy import WorkingCopy, working_copy

__all__ = [
    "BROKEN_ON_PURPOSE",
    "SampleApp",
    "is_sample_folder",
    "sample_app",
    "sample_edits",
    "sample_folder",
    "sample_strategies",
]

NAMES = ("host", "chained", "naive", "stages", "optimized", "warm", "mounts", "scratch")
FOLDERS = shipped_places(__file__, "sample_go_app")
PORT = 8080
BROKEN_ON_PURPOSE = "break"
"""The edit after which every build fails."""
FIELD = re.compile(r'json:"(\w+)"')
MAKE_EXE = ("go", "build", "-buildvcs=false", "-o", "speedup", ".")
"""The command of the target `exe` of the sample app's Makefile, for machines without make."""


def sample_folder() -> Path:
    """The folder with the files of the sample app. Raises: NotAFolder."""
    folder = shipped_folder(FOLDERS, "main.go")
    if folder is None:
        raise NotAFolder(FOLDERS[-1])
    return folder


def is_sample_folder(folder: Path) -> bool:
    """Whether a folder is that of the sample app; False when the kit has no such folder."""
    try:
        return folder == sample_folder()
    except NotAFolder:
        return False


def sample_app() -> SampleApp:
    """A working copy of the sample app, with a cache of its own. Its files may be edited."""
    return SampleApp.copied()


def sample_strategies(folder: Path) -> dict[str, Strategy]:
    """The strategies of the article, in its order. folder: with their Dockerfiles, whose first lines are the summaries."""
    strategies = {}
    for name in NAMES:
        dockerfile = folder / f"Dockerfile.{name}"
        summary = dockerfile.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        host_commands: tuple[tuple[str, ...], ...] = ()
        if name == "host":
            host_commands = (("make", "exe"),) if shutil.which("make") else (MAKE_EXE,)
        strategies[name] = Strategy(name, dockerfile, summary, host_commands)
    return strategies


class SampleApp(App):
    """The sample app. A running image of it can be tested, see `probe`."""

    products = frozenset({"speedup"})

    def __init__(
        self,
        source: Path,
        folder: Path,
        strategies: dict[str, Strategy],
        *,
        private_cache: bool,
        copy: WorkingCopy | None = None,
    ) -> None:
        edits = {edit.name: edit for edit in sample_edits()}
        super().__init__("sample_go_app", source, folder, strategies, edits, private_cache=private_cache, copy=copy)

    @classmethod
    def copied(cls) -> Self:
        """A working copy of the sample app."""
        source = sample_folder()
        copy = working_copy(source, [strategy.dockerfile for strategy in sample_strategies(source).values()])
        (copy.folder / "speedup").unlink(missing_ok=True)
        return cls(source, copy.folder, sample_strategies(copy.folder), private_cache=True, copy=copy)

    @property
    def probe(self) -> Probe:
        """A request to `/echo`. The answer must have the field that the sources name now, as an edit may rename it."""
        field = FIELD.search((self.folder / "main.go").read_text(encoding="utf-8", errors="replace"))
        return Probe(PORT, "/echo?text=speedkit", field[1] if field else "text", "speedkit")


def sample_edits() -> tuple[Edit, ...]:
    """The ready-made edits of the sample app, with all their words. A new edit is one more entry here."""
    readme = append_line("README.md", "A line that Go never sees.", called="readme")
    return (
        nothing(),
        touch("main.go"),
        Edit(
            "comment",
            message("a comment in main.go: the same code"),
            _comment,
            title=message("a comment added"),
            heading=message("comment added"),
        ),
        Edit(
            "rename-field",
            message("text becomes message in the answer"),
            _rename_field,
            title=message("a field renamed"),
            heading=message("field renamed"),
        ),
        replace(readme, title=message("the README edited"), heading=message("README edited")),
        Edit(
            "add-dependency",
            message("a new import, with go.mod and go.sum"),
            _add_dependency,
            title=message("a dependency added"),
            heading=message("dependency added"),
        ),
        Edit(
            BROKEN_ON_PURPOSE,
            message("a compile error in main.go"),
            _break,
            title=message("a compile error"),
            heading=message("compile error"),
        ),
    )


UUID_SUMS = """\
github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=
github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo="""
PACKAGE = re.compile(r"^package main\b.*$", re.MULTILINE)


def _comment(folder: Path) -> tuple[str, ...]:
    # A new comment each time, as the same comment would be no change. It is on an existing line: a new line would move the
    # line numbers behind it, which Go writes into the program.
    text = read_text(folder, "main.go")
    package_line = PACKAGE.search(text)
    if package_line is None:
        raise EditDoesNotApply(message("main.go no longer holds 'package main'."), fix=message(RESET))
    write_text(folder, "main.go", text.replace(package_line[0], f"package main // comment {uuid.uuid4().hex[:8]}", 1))
    return ("main.go",)


def _rename_field(folder: Path) -> tuple[str, ...]:
    return replace_text(
        folder, "main.go", (('Text string `json:"text"`', 'Message string `json:"message"`'), ("{Text:", "{Message:"))
    )


def _break(folder: Path) -> tuple[str, ...]:
    return replace_text(folder, "main.go", (('context.Query("text")', 'context.Query("text"'),))


def _add_dependency(folder: Path) -> tuple[str, ...]:
    """Import github.com/google/uuid, which has no dependencies of its own. The sums are those that `go mod tidy` writes."""
    if "github.com/google/uuid" in read_text(folder, "go.mod"):
        raise EditDoesNotApply(message("go.mod already requires github.com/google/uuid."), fix=message(RESET))
    replace_text(
        folder,
        "main.go",
        (
            ('\t"github.com/gin-gonic/gin"\n', '\t"github.com/gin-gonic/gin"\n\t"github.com/google/uuid"\n'),
            (
                "func echo(context *gin.Context) {\n",
                'func echo(context *gin.Context) {\n\tcontext.Header("X-Request-Id", uuid.NewString())\n',
            ),
        ),
    )
    gin = "require github.com/gin-gonic/gin v1.10.1\n"
    replace_text(folder, "go.mod", ((gin, f"{gin}\nrequire github.com/google/uuid v1.6.0\n"),))
    append_line("go.sum", UUID_SUMS).make(folder)
    return ("main.go", "go.mod", "go.sum")
