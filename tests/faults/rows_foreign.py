"""Rows about foreign text: names, logs, Dockerfiles and arguments that a terminal would obey, or a page take for markup."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.chromium import FLAGS, find_chromium
from tests.faults.table import IMAGE, ROOT, Place, fault
from tests.terminal import HOSTILE, complaints, on_a_terminal

NAME = f"new\nFAKE line{HOSTILE}".replace("/", "_").replace("=", "")
# BuildKit opens no Dockerfile with a line end in its name, and takes `[` for a pattern.
STRATEGY = "Dockerfile.\x1b]0;owned\x07\u202eover\u2066\u200b\x9b"
DOCKERFILE = (
    f"FROM {IMAGE} AS one\nRUN true '\x1b]52;c;cm0=\x07\x1b[2J\x9b31m\u202e [/b] app/[slug]/page.tsx'\n"
    "RUN printf '\\033]0;owned\\007\\033[2J [/b] [bold]\\n' && sleep 1\n"
)
PATH = {"PYTHONPATH": str(ROOT)}


def _obeyed(place: Place, *arguments: str | Path, code: int | None = 0) -> str:
    """The text that a verb shows on a terminal, in which nothing is obeyed."""
    shown = on_a_terminal([str(word) for word in arguments], environment=PATH, folder=place.folder)
    assert complaints(shown.text) == [], f"{arguments[0]}: {complaints(shown.text)[:5]}"
    assert code is None or shown.code == code, f"{arguments[0]}: exit code {shown.code}: {shown.text[-300:]}"
    return shown.text


@fault(
    "hostile-live-line",
    attack="17",
    what="build, explain, predict, history on a terminal, with OSC 52, CSI 2J, C1 and bidi controls in the Dockerfile",
    right="None of them reaches the terminal; markup of rich is shown as it stands",
)
def hostile_live_line(place: Place) -> str:
    folder = place.write({"Dockerfile": DOCKERFILE, NAME: "x"})
    shown = _obeyed(place, "build", folder)
    assert "app/[slug]/page.tsx" in shown, "markup vanished from the table"
    for verb in (["explain"], ["explain", "--json"], ["history"], ["predict", folder], ["build", folder, "--json"]):
        _obeyed(place, *verb)
    return "build, explain, predict, history: every control character as an escape, app/[slug]/page.tsx whole"


@fault(
    "hostile-comparison",
    attack="18",
    what="`speedkit compare` of `Dockerfile.ESC]0;ownedBEL`, with an edit called `a[/b]c`, on a terminal and in a pipe",
    right="Exit code 0, no MarkupError, names shown whole",
)
def hostile_comparison(place: Place) -> str:
    folder = place.write({STRATEGY: DOCKERFILE, "app/[slug]/page.tsx": "x", "a[/b]c/x": "x", NAME: "x"})
    arguments = ["compare", folder, "-e", "app/[slug]/page.tsx", "-e", "a[/b]c/x", "-e", NAME]
    shown = _obeyed(place, *arguments)
    assert "app/[slug]/page.tsx" in shown, "markup vanished"
    piped = place.run(*arguments)
    assert piped.returncode == 0, piped.stderr[-300:]
    assert complaints(piped.stdout + piped.stderr) == [], "control characters in a pipe"
    assert "a[/b]c/x" in piped.stderr, "markup vanished from the progress"
    return "exit code 0; app/[slug]/page.tsx and a[/b]c/x whole, no control character on stdout or stderr"


@fault(
    "hostile-usage",
    attack="18",
    what="Arguments, paths and options with control characters and markup, for every verb",
    right="The error names them, as text",
    engine=False,
)
def hostile_usage(place: Place) -> str:
    verbs = (
        ["build"],
        ["compare"],
        ["predict"],
        ["layers"],
        ["explain"],
        ["history", "--limit"],
        ["tour", "--out"],
        ["engine"],
        [],
    )
    for verb in verbs:
        _obeyed(place, *verb, f"/dev/null/{NAME}" if verb[:1] == ["tour"] else NAME, code=None)
        _obeyed(place, *verb, f"--{NAME}", code=None)
    return f"{2 * len(verbs)} command lines refused, none obeyed"


@fault(
    "hostile-page",
    attack="24, 24b",
    what="Every object that shows HTML, with hostile names, logs, labels, arguments, edits and errors, in a browser: "
    "a plain page, the tour's page, JupyterLab, the saved notebook opened again, its export",
    right="window.__x stays undefined",
    seconds=900,
)
def hostile_page(place: Place) -> str:
    done = subprocess.run(
        [*place.command()[:1], "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/browser/test_hostile.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, " ".join(done.stdout.split())[-600:]
    return f"nothing ran: {done.stdout.strip().splitlines()[-1]}"


@fault(
    "hostile-tour",
    attack="24",
    what="A tour of notebook 07 for a project with `FROM ${A:+<img/src='x'/onerror=…>}…` in its Dockerfile; its page opened",
    right="window.__x stays undefined, and the page's policy lets no inline script run",
    seconds=600,
)
def hostile_tour(place: Place) -> str:
    import nbformat
    from playwright.sync_api import sync_playwright

    from speedkit.reports import run_tour
    from tests.git_history.small_repository import SmallRepository

    attack = "<img/src='x'/onerror=window.__x=1>"
    text = f"FROM ${{A:+{attack}}}{place.image} AS one\nCOPY . /app\nRUN true {attack!r}\n"
    # A tour sums up the builds of the sample app, which it tells by this name.
    project = place.write({"Dockerfile": text, "a.txt": "x", "README.md": "x"}).rename(place.folder / "sample_go_app")
    (project / "<svg onload=window.__x=1>").write_text(attack)
    # Notebook 07 is about a history.
    history = SmallRepository(project)
    history.commit({}, subject=attack)
    history.commit({"a.txt": "y"}, subject=attack)
    notebooks = place.folder / "notebooks"
    notebooks.mkdir()
    notebook = nbformat.read(ROOT / "notebooks" / "07_your_own_dockerfile.ipynb", as_version=4)
    settings = notebook.cells[next(n for n, cell in enumerate(notebook.cells) if "PATH = None" in cell.source)]
    settings.source = settings.source.replace("PATH = None", f"PATH = {str(project)!r}")
    nbformat.write(notebook, notebooks / "07_your_own_dockerfile.ipynb")
    tour = run_tour(out=place.folder / "out", quick=False, session=None, say=lambda _: None, folder=notebooks)
    assert tour.builds, "no build was recorded"
    assert not tour.failed, f"{tour.failed[0].error}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        page = browser.new_page()
        page.goto(tour.page.as_uri())
        page.wait_for_selector(".figure .main-svg", state="attached")
        for figure in page.query_selector_all(".figure"):
            figure.scroll_into_view_if_needed()
        ran = page.evaluate("[window.__x, document.querySelectorAll('img[src=x], [onerror], [onload]').length]")
        policy = str(page.get_attribute("meta[http-equiv]", "content"))
        browser.close()
    assert ran == [None, 0], f"window.__x and elements of the attack: {ran}"
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0], policy
    return f"{len(tour.builds)} builds, nothing of the Dockerfile ran; scripts run by hash only"


@fault(
    "hostile-names-in-layers",
    attack="e2",
    what="`layers`, with `--files` and with `--cat`, on a terminal: line ends, CR, ESC and bidi controls in names",
    right="A line for each name; `--cat` shows control characters on a terminal and gives the bytes to a pipe",
    engine=False,
)
def hostile_names_in_layers(place: Place) -> str:
    from tests.images.archives import docker_archive, layer

    content = f"{HOSTILE}\n".encode()
    layers = [layer((NAME, b"one"), ("plain.txt", content)), layer((NAME, b"two"))]
    archive = docker_archive(place.folder / "image.tar", layers, [f"COPY {NAME}", f"RUN {HOSTILE}"])
    for more in ([], ["--files"], ["--json", "--files"], ["--other", archive], ["--cat", "plain.txt"]):
        _obeyed(place, "layers", archive, *more)
    shown = _obeyed(place, "layers", archive, "--ci", "--forbid", "new*", code=1)
    assert "new\\nFAKE line" in shown, "the name is not shown whole"
    command = place.command("layers", archive, "--cat", "plain.txt")
    piped = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
    assert piped.stdout == content, "a pipe gets other bytes"
    return "a line for each name, `new\\nFAKE line` among them; --cat gives a pipe the file's bytes"
