"""What was built before: found again, and asked why its steps were cached or ran, and what would run now."""

from speedkit.history.find_builds import recorded_builds, recording_of, recordings
from speedkit.history.forecast_while_typing import LiveForecast
from speedkit.history.miss_paths import Way, ways_of
from speedkit.history.playback import play
from speedkit.history.reasons import Reasons, explain, predict
from speedkit.history.repeated_build import Repeated, compare_cold_repeat, compare_with_repeat

__all__ = [
    "LiveForecast",
    "Reasons",
    "Repeated",
    "Way",
    "compare_cold_repeat",
    "compare_with_repeat",
    "explain",
    "play",
    "predict",
    "recorded_builds",
    "recording_of",
    "recordings",
    "ways_of",
]
