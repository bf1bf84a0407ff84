"""Values that BuildKit reads by rules of Go and Docker. The reasons are those of the engine, taken down."""

from __future__ import annotations

from functools import partial

import pytest

from speedkit.dockerfile.values import (
    check_duration,
    check_image_name,
    check_mode,
    check_platform,
    check_port,
    check_retries,
    check_signal,
    normalized_platform,
)

check_interval = partial(check_duration, name="interval")
ACCEPTED = {
    check_interval: ("", "0", "0s", "1ms", "1.5h", ".5s", "1h2m3s", "+3s", "00s"),
    check_retries: ("", "0", "+3"),
    check_mode: ("", "755", "07777", "u+x", "=r", "u+x+w", "u=g", "u+", "u--x", "ug=r,o-rwx"),
    check_signal: ("9", "65", "-1", "sigterm", "RTMIN+15", "sigStkFlt"),
    check_port: ("80", "0", "+80", "080", "80/", "80/Udp", "80-90", "90-91:80", "127.0.0.1::80", "[::1]:90:80"),
    check_platform: ("linux", "amd64", "LINUX/AMD64", "linux/foo", "linux/arm/v7", "linux(1)/amd64"),
    check_image_name: ("alpine", "a/b:c", "localhost/A".lower(), "Host/a", "x.y:1/a__b@sha256:" + "0" * 64, "a-b--c"),
}
REFUSED = {
    check_interval: {
        "x": 'time: invalid duration "x"',
        "$X": 'time: invalid duration "$X"',
        "3": 'time: missing unit in duration "3"',
        "1.5": 'time: missing unit in duration "1.5"',
        "1d": 'time: unknown unit "d" in duration "1d"',
        "-1s": 'Interval "interval" cannot be less than 1ms',
        "999us": 'Interval "interval" cannot be less than 1ms',
    },
    check_retries: {
        "x": 'strconv.ParseInt: parsing "x": invalid syntax',
        "99999999999": 'strconv.ParseInt: parsing "99999999999": value out of range',
        "-1": "--retries cannot be negative (-1)",
    },
    check_mode: {
        "888": "invalid chmod parameter: '888'. it should be octal string and between 0 and 07777",
        "0o755": "invalid chmod parameter: '0o755'. it should be octal string and between 0 and 07777",
        "10000": "invalid chmod parameter: '10000'. it should be octal string and between 0 and 07777",
        "x": "invalid syntax",
        "u+q": "invalid syntax",
        "u+x,g": "invalid syntax",
        "-1": "invalid syntax",
    },
    check_signal: dict.fromkeys(("",), "invalid signal: ") | {"0": "invalid signal: 0", "SIGFOO": "invalid signal: SIGFOO"},
    check_port: {
        "x": "invalid containerPort: x",
        "80-70": "invalid containerPort: 80-70",
        "65536": "invalid containerPort: 65536",
        "80/xyz": 'invalid port: "80/xyz": invalid proto: xyz',
        "/tcp": 'invalid port: "/tcp": no port specified',
        "80:": 'invalid port: "80:": no port specified',
        "x:80": "invalid hostPort: x",
        "1.2.3:90:80": "invalid IP address: 1.2.3",
        "90:80-81": "invalid ranges specified for container and host Ports: 80-81 and 90",
    },
    check_platform: {
        "foo": '"foo": unknown operating system or architecture: invalid argument',
        "a/b/c/d": '"a/b/c/d": cannot parse platform specifier: invalid argument',
        "linux/": '"" is an invalid component of "linux/": platform specifier component must match "^[A-Za-z0-9_.-]+$": '
        "invalid argument",
    },
    check_image_name: {
        "Upper": "invalid reference format: repository name (library/Upper) must be lowercase",
        "Foo/Bar:x@": "invalid reference format: repository name (Bar) must be lowercase",
        "a:b:c": "invalid reference format",
        "alpine:": "invalid reference format",
        "alpine@sha256:123": "invalid reference format",
        "http://x": "invalid reference format",
        "0" * 64: f"invalid repository name ({'0' * 64}), cannot specify 64-byte hexadecimal strings",
    },
}


@pytest.mark.parametrize(("check", "text"), [(check, text) for check, texts in ACCEPTED.items() for text in texts])
def test_what_the_engine_takes_is_taken(check, text):
    check(text)


@pytest.mark.parametrize(("check", "text"), [(check, text) for check, texts in REFUSED.items() for text in texts])
def test_what_the_engine_refuses_is_refused_for_its_reason(check, text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        check(text)
    assert str(caught.value) == REFUSED[check][text]


@pytest.mark.parametrize("text", ["AMD64", "x86_64", "linux", "Linux/x86-64", "linux/amd64/v1", "linux/amd64"])
def test_a_platform_may_be_written_in_many_ways(text):
    assert normalized_platform(text, "linux/amd64") == "linux/amd64"


@pytest.mark.parametrize(
    ("text", "counts"),
    [("arm", "linux/arm/v7"), ("linux/arm64/v8", "linux/arm64"), ("armel", "linux/arm/v6"), ("linux/arm/6", "linux/arm/v6")],
)
def test_variants_of_processors(text, counts):
    assert normalized_platform(text, "linux/amd64") == counts
