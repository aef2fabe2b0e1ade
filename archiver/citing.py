"""Gathers the facts of a citation record from an archive, checking each as it goes; reads only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from archiver.archive import Archive
from archiver.audit import HASH_CHUNK, Audit
from archiver.custody import custody_of, require_kept
from archiver.environment import SOFTWARE
from archiver.errors import FormatError, NotCheckable, UsageError
from archiver.evidence.ark import entries_of, is_ark
from archiver.evidence.canonical import Json
from archiver.evidence.citation import CitationFacts, Commitment, CoveringStamp, FixityCheck, build
from archiver.evidence.citation_seal import Inclusion, cosignature
from archiver.evidence.cosignature import WitnessKey, verify_cosignature
from archiver.evidence.instant import format_instant
from archiver.evidence.statement import Statement, parse_snapshot_id
from archiver.evidence.timestamp import certificates_from_pem, verify_token
from archiver.evidence.tlog_proof import TlogProof
from archiver.proofs import PROOF
from storage.errors import StorageError


def citation_record(archive: Archive, snapshot: str, now: datetime) -> Json:
    """The citation record of one snapshot, issued now; ``UsageError`` when there is no such snapshot."""
    seq = parse_snapshot_id(snapshot)
    row = None if seq is None else archive.index.row("select folder from capture where seq = ?", (seq,))
    if seq is None or row is None or row["folder"] is None or not row["folder"].endswith(f"/{snapshot}"):
        raise UsageError(f"there is no snapshot {snapshot} in this archive", do="see archiver history DOCUMENT")
    require_kept(archive, seq)
    capture = archive.statement(seq)
    judged = archive.index.row("select seq from assessment where capture_seq = ? order by seq desc limit 1", (seq,))
    assessment = None if judged is None else archive.statement(judged["seq"]).body
    facts = CitationFacts(
        capture=capture.body,
        entry=capture.entry_hex,
        archive=archive.settings["archive.name"],
        origin=archive.origin,
        issued=format_instant(now),
        assessment=assessment,
        watch=archive.entry_at(capture.body["watch_seq"]),
        first_seen=_seen(archive, capture, assessment, "min"),
        first_tracked=_first_tracked(archive, capture.body["document"]),
        last_verified=_seen(archive, capture, assessment, "max"),
        stamps=_stamps(archive, capture, now),
        inclusion=_inclusion(archive, capture, row["folder"]),
        resolver_base=archive.settings["archive.resolver"] or None,
        resolver_is_public=archive.settings["archive.resolver_is_public"],
        naan=archive.settings["archive.naan"] or None,
        commitment=_promise(archive),
        custody=tuple(statement.body for statement in custody_of(archive, capture)),
        fixity=_fixity(archive, capture, row["folder"], now),
        files=tuple(archive.files.list(row["folder"])),
    )
    return build(facts)


def snapshot_named(archive: Archive, name: str) -> str:
    """The identifier of the snapshot that is meant: as it is, or of its ARK; ``UsageError`` when there is none."""
    if not is_ark(name):
        return name
    naan, low, high = entries_of(name)
    ours = archive.settings["archive.naan"]
    if naan != ours:
        has = f"has the number {ours}" if ours else "has no number for ARKs"
        raise UsageError(f"{name[:60]} is not of this archive, which {has}", do="cite EA-S-00000123")
    row = archive.index.row(
        "select c.folder from digest d join capture c on c.seq = d.seq"
        " where d.object = 'statement' and d.sha256 between ? and ? and c.folder is not null",
        (low, high),
    )
    if row is None:
        raise UsageError(f"there is no snapshot {name[:60]} in this archive", do="see archiver history DOCUMENT")
    return str(row["folder"]).rpartition("/")[2]


def _promise(archive: Archive) -> Commitment | None:
    until, by = archive.settings["archive.keep_until"], archive.settings["archive.keep_by"]
    if not until and not by:
        return None
    return Commitment("The snapshot is kept unaltered", until or None, by or None)


def _seen(archive: Archive, capture: Statement, assessment: Json | None, which: str) -> str | None:
    """First or newest check that found the same wording; of a bare address, the same decoded content."""
    if assessment is None or assessment["verdict"] != "passed":
        return None
    if capture.body["document"] is not None:
        row = archive.index.row(
            f"select {which}(c.started_at) as at from assessment a join capture c on c.seq = a.capture_seq"
            " where a.document = ? and a.normaliser = ? and a.version = ?",
            (capture.body["document"], assessment["normaliser"], assessment["version"]),
        )
    else:
        row = archive.index.row(
            f"select {which}(c.started_at) as at from assessment a join capture c on c.seq = a.capture_seq"
            " join url u on u.id = c.url_id where c.document is null and u.url = ? and a.text_sha256 = ?",
            (capture.body["parts"][0]["url"], bytes.fromhex(assessment["text_sha256"])),
        )
    return None if row is None else row["at"]


def _first_tracked(archive: Archive, document: str | None) -> str | None:
    row = archive.index.row(
        "select s.at from watch_entry w join statement s on s.seq = w.seq where w.document = ? order by w.seq limit 1",
        (document,),
    )
    return None if row is None else str(row["at"])


def _stamps(archive: Archive, capture: Statement, now: datetime) -> tuple[CoveringStamp, ...]:
    """The first token of each authority over a head that holds the statement, and every token over it alone."""
    rows = archive.index.rows(
        "select seq from stamp where event = 'token' and subject = 'statement' and subject_seq = ?"
        " union select min(seq) from stamp where event = 'token' and subject = 'checkpoint' and size > ?"
        " group by authority order by 1",
        (capture.seq, capture.seq),
    )
    roots = Audit(archive).roots
    covering = []
    for row in rows:
        body = archive.statement(row["seq"]).body
        covering.append(CoveringStamp(body, _verifies(archive, body, capture, roots), format_instant(now)))
    return tuple(covering)


def _verifies(archive: Archive, stamp: Json, capture: Statement, roots: tuple[bytes, ...]) -> bool:
    try:
        reply = archive.files.read(stamp["path"])
        chain = certificates_from_pem(archive.files.read(f"{stamp['path'].removesuffix('.tsr')}.chain.pem"))
        subject = capture.line
        if stamp["subject"] == "checkpoint":
            subject = archive.files.read(f"stamps/{stamp['size']}/checkpoint")
        verify_token(reply, subject, roots, extra=chain)
    except (StorageError, FormatError):
        return False
    return hashlib.sha256(reply).hexdigest() == str(stamp["token_sha256"])


def _inclusion(archive: Archive, capture: Statement, folder: str) -> Inclusion | None:
    """The proof in the folder, else one made from the log; None when no checkpoint covers the statement yet."""
    path = f"{folder}/{PROOF}"
    file: str | None = None
    if archive.files.exists(path):
        data, file = archive.files.read(path), PROOF
    else:
        made = Audit(archive).proof(capture.seq)
        if made is None:
            return None
        data = made
    proof = TlogProof.from_bytes(data)
    checkpoint = proof.verify(capture.entry, archive.verifier)
    note, vkey = proof.checkpoint.decode(), archive.verifier.vkey
    return Inclusion(checkpoint.size, proof.index, note, vkey, file, tuple(_cosignatures(archive, capture)))


def _cosignatures(archive: Archive, capture: Statement) -> Iterator[Json]:
    """The first cosignature of each witness over a head that holds the statement, where it verifies."""
    rows = archive.index.rows(
        "select min(seq) as seq from cosignature where size > ? group by witness, vkey order by 1", (capture.seq,)
    )
    for row in rows:
        body = archive.statement(row["seq"]).body
        try:
            line, head = archive.files.read(body["path"]), archive.files.read(f"stamps/{body['size']}/checkpoint")
            verify_cosignature(line, head, WitnessKey.from_vkey(body["key"]))
        except (StorageError, FormatError):
            continue
        if hashlib.sha256(line).hexdigest() == body["cosignature_sha256"]:
            yield cosignature(body, capture.seq)


def _fixity(archive: Archive, capture: Statement, folder: str, now: datetime) -> tuple[FixityCheck, ...]:
    """Digest the WARC again: a record must not repeat a digest that the stored bytes no longer have."""
    warc = capture.body["warc"]
    if warc is None:
        return ()
    digest = hashlib.sha256()
    with archive.files.open(f"{folder}/capture.warc.gz") as handle:
        while chunk := handle.read(HASH_CHUNK):
            digest.update(chunk)
    found = digest.hexdigest()
    if found != warc["sha256"]:
        raise NotCheckable(
            f"{folder}/capture.warc.gz has SHA-256 {found}, its statement says {warc['sha256']}: no citation is made",
            do=f"run archiver verify {capture.body['snapshot']}",
        )
    return (FixityCheck("capture.warc.gz", found, format_instant(now), SOFTWARE, True),)
