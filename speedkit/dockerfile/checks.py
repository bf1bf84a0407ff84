"""Checks of single instructions: BuildKit rejects these mistakes before it builds anything.

Source of the rules and of their wording: moby/buildkit, frontend/dockerfile/instructions.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from speedkit.messages import join_names, message

from .heredoc_marks import heredoc_mark
from .refusal import refusal
from .values import check_duration, check_retries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .syntax import Dockerfile, Instruction

__all__ = ["check_encoding", "check_has_stages", "check_instruction", "check_keyword"]

_NO_FLAGS = ("CMD", "ENTRYPOINT", "ENV", "EXPOSE", "LABEL", "MAINTAINER", "ONBUILD", "SHELL", "USER", "VOLUME", "WORKDIR")
_FLAGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ADD": ("chown", "chmod", "link", "keep-git-dir", "checksum", "unpack", "exclude"),
        "COPY": ("chown", "from", "chmod", "link", "exclude"),
        "FROM": ("platform",),
        "HEALTHCHECK": ("interval", "timeout", "start-period", "start-interval", "retries"),
        "RUN": ("mount", "network"),
        **dict.fromkeys(_NO_FLAGS, ()),
    }
)
_FLAGS_NOT_READ = ("ARG", "STOPSIGNAL")
"""BuildKit ignores all flags of these, and of HEALTHCHECK NONE."""
_FLAGS_FIRST = frozenset({"ENV", "LABEL", "SHELL"})
"""BuildKit checks the flags of these before it counts the arguments: a line with both mistakes has the error of the flag."""
_KEYWORDS = frozenset((*_FLAGS, *_FLAGS_NOT_READ))
_REPEATABLE = frozenset({"mount", "exclude"})
_BOOLEAN = frozenset({"link", "keep-git-dir", "unpack", "parents"})
_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")
_EXACTLY_ONE = ("MAINTAINER", "WORKDIR", "USER", "STOPSIGNAL")
_AT_LEAST_ONE = ("ARG", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "SHELL", "VOLUME")


def _reject(reason: str, line: int | None, *, fix: str = "") -> NoReturn:
    raise refusal(reason, line, fix=fix)


def _did_you_mean(word: str, valid_words: Iterable[str]) -> str:
    matches = get_close_matches(word, valid_words, n=1)
    return message("Did you mean {word}?", word=matches[0]) if matches else ""


def check_encoding(text: str) -> None:
    """Raises DockerfileError for UTF-16 and UTF-32: BuildKit would read their bytes as single characters.

    text: decoded as UTF-8, with lone surrogates for bytes that are no UTF-8.
    """
    start = text[:4].encode("utf-8", "surrogatepass" if re.match("[\ud800-\udc7f\udd00-\udfff]", text) else "surrogateescape")
    marks = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
    encoding = next((name for mark, name in marks.items() if start.startswith(mark)), "")
    if not encoding and re.match(r"[ -~]\0[ -~]\0|\0[ -~]\0[ -~]", text):  # UTF-16 without a byte order mark
        encoding = "UTF-16"
    if encoding:
        reason = message("it is written in {encoding}, but BuildKit reads UTF-8", encoding=encoding)
        _reject(reason, None, fix=message("Save it as UTF-8."))


def _invisible(text: str) -> str:
    """The characters in a text that are invisible or look like a plain space, in words: `U+00A0 (no-break space)`."""
    characters = dict.fromkeys(
        letter for letter in text if letter not in " \t\n" and unicodedata.category(letter) in ("Zs", "Zl", "Zp", "Cf", "Cc")
    )
    names = {letter: unicodedata.name(letter, "").lower() or message("control character") for letter in characters}
    return join_names([f"U+{ord(letter):04X} ({name})" for letter, name in names.items()])


def check_keyword(word: str, line: int) -> None:
    """Raises DockerfileError when the first word of an instruction is no keyword of BuildKit."""
    if word.upper() in _KEYWORDS:
        return
    if invisible := _invisible(word):
        shown = "".join(letter if letter.isprintable() else f"<U+{ord(letter):04X}>" for letter in word)
        fix = message("It contains {characters}. Replace that with a plain space, or remove it.", characters=invisible)
        _reject(f"unknown instruction: {shown}", line, fix=fix)
    _reject(f"unknown instruction: {word}", line, fix=_did_you_mean(word.upper(), sorted(_KEYWORDS)))


def check_has_stages(dockerfile: Dockerfile) -> None:
    """Raises DockerfileError for a Dockerfile without a FROM."""
    if not dockerfile.stages:
        _reject("dockerfile contains no stages to build", None)


def check_instruction(instruction: Instruction, *, any_flag: bool = False) -> None:
    """Raises DockerfileError for an instruction that BuildKit rejects.

    any_flag: with another frontend (`# syntax=`), which may have more flags than the engine's own.
    """
    keyword = instruction.keyword
    check_keyword(keyword, instruction.line)
    if keyword == "FROM":
        _check_from(instruction)
    # The order of these checks is BuildKit's: a line with several mistakes has the error of the first check.
    if keyword in _FLAGS_FIRST:
        _check_flags(instruction, any_flag=any_flag)
        _check_count(instruction)
    else:
        _check_count(instruction)
        _check_flags(instruction, any_flag=any_flag)
    if keyword in _CHECKS:
        _CHECKS[keyword](instruction)
    if instruction.stage is None and keyword != "ARG":
        _reject("no build stage in current context", instruction.line)
    if keyword in ("COPY", "ADD") and heredoc_mark(instruction.args[-1]) is not None:
        _reject(f"{keyword} cannot accept a heredoc as a destination", instruction.line)


def _check_count(instruction: Instruction) -> None:
    keyword, count = instruction.keyword, len(instruction.args)
    if keyword in _EXACTLY_ONE and count != 1:
        _reject(f"{keyword} requires exactly one argument", instruction.line)
    if keyword in _AT_LEAST_ONE and count == 0:
        _reject(f"{keyword} requires at least one argument", instruction.line)
    if keyword in ("COPY", "ADD") and count < 2:
        invisible = _invisible(" ".join(instruction.args))
        fix = message("It contains {characters}, which does not separate arguments. Use plain spaces.", characters=invisible)
        _reject(
            f"{keyword} requires at least two arguments, but only one was provided. Destination could not be determined",
            instruction.line,
            fix=fix if invisible else "",
        )


def _check_flags(instruction: Instruction, *, any_flag: bool) -> None:
    is_no_healthcheck = instruction.keyword == "HEALTHCHECK" and instruction.args[0].upper() == "NONE"
    if any_flag or instruction.keyword in _FLAGS_NOT_READ or is_no_healthcheck:
        return
    names: set[str] = set()
    for flag in instruction.flags:
        name, equals, value = flag.removeprefix("--").partition("=")
        if flag == "--":  # ends the flags
            return
        if instruction.keyword == "RUN" and name == "device":
            _reject("device feature is only supported in Dockerfile frontend 1.14.0-labs or later", instruction.line)
        if name not in _FLAGS[instruction.keyword]:
            fix = _did_you_mean(f"--{name}", [f"--{valid}" for valid in _FLAGS[instruction.keyword]])
            _reject(f"unknown flag: --{name}", instruction.line, fix=fix)
        if name in names and name not in _REPEATABLE:
            _reject(f"duplicate flag specified: --{name}", instruction.line)
        # `--link` alone is true, `--link=` is an error.
        if name in _BOOLEAN and equals and not value:
            _reject(f"missing a value on flag: --{name}", instruction.line)
        if name in _BOOLEAN and equals and value.lower() not in ("true", "false"):
            _reject(f"expecting boolean value for flag --{name}, not: {value}", instruction.line)
        if name not in _BOOLEAN and not equals:
            _reject(f"missing a value on flag: --{name}", instruction.line)
        names.add(name)


def _check_from(instruction: Instruction) -> None:
    match instruction.args:
        case [_]:
            return
        case [_, word, name] if word.lower() == "as":
            if not _STAGE_NAME.fullmatch(name.lower()):
                _reject(
                    f'invalid name for build stage: "{name}", name can\'t start with a number or contain symbols',
                    instruction.line,
                )
        case _:
            _reject("FROM requires either one or three arguments", instruction.line)


def _check_onbuild(instruction: Instruction) -> None:
    word = instruction.text.split()[1].upper()
    if word == "ONBUILD":
        _reject("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", instruction.line)
    if word in ("MAINTAINER", "FROM"):
        _reject(f"{word} isn't allowed as an ONBUILD trigger", instruction.line)


def _check_shell(instruction: Instruction) -> None:
    if not instruction.json:
        _reject("SHELL requires the arguments to be in JSON form", instruction.line)


def _check_healthcheck(instruction: Instruction) -> None:
    kind, *command = instruction.args
    if kind.upper() == "NONE" and command:
        _reject("HEALTHCHECK NONE takes no arguments", instruction.line)
    if kind.upper() == "CMD" and not command:
        _reject("Missing command after HEALTHCHECK CMD", instruction.line)
    if kind.upper() not in ("NONE", "CMD"):
        _reject(f'Unknown type "{kind.upper()}" in HEALTHCHECK (try CMD)', instruction.line)
    if kind.upper() == "NONE":
        return
    try:
        for name in ("interval", "timeout", "start-period", "start-interval"):
            check_duration(instruction.flag(name) or "", name)
        check_retries(instruction.flag("retries") or "")
    except ValueError as problem:
        _reject(str(problem), instruction.line)


def _check_names(instruction: Instruction) -> None:
    if not all(instruction.names):
        _reject(f"{instruction.keyword} names can not be blank", instruction.line)


def _check_run(instruction: Instruction) -> None:
    mode = instruction.flag("network")
    if mode is not None and mode not in ("default", "none", "host"):
        _reject(f'invalid network mode "{mode}"', instruction.line)


def _check_copy(instruction: Instruction) -> None:
    origin = instruction.flag("from") or ""
    if re.search(r"\$[\w{]", origin):
        reason = "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope"
        _reject(f"{reason} as a workaround", None)  # BuildKit names no line here


_CHECKS: Mapping[str, Callable[[Instruction], None]] = MappingProxyType(
    {
        "ARG": _check_names,
        "COPY": _check_copy,
        "ENV": _check_names,
        "HEALTHCHECK": _check_healthcheck,
        "LABEL": _check_names,
        "ONBUILD": _check_onbuild,
        "RUN": _check_run,
        "SHELL": _check_shell,
    }
)
