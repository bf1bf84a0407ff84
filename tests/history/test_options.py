"""Each option of `docker build`: what `predict` says of a build with it is what BuildKit does, and the option is named."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import uuid
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from speedkit.apps import app_in_place, own_app
from speedkit.builds import build, compare
from speedkit.causes import StartsFromFolder, cause_kind, cause_subjects
from speedkit.engine import CommandOptions
from speedkit.engine.connection import connect
from speedkit.errors import BuilderCannot, NoBaseImage
from speedkit.history import explain, predict, recording_of
from tests.conformance.bases import base_images
from tests.waiting import wait_until

pytestmark = pytest.mark.engine

TEXT = """\
FROM speedkit-conformance/plain AS one
COPY token /token
RUN --mount=type=secret,id=key --mount=type=ssh true
FROM scratch
COPY --from=one /token /token
"""
_WORDS = {"hit": "cached", "miss": "ran"}


@pytest.fixture(autouse=True)
def _own_recordings(monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    base_images()


@pytest.fixture
def place(tmp_path):
    return _folder(tmp_path / f"app-{uuid.uuid4().hex[:8]}", TEXT)


def _folder(path, text):
    path.mkdir(parents=True)
    (path / "token").write_text(uuid.uuid4().hex)
    (path / "Dockerfile").write_text(text)
    (path / ".dockerignore").write_text("Dockerfile\n")
    return path


def _agreed(folder, options=CommandOptions(), **others):  # noqa: B008 - frozen
    """The states of a build's steps by line, after they were forecast."""
    with app_in_place(folder) as app:
        forecast = {step.line: _WORDS.get(step.state, step.state) for step in predict(app, options=options, **others).steps}
        built = build(app, options=options, **others)
    assert built.ok, built.error
    seen = {step.line: step.state for step in built.instructions}
    sure = {line: state for line, state in forecast.items() if state != "depends"}
    assert sure == {line: seen[line] for line in sure}
    return seen


GIVEN = CommandOptions(
    network="none", add_hosts=("one:1.2.3.4",), ulimits=("nofile=1000:2000",), shm_size="32m", labels={"a": "b"}, tags=("a:1",)
)


@pytest.mark.parametrize(
    ("changed", "state", "cause"),
    [
        ({}, "cached", ()),
        ({"network": None}, "ran", ("network",)),
        ({"network": "host"}, "ran", ("network",)),
        ({"add_hosts": ("one=1.2.3.5",)}, "cached", ()),
        ({"add_hosts": ("two:1.2.3.4",)}, "ran", ("add-host",)),
        ({"add_hosts": ("one:1.2.3.4", "two:1.2.3.4")}, "ran", ("add-host",)),
        ({"add_hosts": ("one:1.2.3.4", "one=1.2.3.4")}, "cached", ()),
        ({"ulimits": ("nofile=1000:2001",)}, "ran", ("ulimit",)),
        ({"ulimits": ("nofile=5", "nofile=1000:2000")}, "cached", ()),
        ({"shm_size": "33m"}, "ran", ("shm-size",)),
        ({"shm_size": "32768k"}, "cached", ()),
        ({"shm_size": None, "ulimits": ()}, "ran", ("shm-size", "ulimit")),
        ({"labels": {"a": "c"}, "tags": ("b:1", "c:1")}, "cached", ()),
    ],
)
def test_an_option_counts_in_run_as_it_does_for_buildkit(place, changed, state, cause):
    tag = f"speedkit-test-{uuid.uuid4().hex[:8]}"
    _agreed(place, replace(GIVEN, tags=(tag,)))
    options = replace(GIVEN, **changed)
    options = replace(options, tags=tuple(f"{tag}-{name}" for name in options.tags))
    try:
        with app_in_place(place) as app:
            run = next(step for step in predict(app, options=options).steps if step.line == 3)
        assert _agreed(place, options)[3] == state
        if cause:
            assert (cause_kind(run.cause), cause_subjects(run.cause)) == ("options", cause)
            done = next(step for step in explain().steps if step.line == 3)
            assert (done.cause, f"--{cause[0]}" in done.because) == (run.cause, True)
    finally:
        for name in (tag, *options.tags):
            connect().api.remove_image(name, noprune=True)


