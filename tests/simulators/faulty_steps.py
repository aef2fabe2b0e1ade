"""``archiver`` with mistakes in it.

``python -m tests.simulators.faulty_steps …`` is ``archiver …``, but for this: the first question to an authority, and
every look for revocation data, ends with an exception that nobody has thought of; and pauses are short.
"""

from __future__ import annotations

import itertools
import sys

import archiver.daemon
from archiver.cli import run
from archiver.stamp.interface import StampFailure
from archiver.work import LocalWork

_stamp_step = LocalWork.stamp_step
_asked = itertools.count()


def stamp_step(work: LocalWork, name: str, *, at_once: bool = False) -> StampFailure | bool:
    """Ask, but for the first time."""
    if next(_asked) == 0:
        raise KeyError("a mistake in asking")
    return _stamp_step(work, name, at_once=at_once)


def revocation_step(work: LocalWork, name: str) -> None:
    """Fail."""
    raise KeyError("a mistake in looking")


if __name__ == "__main__":
    archiver.daemon.PAUSE_S = archiver.daemon.LOOK_S = 0.1
    LocalWork.stamp_step = stamp_step  # type: ignore[method-assign,assignment]
    LocalWork.revocation_step = revocation_step  # type: ignore[method-assign,assignment]
    sys.exit(run())
