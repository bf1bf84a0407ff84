"""Judges how a build ended: its outcome, the text of a failure, and the error for a build during which the engine went away.

In: the vertices and text that BuildKit reported, and the exit code of buildx. Out: facts and sentences. Nothing here starts,
asks or writes anything, except that `outcome_of` may ask whether the engine is still there.
"""

from __future__ import annotations

from collections.abc import Callable

from speedkit.advice import advice_on_failure
from speedkit.builders import BuildBases
from speedkit.errors import DiskFull, EngineLost, SpeedkitError, in_words
from speedkit.messages import capital, message
from speedkit.model import Outcome
from speedkit.recordings import Solve

__all__ = ["breakage", "error_of", "failure_text", "outcome_of"]

NO_SPACE = "no space left on device"
ENGINE_GONE = ("error reading from server: EOF", "Cannot connect to the Docker daemon", "transport is closing")
"""The last lines of buildx when the engine goes away. A step may print the same about a server of its own."""
STEP_FAILED = "did not complete successfully"
LOG_LETTERS = 4000
"""How much of a failed step's log an error quotes, from its end."""


def failure_text(solve: Solve) -> str:
    """The plain text at the end of a build, and the logs of the steps that failed."""
    return solve.error_text + "".join(vertex.log for vertex in solve.vertices.values() if vertex.error)


def outcome_of(solve: Solve, exit_code: int, *, is_cancelled: bool, builder_answers: Callable[[], bool]) -> Outcome:
    """How a build ended.

    exit_code: of buildx, or of the host command that failed before it. builder_answers: asks whether the builder is there. It
    is called last, since it may take seconds.
    """
    if exit_code == 0:
        return "done"
    if is_cancelled:
        return "cancelled"
    if NO_SPACE in failure_text(solve).lower():
        return "broken"
    errors = [line for line in solve.text if line.startswith("ERROR:") and STEP_FAILED not in line]
    is_gone = any(sign in line for sign in ENGINE_GONE for line in errors)
    return "broken" if is_gone or not builder_answers() else "failed"


def error_of(solve: Solve, outcome: Outcome, bases: BuildBases) -> str | None:
    """The text for a build that failed or was cancelled: the failed step's log, BuildKit's error, advice. None for others."""
    if outcome == "cancelled":
        return message("The build was cancelled.")
    if outcome == "done":
        return None
    failed = next((vertex for vertex in solve.vertices.values() if vertex.error), None)
    log = failed.log.strip()[-LOG_LETTERS:] if failed else ""
    try:
        stand_ins = [name for name, base in bases.facts.items() if base["stand_in"]]
        # BuildKit's error has either the name in the Dockerfile, or that of the image in its place.
        platforms = {name: base.get("platform", "") for name, base in bases.facts.items()}
        platforms |= {str(base["used"]).removesuffix(":latest"): base.get("platform", "") for base in bases.facts.values()}
        hint = advice_on_failure(
            solve.error_text, stand_ins=stand_ins, frontend=bases.replaced_frontend, platforms=platforms, log=log
        )
    except Exception as problem:
        # A mistake of the kit in explaining a failure must not hide the failure.
        hint = message("Advice on this failure could not be worked out: {problem}", problem=in_words(problem))
    return "\n".join(part for part in (log, solve.error_text, hint) if part)


def breakage(solve: Solve, builder: str, recording_note: str) -> SpeedkitError:
    """The error for a broken build: a full disk, or an engine that went away.

    builder: its name in a message. recording_note: a sentence that says whether there is a recording.
    """
    if NO_SPACE in failure_text(solve).lower():
        return DiskFull(
            message(
                "A disk is full, the engine's or one that a step wrote to. {recording_note}", recording_note=recording_note
            ),
            fix=message("Free some room (`docker system df` shows what takes it), then build again."),
        )
    return EngineLost(
        message(
            "{builder} went away during the build. {recording_note}", builder=capital(builder), recording_note=recording_note
        ),
        fix=message("Start it again (`speedkit engine start`, or Docker Desktop) and build again."),
    )
