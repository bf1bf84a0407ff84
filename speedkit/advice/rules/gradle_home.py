"""Gradle: cache mounts for the downloads of Gradle, and for the distribution that its wrapper downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.messages import message

from ..build_plan import BuildPlan, image_name
from ..cache_mounts import CacheFolder, mount_folders
from ..rule import Change

if TYPE_CHECKING:
    from speedkit.dockerfile import Instruction

    from ..shell_commands import ShellCommand

__all__ = ["GROUP", "change", "runs_gradle"]

GROUP = "caches"


def change(plan: BuildPlan) -> Change | None:
    every = [command for run in plan.instructions("RUN") for command in plan.commands(run) if runs_gradle(command)]
    if any(command.options & {"--offline", "-g", "--gradle-user-home"} for command in every):
        return None

    def folders(run: Instruction, commands: tuple[ShellCommand, ...]) -> list[CacheFolder]:
        home = plan.home(run)
        if home is None:
            return []
        folder = plan.before(run).variables.get("GRADLE_USER_HOME")
        if folder is None:
            # In the image of Gradle, root's own folder is a link to this one.
            is_official = image_name(plan.image(run.stage)) == "gradle"
            folder = "/home/gradle/.gradle" if is_official else f"{home[0]}/.gradle"
        own = [CacheFolder(f"{folder}/caches", locked=True, number=home[1])]
        if any(command.program == "gradlew" or "gradlew" in command.operands for command in commands):
            own.append(CacheFolder(f"{folder}/wrapper", locked=True, number=home[1]))
        return own

    editor = mount_folders(plan, runs_gradle, folders)
    if editor is None:
        return None
    because = message("With its caches in mounts, Gradle downloads only what it never had before.")
    return Change.of_dockerfile(plan, editor, because)


def runs_gradle(command: ShellCommand) -> bool:
    if command.program in ("gradle", "gradlew"):
        return not command.options & {"--version", "-v"}
    return command.program in ("sh", "bash") and command.operands[:1] in (("gradlew",), ("./gradlew",))
