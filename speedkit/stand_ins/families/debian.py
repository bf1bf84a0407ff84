"""debian, ubuntu, buildpack-deps: a minimal Debian, with and without compilers. The other families grow from it."""

from __future__ import annotations

from ..family import Family
from ..recipe import DebianPackages, DebianTree, StandIn
from ..tags import SUITE_OF_VERSION, SUITES_OF_UBUNTU, Tag

__all__ = ["DEFAULT_SUITE", "FAMILY", "PATH", "buildpack", "debian", "scm"]

DEFAULT_SUITE = "trixie"
"""Debian's stable release, on which official images are built whose tag names no other one."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GONE_SUITES = {"stretch": "bullseye", "buster": "bullseye"}
"""Releases that Debian's mirrors no longer have, and the oldest one that they do."""
SCM = ("ca-certificates", "curl", "wget", "git", "openssh-client", "procps", "gnupg", "netbase", "tzdata", "unzip", "xz-utils")
"""What the official buildpack-deps:scm has, as far as builds use it."""
LIBRARIES = (
    "build-essential", "autoconf", "automake", "libtool", "patch", "file", "pkg-config", "libbz2-dev", "libcurl4-openssl-dev",
    "libffi-dev", "libgmp-dev", "libjpeg-dev", "libpng-dev", "liblzma-dev", "libncurses-dev", "libpq-dev", "libreadline-dev",
    "libsqlite3-dev", "libssl-dev", "libxml2-dev", "libxslt1-dev", "libyaml-dev", "zlib1g-dev", "python3-minimal",
)  # fmt: skip
"""What the official buildpack-deps has on top, as far as builds use it: compilers, and headers of common libraries."""


def debian(suite: str | None) -> StandIn:
    """The minimal Debian that other stand-ins grow from."""
    name = suite or DEFAULT_SUITE
    name = GONE_SUITES.get(name, name)
    return StandIn(f"debian:{name}", None, (DebianTree(name),), {"PATH": PATH}, command=("bash",))


def scm(suite: str | None) -> StandIn:
    """Debian with git, curl and their like."""
    below = debian(suite)
    return StandIn(f"scm:{below.flavour}", below, (DebianPackages(SCM),))


def buildpack(suite: str | None) -> StandIn:
    """Debian with compilers and the headers of common libraries."""
    below = scm(suite)
    return StandIn(f"buildpack:{below.flavour}", below, (DebianPackages(LIBRARIES),))


def _stand_in(image: str, tag: Tag) -> StandIn | None:
    suite = tag.suite or SUITE_OF_VERSION.get(tag.version.partition(".")[0])
    other = tag.other
    if image == "ubuntu":
        words = (tag.version, *tag.other)
        suite = next((SUITES_OF_UBUNTU[word] for word in words if word in SUITES_OF_UBUNTU), None)
        # A newer release than those of the table has a name or a number of the same form.
        other = () if tag.version or suite else tag.other
    if image == "buildpack-deps":
        kinds = {(): buildpack, ("scm",): scm, ("curl",): scm}
        other_words = tuple(word for word in other if word not in SUITES_OF_UBUNTU)
        return kinds[other_words](suite) if other_words in kinds else None
    codename_words = {"oldstable": "bookworm", "testing": "forky", "unstable": "sid"}
    if image == "debian" and len(other) == 1 and other[0] in codename_words:
        return debian(codename_words[other[0]])
    return debian(suite) if not other and tag.system == "debian" else None


FAMILY = Family("debian", ("debian", "ubuntu", "buildpack-deps"), _stand_in)
