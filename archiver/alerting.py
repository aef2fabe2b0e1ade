"""Alerts: what is owed is computed from events and rules; each message is delivered at least once, and says who it is.

The table ``delivery`` has a row for each message owed to a channel. ``sent_at`` is written only after the channel took
the message: a crash between the two repeats it, with the same identifier. The table may be lost; then young events are
told again, and never the whole history.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from archiver.alert.digest import MAX_EVENTS, digest_key, next_digest, render_digest
from archiver.alert.interface import Channel, ChannelFailed, Event, Message, one_line
from archiver.alert.message import Letterhead, render
from archiver.alert.rules import Deliver, Rule, route
from archiver.evidence.instant import format_instant, parse_instant
from archiver.settings import Settings
from storage.index import Index, Row

LOG = logging.getLogger("archiver.alerting")
DAY_S = 86400.0
PERIOD_S: Mapping[Deliver, float] = {"now": 0.0, "daily": DAY_S, "weekly": 7 * DAY_S}
KEEP_S = 90 * DAY_S
"""How long a delivery that is over keeps its row, so that ``status`` can show it."""
OVERDUE_S = 3600.0
"""Seconds after which a delivery that was not made is called overdue."""
MOST = 200
"""Single messages of one channel in one round."""
MOST_SHOWN = 50
GONE = "the settings have no such channel any more"
_SEEN, _FLOOR = "alert_seen", "alert_floor"
_KEEP = "insert into meta values (?, ?) on conflict (key) do update set value = excluded.value"
_OPEN = "sent_at is null and next_try is not null"
_OVER = "sent_at is null and next_try is null"
EventsSince = Callable[[int], Iterable[Event]]
"""Events of statements with a higher number, in any order, and what is so now (``seq`` None) each time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the settings say about alerts."""

    rules: tuple[Rule, ...]
    letterhead: Letterhead
    retry_s: tuple[int, ...]
    give_up_s: float
    digest_hour: int
    digest_weekday: str


def plan_of(settings: Settings) -> Plan:
    """Return the part of the settings that delivery needs."""
    return Plan(
        rules=tuple(Rule(**asdict(rule)) for rule in settings.rules),
        letterhead=Letterhead(settings["archive.origin"], settings["archive.name"], settings["alert.base_url"]),
        retry_s=tuple(settings["alert.retry_s"]),
        give_up_s=float(settings.seconds("alert.give_up_after")),
        digest_hour=settings["alert.digest_hour"],
        digest_weekday=settings["alert.digest_weekday"],
    )


@dataclass(frozen=True, slots=True)
class Owed:
    """One event to be told on one channel, at once or in a digest."""

    id: str
    channel: str
    due: float
    digest: str | None


def owed(events: Iterable[Event], plan: Plan, now: float, *, young_only: bool = False) -> list[Owed]:
    """Return what events ask for, each event once for a channel.

    ``young_only`` leaves out what is older than anybody would still wait for: for an archive whose rows were lost.
    """
    found = []
    for event in events:
        age = now - parse_instant(event.at).timestamp()
        for channel, deliver in route(event, plan.rules).items():
            if young_only and age > plan.give_up_s + PERIOD_S[deliver]:
                continue
            if deliver == "now":
                found.append(Owed(event.id, channel, now, None))
            else:
                due = next_digest(now, deliver, plan.digest_hour, plan.digest_weekday)
                found.append(Owed(event.id, channel, due, digest_key(deliver, due)))
    return found


@dataclass(slots=True)
class WorkedOff:
    """What one round did."""

    sent: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    """(channel, reason) of tries that will be repeated."""
    given_up: list[tuple[str, str]] = field(default_factory=list)


class Alerts:
    """The outbox of one archive, worked off by its one writer; several threads may work off different channels."""

    def __init__(self, index: Index, plan: Plan, channels: Mapping[str, Channel], events_since: EventsSince) -> None:
        self._index = index
        self._plan = plan
        self._channels = dict(channels)
        self._events_since = events_since
        self._lock = threading.Lock()
        self._turns = {name: threading.Lock() for name in channels}
        self._paused: dict[str, float] = {}
        self._events: dict[str, Event] = {}
        """Events that are still to be told."""
        self._seen = _number(index.meta(_SEEN))
        self._floor = _number(index.meta(_FLOOR))
        self._started = False

    # -- what is owed --------------------------------------------------------------------------------

    def collect(self, now: float) -> int:
        """Ask for new events and write down what they ask for; returns how many deliveries that added."""
        with self._lock:
            since = self._seen
            if not self._started:
                self._start(now)
                since = self._floor  # events of rows that are still open have to be had again
            events = list(self._events_since(-1 if since is None else since))
            new = [e for e in events if e.seq is None or self._seen is None or e.seq > self._seen]
            rows = owed(new, self._plan, now, young_only=self._seen is None)
            rows = [row for row in rows if row.channel in self._channels and not self._has(row)]
            seen = max([-1 if self._seen is None else self._seen, *(e.seq for e in events if e.seq is not None)])
            if rows or seen != self._seen:
                self._index.apply((), [*map(_insertion, rows), (_KEEP, (_SEEN, str(seen)))])
            self._seen, self._started = seen, True
            self._forget({**self._events, **{event.id: event for event in events}}, now)
            return len(rows)

    def _has(self, row: Owed) -> bool:
        sql = "select 1 as x from delivery where id = ? and channel = ?"
        return self._index.row(sql, (row.id, row.channel)) is not None

    def _forget(self, events: Mapping[str, Event], now: float) -> None:
        """Keep the events that may still be told, and remember from where on they can be had again after a restart."""
        sql = "select distinct id from delivery where sent_at is null and (next_try is not null or since > ?)"
        wanted = {row["id"] for row in self._index.rows(sql, (now - self._plan.give_up_s,))}
        self._events = {name: event for name, event in events.items() if name in wanted}
        numbers = [event.seq for event in self._events.values() if event.seq is not None]
        floor = min(numbers) - 1 if numbers else self._seen
        if floor is not None and floor != self._floor:
            self._index.set_meta(_FLOOR, str(floor))
            self._floor = floor

    def _start(self, now: float) -> None:
        """Tidy up: someone may have corrected what made deliveries fail, or removed a channel."""
        oldest = now - self._plan.give_up_s
        names = ", ".join("?" * len(self._channels))
        known = tuple(self._channels)
        self._index.apply(
            (),
            [
                (
                    "delete from delivery where since < ? and (sent_at is not null or next_try is null)",
                    (now - max(KEEP_S, 2 * self._plan.give_up_s),),
                ),
                (
                    f"update delivery set next_try = ? where {_OVER} and since > ? and channel in ({names})",
                    (now, oldest, *known),
                ),
                (
                    f"update delivery set next_try = null, error = ? where {_OPEN} and channel not in ({names})",
                    (GONE, *known),
                ),
            ],
        )

    # -- delivering ----------------------------------------------------------------------------------

    def next_due(self) -> float | None:
        """When the next delivery may be tried, or None when nothing is open."""
        row = self._index.row(f"select min(next_try) as at from delivery where {_OPEN}")
        return None if row is None or row["at"] is None else float(row["at"])

    def work_off(self, now: float, channel: str | None = None) -> WorkedOff:
        """Collect, then try what is due, on one channel or on all; never raises for what a channel does."""
        self.collect(now)
        done = WorkedOff()
        for name in self._channels if channel is None else [channel]:
            if self._turns[name].acquire(blocking=False):
                try:
                    self._work_off_channel(name, now, done)
                finally:
                    self._turns[name].release()
        with self._lock:
            self._forget(self._events, now)
        return done

    def _work_off_channel(self, name: str, now: float, done: WorkedOff) -> None:
        """Try what is due until a try fails that may be repeated: then the channel is given a pause."""
        if self._paused.get(name, 0.0) > now:
            return
        for batch in self._due(name, now):
            known = [(row, self._events[row["id"]]) for row in batch if row["id"] in self._events]
            lost = [row for row in batch if row["id"] not in self._events]
            if lost:
                reason = "the archive does not tell of this event any more"
                self._failed(name, lost, ChannelFailed(reason, retry=False), now, done)
            if not known:
                continue
            rows = [row for row, _ in known]
            message = self._message(name, rows, [event for _, event in known], now)
            failure = self._send(self._channels[name], message)
            if failure is None:
                self._sent(name, rows, message, now, done)
                continue
            self._failed(name, rows, failure, now, done)
            if failure.retry and self._plan.retry_s:
                # The channel is ill rather than this message: one try each pause, not one for everything that waits.
                self._paused[name] = now + self._pause(failure, 1)
                return

    def _due(self, channel: str, now: float) -> list[list[Row]]:
        """Rows that go out together: single ones, oldest first, then digests."""
        due = f"channel = ? and {_OPEN} and next_try <= ?"
        single = self._index.rows(
            f"select * from delivery where {due} and digest is null order by next_try, since, id limit ?",
            (channel, now, MOST),
        )
        batches = [[row] for row in single]
        keys = self._index.rows(
            f"select distinct digest from delivery where {due} and digest is not null order by digest", (channel, now)
        )
        for key in keys:
            rows = self._index.rows(
                f"select * from delivery where {due} and digest = ? order by id", (channel, now, key["digest"])
            )
            batches += [rows[start : start + MAX_EVENTS] for start in range(0, len(rows), MAX_EVENTS)]
        return batches

    def _message(self, channel: str, rows: Sequence[Row], events: Sequence[Event], now: float) -> Message:
        key = rows[0]["digest"]
        if key is None:
            return render(events[0], self._plan.letterhead)
        at = format_instant(datetime.fromtimestamp(min(now, rows[0]["since"]), UTC))
        return render_digest(key, channel, events, at, self._plan.letterhead)

    def _send(self, channel: Channel, message: Message) -> ChannelFailed | None:
        try:
            channel.send(message)
        except ChannelFailed as failure:
            return failure
        except Exception as error:
            LOG.exception("channel %s has a bug", channel.name, extra={"channel": channel.name})
            return ChannelFailed(f"a bug of the channel: {type(error).__name__}", retry=True)
        return None

    def _sent(self, channel: str, rows: Sequence[Row], message: Message, now: float, done: WorkedOff) -> None:
        sql = "update delivery set sent_at = ?, attempts = attempts + 1, error = null where id = ? and channel = ?"
        self._index.apply((), [(sql, (now, row["id"], channel)) for row in rows])
        done.sent += 1
        LOG.info("alert to %s: %s", channel, message.subject, extra={"channel": channel, "alert": message.id})

    def _failed(self, channel: str, rows: Sequence[Row], failure: ChannelFailed, now: float, done: WorkedOff) -> None:
        """Write down the next try, or that there will be none."""
        sql = "update delivery set attempts = attempts + 1, next_try = ?, error = ? where id = ? and channel = ?"
        times = [self._next_try(row, failure, now) for row in rows]
        reason = one_line(str(failure), 300)
        self._index.apply((), [(sql, (at, reason, row["id"], channel)) for row, at in zip(rows, times, strict=True)])
        again = all(at is not None for at in times)
        (done.failed if again else done.given_up).append((channel, reason))
        level, words = (logging.WARNING, "will be tried again") if again else (logging.ERROR, "is given up")
        what = f"alert {rows[0]['id']}" if len(rows) == 1 else f"a digest of {len(rows)} alerts"
        LOG.log(level, "%s to %s %s: %s", what, channel, words, reason, extra={"channel": channel})

    def _next_try(self, row: Row, failure: ChannelFailed, now: float) -> float | None:
        """When to try again: after a pause that grows, the last time when giving up is due; None for never."""
        end = row["since"] + self._plan.give_up_s
        if not failure.retry or not self._plan.retry_s or now >= end:
            return None
        return float(min(end, now + self._pause(failure, row["attempts"] + 1)))

    def _pause(self, failure: ChannelFailed, attempts: int) -> float:
        pauses = self._plan.retry_s
        return max(pauses[min(attempts, len(pauses)) - 1], failure.retry_after_s or 0)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _insertion(row: Owed) -> tuple[str, tuple[Any, ...]]:
    return (
        "insert or ignore into delivery (id, channel, since, attempts, next_try, digest) values (?, ?, ?, 0, ?, ?)",
        (row.id, row.channel, row.due, row.due, row.digest),
    )


def alert_standing(index: Index, now: float) -> dict[str, Any]:
    """What ``status`` shows: open deliveries, those that should have been made, and those given up, newest first."""
    counted = index.row(
        f"select count(*) as pending, coalesce(sum(since < ?), 0) as overdue from delivery where {_OPEN}",
        (now - OVERDUE_S,),
    )
    assert counted is not None
    failed = index.rows(f"select * from delivery where {_OVER} order by since desc, id limit ?", (MOST_SHOWN,))
    return {"pending": counted["pending"], "overdue": counted["overdue"], "failed": [_shown(row) for row in failed]}


def open_deliveries(index: Index) -> list[dict[str, Any]]:
    """The deliveries that are still to be made, the next one first."""
    rows = index.rows(f"select * from delivery where {_OPEN} order by next_try, id limit ?", (MOST_SHOWN,))
    return [{**_shown(row), "next_try": _instant(row["next_try"]), "digest": row["digest"]} for row in rows]


def _shown(row: Row) -> dict[str, Any]:
    return {
        "alert": row["id"],
        "channel": row["channel"],
        "since": _instant(row["since"]),
        "attempts": row["attempts"],
        "error": row["error"],
    }


def _instant(seconds: float) -> str:
    return format_instant(datetime.fromtimestamp(seconds, UTC))
