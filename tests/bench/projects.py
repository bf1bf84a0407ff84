"""A team's folder of 50,000 files and 5 GB: how long until its ways to build are known, and what a look at it reads."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speedkit.context import read_context
from speedkit.projects import open_project
from tests.bench.figures import print_figure, print_seconds, seconds_of

__all__ = ["large_folder", "projects"]

FILES, FOLDERS, TOTAL_BYTES = 50_000, 500, 5_000_000_000
ROUNDS = 7
WANTED = "at most 3 s"
DOCKERFILE = "FROM alpine\nCOPY src /src\nRUN ls /src\n"
COMPOSE = "services: {web: {build: .}, api: {build: {context: ., target: api}}}\n"
WORKFLOW = "jobs: {image: {steps: [{uses: docker/build-push-action@v6, with: {context: ., platforms: linux/amd64}}]}}\n"


def projects() -> None:
    """`sk.project` in a repository, and in a plain folder; and the build context, whose ignore file leaves the data out."""
    print(f"a project of {FILES:,} files and {TOTAL_BYTES / 1e9:.0f} GB")
    with large_folder(with_git=False) as folder:
        looks = [seconds_of(lambda: open_project(folder)) for _ in range(ROUNDS)]
        print_seconds("sk.project, in a plain folder", looks, wanted=WANTED)
    with large_folder(with_git=True) as folder:
        dockerfile = folder / "Dockerfile"
        looks = [seconds_of(lambda: open_project(folder)) for _ in range(ROUNDS)]
        print_seconds("sk.project, in a repository", looks, wanted=WANTED)
        contexts = []
        first = seconds_of(lambda: contexts.append(read_context(folder, dockerfile=dockerfile)))
        print_figure("the first hash of its build context", f"{first:8.3f} s, {len(contexts[0].entries):,} entries")
        again = [seconds_of(lambda: read_context(folder, dockerfile=dockerfile, previous=contexts[0])) for _ in range(ROUNDS)]
        print_seconds("and a look at it after that", again, wanted=WANTED)


@contextmanager
def large_folder(*, with_git: bool) -> Iterator[Path]:
    """Many files, in large part data that no build gets. The data has holes, so that it takes no room."""
    with tempfile.TemporaryDirectory(prefix="speedkit-bench-") as place:
        folder = Path(place)
        files = {"Dockerfile": DOCKERFILE, ".dockerignore": "data\n.git\n", "compose.yml": COMPOSE}
        files[".github/workflows/release.yml"] = WORKFLOW
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        for number in range(FILES):
            part = "src" if number % 5 else "data"
            path = folder / part / f"folder-{number % FOLDERS:03}" / f"file-{number}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{number}\n")
            if part == "data":
                os.truncate(path, TOTAL_BYTES // (FILES // 5))
        if with_git:
            (folder / ".gitignore").write_text("data\n")
            subprocess.run(["git", "-C", place, "init", "-q"], check=True)
            subprocess.run(["git", "-C", place, "add", "."], check=True)
        yield folder
