"""The options of BuildKit's linter: `skip=A,B;error=true`, of `# check=` or of a build argument."""

from __future__ import annotations

from dataclasses import dataclass, replace

from speedkit.errors import DockerfileError

from ..go_text import quoted
from ..mounts import BOOLEAN_WORDS
from ..refusal import refusal

__all__ = ["LintOptions", "lint_options"]


@dataclass(frozen=True, slots=True)
class LintOptions:
    """is_error: a finding ends the build. skipped: the rules that do not count. skips_all: none does."""

    is_error: bool = False
    skipped: frozenset[str] = frozenset()
    skips_all: bool = False

    def skips(self, rule: str) -> bool:
        return self.skips_all or rule in self.skipped


def lint_options(text: str, origin: str) -> LintOptions:
    """What the options say. origin: where they stand, in BuildKit's words. Raises DockerfileError."""
    options = LintOptions()
    for part in text.strip().split(";", 2) if text.strip() else ():
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or name not in ("skip", "experimental", "error"):
            raise _refusal(origin, f"invalid check option {quoted(name if equals else part)}")
        if name == "skip" and value == "all":
            options = replace(options, skips_all=True)
        elif name == "skip":
            options = replace(options, skipped=frozenset(rule.strip() for rule in value.split(",")))
        elif name == "error" and value in BOOLEAN_WORDS:
            options = replace(options, is_error=BOOLEAN_WORDS[value])
        elif name == "error":
            reason = f"strconv.ParseBool: parsing {quoted(value)}: invalid syntax"
            raise _refusal(origin, f"failed to parse check option {quoted(part)}: {reason}")
    return options


def _refusal(origin: str, reason: str) -> DockerfileError:
    return refusal(f"failed to parse {origin}: {reason}")
