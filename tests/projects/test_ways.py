"""Which ways to build are found in a project's files, and what each of them says."""

from __future__ import annotations

import pytest

from speedkit.errors import Misuse, UnknownWay
from speedkit.projects import open_project
from tests.projects.conftest import DOCKERFILE, only_way

WORKFLOW = """\
on: push
env:
  PLATFORMS: linux/amd64,linux/arm64
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: meta
        uses: docker/metadata-action@v5
      - uses: docker/build-push-action@v6
        with:
          context: .
          target: test
          push: ${{ github.event_name != 'pull_request' }}
          platforms: ${{ env.PLATFORMS }}
          tags: ${{ steps.meta.outputs.tags }}
          cache-from: type=gha
          build-args: |
            VERSION=${{ github.sha }}
            "MODE=release"
"""
MATRIX = """\
jobs:
  build:
    strategy:
      matrix:
        service: [api, web]
        include: [{service: web, flavour: slim}]
    steps:
      - uses: docker/build-push-action@v6
        with:
          context: src/${{ matrix.service }}
          build-args: FLAVOUR=${{ matrix.flavour }}
"""


def names(project):
    return [way.name for way in project.ways]


@pytest.mark.parametrize("with_git", [True, False])
def test_dockerfiles_are_found_in_every_folder_but_those_of_others_code(make_project, with_git):
    files = ["Dockerfile", "docker/Dockerfile.prod", "src/api/Dockerfile", "web.Dockerfile", "sub/Containerfile"]
    others = [
        "node_modules/x/Dockerfile",
        "vendor/x/Dockerfile",
        "Dockerfile.dockerignore",
        "docs/Dockerfile.md",
        "Dockerfile.j2",
    ]
    project = make_project(dict.fromkeys([*files, *others], DOCKERFILE), with_git=with_git)
    assert sorted(names(project)) == sorted(files)


def test_what_git_ignores_is_no_way(make_project):
    project = make_project({"Dockerfile": DOCKERFILE, "build/Dockerfile": DOCKERFILE, ".gitignore": "build/\n"})
    assert names(project) == ["Dockerfile"]


def test_a_text_that_is_only_called_like_a_dockerfile_is_none(make_project):
    assert names(make_project({"Dockerfile.notes": "remember the milk\n", "Dockerfile": DOCKERFILE})) == ["Dockerfile"]


def test_a_dockerfile_in_a_folder_of_its_own_is_built_where_its_files_are(make_project):
    project = make_project(
        {"docker/Dockerfile": DOCKERFILE, "src/api/Dockerfile": "FROM alpine\nCOPY main.c /\n", "src/api/main.c": ""}
    )
    assert {way.file: way.context for way in project.ways} == {"docker/Dockerfile": ".", "src/api/Dockerfile": "src/api"}


def test_targets_of_a_bake_file_have_its_variables_groups_and_overrides(make_project):
    bake = """
    variable "MODE" { default = "debug" }
    group "default" { targets = ["app"] }
    target "app" {
      args = { MODE = MODE }
      platforms = ["linux/amd64"]
    }
    target "each" {
      matrix = { stage = ["base", "test"] }
      name = "only-${stage}"
      inherits = ["app"]
      target = stage
    }
    target "inline" {
      dockerfile-inline = "FROM alpine"
    }
    """
    override = '{"target": {"app": {"args": {"MODE": "override"}}}}'
    project = make_project({"Dockerfile": DOCKERFILE, "docker-bake.hcl": bake, "docker-bake.override.json": override})
    assert names(project) == ["Dockerfile", "bake:app", "bake:inline", "bake:only-base", "bake:only-test"]
    app, inline, base = (project.way(name) for name in ("bake:app", "bake:inline", "bake:only-base"))
    assert (dict(app.build_args), app.platforms, app.target) == ({"MODE": "override"}, ("linux/amd64",), None)
    assert base.target == "base"
    assert (inline.dockerfile_text, inline.file, inline.problem) == ("FROM alpine", "", "")


