"""Makes the images of stand-ins from their recipes (`speedkit.stand_ins`), each on the image of the stand-in below it.

The labels of an image name its contents and the hash of its recipe. It is made again only when the recipe, or the certificates
or settings of the host, have changed. These settings of the host get into an image: its sources of Debian packages, proxies,
indexes and certificates. An address with a user or password in it does not.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from speedkit.engine import (
    CONTENTS_LABEL,
    Engine,
    exported_stage,
    go_settings,
    image_labels,
    make_image,
    stand_in_image,
    system_bundle,
    trust_labels,
    with_go_settings,
)
from speedkit.errors import SetupError
from speedkit.messages import message
from speedkit.ownership import scratch_folder
from speedkit.stand_ins import DebianPackages, DebianTree, NpmPrograms, Part, Script, StandIn, TextFile, UnpackedPackages

from .commands import apt_install, run
from .debian import Source, is_root, read_release, sources_of
from .host_settings import apt_settings, client_settings, extra_certificates
from .package_clients import GETTERS, npm_signs_packages

__all__ = ["made_of", "make_stand_in_image"]

STAND_IN_LABEL = "dev.speedkit.stand-in"
RECIPE_LABEL = "dev.speedkit.stand-in-recipe"
APT_INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends"
SMALL = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
"""Files that dpkg leaves out of the stand-ins for Debian, now and later, as in the official slim images."""
APT_IN_IMAGES = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Apt::AutoRemove::SuggestsImportant "false";
"""
"""The settings of apt in the official images, under the name that Dockerfiles know: some remove the file, to use a cache mount.

Source: debuerreotype, scripts/.debuerreotype-minimizing-config.
"""
RECIPES = 2
"""Goes up when this module makes another image of the same recipe."""
OWN_CERTIFICATES = "usr/local/share/ca-certificates"
NAMES_OF_PACKAGES = (
    (re.compile(r"rustc"), "Rust"),
    (re.compile(r"python3\.\d+"), "Python"),
    (re.compile(r"openjdk-\d+-(?:jdk|jre)-headless"), "Java"),
    (re.compile(r"gradle"), "Gradle"),
    (re.compile(r"nginx"), "nginx"),
    (re.compile(r"caddy"), "Caddy"),
)
"""Debian packages whose version a stand-in reports, and the names of their programs."""


def made_of(engine: Engine, stand_in: StandIn) -> str | None:
    """The contents of the stand-in on the engine, in a few words; None for a missing one, or one of another recipe."""
    labels = image_labels(engine, stand_in_image(stand_in))
    is_current = labels is not None and labels.get(RECIPE_LABEL) == _recipe_hash(stand_in)
    return labels.get(CONTENTS_LABEL, "") if labels is not None and is_current else None


def make_stand_in_image(engine: Engine, stand_in: StandIn, say: Callable[[str], None]) -> str:
    """Makes a stand-in, and those below it, unless the engine has them. Returns its contents, in a few words.

    say: a function that gets a line before each image is made.
    Raises: SetupError, EngineError.
    """
    if (contents := made_of(engine, stand_in)) is not None:
        return contents
    below = [stand_in.base, *(part.unpacker for part in stand_in.parts if isinstance(part, UnpackedPackages))]
    lower = next((one for one in below if one is not None), None)
    lower_contents = make_stand_in_image(engine, lower, say) if lower is not None else ""
    say(message("Stand-in: making {name}", name=stand_in.key))
    with scratch_folder() as folder:
        image = _Image(folder, stand_in)
        image.write()
        if image.asks_versions:
            # The engine builds the stage with the list of packages, and hands out its text.
            name, base = stand_in_image(stand_in), _base_name(lower)
            image.add_versions(exported_stage(engine, folder, image.lines, "versions", name=name, base=base))
        contents = ", ".join(dict.fromkeys([*image.contents, *([lower_contents] if lower_contents else [])]))
        settings = go_settings() if with_go_settings(stand_in_image(stand_in)) else {}
        labels = trust_labels(system_bundle(), settings) | {
            STAND_IN_LABEL: stand_in.key,
            CONTENTS_LABEL: contents,
            RECIPE_LABEL: _recipe_hash(stand_in),
        }
        name = stand_in_image(stand_in)
        make_image(engine, folder, image.lines, name=name, base=_base_name(lower), labels=labels, kind="stand-in")
    return contents


