"""Rows about secrets: on command lines, in recordings, notebooks and exports."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import time
from pathlib import Path

from tests.faults.table import Place, fault
from tests.planted_secrets import command_lines, planted, remains


def _open_to_others(home: Path) -> list[str]:
    """What others may read or list in a state folder. Working copies have the modes of what was copied, in a closed folder."""
    places = [home, *home.rglob("*")]
    own = (path for path in places if "work" not in path.relative_to(home).parts[:1] or path.parent == home)
    return [str(path) for path in own if not path.is_symlink() and stat.S_IMODE(path.lstat().st_mode) & 0o077]


@fault(
    "secrets-on-a-command-line",
    attack="15",
    what="A build with a token and a proxy's password as build args, and `ps` while a step runs",
    right="No process of the kit's shows a value",
)
def secrets_on_a_command_line(place: Place) -> str:
    folder = place.write({"Dockerfile": f"FROM {place.image}\nARG API_TOKEN\nARG DOCKER_HOST\nRUN sleep 8\n"})
    token, password = f"tok-{os.urandom(6).hex()}", os.urandom(6).hex()
    values = {"API_TOKEN": token, "HTTPS_PROXY": f"http://u:{password}@127.0.0.1:9"}
    arguments = ["--build-arg", "API_TOKEN", "--build-arg", "HTTPS_PROXY"]
    # The first is typed, and seen until the program has read it; buildx would take the other one for its own.
    arguments += [f"--build-arg=TYPED_TOKEN={token}", f"--build-arg=DOCKER_HOST=tcp://u:{password}@127.0.0.1:9"]
    environment = os.environ | values | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = place.command("build", folder, "--json", *arguments)
    shown = []
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None:
            lines = command_lines()
            if any("docker-buildx" in line and str(place.temporary) in line for line in lines.splitlines()):
                shown.append(lines)
            time.sleep(0.1)
        document = json.loads(running.stdout.read()) if running.stdout else {}
    assert document["exit_code"] == 0, document
    assert shown, "buildx was not seen"
    assert not any(token in lines or password in lines for lines in shown), "ps shows a value"
    return f"buildx was seen {len(shown)} times, no value"


@fault(
    "secrets-in-a-recording",
    attack="16",
    what="DB_PASS printed alone, a token cut in two log chunks, a proxy without a scheme",
    right="Nothing is kept, and no file can be read by others",
)
def secrets_in_a_recording(place: Place) -> str:
    lines = [f"FROM {place.image}", "ARG DB_PASS", "ARG API_TOKEN", 'RUN echo "$DB_PASS"']
    lines += ["RUN printf 'tok-123'; sleep 0.3; printf '4567890\\n'", "RUN env"]
    folder = place.write({"Dockerfile": "\n".join(lines) + "\n"})
    environment = {"DB_PASS": "hunter2000", "API_TOKEN": "tok-1234567890", "HTTP_PROXY": "u:s3cret@127.0.0.1:9"}
    done = place.run("build", folder, "--json", "--build-arg", "DB_PASS", "--build-arg", "API_TOKEN", env=environment)
    assert done.returncode == 0, done.stderr[-300:]
    # The Dockerfile of this row holds the two halves of the token, as a script that prints it would.
    secrets = {"DB_PASS": "hunter2000", "the proxy": "s3cret"}
    left = remains(secrets, [place.home, ("stdout", done.stdout), ("stderr", done.stderr)])
    recording = next((place.home / "recordings").glob("*/raw.jsonl")).parent
    log = json.loads(place.run("explain", "--json").stdout)
    assert log["steps"], "the recording cannot be read"
    left += remains({"the token": "tok-1234567890"}, [recording / "raw.jsonl"])
    assert not left, left
    is_open = _open_to_others(place.home)
    assert not is_open, f"others can read {is_open[:3]}"
    return "no secret in the recording; folders 0700, files 0600"


@fault(
    "forty-secrets",
    attack="15, 16",
    what="Forty secrets of all shapes in arguments, files, the Dockerfile, its base and its log",
    right="None is in what the build leaves: recording, JSON, explanation, forecast, layers store, temporary files, `ps`",
)
def forty_secrets(place: Place) -> str:
    folder = place.folder / f"context-{os.urandom(6).hex()}"
    folder.mkdir()
    found = planted(folder, place.image, place.engine.api)
    environment = {**found.environment, **found.build_args}
    arguments = [part for name in found.build_args for part in ("--build-arg", name)]
    runs = [
        place.run("build", folder, "--json", *arguments, env=environment, timeout=240),
        place.run("explain", "--json", env=environment),
        place.run("predict", folder, "--json", *arguments, env=environment),
        place.run("history", "--json", env=environment),
    ]
    document = json.loads(runs[0].stdout)
    assert document["exit_code"] == 0, runs[0].stderr[-500:]
    runs.append(place.run("layers", document["image"], "--json", env=environment))
    texts = [(f"run {number}", run.stdout + run.stderr) for number, run in enumerate(runs)]
    left = remains(found.secrets, [place.home, place.temporary, ("ps", command_lines()), *texts])
    assert not left, left
    states = {step["state"] for step in json.loads(runs[1].stdout)["steps"]}
    assert "unclear" not in states, "steps can no longer be told apart"
    assert json.loads(runs[0].stdout)["secrets_left_out"] > 0, "the document does not say what was left out"
    return f"none of {len(found.secrets)}; the document says that {document['secrets_left_out']} are left out"


@fault(
    "secrets-of-a-failed-build",
    attack="16",
    what="The same forty, with cache options that hold passwords, and a build that fails",
    right="None is in the error, the recording or the temporary files",
)
def secrets_of_a_failed_build(place: Place) -> str:
    folder = place.folder / f"context-{os.urandom(6).hex()}"
    folder.mkdir()
    found = planted(folder, place.image, place.engine.api)
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + 'RUN env; echo "$DB_PASS"; exit 1\n')
    arguments = [part for name in found.build_args for part in ("--build-arg", name)]
    # Typed by the user, they are on the command line of this program; the kit passes them on by a file.
    caches = [part for option in found.cache_from for part in ("--cache-from", option)]
    environment = {**found.environment, **found.build_args}
    done = place.run("build", folder, "--json", *arguments, *caches, env=environment, timeout=240)
    assert done.returncode == 3, f"exit code {done.returncode}: {done.stderr[-300:]}"
    left = remains(found.secrets, [place.home, place.temporary, ("stdout", done.stdout), ("stderr", done.stderr)])
    assert not left, left
    return f"none of {len(found.secrets)}"


@fault(
    "dockerfile-that-is-a-key",
    what="`Dockerfile.prod -> idrsa`, a private key with mode 0600, and a build of that strategy",
    right="Refused, and nothing of the key is kept",
)
def dockerfile_that_is_a_key(place: Place) -> str:
    body = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE"
    text = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n"
    folder = place.write({"Dockerfile": f"FROM {place.image}\n"})
    seen = []
    for key in (folder / "idrsa", place.folder / "idrsa"):
        key.write_text(text)
        key.chmod(0o600)
        link = folder / "Dockerfile.prod"
        link.unlink(missing_ok=True)
        link.symlink_to(key)
        done = place.run("build", folder, "-s", "Dockerfile.prod")
        assert done.returncode, "it was built"
        left = remains({"the key": body}, [place.home, place.temporary, ("stderr", done.stderr)])
        assert not left, left
        seen.append(done.returncode)
    return f"exit codes {seen}, nothing kept"


@fault(
    "env-file-in-a-notebook",
    what="The workbench with an app's `.env` open: what a saved notebook holds of it",
    right="Not its text, in the widget's state or in the twin; a sentence in its place",
    engine=False,
)
def env_file_in_a_notebook(place: Place) -> str:
    from speedkit.apps import own_app
    from speedkit.widgets import Workbench

    files = {"Dockerfile": "FROM scratch\nENV DB_PASS=inTheFile1\n", ".env": "PLAIN=notToBeSaved1\n"}
    with own_app(place.write(files)) as app:
        bench = Workbench(app)
        saved = ""
        for number, tab in enumerate((".env", "./Dockerfile"), 1):
            bench._handle({"type": "view", "patch": {"tab": tab}, "page": "p", "number": number})
            saved += json.dumps([bench.get_state(), bench._twin_html()], default=str)
        bench.close()
    left = [secret for secret in ("notToBeSaved1", "inTheFile1") if secret in saved]
    assert not left, left
    assert "left out" in saved, "the twin does not say that anything is left out"
    return "neither is saved; the twin says that they are left out"


@fault(
    "state-left-open",
    what="A state folder of an earlier version, 0755 with files 0644, and a first command",
    right="All of it is closed to others",
    engine=False,
)
def state_left_open(place: Place) -> str:
    old = place.home / "recordings" / "20260101T000000000000-x-abcdef"
    old.mkdir(parents=True)
    (old / "meta.json").write_text("{}")
    for path in (place.home, place.home / "recordings", old):
        path.chmod(0o755)
    done = place.run("history", "--json")
    assert done.returncode == 0, done.stderr[-300:]
    is_open = _open_to_others(place.home)
    assert not is_open, is_open
    return "folders 0700, files 0600"
