"""The outbox: every event worth telling is told at least once, under one identifier, and what fails is seen."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from archiver.alert.interface import Channel, ChannelFailed, Event, Message
from archiver.alert.rules import Rule
from archiver.alerting import MOST, Alerts, Plan, alert_standing, open_deliveries, owed, plan_of
from archiver.alerting_channels import open_channels
from archiver.evidence.instant import format_instant
from archiver.settings import parse_settings
from storage.index import Index
from storage.migrations import OPERATIONAL, STEPS
from tests.simulators.alerts import LETTERHEAD, event

NOW = datetime(2026, 5, 12, 16, 0, tzinfo=UTC).timestamp()  # a Tuesday
DAY = 86400.0


class Out:
    """A channel whose other end is a list; real ones are tried in the contract suite."""

    kind = "list"
    target = "a list"

    def __init__(self, name: str = "out") -> None:
        self.name = name
        self.sent: list[Message] = []
        self.failures: list[ChannelFailed | Exception] = []
        """Raised one after the other, the message not taken."""
        self.always: ChannelFailed | None = None
        self.dies_after_sending = False

    def send(self, message: Message) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if self.always:
            raise self.always
        self.sent.append(message)
        if self.dies_after_sending:
            raise SystemExit  # the process is gone: no line after this one runs

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.sent]


LATER, NEVER = ChannelFailed("later", retry=True), ChannelFailed("never", retry=False)


def rule_of(**changes: Any) -> Rule:
    return Rule(**({"name": "r", "channels": ("out",)} | changes))


def plan(*rules: Rule, **changes: Any) -> Plan:
    values: dict[str, Any] = {
        "rules": rules or (rule_of(),),
        "letterhead": LETTERHEAD,
        "retry_s": (60, 300, 1800),
        "give_up_s": 7 * DAY,
        "digest_hour": 8,
        "digest_weekday": "monday",
    }
    return Plan(**(values | changes))


def at(moment: float) -> str:
    return format_instant(datetime.fromtimestamp(moment, UTC))


def happened(seq: int, ago: float = 10.0, **changes: Any) -> Event:
    return event(seq, at=at(NOW - ago), **changes)


class World:
    """An index, the statements so far, and the channels; ``restart`` is what a new process sees."""

    def __init__(self, *channels: Out, events: Sequence[Event] = (), the_plan: Plan | None = None) -> None:
        self.index = Index(None)
        self.channels = {channel.name: channel for channel in channels or (Out(),)}
        self.plan = the_plan or plan()
        self.events = list(events)
        self.asked: list[int] = []
        self.restart()

    def since(self, seq: int) -> Iterable[Event]:
        self.asked.append(seq)
        return [e for e in self.events if e.seq is None or e.seq > seq]

    def restart(self) -> Alerts:
        opened: dict[str, Channel] = dict(self.channels)
        self.alerts = Alerts(self.index, self.plan, opened, self.since)
        return self.alerts

    @property
    def out(self) -> Out:
        return self.channels["out"]

    def rows(self) -> list[dict[str, Any]]:
        return self.index.rows("select * from delivery order by id, channel")


def test_an_event_is_told_once_however_often_the_outbox_is_worked_off() -> None:
    world = World(events=[happened(1), happened(2)])
    for _ in range(3):
        world.alerts.work_off(NOW)
        world.restart().work_off(NOW)
    assert world.out.ids == [happened(1).id, happened(2).id]
    assert alert_standing(world.index, NOW) == {"pending": 0, "overdue": 0, "failed": []}
    assert world.alerts.next_due() is None


def test_only_new_statements_are_asked_for_once_all_is_told() -> None:
    world = World(events=[happened(n) for n in (1, 5)])
    world.alerts.work_off(NOW)
    world.events.append(happened(9))
    world.alerts.work_off(NOW)
    world.restart().work_off(NOW)
    assert world.asked == [-1, 5, 9] and len(world.out.sent) == 3


def test_a_crash_between_sending_and_noting_repeats_the_same_message() -> None:
    world = World(events=[happened(1)])
    world.out.dies_after_sending = True
    with pytest.raises(SystemExit):
        world.alerts.work_off(NOW)
    assert world.rows()[0]["sent_at"] is None
    world.out.dies_after_sending = False
    world.restart().work_off(NOW + 5)
    assert world.out.ids == [happened(1).id] * 2 and world.out.sent[0] == world.out.sent[1]
    assert world.rows()[0]["sent_at"] == NOW + 5


def test_several_rules_and_channels_make_one_message_for_each_channel() -> None:
    rules = (rule_of(), rule_of(name="s", channels=("out", "other")), rule_of(name="t", deliver="weekly"))
    world = World(Out(), Out("other"), events=[happened(1)], the_plan=plan(*rules))
    world.alerts.work_off(NOW)
    assert [len(channel.sent) for channel in world.channels.values()] == [1, 1]
    assert [row["digest"] for row in world.rows()] == [None, None]


def test_what_is_held_is_told_when_it_comes_again_unheld() -> None:
    world = World(events=[happened(1, held=True)])
    world.alerts.work_off(NOW)
    assert world.out.sent == [] and world.rows() == []
    world.events.append(happened(7, id=happened(1).id))
    world.alerts.work_off(NOW)
    assert world.out.ids == [happened(1).id]


def test_a_state_that_no_statement_says_is_told_once() -> None:
    overdue = replace(happened(1), id="overdue", seq=None, kind="stamp_overdue", change=None)
    world = World(events=[happened(9), overdue], the_plan=plan(rule_of(events=("stamp_overdue",))))
    for _ in range(2):
        world.alerts.work_off(NOW)
        world.restart().work_off(NOW)
    assert world.out.ids == ["overdue"]


# Failing


def test_a_failure_is_tried_again_after_longer_and_longer_pauses() -> None:
    world = World(events=[happened(1)])
    world.out.always = LATER
    tries, now = [], NOW
    for _ in range(6):
        assert world.alerts.work_off(now).failed == [("out", "later")]
        tries.append(now)
        due = world.alerts.next_due()
        assert due is not None
        assert world.alerts.work_off(due - 1).failed == []
        now = due
    assert [int(b - a) for a, b in pairwise(tries)] == [60, 300, 1800, 1800, 1800]
    [shown] = open_deliveries(world.index)
    assert (shown["attempts"], shown["error"], shown["next_try"]) == (6, "later", at(now))
    world.out.always = None
    world.alerts.work_off(now)
    assert world.out.ids == [happened(1).id] and open_deliveries(world.index) == []


def test_a_channel_may_ask_for_a_longer_pause() -> None:
    world = World(events=[happened(1)])
    world.out.failures = [ChannelFailed("busy", retry=True, retry_after_s=4000)]
    world.alerts.work_off(NOW)
    assert world.alerts.next_due() == NOW + 4000


def test_it_is_given_up_after_its_time_and_that_is_seen() -> None:
    world = World(events=[happened(1)], the_plan=plan(give_up_s=DAY))
    world.out.always = LATER
    now, given_up = NOW, []
    for _ in range(100):
        given_up += world.alerts.work_off(now).given_up
        due = world.alerts.next_due()
        if due is None:
            break
        now = due
    assert now == NOW + DAY and given_up == [("out", "later")]
    standing = alert_standing(world.index, now)
    assert standing["pending"] == 0
    assert [(f["alert"], f["channel"], f["error"]) for f in standing["failed"]] == [(happened(1).id, "out", "later")]
    world.out.always = None
    world.restart().work_off(now + 1)
    assert world.out.sent == [] and len(alert_standing(world.index, now + 1)["failed"]) == 1


def test_what_cannot_pass_is_given_up_at_once_and_tried_again_at_the_next_start() -> None:
    world = World(events=[happened(1), happened(2)])
    world.out.failures = [NEVER]
    done = world.alerts.work_off(NOW)
    assert done.given_up == [("out", "never")] and done.sent == 1
    world.alerts.work_off(NOW + DAY)
    assert world.out.ids == [happened(2).id]
    assert world.alerts.next_due() is None and len(alert_standing(world.index, NOW)["failed"]) == 1
    world.restart().work_off(NOW + 2 * DAY)  # someone may have corrected the settings
    assert world.out.ids == [happened(2).id, happened(1).id]
    assert alert_standing(world.index, NOW)["failed"] == []


def test_an_ill_channel_is_tried_once_a_pause_and_delays_no_other() -> None:
    rules = (rule_of(channels=("out", "other")),)
    world = World(Out(), Out("other"), events=[happened(n) for n in range(1, 30)], the_plan=plan(*rules))
    world.out.always = LATER
    assert len(world.alerts.work_off(NOW).failed) == 1
    assert len(world.channels["other"].sent) == 29
    assert world.alerts.work_off(NOW + 30).failed == []
    assert len(world.alerts.work_off(NOW + 61).failed) == 1
    assert sum(row["attempts"] for row in world.rows() if row["channel"] == "out") == 2
    world.out.always = None
    world.alerts.work_off(NOW + 4000)
    assert sorted(world.out.ids) == sorted(e.id for e in world.events)


def test_a_bug_in_one_channel_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = World(Out(), Out("other"), events=[happened(1)], the_plan=plan(rule_of(channels=("out", "other"))))
    world.out.failures = [ZeroDivisionError("secret")]
    done = world.alerts.work_off(NOW)
    assert done.failed == [("out", "a bug of the channel: ZeroDivisionError")] and done.sent == 1
    assert world.alerts.work_off(NOW + 61).sent == 1


def test_no_pauses_mean_no_second_try() -> None:
    world = World(events=[happened(1)], the_plan=plan(retry_s=()))
    world.out.always = LATER
    assert world.alerts.work_off(NOW).given_up == [("out", "later")]


def test_a_channel_that_is_no_more_leaves_a_trace_and_may_come_back() -> None:
    world = World(Out(), Out("other"), events=[happened(1)], the_plan=plan(rule_of(channels=("out", "other"))))
    world.channels["other"].always = LATER
    world.alerts.work_off(NOW)
    kept = world.channels.pop("other")
    world.restart().work_off(NOW + 100)
    [failed] = alert_standing(world.index, NOW)["failed"]
    assert failed["channel"] == "other" and "no such channel" in failed["error"]
    kept.always, world.channels["other"] = None, kept
    world.restart().work_off(NOW + 200)
    assert kept.ids == [happened(1).id]


def test_an_event_that_the_archive_does_not_tell_of_any_more_is_seen() -> None:
    world = World(events=[happened(1), happened(2)])
    world.out.always = LATER
    world.alerts.work_off(NOW)
    world.events.pop(0)
    world.out.always = None
    world.restart().work_off(NOW + 5000)
    assert world.out.ids == [happened(2).id]
    [failed] = alert_standing(world.index, NOW)["failed"]
    assert failed["alert"] == happened(1).id and "does not tell of this event" in failed["error"]


def test_overdue_is_what_should_have_gone_out_an_hour_ago() -> None:
    world = World(events=[happened(1), happened(2)])
    world.out.always = LATER
    world.alerts.work_off(NOW)
    assert alert_standing(world.index, NOW + 3599)["overdue"] == 0
    assert alert_standing(world.index, NOW + 3601) == {"pending": 2, "overdue": 2, "failed": []}


# A lost database, and a daemon that was away


def test_after_the_database_was_lost_young_events_are_told_again_and_old_ones_are_not() -> None:
    events = [happened(1, 400 * DAY), happened(2, 8 * DAY), happened(3, 6 * DAY), happened(4)]
    world = World(events=events)
    world.alerts.work_off(NOW)
    assert world.out.ids == [happened(3).id, happened(4).id]
    world.restart().work_off(NOW + 5)
    assert len(world.out.sent) == 2


def test_a_weekly_digest_waits_longer_than_that() -> None:
    world = World(events=[happened(1, 13 * DAY), happened(2, 15 * DAY)], the_plan=plan(rule_of(deliver="weekly")))
    world.alerts.collect(NOW)
    assert [row["id"] for row in world.rows()] == [happened(1).id]


def test_a_daemon_that_was_away_tells_all_it_missed() -> None:
    world = World(events=[happened(1)])
    world.alerts.work_off(NOW)
    world.events += [happened(2, -10 * DAY), happened(3, -40 * DAY)]
    world.restart().work_off(NOW + 50 * DAY)
    assert world.out.ids == [happened(n).id for n in (1, 2, 3)]


def test_a_new_rule_does_not_tell_the_past() -> None:
    world = World(events=[happened(n) for n in range(1, 5)], the_plan=plan(rule_of(entities=("Nobody",))))
    world.alerts.work_off(NOW)
    world.plan = plan()
    world.events.append(happened(5))
    world.restart().work_off(NOW + 10)
    assert world.out.ids == [happened(5).id]


def test_rows_of_long_ago_are_dropped_and_nothing_is_told_again() -> None:
    world = World(events=[happened(1)])
    world.alerts.work_off(NOW)
    world.restart().work_off(NOW + 91 * DAY)
    assert world.rows() == [] and len(world.out.sent) == 1


# Digests

MONDAY = datetime(2026, 5, 18, 8, 0, tzinfo=UTC).timestamp()


def test_a_digest_is_one_message_at_its_time() -> None:
    world = World(
        events=[happened(n, entity=f"E{n % 2}") for n in range(1, 6)], the_plan=plan(rule_of(deliver="weekly"))
    )
    assert world.alerts.work_off(NOW).sent == 0 and world.alerts.next_due() == MONDAY
    assert alert_standing(world.index, MONDAY)["overdue"] == 0
    world.restart().work_off(MONDAY - 1)
    assert world.out.sent == []
    assert world.alerts.work_off(MONDAY).sent == 1
    [message] = world.out.sent
    assert message.kind == "digest" and len(message.data["events"]) == 5 and message.at == at(MONDAY)
    world.events.append(happened(6))
    world.restart().work_off(MONDAY + 10)
    assert len(world.out.sent) == 1
    world.alerts.work_off(MONDAY + 7 * DAY)
    assert [len(message.data["events"]) for message in world.out.sent] == [5, 1]


def test_a_digest_that_fails_is_the_same_digest_at_the_next_try() -> None:
    world = World(events=[happened(n) for n in range(1, 4)], the_plan=plan(rule_of(deliver="daily")))
    tomorrow = datetime(2026, 5, 13, 8, 0, tzinfo=UTC).timestamp()
    world.alerts.collect(NOW)
    world.out.failures = [LATER]
    assert world.alerts.work_off(tomorrow).failed == [("out", "later")]
    world.events.append(happened(4))  # belongs to the next digest
    world.out.dies_after_sending = True
    with pytest.raises(SystemExit):
        world.restart().work_off(tomorrow + 100)
    world.out.dies_after_sending = False
    world.restart().work_off(tomorrow + 200)
    first, second = world.out.sent
    assert first == second and len(first.data["events"]) == 3
    world.alerts.work_off(tomorrow + DAY)
    assert [entry["id"] for entry in world.out.sent[2].data["events"]] == [happened(4).id]


def test_a_digest_of_very_many_becomes_several_and_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archiver.alerting.MAX_EVENTS", 10)
    world = World(events=[happened(n) for n in range(1, 36)], the_plan=plan(rule_of(deliver="weekly")))
    world.alerts.collect(NOW)
    world.out.failures = [LATER]
    for moment in (MONDAY, MONDAY + 61, MONDAY + 5000):
        world.alerts.work_off(moment)
    told = [entry["id"] for message in world.out.sent for entry in message.data["events"]]
    assert sorted(told) == sorted(e.id for e in world.events) and len(set(world.out.ids)) == 4


def test_very_many_single_messages_take_several_rounds() -> None:
    world = World(events=[happened(n) for n in range(1, MOST + 11)])
    assert world.alerts.work_off(NOW).sent == MOST
    assert world.alerts.work_off(NOW).sent == 10


def test_owed_is_pure_and_names_each_event_once_for_a_channel() -> None:
    rules = (rule_of(), rule_of(name="s", deliver="daily"), rule_of(name="t", channels=("weekly",), deliver="weekly"))
    found = owed([happened(1)], plan(*rules), NOW)
    assert [(row.channel, row.due, row.digest) for row in found] == [
        ("out", NOW, None),
        ("weekly", MONDAY, "weekly 2026-05-18"),
    ]


def test_two_threads_send_nothing_twice() -> None:
    world = World(events=[happened(n) for n in range(1, 40)])
    threads = [threading.Thread(target=world.alerts.work_off, args=(NOW,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.alerts.work_off(NOW)
    assert sorted(world.out.ids) == sorted(e.id for e in world.events)


class Outbox(RuleBasedStateMachine):
    """Events, failures, crashes, restarts and time in any order: what is owed is told, or its failure is seen."""

    def __init__(self) -> None:
        super().__init__()
        rules = (rule_of(entities=("now",)), rule_of(name="d", entities=("daily",), deliver="daily"))
        self.world = World(Out(), the_plan=plan(*rules, give_up_s=3 * DAY))
        self.now = NOW
        self.world.alerts.collect(self.now)

    @rule(entity=st.sampled_from(["now", "daily", "neither"]))
    def something_happens(self, entity: str) -> None:
        seq = len(self.world.events) + 1
        self.world.events.append(event(seq, entity=entity, at=at(self.now)))

    @rule(seconds=st.sampled_from([1, 60, 3600, 20_000, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(how=st.sampled_from([None, LATER, NEVER, RuntimeError()]), dies=st.booleans())
    def it_is_worked_off(self, how: Any, dies: bool) -> None:
        out = self.world.out
        out.failures, out.dies_after_sending = [how] if how else [], dies
        try:
            self.world.alerts.work_off(self.now)
        except SystemExit:
            self.world.restart()
        finally:
            out.failures, out.dies_after_sending = [], False

    @rule()
    def it_starts_again(self) -> None:
        self.world.restart()

    @invariant()
    def a_message_of_one_identifier_is_one_message(self) -> None:
        seen: dict[str, Message] = {}
        for message in self.world.out.sent:
            assert seen.setdefault(message.id, message) == message

    def teardown(self) -> None:
        """In the end the channel is well, and everything owed has arrived or stands among the failures."""
        for _ in range(4):
            self.world.restart()
            for _ in range(4):
                self.world.alerts.work_off(self.now)
                self.now += 3600
            self.now += DAY
        told = {m.id for m in self.world.out.sent if m.kind != "digest"}
        told |= {e["id"] for m in self.world.out.sent if m.kind == "digest" for e in m.data["events"]}
        failed = {row["alert"] for row in alert_standing(self.world.index, self.now)["failed"]}
        wanted = {e.id for e in self.world.events if e.entity in ("now", "daily")}
        assert wanted == told | failed
        assert alert_standing(self.world.index, self.now)["pending"] == 0


TestOutbox = Outbox.TestCase
TestOutbox.settings = hypothesis_settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_the_settings_open_real_channels(tmp_path: Path) -> None:
    text = (
        '[[channel]]\nname = "feed"\nkind = "atom"\npath = "alerts.atom"\n[[rule]]\nname = "r"\nchannels = ["feed"]\n'
    )
    settings = parse_settings(text)
    index = Index(tmp_path / "archive.db")
    alerts = Alerts(index, plan_of(settings), open_channels(settings, tmp_path, {}), lambda seq: [happened(1)])
    assert alerts.work_off(NOW).sent == 1
    assert happened(1).id in (tmp_path / "alerts.atom").read_text()
    index.close()


def test_a_database_from_before_there_were_alerts_gets_its_table(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        STEPS[0](old)
        old.execute("pragma user_version = 1")
    index = Index(path)
    assert alert_standing(index, NOW) == {"pending": 0, "overdue": 0, "failed": []} and "delivery" in OPERATIONAL
    index.close()
