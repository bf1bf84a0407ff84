"""What a rule of advice is: a module of `rules` with a function `change`, which finds a place to change, or nothing.

A rule says nothing where it is not certain that the image stays the same, file by file; times in its files do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .build_plan import BuildPlan

if TYPE_CHECKING:
    from speedkit.dockerfile import DockerfileEditor

__all__ = ["GROUPS", "Change", "Group", "Rule"]

Group = Literal["commands", "caches", "dependencies", "order", "context"]
GROUPS: tuple[Group, ...] = ("commands", "caches", "dependencies", "order", "context")
"""The order in which rules are applied together: a cache mount may make another layer needless, never the other way round."""


@dataclass(frozen=True, slots=True)
class Change:
    """because: the reason, one sentence. files: by path in the repository, the new text; None removes the file."""

    because: str
    files: Mapping[str, str | None]

    @classmethod
    def of_dockerfile(cls, plan: BuildPlan, editor: DockerfileEditor, because: str) -> Change:
        mark = "\ufeff" if plan.view.dockerfile.startswith("\ufeff") else ""
        return cls(because, {plan.view.dockerfile_path: mark + editor.text})


@dataclass(frozen=True, slots=True)
class Rule:
    """name: of its module, with hyphens. change: the change of a project, None where the rule has nothing to say."""

    name: str
    group: Group
    change: Callable[[BuildPlan], Change | None]
