"""Stand-ins, made for real under names of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from speedkit.engine.base_images import TRUST_LABEL
from speedkit.engine.host_go import find_go
from speedkit.engine.identity import LABEL
from speedkit.engine.images import inspect_image
from speedkit.errors import SetupError
from speedkit.host_packages.debian import Release, Source, read_release
from speedkit.setup import stand_ins

DEBIAN = Release("debian", "", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")
FEDORA = Release("fedora", "", "41", "", "Fedora 41")


@pytest.fixture(scope="module")
def names():
    token = os.urandom(4).hex()
    return {family: f"speedkit/test-{family}:{token}" for family in ("alpine", "golang", "debian")}


@pytest.fixture(scope="module")
def alpine(engine, names):
    """A freshly made stand-in for alpine; it and what is made from it go afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stand_ins, "STAND_INS", names)
        stand_ins.make_stand_in(engine, "alpine")
        yield names["alpine"]
    for name in names.values():
        if engine.api.images(name):
            engine.api.remove_image(name, force=True)


def said(engine, image: str, script: str) -> str:
    container = engine.api.create_container(image, ["sh", "-c", script], labels={LABEL: "1"})
    try:
        engine.api.start(container)
        engine.api.wait(container)
        return engine.api.logs(container).decode()
    finally:
        engine.api.remove_container(container, force=True)


def program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.engine
def test_the_stand_in_for_alpine_runs_what_small_images_run(engine, alpine):
    answer = said(
        engine, alpine, "id -un; id -u nobody; wc -c < /etc/ssl/certs/ca-certificates.crt; ls -ld /tmp; cat /etc/os-release"
    )
    lines = answer.splitlines()
    assert lines[:2] == ["root", "65534"]
    assert int(lines[2]) > 10_000
    assert lines[3].startswith("drwxrwxrwt")
    assert "made by speedkit" in answer


@pytest.mark.engine
def test_a_stand_in_says_that_it_is_one_and_whom_it_trusts(engine, alpine):
    labels = inspect_image(engine, alpine)["Config"]["Labels"]
    assert labels[stand_ins.STAND_IN_LABEL] == "alpine"
    assert len(labels[TRUST_LABEL]) == 16
    assert labels[LABEL] == "1"


@pytest.mark.engine
def test_apk_says_what_it_cannot_do_and_skips_what_is_there(engine, alpine):
    script = (
        "apk add --no-cache ca-certificates tzdata && echo fine; apk add git; echo $?; apk search x; apk update && echo fine"
    )
    answer = said(engine, alpine, script)
    assert answer.count("fine") == 2
    assert "unable to select package git: this stand-in for Alpine can fetch go, and nothing else" in answer
    assert "knows add and del" in answer


@pytest.mark.engine
def test_apk_forgets_a_virtual_package_with_its_members(engine, alpine):
    listed = "ls -A /etc/apk/virtual"
    script = f"exec 2>&1; apk add -t .tools tzdata && {listed} && apk del .tools && {listed}; apk del .tools; echo $?"
    lines = said(engine, alpine, script).splitlines()
    assert lines[0] == ".tools"
    assert "unable to select package .tools" in lines[1]
    assert lines[2] == "1"


@pytest.mark.engine
def test_the_stand_in_for_golang_is_the_hosts_toolchain(engine, alpine, names, monkeypatch, tmp_path):
    home = tmp_path / "goroot"
    for part in ("bin", "test", "src/fmt"):
        (home / part).mkdir(parents=True)
    (home / "elsewhere").mkdir()
    (home / "elsewhere" / "linked.go").write_text("package linked\n")
    (home / "src" / "linked").symlink_to(home / "elsewhere")
    (home / "src" / "gone").symlink_to(home / "nothing")
    monkeypatch.setattr(stand_ins, "go_binary", lambda: program(tmp_path, "go", f"print({str(home)!r})"))
    stand_ins.make_stand_in(engine, "golang")
    answer = said(engine, names["golang"], "pwd; echo $GOPATH $GOTOOLCHAIN; ls /usr/local/go; cat /usr/local/go/src/linked/*")
    assert answer.splitlines() == ["/go", "/go local", "bin", "elsewhere", "src", "package linked"]


