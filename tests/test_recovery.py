"""What start-up makes of each thing that can have gone wrong, one named case at a time."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from archiver.check import DRAFTS, INTENTS
from archiver.errors import ArchiveDamaged, ArchiveError
from archiver.evidence.canonical import encode_line
from archiver.ledger import CHECKPOINT
from archiver.outcome import Outcome
from archiver.signing import LogKey
from archiver.watch.entry import WatchEntry
from archiver.writer import Writer
from storage.errors import Full, StorageError, SyncFailed
from storage.index import Index
from storage.memory import Fault, MemoryFiles
from tests.invariants import Audit, Told, walk
from tests.simulators.scripted import NOON, ORIGIN, Clock, Life, live, make

TERMS, CUT, DENIED = "http://a.example/terms", "http://a.example/cut", "http://a.example/denied"
NEWS, LARGE = "http://a.example/news", "http://a.example/large"


@cache
def key() -> LogKey:
    return LogKey.generate(ORIGIN)


@dataclass
class Place:
    """An archive in memory with its head copy and database, and what was acknowledged."""

    files: MemoryFiles
    head: MemoryFiles
    index: Index
    told: Told = field(default_factory=Told)
    lives: int = 0

    @classmethod
    def new(cls) -> Place:
        place = cls(MemoryFiles(), MemoryFiles(), Index(None))
        make(place.files, place.head, place.index, key())
        return place

    def live(self, clock: Clock | None = None) -> Life:
        """Start the software: recovery first."""
        self.lives += 1
        return live(self.files, self.head, self.index, key(), self.lives, clock)

    def with_checks(self, *urls: str, publish: bool = True) -> Life:
        """A life that made these checks."""
        life = self.live()
        self.told.hear(life.run(*(life.check(url) for url in urls)))
        if publish:
            life.operation.publish()
            self.told.remember(self.files)
        return life

    def copy(self) -> Place:
        """The same archive as it is now, in another place."""
        index = Index(None)
        index.load(self.index.image())
        told = replace(self.told, entries=dict(self.told.entries))
        return Place(self.files.after_kill(), self.head.after_kill(), index, told, self.lives + 100)

    @property
    def journal(self) -> str:
        return f"journal/{self.files.list('journal')[-1]}"

    @property
    def statements(self) -> list[dict[str, Any]]:
        return [json.loads(line) for name in self.files.list("journal") for line in self.lines(f"journal/{name}")]

    def lines(self, path: str) -> list[bytes]:
        return self.files.read(path).splitlines(keepends=True)

    def everything(self) -> dict[str, bytes]:
        """Every file of archive and head copy."""
        trees = (("archive", self.files), ("head copy", self.head))
        return {f"{name}: {path}": tree.read(path) for name, tree in trees for path in walk(tree, "")}

    def audit(self) -> None:
        Audit(self.files, self.head).everything(self.told, self.index, scratch=Index(None))

    def recovers(self) -> Life:
        """Start, audit, go on."""
        life = self.live()
        self.audit()
        self.told.hear(life.run(life.check(TERMS)))
        life.operation.publish()
        self.audit()
        return life

    def is_refused(self, *words: str) -> None:
        """Start-up must refuse with exit code 4 and change nothing."""
        before, rows = self.everything(), list(self.index.dump())
        with pytest.raises(ArchiveDamaged) as caught:
            self.live()
        assert caught.value.exit_code == 4
        for word in words:
            assert word in str(caught.value)
        assert self.everything() == before
        assert list(self.index.dump()) == rows

    def of_kind(self, kind: str, event: str | None = None) -> list[dict[str, Any]]:
        return [s for s in self.statements if s["kind"] == kind and (event is None or s.get("event") == event)]


@pytest.fixture
def place() -> Place:
    return Place.new()


def tear(place: Place, cut: int = 10) -> None:
    """Take bytes off the journal's end, as no crash of ours can after a sync."""
    place.files.truncate(place.journal, place.files.size(place.journal) - cut)


# -- journal ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "torn",
    [
        b'{"at":"2026-05-12T12:00:00.000Z","ki',
        b"\0" * 4096,
        b'{"not":"a statement"}\n',
        b'{"not":"a statement"}\n{"at":"2026',
    ],
    ids=["half-a-line", "zeros", "a-line-that-is-no-statement", "that-and-half-a-line"],
)
def test_a_torn_line_above_the_newest_checkpoint_is_set_aside_and_stated(place: Place, torn: bytes) -> None:
    place.with_checks(TERMS)
    journal = place.journal
    place.files.append(journal, torn)
    place.recovers()
    digest = hashlib.sha256(torn).hexdigest()
    (stated,) = place.of_kind("recovery", "torn_tail")
    assert (stated["cut_sha256"], stated["cut_bytes"], stated["journal"]) == (digest, len(torn), journal)
    assert place.files.read(f"staging/torn-{digest}") == torn


