"""The layers of an image as a widget: what made each, its files, their content, and what two images share.

All state is in `LayerBrowser`; `LiveWidget` brings it to the page and hears what the page says.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from speedkit.engine import file_content, layers_of
from speedkit.model import Build
from speedkit.page import layers_traits, layers_twin_html

from .layer_browser import LayerBrowser, Source
from .live_widget import LiveWidget, Message, static_text

if TYPE_CHECKING:
    from speedkit.engine import Engine

__all__ = ["LayersView"]


class LayersView(LiveWidget):
    """The layers of an image: a tree of files, a map by size, the content of files; beside another image, what differs.

    image, other: names or ids of images of the engine, paths of archives, or builds, which then give the name.
    engine: the one the `docker` command would use, when None.
    Raises: NoSuchImage, ArchiveError, EngineError.
    """

    static_name = "layers"

    title = traitlets.Unicode().tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    heading_html = traitlets.Unicode().tag(sync=True)
    images_html = traitlets.Unicode().tag(sync=True)
    files_title_html = traitlets.Unicode().tag(sync=True)
    tree_html = traitlets.Unicode().tag(sync=True)
    map_html = traitlets.Unicode().tag(sync=True)
    content_html = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, image: str | Path | Build, other: str | Path | Build | None = None, *, engine: Engine | None = None
    ) -> None:
        second = None if other is None else _source(other, engine)
        self._browser = LayerBrowser(_source(image, engine), second, self._wake)
        self._page = self._browser.page()
        self._shown = layers_traits(self._page)
        super().__init__(**self._shown)

    def _seen(self) -> dict[str, Any]:
        page = self._browser.page()
        if page != self._page:
            # A tree of 2,000 lines is written as HTML only when something in it has changed.
            self._page, self._shown = page, layers_traits(page)
        return self._shown

    def _in_words(self) -> str:
        return self._page.finding

    def _twin_html(self) -> str:
        return layers_twin_html(self._browser.page(), style=static_text("layers.css"), name=self.twin)

    def _complain(self, problem: BaseException) -> None:
        self._browser.complain(problem)

    def _hear(self, heard: Message) -> None:
        kind = heard.get("type")
        if kind == "view":
            self._browser.choose(dict(heard["patch"]), page=str(heard["page"]), number=int(heard["number"]))
        elif kind == "open":
            self._browser.open(str(heard["path"]), is_open=heard["open"] is True)
        elif kind == "more":
            self._browser.show_more(str(heard["path"]))


def _source(image: str | Path | Build, engine: Engine | None) -> Source:
    def read(path: str, place: int | None) -> bytes:
        return file_content(image, path, place=place, engine=engine)

    found = layers_of(image, engine=engine)
    return Source(replace(found, name=_told(image)) if isinstance(image, Build) else found, read)


def _told(build: Build) -> str:
    edit = [build.edit] if build.edit not in ("", "none") else []
    return ", ".join([build.strategy, *edit, *filter(None, [build.stand_ins])])
