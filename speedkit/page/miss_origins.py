"""Why the steps of a finished build were cached or ran, followed back to where a miss began.

In: a finished build, or the reasons of one. The causes are `speedkit.history`'s, the words `speedkit.words`'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from speedkit.causes import Line, OtherBytes, StepRan, Unchanged
from speedkit.dockerfile import Dockerfile, Instruction, read_dockerfile, stage_bases
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
NAMED_PATH = re.compile(r"[\w./-]*\w")
NAMED_AT_MOST = 3


def reasons_of(build: Build) -> dict[int, Reason]:
    """The reason of each instruction of a finished build, by its line; none where its recording cannot be read."""
    try:
        # A FROM stands before what ONBUILD does on its line.
        return {step.line: step for step in reversed(explain(build).steps)}
    except SpeedkitError:
        return {}


def why_ran(line: int, reasons: Reasons, seconds: str) -> str:
    """How long a step ran, and the change that began it, wherever above that was; "" when it is not known."""
    root = _root(line, reasons)
    if root is None:
        return ""
    return ran_because(
        root.cause, seconds, began=None if root.line == line else (short_instruction(root.instruction), root.line)
    )


def _root(line: int, reasons: Reasons) -> Reason | None:
    """The step where the chain of steps that ran because of each other began."""
    found = reasons.get(line)
    for _ in range(LOOKED_BACK):
        if found is None or not isinstance(found.cause, StepRan | OtherBytes):
            break
        source = found.cause.sources[0]
        before = reasons.get(source.number) if isinstance(source, Line) else None
        if before is None or before.state not in ("ran", "failed", "cancelled"):
            break
        found = before
    return found


def why_cached(line: int, reasons: Reasons, dockerfile: str) -> str:
    """A sentence: why a step was found in the cache; "" when that is not known."""
    reason = reasons.get(line)
    if reason is None:
        return ""
    inputs = _only_inputs(line, dockerfile) if isinstance(reason.cause, Unchanged) else ()
    return inputs_unchanged(inputs) if inputs else reason.because


def _only_inputs(line: int, dockerfile: str) -> tuple[str, ...]:
    """The files of the build context that a RUN can see, where they are few and named; () where there may be others."""
    try:
        parsed = read_dockerfile(dockerfile)
        bases = stage_bases(parsed)
    except DockerfileError:
        return ()
    own = next((one for one in parsed.instructions if one.line == line), None)
    if own is None or own.stage is None or own.keyword != "RUN" or own.flag_values("mount"):
        return ()
    if bases[own.stage].stage is not None:
        return ()
    copies = _copied_before(own, parsed)
    sources = tuple(dict.fromkeys(source.removeprefix("./") for copy in copies for source in copy.args[:-1]))
    is_named = all(NAMED_PATH.fullmatch(source) for source in sources)
    return sources if is_named and 0 < len(sources) <= NAMED_AT_MOST else ()


def _copied_before(own: Instruction, dockerfile: Dockerfile) -> Iterator[Instruction]:
    """What brings files of the build context into an instruction's stage before it."""
    for one in dockerfile.instructions:
        if one.line < own.line and one.stage == own.stage and one.keyword in ("COPY", "ADD") and one.flag("from") is None:
            yield one
