"""Recordings of builds: writing them whole or not at all, reading them back, and making steps of their raw lines."""

from __future__ import annotations

from .log_limit import CUT_HERE, LogLimit
from .numbering import NUMBER_FILE
from .provenance import base_digests, built_dockerfile, vertex_lines
from .rawjson import Solve, Vertex, read_log_times, read_rawjson, read_status
from .recording import Meta, Recording, complete_recording, list_recordings, new_id, new_number, read_recording, write_recording
from .recording_limit import keep_recordings, size_of_recordings
from .recording_reader import assemble_build, read_build
from .redaction import Redaction, redaction_of
from .step_vertices import NAME as VERTEX_NAME
from .steps import BEFORE_STAGES, HOST_PREFIX, RUNS_IN_BUILDKIT, stage_text

__all__ = [
    "BEFORE_STAGES",
    "CUT_HERE",
    "HOST_PREFIX",
    "NUMBER_FILE",
    "RUNS_IN_BUILDKIT",
    "VERTEX_NAME",
    "LogLimit",
    "Meta",
    "Recording",
    "Redaction",
    "Solve",
    "Vertex",
    "assemble_build",
    "base_digests",
    "built_dockerfile",
    "complete_recording",
    "keep_recordings",
    "list_recordings",
    "new_id",
    "new_number",
    "read_build",
    "read_log_times",
    "read_rawjson",
    "read_recording",
    "read_status",
    "redaction_of",
    "size_of_recordings",
    "stage_text",
    "vertex_lines",
    "write_recording",
]
