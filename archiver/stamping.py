"""Timestamps: what is owed is computed from statements and settings; replies are verified, stated, then placed.

Pending checkpoints collapse: only the newest is sent. The outbox keeps nothing but retry times and may be lost.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from archiver.archive import Archive
from archiver.errors import ArchiveDamaged, MalformedTimestamp
from archiver.evidence.canonical import Json
from archiver.evidence.checkpoint import Checkpoint
from archiver.evidence.instant import parse_instant
from archiver.evidence.statement import Statement
from archiver.ledger import Maker
from archiver.registry import plugins
from archiver.settings import AuthoritySettings
from archiver.stamp.interface import Authority, StampFailure, backoff

if TYPE_CHECKING:
    from archiver.evidence.timestamp import VerifiedToken

LOG = logging.getLogger("archiver.stamping")
CEILING_S = 6 * 3600
"""Longest pause between two tries at one subject, seconds."""
STAGED = 32
"""Hex digits of the reply's digest that name its staging folder."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a token is to cover: a checkpoint of the log, or one statement; or a cosignature: a checkpoint."""

    kind: str
    """``checkpoint``, ``statement``; ``cosignature`` for what a witness signs."""
    number: int
    """Log size of a checkpoint, sequence number of a statement."""
    data: bytes

    @property
    def name(self) -> str:
        """Key of the outbox: ``checkpoint``, ``cosignature`` (pending ones collapse) or ``statement:<seq>``."""
        return f"statement:{self.number}" if self.kind == "statement" else self.kind


class Asked(Protocol):
    """Somebody outside who is asked to sign: an authority or a witness."""

    @property
    def name(self) -> str:
        """As the settings call it."""
        ...

    @property
    def min_interval_s(self) -> int:
        """The least time between two questions, in seconds."""
        ...


def open_authorities(archive: Archive) -> dict[str, Authority]:
    """The configured authorities, each ready to be asked; ``SettingsError`` for an unknown kind or bad URL."""
    if not archive.settings.authorities:
        return {}
    from archiver import stamp
    from archiver.errors import SettingsError

    kinds = plugins(stamp)
    opened: dict[str, Authority] = {}
    for authority in archive.settings.authorities:
        if authority.kind not in kinds:
            raise SettingsError(
                f"authority {authority.name}: unknown kind {authority.kind!r}", do=f"known: {', '.join(kinds)}"
            )
        opened[authority.name] = kinds[authority.kind].open(
            authority.name,
            authority.url,
            min_interval_s=authority.min_interval_s,
            timeout_s=float(archive.settings["stamp.timeout_s"]),
            user_agent=archive.settings["network.user_agent"],
        )
    return opened


# -- what is owed ----------------------------------------------------------------------------------


def owed_checkpoint(
    archive: Archive,
    authority: str,
    checkpoint: tuple[Checkpoint, bytes] | None,
    now: datetime,
    *,
    at_once: bool = False,
) -> Subject | None:
    """The newest checkpoint, when this authority owes a token over it.

    ``stamp`` statements alone trigger no new stamp; one heartbeat a day does. ``at_once`` ignores the interval.
    """
    if checkpoint is None:
        return None
    head, data = checkpoint
    last = archive.index.row(
        "select s.size, t.at from stamp s join statement t on t.seq = s.seq where s.event = 'token'"
        " and s.subject = 'checkpoint' and s.authority = ? order by s.size desc limit 1",
        (authority,),
    )
    due = due_again(archive, last, head.size, now, at_once=at_once)
    return Subject("checkpoint", head.size, data) if due else None


def due_again(
    archive: Archive, last: Mapping[str, Any] | None, size: int, now: datetime, *, at_once: bool = False
) -> bool:
    """Say whether a checkpoint of this size is to be signed outside, ``last`` (``size``, ``at``) having been before it.

    ``stamp`` statements alone are no reason; one heartbeat a day is. ``at_once`` ignores the interval.
    """
    if last is None:
        return True
    if size <= last["size"]:
        return False
    age = (now - parse_instant(last["at"])).total_seconds()
    news = archive.index.row(
        "select 1 as x from statement where seq >= ? and seq < ? and kind <> 'stamp' limit 1", (last["size"], size)
    )
    pause = archive.settings["stamp.checkpoint_every_s" if news else "stamp.heartbeat_s"]
    return bool(age >= pause or (at_once and news))


