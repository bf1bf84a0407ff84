"""Random projects, from a seed. Every one is meant to build; the few that do not are left out."""

from __future__ import annotations

import random

from tests.conformance.bases import VARIANTS
from tests.conformance.project import File, Project, StageText

__all__ = ["IMAGES", "NAMES", "WORDS", "random_build_args", "random_ignore", "random_line", "random_project"]

IMAGES = tuple(VARIANTS)
_PATHS = ("a.txt", "b.txt", "src/main.go", "src/util.go", "src/deep/x.md", "docs/readme.md", "go.mod", "empty")
_ODD_PATHS = ("with space.txt", "br[ack]et.txt", "ünï©ode.txt", "docs/$A.txt", 'docs/quote".txt', "docs/new\nline")
WORDS = ("one", "two", "three", "four")
NAMES = ("A", "B", "VERSION")


def random_project(chance: random.Random) -> Project:
    files = {path: File(chance.choice(WORDS)) for path in _PATHS if path != "empty"}
    files["empty"] = File(kind="dir", mode=0o755)
    files["src"] = files["docs"] = File(kind="dir", mode=0o755)
    files["src/deep"] = File(kind="dir", mode=0o755)
    files["link"] = File(chance.choice(("a.txt", "src")), kind="symlink")
    files["folder"] = File(chance.choice(("src", "./docs/../src", "/src")), kind="symlink")
    files["src/up"] = File(chance.choice(("../a.txt", "main.go", "..")), kind="symlink")
    files["bundle.tar"] = File(chance.choice(WORDS), kind="archive")
    files |= {path: File(chance.choice(WORDS)) for path in _ODD_PATHS if chance.random() < 0.7}
    if chance.random() < 0.5:
        files[".dockerignore"] = File(random_ignore(chance))
        if chance.random() < 0.3:
            files["ig"] = files[".dockerignore"]
            target = chance.choice(("ig", "/ig", "../../../../../ig", "../outside/ig", "nowhere", "src/../ig"))
            files[".dockerignore"] = File(target, kind="symlink")
    stages: list[StageText] = []
    for index in range(chance.choice((1, 1, 2, 2, 3))):
        stages.append(_stage(chance, stages, index))
    linked = chance.choice(_LINKED_DOCKERFILES) if chance.random() < 0.2 else ""
    return Project(tuple(stages), files, _head(chance), random_build_args(chance), line_end=_line_end(chance), linked=linked)


_LINKED_DOCKERFILES = ("Dockerfile.real", "./Dockerfile.real", "/Dockerfile.real", "../../../../../Dockerfile.real", "chain")
"""Where the Dockerfile is a symlink: what it says. BuildKit follows it with its folder as the root."""


def _head(chance: random.Random) -> tuple[str, ...]:
    arguments = ("ARG GLOBAL=1", "ARG GLOBAL=1 BASE=plain", "ARG BASE", "ARG BASE=plain\nARG GLOBAL=${BASE}-x", "ARG A=global")
    directives = ("# escape=`", "# check=skip=all", "# a comment", "#escape=\\")
    head = (chance.choice(arguments),) if chance.random() < 0.5 else ()
    return (chance.choice(directives), *head) if chance.random() < 0.15 else head


def _line_end(chance: random.Random) -> str:
    return "\r\n" if chance.random() < 0.05 else "\n"


def random_build_args(chance: random.Random) -> dict[str, str]:
    chosen = {name: chance.choice(WORDS) for name in NAMES if chance.random() < 0.3}
    if chance.random() < 0.15:
        name = chance.choice(("HTTP_PROXY", "BUILDKIT_CACHE_MOUNT_NS", "SOURCE_DATE_EPOCH", "GLOBAL", "NOBODY", "TARGETARCH"))
        chosen[name] = chance.choice(("1", "2"))
    return chosen


def random_ignore(chance: random.Random) -> str:
    lines = ("docs/*", "**/*.md", "!docs/readme.md", "[bn]*.txt", "*.txt\n!a.txt", "src/deep/*", "# comment", "/go.sum")
    return "\n".join(chance.sample(lines, chance.randint(1, 4))) + "\n"