def test_a_target_that_needs_another_one_is_built_with_an_image_in_its_place(make_project):
    bake = 'target "a" {\n contexts = { base = "target:b", tools = "docker-image://alpine" }\n}\ntarget "b" {\n}\n'
    project = make_project({"Dockerfile": "FROM base\nCOPY --from=tools / /\n", "docker-bake.hcl": bake})
    way = project.way("bake:a")
    assert (dict(way.linked), way.problem) == ({"base": "b"}, "")
    assert dict(way.options.named_contexts) == {"tools": "docker-image://alpine"}
    assert project.base_references([way]) == {}
    with pytest.raises(Misuse, match="--build-context base=docker-image://IMAGE"):
        project.app("bake:a")
    with project.app("bake:a", named_contexts={"base": "docker-image://alpine"}) as app:
        assert list(app.strategies) == ["bake:a"]


def test_services_of_a_compose_file_are_ways_when_they_are_built(make_project):
    compose = """
    services:
      db: {image: postgres}
      web:
        image: team/web:1
        build:
          context: .
          dockerfile: docker/Dockerfile.web
          target: test
          args: {MODE: dev}
          network: host
          shm_size: 1g
    """
    files = {
        "docker/Dockerfile.web": DOCKERFILE,
        "compose.yml": compose,
        "compose.override.yml": "services: {web: {build: {args: {EXTRA: 'x'}}}}",
    }
    way = only_way(make_project(files), "compose")
    assert (way.name, way.file, way.context, way.target) == ("compose:web", "docker/Dockerfile.web", ".", "test")
    assert dict(way.build_args) == {"MODE": "dev", "EXTRA": "x"}
    assert (way.options.network, way.options.tags) == ("host", ("team/web:1",))


def test_a_missing_env_file_and_a_variable_that_must_be_set_do_not_hide_a_service(make_project):
    compose = "services: {web: {build: ., env_file: [.env], environment: {A: '${A:?must be set}'}}}"
    project = make_project({"Dockerfile": DOCKERFILE, "docker-compose.yml": compose})
    assert names(project) == ["Dockerfile", "compose:web"]
    assert project.unread == ()


def test_a_variable_that_must_be_set_hides_only_what_uses_it(make_project):
    compose = """
    services:
      web: {build: {context: ., args: {A: '${A:?must be set}', B: 'b-${B?}'}}}
      db: {build: {context: ., target: base}, environment: {C: '${C:?}'}}
    """
    project = make_project({"Dockerfile": DOCKERFILE, "docker-compose.yml": compose})
    assert (project.way("compose:db").target, project.way("compose:db").not_resolved) == ("base", {})
    assert project.way("compose:web").not_resolved == {"build-arg A": "$A", "build-arg B": "b-$B"}
    assert project.unread == ()


def test_a_compose_file_of_a_stage_comes_on_top_of_the_main_one(make_project):
    main = "services: {web: {build: {context: ., args: {A: '1'}}}}"
    project = make_project(
        {"Dockerfile": DOCKERFILE, "compose.yaml": main, "compose.dev.yaml": "services: {web: {build: {target: test}}}"}
    )
    dev = project.way("compose:compose.dev.yaml:web")
    assert (dev.target, dict(dev.build_args)) == ("test", {"A": "1"})


def test_the_build_action_of_a_workflow_is_a_way_and_its_expressions_are_said_not_guessed(make_project):
    way = only_way(make_project({"Dockerfile": DOCKERFILE, ".github/workflows/release.yml": WORKFLOW}), "workflow")
    assert way.name == "workflow:release.yml:image"
    assert (way.file, way.context, way.target, way.publishes) == ("Dockerfile", ".", "test", True)
    assert way.platforms == ("linux/amd64", "linux/arm64")
    assert dict(way.build_args) == {"MODE": "release"}
    assert way.cache_from == ("type=gha",)
    assert way.not_resolved == {"build-arg VERSION": "${{ github.sha }}", "tag": "${{ steps.meta.outputs.tags }}"}
    assert way.unknown_build_args == ("VERSION",)


