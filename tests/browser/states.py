"""States of a workbench to look at, made by the code that makes them in a notebook; only BuildKit's part is made up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from speedkit.apps import sample_app, sample_folder
from speedkit.causes import Cause, FileChange, FilesChanged, Line, OtherBytes, StepRan, Unchanged
from speedkit.dockerfile import read_dockerfile
from speedkit.errors import EngineLost
from speedkit.model import Build, ImageLayer, Step, StepState
from speedkit.rendering.reasons_html import Reason
from speedkit.widgets.open_files import DOCKERFILE
from speedkit.widgets.workbench_state import WorkbenchState
from speedkit.words.causes import cause_in_margin, cause_in_short, cause_sentence
from tests.waiting import HANG_SECONDS
from tests.widgets.builds import Scripted

__all__ = ["STATES", "Shown"]

NAIVE, OPTIMIZED = ((sample_folder() / f"Dockerfile.{name}").read_text(encoding="utf-8") for name in ("naive", "optimized"))
TIMES = {"FROM": ("cached", 0.0), "RUN go mod": ("ran", 5.2), "RUN CGO": ("ran", 29.3), "COPY": ("ran", 0.1)}
RENAMED = {"FROM": ("cached", 0.0), "WORKDIR": ("cached", 0.0), "COPY go.mod": ("cached", 0.0), "RUN go mod": ("cached", 0.0)}
LOG = "".join(f"github.com/example/module/package{n:02}\n" for n in range(30))
EDITS = {1: "rename-field", 3: "comment"}
COMPILER = "# sample\n./main.go:21:9: undefined: replyy\nexit status 1\n"
LONG = (
    "RUN --mount=type=cache,target=/root/.cache,id=a-cache-with-a-long-name set -eux; apk add --no-cache curl git openssh && "
)


class Engine:
    version, cpus = "28.5.2", 2


@dataclass(frozen=True)
class Shown:
    """A state, and what Python would answer to the page's questions."""

    state: dict[str, Any]
    answers: dict[str, dict[str, Any]]


def a_build(text: str, times: Mapping[str, tuple[StepState, float]], **changes: Any) -> Build:
    """A build of a Dockerfile whose instructions that begin like a key ended as it says, one after the other."""
    steps, clock = [], 0.1
    parsed = read_dockerfile(text)
    for one in parsed.instructions:
        found = next(
            (times[start] for start in sorted(times, key=len, reverse=True) if one.text.startswith(start)), ("ran", 0.1)
        )
        state, seconds = ("no-step", 0.0) if one.keyword in ("EXPOSE", "ENTRYPOINT", "CMD", "LABEL") else found
        stage = parsed.stages[one.stage or 0].name
        error = f'process "{one.text}" did not complete successfully: exit code: 1' if state == "failed" else None
        log = COMPILER if state == "failed" else LOG if seconds > 1 else ""
        steps.append(
            Step(one.text, stage, one.text, one.line, state, seconds, clock, log=log, error=error, digest=f"sha256:{one.line}")
        )
        clock += seconds
    made = Build(
        id="one",
        app="sample_go_app",
        strategy="optimized",
        edit="none",
        started_at="2026-01-01T00:00:00+00:00",
        seconds=clock + 0.4,
        outcome="done",
        exit_code=0,
        dockerfile=text,
        step_list=tuple(steps),
        image="sha256:abc",
        image_bytes=21_400_000,
        layers=(ImageLayer("COPY /out", 21_400_000, from_base=False),),
    )
    return replace(made, **changes)


def renamed() -> Build:
    return a_build(OPTIMIZED, TIMES | RENAMED)


def because(build: Build) -> dict[int, Reason]:
    """Reasons as for a rename: what came before COPY . . is unchanged, what comes after it starts from it."""
    causes: dict[str, Cause] = {
        "COPY . .": FilesChanged((FileChange("main.go", "content"),)),
        "RUN CGO": StepRan((Line(7),)),
        "COPY --from": OtherBytes((Line(8),)),
    }
    found = {}
    for step in build.instructions:
        cause = next((cause for start, cause in causes.items() if step.instruction.startswith(start)), Unchanged())
        line = step.line or 0
        found[line] = Reason(line, step.stage, step.instruction, step.state, cause)
    return found


def expectations(text: str, *, fresh: bool = True) -> list[dict[str, Any]]:
    """A forecast for a Dockerfile: from COPY . . on it would run."""
    usual = {"RUN go mod": 5.2, "RUN CGO": 29.3}
    entries: list[dict[str, Any]] = []
    for one in read_dockerfile(text).instructions:
        if one.keyword not in ("FROM", "WORKDIR", "COPY", "RUN"):
            continue
        misses = fresh and (one.text.startswith(("COPY . .", "RUN CGO", "COPY --from")))
        changed = FilesChanged((FileChange("main.go", "content"),))
        cause: Cause = Unchanged() if not misses else changed if one.text == "COPY . ." else StepRan((Line(7),))
        took = next((seconds for start, seconds in usual.items() if one.text.startswith(start)), 0.02)
        entries.append(
            {
                "line": one.line,
                "forecast": "miss" if misses else "hit",
                "because": cause_sentence(cause, "will"),
                "short": cause_in_margin(cause),
                "ran": cause_in_short(cause),
                "seconds": took if misses else 0.0,
                "usual": took,
                "after": [8] if one.text.startswith("COPY --from") else [one.line - 1],
            }
        )
    return entries


