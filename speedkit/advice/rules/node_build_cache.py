"""Node: cache mounts for what bundlers and turbo keep of earlier builds, each of which knows by content what it can use."""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING, Any

from speedkit.messages import message

from ..build_plan import BuildPlan
from ..cache_mounts import CacheFolder, mount_folders
from ..image_files import files_before
from ..rule import Change

if TYPE_CHECKING:
    from speedkit.dockerfile import Instruction

    from ..shell_commands import ShellCommand

__all__ = ["GROUP", "change"]

GROUP = "caches"
_TOOLS = {
    "next": (re.compile(r"\bnext build\b"), (".next/cache/webpack", ".next/cache/swc")),
    "react-scripts": (re.compile(r"\breact-scripts build\b"), ("node_modules/.cache",)),
    "@vue/cli-service": (re.compile(r"\bvue-cli-service build\b"), ("node_modules/.cache",)),
    "@angular/cli": (re.compile(r"\bng build\b"), (".angular/cache",)),
    "turbo": (re.compile(r"\bturbo\s+(?:run\s+)?build\b"), (".turbo/cache",)),
}
"""By package, the command in a script, and the folders beside package.json in which it keeps its cache."""
_CALL = re.compile(r"\b(?:npm|yarn|pnpm|bun)\s+(?:run\s+)?(?:-\S+\s+)*([\w:.-]+)|\b(?:npm-run-all2?|run-s|run-p)\s+([^&|;]+)")
"""What a script calls: `yarn build:app`, `npm-run-all build-db build-app`."""
_RUNNERS = frozenset({"npm", "yarn", "pnpm", "bun"})


def change(plan: BuildPlan) -> Change | None:
    def folders(run: Instruction, commands: tuple[ShellCommand, ...]) -> list[CacheFolder]:
        package = _package(plan, run)
        home = plan.home(run)
        if package is None or home is None:
            return []
        folder = posixpath.normpath(plan.before(run).workdir)
        name = re.sub(r"[^\w.-]+", "-", str(package.get("name") or posixpath.basename(folder))).strip("-")
        return [
            CacheFolder(posixpath.join(folder, path), f"{name}-{path.strip('.').replace('/', '-')}", number=home[1])
            for path in _folders(package, commands)
        ]

    editor = mount_folders(plan, _may_build, folders)
    if editor is None:
        return None
    because = message("With its cache in a mount, the build makes only what changed.")
    return Change.of_dockerfile(plan, editor, because)


def _may_build(command: ShellCommand) -> bool:
    if command.nested:
        return False
    return command.program in _RUNNERS or command.program in ("npx", "next", "turbo", "ng", "react-scripts", "vue-cli-service")


def _package(plan: BuildPlan, run: Instruction) -> dict[str, Any] | None:
    files = files_before(plan, run)
    text = files.text(posixpath.join(plan.before(run).workdir, "package.json")) if files is not None else None
    try:
        package = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    return package if isinstance(package, dict) else None


def _folders(package: dict[str, Any], commands: tuple[ShellCommand, ...]) -> list[str]:
    scripts = package.get("scripts")
    scripts = scripts if isinstance(scripts, dict) else {}
    versions: dict[str, Any] = {}
    for section in ("dependencies", "devDependencies"):
        versions |= package[section] if isinstance(package.get(section), dict) else {}
    texts = [" ".join(command.words) for command in commands]
    waiting = [word for command in commands if command.program in _RUNNERS for word in command.operands]
    visited: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in visited and isinstance(text := scripts.get(name), str):
            texts.append(text)
            waiting += [word for match in _CALL.finditer(text) for word in (match[1] or match[2]).split()]
        visited.add(name)
    cached_folders = []
    for tool, (expression, folders) in _TOOLS.items():
        if tool in versions and any(expression.search(text) for text in texts):
            # The first version of turbo has another folder.
            is_old = tool == "turbo" and re.match(r"[~^]?1\.", str(versions[tool])) is not None
            cached_folders += ["node_modules/.cache/turbo"] if is_old else list(folders)
    return cached_folders
