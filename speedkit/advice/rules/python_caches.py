"""pip, uv and poetry: cache mounts for what they downloaded and built.

In a final stage, many Dockerfiles turn the cache off to keep it out of the image. A mount keeps it out as well, and the next
build has it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from speedkit.messages import message

from ..build_plan import BuildPlan
from ..cache_mounts import CacheFolder, missing_folders, runs_again, runs_with
from ..python_project import pip_words
from ..rule import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..shell_commands import ShellCommand

__all__ = ["GROUP", "change"]

GROUP = "caches"
_OFF = frozenset({"--no-cache-dir", "--no-cache"})
_SWITCH = re.compile(r"[ \t]+--no-cache(?:-dir)?(?=\s|$)")
_SETTINGS = ("PIP_NO_CACHE_DIR", "UV_NO_CACHE", "PIP_CACHE_DIR", "UV_CACHE_DIR", "POETRY_CACHE_DIR", "POETRY_NO_CACHE")


def change(plan: BuildPlan) -> Change | None:
    editor = plan.editor()
    changed = False
    for run, commands in runs_with(plan, lambda command: _folder_names(command) != ()):
        home = plan.home(run)
        variables = plan.before(run).variables
        if home is None or not _can_be_mounted(commands, variables) or not runs_again(plan, run):
            continue
        parent = variables.get("XDG_CACHE_HOME") or f"{home[0]}/.cache"
        # `pip --cache-dir` and the like are somebody's own way.
        is_off = all(command.options & _OFF for command in commands)
        names = dict.fromkeys(name for command in commands for name in _folder_names(command))
        folders = missing_folders(
            plan, run, [CacheFolder(f"{parent}/{name}", number=home[1], is_unused=is_off) for name in names]
        )
        if len(folders) < len(names):
            continue
        flags = editor.with_flags(run, [folder.flag for folder in folders])
        source = editor.flat(run)
        off = [
            (match.start(), match.end(), "")
            for command in commands
            for match in _SWITCH.finditer(source, command.start, command.end)
        ]
        if is_off and (run.json or run.heredocs or not off):
            continue
        editor.replace_within(run, flags + off)
        changed = True
    if not changed:
        return None
    because = message("With the cache of packages in a mount, only packages that it never had are downloaded and built.")
    return Change.of_dockerfile(plan, editor, because)


def _folder_names(command: ShellCommand) -> tuple[str, ...]:
    if pip_words(command) is not None:
        return ("uv",) if command.program == "uv" else ("pip",)
    if command.begins("uv", "sync"):
        return ("uv",)
    if command.begins("pipenv", "install") or command.begins("pipenv", "sync"):
        return ("pip",)
    if command.begins("poetry", "install"):
        # Not the whole folder: poetry keeps its virtual environments beside them.
        return ("pypoetry/cache", "pypoetry/artifacts")
    return ()


def _can_be_mounted(commands: tuple[ShellCommand, ...], variables: Mapping[str, str]) -> bool:
    if any(name in variables for name in _SETTINGS):
        return False
    if any(command.options & {"--cache-dir", "--offline"} for command in commands):
        return False
    # Links would lead into the mount.
    if variables.get("UV_LINK_MODE") == "symlink" or any("symlink" in " ".join(command.words) for command in commands):
        return False
    # Some with the cache and some without it: what the image has of it is not certain.
    return len({bool(command.options & _OFF) for command in commands}) == 1
