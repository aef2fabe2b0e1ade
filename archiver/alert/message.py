"""Turns an event into a message: subject, plain text, HTML with a redline, and data for machines. Pure.

Titles, names and texts come from the web: every one is made one line, or escaped, or both, before it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote, urlsplit

from archiver.alert.interface import Event, Message, one_line
from archiver.alert.redline import as_html, as_text, more, within_ceiling

MAX_NAME, MAX_ENTITY, MAX_TITLE = 40, 50, 80
"""Characters of the names in a subject: what happened stands last, and must not be cut off."""
MAX_FACT = 500
MAX_FACTS = 40
MAX_URL = 2000
_FONT = "font-family:system-ui,sans-serif;font-size:14px;line-height:1.45;color:#1f2328"

WHAT_CHANGED = {
    "wording": "wording changed",
    "links": "link addresses changed",
    "punctuation": "punctuation changed",
    "layout": "layout changed",
    "reversion": "an earlier wording is back",
    "variant": "a known variant was shown",
    "extraction": "our reading changed, not the page",
    "content": "content changed",
}
WHAT_HAPPENED = {
    "failing": "checks fail",
    "stamp_overdue": "a timestamp is overdue",
    "quarantine": "a capture was set aside",
}


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The archive that tells: name of its log, its own name, and the address its pages are found under, or empty."""

    origin: str
    name: str
    base_url: str = ""

    @property
    def source(self) -> str:
        """The archive as a URI: the origin of a log is a URL without its scheme."""
        return "https://" + quote(self.origin, safe="/:[]@!$&'()*,;=~-._")

    def link(self, identifier: str | None) -> str:
        """Where to read about a snapshot or document, or empty."""
        return f"{self.base_url.rstrip('/')}/{quote(identifier, safe='')}" if self.base_url and identifier else ""


def headline(event: Event) -> str:
    """Say in one line what happened to what."""
    subject = one_line(event.title, MAX_TITLE) or event.document or one_line(event.url, MAX_TITLE) or "the archive"
    entity = one_line(event.entity, MAX_ENTITY)
    return f"{entity}: {subject}: {happened(event)}" if entity else f"{subject}: {happened(event)}"


def happened(event: Event) -> str:
    """Say what happened, in a few words."""
    if event.kind == "change":
        words = WHAT_CHANGED.get(event.change or "", f"change of class {one_line(event.change or 'unknown', 40)}")
        return f"{words}, the publisher's own date did not" if event.silent_edit else words
    if event.kind == "provision":
        return f"provision {one_line(event.provision or '', 40)} is {one_line(event.change or 'changed', 40)}"
    return WHAT_HAPPENED[event.kind]


def facts_of(event: Event) -> list[tuple[str, str]]:
    """The table of a message: (label, text), each one line."""
    counts = ", ".join(f"{number} {one_line(label, 60)}" for label, number in event.counts)
    rows = [
        ("entity", event.entity),
        ("document", " ".join(part for part in (event.title, f"({event.document})" if event.document else "") if part)),
        ("address", event.url),
        ("what happened", happened(event)),
        ("version", _now_and_before(event.version, event.previous_version)),
        ("snapshot", _now_and_before(event.snapshot, event.previous_snapshot)),
        ("provision", event.provision or ""),
        ("in numbers", counts),
        *((f"publisher's date {one_line(value, 40)}", f"“{text}”") for text, value in event.publisher_dates),
        *event.facts,
        ("time", event.at),
        ("alert", event.id),
    ]
    lines = [(one_line(label, 80), one_line(text, MAX_FACT)) for label, text in rows]
    return [(label, text) for label, text in lines if text][:MAX_FACTS]


def _now_and_before(now: object, before: object) -> str:
    if now is None:
        return ""
    return f"{now} (before: {before})" if before is not None else f"{now}"


def render(event: Event, letterhead: Letterhead) -> Message:
    """Return the message of one event."""
    hunks, omitted = within_ceiling(event.hunks)
    rows = facts_of(event)
    link = letterhead.link(event.snapshot or event.document)
    subject = headline(event)
    left_out = more(omitted)
    return Message(
        id=event.id,
        kind=event.kind,
        at=event.at,
        source=letterhead.source,
        about=event.document or "",
        link=link,
        subject=f"[{one_line(letterhead.name, MAX_NAME)}] {subject}",
        text=text_page(subject, rows, as_text(hunks), left_out, link, letterhead),
        html=html_page(subject, rows, as_html(hunks), left_out, link, letterhead),
        data=data_of(event, link),
    )


