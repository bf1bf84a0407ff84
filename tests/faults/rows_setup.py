"""Rows about set-up: engines that are started, what is installed from where, apt's lists, Dockerfiles that name a frontend."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

from tests.faults.table import ROOT, Place, fault


@fault(
    "two-engine-starts",
    attack="26",
    what="Two `speedkit engine start` at once, in namespaces of their own; then status, kill -9, start, stop",
    right="One dockerd runs, and status and stop know it; after kill -9 a new one starts; stop leaves none",
    engine=False,
    seconds=400,
)
def two_engine_starts(place: Place) -> str:
    """The engine has its own network, processes and mounts, and its data on a file system in memory."""
    program = f"{sys.executable} -m speedkit"
    script = f"""
mount -t tmpfs tmpfs /run && mount -t tmpfs -o size=600m tmpfs /var/lib/docker && mount -t proc proc /proc || exit 9
ip link set lo up
{program} engine start >{place.folder}/one 2>&1 & one=$!
{program} engine start >{place.folder}/two 2>&1 & two=$!
wait $one; echo "start $?"; wait $two; echo "start $?"
echo "engines $(grep -lx dockerd /proc/[0-9]*/comm | wc -l)"
echo "status $({program} engine status --json | tr -d ' \n')"
kill -9 $(cat /run/docker.pid)
while grep -qx dockerd /proc/[0-9]*/comm; do sleep 0.1; done
echo "after-kill $({program} engine status --json | tr -d ' \n')"
kill -9 $(cat /run/docker/containerd/containerd.pid)
{program} engine start >{place.folder}/three 2>&1; echo "again $?"
echo "status-again $({program} engine status --json | tr -d ' \n')"
{program} engine stop >{place.folder}/stop 2>&1; echo "stop $?"
echo "left $(grep -lx dockerd /proc/[0-9]*/comm | wc -l)"
"""
    environment = {name: value for name, value in os.environ.items() if name not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
    argv = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script]
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=380, check=False)
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    told = done.stdout + done.stderr + "".join(path.read_text() for path in place.folder.iterdir() if path.is_file())
    assert done.stdout.count("start 0") == 2, told[-1500:]
    assert said["engines"] == "1", told[-1500:]
    for when in ("status", "status-again"):
        status = json.loads(said[when])
        assert status["answers"], (when, status)
        assert status["ours"], (when, status)
    assert not json.loads(said["after-kill"])["ours"], said
    assert (said["again"], said["stop"], said["left"]) == ("0", "0", "0"), told[-1500:]
    return "both say that it runs; one dockerd, known as ours; after kill -9 a new one; none left after stop"


@fault(
    "packages-are-pinned",
    what="The lists of packages: hashes, registries, and what is compiled",
    right="Every package has hashes and no address; nothing is compiled, and no wheel is missing on ARM",
    engine=False,
)
def packages_are_pinned(place: Place) -> str:
    counts = []
    for name in ("requirements.txt", "tests/requirements.txt", "speedkit/host_packages/go-requirements.txt"):
        text = (ROOT / name).read_text()
        pins = re.findall(r"^([\w.-]+)==.*(?:\\\n.*)*", text, re.MULTILINE)
        entries = re.split(r"\n(?=[\w.-]+==)", text)
        assert all("--hash=sha256:" in entry for entry in entries if "==" in entry.split("\n")[0]), name
        assert "://" not in text, f"an address in {name}"
        assert "dockerfile" not in pins, "no wheel of it on ARM"
        counts.append(len(pins))
    recipe = (ROOT / "Makefile").read_text()
    assert recipe.count("$(FROM_LOCK)") == 2
    assert "--require-hashes --only-binary=:all:" in recipe
    return f"{counts[0]}, {counts[1]} and {counts[2]} pins, each with hashes"


@fault(
    "a-package-with-another-content",
    what="pip is handed a package of the right name and version, with another content",
    right="It is refused, and nothing is installed",
    engine=False,
    seconds=200,
)
def a_package_with_another_content(place: Place) -> str:
    name, version = "shellingham", "1.5.4"
    import zipfile

    wheels = place.folder / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / f"{name}-{version}-py2.py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", "print('not what was pinned')")
        wheel.writestr(f"{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{name}-{version}.dist-info/RECORD", "")
    text = (ROOT / "requirements.txt").read_text()
    pin = re.search(rf"^{name}==(?:.*\\\n)*.*", text, re.MULTILINE)
    assert pin is not None
    (place.folder / "one.txt").write_text(pin[0] + "\n")
    argv = [sys.executable, "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "--no-index", "--no-deps"]
    argv += [f"--find-links={wheels}", f"--target={place.folder / 'into'}", "-r", str(place.folder / "one.txt")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode, "it was installed"
    assert "HASH" in (done.stdout + done.stderr).upper(), done.stderr[-300:]
    assert not (place.folder / "into" / name).exists()
    return "pip refuses it for its hash; nothing is installed"


@fault(
    "stand-in-apk-download",
    what="The stand-in `apk` is handed another zip, one with names that lead out, a huge one, an endless one, a silent one",
    right="Each is refused, in bounded time and size, and nothing is left of it",
    engine=False,
    seconds=400,
)
def stand_in_apk_download(place: Place) -> str:
    go = shutil.which("go")
    assert go is not None, "this row needs Go"
    source = place.folder / "apk"
    shutil.copytree(ROOT / "speedkit" / "setup" / "standins" / "apk", source)
    done = subprocess.run([go, "test", "-count=1", "-v", "./..."], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-500:]
    refused = done.stdout.count("--- PASS: TestNothingIsKeptOfWhatIsRefused/")
    assert refused >= 9, done.stdout
    return f"{refused} downloads refused for their hash, names, number or size, one for silence; nothing left"


@fault(
    "apt-lists",
    what="apt's lists with sources that are switched off, in Latin-1, links to /dev/zero, pipes, folders",
    right="A source that counts is found, or none; no crash; what is written is marked and taken back by `clean --all`",
    engine=False,
)
def apt_lists(place: Place) -> str:
    code = r"""
