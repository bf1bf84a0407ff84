"""Says which steps of a build the cache holds, before the build (`predict`) and after it (`explain`). Pure: no engine.

In: situations, of the next build and of earlier builds. Out: for every step a verdict and a cause.
docs/buildkit-cache-rules.md has the rules of BuildKit's cache.
"""

from __future__ import annotations

from .explanation import Explanation, OtherCaches, StepExplanation, explain
from .frontend import lint
from .prediction import CacheModel, Forecast, StepForecast, Verdict, predict
from .situation import BaseImage, NamedContext, Situation

__all__ = [
    "BaseImage",
    "CacheModel",
    "Explanation",
    "Forecast",
    "NamedContext",
    "OtherCaches",
    "Situation",
    "StepExplanation",
    "StepForecast",
    "Verdict",
    "explain",
    "lint",
    "predict",
]
