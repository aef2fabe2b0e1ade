"""What was stated about a snapshot since its capture: custody events, copies elsewhere, and counts of what arrived."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

from archiver.errors import UsageError
from archiver.evidence.canonical import Json, encode_line
from archiver.evidence.statement import snapshot_id

_COMMON = frozenset({"v", "kind", "nonce", "origin", "subjects"})
_COMPARED = {"equal": "compared: equal", "differs": "compared: differs"}


def referring_to(capture: Json) -> set[int]:
    """The captures in which bodies lie that the revisit records of this one refer to."""
    hops = [hop for part in capture["parts"] for hop in part["exchanges"]]
    return {int(hop["revisit"]["seq"]) for hop in hops if hop["revisit"] is not None}


def referents_of(capture: Json) -> set[str]:
    """The same as identifiers of snapshots."""
    prefix = str(capture["snapshot"] or "").partition("-S-")[0]
    return {snapshot_id(prefix, seq) for seq in referring_to(capture)}


def custody_events(
    statements: Sequence[Json] | None, snapshot: str, origin: str, others: Collection[str] = ()
) -> list[Json] | None:
    """Return ``custody[]``, oldest first: each event in full with its place and digest in the log; None: not looked up.

    ``others``: the document, and the snapshots that revisit records refer to. An event that names one of them and not
    the snapshot says so in ``concerns``. Raises ``UsageError`` for a statement that is none of custody, of another log,
    or of other snapshots.
    """
    if statements is None:
        return None
    for body in statements:
        named = {snapshot, *others}.intersection(body.get("subjects", ()))
        if body.get("kind") != "custody" or body["origin"] != origin or not named:
            raise UsageError(f"statement {body.get('seq')} is no custody event of {snapshot}")
    return [
        {
            **{key: value for key, value in body.items() if key not in _COMMON},
            **_concerning(body["subjects"], snapshot, others),
            "statement_sha256": hashlib.sha256(encode_line(body)).hexdigest(),
        }
        for body in sorted(statements, key=lambda body: int(body["seq"]))
    ]


def _concerning(subjects: Sequence[str], snapshot: str, others: Collection[str]) -> Json:
    """What an event is about where it is not the snapshot itself."""
    return {} if snapshot in subjects else {"concerns": sorted(set(others).intersection(subjects))}


def copies_elsewhere(events: Sequence[Json] | None) -> list[Json]:
    """Return ``third_party_copies[]``: of each address the newest event that names it, with the copy's own time."""
    found: dict[str, Json] = {}
    for event in events or ():
        if event["event"] == "outside_copy":
            found[event["uri"]] = {
                "archive": event["archive"],
                "uri": event["uri"],
                "at": event["copied_at"],
                "compared": f"independent copy, {_compared(event)}",
            }
    return list(found.values())


def _compared(event: Json) -> str:
    """What came of comparing it; equal words in other bytes are not said to be the same file."""
    said, reason = _COMPARED.get(event["compared"], "not compared"), event.get("compared_reason")
    if event.get("compared_by") == "text":
        return f"{said} ({'its text; the bytes differ' if event['compared'] == 'equal' else 'its text'})"
    return f"{said} ({reason})" if reason else said


def counts(parts: Sequence[Json], method: str) -> Json:
    """Return ``received``: how many requests were made and what became of them, each with its reason where it has one.

    ``parts`` are those of the capture statement; an address that was never asked for is blocked or skipped.
    """
    from archiver.evidence.exchange import BLOCKED  # slow to load, and needed here alone

    hops = [hop for part in parts for hop in part["exchanges"]]
    silent = [part for part in parts if not part["exchanges"]]
    blocked = [part for part in silent if (part["reason"] or {}).get("code") in BLOCKED]
    reasons = [
        {"url": item["url"], "code": item["reason"]["code"], "detail": item["reason"].get("detail")}
        for item in [*hops, *parts]
        if item["reason"]
    ]
    return {
        "requested": len(hops),
        "received": sum(bool(hop["complete"]) for hop in hops),
        "failed": sum(not hop["complete"] for hop in hops),
        "blocked": len(blocked),
        "skipped": len(silent) - len(blocked),
        "reasons": reasons,
        "scope": "the watched addresses with their redirects; what their pages embed was not asked for"
        if method == "http"
        else None,
    }
