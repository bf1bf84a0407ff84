"""The exercises of lesson 04, on what comes first, and on stages."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from speedkit.messages import marked, message

from ..checked_builds import CheckedBuilds
from ..findings import Finding, built, downloaded_nothing, prints
from ..step_findings import at_the_same_time, did_not_run, did_run, fails_with, last_stage_cached, steps_printing
from ..task import DOCKERFILE, FILES, Task

__all__ = ["TASKS"]

MAIN = "main.go"
COUNT = "04-count-the-modules"


def _order_the_lines(builds: CheckedBuilds) -> Iterator[Finding]:
    first_text = builds.read(MAIN)
    # Go finds all imports, and downloads their modules, before it compiles anything. So an import that is not there ends the
    # build early, and the check needs the compiler only once.
    for number in range(2):
        missing = f"motto/missing{secrets.token_hex(4)}"
        change = builds.replace(MAIN, first_text.replace("import (", f'import (\n\t_ "{missing}"', 1))
        broken = builds.build(change)
        yield fails_with(
            broken,
            missing,
            otherwise=message(
                "{when}: the file has a mistake now, and the build ended well: the image is not made of it.", when=broken.when
            ),
        )
        if number:
            yield downloaded_nothing(broken)
    motto = f"Motto {secrets.token_hex(4)}"
    builds.replace(MAIN, first_text.replace("What rarely changes comes first", motto))
    done = builds.build(message("an edit of {path}", path=MAIN))
    yield built(done)
    yield downloaded_nothing(done)
    yield prints(done, motto, "motto", "40")


UUID_SUMS = """\
github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=
github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=
"""


def _count_the_modules(builds: CheckedBuilds) -> Iterator[Finding]:
    # One module more than the learner has, so that numbers that were typed in are wrong.
    builds.replace("go.mod", f"{builds.read('go.mod')}\nrequire github.com/google/uuid v1.6.0\n")
    builds.replace("go.sum", f"{builds.read('go.sum')}{UUID_SUMS}")
    when = message("With one more module in go.mod")
    done = builds.build(when=when)
    yield built(done)
    counted = builds.build(when=when, dockerfile=(FILES / COUNT / "solution" / DOCKERFILE).read_text())
    yield built(counted)
    right, found = counted.run().log.split(), done.run().log.split()
    for place, command in enumerate(("go mod download", "go build")):
        number = found[place] if place < len(found) else message("nothing")
        if number != right[place]:
            yield Finding(
                False,
                message(
                    "With one more module in go.mod, `{command}` fetches {right}. Your image prints {found} for it.",
                    command=command,
                    right=right[place],
                    found=number,
                ),
            )
    yield Finding(
        True,
        message(
            "With one more module in go.mod, `go mod download` fetches {all}, and `go build` fetches {needed}: only what the "
            "program imports.",
            all=right[0],
            needed=right[1],
        ),
    )


def _equal_output(builds: CheckedBuilds) -> Iterator[Finding]:
    yield built(builds.build())
    comment = builds.build(builds.replace("page.txt", f"# {secrets.token_hex(4)}\n{builds.read('page.txt')}"))
    yield built(comment)
    yield did_run(comment, "building the page", work="build.sh")
    yield last_stage_cached(comment)
    word = f"PIE {secrets.token_hex(4)}".upper()
    other = builds.build(builds.replace("page.txt", f"{word}\n"))
    yield built(other)
    yield prints(other, word)


def _stage_for_tests(builds: CheckedBuilds) -> Iterator[Finding]:
    word = f"PIE {secrets.token_hex(4)}".upper()
    with_todo = builds.replace("page.txt", f"{word}\nTODO\n")
    image = builds.build(with_todo)
    for step in steps_printing(image, "the test"):
        yield Finding(
            False,
            message(
                "`docker build .` ran the test, in line {line}: the test is in the last stage, or in one that it takes from.",
                line=step.line,
            ),
        )
    yield built(image)
    yield prints(image, word)
    failed = builds.build(with_todo, target="test")
    yield fails_with(
        failed,
        "the test failed",
        otherwise=message("The page has a TODO, and the build of the stage test ended well: the test did not stop it."),
    )
    without = builds.build(builds.replace("page.txt", f"{word}\n"), target="test")
    yield built(without)
    yield did_run(without, "the test passed", work=message("the test"))


def _side_by_side(builds: CheckedBuilds) -> Iterator[Finding]:
    left, right, other = (secrets.token_hex(4) for _ in range(3))
    builds.replace("left.txt", f"{left}\n")
    builds.replace("right.txt", f"{right}\n")
    both = builds.build(message("an edit of left.txt and right.txt"))
    yield built(both)
    yield prints(both, f"left: {left}")
    yield prints(both, f"right: {right}")
    yield at_the_same_time(both, "drawing the left side", "drawing the right side")
    one = builds.build(builds.replace("left.txt", f"{other}\n"))
    yield built(one)
    yield prints(one, f"left: {other}")
    yield did_not_run(one, "drawing the right side", work="`sh draw.sh right`")


TASKS = (
    Task(
        COUNT,
        lesson="04",
        title=marked("Count the modules"),
        text=marked(
            "How many modules does `go mod download` fetch, and how many does `go build` fetch by itself? Change the two RUN "
            "lines so that they count. The image prints both numbers, the one of `go mod download` first. "
            "The check adds a module to go.mod, and counts, too."
        ),
        hints=(
            marked(
                "Without a flag, `go mod download` prints nothing, so its log cannot be counted. Look at what it leaves behind."
            ),
            marked(
                "Each module is a file that ends in .zip, somewhere in /go/pkg/mod/cache/download. `find` and `wc -l` count."
            ),
            marked("`go list -deps .` fetches the same modules as `go build .`, and compiles nothing."),
        ),
        minutes=10,
        check=_count_the_modules,
    ),
    Task(
        "04-equal-output",
        lesson="04",
        title=marked("The same files again"),
        text=marked(
            "An edit of a comment in page.txt builds the page again. The page is the same as before, and yet the last stage "
            "runs again. Change the Dockerfile so that every step of the last stage stays cached after such an edit. "
            "The image must still print the page."
        ),
        hints=(
            marked("`COPY --from` looks at the content of what it copies, and at nothing else. What does it copy here?"),
            marked("One of the copied files is different after each run. Does the image need it?"),
        ),
        minutes=10,
        check=_equal_output,
        app="page",
    ),
    Task(
        "04-order-the-lines",
        lesson="04",
        title=marked("Order the lines"),
        text=marked(
            "All lines of a good Dockerfile are here, in a bad order. Put them in an order in which the image is built, and in "
            "which no module is downloaded after an edit of main.go."
        ),
        hints=(
            marked("Which files does each line read? They must be there before it, and no others need to be."),
            marked("WORKDIR comes first: the paths of all lines below it begin in its folder."),
            marked("`go mod download` reads only go.mod and go.sum. `go build` reads everything."),
        ),
        minutes=5,
        check=_order_the_lines,
    ),
    Task(
        "04-side-by-side",
        lesson="04",
        title=marked("Side by side"),
        text=marked(
            "Two sides of a picture are drawn, one after the other. Change the Dockerfile so that BuildKit draws both at the "
            "same time, and so that an edit of left.txt does not draw the right side again."
        ),
        hints=(
            marked("BuildKit runs steps at the same time when none of them needs the other one."),
            marked("A line needs the line above it in its stage. How many stages do two sides need?"),
            marked("`COPY . .` takes left.txt and right.txt. Each stage may copy only what it reads."),
        ),
        minutes=10,
        check=_side_by_side,
        app="",
    ),
    Task(
        "04-stage-for-tests",
        lesson="04",
        title=marked("A stage for tests"),
        text=marked(
            "Add a stage with the name test, in which `sh test.sh /page.txt` tests the page. `docker build --target test .` "
            "must fail when the test fails. `docker build .` must make the image, and must not run the test."
        ),
        hints=(
            marked(
                "Which stages does a build need? The last one, or the one that --target names, and those that it takes from."
            ),
            marked("The test needs the page and test.sh. Which stage has both? A stage can start from another one."),
            marked("The last stage of the file is the one that `docker build .` makes."),
        ),
        minutes=10,
        check=_stage_for_tests,
        app="page",
    ),
)