def owed_statements(archive: Archive, authority: str, most: int = 100) -> list[int]:
    """Numbers of the statements that should have a token of their own from this authority and do not, oldest first."""
    rule = archive.settings["stamp.snapshots"]
    wanted = ["select subject_seq as seq from stamp where event = 'requested'"]
    if rule == "new_version":
        wanted.append("select capture_seq from assessment where outcome = 'new_version' and version is not null")
    elif rule == "all":
        wanted.append("select seq from capture where result = 'stored'")
    rows = archive.index.rows(
        f"select distinct seq from ({' union all '.join(wanted)}) where seq not in"
        " (select subject_seq from stamp where event = 'token' and subject = 'statement' and authority = ?)"
        " order by seq limit ?",
        (authority, most),
    )
    return [row["seq"] for row in rows]


# -- asking ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verified:
    """A reply that holds: its bytes, what it says, and the authority it came from."""

    subject: Subject
    authority: AuthoritySettings
    reply: bytes
    token: VerifiedToken

    @property
    def staging(self) -> str:
        """Folder in which it waits for its statement."""
        return staging_of(hashlib.sha256(self.reply).hexdigest())


def staging_of(token_sha256: str) -> str:
    """The staging folder of a reply, by its digest: found again after a crash."""
    return f"staging/stamp-{token_sha256[:STAGED]}"


def ask(
    authority: Authority, configured: AuthoritySettings, roots: Sequence[bytes], subject: Subject, nonce: int
) -> Verified | StampFailure:
    """Ask one authority and verify its reply before it counts; one that does not hold is a failure with its reason."""
    from archiver.evidence.timestamp import build_request, verify_token  # slow to import, and often not needed

    answer = authority.ask(build_request(subject.data, nonce))
    if isinstance(answer, StampFailure):
        return answer
    reply = bytes(answer)
    try:
        token = verify_token(reply, subject.data, roots, nonce=nonce)
    except MalformedTimestamp as error:
        return StampFailure("malformed", f"the reply does not hold: {error}", retryable=True)
    return Verified(subject, configured, reply, token)


def stage(archive: Archive, verified: Verified) -> None:
    """Keep a verified reply, its chain and the checkpoint it covers in staging, durable, before it is stated."""
    from archiver.evidence.timestamp import chain_to_pem

    folder = verified.staging
    archive.files.write(f"{folder}/token.tsr", verified.reply)
    archive.files.write(f"{folder}/chain.pem", chain_to_pem(verified.token.chain))
    if verified.subject.kind == "checkpoint":
        archive.files.write(f"{folder}/checkpoint", verified.subject.data)
    archive.files.barrier([folder])


def token_path(archive: Archive, subject: Subject, authority: str) -> str:
    """Where the token will lie: beside the checkpoint, or in the snapshot's folder; ``.2`` and so on when taken."""
    if subject.kind == "checkpoint":
        base = f"stamps/{subject.number}/{authority}"
    else:
        folder = archive.statement(subject.number).body.get("folder")
        base = f"{folder}/statement.{authority}" if folder else f"stamps/statement-{subject.number}/{authority}"
    return free_path(archive, base, ".tsr")


def free_path(archive: Archive, base: str, suffix: str) -> str:
    """The first of ``<base><suffix>``, ``<base>.2<suffix>`` … where nothing lies."""
    number, path = 1, f"{base}{suffix}"
    while archive.files.exists(path):
        number += 1
        path = f"{base}.{number}{suffix}"
    return path


def stamp_maker(archive: Archive, verified: Verified) -> Maker:
    """The ``stamp`` statement of a staged reply."""
    from archiver.evidence.timestamp import chain_to_pem

    token, subject = verified.token.token, verified.subject
    fields: Json = {
        "event": "token",
        "subject": subject.kind,
        "subject_sha256": hashlib.sha256(subject.data).hexdigest(),
        "authority": verified.authority.name,
        "url": verified.authority.url,
        "token_sha256": hashlib.sha256(verified.reply).hexdigest(),
        "token_bytes": len(verified.reply),
        "chain_sha256": hashlib.sha256(chain_to_pem(verified.token.chain)).hexdigest(),
        "policy": token.policy,
        "serial": token.serial,
        "gen_time": token.gen_time,
        "accuracy_us": token.accuracy_us,
        "imprint": token.imprint_algorithm,
        "nonce_matched": verified.token.nonce_matched,
        "root_sha256": verified.token.root_sha256,
        "path": token_path(archive, subject, verified.authority.name),
    }
    fields["size" if subject.kind == "checkpoint" else "subject_seq"] = subject.number
    return lambda _seq, _sealed: ("stamp", dict(fields))