def _stage(chance: random.Random, earlier: list[StageText], index: int) -> StageText:
    named = [stage.name for stage in earlier if stage.name]
    base = chance.choice(IMAGES)
    if named and chance.random() < 0.3:
        # BuildKit looks at no platform of a stage that starts from a stage.
        platform = chance.choice(("--platform=linux/s390x ", "--platform=$TARGETPLATFORM ", "--platform=arm64 "))
        base = (platform if chance.random() < 0.3 else "") + chance.choice(named)
    elif chance.random() < 0.15:
        base = "scratch"
    elif chance.random() < 0.2:
        base = chance.choice(_SPELLED_BASES)
    name = f"s{index}" if chance.random() < 0.8 else ""
    lines = [random_line(chance, earlier, shell=base != "scratch") for _ in range(chance.randint(1, 6))]
    if base != "scratch" and chance.random() < 0.6:
        lines.append(chance.choice(_PRODUCERS))
    return StageText(name, base, tuple(lines))


_SPELLED_BASES = (
    "speedkit-conformance/${BASE:-plain}",
    "--platform=$BUILDPLATFORM speedkit-conformance/plain",
    "--platform=linux/amd64 speedkit-conformance/plain",
    "--platform=${TARGETPLATFORM} speedkit-conformance/variable",
    "speedkit-conformance/${GLOBAL:+layer}${GLOBAL:-plain}",
    "docker.io/speedkit-conformance/plain:latest",
)
_PRODUCERS = (
    "RUN mkdir -p /out && echo constant > /out/file && touch -d @0 /out/file",
    "RUN mkdir -p /out && cat /w/src/main.go > /out/file 2>/dev/null || true",
    "RUN mkdir -p /out && echo $A$VERSION > /out/file",
)


def random_line(chance: random.Random, earlier: list[StageText], *, shell: bool) -> str:
    makers = [_copy, _copy, _copy_options, _setting, _setting, _copy_heredoc, _copy_elsewhere]
    if shell:
        makers += [_run, _run, _run_special, _run_mount, _run_elsewhere]
    if any(stage.name for stage in earlier):
        makers += [_copy_from, _copy_from]
        if shell:
            makers.append(_run_from)
    return chance.choice(makers)(chance, earlier)


_ODD_ENDS = ("\f", "\v", "\x1c", "\x1d", "\x85", "\u2028", "\u2029", "\r", "\u00a0")
"""What ends a line for Python, or is a space for Unicode, and not for BuildKit."""


def _run(chance: random.Random, _earlier: list[StageText]) -> str:
    return chance.choice(
        (
            f"RUN echo {chance.choice(WORDS)}",
            f"RUN echo {chance.choice(WORDS)} > /made",
            f"RUN true && \\\n    echo {chance.choice(WORDS)}",
            f'RUN ["/bin/sh", "-c", "echo {chance.choice(WORDS)}"]',
            "RUN echo $A ${B:-x} $VERSION",
            "run true",
            f"RUN true \\\n# a comment inside\n\n  && echo {chance.choice(WORDS)}",
            f"RUN echo '{chance.choice(WORDS)} # no comment' \"ü\" \\$A",
            f'RUN ["echo", "{chance.choice(WORDS)} \\u00e9", "$A"]',
            f"RUN echo {'long ' * 3000}{chance.choice(WORDS)} >/dev/null",
            "RUN\ttrue",
            "RUN [ -e / ]",
            f"RUN echo token-{chance.getrandbits(48):012x}",
            f"RUN echo token-{chance.getrandbits(48):012x} $A ${{VERSION:-none}} '$B'",
            f"RUN : {'x' * 60000}",
            f"RUN echo {chance.choice(WORDS)}{chance.choice(_ODD_ENDS)}",
            f"RUN echo {chance.choice(WORDS)}{chance.choice(_ODD_ENDS)}more",
        )
    )


