"""Which vertex belongs to which instruction, from streams as BuildKit writes them."""

from __future__ import annotations

import pytest

from speedkit.dockerfile import read_dockerfile
from speedkit.recordings.rawjson import Solve, Vertex
from speedkit.recordings.steps import derive_steps


def solve(*names: str, cached: tuple[str, ...] = (), errors: dict[str, str] | None = None, chain: bool = True) -> Solve:
    """A stream that reported vertices of these names, each built on the one before."""
    found, before = Solve(first=0.0, last=10.0), ()
    for number, name in enumerate(names):
        digest = f"sha256:{number}"
        found.vertices[digest] = Vertex(
            digest,
            name,
            before if chain else (),
            "",
            name in cached,
            (errors or {}).get(name),
            {"x": (float(number), float(number) + 1)},
        )
        before = (digest,)
    return found


def steps(text: str, stream: Solve, *, outcome="done", target=None):
    return {
        step.line: step
        for step in derive_steps(read_dockerfile(text), stream, outcome=outcome, build_args={}, target=target)
        if step.kind == "instruction"
    }


def test_the_text_decides_when_it_is_the_dockerfiles_own():
    found = steps(
        "FROM a\nRUN one\nRUN two\n", solve("[1/3] FROM a", "[2/3] RUN one", "[3/3] RUN two", cached=("[2/3] RUN one",))
    )
    assert (found[2].state, found[3].state) == ("cached", "ran")


def test_the_position_decides_where_arguments_were_expanded():
    found = steps("FROM a\nARG V=1\nCOPY f$V /f\nRUN x\n", solve("[1/3] FROM a", "[2/3] COPY f1 /f", "[3/3] RUN x"))
    assert found[3].name == "[2/3] COPY f1 /f"
    assert found[2].state == "no-step"


def test_positions_start_lower_where_the_base_is_a_named_context():
    stream = solve("[context a] speedkit/x", "[1/3] COPY f1 /f", "[2/3] COPY f2 /g")
    found = steps("FROM a\nARG V\nCOPY f$V /f\nCOPY g$V /g\n", stream)
    assert found[1].name == "[context a] speedkit/x"
    assert [found[line].name for line in (3, 4)] == ["[1/3] COPY f1 /f", "[2/3] COPY f2 /g"]


def test_the_same_text_twice_in_a_stage_is_told_apart_by_position():
    found = steps("FROM a\nRUN x\nRUN x\n", solve("[1/3] FROM a", "[2/3] RUN x", "[3/3] RUN x", cached=("[2/3] RUN x",)))
    assert (found[2].state, found[3].state) == ("cached", "ran")


def test_equal_steps_of_two_stages_share_one_vertex():
    text = "FROM a AS one\nRUN x\nFROM a AS two\nRUN x\nCOPY --from=one /f /f\n"
    stream = solve("[one 1/2] FROM a", "[one 2/2] RUN x", "[two 3/3] COPY --from=one /f /f")
    found = steps(text, stream)
    assert found[4].name == "[one 2/2] RUN x"


@pytest.mark.parametrize("base", ["[two 1/3] FROM docker.io/library/a:latest@sha256:0", "[context b] speedkit/x"])
def test_a_stage_whose_beginning_is_reported_under_the_name_of_another_stage_ran_as_that_did(base):
    stages = "FROM a AS one\nWORKDIR /w\nRUN x\nFROM b AS two\nWORKDIR /w\nRUN y\n"
    text = f"{stages}FROM b\nCOPY --from=one /f /f\nCOPY --from=two /g /g\n"
    text = text.replace("FROM b AS two", "FROM a AS two") if "FROM" in base else text
    stream = solve(base, "[two 2/3] WORKDIR /w", "[one 3/3] RUN x", "[two 3/3] RUN y", cached=(base,))
    stream.vertices["sha256:3"].inputs = ("sha256:1",)
    found = steps(text, stream)
    assert [found[line].state for line in (1, 2, 3, 5)] == ["cached", "ran", "ran", "ran"]
    assert found[1].name == base
    assert found[2].name == "[two 2/3] WORKDIR /w"


def test_stages_that_the_target_does_not_use_are_marked():
    text = "FROM a AS one\nRUN x\nFROM a AS two\nRUN y\n"
    found = steps(text, solve("[two 1/2] FROM a", "[two 2/2] RUN y"))
    assert found[1].state == found[2].state == "not-needed"
    assert found[4].state == "ran"


