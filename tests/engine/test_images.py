from __future__ import annotations

import pytest

from speedkit.engine.base_images import (
    go_settings,
    has_image,
    isolated_base,
    make_image,
    pull_image,
    resolve_base,
)
from speedkit.engine.buildx import BuildRequest, CancellableCommand, command_line
from speedkit.engine.certificates import host_bundle, system_bundle
from speedkit.engine.containers import ask_image
from speedkit.engine.host_go import find_go
from speedkit.engine.identity import LABEL
from speedkit.engine.image_names import ONLY_HERE, STAND_INS, family_of, stand_in_images
from speedkit.engine.images import describe_image, inspect_image
from speedkit.errors import EngineError, NoBaseImage, NoSuchImage
from tests.waiting import HANG_SECONDS

pytestmark = pytest.mark.engine


@pytest.fixture
def image(engine, tmp_path):
    """Makes a small image from lines of a Dockerfile, on the alpine base of this machine; removed afterwards."""
    made: list[str] = []

    def make(*lines: str) -> str:
        name = f"speedkit/test:{tmp_path.name[-40:].lower().strip('-_.')}-{len(made)}"
        folder = tmp_path / str(len(made))
        folder.mkdir()
        make_image(engine, folder, ["FROM base", *lines], name=name, base=resolve_base(engine, "alpine").used)
        made.append(name)
        return name

    yield make
    for name in made:
        engine.api.remove_image(name, force=True)


def containers(engine, image: str) -> int:
    return len(engine.api.containers(all=True, filters={"ancestor": image}))


def test_an_image_that_answers_is_asked_and_its_container_removed(engine, image):
    name = image("RUN mkdir /w && echo hello > /w/echo", 'CMD ["httpd", "-f", "-p", "8080", "-h", "/w"]')
    answer = ask_image(engine, name, port=8080, path="/echo")
    assert answer.ok
    assert answer.text == "hello\n"
    assert ask_image(engine, name, port=8080, path="/nowhere").text.startswith("HTTP 404")
    assert containers(engine, name) == 0


def test_an_image_that_ends_at_once_is_told_with_its_last_words(engine, image):
    answer = ask_image(engine, image('CMD ["sh", "-c", "echo panic: no config; exit 3"]'), port=8080, path="/")
    assert not answer.ok
    assert "exit code 3" in answer.text
    assert "panic: no config" in answer.text


def test_an_image_that_never_answers_is_given_up(engine, image):
    answer = ask_image(engine, image('CMD ["sleep", "60"]'), port=8080, path="/", seconds=1.0)
    assert not answer.ok
    assert "No answer" in answer.text


def test_a_program_that_is_not_in_the_image_is_no_crash(engine, image):
    answer = ask_image(engine, image('ENTRYPOINT ["/nothing"]'), port=8080, path="/")
    assert not answer.ok
    assert "did not start" in answer.text


def test_an_unknown_image_is_an_error_of_ours(engine):
    with pytest.raises(NoSuchImage):
        inspect_image(engine, "speedkit/never-made:1")
    with pytest.raises(EngineError):
        ask_image(engine, "speedkit/never-made:1", port=1, path="/")


def test_layers_are_the_history_entries_that_hold_files(engine, image):
    name = image("ENV A=1", "RUN echo 12345 > /five", "LABEL b=c", "RUN true", "CMD true")
    base = tuple(inspect_image(engine, resolve_base(engine, "alpine").used)["RootFS"]["Layers"])
    found = describe_image(engine, inspect_image(engine, name)["Id"], base)
    own = [layer for layer in found["layers"] if not layer["from_base"]]
    assert len(found["layers"]) == len(found["diff_ids"])
    assert [layer["size_bytes"] for layer in own] == [6, 0]
    assert "echo 12345" in own[0]["command"]


def test_a_family_is_the_last_part_of_the_name():
    assert family_of("docker.io/library/golang:1.24-alpine") == "golang"
    assert family_of("registry.example:5000/team/alpine@sha256:abc") == "alpine"


@pytest.mark.parametrize("name", ["golang:alpine", "library/golang:alpine", "docker.io/library/golang:1.22-alpine@sha256:0"])
def test_the_small_stand_in_of_the_same_flavour_comes_last(name):
    best, last = stand_in_images(name)
    assert best.startswith(f"{ONLY_HERE}/stand-in/golang:")
    assert last == STAND_INS["golang"]


def test_a_golang_of_debian_has_git_and_gcc_so_the_small_stand_in_is_none_for_it():
    assert stand_in_images("golang:1.26") == (f"{ONLY_HERE}/stand-in/golang:1.26-trixie",)


@pytest.mark.parametrize(
    "name", ["team/python:3", "team/golang", "docker.io/team/golang", "registry.example/golang", "localhost:1/alpine"]
)
def test_nothing_stands_in_for_other_peoples_images(name):
    assert stand_in_images(name) == ()


