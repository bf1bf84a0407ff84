"""Logs of the classic builder say again what the build did."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import speedkit as sk
from speedkit.build_records import ForeignBuild
from speedkit.build_records.classic_log import ClassicLogReader
from speedkit.engine.base_images import resolve_base
from speedkit.engine.connection import Engine
from speedkit.recordings.rawjson import Vertex, read_rawjson
from speedkit.recordings.recording import read_recording
from tests.build_records.printed import CI_PREFIXES, builds_read_by, with_prefix


def read(log: str | bytes) -> tuple[ForeignBuild, ...]:
    return builds_read_by(ClassicLogReader(), log)


def read_one(log: str | bytes) -> ForeignBuild:
    (build,) = read(log)
    return build


def state(vertex: Vertex) -> str:
    return "failed" if vertex.error else "cached" if vertex.cached else "open" if vertex.is_open else "ran"


def facts(build: ForeignBuild) -> list[tuple[str, str, str]]:
    """What is read of each step: name, state and log."""
    return [(one.name, state(one), one.log) for one in read_rawjson(build.status_lines).vertices.values()]


SLOW = [HealthCheck.too_slow]
"""On a busy machine, making up a build may take Hypothesis long."""

SMALL = """\
Sending build context to Docker daemon  9.027MB
Step 1/6 : FROM golang:alpine as builder
 ---> 0a29ea7cbdfd
Step 2/6 : WORKDIR /w
 ---> Using cache
 ---> 1a29ea7cbdfd
Step 3/6 : RUN make
 ---> Running in 06b96b3ef804
one
two
Removing intermediate container 06b96b3ef804
 ---> 2a29ea7cbdfd
Step 4/6 : FROM alpine
alpine: Pulling from library/alpine
a3ed95caeb02: Pull complete
Digest: sha256:1
Status: Downloaded newer image for alpine:latest
 ---> 3a29ea7cbdfd
Step 5/6 : COPY --from=builder /w /w
 ---> 4a29ea7cbdfd
Step 6/6 : CMD ["/w/x"]
 ---> Running in 16b96b3ef804
 ---> Removed intermediate container 16b96b3ef804
 ---> 194daff60077
