"""apt's lists as people have them, and what set-up writes beside them: said, marked, and taken back."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedkit.errors import SetupError
from speedkit.host_packages.commands import apt_install, run
from speedkit.host_packages.debian import Release, Source, main_source
from speedkit.setup import cleanup, engine_install
from speedkit.setup.apt_files import PIN, SOURCE, remove_apt_files, write_apt_files

BOOKWORM = Release("debian", "", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")
OURS = Source("http://mirror.example/debian", "bookworm", None)


def _apt(folder: Path, *, sources: str | bytes = "", line_list: str | bytes = "") -> Path:
    (folder / "sources.list.d").mkdir(parents=True)
    for path, text in ((folder / "sources.list.d" / "a.sources", sources), (folder / "sources.list", line_list)):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


GOOD = "Types: deb\nURIs: http://a.example/debian\nSuites: bookworm\nComponents: main\n"


@pytest.mark.parametrize("no", ["no", "No", "false", "0", "off", "disable", "without"])
def test_a_source_that_is_switched_off_is_passed_over(tmp_path, no):
    text = f"Enabled: {no}\n{GOOD.replace('a.example', 'off.example')}\n{GOOD}"
    assert main_source("bookworm", _apt(tmp_path / "apt", sources=text)) == Source("http://a.example/debian", "bookworm", None)


@pytest.mark.parametrize(
    "text",
    [
        "# Types: deb\n# URIs: http://a.example/debian\n# Suites: bookworm\n# Components: main\n",
        GOOD.replace("Types: deb", "Types: deb-src"),
        GOOD.replace("main", "contrib"),
        GOOD.replace("http://a.example/debian", "cdrom:[Debian GNU/Linux 12]/"),
        GOOD.replace("bookworm", "bookworm-security"),
        "Types deb\nURIs\n",
    ],
)
def test_what_is_no_source_of_this_release_is_passed_over(tmp_path, text):
    assert main_source("bookworm", _apt(tmp_path / "apt", sources=text)) is None


@pytest.mark.parametrize(
    "line",
    [
        "#deb http://a.example/debian bookworm main",
        "  # deb http://a.example/debian bookworm main",
        "deb-src http://a.example/debian bookworm main",
        "deb http://a.example/debian bookworm contrib # main",
        "deb cdrom:[Debian GNU/Linux 12 _Bookworm_]/ bookworm main",
        "deb [signed-by=/k http://a.example/debian bookworm main",
        "deb http://a.example/debian bookworm-updates main",
        "deb http://a.example/debian",
        "deb",
    ],
)
def test_a_line_that_is_no_source_of_this_release_is_passed_over(tmp_path, line):
    assert main_source("bookworm", _apt(tmp_path / "apt", line_list=f"{line}\n")) is None


@pytest.mark.parametrize(
    ("line", "signed_by", "trusted"),
    [
        ("deb http://a.example/debian bookworm main", None, None),
        ("  deb\thttp://a.example/debian  bookworm  contrib main # ours", None, None),
        ("deb [ arch=amd64 signed-by=/k.gpg ] http://a.example/debian bookworm main", "/k.gpg", None),
        ("deb [arch=amd64,arm64 Signed-By=/k.gpg trusted=no] http://a.example/debian bookworm main", "/k.gpg", "no"),
    ],
)
def test_options_and_comments_of_a_line_are_read(tmp_path, monkeypatch, line, signed_by, trusted):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    found = main_source("bookworm", _apt(tmp_path / "apt", line_list=f"# caf\u00e9\r\n{line}\r\n"))
    assert found == Source("http://a.example/debian", "bookworm", signed_by, trusted)
    assert main_source("bookworm", _apt(tmp_path / "again", line_list=found.as_line())) == found


@pytest.mark.parametrize(
    ("machine", "option", "field", "is_read"),
    [
        ("x86_64", "arch=amd64", "Architectures: amd64", True),
        ("x86_64", "arch=arm64,amd64", "Architectures: arm64\n amd64", True),
        ("aarch64", "arch=amd64", "Architectures: amd64", False),
        ("aarch64", "arch+=amd64", "Architectures-Add: amd64", True),
        ("x86_64", "arch-=i386", "Architectures-Remove: i386", True),
        ("x86_64", "arch-=amd64", "Architectures-Remove: amd64", False),
        ("riscv64", "arch=riscv64", "Architectures: riscv64", True),
    ],
)
def test_a_source_for_other_architectures_is_passed_over(tmp_path, monkeypatch, machine, option, field, is_read):
    monkeypatch.setattr("platform.machine", lambda: machine)
    expected = Source("http://a.example/debian", "bookworm", None) if is_read else None
    line = f"deb [{option}] http://a.example/debian bookworm main\n"
    assert main_source("bookworm", _apt(tmp_path / "one-line", line_list=line)) == expected
    assert main_source("bookworm", _apt(tmp_path / "deb822", sources=f"{GOOD}{field}\n")) == expected


def test_a_key_that_stands_in_the_list_itself_is_kept(tmp_path):
    key = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEY\n -----END PGP PUBLIC KEY BLOCK-----\n"
    found = main_source("bookworm", _apt(tmp_path / "apt", sources=GOOD + key + "Trusted: no\n"))
    assert found is not None
    again = _apt(tmp_path / "again", sources=found.as_deb822("bookworm"))
    assert main_source("bookworm", again) == found
    assert "mDMEY" in found.as_deb822("testing")
    assert found.as_line() is None


def test_lists_in_an_old_encoding_are_read(tmp_path):
    folder = _apt(tmp_path / "apt", sources="# Spiegel für alle\n".encode("latin-1") + GOOD.encode(), line_list=b"# \xe9\n")
    assert main_source("bookworm", folder) is not None
    assert main_source("noble", folder) is None


def test_lists_that_cannot_be_read_are_passed_over(tmp_path):
    folder = _apt(tmp_path / "apt", sources=GOOD)
    lists = folder / "sources.list.d"
    (lists / "0.sources").mkdir()
    (lists / "1.sources").symlink_to("nowhere")
    os.mkfifo(lists / "2.sources")
    (lists / "3.list").symlink_to("/dev/zero")
    (lists / "4.sources").write_bytes(b"\0" * 3_000_000)
    assert main_source("bookworm", folder) == Source("http://a.example/debian", "bookworm", None)
    assert main_source("bookworm", tmp_path / "none") is None


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_any_bytes_are_a_list(tmp_path_factory, sources, lines):
    folder = _apt(tmp_path_factory.mktemp("apt") / "apt", sources=GOOD.encode()[:60] + sources, line_list=b"deb " + lines)
    main_source("bookworm", folder)


def _texts(folder: Path) -> dict[Path, str]:
    return engine_install.apt_files(BOOKWORM, OURS, folder)


def test_what_is_written_says_whose_it_is_and_is_taken_back(tmp_path):
    written = write_apt_files(_texts(tmp_path))
    # The source never stands there without the pin.
    assert written == [tmp_path / PIN, tmp_path / SOURCE]
    for path in written:
        assert "speedkit clean --all" in path.read_text().splitlines()[0]
        assert path.stat().st_mode & 0o777 == 0o644
    assert main_source("testing", tmp_path) == Source(OURS.address, "testing", None)
    assert write_apt_files(_texts(tmp_path)) == written
    assert remove_apt_files(tmp_path) == ([tmp_path / SOURCE, tmp_path / PIN], [])
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
    assert remove_apt_files(tmp_path) == ([], [])


def test_what_somebody_has_changed_stays(tmp_path):
    write_apt_files(_texts(tmp_path))
    changed = (tmp_path / SOURCE).read_text() + "# mine\n"
    (tmp_path / SOURCE).write_text(changed)
    assert (tmp_path / SOURCE) not in write_apt_files(_texts(tmp_path))
    removed, kept = remove_apt_files(tmp_path)
    # The pin is still needed: with the source alone, everything would come from testing.
    assert (removed, kept) == ([], [tmp_path / SOURCE, tmp_path / PIN])
    assert (tmp_path / SOURCE).read_text() == changed


def test_what_another_installation_wrote_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "theirs"))
    write_apt_files(_texts(tmp_path))
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "ours"))
    assert write_apt_files(_texts(tmp_path)) == []
    assert remove_apt_files(tmp_path) == ([], [])
    assert (tmp_path / SOURCE).is_file()


def test_files_of_an_earlier_version_are_made_ours(tmp_path):
    for path, text in _texts(tmp_path).items():
        path.parent.mkdir()
        path.write_text(text)
    assert len(write_apt_files(_texts(tmp_path))) == 2
    assert len(remove_apt_files(tmp_path)[0]) == 2


def test_an_address_with_a_password_is_for_root_alone(tmp_path):
    source = Source("https://me:secret@mirror.example/debian", "bookworm", None)
    write_apt_files(engine_install.apt_files(BOOKWORM, source, tmp_path))
    assert (tmp_path / SOURCE).stat().st_mode & 0o777 == 0o600


@pytest.fixture
def program(monkeypatch, tmp_path):
    """Writes a program that stands in for one of the system's."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    (tmp_path / "bin").mkdir()

    def write(name: str, script: str) -> None:
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return write


