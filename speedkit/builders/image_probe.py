"""Asks an image that was built whether it does its work, once for each image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from speedkit.apps import Probe
from speedkit.engine import Engine, ask_image
from speedkit.errors import EngineError, EngineLost, NotAsked

__all__ = ["answer_of"]

ANSWERS_KEPT = 64

_answers: dict[tuple[str, Probe], dict[str, Any]] = {}


def answer_of(engine: Engine, image: str, probe: Probe, *, give_up: Callable[[], bool]) -> dict[str, Any] | None:
    """The answer of an image, as a recording holds it; None when asking was given up.

    An image id never changes its meaning, so a good answer is kept for the next build that gives the same image.

    Raises: EngineLost, NotAsked.
    """
    kept_answer = _answers.get((image, probe))
    if kept_answer is not None:
        return kept_answer
    try:
        answer = ask_image(engine, image, port=probe.port, path=probe.path, give_up=give_up)
    except (EngineLost, NotAsked):
        raise
    except EngineError as problem:
        return {"ok": False, "said": str(problem)}
    if answer is None:
        return None
    judged = {"ok": answer.ok and probe.accepts(answer.text), "said": answer.text}
    if judged["ok"]:
        if len(_answers) >= ANSWERS_KEPT:
            _answers.clear()
        _answers[(image, probe)] = judged
    return judged
