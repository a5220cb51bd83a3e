"""The example of CONTRIBUTING.md is a real algorithm: it is run as it stands there."""

import re
import sys
from pathlib import Path

import pytest

from wares import registry
from wares.algorithm import Recommender
from wares.checks import check
from wares.config import Config

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture
def follows(tmp_path, monkeypatch):
    """The module and the line, as the text says."""
    code = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[0]
    line = re.search(r'^"(\w+)": "wares\.recommend\.(\w+):(\w+)",$', TEXT, re.MULTILINE)
    assert line is not None
    (tmp_path / f"{line[2]}.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    lines = {**registry.REGISTRY["recommend"], line[1]: f"{line[2]}:{line[3]}"}
    monkeypatch.setitem(registry.REGISTRY, "recommend", lines)
    yield line[1]
    sys.modules.pop(line[2], None)


def test_the_example_keeps_the_contract(follows):
    assert len(check(registry.make(Recommender, follows))) > 40


def test_the_example_is_set_by_the_settings_and_stands_in_the_listing(follows):
    config = Config.default().with_value("recommend.use", follows).with_value("recommend.damp", "2")
    assert config.make(Recommender).damp == 2
    assert any(row["name"] == follows and "right after" in row["summary"] for row in registry.listing())
