"""The one thread that writes: it gathers what is waiting and commits it as a batch, so that many share one sync."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from archiver.assessments import completed
from archiver.check import Finished
from archiver.errors import ArchiveError, NotCheckable, UsageError
from archiver.ledger import Committed, Maker
from archiver.outcome import Outcome
from archiver.pipeline import Pipeline
from storage.errors import Full, Missing, StorageError, SyncFailed

LOG = logging.getLogger("archiver.writer")
BATCH = 64
"""Checks committed together at most: bounds the time that the first of them waits."""
RESERVE = "reserve"

T = TypeVar("T")


@dataclass(slots=True)
class _Item:
    finished: Finished | None
    makers: Sequence[Maker]
    call: Callable[[], Any] | None
    future: Future[Any]


class Writer:
    """Runs every commit, publication and placement of one archive on one thread; a context manager."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.fatal: BaseException | None = None
        self._queue: queue.Queue[_Item | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._reserve_bytes = int(pipeline.archive.settings["storage.reserve_bytes"])

    def __enter__(self) -> Writer:
        self.keep_reserve()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Finish what is queued, then end the thread."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def finish(self, finished: Finished) -> Future[Outcome]:
        """Queue a finished check; the future resolves once it is acknowledged."""
        return self._put(_Item(finished, (), None, Future()))

    def finish_all(self, finished: Sequence[Finished]) -> Future[list[Outcome]]:
        """Queue finished checks as one batch; the future resolves once all are acknowledged."""
        batch = list(finished)
        return self._put(_Item(None, (), lambda: self._assessed(self._commit_or_release(batch, [])[0]), Future()))

    def state(self, *makers: Maker) -> list[Committed]:
        """Commit other statements, and wait until they are acknowledged."""
        result: list[Committed] = self._put(_Item(None, makers, None, Future())).result()
        return result

    def call(self, function: Callable[[], T]) -> T:
        """Run something on the writer's thread, between two batches, and wait for it."""
        result: T = self._put(_Item(None, (), function, Future())).result()
        return result

    def publish(self) -> bool:
        """Publish a checkpoint over everything committed so far."""
        return self.call(lambda: self._make_room_for(self.pipeline.publish))

    @contextmanager
    def stopped_by_failed_sync(self) -> Iterator[None]:
        """Work of other threads on the archive's files: a sync that fails there ends all writing, as one here does."""
        try:
            yield
        except SyncFailed as error:
            self.fatal = error
            raise

    def _put(self, item: _Item) -> Future[Any]:
        if self.fatal is not None:
            item.future.set_exception(self.fatal)
        else:
            self._queue.put(item)
        return item.future

    # -- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        stopping = False
        while not stopping:
            items, stopping = self._gather()
            statements = [item for item in items if item.call is None]
            if statements:
                self._commit(statements)
            for item in items:
                if item.call is not None:
                    self._call(item)

    def _gather(self) -> tuple[list[_Item], bool]:
        """Wait for work, then take everything that is there, up to one batch."""
        items: list[_Item] = []
        item = self._queue.get()
        while True:
            if item is None:
                return items, True
            items.append(item)
            # A call is a border: what was queued after it must not be committed before it.
            if item.call is not None or len(items) >= BATCH:
                return items, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return items, False

    def _commit(self, items: Sequence[_Item]) -> None:
        finished = [item for item in items if item.finished is not None]
        others = [item for item in items if item.finished is None]
        try:
            outcomes, own = self._commit_or_release(
                [item.finished for item in finished if item.finished is not None],
                [maker for item in others for maker in item.makers],
            )
        except BaseException as error:  # noqa: BLE001 - whatever it is, the waiting threads must hear of it
            self._fail(items, error)
            return
        for item, outcome in zip(finished, self._assessed(outcomes), strict=True):
            item.future.set_result(outcome)
        at = 0
        for item in others:
            item.future.set_result(own[at : at + len(item.makers)])
            at += len(item.makers)

    def _commit_or_release(
        self, finished: list[Finished], makers: list[Maker]
    ) -> tuple[list[Outcome], list[Committed]]:
        """Commit; when the disk is full, release the reserve, finish, and state that."""
        try:
            return self.pipeline.commit(finished, makers)
        except Full as error:
            if not self._release_reserve():
                raise
            LOG.error("the disk is full; the reserve was released: %s", error)
            if not self.pipeline.unsettled:
                outcomes, own = self.pipeline.commit(finished, [*makers, _storage_full(error)])
                return outcomes, own[:-1]
            # The disk filled up after the commit: committing again would state every check twice.
            settled = self.pipeline.settle_rest(finished, makers)
            self.pipeline.commit([], [_storage_full(error)])
            return settled

    def _assessed(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Complete acknowledged outcomes by the assessments still owed, of the second capture of a document in a batch.

        The captures are committed whatever happens here: an error leaves an outcome without its assessment, which is
        stated before the next checkpoint is signed, or at the next start.
        """
        if all(o.assessment is not None or o.capture.body["result"] != "stored" for o in outcomes):
            return list(outcomes)
        try:
            self._make_room_for(self.pipeline.assess_owed)
        except Exception as error:  # noqa: BLE001 - as above; what may be half acknowledged is not told
            self._note(error)
            return list(outcomes)
        return [completed(self.pipeline.archive, outcome) for outcome in outcomes]

    def _make_room_for(self, work: Callable[[], T]) -> T:
        """Do what can be done twice; when the disk is full, release the reserve, state that, and do it again."""
        try:
            return work()
        except Full as error:
            self._state_full(error)
            return work()

    def _state_full(self, error: Full) -> None:
        """Release the reserve, settle what was committed, and state that the disk is full; else raise ``error``."""
        if not self._release_reserve():
            raise error
        LOG.error("the disk is full; the reserve was released: %s", error)
        self.pipeline.settle_rest([], [])
        self.pipeline.commit([], [_storage_full(error)])

    def _call(self, item: _Item) -> None:
        assert item.call is not None
        try:
            item.future.set_result(self._called(item.call))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked
            self._fail([item], error)

    def _called(self, call: Callable[[], T]) -> T:
        """Call; a full disk is stated where the reserve allows it, and whoever asked has to ask again."""
        try:
            return call()
        except Full as error:
            self._state_full(error)
            raise StorageError(error.path, error.cause) from error

    def _fail(self, items: Sequence[_Item], error: BaseException) -> None:
        """Tell the waiting threads. After a failed sync the state on disk is unknown: nothing more is written.

        Nor after any error between commit and acknowledgement: a later batch would leave a hole in the index that no
        start-up looks for, while this one's state is redone from the journal at the next start.
        """
        self._note(error)
        for item in items:
            item.future.set_exception(error)

    def _note(self, error: BaseException) -> None:
        if isinstance(error, SyncFailed | Full) or not isinstance(error, Exception) or self.pipeline.unsettled:
            self.fatal = error
        if not isinstance(error, UsageError | NotCheckable):  # who asked hears of it, and nothing is wrong here
            LOG.error("not committed: %s", error)

    # -- reserve -----------------------------------------------------------------------------------

    def keep_reserve(self) -> None:
        """Make the reserve file if there is none and there is room for it."""
        files = self.pipeline.archive.files
        if self._reserve_bytes and not files.exists(RESERVE) and files.free_bytes() > 4 * self._reserve_bytes:
            try:
                files.write(RESERVE, bytes(self._reserve_bytes))
            except StorageError as error:
                LOG.warning("no reserve: %s", error)

    def _release_reserve(self) -> bool:
        try:
            self.pipeline.archive.files.remove(RESERVE)
        except Missing:
            return False
        return True

    def raise_if_fatal(self) -> None:
        """Raise when nothing can be written any more."""
        if self.fatal is not None:
            raise ArchiveError(
                f"nothing more can be written: {self.fatal}", do="free space or check the disk, then start again"
            )


def _storage_full(error: Full) -> Maker:
    detail = str(error)[:200]
    return lambda _seq, _sealed: ("custody", {"event": "storage_full", "detail": detail})
