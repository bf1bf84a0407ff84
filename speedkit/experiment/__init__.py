"""Real builds of an app, one at a time or compared."""

from speedkit.experiment.building import RunningBuild, build, start, start_again, start_build, start_replay
from speedkit.experiment.comparison import Comparison, compare
from speedkit.experiment.request import BuildOptions

__all__ = [
    "BuildOptions",
    "Comparison",
    "RunningBuild",
    "build",
    "compare",
    "start",
    "start_again",
    "start_build",
    "start_replay",
]
