"""A crew: processes that visit and draft for a large batch, so that one interpreter's lock does not hold up all cores.

Only steps 3 to 5 run there; every number, commit and row stays with the one writer. A member that dies takes the
checks it held with it: they are stated as interrupted, with what they had received.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from archiver.check import Check, Finished
from archiver.drafting import Drafter
from archiver.evidence.exchange import Failure

LOG = logging.getLogger("archiver.crew")
_PR_SET_PDEATHSIG = 1
HOLDS = 8
"""Checks a member has in hand: enough never to wait, few enough to hear soon of what was committed."""
JOIN_S = 5.0
"""Seconds a member may take to end once it has nothing to do."""

MakeDrafter = Callable[[], Drafter]
Told = tuple[str, str | None, int]
"""Address of a robots.txt, SHA-256 of its content, the statement that holds it."""


@dataclass(slots=True)
class _Member:
    process: BaseProcess
    pipe: Connection
    held: dict[str, Check] = field(default_factory=dict)


class Crew:
    """``size`` processes forked from this one; make it before any thread is started. A context manager."""

    def __init__(self, size: int, make_drafter: MakeDrafter) -> None:
        context = multiprocessing.get_context("fork")
        self._members: list[_Member] = []
        self._waiting: deque[Check] = deque()
        for _ in range(size):
            ours, theirs = context.Pipe()
            others = [member.pipe for member in self._members] + [ours]
            process = context.Process(target=_serve, args=(theirs, others, make_drafter, os.getpid()), daemon=True)
            process.start()
            theirs.close()
            self._members.append(_Member(process, ours))

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self._members:
            member.pipe.close()
        for member in self._members:
            member.process.join(JOIN_S)
            if member.process.is_alive():
                member.process.kill()
                member.process.join()
        self._members = []

    def give(self, checks: Sequence[Check]) -> None:
        """Take checks to be made."""
        self._waiting += checks
        self._hand_out()

    def _hand_out(self) -> None:
        """Give each member what it can hold, those with the fewest first."""
        while self._waiting and self._members:
            member = min(self._members, key=lambda m: len(m.held))
            if len(member.held) >= HOLDS:
                return
            check = self._waiting.popleft()
            member.held[check.id] = check
            with contextlib.suppress(OSError):  # its end is noticed by ``collect``, which gives the check back
                member.pipe.send(check)

    def tell(self, robots: Sequence[Told]) -> None:
        """Let every member know which statements hold the robots.txt files they fetched."""
        for member in self._members:
            try:
                member.pipe.send(list(robots))
            except OSError:
                continue

    def collect(self, timeout_s: float) -> tuple[list[Finished], list[Check]]:
        """Wait for finished checks; also return those that nobody will make: of a dead member, or of no member."""
        by_pipe = {member.pipe: member for member in self._members}
        finished: list[Finished] = []
        lost: list[Check] = []
        for pipe in wait(list(by_pipe), timeout_s):
            member = by_pipe[pipe]  # type: ignore[index]  # wait returns what it was given
            try:
                while member.pipe.poll():
                    item: Finished = member.pipe.recv()
                    member.held.pop(item.check.id)
                    finished.append(item)
            except (EOFError, OSError):
                LOG.error("process %s of the crew died with %d checks", member.process.pid, len(member.held))
                lost += member.held.values()
                self._members.remove(member)
                member.pipe.close()
                member.process.join(JOIN_S)
        self._hand_out()
        if not self._members:
            lost += self._waiting
            self._waiting.clear()
        return finished, lost


def _serve(pipe: Connection, others: list[Connection], make_drafter: MakeDrafter, parent: int) -> None:
    """A member's life: take a check, visit and draft, bring it back; end when the pipe closes."""
    # If the writer is killed, no member may go on writing into staging while the next writer recovers.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the writer, which ends the pipe
    for other in others:
        other.close()
    drafter = make_drafter()
    while True:
        try:
            message = pipe.recv()
        except (EOFError, OSError):
            break
        if isinstance(message, Check):
            try:
                pipe.send(_draft(drafter, message))
            except OSError:
                break
        else:
            for url, sha256, seq in message:
                drafter.capturer.robots_committed(url, sha256, seq)
    drafter.capturer.close()


def _draft(drafter: Drafter, check: Check) -> Finished:
    try:
        return drafter.capture(check)
    except Exception as error:  # a bug of ours must still end in a statement
        LOG.exception("check %s failed inside", check.id)
        return drafter.give_up(check, Failure("internal", f"{type(error).__name__}: {error}"[:300]))
