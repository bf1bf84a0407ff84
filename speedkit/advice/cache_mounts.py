"""Cache mounts for the folders in which tools keep what they downloaded or compiled.

A cache mount hides its folder while a RUN runs, and nothing of it gets into the image. So a folder is mounted only when the
image would have none of it anyway, and when no other instruction of the stage puts something there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speedkit.dockerfile import mounts_of

from .build_plan import UNKNOWN, BuildPlan

if TYPE_CHECKING:
    from speedkit.dockerfile import DockerfileEditor, Instruction

    from .shell_commands import ShellCommand

__all__ = ["CacheFolder", "add_mounts", "missing_folders", "mount_folders", "runs_again", "runs_with"]


@dataclass(frozen=True, slots=True)
class CacheFolder:
    """A folder to mount. name: the mount's id, for a folder that other projects must not share; "" for the path.

    locked: one build at a time uses it. number: of its user, "" for root. is_unused: the command puts nothing there without a
    mount, so the image has none of it for sure.
    """

    path: str
    name: str = ""
    locked: bool = False
    number: str = ""
    is_unused: bool = False

    @property
    def flag(self) -> str:
        parts = ["type=cache"]
        parts += [f"id={self.name}"] if self.name else []
        parts.append(f"target={self.path}")
        parts += ["sharing=locked"] if self.locked else []
        parts += [f"uid={self.number}", f"gid={self.number}"] if self.number else []
        return f"--mount={','.join(parts)}"


def runs_with(plan: BuildPlan, fits: Callable[[ShellCommand], bool]) -> list[tuple[Instruction, tuple[ShellCommand, ...]]]:
    """The RUNs with such a command that commits run again, and those that share a stage's files with one of them.

    Each with all its fitting commands.
    """
    fitting = []
    for run in plan.instructions("RUN"):
        commands = tuple(command for command in plan.commands(run) if fits(command))
        if commands and run.flag("network") != "none":
            fitting.append((run, commands))
    again = {run.stage or 0 for run, _ in fitting if runs_again(plan, run)}
    related = {index for stage in again for index in plan.base_chain(stage)}
    shared = _shared_with_other_targets(plan, fits)
    return [
        (run, commands)
        for run, commands in fitting
        if run.stage in related or any(stage in again for stage in plan.base_chain(run.stage or 0))
        if run.stage not in shared
    ]


def _shared_with_other_targets(plan: BuildPlan, fits: Callable[[ShellCommand], bool]) -> set[int]:
    """The stages that stages of other targets start from, to run such commands: they would miss what is in a mount."""
    needed = {stage.index for stage in plan.stages}
    return {
        index
        for stage in plan.dockerfile.stages
        if stage.index not in needed
        if any(fits(command) for step in stage.instructions if step.keyword == "RUN" for command in plan.commands(step))
        for index in plan.base_chain(stage.index)
    }


def missing_folders(plan: BuildPlan, run: Instruction, folders: Sequence[CacheFolder]) -> list[CacheFolder]:
    """Those of the folders that a RUN can mount without a change of the image, and does not mount yet."""
    if not plan.takes_mounts:
        return []
    mounted = [plan.expand(mount.target, run) or "" for mount in mounts_of(run)]
    missing = []
    for folder in folders:
        path = folder.path
        if not path.startswith("/") or UNKNOWN in path or set(path) & set(" ,\"'$\\"):
            continue
        # A mount above, at or below it says that somebody has thought about it.
        if any(_overlap(path, posixpath.normpath(target)) for target in mounted if target):
            continue
        if (folder.is_unused or not plan.leaves(run.stage, path)) and not _is_used_otherwise(plan, run, path):
            missing.append(folder)
    return missing


def mount_folders(
    plan: BuildPlan,
    fits: Callable[[ShellCommand], bool],
    folders_of: Callable[[Instruction, tuple[ShellCommand, ...]], Sequence[CacheFolder]],
) -> DockerfileEditor | None:
    """The Dockerfile with mounts in each RUN that has a fitting command; None where there is nothing to mount."""
    editor = plan.editor()
    changed = False
    for run, commands in runs_with(plan, fits):
        folders = missing_folders(plan, run, folders_of(run, commands))
        if folders:
            add_mounts(editor, run, folders)
            changed = changed or runs_again(plan, run)
    return editor if changed else None


def runs_again(plan: BuildPlan, run: Instruction) -> bool:
    """Whether one commit in a hundred changed a file that comes before a RUN; without a history, that is taken for certain."""
    if not plan.view.commits:
        return True
    for index in plan.base_chain(run.stage or 0):
        for step in plan.dockerfile.stages[index].instructions:
            if index == run.stage and step.line >= run.line:
                break
            if step.keyword not in ("COPY", "ADD"):
                continue
            files = plan.copied(step)
            if step.keyword == "ADD" and all("://" in word for word in step.args[:-1]):
                # No commit changes what an address gives.
                changes = False
            elif step.flag("from") is not None:
                changes = plan.copy_changes(step)
            else:
                changes = files is None or any(plan.view.changes_of(file) * 100 >= plan.view.commits for file in files)
            if changes:
                return True
    # Mounted files count as well; which of them are read is not looked at.
    return any(mount.kind == "bind" for mount in mounts_of(run))


def add_mounts(editor: DockerfileEditor, run: Instruction, folders: Sequence[CacheFolder]) -> None:
    editor.replace_within(run, editor.with_flags(run, [folder.flag for folder in folders]))


def _overlap(path: str, other: str) -> bool:
    first, second = f"{path.rstrip('/')}/", f"{other.rstrip('/')}/"
    return first.startswith(second) or second.startswith(first)


def _is_used_otherwise(plan: BuildPlan, run: Instruction, path: str) -> bool:
    """Whether an instruction puts something into a folder, or a command names it: under a mount, that would be hidden."""
    if plan.writes_at(run.stage or 0, path):
        return True
    home, _ = plan.home(run) or ("", "")
    names = [path]
    if home and path.startswith(f"{home}/"):
        names += [f"~{path[len(home) :]}", f"$HOME{path[len(home) :]}"]
    if any(_removes(plan, step, path) for step in plan.instructions("RUN") if step.stage == run.stage):
        return True
    texts = (text for step in plan.instructions("RUN") if step.stage == run.stage for text in (step.text, *_bodies(step)))
    return any(name in text.replace(f"target={name}", "") for text in texts for name in names)


def _removes(plan: BuildPlan, run: Instruction, path: str) -> bool:
    """Whether a RUN empties a folder, or removes one above it, which fails while it is mounted."""
    home, _ = plan.home(run) or ("/root", "")
    for command in plan.commands(run):
        text = " ".join(command.words)
        if re.search(r"\b(?:npm|yarn|pip[\d.]*|uv) (?:-\S+ )*cache (?:clean|purge|prune)\b|\bgo clean\b.*-\w*cache", text):
            return True
        if command.program == "rm":
            places = (word.replace("~", home, 1).replace("$HOME", home, 1).rstrip("/*") for word in command.operands)
            if any(f"{path}/".startswith(f"{place}/") for place in places if place.startswith("/")):
                return True
    return False


def _bodies(step: Instruction) -> list[str]:
    return [heredoc.content for heredoc in step.heredocs]
