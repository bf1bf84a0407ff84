"""The one place where foreign text becomes text of a page: it cannot contain markup, and no character is invisible.

A browser obeys the bidirectional controls of Unicode as a terminal does (https://trojansource.codes), and shows nothing for a
character without width. On a page, both become the same escapes as on a terminal. `speedkit/widgets/frontend/src/visible.ts`
does the same for what the live widgets show.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from speedkit.control_characters import visible

__all__ = ["html_attributes", "html_text"]


def html_text(text: str) -> str:
    """Text for an element, or for an attribute in quotes."""
    return escape(visible(text))


def html_attributes(values: Mapping[str, object]) -> str:
    """The attributes of a start tag, each with a space before it. values: by name; None and "" are left out."""
    return "".join(f' {name}="{html_text(str(value))}"' for name, value in values.items() if value not in (None, ""))
