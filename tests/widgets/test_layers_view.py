"""The view of layers: what is seen of one image or two, what a page can ask for, and what stays when no kernel answers."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import replace
from uuid import uuid4

import pytest

from speedkit.engine.ledger import note_image
from speedkit.errors import ArchiveError, NoSuchImage
from speedkit.model import Build
from speedkit.page import LayersPage, shown_content
from speedkit.widgets import LayersView, live_widget
from speedkit.widgets import layer_browser as module
from speedkit.widgets.layer_browser import LayerBrowser, ReadableImage
from tests.images.archives import docker_archive, image_of, layer
from tests.page.test_workbench_html import EVIL, parsed, text_of
from tests.waiting import HANG_SECONDS

BASE = layer(
    ("etc", None), ("etc/passwd", b"root:x:0\n"), ("bin/sh", b"\x7fELF\0" * 100), ("bin/ash", "link bin/sh"), ("s", "-> etc")
)
APP = layer(("app/main.go", b"package main\n"), ("app/huge", b"a" * 1_000_001), ("etc/passwd", b"root:x:0\nme:x:1\n"))
CLEAN = layer(("app/.wh.huge", b""))
COMMANDS = ("ADD rootfs.tar / # buildkit", "RUN /bin/sh -c make # buildkit", "RUN /bin/sh -c rm /app/huge # buildkit")


@pytest.fixture
def archive(tmp_path):
    return docker_archive(tmp_path / "app.tar", [BASE, APP, CLEAN], COMMANDS, tag="app:1")


@pytest.fixture
def other(tmp_path):
    return docker_archive(tmp_path / "other.tar", [BASE, layer(("app/new", b"123"))], COMMANDS[:2], tag="app:2")


@pytest.fixture
def view(archive):
    made = LayersView(archive)
    yield made
    made.close()


@pytest.fixture
def both(archive, other):
    made = LayersView(archive, other)
    yield made
    made.close()


def tell(view: LayersView, kind: str, **content: object) -> None:
    """What a page does."""
    view._receive(view, {"type": kind, "page": "p", **content}, [])
    view._browser.wait()
    view._settle()


def choose(view: LayersView, **patch: object) -> None:
    tell(view, "view", patch=patch, number=1)


def page(view: LayersView) -> LayersPage:
    return view._browser.page()


def names(view: LayersView) -> list[str]:
    return [row.name for row in page(view).tree.rows]


def test_it_begins_with_the_finding_the_layers_and_the_final_file_system(view):
    assert page(view).finding.startswith("1.0 MB of 1.0 MB are wasted, most of it by /app/huge")
    assert "5 files" in page(view).facts[0]
    layers = page(view).images[0].layers
    assert [one.command for one in layers] == ["ADD rootfs.tar /", "RUN make", "RUN rm /app/huge"]
    assert [(one.added, one.changed, one.removed) for one in layers] == [(5, 0, 0), (2, 1, 0), (0, 0, 1)]
    assert [one.path for one in page(view).images[0].waste] == ["/app/huge", "/etc/passwd"]
    assert names(view) == ["bin", "sh", "ash", "etc", "passwd", "app", "main.go", "s"]
    assert view.view["side"] == "first"


def test_a_layer_shows_its_own_files_with_what_happened_to_them(view):
    choose(view, side="first", place=1)
    assert page(view).tree.title == "Layer 2 of 3: RUN make"
    assert page(view).tree.facts == "1.0 MB · +2 added · ~1 changed · −0 removed · 1.0 MB wasted"
    assert {row.path: row.state for row in page(view).tree.rows} == {
        "/app": "",
        "/app/huge": "added",
        "/app/main.go": "added",
        "/etc": "",
        "/etc/passwd": "changed",
    }
    tell(view, "open", path="/app", open=False)
    assert names(view) == ["app", "etc", "passwd"]
    tell(view, "open", path="/app", open=True)
    assert names(view) == ["app", "huge", "main.go", "etc", "passwd"]
    choose(view, place=2)
    assert page(view).tree.rows[1].state == "removed"


def test_each_tree_keeps_its_own_open_folders(view):
    tell(view, "open", path="/bin", open=False)
    choose(view, place=0)
    assert "sh" in names(view)
    choose(view, place=-1)
    assert names(view)[:2] == ["bin", "etc"]


def test_files_are_sorted_and_searched(view):
    choose(view, by="name")
    assert names(view) == ["app", "main.go", "bin", "ash", "sh", "etc", "passwd", "s"]
    choose(view, query="PASS")
    assert names(view) == ["/etc/passwd"]
    choose(view, query="nothing like it")
    assert page(view).tree.note == "No path holds nothing like it."


def test_a_text_is_shown_and_a_removed_file_from_the_layer_that_has_it(view):
    choose(view, file="/app/main.go")
    assert (page(view).content.state, page(view).content.text) == ("text", "package main\n")
    choose(view, place=1, file="/etc/passwd")
    assert page(view).content.text == "root:x:0\nme:x:1\n"
    choose(view, place=0, file="/etc/passwd")
    assert page(view).content.text == "root:x:0\n"
    choose(view, file=None)
    assert page(view).content.state == "nothing"


def test_what_is_no_text_is_said_so_and_never_sent(view):
    choose(view, file="/bin/sh")
    assert (page(view).content.state, page(view).content.text) == ("binary", "")
    assert page(view).content.note == "Not text: 500 bytes of binary data."
    choose(view, place=1, file="/app/huge")
    assert page(view).content.state == "refused"
    assert "files of up to 1.0 MB are shown" in page(view).content.note
    choose(view, place=-1, file="/s")
    assert "A symbolic link to etc" in page(view).content.note
    for path in ("/etc", "/no/such"):
        choose(view, file=path)
        assert page(view).content.note == "There is no such file."


def test_only_the_beginning_of_a_long_text_is_sent_and_no_character_is_cut():
    shown = shown_content("/a", "é".encode() * 20_000)
    assert shown.text == "é" * 16_000
    assert shown.note == "The first 32.0 kB of 40.0 kB."
    assert shown_content("/a", b"").note == "It is empty."
    assert shown_content("/a", b"\x1b[31m \xe2\x80\xae").text == "\ufffd[31m \ufffd"
    assert shown_content("/a", b"\xff\xfe").state == "binary"


def test_a_map_has_a_box_for_what_has_bytes_and_can_be_entered(view):
    assert {box.path for box in page(view).map.boxes} >= {"/bin", "/bin/sh"}
    assert all(0 <= box.left <= box.left + box.width <= 1.0001 for box in page(view).map.boxes)
    assert {box.name: box.is_labelled for box in page(view).map.boxes}["sh"]
    choose(view, folder="/etc", pane="map")
    assert [box.path for box in page(view).map.boxes] == ["/etc/passwd"]
    choose(view, place=1)
    assert page(view).map.folder == "/"


def test_two_images_begin_with_what_differs_and_say_which_layers_are_shared(both):
    assert both.view["side"] == "difference"
    assert page(both).finding.endswith("they share 1 layer, 509 bytes")
    assert [one.is_shared for one in page(both).images[0].layers] == [True, False, False]
    assert page(both).tree.facts == "+1 only in the second · ~1 different · −1 only in the first"
    assert {row.path: row.state for row in page(both).tree.rows} == {
        "/etc": "",
        "/etc/passwd": "changed",
        "/app": "",
        "/app/main.go": "removed",
        "/app/new": "added",
    }
    choose(both, file="/app/main.go")
    assert page(both).content.text == "package main\n"
    choose(both, file="/app/new")
    assert page(both).content.text == "123"
    choose(both, side="second", place=1)
    assert names(both) == ["app", "new"]


def test_a_choice_that_cannot_be_is_left_out_and_still_confirmed(view):
    for patch in ({"side": "second"}, {"side": "difference"}, {"place": 7}, {"by": "colour"}, {"pane": 3}, {"nonsense": 1}):
        tell(view, "view", patch=patch, number=9)
        assert (view.view["side"], view.view["place"], view.view["by"]) == ("first", -1, "size")
    assert view.view["confirmed"] == {"p": 9}


def test_a_message_that_makes_no_sense_is_said_so_and_breaks_nothing(view):
    tell(view, "view")
    assert page(view).content.state == "refused"
    tell(view, "nonsense")
    choose(view, file="/app/main.go")
    assert page(view).content.state == "text"


@pytest.mark.slow
def test_a_folder_of_twenty_thousand_files_sends_a_hundred_lines(tmp_path):
    many = layer(*((f"d/{number}", b"") for number in range(20_000)))
    browser = LayerBrowser(ReadableImage(image_of(many), lambda _path, _place: b""), None, lambda: None)
    assert [row.name for row in browser.page().tree.rows] == ["d"]
    browser.open("/d", is_open=True)
    rows = browser.page().tree.rows
    assert len(rows) == 102
    assert (rows[-1].kind, rows[-1].name) == ("more", "19,900 more")
    browser.show_more("/d")
    assert len(browser.page().tree.rows) == 202
    for _ in range(20):
        browser.show_more("/d")
    seen = browser.page().tree
    assert (len(seen.rows), seen.note) == (2000, "Only the first 2,000 lines are shown: close a folder.")


def test_the_last_file_that_was_chosen_is_the_one_shown():
    begun, going, reads = threading.Event(), threading.Event(), []

    def read(path, _place):
        reads.append(path)
        begun.set()
        assert going.wait(HANG_SECONDS)
        return path.encode()

    browser = LayerBrowser(ReadableImage(image_of(BASE), read), None, lambda: None)
    for path in ("/etc/passwd", "/bin/sh", "/bin/ash"):
        browser.choose({"file": path})
        assert begun.wait(HANG_SECONDS)
        assert browser.page().content.state == "loading"
    going.set()
    browser.wait()
    assert browser.page().content.text == "/bin/ash"
    assert reads == ["/etc/passwd", "/bin/ash"]


def test_a_file_that_cannot_be_read_says_why():
    def read(_path, _place):
        raise ArchiveError("The archive is gone.", fix="Save it again.")

    browser = LayerBrowser(ReadableImage(image_of(BASE), read), None, lambda: None)
    browser.choose({"file": "/etc/passwd"})
    browser.wait()
    assert browser.page().content.note == "The archive is gone. Save it again."


def test_a_file_whose_reading_breaks_leaves_the_next_one_readable():
    def read(path, _place):
        if path == "/bin/sh":
            raise KeyError("odd")
        return b"text"

    browser = LayerBrowser(ReadableImage(image_of(BASE), read), None, lambda: None)
    for path, state in (("/bin/sh", "refused"), ("/etc/passwd", "text")):
        browser.choose({"file": path})
        browser.wait()
        assert browser.page().content.state == state


def test_only_a_few_trees_are_kept(monkeypatch):
    made = []
    monkeypatch.setattr(module, "tree_of_layer", lambda image, place: made.append(place) or module.tree_of_image(image))
    browser = LayerBrowser(ReadableImage(image_of(*[BASE] * 8), lambda _path, _place: b""), None, lambda: None)
    for place in (0, 1, 2, 3, 4, 5, 0, 5):
        browser.choose({"place": place})
        browser.page()
    assert made == [0, 1, 2, 3, 4, 5, 0]


def test_an_image_that_is_not_there_is_said_in_the_cell(tmp_path):
    broken = tmp_path / "broken.tar"
    broken.write_bytes(b"no archive" * 100)
    with pytest.raises(ArchiveError):
        LayersView(broken)


@pytest.mark.engine
def test_an_image_of_the_engine_is_opened_and_its_files_are_read(engine, folder):
    files = {
        "Dockerfile": "FROM scratch\nLABEL dev.speedkit=1\nCOPY a /\nCOPY b /a\n",
        "a": f"{uuid4().hex}\n",
        "b": "second\n",
    }
    argv = [str(engine.buildx), "build", "--quiet", str(folder(files))]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, env=engine.environment)
    note_image(engine, done.stdout.strip(), "result", name="by hand")  # so that it goes with what the tests built
    view = LayersView(done.stdout.strip(), engine=engine)
    assert page(view).finding == "33 bytes of 40 bytes are wasted, by /a"
    choose(view, file="/a")
    assert page(view).content.text == "second\n"
    choose(view, place=0, file="/a")
    assert page(view).content.text == files["a"]
    view.close()


def test_a_build_gives_its_image_a_name_and_one_without_an_image_is_refused(archive):
    build = Build("id", "app", "naive", "rename", "", 1.0, "done", 0, "", (), image=str(archive))
    view = LayersView(build)
    assert page(view).images[0].name == "naive, rename"
    assert view._repr_html_().count("naive, rename") >= 1
    view.close()
    with pytest.raises(NoSuchImage, match="made no image"):
        LayersView(replace(build, image=None))


@pytest.mark.engine
def test_an_image_that_the_engine_has_not_is_named(engine):
    with pytest.raises(NoSuchImage, match="speedkit/never-made"):
        LayersView("speedkit/never-made:1", engine=engine)


def test_the_twin_shows_layers_files_waste_content_and_map(view):
    choose(view, place=1, file="/app/main.go")
    html = view._repr_html_()
    parsed(html)
    text = text_of(html)
    for words in ("RUN make", "+2 added", "1.0 MB wasted", "Layer 2 of 3", "/app/huge", "package main", "app/", "by size"):
        assert words in text
    assert f'data-skw-twin="{view.twin}"' in html


def test_the_twin_of_two_images_tells_what_differs_in_words(both):
    tell(both, "open", path="/app", open=True)
    text = text_of(both._repr_html_())
    for words in ("= shared", "+ only in the second", "− only in the first", "app:1", "app:2"):
        assert words in text
    assert "skl-row skl-removed" not in both._repr_html_()


def test_a_notebook_gets_a_widget_and_a_twin_that_follows_it(view, monkeypatch):
    seen = []
    monkeypatch.setattr(live_widget, "_publish", lambda data, **how: seen.append((data, how)))
    view._ipython_display_()
    assert "application/vnd.jupyter.widget-view+json" in seen[0][0]
    assert seen[1][0]["text/plain"] == page(view).finding
    choose(view, place=1)
    assert "Layer 2 of 3" in seen[-1][0]["text/html"]
    assert seen[-1][1] == {"display_id": f"twin-{view.twin}", "update": True}


def test_markup_in_names_commands_tags_and_contents_is_text(tmp_path):
    evil = layer((f"a{EVIL}", EVIL.encode()), ("l", f"-> {EVIL}"), (f"d{EVIL}/x", b"1"))
    first = docker_archive(tmp_path / "1.tar", [evil, layer((f"a{EVIL}", b"1"))], [f"RUN {EVIL}"] * 2, tag=EVIL)
    second = docker_archive(tmp_path / "2.tar", [evil], [f"RUN {EVIL}"], tag=EVIL)
    view = LayersView(first, second)
    for side, place in (("difference", -1), ("first", -1), ("first", 0), ("first", 1)):
        choose(view, side=side, place=place, file=f"/a{EVIL}")
        tags = parsed(view._repr_html_())
        assert not tags.tags & {"img", "script"}
        assert tags.handlers == []
    choose(view, query=EVIL)
    assert not parsed(view._repr_html_()).tags & {"img", "script"}
    view.close()
