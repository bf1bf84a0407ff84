"""Commands that do not care about the project's files: they may run before these files are copied, with the same result."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from speedkit.dockerfile import normalized_path

if TYPE_CHECKING:
    from collections.abc import Collection

    from .shell_commands import Piece, ShellCommand

__all__ = ["is_independent", "keeps_no_state"]

_PACKAGES = {
    "apt-get": {"update", "install", "upgrade", "dist-upgrade", "clean", "autoclean", "autoremove", "purge", "remove"},
    "apt": {"update", "install", "upgrade", "clean", "autoremove", "purge", "remove"},
    "apk": {"add", "update", "upgrade", "del", "cache"},
    "yum": {"install", "update", "upgrade", "clean"},
    "dnf": {"install", "update", "upgrade", "clean"},
    "microdnf": {"install", "update", "upgrade", "clean"},
    "npm": {"config"},
    "pnpm": {"config"},
    "corepack": {"enable"},
    "poetry": {"config"},
    "rustup": {"target", "component", "default", "toolchain", "update", "install"},
    "update-ca-certificates": set[str](),
}
"""By program, the words that may follow it; none is any."""
_PLAIN = frozenset({"set", "true", ":", "echo", "sleep"})
_PATHS = frozenset(
    {
        "useradd",
        "adduser",
        "groupadd",
        "addgroup",
        "usermod",
        "locale-gen",
        "mkdir",
        "rm",
        "ln",
        "touch",
        "chmod",
        "chown",
        "curl",
        "wget",
        "tar",
        "unzip",
        "mv",
        "cp",
        "sed",
        "install",
    }
)
"""Programs that touch only the paths in their words."""
_SETTINGS = re.compile(
    r"/(?:etc|lib\d*|boot|var/(?:lib|cache)|usr/(?:lib\d*|share|etc)|usr/local/(?:etc|lib|share)|root/\.[^/]*|"
    r"home/[^/]+/\.[^/]*)(?:/|$)"
)
_PROGRAMS = re.compile(r"/(?:usr/)?(?:local/)?s?bin(?:/|$)")
_OF_THE_SYSTEM = frozenset(
    {
        "apt-get",
        "apt",
        "apk",
        "yum",
        "dnf",
        "microdnf",
        "useradd",
        "adduser",
        "groupadd",
        "addgroup",
        "mkdir",
        "rm",
        "set",
        "true",
    }
)
_VALUE = re.compile(r"[\w.+@:~^=<>!,\[\]*-]+")
"""The name of a package: no path, no address, no variable."""


def is_independent(command: ShellCommand, *, workdir: str, copied: Collection[str]) -> bool:
    """Whether a command neither reads nor writes what was copied. copied: paths in the image."""
    if not command.words or _are_settings(command.program, copied):
        return False
    # A program that was copied may be the one that runs; packages of the system bring their own.
    if command.program not in _OF_THE_SYSTEM and any(_PROGRAMS.match(path) for path in copied):
        return False
    if any(not _is_elsewhere(path, workdir, copied) for path in command.redirections if not path.startswith("&")):
        return False
    words = command.operands
    program = command.program
    allowed = _PACKAGES.get(program)
    # `poetry config --local` writes into the project.
    if allowed is not None and (not allowed or set(words[:1]) & allowed) and "--local" not in command.options:
        return all(_is_elsewhere(word, workdir, copied) for word in words)
    if program in _PLAIN:
        return True
    if program in _PATHS:
        # What it makes beside copied files may be the folder of these, with other rights than the copy would give it.
        folders = {posixpath.dirname(path) for path in copied}
        return all(
            _is_elsewhere(word, workdir, copied) and not any(_is_in(word, workdir, folder) for folder in folders)
            for word in words
        )
    return _installs_by_name(command)


def _installs_by_name(command: ShellCommand) -> bool:
    """Whether a command installs packages by their names, and nothing of the project."""
    words = command.operands
    names = words
    match (command.program, *words):
        case ("pip" | "pip3", "install", *rest) if not command.options & {
            "-r",
            "--requirement",
            "-e",
            "--editable",
            "-c",
            "--constraint",
        }:
            names = tuple(rest)
        case ("python" | "python3", "pip", "install", *rest) if "-m" in command.options and not command.options & {
            "-r",
            "-e",
            "-c",
        }:
            names = tuple(rest)
        case ("npm", "install" | "i", *rest) if command.options & {"-g", "--global"} and rest:
            names = tuple(rest)
        case ("yarn", "global", "add", *rest) if rest:
            names = tuple(rest)
        case ("pnpm", "add", *rest) if command.options & {"-g", "--global"} and rest:
            names = tuple(rest)
        case ("corepack", "prepare", *rest) if rest:
            names = tuple(rest)
        case ("gem", "install", *rest):
            names = tuple(rest)
        case ("cargo", "install", *rest) if rest and not command.options & {"--path"}:
            names = tuple(rest)
        case ("go", "install", *rest) if rest and all("@" in word for word in rest):
            return True
        case ("npm" | "yarn", "cache", "clean") | ("pnpm", "store", "prune"):
            return True
        case ("git", "config", *_) if command.options & {"--global", "--system"}:
            return True
        case _:
            return False
    return bool(names) and all(_VALUE.fullmatch(word) and word not in (".", "..") for word in names)


def keeps_no_state(piece: Piece) -> bool:
    """Whether what comes after a command does not depend on the shell that ran it."""
    command = piece.command
    if command is None:
        return all(
            inner.program not in ("cd", "export", "set", "source", ".", "umask", "exec") for inner in piece.commands
        ) and all(inner.words for inner in piece.commands)
    return bool(command.words) and command.program not in (
        "cd",
        "export",
        "set",
        "source",
        ".",
        "umask",
        "exec",
        "alias",
        "trap",
    )


def _are_settings(program: str, copied: Collection[str]) -> bool:
    """Whether what was copied may be settings of programs, such as a list of package servers."""
    if program in _PLAIN:
        return False
    if program in ("cargo", "rustup") and any(re.search(r"/\.cargo/config|/rust-toolchain", path) for path in copied):
        return True
    return any(_SETTINGS.match(path) for path in copied)


def _is_in(word: str, workdir: str, folder: str) -> bool:
    """Whether a word is a path of a folder, or of one in it."""
    return f"{normalized_path(workdir, word).rstrip('/')}/".startswith(f"{folder.rstrip('/')}/")


def _is_elsewhere(word: str, workdir: str, copied: Collection[str]) -> bool:
    """Whether a word is no path of what was copied, and no folder above or below of it."""
    if "$(" in word or "`" in word:
        return False
    if "://" in word:
        return True
    path = normalized_path(workdir, re.split(r"[*?\[$]", word, maxsplit=1)[0] or ".").rstrip("/")
    if path in copied or path == "":
        return path not in copied and not word.startswith("/")
    start = f"{path}/"
    is_pattern = re.search(r"[*?\[$]", word) is not None
    return not any(target.startswith(path if is_pattern else start) for target in copied)