def test_the_first_steps_of_equal_stages_share_their_vertices():
    text = "FROM a AS one\nCOPY f /f\nRUN x\nFROM a AS two\nCOPY f /f\nRUN x\nCOPY --from=one /f /g\n"
    found = steps(text, solve("[one 1/3] FROM a", "[two 2/4] COPY f /f", "[one 3/3] RUN x", "[two 4/4] COPY --from=one /f /g"))
    assert {found[line].state for line in (2, 3, 5, 6, 7)} == {"ran"}


def test_a_stage_that_is_not_used_takes_no_vertex_of_one_of_the_same_name_or_image():
    text = "FROM a AS one\nCOPY f /f\nFROM a AS one\nCOPY g /f\nFROM a AS two\nCOPY --from=one /f /g\n"
    found = steps(text, solve("[one 1/2] FROM a", "[one 2/2] COPY g /f", "[two 2/2] COPY --from=one /f /g"))
    assert [found[line].state for line in (1, 2, 4, 6)] == ["not-needed", "not-needed", "ran", "ran"]


def test_a_stage_that_starts_from_another_has_no_step_for_that():
    text = "FROM a AS one\nRUN x\nFROM one AS two\nRUN y\n"
    found = steps(text, solve("[two 1/3] FROM a", "[one 2/2] RUN x", "[two 1/1] RUN y"))
    assert found[3].state == "no-step"


def test_what_never_started_waits_and_what_was_running_was_cancelled():
    stream = solve("[1/3] FROM a", "[2/3] RUN x", "[3/3] RUN y")
    stream.vertices["sha256:1"].spans = {"x": (1.0, None)}
    stream.vertices["sha256:2"].spans = {}
    found = steps("FROM a\nRUN x\nRUN y\n", stream, outcome="cancelled")
    assert (found[2].state, found[3].state) == ("cancelled", "waiting")
    assert steps("FROM a\nRUN x\nRUN y\n", stream, outcome="running")[2].state == "running"


def test_a_failed_step_keeps_its_error_and_a_base_that_was_not_found_too():
    stream = solve("[1/2] FROM a", "[2/2] RUN x", errors={"[2/2] RUN x": "exit code: 1"})
    assert steps("FROM a\nRUN x\n", stream, outcome="failed")[2].error == "exit code: 1"
    name = "[internal] load metadata for docker.io/library/a:latest"
    stream = solve(
        "[internal] load metadata for docker.io/library/a",
        errors={"[internal] load metadata for docker.io/library/a": "no such host"},
    )
    assert steps("FROM a\n", stream, outcome="failed")[1].state == "failed"
    assert name


@pytest.mark.parametrize("written", ["a", "a:latest", "library/a", "docker.io/library/a", "index.docker.io/library/a:latest"])
@pytest.mark.parametrize("said", ["[context a] localhost:1/speedkit/a", "[context a:latest] localhost:1/speedkit/a"])
def test_a_base_is_known_by_each_of_its_names(written, said):
    assert steps(f"FROM {written}\n", solve(said))[1].name == said


@pytest.mark.parametrize("written", ["team/app", "team/app:2", "localhost:5000/app", "docker.io/team/app@sha256:01"])
def test_a_base_that_was_not_found_is_the_one_that_failed(written):
    said = written if written.startswith(("docker.io", "localhost")) else f"docker.io/{written}"
    name = f"[internal] load metadata for {said if ':' in said[12:] else f'{said}:latest'}"
    assert steps(f"FROM {written}\n", solve(name, errors={name: "no such host"}), outcome="failed")[1].state == "failed"


def test_platforms_in_names_and_onbuild_triggers_do_not_disturb():
    stream = solve(
        "[linux/amd64 b 1/4] FROM a",
        "[linux/amd64 b 2/4] ONBUILD COPY . .",
        "[linux/amd64 b 3/4] RUN x",
        "[linux/amd64 b 4/4] RUN y",
    )
    found = steps("FROM a AS b\nRUN x\nRUN y\n", stream)
    assert found[2].name.endswith("RUN x")
    assert found[3].name.endswith("RUN y")


def test_a_dockerfile_that_does_not_parse_still_shows_what_buildkit_said():
    stream = solve("[internal] load build definition from Dockerfile", "[host 1/1] make exe")
    found = derive_steps(None, stream, outcome="failed", build_args={}, target=None)
    assert [(step.kind, step.instruction) for step in found] == [
        ("host", "make exe"),
        ("internal", "[internal] load build definition from Dockerfile"),
    ]


