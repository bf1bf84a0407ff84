"""`speedkit import` reads what it can, and says what it cannot."""

from __future__ import annotations

import pytest

from speedkit.recordings import list_recordings
from tests.build_records.archives import record_file
from tests.build_records.test_build_costs import progress


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_record_that_cannot_be_read_does_not_keep_the_others_out(home, tmp_path, speedkit):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "a.dockerbuild").write_bytes(record_file())
    (tmp_path / "runs" / "b.dockerbuild").write_bytes(record_file()[:-30])
    code, out, err = speedkit("import", str(tmp_path / "runs"))
    assert (code, len(list_recordings(home / "recordings"))) == (3, 1)
    assert "a.dockerbuild" in out
    assert "b.dockerbuild" in err


def test_what_holds_no_build_is_said(home, tmp_path, speedkit):
    (tmp_path / "notes.txt").write_text("none\n")
    code, _, err = speedkit("import", str(tmp_path / "notes.txt"))
    assert code == 1
    assert "notes.txt has no build in it" in " ".join(err.split())


def test_a_part_of_a_log_is_told_from_a_whole_one(home, tmp_path, speedkit):
    (tmp_path / "part.log").write_text("#7 [3/5] RUN x\n#7 CACHED\n\n#8 [4/5] RUN y\n#8 0.5 text\n")
    code, out, _ = speedkit("import", str(tmp_path / "part.log"))
    assert code == 0
    assert "part.log: The record lacks the first steps of the build." in out
    assert "part.log: The record ends before the build does." in out


def test_a_month_of_records_names_the_cached_share_and_the_step_that_got_slower(home, tmp_path, speedkit):
    (tmp_path / "logs").mkdir()
    for day in (1, 2):
        (tmp_path / "logs" / f"{day}.json").write_text(progress(day, 4.0 * day))
    code, out, _ = speedkit("import", str(tmp_path / "logs"))
    assert code == 0
    assert out.count("50 %") == 2
    assert "Got slower: RUN make, 4.0 s in the first half of the builds, 8.0 s in the second." in " ".join(out.split())
