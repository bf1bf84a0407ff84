"""The exam: five exercises at the end, without a lesson that says which rule they are about."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from speedkit.messages import marked, message

from ..checked_builds import CheckedBuilds, it_runs
from ..findings import (
    Finding,
    built,
    forecast_is_complete,
    foretold,
    in_no_layer,
    instruction_did_not_run,
    instruction_ran,
    nothing_ran,
    prints,
)
from ..image_findings import has_label
from ..task import EXAM, Task
from .lesson_03 import ships_well

__all__ = ["TASKS"]


def _foretell(builds: CheckedBuilds) -> Iterator[Finding]:
    text = builds.read("forecast.txt")
    questions = ("README.md edited", "words.txt edited", "a new file notes.txt")
    yield forecast_is_complete(text, questions)
    yield built(builds.build())
    yield foretold(builds.build(builds.edit("README.md")), text, questions[0])
    yield foretold(builds.build(builds.edit("words.txt")), text, questions[1])
    yield foretold(builds.build(builds.add("notes.txt")), text, questions[2])


def _label(builds: CheckedBuilds) -> Iterator[Finding]:
    first = builds.build(build_args={"COMMIT": "c0ffee1"})
    yield built(first)
    yield prints(first, "rarely")
    commit = secrets.token_hex(4)
    again = builds.build(message("a new value of COMMIT"), build_args={"COMMIT": commit}, until=it_runs)
    yield nothing_ran(again)
    yield has_label(again, "commit", commit)


def _no_token(builds: CheckedBuilds) -> Iterator[Finding]:
    first = builds.build()
    yield built(first)
    yield in_no_layer(first, "token.txt")
    yield prints(first, "rarely")


def _side_stage(builds: CheckedBuilds) -> Iterator[Finding]:
    first = builds.build()
    yield built(first)
    again = builds.build(builds.edit("words.txt"))
    yield instruction_did_not_run(again, "grep")
    yield prints(again, "rarely")
    tested = builds.build(message("an edit of words.txt, with --target test"), target="test")
    yield built(tested)
    yield instruction_ran(tested, "grep")


TASKS = (
    Task(
        "exam-foretell",
        lesson=EXAM,
        title=marked("Three stages, three changes"),
        text=marked(
            "Read the Dockerfile, and do not build. Write into forecast.txt which lines run again after each change. Each "
            "change is made to the files as the change before it left them."
        ),
        hints=(
            marked("Which stages does the final image take files from?"),
            marked("COPY --from compares the content of what it copies, not how that was made."),
        ),
        minutes=10,
        check=_foretell,
        app="words",
    ),
    Task(
        "exam-label",
        lesson=EXAM,
        title=marked("A commit that costs nothing"),
        text=marked(
            "CI passes the id of the commit to each build, `--build-arg COMMIT=…`. Change the Dockerfile so that the image "
            "has it as the label `commit`, and a new COMMIT runs no step at all."
        ),
        hints=(
            marked("Which instructions only change the settings of an image?"),
            marked("The value of an ARG counts for each RUN behind it."),
        ),
        minutes=10,
        check=_label,
        app="words",
    ),
    Task(
        "exam-no-token",
        lesson=EXAM,
        title=marked("No token left behind"),
        text=marked(
            "The build needs token.txt, and nobody who has the image may read it. Change the Dockerfile so that no layer "
            "holds the file; the step that tests it stays."
        ),
        hints=(
            marked("Every COPY into the final image makes a layer, and layers keep what later steps remove."),
            marked(
                "A RUN can borrow a file of the build context while it runs: `--mount=type=bind`. Another stage helps, too."
            ),
        ),
        minutes=15,
        check=_no_token,
        app="words",
    ),
    Task(
        "exam-ship",
        lesson=EXAM,
        title=marked("Ready to ship"),
        text=marked(
            "This image holds the whole compiler, and each edit begins with all downloads. Change what you need: no "
            "compiler in the image, no module downloaded after an edit of main.go, and nothing that runs after an edit of "
            "README.md."
        ),
        hints=(
            marked("The final stage decides what is in the image."),
            marked("What rarely changes comes first, and what no step needs stays out of the build context."),
        ),
        minutes=20,
        check=ships_well,
    ),
    Task(
        "exam-side-stage",
        lesson=EXAM,
        title=marked("A test that is built on demand"),
        text=marked(
            "The line with `grep` tests the result, in each build. Move it into a stage with the name `test`, so that an "
            "ordinary build does not run it and `--target test` does."
        ),
        hints=(
            marked("A build makes its last stage, and the stages that this one takes something from."),
            marked(
                "A stage can begin where another one ends: `FROM builder AS test`. Where does it have to stand in the file?"
            ),
        ),
        minutes=15,
        check=_side_stage,
        app="words",
    ),
)
