"""A Node project inside a stage: the files that an installation of its packages reads, and whether that is certain."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from speedkit.context import PathPattern
from speedkit.dockerfile import normalized_path

from .image_files import ImageFiles, files_before

if TYPE_CHECKING:
    from collections.abc import Iterator

    from speedkit.dockerfile import Instruction

    from .build_plan import BuildPlan
    from .shell_commands import ShellCommand

__all__ = ["NodeProject", "installs_packages", "lock_is_in_step", "node_project"]

_MANIFESTS = (
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "bun.lock",
    "bun.lockb",
    "bunfig.toml",
    "lerna.json",
    "nx.json",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    ".nvmrc",
    ".node-version",
    ".puppeteerrc.cjs",
    ".puppeteerrc.json",
)
_FOLDERS = ("patches", ".yarn/releases", ".yarn/plugins", ".yarn/patches", ".yarn/cache", ".pnpm-patches")
_SECTIONS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "resolutions", "overrides")
_INSTALLING_SCRIPTS = frozenset(
    {"preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare", "dependencies"}
    | {"pnpm:devPreinstall"}
)
_HARMLESS_SCRIPT = re.compile(
    r"(?:(?:npx|pnpm|yarn|is-ci|pinst --\w+)\s+(?:\|\|\s+|--yes\s+|-y\s+|exec\s+)*)*"
    r"(?:only-allow\s+\w+|husky(?:\s+install)?(?:\s+\.husky)?|patch-package(?:\s+--[\w-]+)*|"
    r"simple-git-hooks|lefthook install(?:\s+-f)?)?"
    r"(?:\s*(?:\|\||;)\s*(?:true|exit 0|:|echo\s+[\w\s'\".]*))?"
)
_LOCAL = re.compile(r"(?:file|link|portal):|\.{1,2}/|/|~/")


@dataclass(frozen=True, slots=True)
class NodeProject:
    """A folder of a stage with a package.json.

    folder: in the image. manifests: the paths in the image that an installation reads. is_certain: it reads nothing else, as
    far as the project's files tell. is_berry: yarn 2 or newer. has_own_cache: yarn's packages are in the project.
    """

    folder: str
    manifests: tuple[str, ...]
    is_certain: bool
    is_berry: bool = False
    has_own_cache: bool = False


_VALUED = frozenset(
    {
        *("--network-timeout", "--network-concurrency", "--registry", "--cache-folder", "--mutex", "--proxy", "--https-proxy"),
        *("--cache", "--loglevel", "--prefix", "--cwd", "--omit", "--include", "--only", "--fetch-timeout", "--fetch-retries"),
        *("--maxsockets", "--reporter", "--filter", "-F", "--dir", "-C", "--store-dir", "--child-concurrency", "--backend"),
        *("--modules-folder", "--install-strategy", "--before", "--virtual-store-dir"),
    }
)
"""Options of npm, yarn, pnpm and bun whose value may be the next word."""


_OTHER_FOLDER = frozenset({"--prefix", "--cwd", "-C", "--dir"})


def _operands(command: ShellCommand) -> tuple[str, ...]:
    """The words that are neither options nor their values."""
    words = []
    is_value = False
    for word in command.words[1:]:
        if not word.startswith("-") and not is_value:
            words.append(word)
        is_value = word in _VALUED
    return tuple(words)


def installs_packages(command: ShellCommand) -> bool:
    """Whether a command installs the packages of a project, by its lock file or its package.json."""
    words = _operands(command)
    if "-g" in command.options or "--global" in command.options or "--location" in command.options:
        return False
    match command.program:
        case "npm":
            return words in (("ci",), ("install",), ("i",), ("clean-install",))
        case "yarn":
            return words in ((), ("install",)) and not command.options & {"--version", "-v"}
        case "pnpm":
            return words in (("install",), ("i",), ("fetch",))
        case "bun":
            return words in (("install",), ("i",))
    return False


def _folder(plan: BuildPlan, run: Instruction, place: int) -> str | None:
    """The folder that a command in a piece of a RUN works in: the piece's own, or the one of `--prefix` and its like."""
    text, folder = plan.shell(run), plan.folder(run, place)
    command = text.pieces[place].command if text is not None and place < len(text.pieces) else None
    if command is None or folder is None:
        return folder
    following = (*command.words[1:], "")
    for word, value in zip(command.words, following, strict=False):
        name, equals, own = word.partition("=")
        if name in _OTHER_FOLDER:
            path = plan.expand(own if equals else value, run)
            return None if path is None else normalized_path(folder, path)
    return folder