def test_a_matrix_of_lists_makes_a_way_for_each_combination(make_project):
    files = {"src/api/Dockerfile": "FROM alpine\n", "src/web/Dockerfile": "FROM alpine\n", ".github/workflows/ci.yml": MATRIX}
    project = make_project(files)
    assert names(project)[2:] == ["workflow:ci.yml:build:api", "workflow:ci.yml:build:web"]
    api, web = project.ways[2:]
    assert (api.context, api.not_resolved) == ("src/api", {"build-arg FLAVOUR": "${{ matrix.flavour }}"})
    assert (web.context, dict(web.build_args)) == ("src/web", {"FLAVOUR": "slim"})


def test_an_action_without_a_context_builds_what_git_has(make_project):
    inputs = "{context: '{{defaultContext}}:src', file: Dockerfile.x}"
    workflow = "jobs: {b: {steps: [{uses: docker/build-push-action@v6, with: " + inputs + "}]}}"
    way = only_way(make_project({"src/Dockerfile.x": DOCKERFILE, ".github/workflows/b.yml": workflow}), "workflow")
    assert (way.context, way.file, way.problem) == ("src", "src/Dockerfile.x", "")


def test_run_lines_of_workflows_count_with_their_folder_and_variables(make_project):
    workflow = """
    env: {FILE: Dockerfile.api}
    jobs:
      test:
        defaults: {run: {working-directory: src}}
        steps:
          - run: |
              set -eu
              docker buildx build --load \\
                -f "$FILE" --build-arg MODE=${{ 'ci' }} --build-arg SHA=$GITHUB_SHA .
    """
    way = only_way(make_project({"src/Dockerfile.api": DOCKERFILE, ".github/workflows/t.yml": workflow}), "command")
    assert (way.name, way.context, way.file) == ("workflow:t.yml:test", "src", "src/Dockerfile.api")
    assert dict(way.build_args) == {"MODE": "ci"}
    assert way.not_resolved == {"build-arg SHA": "$GITHUB_SHA"}


def test_docker_compose_build_in_a_workflow_is_noted_at_the_service(make_project):
    workflow = "jobs: {b: {steps: [{run: docker compose build web}]}}"
    files = {"Dockerfile": DOCKERFILE, "compose.yml": "services: {web: {build: .}}", ".github/workflows/b.yml": workflow}
    assert only_way(make_project(files), "compose").also_found_in == (".github/workflows/b.yml",)


def test_recipes_of_a_makefile_have_its_variables_and_continued_lines(make_project):
    makefile = """\
IMAGE ?= team/app
FLAGS := --build-arg MODE=make \\
   --target test
ifdef X
TAG = a
else
TAG = b
endif
.PHONY: image
image: deps  ## builds
\t@docker build $(FLAGS) -t $(IMAGE):$(TAG) --no-cache \\
\t  -f docker/Dockerfile --build-arg SHA=$(shell git rev-parse HEAD) .
\t@echo $$HOME
"""
    way = only_way(make_project({"docker/Dockerfile": DOCKERFILE, "Makefile": makefile}), "command")
    assert (way.name, way.file, way.context, way.target) == ("Makefile:image", "docker/Dockerfile", ".", "test")
    assert dict(way.build_args) == {"MODE": "make"}
    assert way.without_cache
    assert way.not_resolved == {"build-arg SHA": "$(shell git rev-parse HEAD)", "tag": "team/app:$(TAG)"}


def test_a_script_may_change_its_folder_and_keep_the_command_in_a_variable(make_project):
    script = """\
#!/bin/bash
cd "$(dirname "$0")/.."
PLATFORM="${1:-linux/arm64}"
CMD="docker buildx build --platform $PLATFORM -t x:$(cat VERSION) ."
$CMD
"""
    way = only_way(make_project({"Dockerfile": DOCKERFILE, "scripts/image.sh": script}), "command")
    assert (way.name, way.context, way.platforms) == ("scripts/image.sh", ".", ("linux/arm64",))
    assert way.not_resolved == {"tag": "x:$(cat VERSION)"}


