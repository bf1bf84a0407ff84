"""Says which steps of a build the cache holds, before the build (`predict`) and after it (`explain`). Pure: no engine.

In: situations, of the next build and of earlier builds. Out: for every step a verdict and a cause.
docs/buildkit-cache-rules.md has the rules of BuildKit's cache.
"""

from __future__ import annotations

from .changing_tree import ChangingTree
from .content_digest import Selector
from .explanation import Explanation, OtherCaches, StepExplanation, explain
from .frontend import lint
from .prediction import CacheModel, Forecast, StepForecast, Verdict, predict
from .situation import BaseImage, NamedContext, Situation
from .successive_builds import ForecastBuild, SuccessiveBuilds

__all__ = [
    "BaseImage",
    "CacheModel",
    "ChangingTree",
    "Explanation",
    "Forecast",
    "ForecastBuild",
    "NamedContext",
    "OtherCaches",
    "Selector",
    "Situation",
    "StepExplanation",
    "StepForecast",
    "SuccessiveBuilds",
    "Verdict",
    "explain",
    "lint",
    "predict",
]
