"""What counts in the key of a RUN."""

from __future__ import annotations

import pytest

from speedkit.cache import predict
from tests.cache.situations import cause_of, manifest, situation


def _verdict(before, after, **options):
    text = "FROM base\nARG A=1\n{}\n"
    history = [situation(text.format(before))]
    return predict(history, situation(text.format(after), **options)).at(3).forecast


EQUAL = [
    ("RUN true", "run   true  "),
    ("RUN <<EOF\necho a\nEOF", "RUN <<-EOF\n\t\techo a\nEOF"),
    ("RUN --mount=type=cache,id=x,target=/m true", "RUN --mount=type=cache,id=y,sharing=locked,target=/m true"),
    ("RUN --mount=type=cache,target=/m true", "RUN --mount=type=cache,id=/m,target=/m true"),
    ("RUN --mount=type=cache,target=m true", "RUN --mount=type=cache,target=./m true"),
    ("RUN --mount=type=secret,id=a true", "RUN --mount=type=secret,id=a,target=/run/secrets/a true"),
    ("RUN --network=default true", "RUN true"),
    ("RUN --mount=source=a,target=/m true", "RUN --mount=type=bind,src=./a,dst=/m,ro true"),
]
DIFFERENT = [
    ("RUN true", "RUN  true # x"),
    ("RUN <<EOF\necho a\nEOF", "RUN cat <<EOF\necho a\nEOF"),
    ("RUN <<EOF\n#!/bin/sh\necho a\nEOF", "RUN <<EOF\n#!/bin/sh\necho b\nEOF"),
    ("RUN --mount=type=cache,target=/m true", "RUN --mount=type=cache,target=/n true"),
    ("RUN --mount=type=cache,target=/m true", "RUN --mount=type=cache,target=/m,mode=0700 true"),
    ("RUN --mount=type=cache,uid=1,target=/m true", "RUN --mount=type=cache,uid=2,target=/m true"),
    ("RUN --mount=type=tmpfs,target=/m true", "RUN --mount=type=tmpfs,size=9,target=/m true"),
    ("RUN --mount=type=secret,id=a true", "RUN --mount=type=secret,id=a,env=A true"),
    ("RUN --mount=type=secret,id=a true", "RUN --mount=type=secret,id=a,required true"),
    ("RUN --mount=type=ssh true", "RUN true"),
    ("RUN --network=none true", "RUN true"),
    ("RUN --mount=source=a,target=/m true", "RUN --mount=source=a,target=/m,rw true"),
]


@pytest.mark.parametrize(("before", "after"), EQUAL)
def test_these_are_one_step(before, after):
    assert _verdict(before, after) == "hit"


@pytest.mark.parametrize(("before", "after"), DIFFERENT)
def test_these_are_two_steps(before, after):
    assert _verdict(before, after) == "miss"


def test_an_agent_socket_is_a_variable_of_the_step():
    text = "FROM base\nENV SSH_AUTH_SOCK=/mine\nRUN --mount=type=ssh true\n"
    other = "FROM base\nRUN --mount=type=ssh,target=/mine true\n"
    assert predict([situation(text)], situation(other)).at(2).forecast == "miss"


def test_a_cache_that_starts_from_files_counts_them():
    text = "FROM base\nRUN --mount=type=cache,from=extra,source=f,target=/m true\n"
    one, two = (situation(text, contexts={"extra": manifest(f=content)}) for content in "12")
    assert predict([one], one).at(2).forecast == "hit"
    assert cause_of(predict([one], two).at(2)).what == ("f (content)",)


def test_a_mount_of_scratch_is_empty():
    now = situation("FROM base\nRUN --mount=from=scratch,target=/m true\n")
    assert predict([now], now).at(2).forecast == "hit"
