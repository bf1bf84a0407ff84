"""npm, yarn and pnpm: packages are installed before the sources are copied, with the manifests alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.messages import message

from ..build_plan import BuildPlan
from ..install_first import Installation, install_first
from ..node_project import NodeProject, installs_packages, lock_is_in_step, node_project
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
            command = piece.command
            if command is None or not installs_packages(command):
                continue
            project = node_project(plan, run, place)
            if project is None or not _is_safe(plan, run, command, project):
                continue
            editor = install_first(plan, Installation(run, place, project.manifests))
            if editor is not None:
                because = message(
                    "`{command}` needs only the manifests, but ran again for each change of a source.",
                    command=" ".join(command.words),
                )
                return Change.of_dockerfile(plan, editor, because)
    return None


def _is_safe(plan: BuildPlan, run: Instruction, command: ShellCommand, project: NodeProject) -> bool:
    if not project.is_certain and "--ignore-scripts" not in command.options:
        return False
    # An installation that rewrites the lock file would have its version written over by the copy behind it.
    return lock_is_in_step(plan, run, command, project)
