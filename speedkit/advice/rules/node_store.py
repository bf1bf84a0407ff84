"""npm, yarn and pnpm: a cache mount for the packages that they downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.messages import message

from ..build_plan import BuildPlan
from ..cache_mounts import CacheFolder, mount_folders
from ..node_project import installs_packages, node_project
from ..rule import Change

if TYPE_CHECKING:
    from speedkit.dockerfile import Instruction

    from ..shell_commands import ShellCommand

__all__ = ["GROUP", "change"]

GROUP = "caches"


def change(plan: BuildPlan) -> Change | None:
    def folders(run: Instruction, commands: tuple[ShellCommand, ...]) -> list[CacheFolder]:
        home = plan.home(run)
        if home is None or any(
            command.options & {"--cache", "--cache-folder", "--store-dir", "--offline"} for command in commands
        ):
            return []
        variables = plan.before(run).variables
        if any(name.lower() in ("npm_config_cache", "yarn_cache_folder", "npm_config_store_dir") for name in variables):
            return []
        return [
            CacheFolder(path, number=home[1])
            for command in commands
            for path in _paths(plan, run, command, home[0], variables.get("PNPM_HOME"))
        ][:1]

    every = [command for run in plan.instructions("RUN") for command in plan.commands(run) if _uses_store(command)]
    # What an earlier step downloaded may be gone from a mount.
    editor = None if any("--offline" in command.options for command in every) else mount_folders(plan, _uses_store, folders)
    if editor is None:
        return None
    because = message("With the store of packages in a mount, only packages that it never had are downloaded.")
    return Change.of_dockerfile(plan, editor, because)


def _uses_store(command: ShellCommand) -> bool:
    # A command that runs only in some case may never run at all.
    if command.nested:
        return False
    # `pnpm deploy` takes packages from the store that `pnpm install` filled.
    return installs_packages(command) or (command.program == "pnpm" and bool(set(command.operands[:3]) & {"deploy", "prune"}))


def _paths(plan: BuildPlan, run: Instruction, command: ShellCommand, home: str, pnpm_home: str | None) -> list[str]:
    if command.program == "npm":
        return [f"{home}/.npm"]
    if command.program == "pnpm":
        return [f"{pnpm_home}/store" if pnpm_home else f"{home}/.local/share/pnpm/store"]
    if command.program == "bun":
        return [f"{home}/.bun/install/cache"]
    project = node_project(plan, run)
    if project is None or not project.is_berry:
        return ["/usr/local/share/.cache/yarn"] if home == "/root" else [f"{home}/.cache/yarn"]
    # Without the global cache, berry keeps its packages in the project itself.
    if project.has_own_cache:
        return []
    return [f"{home}/.yarn/berry/cache"]
