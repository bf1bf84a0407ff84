"""The steps that a claim names, and those of them that run, with the files and the cause behind each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from speedkit.cache import Forecast, StepForecast
from speedkit.causes import FilesChanged, MissBegan
from speedkit.errors import LimitsFileError
from speedkit.messages import message, plural
from speedkit.rendering import Reason

from .limits_file import Claim
from .outcome import StepThatRuns

__all__ = ["claimed_lines", "reasons_of", "shortened", "steps_that_run"]

STAYS = frozenset({"hit", "cached", "no-step", "not-needed"})
MOST_SHOWN = 30


def reasons_of(forecast: Forecast) -> tuple[Reason, ...]:
    """The steps of a forecast in the form that those of a finished build have."""
    return tuple(
        Reason(step.line, step.stage, step.instruction, step.forecast, step.cause, step.also, sources=step.sources)
        for step in forecast.steps
    )


def claimed_lines(claim: Claim, forecast: Forecast, limits_file: Path) -> frozenset[int]:
    """The first lines of the instructions that a claim names.

    Raises: LimitsFileError for a name or line of no instruction that a build of the target could cache.
    """
    # The forecast of the unchanged project: there `no-step` and `not-needed` are as in every other one.
    lines: set[int] = set()
    for name in claim.stays_cached:
        named = [step for step in forecast.steps if _is_named(step, name)]
        cacheable = [step for step in named if _can_run_again(step)]
        if not cacheable:
            raise _names_no_step(claim, name, named, forecast, limits_file)
        lines |= {step.line for step in cacheable}
    return frozenset(lines)


def steps_that_run(
    reasons: Sequence[Reason], in_project: Callable[[str], str], lines: Iterable[int] | None = None
) -> tuple[StepThatRuns, ...]:
    """The steps that run or may run. in_project: makes a path of the build context one in the project. lines: only these."""
    by_line = {reason.line: reason for reason in reasons}
    only = None if lines is None else set(lines)
    steps = []
    for reason in reasons:
        if reason.state in STAYS or (only is not None and reason.line not in only):
            continue
        origin = _origin(reason, by_line)
        because = reason.because
        # The reason of a finished step may say itself where the miss began.
        if origin is not reason and not any(isinstance(one, MissBegan) for one in reason.also):
            because = message(
                "{because} It goes back to line {line}, {instruction}: {cause}",
                because=because,
                line=origin.line,
                instruction=shortened(origin.instruction),
                cause=origin.because,
            )
        files = origin.cause.files if isinstance(origin.cause, FilesChanged) else ()
        paths = tuple(in_project(file.path) for file in files)
        steps.append(StepThatRuns(reason.line, reason.instruction, reason.state, paths, because, reason.cause))
    return tuple(steps)


def _origin(reason: Reason, by_line: dict[int, Reason]) -> Reason:
    """The step at which the miss began: back through the sources that run, unless the step itself reads changed files."""
    # Lines grow smaller on the way, so it ends.
    while not isinstance(reason.cause, FilesChanged):
        running = [by_line[one.line] for one in reason.sources if one.line in by_line and by_line[one.line] is not reason]
        source = next((one for one in running if one.state not in STAYS and one.line < reason.line), None)
        if source is None:
            break
        reason = source
    return reason


def _is_base(step: StepForecast) -> bool:
    return step.instruction.split(maxsplit=1)[0].upper() == "FROM"


def _can_run_again(step: StepForecast) -> bool:
    """Whether a claim on a step can fail."""
    return step.forecast not in ("no-step", "not-needed") and not _is_base(step)


def _is_named(step: StepForecast, name: str | int) -> bool:
    # An instruction may go over several lines, and an editor shows any of them.
    if isinstance(name, int):
        return step.line <= name <= step.end_line
    # People claim `RUN npm ci`, also where the Dockerfile has `RUN --mount=type=cache,target=/root/.npm npm ci`.
    return any(text.startswith(_plain(name)) for text in (_plain(step.instruction), _plain(_without_flags(step.instruction))))


def _plain(instruction: str) -> str:
    """With single spaces, and the keyword in capitals."""
    keyword, _, rest = " ".join(instruction.split()).partition(" ")
    return f"{keyword.upper()} {rest}".rstrip()


def _without_flags(instruction: str) -> str:
    keyword, *words = instruction.split()
    while words and words[0].startswith("--"):
        del words[0]
    return " ".join([keyword, *words])


def _names_no_step(
    claim: Claim, name: str | int, named: Sequence[StepForecast], forecast: Forecast, limits_file: Path
) -> LimitsFileError:
    if named and all(_is_base(step) for step in named):
        problem = message("{name} names a base image, which no change of files makes run again", name=repr(name))
    elif named and all(step.forecast == "no-step" for step in named):
        problem = message("{name} only changes settings: nothing of it runs or is cached", name=repr(name))
    elif named:
        problem = message("the target does not use the stage of {name}", name=repr(name))
    elif isinstance(name, int):
        problem = message("line {line} has no instruction", line=name)
    else:
        problem = message("no instruction begins with {name}", name=repr(shortened(name)))
    # The mistake is often in one word, so the list of what there is helps most.
    steps = [step for step in forecast.steps if _can_run_again(step)]
    quoted = [f"  {step.line} | {shortened(step.instruction)}" for step in steps[:MOST_SHOWN]]
    if len(steps) > MOST_SHOWN:
        quoted.append("  " + plural("… and {count:,} more", "… and {count:,} more", len(steps) - MOST_SHOWN))
    return LimitsFileError(
        message(
            "{path}, line {line}, claim {claim!r}: {problem}. The instructions that can be cached:",
            path=limits_file,
            line=claim.line,
            claim=claim.name,
            problem=problem,
        ),
        quoted="\n".join(quoted),
        fix=message("Write how one of them begins, or its line."),
    )


def shortened(text: str) -> str:
    """The beginning of an instruction, for a sentence."""
    return text if len(text) <= 80 else f"{text[:79]}…"
