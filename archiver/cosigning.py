"""Cosignatures of witnesses on their way into the archive: what is owed, staged, stated, then placed.

In the order of timestamps (``archiver.stamping``), and recovered by the same code: verify, stage durably, state, place.
A witness is asked for the checkpoint that an authority has stamped, so that token and cosignature cover the same bytes.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from archiver.archive import Archive
from archiver.errors import ArchiveDamaged
from archiver.evidence.canonical import Json
from archiver.evidence.checkpoint import Checkpoint
from archiver.evidence.instant import parse_instant
from archiver.evidence.statement import Statement
from archiver.ledger import Maker
from archiver.settings import WitnessSettings
from archiver.stamping import Subject, due_again, free_path, lay, place_stamp, staging_of

if TYPE_CHECKING:
    from archiver.stamp.tlog_witness import Given, Witness

OWED = "cosignature"
"""Subject of a witness's row in the outbox; pending checkpoints collapse into one."""
STAGED_LINE = "line.cosig"


def open_witnesses(archive: Archive) -> dict[str, Witness]:
    """The configured witnesses, each ready to be asked; ``SettingsError`` for an address that cannot be."""
    if not archive.settings.witnesses:
        return {}
    from archiver.stamp.tlog_witness import open_witness  # slow to load

    return {
        one.name: open_witness(
            one.name,
            one.url,
            one.key,
            min_interval_s=one.min_interval_s,
            timeout_s=float(archive.settings["stamp.timeout_s"]),
            user_agent=archive.settings["network.user_agent"],
        )
        for one in archive.settings.witnesses
    }


# -- what is owed ----------------------------------------------------------------------------------


def cosigned_size(archive: Archive, witness: WitnessSettings) -> int:
    """The largest size that this witness has cosigned with the key it has in the settings; 0 for none."""
    row = archive.index.row(
        "select max(size) as size from cosignature where witness = ? and vkey = ?", (witness.name, witness.key)
    )
    return int(row["size"] or 0) if row else 0


def owed_cosignature(
    archive: Archive,
    witness: WitnessSettings,
    newest: tuple[Checkpoint, bytes] | None,
    now: datetime,
    *,
    at_once: bool = False,
) -> Subject | None:
    """The newest checkpoint that an authority has stamped, unless this witness has cosigned it or a later one.

    Where no authority is configured, or none has stamped a head for a day (``stamp.heartbeat_s``), the newest of all,
    as often as an authority would be asked for it: against a fork a witness helps without them.
    """
    last = archive.index.row(
        "select c.size, t.at from cosignature c join statement t on t.seq = c.seq where c.witness = ? and c.vkey = ?"
        " order by c.size desc limit 1",
        (witness.name, witness.key),
    )
    if not archive.settings.authorities or _unstamped(archive, now):
        if newest is None or not due_again(archive, last, newest[0].size, now, at_once=at_once):
            return None
        return Subject(OWED, newest[0].size, newest[1])
    row = archive.index.row("select max(size) as size from stamp where event = 'token' and subject = 'checkpoint'")
    size = row["size"] if row else None
    if size is None or (last is not None and last["size"] >= size):
        return None
    return Subject(OWED, size, archive.files.read(f"stamps/{size}/checkpoint"))


def _unstamped(archive: Archive, now: datetime) -> bool:
    """Whether no authority has stamped a head since ``stamp.heartbeat_s``, or since the archive was made."""
    row = archive.index.row(
        "select max(t.at) as at from stamp s join statement t on t.seq = s.seq where s.event = 'token'"
        " and s.subject = 'checkpoint'"
    )
    since = row["at"] if row and row["at"] else archive.statement(0).at
    return (now - parse_instant(since)).total_seconds() > float(archive.settings["stamp.heartbeat_s"])


# -- staged, stated, placed ------------------------------------------------------------------------


