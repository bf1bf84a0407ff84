"""Starts the workbench's builds as `speedkit.builds.start_build` does, but lets one strategy use the cache of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from speedkit.builders import EngineBuilder
from speedkit.builds import BuildOptions, RunningBuild, start_on_builder
from speedkit.engine import connect

if TYPE_CHECKING:
    from speedkit.apps import App

__all__ = ["start_with_cache_of"]


def start_with_cache_of(app: App, strategy: str, *, cache_of: str, cold: bool) -> RunningBuild:
    """A build in the background, by one strategy, with the cache of another or the same.

    cold: the build uses no results of earlier builds.
    Raises: UnknownStrategy, and what `connect` raises.
    """
    # An unknown strategy is an error even without an engine, so its name is checked first.
    build_strategy = app.strategy(strategy)
    builder = EngineBuilder(connect())
    isolation, edit = app.begin(cache_of, cold=cold)
    options = BuildOptions(isolation=isolation, edit=edit, begun_as=None if cold else cache_of)
    return start_on_builder(builder, app, build_strategy, options)
