"""Facts about one snapshot that a template may name, each with what it means and what shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archiver.declaration.ground import SnapshotGround, within
from archiver.declaration.showing import Fact, listed, shown
from archiver.evidence.citation_capture import ni_uri

Show = Callable[[SnapshotGround], Fact]


def _stated(*path: str) -> Show:
    return lambda g: g.stated(*path)


def _assessed(*path: str) -> Show:
    return lambda g: g.assessed(*path)


def _watched(*path: str) -> Show:
    return lambda g: g.watched(*path)


def _hop(*path: str) -> Show:
    where = f"field parts[0].exchanges[-1].{'.'.join(path)}"
    return lambda g: Fact(shown(within(g.last, path)), g.capture, where)


def _content(key: str) -> Show:
    def show(g: SnapshotGround) -> Fact:
        first = g.body["parts"][0] if g.body["parts"] else {}
        return Fact(shown(within(first, ("content", key))), g.capture, f"field parts[0].content.{key}")

    return show


def _date(key: str, where: str) -> Show:
    return lambda g: Fact(shown(g.record["dates"][key]), g.history, where)


def _inclusion(key: str, where: str) -> Show:
    return lambda g: Fact(shown((g.record["log"]["inclusion"] or {}).get(key)), g.head, where)


def _cosigned(g: SnapshotGround) -> Fact:
    inclusion = g.record["log"]["inclusion"] or {}
    others = inclusion.get("cosignature_lines")
    told = None if others is None else others + len(inclusion["cosignatures"])
    return Fact(shown(told), g.head, "signature lines and cosignatures, counted")


def _addresses(g: SnapshotGround) -> Fact:
    return Fact(listed([part["url"] for part in g.body["parts"]]), g.capture, "field parts[].url")


def _finals(g: SnapshotGround) -> Fact:
    answered = [p["final_url"] for p in g.body["parts"] if p["exchanges"] and p["exchanges"][-1]["status"] is not None]
    return Fact(listed(answered), g.capture, "field parts[].final_url")


def _rendered(g: SnapshotGround) -> Fact:
    plain = g.body["method"] == "http"
    told = "no: the method http stores what is received and renders nothing" if plain else None
    return Fact(told, g.capture, "field method")


def _attended(g: SnapshotGround) -> Fact:
    told = {True: "a human watched", False: "no human watched"}.get(g.body["attended"])
    return Fact(told, g.capture, "field attended")


def _reason(g: SnapshotGround) -> Fact:
    reason = g.body["reason"]
    told = "none: nothing failed" if reason is None else f"{reason['code']}: {reason['detail']}"
    return Fact(shown(told), g.capture, "field reason")


def _publisher_date(g: SnapshotGround) -> Fact:
    date = g.record["source"]["publisher_date"]
    if date["text"]:
        return Fact(shown(f"“{date['text']}” ({date['kind']})"), g.assessment, "field publisher_dates")
    found = "none: the text was searched and states none" if date["kind"] == "none" else None
    return Fact(found, g.assessment, "field publisher_dates")


def _schedule(g: SnapshotGround) -> Fact:
    from archiver.watch.entry import format_every

    fact = g.watched("every_s")
    return fact if fact.value is None else Fact(f"every {format_every(int(fact.value))}", fact.source, fact.where)


def _checks_of(g: SnapshotGround) -> Fact:
    document = g.body["document"]
    row = document and g.dossier.archive.index.row("select count(*) as n from capture where document = ?", (document,))
    return Fact(shown(row["n"]) if row else None, g.history, "number of its capture statements, whatever their result")


def _clock_state(g: SnapshotGround) -> Fact:
    state = {True: "synchronised", False: "not synchronised"}.get(within(g.body, ("clock", "synchronised")))
    return Fact(state, g.capture, "field clock.synchronised")


def _clock_error(g: SnapshotGround) -> Fact:
    error = within(g.body, ("clock", "max_error_us"))
    return Fact(None if error is None else f"{error / 1e6:g} s", g.capture, "field clock.max_error_us")


def _clock_skew(g: SnapshotGround) -> Fact:
    skew = within(g.body, ("clock", "server_skew_ms"))
    return Fact(None if skew is None else f"{skew} ms", g.capture, "field clock.server_skew_ms")


def _resolvers(g: SnapshotGround) -> Fact:
    return Fact(listed(within(g.body, ("environment", "resolver"))), g.capture, "field environment.resolver")


def _answers(g: SnapshotGround) -> Fact:
    resolved = within(g.last, ("connection", "resolved"))
    return Fact(listed(resolved), g.capture, "field parts[0].exchanges[-1].connection.resolved")


def _server(g: SnapshotGround) -> Fact:
    connection = g.last.get("connection")
    told = f"{connection['peer_ip']} port {connection['port']}" if connection else None
    return Fact(shown(told), g.capture, "field parts[0].exchanges[-1].connection.peer_ip")


def _tls(g: SnapshotGround) -> Fact:
    where = "field parts[0].exchanges[-1].connection.tls"
    if not g.last.get("connection"):
        return Fact(None, g.capture, where)
    tls = within(g.last, ("connection", "tls"))
    if tls is None:
        return Fact("none: the connection was not encrypted", g.capture, where)
    problems = f" ({'; '.join(map(str, tls['problems']))})" if tls["problems"] else ""
    return Fact(shown(f"{tls['version']}, {tls['cipher']}; chain {tls['verdict']}{problems}"), g.capture, where)


def _certificate(g: SnapshotGround) -> Fact:
    chain = within(g.last, ("connection", "tls", "chain_sha256"))
    return Fact(chain[0] if chain else None, g.capture, "field parts[0].exchanges[-1].connection.tls.chain_sha256[0]")


def _robots(g: SnapshotGround) -> Fact:
    told = [f"{rule['decision']} ({rule['url']})" for rule in g.body["robots"]]
    return Fact(listed(told), g.capture, "field robots")


def _counts(g: SnapshotGround) -> Fact:
    received = g.record["received"]
    told = ", ".join(f"{received[key]} {key}" for key in ("requested", "received", "failed", "blocked", "skipped"))
    return Fact(told, g.capture, "field parts[].exchanges, counted")


def _content_id(g: SnapshotGround) -> Fact:
    fact = _content("sha256")(g)
    return Fact(None if fact.value is None else ni_uri(fact.value), fact.source, fact.where)


def _warc(key: str) -> Show:
    return lambda g: Fact(shown(within(g.body, ("warc", key))), g.capture, f"field warc.{key}")


def _records(g: SnapshotGround) -> Fact:
    found = within(g.body, ("warc", "records"))
    return Fact(None if found is None else str(len(found)), g.capture, "field warc.records, counted")


def _tokens(g: SnapshotGround) -> Fact:
    known = [item for item in g.record["timestamps"] if item["verified"]]
    told = [f"{item['tsa']} at {item['gen_time']}, over the {item['subject']}" for item in known]
    return Fact(listed(told), g.tokens, "stamp statements; each token verified again")


def _between(end: str) -> Show:
    def show(g: SnapshotGround) -> Fact:
        found = g.record["sealed_between"][end]
        told = f"{found['gen_time']} (according to {found['authority']})" if found else None
        source, where = (g.capture, "field before") if end == "not_before" else (g.tokens, "earliest verified token")
        return Fact(shown(told), source, where)

    return show


def _fixity(key: str) -> Show:
    def show(g: SnapshotGround) -> Fact:
        found = g.record["fixity"]
        value: Any = found[0][key] if found else None
        if key == "equal" and value is not None:
            value = "equal to the statement" if value else "different from the statement"
        return Fact(shown(value), g.look, f"fixity of capture.warc.gz, {key}")

    return show


def _passed(verdict: str) -> Show:
    def show(g: SnapshotGround) -> Fact:
        numbers = [str(check.number) for check in g.report.checks if check.verdict == verdict]
        return Fact(", ".join(numbers) or "none", g.look, f"numbered checks with the verdict {verdict}")

    return show


def _custody(which: str) -> Show:
    def show(g: SnapshotGround) -> Fact:
        events = g.record["custody"] or []
        if which == "count":
            return Fact(str(len(events)), g.custody, "counted")
        event = events[0 if which == "first" else -1] if events else None
        told = f"log index {event['seq']}, {event['event']}, {event['at']}" if event else "none: no event is stated"
        return Fact(told, g.custody, f"{which} of them")

    return show


def _gap_count(g: SnapshotGround) -> Fact:
    gaps = g.record["gaps"]
    musts = sum(gap.startswith("MUST") for gap in gaps)
    told = f"{g.record['completeness']}: {len(gaps)} gaps, {musts} of them in what a complete record must have"
    return Fact(told, g.look, "gaps of the citation record")


SNAPSHOT_FACTS: dict[str, tuple[str, Show]] = {
    "snapshot.id": ("identifier of the snapshot", _stated("snapshot")),
    "snapshot.index": ("index of its statement in the log", _stated("seq")),
    "snapshot.digest": (
        "SHA-256 of its statement's line, which is its entry in the log",
        lambda g: Fact(g.dossier.capture.entry_hex, g.capture, "the whole line"),
    ),
    "snapshot.citation": (
        "its identifier for citations",
        lambda g: Fact(shown(g.record["citation_id"]), g.capture, "field origin and field snapshot"),
    ),
    "snapshot.folder": ("its folder in the archive", _stated("folder")),
    "snapshot.limits": ("codes of the limits that apply", lambda g: Fact(
        listed(g.record["limits"]), g.capture, "field limits")),
    "document.id": ("identifier of the watched document", _stated("document")),
    "document.title": ("title, as the operator of the archive named it", _watched("title")),
    "document.publisher": ("publisher, as the operator of the archive named it", _watched("entity")),
    "document.date": ("the document's own date, word for word, and its kind", _publisher_date),
    "document.schedule": ("how often it was to be checked", _schedule),
    "document.tracked": (
        "when it was put on the watch list", _date("first_tracked", "time of its first watch statement")),
    "document.checks": ("how many checks of it the log states, whatever came of them", _checks_of),
    "version.number": ("number of the wording among those seen of the document", _assessed("version")),
    "version.first_seen": (
        "start of the first check that found this wording", _date("first_seen", "first capture of the same version")),
    "version.last_verified": (
        "start of the newest check that found this wording",
        _date("last_verified", "newest capture of the same version")),
    "version.verdict": ("whether the gate let the capture count as a version", _assessed("verdict")),
    "version.change": ("class of the change against the version before", _assessed("change")),
    "capture.url": ("addresses asked for", _addresses),
    "capture.final_url": ("addresses that answered, after redirects", _finals),
    "capture.started": ("when the check began, UTC, by the capturing host's clock", _stated("started_at")),
    "capture.ended": ("when the check ended, UTC, by the capturing host's clock", _stated("ended_at")),
    "capture.method": ("method of capture", _stated("method")),
    "capture.trigger": ("what began the check: scheduled or manual", _stated("trigger")),
    "capture.attended": ("whether a human watched", _attended),
    "capture.result": ("result of the check", _stated("result")),
    "capture.reason": ("what failed, where something did", _reason),
    "capture.rendered": ("whether anything was rendered", _rendered),
    "capture.counts": ("requests made, answers received, failures, addresses blocked or skipped", _counts),
    "capture.recovered": ("whether the statement was made after a crash", _stated("recovered")),
    "robots.decision": ("what robots.txt said of each address", _robots),
    "clock.state": ("whether the kernel called the clock synchronised when the check began", _clock_state),
    "clock.error": ("the kernel's bound of the clock's error", _clock_error),
    "clock.source": ("where the clock's state was read", _stated("clock", "source")),
    "clock.server_skew": ("Date field of the answer minus the capturing host's clock", _clock_skew),
    "dns.resolvers": ("name servers in force", _resolvers),
    "dns.answers": ("addresses the resolver answered for the last host", _answers),
    "server.address": ("address and port of the server that gave the last answer", _server),
    "server.status": ("HTTP status of the last answer", _hop("status")),
    "server.type": ("Content-Type of the last answer, verbatim", _hop("fields", "content_type")),
    "server.date": ("Date field of the last answer, verbatim; the server's clock", _hop("fields", "date")),
    "server.etag": ("ETag of the last answer, verbatim", _hop("fields", "etag")),
    "server.last_modified": ("Last-Modified of the last answer, verbatim", _hop("fields", "last_modified")),
    "server.tls": ("TLS version, cipher and the verdict on the certificate chain", _tls),
    "server.certificate": ("SHA-256 of the server's certificate (DER)", _certificate),
    "host.software": ("capturing software and version", _stated("environment", "software")),
    "host.python": ("Python version", _stated("environment", "python")),
    "host.openssl": ("OpenSSL version", _stated("environment", "openssl")),
    "host.os": ("operating system", _stated("environment", "os")),
    "host.kernel": ("kernel", _stated("environment", "kernel")),
    "host.machine": ("architecture of the machine", _stated("environment", "machine")),
    "host.identity": ("SHA-256 of the machine identifier, not its name", _stated("environment", "host")),
    "host.configuration": ("SHA-256 of the settings in force", _stated("environment", "config_sha256")),
    "warc.sha256": ("SHA-256 of capture.warc.gz", _warc("sha256")),
    "warc.sha512": ("SHA-512 of capture.warc.gz", _warc("sha512")),
    "warc.bytes": ("size of capture.warc.gz in bytes", _warc("bytes")),
    "warc.records": ("number of its records", _records),
    "payload.sha256": ("SHA-256 of the body of the last answer as transferred", _hop("payload_sha256")),
    "payload.bytes": ("its size in bytes", _hop("payload_bytes")),
    "content.sha256": ("SHA-256 of the same body decoded", _content("sha256")),
    "content.bytes": ("its size in bytes", _content("bytes")),
    "content.id": ("the same digest as an RFC 6920 identifier", _content_id),
    "text.sha256": ("SHA-256 of the text read out of it", _assessed("text_sha256")),
    "text.normaliser": ("named procedure that read the text", _assessed("normaliser")),
    "log.size": ("size of the log at the checkpoint that covers the statement", _inclusion("tree_size", "size line")),
    "log.root": ("root of the Merkle tree at that size", _inclusion("root", "root line")),
    "log.checkpoint": ("SHA-256 of that checkpoint", _inclusion("checkpoint_sha256", "the whole file")),
    "log.cosignatures": ("signatures of others under it", _cosigned),
    "time.not_before": ("outside timestamp the statement names, made before it", _between("not_before")),
    "time.not_after": ("earliest verified outside timestamp over it", _between("not_after")),
    "time.tokens": ("verified timestamps: authority, time, what each covers", _tokens),
    "fixity.sha256": ("SHA-256 of capture.warc.gz, computed again for this draft", _fixity("value")),
    "fixity.result": ("whether it equals the statement's", _fixity("equal")),
    "fixity.at": ("when it was computed again", _fixity("at")),
    "fixity.tool": ("by which tool", _fixity("tool")),
    "checks.passed": ("numbers of the checks that passed", _passed("pass")),
    "checks.incomplete": ("numbers of the checks that could not be made", _passed("incomplete")),
    "checks.failed": ("numbers of the checks that failed", _passed("fail")),
    "custody.count": ("custody events stated about the snapshot", _custody("count")),
    "custody.first": ("the first of them", _custody("first")),
    "custody.last": ("the last of them", _custody("last")),
    "record.completeness": ("whether the citation record is complete, and how many gaps it has", _gap_count),
}  # fmt: skip
"""Name, meaning, and how it is shown."""
