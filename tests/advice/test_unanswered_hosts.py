"""Which host did not answer a failed step, from what real programs say."""

from __future__ import annotations

from pathlib import Path

import pytest

from speedkit.advice import advice_on_failure
from speedkit.advice.unanswered_hosts import Unanswered, unanswered_host

FAILURES = Path(__file__).with_name("network_failures.txt")
"""A head with the host and the trouble, and below it what a program says."""
FAILED = 'ERROR: failed to build: failed to solve: process "/bin/sh -c {command}" did not complete successfully: exit code: 1'


CASES = [
    (log, *head.split())
    for head, _, log in (case.partition("\n") for case in FAILURES.read_text(encoding="utf-8").split("== ")[1:])
]


@pytest.mark.parametrize(("log", "host", "trouble"), CASES, ids=[f"{host}-{trouble}" for _, host, trouble in CASES])
def test_the_host_is_named_with_what_happened(log, host, trouble):
    found = unanswered_host(log, FAILED.format(command="make"))
    if host == "-":  # nothing names it
        assert found is None
    else:
        assert found == Unanswered(host, trouble)


def test_a_program_that_names_no_host_is_about_the_only_one_in_the_command():
    failed = FAILED.format(command="curl -sSf https://dl.example/x | tar xz")
    assert unanswered_host("curl: (22) The requested URL returned error: 403", failed) == Unanswered("dl.example", "refusal")
    two = FAILED.format(command="curl https://a.example/x && curl https://b.example/x")
    assert unanswered_host("curl: (22) The requested URL returned error: 403", two) is None


def test_buildkits_own_download_is_told_as_such():
    text = 'ERROR: failed to load cache key: Get "https://dl.example/x": dial tcp: lookup dl.example: no such host'
    assert unanswered_host("", text) == Unanswered("dl.example", "name")


@pytest.mark.parametrize(
    "log",
    [
        "main.go:3:1: undefined: lookup",
        "psql: connection to server at 127.0.0.1 failed: Connection refused",
        "connect ECONNREFUSED http://localhost:5432",
        "npm error 404 Not Found - GET https://npm.example/x",
        "curl: (22) The requested URL returned error: 404",
        "test failed: expected 403, got 200",
        "GET https://app.example/login: got 403",
        'x [ERROR] Could not resolve "react.dom"',
        "[vite]: Rollup failed to resolve import 'vue.js' from 'src/main.js'",
        "[ERROR] Could not resolve dependencies for project com.example:app:jar:1",
        "> Could not resolve com.example:lib:1.0.",
        "npm error ERESOLVE unable to resolve dependency tree",
        "dial tcp: lookup db on 127.0.0.11:53: no such host",
        "",
    ],
)
def test_other_failures_are_the_projects_own(log):
    assert unanswered_host(log, FAILED.format(command="make test")) is None


def test_the_advice_names_the_host_and_what_to_do():
    told = advice_on_failure(
        FAILED.format(command="x"), stand_ins=["alpine:3"], log="curl: (6) Could not resolve host: dl.example"
    )
    assert "needs dl.example, which did not answer from here (its name is not known here)" in told
    assert "--target" in told
    assert "--base" in told


def test_a_hostile_name_stays_out_of_the_sentence():
    found = unanswered_host("curl: (6) Could not resolve host: a.example\x1b[31m<script>", FAILED.format(command="x"))
    assert found == Unanswered("a.example", "name")
