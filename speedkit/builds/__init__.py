"""Real builds of an app, one at a time or compared."""

from speedkit.builds.comparison import Comparison, compare
from speedkit.builds.request import BuildOptions
from speedkit.builds.running_build import RunningBuild, build, start, start_again, start_build, start_replay

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
