"""Plain text: the whole record on one page, every digest and address complete."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import one_line, plain_url
from archiver.formats.clause import clause_lines
from archiver.formats.interface import Format

WIDTH = 80  # columns; a digest or an address that is longer stands on a line of its own, never cut
_INDENT = "    "


class Text:
    """Labelled lines; a continuation is indented, so no value can pass for a label."""

    name = "text"
    title = "Citation record as plain text"
    media_type = "text/plain; charset=utf-8"
    suffix = ".citation.txt"

    def render(self, record: Json) -> str:
        """Return the page."""
        blocks = (_source, clause_lines, _dates, _digests, _held, _times, _log, _transport, _limits)
        written = ("".join(wrap(line) for line in block(record)) for block in blocks)
        return "\n".join(block for block in written if block)


def wrap(text: str) -> str:
    """Return the text in lines of at most ``WIDTH`` columns, broken at spaces only, line feed at the end."""
    lines = textwrap.wrap(
        one_line(text), WIDTH, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False
    )
    return "".join(f"{line}\n" for line in lines)


def _source(record: Json) -> Iterator[str]:
    source = record["source"]
    yield f"CITATION RECORD {record['citation_id']}"
    yield f"Completeness: {record['completeness']}"
    yield f"Entity: {_named(source['author'], source['author_basis'])}"
    yield f"Document: {_named(source['title'], source['title_basis'])}"
    yield f"Record ID: {record['snapshot']} in the log {record['archive']['origin']}"
    yield f"ARK: {record['ark'] or 'none'}"
    yield f"Document ID: {record['document'] or 'none (a single URL, not on the watch list)'}"
    yield f"Content ID: {record['content_id'] or 'none'}"
    for url in source["urls"]:
        yield f"Source URL: {plain_url(url)}"
    if source["final_url"]:
        yield f"Final URL: {plain_url(source['final_url'])}"
    yield f"Archive: {record['archive']['name']}"
    yield f"Archive URL: {_address(record)}"
    for copy in record["third_party_copies"]:
        yield f"Copy elsewhere: {copy['archive']}, {plain_url(copy['uri'])}, {copy['at']}, {copy['compared']}"
    if not record["third_party_copies"]:
        yield "Copy elsewhere: none named"


def _address(record: Json) -> str:
    if not record["resolver"]:
        return "none; on file with the archive"
    return f"{plain_url(record['resolver'])} ({'public' if record['resolver_is_public'] else 'not public'})"


def _named(value: str | None, basis: str | None) -> str:
    return f"{value} ({basis})" if value else "not named"


def _dates(record: Json) -> Iterator[str]:
    dates, published = record["dates"], record["source"]["publisher_date"]
    words, kind = published["text"], published["kind"]
    nothing = "none" if kind == "none" else "not extracted from the document"
    yield f"Document last updated: {f'publisher says “{words}” ({kind})' if words else nothing}"
    yield f"First tracked: {_dated(record, 'first_tracked')}"
    yield f"First seen: {_dated(record, 'first_seen')}"
    yield f"Captured: {dates['captured']} – {dates['captured_end']} UTC (start – end of this capture)"
    yield f"Last verified: {_dated(record, 'last_verified')}"
    yield f"Issued: {_dated(record, 'issued')}"


def _dated(record: Json, key: str) -> str:
    value = record["dates"][key]
    return f"{value} ({record['dates']['sources'][key]})" if value else "not known"


def _digests(record: Json) -> Iterator[str]:
    for item in record["hashes"]:
        size = "" if item["bytes"] is None else f", {item['bytes']} bytes"
        url = f", from {plain_url(item['url'])}" if "url" in item else ""
        yield f"{item['alg'].upper()} of {item['object']} ({item['made']}){size}{url}: {item['value']}"


def _held(record: Json) -> Iterator[str]:
    capture, promise = record["capture"], record["commitment"]
    files = ", ".join(record["files"]) or "files not listed"
    yield f"Snapshot stored: {capture['folder'] or record['snapshot']} ({files})"
    for check in record["fixity"]:
        result = "equal to the statement" if check["equal"] else "DIFFERENT from the statement"
        yield f"SHA-256 of {check['object']} recomputed {check['at']} by {check['tool']}: {result}"
    if not record["fixity"]:
        yield "SHA-256 recomputed: not for this record"
    yield from _custody(record)
    if promise["text"]:
        until, by = promise["until"] or "no date stated", promise["by"] or "nobody named"
        yield f"Retention: {promise['text']} (until {until}; by {by})"
    else:
        yield "Retention: no commitment stated"


def _custody(record: Json) -> Iterator[str]:
    for event in record["custody"] or ():
        by, why = event.get("by") or "nobody named", event.get("reason") or "none stated"
        premis = event.get("premis") or "no PREMIS name"
        about = f" of {', '.join(event['concerns'])}" if event.get("concerns") else ""
        yield (
            f"Custody: {event['event']}{about} ({premis}) {event['at']}, by {by}, reason: {why}, "
            f"log index {event['seq']}, statement SHA-256 {event['statement_sha256']}"
        )
    if not record["custody"]:
        yield f"Custody: {'not looked up' if record['custody'] is None else 'no event stated since the capture'}"


def _times(record: Json) -> Iterator[str]:
    for item in record["timestamps"]:
        state = f"verified {item['verified_at'] or ''}".strip() if item["verified"] else "NOT verified, does not count"
        accuracy = f", accuracy {item['accuracy']}" if item["accuracy"] else ""
        yield (
            f"Timestamp by {item['tsa']} over the {item['subject']}: {item['gen_time']}{accuracy}, "
            f"serial {item['serial']}, policy {item['policy']}, {state}"
        )
        yield f"SHA-256 of that timestamp's reply: {item['token_sha256']}"
    if not record["timestamps"]:
        yield "Timestamp: none yet"
    width = record["sealed_between"]["width_s"]
    yield f"Sealed: {record['sealed_between']['sentence']}{'' if width is None else f' Width: {width} s.'}"


def _log(record: Json) -> Iterator[str]:
    inclusion, signature = record["log"]["inclusion"], record["signature"]
    yield f"Log: {record['log']['origin']}"
    yield f"Log index: {record['capture']['seq']}"
    if inclusion:
        yield f"Log size: {inclusion['tree_size']} (of the signed checkpoint; proof in {inclusion['proof_file']})"
        yield f"SHA-256 of the checkpoint: {inclusion['checkpoint_sha256']}"
        yield f"{signature['key_fpr_of']}: {signature['key_fpr']}"
    else:
        yield "Log size: no signed checkpoint covers the statement yet"
    yield f"Note: {record['number_note']}"


def _transport(record: Json) -> Iterator[str]:
    for part in record["transport"]["parts"]:
        for hop in part["hops"]:
            peer, tls = hop["peer"], hop["tls"]
            secured = "no TLS"
            if tls:
                problems = f" ({'; '.join(tls['problems'])})" if tls["problems"] else ""
                secured = f"{tls['version']}, certificate chain {tls['verdict']}{problems}"
            yield (
                f"Transport: {hop['method']} {plain_url(hop['url'])} from {peer['ip']} port {peer['port']}, "
                f"status {hop['status']}, {secured}, {hop['started_at']}"
            )
    got = record["received"]
    scope = f" ({got['scope']})" if got["scope"] else ""
    yield (
        f"Requests: {got['requested']} made, {got['received']} answered in full, {got['failed']} failed; addresses "
        f"blocked {got['blocked']}, skipped {got['skipped']}{scope}"
    )
    for item in got["reasons"]:
        yield f"Reason for {plain_url(item['url'])}: {item['code']}, {item['detail'] or 'no detail'}"
    clock, software = record["clock"] or {}, record["environment"] or {}
    bound = clock.get("max_error_us")
    sync = "state unknown"
    if clock.get("synchronised") is not None:
        sync = "synchronised" if clock["synchronised"] else "not synchronised"
    yield f"Clock: {sync}{'' if bound is None else f', error at most {bound} µs according to the kernel'}"
    yield f"Software: {software.get('software')} on {software.get('os')}"
    yield f"Trigger: {record['capture']['trigger']}, attended: {'yes' if record['capture']['attended'] else 'no'}"
    process = record["process"]
    described, validated = process["description"] or "none named", process["validation_run"] or "none named"
    yield f"Process description: {described}; validation run: {validated}"


def _limits(record: Json) -> Iterator[str]:
    for code in record["limits"]:
        yield f"Limit {code}: {record['limit_texts'][code]}"
    for gap in record["gaps"]:
        yield f"Gap, {gap}"


PLUGIN: Format = Text()
