"""The challenges of lesson 08, the playground."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from speedkit.messages import marked, message
from speedkit.words import share_text

from ..checked_builds import CheckedBuild, CheckedBuilds
from ..findings import Finding, built, downloaded_nothing, image_at_most, nothing_ran, prints
from ..image_findings import answers, has_label
from ..step_findings import did_not_run, did_run
from ..task import SAMPLE, Task

__all__ = ["TASKS"]

REVISION = "org.opencontainers.image.revision"
IMAGE_BYTES = 10_000_000
SHARE = 0.25
PORT = 8080


def _five_edits(builds: CheckedBuilds) -> Iterator[Finding]:
    commits = [secrets.token_hex(20) for _ in range(2)]

    def build(change: str = "", *, commit: str = commits[0], when: str = "") -> CheckedBuild:
        return builds.build(change, build_args={"COMMIT": commit}, when=when)

    install = "installing printer"
    first_text = builds.read("site.txt")
    # Once with other tools, so that they are installed in this check.
    first = build(builds.edit("tools.txt"))
    yield built(first)
    yield did_run(first, install, work="install.sh")
    yield nothing_ran(build(builds.edit("README.md")))
    stamped = build(commit=commits[1], when=message("With the same files and another COMMIT"))
    yield nothing_ran(stamped)
    yield has_label(stamped, REVISION, commits[1])
    word = f"pie {secrets.token_hex(4)}"
    page = build(builds.replace("site.txt", f"{word}\n"))
    yield built(page)
    yield prints(page, word)
    yield did_not_run(page, install, work="install.sh")
    builds.replace("site.txt", first_text)
    yield nothing_ran(build(message("undoing the edit of site.txt")))
    tool = f"tool-{secrets.token_hex(4)}"
    more = build(builds.replace("tools.txt", f"printer\n{tool}\n"))
    yield built(more)
    yield prints(more, f"made by the {tool}")


def _quick_and_small(builds: CheckedBuilds) -> Iterator[Finding]:
    text = builds.read("main.go")

    def rename() -> tuple[str, str]:
        field = f"field{secrets.token_hex(4)}"
        builds.replace("main.go", text.replace('json:"text"', f'json:"{field}"'))
        return message("renaming a field in main.go"), f'"{field}":"hello"'

    builds.start_cold()
    change, answer = rename()
    first = builds.build(change)
    yield built(first)
    yield image_at_most(first, IMAGE_BYTES)
    yield answers(first, PORT, "/echo?text=hello", answer)
    builds.edit("README.md")
    yield nothing_ran(builds.build(message("an edit of README.md and {file}", file=builds.add(f"{secrets.token_hex(4)}.txt"))))
    change, answer = rename()
    again = builds.build(change)
    yield built(again)
    yield downloaded_nothing(again)
    yield answers(again, PORT, "/echo?text=hello", answer)
    share = _working_seconds(again) / _working_seconds(first)
    yield Finding(
        share <= SHARE,
        message(
            "The steps that ran took {share} of the time of the first build, and may take {limit}.",
            share=share_text(share),
            limit=share_text(SHARE),
        ),
    )


def _working_seconds(one: CheckedBuild) -> float:
    return sum(step.seconds for step in one.build.instructions if step.ran)


TASKS = (
    Task(
        "08-five-edits",
        lesson="08",
        title=marked("Five edits"),
        text=marked(
            "A team builds its site with this Dockerfile, and each build runs everything. Change it so that each edit runs "
            "only what it has to: README.md and a new `--build-arg COMMIT=…` run nothing, site.txt does not install the tools, "
            "a new tool in tools.txt is installed, and undoing an edit runs nothing. The label "
            "org.opencontainers.image.revision must be the COMMIT."
        ),
        hints=(
            marked("What rarely changes comes first: the tools need install.sh and tools.txt, and nothing else."),
            marked("COMMIT is in the key of each RUN below its ARG. Only the label needs it."),
        ),
        minutes=15,
        check=_five_edits,
        app="",
    ),
    Task(
        "08-quick-and-small",
        lesson="08",
        title=marked("Quick and small"),
        text=marked(
            "This image has a whole compiler in it, and a renamed field builds everything again. Make the image smaller than "
            "10 MB; after an edit of README.md, and after a new file in the folder, nothing may run; and after a renamed field "
            "no module may be downloaded, and the build may take a quarter of the first one. The image must still answer /echo."
        ),
        hints=(
            marked(
                "Lesson 05 has everything that you need: a second stage, cache mounts, and the flags -s and -w of the linker."
            ),
            marked("A program that needs no other file can be the only file of an image: FROM scratch."),
        ),
        minutes=20,
        check=_quick_and_small,
        app=SAMPLE,
    ),
)
