"""Go: without `-a`, which compiles everything again although a cache mount has it."""

from __future__ import annotations

import re

from speedkit.dockerfile import mounts_of
from speedkit.messages import message

from ..build_plan import BuildPlan
from ..rule import Change

__all__ = ["GROUP", "change"]

GROUP = "commands"


def change(plan: BuildPlan) -> Change | None:
    editor = plan.editor()
    changed = False
    for run in plan.instructions("RUN"):
        if (
            run.json
            or run.heredocs
            or not any(mount.kind == "cache" and "go-build" in mount.target for mount in mounts_of(run))
        ):
            continue
        flat = editor.flat(run)
        pieces = [
            (match.start(), match.end(), "")
            for command in plan.commands(run)
            if command.program == "go" and command.operands[:1] in (("build",), ("install",)) and "-a" in command.words
            for match in re.finditer(r"[ \t]+-a(?=\s)", flat[: command.end])
            if match.start() > command.start
        ]
        editor.replace_within(run, pieces)
        changed = changed or bool(pieces)
    if not changed:
        return None
    return Change.of_dockerfile(plan, editor, message("`-a` compiles every package again, also those in the cache."))
