"""Numbered, append-only steps that bring ``archive.db`` to the newest schema; ``PRAGMA user_version`` counts them.

Projection tables hold what statements say and are guarded against update and delete. The guards stop slips;
they are not evidence, the log is. Operational tables may be lost at any time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

PROJECTION = tuple(
    "statement url capture digest full_copy assessment stamp watch_entry wording passage wording_passage decision"
    " provision annotation absence hold disposed cosignature revocation".split()
)
OPERATIONAL = ("schedule", "outbox", "delivery", "outside_copy", "meta")


def _guard(connection: sqlite3.Connection, table: str) -> None:
    for action in ("update", "delete"):
        connection.execute(
            f"create trigger {table}_no_{action} before {action} on {table} begin"
            f" select raise(abort, 'rows of {table} come from statements: rebuild instead of {action}'); end"
        )


def _first(connection: sqlite3.Connection) -> None:
    import sqlite_utils

    db = sqlite_utils.Database(connection)

    def table(name: str, columns: dict[str, type], pk: str | tuple[str, ...], required: set[str]) -> None:
        db.create_table(name, columns, pk=pk, not_null=required, strict=True)

    table(
        "statement",
        {"seq": int, "kind": str, "at": str, "entry": bytes, "segment": str, "offset": int, "length": int},
        "seq",
        {"kind", "at", "entry", "segment", "offset", "length"},
    )
    table("url", {"id": int, "url": str}, "id", {"url"})
    db.table("url").create_index(["url"], unique=True)
    table(
        "capture",
        {
            "seq": int,
            "check_id": str,
            "document": str,
            "url_id": int,
            "final_url_id": int,
            "result": str,
            "reason": str,
            "detail": str,
            "trigger": str,
            "started_at": str,
            "ended_at": str,
            "status": int,
            "folder": str,
            "warc_bytes": int,
            "warc_sha256": bytes,
            "payload_sha256": bytes,
            "content_sha256": bytes,
            "content_bytes": int,
            "tls_verdict": str,
        },
        "seq",
        {"check_id", "result", "trigger", "started_at", "ended_at"},
    )
    db.table("capture").create_index(["check_id"], unique=True)
    db.table("capture").create_index(["document", "seq"])
    db.table("capture").create_index(["url_id", "seq"])
    db.table("capture").create_index(["started_at"])
    connection.execute(
        "create table digest (sha256 blob not null, object text not null, seq integer not null,"
        " primary key (sha256, object, seq)) strict, without rowid"
    )
    table(
        "full_copy",
        {"payload_sha256": bytes, "url_id": int, "seq": int, "record": str, "date": str},
        ("payload_sha256", "url_id", "seq"),
        {"record", "date"},
    )
    table(
        "assessment",
        {
            "seq": int,
            "capture_seq": int,
            "document": str,
            "normaliser": str,
            "verdict": str,
            "reason": str,
            "text_sha256": bytes,
            "version": int,
            "change": str,
            "previous_version": int,
            "outcome": str,
        },
        "seq",
        {"capture_seq", "normaliser", "verdict", "outcome"},
    )
    db.table("assessment").create_index(["capture_seq"])
    db.table("assessment").create_index(["document", "seq"])
    table(
        "stamp",
        {
            "seq": int,
            "event": str,
            "subject": str,
            "size": int,
            "subject_seq": int,
            "subject_sha256": bytes,
            "authority": str,
            "gen_time": str,
            "serial": str,
            "token_sha256": bytes,
            "token": bytes,
            "path": str,
        },
        "seq",
        {"event"},
    )
    db.table("stamp").create_index(["subject", "size"])
    db.table("stamp").create_index(["subject_seq"])
    table(
        "watch_entry",
        {"seq": int, "document": str, "event": str, "entity": str, "title": str, "entry": str},
        "seq",
        {"document", "event", "entry"},
    )
    db.table("watch_entry").create_index(["document", "seq"])
    table("schedule", {"document": str, "next_check": float, "failures": int}, "document", {"next_check", "failures"})
    table(
        "outbox",
        {"subject": str, "authority": str, "since": float, "attempts": int, "next_try": float, "error": str},
        ("subject", "authority"),
        {"since", "attempts", "next_try"},
    )
    table("meta", {"key": str, "value": str}, "key", {"value"})
    for name in "statement url capture digest full_copy assessment stamp watch_entry".split():
        _guard(connection, name)


def _wordings(connection: sqlite3.Connection) -> None:
    """Texts as passages, each kept and indexed for search once, however many versions hold it; new kinds of rows."""
    import sqlite_utils

    for column in (
        "reason_code text, language text, decision_seq integer, supersedes integer, compared_with integer,"
        " words_added integer, words_removed integer, silent_edit integer, links_sha256 blob, rules_sha256 blob,"
        " text_lines_root blob"
    ).split(", "):
        connection.execute(f"alter table assessment add column {column.strip()}")
    connection.execute("create index assessment_text on assessment (text_sha256)")
    connection.execute("create index assessment_links on assessment (links_sha256)")
    db = sqlite_utils.Database(connection)

    def table(name: str, columns: dict[str, type], required: str, pk: str = "seq") -> None:
        db.create_table(name, columns, pk=pk, not_null=set(required.split()), strict=True)

    table("wording", {"id": int, "text_sha256": bytes, "lines": int, "words": int}, "text_sha256 lines words", "id")
    db.table("wording").create_index(["text_sha256"], unique=True)
    table("passage", {"id": int, "sha256": bytes, "line": str}, "sha256 line", "id")
    db.table("passage").create_index(["sha256"], unique=True)
    connection.execute(
        "create table wording_passage (wording_id integer not null, place integer not null, passage_id integer not"
        " null, primary key (wording_id, place)) strict, without rowid"
    )
    connection.execute("create index passage_wording on wording_passage (passage_id, wording_id)")
    connection.execute(
        "create virtual table passage_search using fts5(line, content='passage', content_rowid='id',"
        " tokenize='unicode61 remove_diacritics 2')"
    )
    connection.execute(
        "create trigger passage_indexed after insert on passage begin"
        " insert into passage_search (rowid, line) values (new.id, new.line); end"
    )
    table(
        "decision",
        {"seq": int, "event": str, "capture_seq": int, "assessment_seq": int, "by_name": str, "reason": str},
        "event capture_seq assessment_seq by_name",
    )
    db.table("decision").create_index(["capture_seq"])
    texts = dict.fromkeys("exact prefix suffix title by_name normaliser".split(), str)
    numbers = dict.fromkeys("capture_seq version start_at end_at".split(), int)
    table(
        "provision",
        {"seq": int, "event": str, "provision": str, "document": str, **texts, **numbers},
        "event provision document exact prefix suffix",
    )
    db.table("provision").create_index(["document", "seq"])
    texts = dict.fromkeys(
        "event subject by_name severity confidence category regulation jurisdiction effective_date text".split(), str
    )
    table(
        "annotation",
        {"seq": int, "annotation": str, "revision": int, "version": int, **texts},
        "annotation revision event subject by_name",
    )
    db.table("annotation").create_index(["subject", "seq"])
    numbers = dict.fromkeys("unchanged version checks full_bodies not_modified largest_gap_s".split(), int)
    table(
        "absence",
        {"seq": int, "document": str, "from_at": str, "to_at": str, **numbers},
        "document from_at to_at unchanged checks",
    )
    for name in ("wording", "passage", "wording_passage", "decision", "provision", "annotation", "absence"):
        _guard(connection, name)


def _deliveries(connection: sqlite3.Connection) -> None:
    """The outbox of alerts: one row for each message owed to a channel; ``sent_at`` only after it was delivered."""
    connection.execute(
        "create table delivery (id text not null, channel text not null, since real not null,"
        " attempts integer not null, next_try real, error text, sent_at real, digest text,"
        " primary key (id, channel)) strict"
    )
    connection.execute("create index delivery_unsent on delivery (channel, next_try) where sent_at is null")


def _outside_copies(connection: sqlite3.Connection) -> None:
    """The outbox of copies that web archives of other people are asked for: one row for each address and archive."""
    connection.execute(
        "create table outside_copy (seq integer not null, part integer not null, archive text not null,"
        " since real not null, attempts integer not null, next_try real, error text, state text, by_name text,"
        " primary key (seq, part, archive)) strict"
    )


def _custody(connection: sqlite3.Connection) -> None:
    """Holds, and what was disposed of: the one reason for which rows of texts may go.

    ``disposed.capture_seq`` is the number of a capture, or of the statement that took in an imported file.
    """
    import sqlite_utils

    db = sqlite_utils.Database(connection)
    columns = {"seq": int, "hold": str, "subject": str, "event": str}
    db.create_table("hold", columns, pk=("seq", "subject"), not_null={"hold", "event"}, strict=True)
    db.table("hold").create_index(["subject", "hold", "seq"])
    db.create_table("disposed", {"capture_seq": int, "seq": int}, pk="capture_seq", not_null={"seq"}, strict=True)
    for table in ("hold", "disposed"):
        _guard(connection, table)
    of_one = "select 1 from assessment a join disposed d on d.capture_seq = a.capture_seq where a.text_sha256 = {}"
    of_text = f"select 1 from wording w where w.id = old.wording_id and exists ({of_one.format('w.text_sha256')})"
    for table, unless in (
        ("wording", of_one.format("old.text_sha256")),
        ("wording_passage", of_text),
        ("passage", "select 1 where not exists (select 1 from wording_passage where passage_id = old.id)"),
    ):
        connection.execute(f"drop trigger {table}_no_delete")
        connection.execute(
            f"create trigger {table}_no_delete before delete on {table} when not exists ({unless}) begin"
            f" select raise(abort, 'rows of {table} go only with a disposal'); end"
        )
    connection.execute(
        "create trigger passage_forgotten after delete on passage begin"
        " insert into passage_search (passage_search, rowid, line) values ('delete', old.id, old.line); end"
    )


def _cosignatures(connection: sqlite3.Connection) -> None:
    """Cosignatures of witnesses over checkpoints; ``vkey`` is the witness's verifier key as the statement has it."""
    connection.execute(
        "create table cosignature (seq integer primary key, size integer not null, subject_sha256 blob not null,"
        " witness text not null, url text not null, vkey text not null, time text not null,"
        " cosignature_sha256 blob not null, path text not null) strict"
    )
    connection.execute("create index cosignature_size on cosignature (witness, size)")
    connection.execute("create index cosignature_sha256 on cosignature (cosignature_sha256)")
    _guard(connection, "cosignature")


