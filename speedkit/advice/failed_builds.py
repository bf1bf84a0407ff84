"""What to do about a build that lacked an image, a program or a network: read from the last lines of BuildKit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from speedkit.commands import as_typed
from speedkit.engine import stand_in_images
from speedkit.messages import listed, marked, message

from .unanswered_hosts import Unanswered, unanswered_host

__all__ = ["advice_on_failure"]

NO_IMAGE = re.compile(r"failed to resolve source metadata for (?P<image>\S+?): ")
SYNTAX_LINE = re.compile(r"^\s*\d+ \| >>> #\s*syntax\s*=", re.M)
NO_BRIDGE = re.compile(r"failed to create endpoint \S+ on network bridge: ")
UNKNOWN_TO_FRONTEND = re.compile(r"unknown (?:flag|instruction)|only supported in Dockerfile frontend|dockerfile parse error")
OTHER_PROCESSOR = re.compile(r"exec format error|Invalid ELF image for this architecture")
NO_HOST_NETWORK = "network.host is not allowed"
NO_SECRET = re.compile(r"secret (?P<name>\S+): not found")
NO_AGENT = re.compile(r"unset ssh forward key (?P<name>\S+)")
TROUBLES = {
    "name": marked("its name is not known here"),
    "connection": marked("no connection"),
    "time": marked("no answer in time"),
    "certificate": marked("its certificate is not trusted here, as behind a proxy that reads along"),
    "refusal": marked("403 Forbidden, from the host or from a proxy on the way"),
    "request": marked("the request failed"),
}
NO_COMMAND = "exit code: 127"
"""With this code, a shell says that there is no program of that name."""


def advice_on_failure(
    error_text: str,
    *,
    stand_ins: Sequence[str],
    frontend: str | None = None,
    platforms: Mapping[str, str] | None = None,
    log: str = "",
) -> str:
    """A sentence or two on what to do; "" where BuildKit's own text needs no explanation.

    error_text: the plain text at the end of the build. stand_ins: the images that stand-ins replaced. frontend: the frontend
    that the engine's own replaced. platforms: the platforms of the local images, by each of their names. log: the end of the
    failed step's own output.
    """
    if missing := NO_IMAGE.search(error_text):
        return _advice_on_image(missing["image"], error_text, platforms or {})
    if OTHER_PROCESSOR.search(f"{log}\n{error_text}"):
        return message(
            "The program is one for another processor than this machine's: a build for another platform runs its steps under "
            "an emulator, and the engine has none for it. `docker run --privileged --rm tonistiigi/binfmt --install all` "
            "installs them. Or start the stage from `FROM --platform=$BUILDPLATFORM`, and let the compiler make programs for "
            "$TARGETARCH."
        )
    if advice := _advice_on_options(error_text):
        return advice
    # Last of the network's: BuildKit names the images and frontends that it could not get by itself.
    if unanswered := unanswered_host(log, error_text):
        return _advice_on_network(unanswered)
    if NO_BRIDGE.search(error_text):
        return message(
            "The engine has lost its bridge network, as happens when another engine is started beside it. Restart the engine."
        )
    if stand_ins and NO_COMMAND in error_text:
        return message(
            "Local stand-ins took the place of {images}: they lack programs that the real images have.",
            images=listed(stand_ins),
        )
    if frontend and UNKNOWN_TO_FRONTEND.search(error_text):
        return message(
            "No registry provides {frontend} here, so the engine's own frontend read the Dockerfile: it may know less.",
            frontend=frontend,
        )
    return ""


def _advice_on_image(image: str, error_text: str, platforms: Mapping[str, str]) -> str:
    # BuildKit writes an image's full name, a Dockerfile the short one.
    image = image.removeprefix("docker.io/").removeprefix("library/").removesuffix(":latest")
    # First: in this failure, too, BuildKit names an image, but nobody wants to pull a frontend.
    if SYNTAX_LINE.search(error_text):
        return message(
            "The `# syntax=` line asks a registry for {image}, and no registry provides it here. Remove the line: the engine "
            "then reads the Dockerfile by itself.",
            image=image,
        )
    if platform := platforms.get(image):
        return message(
            "The image {image} is on this machine for {platform} only, the build asks for another platform (FROM or "
            "--platform), and no registry provides that here.",
            image=image,
            platform=platform,
        )
    if stand_in_images(image):
        return as_typed(
            message(
                "The image {image} is not on this machine, and no registry provides it here. `speedkit setup --for PATH` makes "
                "the stand-ins that the project in PATH needs.",
                image=image,
            )
        )
    return message(
        "The image {image} is not on this machine, and no registry provides it here. Run `docker pull {image}` where there "
        "is a network, or `docker load` a saved one, or name another one with --base {image}=IMAGE: speedkit has no "
        "stand-in for it.",
        image=image,
    )


def _advice_on_network(unanswered: Unanswered) -> str:
    return message(
        "The step needs {host}, which did not answer from here ({trouble}). That need not be a mistake of the project. Build "
        "where {host} answers, give the build another way out (--network, or a proxy as --build-arg HTTPS_PROXY=ADDRESS), "
        "build a --target that does not need this step, or start from an image that has these files: --base NAME=IMAGE.",
        host=unanswered.host,
        trouble=message(TROUBLES[unanswered.trouble]),
    )


def _advice_on_options(error_text: str) -> str:
    """The option of the build that a failed step lacked; "" where none is known to."""
    if NO_HOST_NETWORK in error_text:
        return message(
            "The network of the host is a right that a build has to ask for: `--network host` does, for all of its steps. A "
            "builder of its own has to be made with it: `docker buildx create --buildkitd-flags "
            "'--allow-insecure-entitlement network.host'`."
        )
    if secret := NO_SECRET.search(error_text):
        return message("Give the build the secret: --secret id={name},src=FILE or id={name},env=VARIABLE.", name=secret["name"])
    if agent := NO_AGENT.search(error_text):
        return message("Give the build your SSH agent: --ssh {name}.", name=agent["name"])
    return ""
