"""Of what BuildKit drew on a terminal, the last picture of each build is read."""

from __future__ import annotations

import io

import pytest

from speedkit.build_records import ForeignBuild
from speedkit.build_records.text_log import read_text_log
from speedkit.recordings import read_rawjson

UP = "\x1b[1A" * 12 + "\x1b[1B\x1b[0G\x1b[?25l"
STEPS = (
    " => [internal] load build definition from Dockerfile          0.0s\n"
    " => => transferring dockerfile: 402B                          0.0s\n"
    " => CACHED [build 2/3] COPY . .                               0.0s\n"
)
FINISHED = f"[+] Building 12.3s (3/3) FINISHED     docker:default\n{STEPS} => [build 3/3] RUN make    11.9s\n => => # text\n"


def read(log: str) -> tuple[ForeignBuild, ...]:
    return read_text_log(io.BytesIO(log.encode()))


def facts(build: ForeignBuild) -> list[tuple[str, str, float]]:
    solve = read_rawjson(build.status_lines)
    return [
        (
            one.name,
            "failed" if one.error else "cached" if one.cached else "open" if one.is_open else "done",
            round(one.seconds(solve.last), 1),
        )
        for one in solve.vertices.values()
    ]


ALL = [
    ("[internal] load build definition from Dockerfile", "done", 0.0),
    ("[build 2/3] COPY . .", "cached", 0.0),
    ("[build 3/3] RUN make", "done", 11.9),
]


@pytest.mark.parametrize("earlier", ["", f"[+] Building 0.2s (1/3)\r\n{STEPS}{UP}", f"[+] Building 0.2s (0/3)\n{UP}"])
def test_the_last_picture_of_a_build_counts(earlier):
    (build,) = read(earlier + FINISHED.replace("\n =>", "\r\n\x1b[0m\x1b[34m =>"))
    assert (build.kind, build.steps, build.cached_steps, build.seconds, build.outcome) == ("plain log", 3, 1, 12.3, "done")
    assert facts(build) == ALL
    assert build.not_understood == ()


def test_seconds_may_stand_in_the_next_line():
    (build,) = read(FINISHED.replace("          0.0s\n", "\n  0.0s\n").replace("    11.9s", "\n 11.9s"))
    assert facts(build) == ALL
    assert build.not_understood == ()


def test_steps_without_seconds_are_told_and_counted_nowhere():
    (build,) = read(FINISHED.replace("    11.9s", ""))
    assert (build.steps, build.cached_steps) == (2, 1)
    assert [(place.line, place.text) for place in build.not_understood][1:] == [(5, "[build 3/3] RUN make")]
    (build,) = read(
        "[+] Building 12.3s (3/3) FINISHED\n => [1/2] FROM alpine\n => => resolve alpine\n => CACHED [2/2] RUN make\n"
    )
    assert (build.steps, build.cached_steps, [place.line for place in build.not_understood]) == (0, 0, [1, 2, 4])


def test_a_build_without_a_cache_that_it_could_not_import_is_done():
    name = "importing cache manifest from x/y:cache"
    log = FINISHED.replace(" => CACHED", f" => ERROR {name}   0.6s\n => CACHED") + f"------\n > {name}:\n------\nError: tests\n"
    (build,) = read(log)
    assert (build.outcome, build.error, build.steps, build.cached_steps) == ("done", None, 4, 1)


def test_two_finished_builds_are_two():
    assert [build.steps for build in read(FINISHED * 2)] == [3, 3]


def test_a_picture_that_is_not_the_last_does_not_say_which_steps_are_done():
    (build,) = read(f"[+] Building 3.0s (2/3)\n{STEPS} => [build 3/3] RUN make    2.5s\n")
    assert [one[1] for one in facts(build)] == ["open", "cached", "open"]
    assert (facts(build)[2][2], build.outcome) == (2.5, None)


def test_a_failed_build_says_why():
    quote = "------\n > [build 3/3] RUN make:\n------\nDockerfile:3\nERROR: failed to solve: exit code: 2\n"
    (build,) = read(f"[+] Building 3.0s (3/3) FINISHED\n{STEPS} => ERROR [build 3/3] RUN make    2.5s\n{quote}")
    assert (build.outcome, build.error) == ("failed", "ERROR: failed to solve: exit code: 2")
    assert facts(build)[2] == ("[build 3/3] RUN make", "failed", 2.5)


def test_steps_that_did_not_fit_on_the_terminal_are_told():
    (build,) = read(FINISHED.replace("3/3) F", "30/30) F"))
    assert [(one.line, one.text) for one in build.not_understood] == [
        (1, "[+] Building 12.3s (30/30) FINISHED     docker:default")
    ]


@pytest.mark.parametrize(
    "log", [" => x 0.1s\n", "[+] Running 2/2\n", "[+] Building 1.0s (0/1)\n", "[+] Building " + "9" * 9999]
)
def test_what_is_no_picture_of_a_build_gives_no_build(log):
    assert read(log) == ()
