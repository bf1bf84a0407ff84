"""Situations for tests, written as short as they can be."""

from __future__ import annotations

from typing import NamedTuple

from speedkit.cache import BaseImage, Situation, StepExplanation, StepForecast
from speedkit.causes import cause_kind, cause_subjects
from speedkit.context import Entry, Manifest
from speedkit.dockerfile import read_dockerfile
from speedkit.words.causes import cause_sentences

__all__ = ["BASES", "cause_of", "manifest", "situation", "verdicts"]

BASES = {"base": BaseImage(("layer-1",)), "other": BaseImage(("layer-2",)), "golang": BaseImage(("go",), ("GO=1",))}


def manifest(**files: str) -> Manifest:
    """Files by name (`__` for a dot, `_in_` for a slash) and content; `-> x` makes a symlink, "" a folder."""
    entries = []
    for name, content in sorted(files.items()):
        path = name.replace("_in_", "/").replace("__", ".")
        if content.startswith("-> "):
            entries.append(Entry(path, "symlink", 0, 0o777, "", content[3:]))
        elif not content:
            entries.append(Entry(path, "dir", 0, 0o755, "", ""))
        else:
            entries.append(Entry(path, "file", len(content), 0o644, content, ""))
    return Manifest(tuple(entries))


def situation(text: str, files: Manifest | None = None, **more: object) -> Situation:
    return Situation(
        read_dockerfile(text),
        files or manifest(a="a"),
        **{"bases": BASES, "platform": "linux/amd64", **more},
    )


class Said(NamedTuple):
    """A cause as the JSON documents give it."""

    kind: str
    what: tuple[str, ...]
    sentence: str


def cause_of(step: StepForecast | StepExplanation) -> Said:
    """What a program and a person are told of a step's cause."""
    tense = "will" if isinstance(step, StepForecast) else "did"
    return Said(cause_kind(step.cause), cause_subjects(step.cause), cause_sentences(step.cause, step.also, tense))


def verdicts(forecast) -> dict[int, tuple[str, str]]:
    """For each line, what is expected and the kind of reason; of FROM nothing."""
    return {
        step.line: (step.forecast, cause_kind(step.cause)) for step in forecast.steps if not step.instruction.startswith("FROM")
    }
