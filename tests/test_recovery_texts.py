"""What becomes of texts, owed assessments and decisions when a disk, a sync or the power fails: one named case each."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from archiver.acts import perform
from archiver.decisions import waiting
from archiver.errors import ArchiveDamaged, UsageError
from archiver.outcome import GOOD, Outcome
from archiver.watch.entry import WatchEntry
from storage.errors import Full, StorageError
from storage.index import Index
from storage.memory import Fault, PowerLoss
from tests.simulators.scripted import BROKEN, FIRST, SECOND, THIRD, Life, Page, ok
from tests.test_recovery import Place, numbers

POLICY = "http://a.example/policy"
ENTRY = WatchEntry("Example", "Terms", (POLICY,), 3600)


@pytest.fixture
def place() -> Place:
    """An archive that watches one document."""
    place = Place.new()
    place.live().operation.watch("added", [(None, ENTRY)])
    return place


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def check(place: Place, life: Life, *pages: Page) -> list[Outcome]:
    """Check the document once for each page, in one batch."""
    life.capturer.pages[POLICY] = pages
    life.capturer.visits.clear()
    (watched,) = life.archive.watched()
    outcomes = life.run(*(life.operation.check_of(watched, "manual") for _ in pages))
    place.told.hear(outcomes)
    return outcomes


def decide(life: Life, event: str = "released") -> Any:
    (held,) = waiting(life.archive)
    return perform(life.operation, "decide", {"event": event, "snapshots": [held["snapshot"]], "by": "A. Analyst"})


def words(outcomes: list[Outcome]) -> list[str]:
    return [outcome.word for outcome in outcomes]


def texts(place: Place, kind: str) -> list[str]:
    """Paths of the texts, salts or links, in the order of their names."""
    folders = [f"texts/{name}" for name in place.files.list("texts")]
    return [f"{f}/{name}" for f in folders for name in place.files.list(f) if name.endswith(f".{kind}")]


def of_checks(place: Place) -> list[tuple[str, int | None]]:
    """Outcome and version of every assessment, in order."""
    return [(body["outcome"], body["version"]) for body in place.of_kind("assessment")]


def dies(place: Place, verb: str, *pages: Page) -> None:
    """A new process dies right before its first operation of this name, while it checks the pages in one batch."""
    number = numbers(place, lambda other: check(place.copy(), other, *pages), verb)[0]
    life = place.live()
    place.files.fault = Fault(len(place.files.operations) + number, "crash_before")
    with pytest.raises(PowerLoss):
        check(place, life, *pages)
    assert place.files.operations[-1].startswith(verb)
    place.files = place.files.after_kill()


# -- owed assessments ------------------------------------------------------------------------------


def test_a_disk_that_fills_up_at_the_second_wording_of_a_batch_states_every_check_once(place: Place) -> None:
    life = place.live()
    for number in numbers(place, lambda other: check(place.copy(), other, FIRST, SECOND), "write texts"):
        copy = place.copy()
        life = copy.live()
        copy.files.fault = Fault(len(copy.files.operations) + number, "refused", Full)
        outcomes = check(copy, life, FIRST, SECOND)
        assert words(outcomes) == ["new_version", "new_version"]
        assert [outcome.assessment is not None for outcome in outcomes] == [True, True]
        assert len(copy.of_kind("capture")) == 2
        assert len(copy.of_kind("custody", "storage_full")) == 1
        assert life.writer.fatal is None
        copy.recovers()


def test_an_assessment_that_an_error_kept_back_is_stated_before_the_next_checkpoint(place: Place) -> None:
    life = place.live()
    number = numbers(place, lambda other: check(place.copy(), other, FIRST, SECOND), "write texts")[-1]
    place.files.fault = Fault(len(place.files.operations) + number, "refused")
    outcomes = check(place, life, FIRST, SECOND)
    assert words(outcomes) == ["new_version", "unassessed"], "the capture is committed, and acknowledged as it is"
    assert life.writer.fatal is None
    life.operation.publish()
    assert of_checks(place) == [("new_version", 1), ("new_version", 2)]
    assert life.operation.pipeline.ledger.published == len(place.statements)
    place.recovers()


def test_one_that_a_crash_kept_back_is_stated_at_the_next_start_before_later_captures(place: Place) -> None:
    """Versions are numbered, and compared, in the order of their captures."""
    life = place.live()
    check(place, life, FIRST)
    life.operation.publish()
    number = numbers(place, lambda other: check(place.copy(), other, FIRST, SECOND), "write texts")[0]
    life = place.live()
    place.files.fault = Fault(len(place.files.operations) + number, "refused")
    assert words(check(place, life, FIRST, SECOND)) == ["unchanged", "unassessed"]
    (watched,) = life.archive.watched()
    later = life.operation.check_of(watched, "manual")
    life.capturer.pages[POLICY] = THIRD
    life.operation.pipeline.intend([later])
    life.operation.pipeline.make_durable([life.operation.pipeline.capture(later)])
    again = place.live()
    assert again.operation.recovered.committed == (later.id,)
    assert of_checks(place) == [("new_version", 1), ("unchanged", 1), ("new_version", 2), ("new_version", 3)]
    assert place.of_kind("assessment")[-1]["compared_with"] == 2
    place.recovers()


# -- texts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", ["whole", "zeros", "torn", "nothing"])
def test_a_text_that_a_crash_left_before_the_commit_makes_way(place: Place, left: str) -> None:
    """A salt of zeros would let anybody try out what a hidden line said: what lies there is never taken over."""
    dies(place, "append journal", FIRST)
    (text,), (salt,) = texts(place, "txt"), texts(place, "salt")
    before = place.files.read(salt)
    for path in (text, salt):
        size = place.files.size(path)
        spoilt = {"whole": place.files.read(path), "zeros": bytes(size), "torn": place.files.read(path)[: size // 2]}
        place.files.replace(path, spoilt.get(left, b""))
    place.live()
    assert (texts(place, "txt"), texts(place, "salt")) == ([text], [salt])
    assert place.files.read(salt) != before
    assert of_checks(place) == [("new_version", 1)]
    place.recovers()


@pytest.mark.parametrize("kind", ["txt", "salt", "links"])
@pytest.mark.parametrize("how", ["changed", "gone"])
def test_a_stated_text_is_never_written_again(place: Place, kind: str, how: str) -> None:
    """Not even where the same wording comes back: what is damaged stays damaged, and is said so."""
    life = place.live()
    check(place, life, FIRST)
    (path,) = texts(place, kind)
    place.files.remove(path)
    if how == "changed":
        place.files.write(path, b"something else")
    for _ in range(2):
        for page in (FIRST, SECOND):
            assert words(check(place, life, page))[0] in GOOD
        life.operation.publish()
        life = place.live()
    assert place.files.exists(path) == (how == "changed")
    assert how == "gone" or place.files.read(path) == b"something else"


def test_two_documents_that_get_the_same_text_in_one_batch_share_its_salt(place: Place) -> None:
    life = place.live()
    other = "http://a.example/copy"
    life.operation.watch("added", [(None, WatchEntry("Other", "Terms", (other,), 3600))])
    life.capturer.pages[POLICY] = life.capturer.pages[other] = FIRST
    outcomes = life.run(*(life.operation.check_of(watched, "manual") for watched in life.archive.watched()))
    place.told.hear(outcomes)
    assert of_checks(place) == [("new_version", 1), ("new_version", 1)]
    assert len(texts(place, "salt")) == 1
    place.recovers()


def test_a_database_without_a_damaged_text_is_made_again_all_the_same(place: Place) -> None:
    life = place.live()
    check(place, life, FIRST)
    check(place, life, SECOND)
    life.operation.publish()
    (damaged, _) = texts(place, "txt")
    place.files.replace(damaged, b"something else\n")
    place.index = Index(None)
    life = place.live()
    rows = place.index.rows("select text_sha256 from wording")
    assert [row["text_sha256"].hex() in damaged for row in rows] == [False]
    assert words(check(place, life, THIRD)) == ["new_version"]


# -- damage to a snapshot --------------------------------------------------------------------------


def spoil(place: Place, capture: Any) -> tuple[str, bytes]:
    """Damage the recorded answer of a snapshot; return the file and what it was."""
    warc = f"{capture['folder']}/capture.warc.gz"
    data = place.files.read(warc)
    name = capture["parts"][0]["exchanges"][-1]["record"]
    (record,) = [record for record in capture["warc"]["records"] if record["id"] == name]
    middle = record["offset"] + record["length"] // 2
    place.files.replace(warc, data[:middle] + bytes(8) + data[middle + 8 :])
    return warc, data


def test_a_finished_check_whose_full_copy_is_damaged_is_held_back_and_the_archive_starts(place: Place) -> None:
    """A revisit record is read by way of the full copy it refers to, which may be years old."""
    life = place.live()
    (first,) = check(place, life, FIRST)
    life.operation.publish()
    dies(place, "append journal", FIRST)
    warc, data = spoil(place, first.capture.body)
    life = place.live()
    last = place.of_kind("assessment")[-1]
    assert (last["outcome"], last["reason_code"]) == ("quarantined", "unreadable")
    with pytest.raises(ArchiveDamaged):
        decide(life)
    assert not place.of_kind("decision"), "what cannot be read cannot be released"
    place.files.replace(warc, data)
    decide(life)
    assert place.of_kind("assessment")[-1]["version"] == 1
    life.operation.publish()
    place.told.files.pop(warc, None)
    place.audit()


# -- decisions -------------------------------------------------------------------------------------


def held_back(place: Place, page: Page = BROKEN) -> Life:
    life = place.live()
    check(place, life, FIRST)
    check(place, life, page)
    life.operation.publish()
    return life


def tear_off_the_last_line(place: Place) -> None:
    """As a power loss does that keeps the first part of an append."""
    (*_, last) = place.lines(place.journal)
    place.files.truncate(place.journal, place.files.size(place.journal) - len(last) + 40)


def test_a_release_and_what_it_leads_to_are_stated_together(place: Place) -> None:
    life = held_back(place)
    before = len(place.files.operations)
    (made,) = decide(life)["decisions"]
    assert made["version"] == 2
    assert sum(name.startswith("append") for name in place.files.operations[before:]) == 1
    decision, assessment = place.statements[-2:]
    assert (decision["kind"], assessment["decision_seq"]) == ("decision", decision["seq"])
    place.recovers()


def test_a_release_whose_assessment_was_torn_off_is_carried_out_at_the_next_start(place: Place) -> None:
    life = held_back(place)
    head, index = place.head.after_kill(), place.index.image()
    decide(life)
    tear_off_the_last_line(place)
    place.head = head
    place.index.load(index)
    life = place.live()
    assert not waiting(life.archive)
    (carried,) = [s for s in place.of_kind("assessment") if s["decision_seq"] is not None]
    assert (carried["outcome"], carried["version"]) == ("new_version", 2)
    place.recovers()


def test_one_whose_snapshot_was_damaged_since_is_held_back_again(place: Place) -> None:
    life = held_back(place, ok(b"<p>We will be back.</p>"))
    capture = place.of_kind("capture")[-1]
    head, index = place.head.after_kill(), place.index.image()
    decide(life)
    tear_off_the_last_line(place)
    place.head = head
    place.index.load(index)
    spoil(place, capture)
    life = place.live()
    (held,) = waiting(life.archive)
    assert (held["snapshot"], held["reason_code"]) == (capture["snapshot"], "unreadable")
    assert (
        place.live().operation.recovered.statements == len(place.statements) - life.operation.pipeline.ledger.published
    )


def test_a_snapshot_is_decided_about_once(place: Place) -> None:
    life = held_back(place)
    (held,) = waiting(life.archive)
    decide(life, "confirmed")
    # A second analyst who saw the same list.
    seq = int(held["snapshot"].rpartition("-")[2])
    perform(life.operation, "decide", {"event": "released", "snapshots": [held["snapshot"]], "by": "B. Analyst"})
    with pytest.raises(UsageError, match="has passed already"):
        perform(life.operation, "decide", {"event": "released", "snapshots": [held["snapshot"]], "by": "C. Analyst"})
    assert len([a for a in place.of_kind("assessment") if a["capture_seq"] == seq]) == 2
    place.recovers()


@pytest.mark.parametrize("verb", ["write texts", "append journal"])
def test_a_full_disk_during_a_release_is_stated_and_the_release_can_be_asked_for_again(place: Place, verb: str) -> None:
    held_back(place)
    for number in numbers(place, decide, verb):
        copy = place.copy()
        life = copy.live()
        copy.files.fault = Fault(len(copy.files.operations) + number, "refused", Full)
        with pytest.raises(StorageError):
            decide(life)
        assert life.writer.fatal is None
        assert len(copy.of_kind("custody", "storage_full")) == 1
        assert not copy.of_kind("decision")
        decide(life)
        copy.recovers()