def test_bytes_cut_off_by_a_start_that_crashed_before_stating_it_are_stated_by_the_next(place: Place) -> None:
    place.with_checks(TERMS)
    torn = b'{"half":'
    place.files.replace(f"staging/torn-{hashlib.sha256(torn).hexdigest()}", torn)
    place.recovers()
    place.live()
    (stated,) = place.of_kind("recovery", "torn_tail")
    assert stated["cut_sha256"] == hashlib.sha256(torn).hexdigest()


def test_a_torn_line_below_the_newest_checkpoint_is_damage_and_nothing_is_changed(place: Place) -> None:
    place.with_checks(TERMS)
    tear(place)
    place.is_refused("is damaged", "the checkpoint knows")


def test_a_journal_without_its_last_lines_is_damage(place: Place) -> None:
    place.with_checks(TERMS)
    last = place.lines(place.journal)[-1]
    tear(place, len(last))
    place.is_refused()


@pytest.mark.parametrize("witness", ["the head copy", "the database", "a placed snapshot"])
def test_a_torn_line_that_somebody_was_told_of_is_damage(place: Place, witness: str) -> None:
    place.with_checks(TERMS)
    place.with_checks(CUT, publish=False)
    tear(place)
    if witness != "the head copy":
        place.head.remove(place.head.list("")[0])
    if witness != "the database":
        place.index = Index(None)
    place.is_refused("is damaged", f"{witness} knows")


def test_an_altered_line_that_no_checkpoint_covers_is_damage(place: Place) -> None:
    place.with_checks(CUT, publish=False)
    data = place.files.read(place.journal)
    place.files.replace(place.journal, data.replace(b'"result":"failed"', b'"result":"stored"'))
    place.is_refused("was altered")


def test_an_altered_line_in_an_older_journal_file_is_damage_and_not_cut_off(place: Place) -> None:
    place.with_checks(CUT, publish=False)
    older = place.journal
    life = place.live(Clock(NOON + timedelta(days=1)))
    life.run(life.check(CUT))
    assert place.journal != older
    place.head.remove(place.head.list("")[0])
    place.index = Index(None)
    for snapshot in place.files.list("snapshots/2026/05/13"):
        place.files.remove(f"snapshots/2026/05/13/{snapshot}")
    data = place.files.read(older)
    place.files.replace(older, data.replace(b'"kind":"capture"', b'"kind":"another"'))
    place.is_refused("is damaged")


# -- head copy and log -----------------------------------------------------------------------------


@pytest.mark.parametrize("database", ["old", "new"])
def test_an_old_backup_put_back_is_noticed_and_cannot_fork_the_log(place: Place, database: str) -> None:
    place.with_checks(TERMS)
    old = place.copy()
    place.with_checks(NEWS)
    old.head = place.head
    if database == "new":
        old.index = place.index
    old.is_refused("an older copy was put back")


def test_an_old_backup_with_the_newest_journal_lacks_only_its_checkpoint(place: Place) -> None:
    place.with_checks(TERMS)
    old = place.files.read(CHECKPOINT)
    place.with_checks(NEWS)
    place.files.replace(CHECKPOINT, old)
    place.is_refused("an older copy was put back")


def test_a_missing_head_copy_is_warned_of_and_stated(place: Place) -> None:
    place.with_checks(TERMS)
    place.head.remove(place.head.list("")[0])
    life = place.recovers()
    assert any("head copy is missing" in warning for warning in life.operation.recovered.warnings)
    assert len(place.of_kind("recovery", "head_copy_missing")) == 1


def test_two_heads_of_one_size_with_different_roots_stop_everything(place: Place) -> None:
    place.with_checks(TERMS)
    other = place.copy()
    place.with_checks(NEWS)
    other.with_checks(NEWS)
    assert len(other.statements) == len(place.statements)
    assert other.files.read(CHECKPOINT) != place.files.read(CHECKPOINT)
    other.head = place.head
    other.is_refused("does not continue the head copy's", "two different roots")


def test_a_head_copy_that_cannot_be_read_is_not_passed_over(place: Place) -> None:
    place.with_checks(TERMS)
    place.head.replace(place.head.list("")[0], b"{}\n")
    place.is_refused("cannot be read")


