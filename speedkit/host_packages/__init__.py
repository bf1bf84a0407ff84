"""Packages on this machine, of Debian and of the languages' registries, and the images of stand-ins that are made of them."""

from .commands import apt_install, run
from .debian import Release, Source, is_root, main_source, read_release, sources_of
from .go import go_binary, install_go
from .stand_in_images import made_of, make_stand_in_image

__all__ = [
    "Release",
    "Source",
    "apt_install",
    "go_binary",
    "install_go",
    "is_root",
    "made_of",
    "main_source",
    "make_stand_in_image",
    "read_release",
    "run",
    "sources_of",
]
