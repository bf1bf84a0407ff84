"""What `import speedkit as sk` promises."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import speedkit as sk
from speedkit import errors
from tests.docs import MODULES, undocumented


@pytest.mark.parametrize("name", sk.__all__)
def test_every_public_name_is_there(name):
    assert getattr(sk, name) is not None


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_says_what_it_is(name):
    assert undocumented(import_module(name)) == []


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(AttributeError, match="it has CommandOptions, LayersView, Workbench, advise, app"):
        _ = sk.nonsense
    assert dir(sk) == sorted(sk.__all__)


def test_the_import_alone_loads_neither_pandas_nor_plotly_nor_widgets():
    program = (
        "import sys, speedkit; print([n for n in ('pandas', 'plotly', 'ipywidgets', 'docker', 'IPython') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_workbench_loads_neither_pandas_nor_plotly():
    """Both take a second, in which somebody looks at an empty cell."""
    code = "import sys, speedkit; speedkit.Workbench; print([n for n in ('pandas', 'plotly') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", [name for name in errors.__all__ if isinstance(getattr(errors, name), type)])
def test_every_error_is_of_one_family_and_in_the_tree_of_the_module(name):
    assert issubclass(getattr(errors, name), errors.SpeedkitError)
    assert name in errors.__doc__


def test_ipython_shows_an_error_as_sentences_without_a_traceback():
    shown = errors.NoEngine("No engine answers.", fix="Start one.")._render_traceback_()
    assert shown == ["NoEngine: No engine answers.", "Start one."]
    assert str(errors.NotAFolder("/x")).startswith("/x is not a folder.")
