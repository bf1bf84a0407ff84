"""Exercises that are checked by their effect: real builds of the learner's own files, with edits that the learner did not see.

- `task`, `content`: the exercises, each a few words, a folder of files and a check. `findings` has the words of checks.
- `workplace`, `progress`: the learner's working copy and progress, which are kept.
- `checked_builds`, `checking`: the builds of a check, and its verdict.
- `learner_exercise`: an exercise as a reader uses it.
"""

from __future__ import annotations

from .checked_builds import CheckCancelled
from .checking import Verdict
from .learner_exercise import Exercise, ExerciseList, exercise, exercises, lesson_words, progress_words

__all__ = [
    "CheckCancelled",
    "Exercise",
    "ExerciseList",
    "Verdict",
    "exercise",
    "exercises",
    "lesson_words",
    "progress_words",
]
