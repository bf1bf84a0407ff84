"""Real builds of an app, one by one or compared with each other."""

from .build_inputs import dockerfile_text, dockerfile_without_secrets, effective_build_args, options_for
from .comparison import Comparison, compare
from .exit_handling import stop_builds_on_signals
from .host_commands import host_environment
from .housekeeping import disk_use
from .notebook_view import watch_in_notebook
from .progress import Watch, quiet_or_notebook
from .request import BuildOptions, options_of
from .running_build import RunningBuild, build, recordings_folder, start_again, start_build, start_on_builder, start_replay
from .way_builds import MeasuredBuilds, start_measured

__all__ = [
    "BuildOptions",
    "Comparison",
    "MeasuredBuilds",
    "RunningBuild",
    "Watch",
    "build",
    "compare",
    "disk_use",
    "dockerfile_text",
    "dockerfile_without_secrets",
    "effective_build_args",
    "host_environment",
    "options_for",
    "options_of",
    "quiet_or_notebook",
    "recordings_folder",
    "start_again",
    "start_build",
    "start_measured",
    "start_on_builder",
    "start_replay",
    "stop_builds_on_signals",
    "watch_in_notebook",
]
