"""The usual causes of a step that does not come out the same twice."""

from __future__ import annotations

import pytest

from speedkit.forecast import unsteady_steps
from tests.forecast.situations import manifest, situation


def reasons(instructions: str, files=None) -> dict[int, str]:
    found = unsteady_steps(situation(f"FROM base:1.2\n{instructions}\n", files))
    return {step.line: step.because for step in found}


@pytest.mark.parametrize(
    ("instruction", "word"),
    [
        ("RUN echo $(date) > /built", "time"),
        ("RUN date +%s > /built", "time"),
        ("RUN apt-get update && apt-get install -y curl", "package server"),
        ("RUN curl -fsSL https://example.org/releases/latest/tool -o /tool", "newest"),
        ("RUN go install example.org/tool@latest", "newest"),
        ("RUN git clone https://example.org/x.git", "repository"),
        ("RUN go get example.org/tool", "newest"),
        ("RUN apk add --no-cache --virtual=.build curl", "package server"),
        ("RUN npm install -g yarn", "`@`"),
        ("RUN npm install", "lock file"),
        ("RUN pip install requests", "=="),
        ("RUN head -c 8 /dev/urandom > /id", "random"),
        ("RUN <<EOT\necho $(date)\nEOT", "time"),
        ("ADD https://example.org/tool /tool", "--checksum"),
        ("ARG BUILD_DATE", "late"),
    ],
)
def test_a_usual_cause_is_named_at_its_line(instruction, word):
    assert word in reasons(instruction)[2]


@pytest.mark.parametrize(
    "instruction",
    [
        "RUN apt-get install -y update-notifier",
        "RUN ./update --date-format=iso",
        "RUN go install example.org/tool@v1.2.3",
        "RUN go get ./...",
        "RUN go get -u example.org/tool@v1.2.3",
        "RUN apk add --no-cache curl=8.5.0-r0",
        "RUN apk add 'curl~8.5' git~=2.40",
        "RUN npm install -g yarn@1.22.19",
        "RUN npm ci",
        "RUN pip install -r requirements.txt",
        "RUN pip install requests==2.32.0",
        f"RUN git clone https://example.org/x.git && git -C x checkout {'a' * 40}",
        f"ADD --checksum=sha256:{'a' * 64} https://example.org/tool /tool",
        "ARG LEVEL",
        "COPY a /a",
    ],
)
def test_what_is_pinned_is_not_named(instruction):
    assert reasons(instruction) == {}


def test_a_base_without_a_version_is_named_and_one_with_a_version_or_digest_is_not():
    def lines(base: str) -> list[int]:
        return [step.line for step in unsteady_steps(situation(f"FROM {base}\nRUN true\n"))]

    assert lines("golang:alpine") == lines("registry.example:5000/golang") == lines("golang:latest") == [1]
    assert lines("golang:1.24-alpine") == lines(f"golang@sha256:{'a' * 64}") == lines("scratch") == []


def test_git_in_the_context_is_named_where_it_is_taken():
    with_git = manifest(a="1", __git="", __git_in_HEAD="ref")
    assert "`.git`" in reasons("COPY . /src", with_git)[2]
    assert "`.git`" in reasons("RUN --mount=type=bind,target=. git describe", with_git)[2]
    assert reasons("COPY a /a", with_git) == {}
    assert reasons("COPY . /src", manifest(a="1")) == {}
    assert reasons("COPY --from=base . /src", with_git) == {}


def test_stages_that_the_target_does_not_use_say_nothing():
    text = "FROM base:1 AS unused\nRUN date\nFROM base:1\nRUN true\n"
    assert unsteady_steps(situation(text)) == ()
