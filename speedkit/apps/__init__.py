"""What is built: the sample app or any folder with a Dockerfile, its strategies and the edits made to it."""

from speedkit.apps.app import COLD, App, Strategy
from speedkit.apps.edits import Applied, Edit, append_line, replacement
from speedkit.apps.folder_app import app_in_place, own_app
from speedkit.apps.probe import Probe
from speedkit.apps.sample import BROKEN_ON_PURPOSE, sample_app, sample_folder
from speedkit.apps.stale_copies import InUse, kept_texts, remove_unused_copies, said_of_typed, sweep_and_tell, sweep_leftovers

__all__ = [
    "BROKEN_ON_PURPOSE",
    "COLD",
    "App",
    "Applied",
    "Edit",
    "InUse",
    "Probe",
    "Strategy",
    "app_in_place",
    "append_line",
    "kept_texts",
    "own_app",
    "remove_unused_copies",
    "replacement",
    "said_of_typed",
    "sample_app",
    "sample_folder",
    "sweep_and_tell",
    "sweep_leftovers",
]
