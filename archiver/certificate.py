"""The certificate of a capture: its facts on a few pages, the files that show them attached, as PDF/A-3a.

Nothing on it is an opinion: digests in full, times with their clocks, limits on its face, and what is missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from archiver import formats
from archiver.certificate_change import change_since
from archiver.certificate_facts import certificate_facts
from archiver.dossier import Dossier, Part
from archiver.errors import NotCheckable
from archiver.evidence.verify import Report
from archiver.registry import plugins
from archiver.typesetting import MISSING, Attached, Press, press

MOST_ATTACHED = 16 << 20
"""Bytes of all files that are attached."""
_KINDS = {
    ".json": "application/json",
    ".tsr": "application/timestamp-reply",
    ".pem": "application/x-pem-file",
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A finished certificate."""

    pdf: bytes
    attached: tuple[Attached, ...]


def certificate_of(dossier: Dossier, *, sealed_by: str | None = None, typeset: Press | None = None) -> Certificate:
    """Make the certificate of a snapshot; equal dossiers with one date of issue give equal bytes.

    ``sealed_by`` is what is printed of a seal that the file will get. ``NotCheckable`` when a check of the snapshot
    fails: a certificate must not repeat what the stored bytes no longer show.
    """
    report = _sound(dossier)
    record = dossier.citation()
    files = tuple(_files(dossier, record))
    facts = certificate_facts(dossier, record, report, files, change_since(dossier), sealed_by)
    setter = typeset or press()
    missing = setter.shown(json.dumps(facts, ensure_ascii=False))[1]
    if missing:
        facts["notes"].append(
            f"{missing} characters on these pages are in none of the fonts at hand; each is shown as {MISSING}. "
            "The attached files have them."
        )
    return Certificate(setter.set("certificate", facts, dossier.issued, "a-3a", files), files)


def _sound(dossier: Dossier) -> Report:
    report = dossier.report()
    for check in report.checks:
        if check.verdict == "fail":
            raise NotCheckable(
                f"{dossier.snapshot}, check {check.number}: {check.detail}: no certificate is made",
                do=f"run archiver verify {dossier.snapshot}",
            )
    return report


def _files(dossier: Dossier, record: dict[str, object]) -> Iterator[Attached]:
    """What is attached: the statement, its proof, the tokens with their chains, the key, the citation record."""
    found = [
        Attached("statement.json", dossier.capture.line, _KINDS[".json"], "source", "statement of the capture"),
        Attached(
            "citation.json",
            plugins(formats)["json"].render(record).encode(),
            _KINDS[".json"],
            "data",
            "citation record, with all facts of these pages",
        ),
    ]
    if dossier.assessment is not None:
        line = dossier.assessment.line
        found.append(Attached("assessment.json", line, _KINDS[".json"], "data", "statement of the assessment"))
    if dossier.proof is not None:
        data = dossier.proof.read()
        found.append(
            Attached("statement.tlog-proof", data, "text/plain", "data", "proof of inclusion, C2SP tlog-proof")
        )
    for token in dossier.tokens():
        stem = "statement" if token.subject == "statement" else f"checkpoint-{token.size}"
        over = "the statement" if token.subject == "statement" else f"the checkpoint at size {token.size}"
        reply = _file(f"{stem}.{token.authority}.tsr", token.reply, f"timestamp by {token.authority} over {over}")
        chain = _file(f"{stem}.{token.authority}.chain.pem", token.chain, "certificates of that timestamp")
        found += [reply, chain]
        if token.subject == "checkpoint" and all(file.name != stem for file in found):
            found.append(_file(stem, token.covers, f"checkpoint of the log at size {token.size}"))
    vkey, pem = dossier.key()
    found.append(_file("log.vkey", vkey, "public key of the log, C2SP signed note"))
    found.append(_file("log.pub.pem", pem, "the same key as PEM"))
    if sum(len(file.data) for file in found) > MOST_ATTACHED:
        raise NotCheckable(f"{dossier.snapshot} has more than {MOST_ATTACHED} bytes to attach: no certificate is made")
    yield from found


def _file(name: str, part: Part, what: str) -> Attached:
    if part.size > MOST_ATTACHED:
        raise NotCheckable(f"{part.path} has more than {MOST_ATTACHED} bytes: no certificate is made")
    kind = next((mime for end, mime in _KINDS.items() if name.endswith(end)), "text/plain")
    return Attached(name, part.read(), kind, "data", what)


def sha256_of(file: Attached) -> str:
    """Digest of an attached file, 64 hex digits."""
    return hashlib.sha256(file.data).hexdigest()
