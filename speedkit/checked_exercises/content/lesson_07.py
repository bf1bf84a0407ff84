"""The exercises of lesson 07, on the Dockerfile of a team."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from speedkit.gate import check
from speedkit.messages import marked, message

from ..checked_builds import CheckedBuild, CheckedBuilds
from ..findings import Finding, built, nothing_ran, prints
from ..image_findings import has_label
from ..step_findings import did_not_run, did_run
from ..task import DOCKERFILE, FILES, Task

__all__ = ["TASKS"]

REVISION = "org.opencontainers.image.revision"
GUARD = "07-guard"


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


def _guard(builds: CheckedBuilds) -> Iterator[Finding]:
    text = (FILES / GUARD / "start" / DOCKERFILE).read_text()
    builds.replace(DOCKERFILE, text)
    outcome = check(builds.folder, forecast_only=True)
    for entry in outcome.entries:
        if not entry.ok:
            yield Finding(
                False,
                message(
                    "`speedkit check` says no, although the Dockerfile is good: {name}. {because}",
                    name=entry.name,
                    because=entry.because,
                ),
            )
    yield Finding(
        bool(outcome.entries),
        message("`speedkit check` says yes to the Dockerfile as it is.")
        if outcome.entries
        else message("speedkit.toml has no claim and no budget."),
    )
    tools_line, site_line = "COPY install.sh tools.txt ./", "COPY build.sh site.txt ./"
    mistakes = {
        message("A colleague copies all files before the tools are installed"): (tools_line, "site.txt"),
        message("A colleague copies all files before the site is built"): (site_line, "README.md"),
    }
    for mistake, (line, path) in mistakes.items():
        builds.replace(DOCKERFILE, text.replace(line, "COPY . ."))
        is_found = not check(builds.folder, forecast_only=True).ok
        yield Finding(
            is_found,
            message("{mistake}: `speedkit check` says no.", mistake=mistake)
            if is_found
            else message(
                "{mistake}, and `speedkit check` still says yes. What does an edit of {path} cost then?",
                mistake=mistake,
                path=path,
            ),
        )


TASKS = (
    Task(
        "07-five-edits",
        lesson="07",
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
        app="site",
    ),
    Task(
        GUARD,
        lesson="07",
        title=marked("A guard for a good Dockerfile"),
        text=marked(
            "This Dockerfile is good: an edit of site.txt installs no tools, and an edit of README.md runs nothing. Write both "
            "into speedkit.toml, so that `speedkit check` says no as soon as a colleague changes the Dockerfile and one of the "
            "two is no longer true."
        ),
        hints=(
            marked("A [[claim]] has a name, `when` (the files that change) and `stays_cached` (a list of instructions)."),
            marked("A [[budget.rebuild]] has `when` and `steps`, the number of steps that may run. Nothing is 0."),
        ),
        minutes=10,
        check=_guard,
        app="site",
    ),
)