@pytest.mark.engine
def test_the_stand_in_for_debian_is_what_mmdebstrap_makes(engine, alpine, names, monkeypatch, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "made-by").write_text("mmdebstrap\n")
    with tarfile.open(tmp_path / "tree.tar", "w") as archive:
        archive.add(tree, ".")
    copy = f"import shutil, sys; shutil.copy({str(tmp_path / 'tree.tar')!r}, sys.argv[-2])"
    program(tmp_path, "mmdebstrap", f"{copy}; open({str(tmp_path / 'asked')!r}, 'w').write(sys.argv[-1])")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(stand_ins, "read_release", lambda: DEBIAN)
    monkeypatch.setattr(stand_ins, "is_root", lambda: True)
    monkeypatch.setattr(stand_ins, "main_source", lambda _: Source("http://mirror.example/debian", "bookworm", "/k.gpg"))
    stand_ins.make_stand_in(engine, "debian")
    assert (tmp_path / "asked").read_text() == "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main"
    assert inspect_image(engine, names["debian"])["Config"]["Cmd"] == ["bash"]
    monkeypatch.setattr(stand_ins, "main_source", lambda _: None)
    with pytest.raises(SetupError, match="There is no source of packages for bookworm"):
        stand_ins.make_stand_in(engine, "debian")


def test_a_missing_mmdebstrap_is_installed_first(monkeypatch, tmp_path):
    installed = []
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(stand_ins, "read_release", lambda: DEBIAN)
    monkeypatch.setattr(stand_ins, "is_root", lambda: True)
    monkeypatch.setattr(stand_ins, "main_source", lambda _: None)
    monkeypatch.setattr(stand_ins, "apt_install", lambda packages, update: installed.extend(packages))
    with pytest.raises(SetupError, match="There is no source"):
        stand_ins._debian(tmp_path)
    assert installed == ["mmdebstrap"]


def test_a_stand_in_needs_debian_and_for_debian_root(monkeypatch):
    monkeypatch.setattr(stand_ins, "read_release", lambda: FEDORA)
    with pytest.raises(SetupError, match="stand-in needs busybox, on Debian or Ubuntu; this is"):
        stand_ins._require_apt("busybox")
    monkeypatch.setattr(stand_ins, "read_release", lambda: DEBIAN)
    monkeypatch.setattr(stand_ins, "is_root", lambda: False)
    stand_ins._require_apt("busybox")
    with pytest.raises(SetupError, match="as root"):
        stand_ins._require_apt("mmdebstrap", as_root=True)


def test_a_busybox_that_cannot_look_up_names_is_replaced_by_debians(monkeypatch, tmp_path):
    static = program(tmp_path, "busybox", "")
    calls: list[list[str]] = []

    def run(argv, *, cwd=None, env=None):
        calls.append(argv[:2])
        if argv[:2] == ["apt-get", "download"] and len(calls) == 1:
            raise SetupError("no lists of packages")
        if argv[0] == "dpkg":
            (tmp_path / "unpacked" / "usr" / "bin").mkdir(parents=True)
            (tmp_path / "unpacked" / "usr" / "bin" / "busybox").touch()
        return ""

    monkeypatch.setattr(stand_ins.shutil, "which", lambda name: str(static))
    monkeypatch.setattr(stand_ins, "read_release", lambda: DEBIAN)
    monkeypatch.setattr(stand_ins, "run", run)
    assert stand_ins._busybox(tmp_path / "unpacked") == tmp_path / "unpacked" / "usr" / "bin" / "busybox"
    assert calls == [["apt-get", "download"], ["apt-get", "update"], ["apt-get", "download"], ["dpkg", "-x"]]


@pytest.mark.skipif(not (read_release().uses_apt and shutil.which("dpkg")), reason="needs Debian or Ubuntu")
def test_the_libraries_of_a_program_include_those_for_looking_up_names():
    found = {library.name for library in stand_ins._libraries(Path("/bin/sh"))}
    assert "libc.so.6" in found
    assert "libnss_dns.so.2" in found


@pytest.mark.slow
def test_the_stand_in_for_apk_takes_only_what_has_the_right_hash_and_size():
    go = find_go()
    if go is None:
        pytest.skip("there is no Go here")
    argv = [str(go), "test", "-count=1", "./..."]
    tested = subprocess.run(argv, cwd=stand_ins.APK_SOURCE, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize(
    "script", ["exit 1", "echo no json", "echo '{}'", "echo '[]'", """echo '{"Sum": 1}'""", """echo '{"Sum": "md5:x"}'"""]
)
def test_a_toolchain_whose_hash_nobody_has_checked_is_not_trusted(tmp_path, script):
    go = tmp_path / "go"
    go.write_text(f"#!/bin/sh\n{script}\n")
    go.chmod(0o755)
    assert stand_ins._toolchain_hash(str(go), "golang.org/toolchain@v0.0.1-go1.2.linux-amd64") is None
