"""DataFrames that are safe to print: cells hold text of Dockerfiles, logs and file names, which may hold control characters.

The values stay unchanged; only the printed text has escapes. The subclasses follow the pandas documentation:
https://pandas.pydata.org/docs/development/extending.html#subclassing-pandas-data-structures
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from speedkit.control_characters import visible

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
    """A DataFrame that prints control characters as escapes. In a notebook, `$HOME` is no formula of MathJax."""

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
