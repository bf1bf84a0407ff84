"""What a project is built as: the app of a way, its base images, and what is shown of it."""

from __future__ import annotations

import json
import os

import pytest

from speedkit.errors import Misuse
from speedkit.projects import open_project
from tests.projects.conftest import DOCKERFILE, only_way
from tests.strict_schema import check

TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"  # noqa: S105 (a made-up one, which must not be shown)
FILES = {
    "Dockerfile": DOCKERFILE,
    "compose.yml": f"services: {{web: {{build: {{context: ., target: test, args: {{A: b, NPM_TOKEN: {TOKEN}}}}}}}}}",
}


def test_the_app_of_a_way_has_its_context_dockerfile_target_and_build_args(make_project):
    compose = "services: {web: {build: {context: ., dockerfile: docker/Dockerfile.web, target: test, args: {A: b}}}}"
    project = make_project(
        {
            "docker/Dockerfile.web": DOCKERFILE,
            "compose.yml": compose,
        }
    )
    with project.app("compose:web") as app:
        strategy = app.strategy()
        assert (app.name, app.folder, app.is_copy) == (project.folder.name, project.folder, False)
        assert list(app.strategies) == ["compose:web"]
        assert strategy.dockerfile == project.folder / "docker/Dockerfile.web"
        assert (strategy.target, dict(strategy.build_args)) == ("test", {"A": "b"})


def test_tags_and_caches_of_a_way_stay_out_of_its_app_and_of_its_platforms_only_this_machines_is_built(make_project):
    bake = 'target "a" {\n tags = ["x"]\n cache-to = ["type=inline"]\n platforms = ["linux/amd64", "linux/arm64"]\n}\n'
    project = make_project({"Dockerfile": DOCKERFILE, "docker-bake.hcl": bake})
    assert project.way("bake:a").cache_to == ("type=inline",)
    with project.app("bake:a") as app:
        options = app.strategy().options
        assert options.tags == ()
        assert len(options.platforms) <= 1


def test_a_dockerfile_that_stands_in_a_bake_file_is_kept_outside_of_the_project(make_project):
    project = make_project({"docker-bake.hcl": 'target "a" {\n dockerfile-inline = "FROM alpine"\n}\n'})
    with project.app("bake:a") as app:
        dockerfile = app.strategy().dockerfile
        assert dockerfile.read_text() == "FROM alpine"
        assert not dockerfile.is_relative_to(project.folder)
    assert not dockerfile.exists()
    assert sorted(path.name for path in project.folder.iterdir() if path.name != ".git") == ["a.txt", "docker-bake.hcl"]


def test_a_build_arg_without_a_value_gets_that_of_the_environment_when_it_is_built(make_project, monkeypatch):
    project = make_project({"Dockerfile": DOCKERFILE, "Makefile": "image:\n\tdocker build --build-arg MODE .\n"})
    with project.app("Makefile:image") as app:
        assert dict(app.strategy().build_args) == {}
    monkeypatch.setenv("MODE", "debug")
    with project.app("Makefile:image") as app:
        assert dict(app.strategy().build_args) == {"MODE": "debug"}


def test_a_way_that_cannot_be_built_is_refused_with_its_reason(make_project):
    project = make_project({"Makefile": "image:\n\tdocker build -f $(shell pick) .\n"})
    with pytest.raises(Misuse, match="which only its run knows"):
        project.app("Makefile:image")
    with pytest.raises(Misuse, match="No way to build"):
        project.app()


def test_bases_are_those_of_the_stages_that_the_target_needs(make_project):
    dockerfile = "ARG TAG=3\nFROM alpine:$TAG AS a\nFROM debian AS b\nCOPY --from=a / /\nCOPY --from=busybox / /\n"
    compose = "services: {a: {build: {context: ., target: a, args: {TAG: '4'}}}}"
    project = make_project({"Dockerfile": dockerfile, "compose.yml": compose})
    assert list(project.base_references([project.way("Dockerfile")])) == ["alpine:3", "debian", "busybox"]
    (base,) = project.bases(None, [project.way("compose:a")])
    assert (base.reference, base.used, base.stand_in, base.ways) == ("alpine:4", None, False, ("compose:a",))


