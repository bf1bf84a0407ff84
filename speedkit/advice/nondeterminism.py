"""Instructions that may give another result each time: read from the Dockerfile and the build context, nothing is run.

Such a step can be cached all day: the cache hides that it would come out differently on another machine or another day. So
these are hints, and no build fails for them.
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
    # Four parts: what separates commands, the command, what makes its result certain when it comes after it, and the advice.
    # `git clone` may have its `git checkout` anywhere in the line, but an option of npm only counts within its own command.
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
_CHANGING_ARGUMENT = re.compile(r"DATE|TIME|STAMP|COMMIT|REVISION|GIT_?SHA|VCS_?REF|BUILD_?(?:ID|NUMBER)", re.IGNORECASE)
_GIT = ".git"


@dataclass(frozen=True, slots=True)
class UnsteadyStep:
    """An instruction that may give another result next time. because: why, as a sentence."""

    line: int
    instruction: str
    because: str


def unsteady_steps(build: Situation) -> tuple[UnsteadyStep, ...]:
    """The instructions that may give another result next time, of the stages that the build's target needs.

    Raises: DockerfileError.
    """
    dockerfile, build_args, target, platform = build.dockerfile, build.build_args, build.target, build.platform
    needed = needed_stages(dockerfile, build_args=build_args, target=target, platform=platform, replaced=build.contexts)
    bases = stage_bases(dockerfile, build_args=build_args, target=target, platform=platform)
    images = {stage.line: bases[stage.index].image for stage in build.dockerfile.stages if bases[stage.index].stage is None}
    return tuple(
        UnsteadyStep(step.line, step.text, because)
        for step in build.dockerfile.instructions
        if step.stage in (None, *needed)
        for because in _reasons(step, images.get(step.line, ""), build.context)
    )


def _reasons(step: Instruction, image: str, context: Manifest) -> Iterator[str]:
    if step.keyword == "FROM" and image and _is_moving(image):
        yield message("{image} names whatever is newest; name a version, or better a digest.", image=image)
    if step.keyword == "ARG" and _CHANGING_ARGUMENT.search(step.text):
        yield message(
            "Its value differs from build to build, and then every RUN after it runs again; declare it as late as possible."
        )
    if step.keyword == "RUN":
        text = " ".join([step.text, *(heredoc.content for heredoc in step.heredocs)])
        causes = [because for expression, because in _EXPRESSIONS if expression.matches(text)]
        causes += [because for end, begin, settling, because in _UNLESS if _is_unsettled(text, end, begin, settling)]
        yield from dict.fromkeys([*map(message, causes), *loose_installs(text)])
    if step.keyword == "ADD" and step.flag("checksum") is None and any("://" in word for word in step.args[:-1]):
        yield message("The server is asked each time, and may send something else; `--checksum` pins it.")
    if _takes_git(step) and any(entry.path == _GIT or entry.path.startswith(f"{_GIT}/") for entry in context.entries):
        yield message("It takes `.git`, which changes with every commit, fetch and `git status`; name it in `.dockerignore`.")


def _is_unsettled(text: str, end: str, begin: re.Pattern[str], settling: re.Pattern[str]) -> bool:
    """Whether a command begins somewhere in a text, and nothing after it makes its result certain."""
    for part in re.split(end, text):
        # The last one is enough: what settles it comes after the others as well.
        *_, last = [-1, *(match.end() for match in begin.finditer(part))]
        if last >= 0 and settling.search(part, last) is None:
            return True
    return False


def _is_moving(image: str) -> bool:
    """Whether the name of an image has no digest, and no number in its tag: `latest` and `stable` move to newer images."""
    if image == SCRATCH or "@" in image:
        return False
    return not re.search(r"\d", image.rpartition("/")[2].partition(":")[2])


def _takes_git(step: Instruction) -> bool:
    """Whether a step reads the whole build context, or `.git` by name."""
    if step.keyword in ("COPY", "ADD") and step.flag("from") is None:
        sources = step.args[:-1]
    elif step.keyword == "RUN":
        sources = tuple(mount.source for mount in mounts_of(step) if mount.kind == "bind" and not mount.origin)
    else:
        return False
    return any(source.strip("./") == "" or source.removeprefix("./").startswith(_GIT) for source in sources)
