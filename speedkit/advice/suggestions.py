"""Suggestions for a project: of each rule alone, and of all rules together."""

from __future__ import annotations

import pkgutil
from collections.abc import Collection
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from speedkit.dockerfile import CannotEdit, SubstitutionError
from speedkit.errors import DockerfileError, Misuse
from speedkit.messages import sentences

from . import rules
from .build_plan import BuildPlan
from .rule import GROUPS, Rule
from .suggestion import Suggestion

if TYPE_CHECKING:
    from .project_view import ProjectView

__all__ = ["all_rules", "combined", "suggest"]

_MOST_ROUNDS = 4
_MOST_PLACES = 20
"""A rule is silent on its own result, so it applies once for each place; these only bound a mistake in a rule."""


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order in which they are applied together."""
    names = sorted(module.name for module in pkgutil.iter_modules(rules.__path__))
    loaded_rules = []
    for name in names:
        module = import_module(f"{rules.__name__}.{name}")
        loaded_rules.append(Rule(name.replace("_", "-"), module.GROUP, module.change))
    return tuple(sorted(loaded_rules, key=lambda rule: GROUPS.index(rule.group)))


def suggest(view: ProjectView) -> list[Suggestion]:
    """What each rule alone would change; each applies to the project as it is. [] for a Dockerfile that BuildKit refuses."""
    plan = _plan(view)
    if plan is None:
        return []
    suggestions = []
    for rule in all_rules():
        reasons: list[str] = []
        changed = _apply(rule, plan, reasons)
        if changed is not plan:
            suggestions.append(_suggestion(view, changed.view, rule.name, reasons))
    return suggestions


def combined(view: ProjectView, *, without: Collection[str] = ()) -> Suggestion | None:
    """All rules, one after the other until nothing more applies, as one change; None when no rule applies.

    without: the names of rules that are left out.
    """
    plan = _plan(view)
    if plan is None:
        return None
    names: list[str] = []
    reasons: list[str] = []
    for _ in range(_MOST_ROUNDS):
        before = plan
        for rule in (one for one in all_rules() if one.name not in without):
            changed = _apply(rule, plan, reasons)
            if changed is not plan:
                names.append(rule.name)
                plan = changed
        if plan is before:
            break
    if plan.view is view:
        return None
    return _suggestion(view, plan.view, "+".join(dict.fromkeys(names)), reasons)


def _plan(view: ProjectView) -> BuildPlan | None:
    try:
        plan = BuildPlan(view)
        return plan if plan.is_usual else None
    except (DockerfileError, Misuse, SubstitutionError):
        return None


def _apply(rule: Rule, plan: BuildPlan, reasons: list[str]) -> BuildPlan:
    """The plan after a rule was applied wherever it applies; the same plan where it has nothing to say."""
    for _ in range(_MOST_PLACES):
        try:
            change = rule.change(plan)
        except (CannotEdit, DockerfileError, Misuse, SubstitutionError):
            break
        # A change that BuildKit would refuse is none, nor is one that changes nothing, or that its linter likes less.
        changed = _plan(plan.view.with_files(change.files)) if change is not None else None
        if change is None or changed is None or _texts(changed) == _texts(plan) or changed.findings - plan.findings:
            break
        reasons.append(change.because)
        plan = changed
    return plan


def _texts(plan: BuildPlan) -> tuple[str, str]:
    return plan.view.dockerfile, plan.view.ignore_text


def _suggestion(view: ProjectView, changed: ProjectView, rule: str, reasons: list[str]) -> Suggestion:
    files: dict[str, str | None] = {}
    if changed.dockerfile != view.dockerfile:
        files[view.dockerfile_path] = changed.dockerfile
    if changed.ignore_text != view.ignore_text:
        files[changed.ignore_file_path or view.ignore_file_path] = changed.ignore_text
    return Suggestion.of(view, rule, sentences(dict.fromkeys(reasons)), files)