def test_global_arguments_stand_before_the_stages():
    found = steps("ARG V=a\nFROM $V\n", solve("[context a] x"))
    assert found[1].stage == "before the stages"
    assert found[2].name == "[context a] x"


def test_an_unknown_target_hides_no_step():
    found = steps("FROM a AS one\nRUN x\n", solve("[one 1/2] FROM a", "[one 2/2] RUN x"), target="nope")
    assert found[2].state == "ran"


def test_positions_padded_to_the_width_of_the_total_are_read():
    text = "FROM a AS b\n" + "".join(f"RUN {number}\n" for number in range(1, 11))
    names = ["[b  1/11] FROM a", *(f"[b {number + 1:2}/11] RUN {number}" for number in range(1, 11))]
    found = steps(text, solve(*names))
    assert [found[line].name for line in range(2, 12)] == names[1:]
    assert {found[line].state for line in range(2, 12)} == {"ran"}
    single = steps(text.replace(" AS b", ""), solve(*(name.replace("[b ", "[") for name in names)))
    assert {single[line].state for line in range(2, 12)} == {"ran"}


def added(*, cached: bool, error: str | None = None) -> Solve:
    """What BuildKit reports of an ADD of an address: one vertex fetches for two seconds, another of that name adds the file."""
    name = "[2/2] ADD http://x/f /f"
    found = Solve(first=0.0, last=10.0)
    found.vertices["add"] = Vertex("add", name, ("fetch",), cached=cached, spans={} if error else {"y": (3.0, 3.5)})
    found.vertices["fetch"] = Vertex("fetch", name, error=error, spans={"x": (1.0, 3.0)}, transfers={"f": 7})
    return found


def test_an_address_that_serves_the_same_leaves_its_add_cached():
    found = steps("FROM a\nADD http://x/f /f\n", added(cached=True))
    assert (found[2].state, found[2].bytes_fetched) == ("cached", 0)


def test_an_add_takes_as_long_as_its_download_and_the_rest_together():
    step = steps("FROM a\nADD http://x/f /f\n", added(cached=False))[2]
    assert (step.state, step.seconds, step.bytes_fetched, step.started_seconds) == ("ran", 2.5, 7, 1.0)


def test_an_add_whose_download_failed_has_failed():
    step = steps("FROM a\nADD http://x/f /f\n", added(cached=False, error="404"), outcome="failed")[2]
    assert (step.state, step.error) == ("failed", "404")


def graph(*entries: tuple[str, str, tuple[str, ...]], cached: tuple[str, ...] = (), failed: str = "") -> Solve:
    """A stream as BuildKit reports it: digest, name and inputs of each vertex."""
    found = Solve(first=0.0, last=10.0)
    for digest, name, inputs in entries:
        error = "exit code: 1" if digest == failed else None
        found.vertices[digest] = Vertex(digest, name, inputs, "", digest in cached, error, {"x": (1.0, 2.0)})
    return found


TWO_STAGES = """FROM IMG AS build
RUN echo one > /app
FROM IMG
ENV DEST=/srv
WORKDIR $DEST
COPY --from=build /app $DEST/app
"""


def test_a_stage_of_expanded_steps_whose_base_is_reported_under_another_stage_has_its_own_vertices():
    stream = graph(
        ("from", "[build 1/2] FROM docker.io/library/img:latest", ()),
        ("run", "[build 2/2] RUN echo one > /app", ("from",)),
        ("workdir", "[stage-1 2/3] WORKDIR /srv", ("from",)),
        ("copy", "[stage-1 3/3] COPY --from=build /app /srv/app", ("workdir", "run")),
        cached=("from", "run"),
    )
    found = steps(TWO_STAGES.replace("IMG", "img"), stream)
    assert {line: (step.state, step.digest) for line, step in found.items()} == {
        1: ("cached", "from"),
        2: ("cached", "run"),
        3: ("cached", "from"),
        4: ("no-step", None),
        5: ("ran", "workdir"),
        6: ("ran", "copy"),
    }


def test_two_heredocs_with_one_first_line_are_two_steps():
    text = "FROM a\nRUN <<EOT\necho a\ntrue\nEOT\nRUN <<EOT\necho a\nfalse\nEOT\n"
    stream = graph(
        ("from", "[1/3] FROM a", ()),
        ("one", "[2/3] RUN <<EOT (echo a...)", ("from",)),
        ("two", "[3/3] RUN <<EOT (echo a...)", ("one",)),
        failed="two",
    )
    found = steps(text, stream, outcome="failed")
    assert (found[2].state, found[6].state) == ("ran", "failed")


