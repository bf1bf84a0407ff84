"""How the image of a stand-in is made: its Dockerfile, its labels, what of the host reaches it, and what does not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from speedkit.engine import image_names
from speedkit.errors import SetupError
from speedkit.host_packages import host_settings, stand_in_images
from speedkit.host_packages.debian import Release, Source, sources_of
from speedkit.stand_ins import NodeRuntime, NpmPrograms, stand_in_for

DEBIAN = Release("debian", "", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")
FEDORA = Release("fedora", "", "41", "", "Fedora 41")
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


class Maker:
    """Takes the place of the engine: keeps what would be built, and the labels of what was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.labels: dict[str, dict[str, str]] = {}
        self.dockerfiles: dict[str, list[str]] = {}
        self.bases: dict[str, str | None] = {}
        self.ran: list[list[str]] = []

    def make(self, engine, folder, lines, *, name, base=None, labels=None, kind="result"):
        assert kind == "stand-in"
        key = name.rpartition("/")[2]
        self.labels[name], self.dockerfiles[key], self.bases[key] = dict(labels), lines, base
        for path in folder.rglob("*"):
            if path.is_file():
                place = self.folder / key / path.relative_to(folder)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(path.read_bytes())

    def run(self, argv, **_):
        self.ran.append(list(argv))
        return ""

    def text(self, key: str, path: str) -> str:
        (found,) = (self.folder / key).glob(f"part-*/{path}")
        return found.read_text()


