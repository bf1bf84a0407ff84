"""Maven: a cache mount for the local repository, in which Maven keeps what it downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.messages import message

from ..build_plan import BuildPlan
from ..cache_mounts import CacheFolder, mount_folders
from ..rule import Change

if TYPE_CHECKING:
    from speedkit.dockerfile import Instruction

    from ..shell_commands import ShellCommand

__all__ = ["GROUP", "change", "runs_maven"]

GROUP = "caches"
_PROGRAMS = frozenset({"mvn", "mvnw", "mvnd"})


def change(plan: BuildPlan) -> Change | None:
    every = [command for run in plan.instructions("RUN") for command in plan.commands(run) if runs_maven(command)]
    # What one step installs, a later one may need; a mount may have been emptied in between.
    if any(set(command.operands) & {"install", "install:install-file"} for command in every[:-1]):
        return None
    # An offline build needs what an earlier step downloaded; a mount may have been emptied in between.
    if any(command.options & {"-o", "--offline"} or "-Dmaven.repo.local" in command.options for command in every):
        return None
    if plan.view.text_of(".mvn/maven.config") and "maven.repo.local" in (plan.view.text_of(".mvn/maven.config") or ""):
        return None

    def folders(run: Instruction, _: tuple[ShellCommand, ...]) -> list[CacheFolder]:
        home = plan.home(run)
        variables = plan.before(run).variables
        if home is None or "maven.repo.local" in variables.get("MAVEN_OPTS", "") + variables.get("MAVEN_ARGS", ""):
            return []
        own = [CacheFolder(f"{home[0]}/.m2/repository", locked=True, number=home[1])]
        if any(command.program == "mvnw" for command in plan.commands(run)):
            own.append(CacheFolder(f"{home[0]}/.m2/wrapper", locked=True, number=home[1]))
        return own

    editor = mount_folders(plan, runs_maven, folders)
    if editor is None:
        return None
    because = message("With its local repository in a mount, Maven downloads only what it never had before.")
    return Change.of_dockerfile(plan, editor, because)


def runs_maven(command: ShellCommand) -> bool:
    # `sh mvnw package` and `./mvnw package`
    return command.program in _PROGRAMS or bool(
        command.program in ("sh", "bash") and command.operands[:1] in (("mvnw",), ("./mvnw",))
    )