def _run_special(chance: random.Random, _earlier: list[StageText]) -> str:
    word = chance.choice(WORDS)
    return chance.choice(
        (
            f"RUN <<EOF\necho {word}\nEOF",
            f"RUN <<-EOF\n\techo {word}\n\tEOF",
            f"RUN <<EOF\n#!/bin/sh\necho {word}\nEOF",
            f"RUN cat <<EOF >/made\n{word} $A\nEOF",
            f"RUN --network=none echo {word}",
            "RUN --mount=type=secret,id=none true",
            "RUN --mount=type=secret,id=none,target=/s true",
            "RUN --mount=type=tmpfs,target=/scratch true",
            "RUN --mount=type=ssh true",
            f"RUN --mount=type=secret,id=none,{chance.choice(('mode=0400', 'mode=400', 'uid=0', 'mode=0600', 'gid=1'))} true",
            f"RUN --mount=type=tmpfs,target=/scratch,{chance.choice(('ro', 'rw', 'size=1m', 'size=1048576', 'size=2M'))} true",
            f"RUN --mount=type=ssh,{chance.choice(('id=default', 'mode=0600', 'target=/agent'))} true",
            "RUN --mount=type=secret,id=none --mount=type=ssh true",
            "RUN --mount=type=ssh --mount=type=secret,id=none true",
            f"RUN --network=default echo {word}",
            f"RUN cat <<ONE >/made && cat <<'TWO' >>/made\n{word} $A\nONE\n$A {word}\nTWO",
            f"RUN <<EOF sh\necho {word}\nEOF",
            f"RUN <<EOF\necho same\necho {word} $A\nEOF",
            f"RUN <<EOF\necho same\necho token-{chance.getrandbits(48):012x}\nEOF",
            f"RUN --mount=type=bind,source=$A,target=/m <<EOF\necho same\n{word} || true\nEOF",
        )
    )


_LINKED = ("link", "folder", "folder/main.go", "src/up", "src/deep")


def _run_mount(chance: random.Random, _earlier: list[StageText]) -> str:
    source = chance.choice(("a.txt", "src", "go.mod", "src/main.go", "."))
    return chance.choice(
        (
            f"RUN --mount=type=bind,source={source},target=/m cat /m >/dev/null 2>&1 || true",
            "RUN --mount=type=bind,target=/m true",
            f"RUN --mount=source={source},target=/m,rw true",
            "RUN --mount=type=cache,target=/cache true",
            f"RUN --mount=type=cache,target=/cache,id={chance.choice(('x', 'y', '/cache'))} true",
            f"RUN --mount=type=cache,target=/cache,sharing={chance.choice(('shared', 'locked', 'private'))} true",
            f"RUN --mount=type=cache,target=/cache,id=$A,mode={chance.choice(('0755', '0700'))} true",
            f"RUN --mount=type=cache,target=/c --mount=type=bind,source={source},target=/m true",
            f"RUN --mount=type=bind,source=a.txt,target=/m --mount=type=bind,source={source},target=/n true",
            f"RUN --mount=type=bind,source={source},target=/m --mount=type=bind,source=a.txt,target=/n true",
            f"RUN --mount=type=bind,source={chance.choice(_LINKED)},target=/m true",
            "RUN --mount=type=bind,source=src,target=/m --mount=type=bind,source=src/deep,target=/n true",
            'RUN --mount="type=bind,source=a.txt,target=/m" true',
            "RUN --mount=type=cache,dst=/cache,readonly=false,sharing=SHARED true",
        )
    )


def _run_from(chance: random.Random, earlier: list[StageText]) -> str:
    name = chance.choice([stage.name for stage in earlier if stage.name])
    return chance.choice(
        (
            f"RUN --mount=from={name},target=/m true",
            f"RUN --mount=from={name},source=/.token,target=/m true",
            f"RUN --mount=type=cache,from={name},source=/,target=/m true",
            f"RUN --mount=type=cache,from={name},target=/m,mode={chance.choice(('0700', '755'))} true",
            f"RUN --mount=from={name},source=/.token,target=/m --mount=from={name},source=/.token,target=/n true",
            f"RUN --mount=from={name.upper()},target=/m,rw true",
        )
    )


def _copy(chance: random.Random, _earlier: list[StageText]) -> str:
    sources = chance.choice(
        (
            "a.txt",
            "./a.txt",
            "src",
            "src/",
            ".",
            "*.txt",
            "src/*.go",
            "s*",
            "a.txt go.mod",
            "link",
            "empty",
            "/src",
            "src/main.go src/deep",
            "go.*",
            "??.mod",
            "[ab].txt",
            "folder",
            "folder/main.go",
            "folder/*.go",
            "folder/deep",
            "l*",
            "*",
            "src/../a.txt",
            "src//main.go",
            "src/*/x.md",
            "s*/*.go",
            "br*et.txt",
            "[^a].txt",
            "src/up",
            "a.txt b.txt",
            "b.txt a.txt",
            "src src/deep",
            "docs",
            "ünï©ode.txt",
            "src/.",
        )
    )
    return f"COPY {sources} {chance.choice(('/w/', '/w/', './', '/v/', 'rel/'))}"


