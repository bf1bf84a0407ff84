"""Everything that must be there before a build: checked by `doctor`, made by `run_setup`, removed by `clean`."""

from .checks import Check, Report, doctor
from .cleanup import clean, said_of_apt_file, said_of_copy
from .daemon import start_engine, status, stop_engine
from .setup_steps import run_setup

__all__ = [
    "Check",
    "Report",
    "clean",
    "doctor",
    "run_setup",
    "said_of_apt_file",
    "said_of_copy",
    "start_engine",
    "status",
    "stop_engine",
]
