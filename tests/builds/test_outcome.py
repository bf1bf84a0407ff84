"""How a build ended, judged from what BuildKit reported: no engine is needed for that."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from speedkit.builders.base_choice import BuildBases
from speedkit.builds.outcome import breakage, error_of, failure_text, outcome_of
from speedkit.errors import DiskFull, EngineLost
from speedkit.recordings.rawjson import Solve

BASES = BuildBases({}, {"alpine": {"used": "alpine", "stand_in": False}}, "alpine")
NO_ROOM = "write /f: no space left on device"


def solve_of(*, log: str = "", error: str = "", words: str = "") -> Solve:
    """A solve of one step. error: why it failed, "" when it did not. words: what buildx printed last."""
    solve = Solve()
    vertex = {"digest": "sha256:1", "name": "[2/2] RUN it", "started": "2026-01-01T00:00:00Z", "error": error}
    logs = [{"vertex": "sha256:1", "stream": 1, "data": b64encode(log.encode()).decode(), "timestamp": "2026-01-01T00:00:01Z"}]
    solve.feed(json.dumps({"vertexes": [vertex], "logs": logs}).encode())
    if words:
        solve.feed(words.encode())
    return solve


def never_asked() -> bool:
    raise AssertionError("what is reported says it all")


@pytest.mark.parametrize(
    ("solve", "is_cancelled", "answers", "outcome"),
    [
        (solve_of(error="exit code: 1"), False, True, "failed"),
        (solve_of(error="exit code: 1"), False, False, "broken"),
        (solve_of(error="context canceled"), True, False, "cancelled"),
        (solve_of(words="ERROR: failed to receive status: rpc error: error reading from server: EOF"), False, True, "broken"),
        (solve_of(words="ERROR: process did not complete successfully: transport is closing"), False, True, "failed"),
        (solve_of(error="exit code: 1", log=NO_ROOM), False, True, "broken"),
        (solve_of(log=NO_ROOM, words="ERROR: something else"), False, True, "failed"),
    ],
)
def test_an_outcome_is_what_was_reported_and_whether_the_engine_is_there(solve, is_cancelled, answers, outcome):
    assert outcome_of(solve, 1, is_cancelled=is_cancelled, builder_answers=lambda: answers) == outcome


@pytest.mark.parametrize(
    ("solve", "is_cancelled"), [(solve_of(error="x", log=NO_ROOM), False), (solve_of(), True), (solve_of(), False)]
)
def test_an_engine_is_only_asked_where_nothing_else_tells(solve, is_cancelled):
    exit_code = 0 if not is_cancelled and not failure_text(solve) else 1
    assert outcome_of(solve, exit_code, is_cancelled=is_cancelled, builder_answers=never_asked) != "failed"


def test_an_error_holds_the_end_of_the_failed_steps_log_and_the_last_words():
    solve = solve_of(error="exit code: 1", log="a" * 5000 + "the reason", words="ERROR: failed to solve: exit code: 1")
    error = error_of(solve, "failed", BASES)
    assert "the reason\nERROR: failed to solve" in error
    assert len(error) < 5000
    assert error_of(solve, "done", BASES) is None
    assert error_of(solve, "cancelled", BASES) == "The build was cancelled."


def test_a_failure_is_told_though_its_explanation_fails():
    bases = BuildBases({}, {"alpine": {"used": "alpine"}}, "alpine")
    assert "ERROR: no\nAdvice on this failure could not be worked out: KeyError" in error_of(
        solve_of(words="ERROR: no"), "failed", bases
    )


def test_a_full_disk_and_a_lost_engine_are_two_errors_which_say_what_is_kept():
    full = breakage(solve_of(error="x", log=NO_ROOM), "the Docker engine at unix:///e.sock", "The recording r is kept.")
    lost = breakage(solve_of(), "the Docker engine at unix:///e.sock", "The recording r is kept.")
    assert (type(full), type(lost)) == (DiskFull, EngineLost)
    assert "The recording r is kept." in str(full)
    assert "The Docker engine at unix:///e.sock went away during the build. The recording r is kept." in str(lost)
