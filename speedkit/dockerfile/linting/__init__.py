"""The findings of BuildKit's linter, for Dockerfiles in which a finding is an error (`# check=error=true`).

`Linting` checks the instructions of each stage that the build needs; `finish` raises the error. A finding needs certainty:
when a value is unknown, there is none.
Source: moby/buildkit, frontend/dockerfile/linter, dockerfile2llb and instructions.

These rules are not checked: InvalidBaseImagePlatform (the platform of an image is not known here), CopyIgnoredFile and
InvalidDefinitionDescription (only `experimental=` turns them on). With `# syntax=` no rule is checked, since another
frontend may have other rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.errors import DockerfileError
from speedkit.messages import message

from ..refusal import refusal
from .built_stage import Setting, StageLint
from .options import LintOptions, lint_options
from .whole_file import findings_in_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..syntax import Dockerfile, Instruction
    from .finding import Finding

__all__ = ["Linting"]

_OVERRIDE = "BUILDKIT_DOCKERFILE_CHECK"
_SHOWN = 5


class Linting:
    """The linter of one build."""

    def __init__(self, dockerfile: Dockerfile, build_args: Mapping[str, str]) -> None:
        """Raises DockerfileError for options that BuildKit's linter rejects."""
        self._dockerfile = dockerfile
        self._build_args = build_args
        self._stages: dict[int, StageLint] = {}
        self._options = LintOptions()
        if dockerfile.syntax is None:
            # The build arg replaces the directive as a whole, even when it is empty.
            override = build_args.get(_OVERRIDE)
            text, origin = (dockerfile.check, "check options") if override is None else (override, f"build-arg:{_OVERRIDE}")
            self._options = lint_options(text, origin)

    @property
    def findings_are_errors(self) -> bool:
        """Whether a finding ends the build."""
        return self._options.is_error

    def open_stage(self, index: int, *, base: int | None) -> None:
        """Begins a stage that the build needs. base: index of the stage that it starts from, None for an image."""
        base_lint = None if base is None else self._stages.get(base)
        self._stages[index] = StageLint(self._dockerfile.escape, self._build_args, base_lint)

    def check(self, instruction: Instruction, setting: Setting) -> None:
        """Checks an instruction of an open stage. setting: as it is before the instruction."""
        if self.findings_are_errors and instruction.stage is not None:
            self._stages[instruction.stage].check(instruction, setting)

    def finish(self, global_args: Mapping[str, str], default_args: Mapping[str, str] | None) -> None:
        """Raises DockerfileError for all findings together. Call it only when findings are errors.

        global_args: the variables of FROM lines. default_args: the same for a build without build args; None when they
        are unknown.
        """
        findings = findings_in_file(self._dockerfile, global_args, default_args)
        findings += [finding for stage in self._stages.values() for finding in stage.findings]
        findings = [finding for finding in findings if not self._options.skips(finding.rule)]
        if findings:
            raise _lint_error(findings)


def _lint_error(findings: list[Finding]) -> DockerfileError:
    """One error for all findings. BuildKit's own error names only the rules, and its warnings the lines: the fix has both."""
    ordered = sorted(findings, key=lambda finding: finding.line)
    first, rules = ordered[0], ", ".join(dict.fromkeys(finding.rule for finding in findings))
    sentences = "; ".join(
        message("line {line}: {finding}", line=finding.line, finding=finding.sentence) for finding in ordered[:_SHOWN]
    )
    if (more := len(ordered) - _SHOWN) > 0:
        sentences = message("{findings}; and {more} more", findings=sentences, more=more)
    fix = message("`check=error=true` makes every finding an error: {findings}.", findings=sentences)
    return refusal(f"lint violation found for rules: {rules}", first.line, fix=fix)
