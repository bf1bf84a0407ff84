"""What a check can say about builds: each function looks at one build and gives a `Finding`, a claim that holds or does not.

Here are the words that a check is made of. Each says what was seen, with the cause of a step from the kit's own explanation.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speedkit.gate import StepThatRuns, shortened, steps_that_run
from speedkit.images import Limits, check_limits
from speedkit.messages import capital, message, plural
from speedkit.words import bytes_text, last_error_line

from .checked_builds import CheckedBuild, downloads_in

if TYPE_CHECKING:
    from speedkit.rendering import Reason

__all__ = [
    "Finding",
    "built",
    "cannot_run",
    "downloaded_nothing",
    "forecast_is_complete",
    "foretold",
    "image_at_most",
    "in_no_layer",
    "instruction_did_not_run",
    "instruction_ran",
    "nothing_ran",
    "prints",
    "running_steps",
    "stayed_cached",
    "step_sentence",
    "wasted_at_most",
]

BUILDKIT_FAILED = re.compile(
    r"^(?:ERROR: )?(?:failed to (?:build|solve|compute cache key): )+(?:failed to calculate checksum of ref \S+: )?"
)
"""What BuildKit writes in front of the reason why a step failed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim about the learner's builds. ok: it holds. sentence: what was seen."""

    ok: bool
    sentence: str


def built(one: CheckedBuild) -> Finding:
    """The build ended well."""
    if one.build.outcome == "done":
        return Finding(True, message("{when}: it builds.", when=one.when))
    error = BUILDKIT_FAILED.sub("", last_error_line(one.build))
    failed = next((step for step in one.build.instructions if step.state == "failed" and step.line), None)
    if failed is None:
        return Finding(False, message("{when}: it does not build. {error}", when=one.when, error=error))
    return Finding(
        False,
        message(
            "{when}: it does not build. Line {line} failed, {instruction}: {error}",
            when=one.when,
            line=failed.line,
            instruction=shortened(failed.instruction),
            error=_last(failed.log, otherwise=error),
        ),
    )


def nothing_ran(one: CheckedBuild) -> Finding:
    """Every step was cached."""
    running = running_steps(one)
    if not running:
        return Finding(True, message("{when}: nothing ran.", when=one.when))
    return Finding(False, f"{one.when}: {step_sentence(running[0])}")


def stayed_cached(one: CheckedBuild, text: str) -> Finding:
    """The steps with a text in their instruction were cached. text: such as `install-tools`."""
    named = [reason for reason in one.reasons if text in reason.instruction and reason.state != "no-step"]
    if not named:
        return _no_instruction(text)
    running = _running_with(one, text)
    if not running:
        return Finding(
            True, message("{when}: {instruction} was cached.", when=one.when, instruction=shortened(named[-1].instruction))
        )
    return Finding(False, f"{one.when}: {step_sentence(running[0])}")


def instruction_ran(one: CheckedBuild, text: str) -> Finding:
    """A step with a text in its instruction ran."""
    running = _running_with(one, text)
    if running:
        return Finding(True, _ran_sentence(one, running[0]))
    named = next((reason for reason in one.reasons if text in reason.instruction and reason.state != "no-step"), None)
    if named is None:
        return _no_instruction(text)
    return Finding(False, f"{one.when}: {_other_sentence(named)}")


def instruction_did_not_run(one: CheckedBuild, text: str) -> Finding:
    """No step with a text in its instruction ran, be it cached or not needed."""
    running = _running_with(one, text)
    if running:
        return Finding(False, f"{_ran_sentence(one, running[0])} {running[0].because}")
    return Finding(True, message("{when}: no step with `{text}` ran.", when=one.when, text=text))


def downloaded_nothing(one: CheckedBuild) -> Finding:
    """No Go module was downloaded."""
    logs = {step.line: step.log for step in one.build.instructions if step.ran}
    step = next((step for step in running_steps(one) if downloads_in(step.instruction, logs.get(step.line, ""))), None)
    if step is None:
        return Finding(True, message("{when}: no module was downloaded.", when=one.when))
    return Finding(False, message("{when}: modules were downloaded again. {step}", when=one.when, step=step_sentence(step)))


def cannot_run(one: CheckedBuild, command: str, *, called: str) -> Finding:
    """The image has no program of a name. command: its name. called: what it would be, such as `a compiler`."""
    if one.run(command).refusal:
        return Finding(True, message("The image does not hold {thing}.", thing=called))
    return Finding(False, message("The image holds {thing}: it can run `{command}`.", thing=called, command=command))


def in_no_layer(one: CheckedBuild, name: str) -> Finding:
    """No layer has a file of a name, not even one that a later layer removes."""
    violations = check_limits(one.image, Limits(forbidden=(name,)))
    if not violations:
        return Finding(True, message("No layer holds {name}.", name=name))
    return Finding(
        False,
        message("A layer holds {name}, and whoever has the image can read it: {why}", name=name, why=violations[0].message),
    )


def image_at_most(one: CheckedBuild, size_bytes: int) -> Finding:
    """The image is not larger than some bytes."""
    found = one.build.image_bytes or one.image.image_bytes
    return Finding(
        found <= size_bytes,
        message("The image has {size}, and may have {limit}.", size=bytes_text(found), limit=bytes_text(size_bytes)),
    )


