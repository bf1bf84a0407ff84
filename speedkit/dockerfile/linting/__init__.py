"""What BuildKit's linter finds, for builds that its findings end (`# check=error=true`).

`Linting` goes along with a build, stage by stage, and refuses at its end. Where it is not sure, it finds nothing.
Source: moby/buildkit, frontend/dockerfile/linter, dockerfile2llb and instructions.

Not checked are the rules InvalidBaseImagePlatform (nothing is known of an image's platform), CopyIgnoredFile and
InvalidDefinitionDescription (only `experimental=` turns them on), and all of them where `# syntax=` names another
frontend, which may have other rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.errors import DockerfileError
from speedkit.messages import message

from ..linting.built_stage import Setting, StageLint
from ..linting.options import LintOptions, lint_options
from ..linting.whole_file import findings_in_file
from ..refusal import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..linting.finding import Finding
    from ..syntax import Dockerfile, Instruction

__all__ = ["Linting"]

_OVERRIDE = "BUILDKIT_DOCKERFILE_CHECK"
_SHOWN = 5


class Linting:
    """The findings that end one build."""

    def __init__(self, dockerfile: Dockerfile, build_args: Mapping[str, str]) -> None:
        """Raises DockerfileError for options that BuildKit's linter does not take."""
        self._dockerfile = dockerfile
        self._build_args = build_args
        self._stages: dict[int, StageLint] = {}
        self._options = LintOptions()
        if dockerfile.syntax is None:
            given, origin = build_args.get(_OVERRIDE), f"build-arg:{_OVERRIDE}"
            self._options = lint_options(dockerfile.check, "check options") if given is None else lint_options(given, origin)

    @property
    def findings_are_errors(self) -> bool:
        """Whether a finding ends the build."""
        return self._options.is_error

    def open_stage(self, index: int, *, base: int | None) -> None:
        """A stage that the build needs begins. base: the stage that it starts from."""
        before = None if base is None else self._stages.get(base)
        self._stages[index] = StageLint(self._dockerfile.escape, self._build_args, before)

    def check(self, instruction: Instruction, setting: Setting) -> None:
        """Looks at an instruction of a stage that was opened, before it changes the setting."""
        if self.findings_are_errors and instruction.stage is not None:
            self._stages[instruction.stage].check(instruction, setting)

    def finish(self, global_args: Mapping[str, str], default_args: Mapping[str, str] | None) -> None:
        """Raises DockerfileError when something was found. To be asked only where findings count.

        global_args: what FROM lines can refer to. default_args: the same, had no build argument been given; None where
        that cannot be told.
        """
        found = findings_in_file(self._dockerfile, global_args, default_args)
        found += [finding for stage in self._stages.values() for finding in stage.findings]
        found = [finding for finding in found if not self._options.skips(finding.rule)]
        if found:
            raise _refusal(found)


def _refusal(found: list[Finding]) -> DockerfileError:
    """BuildKit's words name the rules alone; the lines stand in its warnings."""
    ordered = sorted(found, key=lambda finding: finding.line)
    first, rules = ordered[0], ", ".join(dict.fromkeys(finding.rule for finding in found))
    told = "; ".join(
        message("line {line}: {finding}", line=finding.line, finding=finding.sentence) for finding in ordered[:_SHOWN]
    )
    if (more := len(ordered) - _SHOWN) > 0:
        told = message("{findings}; and {more} more", findings=told, more=more)
    fix = message("`check=error=true` makes every finding an error: {findings}.", findings=told)
    return refusal(f"lint violation found for rules: {rules}", first.line, fix=fix)
