from __future__ import annotations

import json
import os
import stat
import tempfile
import uuid
from pathlib import Path

import pytest

from speedkit.apps import own_app
from speedkit.builds import build, start_build
from speedkit.engine import CommandOptions
from speedkit.engine.build_request import BuildRequest, buildx_call
from speedkit.engine.connection import Engine
from tests.planted_secrets import command_lines
from tests.waiting import wait_until

VALUES = {
    "API_TOKEN": "tok-1234567",
    "FLAVOUR": "sweet and plain",
    "HTTPS_PROXY": "http://me:s3cret@127.0.0.1:9",
    "DOCKER_AUTH_CONFIG": "a${HOME}b%{if}c$$d",
    "EMPTY": "",
    "PATH": "/nowhere/hidden-path",
    "LINES": "one\ntwo-lines",
}


@pytest.mark.engine
@pytest.mark.parametrize("names", [list(VALUES), ["API_TOKEN", "FLAVOUR", "EMPTY", "LINES"]], ids=["by-bake", "by-environment"])
def test_values_reach_a_build_and_stand_on_no_command_line(folder, names):
    arguments = {name: VALUES[name] for name in names}
    stop = f"stop-{uuid.uuid4().hex}"
    lines = [f"ARG {name}" for name in names if name != "PATH"]
    text = "\n".join(["FROM alpine", *lines, f"RUN echo {stop} && sleep 60"])
    running = start_build(own_app(folder({"Dockerfile": text})), build_args=arguments)
    try:
        wait_until(
            lambda: running.done or any(step.state == "running" and step.line for step in running.snapshot().instructions)
        )
        shown = command_lines()
    finally:
        running.stop()
    assert not running.snapshot().error or "cancelled" in running.snapshot().error
    assert "docker-buildx" in shown
    for value in (*filter(None, arguments.values()), "s3cret", "two-lines"):
        assert value not in shown


@pytest.mark.engine
def test_bake_gives_the_build_the_same_values(folder):
    names = [name for name in VALUES if name != "PATH"]
    checks = " && ".join(
        f'[ "${name}" = {json.dumps(VALUES[name]).replace("$", chr(92) + "$")} ]' for name in names if name != "LINES"
    )
    text = "FROM alpine\n" + "".join(f"ARG {name}\n" for name in names) + f"RUN {checks}\n"
    built = build(own_app(folder({"Dockerfile": text})), build_args=VALUES)
    assert built.ok, built.error
    assert built.image


def request(**options) -> BuildRequest:
    return BuildRequest(Path("/context"), Path("/context/Dockerfile"), **options)


@pytest.mark.engine
@pytest.mark.parametrize(
    "option",
    [
        "type=s3,region=eu-1,bucket=b,access_key_id=AKIA1234,secret_access_key=x/y=z",
        'type=azblob,name=c,"secret_access_key=a,b"',
        "type=azblob,name=c,account_url=https://x.blob.example/?sv=1&sig=abcd%2F1234",
        "type=gha,url=https://cache.example,token=abcd1234",
        "type=registry,ref=https://me:secret1@registry.example/cache",
    ],
)
def test_a_cache_option_with_a_secret_is_read_from_a_private_file(engine: Engine, tmp_path: Path, option: str):
    argv, _ = buildx_call(engine, request(cache_to=(option,)), tmp_path, tmp_path / "m")
    assert not any(option in part for part in argv)
    (file,) = tmp_path.iterdir()
    assert f"--file={file}" in argv
    assert json.loads(file.read_text())["target"]["default"]["cache-to"] == [option]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


OPTIONS = CommandOptions(
    secrets=("id=key,env=A_KEY", "id=file,src=/s/f"),
    ssh=("default",),
    platforms=("linux/arm64",),
    network="host",
    add_hosts=("one:1.2.3.4", "two:::1"),
    ulimits=("nofile=1:2",),
    shm_size="1024",
)


