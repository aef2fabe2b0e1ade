"""Messages and digests: complete, bounded, and nothing a page says is more than text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.alert.cloudevent import body_of
from archiver.alert.digest import WEEKDAYS, digest_id, digest_key, next_digest, render_digest
from archiver.alert.interface import Event, Message, one_line, plain
from archiver.alert.message import Letterhead, headline, render, render_test
from archiver.alert.redline import MAX_HUNKS, MAX_TOTAL, as_html, as_text, within_ceiling
from tests.simulators.alerts import HUNK, LETTERHEAD, ORIGIN, event


class Page(HTMLParser):
    """The elements, texts and addresses of a page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.hrefs: list[str] = []
        self.texts: list[str] = []
        self.runs: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag != "br":
            self._open.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.hrefs += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._open and self._open[-1] in ("ins", "del"):
            self.runs.append((self._open[-1], data))


TAGS = {"div", "h2", "h3", "table", "tr", "td", "p", "a", "em", "ins", "del", "ul", "li", "bdi", "br"}
ATTRIBUTES = {"style", "dir", "href", "rel"}
TEXT = st.text(max_size=60)


@st.composite
def events(draw: st.DrawFn) -> Event:
    words = draw(st.lists(st.tuples(st.sampled_from("=-+"), TEXT), max_size=4).map(tuple))
    hunk = (draw(st.sampled_from(["changed", "added", "removed", "moved"])), draw(TEXT), draw(TEXT), words)
    return event(
        draw(st.integers(0, 9)),
        title=draw(TEXT),
        entity=draw(TEXT),
        url=draw(st.one_of(TEXT, st.just("javascript:alert(1)"), st.just("https://[broken"))),
        kind=draw(st.sampled_from(["change", "provision", "failing", "stamp_overdue", "quarantine"])),
        change=draw(st.one_of(st.none(), TEXT)),
        provision=draw(st.one_of(st.none(), TEXT)),
        hunks=(hunk,) * draw(st.integers(0, 2)),
        facts=((draw(TEXT), draw(TEXT)),),
        counts=((draw(TEXT), 1),),
        publisher_dates=((draw(TEXT), draw(TEXT)),),
    )


def require_safe(message: Message) -> None:
    page = Page(message.html)
    assert page.tags <= TAGS and page.attributes <= ATTRIBUTES
    assert all(href.startswith(("http://", "https://")) for href in page.hrefs)
    assert "\n" not in message.subject and "\r" not in message.subject
    control = {chr(n) for n in range(32)} - {"\n"}
    assert not control & set(message.subject + message.text + message.html)
    assert json.loads(body_of(message))["data"]["summary"] == message.subject
    for text in (message.subject, message.text, message.html):
        text.encode("utf-8")


@given(events())
def test_whatever_pages_say_a_message_is_safe(told: Event) -> None:
    message = render(told, LETTERHEAD)
    require_safe(message)
    assert message.id == told.id and message.id in message.text


@given(st.lists(events(), min_size=1, max_size=6))
def test_whatever_pages_say_a_digest_is_safe_and_complete(told: list[Event]) -> None:
    message = render_digest("weekly 2026-05-18", "legal", told, "2026-05-18T08:00:00.000Z", LETTERHEAD)
    require_safe(message)
    assert len(message.data["events"]) == len(told)
    assert message.text.count("\n* ") == message.html.count("<li>") == len(told)


def test_the_redline_shows_what_went_and_what_came() -> None:
    message = render(event(), LETTERHEAD)
    assert Page(message.html).runs == [("del", "fourteen"), ("ins", "seven")]
    assert "~ You may cancel within [-fourteen-]{+seven+} days." in message.text
    whole = [("added", "", "New & <b>bold</b>", ()), ("removed", "Old\nlines", "", ())]
    assert as_text(whole) == "+ New & <b>bold</b>\n\n- Old\n- lines"
    assert Page(as_html(whole)).runs == [("ins", "New & <b>bold</b>"), ("del", "Old\nlines")]
    assert "moved" in as_text([("moved", "", "x", ())]) and "moved" in as_html([("moved", "x", "", ())])


@pytest.mark.parametrize(
    ("count", "says"), [(MAX_HUNKS, ""), (MAX_HUNKS + 1, "1 more change"), (500, "460 more changes")]
)
def test_a_long_redline_says_what_it_leaves_out(count: int, says: str) -> None:
    message = render(event(hunks=(HUNK,) * count), LETTERHEAD)
    for text in (message.text, message.html):
        assert (says in text) if says else ("more change" not in text)
    assert message.data["hunks_omitted"] == max(0, count - MAX_HUNKS)


def test_a_huge_redline_has_a_ceiling_and_keeps_the_changed_words() -> None:
    long = "word " * 100_000
    hunk = ("changed", long, long, (("=", long), ("-", "old"), ("+", "new"), ("=", long), ("+", long)))
    shown, omitted = within_ceiling([hunk] * 100)
    assert len(shown) + omitted == 100
    message = render(event(hunks=(hunk,) * 100), LETTERHEAD)
    assert {("del", "old"), ("ins", "new")} <= set(Page(message.html).runs)
    assert len(message.text) < 3 * MAX_TOTAL and len(body_of(message)) < 4 * MAX_TOTAL


