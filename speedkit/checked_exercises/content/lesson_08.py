"""The challenges of lesson 08, the playground."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from speedkit.messages import marked, message
from speedkit.words import share_text

from ..checked_builds import CheckedBuild, CheckedBuilds
from ..findings import Finding, built, downloaded_nothing, image_at_most, nothing_ran, prints
from ..image_findings import answers
from ..step_findings import did_not_run, did_run, fails_with
from ..task import SAMPLE, Task

__all__ = ["TASKS"]

IMAGE_BYTES = 10_000_000
SHARE = 0.25
PORT = 8080


def _fail_early(builds: CheckedBuilds) -> Iterator[Finding]:
    tool, word = f"tool-{secrets.token_hex(4)}", f"pie {secrets.token_hex(4)}"
    # The causes of later misses are seen against this build.
    yield built(builds.build())
    builds.replace("tools.txt", f"{tool}\n")
    builds.replace("site.txt", f"{word}\nTODO\n")
    failed = builds.build(message("an edit of tools.txt, and a TODO in site.txt"))
    yield fails_with(
        failed,
        "the test failed",
        otherwise=message("site.txt has a TODO, and the build ended well: the test did not stop it."),
    )
    yield did_not_run(failed, f"installing {tool}", work="install.sh")
    done = builds.build(builds.replace("site.txt", f"{word}\n"))
    yield built(done)
    yield did_run(done, f"installing {tool}", work="install.sh")
    yield prints(done, f"made by the {tool}")
    other = f"pie {secrets.token_hex(4)}"
    again = builds.build(builds.replace("site.txt", f"{other}\n"))
    yield built(again)
    yield did_not_run(again, f"installing {tool}", work="install.sh")
    yield prints(again, other)


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
        "08-fail-early",
        lesson="08",
        title=marked("Fail early"),
        text=marked(
            "A mistake in site.txt is found only after all tools are installed. Change the Dockerfile so that the test ends "
            "the build before the installation begins, also when both have to run. And yet an edit of site.txt that is no "
            "mistake must not install the tools again."
        ),
        hints=(
            marked(
                "A stage of its own for the test is not enough: BuildKit would run it at the same time as the installation."
            ),
            marked(
                "The installation has to wait for the test. It waits when its stage takes a file from the stage of the test."
            ),
            marked("`COPY --from` looks at content. What if this file is the same after each test that passed?"),
        ),
        minutes=15,
        check=_fail_early,
        app="site",
    ),
    Task(
        "08-quick-and-small",
        lesson="08",
        title=marked("Quick and small"),
        text=marked(
            "This image has a whole compiler in it, and a renamed field builds everything again. Make the image smaller than "
            "10 MB. After an edit of README.md, or with a new file in the folder, nothing may run. After a renamed field, no "
            "module may be downloaded, and the steps may take at most a quarter of the time of the first build. The image must "
            "still answer /echo."
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
