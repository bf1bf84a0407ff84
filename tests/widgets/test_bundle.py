"""The committed bundles are what their source builds to, small, and load nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from speedkit.widgets.live_widget import STATIC
from tests.waiting import HANG_SECONDS

FRONTEND = STATIC.parent / "frontend"
BUNDLES = ("workbench", "layers")
BUILT = [f"{bundle}.{kind}" for bundle in BUNDLES for kind in ("js", "css", "licenses.txt")]


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory) -> Path:
    """The package's widgets folder, its front end installed from the lockfile and built again."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    place = tmp_path_factory.mktemp("widgets")
    shutil.copytree(FRONTEND, place / "frontend", ignore=shutil.ignore_patterns("node_modules"))
    (place / "static").mkdir()
    for argv in (["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
        subprocess.run(argv, cwd=place / "frontend", check=True, capture_output=True, timeout=HANG_SECONDS)
    return place


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.slow
def test_the_source_builds_to_the_same_bytes(rebuilt, name):
    assert (rebuilt / "static" / name).read_bytes() == (STATIC / name).read_bytes()


@pytest.mark.slow
def test_the_front_ends_own_tests_pass(rebuilt):
    done = subprocess.run(["npm", "test"], cwd=rebuilt / "frontend", capture_output=True, text=True, timeout=HANG_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_front_end_passes_its_checks_of_types_lint_and_format(rebuilt):
    argv = ["npm", "run", "check"]
    done = subprocess.run(argv, cwd=rebuilt / "frontend", capture_output=True, text=True, timeout=HANG_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("bundle", BUNDLES)
def test_it_is_at_most_half_a_megabyte(bundle):
    assert sum((STATIC / f"{bundle}.{kind}").stat().st_size for kind in ("js", "css")) <= 500_000


def test_all_bundles_and_their_messages_are_at_most_half_a_megabyte():
    names = [*(f"{bundle}.{kind}" for bundle in BUNDLES for kind in ("js", "css")), "messages.json"]
    assert sum((STATIC / name).stat().st_size for name in names) <= 500_000


@pytest.mark.parametrize(("bundle", "others_classes"), [("layers", ("cm-", "skw-step", "skw-log")), ("workbench", ("skl-",))])
def test_a_widget_has_only_the_shared_rules_and_its_own(bundle, others_classes):
    style = (STATIC / f"{bundle}.css").read_text(encoding="utf-8")
    assert [name for name in others_classes if f".{name}" in style] == []


@pytest.mark.parametrize("bundle", BUNDLES)
def test_it_names_no_server_and_imports_nothing(bundle):
    text = (STATIC / f"{bundle}.js").read_text(encoding="utf-8")
    hosts = set(re.findall(r"https?://([a-z0-9.-]+)", text))
    assert hosts <= {"www.w3.org"}
    assert not re.search(r"\bimport\s*[({\"'*]", text)
    style = (STATIC / f"{bundle}.css").read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize(
    ("bundle", "names"),
    [("workbench", ("@codemirror/view", "@codemirror/merge", "@lezer/common", "preact")), ("layers", ("preact",))],
)
def test_every_package_inside_has_its_licence_beside_it(bundle, names):
    licences = (STATIC / f"{bundle}.licenses.txt").read_text(encoding="utf-8")
    for name in names:
        assert re.search(rf"^{re.escape(name)} [\d.]+ \(MIT\)$", licences, re.MULTILINE)


def test_the_lockfile_names_no_registry():
    assert '"resolved"' not in (FRONTEND / "package-lock.json").read_text(encoding="utf-8")
