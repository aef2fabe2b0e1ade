"""From a statement to its index rows: the only place that knows both; used on every commit and by ``rebuild``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archiver.evidence.canonical import Json, encode_line
from archiver.evidence.statement import Statement, parse_import_id, parse_snapshot_id
from archiver.texts import digest_of_text

TableRow = tuple[str, dict[str, Any]]


def _blob(digest: str | None) -> bytes | None:
    return None if digest is None else bytes.fromhex(digest)


def rows_of(
    statement: Statement,
    segment: str,
    offset: int,
    token: bytes | None = None,
    lines: Sequence[str] | None = None,
) -> list[TableRow]:
    """Return the rows of one statement that lies at ``offset`` of a journal segment.

    ``token`` is a stamp's reply; ``lines`` the text of an assessment that the index does not have yet.
    """
    body = statement.body
    rows: list[TableRow] = [
        (
            "statement",
            {
                "seq": statement.seq,
                "kind": statement.kind,
                "at": statement.at,
                "entry": statement.entry,
                "segment": segment,
                "offset": offset,
                "length": len(statement.line),
            },
        ),
        ("digest", {"sha256": statement.entry, "object": "statement", "seq": statement.seq}),
    ]
    match statement.kind:
        case "capture":
            rows += _capture(statement.seq, body)
        case "assessment":
            rows.append(_assessment(statement.seq, body))
            if lines is not None:
                rows.append(("wording", {"text_sha256": _blob(body["text_sha256"]), "lines": tuple(lines)}))
        case "stamp" if body["event"] == "cosignature":
            rows += _cosignature(statement.seq, body)
        case "stamp":
            rows += _stamp(statement.seq, body, token)
            rows += _revocation(statement.seq, body)
        case "watch":
            rows.append(_watch(statement.seq, body))
        case "decision":
            rows.append(_plain("decision", statement.seq, body, "event capture_seq assessment_seq by reason"))
        case "provision":
            names = "event provision document capture_seq normaliser version exact prefix suffix start end title by"
            rows.append(_plain("provision", statement.seq, body, names))
        case "annotation":
            names = (
                "annotation revision event subject version by severity confidence category regulation jurisdiction"
                " effective_date text"
            )
            rows.append(_plain("annotation", statement.seq, body, names))
        case "absence":
            names = "document from to unchanged version checks full_bodies not_modified largest_gap_s"
            rows.append(_plain("absence", statement.seq, body, names))
        case "custody":
            rows += _custody(statement.seq, body)
        case _:
            pass
    return rows


def _capture(seq: int, body: Json) -> list[TableRow]:
    """The row of a capture; of a document of several parts it holds the first one's facts, ``digest`` those of all."""
    parts = body["parts"]
    last = parts[0]["exchanges"][-1] if parts and parts[0]["exchanges"] else None
    content = parts[0]["content"] if parts else None
    tls = last["connection"]["tls"] if last and last["connection"] else None
    warc = body["warc"]
    reason = body["reason"] or {}
    row = {
        "seq": seq,
        "check_id": body["check"],
        "document": body["document"],
        "url_id": parts[0]["url"] if parts else None,
        "final_url_id": parts[0]["final_url"] if parts else None,
        "result": body["result"],
        "reason": reason.get("code"),
        "detail": reason.get("detail"),
        "trigger": body["trigger"],
        "started_at": body["started_at"],
        "ended_at": body["ended_at"],
        "status": last["status"] if last else None,
        "folder": body["folder"],
        "warc_bytes": warc["bytes"] if warc else None,
        "warc_sha256": _blob(warc["sha256"]) if warc else None,
        "payload_sha256": _blob(last["payload_sha256"]) if last else None,
        "content_sha256": _blob(content["sha256"]) if content else None,
        "content_bytes": content["bytes"] if content else None,
        "tls_verdict": tls["verdict"] if tls else None,
    }
    return [("capture", row), *_digests(seq, body), *_full_copies(seq, body)]


def _digests(seq: int, body: Json) -> list[TableRow]:
    found: list[tuple[str, str | None]] = []
    if body["warc"]:
        found.append(("warc", body["warc"]["sha256"]))
    for part in body["parts"]:
        for exchange in part["exchanges"]:
            found.append(("payload", exchange["payload_sha256"]))
        if part["content"]:
            found.append(("content", part["content"]["sha256"]))
    found += [("robots", decision["sha256"]) for decision in body["robots"] if decision["seq"] == seq]
    found += [("partial", item["sha256"]) for item in body["partial"] or ()]
    return [
        ("digest", {"sha256": _blob(digest), "object": name, "seq": seq})
        for name, digest in dict.fromkeys(found)
        if digest is not None
    ]


