"""The options of BuildKit's linter, `skip=A,B;error=true`, from `# check=` or from a build arg."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..go_text import quoted
from ..mounts import BOOLEAN_WORDS
from ..refusal import refusal

__all__ = ["LintOptions", "lint_options"]


@dataclass(frozen=True, slots=True)
class LintOptions:
    """is_error: a finding ends the build. skipped: rules to leave out. skips_all: leave out every rule."""

    is_error: bool = False
    skipped: frozenset[str] = frozenset()
    skips_all: bool = False

    def skips(self, rule: str) -> bool:
        return self.skips_all or rule in self.skipped


def lint_options(text: str, origin: str) -> LintOptions:
    """The options in a text. origin: BuildKit's name for the place of the text, for errors. Raises DockerfileError."""
    options = LintOptions()
    for part in text.strip().split(";", 2) if text.strip() else ():
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name not in ("skip", "experimental", "error"):
            raise refusal(f"failed to parse {origin}: invalid check option {quoted(name if equals else part)}")
        if name == "skip" and value == "all":
            options = replace(options, skips_all=True)
        elif name == "skip":
            options = replace(options, skipped=frozenset(rule.strip() for rule in value.split(",")))
        elif name == "error" and value in BOOLEAN_WORDS:
            options = replace(options, is_error=BOOLEAN_WORDS[value])
        elif name == "error":
            reason = f"strconv.ParseBool: parsing {quoted(value)}: invalid syntax"
            raise refusal(f"failed to parse {origin}: failed to parse check option {quoted(part)}: {reason}")
    return options
