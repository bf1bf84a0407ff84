"""The gate of a project: the budgets and claims that it sets itself, checked from forecasts, recordings or real builds."""

from __future__ import annotations

from .checking import check
from .github import markdown, workflow_commands
from .outcome import CheckEntry, CheckOutcome, StepThatRuns, amount_text
from .sarif import sarif_document
from .steps import shortened, steps_that_run

__all__ = [
    "CheckEntry",
    "CheckOutcome",
    "StepThatRuns",
    "amount_text",
    "check",
    "markdown",
    "sarif_document",
    "shortened",
    "steps_that_run",
    "workflow_commands",
]
