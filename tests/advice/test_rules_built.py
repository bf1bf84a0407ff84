"""What the rules rest on, held against BuildKit: a Dockerfile as it is and as they change it give equal images."""

from __future__ import annotations

import subprocess

import pytest

from speedkit.proof import advise

pytestmark = [pytest.mark.engine, pytest.mark.slow]

NODE = r"""FROM alpine
RUN printf '#!/bin/sh\nmkdir -p node_modules && cat package.json packages/*/package.json > node_modules/seen\n' > /bin/npm
RUN printf 'test "$1" != run || cat src/* > bundle\n' >> /bin/npm && chmod +x /bin/npm
WORKDIR /srv/app
# all of it
COPY --chown=1000:1000 . .
RUN set -e && npm ci && npm run build
"""
PIP = r"""FROM alpine
RUN printf '#!/bin/sh\ncat r.txt > /packages; cd /root/.cache/p* && date > now; true\n' > /bin/pip
RUN chmod +x /bin/pip
COPY . /srv/app
WORKDIR /srv/app
RUN pip install --no-cache-dir -r r.txt
"""
"""Both have a program that does what matters of npm and of pip."""


@pytest.fixture
def repository(folder):
    def make(dockerfile, files):
        place = folder({"Dockerfile": dockerfile, ".dockerignore": ".git\n", **files})
        for mode, name in ((0o750, "packages/web"), (0o755, "run.sh")):
            if (place / name).exists():
                (place / name).chmod(mode)
        for number in (1, 2):
            (place / "src/page.js").write_text(f"{number}\n")
            settings = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
            for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", f"{number}"]):
                subprocess.run(["git", *settings, *command], cwd=place, check=True)
        return place

    return make


FILES = {
    "package.json": '{"name": "app", "workspaces": ["packages/*"]}',
    "package-lock.json": '{"lockfileVersion": 3, "packages": {}}',
    "packages/web/package.json": '{"name": "web"}',
    "packages/web/run.js": "1\n",
    "src/page.js": "0\n",
    "run.sh": "1\n",
}


def steps_with(build, text):
    return [step for step in build.instructions if text in step.instruction]


def test_packages_installed_before_the_sources_are_copied_give_an_equal_image(repository):
    advice = advise(repository(NODE, FILES), prove=True, commits=1)
    (piece,) = (*advice.pieces, *advice.tried)
    assert piece.rule == "node-manifests-first"
    assert piece.proof is not None
    assert piece.proof.equal
    (pair,) = piece.proof.commits
    assert [step.cached for step in steps_with(pair.as_is, "npm ci")] == [False]
    assert [step.cached for step in steps_with(pair.patched, "npm ci")] == [True]


def test_a_cache_mount_leaves_no_folder_behind_where_there_was_none(repository):
    advice = advise(repository(PIP, {"r.txt": "a==1\n", "src/page.js": "0\n"}), prove=True, commits=1)
    pieces = {piece.rule: piece for piece in (*advice.pieces, *advice.tried)}
    assert all(piece.proof is not None and piece.proof.equal for piece in pieces.values())
    assert any("python-caches" in rule or rule == "all" for rule in pieces)
