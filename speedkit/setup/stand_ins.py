"""Local stand-ins for base images, for machines where no registry answers.

- alpine: Debian's busybox with its shared libraries, the host's certificates, and a small `apk` that can download Go.
- golang: the same with the host's Go toolchain.
- debian, also for ubuntu: a minimal Debian, made by mmdebstrap.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from speedkit.engine import BUNDLE_IN_IMAGES, STAND_INS, Engine, go_settings, make_image, system_bundle, trust_labels
from speedkit.errors import SetupError
from speedkit.host_packages import apt_install, go_binary, is_root, main_source, read_release, run
from speedkit.messages import message
from speedkit.ownership import scratch_folder

__all__ = ["make_stand_in"]

STAND_IN_LABEL = "dev.speedkit.stand-in"
APK_SOURCE = Path(__file__).parent / "standins" / "apk"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n",
    "etc/group": "root:x:0:\nnobody:x:65534:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
    "etc/os-release": 'ID=alpine\nNAME="stand-in for Alpine"\nPRETTY_NAME="stand-in for Alpine, made by speedkit"\n',
}
NAME_LOOKUP = ("libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2")
"""Libraries that the C library loads by itself to look up names, so that `ldd` does not list them."""
GO_LEFT_OUT = ("test", "doc", "api", "misc", "lib/time")
"""Parts of the Go toolchain that no build needs."""


def make_stand_in(engine: Engine, family: str) -> None:
    """Make the stand-in of a family of images (see `STAND_INS`).

    Raises: SetupError on a system other than Debian or Ubuntu, and for debian when this user is not root.
    """
    settings = go_settings()
    with scratch_folder() as folder:
        (folder / "root").mkdir()
        lines = {"alpine": _alpine, "golang": _golang, "debian": _debian, "ubuntu": _debian}[family](folder)
        lines += [f"ENV {name}={value}" for name, value in settings.items()]
        labels = trust_labels(system_bundle(), settings) | {STAND_IN_LABEL: family}
        base = STAND_INS["alpine"] if family == "golang" else None
        make_image(engine, folder, lines, name=STAND_INS[family], base=base, labels=labels, kind="stand-in")


def _alpine(folder: Path) -> list[str]:
    """Write the files of the image into a folder. Returns the lines of its Dockerfile; `_golang` and `_debian` do the same."""
    root = folder / "root"
    busybox = _busybox(folder / "busybox")
    for name in ("bin", "sbin", "usr/bin", "usr/sbin", "tmp", "root", "proc", "sys", "dev", "var/tmp", "etc/apk"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("tmp", "var/tmp"):
        (root / name).chmod(0o1777)  # `mkdir` would apply the umask to the mode
    shutil.copy2(busybox, root / "bin" / "busybox")
    for applet in run([str(busybox), "--list"]).split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    for library in _libraries(busybox):
        target = root / library.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library.resolve(), target)
    for name, text in ACCOUNTS.items():
        (root / name).write_text(text)
    _add_certificates(root)
    _add_apk(root)
    return ["FROM scratch", "COPY root/ /", f"ENV PATH={PATH}", 'CMD ["/bin/sh"]']


def _busybox(folder: Path) -> Path:
    """The path of a busybox: this machine's, or Debian's package unpacked into a folder."""
    # A static busybox has no shared libraries, and cannot look up names of hosts.
    program = shutil.which("busybox")
    if program is not None and _libraries(Path(program)):
        return Path(program).resolve()
    _require_apt("busybox")
    folder.mkdir()
    try:
        run(["apt-get", "download", "busybox"], cwd=folder)
    except SetupError:
        # The lists of packages may be missing, as in a container's image, or name a version that is gone.
        run(["apt-get", "update", "-q"])
        run(["apt-get", "download", "busybox"], cwd=folder)
    run(["dpkg", "-x", *(str(package) for package in folder.glob("*.deb")), str(folder)])
    return next(path for path in folder.rglob("bin/busybox") if path.is_file())


def _libraries(program: Path) -> list[Path]:
    """The shared libraries of a program, with those for looking up names; none for a static program."""
    output = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
    # A line of ldd: `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f…)`.
    libraries = [Path(path) for path in re.findall(r"(/\S+) \(0x", output)]
    name_lookup = [path.parent / name for path in libraries if path.name.startswith("libc.so") for name in NAME_LOOKUP]
    return libraries + [path for path in name_lookup if path.exists() and path not in libraries]


def _add_certificates(root: Path) -> None:
    bundle = system_bundle()
    if bundle is not None:
        target = root / BUNDLE_IN_IMAGES.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(bundle, target)


def _add_apk(root: Path) -> None:
    """Compile the stand-in for apk, and write the version, hash and addresses of the Go toolchain that it downloads."""
    go = str(go_binary())
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local"}
    target = root / "sbin" / "apk"
    run([go, "build", "-trimpath", "-ldflags=-s -w", "-o", str(target), "."], env=environment, cwd=APK_SOURCE)
    version = run([go, "env", "GOVERSION"], env=environment).split()[0]
    proxies = run([go, "env", "GOPROXY"], env=environment).strip()
    # An address with `@` holds a password, which must not get into an image.
    usable = [proxy for proxy in re.split(r"[,|]", proxies) if "@" not in proxy]
    architecture = run([go, "env", "GOARCH"], env=environment).strip()
    # Toolchains are modules of this name and version: go.dev/doc/toolchain.
    module_hash = _toolchain_hash(go, f"golang.org/toolchain@v0.0.1-{version}.linux-{architecture}")
    (root / "etc" / "apk" / "go").write_text(f"{version} {module_hash or '-'} {','.join(usable)}\n")


def _toolchain_hash(go: str, module: str) -> str | None:
    """The hash of a toolchain, which Go has checked against the checksum database; None when Go cannot check it."""
    # Go must download the toolchain for that. The download is not kept, because few builds ask the stand-in for a compiler.
    with scratch_folder() as folder:
        environment = os.environ | {"GOMODCACHE": str(folder / "modules"), "GOFLAGS": "-modcacherw", "GOTOOLCHAIN": "local"}
        try:
            download = json.loads(run([go, "mod", "download", "-json", module], env=environment, cwd=folder))
        except (SetupError, ValueError):
            return None
    module_hash = download.get("Sum") if isinstance(download, dict) else None
    return module_hash if isinstance(module_hash, str) and module_hash.startswith("h1:") else None


def _golang(folder: Path) -> list[str]:
    go = str(go_binary())
    home = Path(run([go, "env", "GOROOT"]).strip())
    left_out = {home / name for name in GO_LEFT_OUT}
    target = folder / "root" / "usr" / "local" / "go"
    # The Go of Debian's package is a folder of symlinks to other folders. `copytree` copies their targets.
    shutil.copytree(
        home,
        target,
        ignore=lambda at, names: [name for name in names if Path(at, name) in left_out],
        ignore_dangling_symlinks=True,
    )
    settings = {"GOPATH": "/go", "GOTOOLCHAIN": "local", "PATH": f"/go/bin:/usr/local/go/bin:{PATH}"}
    environment = [f"ENV {name}={value}" for name, value in settings.items()]
    return ["FROM base", "COPY root/ /", *environment, "WORKDIR /go"]


def _debian(folder: Path) -> list[str]:
    _require_apt("mmdebstrap", as_root=True)
    if shutil.which("mmdebstrap") is None:
        apt_install(["mmdebstrap"], update=True)
    release = read_release()
    source = main_source(release.codename)
    if source is None:
        raise SetupError(
            message("There is no source of packages for {release} below {folder}.", release=release.codename, folder="/etc/apt")
        )
    archive, sources = folder / "root.tar", source.as_line()
    if sources is None:
        (folder / "debian.sources").write_text(source.as_deb822(source.suite), encoding="utf-8")
        sources = str(folder / "debian.sources")
    run(["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates", source.suite, str(archive), sources])
    _add_certificates(folder / "root")
    return ["FROM scratch", "ADD root.tar /", "COPY root/ /", f"ENV PATH={PATH}", 'CMD ["bash"]']


def _require_apt(program: str, *, as_root: bool = False) -> None:
    if read_release().uses_apt and (is_root() or not as_root):
        return
    system = platform.system()
    if as_root:
        sentence = message(
            "The base image cannot be pulled, and a stand-in needs {program}, on Debian or Ubuntu as root; this is {system}.",
            program=program,
            system=system,
        )
    else:
        sentence = message(
            "The base image cannot be pulled, and a stand-in needs {program}, on Debian or Ubuntu; this is {system}.",
            program=program,
            system=system,
        )
    raise SetupError(sentence, fix=message("Connect to the network once, or load the images with `docker load`."))
