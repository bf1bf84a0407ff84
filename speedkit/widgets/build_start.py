"""Starts the workbench's builds as `speedkit.builds.start_build` does, but lets one strategy use the cache of another."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from speedkit.builders import EngineBuilder
from speedkit.builds import BuildOptions, RunningBuild, start_on_builder
from speedkit.engine import NO_OPTIONS, CommandOptions, connect

if TYPE_CHECKING:
    from speedkit.apps import App

__all__ = ["start_with_cache_of"]


def start_with_cache_of(
    app: App,
    strategy: str,
    *,
    cache_of: str,
    cold: bool,
    build_args: Mapping[str, str] = MappingProxyType({}),
    options: CommandOptions = NO_OPTIONS,
) -> RunningBuild:
    """A build in the background, by one strategy, with the cache of another or the same.

    cold: the build uses no results of earlier builds. options: as `checked_options` gives them.
    Raises: UnknownStrategy, Misuse for a secret that is not there, and what `connect` raises.
    """
    # An unknown strategy is an error even without an engine, so its name is checked first.
    build_strategy = app.strategy(strategy)
    builder = EngineBuilder(connect())
    isolation, edit = app.begin(cache_of, cold=cold)
    build_options = BuildOptions(
        isolation=isolation,
        edit=edit,
        begun_as=None if cold else cache_of,
        build_args=dict(build_args),
        options=options,
    )
    return start_on_builder(builder, app, build_strategy, build_options)