def test_a_secret_and_an_agent_count_neither_by_value_nor_by_presence(place, tmp_path, monkeypatch):
    (tmp_path / "key").write_text("one-secret-value")
    secret = CommandOptions(secrets=(f"id=key,src={tmp_path}/key",))
    _agreed(place)
    assert _agreed(place, secret)[3] == "cached"
    (tmp_path / "key").write_text("another-secret-value")
    assert _agreed(place, secret)[3] == "cached"
    # A socket's path has at most 107 bytes.
    agent = f"/tmp/sk-agent-{uuid.uuid4().hex[:8]}"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(agent)
        listening.listen()
        try:
            monkeypatch.setenv("SSH_AUTH_SOCK", agent)
            with_agent = replace(secret, ssh=("default",))
            assert _agreed(place, with_agent)[3] == "cached"
            uses_it = 'RUN --mount=type=ssh,required [ -S "$SSH_AUTH_SOCK" ]'
            (place / "Dockerfile").write_text(TEXT.replace("RUN ", f"{uses_it}\nRUN "))
            assert _agreed(place, with_agent)[3] == "ran"
            assert _agreed(place)[3] == "cached"
        finally:
            Path(agent).unlink()


def test_a_required_secret_stops_the_build_only_without_the_option(place, tmp_path):
    (place / "Dockerfile").write_text(TEXT.replace("id=key", "id=key,required"))
    (tmp_path / "key").write_text("one-secret-value")
    with app_in_place(place) as app:
        assert cause_kind(predict(app).steps[2].cause) == "missing-secret"
        failed = build(app)
        assert not failed.ok
        assert "--secret id=key,src=FILE" in (failed.error or "")
    assert _agreed(place, CommandOptions(secrets=(f"id=key,src={tmp_path}/key",)))[3] == "ran"


def test_a_secret_whose_variable_is_not_set_is_absent_as_docker_has_it_and_that_is_said(place):
    options = CommandOptions(secrets=("id=key,env=SPEEDKIT_UNSET_VARIABLE",))
    with app_in_place(place) as app:
        built = build(app, options=options)
    assert built.ok
    assert "no secret key" in " ".join(built.notices)
    assert "secrets" not in recording_of(built.id).meta.options


def test_the_host_network_is_a_right_that_the_option_gives(place):
    (place / "Dockerfile").write_text(TEXT.replace("RUN ", "RUN --network=host "))
    with app_in_place(place) as app:
        failed = build(app)
        assert not failed.ok
        assert "`--network host` does" in (failed.error or "")
    seen = _agreed(place, CommandOptions(network="host"))
    assert seen[3] == "ran"


def _shared(tmp_path, files):
    folder = tmp_path / f"shared-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_a_named_folder_counts_by_the_files_that_are_taken(place, tmp_path):
    (place / "Dockerfile").write_text(f"{TEXT}COPY --from=shared a /a\nCOPY --from=shared . /all/\n")
    shared = _shared(tmp_path, {"a": uuid.uuid4().hex, "b": "1", "left-out": "1", ".dockerignore": "left-out\n"})
    options = CommandOptions(named_contexts={"shared": str(shared)})
    _agreed(place, options)
    (shared / "left-out").write_text("2")
    assert set(_agreed(place, options).values()) == {"cached", "no-step"}
    (shared / "b").write_text("2")
    seen = _agreed(place, options)
    assert (seen[6], seen[7]) == ("cached", "ran")
    done = next(step for step in explain().steps if step.line == 7)
    assert (cause_kind(done.cause), cause_subjects(done.cause)) == ("files", ("b (content)",))
    # Another folder with equal files is the same.
    copy = _shared(tmp_path, {name: (shared / name).read_text() for name in ("a", "b", ".dockerignore")})
    assert set(_agreed(place, replace(options, named_contexts={"shared": str(copy)})).values()) == {"cached", "no-step"}


