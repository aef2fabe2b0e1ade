"""What must always hold (docs/format.md), each as a test of its own name: it holds, and the auditor sees when not.

Crashes are enumerated in ``test_faults``, real kills in ``test_crash``; both rely on this auditor.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import pytest

from archiver.acts import perform
from archiver.decisions import waiting
from archiver.evidence.checkpoint import Checkpoint, sign_checkpoint
from archiver.headcopy import Head, HeadCopy
from archiver.signing import LogKey
from archiver.watch.entry import WatchEntry
from storage.index import Index
from storage.memory import MemoryFiles
from tests.invariants import Audit, Told, head_copy_knows_what_was_acknowledged, walk
from tests.simulators.scripted import ORIGIN, live, make

POLICY = "http://a.example/policy"
"""Watched: three wordings, and an answer that was held back and released."""
FIRST = "snapshots/2026/05/12/EA-S-00000001"
"""A stored capture with a proof and a token."""


@cache
def key() -> LogKey:
    return LogKey.generate(ORIGIN)


@cache
def _made() -> tuple[MemoryFiles, MemoryFiles, bytes, Told]:
    files, head, index, told = MemoryFiles(), MemoryFiles(), Index(None), Told()
    make(files, head, index, key())
    life = live(files, head, index, key(), 1)
    check = life.check("http://a.example/terms")
    told.intents.add(check.id)
    told.hear(life.run(check, life.check("http://a.example/denied")))
    life.operation.publish()
    life.operation.stamp_step("forge", at_once=True)
    life.operation.publish()
    life.operation.watch("added", [(None, WatchEntry("Example", "Terms", (POLICY,), 3600))])
    (watched,) = life.archive.watched()
    for _ in range(4):
        told.hear(life.run(life.operation.check_of(watched, "manual")))
    (held,) = waiting(life.archive)
    values = {"event": "released", "snapshots": [held["snapshot"]], "by": "A. Analyst"}
    perform(life.operation, "decide", values)
    life.operation.publish()
    told.remember(files)
    return files, head, index.image(), told


class Archive:
    """A sound archive to spoil."""

    def __init__(self) -> None:
        files, head, image, told = _made()
        self.files, self.head = files.after_kill(), head.after_kill()
        self.told = Told(dict(told.entries), set(told.checkpoints), set(told.intents), dict(told.files))
        self.index = Index(None)
        self.index.load(image)
        self.journal = f"journal/{self.files.list('journal')[0]}"

    def audit(self) -> Audit:
        return Audit(self.files, self.head)

    def change(self, path: str, old: bytes, new: bytes) -> None:
        data = self.files.read(path)
        assert old in data
        self.files.replace(path, data.replace(old, new, 1))

    def text(self, kind: str) -> str:
        """Path of a text, a salt or a list of links of an assessment."""
        return next(path for path in walk(self.files, "texts") if path.endswith(f".{kind}"))

    def sign(self, size: int, root: bytes) -> None:
        checkpoint = Checkpoint(ORIGIN, size, root)
        self.files.replace("log/checkpoint", sign_checkpoint(checkpoint, key().verifier, key().sign))


@pytest.fixture
def archive() -> Archive:
    return Archive()


def test_everything_holds(archive: Archive) -> None:
    archive.audit().everything(archive.told, archive.index, scratch=Index(None))
    head_copy_knows_what_was_acknowledged(archive.head, archive.told)


def noticed(archive: Archive, check: Callable[[Audit], object], spoil: Callable[[Archive], object], why: str) -> None:
    check(archive.audit())
    spoil(archive)
    with pytest.raises(AssertionError, match=why):
        check(archive.audit())


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda a: a.change(f"{FIRST}/capture.warc.gz", b"\x1f\x8b", b"\x1f\x8c"), "WARC"),
        (lambda a: a.change(f"{FIRST}/statement.json", b"{", b"{ "), "is not its line"),
        (lambda a: a.files.write(f"{FIRST}/draft.json", b"{}\n"), "draft.json"),
        (lambda a: a.change("stamps/4/forge.chain.pem", b"A", b"B"), "chain.pem"),
        (lambda a: a.change(a.text("txt"), b"e", b"E"), "is not the text of"),
        (lambda a: a.files.replace(a.text("salt"), bytes(range(32))), "does not lead to the root"),
        (lambda a: a.files.replace(a.text("salt"), bytes(32)), "is torn"),
        (lambda a: a.change(a.text("links"), b"h", b"H"), "the links of"),
    ],
    ids="other-warc other-statement stranger other-chain other-text other-salt torn-salt other-links".split(),
)
def test_1_a_statement_names_only_bytes_that_are_durable(
    archive: Archive, spoil: Callable[[Archive], object], why: str
) -> None:
    noticed(archive, Audit.a_statement_names_only_bytes_that_are_there, spoil, why)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda a: a.sign(len(a.audit().lines) + 1, bytes(32)), "covers"),
        (lambda a: a.sign(len(a.audit().lines), bytes(32)), "is not that of the journal"),
        (lambda a: a.change(a.journal, b'"attended":false', b'"attended":true'), "is not that of the journal"),
    ],
    ids=["too-many", "another-root", "altered-line"],
)
def test_2_a_checkpoint_covers_only_statements_that_are_durable(
    archive: Archive, spoil: Callable[[Archive], object], why: str
) -> None:
    noticed(archive, Audit.a_checkpoint_covers_only_statements_that_are_there, spoil, why)


def test_2_the_tiles_are_those_of_the_journal(archive: Archive) -> None:
    tile = f"log/tile/0/000.p/{archive.audit().size}"
    noticed(
        archive,
        Audit.the_tiles_are_those_of_the_journal,
        lambda a: a.files.replace(tile, bytes(len(a.files.read(tile)))),
        "log/tile",
    )


def test_3_a_timestamp_counts_only_when_verified_and_stated(archive: Archive) -> None:
    noticed(
        archive,
        Audit.a_timestamp_counts_only_when_stated_and_verified,
        lambda a: a.files.write("stamps/5/other.tsr", b"never verified"),
        "is not stated",
    )


def test_4_every_row_comes_from_statements_and_files(archive: Archive) -> None:
    noticed(
        archive,
        lambda audit: audit.every_row_comes_from_statements_and_files(archive.index, Index(None)),
        lambda a: a.index.apply([("digest", {"sha256": bytes(32), "object": "warc", "seq": 1})]),
        "rows, a rebuild has",
    )


@pytest.mark.parametrize("command", ["'delete', 1", "null, 99"], ids=["word-lost", "word-too-many"])
def test_4_a_search_finds_what_it_finds_after_a_rebuild(archive: Archive, command: str) -> None:
    line = archive.index.rows("select line from passage where id = 1")[0]["line"]
    sql = f"insert into passage_search (passage_search, rowid, line) values ({command}, ?)"
    noticed(
        archive,
        lambda audit: audit.every_row_comes_from_statements_and_files(archive.index, Index(None)),
        lambda a: a.index.run(sql, (line,)),
        "does not fit its passages",
    )


def test_4_every_wording_has_one_number(archive: Archive) -> None:
    noticed(
        archive,
        Audit.every_wording_has_one_number,
        lambda a: a.change(a.journal, b'"version":2', b'"version":3'),
        "says version 3, it is 2",
    )


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda a: a.told.entries.update({999: "00"}), "is gone"),
        (lambda a: a.told.entries.update({1: "00"}), "is another now"),
        (lambda a: _head(a).write(Head(999, None)), "ahead of the journal"),
        (lambda a: _head(a).write(Head(0, _other_root())), "two heads of size 2"),
        (lambda a: a.told.checkpoints.add(_other_root()), "two heads of size 2"),
    ],
    ids=["lost", "renumbered", "head-copy-ahead", "head-copy-of-another-history", "fork"],
)
def test_5_the_log_never_shrinks_and_has_one_history(
    archive: Archive, spoil: Callable[[Archive], object], why: str
) -> None:
    noticed(archive, lambda audit: audit.the_log_never_shrinks(archive.told), spoil, why)


def _head(archive: Archive) -> HeadCopy:
    return HeadCopy(archive.head, key().verifier.vkey, ORIGIN)


def _other_root() -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, 2, bytes(32)), key().verifier, key().sign)


def test_5_nothing_is_acknowledged_before_the_head_copy_knows_it(archive: Archive) -> None:
    archive.told.entries[max(archive.told.entries) + 99] = "00"
    with pytest.raises(AssertionError, match="was acknowledged, the head copy knows"):
        head_copy_knows_what_was_acknowledged(archive.head, archive.told)


def test_5_a_clock_that_went_back_is_stated(archive: Archive) -> None:
    at = json.loads(archive.files.read(archive.journal).splitlines()[2])["at"].encode()
    noticed(
        archive,
        Audit.a_clock_that_went_back_is_stated,
        lambda a: a.change(a.journal, b'"at":"' + at, b'"at":"2020' + at[4:]),
        "older than the one before",
    )


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda a: a.told.intents.add("some-check"), "never stated"),
        (lambda a: a.files.write("staging/some-check/intent.json", b""), "is forgotten"),
        (lambda a: a.files.write("staging/torn-00", b""), "was cut off and never stated"),
        (lambda a: a.files.write(f"{FIRST}9/capture.warc.gz", b""), "folders without statement"),
        (lambda a: a.files.write("texts/ab/notes", b""), "no texts"),
        (lambda a: a.change(a.journal, b'"decision_seq":1', b'"decision_seq":2'), "was not carried out"),
        (lambda a: a.change(a.journal, b'"kind":"assessment"', b'"kind":"assessmenT"'), "stored and not assessed"),
    ],
    ids="intent staging cut folder stranger-among-texts decision assessment".split(),
)
def test_6_nothing_is_skipped_silently(archive: Archive, spoil: Callable[[Archive], object], why: str) -> None:
    noticed(archive, lambda audit: audit.nothing_is_skipped_silently(archive.told), spoil, why)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda a: a.files.remove(f"{FIRST}/statement.tlog-proof"), "is gone"),
        (lambda a: a.change(f"{FIRST}/statement.tlog-proof", b"index", b"Index"), "was changed"),
    ],
    ids=["gone", "changed"],
)
def test_7_stored_files_are_immutable(archive: Archive, spoil: Callable[[Archive], object], why: str) -> None:
    noticed(archive, lambda audit: audit.stored_files_are_immutable(archive.told), spoil, why)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'"seq":2,', b'"seq":3,', "line 2 says 3"),
        (b'{"', b'{ "', "not canonical"),
        (b'"attended":false', b'"attended": false', "not canonical"),
    ],
)
def test_the_sequence_has_no_gaps_and_every_line_is_canonical(
    archive: Archive, old: bytes, new: bytes, why: str
) -> None:
    noticed(
        archive,
        Audit.sequence_has_no_gaps_and_every_line_is_canonical,
        lambda a: a.change(a.journal, old, new),
        why,
    )
