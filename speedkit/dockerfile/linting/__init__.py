"""The findings of BuildKit's linter: warnings, or errors in a Dockerfile with `# check=error=true`.

`Linting` checks the instructions of each stage that the build needs. `Linting.findings` has the violations, and
`refuse_findings` raises the error.
A finding needs certainty: when a value is unknown, there is none.
Source: moby/buildkit, frontend/dockerfile/linter, dockerfile2llb and instructions.

These rules are not checked: InvalidBaseImagePlatform (the platform of an image is unknown here), CopyIgnoredFile and
InvalidDefinitionDescription (only `experimental=` turns them on). With `# syntax=` no rule is checked, since another
frontend may have other rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.messages import message

from ..refusal import refusal
from .built_stage import Setting, StageLint
from .finding import Finding
from .options import LintOptions, lint_options
from .whole_file import findings_in_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..syntax import Dockerfile, Instruction

__all__ = ["Finding", "Linting", "refuse_findings"]

_OVERRIDE = "BUILDKIT_DOCKERFILE_CHECK"
_SHOWN = 5


class Linting:
    """The linter of one build."""

    def __init__(self, dockerfile: Dockerfile, build_args: Mapping[str, str], *, finds_warnings: bool = False) -> None:
        """finds_warnings: look for findings also where they are no errors, which takes as long as planning the build.

        Raises DockerfileError for options that BuildKit's linter rejects.
        """
        self._dockerfile = dockerfile
        self._build_args = build_args
        self._stages: dict[int, StageLint] = {}
        self._options = LintOptions()
        if dockerfile.syntax is None:
            # The build arg replaces the directive as a whole, even when it is empty.
            override = build_args.get(_OVERRIDE)
            text, origin = (dockerfile.check, "check options") if override is None else (override, f"build-arg:{_OVERRIDE}")
            self._options = lint_options(text, origin)
        self._is_used = self.findings_are_errors or (finds_warnings and dockerfile.syntax is None)

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
        if self._is_used and instruction.stage is not None:
            self._stages[instruction.stage].check(instruction, setting)

    def findings(self, global_args: Mapping[str, str], default_args: Mapping[str, str] | None) -> tuple[Finding, ...]:
        """All findings that the Dockerfile does not skip, in BuildKit's order; none with another frontend.

        global_args: the variables of FROM lines. default_args: the same for a build without build args; None when they
        are unknown.
        """
        if not self._is_used:
            return ()
        findings = findings_in_file(self._dockerfile, global_args, default_args)
        findings += [finding for stage in self._stages.values() for finding in stage.findings]
        return tuple(finding for finding in findings if not self._options.skips(finding.rule))


def refuse_findings(findings: Sequence[Finding]) -> None:
    """Raises one DockerfileError for all findings, if there is any.

    BuildKit's own error names only the rules, and its warnings the lines: the fix has both.
    """
    if not findings:
        return
    ordered = sorted(findings, key=lambda finding: finding.line)
    first, rules = ordered[0], ", ".join(dict.fromkeys(finding.rule for finding in findings))
    sentences = "; ".join(
        message("line {line}: {finding}", line=finding.line, finding=finding.sentence) for finding in ordered[:_SHOWN]
    )
    if (more := len(ordered) - _SHOWN) > 0:
        sentences = message("{findings}; and {more} more", findings=sentences, more=more)
    fix = message("`check=error=true` makes every finding an error: {findings}.", findings=sentences)
    raise refusal(f"lint violation found for rules: {rules}", first.line, fix=fix)