def test_scripts_of_package_json_and_jobs_of_gitlab_are_read(make_project):
    gitlab = """
    variables: {IMAGE: team/app}
    .docker: &docker
      variables: {FILE: Dockerfile.ci}
    release:
      extends: .docker
      stage: build
      script:
        - docker login -u $CI_USER $CI_REGISTRY
        - docker build --pull -t "$IMAGE:$CI_COMMIT_SHA" -f $FILE $CI_PROJECT_DIR
    kaniko:
      script: ["/kaniko/executor --context ${CI_PROJECT_DIR} --dockerfile Dockerfile.ci --destination x"]
    """
    package = '{"scripts": {"image": "docker build -t app ../"}}'
    project = make_project(
        {"Dockerfile.ci": DOCKERFILE, ".gitlab-ci.yml": gitlab, "web/package.json": package, "Dockerfile": DOCKERFILE}
    )
    commands = {way.name: (way.context, way.file, way.problem) for way in project.ways if way.kind == "command"}
    assert commands == {
        ".gitlab-ci.yml:release": (".", "Dockerfile.ci", ""),
        ".gitlab-ci.yml:kaniko": (".", "Dockerfile.ci", ""),
        "web/package.json:image": (".", "Dockerfile", ""),
    }


def test_artifacts_of_skaffold_that_are_built_from_a_dockerfile_are_ways(make_project):
    skaffold = """
apiVersion: skaffold/v4beta6
kind: Config
build:
  artifacts:
  - image: web
    context: src/web
    docker: {dockerfile: Dockerfile.dev, target: test, buildArgs: {MODE: dev, TAG: '{{.TAG}}'}}
  - image: java
    jib: {}
---
apiVersion: skaffold/v4beta6
kind: Config
build:
  artifacts: [{image: api, requires: [{image: web, alias: WEB}]}]
"""
    files = {"skaffold.yaml": skaffold, "src/web/Dockerfile.dev": DOCKERFILE, "Dockerfile": DOCKERFILE}
    project = make_project(files)
    web, api = project.way("skaffold.yaml:web"), project.way("skaffold.yaml:api")
    assert (web.context, web.file, web.target) == ("src/web", "src/web/Dockerfile.dev", "test")
    assert (dict(web.build_args), web.not_resolved) == ({"MODE": "dev"}, {"build-arg TAG": "{{.TAG}}"})
    assert (api.context, api.file, api.not_resolved) == (".", "Dockerfile", {"build-arg WEB": "web"})
    assert not any("java" in name for name in names(project))


def test_steps_of_cloud_build_have_its_substitutions(make_project):
    cloud = """
substitutions: {_FILE: docker/Dockerfile}
steps:
- name: gcr.io/cloud-builders/docker
  id: image
  args: [build, -t, 'gcr.io/$PROJECT_ID/app', -f, '${_FILE}', --build-arg, 'SHA=$COMMIT_SHA', .]
- name: gcr.io/cloud-builders/docker
  dir: web
  entrypoint: bash
  args: [-c, 'docker build --target base . && docker push $$X']
- name: gcr.io/cloud-builders/docker
  args: [push, x]
"""
    files = {"cloudbuild.yaml": cloud, "docker/Dockerfile": DOCKERFILE, "web/Dockerfile": DOCKERFILE}
    image, web = (way for way in make_project(files).ways if way.kind == "command")
    assert (image.name, image.context, image.file) == ("cloudbuild.yaml:image", ".", "docker/Dockerfile")
    assert image.not_resolved == {"tag": "gcr.io/$PROJECT_ID/app", "build-arg SHA": "$COMMIT_SHA"}
    assert (web.name, web.context, web.target) == ("cloudbuild.yaml:1", "web", "base")