def test_a_message_keeps_the_facts_of_a_citation() -> None:
    text = render(event(silent_edit=True), LETTERHEAD).text
    for part in ("ab" * 32, "first seen", "EA-S-00000122 (before: EA-S-00000100)", "4 (before: 3)",
                 "1 lines changed", "publisher's date 2026-05-01", "“Last updated 1 May 2026”", "https://example.com/terms",
                 "the publisher's own date did not",
                 "Read on: https://evidence.example.org/EA-S-00000122"):  # fmt: skip
        assert part in text
    assert "Read on" not in render(event(), Letterhead(ORIGIN, "A")).text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"change": "links"}, "Example Corp: Terms of Service: link addresses changed"),
        ({"change": "reversion"}, "Example Corp: Terms of Service: an earlier wording is back"),
        ({"change": "novel"}, "Example Corp: Terms of Service: change of class novel"),
        ({"kind": "provision", "change": "reworded", "provision": "EA-P-000001"},
         "Example Corp: Terms of Service: provision EA-P-000001 is reworded"),
        ({"kind": "failing"}, "Example Corp: Terms of Service: checks fail"),
        ({"kind": "quarantine", "title": ""}, "Example Corp: EA-D-00001: a capture was set aside"),
        ({"kind": "stamp_overdue", "document": None, "title": "", "entity": "", "url": ""},
         "the archive: a timestamp is overdue"),
    ],
)  # fmt: skip
def test_headlines(changes: dict[str, Any], says: str) -> None:
    assert headline(event(**changes)) == says


def test_a_subject_ends_with_what_happened_however_long_the_names_are() -> None:
    message = render(event(title="t" * 999, entity="e" * 999), Letterhead(ORIGIN, "n" * 999))
    assert message.subject.endswith("wording changed") and len(message.subject) <= 250


def test_a_digest_groups_by_entity_newest_first() -> None:
    told = [
        event(1, entity="Beta", at="2026-05-12T10:00:00.000Z", title="b1"),
        event(2, entity="Alpha", at="2026-05-14T10:00:00.000Z", title="a1"),
        event(3, entity="Beta", at="2026-05-15T10:00:00.000Z", title="b2"),
        event(4, entity="Alpha", at="2026-05-13T10:00:00.000Z", title="a2", kind="failing"),
    ]
    message = render_digest("weekly 2026-05-18", "legal", told, "2026-05-18T08:00:00.000Z", LETTERHEAD)
    places = [message.text.index(word) for word in ("Beta: 2", "b2:", "b1:", "Alpha: 2", "a1:", "a2:")]
    assert places == sorted(places)
    assert message.subject == "[Example Archive] weekly digest of 2026-05-18: 4 events, 2 entities"
    assert "change: wording" in message.text and "failing" in message.text


def test_a_digest_s_identifier_is_that_of_its_contents() -> None:
    told = [event(n) for n in (1, 2, 3)]
    made = digest_id("daily 2026-05-18", "legal", told, ORIGIN)
    assert made == digest_id("daily 2026-05-18", "legal", told[::-1], ORIGIN) and made.endswith(f"@{ORIGIN}")
    assert (
        len({made, *(digest_id("daily 2026-05-18", c, t, ORIGIN) for c, t in [("legal", told[:2]), ("x", told)])}) == 3
    )


@given(st.floats(0, 4e9), st.integers(0, 23), st.sampled_from(WEEKDAYS))
def test_a_digest_is_due_at_its_hour_and_day_and_soon(now: float, hour: int, weekday: str) -> None:
    for period, most in (("daily", 1), ("weekly", 7)):
        due = next_digest(now, period, hour, weekday)
        moment = datetime.fromtimestamp(due, UTC)
        assert 0 < due - now <= most * 86400
        assert (moment.hour, moment.minute, moment.second) == (hour, 0, 0)
        assert period == "daily" or WEEKDAYS[moment.weekday()] == weekday
        assert digest_key(period, due) == f"{period} {moment.date()}"


def test_a_test_message_is_marked_and_each_is_its_own() -> None:
    first, second = (render_test("legal", f"2026-05-12T15:09:4{n}.204Z", LETTERHEAD) for n in (1, 2))
    assert "TEST" in first.subject and "nothing happened" in first.text and first.kind == "test"
    assert first.id != second.id
    require_safe(first)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\n b\t c", "a b c"),
        ("\u202eabc\u200b", "abc"),
        ("\ud800x", "x"),
        ("a\u2028b", "a b"),
        ("x" * 9, "xxxx…"),
        (" ", ""),
    ],
)
def test_one_line(text: str, line: str) -> None:
    assert one_line(text, 5) == line


@given(st.text())
def test_plain_keeps_what_is_text(text: str) -> None:
    assert plain(plain(text)) == plain(text) and len(plain(text)) == len(text)
    assert "".join(c for c in plain(text) if c.isprintable()) or not any(c.isprintable() for c in text)


def test_joiners_of_scripts_are_kept() -> None:
    assert one_line("می\u200cخواهم", 50) == plain("می\u200cخواهم") == "می\u200cخواهم"


def test_the_source_is_a_uri_whatever_the_origin() -> None:
    assert LETTERHEAD.source == "https://evidence.example.org/log"
    assert Letterhead("ä<b>", "").source == "https://%C3%A4%3Cb%3E"
