"""Plug-ins are found by being there."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

import archiver.stamp
from archiver.registry import plugins


def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, **modules: str) -> ModuleType:
    """Make a package of these modules that can be imported for the length of one test."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    for loaded in [one for one in sys.modules if one.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, loaded)
    return __import__(name)


PLUGIN = "class P:\n    name = {!r}\nPLUGIN = P()\n"


def test_the_kinds_of_authority_are_found() -> None:
    assert list(plugins(archiver.stamp)) == ["rfc3161"]


def test_a_new_file_is_a_new_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = package(
        tmp_path, monkeypatch, "some_plugins", z=PLUGIN.format("alpha"), a=PLUGIN.format("beta"), interface="X = 1\n"
    )
    assert list(plugins(made)) == ["alpha", "beta"]


def test_two_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = package(tmp_path, monkeypatch, "twin_plugins", a=PLUGIN.format("same"), b=PLUGIN.format("same"))
    with pytest.raises(ValueError, match="two plug-ins of twin_plugins are called 'same'"):
        plugins(made)
