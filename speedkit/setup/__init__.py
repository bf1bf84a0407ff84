"""Everything that must be there before a build: checked by `doctor`, made by `run_setup`, removed by `clean`."""

from .checks import Check, Report, doctor
from .cleanup import clean, why_apt_file_stays, why_copy_stays
from .daemon import engine_status, start_engine, stop_engine
from .project_bases import ProjectBase, get_project_bases
from .setup_steps import run_setup

__all__ = [
    "Check",
    "ProjectBase",
    "Report",
    "clean",
    "doctor",
    "engine_status",
    "get_project_bases",
    "run_setup",
    "start_engine",
    "stop_engine",
    "why_apt_file_stays",
    "why_copy_stays",
]
