"""The exercises of lesson 02, on a build in one step and what its layer holds."""

from __future__ import annotations

from collections.abc import Iterator

from speedkit.messages import marked

from ..checked_builds import CheckedBuilds
from ..findings import Finding, built, forecast_is_complete, foretold, prints, stayed_cached, wasted_at_most
from ..task import Task

__all__ = ["TASKS"]

SMALL_BYTES = 1_000_000


def _foretell(builds: CheckedBuilds) -> Iterator[Finding]:
    text = builds.read("forecast.txt")
    questions = ("nothing changed", "words.txt touched", "README.md edited", "words.txt edited")
    yield forecast_is_complete(text, questions)
    yield built(builds.build())
    yield foretold(builds.build(), text, questions[0])
    yield foretold(builds.build(builds.touch("words.txt")), text, questions[1])
    yield foretold(builds.build(builds.edit("README.md")), text, questions[2])
    yield foretold(builds.build(builds.edit("words.txt")), text, questions[3])


def _own_step(builds: CheckedBuilds) -> Iterator[Finding]:
    first = builds.build()
    yield built(first)
    yield prints(first, "RARELY")
    yield stayed_cached(builds.build(builds.edit("words.txt")), "install-tools.sh")


def _in_vain(builds: CheckedBuilds) -> Iterator[Finding]:
    first = builds.build()
    yield built(first)
    yield prints(first, "download")
    yield wasted_at_most(first, SMALL_BYTES)


TASKS = (
    Task(
        "02-foretell",
        lesson="02",
        title=marked("Which lines run?"),
        text=marked(
            "Read the Dockerfile, and do not build. Write into forecast.txt which lines run again after each change. The "
            "check then makes the changes, builds for real, and compares."
        ),
        hints=(
            marked("A step that has run once is cached until something that it depends on changes. Is the time such a thing?"),
            marked("COPY looks at the content of the files that it copies, and at their names and modes."),
            marked("When a step runs, all later steps of its stage run, too."),
        ),
        minutes=5,
        check=_foretell,
        app="words",
    ),
    Task(
        "02-in-vain",
        lesson="02",
        title=marked("Stored in a layer, seen by nobody"),
        text=marked(
            "The image holds the checksum of a download. The download itself is removed, and yet the image is as large as "
            "with it. Change the Dockerfile so that less than a megabyte of the image is wasted."
        ),
        hints=(
            marked("`sk.layers(sk.build(exercise.app))` shows the layers. Which one holds the download?"),
            marked("A layer never changes once it is made. A later `rm` only hides the file."),
            marked("What one RUN makes and removes again is in no layer."),
        ),
        minutes=10,
        check=_in_vain,
        app="words",
    ),
    Task(
        "02-own-step",
        lesson="02",
        title=marked("A step of its own"),
        text=marked(
            "One RUN installs the tools and uses them, so each edit of words.txt installs the tools again. Change the "
            "Dockerfile so that install-tools.sh does not run again after an edit of words.txt."
        ),
        hints=(
            marked("Two RUNs are two steps. Which files does the first of them need?"),
            marked("A COPY of all files above the installation makes the installation depend on all files."),
        ),
        minutes=10,
        check=_own_step,
        app="words",
    ),
)