def test_deleted_tiles_are_derived_again(place: Place) -> None:
    place.with_checks(TERMS)
    place.files.remove("log/tile")
    place.recovers()


def test_a_deleted_log_is_derived_again_and_its_head_taken_from_the_head_copy(place: Place) -> None:
    place.with_checks(TERMS)
    checkpoint = place.files.read(CHECKPOINT)
    place.files.remove("log")
    life = place.live()
    assert place.files.read(CHECKPOINT) == checkpoint
    assert any("log/checkpoint was missing" in warning for warning in life.operation.recovered.warnings)
    (stated,) = place.of_kind("recovery", "outside_checkpoint")
    assert stated["checkpoint_sha256"] == hashlib.sha256(checkpoint).hexdigest()
    place.recovers()


def test_a_deleted_log_without_a_head_copy_takes_its_head_from_the_stamps(place: Place) -> None:
    life = place.with_checks(TERMS)
    assert life.operation.stamp_step("forge", at_once=True) is True
    stamped = place.files.read(CHECKPOINT)
    place.with_checks(NEWS)
    place.files.remove("log")
    place.head.remove(place.head.list("")[0])
    place.live()
    assert place.files.read(CHECKPOINT) == stamped
    place.recovers()


def test_a_deleted_log_is_not_derived_from_an_altered_journal(place: Place) -> None:
    place.with_checks(CUT)
    place.files.remove("log")
    data = place.files.read(place.journal)
    place.files.replace(place.journal, data.replace(b'"result":"failed"', b'"result":"stored"'))
    place.is_refused("the journal does not lead to the root")


def test_a_deleted_database_is_made_again_row_by_row(place: Place) -> None:
    life = place.with_checks(TERMS, LARGE, DENIED)
    life.operation.stamp_step("forge", at_once=True)
    life.operation.publish()
    before = list(place.index.dump())
    place.index = Index(None)
    place.live()
    assert list(place.index.dump()) == before


def test_whole_proofs_stay_as_they_are_when_the_database_is_made_again(place: Place) -> None:
    """Invariant 7: a later checkpoint must not replace a proof that may have been handed out."""
    life = place.with_checks(TERMS)
    life.operation.stamp_step("forge", at_once=True)
    life = place.with_checks(NEWS)
    life.operation.stamp_step("forge", at_once=True)
    place.told.remember(place.files)
    assert sum(path.endswith("tlog-proof") for path in place.told.files) == 2
    place.index = Index(None)
    life = place.live()
    place.audit()
    life.operation.publish()
    life.operation.stamp_step("forge", at_once=True)
    place.audit()


# -- clock -----------------------------------------------------------------------------------------


def test_a_clock_that_went_back_is_stated_before_the_next_statement_and_the_order_kept(place: Place) -> None:
    place.with_checks(TERMS)
    number = len(place.statements)
    at = place.statements[-1]["at"]
    life = place.live(Clock(NOON - timedelta(hours=30)))
    (outcome,) = life.run(life.check(NEWS))
    step = place.statements[number]
    assert (step["kind"], step["event"], step["from"]) == ("custody", "clock_step", at)
    assert step["to"] < at
    assert outcome.capture.seq == number + 1
    assert len(place.files.list("journal")) == 1, "an earlier day begins no file"
    life.operation.publish()
    place.audit()


def test_a_clock_that_went_back_before_a_start_with_owed_work_is_stated_first(place: Place) -> None:
    life = place.with_checks(TERMS)
    life.operation.pipeline.intend([life.check(NEWS)])
    number = len(place.statements)
    place.live(Clock(NOON - timedelta(hours=1)))
    assert [s.get("event", s["kind"]) for s in place.statements[number:]] == ["clock_step", "capture", "resumed"]
    place.audit()


# -- staging ---------------------------------------------------------------------------------------


def drafts_in(place: Place) -> str:
    (name,) = [name for name in place.files.list("staging") if name.startswith(DRAFTS)]
    return f"staging/{name}"


def test_a_valid_draft_is_committed_as_stored_and_flagged_recovered(place: Place) -> None:
    life = place.live()
    check = life.check(LARGE)
    life.operation.pipeline.intend([check])
    life.operation.pipeline.make_durable([life.operation.pipeline.capture(check)])
    place.files.write(f"{check.staging}/spool-1", b"whose removal did not reach the disk")
    again = place.recovers()
    assert again.operation.recovered.committed == (check.id,)
    (capture,) = [s for s in place.of_kind("capture") if s["check"] == check.id]
    assert (capture["result"], capture["recovered"], capture["partial"]) == ("stored", True, None)
    (resumed,) = place.of_kind("recovery", "resumed")
    assert (resumed["committed"], resumed["interrupted"]) == ([check.id], [])


