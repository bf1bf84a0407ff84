"""Maven: dependencies are downloaded before the sources are copied, with the pom files alone.

This is for a stage whose local repository is part of the image: a cache mount would keep it out. The same command runs without
the sources, as far as it comes; so it downloads nothing that the real one would not.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from speedkit.messages import message

from ..build_plan import BuildPlan
from ..image_files import ImageFiles, files_before
from ..install_first import Installation, install_first
from ..rule import Change
from .maven_repository import runs_maven

if TYPE_CHECKING:
    from speedkit.dockerfile import Instruction

    from ..shell_commands import Piece

__all__ = ["GROUP", "change"]

GROUP = "dependencies"
_BUILDING = frozenset({"compile", "test-compile", "package", "verify", "install"})
_ELSEWHERE = frozenset({"-f", "--file", "-o", "--offline", "-pl", "--projects", "-Dmaven.repo.local"})


def change(plan: BuildPlan) -> Change | None:
    for run in plan.instructions("RUN"):
        home = plan.home(run)
        text = plan.shell(run)
        # Where the repository does not leave the stage, a mount does more.
        if text is None or home is None or not plan.leaves(run.stage, f"{home[0]}/.m2/repository"):
            continue
        for place, piece in enumerate(text.pieces):
            installation = _installation(plan, run, place, piece)
            editor = install_first(plan, installation) if installation is not None else None
            if editor is not None:
                because = message("Maven downloaded everything again for each change of a source.")
                return Change.of_dockerfile(plan, editor, because)
    return None


def _installation(plan: BuildPlan, run: Instruction, place: int, piece: Piece) -> Installation | None:
    command = piece.command
    if command is None or not runs_maven(command) or not set(command.operands) & _BUILDING or command.options & _ELSEWHERE:
        return None
    folder = plan.folder(run, place)
    files = files_before(plan, run)
    if files is None or folder is None or posixpath.join(folder, "pom.xml") not in files.paths or _ran_before(plan, run):
        return None
    reads = [path for path in files.below(folder) if _is_setting(path[len(folder.rstrip("/")) + 1 :])]
    flat = plan.editor().flat(run)
    same = " ".join(flat[piece.start : piece.end].split())
    results = "rm -rf target" if _is_single(files, folder) else "find . -type d -name target -prune -exec rm -rf {} +"
    return Installation(run, place, tuple(reads), f"({same} || true) && {results}")


def _is_setting(path: str) -> bool:
    name = posixpath.basename(path)
    if re.search(r"(?:^|/)(?:src|target)/", path):
        return False
    return re.fullmatch(r"pom(?:[.-][\w.-]+)?\.xml|mvnw(?:\.cmd)?", name) is not None or path.startswith(".mvn/")


def _is_single(files: ImageFiles, folder: str) -> bool:
    return "<modules>" not in (files.text(posixpath.join(folder, "pom.xml")) or "")


def _ran_before(plan: BuildPlan, run: Instruction) -> bool:
    """Whether an earlier RUN of the stage, or of those that it starts from, calls Maven: somebody has thought about it."""
    return any(
        runs_maven(command)
        for index in plan.base_chain(run.stage or 0)
        for step in plan.dockerfile.stages[index].instructions
        if step.keyword == "RUN" and step.line < run.line
        for command in plan.commands(step)
    )