ONBUILD = """FROM a AS base
ONBUILD COPY $F /f
ONBUILD ENV X=/
ONBUILD RUN echo $X
FROM base
ARG F=g
WORKDIR $X
COPY $F /g
"""


def triggered(**options) -> tuple:
    stream = graph(
        ("from", "[base 1/1] FROM a", ()),
        ("t1", "[stage-1 1/5] ONBUILD COPY  /f", ("from", "context")),
        ("t2", "[stage-1 2/5] ONBUILD RUN echo /", ("t1",)),
        ("copy", "[stage-1 3/5] COPY g /g", ("t2", "context")),
        **options,
    )
    dockerfile = read_dockerfile(ONBUILD)
    outcome = "failed" if options.get("failed") else "done"
    found = derive_steps(dockerfile, stream, outcome=outcome, build_args={}, target=None)
    return tuple(step for step in found if step.kind == "instruction")


def test_onbuild_triggers_are_steps_on_the_line_of_the_from_that_runs_them():
    found = [(step.line, step.instruction, step.state, step.digest) for step in triggered() if step.triggered]
    assert found == [
        (5, "ONBUILD COPY $F /f", "ran", "t1"),
        (5, "ONBUILD ENV X=/", "no-step", None),
        (5, "ONBUILD RUN echo $X", "ran", "t2"),
    ]


def test_what_follows_triggers_is_numbered_behind_them_and_a_workdir_of_the_root_has_no_vertex():
    own = {step.line: (step.state, step.digest) for step in triggered() if not step.triggered}
    assert own[7] == ("no-step", None)
    assert own[8] == ("ran", "copy")


def test_a_trigger_that_fails_is_the_step_that_failed():
    assert [step.instruction for step in triggered(failed="t2") if step.state == "failed"] == ["ONBUILD RUN echo $X"]


def test_triggers_of_an_image_that_nothing_is_known_of_are_shown_as_buildkit_names_them():
    stream = graph(
        ("from", "[1/4] FROM img", ()),
        ("t1", "[2/4] ONBUILD COPY . /f", ("from",)),
        ("run", "[3/4] RUN echo 1", ("t1",)),
        ("copy", "[4/4] COPY g /g", ("run",)),
    )
    found = derive_steps(
        read_dockerfile("FROM img\nRUN echo ${A:-1}\nCOPY $A* /g\n"), stream, outcome="done", build_args={}, target=None
    )
    shown = [(step.line, step.instruction, step.digest) for step in found if step.kind == "instruction"]
    assert shown == [
        (1, "FROM img", "from"),
        (1, "ONBUILD COPY . /f", "t1"),
        (2, "RUN echo ${A:-1}", "run"),
        (3, "COPY $A* /g", "copy"),
    ]


def test_equal_steps_with_other_texts_are_found_by_what_comes_after_them():
    text = "FROM a AS one\nCOPY ./f /x\nRUN y\nFROM a AS two\nARG F=f\nCOPY $F /x\nCOPY --from=one /x /z\n"
    stream = graph(
        ("from", "[one 1/3] FROM a", ()),
        ("copy", "[one 2/3] COPY ./f /x", ("from", "context")),
        ("run", "[one 3/3] RUN y", ("copy",)),
        ("last", "[two 3/3] COPY --from=one /x /z", ("copy", "run")),
        cached=("copy",),
    )
    found = steps(text, stream)
    assert [found[line].digest for line in (2, 3, 4, 6, 7)] == ["copy", "run", "from", "copy", "last"]
    assert found[6].state == "cached"


def test_two_stages_of_one_name_and_length_are_told_apart_by_the_chain():
    text = "FROM a AS one\nRUN x\nRUN y\nFROM a AS one\nRUN z\nCOPY --from=0 /x /y\n"
    stream = graph(
        ("from", "[one 1/3] FROM a", ()),
        ("x", "[one 2/3] RUN x", ("from",)),
        ("y", "[one 3/3] RUN y", ("x",)),
        ("z", "[one 2/3] RUN z", ("from",)),
        ("copy", "[one 3/3] COPY --from=0 /x /y", ("z", "y")),
    )
    found = steps(text, stream)
    assert [found[line].digest for line in (2, 3, 5, 6)] == ["x", "y", "z", "copy"]


