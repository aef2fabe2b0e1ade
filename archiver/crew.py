"""A crew: processes that visit and draft for a large batch, so that one interpreter's lock does not hold up all cores.

Only steps 3 to 5 run there; every number, commit and row stays with the one writer. A member that dies takes the
checks it held with it: they are stated as interrupted, with what they had received. Members die with their writer;
as long as one does not, it keeps the archive's lock, so that no other writer recovers what it may still write to.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import logging
import multiprocessing
import os
import pickle
import select
import signal
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from archiver.check import Check, Finished
from archiver.drafting import Drafter
from archiver.errors import FormatError
from archiver.evidence.canonical import Json, dump_line, read_back
from archiver.evidence.exchange import Failure
from archiver.watch.reading import Reading

LOG = logging.getLogger("archiver.crew")
_PR_SET_PDEATHSIG = 1
HOLDS = 16
"""Checks a member has in hand: enough never to wait, few enough to be lost with it."""
GATHER_S = 0.008
"""How long the first finished check waits for others, so that one waking serves them all."""
JOIN_S = 5.0
"""Seconds a member may take to end once it has nothing to do."""

MakeDrafter = Callable[[], Drafter]
_HEAD = struct.Struct(">?I")
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
        self._ready = select.poll()
        gc.freeze()  # what is there now stays; a member that looked through it would copy it all
        for _ in range(size):
            ours, theirs = context.Pipe()
            others = [member.pipe for member in self._members] + [ours]
            process = context.Process(target=_serve, args=(theirs, others, make_drafter, os.getpid()), daemon=True)
            process.start()
            theirs.close()
            self._members.append(_Member(process, ours))
            self._ready.register(ours, select.POLLIN)

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

    @property
    def busy(self) -> bool:
        """A member has a check in hand, or one waits for a member."""
        return bool(self._waiting) or any(member.held for member in self._members)

    def give(self, checks: Sequence[Check]) -> None:
        """Take checks to be made."""
        self._waiting += checks
        self._hand_out()

    def _hand_out(self) -> None:
        """Give each member what it can hold, those with the fewest first."""
        given: dict[int, list[Check]] = {}
        while self._waiting and self._members:
            place, member = min(enumerate(self._members), key=lambda one: len(one[1].held))
            if len(member.held) >= HOLDS:
                break
            check = self._waiting.popleft()
            member.held[check.id] = check
            given.setdefault(place, []).append(check)
        for place, checks in given.items():
            with contextlib.suppress(OSError):  # its end is noticed by ``collect``, which gives the checks back
                self._members[place].pipe.send(checks)

    def tell(self, robots: Sequence[Told]) -> None:
        """Let every member know which statements hold the robots.txt files they fetched."""
        for member in self._members:
            with contextlib.suppress(OSError):
                member.pipe.send(list(robots))

    def collect(self, timeout_s: float) -> tuple[list[Finished], list[Check]]:
        """Wait for finished checks; also return those that nobody will make: of a dead member, or of no member."""
        finished: list[Finished] = []
        lost: list[Check] = []
        if self._ready.poll(timeout_s * 1000):
            time.sleep(GATHER_S)
        while ready := {descriptor for descriptor, _ in self._ready.poll(0)}:
            for member in [one for one in self._members if one.pipe.fileno() in ready]:
                try:
                    name, data = _unpacked(member.pipe.recv_bytes())
                    check = member.held.pop(name)
                    try:
                        finished.append(_finished(check, data))
                    except FormatError:  # a bug of ours, and no draft to go on with
                        LOG.exception("check %s brought back what cannot be stated", name)
                        lost.append(check)
                except (EOFError, OSError):
                    LOG.error("process %s of the crew died with %d checks", member.process.pid, len(member.held))
                    lost += member.held.values()
                    self._ready.unregister(member.pipe)
                    self._members.remove(member)
                    member.pipe.close()
                    member.process.kill()  # what it held is sealed now: it must not write any more
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
    known = _Known(make_drafter())
    drafter = replace(known.drafter, newest_token=lambda: known.token)
    with contextlib.suppress(EOFError, OSError):
        for check in _asked(pipe, known):
            pipe.send_bytes(_draft(drafter, check))
    drafter.capturer.close()


class _Known:
    """What a member knows of the archive: looked up when checks arrive, not again for each of them."""

    def __init__(self, drafter: Drafter) -> None:
        self.drafter = drafter
        self.token: Json | None = None

    def hear(self, items: Sequence[Check | Told]) -> list[Check]:
        """Take in what was committed, and return the checks."""
        self.token = self.drafter.newest_token()
        checks = []
        for item in items:
            if isinstance(item, Check):
                checks.append(item)
            else:
                self.drafter.capturer.robots_committed(*item)
        return checks


def _asked(pipe: Connection, known: _Known) -> Iterator[Check]:
    """Yield the checks that arrive; what was committed is heard before the next one is begun. Ends by an error."""
    waiting: deque[Check] = deque()
    more = select.poll()
    more.register(pipe, select.POLLIN)
    while True:
        while not waiting or more.poll(0):
            waiting += known.hear(pipe.recv())
        yield waiting.popleft()


def _packed(item: Finished) -> bytes:
    """A finished check as it goes through the pipe: its name, has it a folder, its draft as a line, what was read."""
    line = dump_line(item.draft)
    reading = b"" if item.reading is None else pickle.dumps(item.reading, pickle.HIGHEST_PROTOCOL)
    return b"%b %b" % (item.check.id.encode("ascii"), _HEAD.pack(item.has_folder, len(line))) + line + reading


def _unpacked(data: bytes) -> tuple[str, bytes]:
    name, _, rest = data.partition(b" ")
    return name.decode("ascii"), rest


def _finished(check: Check, data: bytes) -> Finished:
    """The finished check that a member sent; ``FormatError`` where its draft holds what no statement can."""
    has_folder, size = _HEAD.unpack_from(data)
    line, rest = data[_HEAD.size : _HEAD.size + size], data[_HEAD.size + size :]
    # A member is this very program, forked: what it says is as good as our own.
    reading: Reading | None = pickle.loads(rest) if rest else None
    return Finished(check, read_back(line), has_folder, reading, line)


def _draft(drafter: Drafter, check: Check) -> bytes:
    try:
        return _packed(drafter.capture(check))
    except Exception as error:  # a bug of ours must still end in a statement
        LOG.exception("check %s failed inside", check.id)
        return _packed(drafter.give_up(check, Failure("internal", f"{type(error).__name__}: {error}"[:300])))
