"""Prints builds as a table or as JSON, and the line of a running build."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from speedkit.messages import facts_in_one, message, sentences

from .output import print_table, say

if TYPE_CHECKING:
    from speedkit.model import Build

__all__ = ["build_json", "line_of_running", "print_build", "print_notices"]


def print_build(built: Build) -> None:
    from speedkit.recordings import stage_text
    from speedkit.words import bytes_text, outcome_word, seconds_text, shown_state

    rows = [
        [
            stage_text(step),
            step.line,
            step.instruction,
            shown_state(step.state).word,
            seconds_text(step.seconds) if step.ran else "",
        ]
        for step in built.instructions
    ]
    took, outcome = seconds_text(built.seconds), outcome_word(built.outcome)
    facts = [message("{strategy}: {outcome} in {seconds}", strategy=built.strategy, outcome=outcome, seconds=took)]
    if built.image:
        # `speedkit layers` accepts this beginning of the id.
        facts.append(message("image {id}", id=built.image.removeprefix("sha256:")[:12]))
    if built.image_bytes is not None:
        facts.append(bytes_text(built.image_bytes))
    if replaced := facts_in_one(base.in_words for base in built.bases if base.stand_in):
        facts.append(message("stand-in base for {names}", names=replaced))
    facts += [
        message("{image} in place of the base {name}", image=base.used, name=base.reference)
        for base in built.bases
        if base.replaced
    ]
    if built.replaced_frontend is not None:
        facts.append(message("stand-in frontend for {name}", name=built.replaced_frontend))
    line, seconds = message("line"), message("seconds")
    columns = [message("stage"), line, message("instruction"), message("state"), seconds]
    print_table(facts_in_one(facts), columns, rows, numbers=[line, seconds])


def print_notices(builds: Iterable[Build]) -> None:
    """Print what failed after the builds, each sentence once. The builds are good, so it does not change the exit code."""
    for notice in dict.fromkeys(notice for build in builds for notice in build.notices):
        say(f"! {notice}")


def line_of_running(built: Build, *, is_built: bool) -> str:
    """The line of a running build. is_built: the solve has ended, and only the image is still checked."""
    from speedkit.words import seconds_text

    running = [step for step in built.step_list if step.state == "running"]
    if built.notices:
        now = sentences(built.notices)
    elif is_built:
        now = message("built; reading the image, and checking whether it works")
    elif running:
        now = running[-1].instruction
    else:
        now = message("getting context and base images ready")
    return f"{seconds_text(built.seconds)}  {now}"


def build_json(built: Build) -> dict[str, Any]:
    """A build as `speedkit build --json` prints it."""
    return {
        "id": built.id,
        "exit_code": built.exit_code,
        "seconds": round(built.seconds, 4),
        "image": built.image,
        "image_bytes": built.image_bytes,
        "ok": built.ok,
        "stand_in_base": built.stand_in,
        "stand_in_frontend": built.replaced_frontend is not None,
        "bases": [asdict(base) for base in built.bases],
        "notices": list(built.notices),
        "steps": [
            {
                "name": step.name,
                "stage": step.stage,
                "instruction": step.instruction,
                "line": step.line,
                "state": step.state,
                "cached": step.cached,
                "seconds": round(step.seconds, 4),
                "bytes_fetched": step.bytes_fetched,
                "error": step.error,
            }
            for step in built.instructions
        ],
    }
