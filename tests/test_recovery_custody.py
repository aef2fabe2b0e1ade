"""Disposals that a crash, a backup or somebody else came between: one named case at a time."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from archiver import drafting
from archiver.acts import perform
from archiver.archive import Archive
from archiver.audit import Audit
from archiver.citing import citation_record
from archiver.custody import events_of
from archiver.dossier import dossier_of
from archiver.errors import ArchiveDamaged, Disposed, NotCheckable, UsageError
from archiver.evidence.citation_custody import referring_to
from archiver.evidence.exchange import Visit
from archiver.ledger import Maker
from archiver.watch.entry import WatchEntry
from storage.memory import Fault, PowerLoss
from tests.invariants import walk
from tests.simulators.scripted import NOON, Life
from tests.test_recovery import NEWS, TERMS, Place

POLICY = "http://a.example/policy"
WHY = {"by": "A. Clerk", "reason": "the time is over"}


@pytest.fixture
def place() -> Place:
    return Place.new()


def watched(place: Place) -> tuple[Life, str]:
    """A document with one snapshot, published."""
    life = place.live()
    life.operation.watch("added", [(None, WatchEntry("Example", "Terms", (POLICY,), 3600))])
    (document,) = life.archive.watched()
    (outcome,) = life.run(life.operation.check_of(document, "manual"))
    life.operation.publish()
    return life, str(outcome.capture.body["snapshot"])


def dispose(life: Life, *snapshots: str) -> dict[str, Any]:
    return perform(life.operation, "dispose", {"snapshots": list(snapshots), **WHY})


def content(place: Place, made: dict[str, Any]) -> list[str]:
    return [item["path"] for item in made["files"] if place.files.exists(item["path"])]


def verdict(archive: Archive, snapshot: str) -> str:
    return Audit(archive).snapshot(snapshot).verdict


def test_a_start_finishes_what_a_crash_left(place: Place) -> None:
    life, snapshot = watched(place)
    place.files.operations.clear()
    clean = place.copy()
    made = dispose(life, snapshot)
    first = next(n for n, name in enumerate(place.files.operations) if name.startswith("remove snapshots/"))
    assert len(made["files"]) == 4 and content(place, made) == []
    for step in range(first, first + len(made["files"]) + 1):
        again = clean.copy()
        life = again.live()
        again.files.operations.clear()
        again.files.fault = Fault(step, "crash_before")
        with pytest.raises(PowerLoss):
            dispose(life, snapshot)
        again.files.fault = None
        left = again.copy()
        stated = left.of_kind("custody", "disposal")
        assert len(stated) == 1, "stated first"
        if step <= first:
            assert len(content(left, stated[0])) == 4
        left.told = again.told
        after = left.live()
        assert content(left, stated[0]) == [] and after.operation.recovered.warnings == ()
        left.audit()
        assert verdict(after.archive, snapshot) == "disposed"
        assert after.archive.index.row("select 1 as x from wording") is None


def test_what_came_back_is_named_and_deleted(place: Place) -> None:
    life, snapshot = watched(place)
    saved = {path: place.files.read(path) for path in _content_of(place)}
    dispose(life, snapshot)
    life.operation.publish()
    for path, data in saved.items():
        place.files.write(path, data)
    report = Audit(life.archive).snapshot(snapshot)
    assert report.verdict == "fail" and "is there, although it was disposed of" in report.checks[1].detail
    life = place.live()
    (warning,) = life.operation.recovered.warnings
    assert warning.startswith("what was disposed of lay there again and was deleted: ")
    assert not [path for path in saved if place.files.exists(path)]
    assert verdict(life.archive, snapshot) == "disposed"
    place.audit()
    assert place.live().operation.recovered.warnings == ()


def test_a_text_that_nobody_stated_goes_too(place: Place) -> None:
    """A crash left it between writing and commit: what it holds is of the snapshot, and no statement can name it."""
    life, snapshot = watched(place)
    kept = set(walk(place.files, "texts"))
    digest = hashlib.sha256(b"Words of the page, by rules that were never stated.\n").hexdigest()
    left = [f"texts/{digest[:2]}/{digest}.{kind}" for kind in ("txt", "salt", "links")]
    for path in left:
        place.files.write(path, b"Words of the page, by rules that were never stated.\n")
    other = place.copy()
    dispose(life, snapshot)
    assert list(walk(place.files, "texts")) == []
    place.audit()
    # Of a document with another snapshot nothing is touched that is stated; a start finishes what a crash left.
    life = other.live()
    other.files.operations.clear()
    life.run(life.check("http://a.example/news"))
    life.operation.publish()
    (bare,) = [b["snapshot"] for b in other.of_kind("capture") if b["document"] is None]
    clean = other.copy()
    dispose(life, str(bare))
    assert set(walk(other.files, "texts")) == kept
    other.audit()
    life = clean.live()
    clean.files.operations.clear()
    crashing = clean.copy()
    dispose(life, str(bare))
    first = next(n for n, name in enumerate(clean.files.operations) if name.startswith("remove texts/"))
    life = crashing.live()
    crashing.files.operations.clear()
    crashing.files.fault = Fault(first, "crash_before")
    with pytest.raises(PowerLoss):
        dispose(life, str(bare))
    crashing.files.fault = None
    after = crashing.copy()
    assert set(walk(after.files, "texts")) != kept
    after.live()
    assert set(walk(after.files, "texts")) == kept


def _content_of(place: Place) -> list[str]:
    (capture,) = place.of_kind("capture")
    return [f"{capture['folder']}/capture.warc.gz", *walk(place.files, "texts")]


@pytest.mark.parametrize(
    "path",
    [
        "keys/log.pub.pem",
        "snapshots/2026/05/12/{}/statement.json",
        "snapshots/2026/05/12/EA-S-00000001/capture.warc.gz",
        "journal/../snapshots/{}/capture.warc.gz",
        "texts/aa/{}.txt",
        f"imported/aa/{'a' * 64}.warc.gz",
    ],
)
def test_a_line_that_was_put_in_deletes_nothing_else(place: Place, path: str) -> None:
    """Above the checkpoint nothing is sealed: whoever writes into the journal there must not delete through us."""
    life, snapshot = watched(place)
    folder = life.archive.statement(int(snapshot[-8:])).body["folder"]
    named = path.format(folder.rpartition("/")[2])
    body: dict[str, Any] = {"event": "disposal", "premis": "deletion", "subjects": [snapshot], "kept": [], **WHY}
    body["files"] = [{"path": named, "bytes": 1, "sha256": "0" * 64}]
    maker: Maker = lambda _seq, _sealed: ("custody", dict(body))  # noqa: E731
    life.operation.pipeline.ledger.commit([maker])
    before = place.everything()
    with pytest.raises(ArchiveDamaged, match="which is no content of its subjects"):
        place.live()
    assert place.everything() == before


def test_a_check_under_way_keeps_its_referent(place: Place) -> None:
    life = place.with_checks(TERMS)
    snapshot = str(place.of_kind("capture")[0]["snapshot"])
    check = life.check(TERMS)
    life.operation.pipeline.intend([check])
    finished = life.operation.pipeline.capture(check)
    with pytest.raises(NotCheckable, match="is under way"):
        dispose(life, snapshot)
    other = life.check(NEWS)
    life.operation.pipeline.intend([other])
    for future in life.writer.batch([finished]):
        place.told.hear([future.result()])
    with pytest.raises(UsageError, match="refers to the body"):
        dispose(life, snapshot)


def test_a_check_that_a_redirect_led_to_what_is_gone_is_made_again(place: Place) -> None:
    """Nobody could know that it would come there: it fails, visibly, and the next one keeps the body in full."""
    life = place.with_checks(TERMS)
    snapshot = str(place.of_kind("capture")[0]["snapshot"])
    visit = life.capturer.visit
    moved = "http://a.example/moved"

    def led(url: str, **rest: Any) -> Visit:
        found = visit(TERMS, **rest)
        return replace(found, url=url, final_url=TERMS)

    life.capturer.visit = led  # type: ignore[method-assign]
    check = life.check(moved)
    life.operation.pipeline.intend([check])
    finished = life.operation.pipeline.capture(check)
    assert referring_to(finished.draft), "it chose to refer to the body that is about to go"
    dispose(life, snapshot)
    (future,) = life.writer.batch([finished])
    body = future.result().capture.body
    assert (body["result"], body["reason"]["code"]) == ("failed", "interrupted")
    assert f"{snapshot}, which had the same body, was disposed of" in body["reason"]["detail"]
    (outcome,) = life.run(life.check(moved))
    assert outcome.capture.body["result"] == "stored" and not referring_to(outcome.capture.body)
    life.operation.publish()
    place.audit()
    assert verdict(life.archive, str(outcome.capture.body["snapshot"])) != "fail"


def test_a_body_that_is_gone_is_said_to_be_gone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As former software could leave it: the snapshot that refers is open, never silently whole."""
    life = place.with_checks(TERMS)
    snapshot = str(place.of_kind("capture")[0]["snapshot"])
    finished = life.operation.pipeline.capture(life.check(TERMS))  # begun by nobody: the archive does not know of it
    dispose(life, snapshot)
    monkeypatch.setattr(drafting, "referring_to", lambda draft: ())  # which did not look
    (future,) = life.writer.batch([finished])
    monkeypatch.undo()
    later = str(future.result().capture.body["snapshot"])
    life.operation.publish()
    assert verdict(life.archive, later) == "incomplete"
    record = citation_record(life.archive, later, NOON)
    (event,) = record["custody"]
    assert (event["event"], event["concerns"]) == ("disposal", [snapshot])
    lay = f"MUST 13: A body that this snapshot refers to lay in {snapshot}"
    assert any(gap.startswith(lay) for gap in record["gaps"])
    with pytest.raises(Disposed, match=snapshot):
        dossier_of(life.archive, later, NOON)
    assert [e["concerns"] for e in events_of(life.archive, later)["events"]] == [[snapshot], [later]]
    # The next check keeps the body in full: nothing refers to what is gone.
    (outcome,) = life.run(life.check(TERMS))
    assert not any(x["revisit"] for part in outcome.capture.body["parts"] for x in part["exchanges"])


