"""Advice: what to do about a failed build, and which instructions may come out differently another time.

Pure: texts and situations in, sentences out. Nothing is built or run for it.
"""

from __future__ import annotations

from .failed_builds import advice_on_failure
from .nondeterminism import UnsteadyStep, unsteady_steps

__all__ = ["UnsteadyStep", "advice_on_failure", "unsteady_steps"]
