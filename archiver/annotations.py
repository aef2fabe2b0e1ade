"""Opinions of analysts about documents, versions, snapshots and provisions: stated, versioned, never in a citation."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from archiver.archive import Archive
from archiver.decisions import MAX_NAME, one_line
from archiver.errors import SettingsError, UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.statement import parse_snapshot_id
from storage.errors import Missing

if TYPE_CHECKING:
    from archiver.operation import Operation

VOCABULARY_FILE = "vocabulary.toml"
"""Beside ``archive.toml``; where there is none the built-in vocabulary holds."""
TERMS = ("severity", "confidence", "category", "regulation", "jurisdiction")
MAX_TEXT = 10_000
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The terms an annotation may use; an empty list lets any word pass."""

    terms: dict[str, tuple[str, ...]]
    sha256: str | None
    """Of the archive's own file; None for the built-in one."""


def vocabulary_of(archive: Archive) -> Vocabulary:
    """The vocabulary in force; ``SettingsError`` names what is wrong with the archive's own file."""
    try:
        data = archive.files.read(VOCABULARY_FILE)
        digest: str | None = hashlib.sha256(data).hexdigest()
    except Missing:
        data, digest = resources.files("archiver").joinpath("vocabulary.toml").read_bytes(), None
    try:
        tables = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{VOCABULARY_FILE}: {error}") from error
    unknown = tables.keys() - set(TERMS)
    if unknown:
        raise SettingsError(f"{VOCABULARY_FILE}: unknown {sorted(unknown)[0]!r}; known: {', '.join(TERMS)}")
    for name, words in tables.items():
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise SettingsError(f"{VOCABULARY_FILE}: {name} must be a list of texts")
    return Vocabulary({name: tuple(tables.get(name, ())) for name in TERMS}, digest)


def annotate(operation: Operation, values: Json) -> Json:
    """State an annotation: a new one about ``subject``, or a further revision of ``annotation``.

    ``values``: ``subject`` or ``annotation``, ``version``, ``by``, the terms, ``effective_date``, ``text``,
    ``withdraw``. What a revision does not name stays as it was.
    """
    return operation.writer.call(lambda: _annotate(operation, values))


def _annotate(operation: Operation, values: Json) -> Json:
    archive = operation.archive
    by = one_line("the analyst's name", values.get("by"), MAX_NAME)
    if values.get("annotation"):
        earlier = newest(archive, values["annotation"])
        identifier, subject, version = earlier["annotation"], earlier["subject"], earlier["version"]
        fields = {name: earlier[name] for name in (*TERMS, "effective_date", "text")}
        revision = earlier["revision"] + 1
        event = "withdrawn" if values.get("withdraw") else "changed"
    else:
        subject, version = known_subject(archive, values.get("subject") or "", values.get("version"))
        identifier, revision, event = _next(archive), 1, "made"
        fields = dict.fromkeys((*TERMS, "effective_date", "text"))
    fields |= _checked(archive, values)
    if event == "made" and not any(fields.values()):
        raise UsageError("an annotation that says nothing", do="give --severity, --category, --text …")
    body: Json = {
        **fields,
        "annotation": identifier,
        "revision": revision,
        "event": event,
        "subject": subject,
        "version": version,
        "by": by,
        "vocabulary_sha256": vocabulary_of(archive).sha256,
    }
    _, (committed,) = operation.pipeline.commit([], [lambda _seq, _sealed: ("annotation", dict(body))])
    return {**body, "at": committed.statement.at, "statement_sha256": committed.statement.entry_hex}


def _checked(archive: Archive, values: Json) -> Json:
    known = vocabulary_of(archive).terms
    found: Json = {}
    for name in TERMS:
        word = values.get(name)
        if word is None:
            continue
        if known[name] and word not in known[name]:
            raise UsageError(
                f"unknown {name} {word!r}; known: {', '.join(known[name])}", do=f"or add it to {VOCABULARY_FILE}"
            )
        found[name] = one_line(f"the {name}", word, MAX_NAME)
    day = values.get("effective_date")
    if day is not None:
        if not isinstance(day, str) or not _DAY.fullmatch(day):
            raise UsageError(f"not a day: {day!r}", do="write 2026-05-12")
        found["effective_date"] = day
    text = values.get("text")
    if text is not None:
        if not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT:
            raise UsageError(f"the text must have 1 to {MAX_TEXT} characters")
        found["text"] = text
    return found


def known_subject(archive: Archive, subject: str, version: int | None) -> tuple[str, int | None]:
    """The identifier of what an annotation is about; ``UsageError`` when there is no such thing."""
    kind = subject.split("-")[1] if subject.count("-") == 2 else ""
    if kind == "S":
        seq = parse_snapshot_id(subject)
        row = archive.index.row("select folder from capture where seq = ?", (seq,))
        if row is None or not str(row["folder"]).endswith(f"/{subject}"):
            raise UsageError(f"there is no snapshot {subject} in this archive")
    elif kind == "P":
        if archive.index.row("select 1 as x from provision where provision = ?", (subject,)) is None:
            raise UsageError(f"there is no provision {subject} in this archive")
    else:
        subject = archive.document(subject).document
        if version is not None:
            row = archive.index.row(
                "select 1 as x from assessment where document = ? and version = ? limit 1", (subject, version)
            )
            if row is None:
                raise UsageError(f"{subject} has no version {version}", do=f"see archiver history {subject}")
        return subject, version
    if version is not None:
        raise UsageError("a version is given with a document only")
    return subject, None


def _next(archive: Archive) -> str:
    row = archive.index.row("select count(distinct annotation) as n from annotation")
    return f"{archive.prefix}-A-{(row['n'] if row else 0) + 1:06d}"


def newest(archive: Archive, identifier: str) -> Json:
    """The newest revision of an annotation; ``UsageError`` when there is none."""
    found = revisions(archive, identifier)
    if not found:
        raise UsageError(f"there is no annotation {identifier!r} in this archive", do="see archiver annotate list")
    return found[-1]


def revisions(archive: Archive, identifier: str) -> list[Json]:
    """Every revision of an annotation, oldest first."""
    rows = archive.index.rows(_SELECT + " where a.annotation = ? order by a.seq", (identifier,))
    return [_told(row) for row in rows]


def in_force(archive: Archive, subject: str | None = None) -> list[Json]:
    """The newest revision of every annotation that was not withdrawn; of one subject, or all."""
    rows = archive.index.rows(
        _SELECT + " where a.seq = (select max(seq) from annotation b where b.annotation = a.annotation)"
        " and a.event != 'withdrawn' and (? is null or a.subject = ?) order by a.annotation",
        (subject, subject),
    )
    return [_told(row) for row in rows]


_SELECT = "select a.*, s.at, s.entry from annotation a join statement s on s.seq = a.seq"


def _told(row: dict[str, Any]) -> Json:
    told = {name: value for name, value in row.items() if name not in ("seq", "entry", "by_name")}
    return {**told, "by": row["by_name"], "statement_sha256": row["entry"].hex()}
