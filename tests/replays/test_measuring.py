"""Seconds from real builds of a few commits."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from speedkit.projects import open_project
from speedkit.replays import findings, replay
from tests.git_history.small_repository import SmallRepository

DOCKERFILE = "FROM alpine\nCOPY package ./\nRUN sleep 1\nCOPY . .\nRUN echo built\n"

pytestmark = pytest.mark.engine


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallRepository:
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    return SmallRepository(tmp_path / "repository")


def test_measured_builds_tell_the_seconds_of_all_commits(small: SmallRepository) -> None:
    small.commit({"Dockerfile": DOCKERFILE, "package": "0", "a": "0"})
    for number in range(4):
        small.commit({"a": str(number + 1)})
    small.commit({"package": "1"})
    status = small.git("status", "--porcelain", "--ignored")
    said: list[str] = []
    measured = replay(open_project(small.folder), measure=2, say=said.append)
    assert measured.model is not None
    assert [one.commit for one in measured.model.builds] == [one.commit.id for one in measured.commits[2:]]
    assert len(said) == 3
    seconds = [one.seconds or 0.0 for one in measured.commits]
    assert seconds[-1] > seconds[0] + 0.9
    assert measured.total_seconds == pytest.approx(sum(seconds))
    assert {step.line for step in measured.commits[-1].verdicts.ran} == {2, 3, 4, 5}
    assert small.git("status", "--porcelain", "--ignored") == status
    images = subprocess.run(["docker", "images", "-q", "speedkit/repository-replayed"], capture_output=True, check=True)
    assert images.stdout == b""
    # The next replay takes what was recorded.
    recorded = replay(small.folder)
    assert recorded.model is not None
    assert recorded.model.from_recordings
    assert any("recorded builds" in sentence for sentence in findings(recorded))


def test_a_dockerfile_that_never_built_says_why_nothing_is_known(small: SmallRepository) -> None:
    small.commit({"Dockerfile": "FROM alpine\nCOPY . .\nRUN false\n", "a": "0"})
    small.commit({"a": "1"})
    small.commit({"a": "2"})
    measured = replay(small.folder, measure=1)
    assert measured.model is None
    assert "failed" in measured.problem
    assert any("failed" in sentence for sentence in findings(measured))
