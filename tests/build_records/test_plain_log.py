"""Plain logs of BuildKit say again what the build did, however a CI system keeps them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import speedkit as sk
from speedkit.build_records import ForeignBuild
from speedkit.build_records.plain_log import PlainLogReader
from speedkit.engine.connection import Engine
from speedkit.recordings.rawjson import Solve, Vertex, read_rawjson
from speedkit.recordings.recording import read_recording
from tests.build_records.printed import CI_PREFIXES, PrintedStep, builds_read_by, plain_lines, with_prefix


def read(log: str | bytes) -> tuple[ForeignBuild, ...]:
    return builds_read_by(PlainLogReader(), log)


def read_one(log: str | bytes) -> ForeignBuild:
    (build,) = read(log)
    return build


def vertices(build: ForeignBuild) -> dict[str, Vertex]:
    return {vertex.name: vertex for vertex in read_rawjson(build.status_lines).vertices.values()}


def state(vertex: Vertex) -> str:
    if vertex.error:
        return "cancelled" if "context canceled" in vertex.error else "failed"
    return "cached" if vertex.cached else "open" if vertex.is_open else "done"


def facts(build: ForeignBuild) -> list[tuple[str, str, float, str]]:
    """What is read of each step: name, state, seconds and log."""
    solve = read_rawjson(build.status_lines)
    return [(one.name, state(one), round(one.seconds(solve.last), 1), one.log) for one in solve.vertices.values()]


SMALL = """\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 402B done
#1 DONE 0.0s

#2 [build 1/3] FROM docker.io/library/alpine@sha256:1
#2 sha256:2 3.15MB / 9.45MB 0.3s
#2 sha256:2 9.45MB / 9.45MB 0.5s done
#2 CACHED

#3 [build 2/3] RUN make
#3 0.412 one
#3 ...

#4 [test 1/1] RUN check
#4 0.100 checked
#4 DONE 1.9s

#3 [build 2/3] RUN make
#3 12.30 two
#3 DONE 13.2s

#5 exporting to image
#5 exporting layers 0.1s done
#5 DONE 0.1s
"""


def test_each_number_is_a_step_and_interleaved_lines_stay_with_theirs():
    build = read_one(SMALL)
    assert (build.kind, build.steps, build.cached_steps, build.outcome, build.not_understood) == ("plain log", 5, 1, "done", ())
    assert facts(build) == [
        ("[internal] load build definition from Dockerfile", "done", 0.0, ""),
        ("[build 1/3] FROM docker.io/library/alpine@sha256:1", "cached", 0.0, ""),
        ("[build 2/3] RUN make", "done", 13.2, "one\ntwo\n"),
        ("[test 1/1] RUN check", "done", 1.9, "checked\n"),
        ("exporting to image", "done", 0.1, ""),
    ]
    assert vertices(build)["[build 1/3] FROM docker.io/library/alpine@sha256:1"].bytes_fetched == 9_450_000
    assert build.dockerfile_name == "Dockerfile"


def test_a_log_without_times_has_no_seconds_and_no_date():
    build = read_one(SMALL)
    assert (build.seconds, build.started) == (None, None)


def test_times_of_a_ci_system_say_when_each_step_began():
    lines = [f"2024-05-01T12:00:{second:02}.5000000Z #{line}" for second, line in ((10, "1 [1/1] RUN x"), (14, "1 DONE 3.0s"))]
    build = read_one("\n".join(lines) + "\n")
    (vertex,) = read_rawjson(build.status_lines).vertices.values()
    assert (build.seconds, build.started) == (4.0, 1714564810.5)
    assert (vertex.started, vertex.seconds()) == (1714564811.5, 3.0)


def test_a_failed_build_keeps_its_errors_and_the_place_in_the_dockerfile():
    log = (
        "#1 [1/2] FROM alpine\n#1 CACHED\n\n#2 [2/2] RUN false\n#2 0.250 no\n#2 ERROR: process did not complete: exit code: 1\n"
        "------\n > [2/2] RUN false:\n0.250 no\n------\nDockerfile:2\n--------------------\n   1 |     FROM alpine\n"
        "   2 | >>> RUN false\n--------------------\nERROR: failed to solve: exit code: 1\n"
    )
    build = read_one(log)
    assert (build.outcome, build.error, build.not_understood) == ("failed", "ERROR: failed to solve: exit code: 1", ())
    solve = read_rawjson(build.status_lines)
    assert solve.error_text.splitlines()[::5] == ["Dockerfile:2", "ERROR: failed to solve: exit code: 1"]
    assert "   2 | >>> RUN false" in solve.error_text
    (vertex,) = [one for one in solve.vertices.values() if one.error]
    # BuildKit prints no time for a failed step; its last line came after a quarter of a second.
    assert (vertex.error, vertex.seconds(), vertex.log) == ("process did not complete: exit code: 1", 0.25, "no\n")


NO_CACHE = """\
#6 importing cache manifest from ghcr.io/x/y:cache
#6 ERROR: failed to configure registry cache importer: ghcr.io/x/y:cache: not found
------
 > importing cache manifest from ghcr.io/x/y:cache:
------
"""
LATER = [
    "",
    "Error: Process completed with exit code 1.\n",
    "ERROR: failed to fetch chart\n",
    "Error: The process 'x' failed\n",
]


@pytest.mark.parametrize("later", LATER)
def test_a_build_without_a_cache_that_it_could_not_import_is_done(later):
    """Nor does an error of what runs after the build end it."""
    bake = NO_CACHE.replace("importing", "[web] importing")
    # With `ignore-error`, a build goes on without the cache that it cannot export, too.
    export = NO_CACHE.replace("importing cache manifest from ghcr.io/x/y:cache", "exporting to GitHub Actions Cache")
    for log, steps in ((SMALL + NO_CACHE, 6), (SMALL + bake, 6), (SMALL + export, 6), (SMALL, 5)):
        build = read_one(log + later)
        assert (build.outcome, build.error, build.steps) == ("done", None, steps)
        assert [one[1] for one in facts(build)][5:] == ["failed"][: steps - 5]
        assert later.encode() not in build.status_lines or not later
    failed = read_one(SMALL + NO_CACHE + "ERROR: failed to build: failed to solve: failed to push x: denied\n")
    assert (failed.outcome, failed.error) == ("failed", "ERROR: failed to build: failed to solve: failed to push x: denied")


@pytest.mark.parametrize("action", ["buildx failed with", "buildx call failed with", "buildx bake failed with"])
def test_the_error_of_an_action_is_that_of_its_build(action):
    error = f"{action}: failed to solve: rpc error: code = Unknown desc = denied"
    build = read_one(f"{SMALL}##[error]{error}\n")
    assert (build.outcome, build.error) == ("failed", error)


def test_a_quoted_step_has_failed_even_when_the_line_with_its_error_is_lost():
    log = (
        "#7 [2/2] RUN false\n#7 0.250 no\n------\n > [2/2] RUN false:\n0.250 no\n------\nERROR: failed to solve: exit code: 1\n"
    )
    assert [one[:2] for one in facts(read_one(log))] == [("[2/2] RUN false", "failed")]


def test_an_error_of_several_lines_is_one_error():
    error = "git stderr:\nfatal: no such remote\n: exit status 128"
    build = read_one(f"#1 [internal] load git source\n#1 ERROR: {error}\n------\n > [internal] load git source:\n------\n")
    assert vertices(build)["[internal] load git source"].error == error


def test_a_step_that_ends_twice_has_the_longer_of_its_times():
    log = "#5 [1/2] FROM a\n#5 DONE 0.1s\n\n#6 [2/2] RUN x\n#6 DONE 1.0s\n\n#5 [1/2] FROM a\n#5 resolve a done\n#5 DONE 3.4s\n"
    assert [one[2] for one in facts(read_one(log))] == [3.4, 1.0]


def test_builds_one_after_the_other_are_told_apart_though_their_numbers_and_names_are_equal():
    first, second = read(SMALL.partition("\n\n")[2] * 2)
    assert facts(first) == facts(second) == facts(read_one(SMALL))


def test_builds_that_print_in_turns_are_told_apart_by_their_names():
    log = (
        "#1 [a 1/2] FROM x\n#1 DONE 0.1s\n#1 [b 1/2] FROM y\n#1 CACHED\n#2 [a 2/2] RUN a\n#2 0.1 from a\n"
        "#2 [b 2/2] RUN b\n#2 0.2 from b\n#2 [a 2/2] RUN a\n#2 0.3 more from a\n#2 DONE 1.0s\n#2 [b 2/2] RUN b\n#2 DONE 2.0s\n"
    )
    one, other = read(log)
    assert facts(one) == [("[a 1/2] FROM x", "done", 0.1, ""), ("[a 2/2] RUN a", "done", 1.0, "from a\nmore from a\n")]
    assert facts(other) == [("[b 1/2] FROM y", "cached", 0.0, ""), ("[b 2/2] RUN b", "done", 2.0, "from b\n")]


def test_a_vertex_of_two_targets_is_one_step_under_both_names():
    log = (
        "#1 [internal] load bake definitions\n#1 DONE 0.1s\n\n#2 [api build 1/2] WORKDIR /a\n#2 CACHED\n\n"
        "#3 [api build 2/2] RUN x\n#3 DONE 1.0s\n\n#2 [web build 1/2] WORKDIR /a\n#2 CACHED\n\n"
        "#4 exporting to image\n#4 DONE 0.1s\n"
    )
    build = read_one(log)
    assert (build.steps, build.cached_steps, build.outcome) == (4, 1, "done")


def old_step(number: int, name: str, lines: str) -> str:
    """A step as BuildKit printed it before 0.7."""
    started, digest = "2019-03-22 19:46:01.5 +0000 UTC", f"sha256:{number:064}"
    facts = [("digest", digest), ("name", json.dumps(name)), ("started", started)]
    printed = "".join(f"#{number} {fact + ':':>13} {value}\n" for fact, value in facts)
    shown = name if len(name) <= 72 else f"{name[:69]}..."
    return f"#{number} {shown}\n{printed}" + "".join(f"#{number} {line}\n" for line in lines.splitlines()) + "\n\n"


def test_versions_that_print_facts_in_place_of_an_end_are_read():
    ended = "   completed: 2019-03-22 19:46:04 +0000 UTC\n    duration: 1m2.5s\n"
    name = f"[2/4] RUN {'make all && ' * 8}true"
    log = (
        old_step(1, "[1/4] FROM docker.io/library/alpine", f"{ended}resolve docker.io/library/alpine done\n")
        + old_step(2, name, f"0.512 one\n{ended}")
        + old_step(
            3, "[3/4] COPY . .", "   completed: 2019-03-22 19:46:04 +0000 UTC\n    duration: 39.5µs\n      cached: true\n"
        )
        + old_step(4, "[4/4] RUN x", f'0.100 x\n{ended}       error: "executor failed: exit code: 2"\n')
    )
    build = read_one(log)
    assert facts(build) == [
        ("[1/4] FROM docker.io/library/alpine", "done", 62.5, ""),
        (name, "done", 62.5, "one\n"),
        ("[3/4] COPY . .", "cached", 0.0, ""),
        ("[4/4] RUN x", "failed", 62.5, "x\n"),
    ]
    assert (build.steps, build.cached_steps, build.outcome, build.error) == (4, 1, "failed", "executor failed: exit code: 2")
    assert (build.started, build.seconds, build.not_understood) == (1553283961.5, 2.5, ())
    cut = read_one(log[: log.index("#2    completed")])
    assert [one[1] for one in facts(cut)] == ["done", "open"]


@pytest.mark.parametrize("line", ["#{n} [s{n} 1/1] RUN x", "#*** [s 1/9] RUN {n}", "[p{n}] #1 [1/1] RUN x", "[p{n}] #1 0.1 x"])
def test_a_log_of_endless_builds_and_stages_is_read_in_bounds(line):
    log = "#1 [0/1] RUN x\n#1 CACHED\n" + "".join(f"{line.format(n=number)}\n" for number in range(2, 15_000))
    assert sum(build.steps for build in read(log)) <= 15_000


def test_what_is_left_out_of_a_log_with_too_many_builds_is_told(monkeypatch):
    monkeypatch.setattr("speedkit.build_records.plain_log.MOST_BUILDS", 2)
    monkeypatch.setattr("speedkit.build_records.plain_log.MOST_STEPS", 5)
    one, other = read("".join(f"[p{number}] #1 [1/1] RUN x\n[p{number}] #1 CACHED\n" for number in range(4)))
    assert (one.not_understood, [place.line for place in other.not_understood]) == ((), [5])
    (build,) = read("".join(f"#{number} [{number}/9] RUN x\n" for number in range(1, 9)) + "#1 CACHED\n")
    assert (build.steps, build.cached_steps, [place.line for place in build.not_understood]) == (5, 1, [6])


def test_a_builder_that_boots_is_no_build():
    boot = "#1 [internal] booting buildkit\n#1 pulling image moby/buildkit 2.5s done\n#1 DONE 3.0s\n"
    assert read(boot) == ()
    assert [build.steps for build in read(f"{boot}name: builder\n{SMALL}")] == [5]


def test_lines_that_nobody_understands_are_told_with_their_numbers():
    build = read_one("#1 [1/2] FROM a\n???\n#1 CACHED\nsome other program\n#2 [2/2] RUN x\n#2 DONE 1.0s\nafter the build\n")
    assert [(one.line, one.text) for one in build.not_understood] == [(2, "???"), (4, "some other program")]


@pytest.mark.parametrize("end", ["#2 DO", "#2 CACH", "#2 ERR", "#"])
def test_a_last_line_that_is_cut_says_nothing_about_its_step(end):
    build = read_one(f"#1 [1/2] FROM a\n#1 CACHED\n\n#2 [2/2] RUN x\n{end}")
    assert [one[1] for one in facts(build)] == ["cached", "open"]
    assert build.outcome is None
    assert [one.line for one in build.not_understood] == ([5] if end != "#" else [])


def test_a_log_that_begins_in_the_middle_keeps_the_steps_that_it_has():
    build = read_one("libs 1.2MB\n#7 9.120 linking\n#7 DONE 9.5s\n\n#4 [a 2/3] RUN x\n#4 CACHED\n")
    assert (build.steps, build.cached_steps) == (2, 1)
    assert facts(build) == [("#7", "done", 9.5, "linking\n"), ("[a 2/3] RUN x", "cached", 0.0, "")]
    assert [(one.line, one.text) for one in build.not_understood] == [(1, "libs 1.2MB")]
    assert build.lacks_first_steps
    assert not read_one(SMALL).lacks_first_steps
    assert not read_one(SMALL.replace("#1 ", "#*** ")).lacks_first_steps


def test_a_log_that_ends_in_the_middle_has_no_outcome():
    build = read_one(SMALL[: SMALL.index("#3 12.30")])
    assert (build.outcome, build.steps) == (None, 4)
    assert ("[build 2/3] RUN make", "open", 0.4, "one\n") in facts(build)


def test_a_clipped_log_says_so_in_its_step():
    log = "#1 [1/1] RUN x\n#1 0.1 a\n#1 0.2 [output clipped, log limit 2MiB reached]\n#1 DONE 4.0s\n"
    assert facts(read_one(log))[0][3] == "a\n[output clipped, log limit 2MiB reached]\n"


@pytest.mark.parametrize(
    "log",
    [
        "",
        "\n\n",
        "make: nothing to be done\n",
        "# a comment\n#include <x>\n",
        "#1 is best\n#2 DONE\n",
        "Step 1/2 : FROM a\n",
        "| #1 [1/2] x |\n| #2 DONE 1s |\n",
    ],
)
def test_a_log_of_no_build_gives_no_build(log):
    assert read(log) == ()


@pytest.mark.parametrize(
    "encoded", [SMALL.replace("\n", "\r\n").encode(), SMALL.encode("utf-16"), b"\xef\xbb\xbf" + SMALL.encode()]
)
def test_logs_of_windows_are_read(encoded):
    assert facts(read_one(encoded)) == facts(read_one(SMALL))


def test_cp1252_is_read_where_a_line_is_not_utf8():
    log = "#1 [1/1] RUN echo é\n#1 0.1 voilà\n".encode("cp1252") + "#1 0.2 naïve\n#1 DONE 1.0s\n".encode()
    assert facts(read_one(log)) == [("[1/1] RUN echo é", "done", 1.0, "voilà\nnaïve\n")]


def test_the_lines_of_a_ci_system_are_not_those_of_the_build():
    log = (
        "section_start:1714564800:build\r\x1b[0K$ docker build .\n##[group]#1 [1/2] FROM a\n#1 CACHED\n##[endgroup]\n"
        "\x1b[0m#2 [2/2] RUN x\n#2 0.1 \x1b[31mred\x1b[0m\n#2 DONE 1.0s\nsection_end:1714564900:build\r\x1b[0K\n"
    )
    build = read_one(log)
    assert facts(build) == [("[1/2] FROM a", "cached", 0.0, ""), ("[2/2] RUN x", "done", 1.0, "\x1b[31mred\x1b[0m\n")]
    assert build.not_understood == ()


def test_services_of_compose_have_numbers_of_their_own():
    log = "a-1  | #1 [1/1] RUN a\nb-1  | #1 [1/1] RUN b\na-1  | #1 DONE 1.0s\nb-1  | #1 CACHED\n"
    assert [facts(build) for build in read(log)] == [[("[1/1] RUN a", "done", 1.0, "")], [("[1/1] RUN b", "cached", 0.0, "")]]


MANY = "9" * 10_000
HOSTILE = [
    f"#{MANY}",
    f"#{MANY} DONE 1.0s",
    f"#1 {MANY}.1 x",
    f"#1 DONE {MANY}.0s",
    f"#1 x {MANY}MB / 1MB",
    f"{MANY}-01-01T00:00:00Z #1 a",
    "9999-12-31T23:59:59Z #1 DONE 1.0s",
    "#1 \x1b]0;title\x07\x1b[2J",
    "#1 " + "[" * 10_000,
]


@pytest.mark.parametrize("line", HOSTILE)
def test_hostile_lines_are_no_harm(line):
    (build,) = read(f"#1 [1/1] RUN x\n{line}\n#1 CACHED\n")
    assert (build.steps, build.cached_steps) == (1, 1)


# Builds made up by hypothesis.

SLOW = [HealthCheck.too_slow]
"""On a busy machine, making up a build may take Hypothesis long."""

TEXT = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=12).map(str.strip)
LOG = st.lists(st.tuples(st.floats(0, 9.9), TEXT), max_size=4).map(
    lambda lines: tuple((round(at, 3), text) for at, text in sorted(lines))
)


@st.composite
def builds(draw: st.DrawFn) -> tuple[list[PrintedStep], list[int]]:
    """Steps, and the order in which they print their lines."""
    states = st.sampled_from(["done", "done", "cached", "failed", "cancelled"])
    count = draw(st.integers(1, 6))
    steps = [
        PrintedStep(f"[stage {n + 1}/{count}] RUN {draw(TEXT)} {n}", draw(states), draw(st.integers(0, 999)) / 10, draw(LOG))
        for n in range(count)
    ]
    turns = draw(st.permutations([place for place, step in enumerate(steps) for _ in range(len(step.log) + 1)]))
    return steps, turns


def expected(steps: list[PrintedStep], turns: list[int]) -> list[tuple[str, str, float, str]]:
    order = dict.fromkeys(turns)
    return [
        (
            steps[place].name,
            steps[place].state,
            {"done": steps[place].seconds, "cached": 0.0}.get(
                steps[place].state, round(steps[place].log[-1][0] if steps[place].log else 0.0, 1)
            ),
            "".join(f"{text}\n" for _, text in steps[place].log),
        )
        for place in order
    ]


@pytest.mark.parametrize("prefix", CI_PREFIXES.values(), ids=CI_PREFIXES)
@settings(max_examples=15, suppress_health_check=SLOW)
@given(build=builds())
def test_what_buildkit_prints_is_read_back_behind_every_prefix(prefix, build):
    read_back = read_one(with_prefix([*plain_lines(*build)], prefix))
    times = {name: seconds for name, _, seconds, _ in expected(*build)}
    assert [(name, state, log) for name, state, _, log in facts(read_back)] == [
        (name, state, log) for name, state, _, log in expected(*build)
    ]
    if not prefix[:1].isdigit() and not prefix.startswith(("[2", "\x1b_bk")):
        assert {name: seconds for name, _, seconds, _ in facts(read_back)} == pytest.approx(times, abs=0.051)
    assert read_back.not_understood == ()


@settings(max_examples=60, suppress_health_check=SLOW)
@given(build=builds(), place=st.floats(0, 1), beginning=st.floats(0, 1))
def test_a_log_cut_anywhere_says_nothing_that_the_whole_log_does_not_say(build, place, beginning):
    log = with_prefix([*plain_lines(*build)], "")
    start, end = sorted((int(place * len(log)), int(beginning * len(log))))
    whole = {name: (one, log) for name, one, _, log in facts(read_one(log))}
    states = {one for one, _ in whole.values()}
    for part in read(log[start:end]):
        assert part.steps <= len(whole)
        for name, one, _, _ in facts(part):
            assert one == "open" or (whole[name][0] == one if name in whole else one in states)
    if start == 0:
        names = [one[0] for part in read(log[:end]) for one in facts(part)]
        assert all(name in whole or any(full.startswith(name) for full in whole) for name in names)


@settings(max_examples=40, suppress_health_check=SLOW)
@given(build=builds(), digit=st.sampled_from("0123456789"))
def test_a_secret_that_is_one_digit_hides_no_step(build, digit):
    lines = [*plain_lines(*build)]
    masked = read_one(with_prefix([line.replace(digit, "***") for line in lines], ""))
    plain = read_one(with_prefix(lines, ""))
    assert [one[1] for one in facts(masked)] == [one[1] for one in facts(plain)]
    assert [one[0] for one in facts(masked)] == [one[0].replace(digit, "***") for one in facts(plain)]


@settings(max_examples=40, suppress_health_check=SLOW)
@given(first=builds(), second=builds())
def test_two_builds_in_one_log_are_two(first, second):
    logs = [with_prefix([*plain_lines(*build)], "") for build in (first, second)]
    opening = b'#0 building with "default" instance using docker driver\n\n'
    assert [facts(build) for build in read(opening.join((b"", *logs)))] == [facts(read_one(log)) for log in logs]


# Builds of the kit, as BuildKit prints them.


def printed_by_buildkit(engine: Engine, dockerfile: str) -> bytes:
    """The plain log of a build, which the builder's history prints again."""

    def history(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        call = [str(engine.buildx), "history", *arguments]
        return subprocess.run(call, env={**os.environ, **engine.environment}, capture_output=True, check=True)

    listed = (json.loads(line) for line in history("ls", "--format", "json").stdout.splitlines())
    references = [one["ref"] for one in listed if one["name"].endswith(dockerfile)]
    logs = history("logs", "--progress", "plain", references[0].rpartition("/")[2])
    return logs.stdout + logs.stderr


def started(solve: Solve) -> dict[str, Vertex]:
    """The steps that began, without the one that buildx itself adds for the kit's metadata file."""
    began = (one for one in solve.vertices.values() if one.started is not None)
    return {one.name: one for one in began if not one.name.startswith("resolving provenance")}


@pytest.mark.engine
@pytest.mark.parametrize("ending", ["touch /done", "exit 3"])
def test_a_plain_log_of_a_real_build_says_what_its_recording_says(engine: Engine, folder, ending: str):
    name = f"Dockerfile.{os.urandom(6).hex()}"
    text = (
        "FROM alpine AS base\nRUN echo one; echo two >&2; sleep 0.3; printf 'a\\rb\\n'\n"
        "FROM base AS slow\nRUN sleep 2; echo late\n"
        f"FROM base\nCOPY note /\nRUN sleep 0.5; echo end; {ending}\nCOPY --from=slow /etc/passwd /\n"
    )
    place: Path = folder({name: text, "note": os.urandom(8).hex()})
    app = sk.app(place, dockerfile=name)
    for _ in range(2):
        recorded = sk.build(app)
        assert recorded.ok == (ending != "exit 3")
        logged = read_one(printed_by_buildkit(engine, name))
        recording = started(read_rawjson(read_recording(recorded.folder).lines()))
        log = started(read_rawjson(logged.status_lines))
        assert set(log) == set(recording)
        assert logged.steps == len(recording)
        assert logged.cached_steps == sum(one.cached for one in recording.values())
        assert logged.outcome == recorded.outcome
        for step, vertex in recording.items():
            assert (step, state(log[step]), log[step].error) == (step, state(vertex), shown_error(vertex))
            assert log[step].log == vertex.log
            # The printer leaves out samples, and of a transfer of some bytes also the last one.
            assert log[step].bytes_fetched in (0, pytest.approx(vertex.bytes_fetched, rel=0.01))
            if not vertex.error:
                assert log[step].seconds() == pytest.approx(vertex.seconds(), abs=0.06)


def shown_error(vertex: Vertex) -> str | None:
    return "context canceled" if state(vertex) == "cancelled" else vertex.error
