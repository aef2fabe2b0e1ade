"""The outbox of copies elsewhere: who is owed what, once; pauses, crashes, a lost database, and giving up."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from archiver.acts import perform
from archiver.errors import Disposed
from archiver.evidence.instant import parse_instant
from archiver.outside.interface import Copy, OutsideFailed, Raw
from archiver.outside_asking import _wait
from archiver.outside_copying import FETCHES, GONE, JOB_S, KEEP_S, OutsideCopies, copies_of, outside_standing
from archiver.settings import parse_settings
from archiver.watch.entry import WatchEntry
from storage.index import Index
from tests.simulators.scripted import FIRST, SECOND, SETTINGS, Life
from tests.test_recovery import Place

POLICY = "http://a.example/policy"
ENTRY = WatchEntry("Example", "Terms", (POLICY,), 3600, outside=("wayback",))
DAY = 86400.0


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@dataclass
class Scripted:
    """A web archive that does as it is told."""

    asked: list[str] = field(default_factory=list)
    fails: list[OutsideFailed] = field(default_factory=list)
    """Raised by the next questions, whichever they are."""
    working: bool = False
    content: bytes = b""
    of: str = ""
    """The address that it says it copied."""
    joins: bool = True
    name: str = "wayback"
    target: str = "scripted"

    def _fail(self) -> None:
        if self.fails:
            raise self.fails.pop(0)

    def ask(self, url: str) -> str:
        self.asked.append(url)
        self._fail()
        return f"job-{len(self.asked)}"

    def look(self, job: str, url: str) -> Copy | None:
        self._fail()
        return None if self.working else Copy(f"https://copies.example/{job}", "2026-05-12T15:10:03Z", "raw", self.of)

    def fetch(self, copy: Copy, url: str) -> Raw:
        self._fail()
        return Raw(self.content, "text/html")


@dataclass
class Desk:
    """An archive that watches one document, with its outbox and a clock."""

    place: Place
    life: Life
    theirs: Scripted
    now: float = 0.0

    def __post_init__(self) -> None:
        self.copies = OutsideCopies(self.life.operation, {"wayback": self.theirs})

    def check(self, page: Any = FIRST) -> None:
        """Check the document once."""
        self.life.capturer.pages[POLICY] = (page,)
        self.life.capturer.visits.clear()
        (watched,) = self.life.archive.watched()
        (outcome,) = self.life.run(self.life.operation.check_of(watched, "manual"))
        self.now = max(self.now, parse_instant(outcome.capture.body["started_at"]).timestamp())

    def run(self) -> list[str]:
        """Collect, then take every step that is due; say what they did."""
        self.copies.collect(self.now)
        words = []
        while (step := self.copies.step("wayback", self.now)) is not None:
            words.append(step.word)
            assert len(words) < 50
        return words

    def later(self, seconds: float) -> list[str]:
        """Run so much later."""
        self.now += seconds
        return self.run()

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.life.archive.index.rows("select * from outside_copy")

    @property
    def stated(self) -> list[dict[str, Any]]:
        return self.place.of_kind("custody", "outside_copy")


@pytest.fixture
def desk() -> Desk:
    place = Place.new()
    life = place.live()
    life.operation.watch("added", [(None, ENTRY)])
    return Desk(place, life, Scripted())


def test_a_new_version_is_asked_for_once_and_a_check_that_finds_nothing_is_not(desk: Desk) -> None:
    desk.check()
    assert desk.run() == ["asked"] and desk.theirs.asked == [POLICY]
    assert desk.later(2) == ["waits", "stated"]
    assert [body["by"] for body in desk.stated] == [None] and desk.rows == []
    desk.check()
    assert desk.later(100) == [] and len(desk.theirs.asked) == 1
    desk.check(SECOND)
    assert desk.run() == ["asked"] and desk.later(2) == ["waits", "stated"]
    assert len({body["subjects"][0] for body in desk.stated}) == 2
    desk.place.audit()


def test_an_entry_that_names_no_archive_tells_nobody(desk: Desk) -> None:
    desk.life.operation.watch("changed", [("EA-D-00001", WatchEntry("Example", "Terms", (POLICY,), 3600))])
    desk.check()
    assert desk.run() == [] and desk.theirs.asked == []
    desk.life.operation.watch("changed", [("EA-D-00001", ENTRY)])
    assert desk.run() == [], "it was captured when nobody was to be told"
    desk.check(SECOND)
    desk.life.operation.watch("changed", [("EA-D-00001", WatchEntry("Example", "Terms", (POLICY,), 3600))])
    assert desk.run() == [], "and nobody is to be told now"
    other = WatchEntry("Example", "Terms", (POLICY,), 3600, outside=("perma",))
    desk.life.operation.watch("changed", [("EA-D-00001", other)])
    assert desk.run() == [], "another archive is not this one"


@pytest.mark.parametrize(
    "off", [{"outside": ()}, {"outside": ("perma",)}, {"paused": True}, {"removed": True}], ids=lambda off: str(off)
)
def test_what_is_turned_off_is_not_asked_again(desk: Desk, off: dict[str, Any]) -> None:
    desk.theirs.fails = [OutsideFailed("HTTP status 429", retry=True)]
    desk.check()
    assert desk.run() == ["again"] and desk.theirs.asked == [POLICY]
    desk.life.operation.watch("changed", [("EA-D-00001", replace(ENTRY, **off))])
    assert desk.later(300) == ["given up"] and desk.rows == []
    assert desk.later(DAY) == [] and desk.theirs.asked == [POLICY]


def test_what_is_turned_off_later_is_still_compared_or_was_asked_for_by_hand(desk: Desk) -> None:
    desk.check()
    assert desk.run() == ["asked"]
    desk.now += 2
    desk.copies.advance(desk.rows[0], desk.now)
    desk.life.operation.watch("changed", [("EA-D-00001", replace(ENTRY, outside=()))])
    assert desk.run() == ["stated"], "the copy is there, whoever may know of it knows"
    capture = desk.life.archive.statement(desk.place.of_kind("capture")[0]["seq"])
    desk.copies.want(capture, 0, "wayback", desk.now, "A. Clerk")
    assert desk.run() == ["asked"] and desk.later(2) == ["waits", "stated"]


def test_a_failure_that_may_pass_is_tried_again_with_growing_pauses_until_it_is_given_up(desk: Desk) -> None:
    desk.theirs.fails = [OutsideFailed("HTTP status 503", retry=True)] * 100
    desk.check()
    assert desk.run() == ["again"]
    pauses = [row["next_try"] - desk.now for row in desk.rows]
    assert pauses == [300.0] and desk.later(299) == [] and desk.later(1) == ["again"]
    assert desk.rows[0]["next_try"] - desk.now == 1800.0 and desk.rows[0]["error"] == "HTTP status 503"
    words = [word for _ in range(20) for word in desk.later(21600)]
    assert words[-1] == "given up" and desk.rows[0]["next_try"] is None
    assert outside_standing(desk.life.archive)["failed"][0]["error"] == "HTTP status 503"
    assert desk.later(DAY) == [] and desk.stated == []
    desk.later(KEEP_S)
    assert desk.rows == [], "after a while nobody wants to see it any more"
    assert desk.run() == []


def test_what_is_given_up_is_remembered_as_long_as_its_version_is_young(desk: Desk) -> None:
    desk.life.archive.settings = parse_settings(f"{SETTINGS}\n[outside]\ngive_up_after = '200d'\n")
    desk.copies = OutsideCopies(desk.life.operation, {"wayback": desk.theirs})
    desk.theirs.fails = [OutsideFailed("blocked", retry=False)]
    desk.check()
    assert desk.run() == ["given up"] and desk.later(KEEP_S + DAY) == [] and desk.theirs.asked == [POLICY]
    assert desk.later(KEEP_S) == [] and len(desk.rows) == 1
    assert desk.later(300 * DAY) == [] and desk.rows == []


def test_what_is_owed_to_an_archive_that_is_gone_is_given_up_at_the_next_start(desk: Desk) -> None:
    desk.life.operation.watch("changed", [("EA-D-00001", replace(ENTRY, outside=("wayback", "perma")))])
    desk.copies = OutsideCopies(desk.life.operation, {"wayback": desk.theirs, "perma": Scripted(name="perma")})
    desk.check()
    assert desk.copies.collect(desk.now) == 2
    desk.copies = OutsideCopies(desk.life.operation, {"wayback": desk.theirs})
    desk.copies.start(desk.now)
    standing = outside_standing(desk.life.archive)
    assert standing["pending"] == 1 and [(one["archive"], one["error"]) for one in standing["failed"]] == [
        ("perma", GONE)
    ]
    assert desk.run() == ["asked"] and desk.later(2) == ["waits", "stated"]
    desk.copies = OutsideCopies(desk.life.operation, {})
    desk.copies.start(desk.now + KEEP_S + 1)
    assert desk.rows == []


def test_a_refusal_is_given_up_at_once(desk: Desk) -> None:
    desk.theirs.fails = [OutsideFailed("blocked", retry=False)]
    desk.check()
    assert desk.run() == ["given up"] and desk.later(DAY) == []
    assert outside_standing(desk.life.archive)["pending"] == 0


def test_what_the_archive_asks_to_wait_is_waited(desk: Desk) -> None:
    desk.theirs.fails = [OutsideFailed("too many", retry=True, retry_after_s=43200)]
    desk.check()
    assert desk.run() == ["again"] and desk.later(43199) == [] and desk.later(1) == ["asked"]


def test_a_job_that_never_ends_is_asked_for_anew(desk: Desk) -> None:
    desk.theirs.working = True
    desk.check()
    assert desk.run() == ["asked"]
    words = [word for _ in range(int(JOB_S // 30) + 2) for word in desk.later(31)]
    assert words[-1] == "again" and set(words[:-1]) == {"waits"}
    desk.theirs.working = False
    assert desk.later(300) == ["asked"] and desk.later(2) == ["waits", "stated"]


def test_a_job_is_not_asked_for_anew_where_each_question_makes_one_more_copy(desk: Desk) -> None:
    desk.theirs.working, desk.theirs.joins = True, False
    desk.check()
    assert desk.run() == ["asked"]
    desk.theirs.fails = [OutsideFailed("HTTP status 503", retry=True)]
    assert desk.later(2) == ["again"] and desk.later(JOB_S) == ["again"] and desk.rows[0]["attempts"] == 2
    desk.theirs.working = False
    assert desk.later(1800) == ["waits", "stated"] and desk.theirs.asked == [POLICY]


def test_a_job_that_is_only_looked_at_again_is_given_up_in_the_end(desk: Desk) -> None:
    desk.theirs.working, desk.theirs.joins = True, False
    desk.check()
    assert desk.run() == ["asked"]
    words = [word for _ in range(40) for word in desk.later(7200)]
    assert words[-1] == "given up" and set(words[:-1]) == {"again"} and desk.theirs.asked == [POLICY]
    assert "was not done within" in outside_standing(desk.life.archive)["failed"][0]["error"]
    capture = desk.life.archive.statement(desk.place.of_kind("capture")[0]["seq"])
    desk.copies.want(capture, 0, "wayback", desk.now, "A. Clerk")
    assert desk.run() == ["asked"], "a person may have a further one made of what was given up"


def test_a_copy_that_cannot_be_read_is_tried_a_few_times_and_then_stated_as_not_compared(desk: Desk) -> None:
    desk.check()
    desk.run()
    desk.theirs.fails = []
    desk.now += 2
    row = desk.rows[0]
    desk.copies.advance(row, desk.now)
    desk.theirs.fails = [OutsideFailed("HTTP status 404", retry=True)] * FETCHES
    words = [word for _ in range(FETCHES + 1) for word in desk.later(21600)]
    assert words == ["again"] * (FETCHES - 1) + ["stated"]
    (body,) = desk.stated
    assert (body["compared"], body["compared_reason"]) == ("not compared", "HTTP status 404")
    assert len(desk.theirs.asked) == 1, "the copy is there: it is not asked for again"


def test_a_lost_database_asks_again_for_what_is_young_and_not_stated(desk: Desk) -> None:
    desk.check()
    assert desk.run() == ["asked"]
    desk.place.index = Index(None)
    again = Desk(desk.place, desk.place.live(), desk.theirs, desk.now)
    assert again.run() == ["asked"] and again.later(2) == ["waits", "stated"]
    desk.place.index = Index(None)
    third = Desk(desk.place, desk.place.live(), desk.theirs, again.now)
    assert third.run() == [], "it is stated"
    third.check(SECOND)
    assert third.later(4 * DAY) == [], "a copy made now would be of another day"
    assert len(copies_of(third.life.archive)) == 1


@pytest.mark.parametrize("state", [None, {"copy": ["https://copies.example/job-1", "2026-05-12T15:10:03Z", "raw"]}])
def test_a_crash_between_statement_and_row_states_it_once(desk: Desk, state: dict[str, Any] | None) -> None:
    desk.check()
    desk.run()
    desk.now += 2
    (row,) = desk.rows
    desk.run()
    assert len(desk.stated) == 1
    # The row as it was before the job was done: what a database that lost its last commits would hold.
    desk.life.archive.index.run(
        "insert into outside_copy (seq, part, archive, since, attempts, next_try, state) values (?, ?, ?, ?, 0, ?, ?)",
        (row["seq"], row["part"], row["archive"], row["since"], desk.now, json.dumps(state) if state else None),
    )
    again = Desk(desk.place, desk.place.live(), desk.theirs, desk.now)
    assert again.run() == ["stated"] and len(again.stated) == 1 and again.rows == []
    assert len(desk.theirs.asked) == 1


def test_what_a_person_asks_for_goes_on_from_where_it_stands(desk: Desk) -> None:
    desk.check()
    assert desk.run() == ["asked"]
    (row,) = desk.rows
    capture = desk.life.archive.statement(row["seq"])
    assert desk.copies.want(capture, 0, "wayback", desk.now, "A. Clerk")
    assert desk.run() == ["waits", "stated"] and len(desk.theirs.asked) == 1
    assert desk.stated[0]["by"] == "A. Clerk"
    assert desk.copies.want(capture, 0, "wayback", desk.now, "A. Clerk"), "a second copy, because someone wants it"
    assert desk.run() == ["asked"] and json.loads(desk.rows[0]["state"])["job"] == "job-2"


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_what_was_disposed_of_is_told_to_nobody_and_holds_nothing_up(desk: Desk, steps: int) -> None:
    """A step that could not be made for ever would keep every other copy of this archive waiting behind it."""
    desk.check()
    desk.copies.collect(desk.now)
    for _ in range(steps):
        assert desk.copies.step("wayback", desk.now) is not None
        desk.now += 2
    asked = len(desk.theirs.asked)
    (snapshot,) = [body["snapshot"] for body in desk.place.of_kind("capture")]
    desk.life.operation.publish()
    perform(desk.life.operation, "dispose", {"snapshots": [snapshot], "by": "A. Clerk", "reason": "over"})
    assert desk.run() == ["given up"] and desk.rows == [] and desk.stated == []
    assert desk.later(DAY) == [] and len(desk.theirs.asked) == asked
    with pytest.raises(Disposed, match="was disposed of"):
        perform(desk.life.operation, "ask_outside", {"snapshot": snapshot, "by": "A. Clerk", "archives": []})
    desk.check(SECOND)
    assert desk.run() == ["asked"] and desk.later(2) == ["waits", "stated"]


def test_a_disposal_while_the_copy_is_fetched_leaves_it_uncompared(desk: Desk) -> None:
    desk.check()
    assert desk.run() == ["asked"]
    desk.now += 2
    step = desk.copies.step("wayback", desk.now)
    assert step is not None and step.word == "waits"
    desk.life.operation.publish()
    (snapshot,) = [body["snapshot"] for body in desk.place.of_kind("capture")]
    fetch = desk.theirs.fetch

    def and_meanwhile(copy: Copy, url: str) -> Raw:
        perform(desk.life.operation, "dispose", {"snapshots": [snapshot], "by": "A. Clerk", "reason": "over"})
        return fetch(copy, url)

    desk.theirs.fetch = and_meanwhile  # type: ignore[method-assign]
    assert desk.run() == ["stated"]
    (body,) = desk.stated
    assert body["compared"] == "not compared" and "was disposed of" in body["compared_reason"]


@pytest.mark.parametrize(
    ("of", "compared"),
    [
        (POLICY, "differs"),
        ("https://www.a.example/policy", "differs"),
        ("", "differs"),
        ("http://b.example/policy", "not compared"),
        ("http://a.example/policy?page=2", "not compared"),
    ],
)
def test_a_copy_of_another_address_is_not_taken_for_one_of_this(desk: Desk, of: str, compared: str) -> None:
    desk.theirs.of, desk.theirs.content = of, b"<p>Something else entirely stands on this page.</p>"
    desk.check()
    assert desk.run() == ["asked"] and desk.later(2) == ["waits", "stated"]
    (body,) = desk.stated
    assert body["compared"] == compared
    if compared == "not compared":
        assert body["compared_reason"] == f"the archive says that it copied another address: {of}"
        assert body["copy_sha256"] is None


def test_a_disposal_while_somebody_waits_for_the_copy_is_told(desk: Desk) -> None:
    desk.check()
    desk.life.operation.publish()
    (body,) = desk.place.of_kind("capture")
    capture = desk.life.archive.statement(body["seq"])
    desk.copies.want(capture, 0, "wayback", 0.0, "A. Clerk")
    ask = desk.theirs.ask

    def and_meanwhile(url: str) -> str:
        values = {"snapshots": [body["snapshot"]], "by": "A. Clerk", "reason": "over"}
        perform(desk.life.operation, "dispose", values)
        return ask(url)

    desk.theirs.ask = and_meanwhile  # type: ignore[method-assign]
    told = _wait(desk.life.operation, desk.copies, (capture.seq, 0, "wayback"), time.monotonic() + 30)
    assert (told["state"], told["copy"]) == ("failed", None) and "disposed of" in told["error"]