def node_project(plan: BuildPlan, run: Instruction, place: int = 0) -> NodeProject | None:
    """The project that a piece of a RUN works in; None where there is no package.json of the context."""
    files = files_before(plan, run)
    folder = _folder(plan, run, place)
    if files is None or folder is None:
        return None
    package = _json(files.text(posixpath.join(folder, "package.json")))
    if package is None:
        return None

    own = [posixpath.join(folder, name) for name in _MANIFESTS]
    manifests = [path for path in own if path in files.paths]
    for name in _FOLDERS:
        manifests += files.below(posixpath.join(folder, name))
    # `prisma generate` runs when the packages are installed, and reads the schema.
    if any("prisma" in name for section in _SECTIONS for name in _section(package, section)):
        manifests += [path for path in files.below(folder) if path.endswith(".prisma") or "/prisma.config." in path]

    members = list(_members(files, folder, package))
    packages = [package]
    # Packages that are committed would be merged with those that are installed.
    is_certain = not _has_parent(files, folder) and not any(files.below(posixpath.join(folder, "node_modules")))
    for member in members:
        manifest = posixpath.join(member, "package.json")
        document = _json(files.text(manifest))
        if document is None:
            is_certain = False
            continue
        packages.append(document)
        manifests.append(manifest)
        manifests += [path for name in (".npmrc",) if (path := posixpath.join(member, name)) in files.paths]
        # A package manager links a member's programs, where they are there.
        programs = document.get("bin", {})
        targets = programs.values() if isinstance(programs, dict) else [programs]
        linked = [
            path
            for target in targets
            if isinstance(target, str) and (path := posixpath.normpath(posixpath.join(member, target))) in files.paths
        ]
        manifests += linked
        # The installation makes them executable; the copy behind it would undo that.
        is_certain = is_certain and all(_is_executable(files, path) or not plan.leaves(run.stage, path) for path in linked)
    has_git = any(True for _ in files.below(posixpath.join(folder, ".git")))
    is_certain = is_certain and all(_is_plain(document, has_git=has_git) for document in packages)
    is_certain = is_certain and not _is_injected(files, folder, packages)

    settings = files.text(posixpath.join(folder, ".yarnrc.yml")) or ""
    manager = package.get("packageManager")
    is_berry = bool(settings) or (isinstance(manager, str) and re.match(r"yarn@[2-9]", manager) is not None)
    own_cache = any(True for _ in files.below(posixpath.join(folder, ".yarn/cache"))) or "enableGlobalCache: false" in settings
    is_certain = is_certain and "enableScripts: false" not in settings
    return NodeProject(folder, tuple(dict.fromkeys(manifests)), is_certain, is_berry, own_cache or "cacheFolder:" in settings)


def _is_executable(files: ImageFiles, path: str) -> bool:
    return files.plan.view.sent.by_path[files.paths[path]].mode & 0o111 == 0o111


def _has_parent(files: ImageFiles, folder: str) -> bool:
    """Whether the project may be part of a workspace: a package manager searches the folders above."""
    while folder != "/":
        folder = posixpath.dirname(folder)
        if any(posixpath.join(folder, name) in files.paths for name in _MANIFESTS):
            return True
    return False


