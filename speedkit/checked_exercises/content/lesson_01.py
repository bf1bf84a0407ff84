"""The exercises of lesson 01, on a program that is compiled on the host and copied into an image."""

from __future__ import annotations

from collections.abc import Iterator

from speedkit.messages import marked

from ..checked_builds import CheckedBuilds
from ..findings import Finding, built, prints, stayed_cached
from ..host_program import names_no_path, smaller_program
from ..task import Task

__all__ = ["TASKS"]

MAKE = (("make", "exe"),)
PROGRAM = "motto"
FIRST_LETTERS = "What rarely"
SHARE = 0.8


def _free_comment(builds: CheckedBuilds) -> Iterator[Finding]:
    first = builds.build()
    yield built(first)
    yield prints(first, FIRST_LETTERS)
    yield stayed_cached(builds.build(builds.edit("main.go")), "COPY")


def _nameless(builds: CheckedBuilds) -> Iterator[Finding]:
    first = builds.build()
    yield built(first)
    yield prints(first, FIRST_LETTERS)
    yield names_no_path(builds.folder / PROGRAM)


def _thinner(builds: CheckedBuilds) -> Iterator[Finding]:
    first = builds.build()
    yield built(first)
    yield prints(first, FIRST_LETTERS)
    program = builds.folder / PROGRAM
    size = program.stat().st_size
    builds.replace("Makefile", builds.first_text("Makefile"))
    at_first = builds.build(builds.touch("main.go"))
    yield built(at_first)
    first_bytes = program.stat().st_size
    yield smaller_program(first_bytes, size, at_most_share=SHARE)


TASKS = (
    Task(
        "01-free-comment",
        lesson="01",
        title=marked("A comment for free"),
        text=marked(
            "`make exe` compiles motto on this machine, and the Dockerfile copies it. A comment in main.go changes no "
            "command of the program, and yet COPY runs again. Change the Makefile so that after a comment COPY is cached."
        ),
        hints=(
            marked("COPY compares contents. What else than the commands goes into a program?"),
            marked("Go puts an id of its inputs into each program. `go doc cmd/link` lists the flag that sets it."),
        ),
        minutes=10,
        check=_free_comment,
        host_commands=MAKE,
        products=(PROGRAM,),
    ),
    Task(
        "01-nameless",
        lesson="01",
        title=marked("A program without your name"),
        text=marked(
            "The program holds the paths of its sources, and with them the name of your folder. Change the Makefile so "
            "that it holds no path of this machine."
        ),
        hints=(
            marked("`strings` shows the paths in a program. They are not only in the debug information."),
            marked("`go help build` has a flag that removes file system paths."),
        ),
        minutes=10,
        check=_nameless,
        host_commands=MAKE,
        products=(PROGRAM,),
    ),
    Task(
        "01-thinner",
        lesson="01",
        title=marked("A thinner program"),
        text=marked(
            "Make the program at least a fifth smaller than it is at first. The image still has to run it, and the source "
            "stays as it is."
        ),
        hints=(
            marked("The base image is another matter: the program is as large on another base."),
            marked("A debugger needs parts of the program that nothing needs at run time. The linker can leave them out."),
        ),
        minutes=10,
        check=_thinner,
        host_commands=MAKE,
        products=(PROGRAM,),
    ),
)
