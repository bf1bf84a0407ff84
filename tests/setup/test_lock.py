"""The lists of pinned packages: complete, with hashes, and without the address of a registry."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LISTS = ("requirements.txt", "tests/requirements.txt", "speedkit/host_packages/go-requirements.txt")


def _entries(name: str) -> dict[str, str]:
    """What a list says of each package. One package may have a version for one system, and another for others."""
    text = (ROOT / name).read_text()
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text):
        package = re.match(r"([A-Za-z0-9._-]+)==", entry)
        assert package is not None, entry
        found[package[1]] = found.get(package[1], "") + entry
    return found


@pytest.mark.parametrize("name", LISTS)
def test_every_package_has_its_version_and_hashes_and_no_address(name):
    assert "://" not in (ROOT / name).read_text()
    for package, entry in _entries(name).items():
        assert "--hash=sha256:" in entry, package


def test_all_that_is_needed_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    pinned, for_tests = _entries("requirements.txt"), _entries("tests/requirements.txt")
    for needed in [*project["dependencies"], *extras["build"]]:
        assert re.match(r"[A-Za-z0-9._-]+", needed)[0].lower() in pinned, needed
    for needed in extras["dev"]:
        assert re.match(r"[A-Za-z0-9._-]+", needed)[0].lower() in for_tests, needed


def test_both_lists_pin_the_same_versions():
    pinned, for_tests = _entries("requirements.txt"), _entries("tests/requirements.txt")
    versions = re.compile(r"==(\S+)")
    for package in pinned.keys() & for_tests.keys():
        assert set(versions.findall(pinned[package])) >= set(versions.findall(for_tests[package])), package


def test_no_package_without_a_wheel_for_arm_is_needed():
    """The parser of Dockerfiles that the kit once used has wheels for x86-64 alone."""
    assert "dockerfile" not in _entries("requirements.txt")
