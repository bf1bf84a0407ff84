"""The history of a repository replayed: ten thousand commits, and a repository of a hundred thousand files."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speedkit.replays import replay
from tests.bench.figures import peak_bytes_of, print_figure, print_seconds

__all__ = ["history", "large_history"]

FILES, COMMITS = 2_000, 10_000
MANY_FILES, COMMITS_OF_MANY = 100_000, 2_000
FILES_A_FOLDER, FILES_A_COMMIT = 40, 3
DOCKERFILE = """\
FROM golang:1.24 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg go mod download
COPY . .
RUN --mount=type=cache,target=/root/.cache go build -o /out/app ./...
RUN go vet ./...
FROM node:22 AS web
WORKDIR /web
COPY package*.json ./
RUN npm ci
COPY group-1 group-1
RUN npm run build
FROM debian:trixie-slim
COPY --from=build /out/app /usr/bin/app
COPY --from=web /web/dist /usr/share/app
RUN useradd app
USER app
"""


def history() -> None:
    """Seconds and memory of `speedkit replay`, and seconds a changed file in a repository of fifty times as many files."""
    print(f"{COMMITS:,} commits of a repository with {FILES:,} files replayed")
    with large_history(FILES, COMMITS) as folder:
        began = time.perf_counter()
        replayed = replay(folder, commits=None)
        seconds = time.perf_counter() - began
        assert len(replayed.commits) == COMMITS - 1
        print_seconds("replay", [seconds], wanted="at most 10 s")
        program = "import sys; from speedkit.replays import replay; replay(sys.argv[1], commits=None)"
        peak = peak_bytes_of([sys.executable, "-c", program, str(folder)], environment=os.environ)
        print_figure("memory at its peak", f"{peak / 1e6:,.0f} MB", wanted="at most 500 MB")
    with large_history(MANY_FILES, COMMITS_OF_MANY) as folder:
        replay(folder, commits=1)
        began = time.perf_counter()
        replay(folder, commits=1)
        start = time.perf_counter() - began
        began = time.perf_counter()
        replay(folder, commits=None)
        many = time.perf_counter() - began - start
    print_seconds(f"a repository of {MANY_FILES:,} files: before its first commit", [start])
    print_figure(
        "a changed file there, against one of the small repository",
        f"{(many / COMMITS_OF_MANY) / (seconds / COMMITS):.2f} times as long",
        wanted="not more than 1",
    )


@contextmanager
def large_history(files: int, commits: int) -> Iterator[Path]:
    """A repository in which each commit changes a few files, and a hundredth of them the packages."""
    chance = random.Random(files)  # noqa: S311 - it has to be repeatable
    paths = [f"group-{number % 7}/folder-{number // FILES_A_FOLDER}/file-{number}.go" for number in range(files)]
    with tempfile.TemporaryDirectory(prefix="speedkit-bench-") as place:
        subprocess.run(["git", "init", "-q", "-b", "main", place], check=True)
        feed = subprocess.Popen(["git", "-C", place, "fast-import", "--quiet"], stdin=subprocess.PIPE)
        assert feed.stdin is not None
        with feed.stdin as stream:

            def commit(number: int, changes: dict[str, str]) -> None:
                lines = [f"commit refs/heads/main\ncommitter Dev <d@x> {1_700_000_000 + number * 3600} +0000\ndata 1\nc\n"]
                for path, text in changes.items():
                    lines.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n")
                stream.write("".join(lines).encode())

            first = {"Dockerfile": DOCKERFILE, ".dockerignore": ".git\n*.md\n**/testdata\n", "go.mod": "0", "go.sum": "0"}
            commit(0, first | {"package.json": "0", "package-lock.json": "0"} | dict.fromkeys(paths, "0"))
            for number in range(1, commits):
                changes = {chance.choice(paths): str(number) for _ in range(FILES_A_COMMIT)}
                if number % 100 == 0:
                    changes[chance.choice(["go.sum", "package-lock.json"])] = str(number)
                if number % 50 == 0:
                    changes[f"group-1/new-{number}.go"] = "1"
                commit(number, changes)
        assert feed.wait() == 0
        subprocess.run(["git", "-C", place, "checkout", "-q", "main", "--", "Dockerfile", ".dockerignore"], check=True)
        yield Path(place)
