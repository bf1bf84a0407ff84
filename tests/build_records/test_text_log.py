"""A log may hold the builds of several builders; a file of it is a record like any other."""

from __future__ import annotations

import io

import pytest

from speedkit.build_records import read_records
from speedkit.build_records.text_log import read_text_log

CLASSIC = "Step 1/1 : FROM a\n ---> Using cache\n ---> 0a29ea7cbdfd\nSuccessfully built 0a29ea7cbdfd\n"
PLAIN = "#1 [1/1] FROM a\n#1 CACHED\n\n#2 exporting to image\n#2 DONE 0.1s\n"


def test_builds_of_all_kinds_come_in_the_order_of_the_log():
    text = f"$ make\n{PLAIN}gcc -c x.c\n{CLASSIC}done\n{PLAIN}"
    builds = read_text_log(io.BytesIO(text.encode()))
    assert [(build.kind, build.steps, build.cached_steps) for build in builds] == [
        ("plain log", 2, 1),
        ("classic log", 1, 1),
        ("plain log", 2, 1),
    ]


def test_a_log_on_the_disk_is_a_record_and_other_text_is_none(tmp_path):
    (tmp_path / "a.log").write_text(PLAIN)
    (tmp_path / "notes.txt").write_text("#1 priority: build faster than 3 s\n# CACHED\n")
    builds = {file.name.rpartition("/")[2]: len(file.builds) for file in read_records(tmp_path)}
    assert builds["a.log"] == 1


OTHER_BUILDERS = {
    "STEP 1/2: FROM alpine\nSTEP 2/2: RUN make\n--> Using cache 0a29ea7cbdfd\nCOMMIT app\n": "Buildah",
    "[1/2] STEP 1/2: FROM alpine AS build\n[1/2] STEP 2/2: RUN make\n--> 0a29ea7cbdfd\n": "Buildah",
    "2024-05-01T12:00:00.1Z STEP 1: FROM alpine\n2024-05-01T12:00:01.1Z STEP 2: COMMIT app\n": "Buildah",
    "INFO[0000] Retrieving image alpine\nINFO[0001] Executing 0 build triggers\nINFO[0002] RUN make\n": "kaniko",
}


@pytest.mark.parametrize(("log", "builder"), OTHER_BUILDERS.items())
def test_a_log_of_another_builder_is_refused_by_its_name(log, builder, tmp_path):
    (tmp_path / "a.log").write_text(log)
    (file,) = read_records(tmp_path / "a.log")
    assert file.problem is not None
    assert f"It is a log of {builder}" in file.problem.what
    (tmp_path / "a.log").write_text(log + PLAIN)
    (both,) = read_records(tmp_path / "a.log")
    assert [build.kind for build in both.builds] == ["plain log"]