@pytest.fixture
def maker(monkeypatch, tmp_path):
    made = Maker(tmp_path / "made")
    monkeypatch.setattr(stand_in_images, "make_image", made.make)
    monkeypatch.setattr(stand_in_images, "image_labels", lambda _, name: made.labels.get(name))
    monkeypatch.setattr(stand_in_images, "exported_stage", lambda *_, **__: "rustc\t1.96.1+dfsg1-2\nlibc6\t2.41\n")
    monkeypatch.setattr(stand_in_images, "run", made.run)
    monkeypatch.setattr(stand_in_images, "npm_signs_packages", lambda: True)
    monkeypatch.setattr(stand_in_images.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(stand_in_images, "read_release", lambda: DEBIAN)
    monkeypatch.setattr(stand_in_images, "is_root", lambda: True)
    monkeypatch.setattr(stand_in_images, "sources_of", lambda suite, _: [Source("http://mirror.example/debian", suite, None)])
    monkeypatch.setattr(stand_in_images, "extra_certificates", list)
    monkeypatch.setattr(stand_in_images, "apt_settings", lambda: (("Acquire::http::Proxy", "http://proxy.example:3128"),))
    monkeypatch.setattr(stand_in_images, "client_settings", lambda: {"PIP_INDEX_URL": "https://pip.example/simple"})
    monkeypatch.setattr(stand_in_images, "go_settings", lambda: {"GOPROXY": "https://go.example"})
    return made


def make(reference: str) -> str:
    stand_in = stand_in_for(reference)
    assert stand_in is not None
    return stand_in_images.make_stand_in_image(None, stand_in, lambda _: None)


def got(monkeypatch, kind: type, words: str) -> None:
    def get(_part, root: Path) -> str:
        (root / "got").write_text(words)
        return words

    monkeypatch.setattr(stand_in_images, "GETTERS", stand_in_images.GETTERS | {kind: get})


def test_each_image_is_made_on_the_one_below_it_and_says_what_it_is_made_of(maker, monkeypatch):
    got(monkeypatch, NodeRuntime, "Node.js 22.1.0")
    got(monkeypatch, NpmPrograms, "npm 10.9")
    assert make("node:22-slim") == "Node.js 22.1.0, npm 10.9, Debian bookworm"
    assert list(maker.dockerfiles) == ["debian:bookworm", "node:22-slim-bookworm"]
    assert maker.bases["node:22-slim-bookworm"].endswith("/stand-in/debian:bookworm")
    assert maker.dockerfiles["node:22-slim-bookworm"][0] == "FROM base AS made"
    assert 'CMD ["node"]' in maker.dockerfiles["node:22-slim-bookworm"]
    labels = next(labels for name, labels in maker.labels.items() if name.endswith("node:22-slim-bookworm"))
    assert labels["dev.speedkit.stand-in"] == "node:22-slim-bookworm"
    assert labels[image_names.CONTENTS_LABEL] == "Node.js 22.1.0, npm 10.9, Debian bookworm"


def test_corepack_takes_packages_of_a_registry_that_signs_none(maker, monkeypatch):
    got(monkeypatch, NodeRuntime, "Node.js 22.1.0")
    got(monkeypatch, NpmPrograms, "npm 10.9")
    make("node:22-slim")
    assert 'ENV COREPACK_INTEGRITY_KEYS="0"' not in maker.dockerfiles["node:22-slim-bookworm"]
    monkeypatch.setattr(stand_in_images, "npm_signs_packages", lambda: False)
    make("node:20-slim")
    assert 'ENV COREPACK_INTEGRITY_KEYS="0"' in maker.dockerfiles["node:20-slim-bookworm"]


def test_an_image_is_made_once_and_again_when_the_host_has_changed(maker, monkeypatch):
    make("debian:bookworm")
    maker.dockerfiles.clear()
    assert make("debian:bookworm") == "Debian bookworm"
    assert maker.dockerfiles == {}
    monkeypatch.setattr(stand_in_images, "client_settings", dict)
    make("debian:bookworm")
    assert list(maker.dockerfiles) == ["debian:bookworm"]


def test_the_versions_of_debians_packages_are_asked(maker):
    assert make("rust:1.94-slim") == "Rust 1.96.1, Debian trixie"
    lines = maker.dockerfiles["rust:1.94-slim-trixie"]
    assert any(" -t trixie-backports rustc cargo" in line for line in lines)
    assert "URIs: http://mirror.example/debian" in maker.text(
        "rust:1.94-slim-trixie", "etc/apt/sources.list.d/trixie-backports.sources"
    )
    assert lines[-1] == "FROM made"  # not the stage with the list of packages


def test_the_hosts_settings_reach_the_image(maker):
    make("debian:bookworm")
    lines = maker.dockerfiles["debian:bookworm"]
    assert 'ENV PIP_INDEX_URL="https://pip.example/simple"' in lines
    assert 'ENV GOPROXY="https://go.example"' in lines
    assert maker.text("debian:bookworm", "etc/apt/apt.conf.d/80-host") == 'Acquire::http::Proxy "http://proxy.example:3128";\n'
    assert "docker-clean" in str(list(maker.folder.rglob("*")))


def test_a_password_in_a_source_reaches_mmdebstrap_and_no_image(maker, monkeypatch):
    secret = Source("https://alice:secret@mirror.example/debian", "bookworm", None)
    read: list[str] = []
    argvs: list[str] = []
    monkeypatch.setattr(stand_in_images, "sources_of", lambda *_: [secret])
    monkeypatch.setattr(
        stand_in_images, "run", lambda argv, **_: argvs.extend(argv) or read.append(Path(argv[-1]).read_text()) or ""
    )
    make("debian:bookworm")
    assert "alice:secret" in read[0]
    for path in (maker.folder / "debian:bookworm").glob("part-*/**/*"):
        assert path.is_dir() or "secret" not in path.read_text()
    assert any(option.startswith("--customize-hook=rm -rf") and "sources.list" in option for option in argvs)


def test_certificates_of_the_host_are_added_to_debians(maker, monkeypatch):
    monkeypatch.setattr(stand_in_images, "extra_certificates", lambda: ["one", "two"])
    make("debian:bookworm")
    assert maker.text("debian:bookworm", "usr/local/share/ca-certificates/host-1.crt") == "two"
    assert "RUN update-ca-certificates > /dev/null 2>&1" in maker.dockerfiles["debian:bookworm"]


def test_a_distroless_image_is_unpacked_in_another_and_begins_empty(maker):
    make("gcr.io/distroless/static:nonroot")
    lines = maker.dockerfiles["distroless:static-trixie-nonroot"]
    assert lines[0] == "FROM base AS unpacked"
    assert lines[2:4] == ["FROM scratch AS made", "COPY --from=unpacked /out/ /"]
    assert "USER 65532" in lines
    assert "nonroot:x:65532" in maker.text("distroless:static-trixie-nonroot", "etc/passwd")


def test_without_debian_and_root_the_fix_is_another_image(maker, monkeypatch):
    monkeypatch.setattr(stand_in_images, "read_release", lambda: FEDORA)
    with pytest.raises(SetupError, match="takes Debian or Ubuntu, and root") as raised:
        make("debian:bookworm")
    assert "--base NAME=IMAGE" in raised.value.fix
    monkeypatch.setattr(stand_in_images, "read_release", lambda: DEBIAN)
    monkeypatch.setattr(stand_in_images, "sources_of", lambda *_: [])
    with pytest.raises(SetupError, match="There is no source of packages for bookworm"):
        make("debian:bookworm")


def test_another_release_of_debian_is_at_the_same_addresses(tmp_path):
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (folder / "debian.sources").write_text(
        "Types: deb\nURIs: http://main.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\n"
        "Types: deb\nURIs: http://security.example/debian-security\nSuites: bookworm-security\nComponents: main\n"
    )
    found = [(source.address.partition("//")[2], source.suite) for source in sources_of("trixie", "bookworm", tmp_path)]
    assert found == [
        ("main.example/debian", "trixie"),
        ("main.example/debian", "trixie-updates"),
        ("security.example/debian-security", "trixie-security"),
    ]
    assert [one.suite for one in sources_of("trixie-backports", "bookworm", tmp_path)] == ["trixie-backports"]
    assert [one.suite for one in sources_of("sid", "bookworm", tmp_path)] == ["sid"]
    assert sources_of("trixie", "jammy", tmp_path) == []


@pytest.fixture
def bundle(monkeypatch, tmp_path):
    """A bundle with one public certificate and one of a company."""
    public = tmp_path / "public"
    public.mkdir()
    (public / "a.crt").write_text(CERTIFICATE.format("cHVibGlj"))
    path = tmp_path / "bundle.pem"
    path.write_text(CERTIFICATE.format("cHVibGlj") + CERTIFICATE.format("Y29tcGFueQ=="))
    monkeypatch.setattr(host_settings, "system_bundle", lambda: path)
    monkeypatch.setattr(host_settings, "PUBLIC_CERTIFICATES", public)
    return public


def test_only_the_companys_own_certificates_are_added(bundle):
    assert host_settings.extra_certificates() == [CERTIFICATE.format("Y29tcGFueQ==")]
    (bundle / "a.crt").unlink()
    assert host_settings.extra_certificates() == []  # nothing tells the public ones apart


def test_indexes_are_those_of_the_host_and_never_one_with_a_password(bundle, monkeypatch, tmp_path):
    for name in host_settings.INDEX_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".npmrc").write_text("registry=https://npm.example/\n//npm.example/:_authToken=secret\n")
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example/simple")
    settings = host_settings.client_settings()
    assert settings["npm_config_registry"] == "https://npm.example/"
    assert settings["PIP_INDEX_URL"] == settings["UV_DEFAULT_INDEX"] == "https://pip.example/simple"
    assert settings["NODE_EXTRA_CA_CERTS"] == "/etc/ssl/certs/ca-certificates.crt"
    assert "secret" not in str(settings)
    monkeypatch.setenv("PIP_INDEX_URL", "https://alice:secret@pip.example/simple")
    settings = host_settings.client_settings()
    assert "secret" not in str(settings)
    assert "PIP_INDEX_URL" not in settings


