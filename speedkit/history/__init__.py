"""Builds that were recorded before: how to find them, why their steps were cached or ran, and what would run now."""

from .assumed_build import AssumedBuild
from .find_builds import recorded_builds, recording_of, recordings
from .forecast_while_typing import LiveForecast
from .miss_paths import RUN_STATES, MissPath, Travel, trace_misses
from .plain_builds import import_history
from .playback import play
from .reasons import Reasons, explain, predict
from .repeated_build import RepeatedBuild, compare_cold_repeat, compare_with_repeat

__all__ = [
    "RUN_STATES",
    "AssumedBuild",
    "LiveForecast",
    "MissPath",
    "Reasons",
    "RepeatedBuild",
    "Travel",
    "compare_cold_repeat",
    "compare_with_repeat",
    "explain",
    "import_history",
    "play",
    "predict",
    "recorded_builds",
    "recording_of",
    "recordings",
    "trace_misses",
]
