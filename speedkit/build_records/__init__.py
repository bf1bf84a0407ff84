"""Records of builds that were made elsewhere: `.dockerbuild` files, logs of CI, and the history of a builder."""

from __future__ import annotations

from .build_costs import BuildCost, SlowerStep
from .dockerbuild import read_exported
from .foreign_build import ForeignBuild, NotUnderstood, RecordKind
from .imports import ELSEWHERE, ImportedBuild, ImportedRecords, KnownHere, Shelf, import_records, imported_build
from .record_files import STANDARD_INPUT, RecordFile, read_records
from .text_log import read_text_log

__all__ = [
    "ELSEWHERE",
    "STANDARD_INPUT",
    "BuildCost",
    "ForeignBuild",
    "ImportedBuild",
    "ImportedRecords",
    "KnownHere",
    "NotUnderstood",
    "RecordFile",
    "RecordKind",
    "Shelf",
    "SlowerStep",
    "import_records",
    "imported_build",
    "read_exported",
    "read_records",
    "read_text_log",
]