def test_a_change_of_a_named_folder_may_go_unnoticed_as_in_the_build_context(place, tmp_path):
    (place / "Dockerfile").write_text(f"{TEXT}COPY --from=shared a /a\n")
    shared = _shared(tmp_path, {"a": f"1{uuid.uuid4().hex}"})
    options = CommandOptions(named_contexts={"shared": str(shared)})
    _agreed(place, options)
    status = (shared / "a").stat()
    (shared / "a").write_text(f"2{uuid.uuid4().hex}")
    os.utime(shared / "a", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert _agreed(place, options)[6] == "cached"
    assert cause_kind(explain().steps[-1].cause) == "unnoticed"


def test_a_named_folder_may_be_mounted_and_started_from(place, tmp_path):
    (place / "Dockerfile").write_text(
        "FROM speedkit-conformance/plain AS one\nCOPY token /token\nRUN --mount=from=shared,target=/s cat /s/a\n"
        "FROM shared\nCOPY token /t\n"
    )
    shared = _shared(tmp_path, {"a": uuid.uuid4().hex})
    options = CommandOptions(named_contexts={"shared": str(shared)})
    _agreed(place, options, target="one")
    (shared / "a").write_text(uuid.uuid4().hex)
    assert _agreed(place, options, target="one")[3] == "ran"
    # What a stage starts from counts by its key, and a folder has none: such a stage runs each time.
    _agreed(place, options)
    assert _agreed(place, options)[5] == "ran"
    assert {type(step.cause) for step in explain().steps if step.state == "ran"} == {StartsFromFolder}


def test_a_folder_in_the_app_is_that_of_its_working_copy(place):
    (place / "docs").mkdir()
    (place / "docs" / "a").write_text("1")
    (place / "Dockerfile").write_text("FROM speedkit-conformance/plain\nCOPY token /t\nCOPY --from=docs a /a\n")
    options = CommandOptions(named_contexts={"docs": str(place / "docs")})
    with own_app(place) as app:
        assert build(app, options=options).ok
        app.write("docs/a", "2")
        assert predict(app, options=options).steps[2].state == "miss"
        assert build(app, options=options).instructions[-1].state == "ran"


@contextmanager
def _served_repository(folder):
    """The address of a repository of a folder's files, and a function that commits them and serves the new commit."""
    name, git = "served.git", ["git", "-c", "user.email=a@example.org", "-c", "user.name=a", "-C", str(folder)]
    served = folder.with_name(f"{folder.name}-served")

    def commit():
        for command in (["init", "-qb", "main"], ["add", "-A"], ["commit", "-qm", "x"]):
            subprocess.run([*git, *command], check=True, capture_output=True)
        subprocess.run([*git, "push", "-q", str(served / name), "main"], check=True, capture_output=True)

    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(served / name)], check=True)
    commit()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    daemon = ["git", "daemon", "--export-all", f"--base-path={served}", "--listen=127.0.0.1", f"--port={port}", str(served)]
    with subprocess.Popen(daemon, start_new_session=True, stderr=subprocess.DEVNULL) as serving:
        try:
            wait_until(lambda: _answers(port))
            yield f"git://127.0.0.1:{port}/{name}#main", commit
        finally:
            os.killpg(serving.pid, signal.SIGTERM)


def _answers(port):
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_a_named_repository_counts_by_its_commit(place, tmp_path):
    (place / "Dockerfile").write_text(f"{TEXT}COPY --from=shared a /a\n")
    shared = _shared(tmp_path, {"a": uuid.uuid4().hex})
    with _served_repository(shared) as (address, commit):
        options = CommandOptions(named_contexts={"shared": address})
        assert _agreed(place, options)[6] == "ran"
        assert _agreed(place, options)[6] == "cached"
        (shared / "a").write_text("2")
        commit()
        assert _agreed(place, options)[6] == "ran"
        changed = explain().steps[-1]
        assert (cause_kind(changed.cause), cause_subjects(changed.cause)) == ("address", (address,))


def test_an_image_layout_is_refused_by_a_builder_that_takes_none(place, tmp_path):
    options = CommandOptions(named_contexts={"shared": f"oci-layout://{tmp_path}"})
    with app_in_place(place) as app, pytest.raises(BuilderCannot, match="takes no OCI image layout"):
        build(app, options=options)


