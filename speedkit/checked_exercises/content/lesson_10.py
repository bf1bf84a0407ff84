"""The exercises of lesson 10, on other languages."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator

from speedkit.messages import marked, message, plural

from ..checked_builds import CheckedBuild, CheckedBuilds
from ..findings import Finding, built, nothing_ran, prints
from ..step_findings import did_not_run, steps_printing
from ..task import Task

__all__ = ["TASKS"]

PIP_DOWNLOADED = "Downloading "
"""What pip prints for a package that came over the network. One from its cache is `Using cached …`."""
NPM_DOWNLOADED = re.compile(r"http fetch GET 200 \S+\.tgz \d+ms .*\(cache (?:miss|updated)\)")
"""What npm prints with `--loglevel=http` for a package that came over the network, and not out of its cache."""
ESCAPE_HTML = {
    "version": "1.0.3",
    "integrity": "sha512-NiSupZ4OeuGwr68lGIeym/ksIZMJodUGOSCZ/FSnTxcrekbvqrgdUxlJOMpijaKZVjAJrWrGs/6Jy8OMuyj9ow==",
    "license": "MIT",
}


def _python_packages(builds: CheckedBuilds) -> Iterator[Finding]:
    # A cache mount keeps what earlier checks downloaded.
    builds.start_cold()
    first = builds.build()
    yield built(first)
    if not steps_printing(first, PIP_DOWNLOADED):
        yield Finding(False, message("{when}: pip named no package in its log. Leave out its flag -q.", when=first.when))
    yield nothing_ran(builds.build(builds.edit("README.md")))
    word = f"Packages {secrets.token_hex(4)}"
    again = builds.build(builds.replace("program", builds.read("program").replace("Packages", word)))
    yield built(again)
    yield did_not_run(again, PIP_DOWNLOADED, work=message("a download by pip"))
    yield prints(again, word)


def _node_new_package(builds: CheckedBuilds) -> Iterator[Finding]:
    builds.start_cold()
    first = builds.build()
    yield built(first)
    if not _downloads(first):
        yield Finding(
            False, message("{when}: npm named no package in its log. Keep its flag --loglevel=http.", when=first.when)
        )
    yield prints(first, "A pause of 5 minutes")
    package, lock = json.loads(builds.read("package.json")), json.loads(builds.read("package-lock.json"))
    for dependencies in (package["dependencies"], lock["packages"][""]["dependencies"]):
        dependencies["escape-html"] = ESCAPE_HTML["version"]
    lock["packages"]["node_modules/escape-html"] = ESCAPE_HTML
    builds.replace("package.json", json.dumps(package, indent=2))
    builds.replace("package-lock.json", json.dumps(lock, indent=2))
    again = builds.build(when=message("With one more package"))
    yield built(again)
    yield prints(again, "&lt;", "node", "-e", "console.log(require('escape-html')('<'))")
    count = _downloads(again)
    yield Finding(
        count == 1,
        plural(
            "{when}: npm downloaded {count} package, the new one.",
            "{when}: npm downloaded {count} packages, although only one is new.",
            count,
            when=again.when,
        ),
    )


def _downloads(one: CheckedBuild) -> int:
    return sum(len(NPM_DOWNLOADED.findall(step.log)) for step in one.build.instructions if step.ran)


TASKS = (
    Task(
        "10-node-new-package",
        lesson="10",
        title=marked("One new package, in Node.js"),
        text=marked(
            "A new package in package-lock.json downloads all packages again. Change the Dockerfile so that npm downloads "
            "only the new one. The image must still hold all packages."
        ),
        hints=(
            marked("A layer is all or nothing: when package-lock.json changes, the layer with the packages is made anew."),
            marked("npm keeps what it downloads in a folder; `npm config get cache` prints it. Who can keep it for npm?"),
            marked("With `--prefer-offline`, npm takes what it has, and does not ask the registry for a newer one."),
        ),
        minutes=10,
        check=_node_new_package,
        app="",
    ),
    Task(
        "10-python-packages",
        lesson="10",
        title=marked("The list first, in Python"),
        text=marked(
            "Each edit of the file `program` downloads the packages again. Change the Dockerfile so that such an edit "
            "downloads nothing, and an edit of README.md runs nothing at all."
        ),
        hints=(
            marked("Which file does pip read? Only this file has to be there before it."),
            marked("The image needs `program`. Does it need README.md?"),
        ),
        minutes=5,
        check=_python_packages,
        app="",
    ),
)