Successfully built 194daff60077
Successfully tagged company/x:1
"""


def test_each_step_is_read_with_its_stage_and_what_it_printed():
    build = read_one(SMALL)
    assert (build.kind, build.steps, build.cached_steps, build.outcome) == ("classic log", 6, 1, "done")
    assert (build.not_understood, build.seconds, build.started) == ((), None, None)
    pulled = "alpine: Pulling from library/alpine\na3ed95caeb02: Pull complete\nDigest: sha256:1\n"
    assert facts(build) == [
        ("[builder 1/3] FROM golang:alpine as builder", "cached", ""),
        ("[builder 2/3] WORKDIR /w", "cached", ""),
        ("[builder 3/3] RUN make", "ran", "one\ntwo\n"),
        ("[stage-1 1/3] FROM alpine", "ran", pulled + "Status: Downloaded newer image for alpine:latest\n"),
        ("[stage-1 2/3] COPY --from=builder /w /w", "ran", ""),
        ('[stage-1 3/3] CMD ["/w/x"]', "ran", ""),
    ]


@pytest.mark.parametrize("prefix", CI_PREFIXES.values(), ids=CI_PREFIXES)
def test_the_prefixes_of_ci_systems_are_no_part_of_the_log(prefix):
    prefixed = read_one(with_prefix(SMALL.splitlines(), prefix))
    steps = [(name, one) for name, one, _ in facts(read_one(SMALL))]
    assert [(name, one) for name, one, _ in facts(prefixed)] == steps
    assert (prefixed.outcome, prefixed.not_understood) == ("done", ())


def test_times_before_each_line_give_the_seconds_of_each_step():
    texts = SMALL.splitlines()
    log = "".join(f"2024-05-01T12:00:{second:02}.0Z {line}\n" for second, line in enumerate(texts))
    build = read_one(log)
    vertices = read_rawjson(build.status_lines).vertices.values()
    assert {one.name[:15]: one.seconds() for one in vertices}["[builder 3/3] R"] == 5.0
    assert (build.started, build.seconds) == (1714564801.0, 23.0)
    assert [one for _, _, one in facts(build)][2] == "one\ntwo\n"


EXIT = "The command '/bin/sh -c make' returned a non-zero code: 2"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (f"RUN make\n ---> Running in 06b96b3ef804\nno\n{EXIT}\n", EXIT),
        (f"RUN make\n ---> Running in 06b96b3ef804\nERROR: Service 'x' failed to build: {EXIT}\n", EXIT),
        # What a command printed on its standard error is red, and the color ends right before the sentence.
        (f"RUN make\n ---> Running in 06b96b3ef804\n\x1b[91mno\n\x1b[0m{EXIT}\n", EXIT),
        (f"RUN make\n ---> Running in 06b96b3ef804\nThe command make is missing\n{EXIT}\n", EXIT),
        ("COPY a b\nCOPY failed: file not found in build context\n", "COPY failed: file not found in build context"),
        ('FROM there\nHead "https://registry/v2/there": net/http: request canceled\n',
         'Head "https://registry/v2/there": net/http: request canceled'),
        ("FROM nowhere\npull access denied for nowhere, repository does not exist\n",
         "pull access denied for nowhere, repository does not exist"),
    ],
)  # fmt: skip
def test_a_failed_step_has_its_error(text, error):
    build = read_one(f"Step 1/3 : FROM alpine\n ---> 0a29ea7cbdfd\nStep 2/3 : {text}")
    assert (build.outcome, build.error, build.steps) == ("failed", error, 2)
    assert [one[1] for one in facts(build)] == ["cached", "failed"]


def test_a_program_that_prints_about_errors_has_not_failed():
    build = read_one("Step 1/1 : RUN make\n ---> Running in 06b96b3ef804\nerror: none\nfailed to fail\n ---> 0a29ea7cbdfd\n")
    assert (build.outcome, build.error) == ("done", None)


def test_pip_that_has_built_a_package_does_not_end_the_build():
    pip = "Successfully built databricks-cli\nSuccessfully installed Flask-2.2.2\n"
    assert read_one(SMALL.replace("two\n", f"two\n{pip}")).steps == 6


def test_old_versions_count_from_zero_without_a_total():
    log = "Step 0 : FROM debian\n ---> 0a29ea7c\nStep 1 : RUN x\n ---> Using cache\n ---> 1a29ea7c\nSuccessfully built 1a29ea7c"
    assert (read_one(log).steps, read_one(log).cached_steps, read_one(log).outcome) == (2, 1, "done")


def test_a_log_that_begins_in_the_middle_says_so():
    assert read_one("Step 3/4 : RUN x\n ---> Using cache\n ---> 0a29ea7c\nStep 4/4 : CMD y\n").lacks_first_steps
    assert not read_one(SMALL).lacks_first_steps


@pytest.mark.parametrize("step", ["", "Step 1/2 : COPY a b\n"])
def test_triggers_are_part_of_their_from(step):
    uses = f"{step} ---> Using cache\n"
    log = f"Step 1/2 : FROM app:onbuild\n# Executing 2 build triggers\n{uses}{{}} ---> 0a29ea7cbdfd\nStep 2/2 : CMD x\n"
    assert (read_one(log.format(uses)).steps, read_one(log.format(uses)).cached_steps) == (2, 1)
    assert read_one(log.format("")).cached_steps == 0


def test_builds_one_after_the_other_and_in_turns_are_told_apart():
    assert [build.steps for build in read(SMALL * 3)] == [6, 6, 6]
    turns = (
        "Step 1/2 : FROM a\n ---> 0a29ea7cbdfd\nStep 1/3 : FROM b\n ---> 1a29ea7cbdfd\nStep 2/2 : RUN a\n ---> Using cache\n"
    )
    one, other = read(turns + "Step 2/3 : RUN b\n")
    assert [[name for name, _, _ in facts(build)] for build in (other, one)] == [
        ["[1/3] FROM b", "[2/3] RUN b"],
        ["[1/2] FROM a", "[2/2] RUN a"],
    ]
    assert (one.cached_steps + other.cached_steps, {one.outcome, other.outcome}) == (1, {None})


def test_a_warning_of_the_builder_is_understood():
    warning = "[Warning] One or more build-args [A] were not consumed\n"
    build = read_one(f"Step 1/1 : FROM a\n ---> 0a29ea7cbdfd\n{warning}Successfully built 0a29ea7cbdfd\n")
    assert (build.not_understood, build.outcome) == ((), "done")


def test_text_between_steps_that_is_not_understood_is_told_with_its_line():
    build = read_one("Step 1/2 : FROM a\n ---> 0a29ea7cbdfd\nwhat is this\nStep 2/2 : RUN b\n ---> Using cache\n ---> Usi")
    assert [(one.line, one.text) for one in build.not_understood] == [(3, "what is this"), (6, "---> Usi")]
    assert build.cached_steps == 1


@pytest.mark.parametrize(
    "log", ["", "Step by step\n", " ---> Using cache\n", "#1 [1/1] RUN x\n#1 CACHED\n", "Step x/y : FROM a\n"]
)
def test_a_log_of_no_build_gives_no_build(log):
    assert read(log) == ()


@settings(max_examples=80, suppress_health_check=SLOW)
@given(start=st.integers(0, len(SMALL)), end=st.integers(0, len(SMALL)))
def test_a_log_cut_anywhere_calls_no_step_cached_that_is_not(start, end):
    cached = {"FROM golang:alpine as builder", "WORKDIR /w"}
    for build in read(SMALL[start:end]):
        assert build.steps <= 6
        assert build.cached_steps <= 1
        for name, one, _ in facts(build):
            text = name.partition("] ")[2]
            assert one != "cached" or text in cached or text in ("FROM golang:alpine as builder", "FROM alpine")
        assert build.outcome != "failed"


@settings(max_examples=20, suppress_health_check=SLOW)
@given(digit=st.sampled_from("0123456789"))
def test_a_secret_that_is_one_digit_hides_no_step(digit):
    masked = read_one(SMALL.replace(digit, "***"))
    assert [one[1] for one in facts(masked)] == [one[1] for one in facts(read_one(SMALL))]
    assert masked.steps == 6


def test_a_log_that_nearly_says_that_a_command_failed_takes_no_longer():
    text = "The command 'x' " * 60_000
    assert read_one(f"Step 1/1 : RUN x\n{text}\n returned a non-zero code: x\n ---> 0a29ea7cbdfd\n").outcome == "done"


@pytest.mark.parametrize("number", ["9" * 10_000, "9" * 15, "-1"])
def test_hostile_numbers_are_no_harm(number):
    log = f"Step 1/{number} : FROM a\n ---> Using cache\nStep {number}/2 : RUN x\n# Executing {number} build triggers\n"
    for build in read(log + "\x1b]0;x\x07\n"):
        assert build.steps >= 1


@pytest.mark.engine
def test_a_classic_log_of_a_real_build_says_what_buildkits_recording_says(engine: Engine, folder):
    """The classic builder and BuildKit build the same files twice: the same steps run, and print the same."""
    base = resolve_base(engine, "alpine").used
    for code in (0, 3):
        # Nothing of it was built before, by neither of the two.
        new = os.urandom(6).hex()
        text = (
            f"FROM {base} AS build\nWORKDIR /{new}\nENV A=1\nCOPY note .\nRUN echo one; echo two; cp note made\n"
            f"FROM {base}\nCOPY --from=build /{new}/made /made\nRUN echo end; . /made\n"
        )
        place = folder({"Dockerfile": text, "note": f"exit {code} # {new}\n"})
        app = sk.app(place)
        for _ in range(2):
            answers = [*engine.api.build(path=str(place), rm=True, forcerm=True, labels={"dev.speedkit": "test"}, decode=True)]
            logged = read_one("".join(answer.get("stream", "") or answer.get("error", "") + "\n" for answer in answers))
            recorded = sk.build(app)
            assert (logged.outcome == "done") == recorded.ok == (code == 0)
            assert recorded.folder is not None
            recording = read_rawjson(read_recording(recorded.folder).lines()).vertices.values()
            numbered = [one for one in recording if one.name[1:].startswith(("build ", "stage-1 ")) and one.started is not None]
            built = {one.name.partition("] ")[2]: (state(one), one.log) for one in numbered if "] FROM" not in one.name}
            log = {name.partition("] ")[2]: (one, printed) for name, one, printed in facts(logged)}
            assert {name: log[name] for name in built} == built
            assert all(log[name][0] == "cached" for name in log if name.startswith("FROM"))
        image = logged.outcome == "done" and next(answer["aux"]["ID"] for answer in answers if "aux" in answer)
        if image:
            engine.api.remove_image(image, force=True)
