"""The wheel, installed into an empty environment far from the checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.waiting import listens, wait_until

ROOT = Path(__file__).parents[2]
ASK = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "speedkit"]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
TRANSLATIONS = [path.relative_to(ROOT / "notebooks").as_posix() for path in (ROOT / "notebooks").rglob("*.po")]
SAMPLES = ["git", "ls-files", "--cached", "--others", "--exclude-standard", ":(glob)sample_*_app/**"]
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/lab\S*\?token=([0-9a-f]{48})\s")


def _build(kind: str, source: Path, target: Path) -> Path:
    """What hatchling makes of a source tree, with the build packages of the lock and no network."""
    argv = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(target)]
    subprocess.run(argv, cwd=source, check=True, capture_output=True)
    return next(target.iterdir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel."""
    environment = tmp_path_factory.mktemp("far") / "environment"
    venv.create(environment, with_pip=False, symlinks=os.name != "nt")
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    argv = [
        find_uv_bin(),
        "pip",
        "install",
        "--quiet",
        "--offline",
        "--no-deps",
        "--python",
        str(programs / "python"),
        str(wheel),
    ]
    subprocess.run(argv, check=True)
    # A hundred packages take minutes to install; those of the lock are here already. A folder that a .pth file adds comes last,
    # and the .pth files in it are not read: the checkout's own speedkit stays unseen.
    packages = next(environment.rglob("site-packages"))
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "packages-of-the-lock.pth").write_text("\n".join(here))
    return programs


@pytest.fixture
def run(installed: Path, tmp_path: Path):
    """Runs a program of that environment in a folder of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "COV"))}

    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        command = [str(installed / argv[0]), *argv[1:]]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.mark.slow
def test_a_wheel_holds_all_of_the_package_the_notebooks_and_the_sample_apps(wheel):
    files = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(ASK, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    expected = {name for name in tracked.splitlines() if not name.startswith("speedkit/widgets/frontend/")}
    expected |= {f"speedkit/lessons/notebooks/{name}" for name in [*NOTEBOOKS, *TRANSLATIONS]}
    samples = subprocess.run(SAMPLES, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    expected |= {f"speedkit/apps/{name}" for name in samples.splitlines()}
    assert {name for name in files if name.startswith("speedkit/")} == expected


@pytest.mark.slow
def test_a_wheel_made_of_the_source_archive_has_the_same_files_and_version(wheel, tmp_path):
    archive = _build("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(archive) as source:
        source.extractall(tmp_path / "source", filter="data")
    again = _build("wheel", next((tmp_path / "source").iterdir()), tmp_path / "wheel")
    assert again.name == wheel.name
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
def test_the_version_is_that_of_the_newest_tag_and_sensible_without_one(tmp_path):
    """In a clone with a tag, one without any, and a folder that git knows nothing of."""
    named = {}
    for kind in ("tagged", "untagged", "no-repository"):
        folder = tmp_path / kind
        (folder / "speedkit").mkdir(parents=True)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            (folder / name).write_bytes((ROOT / name).read_bytes())
        if kind != "no-repository":
            for argv in (
                ["init", "-q"],
                ["add", "."],
                ["commit", "-qm", "x"],
                ["tag", "v0.7.0"] if kind == "tagged" else ["tag"],
            ):
                who = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
                subprocess.run(["git", *who, *argv], cwd=folder, check=True, capture_output=True)
        argv = [sys.executable, "-m", "hatchling", "version"]
        named[kind] = subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    assert named["tagged"] == "0.7.0"
    assert re.fullmatch(r"0\.1\.dev1\+g[0-9a-f]+", named["untagged"])
    assert named["no-repository"] == "0.1.dev0"


@pytest.mark.slow
def test_the_installed_program_says_its_version_and_is_not_the_checkout(run, wheel, installed):
    assert run("speedkit", "--version").stdout.strip() == f"speedkit {wheel.name.split('-')[1]}"
    assert run("python", "-c", "import speedkit; print(speedkit.__file__)").stdout.startswith(str(installed.parent))


@pytest.mark.slow
def test_the_installed_lab_serves_a_readers_own_notebooks(run, installed, tmp_path):
    with (tmp_path / "log").open("wb") as log:
        argv = [str(installed / "speedkit"), "lab", "mine", "--no-browser", "--", "--ServerApp.port=0"]
        environment = os.environ | {"JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
        server = subprocess.Popen(argv, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        log_path = tmp_path / "log"
        wait_until(lambda: server.poll() is not None or ADDRESS.search(log_path.read_text()))
        port, token = ADDRESS.search(log_path.read_text()).groups()
        wait_until(lambda: server.poll() is not None or listens(int(port)))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/contents?token={token}") as answer:
            listed = sorted(entry["name"] for entry in json.load(answer)["content"])
    finally:
        server.terminate()
        server.wait()
    assert listed == NOTEBOOKS
    assert sorted(path.name for path in (tmp_path / "mine").glob("*.ipynb")) == NOTEBOOKS


@pytest.mark.engine
def test_the_installed_program_builds_and_takes_a_tour(run, folder, tmp_path):
    built = run("speedkit", "build", str(folder({"Dockerfile": "FROM alpine\nRUN true\n"})), "--json")
    assert json.loads(built.stdout)["ok"], built.stderr
    # The tour itself, of its first notebook alone: all of them take minutes, and test_tour.py takes them in the checkout.
    program = """
from pathlib import Path
from speedkit.lessons.notebook_files import FIRST_NOTEBOOK, notebooks_folder
from speedkit.reports import run_tour
folder = Path("one")
folder.mkdir()
(folder / FIRST_NOTEBOOK).write_bytes((notebooks_folder() / FIRST_NOTEBOOK).read_bytes())
run_tour(out=Path("out"), quick=False, session=None, say=print, folder=folder)
"""
    toured = run("python", "-c", program)
    assert toured.returncode == 0, toured.stderr
    assert "Ready: 8 ways to build" in (tmp_path / "out" / "index.html").read_text()
