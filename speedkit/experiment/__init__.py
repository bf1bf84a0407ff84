"""Real builds of an app, one at a time or compared."""

from speedkit.experiment.building import RunningBuild, build, start_build
from speedkit.experiment.comparison import Comparison, compare

__all__ = ["Comparison", "RunningBuild", "build", "compare", "start_build"]
