"""Which stages a target needs, and which images."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speedkit.dockerfile import (
    external_bases,
    global_environment,
    host_platform,
    mounts_of,
    needed_stages,
    origins_of,
    read_dockerfile,
    stage_bases,
    target_index,
)
from speedkit.errors import DockerfileError

CHAIN = """ARG TAG=3
FROM alpine:${TAG} AS tools
ONBUILD COPY --from=extra /x /x
FROM golang AS build
FROM scratch AS extra
FROM tools
COPY --from=BUILD /app /app
RUN --mount=from=nginx,target=/n --mount=type=cache,target=/c true
FROM unused
FROM tools AS other
COPY --from=1 /a /b
COPY --from=busybox /bin /bin
"""


def test_as_many_walks_over_the_stages_for_a_thousand_names_as_for_ten():
    class Stages(tuple):  # type: ignore[type-arg]
        walks = 0

        def __iter__(self):
            Stages.walks += 1
            return super().__iter__()

    walks = []
    for count in (10, 1000):
        lines = [f"FROM image AS s{number}\nCOPY --from=s{number - 1} /a /a\n" for number in range(1, count)]
        dockerfile = read_dockerfile("FROM image AS s0\n" + "".join(lines))
        dockerfile = replace(dockerfile, stages=Stages(dockerfile.stages))
        Stages.walks = 0
        assert external_bases(dockerfile) == ("image",)
        walks.append(Stages.walks)
    assert walks[0] == walks[1]


def test_only_what_the_target_uses_is_needed():
    dockerfile = read_dockerfile(CHAIN)
    assert needed_stages(dockerfile) == {0, 1, 2, 5}
    assert needed_stages(dockerfile, target="Build") == {1}
    assert needed_stages(dockerfile, target="other") == {0, 1, 2, 5}


def test_bases_are_images_of_the_needed_stages_with_arguments_expanded():
    dockerfile = read_dockerfile(CHAIN)
    assert external_bases(dockerfile) == ("alpine:3", "golang", "busybox")
    assert external_bases(dockerfile, build_args={"TAG": "9"}, target="tools") == ("alpine:9",)
    assert external_bases(dockerfile, target="extra") == ()


def test_mounts_name_bases_too():
    dockerfile = read_dockerfile("FROM a\nRUN --mount=from=nginx,target=/n x\n")
    assert external_bases(dockerfile) == ("a", "nginx")


def test_a_stage_can_start_from_an_earlier_one_only_under_its_exact_name():
    dockerfile = read_dockerfile("FROM later\nFROM a AS Later\nFROM later\n")
    assert [base.stage for base in stage_bases(dockerfile)] == [None, None, 1]


def test_platform_arguments_are_known_to_from():
    dockerfile = read_dockerfile("FROM --platform=$BUILDPLATFORM base-$TARGETARCH$TARGETVARIANT AS x\n")
    (base,) = stage_bases(dockerfile, platform="linux/arm/v7")
    # The builder's platform is this machine's, the target's that of the build.
    assert (base.image, base.platform) == ("base-armv7", host_platform())
    values = global_environment(dockerfile, build_args={"TARGETOS": "plan9"}, target="x", platform="linux/amd64")
    assert (values["TARGETOS"], values["TARGETSTAGE"]) == ("plan9", "x")
    assert host_platform().startswith("linux/")


def test_copy_from_a_number_is_a_stage_and_a_mount_from_a_number_an_image():
    dockerfile = read_dockerfile("FROM a\nFROM b\nCOPY --from=0 /x /y\nRUN --mount=from=0,target=/m x\n")
    copy, run = dockerfile.stages[1].instructions
    assert origins_of(dockerfile, copy)[0].stage == 0
    assert origins_of(dockerfile, run)[0].stage is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("FROM $NONE\n", "base name ($NONE) should not be blank"),
        ("FROM ${A\n", "unsupported modifier"),
        ("FROM a\nCOPY --from=7 /x /y\n", "invalid stage index 7"),
    ],
)
def test_stages_that_cannot_be_resolved_say_why(text, reason):
    with pytest.raises(DockerfileError) as caught:
        needed_stages(read_dockerfile(text))
    assert reason in caught.value.what


def test_an_unknown_target_lists_the_known_ones():
    with pytest.raises(DockerfileError) as caught:
        target_index(read_dockerfile("FROM a AS one\nFROM b\n"), "two")
    assert caught.value.fix == "Stages with a name: one."


def test_mounts_are_read_with_their_defaults():
    run = read_dockerfile(
        "FROM a\nRUN --mount=type=cache,dst=/c,id=x --mount=src=go.mod,target=/m,rw --mount=type=tmpfs,target=/t,ro true\n"
    ).instructions[1]
    cache, bind, tmpfs = mounts_of(run)
    assert (cache.kind, cache.target, cache.read_only, cache.option("id")) == ("cache", "/c", False, "x")
    assert (bind.kind, bind.source, bind.read_only) == ("bind", "go.mod", False)
    assert (tmpfs.kind, tmpfs.read_only) == ("tmpfs", True)
    assert mounts_of(read_dockerfile("FROM a\nRUN --mount=target=/m x\n").instructions[1])[0].read_only


def test_a_circle_of_stages_is_refused_at_the_line_that_closes_it_however_long_it_is():
    stages = [f"FROM scratch AS s{number}\nCOPY --from=s{number + 1} /a /a\n" for number in range(1_200)]
    chain = "".join([*stages, "FROM scratch AS s1200\n"])
    assert len(stage_bases(read_dockerfile(chain))) == 1_201
    with pytest.raises(DockerfileError, match=r"line 2402: circular dependency detected on stage: s0"):
        stage_bases(read_dockerfile(f"{chain}COPY --from=s600 /a /a\n"))
    with pytest.raises(DockerfileError, match=r"line 2: circular dependency detected on stage: a"):
        stage_bases(read_dockerfile("FROM scratch AS a\nCOPY --from=a /a /a\n"))