import os, sys
from pathlib import Path
from speedkit.setup import engine_install
from speedkit.setup.apt_files import PIN, SOURCE, remove_apt_files, write_apt_files
from speedkit.host_packages.debian import Release, main_source
apt = Path(sys.argv[1])
lists = apt / "sources.list.d"
lists.mkdir(parents=True)
(apt / "sources.list").write_bytes(b"# f\xfcr alle\n#deb http://no.example/debian bookworm main\n")
(lists / "0.sources").symlink_to("/dev/zero")
os.mkfifo(lists / "1.sources")
(lists / "2.sources").mkdir()
source = b"Types: deb\nURIs: http://off.example/d\nSuites: bookworm\nComponents: main\n"
(lists / "3.sources").write_bytes(b"Enabled: no\n" + source)
assert main_source("bookworm", apt) is None
(lists / "4.sources").write_bytes(b"# \xe9\n" + source.replace(b"off", b"on"))
found = main_source("bookworm", apt)
assert found.address == "http://on.example/d", found
release = Release("debian", "", "12", "bookworm", "Debian 12")
before = sorted(lists.iterdir())
written = write_apt_files(engine_install.apt_files(release, found, apt))
assert written == [apt / PIN, apt / SOURCE]
assert all("clean --all" in path.read_text().splitlines()[0] for path in written)
assert remove_apt_files(apt) == ([apt / SOURCE, apt / PIN], [])
assert sorted(lists.iterdir()) == before
print("fine")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(place.folder / "apt")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout == "fine\n", done.stderr[-800:]
    return "the source that counts is found; two files written, the pin first, and taken back; the others as before"


@fault(
    "set-up-asks",
    what="`speedkit setup` on a machine without an engine, with nobody to ask: without and with CI=true",
    right="It says what to type and installs nothing; with CI=true, as README says, it installs",
    engine=False,
)
def set_up_asks(place: Place) -> str:
    code = """
from speedkit.errors import NoEngine
from speedkit.setup import setup_steps
from speedkit.cli.output import ask
def nothing(): raise NoEngine("No Docker engine answers.")
def install():
    print("installs"); raise SystemExit(0)
setup_steps.connect, setup_steps._is_installed = nothing, lambda: False
setup_steps.can_install, setup_steps.install_engine = lambda _: True, install
try: setup_steps.run_setup(yes=False, ask=ask, say=lambda _: None)
except Exception as problem: print(problem)
"""
    said = []
    for ci in ({}, {"CI": "true"}):
        environment = {name: value for name, value in os.environ.items() if name not in ("CI", "DOCKER_HOST", "DOCKER_CONTEXT")}
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=environment | ci,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said.append(done.stdout)
    assert "--yes" in said[0], said
    assert "installs" not in said[0], said
    assert said[1] == "installs\n", said
    readme = (ROOT / "README.md").read_text()
    assert "CI=true" in readme
    assert "--yes" in readme
    return "without: it names `speedkit setup --yes`; with CI=true it installs; README says both"


FIRST_LINES = {
    "plain": "# syntax=docker/dockerfile:1\n",
    "escape behind it": "# syntax=docker/dockerfile:1\n# escape=`\n",
    "behind a line for the shell": "#!/usr/bin/env docker\n# syntax=docker/dockerfile:1.7\n",
    "behind a byte order mark": "\ufeff# syntax=docker/dockerfile:1@sha256:" + "0" * 64 + "\n",
    "behind another directive": "# check=skip=all\n#Syntax = docker/dockerfile:1-labs and=more\n",
}


