"""The daemon: asks the schedule what is due, runs checks, publishes, stamps; one per archive, stops cleanly.

The loop only decides; checks run in threads, every write on the ledger's thread. A crash at any moment is mended by the
recovery of the next start.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

from archiver.alerting_loop import AlertLoop
from archiver.control import ControlServer
from archiver.errors import ArchiverError
from archiver.evidence.instant import parse_instant
from archiver.operation import Operation
from archiver.outcome import Outcome
from archiver.outside_asking import OutsideLoop
from archiver.stamp.interface import StampFailure
from archiver.systemd import NotifySocket
from archiver.watch.entry import WatchedDocument
from archiver.watch.schedule import Due, after_check, due_now, host_of, within_reach
from archiver.work import LocalWork, answer
from storage.errors import StorageError, SyncFailed

_KEEP = (
    "insert into schedule values (?, ?, ?) on conflict (document) do update"
    " set next_check = excluded.next_check, failures = excluded.failures"
)
LOG = logging.getLogger("archiver.daemon")
TICK_S = 0.2
"""Longest time in which a stop or a newly added document goes unnoticed."""
PAUSE_S = 60.0
"""After an error of our own disk or database: seconds until checks or timestamps are tried again."""
LOOK_S = 30.0
"""Where nothing new was stated, seconds between two looks at what is owed: retry times and the heartbeat come due."""


class Daemon:
    """Runs one archive in operation until told to stop."""

    def __init__(self, operation: Operation, root: Path, environment: Mapping[str, str]) -> None:
        self._operation = operation
        self._archive = operation.archive
        self._work = LocalWork(operation)
        self._manager = NotifySocket(environment)
        self._control = ControlServer(root, environment, lambda request: answer(self._work, request))
        self._stop = threading.Event()
        self._busy: dict[str, WatchedDocument] = {}
        self._host_free_at: dict[str, float] = {}
        self._watched: list[WatchedDocument] = []
        self._watched_seq = -1
        self._looked_at = 0.0
        self._plan = self._load_plan()
        self._unsaved: dict[str, Due] = {}
        self._changed = threading.Lock()
        self._alive = 0.0
        self._alerts = AlertLoop(operation, root, environment, self._stop)
        self._outside = OutsideLoop(operation, self._stop)

    def stop(self) -> None:
        """Ask the daemon to finish what is in flight and end; safe in a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Work until ``stop``; raise when nothing can be written any more."""
        settings = self._archive.settings
        stampers = [
            threading.Thread(target=self._ask_loop, args=asked, name=f"{asked[0]}-{asked[1]}", daemon=True)
            for asked in self._asked()
        ]
        with self._control:
            for thread in stampers:
                thread.start()
            self._alerts.start()
            self._outside.start()
            self._manager.tell("READY=1")
            LOG.info("watching %d documents", len(self._archive.watched()))
            published = time.monotonic()
            while not self._stop.wait(TICK_S):
                self._operation.writer.raise_if_fatal()
                self._save_plan()
                self._start_due()
                if time.monotonic() - published >= settings["log.publish_every_s"]:
                    published = time.monotonic()
                    self._publish()
                self._say_alive()
            self._manager.tell("STOPPING=1")
            LOG.info("stopping: %d checks in flight are finished first", len(self._busy))
        self._wait_for_checks()
        self._control.finish()
        self._join([*stampers, *self._alerts.threads, *self._outside.threads])
        self._save_plan()
        self._operation.writer.raise_if_fatal()
        self._publish()
        LOG.info("stopped at statement %d", self._operation.pipeline.ledger.next_seq - 1)

    def _publish(self) -> None:
        if self._operation.publish():
            ledger = self._operation.pipeline.ledger
            LOG.info("checkpoint over %d statements", ledger.published, extra={"size": ledger.published})
        self._operation.writer.keep_reserve()

    def _say_alive(self) -> None:
        """Tell the watchdog; only the loop that has just gone round may."""
        every = self._manager.watchdog_s
        if every is not None and time.monotonic() - self._alive >= every:
            self._alive = time.monotonic()
            self._manager.tell("WATCHDOG=1")

    # -- checks ------------------------------------------------------------------------------------

    def _load_plan(self) -> dict[str, Due]:
        """The retry times kept from last time; without them the last check in the index tells when the next is due."""
        plan: dict[str, Due] = {}
        every = {watched.document: watched.entry.every_s for watched in self._archive.watched()}
        # One that a crash interrupted does not count: its document is due at once.
        rows = self._archive.index.rows(
            "select document, max(started_at) as at from capture where reason is not 'interrupted' group by document"
        )
        for row in rows:
            if row["document"] in every:
                last = parse_instant(row["at"]).timestamp()
                plan[row["document"]] = Due(last + every[row["document"]], 0)
        for row in self._archive.index.rows("select document, next_check, failures from schedule"):
            plan[row["document"]] = Due(row["next_check"], row["failures"])
        return plan

    def _documents(self) -> list[WatchedDocument]:
        """The watch list, read again only after it changed."""
        row = self._archive.index.row("select max(seq) as seq from watch_entry")
        newest = -1 if row is None or row["seq"] is None else int(row["seq"])
        now = time.time()
        went_back, self._looked_at = now < self._looked_at, now
        if newest != self._watched_seq or went_back:
            self._watched, self._watched_seq = self._archive.watched(), newest
            jitter = self._archive.settings["schedule.jitter"]
            with self._changed:
                for watched in self._watched:
                    if watched.document in self._plan:
                        due = self._plan[watched.document]
                        self._plan[watched.document] = within_reach(due, watched.entry.every_s, now=now, jitter=jitter)
        return self._watched

    def _start_due(self) -> None:
        concurrency = self._operation.checks.concurrency
        documents = self._documents()
        with self._changed:
            free = concurrency - len(self._busy)
            busy = frozenset(self._busy)
            plan = dict(self._plan)
        if free <= 0:
            return
        now = time.time()
        due = due_now(documents, plan, now=now, busy=busy, host_free_at=self._host_free_at, most=free)
        if not due:
            return
        pace = self._archive.settings["network.per_host_interval_s"]
        self._host_free_at = {host: at for host, at in self._host_free_at.items() if now < at <= now + pace}
        for watched in due:
            self._host_free_at[host_of(watched.entry.urls[0])] = now + pace
        with self._changed:
            self._busy.update({watched.document: watched for watched in due})
        try:
            futures = self._operation.checks.start([self._operation.check_of(w, "scheduled") for w in due])
        except SyncFailed:
            raise  # what is on disk is unknown: stop, the next start finds out
        except StorageError as error:
            # Not even the intents could be kept (a full disk): nothing was asked of the network; the next tick tries.
            LOG.error("checks could not begin: %s", error)
            with self._changed:
                for watched in due:
                    self._busy.pop(watched.document, None)
                    self._plan[watched.document] = Due(now + PAUSE_S, 0)
            return
        for watched, future in zip(due, futures, strict=True):
            future.add_done_callback(self._finished(watched))

    def _finished(self, watched: WatchedDocument) -> Callable[[Future[Outcome]], None]:
        def done(future: Future[Outcome]) -> None:
            error = future.exception()
            try:
                if error is None:
                    self._note(watched, future.result())
                else:
                    LOG.error("%s: %s", watched.document, error, extra={"document": watched.document})
                    with self._changed:
                        self._plan[watched.document] = Due(time.time() + PAUSE_S, 0)
            finally:
                with self._changed:
                    self._busy.pop(watched.document, None)

        return done

    def _note(self, watched: WatchedDocument, outcome: Outcome) -> None:
        settings = self._archive.settings
        due = after_check(
            watched.entry.every_s,
            self._plan.get(watched.document),
            now=time.time(),
            retryable=outcome.retryable,
            retry_s=settings["schedule.retry_s"],
            jitter=settings["schedule.jitter"],
            chance=random.random(),
        )
        with self._changed:
            self._plan[watched.document] = self._unsaved[watched.document] = due
        told = outcome.to_json()
        LOG.info(
            "%s %s %s%s",
            told["snapshot"] or f"statement {told['seq']}",
            told["outcome"],
            watched.entry.title,
            f" ({told['reason']})" if told["reason"] else "",
            extra={key: told[key] for key in ("seq", "snapshot", "document", "outcome", "reason", "url")},
        )

    def _save_plan(self) -> None:
        """Keep the retry times, many in one transaction; they may be lost, so an error here stops nothing."""
        with self._changed:
            unsaved, self._unsaved = self._unsaved, {}
        if not unsaved:
            return
        rows = [(_KEEP, (document, due.next_check, due.failures)) for document, due in unsaved.items()]
        try:
            self._archive.index.apply((), rows)
        except StorageError as error:
            LOG.warning("retry times were not kept: %s", error)

    def _wait_for_checks(self) -> None:
        """Checks in flight end by their own time-outs; nothing of theirs is thrown away."""
        until = time.monotonic() + self._archive.settings["network.timeout_s"] + 30
        while self._busy and self._operation.writer.fatal is None and time.monotonic() < until:
            self._say_alive()
            time.sleep(0.02)

    def _join(self, threads: list[threading.Thread]) -> None:
        """Let the authorities that are being asked answer, or run out of time."""
        until = time.monotonic() + self._archive.settings["stamp.timeout_s"] + 5
        while any(thread.is_alive() for thread in threads) and time.monotonic() < until:
            self._say_alive()
            time.sleep(0.02)

    # -- timestamps --------------------------------------------------------------------------------

    def _asked(self) -> list[tuple[str, str, int, Callable[[str], StampFailure | bool]]]:
        """Whom to ask for what: what they give, name, least seconds between questions, and how."""
        witnessing = self._operation.witnessing
        authorities, witnesses = self._operation.authorities, witnessing.witnesses
        return [
            *(("timestamp", name, one.min_interval_s, self._work.stamp_step) for name, one in authorities.items()),
            *(("cosignature", name, one.min_interval_s, witnessing.step) for name, one in witnesses.items()),
        ]

    def _ask_loop(self, what: str, name: str, pause_s: int, step: Callable[[str], StampFailure | bool]) -> None:
        """One thread for each authority and witness: a slow one delays nobody."""
        looked: tuple[int, int] | None = None
        again = look_at = 0.0
        while not self._stop.wait(TICK_S):
            ledger = self._operation.pipeline.ledger
            seen = (ledger.next_seq, ledger.published)
            if seen == looked and time.monotonic() < again:
                continue
            # A checkpoint may be owed by time alone, once the least interval since the last stamped one is over.
            wait = min(LOOK_S, self._archive.settings["stamp.checkpoint_every_s"])
            looked, again = seen, time.monotonic() + wait
            try:
                answer = step(name)
            except (ArchiverError, StorageError) as error:
                LOG.error("no %s from %s for %d s: %s", what, name, PAUSE_S, error, extra={"authority": name})
                self._stop.wait(PAUSE_S)
                continue
            except Exception:
                LOG.exception("no %s from %s for %d s", what, name, PAUSE_S, extra={"authority": name})
                self._stop.wait(PAUSE_S)
                continue
            if isinstance(answer, StampFailure):
                # A witness that knows another history of this log is never just a pause: it may be a fork.
                level = logging.ERROR if answer.code == "inconsistent" else logging.WARNING
                LOG.log(level, "no %s from %s: %s", what, name, answer.detail, extra={"authority": name})
            elif answer:
                LOG.info("%s from %s", what, name, extra={"authority": name})
            if answer is True:
                look_at = 0.0  # there is a token that nothing is known about yet
            elif what == "timestamp" and time.monotonic() >= look_at:
                look_at = time.monotonic() + LOOK_S  # not with every statement: the look reads some of them
                self._look_for_revocations(name)
            if answer is not False:
                looked = None  # there may be more to ask for
                self._stop.wait(pause_s)

    def _look_for_revocations(self, name: str) -> None:
        """Ask what the issuers of an authority's certificates say, where that is owed; between two tokens."""
        try:
            told = self._work.revocation_step(name)
        except (ArchiverError, StorageError) as error:
            LOG.error("no revocation data of %s for %d s: %s", name, PAUSE_S, error, extra={"authority": name})
            self._stop.wait(PAUSE_S)
            return
        except Exception:
            LOG.exception("no revocation data of %s for %d s", name, PAUSE_S, extra={"authority": name})
            self._stop.wait(PAUSE_S)
            return
        if told is None:
            return
        LOG.info("revocation data of %s", name, extra={"authority": name})
        for warning in told:
            LOG.error("%s", warning, extra={"authority": name})
