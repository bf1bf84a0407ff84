"""Small projects of our own, in a git repository and without one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from speedkit.projects import Project, Way, open_project
from tests.cli.conftest import speedkit  # noqa: F401 (a fixture)

DOCKERFILE = "FROM alpine AS base\nRUN echo base\nFROM base AS test\nRUN echo test\nFROM base\nCOPY a.txt /\n"


@pytest.fixture
def make_project(folder) -> Callable[..., Project]:
    """A project of these files in a new folder. below: the folder in it that is opened. with_git: in a repository."""

    def make(files: dict[str, str], *, below: str = ".", with_git: bool = True) -> Project:
        place: Path = folder({"a.txt": "a\n"} | files)
        if with_git:
            subprocess.run(["git", "init", "-q", str(place)], check=True)
        return open_project(place / below)

    return make


def only_way(project: Project, kind: str) -> Way:
    """The project's way of a kind, of which it has one."""
    (way,) = [way for way in project.ways if way.kind == kind]
    return way