def test_a_linked_copy_is_the_copy_and_not_what_joins_it():
    text = "FROM a AS one\nCOPY --link f /x\nRUN y\nFROM b AS two\nCOPY --link f /x\nCOPY --from=one /x /z\n"
    stream = graph(
        ("a", "[one 1/3] FROM a", ()),
        ("b", "[two 1/3] FROM b", ()),
        ("copy", "[one 2/3] COPY --link f /x", ("context",)),
        ("join", "[one 2/3] LINK COPY --link f /x", ("a", "copy")),
        ("join2", "[two 2/3] LINK COPY --link f /x", ("b", "copy")),
        ("run", "[one 3/3] RUN y", ("join",)),
        ("last", "[two 3/3] COPY --from=one /x /z", ("join2", "run")),
    )
    found = steps(text, stream)
    assert [found[line].digest for line in (2, 3, 5, 6)] == ["copy", "run", "copy", "last"]


def test_where_nothing_tells_it_says_so():
    text = "FROM a AS one\nRUN echo $A\nFROM a AS two\nRUN echo $B\nFROM a AS three\nRUN --mount=from=one,target=/1 x\n"
    stream = graph(("from", "[three 1/2] FROM a", ()), ("x", "[three 2/2] RUN --mount=from=one,target=/1 x", ("from",)))
    found = steps(text, stream)
    assert found[2].state == "unclear"
    assert not found[2].ran
    assert not found[2].cached


def test_the_lines_that_buildkit_gives_come_first():
    stream = graph(("from", "[1/3] FROM a", ()), ("one", "[2/3] RUN x", ("from",)), ("two", "[3/3] RUN x", ("one",)))
    lines = {"one": [[3, 3]], "two": [[2, 2]]}
    found = derive_steps(
        read_dockerfile("FROM a\nRUN x\nRUN x\n"), stream, outcome="done", build_args={}, target=None, lines=lines
    )
    assert {step.line: step.digest for step in found if step.line in (2, 3)} == {2: "two", 3: "one"}


@pytest.mark.parametrize(
    ("environment", "positions"), [(["V=/"], [None, "[2/3] RUN x"]), (["V=/v"], ["[2/3] WORKDIR /v", "[3/3] RUN x"])]
)
def test_the_bases_own_variables_are_replaced_too(environment, positions):
    names = ["[1/3] FROM a", *(name for name in positions if name)]
    facts = {"a": {"used": "a", "layers": ["x"], "environment": environment, "on_build": []}}
    found = derive_steps(
        read_dockerfile("FROM a\nWORKDIR $V\nRUN x\n"),
        solve(*names),
        outcome="done",
        build_args={},
        target=None,
        bases=facts,
    )
    own = {step.line: step for step in found}
    assert own[3].name == positions[1]
    assert own[2].state == ("ran" if positions[0] else "no-step")


def test_platforms_of_cross_builds_stand_in_names():
    found = steps("FROM a AS b\nRUN x\n", solve("[linux/amd64->arm64 b 1/2] FROM a", "[linux/amd64->arm64 b 2/2] RUN x"))
    assert found[2].state == "ran"


def test_names_that_another_build_gave_are_told_by_the_chain():
    """A vertex that two builds work on at once has one name, of the one that came first."""
    text = "FROM a AS build\nWORKDIR //\nRUN make\nRUN test\nFROM scratch\nCOPY --from=build /a /b\n"
    stream = graph(
        ("from", "[base 1/9] FROM a", ()),
        ("workdir", "[other 2/9] WORKDIR //", ("from",)),
        ("make", "[build 2/7] RUN make", ("workdir",)),
        ("test", "[build 4/4] RUN test", ("make",)),
        ("copy", "[stage-3 1/8] COPY --from=build /a /b", ("test",)),
    )
    found = steps(text, stream)
    assert [found[line].digest for line in (1, 2, 3, 4, 6)] == ["from", "workdir", "make", "test", "copy"]


def test_triggers_that_another_build_named_are_those_between_the_image_and_the_first_step():
    stream = graph(
        ("from", "[x 1/9] FROM img", ()),
        ("t1", "[x 2/9] ONBUILD RUN a", ("from",)),
        ("t2", "[1/4] ONBUILD RUN b", ("t1",)),
        ("run", "[4/4] RUN c", ("t2",)),
    )
    found = derive_steps(read_dockerfile("FROM img\nRUN c\n"), stream, outcome="done", build_args={}, target=None)
    shown = [(step.instruction, step.digest) for step in found if step.kind == "instruction"]
    assert shown == [("FROM img", "from"), ("ONBUILD RUN a", "t1"), ("ONBUILD RUN b", "t2"), ("RUN c", "run")]
