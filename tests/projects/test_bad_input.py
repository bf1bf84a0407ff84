"""Files that cannot be read, or mean harm: said in words, and the other ways are listed all the same."""

from __future__ import annotations

import os
import time

import pytest

from speedkit.errors import Misuse
from speedkit.projects import open_project
from tests.projects.conftest import DOCKERFILE

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
CYCLE = 'target "a" {\n contexts = { x = "target:b" }\n}\ntarget "b" {\n contexts = { x = "target:a" }\n}\n'
MANY = f"[{', '.join(map(str, range(300)))}]"


def one_unread(project):
    """The file that cannot be read, once the Dockerfile is there all the same."""
    assert "Dockerfile" in [way.name for way in project.ways]
    (unread,) = project.unread
    return unread


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("docker-bake.hcl", 'target "a" {', "Unclosed configuration block"),
        ("docker-bake.json", "{", "1"),
        ("docker-bake.hcl", CYCLE, "infinite loop"),
        ("docker-bake.hcl", 'group "default" {\n targets = ["nothing"]\n}\n', "nothing"),
        ("docker-bake.hcl", "# " + "x" * 1_100_000, "at most"),
        ("compose.yml", "services: {web: {build: [", "line 2 is no YAML"),
        ("compose.yml", "services: &a {web: {build: ., x: *a}}", "an anchor holds itself"),
        ("compose.yml", BOMB + "services: {web: {build: .}}", "with its aliases"),
        (".github/workflows/a.yml", "# docker build\njobs: " + "[" * 100, "too deep"),
        (".github/workflows/a.yml", "# docker build\n" + BOMB, "with its aliases"),
        (".github/workflows/a.yml", "jobs: {[a]: docker build}", "no YAML"),
        (".gitlab-ci.yml", "x: [docker build", "no YAML"),
        ("skaffold.yaml", "apiVersion: skaffold/v4\nbuild: [", "no YAML"),
        ("cloudbuild.yaml", "steps: [docker build", "no YAML"),
        ("Makefile", "\t" + "docker build .\n" * 100_000, "at most"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_with_its_reason(make_project, name, text, words):
    unread = one_unread(make_project({"Dockerfile": DOCKERFILE, name: text}))
    assert unread.path == name
    assert words in unread.why


def test_a_pipe_and_a_link_to_a_file_elsewhere_are_not_read(make_project, folder, tmp_path):
    (tmp_path / "secret.yml").write_text("services: {web: {build: .}}")
    place = folder({"Dockerfile": DOCKERFILE})
    (place / "compose.yml").symlink_to(tmp_path / "secret.yml")
    os.mkfifo(place / "Makefile")
    project = open_project(place)
    assert [way.name for way in project.ways] == ["Dockerfile"]
    assert {one.path for one in project.unread} == {"compose.yml", "Makefile"}


def test_contexts_and_dockerfiles_outside_of_the_repository_are_listed_and_not_built(make_project, folder, tmp_path):
    (tmp_path / "Dockerfile.outside").write_text("FROM alpine\n")
    compose = """
    services:
      above: {build: ../..}
      absolute: {build: {context: ., dockerfile: /etc/passwd}}
      remote: {build: "https://example.org/team/app.git#main"}
      missing: {build: {context: ., dockerfile: Dockerfile.gone}}
      gone: {build: gone}
      through: {build: {context: link}}
      good: {build: .}
    """
    place = folder({"Dockerfile": DOCKERFILE, "compose.yml": compose})
    (place / "link").symlink_to(tmp_path)
    project = open_project(place)
    words = {
        "above": "outside of the repository",
        "absolute": "outside of the repository",
        "remote": "is not in this folder",
        "missing": "there is no Dockerfile at Dockerfile.gone",
        "gone": "there is no folder gone",
        "through": "a link that leads out",
    }
    for name, text in words.items():
        assert text in project.way(f"compose:{name}").problem
        with pytest.raises(Misuse, match="cannot be built from here"):
            project.app(f"compose:{name}")
    assert project.way("compose:good").problem == ""


def test_no_word_of_a_file_is_run_and_no_mark_in_it_confuses(make_project, tmp_path):
    witness = tmp_path / "witness"
    nasty = f"$(touch {witness})`touch {witness}`; touch {witness}\ufdd0\ufdd1\ufdd2"
    files = {
        "Dockerfile": DOCKERFILE,
        "Makefile": f"image:\n\tdocker build --build-arg 'A={nasty}' -t $(shell touch {witness}) .\n",
        "build.sh": f'docker build --build-arg "B={nasty}" .\n',
        ".github/workflows/a.yml": f"jobs: {{b: {{steps: [{{run: docker build --build-arg C=${{{{ '{witness}' }}}} .}}]}}}}",
        "docker-bake.hcl": f'target "a" {{\n args = {{ D = "{witness}" }}\n}}\n',
    }
    project = make_project(files)
    assert not witness.exists()
    assert {way.kind for way in project.ways} == {"dockerfile", "bake", "command"}
    assert "touch" in project.way("build.sh").not_resolved["build-arg B"]


def test_control_characters_in_names_are_shown_as_escapes(make_project, speedkit, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
    workflow = 'jobs: {"\\e[31mred": {steps: [{run: "docker build -t x ."}]}}'
    project = make_project({"Dockerfile": DOCKERFILE, ".github/workflows/a.yml": workflow})
    code, out, err = speedkit("project", str(project.folder))
    assert code == 0
    assert "\x1b[31m" not in out + err
    assert "red" in out


@pytest.mark.parametrize(
    "text", ["${" * 10_000, '"' + "$(" * 10_000, "a=" + "${a:-" * 5000, "`" * 9999, "$((" * 9999, "<<" * 9999]
)
def test_shell_text_that_never_ends_takes_no_time(make_project, text):
    began = time.monotonic()
    project = make_project({"Dockerfile": DOCKERFILE, "build.sh": f"docker build . {text}"})
    assert project.ways[0].name == "Dockerfile"
    # Far from a measurement: it ends, and does not try all ways to read it.
    assert time.monotonic() - began < 60


def test_make_variables_that_hold_each_other_are_not_expanded_for_ever(make_project):
    makefile = "A = $(B) $(B)\nB = $(A) $(A)\nimage:\n\tdocker build $(A) .\n"
    project = make_project({"Dockerfile": DOCKERFILE, "Makefile": makefile})
    assert project.ways[0].name == "Dockerfile"


def test_a_matrix_of_thousands_has_as_many_ways_as_github_allows(make_project):
    step = "{run: 'docker build --build-arg X=${{ matrix.a }}-${{ matrix.b }} .'}"
    workflow = f"jobs: {{b: {{strategy: {{matrix: {{a: {MANY}, b: {MANY}}}}}, steps: [{step}]}}}}"
    project = make_project({"Dockerfile": DOCKERFILE, ".github/workflows/a.yml": workflow})
    assert len(project.ways) == 257
    assert len({way.name for way in project.ways}) == 257


def test_without_buildx_the_other_ways_are_listed(make_project, monkeypatch, tmp_path):
    from speedkit.errors import NoBuildKit
    from speedkit.projects import project as module

    def none():
        raise NoBuildKit("The buildx plugin of Docker is not installed.")

    monkeypatch.setattr(module, "find_buildx", none)
    project = make_project({"Dockerfile": DOCKERFILE, "compose.yml": "services: {web: {build: .}}"})
    assert "buildx" in one_unread(project).why


def test_a_workflow_that_calls_itself_with_a_matrix_ends_soon(make_project):
    job = f"{{strategy: {{matrix: {{a: {MANY}, b: {MANY}}}}}, uses: ./.github/workflows/a.yml}}"
    workflow = f"jobs: {{x: {job}, y: {job}, z: {{steps: [{{run: docker build .}}]}}}}"
    assert make_project({"Dockerfile": DOCKERFILE, ".github/workflows/a.yml": workflow}).way("workflow:a.yml:z")
