"""Holds documents against the schemas in docs/schemas, and refuses keys that a schema does not name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

__all__ = ["FOLDER", "check", "read_schema"]

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"


def read_schema(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())


def check(name: str, document: object) -> None:
    """Raise where a document is not as its schema says, or has more than it says."""
    Draft202012Validator(_closed(read_schema(name))).validate(document)


def _closed(schema: Any) -> Any:
    """The schema with every object closed. For users it is open: later versions may add keys."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(part) for key, part in schema.items()}
    if isinstance(closed.get("properties"), dict):
        closed.setdefault("additionalProperties", False)
    return closed
