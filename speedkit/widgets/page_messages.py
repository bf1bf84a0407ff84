"""The messages of the front end in the reader's language. `make catalogue` lists them in `static/messages.json`."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from speedkit.messages import for_page

__all__ = ["page_messages"]

LIST = Path(__file__).parent / "static" / "messages.json"


def page_messages() -> dict[str, Any]:
    """The catalogue that `speak` in `frontend/src/messages.ts` takes."""
    messages = _message_list()
    return for_page(messages["texts"], [(one, many) for one, many in messages["plurals"]])


@lru_cache(maxsize=1)
def _message_list() -> dict[str, Any]:
    messages: dict[str, Any] = json.loads(LIST.read_text(encoding="utf-8"))
    return messages
