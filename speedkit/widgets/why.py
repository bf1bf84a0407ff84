"""Why steps were cached or ran, in the lengths that a workbench has room for: a few words, or a sentence with its root.

In: a finished build, or the reasons of one. The reasons themselves are `speedkit.history`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from speedkit.dockerfile import Dockerfile, Instruction, read_dockerfile, stage_bases
from speedkit.errors import DockerfileError, SpeedkitError
from speedkit.history import explain
from speedkit.rendering.reasons_html import Reason
from speedkit.widgets.naming import listed, short_instruction

if TYPE_CHECKING:
    from speedkit.model import Build

__all__ = ["in_short", "reasons_of", "why_cached", "why_ran"]

Reasons = Mapping[int, Reason]

SHORT = {
    "instruction": "new text",
    "options": "other options",
    "base": "other base image",
    "new": "not built before",
    "evicted": "result was gone",
    "missing-file": "file is missing",
    "missing-secret": "secret is missing",
    "refused-file": "file is refused",
}
WITH_NAME = {
    "files": "{what} changed",
    "argument": "{what} changed",
    "environment": "{what} changed",
    "platform": "now for {what}",
    "parent": "{what} ran again",
    "result": "{what} gave other bytes",
    "address": "{what} changed",
}
NOTED = re.compile(r" \([a-z, ]+\)$")
LINE = re.compile(r"line ([0-9]{1,9})")
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


def in_short(kind: str, what: Sequence[str]) -> str:
    """A reason to run in a few words: `main.go changed`, `line 7 ran again`; "" for one that needs a sentence."""
    if kind in SHORT:
        return SHORT[kind]
    if kind not in WITH_NAME or not what:
        return ""
    more = f" +{len(what) - 1}" if len(what) > 1 else ""
    return WITH_NAME[kind].format(what=f"{_name(what[0])}{more}")


def why_ran(line: int, reasons: Reasons) -> str:
    """What follows "ran again because": the change that began it, wherever above that was; "" when it is not known."""
    root = _root(line, reasons)
    if root is None:
        return ""
    where = "" if root.line == line else f" on line {root.line}"
    name = short_instruction(root.instruction)
    changed = listed(tuple(_name(one) for one in root.what))
    if root.kind == "files":
        return f"{name}{where} brought a changed {changed}" if where else f"{changed} changed"
    if root.kind == "instruction":
        return f"the text of {name}{where} changed" if where else "its own text changed"
    said = f"{root.because[:1].lower()}{root.because[1:]}".rstrip(".")
    return f"{name}{where} ran: {said}" if where else said


def _root(line: int, reasons: Reasons) -> Reason | None:
    """The step where the chain of steps that ran because of each other began."""
    found = reasons.get(line)
    for _ in range(LOOKED_BACK):
        if found is None or found.kind not in ("parent", "result"):
            break
        above = LINE.fullmatch(found.what[0]) if found.what else None
        before = reasons.get(int(above[1])) if above else None
        if before is None or before.state not in ("ran", "failed", "cancelled"):
            break
        found = before
    return found


def why_cached(line: int, reasons: Reasons, dockerfile: str) -> str:
    """A sentence: why a step was found in the cache; "" when that is not known."""
    reason = reasons.get(line)
    if reason is None:
        return ""
    inputs = _only_inputs(line, dockerfile) if reason.kind == "unchanged" else ()
    if inputs:
        return f"the only {'file' if len(inputs) == 1 else 'files'} it sees, {listed(inputs)}, did not change."
    return f"{reason.because[:1].lower()}{reason.because[1:]}"


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


def _name(what: str) -> str:
    """A thing that changed, without the note of how: `main.go` for `main.go (mode)`."""
    return NOTED.sub("", what)
