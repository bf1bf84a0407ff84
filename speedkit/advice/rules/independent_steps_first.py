"""Steps that read none of the project's files, such as `apt-get install`, run before files are copied that change often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.messages import message

from ..build_plan import BuildPlan
from ..independence import is_independent
from ..install_first import Installation, install_first
from ..rule import Change

if TYPE_CHECKING:
    from speedkit.dockerfile import Instruction

    from ..shell_commands import ShellCommand, ShellText

__all__ = ["GROUP", "change"]

GROUP = "order"
_INSTALLING = frozenset({"install", "add", "i", "prepare", "upgrade", "dist-upgrade", "target", "component", "toolchain"})
_SLOW = frozenset(
    {
        "apt-get",
        "apt",
        "apk",
        "yum",
        "dnf",
        "microdnf",
        "pip",
        "pip3",
        "python",
        "python3",
        "npm",
        "yarn",
        "pnpm",
        "gem",
        "cargo",
        "go",
        "rustup",
    }
    | {"corepack"}
)
_DOWNLOADING = frozenset({"curl", "wget"})
_REMOVING = frozenset({"purge", "remove", "autoremove", "del", "rm"})


def change(plan: BuildPlan) -> Change | None:
    for run in plan.instructions("RUN"):
        text = plan.shell(run)
        place = _last_independent(plan, run, text) if text is not None else None
        if text is None or place is None:
            continue
        editor = install_first(plan, Installation(run, place, ()))
        if editor is not None:
            command = " ".join(next(command for command in text.pieces[place].commands if _is_slow(command)).words[:3])
            because = message(
                "`{command}` reads no file of the project, but ran again when some of them changed.", command=command
            )
            return Change.of_dockerfile(plan, editor, because)
    return None


def _last_independent(plan: BuildPlan, run: Instruction, text: ShellText) -> int | None:
    """The last piece of a RUN that takes time, when that and all before it read nothing of the project."""
    copied = {
        target
        for step in plan.dockerfile.stages[run.stage or 0].instructions
        if step.keyword in ("COPY", "ADD") and step.line < run.line
        for target in plan.written(step) or ()
    }
    last = None
    workdir = plan.before(run).workdir
    for place, piece in enumerate(text.pieces):
        if not all(is_independent(command, workdir=workdir, copied=copied) for command in piece.commands):
            break
        if piece.command is not None and _is_slow(piece.command):
            last = place
    if last is None or not copied:
        return None
    # What a later command removes again would stay in a layer of its own.
    rest = [command for piece in text.pieces[last + 1 :] for command in piece.commands]
    removes = any(command.program in _REMOVING or set(command.operands[:1]) & _REMOVING for command in rest)
    is_split = any(not is_independent(command, workdir=workdir, copied=copied) for command in rest)
    return None if removes and is_split and plan.is_final(run.stage) else last


def _is_slow(command: ShellCommand) -> bool:
    if command.program in _DOWNLOADING:
        return True
    return command.program in _SLOW and bool(set(command.operands[:3]) & _INSTALLING)