def test_an_intent_alone_becomes_a_failed_check_interrupted(place: Place) -> None:
    life = place.live()
    entry = WatchEntry("Example", "Terms", (TERMS,), 3600)
    life.operation.watch("added", [(None, entry)])
    (watched,) = life.archive.watched()
    check = life.operation.check_of(watched, "scheduled")
    life.operation.pipeline.intend([check])
    again = place.recovers()
    assert again.operation.recovered.interrupted == (check.id,)
    (capture,) = [s for s in place.of_kind("capture") if s["check"] == check.id]
    assert (capture["result"], capture["reason"]["code"], capture["recovered"]) == ("failed", "interrupted", True)
    assert (capture["document"], capture["trigger"]) == (watched.document, "scheduled")
    assert capture["folder"] is None
    assert capture["parts"][0]["url"] == TERMS


def test_a_staging_folder_whose_intent_never_reached_the_disk_is_removed(place: Place) -> None:
    place.files.write("staging/11111111-2222-4333-8444-555555555555/spool-1", b"")
    place.files.remove("staging/11111111-2222-4333-8444-555555555555/spool-1")
    place.recovers()
    assert not place.of_kind("recovery")


def test_a_torn_intent_asked_nothing_of_the_network(place: Place) -> None:
    place.files.write("staging/intents-11111111-2222-4333-8444-555555555555.jsonl", b'{"at":"20')
    place.recovers()
    assert not place.of_kind("recovery")
    assert not place.files.list("staging")


def test_bytes_without_an_intent_are_stated_all_the_same(place: Place) -> None:
    place.files.write("staging/11111111-2222-4333-8444-555555555555/spool-1", b"bytes from the wire")
    place.recovers()
    assert place.of_kind("capture")[0]["reason"]["code"] == "interrupted"


