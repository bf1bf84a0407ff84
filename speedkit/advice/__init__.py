"""Advice: how to make a project's builds faster, what to do about a failed build, and which instructions may come out
differently another time.

Pure: texts, manifests and situations in, patches and sentences out. Nothing is built or run for it.
"""

from __future__ import annotations

from .failed_builds import advice_on_failure
from .nondeterminism import UnsteadyStep, unsteady_steps
from .project_view import ProjectView
from .suggestion import Suggestion, unified_diff
from .suggestions import combined, suggest

__all__ = [
    "ProjectView",
    "Suggestion",
    "UnsteadyStep",
    "advice_on_failure",
    "combined",
    "suggest",
    "unified_diff",
    "unsteady_steps",
]
