"""gcr.io/distroless: the files of Debian packages, without apt, dpkg and shell. https://github.com/GoogleContainerTools/distroless"""

from __future__ import annotations

import re

from ..family import Family
from ..recipe import NodeRuntime, StandIn, TextFile, UnpackedPackages
from ..tags import SUITE_OF_VERSION, Tag
from .debian import DEFAULT_SUITE, debian

__all__ = ["FAMILY"]

PREFIX = "gcr.io/distroless/"
KINDS = ("static", "base-nossl", "base", "cc", "nodejs18", "nodejs20", "nodejs22", "nodejs24")
STATIC = ("base-files", "ca-certificates", "netbase", "tzdata", "media-types")
LIBC = ("libc6",)
SSL = ("libssl3t64", "openssl")
COMPILER_RUNTIME = ("libgcc-s1", "libgomp1", "libstdc++6")
ACCOUNTS = (
    TextFile(
        "/etc/passwd",
        "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"
        "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
    ),
    TextFile("/etc/group", "root:x:0:\nnobody:x:65534:\ntty:x:5:\nstaff:x:50:\nnonroot:x:65532:\n"),
    TextFile("/etc/nsswitch.conf", "hosts: files dns\n"),
    TextFile("/home/nonroot/.keep", ""),
)


def _stand_in(image: str, tag: Tag) -> StandIn | None:
    match = re.fullmatch(r"(.+?)(?:-debian(\d+))?", image.removeprefix(PREFIX).removeprefix("cgr.dev/chainguard/"))
    words = tag.other
    # `debug` has a shell, from busybox: another image than this one.
    if match is None or any(word != "nonroot" for word in words):
        return None
    kind = match[1]
    suite = SUITE_OF_VERSION.get(match[2] or "", DEFAULT_SUITE)
    ssl = tuple(name.removesuffix("t64") if suite != "trixie" else name for name in SSL)
    packages = {"static": STATIC, "base-nossl": STATIC + LIBC, "base": STATIC + LIBC + ssl}.get(
        kind, STATIC + LIBC + ssl + COMPILER_RUNTIME
    )
    parts = (UnpackedPackages(packages, debian(suite)), *ACCOUNTS)
    settings = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SSL_CERT_FILE": CERTIFICATES}
    is_nonroot = "nonroot" in words
    is_node = kind.startswith("nodejs")
    return StandIn(
        f"distroless:{kind}-{suite}{'-nonroot' if is_nonroot else ''}",
        None,
        (*parts, *((NodeRuntime(kind.removeprefix("nodejs")),) if is_node else ())),
        settings,
        workdir="/home/nonroot" if is_nonroot else "/",
        user="65532" if is_nonroot else "0",
        entrypoint=("/usr/local/bin/node",) if is_node else None,
        asked=f"Node.js {kind.removeprefix('nodejs')}" if is_node else "",
    )


CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
IMAGES = tuple(f"{PREFIX}{kind}{release}" for kind in KINDS for release in ("", "-debian11", "-debian12", "-debian13"))
FAMILY = Family("distroless", (*IMAGES, "cgr.dev/chainguard/static"), _stand_in)
