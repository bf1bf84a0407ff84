"""A record without its Dockerfile shows its steps by stage and order, or says that it cannot."""

from __future__ import annotations

import pytest

from speedkit.build_records.named_steps import dockerfile_of_names
from speedkit.recordings import Vertex

HEAD = "# From the names of the steps in the record, which does not have the Dockerfile.\n"


def vertices(*names: str) -> list[Vertex]:
    return [Vertex(f"sha256:{number}", name) for number, name in enumerate(names)]


def test_stages_come_before_those_that_read_them():
    text, lines = dockerfile_of_names(
        vertices(
            "[internal] load build definition from Dockerfile",
            "[stage-1 1/2] FROM docker.io/library/alpine:3.20@sha256:ab",
            "[builder 1/3] FROM docker.io/library/golang:1.26",
            "[builder 3/3] RUN go build -o /app && cat <<EOF",
            "[builder 2/3] COPY . .",
            "[stage-1 2/2] COPY --from=builder /app /app",
            "exporting to image",
        )
    )
    assert text == (
        HEAD + "\nFROM docker.io/library/golang:1.26 AS builder\nCOPY . .\nRUN go build -o /app && cat < <EOF\n"
        "\nFROM docker.io/library/alpine:3.20 AS stage-1\nCOPY --from=builder /app /app\n"
    )
    assert lines == {
        "sha256:2": [[3, 3]],
        "sha256:4": [[4, 4]],
        "sha256:3": [[5, 5]],
        "sha256:1": [[7, 7]],
        "sha256:5": [[8, 8]],
    }


def test_the_only_stage_without_a_base_starts_from_the_only_one_that_nothing_reads():
    text, _ = dockerfile_of_names(vertices("[test 1/1] RUN make test", "[base 1/2] FROM alpine", "[base 2/2] RUN apk add make"))
    assert text == f"{HEAD}\nFROM alpine AS base\nRUN apk add make\n\nFROM base AS test\nRUN make test\n"


def test_the_inputs_of_a_vertex_tell_where_its_stage_starts():
    first, second, third = vertices("[a 1/2] FROM alpine", "[a 2/2] RUN one", "[b 1/1] RUN two")
    third.inputs = ("sha256:1",)
    text, _ = dockerfile_of_names([third, first, second])
    assert text.endswith("FROM a AS b\nRUN two\n")


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("exporting to image",),
        # Which of the two starts from the other?
        ("[a 1/1] RUN one", "[b 1/1] RUN two"),
        ("[a 1/2] FROM alpine", "[b 1/2] FROM alpine"),
        ("[a 1/1] COPY --from=b / /", "[b 1/1] COPY --from=a / /"),
        ("[1/1] NOSUCH instruction",),
    ],
)
def test_where_the_names_do_not_tell_it_there_is_none(names):
    assert dockerfile_of_names(vertices(*names)) is None
