"""Finds plug-ins: a new output format or kind of authority is one new file with a ``PLUGIN`` in it, and no list."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any


def plugins(package: ModuleType) -> dict[str, Any]:
    """Return the ``PLUGIN`` of every module of ``package`` that has one, by its ``name``, in order of names.

    Each plug-in is annotated with its protocol where it is defined, so that the type checker judges it there.
    Raises ``ValueError`` when two plug-ins have one name: otherwise the order of files would decide.
    """
    found: dict[str, Any] = {}
    for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        plugin = getattr(importlib.import_module(info.name), "PLUGIN", None)
        if plugin is None:
            continue
        if plugin.name in found:
            raise ValueError(f"two plug-ins of {package.__name__} are called {plugin.name!r}")
        found[plugin.name] = plugin
    return dict(sorted(found.items()))
