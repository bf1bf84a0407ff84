"""Reads Dockerfiles: text in, stages and instructions out. Needs no engine and reads no files.

`read_dockerfile` gives the `Dockerfile`. `needed_stages` and `external_bases` give the stages and the images that a build
of a target needs.
"""

from __future__ import annotations

from .checks import check_instruction
from .directives import requested_frontend, without_frontend
from .dockerfile_reader import read_dockerfile, read_instruction
from .editing import CannotEdit, DockerfileEditor
from .expansion import SubstitutionError, expand, expand_unquoted, expand_where_set
from .heredoc_marks import heredoc_mark
from .linting import Finding, Linting, refuse_findings
from .mounts import BOOLEAN_WORDS, Mount, mounts_of
from .stage_environment import StageEnvironment, normalized_path
from .stages import (
    SCRATCH,
    Origin,
    StageBase,
    base_platforms,
    external_bases,
    global_environment,
    host_platform,
    image_platform,
    needed_stages,
    origins_of,
    stage_bases,
    target_index,
)
from .syntax import Dockerfile, Heredoc, Instruction, Stage
from .values import (
    check_image_name,
    check_mode,
    check_platform,
    check_port,
    check_signal,
    context_name,
    fits_platform,
    normalized_platform,
)

__all__ = [
    "BOOLEAN_WORDS",
    "SCRATCH",
    "CannotEdit",
    "Dockerfile",
    "DockerfileEditor",
    "Finding",
    "Heredoc",
    "Instruction",
    "Linting",
    "Mount",
    "Origin",
    "Stage",
    "StageBase",
    "StageEnvironment",
    "SubstitutionError",
    "base_platforms",
    "check_image_name",
    "check_instruction",
    "check_mode",
    "check_platform",
    "check_port",
    "check_signal",
    "context_name",
    "expand",
    "expand_unquoted",
    "expand_where_set",
    "external_bases",
    "fits_platform",
    "global_environment",
    "heredoc_mark",
    "host_platform",
    "image_platform",
    "mounts_of",
    "needed_stages",
    "normalized_path",
    "normalized_platform",
    "origins_of",
    "read_dockerfile",
    "read_instruction",
    "refuse_findings",
    "requested_frontend",
    "stage_bases",
    "target_index",
    "without_frontend",
]
