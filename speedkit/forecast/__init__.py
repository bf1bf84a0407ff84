"""Says which steps of a build the cache holds, before the build (`predict`) and after it (`explain`). Pure: no engine.

In: situations, the one of now and those of earlier builds. Out: for every step a verdict and a cause. How the cache
works is written down in docs/buildkit-cache-rules.md.
"""

from __future__ import annotations

from speedkit.forecast.explaining import Explanation, Others, StepExplanation, explain
from speedkit.forecast.predicting import Forecast, Forecaster, StepForecast, Verdict, predict
from speedkit.forecast.situation import BaseImage, NamedContext, Situation
from speedkit.forecast.unsteady import Unsteady, unsteady_steps

__all__ = [
    "BaseImage",
    "Explanation",
    "Forecast",
    "Forecaster",
    "NamedContext",
    "Others",
    "Situation",
    "StepExplanation",
    "StepForecast",
    "Unsteady",
    "Verdict",
    "explain",
    "predict",
    "unsteady_steps",
]
