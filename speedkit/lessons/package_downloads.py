"""How many packages a build downloaded, counted from the log of each language's package manager.

None of them names a package that it finds in its cache: uv says how many it "prepared", npm marks a request that its cache
answered, cargo and Maven print a line for each download. In Go, a package is a module (`go_downloads`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from speedkit.model import Build

from .go_downloads import downloads

__all__ = ["packages_downloaded"]

# "Prepared 14 packages in 560ms": downloaded and unpacked. https://docs.astral.sh/uv/concepts/cache/
UV = re.compile(r"^Prepared (\d+) packages? in ", re.MULTILINE)
# With --loglevel=http: "npm http fetch GET 200 ADDRESS/vary-1.1.2.tgz 595ms (cache miss)". npm marks what its cache has as
# "stale" or "hit".
NPM = re.compile(r"^npm http fetch GET 200 \S+/([^/\s]+)\.tgz \d+ms (?:attempt #\d+ )?\(cache (?:miss|updated)\)", re.MULTILINE)
CARGO = re.compile(r"^\s*Downloaded (\S+ v\S+)", re.MULTILINE)
# "Downloaded from central: ADDRESS/slf4j-api-2.0.17.jar (70 kB at 1.2 MB/s)". A .pom only describes a library.
MAVEN = re.compile(r"Downloaded from \S+ \S+/([^/\s]+\.jar) ")

COUNTERS: Mapping[str, Callable[[str], int]] = {
    "sample_python_app": lambda log: sum(map(int, UV.findall(log))),
    "sample_node_app": lambda log: len(set(NPM.findall(log))),
    "sample_rust_app": lambda log: len(set(CARGO.findall(log))),
    "sample_java_app": lambda log: len(set(MAVEN.findall(log))),
}


def packages_downloaded(build: Build) -> int:
    """How many packages a build of a sample app downloaded; 0 where its steps came from the cache."""
    counter = COUNTERS.get(build.app)
    if counter is None:
        return len(downloads(build))
    return counter("\n".join(step.log for step in build.instructions if step.ran))