@contextmanager
def a_bench(
    *results: Build | Exception, forecast: list[dict[str, Any]] | None = None
) -> Iterator[tuple[WorkbenchState, list[Scripted]]]:
    """A workbench on the sample app after these builds, the first two by `naive`."""
    scripts: list[Scripted] = []

    def start(*_given: object, **_options: object) -> Scripted:
        scripts.append(Scripted())
        return scripts[-1]

    def forecaster(*_given: object) -> list[list[dict[str, Any]]]:
        return [forecast or []]

    app = sample_app()
    bench = WorkbenchState(
        app, lambda: None, strategy="naive", start=start, find_engine=Engine, forecaster=forecaster, reasons_of=because
    )
    bench.look_for_engine()
    bench.settle(HANG_SECONDS)
    try:
        for place, result in enumerate(results):
            if place == 2:
                bench.choose_strategy("optimized")
            if place in EDITS:
                app.edit(EDITS[place])
            bench.build()
            while len(scripts) <= place:
                bench.forecast()
            bench.forecast(wait_seconds=HANG_SECONDS)
            scripts[-1].running = a_build(OPTIMIZED, TIMES | {"RUN CGO": ("running", 4.0)}, outcome="running")
            scripts[-1].finish(result)
            bench.wait()
            bench.settle(HANG_SECONDS)
        yield bench, scripts
    finally:
        bench.close()
        app.close()


def seen(bench: WorkbenchState) -> Shown:
    traits = bench.page(bench.forecast(wait_seconds=HANG_SECONDS) or []).traits()
    log = traits["shown_log"]
    page = bench.log_page(log["number"], log["step"], 0, 400) if log["step"] else None
    texts = {file["path"]: {"text": bench.open_files.text_or_empty(file["path"])} for file in traits["files"]}
    state = traits | {"twin": "none"}
    return Shown(json.loads(json.dumps(state)), {"read": texts, "log": {log["step"]: page} if page else {}})


def first_look() -> Shown:
    with a_bench(forecast=expectations(NAIVE, fresh=False)) as (bench, _):
        return seen(bench)


def story(*last: Build | Exception, tab: str = DOCKERFILE) -> Shown:
    """Naive, renamed, optimized, renamed."""
    first, again = a_build(NAIVE, TIMES), a_build(NAIVE, TIMES | {"WORKDIR": ("cached", 0.0)})
    builds = (first, again, a_build(OPTIMIZED, TIMES), renamed(), *last)
    with a_bench(*builds, forecast=expectations(OPTIMIZED, fresh=not last)) as (bench, _):
        bench.choose({"tab": tab}, page="p", number=1)
        return seen(bench)


def running() -> Shown:
    going = {"RUN CGO": ("running", 12.4), "COPY --from": ("waiting", 0.0)}
    with a_bench(a_build(NAIVE, TIMES), a_build(NAIVE, TIMES), a_build(OPTIMIZED, TIMES), forecast=expectations(OPTIMIZED)) as (
        bench,
        scripts,
    ):
        bench.edit("comment")
        bench.build()
        while len(scripts) < 4:
            bench.forecast()
        scripts[-1].running = a_build(OPTIMIZED, TIMES | RENAMED | going, outcome="running")
        scripts[-1].printed = [LOG.encode()]
        bench.forecast(wait_seconds=HANG_SECONDS)
        return seen(bench)


def failed() -> Shown:
    ends = {"RUN CGO": ("failed", 3.1), "COPY --from": ("waiting", 0.0)}
    return story(a_build(OPTIMIZED, TIMES | RENAMED | ends, outcome="failed", image_bytes=None, layers=()))


def cancelled() -> Shown:
    ends = {"RUN CGO": ("cancelled", 3.1), "COPY --from": ("waiting", 0.0)}
    return story(a_build(OPTIMIZED, TIMES | RENAMED | ends, outcome="cancelled", error="The build was cancelled."))


def lost() -> Shown:
    return story(EngineLost("The Docker engine stopped answering.", fix="Start it again: `speedkit engine start`."))


def typed_after() -> Shown:
    """Something was typed after a build: what would run next stands at the steps."""
    with a_bench(a_build(NAIVE, TIMES), a_build(NAIVE, TIMES), renamed(), forecast=expectations(OPTIMIZED)) as (bench, _):
        return seen(bench)


def many_steps() -> Shown:
    """Twelve stages, more than forty steps, with names that are too long for any pane."""
    stages = [
        f"FROM alpine AS stage-with-a-rather-long-name-{place:02}\n{LONG}echo {place}\n"
        f"COPY . /a/rather/long/place/{place}\nRUN echo {place}\n"
        for place in range(12)
    ]
    text = "".join(stages)
    with a_bench(a_build(text, {"FROM": ("cached", 0.0), "RUN": ("ran", 1.2), "COPY": ("ran", 0.1)})) as (bench, _):
        bench.type_text(DOCKERFILE, text, page="p")
        bench.choose({"shown": 1}, page="p", number=1)
        return seen(bench)


STATES: dict[str, Callable[[], Shown]] = {
    "first-look": first_look,
    "typed": typed_after,
    "running": running,
    "story": story,
    "failed": failed,
    "cancelled": cancelled,
    "lost": lost,
    "many-steps": many_steps,
}
