"""poetry and uv: the dependencies are installed before the sources are copied, and the project itself behind them.

Both tools can leave out the project: `poetry install --no-root`, `uv sync --no-install-project`.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from speedkit.messages import message

from ..build_plan import BuildPlan
from ..image_files import files_before
from ..install_first import Installation, install_first
from ..python_project import pyproject
from ..rule import Change

if TYPE_CHECKING:
    from speedkit.dockerfile import Instruction

    from ..shell_commands import Piece, ShellCommand

__all__ = ["GROUP", "change"]

GROUP = "dependencies"
_FILES = {
    "poetry": ("pyproject.toml", "poetry.lock", "poetry.toml"),
    "uv": ("pyproject.toml", "uv.lock", "uv.toml", ".python-version"),
}
_WITHOUT_PROJECT = {"poetry": "--no-root", "uv": "--no-install-project"}
_LEFT_OUT = frozenset(
    {"--no-root", "--no-install-project", "--no-install-workspace", "--only-root", "--package", "--all-packages"}
)


def change(plan: BuildPlan) -> Change | None:
    for run in plan.instructions("RUN"):
        text = plan.shell(run)
        for place, piece in enumerate(text.pieces if text is not None else ()):
            installation = _installation(plan, run, place, piece)
            editor = install_first(plan, installation) if installation is not None else None
            if editor is not None and piece.command is not None:
                because = message(
                    "`{command}` installed every dependency again for each change of a source.",
                    command=" ".join(piece.command.words),
                )
                return Change.of_dockerfile(plan, editor, because)
    return None


def _installation(plan: BuildPlan, run: Instruction, place: int, piece: Piece) -> Installation | None:
    command = piece.command
    if command is None or not (command.begins("poetry", "install") or command.begins("uv", "sync")):
        return None
    workdir = plan.folder(run, place)
    files = files_before(plan, run)
    document = pyproject(files, workdir) if files is not None and workdir is not None else None
    if files is None or workdir is None or document is None or command.options & {"--directory", "--project", "-C", "-P"}:
        return None
    reads = tuple(path for name in _FILES[command.program] if (path := posixpath.join(workdir, name)) in files.paths)
    # Without a lock file, the versions are searched again each time.
    if not any(path.endswith(".lock") for path in reads) or _is_local(document, command):
        return None
    if command.options & _LEFT_OUT:
        return Installation(run, place, reads) if "--only-root" not in command.options else None
    if not _installs_project(document, command.program):
        return Installation(run, place, reads)
    if _is_done_before(plan, run, command):
        return None
    flat = plan.editor().flat(run)
    first = f"{flat[piece.start : piece.end]} {_WITHOUT_PROJECT[command.program]}"
    return Installation(run, place, reads, " ".join(first.split()))


def _is_done_before(plan: BuildPlan, run: Instruction, command: ShellCommand) -> bool:
    """Whether an earlier RUN installs the dependencies without the project."""
    return any(
        earlier.begins(command.program, command.operands[0]) and bool(earlier.options & _LEFT_OUT)
        for index in plan.base_chain(run.stage or 0)
        for step in plan.dockerfile.stages[index].instructions
        if step.keyword == "RUN" and step.line < run.line
        for earlier in plan.commands(step)
    )


def _is_local(document: dict[str, Any], command: ShellCommand) -> bool:
    """Whether a dependency is a folder of the project, or the project's own version is in its sources."""
    tool = document.get("tool", {})
    if command.program == "uv":
        settings = tool.get("uv", {})
        sources = settings.get("sources", {}).values()
        has_paths = any("path" in str(source) or "workspace" in str(source) for source in sources)
        is_dynamic = bool(document.get("project", {}).get("dynamic")) and "--frozen" not in command.options
        return has_paths or "workspace" in settings or is_dynamic
    return "'path':" in str(tool.get("poetry", {})) or "file:" in str(document.get("project", {}).get("dependencies", ""))


def _installs_project(document: dict[str, Any], program: str) -> bool:
    tool = document.get("tool", {})
    if program == "poetry":
        return tool.get("poetry", {}).get("package-mode", True) is not False
    return tool.get("uv", {}).get("package", "build-system" in document) is not False
