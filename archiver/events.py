"""What happened that people may want to hear of, told from statements: changes, clauses, failures, what waits.

Everything but an overdue timestamp comes from one statement, and has its number: told again after a crash it is the
same event with the same identifier.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from archiver.alert.interface import Event, Hunk
from archiver.archive import Archive
from archiver.errors import ArchiverError
from archiver.evidence.canonical import Json
from archiver.evidence.instant import format_instant
from archiver.provisions import life_of, marked
from archiver.standing import owed_stamps
from archiver.texts import read_lines
from archiver.watch.entry import WatchedDocument
from storage.errors import StorageError

MAX_HUNKS = 200
"""Places of a redline that an event carries; a message shows fewer."""
CLASSES_OF_WORDS = frozenset({"wording", "reversion", "variant", "extraction", "punctuation", "layout"})
_KINDS = {"=": "equal", "-": "delete", "+": "insert"}


class EventSource:
    """The events of one archive; ``failing_after`` checks that failed in a row make an event."""

    def __init__(self, archive: Archive, now: Callable[[], datetime], failing_after: int, oldest_s: float) -> None:
        self._archive = archive
        self._now = now
        self._failing_after = failing_after
        self._oldest_s = oldest_s
        self._watched: dict[str, WatchedDocument] = {}

    def since(self, seq: int) -> list[Event]:
        """Events of statements with a higher number, and every timestamp that is overdue now.

        Statements older than anyone would still wait for are left out: an archive whose database was lost must not
        read its whole history again.
        """
        self._watched = {watched.document: watched for watched in self._archive.watched(removed=True)}
        oldest = format_instant(self._now() - timedelta(seconds=self._oldest_s))
        rows = self._archive.index.rows(
            "select seq, kind from statement where seq > ? and at >= ? and kind in ('assessment', 'capture')"
            " order by seq",
            (seq, oldest),
        )
        found: list[Event] = []
        for row in rows:
            found += self._of_assessment(row["seq"]) if row["kind"] == "assessment" else self._of_capture(row["seq"])
        return found + self._overdue()

    # -- changes and quarantine --------------------------------------------------------------------

    def _of_assessment(self, seq: int) -> list[Event]:
        statement = self._archive.statement(seq)
        body = statement.body
        if body["document"] not in self._watched:
            return []
        if body["verdict"] != "passed":
            return self._quarantine(seq, body, statement.at)
        if body["change"] is None or self._passed_before(seq, body):
            return []
        before = self._compared(body)
        return [self._change(seq, body, statement.at, before), *self._provisions(seq, body, statement.at)]

    def _passed_before(self, seq: int, body: Json) -> bool:
        """Whether a capture passed before: read again by other rules it is no news; released by a person it is."""
        row = self._archive.index.row(
            "select 1 as x from assessment where capture_seq = ? and seq < ? and verdict = 'passed' limit 1",
            (body["capture_seq"], seq),
        )
        return row is not None

    def _change(self, seq: int, body: Json, at: str, before: dict[str, Any] | None) -> Event:
        capture = self._archive.statement(body["capture_seq"])
        facts = [
            ("snapshot", self._archive.snapshot_name(body["capture_seq"])),
            ("captured", capture.body["started_at"]),
            ("SHA-256 of statement.json", capture.entry_hex),
            ("SHA-256 of the text", body["text_sha256"]),
        ]
        counts = [(label, body.get(key)) for label, key in _COUNTS]
        return Event(
            **self._common(seq, body, "change", at),
            change=body["change"],
            version=body["version"],
            previous_version=body["compared_with"] if body.get("compared_with") else body["previous_version"],
            snapshot=facts[0][1],
            previous_snapshot=None if before is None else self._archive.snapshot_name(before["capture_seq"]),
            counts=tuple((label, number) for label, number in counts if number is not None),
            publisher_dates=tuple((d["text"], d["value"] or "") for d in body.get("publisher_dates", ())),
            silent_edit=bool(body.get("silent_edit")),
            held=body["outcome"] == "varying",
            hunks=self._hunks(body, before),
            facts=tuple(facts),
        )

    def _common(self, seq: int, body: Json, kind: str, at: str, suffix: str = "") -> dict[str, Any]:
        watched = self._watched[body["document"]]
        return {
            "id": f"{self._archive.prefix}-E-{seq:08d}{suffix}@{self._archive.origin}",
            "kind": kind,
            "at": at,
            "seq": seq,
            "document": watched.document,
            "entity": watched.entry.entity,
            "title": watched.entry.title,
            "url": watched.entry.urls[0],
        }

    def _compared(self, body: Json) -> dict[str, Any] | None:
        """The assessment with whose text this one was compared."""
        version = body.get("compared_with") or body["previous_version"]
        if version is None:
            return None
        return self._archive.index.row(
            "select seq, capture_seq, text_sha256 from assessment where document = ? and normaliser = ? and version = ?"
            " and text_sha256 is not null order by seq limit 1",
            (body["document"], body["normaliser"], version),
        )

    def _hunks(self, body: Json, before: dict[str, Any] | None) -> tuple[Hunk, ...]:
        from archiver.watch.diff import hunks

        if before is None or body["change"] not in CLASSES_OF_WORDS or body.get("links_sha256") is None:
            return ()
        signs = {word: sign for sign, word in _KINDS.items()}
        try:
            old = read_lines(self._archive.files, before["text_sha256"].hex())
            new = read_lines(self._archive.files, body["text_sha256"])
        except (StorageError, ArchiverError):
            return ()  # the change is told all the same; verify --all says what is missing
        return tuple(
            (
                "changed" if hunk.kind == "replaced" else hunk.kind,
                hunk.old,
                hunk.new,
                tuple((signs[word.op], word.text) for word in hunk.words),
            )
            for hunk in hunks(old, new)[:MAX_HUNKS]
        )

    def _provisions(self, seq: int, body: Json, at: str) -> list[Event]:
        """Clauses of the document whose words are not the same in the two versions."""
        if body["change"] not in CLASSES_OF_WORDS or body.get("compared_with") is None:
            return []
        events = []
        for item in marked(self._archive, body["document"]):
            try:
                wordings = {w.version: w for w in life_of(self._archive, item).wordings}
            except ArchiverError:
                continue  # its text cannot be read now; provision show says why
            old, new = wordings.get(body["compared_with"]), wordings.get(body["version"])
            if old is None or new is None or old.key == new.key:
                continue
            hunk: Hunk = ("changed", old.exact or "", new.exact or "", ())
            events.append(
                Event(
                    **self._common(seq, body, "provision", at, f"-{item['provision']}"),
                    change=new.state,
                    version=body["version"],
                    previous_version=body["compared_with"],
                    snapshot=self._archive.snapshot_name(body["capture_seq"]),
                    previous_snapshot=old.snapshot,
                    provision=item["provision"],
                    held=body["outcome"] == "varying",
                    hunks=(hunk,),
                    facts=(("clause", item["title"] or item["exact"]), ("state", f"{old.state} -> {new.state}")),
                )
            )
        return events

    def _quarantine(self, seq: int, body: Json, at: str) -> list[Event]:
        """Only the first of a row of snapshots held back for the same reason."""
        row = self._archive.index.row(
            "select verdict, reason_code from assessment where document = ? and seq < ? order by seq desc limit 1",
            (body["document"], seq),
        )
        if row is not None and (row["verdict"], row["reason_code"]) == (body["verdict"], body.get("reason_code")):
            return []
        name = self._archive.snapshot_name(body["capture_seq"])
        return [
            Event(
                **self._common(seq, body, "quarantine", at),
                change=body.get("reason_code"),
                snapshot=name,
                facts=(("reason", str(body["reason"])), ("decide", f"archiver quarantine release {name}, or confirm")),
            )
        ]

    # -- failures and stamps -----------------------------------------------------------------------

    def _of_capture(self, seq: int) -> list[Event]:
        """A document that failed so many times in a row, told once a row."""
        row = self._archive.index.row("select document, result from capture where seq = ?", (seq,))
        if row is None or row["document"] not in self._watched or row["result"] not in ("failed", "blocked"):
            return []
        last = self._archive.index.rows(
            "select result, reason, detail from capture where document = ? and seq <= ? order by seq desc limit ?",
            (row["document"], seq, self._failing_after + 1),
        )
        failed = [item["result"] in ("failed", "blocked") for item in last]
        if failed != [True] * self._failing_after + [False] and failed != [True] * self._failing_after:
            return []
        statement = self._archive.statement(seq)
        return [
            Event(
                **self._common(seq, statement.body, "failing", statement.at),
                facts=(
                    ("reason", f"{last[0]['reason']}: {last[0]['detail']}"),
                    ("failed checks in a row", str(self._failing_after)),
                ),
            )
        ]

    def _overdue(self) -> list[Event]:
        return [
            Event(
                id=f"{self._archive.prefix}-E-{item['subject']}-{item['authority']}-{item['since']}@{self._archive.origin}",
                kind="stamp_overdue",
                at=item["since"],
                seq=None,
                document=None,
                entity="",
                title=f"{'timestamp' if item['kind'] == 'token' else 'cosignature'} of {item['authority']}",
                url="",
                facts=(
                    ("subject", item["subject"]),
                    ("failed tries", str(item["attempts"])),
                    ("reason", item["error"] or "not asked for yet"),
                ),
            )
            for item in owed_stamps(self._archive, self._now())
            if item["overdue"]
        ]


_COUNTS = (("words added", "words_added"), ("words removed", "words_removed"))
