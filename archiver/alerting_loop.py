"""Alerts while the daemon runs: a thread for each channel, so that a slow one delays no other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from archiver.alerting import Alerts, plan_of
from archiver.alerting_channels import open_channels
from archiver.errors import ArchiverError
from archiver.events import EventSource
from archiver.operation import Operation
from storage.errors import StorageError

LOG = logging.getLogger("archiver.alerting")
LOOK_S = 1.0
"""Longest time in which a new statement goes unnoticed."""
REST_S = 30.0
"""Where nothing was stated, seconds between two looks: retries and digests come due, timestamps become overdue."""
PAUSE_S = 60.0
"""After an error of our own disk or database."""
WINDOWS = 8.0
"""How many times ``alert.give_up_after`` old a statement may be and still be read for events: a weekly digest waits."""


class AlertLoop:
    """Works off the alerts of an operation until ``stop`` is set; without a channel it does nothing."""

    def __init__(self, operation: Operation, root: Path, environment: Mapping[str, str], stop: threading.Event) -> None:
        archive = operation.archive
        settings = archive.settings
        plan = plan_of(settings)
        source = EventSource(archive, operation.pipeline.now, settings["alert.failing_after"], WINDOWS * plan.give_up_s)
        channels = open_channels(settings, root, environment)
        self._operation = operation
        self._alerts = Alerts(archive.index, plan, channels, source.since)
        self._stop = stop
        self.threads = [
            threading.Thread(target=self._run, args=(name,), name=f"alert-{name}", daemon=True) for name in channels
        ]

    def start(self) -> None:
        """Start a thread for each channel."""
        for thread in self.threads:
            thread.start()

    def _run(self, channel: str) -> None:
        looked, again = -1, 0.0
        while not self._stop.wait(LOOK_S):
            seen = self._operation.pipeline.ledger.next_seq
            if seen == looked and time.monotonic() < again:
                continue
            looked, again = seen, time.monotonic() + REST_S
            try:
                self._alerts.work_off(time.time(), channel)
            except (ArchiverError, StorageError) as error:
                LOG.error("no alerts on %s for %d s: %s", channel, PAUSE_S, error, extra={"channel": channel})
                self._stop.wait(PAUSE_S)
