"""What was built before: found again, and asked why its steps were cached or ran, and what would run now."""

from .find_builds import recorded_builds, recording_of, recordings
from .forecast_while_typing import LiveForecast
from .miss_paths import RUNS, Travel, Way, ways_of
from .playback import play
from .reasons import Reasons, explain, predict
from .repeated_build import Repeated, compare_cold_repeat, compare_with_repeat

__all__ = [
    "RUNS",
    "LiveForecast",
    "Reasons",
    "Repeated",
    "Travel",
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