@fault(
    "syntax-without-a-registry",
    what="Dockerfiles whose first lines ask for Docker's frontend, where no registry answers",
    right="The engine's own frontend builds them, cached as before; results say so; the file in the image is the user's",
    seconds=500,
)
def syntax_without_a_registry(place: Place) -> str:
    rest = "FROM scratch\nCOPY Dockerfile* a /\n"
    for name, lines in FIRST_LINES.items():
        folder = place.write({"Dockerfile": lines + rest, "a": name, "Dockerfile.dockerignore": "b\n", "b": "not sent"})
        done = place.run("build", folder, "--json")
        assert done.returncode == 0, f"{name}: {done.stderr[-500:]}"
        built = json.loads(done.stdout)
        assert built["stand_in_frontend"] is True, name
        assert (folder / "Dockerfile").read_text() == lines + rest, name
        expected = len((lines + rest).encode()) + len(name) + len("b\n")
        assert built["image_bytes"] == expected, f"{name}: {built['image_bytes']} bytes and not {expected}"
        again = json.loads(place.run("build", folder, "--json").stdout)
        assert [step["state"] for step in again["steps"]] == ["no-step", "cached"], name
        forecast = place.run("predict", folder, "--json")
        assert json.loads(forecast.stdout)["stand_in_frontend"] is True, name
    other = place.write({"Dockerfile": "# syntax=acme/frontend:1\n" + rest, "a": "1"})
    assert place.run("build", other).returncode == 3, "another frontend cannot be replaced"
    return f"{len(FIRST_LINES)} forms build, and say stand-in frontend; another frontend is not replaced"


@fault(
    "first-lines",
    attack="reading 7",
    what="First lines: `#!…` before directives, `// syntax=`, JSON, `# check=` twice",
    right="They are read as BuildKit reads them",
)
def first_lines(place: Place) -> str:
    twice = place.write({"Dockerfile": "# check=skip=all\n# check=skip=all\nFROM scratch\nCOPY a /\n", "a": "1"})
    for verb in ("predict", "build"):
        refused = place.run(verb, twice)
        assert refused.returncode != 0, verb
        assert "only one check parser directive can be used" in refused.stderr, refused.stderr[-300:]
    for text in ("// syntax=acme/other\nbuild\n", '{"syntax": "acme/other"}\n'):
        said = place.run("predict", place.write({"Dockerfile": text, "a": "1"}))
        assert "acme/other" in said.stderr, said.stderr[-300:]
        assert said.returncode != 0
    strict = place.write(
        {"Dockerfile": "#!/usr/bin/env docker\n# check=error=true\nFROM scratch\nMAINTAINER me\nCOPY a /\n", "a": "1"}
    )
    by_buildkit, forecast = place.run("build", strict), place.run("predict", strict)
    assert by_buildkit.returncode == 3, by_buildkit.stdout[-300:]
    assert forecast.returncode != 0, "the linter's option behind `#!` is not seen"
    return "refused and read as BuildKit does: twice, for other frontends, options behind `#!`"


@fault(
    "half-made-environment",
    what="A `.venv` that an interrupted `make` left half-made, and Python 3.10",
    right="The next `make` makes it anew; Python 3.10 is refused with a sentence",
    engine=False,
)
def half_made_environment(place: Place) -> str:
    """The recipes are shown by make and not run: what they install is tried by another row."""
    copy = place.folder / "copy"
    copy.mkdir()
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, copy)
    (copy / ".venv").mkdir()
    shown = subprocess.run(["make", "-n", ".venv/.ready"], cwd=copy, capture_output=True, text=True, check=True).stdout
    assert "-m venv --clear .venv" in shown, shown
    (copy / ".venv" / ".ready").touch()
    os.utime(copy / ".venv" / ".ready", (1, 1))
    shown = subprocess.run(["make", "-n", ".venv/.ready"], cwd=copy, capture_output=True, text=True, check=True).stdout
    assert "--clear" not in shown, "a good one is only brought up to date"
    old = place.folder / "python3.10"
    old.write_text('#!/bin/sh\ncase "$1" in --version) echo Python 3.10.1;; *) exit 1;; esac\n')
    old.chmod(0o755)
    refused = subprocess.run(["make", f"PYTHON={old}", ".venv/.ready"], cwd=copy, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "speedkit needs Python 3.11 or newer; this is Python 3.10.1" in refused.stdout, refused
    return "made anew without its mark; Python 3.10 is refused in a sentence"