def test_shell_steps_and_docker_steps_of_a_jenkinsfile_are_read(make_project):
    jenkins = """
pipeline {
  agent any
  stages {
    // sh 'docker build old'
    stage('Web') { steps { dir('web') { sh "docker build -t web:${env.BUILD_ID} --target base ." } } }
    stage("Image") {
      steps {
        script { app = docker.build("team/app:$BUILD_ID", '-f docker/Dockerfile --build-arg MODE=ci .') }
        sh '''
          set -e
          docker build -f docker/Dockerfile --target test .
        '''
      }
    }
  }
}
"""
    files = {"Jenkinsfile": jenkins, "docker/Dockerfile": DOCKERFILE, "web/Dockerfile": DOCKERFILE}
    ways = [way for way in make_project(files).ways if way.kind == "command"]
    assert [(way.context, way.file, way.target, dict(way.build_args)) for way in ways] == [
        ("web", "web/Dockerfile", "base", {}),
        (".", "docker/Dockerfile", None, {"MODE": "ci"}),
        (".", "docker/Dockerfile", "test", {}),
    ]
    assert ways[0].name == "Jenkinsfile:Web"


def test_equal_ways_of_one_kind_are_one_with_both_names(make_project):
    makefile = "image:\n\tdocker build -t app .\nimage-again:\n\tdocker build -t app .\n"
    project = make_project({"Dockerfile": DOCKERFILE, "Makefile": makefile})
    assert names(project) == ["Dockerfile", "Makefile:image"]
    assert project.way("Makefile:image-again") == project.way("Makefile:image")


def test_the_folders_own_dockerfile_is_the_default_and_else_the_workflow_that_publishes(make_project):
    files = {"Dockerfile": DOCKERFILE, ".github/workflows/release.yml": WORKFLOW, "compose.yml": "services: {web: {build: .}}"}
    assert make_project(files).way().name == "Dockerfile"
    elsewhere = {
        "docker/Dockerfile": DOCKERFILE,
        ".github/workflows/release.yml": WORKFLOW.replace("target:", "file: docker/Dockerfile\n          target:"),
    }
    assert make_project(elsewhere).way().name == "workflow:release.yml:image"


def test_an_unknown_way_is_answered_with_the_known_ones(make_project):
    with pytest.raises(UnknownWay, match="Use one of: Dockerfile") as raised:
        make_project({"Dockerfile": DOCKERFILE}).way("nonsense")
    assert raised.value.exit_code == 2


def test_a_folder_within_a_repository_has_its_own_ways_and_those_of_the_repository_that_build_it(make_project):
    workflow = "jobs: {b: {steps: [{uses: docker/build-push-action@v6, with: {context: ., file: src/api/Dockerfile}}]}}"
    compose = "services: {api: {build: src/api}, web: {build: src/web}}"
    files = {
        "src/api/Dockerfile": "FROM alpine\n",
        "src/web/Dockerfile": "FROM alpine\n",
        "compose.yml": compose,
        ".github/workflows/b.yml": workflow,
    }
    project = make_project(files, below="src/api")
    assert {way.name: (way.context, way.file) for way in project.ways} == {
        "Dockerfile": (".", "Dockerfile"),
        "compose:api": (".", "Dockerfile"),
        "workflow:b.yml:b": ("../..", "Dockerfile"),
    }
    assert project.way("compose:api").found_in == "../../compose.yml"


def test_an_empty_folder_has_no_ways(tmp_path):
    assert open_project(tmp_path).ways == ()


def test_a_script_without_a_suffix_and_a_build_that_another_program_runs_are_found(make_project):
    files = {
        "Dockerfile": DOCKERFILE,
        "script/image": "#!/usr/bin/env bash\nretry docker build --target test .\necho docker build x\n",
    }
    files |= {
        "script/notes": "docker build nothing\n",
        "package.json": '{"scripts": {"image": "node env.js docker buildx build ."}}',
    }
    project = make_project(files)
    assert names(project) == ["Dockerfile", "package.json:image", "script/image"]
    assert project.way("script/image").target == "test"


