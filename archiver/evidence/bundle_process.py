"""PROCESS.txt: how this snapshot was made, in numbered plain sentences with the facts of its own statement.

For the person who has to describe the process. It says what was done and what the machine reported; every fact of a
capture is one of its statement, and nothing is said about how good any of it is.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from archiver.evidence.bundle_facts import BundleFacts
from archiver.evidence.canonical import Json
from archiver.evidence.citation_strings import plain_url

WIDTH = 112
MOST = 50
"""Addresses, exchanges and robots.txt files told one by one; beyond that their number is."""


def process_text(facts: BundleFacts) -> str:
    """The whole of PROCESS.txt."""
    title = f"How the capture of snapshot {facts.snapshot} was made"
    parts = [
        f"{title}\n{'=' * len(title)}",
        _wrapped(
            "Facts are those of snapshot/statement.json, the statement that the software made of this check; keys in "
            "brackets name the place. Times are those of the capturing machine, UTC, unless another clock is named."
        ),
    ]
    number = 0
    for heading, sentences in _sections(facts):
        lines = []
        for sentence in sentences:
            number += 1
            lines.append(_wrapped(f"{number}. {sentence}", "   " if number < 10 else "    "))
        parts.append("\n".join([heading, "-" * len(heading), *lines]))
    return "\n\n".join(parts) + "\n"


def _sections(facts: BundleFacts) -> Iterator[tuple[str, Iterator[str]]]:
    body = facts.body
    yield "What was asked for", _asked(facts)
    yield "Permission and address", _permission(body)
    yield "Connection", _connections(body)
    yield "Request and response", _exchanges(body)
    yield "Storage", _storage(facts)
    yield "Clock", _clock(body)
    yield "Sealing", _sealing(facts)
    yield "Reading", _reading(facts)
    yield "Software and machine", _environment(body)
    yield "What the process does not do", _not_done(body)


def _asked(facts: BundleFacts) -> Iterator[str]:
    body = facts.body
    trigger = {
        "scheduled": "The check was begun by the schedule of the watch list",
        "manual": "The check was begun by a command that a person or a program gave",
    }.get(body["trigger"], f"The check was begun by: {_shown(body['trigger'])}")
    yield f"{trigger} [trigger]. {'A person watched it' if body['attended'] else 'No person watched it'} [attended]."
    if facts.watch is not None:
        entry = facts.watch.body["entry"]
        yield (
            f"The document is {body['document']}, which the operator entered in the watch list as "
            f"{_shown(entry['title'])} of {_shown(entry['entity'])}; statement {facts.watch.seq} of the log has the "
            "entry."
        )
    else:
        yield "The address was named for this one check; no entry of the watch list belongs to it."
    yield "Addresses asked for: " + "; ".join(plain_url(part["url"]) for part in body["parts"][:MOST]) + "."
    yield "Before the first question went to the network, the software wrote down that the check was begun."
    yield f"The check began at {body['started_at']} and ended at {body['ended_at']}; its result is {body['result']}."
    if body["reason"] is not None:
        yield f"The reason given is {body['reason']['code']}: {_shown(body['reason']['detail'])}."
    if body["recovered"]:
        yield "The process was interrupted; this statement was made at the next start from what had been written."


def _permission(body: Json) -> Iterator[str]:
    if not body["robots"]:
        yield "The statement names no robots.txt [robots]."
    for robots in body["robots"][:MOST]:
        said = {
            "allowed": "allowed the address",
            "denied": "did not allow the address",
            "unavailable": "could not be had",
            "not_asked": "was not asked for",
        }.get(robots["decision"], _shown(robots["decision"]))
        status = "no answer" if robots["status"] is None else f"status {robots['status']}"
        rule = f", by the line {_shown(robots['rule'])}" if robots["rule"] else ""
        held = "" if robots["seq"] is None else f"; its bytes are in the WARC of capture {robots['seq']}"
        digest = f", SHA-256 {robots['sha256']}" if robots["sha256"] else ""
        followed = "The rules were followed" if robots["obeyed"] else "The rules were recorded and not followed"
        yield f"{plain_url(robots['url'])} ({status}{digest}) {said}{rule}{held}. {followed} [robots.obeyed]."
    yield (
        "Each address, before a connection and at every redirect, was compared with the operator's list of networks "
        "and ports that may be asked; others are refused and stated."
    )


def _connections(body: Json) -> Iterator[str]:
    seen: list[Json] = []
    for part in body["parts"]:
        for exchange in part["exchanges"]:
            connection = exchange["connection"]
            if connection is not None and connection not in seen:
                seen.append(connection)
    if not seen:
        yield f"The statement names no connection for what was asked{_besides(body)}."
    for connection in seen[:MOST]:
        if connection["resolved"] == [connection["host"]]:
            asked = f"The host {_shown(connection['host'])} is an address; nothing was looked up."
        else:
            asked = (
                f"The name {_shown(connection['host'])} was looked up by the system's resolver "
                f"({', '.join(map(_shown, body['environment']['resolver'])) or 'not named'}); the answer was "
                f"{', '.join(connection['resolved'])}."
            )
        yield (
            f"{asked} The software opened a connection itself, at {connection['opened_at']}, from "
            f"{connection['local_ip']} to {connection['peer_ip']}, port {connection['port']}; it uses no proxy."
        )
        yield _tls(connection["tls"])


def _besides(body: Json) -> str:
    """What the absence of an exchange does not mean."""
    if body["recovered"]:
        return ": what happened before the interruption it does not know"
    return "; that for robots.txt is in the WARC" if body["robots"] and body["warc"] else ""


def _tls(tls: Json | None) -> str:
    if tls is None:
        return "The connection had no TLS."
    chain = ", ".join(tls["chain_sha256"]) or "none"
    if tls["verdict"] == "valid":
        verdict = "the certificates led to a root that the machine trusts, and named the host"
    else:
        verdict = "; ".join(map(_shown, tls["problems"])) or "not valid"
    return (
        f"TLS: {_shown(tls['version'])}, {_shown(tls['cipher'])}; certificates as sent, SHA-256 of each: {chain}. "
        f"Verdict at that moment: {tls['verdict']}: {verdict}. Revocation was not looked up. A capture is kept "
        "whatever the verdict is."
    )


def _exchanges(body: Json) -> Iterator[str]:
    exchanges = [exchange for part in body["parts"] for exchange in part["exchanges"]]
    if not exchanges:
        yield f"The statement names no request for what was asked{_besides(body)}."
        return
    for exchange in exchanges[:MOST]:
        status = "no status line" if exchange["status"] is None else f"status {exchange['status']}"
        whole = "whole" if exchange["complete"] else "not whole"
        payload = (
            f"; body as transferred {exchange['payload_bytes']} bytes, SHA-256 {exchange['payload_sha256']}"
            if exchange["payload_sha256"]
            else ""
        )
        yield (
            f"{exchange['method']} {plain_url(exchange['url'])}, sent at {exchange['started_at']} "
            f"({exchange['request_bytes']} bytes, SHA-256 {exchange['request_sha256'] or 'none'}): {status}, "
            f"{exchange['response_bytes']} bytes received until {exchange['ended_at'] or 'the end'}, {whole}{payload}."
        )
        for anomaly in exchange["anomalies"][:MOST]:
            yield f"Departure from HTTP that was noted there: {_shown(anomaly)}."
        if exchange["reason"] is not None:
            yield f"It ended early: {exchange['reason']['code']}, {_shown(exchange['reason']['detail'])}."
    if len(exchanges) > MOST:
        yield f"{len(exchanges) - MOST} further exchanges are told in the statement alone."
    yield (
        "The request was made for this check alone: no cookie, cache or log-in was carried over from an earlier one. "
        "Cookies that a server set were given back to it within this check, and then forgotten."
    )


def _storage(facts: BundleFacts) -> Iterator[str]:
    warc = facts.body["warc"]
    if warc is not None:
        yield (
            "Request, response, connection and environment were written to one WARC file as they passed, and the "
            f"digests were taken from the same bytes: capture.warc.gz, {len(warc['records'])} records, "
            f"{warc['bytes']} bytes, SHA-256 {warc['sha256']}."
        )
    for item in facts.body["partial"] or ():
        yield (
            f"Left by the interruption and sealed as it lay: {item['name']}, {item['bytes']} bytes, SHA-256 "
            f"{item['sha256']}."
        )
    for number, part in enumerate(facts.body["parts"], 1):
        content = part["content"]
        if content is not None:
            codings = ", ".join(map(_shown, content["coding"])) or "none"
            yield (
                f"Part {number}, with transfer chunks and content codings ({codings}) taken off: {content['bytes']} "
                f"bytes, SHA-256 {content['sha256']}."
            )
    for other in facts.referents:
        yield (
            f"A body that was equal to that of {other.body['snapshot']} was not stored again: the record refers to "
            "it, and that snapshot lies under referents/."
        )
    yield "The files were on the disk, synced, before the statement that names them was written."


def _clock(body: Json) -> Iterator[str]:
    clock = body["clock"]
    if clock["source"] is None:
        yield "The machine did not tell the state of its clock [clock]."
    else:
        state = "synchronised" if clock["synchronised"] else "not synchronised"
        yield (
            f"At {clock['wall']} the kernel said ({clock['source']}): {state}; largest error {clock['max_error_us']} "
            f"microseconds, estimated error {clock['est_error_us']} microseconds [clock]."
        )
    skew = clock["server_skew_ms"]
    if skew is None:
        yield "No Date field of a response was there to compare with."
    else:
        yield (
            f"The Date field of the last response lay {skew} milliseconds from the machine's clock; such a field has "
            "whole seconds."
        )


def _sealing(facts: BundleFacts) -> Iterator[str]:
    body = facts.body
    yield (
        f"The statement was given the number {facts.capture.seq} and appended to the journal at {facts.capture.at}; "
        f"its SHA-256, {facts.capture.entry_hex}, is entry {facts.capture.seq} of the log {_shown(body['origin'])}."
    )
    before = body["before"]
    if before is None:
        yield "No outside token was known when the check began [before]."
    else:
        yield (
            f"It names the newest outside token then known: of {before['authority']}, {before['gen_time']} by that "
            f"authority's clock, SHA-256 {before['token_sha256']} [before]."
        )
    if facts.proof is not None:
        yield (
            f"A checkpoint over {facts.proof.size} statements, signed by the log's key, covers it; "
            "statement.tlog-proof leads there."
        )
    for token in facts.tokens:
        over = {"statement": "the statement itself", "checkpoint": "a checkpoint that covers it"}[
            token.stamp.body["subject"]
        ]
        yield (
            f"Timestamp of {token.authority} over {over}: {token.gen_time} by that authority's clock, serial number "
            f"{token.stamp.body['serial']}, policy {token.stamp.body['policy']}; checked and stated in statement "
            f"{token.stamp.seq}."
        )
    if not facts.tokens:
        yield "No timestamp covers the statement yet."


def _reading(facts: BundleFacts) -> Iterator[str]:
    judged = facts.assessment
    if judged is None:
        yield "The capture has not been read."
        return
    reason = f" ({_shown(judged['reason'])})" if judged["reason"] else ""
    yield (
        f"Statement {judged['seq']} says what was made of it: read by {judged['normaliser']}, looked at by "
        f"{judged['gate']}, {judged['verdict']}{reason}."
    )
    if judged["text_sha256"]:
        yield f"The text has {judged['text_bytes']} bytes, SHA-256 {judged['text_sha256']}; {_version(judged)}."
    if len(facts.assessments) > 1:
        numbers = ", ".join(str(one.seq) for one in facts.assessments[:-1])
        yield f"Earlier readings, whose place this one took: statements {numbers}."


def _version(judged: Json) -> str:
    if judged["version"] is None:
        return "it has no version number"
    change = f", change of the kind {judged['change']}" if judged["change"] else ""
    return f"it is version {judged['version']} of the document{change}"


def _environment(body: Json) -> Iterator[str]:
    here = body["environment"]
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(here["libraries"].items()))
    yield (
        f"Software: {_shown(here['software'])}, Python {_shown(here['python'])}, {_shown(here['openssl'])}; "
        f"{libraries}."
    )
    yield (
        f"Machine: {_shown(here['os'])}, kernel {_shown(here['kernel'])}, {_shown(here['machine'])}; SHA-256 of its "
        f"identifier {here['host'] or 'not known'}."
    )
    yield f"Settings in force: SHA-256 {here['config_sha256']} of their canonical JSON, secrets left out."


def _not_done(body: Json) -> Iterator[str]:
    yield f"No browser takes part (method {body['method']}): scripts are not run, and no picture of the page is made."
    yield "Pictures, style sheets and other files that a page refers to are not fetched."
    yield "What is stored is not changed afterwards: later findings are further statements."


def _shown(value: object) -> str:
    """A value on one line: characters that steer a terminal, or are none of ASCII's, as escapes."""
    text = value if isinstance(value, str) else json.dumps(value)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)[:1000]


def _wrapped(text: str, indent: str = "") -> str:
    """The sentence broken at spaces; a digest is never cut."""
    return textwrap.fill(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, expand_tabs=False
    )
