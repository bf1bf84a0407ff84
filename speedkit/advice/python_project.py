"""A Python project inside a stage: the files that an installation of its dependencies reads, and whether that is certain."""

from __future__ import annotations

import posixpath
import re
import tomllib
from typing import TYPE_CHECKING, Any

from speedkit.dockerfile import normalized_path

if TYPE_CHECKING:
    from .image_files import ImageFiles
    from .shell_commands import ShellCommand

__all__ = ["pip_words", "pyproject", "requirement_files", "requirements_of"]

_FILE_OPTIONS = ("-r", "--requirement", "--requirements", "-c", "--constraint", "--constraints")
_VALUED = frozenset(
    {
        *(
            "-i",
            "--index-url",
            "--extra-index-url",
            "--index",
            "--default-index",
            "-f",
            "--find-links",
            "-t",
            "--target",
            "--prefix",
        ),
        *(
            "--root",
            "--python",
            "-p",
            "--platform",
            "--python-version",
            "--timeout",
            "--default-timeout",
            "--retries",
            "--cert",
        ),
        *("--trusted-host", "--cache-dir", "--progress-bar", "--no-binary", "--only-binary", "--config-settings", "--src"),
        *("--index-strategy", "--link-mode", "-w", "--wheel-dir", "-d", "--dest", "--upgrade-strategy", "--use-feature"),
    }
)
_LOCAL = re.compile(r"\.{0,2}/|\.{1,2}$|file:|~/|.*@\s*file:|.*\.(?:whl|tar\.gz|zip)$")


def pip_words(command: ShellCommand) -> tuple[str, ...] | None:
    """The words behind `pip install`, `pip wheel`, `python -m pip install`, `uv pip sync` and the like; else None."""
    words = command.words
    program = command.program
    if re.fullmatch(r"python[\d.]*", program) and words[1:3] == ("-m", "pip"):
        rest = words[3:]
    elif re.fullmatch(r"pip[\d.]*", program):
        rest = words[1:]
    elif program == "uv" and words[1:2] == ("pip",):
        rest = words[2:]
    else:
        return None
    # Options of pip itself may be in front: `pip --no-cache-dir install`.
    place = next((number for number, word in enumerate(rest) if not word.startswith("-")), None)
    if place is None or rest[place] not in ("install", "wheel", "download", "sync"):
        return None
    files = rest[place + 1 :]
    return rest[:place] + (
        tuple(f"-r={word}" if not word.startswith("-") else word for word in files) if rest[place] == "sync" else files
    )


def requirements_of(words: tuple[str, ...]) -> list[str] | None:
    """The files of requirements and constraints in the words of pip; None when it also installs something of the project."""
    files: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if re.fullmatch(r"-[rc].+", word) and not equals:
            name, value, equals = word[:2], word[2:], "="
        if name in _FILE_OPTIONS:
            files.append(value if equals else next(rest, ""))
        elif name in ("-e", "--editable"):
            return None
        elif name in _VALUED:
            target = value if equals else next(rest, "")
            if name in ("-f", "--find-links") and "://" not in target:
                return None
        elif not word.startswith("-") and (_LOCAL.match(word) or "$" in word):
            return None
    return files


def requirement_files(files: ImageFiles, workdir: str, names: list[str]) -> list[str] | None:
    """Paths in the image of requirements files, with those that they name; None when one is missing or has a local package."""
    paths: list[str] = []
    waiting = [normalized_path(workdir, name) for name in names]
    while waiting:
        path = waiting.pop()
        if path in paths:
            continue
        text = files.text(path)
        if text is None:
            return None
        paths.append(path)
        for line in re.sub(r"\\\r?\n", " ", text).splitlines():
            entry = " ".join(re.sub(r"(?:^|\s)#.*$", "", line).split())
            option = re.match(r"(-r|-c|--requirement|--constraint)(?:=|\s*)(.*)", entry)
            if option is not None:
                waiting.append(normalized_path(posixpath.dirname(path), option[2]))
            elif _is_local(entry):
                return None
    return paths[::-1]


def _is_local(entry: str) -> bool:
    """Whether a line of a file of requirements names a package here, or a folder of packages."""
    if re.match(r"-e\b|--editable\b|-f\b|--find-links\b", entry):
        return "://" not in entry and not re.search(r"(?:git|hg|svn|bzr)\+", entry)
    return not entry.startswith("-") and (_LOCAL.match(entry) is not None or re.search(r"@\s*file:", entry) is not None)


def pyproject(files: ImageFiles, workdir: str) -> dict[str, Any] | None:
    """The pyproject.toml in a folder of the image; None without a readable one."""
    text = files.text(posixpath.join(workdir, "pyproject.toml"))
    if text is None:
        return None
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
