"""Go: modules are downloaded before the sources are copied, where no cache mount has them."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from speedkit.dockerfile import mounts_of
from speedkit.messages import message

from ..build_plan import BuildPlan
from ..image_files import ImageFiles, files_before
from ..install_first import Installation, install_first
from ..rule import Change

if TYPE_CHECKING:
    from speedkit.dockerfile import Instruction

__all__ = ["GROUP", "change"]

GROUP = "dependencies"
_COMPILING = frozenset({"build", "install", "test", "vet", "run", "generate"})


def change(plan: BuildPlan) -> Change | None:
    for run in plan.instructions("RUN"):
        text = plan.shell(run)
        for place, piece in enumerate(text.pieces if text is not None else ()):
            command = piece.command
            is_download = command is not None and command.begins("go", "mod", "download")
            if command is None or not (is_download or (command.program == "go" and set(command.operands[:1]) & _COMPILING)):
                continue
            installation = _download(plan, run, place) if is_download else _installation(plan, run, place)
            editor = install_first(plan, installation) if installation is not None else None
            if editor is not None:
                because = message("Go downloaded every module again for each change of a source.")
                return Change.of_dockerfile(plan, editor, because)
            break
    return None


def _installation(plan: BuildPlan, run: Instruction, place: int) -> Installation | None:
    folder = plan.folder(run, place)
    files = files_before(plan, run)
    go_path = plan.before(run).variables.get("GOPATH", "/root/go").partition(":")[0]
    # `go mod download` takes more modules than a build needs: the image must have none of them.
    is_mounted = any(mount.kind == "cache" for mount in mounts_of(run))
    if files is None or folder is None or is_mounted or plan.leaves(run.stage, f"{go_path}/pkg/mod"):
        return None
    module = files.text(posixpath.join(folder, "go.mod"))
    is_vendored = posixpath.join(folder, "vendor/modules.txt") in files.paths
    # A module in a folder of the project must be there for the download.
    if module is None or is_vendored or re.search(r"=>\s*\.", module) or posixpath.join(folder, "go.work") in files.paths:
        return None
    if "-mod=vendor" in plan.before(run).variables.get("GOFLAGS", "") or _downloads_before(plan, run):
        return None
    return Installation(run, place, _lists(files, folder), "go mod download", is_alone=True)


def _download(plan: BuildPlan, run: Instruction, place: int) -> Installation | None:
    """A `go mod download` that the author wrote: it reads only the lists of modules."""
    folder, files = plan.folder(run, place), files_before(plan, run)
    if folder is None or files is None or any(mount.kind == "cache" for mount in mounts_of(run)):
        return None
    module = files.text(posixpath.join(folder, "go.mod"))
    others = {posixpath.join(folder, name) for name in ("go.work", "vendor/modules.txt")}
    if module is None or re.search(r"=>\s*\.", module) or others & files.paths.keys():
        return None
    return Installation(run, place, _lists(files, folder))


def _lists(files: ImageFiles, folder: str) -> tuple[str, ...]:
    return tuple(path for name in ("go.mod", "go.sum") if (path := posixpath.join(folder, name)) in files.paths)


def _downloads_before(plan: BuildPlan, run: Instruction) -> bool:
    return any(
        command.program == "go"
        for index in plan.base_chain(run.stage or 0)
        for step in plan.dockerfile.stages[index].instructions
        if step.keyword == "RUN" and step.line < run.line
        for command in plan.commands(step)
    )