def test_a_named_image_takes_the_place_of_an_image_and_of_a_stage(place):
    _agreed(place)
    layer = CommandOptions(named_contexts={"speedkit-conformance/plain": "docker-image://speedkit-conformance/layer"})
    assert _agreed(place, layer)[2] == "ran"
    assert _agreed(place, layer)[2] == "cached"
    assert _agreed(place)[2] == "cached"
    # However a Dockerfile writes the name.
    (place / "Dockerfile").write_text(TEXT.replace("/plain", "/plain:latest").replace("FROM speed", "FROM docker.io/speed"))
    assert _agreed(place, layer)[2] == "cached"
    (place / "Dockerfile").write_text("FROM nowhere.invalid/x AS made\nRUN make\nFROM scratch\nCOPY --from=made /token /t\n")
    (place / "in-image").mkdir()
    stage = CommandOptions(named_contexts={"made": str(place)})
    seen = _agreed(place, stage)
    assert (seen[1], seen[2], seen[4]) == ("not-needed", "not-needed", "ran")
    assert _agreed(place, stage)[4] == "cached"


def test_a_cold_build_on_a_named_image_is_cold_and_its_own_name_is_marked_as_not_to_ship(place):
    (place / "Dockerfile").write_text(TEXT.replace("speedkit-conformance/plain", "base"))
    options = CommandOptions(named_contexts={"base": "docker-image://speedkit-conformance/plain"})
    tag = f"speedkit-test-{uuid.uuid4().hex[:8]}"
    with app_in_place(place) as app:
        assert build(app, options=options).notices == ()
        cold = build(app, options=replace(options, tags=(tag,)), cold=True)
    connect().api.remove_image(tag, noprune=True)
    assert {step.line: step.state for step in cold.instructions}[2] == "ran"
    assert f"{tag} has a mark of speedkit" in cold.notices[0]
    assert _agreed(place, options)[2] == "cached"


ACROSS = """\
FROM --platform=$BUILDPLATFORM speedkit-conformance/plain AS one
ARG TARGETARCH
COPY token /token
RUN echo $TARGETARCH
FROM scratch
COPY --from=one /token /token
WORKDIR /there
"""


def test_a_platform_counts_where_a_step_sees_it(place):
    (place / "Dockerfile").write_text(ACROSS)
    _agreed(place)
    arm = CommandOptions(platforms=("linux/arm64",))
    seen = _agreed(place, arm)
    assert (seen[3], seen[4]) == ("cached", "ran")
    built = recording_of(None)
    assert built.image is not None
    assert connect().api.inspect_image(built.image["id"])["Architecture"] == "arm64"
    assert "ran" not in _agreed(place, arm).values()
    assert "ran" not in _agreed(place, CommandOptions(platforms=("amd64",))).values()


def test_the_order_of_hosts_counts_and_copies_are_the_same_for_every_platform(place):
    (place / "Dockerfile").write_text("FROM scratch\nCOPY token /token\nWORKDIR /there\nADD token /again\n")
    _agreed(place)
    assert "ran" not in _agreed(place, CommandOptions(platforms=("linux/arm64",))).values()
    (place / "Dockerfile").write_text(TEXT)
    _agreed(place, CommandOptions(add_hosts=("one:1.2.3.4", "two:1.2.3.4")))
    assert _agreed(place, CommandOptions(add_hosts=("two:1.2.3.4", "one:1.2.3.4")))[3] == "ran"


def test_a_program_for_another_processor_is_named_as_that(place):
    # A program for ARM with nothing in it but its head: enough for the kernel to see what it is.
    head = (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + b"\x02\x00\xb7\x00\x01\x00\x00\x00"
        + bytes(8)
        + (64).to_bytes(8, "little")
        + bytes(24)
    )
    (place / "program").write_bytes(head.ljust(120, b"\0"))
    (place / "program").chmod(0o755)
    (place / "Dockerfile").write_text('FROM scratch\nCOPY program token /\nRUN ["/program"]\n')
    with app_in_place(place) as app:
        failed = build(app, options=CommandOptions(platforms=("linux/arm64",)))
    assert "for another processor than this machine's" in (failed.error or "")


def test_an_image_of_ours_for_another_platform_is_refused_in_words(place):
    options = CommandOptions(platforms=("linux/arm64",))
    with (
        app_in_place(place) as app,
        pytest.raises(NoBaseImage, match=r"is for linux/amd64, and this build needs it for linux/arm64"),
    ):
        build(app, options=options, cold=True)