def test_an_image_nobody_has_is_refused_with_what_to_do(engine):
    with pytest.raises(NoBaseImage, match="could not be pulled"):
        resolve_base(engine, "localhost:1/speedkit/never-made:1")
    assert pull_image(engine, "localhost:1/speedkit/never-made@sha256:" + "0" * 64)


def test_an_isolated_base_has_the_same_files_and_one_mark_more(engine):
    base = resolve_base(engine, "alpine").used
    first = isolated_base(engine, base, "token-1", mark_certificates=True)
    again = isolated_base(engine, base, "token-1", mark_certificates=True)
    other = isolated_base(engine, base, "token-2", mark_certificates=False)
    assert first == again
    layers = [inspect_image(engine, name)["RootFS"]["Layers"] for name in (base, first, other)]
    assert layers[1][: len(layers[0])] == layers[0]
    assert layers[1] != layers[2]
    for name in (first, other):
        assert has_image(engine, name)
        engine.api.remove_image(name)


def test_a_base_is_extended_by_the_bundle_that_the_host_names(engine, image, monkeypatch, tmp_path):
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("# a bundle of a company\n")
    name = image("RUN true")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    found = resolve_base(engine, name)
    assert found.used.startswith(f"{ONLY_HERE}/trusting:")
    assert not found.stand_in
    shown = engine.api.create_container(found.used, ["cat", "/etc/ssl/certs/ca-certificates.crt"], labels={LABEL: "1"})
    try:
        engine.api.start(shown)
        engine.api.wait(shown)
        assert engine.api.logs(shown) == bundle.read_bytes()
    finally:
        engine.api.remove_container(shown, force=True)
        engine.api.remove_image(found.used)


def test_an_image_that_cannot_be_made_is_told_with_buildkits_last_lines(engine, tmp_path):
    with pytest.raises(EngineError, match="could not be made"):
        make_image(engine, tmp_path, ["FROM scratch", "COPY nothing /"], name="speedkit/test:never")


def test_bundles_are_found_where_the_environment_says(monkeypatch, tmp_path):
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        monkeypatch.delenv(name, raising=False)
    assert host_bundle() is None
    assert system_bundle() is None or system_bundle().is_file()
    (tmp_path / "x.pem").write_text("x")
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "x.pem"))
    assert host_bundle() == tmp_path / "x.pem"


def test_only_what_differs_from_gos_defaults_is_passed_on_and_no_credentials(monkeypatch):
    monkeypatch.setenv("GOPROXY", "https://mirror.example")
    monkeypatch.setenv("GOPRIVATE", "https://me:secret@x.example")
    if find_go():
        assert go_settings() == {"GOPROXY": "https://mirror.example"}
    monkeypatch.setattr("speedkit.engine.base_images.find_go", lambda: None)
    assert go_settings() == {}


def test_everything_asked_for_is_in_the_command_line(engine, tmp_path):
    request = BuildRequest(
        tmp_path,
        tmp_path / "Dockerfile",
        target="final",
        build_args={"A": "b c"},
        named_contexts={"alpine": "docker-image://x"},
        labels={"l": "1"},
        tags=("t:1",),
        builder="other",
    )
    argv = command_line(engine, request, tmp_path / "m.json")
    assert argv[-1] == str(tmp_path)
    for part in (
        "--target=final",
        "--build-arg=A",
        "--build-context=alpine=docker-image://x",
        "--label=l=1",
        "--tag=t:1",
        "--load",
    ):
        assert part in argv
    assert not any("b c" in part for part in argv)


def test_a_command_cancelled_before_it_starts_never_runs(tmp_path):
    command = CancellableCommand()
    command.cancel()
    marker = tmp_path / "ran"
    assert command.run(["touch", str(marker)], env={}, cwd=tmp_path, on_line=lambda _: None) == 130
    assert not marker.exists()


def test_a_command_that_ignores_the_interrupt_is_killed(tmp_path):
    import threading

    command = CancellableCommand()
    ready = threading.Event()
    argv = ["sh", "-c", "trap '' INT; echo ready; while :; do sleep 0.1; done"]
    codes: list[int] = []
    runner = threading.Thread(
        target=lambda: codes.append(
            command.run(argv, env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path, on_line=lambda _: ready.set())
        )
    )
    runner.start()
    assert ready.wait(HANG_SECONDS)
    command.cancel()
    runner.join(HANG_SECONDS)
    assert codes
    assert codes[0] != 0
    command.cancel()


def test_an_image_that_only_has_a_stand_in_names_it(engine):
    with pytest.raises(NoSuchImage) as raised:
        inspect_image(engine, "alpine:0.1")
    assert STAND_INS["alpine"] in raised.value.fix
