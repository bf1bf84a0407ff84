"""Findings about the steps of a build: which ran, by what they printed, and when.

A script of an exercise prints a line when it works, such as `installing the tools`. So a check knows a step by its work,
and not by the text of its instruction, which is the learner's.
"""

from __future__ import annotations

from speedkit.gate import shortened
from speedkit.messages import message
from speedkit.model import Step

from .checked_builds import CheckedBuild
from .findings import Finding, built, running_steps, step_sentence

__all__ = ["at_the_same_time", "did_not_run", "did_run", "fails_with", "last_stage_cached", "steps_printing"]


def steps_printing(one: CheckedBuild, text: str) -> tuple[Step, ...]:
    """The steps that ran and printed a text."""
    return tuple(step for step in one.build.instructions if step.ran and text in step.log)


def did_run(one: CheckedBuild, text: str, *, work: str) -> Finding:
    """A step ran and printed a text. work: what it does, such as `the installation of the tools`."""
    if steps_printing(one, text):
        return Finding(True, message("{when}: {work} ran.", when=one.when, work=work))
    return Finding(
        False, message("{when}: {work} did not run. No step that ran printed `{text}`.", when=one.when, work=work, text=text)
    )


def did_not_run(one: CheckedBuild, text: str, *, work: str) -> Finding:
    """No step ran that prints a text. work: as in `did_run`."""
    steps = steps_printing(one, text)
    if not steps:
        return Finding(True, message("{when}: {work} did not run.", when=one.when, work=work))
    lines = {step.line for step in steps}
    again = next((step for step in running_steps(one) if step.line in lines), None)
    sentence = message("{when}: {work} ran.", when=one.when, work=work)
    return Finding(False, f"{sentence} {step_sentence(again)}" if again else sentence)


def last_stage_cached(one: CheckedBuild) -> Finding:
    """No step of the last stage ran."""
    last = max((step for step in one.build.instructions if step.line is not None), key=lambda step: step.line or 0)
    lines = {step.line for step in one.build.instructions if step.stage == last.stage}
    running = [step for step in running_steps(one) if step.line in lines]
    if not running:
        return Finding(True, message("{when}: every step of the last stage was cached.", when=one.when))
    return Finding(False, f"{one.when}: {step_sentence(running[0])}")


def fails_with(one: CheckedBuild, text: str, *, otherwise: str) -> Finding:
    """The build failed in a step that printed a text. otherwise: a sentence for a build that did not fail."""
    if one.build.outcome == "done":
        return Finding(False, otherwise)
    failed = next((step for step in one.build.instructions if step.state == "failed"), None)
    if failed is None or text not in failed.log:
        return built(one)
    return Finding(True, message("{when}: line {line} failed, as it should.", when=one.when, line=failed.line))


def at_the_same_time(one: CheckedBuild, first: str, second: str) -> Finding:
    """Two steps, known by what they printed, ran at the same time."""
    found = [steps_printing(one, text) for text in (first, second)]
    for text, steps in zip((first, second), found, strict=True):
        if not steps:
            return Finding(False, message("{when}: no step that ran printed `{text}`.", when=one.when, text=text))
    before, after = sorted((steps[0] for steps in found), key=lambda step: step.started_seconds or 0.0)
    if before.line == after.line:
        return Finding(
            False,
            message(
                "One step did both: line {line}, {instruction}.", line=before.line, instruction=shortened(before.instruction)
            ),
        )
    end = (before.started_seconds or 0.0) + before.seconds
    waited = (after.started_seconds or 0.0) - end
    if waited < 0:
        return Finding(True, message("Lines {first} and {second} ran at the same time.", first=before.line, second=after.line))
    return Finding(
        False,
        message(
            "Line {second} began when line {first} had ended: they ran one after the other.",
            first=before.line,
            second=after.line,
        ),
    )