APK = Path(stand_in_images.__file__).parents[1] / "stand_ins" / "families" / "files"
FAKES = {
    "apt-get": 'echo "apt-get $*" >> "$LOG"',
    "apt-cache": 'for last; do :; done; grep -qx "$last" "$KNOWN"',
    "dpkg-query": "for last; do :; done; case $last in curl) echo installed;; *) exit 1;; esac",
    "find": ":",
}


@pytest.fixture
def apk(tmp_path):
    """Runs the stand-in for apk with programs in place of apt's: exit code, what it printed, and what it had apt do."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in FAKES.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    text = (APK / "apk").read_text()
    for path in ("/usr/local/share/apk-names", "/var/lib/apk-virtual", "/var/lib/apt", "/var/cache/apt", "/tmp/apk-update.log"):
        place = APK / "apk-names" if path.endswith("names") else tmp_path / path.rpartition("/")[2]
        text = text.replace(path, str(place))
    script = tmp_path / "apk"
    script.write_text(text)
    (tmp_path / "known").write_text("jq\npython3-yaml\nlibfoo-dev\nbash\ncurl\n")
    log = tmp_path / "log"

    def run(*arguments: str) -> tuple[int, str, list[str]]:
        log.write_text("")
        environment = os.environ | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "LOG": str(log),
            "KNOWN": str(tmp_path / "known"),
        }
        done = subprocess.run(["sh", script, *arguments], env=environment, capture_output=True, text=True, check=False)
        installs = [line for line in log.read_text().splitlines() if "update" not in line]
        return done.returncode, done.stdout + done.stderr, installs

    return run


def test_apk_installs_the_debian_package_of_the_same_purpose(apk):
    code, said, installs = apk("add", "--no-cache", "build-base", "musl-dev", "jq", "py3-yaml", "foo-dev", "musl", "curl")
    assert code == 0, said
    assert installs[0].endswith("--no-install-recommends build-essential libc6-dev jq python3-yaml libfoo-dev")
    assert "stand-in" in said


def test_apk_says_which_names_debian_has_not_and_installs_nothing(apk):
    code, said, installs = apk("add", "jq", "no-such-thing", "neither-this")
    assert (code, installs) == (1, [])
    assert "unable to select packages: no-such-thing neither-this" in said


def test_apk_takes_versions_as_alpines_and_removes_a_virtual_package_with_its_members(apk):
    code, said, _ = apk("add", "--virtual", ".deps", "bash=5.2.26-r0", "jq")
    assert code == 0
    assert "the version in bash=5.2.26-r0 is Alpine's" in said
    code, _, removals = apk("del", ".deps")
    assert code == 0
    assert removals[0].endswith("purge --auto-remove bash jq")


def test_apk_knows_its_verbs(apk):
    assert apk("upgrade")[0] == 0
    code, said, _ = apk("audit")
    assert code == 1
    assert "knows add, del" in said


def test_every_name_in_the_table_has_a_package_or_a_dash():
    lines = (APK / "apk-names").read_text().splitlines()
    assert all(len(line.split()) >= 2 for line in lines)
    names = [line.split()[0] for line in lines]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("command", "done"),
    [
        ("addgroup -S app", "groupadd --system app"),
        ("addgroup -g 1000 app", "groupadd --gid 1000 app"),
        ("addgroup --gid 1000 --system app", "groupadd --system --gid 1000 app"),
        ("addgroup app docker", "usermod -a -G docker app"),
        (
            "adduser -S app -G app",
            "useradd --system --gid app --home-dir /home/app --create-home --comment  --shell /usr/sbin/nologin app",
        ),
        (
            "adduser -SDH -u 1001 -h /srv/app -s /bin/ash app",
            "useradd --system --uid 1001 --gid nogroup --home-dir /srv/app --no-create-home --comment  --shell /bin/ash app",
        ),
        (
            "adduser --disabled-password --gecos x --uid=7 app",
            "useradd --uid 7 --user-group --home-dir /home/app --create-home --comment x --shell /bin/sh app",
        ),
        ("deluser --remove-home app", "userdel app"),
        ("delgroup app", "groupdel app"),
    ],
)
def test_accounts_are_made_with_the_options_of_busybox(command, done, tmp_path):
    for name in ("groupadd", "useradd", "usermod", "userdel", "groupdel"):
        fake = tmp_path / name
        fake.write_text(f'#!/bin/sh\necho {name} "$@"\n')
        fake.chmod(0o755)
    program, *arguments = command.split()
    script = tmp_path / program
    script.write_text((APK / "accounts").read_text())
    script.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    said = subprocess.run([script, *arguments], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == done


@pytest.mark.engine
@pytest.mark.slow
def test_a_real_stand_in_for_alpine_installs_what_a_dockerfile_asks_for(engine, monkeypatch, tmp_path):
    from speedkit.apps import own_app
    from speedkit.builds import build
    from speedkit.host_packages.debian import is_root, main_source, read_release

    if not is_root() or main_source(read_release().codename) is None:
        pytest.skip("stand-ins are made on Debian, by root")
    token = os.urandom(4).hex()
    monkeypatch.setattr(image_names, "PREFIX", f"speedkit/test-stand-in-{token}/")
    stand_in = stand_in_for("alpine:3")
    contents = stand_in_images.make_stand_in_image(engine, stand_in, lambda _: None)
    (tmp_path / "Dockerfile").write_text(
        "FROM alpine:3\nRUN addgroup -S app && adduser -S -G app app\n"
        "RUN apk add --no-cache jq && echo '{\"a\": 1}' | jq -c . > /out\nUSER app\nRUN cat /out\n"
    )
    try:
        built = build(own_app(tmp_path))
        assert built.ok, built.error
        assert built.bases[0].made_of == contents == "Debian trixie"
    finally:
        for key in ("alpine:latest", "debian:trixie"):
            engine.api.remove_image(f"speedkit/test-stand-in-{token}/{key}", force=True)