def _revocations(connection: sqlite3.Connection) -> None:
    """Revocation data of timestamp authorities: a row for each item and each failure of a ``stamp`` statement."""
    import sqlite_utils

    db = sqlite_utils.Database(connection)
    columns = {
        "seq": int,
        "place": int,
        "authority": str,
        "chain_sha256": bytes,
        "certificate_sha256": bytes,
        "source": str,
        "url": str,
        "file_sha256": bytes,
        "this_update": str,
        "next_update": str,
        "status": str,
        "revoked_at": str,
        "reason": str,
        "path": str,
    }
    required = {"authority", "chain_sha256", "certificate_sha256", "status"}
    db.create_table("revocation", columns, pk=("seq", "place"), not_null=required, strict=True)
    db.table("revocation").create_index(["authority", "chain_sha256", "seq"])
    db.table("revocation").create_index(["certificate_sha256", "this_update"])
    db.table("revocation").create_index(["file_sha256"])
    _guard(connection, "revocation")


STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _first,
    _wordings,
    _deliveries,
    _outside_copies,
    _custody,
    _cosignatures,
    _revocations,
)
"""Step n brings ``user_version`` from n to n + 1. Append only."""


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the missing steps, each in one transaction with its number; several processes may do so at once."""
    while _version(connection) < len(STEPS):
        connection.execute("begin immediate")
        try:
            number = _version(connection)  # another process may have been quicker
            if number < len(STEPS):
                STEPS[number](connection)
                connection.execute(f"pragma user_version = {number + 1}")
        except BaseException:
            connection.rollback()
            raise
        connection.commit()


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])