def wasted_at_most(one: CheckedBuild, size_bytes: int) -> Finding:
    """The layers do not hold more than some bytes that the image does not show."""
    image = one.image
    sentence = message(
        "{wasted} of the image are in a layer and cannot be seen any more.", wasted=bytes_text(image.wasted_bytes)
    )
    if image.wasted_bytes <= size_bytes:
        return Finding(True, sentence)
    first = image.waste[0]
    return Finding(False, f"{sentence} {message('The largest is {path}.', path=first.path)}")


def prints(one: CheckedBuild, text: str, *command: str) -> Finding:
    """The image prints a text. command: to run in it; the image's own without one."""
    run = one.run(*command)
    shown = " ".join(command) or message("The image's command")
    last = _last(run.log, otherwise=message("nothing"))
    if run.exit_code == 0 and text in run.log:
        return Finding(True, message("The image runs and prints `{text}`.", text=text))
    if run.refusal:
        return Finding(False, message("The image does not start: {reason}", reason=run.refusal))
    if run.exit_code == 0:
        return Finding(
            False,
            message("{command} prints `{log}`, and not `{text}`.", command=shown, log=last, text=text),
        )
    return Finding(
        False,
        message("{command} fails with exit code {code}: {log}", command=shown, code=run.exit_code, log=last),
    )


def forecast_is_complete(text: str, questions: Iterable[str]) -> Finding:
    """Each question has an answer: numbers of lines, or `none`. text: of a file with lines such as `main.go edited: 2 3`."""
    answers = _answers(text)
    for question in questions:
        if answers.get(question) is None:
            return Finding(
                False,
                message(
                    "There is no answer to `{question}` that can be read: write line numbers such as 2 3, or none.",
                    question=question,
                ),
            )
    return Finding(True, message("Every question has an answer."))


def foretold(one: CheckedBuild, text: str, question: str) -> Finding:
    """The lines that ran are those that the learner wrote. text, question: as of `forecast_is_complete`."""
    written = _answers(text).get(question) or frozenset()
    running = {step.line: step for step in running_steps(one)}
    if written == running.keys():
        return Finding(True, message("{when}: {lines} ran, as you wrote.", when=one.when, lines=_lines_in_words(written)))
    sentence = message(
        "{when}: {lines} ran, and you wrote {written}.",
        when=one.when,
        lines=_lines_in_words(running),
        written=_numbers_in_words(written),
    )
    missing, wrong = sorted(running.keys() - written), sorted(written - running.keys())
    if missing:
        return Finding(False, f"{sentence} {step_sentence(running[missing[0]])}")
    reason = next((reason for reason in one.reasons if reason.line == wrong[0]), None)
    if reason is None:
        return Finding(False, f"{sentence} {message('Line {line} has no instruction.', line=wrong[0])}")
    return Finding(False, f"{sentence} {capital(_other_sentence(reason))}")


def _answers(text: str) -> dict[str, frozenset[int] | None]:
    """The answers by their question; None for one that cannot be read."""
    answers: dict[str, frozenset[int] | None] = {}
    for line in text.splitlines():
        question, colon, answer = line.partition(":")
        if not colon or line.startswith("#"):
            continue
        words = answer.replace(",", " ").lower().split()
        if words == ["none"]:
            answers[question.strip()] = frozenset()
        else:
            is_read = bool(words) and all(word.isdecimal() for word in words)
            answers[question.strip()] = frozenset(map(int, words)) if is_read else None
    return answers


def _numbers_in_words(lines: Collection[int]) -> str:
    return ", ".join(map(str, sorted(lines))) if lines else message("none")


def _lines_in_words(lines: Collection[int]) -> str:
    if not lines:
        return message("nothing")
    return plural("line {numbers}", "lines {numbers}", len(lines), numbers=_numbers_in_words(lines))


def running_steps(one: CheckedBuild) -> tuple[StepThatRuns, ...]:
    """The steps that ran, or would have, with their causes."""
    return steps_that_run(one.reasons, lambda path: path)


def _running_with(one: CheckedBuild, text: str) -> list[StepThatRuns]:
    """The steps that ran, or would have, with a text in their instruction."""
    return [step for step in running_steps(one) if text in step.instruction]


def step_sentence(step: StepThatRuns) -> str:
    """`Line 6 ran again, RUN go mod download: …`."""
    return message(
        "Line {line} ran again, {instruction}: {because}",
        line=step.line,
        instruction=shortened(step.instruction),
        because=step.because,
    )


def _no_instruction(text: str) -> Finding:
    return Finding(False, message("The Dockerfile has no step with `{text}`.", text=text))


def _ran_sentence(one: CheckedBuild, step: StepThatRuns) -> str:
    return message(
        "{when}: line {line} ran, {instruction}.", when=one.when, line=step.line, instruction=shortened(step.instruction)
    )


def _other_sentence(reason: Reason) -> str:
    """`Line 6, RUN go mod download, was cached: …`, for a step that did not run."""
    return message(
        "line {line} did not run, {instruction}: {because}",
        line=reason.line,
        instruction=shortened(reason.instruction),
        because=reason.because,
    )


def _last(log: str, *, otherwise: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1] if lines else otherwise