def render_test(channel: str, at: str, letterhead: Letterhead) -> Message:
    """Return a message that says plainly that it is a test; each has an identifier of its own."""
    subject = "TEST: this is a test of an alert channel, nothing happened"
    rows = [("channel", channel), ("time", at), ("alert", f"test-{channel}-{at.replace(':', '')}@{letterhead.origin}")]
    return Message(
        id=rows[-1][1],
        kind="test",
        at=at,
        source=letterhead.source,
        about="",
        link="",
        subject=f"[{one_line(letterhead.name, MAX_NAME)}] {subject}",
        text=text_page(subject, rows, "", "", "", letterhead),
        html=html_page(subject, rows, "", "", "", letterhead),
        data={"test": True, "channel": channel, "at": at},
    )


def text_page(
    head: str, rows: list[tuple[str, str]], body: str, left_out: str, link: str, letterhead: Letterhead
) -> str:
    """Lay a message out as plain text."""
    width = max((len(label) for label, _ in rows), default=0)
    table = "\n".join(f"{label:<{width}}  {text}" for label, text in rows)
    parts = [head, table, body, left_out, f"Read on: {link}" if link else "", _foot(letterhead)]
    return "\n\n".join(part for part in parts if part) + "\n"


def html_page(
    head: str, rows: list[tuple[str, str]], body: str, left_out: str, link: str, letterhead: Letterhead
) -> str:
    """Lay a message out as HTML: no script, nothing loaded from elsewhere; ``body`` is HTML already."""
    table = "".join(
        f'<tr><td style="padding:1px 14px 1px 0;color:#59636e;vertical-align:top">{escape(label)}</td>'
        f'<td dir="auto">{linked(text) if label == "address" else escape(text)}</td></tr>\n'
        for label, text in rows
    )
    parts = [
        f'<div style="{_FONT}">',
        f'<h2 dir="auto" style="font-size:16px;margin:0 0 8px">{escape(head)}</h2>',
        f'<table style="border-collapse:collapse;margin:0 0 12px">\n{table}</table>' if table else "",
        body,
        f"<p>{escape(left_out)}</p>" if left_out else "",
        f"<p>{linked(link, 'Read on')}</p>" if link else "",
        f'<p style="color:#59636e;font-size:12px">{escape(_foot(letterhead))}</p>',
        "</div>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def linked(url: str, words: str = "") -> str:
    """Return an address as HTML; only http and https become a link."""
    try:
        safe = urlsplit(url).scheme in {"http", "https"}
    except ValueError:
        safe = False
    shown = escape(words or url)
    return f'<a href="{escape(url)}" rel="noreferrer noopener">{shown}</a>' if safe else shown


def _foot(letterhead: Letterhead) -> str:
    return f"Sent by {one_line(letterhead.name, 120)} ({one_line(letterhead.origin, 200)}), an evidence archive."


def data_of(event: Event, link: str) -> dict[str, Any]:
    """Return the event for machines, within the same ceiling as the text."""
    hunks, omitted = within_ceiling(event.hunks)
    return {
        "kind": event.kind,
        "seq": event.seq,
        "document": event.document,
        "entity": one_line(event.entity, MAX_FACT),
        "title": one_line(event.title, MAX_FACT),
        "url": one_line(event.url, MAX_URL),
        "link": link or None,
        "class": event.change,
        "version": event.version,
        "previous_version": event.previous_version,
        "snapshot": event.snapshot,
        "previous_snapshot": event.previous_snapshot,
        "provision": event.provision,
        "counts": {one_line(label, 80): number for label, number in event.counts},
        "publisher_dates": [
            {"text": one_line(text, MAX_FACT), "value": one_line(value, 40)} for text, value in event.publisher_dates
        ],
        "silent_edit": event.silent_edit,
        "hunks": [{"kind": kind, "old": old, "new": new} for kind, old, new, _ in hunks],
        "hunks_omitted": omitted,
        "facts": [{"label": one_line(label, 80), "text": one_line(text, MAX_FACT)} for label, text in event.facts],
    }