def test_secrets_in_build_args_are_shown_nowhere(make_project, speedkit, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
    project = make_project(
        FILES
        | {
            ".env": "DB_PASSWORD=tr0ub4dor-and-more\n",
            "compose.dev.yml": "services: {x: {build: {context: ., args: {LINE: 'a ${DB_PASSWORD} b'}}}}",
        }
    )
    assert any("tr0ub4dor" in str(dict(way.build_args)) for way in project.ways)
    for arguments in ((), ("--json",)):
        code, out, err = speedkit("project", str(project.folder), *arguments)
        assert code == 0
        assert TOKEN not in out + err
        assert "tr0ub4dor" not in out + err


def test_the_environment_gets_into_a_way_only_by_the_names_in_the_files(make_project, monkeypatch):
    monkeypatch.setenv("UNNAMED_TOKEN", "swordfish-swordfish")
    monkeypatch.setenv("MODE", "from-here")
    bake = 'variable "MODE" { default = "debug" }\ntarget "a" {\n args = { MODE = MODE }\n}\n'
    way = only_way(make_project({"Dockerfile": DOCKERFILE, "docker-bake.hcl": bake}), "bake")
    assert dict(way.build_args) == {"MODE": "from-here"}
    assert "swordfish" not in repr(way)


def test_the_program_prints_its_contract_and_the_default(make_project, speedkit, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
    code, out, _ = speedkit("project", str(make_project(FILES).folder), "--json")
    document = json.loads(out)
    check("project", document)
    assert code == 0
    assert [(way["name"], way["default"]) for way in document["ways"]] == [("Dockerfile", True), ("compose:web", False)]
    assert document["ways"][1]["build_args"]["A"] == "b"
    assert document["bases"] == [
        {"reference": "alpine", "used": None, "stand_in": False, "ways": ["Dockerfile", "compose:web"]}
    ]


def test_one_way_is_printed_with_its_bases_and_an_unknown_one_is_misuse(make_project, speedkit, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
    folder = str(make_project(FILES).folder)
    code, out, _ = speedkit("project", folder, "--way", "compose:web")
    assert code == 0
    assert "compose:web" in out
    code, out, err = speedkit("project", folder, "--way", "nonsense")
    assert (code, out) == (2, "")
    assert "compose:web" in err


def test_a_folder_that_says_nothing_is_a_no_and_a_file_is_misuse(tmp_path, speedkit):
    code, _, err = speedkit("project", str(tmp_path))
    assert code == 1
    assert "says how to build" in err
    (tmp_path / "file").write_text("")
    assert speedkit("project", str(tmp_path / "file"))[0] == 2


def test_a_way_cannot_be_named_together_with_a_dockerfile(make_project, speedkit):
    folder = str(make_project(FILES).folder)
    for verb in ("build", "predict"):
        assert speedkit(verb, folder, "--way", "compose:web", "-f", "Dockerfile")[0] == 2


@pytest.mark.engine
def test_a_way_is_built_as_it_says_and_has_one_history(make_project, speedkit):
    mode = os.urandom(4).hex()
    dockerfile = "FROM alpine AS base\nARG MODE=none\nRUN echo $MODE > /mode\nFROM base\nRUN false\n"
    project = make_project(
        {
            "Dockerfile": dockerfile,
            "compose.yml": f"services: {{web: {{build: {{context: ., target: base, args: {{MODE: m{mode}}}}}}}}}",
        }
    )
    code, out, err = speedkit("build", str(project.folder), "--way", "compose:web", "--json")
    assert code == 0, err
    assert [step["instruction"] for step in json.loads(out)["steps"] if not step["cached"]] != []
    code, out, _ = speedkit("predict", str(project.folder), "--way", "compose:web", "--json")
    forecast = {step["line"]: step["forecast"] for step in json.loads(out)["steps"]}
    assert (forecast[3], forecast[5]) == ("hit", "not-needed")


@pytest.mark.engine
def test_bases_name_the_stand_in_where_no_registry_answers(make_project, engine):
    project = make_project({"Dockerfile": "FROM alpine\n"})
    (base,) = project.bases(engine)
    assert base.used is not None


def test_sk_project_is_the_public_door(tmp_path):
    import speedkit as sk

    assert sk.project is open_project


def test_neither_a_way_nor_a_strategy_shows_its_build_args(make_project):
    project = make_project(FILES)
    with project.app("compose:web") as app:
        texts = [repr(project), repr(project.ways), repr(app.strategies), project.table.to_string()]
    assert TOKEN not in "".join(texts)
    assert "compose:web" in texts[3]


def test_what_a_build_from_here_leaves_out_is_said(make_project):
    bake = 'target "a" {\n platforms = ["linux/amd64", "linux/s390x"]\n no-cache = true\n}\n'
    makefile = "image:\n\tdocker build --build-arg SHA=$(shell git rev-parse HEAD) -t x:$(TAG) .\n"
    project = make_project({"Dockerfile": DOCKERFILE, "docker-bake.hcl": bake, "Makefile": makefile})
    platforms, cache = project.departures(project.way("bake:a"))
    assert "linux/s390x" in platforms
    assert "--no-cache" in cache
    (argument,) = project.departures(project.way("Makefile:image"))
    assert "SHA" in argument
    assert project.departures(project.way("Dockerfile")) == ()


@pytest.mark.engine
def test_a_comparison_takes_a_way(make_project, speedkit):
    project = make_project({"Dockerfile": "FROM alpine\nRUN false\n", "ok.Dockerfile": "FROM alpine\nCOPY a.txt /\n"})
    code, out, err = speedkit("compare", str(project.folder), "--way", "ok.Dockerfile", "-e", "cold", "-e", "a.txt", "--json")
    assert code == 0, err
    assert {row["strategy"] for row in json.loads(out)["rows"]} == {"ok.Dockerfile"}
