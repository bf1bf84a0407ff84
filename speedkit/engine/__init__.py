"""The only door to Docker: finding an engine, building, asking about images and running them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.lazy_imports import load_on_demand

if TYPE_CHECKING:
    from .base_images import (
        BASES,
        ISOLATION_MARKS,
        exported_stage,
        extended_names,
        go_settings,
        has_image,
        image_labels,
        isolated_base,
        isolated_name,
        make_image,
        plain_base,
        pull_image,
        ready_base,
        resolve_base,
        trust_labels,
    )
    from .build_request import BuildRequest
    from .buildx import CancellableCommand, SolveResult, run_buildx
    from .certificates import BUNDLE_IN_IMAGES, host_bundle, system_bundle
    from .children import child_process, run_child
    from .cleanup import KeptObject, RemovedObjects, remove_own
    from .command_options import (
        DOCKER_IMAGE,
        NO_OPTIONS,
        OCI_LAYOUT,
        CommandOptions,
        agent_ids,
        checked_options,
        is_address,
        joined_options,
        read_secrets,
        require_secrets,
        secret_values,
        unset_secrets,
    )
    from .command_runs import CommandRun, run_in_image
    from .connection import Engine, buildx_version, connect, engine_of_the_user, find_buildx
    from .containers import ask_image
    from .docker_settings import buildx_folder, endpoint_of_context
    from .frontends import is_dockers_frontend, note_unanswered, replaced_frontend
    from .host_go import OLDEST_GO, find_go, full_go_version
    from .identity import LABEL, installation_id, our_labels
    from .image_limit import keep_images, keep_stand_ins, size_of_images, size_of_stand_ins
    from .image_names import (
        CONTENTS_LABEL,
        STAND_INS,
        family_of,
        name_on_hub,
        stand_in_image,
        stand_in_images,
        with_go_settings,
    )
    from .images import describe_image, inspect_image, layers_on
    from .ledger import note_build, note_image, note_use
    from .result_removal import remove_results
    from .saved_image import file_content, layers_of, request_image, saved_stream

__all__ = [
    "BASES",
    "BUNDLE_IN_IMAGES",
    "CONTENTS_LABEL",
    "DOCKER_IMAGE",
    "ISOLATION_MARKS",
    "LABEL",
    "NO_OPTIONS",
    "OCI_LAYOUT",
    "OLDEST_GO",
    "STAND_INS",
    "BuildRequest",
    "CancellableCommand",
    "CommandOptions",
    "CommandRun",
    "Engine",
    "KeptObject",
    "RemovedObjects",
    "SolveResult",
    "agent_ids",
    "ask_image",
    "buildx_folder",
    "buildx_version",
    "checked_options",
    "child_process",
    "connect",
    "describe_image",
    "endpoint_of_context",
    "engine_of_the_user",
    "exported_stage",
    "extended_names",
    "family_of",
    "file_content",
    "find_buildx",
    "find_go",
    "full_go_version",
    "go_settings",
    "has_image",
    "host_bundle",
    "image_labels",
    "inspect_image",
    "installation_id",
    "is_address",
    "is_dockers_frontend",
    "isolated_base",
    "isolated_name",
    "joined_options",
    "keep_images",
    "keep_stand_ins",
    "layers_of",
    "layers_on",
    "make_image",
    "name_on_hub",
    "note_build",
    "note_image",
    "note_unanswered",
    "note_use",
    "our_labels",
    "plain_base",
    "pull_image",
    "read_secrets",
    "ready_base",
    "remove_own",
    "remove_results",
    "replaced_frontend",
    "request_image",
    "require_secrets",
    "resolve_base",
    "run_buildx",
    "run_child",
    "run_in_image",
    "saved_stream",
    "secret_values",
    "size_of_images",
    "size_of_stand_ins",
    "stand_in_image",
    "stand_in_images",
    "system_bundle",
    "trust_labels",
    "unset_secrets",
    "with_go_settings",
]

if not TYPE_CHECKING:
    __getattr__ = load_on_demand(__name__)
