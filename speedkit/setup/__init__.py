"""Everything that must be there before a build: checked by `doctor`, made by `run_setup`, removed by `clean`."""

from speedkit.setup.checks import Check, Report, doctor
from speedkit.setup.cleanup import clean
from speedkit.setup.setup_steps import run_setup

__all__ = ["Check", "Report", "clean", "doctor", "run_setup"]