def test_an_installation_that_fails_leaves_nothing_below_etc(monkeypatch, tmp_path, program):
    for name, value in (("APT", tmp_path), ("is_root", lambda: True), ("read_release", lambda: BOOKWORM)):
        monkeypatch.setattr(engine_install, name, value)
    monkeypatch.setattr(engine_install, "main_source", lambda _: OURS)
    program("apt-get", "exit 1")
    with pytest.raises(SetupError):
        engine_install.install_engine()
    assert not (tmp_path / SOURCE).exists()
    program("apt-get", "exit 0")
    assert engine_install.install_engine() == [tmp_path / PIN, tmp_path / SOURCE]


def test_clean_takes_them_back_only_when_asked_for_all(monkeypatch, tmp_path):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cleanup, "remove_apt_files", lambda: remove_apt_files(tmp_path))
    write_apt_files(_texts(tmp_path))
    assert cleanup.clean(None, recordings=False).apt_removed == ()
    assert (tmp_path / SOURCE).exists()
    done = cleanup.clean(None, recordings=True, apt_files=True)
    assert done.to_json()["apt_files"] == [str(tmp_path / SOURCE), str(tmp_path / PIN)]


def test_an_installation_that_was_interrupted_is_finished_first(tmp_path, program):
    done = tmp_path / "configured"
    program("dpkg", f"touch {done}")
    program(
        "apt-get", f'case "$*" in *install*) [ -e {done} ] || {{ echo you must run dpkg --configure -a; exit 100; }};; esac'
    )
    apt_install(["x"], update=True)
    assert done.exists()


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("write error: No space left on device", "room"),
        ("E: You don't have enough free space in /var/cache/apt/archives/.", "room"),
        ("Temporary failure resolving 'mirror.example'", "network"),
        ("dial tcp: lookup proxy.example: no such host", "network"),
        ("Could not connect to mirror.example:80 (1.2.3.4), connection timed out", "network"),
    ],
)
def test_what_to_do_about_a_full_disk_or_a_dead_network_is_said(program, said, fix):
    program("tool", f'echo "{said}" >&2; exit 100')
    with pytest.raises(SetupError) as failed:
        run(["tool"])
    assert fix in failed.value.fix
    assert "goes on from here" in failed.value.fix


def test_a_program_that_does_not_end_is_ended_with_what_it_started(tmp_path, program):
    mark = tmp_path / "child"
    program("tool", f"sleep 300 & echo $! > {mark}; wait")
    with pytest.raises(SetupError, match="took longer than"):
        run(["tool"], minutes=0.005)
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{int(mark.read_text())}/stat").read_text().rpartition(")")[2].split()[0]
        assert state == "Z"


def test_a_program_is_asked_nothing(program):
    assert run([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"]) == "''\n"
