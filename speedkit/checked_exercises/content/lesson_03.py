"""The exercises of lesson 03, on the order of instructions and the build context."""

from __future__ import annotations

from collections.abc import Iterator

from speedkit.messages import marked, message

from ..checked_builds import CheckedBuilds, it_downloads, it_runs
from ..findings import Finding, built, downloaded_nothing, has_no_file, nothing_ran, prints
from ..task import Task

__all__ = ["TASKS"]


def _download_once(builds: CheckedBuilds) -> Iterator[Finding]:
    first = builds.build()
    yield built(first)
    yield nothing_ran(builds.build(builds.edit("README.md"), until=it_runs))
    yield has_no_file(first, "*/bin/go", called=message("a compiler"))
    yield prints(first, "What rarely")
    again = builds.build(builds.edit("main.go"), until=it_downloads)
    yield downloaded_nothing(again)
    yield built(again)


TASKS = (
    Task(
        "03-download-once",
        lesson="03",
        title=marked("Download once"),
        text=marked(
            "Each edit of a file downloads the modules again. Change the Dockerfile, and add whatever file you need, so that "
            "after an edit of main.go no module is downloaded, and after an edit of README.md nothing runs at all."
        ),
        hints=(
            marked("Which files does the download of the modules read? Only these have to be there before it."),
            marked("`go mod download` reads go.mod and go.sum. COPY takes several files; its last word is the folder."),
            marked(
                "README.md is in the build context, so `COPY . .` sees it. Which file says what is left out of the context?"
            ),
        ),
        minutes=10,
        check=_download_once,
    ),
)
