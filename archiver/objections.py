"""Whether a snapshot counts as the document it was made of, and why not; said wherever one is named to others."""

from __future__ import annotations

from archiver.archive import Archive
from archiver.errors import UsageError
from archiver.past import newest_assessment


def objection(archive: Archive, seq: int) -> str | None:
    """Why this capture is no version of its document, as half a sentence after its name; None where nothing says so.

    An address that is not watched has no versions: nothing is said of it either.
    """
    capture = archive.statement(seq).body
    if capture["result"] != "stored":
        reason = capture["reason"] or {}
        why = ", ".join(str(reason[key]) for key in ("code", "detail") if reason.get(key))
        return f"holds no document: the check ended as {capture['result']}" + (f" ({why})" if why else "")
    judged = newest_assessment(archive, seq)
    if judged is None:
        return None
    body = archive.statement(judged).body
    if body["verdict"] == "passed":
        return None
    return f"is no version of the document: {body['verdict']} by the gate ({body['reason'] or 'no reason stated'})"


def no_text(archive: Archive, snapshot: str, seq: int) -> UsageError:
    """The error for a snapshot without a text that counts: why it has none, and what to do."""
    why = objection(archive, seq)
    if why is not None:
        return UsageError(f"{snapshot} {why}, so it has no text", do="name a snapshot that passed the gate")
    if archive.statement(seq).body["document"] is None:
        return UsageError(
            f"{snapshot} is of an address that is not watched, and no text was read",
            do="archiver watch add URL, then archiver capture: that snapshot has one",
        )
    return UsageError(f"{snapshot} has no text yet", do="run archiver derive, then see archiver history DOCUMENT")
