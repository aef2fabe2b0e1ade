"""What stands on a certificate, in the order it stands there: rows and words for the template, nothing looked up."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from archiver.environment import SOFTWARE
from archiver.evidence.canonical import Json
from archiver.evidence.verify import NOT_CHECKED, Report
from archiver.typesetting import Attached, folded, legible, qr_svg

if TYPE_CHECKING:
    from archiver.dossier import Dossier

COLUMNS = 78
"""Characters of an address on a line."""
MOST_TEXT = 600
"""Characters of one value that a site or an operator wrote; a longer one is cut here, and whole in citation.json."""
MOST_ADDRESS = 2000
OURS = "capturing host, UTC"
_PREFACE = (
    "Facts recorded by software about one capture of a web document. It states what was received, when, and what seals "
    "it; it draws no conclusion of law. The files attached to this PDF let anybody check it without this software."
)
_GAP = re.compile(r"(MUST|SHOULD) ([0-9, ]+): (.*)", re.DOTALL)


def certificate_facts(
    dossier: Dossier,
    record: Json,
    report: Report,
    files: Sequence[Attached],
    redline: Json | None,
    sealed_by: str | None,
) -> Json:
    """Return the values of the template ``certificate``."""
    source, archive = record["source"], record["archive"]
    title = legible(source["title"] or source["url"], most=200)
    qr = f"{record['citation_id']} sha256:{record['capture_ref']}"
    return {
        "title": f"Certificate of capture {record['snapshot']}: {title}",
        "author": legible(archive["name"], most=200),
        "description": f"Statement SHA-256 {record['capture_ref']}",
        "keywords": [record["snapshot"], record["capture_ref"], archive["origin"]],
        "heading": "Certificate of capture",
        "archive": legible(archive["name"], most=200),
        "origin": archive["origin"],
        "snapshot": record["snapshot"],
        "citation_id": record["citation_id"],
        "entry": record["capture_ref"],
        "issued": record["dates"]["issued"].removesuffix("Z"),
        "software": SOFTWARE,
        "preface": _PREFACE,
        "qr": qr_svg(qr),
        "qr_text": f"QR code: {qr}",
        "document": list(_document(dossier, record)),
        "times": list(_times(record)),
        "clock": _clock(record["clock"]),
        "bracket": record["sealed_between"]["sentence"],
        "limits": [{"code": code, "text": record["limit_texts"][code]} for code in record["limits"]],
        "digests": [_digest(item) for item in record["hashes"]],
        "transport": [list(part) for part in _transport(record)],
        "seals": list(_seals(record, sealed_by)),
        "seal_digests": list(_seal_digests(record)),
        "tokens": [_token(item) for item in record["timestamps"]],
        "assessment": list(_assessment(dossier)),
        "redline": redline,
        "custody": list(_custody(dossier)),
        "checks": [
            {
                "number": str(check.number),
                "name": str(check.to_json()["name"]),
                "verdict": check.verdict,
                "detail": legible(check.detail, most=300),
            }
            for check in report.checks
        ],
        "fixity": [_fixity(item) for item in record["fixity"]],
        "not_checked": "; ".join(NOT_CHECKED) + ".",
        "gaps_note": f"By the rules of a complete record this one is {record['completeness']}. "
        "MUST: a complete record has it; SHOULD: shown, no more.",
        "gaps": [_gap(text) for text in record["gaps"]],
        "attachments_note": "To check: extract them (pdfdetach -saveall FILE), then sha256sum statement.json, and "
        "openssl ts -verify for each timestamp reply with its chain. SHA-256 of each file:",
        "attachments": [
            {
                "name": file.name,
                "what": file.what,
                "size": _bytes(len(file.data)),
                "sha256": hashlib.sha256(file.data).hexdigest(),
            }
            for file in files
        ],
        "notes": [record["number_note"]],
    }


def row(label: str, value: object, note: str | None = None, *, kind: str = "text") -> Json:
    """One labelled value; ``kind`` is text, code (set in equal widths) or address (also folded)."""
    text = "not known" if value is None else str(value)
    if kind == "address":
        text = folded(text if len(text) <= MOST_ADDRESS else text[:MOST_ADDRESS] + "…", COLUMNS)
    elif kind == "text":
        text = legible(text, most=MOST_TEXT)
    return {
        "label": label,
        "value": text,
        "note": None if note is None else legible(note, most=MOST_TEXT),
        "kind": kind,
    }


def _document(dossier: Dossier, record: Json) -> Iterator[Json]:
    source, assessment = record["source"], record["assessment"]
    yield row("Title", source["title"] or "not named", source["title_basis"])
    yield row("Publisher", source["author"] or "not named", source["author_basis"])
    for url in source["urls"]:
        yield row("Address", url, kind="address")
    if source["final_url"] not in (None, *source["urls"]):
        yield row("Final address", source["final_url"], kind="address")
    yield row("Document", record["document"] or "none", None if record["document"] else "a single address, not watched")
    if assessment is not None and assessment["version"] is not None:
        before = assessment["previous_version"]
        change = f"change of {assessment['change']}" if assessment["change"] else "no change is stated"
        since = "no version before it" if before is None else f"{change} against version {before}"
        yield row("Version", assessment["version"], since)
    stated = [] if dossier.assessment is None else dossier.assessment.body.get("publisher_dates", [])
    for date in stated:
        note = f"{date['kind']}, read as {date['value']}" if date["value"] else str(date["kind"])
        yield row("Publisher's own date", f"“{date['text']}”", f"{note}; words of the document, not of this archive")
    if not stated:
        yield row("Publisher's own date", "none was found in the text" if assessment else "the text was not read")
    if record["content_id"]:
        yield row("Content identifier", record["content_id"], kind="code")
    yield row("To cite", record["strings"]["bluebook"].replace("*", ""))


def _times(record: Json) -> Iterator[Json]:
    dates, between = record["dates"], record["sealed_between"]
    known: list[tuple[str, str, str]] = [
        (dates[key], words, OURS)
        for key, words in (
            ("first_tracked", "document put on the watch list"),
            ("first_seen", "first capture of this version began"),
            ("captured", "this capture began"),
            ("captured_end", "this capture ended"),
            ("last_verified", "newest check that found this version began"),
        )
        if dates[key]
    ]
    for part in record["transport"]["parts"]:
        for hop in part["hops"][-1:]:
            if hop["fields"]["date"]:
                known.append((hop["fields"]["date"], "Date field of the answer", "the site's server"))
    if between["not_before"]:
        item = between["not_before"]
        known.append(
            (item["gen_time"], "timestamp named by the statement, made before", f"authority {item['authority']}")
        )
    for item in record["timestamps"]:
        verified = "" if item["verified"] else ", NOT verified: does not count"
        known.append((item["gen_time"], f"timestamp over the {item['subject']}{verified}", f"authority {item['tsa']}"))
    known.append((dates["issued"], "this certificate was issued", "issuing host, UTC"))
    for at, what, clock in known:
        yield {"at": legible(str(at), most=60), "what": what, "clock": legible(clock, most=60)}


def _clock(clock: Json) -> str:
    bound = clock.get("max_error_us")
    error = "error bound not known" if bound is None else f"error bound {bound / 1e6:g} s"
    state = "synchronised" if clock.get("synchronised") else "not synchronised"
    return f"Clock of the capturing host when the capture began: {state}, {error} (source: {clock.get('source')})."


def _digest(item: Json) -> Json:
    return digest(item["object"], item["alg"], item["value"], item["bytes"], item.get("url"))


def digest(what: str, alg: str, value: str, size: int | None = None, url: str | None = None) -> Json:
    """One digest, in full, with what it is of."""
    address = None if url is None else folded(url if len(url) <= MOST_ADDRESS else url[:MOST_ADDRESS] + "…", 92)
    return {
        "what": legible(what, most=200),
        "alg": alg.upper(),
        "value": value,
        "size": None if size is None else _bytes(size),
        "url": address,
    }


def _bytes(size: int) -> str:
    return f"{size:,} bytes"


def _transport(record: Json) -> Iterator[Iterator[Json]]:
    capture, transport = record["capture"], record["transport"]
    yield iter(
        [
            row(
                "Capture",
                f"{capture['method']}, {capture['trigger']}, {'attended' if capture['attended'] else 'unattended'}",
                f"result: {capture['result']}" + (f", {_why(capture['reason'])}" if capture["reason"] else ""),
            ),
            row("Software", record["environment"]["software"], record["environment"].get("os")),
        ]
    )
    for part in transport["parts"]:
        for hop in part["hops"]:
            yield hop_rows(hop)
        if part["reason"]:
            yield iter([row("Not complete", _why(part["reason"]), part["url"])])
    if transport["robots"]:
        yield (row("robots.txt", _robots(rule), rule["url"]) for rule in transport["robots"])


def _why(reason: Json) -> str:
    """A stated reason in words: its code, and its detail where it has one."""
    return f"{reason['code']}: {reason['detail']}" if reason.get("detail") else str(reason["code"])


def _robots(rule: Json) -> str:
    answer = "no answer" if rule["status"] is None else f"status {rule['status']}"
    return f"{rule['decision']}, {answer}"


def hop_rows(hop: Json) -> Iterator[Json]:
    """How one answer came: request, status, server, TLS with its verdict and the whole chain."""
    yield row("Request", f"{hop['method']} {hop['url']}", kind="address")
    complete = "complete" if hop["complete"] else "not complete"
    kind = hop["fields"]["content_type"]
    yield row("Answer", f"status {hop['status']}, {complete}", f"content type {kind}" if kind else None)
    if hop["peer"]["ip"]:
        yield row("Server", f"{hop['peer']['ip']} port {hop['peer']['port']}")
    tls = hop["tls"]
    if tls is None:
        yield row("TLS", "none: nothing protected the way of this answer" if hop["url"].startswith("http:") else "none")
    else:
        problems = "; ".join(map(str, tls["problems"]))
        yield row("TLS", f"{tls['version']}, {tls['cipher']}; certificate chain: {tls['verdict']}", problems or None)
        for number, value in enumerate(tls["chain_sha256"]):
            yield row("Certificate" if number == 0 else "issued by", value, kind="code")
    if hop["anomalies"]:
        yield row("Anomalies", "; ".join(map(str, hop["anomalies"])))
    if hop["revisit"] is not None:
        yield row("Body", f"equal to that of statement {hop['revisit']['seq']}, where it is stored")
    if hop["reason"]:
        yield row("Reason", _why(hop["reason"]))


def _seals(record: Json, sealed_by: str | None) -> Iterator[Json]:
    inclusion, signature = record["log"]["inclusion"], record["signature"]
    if inclusion is None:
        yield row("Log", "no checkpoint covers the statement yet")
    else:
        yield row("Log", f"statement {inclusion['index']} of {inclusion['tree_size']}", record["log"]["origin"])
        cosigned = inclusion["cosignature_lines"] + len(inclusion["cosignatures"])
        yield row(
            "Checkpoint", f"size {inclusion['tree_size']}, signed by the log's key", f"{cosigned} other signatures"
        )
        yield row("Log's key", inclusion["vkey"], kind="address")
        for one in inclusion["cosignatures"]:
            yield row("Witness", f"{one['witness']}, {one['time']} by its clock, size {one['log_size']}", one["key"])
    if signature["alg"]:
        yield row("Signature", f"{signature['alg']}, over the {signature['signed']}")
    if not record["timestamps"]:
        yield row("Timestamps", "none yet")
    yield row("Seal of this file", sealed_by or "none: the seals are those of the attached statement")


def _seal_digests(record: Json) -> Iterator[Json]:
    inclusion, signature = record["log"]["inclusion"], record["signature"]
    if inclusion is not None:
        yield digest("root of the log's tree", "sha-256", inclusion["root"])
        yield digest("checkpoint", "sha-256", inclusion["checkpoint_sha256"])
    if signature["alg"]:
        yield digest("public key of the log (DER)", "sha-256", signature["key_fpr"])
        yield digest(f"signature over the {signature['signed']}", signature["alg"], signature["value"])


def _token(item: Json) -> Json:
    over = "the statement" if item["subject"] == "statement" else f"the checkpoint at size {item['log_size']}"
    verdict = f"verified {item['verified_at']}" if item["verified"] else "NOT verified: does not count"
    accuracy = item["accuracy"] or "not stated"
    return {
        "heading": legible(f"Timestamp by {item['tsa']} over {over}", most=200),
        "verdict": verdict,
        "rows": [
            row("Time", item["gen_time"], f"accuracy {accuracy}"),
            row("Serial, policy", f"{item['serial']}, {item['policy']}"),
        ],
        "digests": [
            digest(what, "sha-256", item[key])
            for what, key in (
                ("reply", "token_sha256"),
                ("what it covers", "subject_sha256"),
                ("its chain", "chain_sha256"),
                ("its root certificate", "root_sha256"),
            )
            if item[key]
        ],
    }


def _assessment(dossier: Dossier) -> Iterator[Json]:
    if dossier.assessment is None:
        yield row("Assessment", "none yet")
        return
    body = dossier.assessment.body
    reason = f"reason: {body['reason']}" if body["reason"] else None
    yield row("Verdict", f"{body['verdict']} by {body['gate']}", reason)
    yield row("Outcome", str(body["outcome"]).replace("_", " "), f"text by the normaliser {body['normaliser']}")
    yield row("Statement", f"number {dossier.assessment.seq}", dossier.assessment.body.get("at"))
    for decision in dossier.decisions:
        told = decision.body
        yield row("Decision", f"{told['event']} by {told['by']}, {told['at']}", told["reason"])


def _custody(dossier: Dossier) -> Iterator[Json]:
    for statement in dossier.custody:
        body = statement.body
        words = " ".join(str(body[key]) for key in ("event", "form", "name", "hold", "verdict") if body.get(key))
        about = "" if dossier.snapshot in body["subjects"] else f" on {', '.join(body['subjects'][:3])}"
        to = f" to {body['to']}" if body.get("to") else ""
        by = f" by {body['by']}" if body.get("by") else ""
        yield row(f"Statement {statement.seq}", f"{words}{to}{about}{by}, {body['at']}", body.get("reason"))


def _fixity(item: Json) -> str:
    result = "equal to the statement" if item["equal"] else "DIFFERENT from the statement"
    return f"{item['alg'].upper()} of {item['object']} recomputed {item['at']} by {item['tool']}: {result}."


def _gap(text: str) -> Json:
    found = _GAP.fullmatch(text)
    if found is None:
        return {"rule": "", "text": legible(text, most=MOST_TEXT)}
    return {"rule": f"{found[1]} {found[2]}", "text": legible(found[3], most=MOST_TEXT)}
