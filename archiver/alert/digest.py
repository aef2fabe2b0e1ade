"""Digests: when the next one is due, and how many events become one message. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import groupby
from typing import Any

from archiver.alert.interface import Event, Message, one_line
from archiver.alert.message import MAX_NAME, MAX_TITLE, Letterhead, data_of, happened, html_page, linked, text_page

MAX_EVENTS = 500
"""Events of one digest; more make another one."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def next_digest(now: float, period: str, hour: int, weekday: str) -> float:
    """Return when the first digest after ``now`` is due (seconds since 1970, as ``now``): hours and days are UTC."""
    moment = datetime.fromtimestamp(now, UTC)
    due = moment.replace(hour=hour, minute=0, second=0, microsecond=0)
    if period == "weekly":
        due += timedelta(days=(WEEKDAYS.index(weekday) - due.weekday()) % 7)
    if due <= moment:
        due += timedelta(days=7 if period == "weekly" else 1)
    return due.timestamp()


def digest_key(period: str, due: float) -> str:
    """Return the name of a digest: ``weekly 2026-05-18``."""
    return f"{period} {datetime.fromtimestamp(due, UTC):%Y-%m-%d}"


def digest_id(key: str, channel: str, events: Sequence[Event], origin: str) -> str:
    """Return the identifier of a digest: the same events give the same one, other events another."""
    listed = "\n".join(sorted(event.id for event in events))
    content = hashlib.sha256(f"{channel}\n{listed}".encode()).hexdigest()[:24]
    return f"digest-{key.replace(' ', '-')}-{content}@{origin}"


def render_digest(key: str, channel: str, events: Sequence[Event], at: str, letterhead: Letterhead) -> Message:
    """Return one message for many events: by entity, the one with the newest first, one line each."""
    groups = _by_entity(events)
    period, _, day = key.partition(" ")
    total = _count(len(events), "event")
    head = f"{period} digest of {day}: {total}, {_count(len(groups), 'entity')}"
    numbers: dict[str, int] = {}
    for event in events:
        numbers[_heading(event)] = numbers.get(_heading(event), 0) + 1
    identifier = digest_id(key, channel, events, letterhead.origin)
    rows = [*((label, str(number)) for label, number in sorted(numbers.items())), ("alert", identifier)]
    link = letterhead.base_url
    return Message(
        id=identifier,
        kind="digest",
        at=at,
        source=letterhead.source,
        about="",
        link=link,
        subject=f"[{one_line(letterhead.name, MAX_NAME)}] {head}",
        text=text_page(head, rows, _text(groups), "", link, letterhead),
        html=html_page(head, rows, _html(groups, letterhead), "", link, letterhead),
        data={"digest": key, "events": [_datum(event, letterhead) for event in events]},
    )


def _by_entity(events: Sequence[Event]) -> list[tuple[str, list[Event]]]:
    newest_first = sorted(sorted(events, key=lambda e: e.id), key=lambda e: e.at, reverse=True)
    by_name = sorted(newest_first, key=lambda e: e.entity)
    groups = [(name, list(group)) for name, group in groupby(by_name, key=lambda e: e.entity)]
    return sorted(groups, key=lambda group: group[1][0].at, reverse=True)


def _heading(event: Event) -> str:
    return event.kind.replace("_", " ") if event.kind != "change" else f"change: {one_line(event.change or '', 40)}"


def _count(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"


def _line(event: Event) -> str:
    title = one_line(event.title, MAX_TITLE) or one_line(event.url, MAX_TITLE)
    counts = ", ".join(f"{number} {one_line(label, 40)}" for label, number in event.counts)
    return f"{title}: {happened(event)}{f' ({counts})' if counts else ''}"


def _place(event: Event) -> str:
    return one_line(event.snapshot or event.document or "", 60)


def _text(groups: list[tuple[str, list[Event]]]) -> str:
    blocks = []
    for entity, events in groups:
        lines = [f"* {e.at[:16]}  {_line(e)}  {_place(e)}".rstrip() for e in events]
        blocks.append("\n".join([f"{one_line(entity, MAX_TITLE) or '(no entity)'}: {len(events)}", *lines]))
    return "\n\n".join(blocks)


def _html(groups: list[tuple[str, list[Event]]], letterhead: Letterhead) -> str:
    blocks = []
    for entity, events in groups:
        items = "".join(f"<li>{_item(event, letterhead)}</li>\n" for event in events)
        head = escape(one_line(entity, MAX_TITLE) or "(no entity)")
        blocks.append(f'<h3 dir="auto" style="font-size:14px;margin:12px 0 4px">{head}</h3>\n<ul>{items}</ul>')
    return "\n".join(blocks)


def _item(event: Event, letterhead: Letterhead) -> str:
    place = _place(event)
    link = letterhead.link(event.snapshot or event.document)
    shown = linked(link, place) if link else escape(place)
    return f"{escape(event.at[:16])} <bdi>{escape(_line(event))}</bdi> {shown}"


def _datum(event: Event, letterhead: Letterhead) -> dict[str, Any]:
    """One event of a digest for machines: as alone, without its redline."""
    whole = data_of(event, letterhead.link(event.snapshot or event.document))
    kept = {key: value for key, value in whole.items() if not key.startswith("hunks")}
    return {"id": event.id, "at": event.at, **kept}
