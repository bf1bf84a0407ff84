"""Commands that do not care about the project's files: they may run before these files are copied, with the same result."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from speedkit.dockerfile import normalized_path

if TYPE_CHECKING:
    from collections.abc import Collection

    from .shell_commands import Piece, ShellCommand

__all__ = ["is_independent", "is_quick", "keeps_no_state"]

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
_GLOBALLY = frozenset({"-g", "--global"})
_FROM_FILES = frozenset({"-r", "--requirement", "-e", "--editable", "-c", "--constraint"})
_NONE: frozenset[str] = frozenset()
_BY_NAME = (
    (("pip", "install"), _NONE, _FROM_FILES),
    (("pip3", "install"), _NONE, _FROM_FILES),
    (("python", "pip", "install"), frozenset({"-m"}), _FROM_FILES),
    (("python3", "pip", "install"), frozenset({"-m"}), _FROM_FILES),
    (("npm", "install"), _GLOBALLY, _NONE),
    (("npm", "i"), _GLOBALLY, _NONE),
    (("pnpm", "add"), _GLOBALLY, _NONE),
    (("yarn", "global", "add"), _NONE, _NONE),
    (("corepack", "prepare"), _NONE, _NONE),
    (("gem", "install"), _NONE, _NONE),
    (("cargo", "install"), _NONE, frozenset({"--path"})),
)
"""Commands that install packages by their names, with options of which one must be there, and those that must not."""
_CLEANING = (("npm", "cache", "clean"), ("yarn", "cache", "clean"), ("pnpm", "store", "prune"))
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
    if command.begins("git", "config") and command.options & {"--global", "--system"}:
        return True
    if any(command.begins(*words) for words in _CLEANING):
        return True
    if command.begins("go", "install"):
        return len(command.operands) > 1 and all("@" in word for word in command.operands[1:])
    for words, needed, refused in _BY_NAME:
        if command.begins(*words) and (not needed or command.options & needed) and not command.options & refused:
            names = command.operands[len(words) - 1 :]
            return bool(names) and all(_VALUE.fullmatch(word) and word not in (".", "..") for word in names)
    return False


def is_quick(command: ShellCommand) -> bool:
    """Whether a command takes no time that matters: it only changes some files."""
    return command.program in _PLAIN | _PATHS and command.program not in ("curl", "wget")


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
