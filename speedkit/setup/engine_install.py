"""Installs a Docker engine on Debian and Ubuntu, and names the commands for other systems."""

from __future__ import annotations

import platform
from pathlib import Path

from speedkit.errors import SetupError
from speedkit.host_packages import Release, Source, apt_install, is_root, main_source, read_release
from speedkit.messages import message

from .apt_files import APT, PIN, SOURCE, remove_apt_files, write_apt_files

__all__ = ["apt_files", "can_install", "install_engine", "what_to_install"]

PACKAGES = ("docker.io", "docker-cli", "docker-buildx", "iptables")
FROM_TESTING = ("docker.io", "docker-cli", "docker-buildx", "tini-static")


def can_install(release: Release) -> bool:
    """Whether this machine's package manager and this user can install an engine."""
    return release.uses_apt and is_root()


def what_to_install(release: Release, system: str = platform.system()) -> str:
    """The advice how to install an engine on this system, in one sentence."""
    if system in ("Darwin", "Windows"):
        return message("Install and start Docker Desktop, then run `python -m speedkit setup` again.")
    if release.uses_apt:
        return message(
            "Run `sudo .venv/bin/speedkit setup --yes`, or install docker.io and docker-buildx yourself and start them."
        )
    if {release.id, *release.like.split()} & {"fedora", "rhel", "centos"}:
        return message("Run `sudo dnf install moby-engine docker-buildx`, then `sudo systemctl start docker`.")
    if {release.id, *release.like.split()} & {"arch"}:
        return message("Run `sudo pacman -S docker docker-buildx`, then `sudo systemctl start docker`.")
    return message("Install Docker Engine 23 or newer with its buildx plugin, and start it.")


def install_engine() -> list[Path]:
    """Install docker.io and buildx with apt. Returns the files that were written below /etc/apt, which stay.

    Raises: SetupError.
    """
    release = read_release()
    if not can_install(release):
        raise SetupError(message("There is no Docker engine."), fix=what_to_install(release))
    written = write_apt_files(apt_files(release, main_source(release.codename), APT))
    packages = [name for name in PACKAGES if release.id == "debian" or name != "docker-cli"]
    try:
        apt_install(packages, update=True)
    except BaseException:
        if written:
            remove_apt_files(APT)
        raise
    return written


def apt_files(release: Release, source: Source | None, apt: Path) -> dict[Path, str]:
    """The texts of the files that apt needs before the installation, by path; none where the release has a new enough engine.

    apt: the folder of apt's configuration.
    Raises: SetupError when this machine has no source of its own packages.
    """
    # Debian 12 has an old engine and no buildx package. Both come from testing there.
    if (release.id, release.version) != ("debian", "12"):
        return {}
    if source is None:
        raise SetupError(
            message("There is no source of packages for {release} below {folder}.", release=release.codename, folder=apt),
            fix=message("Add one there, then repeat `speedkit setup`."),
        )
    # A negative priority keeps apt from installing any other package of that release (apt_preferences(5)).
    return {
        apt / PIN: (
            "Package: *\nPin: release a=testing\nPin-Priority: -1\n\n"
            f"Package: {' '.join(FROM_TESTING)}\nPin: release a=testing\nPin-Priority: 990\n"
        ),
        apt / SOURCE: source.as_deb822("testing"),
    }
