"""Many checks in flight at once: intents in one barrier, captures in threads, commits in batches."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import replace

from archiver.check import Check, Finished
from archiver.crew import Crew, Told
from archiver.evidence.exchange import Failure
from archiver.leftovers import interrupted
from archiver.outcome import Outcome
from archiver.pipeline import Pipeline
from archiver.writer import BATCH, Writer
from storage.errors import StorageError

STEP = 32
"""Checks whose intents share one barrier."""
WINDOW = 128
"""Checks begun and not yet acknowledged, at most: bounds memory and what a crash can interrupt."""
PATIENCE_S = 0.03
"""How long a finished check of a crew may wait for others to be committed with it."""
ASKED = 500
"""Addresses in one question to the index."""
LOG = logging.getLogger("archiver.checks")


class Checks:
    """Runs checks over one pipeline with ``concurrency`` threads; a context manager."""

    def __init__(self, pipeline: Pipeline, writer: Writer, concurrency: int) -> None:
        self._pipeline = pipeline
        self._writer = writer
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="check")
        self.concurrency = concurrency

    def __enter__(self) -> Checks:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True)

    def start(self, checks: Sequence[Check]) -> list[Future[Outcome]]:
        """Begin these checks; their intents are durable on return. Each future resolves when acknowledged."""
        with self._writer.stopped_by_failed_sync():
            self._pipeline.intend(checks)
        futures: list[Future[Outcome]] = []
        for check in checks:
            future: Future[Outcome] = Future()
            self._pool.submit(self._run, check, future)
            futures.append(future)
        return futures

    def run_all(self, checks: Sequence[Check], done: Callable[[int, Outcome], None]) -> None:
        """Run many checks, a window at a time, and tell each outcome with its place in the list."""
        window = threading.Semaphore(WINDOW)
        waiting: dict[Future[Outcome], int] = {}
        for first in range(0, len(checks), STEP):
            batch = checks[first : first + STEP]
            for _ in batch:
                window.acquire()
            for number, future in enumerate(self.start(batch), first):
                waiting[future] = number
                future.add_done_callback(lambda _: window.release())
            for future in [f for f in waiting if f.done()]:
                done(waiting.pop(future), future.result())
        for future in as_completed(waiting):
            done(waiting[future], future.result())

    def run_in_crew(self, crew: Crew, checks: Sequence[Check], done: Callable[[int, Outcome], None]) -> None:
        """Run many checks in the processes of a crew; commits stay with the writer, as ever."""
        places = {check.id: number for number, check in enumerate(checks)}
        batches: deque[Future[list[Outcome]]] = deque()
        waiting: list[Finished] = []
        begun = open_ = 0
        since = 0.0
        while begun < len(checks) or open_:
            room = min(WINDOW - open_, len(checks) - begun)
            if room >= STEP or 0 < room == len(checks) - begun:
                batch = checks[begun : begun + min(room, STEP)]
                with self._writer.stopped_by_failed_sync():
                    self._pipeline.intend(batch)
                batch = self._marked(batch)
                begun += len(batch)
                open_ += len(batch)
                crew.give(batch)
            finished, lost = crew.collect(PATIENCE_S if crew.busy else 0.0)
            if not waiting:
                since = time.monotonic()
            waiting += [*finished, *(interrupted(self._pipeline, check) for check in lost)]
            # While one batch is being committed the next one gathers, so that many share the syncs.
            last = not crew.busy
            ripe = last or open_ == begun or len(waiting) >= STEP or time.monotonic() - since >= PATIENCE_S
            if waiting and ripe and (not batches or batches[-1].done()):
                batches.append(self._writer.finish_all(waiting[:BATCH]))
                waiting = waiting[BATCH:]
            if last and batches:
                wait([batches[-1]])
            while batches and batches[0].done():
                open_ -= self._tell(batches.popleft().result(), crew, places, done)

    def _marked(self, batch: Sequence[Check]) -> list[Check]:
        """Say of each check whether its addresses were ever captured: asked once for all of them."""
        urls = list({url for check in batch for url in check.urls})
        known: set[str] = set()
        for at in range(0, len(urls), ASKED):
            known |= self._pipeline.archive.index.known_urls(urls[at : at + ASKED])
        return [replace(check, known=not known.isdisjoint(check.urls)) for check in batch]

    def _tell(
        self, outcomes: Sequence[Outcome], crew: Crew, places: dict[str, int], done: Callable[[int, Outcome], None]
    ) -> int:
        """Tell what was acknowledged, and the crew which statements hold its robots.txt files; return how many."""
        robots: list[Told] = []
        for outcome in outcomes:
            body, seq = outcome.capture.body, outcome.capture.seq
            robots += [(r["url"], r["sha256"], seq) for r in body["robots"] if r["seq"] == seq]
            done(places[body["check"]], outcome)
        if robots:
            crew.tell(robots)
        return len(outcomes)

    def _run(self, check: Check, future: Future[Outcome]) -> None:
        try:
            finished = self._capture(check)
            self._writer.finish(finished).add_done_callback(lambda inner: _pass_on(inner, future))
        except BaseException as error:  # noqa: BLE001 - the thread that waits must hear of it
            future.set_exception(error)

    def _capture(self, check: Check) -> Finished:
        try:
            return self._pipeline.capture(check)
        except StorageError:
            raise
        except Exception as error:  # a bug of ours must still end in a statement
            LOG.exception("check %s failed inside", check.id)
            return self._pipeline.give_up(check, Failure("internal", f"{type(error).__name__}: {error}"[:300]))


def _pass_on(inner: Future[Outcome], outer: Future[Outcome]) -> None:
    error = inner.exception()
    if error is not None:
        outer.set_exception(error)
    else:
        outer.set_result(inner.result())