def _full_copies(seq: int, body: Json) -> list[TableRow]:
    """Rows that later revisit records may refer to: complete payloads of stored captures, kept in full."""
    if body["result"] != "stored":
        return []
    rows: dict[tuple[str, str], TableRow] = {}
    for part in body["parts"]:
        for exchange in part["exchanges"]:
            digest, record = exchange["payload_sha256"], exchange["record"]
            if digest is None or record is None or exchange["revisit"] is not None or not exchange["payload_bytes"]:
                continue
            row = {
                "payload_sha256": _blob(digest),
                "url_id": exchange["url"],
                "seq": seq,
                "record": record,
                "date": exchange["started_at"],
            }
            rows.setdefault((digest, exchange["url"]), ("full_copy", row))
    return list(rows.values())


def _assessment(seq: int, body: Json) -> TableRow:
    plain = "capture_seq document normaliser verdict reason version change previous_version outcome"
    newer = "reason_code language decision_seq supersedes compared_with words_added words_removed silent_edit"
    row = {"seq": seq, **{name: body[name] for name in plain.split()}, **{n: body.get(n) for n in newer.split()}}
    if row["silent_edit"] is not None:
        row["silent_edit"] = int(row["silent_edit"])
    for name in ("text_sha256", "links_sha256", "rules_sha256", "text_lines_root"):
        row[name] = _blob(body.get(name))
    return ("assessment", row)


_COLUMNS = {"from": "from_at", "to": "to_at", "end": "end_at", "start": "start_at", "by": "by_name"}
"""Keys that SQL has other uses for."""


def _plain(table: str, seq: int, body: Json, names: str) -> TableRow:
    row = {_COLUMNS.get(name, name): body[name] for name in names.split()}
    return (table, {"seq": seq, **{n: int(v) if isinstance(v, bool) else v for n, v in row.items()}})


def _custody(seq: int, body: Json) -> list[TableRow]:
    """Rows of holds and imports; of a disposal, what is gone, and a ``wording`` without lines for each text with it."""
    match body["event"]:
        case "hold_set" | "hold_released" as event:
            return [
                ("hold", {"seq": seq, "hold": body["hold"], "subject": subject, "event": event})
                for subject in body["subjects"]
            ]
        case "import":
            return [("digest", {"sha256": _blob(body["file_sha256"]), "object": "imported", "seq": seq})]
        case "disposal":
            gone = [number for name in body["subjects"] if (number := _number_of(name)) is not None]
            texts = [digest for item in body["files"] if (digest := digest_of_text(item["path"])) is not None]
            return [
                *(("disposed", {"capture_seq": number, "seq": seq}) for number in gone),
                *(("wording", {"text_sha256": _blob(digest), "lines": None}) for digest in texts),
            ]
        case _:
            return []


def _number_of(name: str) -> int | None:
    """The statement of a snapshot or imported file: both are numbered by it, so one column holds either."""
    number = parse_snapshot_id(name)
    return parse_import_id(name) if number is None else number


def _stamp(seq: int, body: Json, token: bytes | None) -> list[TableRow]:
    plain = ("event", "subject", "size", "subject_seq", "authority", "gen_time", "serial", "path")
    row: dict[str, Any] = {"seq": seq, **{name: body.get(name) for name in plain}}
    row["subject_sha256"] = _blob(body.get("subject_sha256"))
    row["token_sha256"] = _blob(body.get("token_sha256"))
    row["token"] = token
    rows: list[TableRow] = [("stamp", row)]
    if row["token_sha256"] is not None:
        rows.append(("digest", {"sha256": row["token_sha256"], "object": "token", "seq": seq}))
    return rows


def _revocation(seq: int, body: Json) -> list[TableRow]:
    """Rows of what was had of issuers, then of what was not: those have the code of the failure as their status."""
    if body["event"] != "revocation":
        return []
    common = {"seq": seq, "authority": body["authority"], "chain_sha256": _blob(body["chain_sha256"])}
    names = "source url this_update next_update status revoked_at reason path".split()
    rows: list[TableRow] = []
    for place, item in enumerate([*body["items"], *body["failures"]]):
        row = {**common, "place": place, "certificate_sha256": _blob(item["certificate_sha256"])}
        row |= {name: item.get(name) for name in names} | {"file_sha256": _blob(item.get("file_sha256"))}
        row["status"] = item["status"] if "status" in item else f"failed: {item['code']}"
        rows.append(("revocation", row))
    found = dict.fromkeys(item["file_sha256"] for item in body["items"])
    return rows + [("digest", {"sha256": _blob(one), "object": "revocation", "seq": seq}) for one in found]


def _cosignature(seq: int, body: Json) -> list[TableRow]:
    row: dict[str, Any] = {name: body[name] for name in ("size", "witness", "url", "time", "path")}
    row |= {name: _blob(body[name]) for name in ("subject_sha256", "cosignature_sha256")}
    digest = {"sha256": row["cosignature_sha256"], "object": "cosignature", "seq": seq}
    return [("cosignature", {"seq": seq, "vkey": body["key"], **row}), ("digest", digest)]


def _watch(seq: int, body: Json) -> TableRow:
    entry = body["entry"]
    text = encode_line(entry).decode().rstrip("\n")
    row = {"seq": seq, "document": body["document"], "event": body["event"], "entry": text}
    return ("watch_entry", {**row, "entity": entry["entity"], "title": entry["title"]})
