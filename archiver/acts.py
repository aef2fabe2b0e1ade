"""Acts of people that the one writer states: decisions, marks, opinions, findings. Done here, or in the daemon.

Each act is a function of the operation and plain values, so that it can be handed over a socket as it is.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from archiver.errors import UsageError
from archiver.operation import Operation

Json = dict[str, Any]
ACTS = {
    "decide": "archiver.decisions",
    "derive": "archiver.deriving",
    "mark": "archiver.provisions",
    "unmark": "archiver.provisions",
    "annotate": "archiver.annotations",
    "absence": "archiver.absence",
    "export": "archiver.dissemination",
}
"""Name of each act, and the module whose function of that name does it."""


def perform(operation: Operation, name: str, values: Json) -> Json:
    """Do one act and return what it made; ``UsageError`` when there is no such act or the values cannot be meant."""
    if name not in ACTS:
        raise UsageError(f"unknown act {name!r}")
    act: Callable[[Operation, Json], Json] = getattr(importlib.import_module(ACTS[name]), name)
    return act(operation, values)
