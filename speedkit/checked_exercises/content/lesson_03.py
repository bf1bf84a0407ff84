"""The exercises of lesson 03, on the order of instructions and the build context."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from speedkit.messages import marked, message

from ..checked_builds import CheckedBuilds, it_downloads, it_runs
from ..findings import (
    Finding,
    built,
    cannot_run,
    downloaded_nothing,
    forecast_is_complete,
    foretold,
    instruction_ran,
    nothing_ran,
    prints,
    stayed_cached,
)
from ..task import Task

__all__ = ["TASKS", "ships_well"]


def ships_well(builds: CheckedBuilds) -> Iterator[Finding]:
    """An edit of main.go downloads nothing, one of README.md runs nothing, and the image has no compiler."""
    first = builds.build()
    yield built(first)
    yield prints(first, "What rarely")
    yield cannot_run(first, "go", called=message("a compiler"))
    yield nothing_ran(builds.build(builds.edit("README.md"), until=it_runs))
    again = builds.build(builds.edit("main.go"), until=it_downloads)
    yield downloaded_nothing(again)
    yield built(again)


def _allow_list(builds: CheckedBuilds) -> Iterator[Finding]:
    first = builds.build()
    yield built(first)
    yield prints(first, "rarely")
    yield nothing_ran(builds.build(builds.edit("README.md"), until=it_runs))
    yield nothing_ran(builds.build(builds.add("notes/today.md"), until=it_runs))
    yield instruction_ran(builds.build(builds.edit("words.txt")), "build.sh")


def _commit_stamp(builds: CheckedBuilds) -> Iterator[Finding]:
    first = builds.build(build_args={"COMMIT": "c0ffee1"})
    yield built(first)
    yield prints(first, "c0ffee1")
    commit = secrets.token_hex(4)
    again = builds.build(message("a new value of COMMIT"), build_args={"COMMIT": commit})
    yield stayed_cached(again, "RUN sort")
    yield prints(again, commit)


def _foretell(builds: CheckedBuilds) -> Iterator[Finding]:
    text = builds.read("forecast.txt")
    questions = ("README.md touched", "README.md made read-only", "words.txt edited", "words.txt put back")
    yield forecast_is_complete(text, questions)
    # With a text that no earlier check has built, its new mode is new as well.
    builds.edit("README.md")
    yield built(builds.build())
    yield foretold(builds.build(builds.touch("README.md")), text, questions[0])
    yield foretold(builds.build(builds.make_read_only("README.md")), text, questions[1])
    yield foretold(builds.build(builds.edit("words.txt")), text, questions[2])
    yield foretold(builds.build(builds.put_back("words.txt")), text, questions[3])


TASKS = (
    Task(
        "03-allow-list",
        lesson="03",
        title=marked("Only what the build needs"),
        text=marked(
            "`COPY . /app` sees every file of the folder, also those that nobody has thought of yet. Write a .dockerignore "
            "so that neither an edit of README.md nor any new file runs a step, and an edit of words.txt still does."
        ),
        hints=(
            marked("A list of what is left out never ends. Can a .dockerignore leave out everything?"),
            marked("A line with `!` in front lets a file in again. Which files does build.sh need, and where is build.sh?"),
        ),
        minutes=10,
        check=_allow_list,
        app="words",
    ),
    Task(
        "03-commit-stamp",
        lesson="03",
        title=marked("The stamp of a commit"),
        text=marked(
            "CI passes the id of the commit to each build, `--build-arg COMMIT=…`, and the image prints it. Each commit "
            "sorts the words again. Change the Dockerfile so that a new COMMIT does not run `sort`."
        ),
        hints=(
            marked("`sk.build(exercise.app, build_args=dict(COMMIT='a'))`, then with another value: which lines run?"),
            marked("The value of an ARG counts for each RUN behind it, whether the RUN uses it or not."),
        ),
        minutes=10,
        check=_commit_stamp,
        app="words",
    ),
    Task(
        "03-download-once",
        lesson="03",
        title=marked("Download once"),
        text=marked(
            "Each edit of a file downloads the modules again. Change the Dockerfile, and add whatever file you need, so "
            "that after an edit of main.go no module is downloaded, and after an edit of README.md nothing runs at all."
        ),
        hints=(
            marked("Which files does the download of the modules read? Only these have to be there before it."),
            marked("`go mod download` reads go.mod and go.sum. COPY takes several files; its last word is the folder."),
            marked(
                "README.md is in the build context, so `COPY . .` sees it. Which file says what is left out of the context?"
            ),
        ),
        minutes=15,
        check=ships_well,
    ),
    Task(
        "03-foretell",
        lesson="03",
        title=marked("Which lines run, in two stages?"),
        text=marked(
            "Read the Dockerfile, and do not build. Write into forecast.txt which lines run again after each change. Each "
            "change is made to the files as the change before it left them."
        ),
        hints=(
            marked("COPY compares names, contents and modes of files. Their times do not count."),
            marked("A cache maps keys to results: it has no notion of before and after."),
            marked("COPY --from reads a file of another stage, and still comes after the line above it."),
        ),
        minutes=10,
        check=_foretell,
        app="words",
    ),
)
