"""Says which steps of a build the cache holds, before the build (`predict`) and after it (`explain`). Pure: no engine.

In: situations, the one of now and those of earlier builds. Out: for every step a verdict and a cause. How the cache
works is written down in docs/buildkit-cache-rules.md.
"""

from __future__ import annotations

from .explanation import Explanation, OtherCaches, StepExplanation, explain
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
    "predict",
]