def _copy_options(chance: random.Random, _earlier: list[StageText]) -> str:
    flag = chance.choice(
        (
            "--chown=1:1",
            "--chown=0",
            "--chmod=755",
            "--chmod=u+x",
            "--link",
            "--exclude=*.md",
            "--exclude=**/*.go",
            "--exclude=deep",
            "--link --chmod=700",
            "--exclude=* --exclude=!main.go",
            "--exclude=deep --exclude=!deep/x.md",
            "--exclude=src/up --exclude=a.txt",
            "--exclude=link",
            "--exclude=**",
            "--chmod=u=rwX,go=rX",
            "--chmod=0644",
            "--chown=root:root",
            "--chown=0:0 --chmod=755",
            "--link --chown=1:1",
            "--link=false",
            "--exclude=$A.txt",
        )
    )
    keyword = "ADD" if chance.random() < 0.3 else "COPY"
    source = chance.choice(("src", ".", "a.txt", "docs", "src/*", "folder", "link", "*", "src/deep a.txt"))
    return f"{keyword} {flag} {source} /w/"


def _copy_heredoc(chance: random.Random, _earlier: list[StageText]) -> str:
    word = chance.choice(WORDS)
    return chance.choice(
        (
            f"COPY <<EOF /made\n{word} $A\nEOF",
            f'COPY <<"EOF" /made\n{word} $A\nEOF',
            f"COPY <<EOF a.txt /many/\n{word}\nEOF",
            f"COPY <<-one <<two /many/\n\t{word}\n\tone\n{word}\ntwo",
            f"COPY <<EOF /made\n${{A:-{word}}} \\$A \"$B\" '$A'\nEOF",
            f"COPY <<'EOF' --chmod=755 /made\n{word}\nEOF"
            if chance.random() < 0.1
            else f"COPY --chmod=755 <<EOF /run.sh\n#!/bin/sh\n{word}\nEOF",
            f"ADD <<EOF /made\n{word}\n\nEOF",
            f"COPY <<EOF /named/$A.txt\n# {word}\nEOF",
        )
    )


def _copy_from(chance: random.Random, earlier: list[StageText]) -> str:
    stage = chance.choice([stage for stage in earlier if stage.name])
    makes_out = any("/out" in line for line in stage.lines)
    path = chance.choice(("/out", "/out/file", "/out/", "/out/*")) if makes_out else "/.token"
    copied = any(line.startswith("COPY") and "--from" not in line and line.endswith("/w/") for line in stage.lines)
    if copied and chance.random() < 0.6:
        path = chance.choice(("/.t*", "/w*", "/w/*", "/w/a*", "/w/", "/w"))
    flag = chance.choice(("", "", "", "--chown=1:1 ", "--chmod=700 ", "--link "))
    return f"COPY --from={chance.choice((stage.name, stage.name.upper()))} {flag}{path} /from/"


def _copy_elsewhere(chance: random.Random, earlier: list[StageText]) -> str:
    words = ["COPY --from=extra file /extra/", "COPY --from=extra . /extra/", "COPY --from=extra --chmod=755 / /extra/"]
    words += [f"COPY --from={chance.choice(IMAGES)} /etc /image/", 'COPY ["a.txt", "go.mod", "/json dir/"]']
    words += [f"ADD {chance.choice(('a.txt', 'src', 'link'))} $A/", "COPY ${B:-src} /expanded/$VERSION/"]
    words += ["COPY --chmod=${MODE:-755} a.txt /w/", "COPY --chown=$OWNER src/ /w/", "COPY a.txt go.mod src /w/"]
    words += [f"{keyword} bundle.tar /unpacked/" for keyword in ("ADD", "COPY", "ADD --unpack=false", "ADD --unpack=true")]
    words += [
        'COPY ["with space.txt", "/w/"]',
        'COPY ["br[[]ack]et.txt", "/w/"]',
        "COPY with\\ space.txt /w/",
        "ADD *.tar /unpacked/",
    ]
    words += [f"COPY --from={chance.choice(IMAGES)} /etc/* /etc/os-releas[e] /image/", "COPY 'a.txt' \"go.mod\" /w/"]
    words += ["COPY a.txt ${B}x", 'COPY a.txt "/w w/$A"', "COPY --exclude=$B src /w/", "ADD ./src/deep/ a.txt /w"]
    if earlier:
        words += [f"COPY --from={chance.randrange(len(earlier))} /.token /numbered/"]
    return chance.choice(words)


