"""What is built: a sample app or any folder with a Dockerfile, its strategies, and the edits to its files."""

from .app import COLD, App, Strategy
from .edits import AppliedEdit, Edit, append_line, replacement
from .folder_app import app_in_place, named_dockerfile, own_app
from .kept_app import KeptApp
from .probe import Probe
from .sample import (
    SAMPLE_FILES,
    SAMPLE_LANGUAGES,
    SAMPLE_SOURCES,
    SampleApp,
    language_of,
    sample_app,
    sample_edits,
    sample_folder,
)
from .sample_repository import SampleHistory, sample_history
from .samples import BROKEN_ON_PURPOSE
from .stale_copies import (
    FolderInUse,
    remove_leftovers,
    remove_leftovers_and_report,
    remove_unused_copies,
    typed_text_folders,
    typed_text_notice,
)
from .text_files import LARGEST_BYTES, file_names_below, read_text

__all__ = [
    "BROKEN_ON_PURPOSE",
    "COLD",
    "LARGEST_BYTES",
    "SAMPLE_FILES",
    "SAMPLE_LANGUAGES",
    "SAMPLE_SOURCES",
    "App",
    "AppliedEdit",
    "Edit",
    "FolderInUse",
    "KeptApp",
    "Probe",
    "SampleApp",
    "SampleHistory",
    "Strategy",
    "app_in_place",
    "append_line",
    "file_names_below",
    "language_of",
    "named_dockerfile",
    "own_app",
    "read_text",
    "remove_leftovers",
    "remove_leftovers_and_report",
    "remove_unused_copies",
    "replacement",
    "sample_app",
    "sample_edits",
    "sample_folder",
    "sample_history",
    "typed_text_folders",
    "typed_text_notice",
]
