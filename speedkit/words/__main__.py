"""Writes the words of states for the page's own code: `python -m speedkit.words`."""

from __future__ import annotations

from pathlib import Path

from . import states_json

place = Path(__file__).parent.parent / "widgets" / "frontend" / "src" / "states.json"
place.write_text(states_json(), encoding="utf-8")