PROOF = """\
FROM speedkit-conformance/plain
COPY token /token
RUN --mount=type=secret,id=key [ "$(cat /run/secrets/key)" = a-secret-of-the-build ]
RUN [ "$(ulimit -n)" = 1000 ] && grep -q "1.2.3.4.*one" /etc/hosts && [ "$TARGETPLATFORM" = "" ]
RUN cat /run/secrets/key 2>/dev/null || [ "$(cat /proc/net/route | wc -l)" = 1 ]
ARG NAME
RUN [ "$NAME" = given ]
COPY --from=shared a /a
"""


def test_every_option_reaches_the_builds_of_a_comparison(place, tmp_path, monkeypatch):
    monkeypatch.setenv("A_KEY", "a-secret-of-the-build")
    (place / "Dockerfile").write_text(PROOF)
    shared = _shared(tmp_path, {"a": "a"})
    options = CommandOptions(
        secrets=("id=key,env=A_KEY",),
        network="none",
        add_hosts=("one:1.2.3.4",),
        ulimits=("nofile=1000",),
        shm_size="32m",
        labels={"org.example": "x"},
        tags=("moves-from-image-to-image",),
        named_contexts={"shared": str(shared)},
        platforms=("linux/amd64",),
    )
    with own_app(place) as app:
        result = compare(app, edits=["cold", "none"], build_args={"NAME": "given"}, options=options)
    assert [run.build.error for run in result.runs] == [None, None]
    image = connect().api.inspect_image(result.runs[-1].build.image)
    assert image["Config"]["Labels"]["org.example"] == "x"
    assert not connect().api.images("moves-from-image-to-image")
    assert [step.state for step in result.runs[-1].build.instructions if step.line and step.line > 1].count("ran") == 0


def test_the_secrets_of_labels_and_addresses_are_in_nothing_that_is_kept(place):
    of_label, of_address = f"label-{uuid.uuid4().hex}", f"pass-{uuid.uuid4().hex}"
    (place / "Dockerfile").write_text(f"{TEXT}COPY --from=shared a /a\n")
    options = CommandOptions(
        labels={"API_TOKEN": of_label}, named_contexts={"shared": f"https://me:{of_address}@127.0.0.1:1/x.git"}
    )
    with app_in_place(place) as app:
        forecast = predict(app, options=options)
        failed = build(app, options=options)
        (place / "Dockerfile").write_text(TEXT)
        built = build(app, options=replace(options, named_contexts={}))
    assert (failed.ok, built.ok) == (False, True)
    texts = [path.read_text(errors="replace") for one in (failed, built) for path in recording_of(one.id).folder.iterdir()]
    for secret in (of_label, of_address):
        assert not any(secret in text for text in (*texts, repr(failed), failed.error or "", repr(forecast)))


def test_a_secret_that_a_step_prints_is_in_nothing_that_is_kept(place, tmp_path, monkeypatch):
    of_file, of_variable = f"file-{uuid.uuid4().hex}", f"variable {uuid.uuid4().hex}"
    (tmp_path / "npmrc").write_text(f"//registry.example/:_authToken={of_file}\nother=1\n")
    monkeypatch.setenv("ANY_NAME", of_variable)
    options = CommandOptions(secrets=(f"id=npmrc,src={tmp_path}/npmrc", "id=other,env=ANY_NAME"))
    (place / "Dockerfile").write_text(
        "FROM speedkit-conformance/plain\nCOPY token /token\n"
        "RUN --mount=type=secret,id=npmrc --mount=type=secret,id=other cd /run/secrets; cat *; cat npmrc | tail -c 60; false\n"
    )
    with app_in_place(place) as app:
        built = build(app, options=options)
    assert not built.ok
    kept = recording_of(built.id)
    assert kept.meta.options == {"secrets": ["npmrc", "other"]}
    texts = [path.read_text(errors="replace") for path in kept.folder.iterdir()]
    logs = "".join(step.log for step in built.step_list)
    for secret in (of_file, of_variable):
        assert not any(secret in text for text in (*texts, repr(built), logs, built.error or ""))
    assert logs.count("sha256:") >= 2
