"""Many checks in flight at once: intents in one barrier, captures in threads, commits in batches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from archiver.check import Check, Finished
from archiver.evidence.exchange import Failure
from archiver.outcome import Outcome
from archiver.pipeline import Pipeline
from archiver.writer import Writer
from storage.errors import StorageError

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
        self._pipeline.intend(checks)
        futures: list[Future[Outcome]] = []
        for check in checks:
            future: Future[Outcome] = Future()
            self._pool.submit(self._run, check, future)
            futures.append(future)
        return futures

    def run_all(self, checks: Sequence[Check], done: Callable[[int, Outcome], None]) -> None:
        """Run many checks, a window at a time, and tell each outcome with its place in the list."""
        window = threading.Semaphore(self.concurrency * 4)
        step = self.concurrency * 2
        waiting: dict[Future[Outcome], int] = {}
        for first in range(0, len(checks), step):
            batch = checks[first : first + step]
            for _ in batch:
                window.acquire()
            for number, future in enumerate(self.start(batch), first):
                waiting[future] = number
                future.add_done_callback(lambda _: window.release())
            for future in [f for f in waiting if f.done()]:
                done(waiting.pop(future), future.result())
        for future in as_completed(waiting):
            done(waiting[future], future.result())

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
