"""The messages of the page's own code, which `make catalogue` lists in `static/messages.json`, in the reader's language."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from speedkit.messages import for_page

__all__ = ["page_messages"]

LIST = Path(__file__).parent / "static" / "messages.json"


def page_messages() -> dict[str, Any]:
    """What `speak` in `frontend/src/messages.ts` takes."""
    listed = _list()
    return for_page(listed["texts"], [(one, many) for one, many in listed["plurals"]])


@lru_cache(maxsize=1)
def _list() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(LIST.read_text(encoding="utf-8"))
    return found
