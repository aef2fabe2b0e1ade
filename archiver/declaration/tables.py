"""Tables of facts that a template may place, row by row with what shows each."""

from __future__ import annotations

from collections.abc import Callable

from archiver.declaration.ground import DeclarationGround, SnapshotGround, source_of
from archiver.declaration.showing import Row, Table, listed, shown
from archiver.evidence.canonical import Json
from archiver.evidence.verify import NOT_CHECKED

MOST_ROWS = 200
"""Rows of one table; what is beyond is counted in a last row."""
ALGORITHMS = {"sha-256": "SHA-256", "sha-512": "SHA-512"}


def _cell(value: object) -> str:
    return shown(value) or "not recorded"


def folded_digest(value: str) -> str:
    """A digest in lines of 64 digits: SHA-512 takes two."""
    return "\n".join(value[at : at + 64] for at in range(0, len(value), 64))


def _objects(g: SnapshotGround) -> Table:
    rows = []
    for item in g.record["hashes"]:
        source = g.assessment if item["object"].startswith("text") else g.capture
        what = f"{item['object']}, {item['made']}" + (f": {item['url']}" if item.get("url") else "")
        value = f"{ALGORITHMS[item['alg']]}\n{folded_digest(item['value'])}"
        rows.append(Row((_cell(what), _cell(item["bytes"]), value), source, "digest of " + item["object"]))
    return Table(
        ("Object, and whether it was received or made here", "Bytes", "Digest"),
        tuple(rows),
        "No digest is stated.",
        (31, 11, 58),
        frozenset({2}),
    )


def _answers(g: SnapshotGround) -> Table:
    rows = []
    for hop in g.hops:
        connection = hop["connection"] or {}
        tls = connection.get("tls")
        if hop["connection"] is None:
            carried = "not recorded"
        else:
            carried = f"{connection['peer_ip']} port {connection['port']}; " + (
                f"{tls['version']}, chain {tls['verdict']}" if tls else "not encrypted"
            )
        whole = "complete" if hop["complete"] else "not complete"
        cells = (_cell(f"{hop['method']} {hop['url']}"), _cell(f"{hop['started_at']} to {hop['ended_at']}"),
                 _cell(f"status {_cell(hop['status'])}, {whole}; {carried}"))  # fmt: skip
        rows.append(Row(cells, g.capture, f"field exchanges, record {hop['record']}"))
    return Table(("Request", "From, to (UTC)", "Answer"), tuple(rows), "Nothing was asked for.", (36, 28, 36))


def _timestamps(g: SnapshotGround) -> Table:
    rows = [
        Row(
            (
                _cell(f"{item['tsa']}, {item['gen_time']}, accuracy {item['accuracy'] or 'not stated'}"),
                _cell(f"{item['subject']}" + (f" at size {item['log_size']}" if item["log_size"] else "")),
                _verdict(item) + f"; reply SHA-256\n{item['token_sha256']}",
            ),
            g.tokens,
            f"stamp statement, log index {item['statement_seq']}, serial {item['serial']}, policy {item['policy']}",
        )
        for item in g.record["timestamps"]
    ]
    empty = "No timestamp covers the statement yet."
    return Table(("Authority and its time", "Covers", "Token"), tuple(rows), empty, (27, 15, 58), frozenset({2}))


def _verdict(item: Json) -> str:
    return "verified" if item["verified"] else "NOT verified: does not count"


def _custody(g: SnapshotGround) -> Table:
    rows = []
    for event in g.record["custody"] or ():
        digest = event.get("file_sha256")
        told = " ".join(str(event[key]) for key in ("event", "form", "name", "to", "archive") if event.get(key))
        who = f"by {event['by']}" if event.get("by") else "by: not recorded"
        why = f", reason: {event['reason']}" if event.get("reason") else ""
        told = _cell(f"{told}; {who}{why}") + (f"\n{digest}" if digest else "")
        rows.append(Row((_cell(event["at"]), told), g.custody, f"log index {event['seq']}"))
    empty = "No custody event after the capture is stated in the log."
    return Table(("Time (UTC)", "Event, person, SHA-256 of the file"), tuple(rows), empty, (30, 70), frozenset({1}))


