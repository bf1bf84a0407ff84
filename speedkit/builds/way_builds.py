"""Builds of a way to build a project, for a measurement: files in a folder of the kit's own, in a cache of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from speedkit.apps import App, Strategy
from speedkit.builders import Builder
from speedkit.engine import Engine, checked_options, remove_results
from speedkit.model import Build

from .request import BuildOptions
from .running_build import RunningBuild, start_on_builder

if TYPE_CHECKING:
    from speedkit.projects import Way

__all__ = ["MeasuredBuilds", "start_measured"]


class MeasuredBuilds:
    """Builds that are waited for one after the other, and whose images nobody needs afterwards."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._images: set[str] = set()
        self._names: set[str] = set()

    def finished(self, running: RunningBuild) -> Build:
        """The build once it has ended. Ctrl-C ends the build. Raises: as `RunningBuild.wait`."""
        # Noted before the build ends, so that an interrupted one leaves no image either.
        self._names.add(running.request.tag)
        try:
            build = running.wait()
        except BaseException:
            running.stop()
            raise
        if build.image:
            self._images.add(build.image)
        return build

    def remove_images(self) -> None:
        """Remove the images of all these builds."""
        remove_results(self._engine, self._images, self._names)


def start_measured(
    builder: Builder,
    way: Way,
    *,
    app_name: str,
    source: Path,
    context: Path,
    strategy: Strategy,
    edit: str,
    isolation: str,
) -> RunningBuild:
    """A build in the background, with the way's target, build args and options.

    app_name: in recordings. With the name of the strategy it names the image, which must not have the name of the reader's own.
    source: the project's folder, where relative paths in the options begin. context: the folder to build.
    Raises: NoDockerfile, FileRefused, Misuse.
    """
    app = App(app_name, source, context, {strategy.name: strategy}, {}, private_cache=False)
    options = BuildOptions(
        edit=edit,
        isolation=isolation,
        target=way.target,
        build_args=dict(way.build_args),
        # Without its tags, which name images of the team's, and without its caches, which are those of other builds.
        options=checked_options(replace(way.options, tags=()), source),
    )
    return start_on_builder(builder, app, strategy, options)