def test_a_rebuild_over_a_disposal_that_was_not_carried_out(place: Place) -> None:
    life, snapshot = watched(place)
    place.files.operations.clear()
    clean = place.copy()
    dispose(life, snapshot)
    first = next(n for n, name in enumerate(place.files.operations) if name.startswith("remove snapshots/"))
    again = clean.copy()
    life = again.live()
    again.files.operations.clear()
    again.files.fault = Fault(first, "crash_before")
    with pytest.raises(PowerLoss):
        dispose(life, snapshot)
    again.files.fault = None
    left = again.copy()
    left.index.load(_empty())
    life = left.live()
    left.audit()
    assert verdict(life.archive, snapshot) == "disposed"
    assert json.loads(left.lines(left.journal)[-1])["event"] == "disposal"


def test_a_database_from_before_a_disposal_catches_up(place: Place) -> None:
    """It knows the text: what goes and comes back in the lines that it lacks must not be taken for known."""
    life, snapshot = watched(place)
    before = place.index.image()
    dispose(life, snapshot)
    (document,) = life.archive.watched()
    life.capturer.visits.clear()
    (outcome,) = life.run(life.operation.check_of(document, "manual"))
    assert outcome.assessment is not None and outcome.assessment.body["version"] == 1, "the same wording again"
    life.operation.publish()
    after = list(place.index.dump())
    place.index.load(before)
    place.live()
    assert list(place.index.dump()) == after
    place.audit()


def _empty() -> bytes:
    from storage.index import Index

    index = Index(None)
    try:
        return index.image()
    finally:
        index.close()
