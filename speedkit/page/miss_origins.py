"""Why the steps of a finished build were cached or ran, followed back to the step where the cache misses began.

In: a finished build, or the reasons of its steps. The causes are from `speedkit.history`, the sentences from `speedkit.words`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from speedkit.causes import Line, OtherBytes, StepRan, Unchanged
from speedkit.dockerfile import read_dockerfile, stage_bases
from speedkit.errors import DockerfileError, SpeedkitError
from speedkit.history import explain
from speedkit.rendering import Reason
from speedkit.words.causes import inputs_unchanged, ran_because

from .short_names import short_instruction

if TYPE_CHECKING:
    from speedkit.model import Build

__all__ = ["reasons_of", "why_cached", "why_ran"]

Reasons = Mapping[int, Reason]

LOOKED_BACK = 50
"""So many steps at most are followed back: reasons of a damaged recording may form a circle."""
PLAIN_PATH = re.compile(r"[\w./-]*\w")
NAMED_AT_MOST = 3


def reasons_of(build: Build) -> dict[int, Reason]:
    """The reason of each instruction of a finished build, by line; {} when its recording cannot be read."""
    try:
        # A FROM and the ONBUILD triggers of its image share a line. The FROM is the first of them, and counts.
        return {step.line: step for step in reversed(explain(build).steps)}
    except SpeedkitError:
        return {}


def why_ran(line: int, reasons: Reasons, seconds: str) -> str:
    """How long a step ran, and the first change, in this or an earlier step, that made it run; "" without a reason."""
    origin = _origin(line, reasons)
    if origin is None:
        return ""
    return ran_because(
        origin.cause, seconds, began=None if origin.line == line else (short_instruction(origin.instruction), origin.line)
    )


def _origin(line: int, reasons: Reasons) -> Reason | None:
    """The first of the steps that ran because of each other, up to the one on `line`."""
    reason = reasons.get(line)
    for _ in range(LOOKED_BACK):
        if reason is None or not isinstance(reason.cause, StepRan | OtherBytes):
            break
        source = reason.cause.sources[0]
        earlier = reasons.get(source.number) if isinstance(source, Line) else None
        # A step whose source was cached ran for a reason of its own.
        if earlier is None or earlier.state not in ("ran", "failed", "cancelled"):
            break
        reason = earlier
    return reason


def why_cached(line: int, reasons: Reasons, dockerfile: str) -> str:
    """Why a step was cached, as a sentence; "" without a reason."""
    reason = reasons.get(line)
    if reason is None:
        return ""
    inputs = _only_inputs(line, dockerfile) if isinstance(reason.cause, Unchanged) else ()
    return inputs_unchanged(inputs) if inputs else reason.because


def _only_inputs(line: int, dockerfile: str) -> tuple[str, ...]:
    """The files of the build context that a RUN can read, when they are few and copied by name; () when there may be others.

    A RUN with a mount, and one in a stage that starts from another stage, may read other files.
    """
    try:
        parsed = read_dockerfile(dockerfile)
        bases = stage_bases(parsed)
    except DockerfileError:
        return ()
    run = next((instruction for instruction in parsed.instructions if instruction.line == line), None)
    if run is None or run.stage is None or run.keyword != "RUN" or run.flag_values("mount"):
        return ()
    if bases[run.stage].stage is not None:
        return ()
    copies = [
        instruction
        for instruction in parsed.instructions
        if instruction.line < run.line
        and instruction.stage == run.stage
        and instruction.keyword in ("COPY", "ADD")
        and instruction.flag("from") is None
    ]
    sources = tuple(dict.fromkeys(source.removeprefix("./") for copy in copies for source in copy.args[:-1]))
    are_paths = all(PLAIN_PATH.fullmatch(source) for source in sources)
    return sources if are_paths and 0 < len(sources) <= NAMED_AT_MOST else ()
