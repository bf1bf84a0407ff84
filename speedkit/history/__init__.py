"""What was built before: found again, and asked why its steps were cached or ran, and what would run now."""

from speedkit.history.finding import recorded_builds, recording_of, recordings
from speedkit.history.live import LiveForecast
from speedkit.history.playing import play
from speedkit.history.reasons import Reasons, explain, predict
from speedkit.history.repeating import Repeated, compare_cold_repeat, compare_with_repeat
from speedkit.history.ways import Way, ways_of

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
