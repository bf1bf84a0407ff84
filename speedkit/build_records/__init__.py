"""Records of builds that were made elsewhere: `.dockerbuild` files, logs of CI, and the history of a builder."""

from __future__ import annotations

from .foreign_build import ForeignBuild, NotUnderstood, RecordKind
from .imports import ELSEWHERE, ImportedBuild, ImportedRecords, import_records
from .record_files import STANDARD_INPUT, RecordFile, read_records

__all__ = [
    "ELSEWHERE",
    "STANDARD_INPUT",
    "ForeignBuild",
    "ImportedBuild",
    "ImportedRecords",
    "NotUnderstood",
    "RecordFile",
    "RecordKind",
    "import_records",
    "read_records",
]
