"""What every exercise promises, without a build."""

from __future__ import annotations

import re

import pytest

import speedkit as sk
from speedkit.checked_exercises.content import TASKS
from speedkit.checked_exercises.solution import solution_diff
from speedkit.checked_exercises.task import DOCKERFILE, FILES
from speedkit.dockerfile import read_dockerfile
from speedkit.errors import UnknownExercise

from .answers import WRONG, wrong_answers


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
class TestEach:
    def test_has_words_hints_and_a_time(self, task):
        assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", task.name)
        assert task.name.startswith(f"{task.lesson}-")
        assert task.title
        assert task.text.endswith((".", "?"))
        assert len(task.hints) >= 2
        assert all(hint.endswith((".", "?")) for hint in task.hints)
        assert 1 <= task.minutes <= 30
        shown = sk.exercise(task.name)
        assert (shown.title, shown.task, shown.hints) == (task.title, task.text, task.hints)

    def test_has_a_solution_that_differs_from_the_first_files(self, task):
        first = task.start_files()
        assert DOCKERFILE in first
        solution = task.solution_files()
        assert solution
        assert all(first.get(path) != file for path, file in solution.items())
        assert solution_diff(task)

    def test_has_dockerfiles_that_can_be_read(self, task):
        for files in (task.start_files(), task.start_files() | task.solution_files()):
            assert read_dockerfile(files[DOCKERFILE].data.decode()).stages

    def test_has_two_wrong_answers_and_the_words_of_their_refusal(self, task):
        answers = wrong_answers(task.name)
        assert len(answers) >= 2
        for answer in answers:
            assert answer.refusal
            assert any(answer.folder.rglob("*"))


def test_no_folder_of_files_or_answers_is_left_of_an_exercise_that_is_gone():
    names = {task.name for task in TASKS}
    assert {path.name for path in FILES.iterdir()} - {"apps"} <= names
    assert {path.name for path in WRONG.iterdir()} == names


def test_names_are_unique_and_in_the_order_of_the_lessons():
    names = [task.name for task in TASKS]
    assert names == sorted(set(names))


def test_an_exercise_has_one_object_and_an_unknown_one_is_answered_with_similar_names():
    assert sk.exercise("03-download-once") is sk.exercise("03-download-once")
    with pytest.raises(UnknownExercise, match=r"There is no exercise '03-download'.*03-download-once"):
        sk.exercise("03-download")
    with pytest.raises(UnknownExercise, match="`speedkit exercises` lists all of them"):
        sk.exercise("zzz")
