"""Reads what BuildKit's clients print after the last step: why a build failed, and where.

In: the lines behind the last step, without what a CI system puts in front. A failed build ends so:

    ------
     > [build 2/3] RUN make:
    0.412 the last lines of the log once more
    ------
    Dockerfile:12
    --------------------
      11 |     COPY . .
      12 | >>> RUN make
    --------------------
    ERROR: failed to build: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2

rawjson has the same lines from `Dockerfile:12` on. Actions repeat the last line as `##[error]buildx failed with: ERROR: …`.
Source: https://github.com/docker/buildx, commands/build.go.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from .log_lines import decoded
from .step_names import may_fail

__all__ = ["BuildEnd"]

MOST_LINES = 200
TEXT_LENGTH = 4000

_QUOTED = re.compile(rb" ?> (.*):")
_PLACE = re.compile(rb"\S{1,1000}:[0-9]{1,7}")
_RULE = re.compile(rb"-{20,}")
_BEGINS_FAILURE = re.compile(
    rb"(?:##\[error\])?(?:ERROR|error|Error|failed to solve(?: with frontend [^ :]{1,200})?|buildx (?:call |bake )?failed with"
    rb"|target [^ :]{1,200}): "
)
_OF_A_BUILD = re.compile(
    rb"failed to (?:build|solve|receive|compute|read|fetch|load|push|get)|cancel|buildx|process |exit code"
)
_OF_A_SOLVE = re.compile("failed to (?:solve|build)|buildx")
_BY_THE_CLIENT = re.compile(
    rb"##\[|WARNING: | ?\d{1,6} warnings? found| ?- [A-Za-z]+: |View build details|View a summary|What's [nN]ext|Learn more|"
    rb"Use 'docker|\[\+\] | ?- Using legacy"
)


@dataclass(slots=True)
class BuildEnd:
    """The end of one build, so far.

    failure: the line that says why the build failed; "" for a build that did not. failed_steps: the names of quoted steps.
    text: the excerpt of the Dockerfile and the failure, line by line.
    """

    failure: str = ""
    failed_steps: list[bytes] = field(default_factory=list)
    text: list[bytes] = field(default_factory=list)
    _inside: Literal["", "quote", "place", "excerpt"] = ""

    @property
    def lines(self) -> list[bytes]:
        """The text as rawjson has it, behind the progress."""
        # A line of an excerpt may begin with a brace, and would be taken for progress.
        return [b" " * line.startswith(b"{") + line + b"\n" for line in self.text]

    def outcome(self, states: Collection[str], *, is_complete: bool) -> Literal["failed", "cancelled"] | None:
        """How the build ended, by the states of its steps and its last lines; None where nothing says that it went wrong.

        is_complete: its last step is done. What fails behind it in a log, such as a test, may print an error as well.
        """
        if is_complete and not {"failed", "cancelled"} & set(states) and not _OF_A_SOLVE.search(self.failure):
            return None
        was_canceled = "context canceled" in self.failure or self.failure.endswith("Canceled")
        if "failed" in states or (self.failure and not was_canceled):
            return "failed"
        return "cancelled" if "cancelled" in states or self.failure else None

    def read(self, line: bytes, *, has_failed: bool) -> bool:
        """Take in a line; whether it is one that BuildKit's clients print. has_failed: whether a step of the build failed."""
        if line == b"------":
            self._inside = "" if self._inside == "quote" else "quote"
        elif self._inside == "quote":
            if (quoted := _QUOTED.fullmatch(line)) and len(self.failed_steps) < MOST_LINES and not may_fail(decoded(quoted[1])):
                self.failed_steps.append(quoted[1])
        elif _RULE.fullmatch(line) and self._inside:
            self._inside = "excerpt" if self._inside == "place" else ""
            self._keep(line)
        elif self._inside == "excerpt":
            self._keep(line)
        elif _PLACE.fullmatch(line) and (has_failed or self.failed_steps):
            self._inside = "place"
            self._keep(line)
        elif _BEGINS_FAILURE.match(line) and (has_failed or self.failed_steps or _OF_A_BUILD.search(line)):
            self._inside = ""
            if not self.failure:
                self.failure = decoded(line.removeprefix(b"##[error]"))[:TEXT_LENGTH]
                self._keep(line.removeprefix(b"##[error]"))
        else:
            return _BY_THE_CLIENT.match(line) is not None
        return True

    def _keep(self, line: bytes) -> None:
        if len(self.text) < MOST_LINES:
            self.text.append(line[:TEXT_LENGTH])
