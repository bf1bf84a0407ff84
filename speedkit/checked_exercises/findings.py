"""What a check can say about builds: each function looks at one build and gives a `Finding`, a claim that holds or does not.

Here are the words that a check is made of. Each says what was seen, with the cause of a step from the kit's own explanation.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch

from speedkit.gate import StepThatRuns, shortened, steps_that_run
from speedkit.messages import message
from speedkit.words import bytes_text

from .checked_builds import CheckedBuild, downloads_in

__all__ = [
    "Finding",
    "built",
    "downloaded_nothing",
    "has_no_file",
    "image_at_most",
    "nothing_ran",
    "prints",
    "running_steps",
    "stayed_cached",
    "step_sentence",
    "wasted_at_most",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim about the learner's builds. ok: it holds. sentence: what was seen."""

    ok: bool
    sentence: str


def built(one: CheckedBuild) -> Finding:
    """The build ended well."""
    if one.build.outcome == "done":
        return Finding(True, message("{when}: it builds.", when=one.when))
    lines = [line.strip() for line in (one.build.error or "").splitlines() if line.strip()]
    error = lines[-1] if lines else message("it failed")
    failed = next((step for step in one.build.instructions if step.state == "failed" and step.line), None)
    if failed is None:
        return Finding(False, message("{when}: it does not build. {error}", when=one.when, error=error))
    log = [line.strip() for line in failed.log.splitlines() if line.strip()]
    return Finding(
        False,
        message(
            "{when}: it does not build. Line {line} failed, {instruction}: {error}",
            when=one.when,
            line=failed.line,
            instruction=shortened(failed.instruction),
            error=log[-1] if log else error,
        ),
    )


def nothing_ran(one: CheckedBuild) -> Finding:
    """Every step was cached."""
    running = running_steps(one)
    if not running:
        return Finding(True, message("{when}: nothing ran.", when=one.when))
    return Finding(False, f"{one.when}: {step_sentence(running[0])}")


def stayed_cached(one: CheckedBuild, beginning: str) -> Finding:
    """The steps whose instruction begins with some words were cached. beginning: such as `COPY` or `RUN apk add`."""
    named = [reason for reason in one.reasons if _plain(reason.instruction).startswith(beginning)]
    if not named:
        return Finding(False, message("The Dockerfile has no instruction `{beginning}`.", beginning=beginning))
    running = [step for step in running_steps(one) if _plain(step.instruction).startswith(beginning)]
    if not running:
        return Finding(True, message("{when}: `{beginning}` was cached.", when=one.when, beginning=beginning))
    return Finding(False, f"{one.when}: {step_sentence(running[0])}")


def downloaded_nothing(one: CheckedBuild) -> Finding:
    """No Go module was downloaded."""
    logs = {step.line: step.log for step in one.build.instructions if step.ran}
    step = next((step for step in running_steps(one) if downloads_in(step.instruction, logs.get(step.line, ""))), None)
    if step is None:
        return Finding(True, message("{when}: no module was downloaded.", when=one.when))
    return Finding(False, message("{when}: modules were downloaded again. {step}", when=one.when, step=step_sentence(step)))


def has_no_file(one: CheckedBuild, pattern: str, *, called: str) -> Finding:
    """The image has no file with a matching path. called: what it would be, such as `a compiler`."""
    file = next((file for file in one.image.each_file() if fnmatch(file.path, pattern)), None)
    if file is None:
        return Finding(True, message("The image does not hold {thing}.", thing=called))
    return Finding(False, message("The image holds {thing}: {path}.", thing=called, path=file.path))


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
    if run.exit_code == 0 and text in run.log:
        return Finding(True, message("The image runs and prints `{text}`.", text=text))
    if run.refusal:
        return Finding(False, message("The image does not start: {reason}", reason=run.refusal))
    if run.exit_code == 0:
        return Finding(
            False, message("{command} prints `{log}`, and not `{text}`.", command=shown, log=_last(run.log), text=text)
        )
    return Finding(
        False, message("{command} fails with exit code {code}: {log}", command=shown, code=run.exit_code, log=_last(run.log))
    )


def running_steps(one: CheckedBuild) -> tuple[StepThatRuns, ...]:
    """The steps that ran, or would have, with their causes."""
    return steps_that_run(one.reasons, lambda path: path)


def step_sentence(step: StepThatRuns) -> str:
    """`Line 6 ran again, RUN go mod download: …`."""
    return message(
        "Line {line} ran again, {instruction}: {because}",
        line=step.line,
        instruction=shortened(step.instruction),
        because=step.because,
    )


def _plain(instruction: str) -> str:
    """An instruction without its flags, which begin with two hyphens."""
    keyword, *words = instruction.split()
    while words and words[0].startswith("--"):
        del words[0]
    return " ".join([keyword.upper(), *words])


def _last(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1] if lines else message("nothing")
