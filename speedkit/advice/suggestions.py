"""Suggestions for a project: of each rule alone, and of all rules together."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from speedkit.dockerfile import CannotEdit, SubstitutionError
from speedkit.errors import DockerfileError, Misuse

from . import rules
from .build_plan import BuildPlan
from .rule import GROUPS, Change, Rule
from .suggestion import Suggestion

if TYPE_CHECKING:
    from .project_view import ProjectView

__all__ = ["all_rules", "combined", "suggest"]

_MOST_ROUNDS = 8
"""A rule is silent on its own result, so each applies a few times at most: once for a place."""


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order in which they are applied together."""
    names = sorted(module.name for module in pkgutil.iter_modules(rules.__path__))
    found = []
    for name in names:
        module = import_module(f"{rules.__name__}.{name}")
        found.append(Rule(name.replace("_", "-"), module.GROUP, module.change))
    return tuple(sorted(found, key=lambda rule: GROUPS.index(rule.group)))


def suggest(view: ProjectView) -> list[Suggestion]:
    """What each rule alone would change; each applies to the project as it is. [] for a Dockerfile that BuildKit refuses."""
    suggestions = []
    for rule in all_rules():
        reasons: list[str] = []
        changed = _apply(rule, view, reasons)
        if changed is not view:
            suggestions.append(_suggestion(view, changed, rule.name, reasons))
    return suggestions


def combined(view: ProjectView) -> Suggestion | None:
    """All rules, one after the other until nothing more applies, as one change; None when no rule applies."""
    current = view
    names: list[str] = []
    reasons: list[str] = []
    for _ in range(_MOST_ROUNDS):
        before = current
        for rule in all_rules():
            changed = _apply(rule, current, reasons)
            if changed is not current:
                names.append(rule.name)
                current = changed
        if current is before:
            break
    return None if current is view else _suggestion(view, current, "+".join(dict.fromkeys(names)), reasons)


def _apply(rule: Rule, view: ProjectView, reasons: list[str]) -> ProjectView:
    """The view with a rule applied wherever it applies; the same view where it has nothing to say."""
    for _ in range(_MOST_ROUNDS):
        change = _change(rule, view)
        if change is None:
            break
        reasons.append(change.because)
        view = view.with_files(change.files)
    return view


def _change(rule: Rule, view: ProjectView) -> Change | None:
    try:
        change = rule.change(BuildPlan(view))
        if change is None:
            return None
        changed = view.with_files(change.files)
        # A change that BuildKit would refuse is none, and neither is one that changes nothing.
        BuildPlan(changed)
        return change if (changed.dockerfile, changed.ignore_text) != (view.dockerfile, view.ignore_text) else None
    except (CannotEdit, DockerfileError, Misuse, SubstitutionError):
        return None


def _suggestion(view: ProjectView, changed: ProjectView, rule: str, reasons: list[str]) -> Suggestion:
    files: dict[str, str | None] = {}
    if changed.dockerfile != view.dockerfile:
        files[view.dockerfile_path] = changed.dockerfile
    if changed.ignore_text != view.ignore_text:
        files[changed.ignore_file_path or view.ignore_file_path] = changed.ignore_text
    return Suggestion.of(view, rule, " ".join(dict.fromkeys(reasons)), files)