def test_bake_gets_the_variables_of_the_workflow_or_command_that_runs_it(make_project):
    bake = 'variable "MODE" { default = "debug" }\nvariable "SHA" {}\ntarget "app" {\n args = { MODE = MODE, SHA = SHA }\n}\n'
    workflow = """
    jobs:
      image:
        env: {MODE: release, SHA: "${{ github.sha }}", OTHER: x}
        steps: [{uses: docker/bake-action@v6, with: {source: ., targets: app}}]
    """
    files = {"Dockerfile": DOCKERFILE, "docker-bake.hcl": bake, ".github/workflows/a.yml": workflow}
    project = make_project(files | {"Makefile": "image:\n\tMODE=make docker buildx bake --set '*.target=test' app\n"})
    assert project.way("bake:app").build_args["MODE"] == "debug"
    way = project.way("workflow:a.yml:image")
    assert (way.build_args["MODE"], way.not_resolved) == ("release", {"variable SHA": "${{ github.sha }}"})
    assert (project.way("Makefile:image").build_args["MODE"], project.way("Makefile:image").target) == ("make", "test")


def test_a_workflow_that_others_call_is_a_way_for_each_caller_with_its_inputs(make_project):
    called = """
    on:
      workflow_call:
        inputs:
          file: {type: string, required: true}
          platforms: {type: string, default: linux/amd64}
    jobs:
      image:
        steps:
          - uses: docker/build-push-action@v6
            with: {context: ., file: "${{ inputs.file }}", platforms: "${{ inputs.platforms }}"}
    """
    caller = """
    jobs:
      release:
        strategy: {matrix: {name: [api, web]}}
        uses: ./.github/workflows/image.yml
        with: {file: "${{ matrix.name }}.Dockerfile"}
    """
    files = {"api.Dockerfile": DOCKERFILE, "web.Dockerfile": DOCKERFILE, ".github/workflows/image.yml": called}
    assert make_project(files).way("workflow:image.yml:image").problem != ""
    project = make_project(files | {".github/workflows/release.yml": caller})
    ways = {way.name: (way.file, way.platforms) for way in project.ways if way.kind == "workflow"}
    assert ways == {
        "workflow:image.yml:image:api": ("api.Dockerfile", ("linux/amd64",)),
        "workflow:image.yml:image:web": ("web.Dockerfile", ("linux/amd64",)),
    }
    assert project.way("workflow:image.yml:image:api").also_found_in == (".github/workflows/release.yml",)


def test_an_action_of_the_repository_is_read_where_a_step_uses_it(make_project):
    action = """
    inputs: {target: {default: base}}
    runs:
      using: composite
      steps: [{uses: docker/build-push-action@v6, with: {context: ., target: "${{ inputs.target }}"}}]
    """
    workflow = "jobs: {image: {steps: [{uses: ./.github/actions/image, with: {target: test}}]}}"
    files = {"Dockerfile": DOCKERFILE, ".github/actions/image/action.yml": action, ".github/workflows/a.yml": workflow}
    way = only_way(make_project(files), "workflow")
    assert (way.name, way.target) == ("workflow:a.yml:image", "test")


def test_workflows_that_call_each_other_end(make_project):
    workflow = "on: workflow_call\njobs: {a: {uses: ./.github/workflows/a.yml}, b: {steps: [{run: docker build .}]}}"
    assert make_project({"Dockerfile": DOCKERFILE, ".github/workflows/a.yml": workflow}).ways


def test_a_job_that_checks_out_another_repository_does_not_build_this_one(make_project):
    steps = "[{uses: actions/checkout@v4, with: {repository: other/app}}, {run: docker build .}]"
    files = {"Dockerfile": DOCKERFILE, ".github/workflows/a.yml": f"jobs: {{b: {{steps: {steps}}}}}"}
    assert "other/app" in only_way(make_project(files), "command").problem