@pytest.mark.engine
def test_options_are_flags_and_the_variable_of_a_secret_is_in_the_environment(engine: Engine, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("A_KEY", "hidden-value-2")
    asked = request(options=OPTIONS, tags=("one", "two:1"), labels={"a": "b"}, named_contexts={"x": "/shared"})
    argv, environment = buildx_call(Engine(*engine), asked, tmp_path, tmp_path / "m")
    flags = [
        *("--secret=id=key,env=A_KEY", "--secret=id=file,src=/s/f", "--ssh=default", "--platform=linux/arm64"),
        *("--network=host", "--add-host=one:1.2.3.4", "--add-host=two:::1", "--ulimit=nofile=1:2", "--shm-size=1024"),
        *("--tag=one", "--tag=two:1", "--label=a=b", "--build-context=x=/shared"),
    ]
    assert set(flags) <= set(argv)
    assert environment["A_KEY"] == "hidden-value-2"
    assert not any("hidden-value-2" in part for part in argv)


@pytest.mark.engine
def test_a_build_arg_does_not_take_the_place_of_a_secrets_variable(engine: Engine, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("A_KEY", "the-secret")
    asked = request(options=OPTIONS, build_args={"A_KEY": "the-argument"})
    argv, environment = buildx_call(Engine(*engine), asked, tmp_path, tmp_path / "m")
    assert (argv[1], environment["A_KEY"]) == ("bake", "the-secret")
    assert {"--allow=ssh", "--allow=network.host"} <= set(argv)
    (file,) = tmp_path.iterdir()
    target = json.loads(file.read_text())["target"]["default"]
    assert target["args"] == {"A_KEY": "the-argument"}
    assert target["extra-hosts"] == {"one": "1.2.3.4", "two": "::1"}
    assert (target["secret"], target["ulimits"], target["platforms"]) == (
        list(OPTIONS.secrets),
        ["nofile=1:2"],
        ["linux/arm64"],
    )


@pytest.mark.engine
def test_an_address_or_a_label_with_a_secret_is_read_from_a_private_file(engine: Engine, tmp_path: Path):
    for number, asked in enumerate(
        (
            request(named_contexts={"x": "https://me:s3cret@git.example/x.git"}),
            request(labels={"API_TOKEN": "x"}),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert buildx_call(engine, asked, folder, tmp_path / "m")[0][1] == "bake"
    plain = request(named_contexts={"x": "docker-image://x@sha256:" + "0" * 64})
    assert buildx_call(engine, plain, tmp_path, tmp_path / "m")[0][1] == "build"


BAKED = """\
FROM alpine
ARG A_KEY
RUN --mount=type=secret,id=key [ "$(cat /run/secrets/key)" = the-secret-1 ] && [ "$A_KEY" = the-argument-1 ]
RUN [ "$(ulimit -n)" = 100 ] && grep -q "1.2.3.4.*one" /etc/hosts && df /dev/shm | grep -q 32768
"""


@pytest.mark.engine
def test_bake_gives_the_build_the_same_options(folder, monkeypatch):
    monkeypatch.setenv("A_KEY", "the-secret-1")
    options = CommandOptions(
        secrets=("id=key,env=A_KEY",),
        add_hosts=("one:1.2.3.4",),
        ulimits=("nofile=100",),
        shm_size="32m",
        network="host",
        platforms=("linux/amd64",),
    )
    built = build(own_app(folder({"Dockerfile": BAKED})), build_args={"A_KEY": "the-argument-1"}, options=options)
    assert built.ok, built.error


@pytest.mark.engine
def test_an_ordinary_build_is_an_ordinary_command(engine: Engine, tmp_path: Path):
    options = {"cache_from": ("type=registry,ref=localhost:5000/app:cache",), "build_args": {"GOPROXY": "https://x", "A": "1"}}
    argv, environment = buildx_call(engine, request(**options), tmp_path, tmp_path / "m")
    assert argv[1] == "build"
    assert environment["A"] == "1"


@pytest.mark.engine
def test_a_proxy_of_the_environment_needs_no_definition(engine: Engine, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://me:s3cret@127.0.0.1:9")
    fresh = Engine(*engine)
    same = request(build_args={"HTTP_PROXY": os.environ["HTTP_PROXY"]})
    assert "--build-arg=HTTP_PROXY" in buildx_call(fresh, same, tmp_path, tmp_path / "m")[0]
    argv, environment = buildx_call(fresh, request(build_args={"HTTP_PROXY": "http://other:1"}), tmp_path, tmp_path / "m")
    assert argv[1] == "bake"
    assert environment["HTTP_PROXY"] == os.environ["HTTP_PROXY"]


@pytest.mark.engine
def test_the_file_that_bake_reads_is_gone_while_the_build_goes_on(folder):
    text = f"FROM alpine\nARG DOCKER_AUTH_CONFIG\nRUN echo {uuid.uuid4().hex} && sleep 60\n"
    running = start_build(own_app(folder({"Dockerfile": text})), build_args={"DOCKER_AUTH_CONFIG": "hidden-value-1"})
    try:
        wait_until(
            lambda: running.done or any(step.state == "running" and step.line for step in running.snapshot().instructions)
        )
        assert not running.done
        files = [*Path(tempfile.gettempdir()).glob("speedkit-*/*")]
        assert not [path for path in files if path.is_file() and b"hidden-value-1" in path.read_bytes()]
    finally:
        running.stop()
