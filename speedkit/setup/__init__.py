"""Everything that must be there before a build: checked by `doctor`, made by `run_setup`, removed by `clean`."""

from speedkit.setup.checking import Check, Report, doctor
from speedkit.setup.cleaning import clean
from speedkit.setup.steps import run_setup

__all__ = ["Check", "Report", "clean", "doctor", "run_setup"]
