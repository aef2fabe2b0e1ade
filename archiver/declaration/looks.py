"""Looks at a snapshot that decide the steps of a capture protocol: *met* only where stored evidence shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from archiver.declaration.ground import SnapshotGround, within
from archiver.declaration.looks_wire import WIRE_LOOKS
from archiver.declaration.protocol import HUMAN, MET, NOT_MET, NOT_RECORDED, Look, Seen
from archiver.declaration.showing import listed, shown

MAX_CLOCK_ERROR_US = 1_000_000
"""Above it a statement carries the limit L16."""
_MARKUP = re.compile(r"\s*(?:text/html|application/xhtml\+xml)\b", re.IGNORECASE)


def recorded(name: str, *path: str) -> Look:
    """Met where the statement has the field; ``name`` says what it is in a sentence."""

    def look(g: SnapshotGround) -> Seen:
        value = within(g.body, path)
        told = listed(value) if isinstance(value, list) else shown(value)
        where = f"field {'.'.join(path)}"
        if told is None:
            return Seen(NOT_RECORDED, f"Not recorded: {name}", g.capture, where)
        return Seen(MET, f"Recorded: {name} {told}", g.capture, where)

    return look


def silent(name: str) -> Look:
    """Not recorded: no field of a statement holds it."""
    return lambda g: Seen(NOT_RECORDED, f"Not recorded: {name}", g.capture, "no field for it")


def _browser(name: str, *path: str) -> Look:
    """As ``recorded``; a capture by the method http had no browser at all, and that is said."""

    def look(g: SnapshotGround) -> Seen:
        if g.body["method"] == "http":
            software = within(g.body, ("environment", "software"))
            told = f"No browser took part: method http, client {shown(software) or 'not recorded'}"
            return Seen(NOT_MET, told, g.capture, "field method")
        return recorded(name, *path)(g)

    return look


def _clock(g: SnapshotGround) -> Seen:
    where = "field clock"
    synchronised, error = (within(g.body, ("clock", key)) for key in ("synchronised", "max_error_us"))
    if synchronised is None or error is None:
        return Seen(NOT_RECORDED, "Not recorded: the kernel did not tell the state of its clock", g.capture, where)
    told = f"error bound {error / 1e6:g} s, source {shown(within(g.body, ('clock', 'source'))) or 'not recorded'}"
    if not synchronised or error > MAX_CLOCK_ERROR_US:
        state = "synchronised" if synchronised else "not synchronised"
        return Seen(NOT_MET, f"The kernel called its clock {state}, {told}", g.capture, where)
    return Seen(
        MET, f"The kernel called its clock synchronised, {told}; no time server was asked then", g.capture, where
    )


def _started(g: SnapshotGround) -> Seen:
    return Seen(MET, f"The check began {g.body['started_at']}", g.capture, "field started_at")


def _ended(g: SnapshotGround) -> Seen:
    return Seen(MET, f"The check ended {g.body['ended_at']}", g.capture, "field ended_at")


def _attended(g: SnapshotGround) -> Seen:
    if g.body["attended"] is True:
        return Seen(MET, "The statement says that a human watched", g.capture, "field attended")
    return Seen(HUMAN, "No human observed the capture", g.capture, "field attended")


def _url(g: SnapshotGround) -> Seen:
    finals = listed([part["final_url"] for part in g.body["parts"] if part["exchanges"]])
    if finals is None:
        return Seen(NOT_MET, "No address was asked for", g.capture, "field parts")
    return Seen(MET, f"Recorded: {finals}", g.capture, "field parts[].final_url")


def _path(g: SnapshotGround) -> Seen:
    return Seen(NOT_MET, "The address was asked for directly, not reached by links", g.capture, "field parts[].url")


def _findings(g: SnapshotGround) -> Seen:
    broken, warc = g.fails(1, 2, 3), g.body["warc"]
    if broken or warc is None:
        return Seen(NOT_MET, broken or "No WARC file was kept", g.warc, "field warc")
    told = f"{len(warc['records'])} records are listed with offset and digest, the file with its digest"
    return Seen(MET, told, g.warc, "field warc.records")


def _source_code(g: SnapshotGround) -> Seen:
    where = "response records"
    broken = g.fails(1, 2, 3, 4, 5)
    last = [part["exchanges"][-1] if part["exchanges"] else None for part in g.body["parts"]]
    if broken or g.body["warc"] is None or g.body["result"] != "stored":
        return Seen(NOT_MET, broken or f"No document was stored: result {g.body['result']}", g.warc, where)
    types = [shown(hop["fields"]["content_type"]) or "no type stated" for hop in last if hop is not None]
    elsewhere = [hop["revisit"]["seq"] for hop in last if hop is not None and hop["revisit"] is not None]
    stored = "the body is stored as transferred"
    if elsewhere:
        stored = f"the body, equal by SHA-256, is stored with statement {', '.join(map(str, elsewhere))}"
    markup = all(_MARKUP.match(kind) for kind in types)
    what = "HTML source" if markup else "no HTML, the document as received"
    return Seen(MET if types else NOT_MET, f"Recorded: {what} ({'; '.join(types)}), {stored}", g.warc, where)


def _picture(what: str) -> Look:
    def look(g: SnapshotGround) -> Seen:
        if any(str(item["object"]).startswith(what) for item in g.record["hashes"]):
            return Seen(MET, f"A {what} is stored with its digest", g.capture, "digests")
        return Seen(NOT_MET, f"No {what} was made: method {g.body['method']}", g.capture, "field method")

    return look


def _sealed(g: SnapshotGround) -> Seen:
    inclusion = g.record["log"]["inclusion"]
    if inclusion is None or g.fails(6, 7):
        return Seen(NOT_MET, g.fails(6, 7) or "No signed checkpoint covers the statement yet", g.head, "checkpoint")
    told = f"The digest of the capture is in the log, covered by the checkpoint at size {inclusion['tree_size']}"
    return Seen(MET, told, g.head, "proof of inclusion")


def _deposited(g: SnapshotGround) -> Seen:
    given = [event for event in g.record["custody"] or () if event.get("form") in ("bundle", "wacz")]
    where = "custody statements of export"
    if not given:
        return Seen(NOT_MET, "The log states no bundle of this snapshot that was handed out", g.custody, where)
    last = given[-1]
    told = f"The log states {shown(last['name'])}, SHA-256 {last['file_sha256']}, handed out {last['at']}"
    return Seen(MET, told, g.custody, f"log index {last['seq']}")


def _stamped(g: SnapshotGround) -> Seen:
    known = [item for item in g.record["timestamps"] if item["verified"]]
    if not known:
        return Seen(NOT_MET, "No verified outside timestamp covers the statement", g.tokens, "stamp statements")
    told = "; ".join(f"{item['tsa']} {item['gen_time']}" for item in known)
    return Seen(MET, f"Verified outside timestamps: {told}", g.tokens, "stamp statements")


def _hosts(key: str, name: str) -> Look:
    """Addresses of the connections: what was seen of the network from this side."""

    def look(g: SnapshotGround) -> Seen:
        found = dict.fromkeys(_text(within(hop, ("connection", key))) for hop in g.hops if hop["connection"])
        told = listed([value for value in found if value])
        where = f"field exchanges[].connection.{key}"
        state, words = (NOT_RECORDED, "Not recorded") if told is None else (MET, "Recorded")
        return Seen(state, f"{words}: {name}" + (f" {told}" if told else ""), g.capture, where)

    return look


def _text(value: Any) -> str | None:
    return ", ".join(map(str, value)) if isinstance(value, list) else shown(value)


def _certificates(g: SnapshotGround) -> Seen:
    chains: Sequence[Any] = [
        within(hop, ("connection", "tls", "chain_sha256")) for hop in g.hops if hop["connection"] is not None
    ]
    where = "field exchanges[].connection.tls; transport record of the WARC"
    if not chains or not all(chains):
        return Seen(NOT_RECORDED, "Not recorded: a certificate of every server (not encrypted, or none)", g.warc, where)
    return Seen(MET, f"Recorded: certificate chains, of {len(chains)} in all, in the WARC", g.warc, where)


def _human(what: str) -> Look:
    return lambda g: Seen(HUMAN, what, g.look, "no stored fact can show it")


LOOKS: dict[str, tuple[str, Callable[[SnapshotGround], Seen]]] = {
    "protocol.named": (
        "the statement names the protocol it followed",
        silent("which protocol the capture followed; this report applies the list afterwards")),
    "host.identity": ("digest of the machine identifier", recorded(
        "digest of the machine identifier", "environment", "host")),
    "host.model": ("make, model and serial number", silent("make, model and serial number of the machine")),
    "host.os": ("operating system", recorded("operating system", "environment", "os")),
    "host.kernel": ("kernel", recorded("kernel", "environment", "kernel")),
    "host.patched": ("date of the last patches", silent("date of the last patches")),
    "host.protection": ("antivirus, firewall, image digest", silent("antivirus and firewall, digest of the image")),
    "software.version": ("capturing software", recorded("capturing software", "environment", "software")),
    "browser.version": ("browser with its version", _browser("browser", "environment", "browser", "version")),
    "browser.extensions": ("the list of its add-ons", _browser(
        "add-ons of the browser", "environment", "browser", "extensions")),
    "render.settings": ("screen settings", _browser("screen settings", "environment", "render")),
    "net.local": ("layout of the local network", silent("router, network card and modem of the local network")),
    "net.local_ip": ("private address of the machine", _hosts("local_ip", "address of the machine in its network")),
    "net.public_ip": ("public address of the machine", silent("public address of the machine")),
    "net.provider": ("internet access provider", silent("internet access provider")),
    "dns.resolvers": ("name servers in force", recorded("name servers", "environment", "resolver")),
    "dns.answers": ("what they answered", _hosts("resolved", "addresses answered")),
    "net.proxy_settings": ("proxy settings", silent("proxy settings of system and client")),
    "clock.synchronised": ("the clock was synchronised, error bound at most 1 s", _clock),
    "client.clean": ("traces of earlier use were removed", silent(
        "that temporary files, history, form data and passwords were removed; the client keeps none from one visit to "
        "the next, but no statement shows it")),
    "capture.started": ("start", _started),
    "capture.ended": ("end", _ended),
    "capture.undisturbed": (
        "nothing else ran in between", silent("whether anything else ran on the machine meanwhile")),
    "capture.path": ("the page was reached by its links", _path),
    "capture.attended": ("a human watched", _attended),
    "capture.url": ("the address", _url),
    "warc.listed": ("findings are listed and stored with digests", _findings),
    "warc.source": ("the source code is stored", _source_code),
    "picture.screenshot": ("a screenshot is stored", _picture("screenshot")),
    "picture.network": ("a packet capture is stored", _picture("packet capture")),
    "target.address": ("address of the server", _hosts("peer_ip", "address of the server")),
    "target.certificate": ("certificate chain of the server", _certificates),
    "target.holder": ("holder of the domain name, operator of the host", silent(
        "holder of the domain name and operator of the host")),
    "log.sealed": ("a signed checkpoint covers the statement", _sealed),
    "log.deposited": ("a bundle was handed out and its digest stated", _deposited),
    "time.stamped": ("a verified outside timestamp", _stamped),
    "human.observes": ("only a person can do it", _human("Only a person can observe this and say so")),
    **WIRE_LOOKS,
}  # fmt: skip
"""Name, what it looks for, and the look."""
