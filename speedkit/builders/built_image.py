"""Facts of an image that a build made: its layers, and whether the program in it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from speedkit.apps import Probe
from speedkit.engine import Engine, ask_image, describe_image, layers_on, note_image, note_use
from speedkit.errors import EngineError, EngineLost, NotAsked

from .base_choice import BuildBases

__all__ = ["answer_of", "describe_result"]

ANSWERS_KEPT = 64

_good_answers: dict[tuple[str, Probe], dict[str, Any]] = {}


def describe_result(engine: Engine, image: str, *, tag: str, bases: BuildBases) -> dict[str, Any]:
    """The facts of an image that a recording keeps, as `speedkit.engine.describe_image` gives them.

    The image and its bases are noted as used, so that the limit for images removes others first.
    image: its id. tag: the name that the build gave it.
    Raises: NoSuchImage, EngineLost.
    """
    # Noted before it is described as well: should that fail, the image is still one that the kit may remove.
    note_image(engine, image, "result", name=tag)
    described = describe_image(engine, image, bases.final_layers)
    note_image(engine, image, "result", name=tag, layers=layers_on(described))
    note_use(engine, [str(base["id"]) for base in bases.facts.values()])
    return described


def answer_of(engine: Engine, image: str, probe: Probe, *, give_up: Callable[[], bool]) -> dict[str, Any] | None:
    """The answer of an image as a recording keeps it, `{"ok", "said"}`; None when `give_up` ended the wait.

    An image id never changes its meaning, so a good answer is kept for the next build that gives the same image.

    Raises: EngineLost; NotAsked where nobody can reach the image.
    """
    kept_answer = _good_answers.get((image, probe))
    if kept_answer is not None:
        return kept_answer
    try:
        reply = ask_image(engine, image, port=probe.port, path=probe.path, seconds=probe.seconds, give_up=give_up)
    except (EngineLost, NotAsked):
        raise
    except EngineError as problem:
        return {"ok": False, "said": str(problem)}
    if reply is None:
        return None
    answer = {"ok": reply.ok and probe.accepts(reply.text), "said": reply.text}
    if answer["ok"]:
        if len(_good_answers) >= ANSWERS_KEPT:
            _good_answers.clear()
        _good_answers[(image, probe)] = answer
    return answer