def _run_elsewhere(chance: random.Random, _earlier: list[StageText]) -> str:
    return chance.choice(
        (
            "RUN --mount=from=extra,target=/m true",
            "RUN --mount=from=extra,source=file,target=/m cat /m",
            f"RUN --mount=from={chance.choice(IMAGES)},source=/etc,target=/m true",
            "RUN --mount=type=cache,target=/cache,from=extra,source=. true",
            "RUN --mount=type=bind,source=src,target=relative true",
            "RUN --mount=type=bind,source=$A,target=/m true || true",
            "RUN --mount=type=secret,id=none,env=NONE true",
            "RUN --mount=type=tmpfs,target=/t,size=1000000 true",
            "RUN --mount=type=cache,target=/cache,uid=1 true",
            "RUN --mount=type=cache,target=/cache/,id=/cache true",
            "RUN --mount=type=cache,target=/cache,ro true",
            "RUN --mount=type=ssh,id=none,required=false true",
        )
    )


def _setting(chance: random.Random, _earlier: list[StageText]) -> str:
    word, name = chance.choice(WORDS), chance.choice(NAMES)
    return chance.choice(
        (
            f"ENV {name}={word}",
            f"ENV {name} {word}",
            f"ENV {name}=${{{chance.choice(NAMES)}:-none}}",
            f"ARG {name}={word}",
            f"ARG {name}",
            "ARG GLOBAL",
            f"ARG UNUSED={word}",
            f"WORKDIR /{word}",
            f"WORKDIR {word}",
            "WORKDIR /$A/x",
            f"LABEL {name}={word}",
            f'CMD ["{word}"]',
            f"EXPOSE {chance.randint(1, 99)}",
            "USER root",
            "USER 0",
            "USER 0:0",
            'SHELL ["/bin/sh", "-c"]',
            'SHELL ["/bin/sh", "-e", "-c"]',
            f"ONBUILD RUN echo {word}",
            "ONBUILD COPY a.txt /triggered/",
            "ONBUILD ENV A=triggered",
            "ONBUILD WORKDIR /triggered",
            f"ARG {name}=${{{chance.choice(NAMES)}}}x {chance.choice(NAMES)}",
            f"ENV {name}='quoted {word}' B=\\$A",
            f"ARG MODE={chance.choice(('755', '700', 'a+x'))}",
            f"ARG OWNER={chance.choice(('0', '1:1', 'root'))}",
            "ARG TARGETARCH",
            "ARG TARGETPLATFORM BUILDPLATFORM",
            "ARG HTTP_PROXY",
            "VOLUME /data",
            "STOPSIGNAL SIGTERM",
            "HEALTHCHECK CMD true",
            "MAINTAINER nobody",
            f"ENTRYPOINT {word}",
            f"# {word}",
            f"ARG GLOBAL={word}",
            f"ENV {name}=${{{chance.choice(NAMES)}:+set}} B=${{A#o}}${{A%e}}${{A/o/x}}",
            f"ENV PATH=/{word}:$PATH",
            f'ENV {name}="{word} and $A" B={word}\\ x',
            f"ENV {name} two {word}   words",
            f'ARG {name}="{word} $A"',
            f"ARG {name}='$A' {chance.choice(NAMES)}=${{{name}:-none}}",
            'LABEL "a b"="$A" e=f',
            "WORKDIR ${A:-/one}/$VERSION",
            'WORKDIR "/w w"',
            "WORKDIR /",
            "WORKDIR ../up",
            "WORKDIR ../../..",
            "WORKDIR /$NOBODY",
            "WORKDIR ${A}/${B:-b}",
            "ONBUILD WORKDIR /$A/$B",
            "ONBUILD COPY $B* /triggered/$A",
            "ARG BUILDKIT_SBOM_SCAN_STAGE=true",
            "USER ${NOBODY:-root}",
            'SHELL ["/bin/sh", "-x", "-c"]',
            "ONBUILD ARG A=onbuild",
            "ONBUILD RUN --mount=type=bind,source=a.txt,target=/m true",
            "ONBUILD COPY <<EOF /triggered\n$A\nEOF",
            "onbuild add a.txt /triggered/",
            "ARG BUILDPLATFORM TARGETOS=windows",
            "ARG SOURCE_DATE_EPOCH",
            "ARG BASE",
            "HEALTHCHECK --interval=3s CMD $A",
            f"EXPOSE ${{VERSION:-80}}/tcp {chance.randint(1, 99)}",
        )
    )