def _base_name(lower: StandIn | None) -> str | None:
    return stand_in_image(lower) if lower is not None else None


def _recipe_hash(stand_in: StandIn) -> str:
    """A hash of the recipe of a stand-in, of those below it, and of the host's settings."""
    bundle = system_bundle()
    host = (apt_settings(), sorted(client_settings().items()), sorted(go_settings().items()))
    content = bundle.read_bytes() if bundle is not None else b""
    # Parts are frozen types, whose `repr` has all their fields. The versions that a tag asked for are not in the image.
    recipe = repr(replace(stand_in, asked=""))
    return hashlib.sha256(f"{RECIPES}{recipe}{host}".encode() + content).hexdigest()[:16]


@dataclass(slots=True)
class _Image:
    """The build context and the Dockerfile of one stand-in.

    contents: in words. environment: variables besides those of the recipe.
    """

    folder: Path
    stand_in: StandIn
    stages: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    asks_versions: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """The Dockerfile. The stage `versions` has nothing but the list of installed packages."""
        start = "FROM base" if self.stand_in.base is not None else "FROM scratch"
        versions = [
            "FROM made AS packages",
            "RUN dpkg-query -W > /versions",
            "FROM scratch AS versions",
            "COPY --from=packages /versions /",
        ]
        return [*self.stages, f"{start} AS made", *self.body, *(versions if self.asks_versions else []), "FROM made"]

    def write(self) -> None:
        """Gets all parts into the folder, and writes the Dockerfile's lines for them."""
        for number, part in enumerate(self.stand_in.parts):
            root = self.folder / f"part-{number}"
            root.mkdir()
            self._add(part, root)
        environment = {**self.stand_in.environment, **self.environment}
        if self.stand_in.base is None:
            environment |= client_settings() | (go_settings() if with_go_settings(stand_in_image(self.stand_in)) else {})
        self.body += [f"ENV {name}={_quoted(value)}" for name, value in environment.items()]
        self.body += [f"WORKDIR {self.stand_in.workdir}"] if self.stand_in.workdir else []
        self.body += [f"USER {self.stand_in.user}"] if self.stand_in.user else []
        for name, argv in (("ENTRYPOINT", self.stand_in.entrypoint), ("CMD", self.stand_in.command)):
            self.body += [f"{name} [{', '.join(map(_quoted, argv))}]"] if argv is not None else []

    def _add(self, part: Part, root: Path) -> None:
        match part:
            case DebianTree():
                self._add_tree(part, root)
            case DebianPackages():
                self._add_packages(part, root)
            case UnpackedPackages():
                self._add_unpacked(part)
            case TextFile():
                path = root / part.path.lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(part.text, encoding="utf-8")
                path.chmod(part.mode)
                self._copy(root)
            case Script():
                # The image's ENV lines come after this RUN, so the script gets the variables by itself.
                variables = "".join(f"{name}={_quoted(value)} " for name, value in self.stand_in.environment.items())
                self.body.append(f"RUN export {variables}&& {' && '.join(part.lines)}")
            case _:
                get: Callable[[Any, Path], str] = GETTERS[type(part)]
                self.contents.append(get(part, root))
                self._copy(root)
                if isinstance(part, NpmPrograms) and not npm_signs_packages():
                    # https://github.com/nodejs/corepack#environment-variables
                    self.environment["COREPACK_INTEGRITY_KEYS"] = "0"

    def _copy(self, root: Path) -> None:
        # COPY keeps the modes of folders, which come from this process's umask.
        for path in (root, *root.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        self.body.append(f"COPY {root.name}/ /")

    def _add_tree(self, part: DebianTree, root: Path) -> None:
        release = read_release()
        if not (release.uses_apt and is_root()):
            raise SetupError(
                message("Stand-ins are made of Debian's packages, which takes Debian or Ubuntu, and root."),
                fix=message("Pull or load the images yourself, or name others with --base NAME=IMAGE."),
            )
        sources = sources_of(part.suite, release.codename)
        if not sources:
            raise SetupError(
                message("There is no source of packages for {release} below {folder}.", release=part.suite, folder="/etc/apt"),
                fix=message("Pull or load the images yourself, or name others with --base NAME=IMAGE."),
            )
        if shutil.which("mmdebstrap") is None:
            apt_install(["mmdebstrap"], update=True)
        main = self.folder / "main.sources"
        main.write_text(sources[0].as_deb822(part.suite), encoding="utf-8")
        options = [f"--dpkgopt=path-exclude={pattern}" for pattern in SMALL]
        options += ["--dpkgopt=path-include=/usr/share/doc/*/copyright", "--include=ca-certificates,netbase,tzdata"]
        # The source may hold a password: the image gets its own list, without it.
        options += ['--customize-hook=rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*']
        options += ['--customize-hook=rm -rf "$1"/var/lib/apt/lists/* "$1"/var/log/*.log "$1"/var/cache/ldconfig/aux-cache']
        run(["mmdebstrap", "--quiet", "--variant=minbase", *options, part.suite, str(self.folder / "tree.tar"), str(main)])
        self.body.append("ADD tree.tar /")
        _write_sources(root, sources, "debian")
        _write(root / "etc/apt/apt.conf.d/docker-clean", APT_IN_IMAGES)
        if settings := apt_settings():
            _write(root / "etc/apt/apt.conf.d/80-host", "".join(f'{name} "{value}";\n' for name, value in settings))
        certificates = extra_certificates()
        for number, certificate in enumerate(certificates):
            _write(root / OWN_CERTIFICATES / f"host-{number}.crt", certificate)
        self._copy(root)
        self.body += ["RUN update-ca-certificates > /dev/null 2>&1"] if certificates else []
        self.contents.append(f"Debian {part.suite}")

    def _add_packages(self, part: DebianPackages, root: Path) -> None:
        from_suite = ""
        if part.suite is not None:
            _write_sources(root, sources_of(part.suite, read_release().codename), part.suite)
            self._copy(root)
            from_suite = f" -t {part.suite}"
        lists = "rm -rf /var/lib/apt/lists/* /var/log/*.log"
        self.body.append(f"RUN apt-get -qq update && {APT_INSTALL}{from_suite} {' '.join(part.names)} && {lists}")
        self.asks_versions |= any(pattern.fullmatch(name) for name in part.names for pattern, _ in NAMES_OF_PACKAGES)

    def _add_unpacked(self, part: UnpackedPackages) -> None:
        unpack = [
            "cd /tmp && apt-get -qq update",
            f"apt-get -qq download {' '.join(part.names)}",
            # Without these links, the packages of one release and of another would lay out /lib differently.
            "mkdir -p /out/usr/lib /out/usr/bin /out/usr/sbin /out/usr/lib64",
            "for name in lib bin sbin lib64; do ln -s usr/$name /out/$name; done",
            "for package in *.deb; do dpkg-deb --fsys-tarfile $package | tar -x --keep-directory-symlink -C /out; done",
            "rm -rf /out/usr/share/doc /out/usr/share/man /out/usr/share/locale",
            "mkdir -p /out/etc/ssl/certs /out/tmp && chmod 1777 /out/tmp",
            "cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/",
            "for name in $([ ! -x /out/bin/busybox ] || /out/bin/busybox --list); do ln -sf busybox /out/bin/$name; done",
        ]
        self.stages += ["FROM base AS unpacked", f"RUN {' && '.join(unpack)}"]
        self.body.append("COPY --from=unpacked /out/ /")
        self.contents.append(f"Debian {part.unpacker.flavour}")

    def add_versions(self, folder_text: str) -> None:
        """Name the versions of installed packages. folder_text: the output of dpkg-query: a package and its version a line."""
        for line in folder_text.splitlines():
            package, _, version = line.partition("\t")
            name = next((name for pattern, name in NAMES_OF_PACKAGES if pattern.fullmatch(package.partition(":")[0])), None)
            match = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", version)
            if name is not None and match is not None:
                self.contents.append(f"{name} {match[1]}")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_sources(root: Path, sources: list[Source], name: str) -> None:
    """Write the sources into an image, with their keyrings, and without those whose address holds a password."""
    usable = [source for source in sources if "@" not in source.address]
    _write(root / f"etc/apt/sources.list.d/{name}.sources", "\n".join(source.as_deb822(source.suite) for source in usable))
    for source in usable:
        keyring = Path(source.signed_by or "")
        # Debian's own keyrings are in the image.
        if keyring.is_absolute() and not keyring.name.startswith("debian-") and keyring.is_file():
            target = root / str(keyring).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):
                shutil.copyfile(keyring, target)