@pytest.mark.parametrize("left", ["half a WARC", "half a WARC and a spool", "a WARC without its draft", "a torn draft"])
def test_what_an_interrupted_check_had_written_is_sealed_with_its_digests(place: Place, left: str) -> None:
    life = place.live()
    check = life.check(TERMS)
    life.operation.pipeline.intend([check])
    life.operation.pipeline.make_durable([life.operation.pipeline.capture(check)])
    warc, draft = f"{check.staging}/capture.warc.gz", drafts_in(place)
    whole = place.files.read(warc)
    if left == "a torn draft":
        place.files.truncate(draft, 100)
    else:
        place.files.remove(draft)
    if left.startswith("half"):
        place.files.truncate(warc, len(whole) // 2)
    if left.endswith("spool"):
        place.files.write(f"{check.staging}/spool-1", b"bytes from the wire")
    kept = place.files.read(warc)
    place.recovers()
    (capture,) = [s for s in place.of_kind("capture") if s["check"] == check.id]
    sealed = {item["name"]: item["sha256"] for item in capture["partial"]}
    assert sealed["partial-capture.warc.gz"] == hashlib.sha256(kept).hexdigest()
    assert ("partial-spool-1" in sealed) == left.endswith("spool")
    assert place.files.read(f"{capture['folder']}/partial-capture.warc.gz") == kept
    assert (capture["warc"], capture["result"]) == (None, "failed")


def test_a_draft_of_other_bytes_is_not_believed(place: Place) -> None:
    life = place.live()
    check = life.check(TERMS)
    life.operation.pipeline.intend([check])
    finished = life.operation.pipeline.capture(check)
    life.operation.pipeline.make_durable([finished])
    warc = {**finished.draft["warc"], "sha256": "0" * 64}
    place.files.replace(drafts_in(place), encode_line({**finished.draft, "warc": warc}))
    place.recovers()
    (capture,) = [s for s in place.of_kind("capture") if s["check"] == check.id]
    assert capture["reason"]["code"] == "interrupted"


@pytest.mark.parametrize("dealt_with", ["finished", "sealed", "nothing had come"])
def test_what_is_written_to_a_check_that_was_recovered_already_harms_nothing(place: Place, dealt_with: str) -> None:
    """A member of a crew that lived on for a moment: its folder is the rest of a stated check, and goes."""
    life = place.live()
    check = life.check(TERMS)
    life.operation.pipeline.intend([check])
    finished = life.operation.pipeline.capture(check)
    if dealt_with == "finished":
        life.operation.pipeline.make_durable([finished])
    elif dealt_with == "nothing had come":
        place.files.remove(check.staging)
    place.recovers()
    stated, kept = len(place.statements), place.everything()
    place.files.write(f"{check.staging}/capture.warc.gz", b"late")
    place.files.write(f"{check.staging}/spool-1", b"later")
    place.live()
    assert len(place.statements) == stated
    assert place.everything() == kept
    place.recovers()


def test_a_reply_that_was_never_stated_is_dropped(place: Place) -> None:
    place.files.write("staging/stamp-0123456789abcdef0123456789abcdef/token.tsr", b"unverified")
    place.recovers()


def test_a_temporary_file_of_an_atomic_replacement_is_removed(place: Place) -> None:
    place.files.write("staging/.torn-0123.new", b"half")
    place.recovers()


# -- a full disk and failing syncs -----------------------------------------------------------------


def fill(files: MemoryFiles, left: int) -> None:
    """Leave so many bytes of space."""
    files.capacity = None
    files.capacity = (1 << 40) - files.free_bytes() + left


def test_a_disk_that_fills_up_during_the_warc_ends_the_check_as_storage_full(place: Place) -> None:
    life = place.with_checks(TERMS)
    check = life.check(NEWS)
    life.operation.pipeline.intend([check])
    fill(place.files, 300)
    finished = life.operation.pipeline.capture(check)
    assert not finished.has_folder
    (outcome,) = committed(life, [finished])
    assert (outcome.word, outcome.capture.body["reason"]["code"]) == ("failed", "storage_full")
    place.told.hear([outcome])
    assert place.of_kind("custody", "storage_full"), "the line itself did not fit without the reserve"
    place.recovers()


@pytest.mark.parametrize("verb", ["write staging", "data staging", "create staging"])
def test_a_disk_that_fills_up_at_any_file_of_a_check_ends_it_as_storage_full(place: Place, verb: str) -> None:
    def capture(life: Life) -> list[Outcome]:
        check = life.check(TERMS if verb == "write staging" else LARGE)
        life.operation.pipeline.intend([check])
        return committed(life, [life.operation.pipeline.capture(check)])

    places = numbers(place, capture, verb)
    for number in places[1:-1] if verb == "write staging" else places:  # the first are intents, the last drafts
        copy = place.copy()
        life = copy.live()
        copy.files.fault = Fault(len(copy.files.operations) + number, "refused", Full)
        (outcome,) = capture(life)
        assert outcome.capture.body["reason"]["code"] == "storage_full"
        copy.files.fault = None
        copy.recovers()


def committed(life: Life, finished: list[Any]) -> list[Outcome]:
    return [future.result() for future in life.writer.batch(finished)]


def named(place: Place, work: Callable[[Life], object]) -> list[str]:
    """The operations of some work, found by trying it on a copy."""
    copy = place.copy()
    life = copy.live()
    copy.files.operations.clear()
    work(life)
    return copy.files.operations


def numbers(place: Place, work: Callable[[Life], object], verb: str) -> list[int]:
    """Which of the operations of some work these are."""
    swept = tuple(f"remove staging/{prefix}" for prefix in (INTENTS, DRAFTS))
    return [
        number
        for number, name in enumerate(named(place, work))
        if name.startswith(verb) and not name.startswith(swept)  # whose failure changes nothing
    ]


def batch(life: Life) -> list[Outcome]:
    return life.run(life.check(TERMS), life.check(DENIED))


def test_a_full_disk_at_the_journal_releases_the_reserve_and_is_stated_with_the_batch(place: Place) -> None:
    life = place.with_checks(TERMS)
    checks = [life.check(NEWS), life.check(DENIED)]
    life.operation.pipeline.intend(checks)
    finished = [life.operation.pipeline.capture(check) for check in checks]
    number = len(place.statements)
    fill(place.files, 100)
    outcomes = committed(life, finished)
    place.told.hear(outcomes)
    assert [s["kind"] for s in place.statements[number:]] == ["capture", "assessment", "capture", "custody"]
    assert place.statements[-1]["event"] == "storage_full"
    assert not place.files.exists("reserve")
    place.files.capacity = None
    place.recovers()
    assert place.files.exists("reserve"), "made again once there is room"


@pytest.mark.parametrize("verb", ["append", "rename", "write snapshots", "remove staging"])
def test_a_full_disk_anywhere_in_a_commit_states_every_check_once(place: Place, verb: str) -> None:
    place.with_checks(TERMS)
    for number in numbers(place, batch, verb):
        copy = place.copy()
        life = copy.live()
        copy.files.fault = Fault(len(copy.files.operations) + number, "refused", Full)
        outcomes = batch(life)
        copy.told.hear(outcomes)
        assert [outcome.word for outcome in outcomes] == ["unchanged", "robots_denied"]
        assert len(copy.of_kind("custody", "storage_full")) == 1
        copy.recovers()


def test_a_full_disk_without_a_reserve_stops_and_is_recovered_at_the_next_start(place: Place) -> None:
    life = place.with_checks(TERMS)
    place.files.remove("reserve")
    check = life.check(NEWS)
    life.operation.pipeline.intend([check])
    finished = life.operation.pipeline.capture(check)
    fill(place.files, 100)
    (future,) = life.writer.batch([finished])
    assert isinstance(future.exception(), Full)
    with pytest.raises(ArchiveError, match="nothing more can be written"):
        life.writer.raise_if_fatal()
    place.files.capacity = None
    again = place.recovers()
    assert again.operation.recovered.interrupted == (check.id,)
    (capture,) = [s for s in place.of_kind("capture") if s["check"] == check.id]
    assert [item["name"] for item in capture["partial"]] == ["partial-capture.warc.gz"], "its draft did not fit"


def test_a_full_disk_while_drafts_are_written_is_stated_with_the_batch(place: Place) -> None:
    place.with_checks(TERMS)
    for number in numbers(place, batch, "write staging/drafts"):
        copy = place.copy()
        life = copy.live()
        copy.files.fault = Fault(len(copy.files.operations) + number, "refused", Full)
        outcomes = batch(life)
        copy.told.hear(outcomes)
        assert [outcome.word for outcome in outcomes] == ["unchanged", "robots_denied"]
        assert len(copy.of_kind("custody", "storage_full")) == 1
        copy.recovers()


@pytest.mark.parametrize("what", ["journal", "staging", "snapshots", "log/tile"])
def test_after_a_failed_sync_nothing_more_is_written_and_the_next_start_recovers(place: Place, what: str) -> None:
    def work(life: Life) -> None:
        batch(life)
        life.operation.publish()

    place.with_checks(TERMS)
    number = [n for n in numbers(place, work, "barrier") if what in named(place, work)[n]][-1]
    life = place.live()
    place.files.fault = Fault(len(place.files.operations) + number, "refused")
    with pytest.raises(SyncFailed):
        work(life)
    written = len(place.files.operations)
    if life.writer.fatal is not None:
        with pytest.raises(StorageError):
            life.operation.publish()
        with pytest.raises(ArchiveError, match="nothing more can be written"):
            life.writer.raise_if_fatal()
        assert len(place.files.operations) == written
    # The bytes of that sync may never reach the disk, though the next process finds them and its syncs succeed.
    place.files = place.files.after_kill()
    place.live().operation.publish()
    place.files = place.files.after_power_loss("lost")
    place.recovers()


def test_an_error_between_commit_and_acknowledgement_stops_the_writer(place: Place) -> None:
    """Else the next batch would leave a hole in the index that no start-up looks for."""
    place.with_checks(TERMS)
    (number, *_) = numbers(place, batch, "write snapshots/2026/05/12/EA-S")
    life = place.live()
    place.files.fault = Fault(len(place.files.operations) + number, "refused")
    with pytest.raises(StorageError):
        batch(life)
    with pytest.raises(StorageError):
        batch(life)
    place.recovers()


def test_threads_that_wait_for_a_commit_hear_of_the_failed_sync(place: Place) -> None:
    """The real writer's thread, with checks in flight on real threads."""
    operation = place.live().operation
    checks = [operation.pipeline.new_check([TERMS], trigger="manual") for _ in range(20)]
    with Writer(operation.pipeline) as writer:
        operation.pipeline.intend(checks)
        finished = [operation.pipeline.capture(check) for check in checks]
        place.files.fault = Fault(len(place.files.operations) + 2, "refused", SyncFailed)
        futures = [writer.finish(item) for item in finished]
        errors = [future.exception(timeout=30) for future in futures]
    assert any(isinstance(error, SyncFailed) for error in errors)
    assert all(isinstance(error, StorageError) for error in errors[-1:])
    assert writer.fatal is not None
    place.files = place.files.after_kill()
    place.recovers()
    assert len(place.of_kind("capture")) == len(checks) + 1


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)
