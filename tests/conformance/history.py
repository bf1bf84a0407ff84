"""Replayed histories against real builds: consecutive commits are built one after the other, and each step is compared.

The seconds come from real builds of a few of the commits, in a cache of their own, as `speedkit replay --measure` makes them.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from speedkit.builders import builder_named
from speedkit.engine import connect
from speedkit.git_history import Commit, open_repository
from speedkit.projects import way_to_build
from speedkit.replays import Replay, build_commits, replay
from tests.conformance.bases import base_images
from tests.git_history.small_repository import SmallRepository

__all__ = ["Compared", "compare_history", "made_repository", "run_history"]

COMMITS, MEASURED = 20, 5
MOST_OFF_PERCENT = 10.0
DOCKERFILE = """\
FROM speedkit-conformance/plain AS build
WORKDIR /src
COPY package.json ./
RUN --mount=type=cache,target=/cache sleep 2 && cp package.json /installed
COPY web web
RUN sleep 1.5 && cat web/* > /web.out
COPY . .
RUN sleep 1 && cat api/* > /api.out
FROM speedkit-conformance/plain
COPY --from=build /web.out /web
COPY --from=build /api.out /api
RUN sleep 0.5 && cat /web /api > /both
"""


@dataclass
class Compared:
    """What the builds of one history showed. depends: steps whose verdict was left open. failed: commits that did not build."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    depends: int = 0
    failed: int = 0
    real_seconds: float = 0.0
    told_seconds: float = 0.0
    error_percent: float | None = None

    @property
    def off_percent(self) -> float:
        return 100 * abs(self.told_seconds - self.real_seconds) / self.real_seconds if self.real_seconds else 0.0

    def __str__(self) -> str:
        error = "unknown" if self.error_percent is None else f"{self.error_percent:.1f} %"
        return (
            f"{self.right} verdicts right, {len(self.wrong)} wrong, {self.depends} left open, {self.failed} commits failed; "
            f"{self.told_seconds:.1f} s told, {self.real_seconds:.1f} s real: {self.off_percent:.1f} % off "
            f"(the model itself says {error})"
        )


def compare_history(
    folder: Path, *, commits: int = COMMITS, measure: int = MEASURED, way: str | None = None, target: str | None = None
) -> Compared:
    """Replays the last commits of a repository, builds them, and compares.

    way: as `speedkit project` names it. target: in place of the way's own, where its last stages cannot be built here.
    """
    chosen = way_to_build(folder, way)
    chosen = replace(chosen, target=target) if target else chosen
    replayed: Replay = replay(folder, way=chosen, commits=commits, measure=measure, say=print)
    compared = Compared(error_percent=replayed.model.error_percent if replayed.model else None)
    repository = open_repository(folder)
    history = repository.commits(commits)
    start = Commit(history.start, "", 0, "", "", "", ())
    told = {one.commit.id: one for one in replayed.commits}
    built = build_commits(
        repository,
        replayed.way,
        replayed.inputs,
        [start, *history.commits],
        builder=builder_named(connect(), None),
        say=print,
    )
    for number, one in enumerate(built):
        commit = one.verdicts.commit.id
        if one.build.outcome != "done":
            compared.failed += 1
            print(f"{commit[:10]}: {one.build.error}", flush=True)
            continue
        if number == 0:
            continue  # the start, in an empty cache
        wrong = one.wrong
        compared.wrong += [f"{commit[:10]} line {step.line}: {step.instruction}" for step in wrong]
        steps = one.steps
        for place, verdict in enumerate(one.verdicts.verdicts):
            if place in steps and steps[place].state in ("cached", "ran"):
                compared.depends += verdict == "depends"
                compared.right += verdict in ("hit", "miss")
        compared.right -= len(wrong)
        told_seconds = told[commit].seconds if commit in told else None
        if told_seconds is not None:
            compared.told_seconds += told_seconds
            compared.real_seconds += one.build.seconds
            print(f"{commit[:10]}: {told_seconds:.1f} s told, {one.build.seconds:.1f} s real", flush=True)
    return compared


@contextmanager
def made_repository(seed: int, *, commits: int = COMMITS) -> Iterator[Path]:
    """A repository of a small app with random commits: sources, packages, ignored files, the Dockerfile itself, reverts."""
    chance = random.Random(seed)  # noqa: S311 - it has to be repeatable
    with tempfile.TemporaryDirectory(prefix="speedkit-history-") as place:
        small = SmallRepository(Path(place) / "repository")
        files: dict[str, str | bytes | None] = {f"{part}/{name}": "0\n" for part in ("web", "api", "docs") for name in "abc"}
        files |= {"Dockerfile": DOCKERFILE, ".dockerignore": ".git\ndocs\n", "package.json": "0\n"}
        small.commit(files)
        for number in range(commits):
            edits: dict[str, str | bytes | None] = {}
            for _ in range(chance.randint(1, 3)):
                kind = chance.choice(["web", "api", "api", "api", "docs", "package", "again", "new", "ignore", "dockerfile"])
                text = f"{chance.randint(0, 3) if kind == 'again' else number + 1}\n"
                match kind:
                    case "package":
                        edits["package.json"] = text
                    case "new":
                        edits[f"api/new-{number}"] = text
                    case "ignore":
                        edits[".dockerignore"] = f".git\ndocs\n# {text}"
                    case "dockerfile":
                        edits["Dockerfile"] = DOCKERFILE.replace("sleep 1 ", f"sleep 1.{chance.randint(0, 2)} ")
                    case _:
                        edits[f"{chance.choice(['web', 'api']) if kind == 'again' else kind}/{chance.choice('abc')}"] = text
            small.commit(edits)
        yield small.folder


def run_history(paths: Sequence[str], *, seed: int, commits: int) -> int:
    """Compares the histories of repositories, or of made ones; 1 when a verdict is wrong or the seconds are too far off."""
    base_images()
    began = time.monotonic()
    bad = 0
    for path in paths or [f"made-{seed}", f"made-{seed + 1}"]:
        if paths:
            folder, _, named = path.partition("@")
            way, _, target = named.partition(":target=")
            compared = compare_history(Path(folder), commits=commits, way=way or None, target=target or None)
        else:
            with made_repository(int(path.removeprefix("made-")), commits=commits) as folder_made:
                compared = compare_history(folder_made, commits=commits)
        for line in compared.wrong:
            print(f"WRONG {line}")
        print(f"{path}: {compared}", flush=True)
        bad += bool(compared.wrong) or compared.off_percent > MOST_OFF_PERCENT
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if bad else 0
