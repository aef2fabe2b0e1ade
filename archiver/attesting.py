"""Signing a citation: an in-toto Statement in a DSSE envelope by the key of the log, where that is at hand.

The signer makes the record itself: whoever may ask for an envelope cannot have anything else signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.citing import citation_record, snapshot_named
from archiver.errors import UsageError
from archiver.evidence.canonical import Json
from archiver.evidence.dsse import envelope
from archiver.formats import intoto
from archiver.naming import is_of_import

if TYPE_CHECKING:
    from datetime import datetime

    from archiver.archive import Archive
    from archiver.operation import Operation


def record_of(archive: Archive, subject: str, day: str | None, now: datetime) -> Json:
    """The citation record of a snapshot, its ARK or a provision, issued now; ``UsageError`` where there is none."""
    if is_of_import(subject):
        from archiver.imported import import_named

        name = import_named(archive, subject).body["subjects"][0]
        raise UsageError(
            f"{name} is an imported file, not a capture of this archive: there is no citation record of it",
            do=f"archiver import show {name} has the sentence by which it can be named",
        )
    if "-P-" in subject:
        from archiver.citing_clause import clause_record

        return clause_record(archive, subject, day, now)
    if day is not None:
        raise UsageError("--on is for provisions", do="archiver cite EA-P-000001 --on 2026-05-12")
    return citation_record(archive, snapshot_named(archive, subject), now)


def attest(operation: Operation, values: Json) -> Json:
    """Return the signed envelope of ``values``: ``subject``, and of a provision the ``day`` or None.

    ``UsageError`` without the key; a checkpoint is published first, so that the record can name one over its snapshot.
    """
    ledger = operation.pipeline.ledger
    if not ledger.can_publish:
        raise UsageError("signing needs the key of the log", do="give its passphrase")
    operation.publish()
    now = operation.pipeline.now()
    record = record_of(operation.archive, str(values["subject"]), values.get("day"), now)
    payload = intoto.PLUGIN.render(record).encode("utf-8")
    return envelope(intoto.PLUGIN.media_type, payload, operation.archive.verifier, ledger.sign)
