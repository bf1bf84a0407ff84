"""What is built: the sample app or any folder with a Dockerfile, its strategies and the edits made to it."""

from .app import COLD, App, Strategy
from .edits import Applied, Edit, append_line, replacement
from .folder_app import app_in_place, own_app
from .probe import Probe
from .sample import BROKEN_ON_PURPOSE, sample_app, sample_folder
from .stale_copies import InUse, kept_texts, remove_unused_copies, said_of_typed, sweep_and_tell, sweep_leftovers
from .text_files import LARGEST_BYTES, entries_below, read_text

__all__ = [
    "BROKEN_ON_PURPOSE",
    "COLD",
    "LARGEST_BYTES",
    "App",
    "Applied",
    "Edit",
    "InUse",
    "Probe",
    "Strategy",
    "app_in_place",
    "append_line",
    "entries_below",
    "kept_texts",
    "own_app",
    "read_text",
    "remove_unused_copies",
    "replacement",
    "said_of_typed",
    "sample_app",
    "sample_folder",
    "sweep_and_tell",
    "sweep_leftovers",
]