def stage_cosignature(archive: Archive, subject: Subject, given: Given) -> None:
    """Keep a verified cosignature and the checkpoint it is over in staging, durable, before it is stated."""
    folder = staging_of(hashlib.sha256(given.line).hexdigest())
    archive.files.write(f"{folder}/{STAGED_LINE}", given.line)
    archive.files.write(f"{folder}/checkpoint", subject.data)
    archive.files.barrier([folder])


def cosignature_path(archive: Archive, witness: str, size: int) -> str:
    """Where a cosignature will lie; ``.2`` and so on when taken (a witness that has changed its key)."""
    return free_path(archive, f"stamps/{size}/{witness}", ".cosig")


def cosignature_maker(witness: Witness, subject: Subject, given: Given, path: str) -> Maker:
    """The ``stamp`` statement of a staged cosignature."""
    fields: Json = {
        "event": "cosignature",
        "subject": "checkpoint",
        "size": subject.number,
        "subject_sha256": hashlib.sha256(subject.data).hexdigest(),
        "witness": witness.name,
        "url": witness.prefix,
        "key": witness.key.vkey,
        "cosignature_sha256": hashlib.sha256(given.line).hexdigest(),
        "cosignature_bytes": len(given.line),
        "time": given.cosignature.instant,
        "path": path,
    }
    return lambda _seq, _sealed: ("stamp", dict(fields))


def is_new_contradiction(archive: Archive, witness: Witness) -> bool:
    """Whether no contradiction by this key is stated yet, or only ones before it cosigned a larger size again."""
    who = (witness.name, witness.key.vkey)
    mine = [one for one in contradictions(archive) if (one.body["witness"], one.body["key"]) == who]
    if not mine:
        return True
    row = archive.index.row(
        "select 1 as x from cosignature where witness = ? and vkey = ? and seq > ? and size > ? limit 1",
        (*who, mine[-1].seq, mine[-1].body["size"]),
    )
    return row is not None


def contradictions(archive: Archive) -> list[Statement]:
    """The statements that a witness knows another history of this log, oldest first: few, for each is stated once."""
    rows = archive.index.rows("select seq from stamp where event = 'contradiction' order by seq")
    return [archive.statement(row["seq"]) for row in rows]


def contradiction_maker(witness: Witness, subject: Subject, detail: str) -> Maker:
    """The ``stamp`` statement that a witness refused our checkpoint, for it knows another history."""
    fields: Json = {
        "event": "contradiction",
        "subject": "checkpoint",
        "size": subject.number,
        "subject_sha256": hashlib.sha256(subject.data).hexdigest(),
        "witness": witness.name,
        "url": witness.prefix,
        "key": witness.key.vkey,
        "detail": detail,
    }
    return lambda _seq, _sealed: ("stamp", dict(fields))


def place_signed(archive: Archive, statement: Statement) -> tuple[list[str], str]:
    """Copy what a ``stamp`` statement names from staging to its place; doing it twice changes nothing.

    Returns the paths to sync and the staging folder, which goes only after the next barrier.
    """
    body = statement.body
    match body["event"]:
        case "token":
            return place_stamp(archive, statement), staging_of(body["token_sha256"])
        case "cosignature":
            staging = staging_of(body["cosignature_sha256"])
            return _place(archive, body, staging), staging
        case _:
            return [], ""


def _place(archive: Archive, body: Json, staging: str) -> list[str]:
    path = body["path"]
    places = ((f"{staging}/{STAGED_LINE}", path), (f"{staging}/checkpoint", f"stamps/{body['size']}/checkpoint"))
    # What a stopped removal left of the staging folder: everything was durable in its place before that began.
    placed = [(source, target) for source, target in places if archive.files.exists(source)]
    if placed and archive.files.exists(path):
        there = hashlib.sha256(archive.files.read(path)).digest()
        known = archive.index.row("select seq from cosignature where cosignature_sha256 = ?", (there,))
        if there.hex() != body["cosignature_sha256"] and known is not None:
            raise ArchiveDamaged(
                f"{path} holds the cosignature of statement {known['seq']}; another one was to be placed there"
            )
    for source, target in placed:
        lay(archive, target, archive.files.read(source))
    return [target for _, target in placed]
