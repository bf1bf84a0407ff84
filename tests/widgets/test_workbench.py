"""The widget: traits are painted by one thread, messages of a page are answered, and cells can do what buttons do."""

from __future__ import annotations

import gc
import json
import time
import weakref

import pytest

from speedkit.apps import app_in_place, own_app
from speedkit.engine import CommandOptions
from speedkit.errors import NoEngine, UnknownStrategy
from speedkit.widgets import Workbench, live_widget
from speedkit.widgets.open_files import DOCKERFILE
from speedkit.widgets.workbench_state import WorkbenchState
from tests.waiting import HANG_SECONDS, wait_until
from tests.widgets.builds import DOCKERFILE as STORY
from tests.widgets.builds import Scripted, a_build
from tests.widgets.test_workbench_state import Found


class Page:
    """What a page does: sends messages, gets answers."""

    def __init__(self, wb: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wb = wb
        self.got: list[dict] = []
        monkeypatch.setattr(wb, "send", self.got.append)

    def tell(self, kind: str, **content) -> None:
        self.wb._receive(self.wb, {"type": kind, "page": "p", **content}, [])
        assert self.wb._updater.flush(HANG_SECONDS)

    def ask(self, kind: str, **content) -> dict | None:
        self.tell(kind, id="1", **content)
        return self.got.pop() if self.got else None


@pytest.fixture
def scripts(monkeypatch):
    """Builds begin as scripts, which end at once unless `held`."""

    class Scripts(list):
        held = False
        result = a_build(log="hello\n")

    made = Scripts()

    def start(*_args, **_options):
        made.append(Scripted())
        if not made.held:
            made[-1].finish(made.result)
        return made[-1]

    monkeypatch.setattr(
        WorkbenchState.__init__,
        "__kwdefaults__",
        WorkbenchState.__init__.__kwdefaults__ | {"start": start, "find_engine": Found},
    )
    return made


@pytest.fixture
def wb(folder, scripts):
    with own_app(folder({"Dockerfile": STORY, "main.go": "package main\n"})) as app:
        made = Workbench(app)
        yield made
        made.close()


@pytest.fixture
def page(wb, monkeypatch):
    return Page(wb, monkeypatch)


def row(wb, number):
    """A build in the widget's list of builds."""
    return wb._state.page().history[number - 1]


def test_a_cell_builds_waits_and_gets_the_build(wb):
    wb.build()
    built = wb.wait()
    assert built.outcome == "done"
    assert wb.builds == (built,)
    assert row(wb, 1).outcome == "done"
    assert wb.running["number"] == 0


def test_waiting_for_nothing_gives_nothing(wb):
    assert wb.wait() is None


def test_a_cell_may_name_the_strategy_and_an_unknown_one_is_refused(wb):
    with pytest.raises(UnknownStrategy):
        wb.build("nowhere")
    wb.build("Dockerfile", cold=True)
    wb.wait()
    assert row(wb, 1).label == "Dockerfile, from cold"


def test_an_error_outside_the_dockerfile_is_raised_in_the_cell(wb, scripts):
    scripts.result = NoEngine("No engine.")
    wb.build()
    with pytest.raises(NoEngine):
        wb.wait()


def test_a_page_builds_and_cancels(page, wb, scripts):
    scripts.held = True
    page.tell("build")
    assert wb.running["number"] == 1
    page.tell("cancel")
    wb.wait()
    assert row(wb, 1).outcome == "cancelled"


def test_a_page_reads_types_resets_and_sees_the_original(page, wb):
    assert page.ask("read", path="main.go")["text"] == "package main\n"
    page.tell("text", path="main.go", text="package other\n")
    assert wb.files[0]["changed"]
    assert page.ask("original", path="main.go")["text"] == "package main\n"
    page.tell("reset", path="main.go")
    assert not wb.files[0]["changed"]
    page.tell("text", path=DOCKERFILE, text="FROM scratch\n")
    page.tell("save_strategy", name="mine")
    page.tell("strategy", name="Dockerfile")
    assert [entry["name"] for entry in wb.strategies] == ["Dockerfile", "custom", "mine"]
    page.tell("edit", name="touch")
    page.tell("reset_all")
    assert wb.strategy["name"] == "Dockerfile"


def test_a_page_gets_log_lines_in_pages_and_the_whole_to_copy(page, wb):
    wb.build()
    wb.wait()
    assert page.ask("log", number=1, step="line-3", **{"from": 0, "count": 200})["lines"] == ["hello"]
    assert page.ask("copy", number=1, step="line-3")["text"] == "hello\n"
    assert page.ask("log", number=7, step="line-3", **{"from": 0, "count": 200}) is None
    assert page.ask("copy", number=7, step="line-3") is None


def test_a_page_gets_the_kernels_clock(page):
    before_ms = 1000 * time.time()
    assert before_ms - 1 <= page.ask("clock")["now_ms"] <= 1000 * time.time() + 1


def test_a_choice_is_confirmed_so_that_a_reload_shows_it(page, wb):
    page.tell("view", patch={"tab": "main.go", "query": "x"}, number=4)
    assert (wb.view["tab"], wb.view["query"], wb.view["confirmed"]) == ("main.go", "x", {"p": 4})


def test_what_goes_wrong_with_a_message_is_shown_not_lost(page, wb):
    page.tell("read", path="../../etc/passwd")
    assert "is not a file of this app" in wb.notice["what"]
    page.tell("dismiss")
    assert wb.notice is None
    page.tell("view")
    assert "KeyError" in wb.notice["what"]
    page.tell("retry")
    page.tell("nonsense")
    wb._receive(wb, "not a message", [])


def test_an_app_in_place_is_read_only(folder, scripts, monkeypatch):
    wb = Workbench(app_in_place(folder({"Dockerfile": STORY, "a.txt": "x"})))
    page = Page(wb, monkeypatch)
    assert wb.app_facts["is_read_only"]
    page.tell("text", path="a.txt", text="y")
    assert "never writes" in wb.notice["what"]
    wb.close()


def test_its_state_is_plain_json(wb):
    wb.build()
    wb.wait()
    state = {name: value for name, value in wb.get_state().items() if not name.startswith("_") and name != "layout"}
    assert "Build 1: Dockerfile" in json.loads(json.dumps(state))["steps_html"]


def test_unchanged_traits_are_not_sent_again(folder, scripts):
    forecast = [{"line": 1, "forecast": "hit", "because": "nothing has changed", "seconds": None}]
    with own_app(folder({"Dockerfile": STORY, "main.go": "package main\n"})) as app:
        wb = Workbench(app, forecaster=lambda *_: [forecast])
        # The engine and the forecast are looked for in threads of their own: what comes late is a change.
        wait_until(lambda: wb.engine != "" and len(wb.forecast) == 1)
        assert wb._updater.flush(HANG_SECONDS)
        changes = []
        wb.observe(changes.append)
        for _ in range(3):
            assert wb._updater.flush(HANG_SECONDS)
        assert changes == []
        wb.close()


@pytest.fixture
def published(monkeypatch):
    seen: list[tuple[dict, str | None, bool]] = []

    def publish(data, *, display_id=None, update=False):
        seen.append((data, display_id, update))

    monkeypatch.setattr(live_widget, "_publish", publish)
    return seen


def test_shown_in_a_notebook_it_is_a_widget_and_a_twin_that_follows_it(wb, published):
    wb._ipython_display_()
    (widget, _, _), (twin, name, update) = published[:2]
    assert "application/vnd.jupyter.widget-view+json" in widget
    assert "text/html" not in widget
    assert "Next build" in twin["text/html"]
    assert (name, update) == (f"twin-{wb.twin}", False)
    wb.build()
    wb.wait()
    data, name, update = published[-1]
    assert "Build 1: Dockerfile" in data["text/html"]
    assert (name, update) == (f"twin-{wb.twin}", True)


def test_other_hosts_get_view_and_html_at_once(wb):
    wb._settle()
    data, _ = wb._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"} <= set(data)
    assert data["text/html"] == wb._repr_html_()


def test_publishing_reaches_the_notebook(capsys):
    live_widget._publish({"text/plain": "shown"}, display_id="x")
    assert "shown" in capsys.readouterr().out


def test_two_workbenches_are_independent(folder, scripts):
    with own_app(folder({"Dockerfile": STORY, "a.txt": "a"})) as one:
        first, second = Workbench(one), Workbench(one)
        first.build()
        first.wait()
        assert "Build 1, Dockerfile" in first.builds_html
        assert "None yet." in second.builds_html
        assert first.twin != second.twin
        first.close()
        second.close()


@pytest.mark.usefixtures("scripts")
def test_a_closed_workbench_is_gone(folder):
    bench = Workbench(own_app(folder({"Dockerfile": STORY})))
    bench.build()
    bench.wait()
    bench.close()
    gone = [weakref.ref(bench), weakref.ref(bench._state), weakref.ref(bench._state._forecast_worker)]
    del bench

    def are_gone() -> bool:
        gc.collect()
        return not any(one() is not None for one in gone)

    wait_until(are_gone)


def test_the_page_gets_the_script_and_the_style_of_its_widget(folder):
    with_script = Workbench(own_app(folder({"Dockerfile": STORY})))
    state = with_script.get_state()
    assert state["_esm"] == live_widget.static_text("workbench.js")
    assert state["_css"] == live_widget.static_text("workbench.css")
    with_script.close()


@pytest.mark.engine
def test_the_options_of_a_workbench_are_those_of_its_builds_and_forecasts(folder):
    text = 'FROM alpine\nARG WORD\nRUN [ "$(ulimit -n)" = 100 ] && [ "$WORD" = given ]\nCOPY --from=shared a /a\n'
    place = folder({"Dockerfile": text, "shared/a": "a"})
    options = CommandOptions(ulimits=("nofile=100",), named_contexts={"shared": str(place / "shared")})
    with own_app(place) as app:
        bench = Workbench(app, build_args={"WORD": "given"}, options=options)
        bench.build()
        built = bench.wait()
        assert built.ok, built.error
        wait_until(lambda: bench.forecast)
        wait_until(lambda: {entry["forecast"] for entry in bench.forecast} == {"hit"})
        app.write("shared/a", "b")
        wait_until(lambda: [entry["forecast"] for entry in bench.forecast][-1:] == ["miss"])
        bench.close()
