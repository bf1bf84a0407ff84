"""The exercises of lesson 07, on the Dockerfile of a team."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from speedkit.messages import marked, message

from ..checked_builds import CheckedBuilds
from ..findings import Finding, built, nothing_ran, prints
from ..image_findings import has_label
from ..task import DOCKERFILE, Task

__all__ = ["TASKS"]

REVISION = "org.opencontainers.image.revision"


def _stamp(builds: CheckedBuilds) -> Iterator[Finding]:
    before, after = secrets.token_hex(20), secrets.token_hex(20)
    word = f"PIE {secrets.token_hex(4)}".upper()
    first = builds.build(builds.replace("page.txt", f"{word}\n"), build_args={"COMMIT": before})
    yield built(first)
    yield prints(first, word)
    yield has_label(first, REVISION, before)
    again = builds.build(when=message("With the same files and another COMMIT"), build_args={"COMMIT": after})
    yield built(again)
    yield has_label(again, REVISION, after)
    yield nothing_ran(again)


def _allow_list(builds: CheckedBuilds) -> Iterator[Finding]:
    yield built(builds.build())
    for path in ("README.md", DOCKERFILE):
        yield nothing_ran(builds.build(builds.edit(path)))
    builds.add(".env")
    yield nothing_ran(builds.build(builds.add(f"notes/{secrets.token_hex(4)}.log")))
    word = f"PIE {secrets.token_hex(4)}".upper()
    other = builds.build(builds.replace("page.txt", f"{word}\n"))
    yield built(other)
    yield prints(other, word)


TASKS = (
    Task(
        "07-allow-list",
        lesson="07",
        title=marked("Only what is needed"),
        text=marked(
            "An edit of README.md, of the Dockerfile itself, or a new file builds the page again. Make sure that none of them "
            "runs anything, also for new files that you do not know yet. An edit of page.txt must still get into the image."
        ),
        hints=(
            marked("A list of files to leave out is never complete. .dockerignore can leave out everything: `*`."),
            marked("A line that begins with `!` brings files back. Which files does `sh build.sh` read?"),
        ),
        minutes=5,
        check=_allow_list,
        app="page",
    ),
    Task(
        "07-stamp",
        lesson="07",
        title=marked("A stamp that costs nothing"),
        text=marked(
            "Each build of the team gets the commit: `docker build --build-arg COMMIT=… .`. The image should have it as the "
            "label org.opencontainers.image.revision. But a build of the same files with another COMMIT must run nothing."
        ),
        hints=(
            marked("An ARG belongs to its stage: below the next FROM it is empty."),
            marked("An ARG with a value counts for each RUN below it. LABEL has no step."),
            marked("So the right place for this ARG is the end of the last stage, above LABEL."),
        ),
        minutes=10,
        check=_stamp,
        app="page",
    ),
)
