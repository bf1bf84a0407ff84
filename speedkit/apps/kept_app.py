"""An app whose working copy stays when the process ends: the owner of the folder decides how long it is kept."""

from __future__ import annotations

from pathlib import Path

from speedkit.ownership import discard
from speedkit.state import state_home

from .app import App, Strategy
from .edits import nothing, touch
from .working_copy import WorkingCopy

__all__ = ["KeptApp"]


class KeptApp(App):
    """A folder that is edited and built in place, and another one with its first files, for `reset`.

    source: the first files, which are only read. folder: a folder of the kit's own. products: files that builds make in it.
    cache: the name of the cache of its builds, which other apps may share.
    """

    def __init__(
        self, name: str, source: Path, folder: Path, strategy: Strategy, *, cache: str, products: frozenset[str] = frozenset()
    ) -> None:
        edits = {edit.name: edit for edit in (nothing(), touch(strategy.dockerfile.name))}
        copy = WorkingCopy(source, folder)
        super().__init__(name, source, folder, {strategy.name: strategy}, edits, private_cache=True, copy=copy)
        self.products = products
        self._token = cache

    @property
    def holds_typed_text(self) -> bool:
        """Never: what the reader typed stays anyway."""
        return False

    def close(self) -> None:
        """Remove the caches of its host builds, and added strategies. The folder stays."""
        discard(self._own_dockerfiles())
        for cache in self._cache_names:
            discard(state_home() / "host-caches" / cache)
