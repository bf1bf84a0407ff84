"""Small projects to prove something about."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli import conftest as of_the_program

AS_IS = """FROM alpine
COPY . /src
RUN sleep 1 && cp /src/deps.txt /deps && date +%s > /stamp && touch /run-$(date +%s).log
RUN cat /src/main.txt > /out
CMD ["cat", "/out"]
"""
SPLIT = """FROM alpine
COPY deps.txt /src/deps.txt
RUN sleep 1 && cp /src/deps.txt /deps && date +%s > /stamp && touch /run-$(date +%s).log
COPY . /src
RUN cat /src/main.txt > /out
CMD ["cat", "/out"]
"""
GAIN_SECONDS = 4
"""How long the step of `long_step` takes: more than the builds of a busy machine vary, so that a change of it is a gain."""


speedkit = of_the_program.speedkit


@pytest.fixture
def git():
    """Runs git in a folder, with nobody's settings."""

    def run(folder: Path, *arguments: str) -> str:
        settings = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "init.defaultBranch=main"]
        command = ["git", *settings, "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return run


def long_step(dockerfile: str) -> str:
    """The Dockerfile with a step that takes long enough for a gain to be seen."""
    return dockerfile.replace("sleep 1", f"sleep {GAIN_SECONDS}")


@pytest.fixture
def project(folder, git):
    """A repository of four commits; the last one changes nothing that is built."""
    return _repository(folder, git, AS_IS)


@pytest.fixture
def long_project(folder, git):
    """The same with a long step."""
    return _repository(folder, git, long_step(AS_IS))


def _repository(folder, git, dockerfile: str) -> Path:
    place = folder({"Dockerfile": dockerfile, ".dockerignore": ".git\ndocs\n", "deps.txt": "a\n", "main.txt": "1\n"})
    git(place, "init", "-q")
    for number in (1, 2, 3):
        (place / "main.txt").write_text(f"{number}\n")
        git(place, "add", "-A")
        git(place, "commit", "-qm", f"edit {number}")
    (place / "docs").mkdir()
    (place / "docs" / "a.md").write_text("a")
    git(place, "add", "-A")
    git(place, "commit", "-qm", "docs")
    return place