# -- placing (also by start-up) --------------------------------------------------------------------


def place_stamp(archive: Archive, statement: Statement) -> list[str]:
    """Copy a stated reply from staging to its path; doing it twice changes nothing. Returns the paths to sync.

    The staging folder goes only after the next barrier (``sweep_staging``): a power loss between finds it there.
    """
    body = statement.body
    staging = staging_of(body["token_sha256"])
    if not archive.files.exists(staging):
        return []
    base = body["path"].removesuffix(".tsr")
    placed = [(f"{staging}/token.tsr", f"{base}.tsr"), (f"{staging}/chain.pem", f"{base}.chain.pem")]
    if body["subject"] == "checkpoint":
        placed.append((f"{staging}/checkpoint", f"stamps/{body['size']}/checkpoint"))
    # What a stopped removal left of the staging folder: everything was durable in its place before that began.
    placed = [(source, target) for source, target in placed if archive.files.exists(source)]
    _refuse_to_replace(archive, f"{base}.tsr", body["token_sha256"])
    for source, target in placed:
        lay(archive, target, archive.files.read(source))
    return [target for _, target in placed]


def _refuse_to_replace(archive: Archive, path: str, token_sha256: str) -> None:
    """Raise ``ArchiveDamaged`` when another stated token lies where this one is to go: none is overwritten."""
    if not archive.files.exists(path):
        return
    there = hashlib.sha256(archive.files.read(path)).hexdigest()
    known = archive.index.row("select seq from stamp where token_sha256 = ?", (bytes.fromhex(there),))
    if there != token_sha256 and known is not None:
        raise ArchiveDamaged(f"{path} holds the token of statement {known['seq']}; another one was to be placed there")


def lay(archive: Archive, path: str, data: bytes) -> None:
    """Write a file that is derived from stated bytes; a torn one that a power loss left there makes way."""
    if archive.files.exists(path):
        if archive.files.read(path) == data:
            # A process whose sync failed may have left it: without this, the next sync could skip it unwritten.
            archive.files.renew(path)
            return
        archive.files.remove(path)
    archive.files.write(path, data)


# -- retry times -----------------------------------------------------------------------------------


def note_failure(
    archive: Archive, subject: Subject, authority: Asked, failure: StampFailure, *, now: float, chance: float
) -> None:
    """Remember when to ask again; shown as pending by ``status`` until it works, then as overdue."""
    row = archive.index.row(
        "select attempts from outbox where subject = ? and authority = ?", (subject.name, authority.name)
    )
    attempts = (row["attempts"] if row else 0) + 1
    floor = float(max(authority.min_interval_s, 15))
    pause = backoff(attempts - 1, floor_s=floor, ceiling_s=CEILING_S, jitter=chance)
    pause = max(pause, float(failure.retry_after_s or 0))
    archive.index.run(
        "insert into outbox (subject, authority, since, attempts, next_try, error) values (?, ?, ?, ?, ?, ?)"
        " on conflict (subject, authority) do update set attempts = excluded.attempts, next_try = excluded.next_try,"
        " error = excluded.error",
        (subject.name, authority.name, now, attempts, now + pause, f"{failure.code}: {failure.detail}"),
    )


def forget_failure(archive: Archive, subject: Subject, authority: str) -> None:
    """The subject has its token: nothing is pending."""
    archive.index.run("delete from outbox where subject = ? and authority = ?", (subject.name, authority))


def may_ask(archive: Archive, subject_name: str, authority: str, now: float) -> bool:
    """False while a back-off is running."""
    row = archive.index.row(
        "select next_try from outbox where subject = ? and authority = ?", (subject_name, authority)
    )
    return row is None or row["next_try"] <= now
