"""Modules that are imported when something is asked of them; each in a process of its own."""

import subprocess
import sys

import pytest

BEGIN = "import sys; from wares.later import later, quick_start\n"


@pytest.mark.parametrize(
    "program",
    [
        # Imported, and not there until it is asked.
        "later('colorsys'); import colorsys; assert not hasattr(type(colorsys), 'x'); "
        "assert 'rgb_to_hsv' not in vars(colorsys); assert colorsys.rgb_to_hsv(0, 0, 0) == (0, 0, 0); "
        "assert 'rgb_to_hsv' in vars(sys.modules['colorsys'])",
        # By one of its names, and by one of its submodules.
        "later('colorsys'); from colorsys import hls_to_rgb; assert hls_to_rgb(0, 0, 0) == (0, 0, 0)",
        "later('xml.dom'); import xml.dom.minidom as m; assert m.parseString('<a/>').firstChild.tagName == 'a'",
        # What is there stays, what is not installed is missed, and what a module lacks it lacks.
        "import colorsys; later('colorsys'); assert sys.modules['colorsys'] is colorsys",
        "later('no_such_package.part'); assert 'no_such_package.part' not in sys.modules",
        "later('colorsys'); import colorsys; assert not hasattr(colorsys, 'no_such_name')",
        "later('colorsys'); import colorsys as one; from wares.later import forget; forget('colorsys'); "
        "assert 'colorsys' not in sys.modules; assert one.rgb_to_hsv(0, 0, 0) == (0, 0, 0)",
        # What it is for.
        "quick_start(); import sklearn.base; assert 'scipy.stats._stats_py' not in sys.modules; "
        "from scipy import stats; assert stats.norm.cdf(0) == 0.5; import scipy; assert scipy.stats.norm.cdf(0) == 0.5",
        "quick_start(); from sklearn.base import clone; from sklearn.naive_bayes import GaussianNB; "
        "assert clone(GaussianNB()).fit([[0.0], [1.0]], [0, 1]).predict([[0.9]]) == 1",
    ],
)
def test_a_module_is_imported_when_it_is_asked(program):
    done = subprocess.run([sys.executable, "-W", "error", "-c", BEGIN + program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
