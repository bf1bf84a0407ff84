"""The exercises of lesson 06, on the layers of images."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator

from speedkit.messages import marked

from ..checked_builds import CheckedBuilds
from ..findings import Finding, built, prints, wasted_at_most
from ..image_findings import added_at_most, shares_all_but
from ..step_findings import did_run
from ..task import Task

__all__ = ["TASKS"]

TABLE_BYTES = 10_000_000
SMALL_BYTES = 1_000_000


def _nothing_wasted(builds: CheckedBuilds) -> Iterator[Finding]:
    numbers = f"{secrets.randbelow(10**6)}\n"
    done = builds.build(builds.replace("numbers.txt", numbers))
    yield built(done)
    yield did_run(done, "unpacking the table", work="unpack.sh")
    table = (numbers * (TABLE_BYTES // len(numbers) + 1))[:TABLE_BYTES]
    yield prints(done, hashlib.sha256(table.encode()).hexdigest())
    yield wasted_at_most(done, 0)
    yield added_at_most(done, SMALL_BYTES)


def _one_layer_for_two_images(builds: CheckedBuilds) -> Iterator[Finding]:
    web, worker = secrets.token_hex(6), secrets.token_hex(6)
    builds.replace("web.txt", f"{web}\n")
    change = builds.replace("worker.txt", f"{worker}\n")
    one = builds.build(change, target="web")
    # A layer holds times in whole seconds: equal steps that run in one second make equal layers.
    time.sleep(1)
    two = builds.build(change, target="worker")
    for image, word in ((one, web), (two, worker)):
        yield built(image)
        yield prints(image, word)
        yield prints(image, "5000000", "wc", "-c", "/data.txt")
    yield shares_all_but(two, one, SMALL_BYTES)


TASKS = (
    Task(
        "06-nothing-wasted",
        lesson="06",
        title=marked("Nothing wasted"),
        text=marked(
            "The image needs a table of 10 MB to compute its answer, and removes it at the end. But the image is 10 MB larger "
            "than its files. Change the Dockerfile so that no byte is wasted. The image must still print the answer."
        ),
        hints=(
            marked("`rm` in a later RUN adds a layer that hides the file. The layer with the file stays."),
            marked("Only what is there when a RUN ends gets into its layer. A second stage is another way."),
        ),
        minutes=5,
        check=_nothing_wasted,
        app="",
    ),
    Task(
        "06-one-layer-for-two-images",
        lesson="06",
        title=marked("One layer for two images"),
        text=marked(
            "The stages web and worker make two images, which both hold 5 MB of the same data. A registry stores the data "
            "twice. Change the Dockerfile so that a push of the second image sends less than 1 MB. Both must have the data in "
            "/data.txt, and print what they print now."
        ),
        hints=(
            marked(
                "A registry knows a layer by its digest. Two RUNs that do the same make two layers, with other times in them."
            ),
            marked("Which stage could both stages start from?"),
        ),
        minutes=10,
        check=_one_layer_for_two_images,
        app="",
    ),
)
