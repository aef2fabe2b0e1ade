"""Two who ask one timestamp authority at once: the daemon's own thread, and a command handed over to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from archiver.audit import Audit
from archiver.exits import exit_code
from archiver.stamp.interface import Authority, Reply, StampFailure
from archiver.work import LocalWork
from tests.simulators.archives import Workshop, workshop

ASKERS = 3
SLOW_S = 0.3
"""How long the authority takes: as good as for ever for a thread that need not wait."""


class Slow:
    """A real authority that takes its time, and counts who is waiting for its answer."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self.name, self.url, self.min_interval_s = authority.name, authority.url, authority.min_interval_s
        self._lock = threading.Lock()
        self.inside = self.most = self.asked = 0

    def ask(self, request: bytes) -> Reply | StampFailure:
        with self._lock:
            self.asked += 1
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(SLOW_S)
        answer = self._authority.ask(request)
        with self._lock:
            self.inside -= 1
        return answer


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path, ["north"]) as made:
        yield made


def at_once(*asks: Callable[[], Any]) -> list[Any]:
    """Let all begin at the same moment, each on a thread of its own; return what they say."""
    start = threading.Barrier(len(asks))

    def ask(one: Callable[[], Any]) -> Any:
        start.wait(30)
        return one()

    with ThreadPoolExecutor(len(asks)) as pool:
        return list(pool.map(ask, asks))


def tokens(work: LocalWork) -> list[dict[str, Any]]:
    """Every stated token, each with the bytes of its place."""
    index, files = work.operation.archive.index, work.operation.archive.files
    rows = index.rows("select seq, subject, path, token_sha256, token from stamp where event = 'token' order by seq")
    assert len({row["path"] for row in rows}) == len(rows), "two stated tokens have one place"
    for row in rows:
        assert files.read(row["path"]) == row["token"], f"{row['path']} holds another token than was stated"
    return rows


def test_one_checkpoint_gets_one_token_however_many_ask_at_once(shop: Workshop) -> None:
    root = shop.archive(shop.folder / "archive")
    shop.capture(root, [shop.site.url("/terms")], stamp=False)
    with LocalWork(shop.open(root)) as work:
        slow = Slow(work.operation.authorities["north"])
        work.operation.authorities["north"] = slow
        answers = at_once(*[lambda: work.stamp_step("north", at_once=True)] * ASKERS)
        assert sorted(answers) == [False] * (ASKERS - 1) + [True]
        assert (slow.asked, slow.most) == (1, 1)
        assert [row["subject"] for row in tokens(work)] == ["checkpoint"]
        work.operation.writer.raise_if_fatal()
        work.operation.publish()
        assert exit_code(list(Audit(work.operation.archive).all(lambda: None))) == 0


def test_one_statement_gets_one_token_when_a_command_asks_beside_the_daemons_thread(shop: Workshop) -> None:
    root = shop.archive(shop.folder / "archive")
    (outcome,) = shop.capture(root, [shop.site.url("/terms")])
    seq = outcome.capture.seq
    with LocalWork(shop.open(root)) as work:
        slow = Slow(work.operation.authorities["north"])
        work.operation.authorities["north"] = slow
        before = len(tokens(work))

        def daemon() -> list[Any]:
            """Look for owed work, as its loop does; the request may be stated a moment after the first look."""
            found = []
            for _ in range(ASKERS):
                time.sleep(SLOW_S / 4)
                found.append(work.stamp_step("north"))
            return found

        warnings, *told = at_once(lambda: work.request_stamp(seq), daemon, lambda: work.request_stamp(seq))
        assert warnings == [] and told[-1] == []
        assert slow.most == 1
        rows = tokens(work)
        assert [row["subject"] for row in rows[before:]].count("statement") == 1
        work.operation.writer.raise_if_fatal()
        work.operation.publish()
        assert exit_code(list(Audit(work.operation.archive).all(lambda: None))) == 0
