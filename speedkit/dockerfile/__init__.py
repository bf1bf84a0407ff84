"""Reads Dockerfiles: text in, stages and instructions out. Pure: no engine, no files.

`read_dockerfile` gives the `Dockerfile`; `needed_stages` and `external_bases` say what a build of a target
runs and starts from.
"""

from __future__ import annotations

from speedkit.dockerfile.directives import requested_frontend, without_frontend
from speedkit.dockerfile.dockerfile_reader import read_dockerfile
from speedkit.dockerfile.expansion import SubstitutionError, expand
from speedkit.dockerfile.mounts import Mount, mounts_of
from speedkit.dockerfile.stages import (
    Origin,
    StageBase,
    external_bases,
    global_environment,
    host_platform,
    needed_stages,
    origins_of,
    platform_of,
    stage_bases,
    target_index,
)
from speedkit.dockerfile.syntax import Dockerfile, Heredoc, Instruction, Stage

__all__ = [
    "Dockerfile",
    "Heredoc",
    "Instruction",
    "Mount",
    "Origin",
    "Stage",
    "StageBase",
    "SubstitutionError",
    "expand",
    "external_bases",
    "global_environment",
    "host_platform",
    "mounts_of",
    "needed_stages",
    "origins_of",
    "platform_of",
    "read_dockerfile",
    "requested_frontend",
    "stage_bases",
    "target_index",
    "without_frontend",
]
