"""The usual causes of a step that does not come out the same twice: read from the Dockerfile and the context, nothing is run.

A step can be cached all day and still be one of these: the cache hides that it would come out differently on another
machine or on another day. So what is said here is a hint and no verdict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from speedkit.dockerfile import SCRATCH, mounts_of, needed_stages, stage_bases
from speedkit.go_regexp import GoRegexp
from speedkit.messages import marked, message

from .package_installs import loose_installs

if TYPE_CHECKING:
    from speedkit.cache import Situation
    from speedkit.context import Manifest
    from speedkit.dockerfile import Instruction

__all__ = ["UnsteadyStep", "unsteady_steps"]

_COMMANDS = (
    (r"(?:^|[\s;&|(`])date(?:\s+[-+'\"]|\s*[)`;&|>]|\s*$)|SOURCE_DATE_EPOCH=\$\(", marked("It writes the time of the build.")),
    (r"/dev/u?random|\$RANDOM\b|\buuidgen\b", marked("It uses a random value.")),
    (
        r"\b(?:apt|apt-get|apk|dnf|yum|microdnf)\s+(?:-\S+\s+)*(?:dist-)?(?:update|upgrade)\b",
        marked("It takes what the package server has that day."),
    ),
    (r"\b(?:curl|wget)\b[^;&|]*\b(?:latest|master|main|nightly)\b", marked("It downloads whatever is newest; name a version.")),
    (r"@latest\b", marked("It takes whatever is newest; name a version.")),
    (r"\bgo\s+get\b[^;&|@]*\s\w[\w-]*\.\w+/[^;&|@]*(?:[;&|]|$)", marked("It takes whatever is newest; name a version.")),
)
_EXPRESSIONS = [(GoRegexp(expression), because) for expression, because in _COMMANDS]
_UNLESS = (
    # What ends a command or a line, what begins one, what settles it when it comes later, and what is wrong without.
    (
        "\n",
        re.compile(r"\bgit\s+clone\b"),
        re.compile(r"\b[0-9a-f]{40}\b"),
        marked("It clones what the repository holds that day; check out a commit."),
    ),
    (
        "[;&|]",
        re.compile(r"\bnpm\s+(?:install|i|update)\b"),
        re.compile(r"\s(?:-g|--global|--location=global)\b"),
        marked("`npm install` may take newer versions; `npm ci` takes those of the lock file."),
    ),
)
_COMMON = re.compile(r"DATE|TIME|STAMP|COMMIT|REVISION|GIT_?SHA|VCS_?REF|BUILD_?(?:ID|NUMBER)", re.IGNORECASE)
_GIT = ".git"


@dataclass(frozen=True, slots=True)
class UnsteadyStep:
    """An instruction that may not come out the same twice, and why, as a sentence."""

    line: int
    instruction: str
    because: str


def unsteady_steps(build: Situation) -> tuple[UnsteadyStep, ...]:
    """The instructions of the stages that a build uses that may not come out the same twice.

    Raises: DockerfileError.
    """
    wanted = {"build_args": build.build_args, "target": build.target}
    needed = needed_stages(build.dockerfile, **wanted)  # type: ignore[arg-type]
    bases = stage_bases(build.dockerfile, **wanted)  # type: ignore[arg-type]
    images = {stage.line: bases[stage.index].image for stage in build.dockerfile.stages if bases[stage.index].stage is None}
    return tuple(
        UnsteadyStep(step.line, step.text, because)
        for step in build.dockerfile.instructions
        if step.stage in (None, *needed)
        for because in _reasons(step, images.get(step.line, ""), build.context)
    )


def _reasons(step: Instruction, image: str, context: Manifest) -> Iterator[str]:
    if step.keyword == "FROM" and image and _moves(image):
        yield message("{image} names whatever is newest; name a version, or better a digest.", image=image)
    if step.keyword == "ARG" and _COMMON.search(step.text):
        yield message(
            "Its value is another one in each build, and then every RUN after it runs; declare it as late as possible."
        )
    if step.keyword == "RUN":
        text = " ".join([step.text, *(heredoc.content for heredoc in step.heredocs)])
        causes = [because for expression, because in _EXPRESSIONS if expression.matches(text)]
        causes += [because for end, begin, settling, because in _UNLESS if _is_unsettled(text, end, begin, settling)]
        yield from dict.fromkeys([*map(message, causes), *loose_installs(text)])
    if step.keyword == "ADD" and step.flag("checksum") is None and any("://" in word for word in step.args[:-1]):
        yield message("The server is asked each time, and may hand out something else; `--checksum` pins it.")
    if _takes_git(step) and any(entry.path == _GIT or entry.path.startswith(f"{_GIT}/") for entry in context.entries):
        yield message("It takes `.git`, which changes with every commit, fetch and `git status`; name it in `.dockerignore`.")


def _is_unsettled(text: str, end: str, begin: re.Pattern[str], settling: re.Pattern[str]) -> bool:
    """Whether something begins in a text that nothing settles up to its end: then the last one in it is not settled."""
    for part in re.split(end, text):
        *_, last = [-1, *(found.end() for found in begin.finditer(part))]
        if last >= 0 and settling.search(part, last) is None:
            return True
    return False


def _moves(image: str) -> bool:
    """An image name without a digest whose tag has no number in it."""
    if image == SCRATCH or "@" in image:
        return False
    return not re.search(r"\d", image.rpartition("/")[2].partition(":")[2])


def _takes_git(step: Instruction) -> bool:
    """It reads the whole context, or `.git` by name."""
    if step.keyword in ("COPY", "ADD") and step.flag("from") is None:
        places = step.args[:-1]
    elif step.keyword == "RUN":
        places = tuple(mount.source for mount in mounts_of(step) if mount.kind == "bind" and not mount.origin)
    else:
        return False
    return any(place.strip("./") == "" or place.removeprefix("./").startswith(_GIT) for place in places)
