"""Which Go modules a build downloaded, counted from its log.

Go prints no line for a module that is in its cache already. `go build` and `go mod download` word their lines differently:
`go: downloading MODULE VERSION`, and with the flag `-x` `# get ADDRESS: 200 OK`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from speedkit.history import recording_of
from speedkit.measurements import edit_words
from speedkit.messages import message, plural
from speedkit.model import Build, Step
from speedkit.recordings import read_log_times, read_rawjson
from speedkit.words import seconds_text, share_text

from .name_list import all_names

__all__ = ["downloaded_again", "downloads", "downloads_and_compiling", "modules_fetched", "modules_in_words"]

GO_BUILD_LINE = re.compile(r"^go: downloading (\S+) (v\S+)$", re.MULTILINE)
"""What `go build` prints for each module that it fetches. `go mod download` prints no such line."""
MOD_DOWNLOAD_LINE = re.compile(r"^# get https?://(\S+)/@v/(v\S+)\.zip: 200\b", re.MULTILINE)
"""What `go mod download -x` prints for each module that it has fetched."""
MOD_DOWNLOAD = re.compile(r"\bgo mod download\b([^&|;\n]*)")
TRACE = re.compile(r"(?:^|\s)-x\b")
UPPER_CASE = re.compile(r"!([a-z])")
"""How a module proxy writes upper-case letters (https://go.dev/ref/mod#goproxy-protocol)."""


def downloads(build: Build) -> list[str]:
    """The Go modules that a build downloaded, each once, as its log names them: `github.com/gin-gonic/gin v1.10.1`.

    The modules of `go mod download` are counted only with its flag `-x`: without the flag, Go does not name them.
    """
    logs = "\n".join(step.log for step in build.instructions if step.ran)
    by_build = [f"{module} {version}" for module, version in GO_BUILD_LINE.findall(logs)]
    by_download = [f"{_module_path(address)} {version}" for address, version in MOD_DOWNLOAD_LINE.findall(logs)]
    return list(dict.fromkeys([*by_build, *by_download]))


def _module_path(address: str) -> str:
    """The module in the address of its zip file: it begins behind the proxy's own path, at the first part with a dot."""
    parts = address.split("/")[1:]
    start = next((place for place, part in enumerate(parts) if "." in part), 0)
    return UPPER_CASE.sub(lambda letter: letter[1].upper(), "/".join(parts[start:]))


def downloaded_again(first: Build, again: Build) -> str:
    """How many modules two builds fetched, and how many of the second build's were new."""
    silent_lines = [
        message("line {number}", number=step.line)
        for step in (*first.instructions, *again.instructions)
        if _fetches_silently(step)
    ]
    if silent_lines:
        return message(
            "`go mod download` in {lines} has no flag `-x`, so Go does not say what it fetched: nothing can be counted.",
            lines=all_names(list(dict.fromkeys(silent_lines))),
        )
    before, after, edit = downloads(first), downloads(again), edit_words(again.edit)
    if not after:
        return plural(
            "{count:,} module at first, 0 after {edit}: nothing was downloaded again.",
            "{count:,} modules at first, 0 after {edit}: nothing was downloaded again.",
            len(before),
            edit=edit,
        )
    new = len(set(after) - set(before))
    if not new and len(after) == len(before):
        return plural(
            "{count:,} module at first, {again} after {edit}, 0 of them new: the same, all over again.",
            "{count:,} modules at first, {again} after {edit}, 0 of them new: the same, all over again.",
            len(before),
            again=len(after),
            edit=edit,
        )
    return plural(
        "{count:,} module at first, {again} after {edit}, {new} of them new.",
        "{count:,} modules at first, {again} after {edit}, {new} of them new.",
        len(before),
        again=len(after),
        edit=edit,
        new=new,
    )


def _fetches_silently(step: Step) -> bool:
    return step.ran and any(TRACE.search(options) is None for options in MOD_DOWNLOAD.findall(step.instruction))


def modules_in_words(build: Build) -> str:
    """How many Go modules a build fetched; "not logged" where Go did not say it."""
    if any(map(_fetches_silently, build.instructions)):
        return message("not logged")
    return str(len(downloads(build)))


def modules_fetched(builds: Sequence[Build], strategies: Sequence[str], edit: str) -> str:
    """How many Go modules the newest build of each strategy fetched after an edit; "" when none of them was built."""
    newest = {build.strategy: build for build in builds if build.ok and build.edit == edit}
    lines = [
        f"  {message('{strategy}: {modules}', strategy=name, modules=modules_in_words(newest[name]))}"
        for name in strategies
        if name in newest
    ]
    return "\n".join([message("Modules fetched after {edit}:", edit=edit_words(edit)), *lines]) if lines else ""


def downloads_and_compiling(build: Build) -> str:
    """Which part of a `go build` was spent on downloads, and which on compiling, as the times of its log tell.

    `go build` names all modules that it downloads before it compiles the first package.
    Raises: NoHistory for a build whose recording is gone.
    """
    step = next((step for step in build.instructions if step.ran and GO_BUILD_LINE.search(step.log)), None)
    if step is None:
        return message("No `go build` of this build downloaded a module.")
    lines = list(recording_of(build.id).lines())
    began = read_rawjson(lines).vertices[step.digest or ""].started or 0.0
    named = [seconds for seconds, text in read_log_times(lines, step.digest or "") if GO_BUILD_LINE.search(text)]
    downloading = max(named) - began
    rest = max(step.seconds - downloading, 0.0)
    facts = plural(
        "Line {line} ran for {whole}. Go named its {count} module after {downloading}. In the other {rest} it ended the "
        "download, compiled and linked.",
        "Line {line} ran for {whole}. Go named the last of {count} modules after {downloading}. In the other {rest} it "
        "ended the downloads, compiled and linked.",
        len(GO_BUILD_LINE.findall(step.log)),
        line=step.line,
        whole=seconds_text(step.seconds),
        downloading=seconds_text(downloading),
        rest=seconds_text(rest),
    )
    share = share_text(downloading / max(step.seconds, downloading))
    if downloading > rest:
        return f"{facts} {message('Most of the time went into downloads ({share}).', share=share)}"
    return f"{facts} {message('Most of the time did not go into downloads: they took {share}.', share=share)}"
