"""Go: cache mounts for the modules and for what the compiler made.

Go finds out by content what to compile again (cmd/go, internal/cache), so a compiler's cache never makes another program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.dockerfile import mounts_of
from speedkit.messages import message

from ..build_plan import BuildPlan, image_name
from ..cache_mounts import CacheFolder, add_mounts, missing_folders, runs_again, runs_with
from ..image_files import files_before
from ..rule import Change

if TYPE_CHECKING:
    from speedkit.dockerfile import Instruction

    from ..shell_commands import ShellCommand

__all__ = ["GROUP", "change"]

GROUP = "caches"
_COMPILING = frozenset({"build", "install", "run", "test", "generate", "vet", "tool"})
_DOWNLOADING = frozenset({"get", "mod", "list", "work"})
_CALLING = frozenset({"make", "mage", "task", "just", "goreleaser", "xx-go", "garble", "ko", "wails", "templ", "sqlc", "swag"})
"""Programs that run `go`."""


def change(plan: BuildPlan) -> Change | None:
    editor = plan.editor()
    compiles = False
    changed = False
    for run, commands in runs_with(plan, _runs_go):
        is_go = any(command.program == "go" for command in commands)
        if not is_go and (image_name(plan.image(run.stage)) != "golang" or not _has_module(plan, run)):
            continue
        folders = missing_folders(plan, run, _folders(plan, run, commands))
        if folders:
            changed = changed or runs_again(plan, run)
            compiles = compiles or any(folder.path.endswith("go-build") for folder in folders)
            add_mounts(editor, run, folders)
    if not changed:
        return None
    if compiles:
        because = message("With its caches in mounts, Go compiles only packages that changed, and downloads only new modules.")
    else:
        because = message("With the module cache in a mount, Go downloads only new modules.")
    return Change.of_dockerfile(plan, editor, because)


def _runs_go(command: ShellCommand) -> bool:
    if command.program == "go":
        return bool(set(command.operands[:1]) & (_COMPILING | _DOWNLOADING))
    return command.program in _CALLING or (command.program.endswith(".sh") and "/" in command.words[0])


def _has_module(plan: BuildPlan, run: Instruction) -> bool:
    """Whether `make` may call go: without the files of a module, it makes something else, such as the pages of a site."""
    files = files_before(plan, run)
    return files is None or any(path.endswith(("/go.mod", ".go")) for path in files.paths) or bool(mounts_of(run))


def _folders(plan: BuildPlan, run: Instruction, commands: tuple[ShellCommand, ...]) -> list[CacheFolder]:
    home = plan.home(run)
    if home is None:
        return []
    folder, number = home
    variables = plan.before(run).variables
    cache = variables.get("XDG_CACHE_HOME") or f"{folder}/.cache"
    go_path = (variables.get("GOPATH") or f"{folder}/go").partition(":")[0]
    modules = CacheFolder(variables.get("GOMODCACHE") or f"{go_path}/pkg/mod", number=number)
    compiled = CacheFolder(variables.get("GOCACHE") or f"{cache}/go-build", number=number)
    folders = []
    if any(command.program != "go" or command.operands[0] in _COMPILING for command in commands):
        folders.append(compiled)
    is_vendored = any(path.endswith("vendor/modules.txt") for path in plan.view.sent.by_path)
    # In an image of somebody else, GOPATH may be set to anything.
    knows_path = "GOPATH" in variables or "GOMODCACHE" in variables
    is_offline = "-mod=vendor" in variables.get("GOFLAGS", "") or variables.get("GOPROXY") == "off"
    if knows_path and not is_vendored and not is_offline and not _downloads_with_secrets(plan, run):
        folders.append(modules)
    return folders


def _downloads_with_secrets(plan: BuildPlan, run: Instruction) -> bool:
    """Whether some RUN downloads modules with a secret that another one has not: that could not fill an empty mount again."""
    secrets = {
        frozenset((mount.kind, mount.option("id")) for mount in mounts_of(step) if mount.kind in ("secret", "ssh"))
        for step in plan.instructions("RUN")
        if run.stage in plan.base_chain(step.stage or 0) or step.stage in plan.base_chain(run.stage or 0)
        if any(_runs_go(command) for command in plan.commands(step))
    }
    return len(secrets) > 1
