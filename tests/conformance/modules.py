"""Real Dockerfiles and their contexts: from the modules in real_projects.txt, which the go command fetches and keeps."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from speedkit.engine.host_go import find_go

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Module", "dockerfiles_in", "fetched", "listed_modules", "paths_of_images"]

_LIST = Path(__file__).with_name("real_projects.txt")
_NAME = re.compile(r"(Docker|Container)file([._-].+)?|.+\.Dockerfile", re.IGNORECASE)
_NO_DOCKERFILE = re.compile(r".+\.(dockerignore|go|json|md|nanorc|sh|tmpl|tmPreferences|tmLanguage|txt|ya?ml)", re.IGNORECASE)
_MADE_UP = re.compile(r"(^|/)(testdata|testfiles|fixtures)/")
"""Folders of Dockerfiles that nobody builds to use the result."""


@dataclass(frozen=True)
class Module:
    """One Go module. name: with its version."""

    name: str

    @property
    def short(self) -> str:
        return self.name.partition("@")[0].removeprefix("github.com/")


def listed_modules() -> list[Module]:
    return [Module("@".join(line.split())) for line in _lines() if not line.startswith("/")]


def paths_of_images() -> list[str]:
    """What the Dockerfiles take from images; a folder ends in a slash."""
    return [line for line in _lines() if line.startswith("/")]


def _lines() -> list[str]:
    return [line for line in _LIST.read_text().splitlines() if line and not line.startswith("#")]


def fetched(module: Module) -> Path | None:
    """The folder of a module in Go's own cache, read-only; None when it is not to be had."""
    go = find_go()
    if go is None:
        return None
    found = subprocess.run([str(go), "mod", "download", "-json", module.name], capture_output=True, check=False, cwd="/")
    folder = json.loads(found.stdout or "{}").get("Dir")
    return Path(folder) if folder else None


def dockerfiles_in(folder: Path) -> list[Path]:
    """The Dockerfiles of a project, those nearest to its root first."""
    return sorted(_dockerfiles(folder), key=lambda path: (len(path.parts), path))


def _dockerfiles(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).as_posix()
        is_named = _NAME.fullmatch(path.name) and not _NO_DOCKERFILE.fullmatch(path.name)
        if is_named and path.is_file() and not _MADE_UP.search(inside):
            yield path