def _json(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _section(package: dict[str, Any], name: str) -> dict[str, Any]:
    section = package.get(name)
    return section if isinstance(section, dict) else {}


def _members(files: ImageFiles, folder: str, package: dict[str, Any]) -> Iterator[str]:
    """The folders of the workspace's other packages."""
    workspaces = package.get("workspaces")
    if isinstance(workspaces, dict):
        workspaces = workspaces.get("packages")
    patterns = [pattern for pattern in workspaces if isinstance(pattern, str)] if isinstance(workspaces, list) else []
    patterns += _pnpm_members(files.text(posixpath.join(folder, "pnpm-workspace.yaml")) or "")
    if not patterns:
        return
    start = f"{folder.rstrip('/')}/"
    candidates = [
        posixpath.dirname(path)[len(start) :]
        for path in files.below(folder)
        if path.endswith("/package.json") and "/node_modules/" not in path and posixpath.dirname(path) != folder
    ]
    for candidate in candidates:
        is_member = False
        for pattern in patterns:
            is_excluded = pattern.startswith("!")
            if _fits(pattern.removeprefix("!").removeprefix("./").rstrip("/"), candidate):
                is_member = not is_excluded
        if is_member:
            yield start + candidate


def _fits(pattern: str, path: str) -> bool:
    if pattern.endswith("/**") and (path.startswith(pattern[:-2]) or PathPattern(pattern[:-3]).fits(path)):
        return True
    if "**" in pattern:
        # `**` for any number of folders: whatever may be meant is taken.
        return (
            PathPattern(pattern.partition("**")[0].rstrip("/") + "/*").fits("/".join(path.split("/")[:2])) or "/" not in pattern
        )
    return PathPattern(pattern).fits(path)


def _pnpm_members(text: str) -> list[str]:
    """The `packages` of a pnpm-workspace.yaml; their usual form is a list with one in each line."""
    members: list[str] = []
    inside = False
    for line in text.splitlines():
        if re.match(r"packages\s*:", line):
            inside = True
        elif inside and (item := re.match(r"\s*-\s*(['\"]?)([^'\"#]+)\1\s*(?:#.*)?$", line)):
            members.append(item[2].strip())
        elif inside and line.strip() and not line.lstrip().startswith("#"):
            inside = False
    return members


def _is_plain(package: dict[str, Any], *, has_git: bool) -> bool:
    """Whether an installation runs no script of the package that may read its sources, and needs no folder of its own."""
    for name, script in _section(package, "scripts").items():
        if name not in _INSTALLING_SCRIPTS or not isinstance(script, str):
            continue
        if _HARMLESS_SCRIPT.fullmatch(script.strip()) is None:
            return False
        # Such scripts write into the repository's own folder.
        if has_git and re.search(r"husky|hooks|lefthook", script):
            return False
    for section in _SECTIONS:
        for version in _section(package, section).values():
            if isinstance(version, str) and _LOCAL.match(version):
                return False
    return True


def _is_injected(files: ImageFiles, folder: str, packages: list[dict[str, Any]]) -> bool:
    """Whether pnpm copies a member's files at the installation, instead of linking its folder."""
    settings = [files.text(posixpath.join(folder, name)) or "" for name in ("pnpm-workspace.yaml", ".npmrc")]
    if any(re.search(r"inject-?workspace-?packages\s*[:=]\s*true", text, re.IGNORECASE) for text in settings):
        return True
    return any('"injected": true' in json.dumps(_section(package, "dependenciesMeta")) for package in packages)


def lock_is_in_step(plan: BuildPlan, run: Instruction, command: ShellCommand, project: NodeProject) -> bool:
    """Whether an installation leaves the lock file as it is, or nobody sees the change."""
    if command.program != "npm" or _operands(command)[0] in ("ci", "clean-install"):
        return True
    path = posixpath.join(project.folder, "package-lock.json")
    files = files_before(plan, run)
    if files is None or path not in files.paths or not plan.leaves(run.stage, path):
        return True
    lock, package = _json(files.text(path)), _json(files.text(posixpath.join(project.folder, "package.json")))
    if lock is None or package is None or lock.get("lockfileVersion") not in (2, 3):
        return False
    own = _section(_section(lock, "packages"), "")
    return all(
        own.get(name, package.get(name) if name == "version" else None) == package.get(name)
        for name in ("name", "version", "dependencies", "devDependencies", "optionalDependencies")
    )
