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
    "attest": "archiver.attesting",
    "export": "archiver.dissemination",
    "transfer": "archiver.dissemination",
    "hold": "archiver.holds",
    "dispose": "archiver.disposal",
    "fixity": "archiver.fixity",
    "redact": "archiver.redaction",
    "take_in": "archiver.importing",
    "ask_outside": "archiver.outside_asking",
}
"""Name of each act, and the module whose function of that name does it."""


LONG = frozenset({"derive"})
"""Acts that tell how far they are: done, of how many."""
Progress = Callable[[int, int], None]


def perform(operation: Operation, name: str, values: Json, progress: Progress | None = None) -> Json:
    """Do one act and return what it made; ``UsageError`` when there is no such act or the values cannot be meant."""
    if name not in ACTS:
        raise UsageError(f"unknown act {name!r}")
    act: Callable[..., Json] = getattr(importlib.import_module(ACTS[name]), name)
    return act(operation, values, progress) if name in LONG and progress is not None else act(operation, values)
