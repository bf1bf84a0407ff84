"""pip, uv and pipenv: packages are installed before the sources are copied, with the files of requirements alone."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from speedkit.messages import message

from ..build_plan import BuildPlan
from ..image_files import files_before
from ..install_first import Installation, install_first
from ..python_project import pip_words, requirement_files, requirements_of
from ..rule import Change

if TYPE_CHECKING:
    from speedkit.dockerfile import Instruction

    from ..shell_commands import ShellCommand

__all__ = ["GROUP", "change"]

GROUP = "dependencies"


def change(plan: BuildPlan) -> Change | None:
    for run in plan.instructions("RUN"):
        text = plan.shell(run)
        for place, piece in enumerate(text.pieces if text is not None else ()):
            reads = _reads(plan, run, place, piece.command) if piece.command is not None else None
            if not reads or piece.command is None:
                continue
            editor = install_first(plan, Installation(run, place, tuple(reads)))
            if editor is not None:
                because = message(
                    "`{command}` needs only the lists of packages, but ran again for each change of a source.",
                    command=" ".join(piece.command.words),
                )
                return Change.of_dockerfile(plan, editor, because)
    return None


def _reads(plan: BuildPlan, run: Instruction, place: int, command: ShellCommand) -> list[str] | None:
    workdir = plan.folder(run, place)
    files = files_before(plan, run)
    if files is None or workdir is None:
        return None
    words = pip_words(command)
    if words is not None:
        names = requirements_of(words)
        return requirement_files(files, workdir, names) if names else None
    if command.begins("pipenv", "install") or command.begins("pipenv", "sync"):
        paths = [posixpath.join(workdir, name) for name in ("Pipfile", "Pipfile.lock")]
        text = files.text(paths[0])
        # A package in the project is `{path = "."}`.
        is_local = text is None or "path" in text or len(command.operands) > 1
        return None if is_local else [path for path in paths if path in files.paths]
    return None
