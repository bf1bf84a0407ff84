"""The layers of an image as a widget: what made each, its files, their content, and what two images share.

All state is in `LayerBrowser`; `LiveWidget` exchanges values and messages with the page.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from speedkit.engine import file_content, layers_of
from speedkit.messages import facts_in_one
from speedkit.model import Build
from speedkit.page import layers_traits, layers_twin_html

from .layer_browser import LayerBrowser, ReadableImage
from .live_widget import LiveWidget, Message, static_text

if TYPE_CHECKING:
    from speedkit.engine import Engine

__all__ = ["LayersView"]


class LayersView(LiveWidget):
    """The layers of an image: a tree of files, a map by size, the content of files; beside another image, what differs.

    image, other: names or ids of images of the engine, paths of archives, or builds, which then give the name.
    engine: None takes the one that the `docker` command would use.
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
        second_image = None if other is None else _readable_image(other, engine)
        self._browser = LayerBrowser(_readable_image(image, engine), second_image, self._request_paint)
        self._page = self._browser.page()
        self._last_values = layers_traits(self._page)
        super().__init__(**self._last_values)

    def _new_trait_values(self) -> dict[str, Any]:
        page = self._browser.page()
        if page != self._page:
            # The HTML of a tree of 2,000 lines is made only when the page has changed, not once a second.
            self._page, self._last_values = page, layers_traits(page)
        return self._last_values

    def _plain_text(self) -> str:
        return self._page.finding

    def _twin_html(self) -> str:
        return layers_twin_html(self._browser.page(), style=static_text("layers.css"), name=self.twin)

    def _show_error(self, problem: BaseException) -> None:
        self._browser.show_error(problem)

    def _handle(self, request: Message) -> None:
        kind = request.get("type")
        if kind == "view":
            self._browser.choose(dict(request["patch"]), page=str(request["page"]), number=int(request["number"]))
        elif kind == "open":
            self._browser.open(str(request["path"]), is_open=request["open"] is True)
        elif kind == "more":
            self._browser.show_more(str(request["path"]))


def _readable_image(image: str | Path | Build, engine: Engine | None) -> ReadableImage:
    def read(path: str, place: int | None) -> bytes:
        return file_content(image, path, place=place, engine=engine)

    layers = layers_of(image, engine=engine)
    if isinstance(image, Build):
        # The name of a built image says nothing to a reader: it is named by how it was built.
        edits = [image.edit] if image.edit not in ("", "none") else []
        layers = replace(layers, name=facts_in_one([image.strategy, *edits, *filter(None, [image.stand_ins])]))
    return ReadableImage(layers, read)
