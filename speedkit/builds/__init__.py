"""Real builds of an app, one at a time or compared."""

from .build_inputs import dockerfile_text, sent_arguments, without_secrets
from .comparison import Comparison, compare
from .exit_handling import listen_for_the_end
from .host_commands import host_environment
from .housekeeping import room_taken
from .notebook_view import watch_in_notebook
from .request import BuildOptions
from .running_build import RunningBuild, build, recordings_folder, start, start_again, start_build, start_replay

__all__ = [
    "BuildOptions",
    "Comparison",
    "RunningBuild",
    "build",
    "compare",
    "dockerfile_text",
    "host_environment",
    "listen_for_the_end",
    "recordings_folder",
    "room_taken",
    "sent_arguments",
    "start",
    "start_again",
    "start_build",
    "start_replay",
    "watch_in_notebook",
    "without_secrets",
]
