"""A smoke command: one short run of either image, which must end in the same way.

The command is the user's own. Without one, the sample app gets the request of its probe. An image with an entrypoint and no
command runs the entrypoint with `--help`, or with `--version` where that fails, and any other image runs as it is. The
container has no network, and limits.

The image of the original decides how the command is run, and the patched image must end like it: with the same exit status.
A server that still runs when the time is over has started well, and must still run in the other image too. Only a command of
the user's own has to end by itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from speedkit.apps import Probe
from speedkit.builders import answer_of
from speedkit.engine import CommandRun, Engine, inspect_image, run_in_image
from speedkit.errors import Misuse
from speedkit.messages import message, sentences

__all__ = ["SmokeResult", "parse_smoke", "smoke_of"]

OWN_SECONDS = 60.0
"""How long a command of the user's own may take."""
USUAL_SECONDS = 10.0
LOG_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class SmokeResult:
    """How a smoke command ended in both images.

    command: for readers; "" where the images have nothing to run. same: it ended in the same way. sentence: how it ended.
    """

    command: str
    same: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class _Command:
    """entrypoint, arguments: as the engine takes them; None leaves those of the image."""

    text: str
    entrypoint: tuple[str, ...] | None
    arguments: tuple[str, ...] | None
    seconds: float
    must_end: bool


def parse_smoke(text: str | None) -> tuple[str, ...] | None:
    """The words of a smoke command; None for none. Raises: Misuse for quotes that do not end, and for no words."""
    if text is None:
        return None
    try:
        words = tuple(shlex.split(text))
    except ValueError as problem:
        raise Misuse(
            message(
                "The smoke command {text!r} cannot be read: {problem}.", text=text, problem=str(problem).rstrip(".").lower()
            ),
            fix=message("Close its quotes, as in a shell."),
        ) from None
    if not words:
        raise Misuse(
            message("The smoke command is empty."),
            fix=message("Name a command that the image has, such as `--smoke 'app --version'`."),
        )
    return words


def smoke_of(
    engine: Engine,
    as_is: str,
    patched: str,
    *,
    words: Sequence[str] | None = None,
    probe: Probe | None = None,
    give_up: Callable[[], bool] = lambda: False,
) -> SmokeResult:
    """The smoke command's end in both images. as_is, patched: their ids. words: of the user's own command.

    Raises: EngineError.
    """
    if probe is not None and words is None:
        return _asked(engine, as_is, patched, probe, give_up)
    before: CommandRun | None = None
    command = _Command("", None, None, 0, must_end=False)
    for candidate in _commands(engine, as_is, words):
        run = _run(engine, as_is, candidate, give_up)
        # The first that can be started counts, unless a later one ends with 0: not every program knows `--help`.
        if before is None or before.refusal or run.exit_code == 0:
            before, command = run, candidate
        if run.exit_code == 0 or (not run.refusal and words is not None):
            break
    if before is None:
        return SmokeResult("", same=True, sentence=message("The images have nothing to run."))
    if before.refusal:
        if words is None:
            return SmokeResult(
                "", same=True, sentence=message("The image cannot be started by itself: {why}", why=before.refusal)
            )
        return SmokeResult(
            command.text,
            same=False,
            sentence=message("It cannot be started in the image of the original: {why}", why=before.refusal),
        )
    if before.was_ended and command.must_end:
        return SmokeResult(command.text, same=False, sentence=_ending(message("the original"), before, command))
    # Output may hold times and ids, so it is not compared: the exit status, and whether it ended by itself, are.
    after = _run(engine, patched, command, give_up)
    same = (before.exit_code, before.was_ended, bool(before.refusal)) == (after.exit_code, after.was_ended, bool(after.refusal))
    ends = [_ending(message("the original"), before, command)]
    if not same:
        ends.append(_ending(message("the patched image"), after, command))
    return SmokeResult(command.text, same=same, sentence=sentences(ends))


def _commands(engine: Engine, image: str, words: Sequence[str] | None) -> Iterator[_Command]:
    """The commands to try in the image of the original."""
    if words is not None:
        text = shlex.join(words)
        arguments = _Command(text, None, tuple(words), OWN_SECONDS, must_end=True)
        program = _Command(text, tuple(words), (), OWN_SECONDS, must_end=True)
        # An option alone can only be an argument of the entrypoint. Other words may be a program or arguments: the program is
        # tried first, because most people name one that the image has.
        yield from (arguments,) if words[0].startswith("-") else (program, arguments)
        return
    config = inspect_image(engine, image).get("Config") or {}
    entrypoint, own = config.get("Entrypoint") or [], config.get("Cmd") or []
    # An image with both usually runs a server, which has no use for `--help`; one with an entrypoint alone is a tool.
    if entrypoint and not own:
        for option in ("--help", "--version"):
            yield _Command(shlex.join([*entrypoint, option]), None, (option,), USUAL_SECONDS, must_end=False)
    elif entrypoint or own:
        yield _Command(shlex.join([*entrypoint, *own]), None, None, USUAL_SECONDS, must_end=False)


def _run(engine: Engine, image: str, command: _Command, give_up: Callable[[], bool]) -> CommandRun:
    return run_in_image(
        engine, image, entrypoint=command.entrypoint, command=command.arguments, seconds=command.seconds, give_up=give_up
    )


def _asked(engine: Engine, as_is: str, patched: str, probe: Probe, give_up: Callable[[], bool]) -> SmokeResult:
    answers = [answer_of(engine, image, probe, give_up=give_up) or {"ok": False, "said": ""} for image in (as_is, patched)]
    request = f"GET {probe.path}"
    # When neither answers as it should, the patch is not to blame.
    if answers[0]["ok"] == answers[1]["ok"]:
        sentence = message("Both answer well.") if answers[0]["ok"] else message("Neither answers as it should.")
        return SmokeResult(request, same=True, sentence=sentence)
    wrong = next(answer for answer in answers if not answer["ok"])
    output = str(wrong["said"])[:LOG_CHARACTERS]
    return SmokeResult(
        request,
        same=False,
        sentence=message("The patched image does not answer as it should: {output}", output=output)
        if answers[0]["ok"]
        else message("The image of the original does not answer as it should: {output}", output=output),
    )


def _ending(image: str, run: CommandRun, command: _Command) -> str:
    if run.refusal:
        return message("In {image} it cannot be started: {why}", image=image, why=run.refusal)
    if run.was_ended:
        return message("In {image} it still ran after {seconds:.0f} s and was ended.", image=image, seconds=command.seconds)
    return message("In {image} it ended with exit status {code}.", image=image, code=run.exit_code)
