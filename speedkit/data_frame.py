"""DataFrames whose text is safe to print: the cells hold what a Dockerfile, a log or a file's name holds, escapes included.

The values stay as they are; only what pandas prints of them changes. This is how pandas wants it done:
https://pandas.pydata.org/docs/development/extending.html#subclassing-pandas-data-structures
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from speedkit.visible import visible

__all__ = ["Column", "Frame"]


class Column(pd.Series):
    """A column of a Frame."""

    @property
    def _constructor(self) -> Callable[..., Any]:
        return Column

    @property
    def _constructor_expanddim(self) -> Callable[..., Any]:
        return Frame

    def to_string(self, *arguments: Any, **options: Any) -> Any:
        text = super().to_string(*arguments, **options)
        return visible(text) if isinstance(text, str) else text


class Frame(pd.DataFrame):
    """A DataFrame that shows control characters instead of obeying them, and takes no `$HOME` for a formula."""

    @property
    def _constructor(self) -> Callable[..., Any]:
        return Frame

    @property
    def _constructor_sliced(self) -> Callable[..., Any]:
        return Column

    def to_string(self, *arguments: Any, **options: Any) -> Any:
        text = super().to_string(*arguments, **options)
        return visible(text) if isinstance(text, str) else text

    def _repr_html_(self) -> Any:
        with pd.option_context("display.html.use_mathjax", False):
            html = super()._repr_html_()  # type: ignore[misc]
        return visible(html) if isinstance(html, str) else html
