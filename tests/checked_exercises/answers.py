"""Answers to the exercises, right and wrong. A wrong one is data: no code is needed for a new one.

wrong/<exercise>/<answer>/      files that are added to the first files of the exercise, or replace them
wrong/<exercise>/<answer>.txt   what the refusal must say, a piece of a sentence per line
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from speedkit.checked_exercises import Exercise

__all__ = ["WRONG", "WrongAnswer", "wrong_answers"]

WRONG = Path(__file__).with_name("wrong")


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A typical wrong answer. refusal: what the verdict must say."""

    exercise: str
    name: str
    folder: Path
    refusal: tuple[str, ...]

    def give(self, exercise: Exercise) -> None:
        """Put the answer into the working copy."""
        exercise.reset()
        for place in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            exercise.app.write(place.relative_to(self.folder).as_posix(), place.read_text())


def wrong_answers(exercise: str) -> list[WrongAnswer]:
    """The wrong answers of an exercise, by name."""
    folders = sorted(path for path in (WRONG / exercise).glob("*") if path.is_dir())
    return [
        WrongAnswer(exercise, folder.name, folder, tuple(folder.with_name(f"{folder.name}.txt").read_text().splitlines()))
        for folder in folders
    ]