def _copies(g: SnapshotGround) -> Table:
    rows = [
        Row(
            (
                _cell(f"{event['form']}: {event['name']}"),
                _cell(event["file_bytes"]),
                f"SHA-256\n{event['file_sha256']}",
            ),
            g.custody,
            f"log index {event['seq']}, {event['at']}",
        )
        for event in g.record["custody"] or ()
        if event["event"] == "export"
    ]
    empty = "The log states no file of this snapshot that was handed out."
    return Table(("File handed out", "Bytes", "Digest"), tuple(rows), empty, (31, 11, 58), frozenset({2}))


def _checks(g: SnapshotGround) -> Table:
    rows = [
        Row((str(check.number), check.name, check.verdict, _cell(check.detail)), g.look, f"check {check.number}")
        for check in g.report.checks
    ]
    return Table(("No.", "Check", "Verdict", "Detail"), tuple(rows), "No check was made.", (6, 25, 12, 57))


def _limits(g: SnapshotGround) -> Table:
    texts = g.record["limit_texts"]
    rows = [Row((code, texts[code]), g.capture, "field limits") for code in g.record["limits"]]
    return Table(("Code", "Limit"), tuple(rows), "No limit is stated.", (10, 90))


def _gaps(g: SnapshotGround) -> Table:
    found = [gap.partition(": ") for gap in g.record["gaps"]]
    rows = [Row((rule, _cell(text)), g.look, f"rule {rule.split()[-1]} of docs/citation.md") for rule, _, text in found]
    return Table(("Rule", "What is not recorded, or open"), tuple(rows), "No gap was found.", (20, 80))


def _incidents(g: DeclarationGround) -> Table:
    rows = [
        Row((statement.at, _cell(_incident(statement.body))), source_of(statement, statement.kind), "the whole line")
        for statement in g.incidents
    ]
    more = len(rows) - MOST_ROWS
    if more > 0:
        rows = [*rows[:MOST_ROWS], Row(("…", f"{more} more in the log"), g.looked, "counted")]
    empty = "The log states no crash, no damaged journal, no clock that went back and no full disk."
    return Table(("Time (UTC)", "Incident, as stated"), tuple(rows), empty, (30, 70))


def _incident(body: Json) -> str:
    keys = ("from", "to", "detail", "cut_bytes", "journal", "size")
    more = ", ".join(f"{key} {body[key]}" for key in keys if body.get(key) is not None)
    checks = ", ".join(f"{key} {listed(body[key])}" for key in ("interrupted", "committed") if body.get(key))
    return "; ".join(text for text in (str(body["event"]).replace("_", " "), more, checks) if text)


def _not_checked(g: DeclarationGround) -> Table:
    rows = tuple(Row((text,), g.looked, "printed with every report of archiver verify") for text in NOT_CHECKED)
    return Table(("Not checked, because nothing here can tell",), rows, "", (100,))


SNAPSHOT_TABLES: dict[str, tuple[str, Callable[[SnapshotGround], Table]]] = {
    "objects": ("every stored or received object with its digest in full, and whether it was received", _objects),
    "answers": ("every request with its answer, its times, the server and the verdict on TLS", _answers),
    "timestamps": ("every timestamp that covers the snapshot", _timestamps),
    "custody": ("every custody event stated about it", _custody),
    "copies": ("files of it that were handed out, with their digests", _copies),
    "checks": ("the numbered checks, made for this draft", _checks),
    "limits": ("the limits that apply, with their sentences", _limits),
    "gaps": ("what a complete citation record would have and this one has not", _gaps),
}
"""Tables in a section of one snapshot."""
STEP_TABLES: dict[str, str] = {
    "steps": "the steps of the template's protocol, which are met, and what to do about those that are not",
    "steps_observed": "the same, deviations first, with an empty column for what a person observed",
}
"""Tables of a capture protocol, in a section of one snapshot; ``archiver/declaration/draft.py`` makes them."""
DECLARATION_TABLES: dict[str, tuple[str, Callable[[DeclarationGround], Table]]] = {
    "incidents": ("crashes, damaged journals, clocks that went back, full disks that the log states", _incidents),
    "not_checked": ("what no check covers", _not_checked),
}
"""Tables in any section."""
