"""Real policies from end to end, judged by other people's tools.

Documents are served over TLS on loopback, captured through the real operation, stamped by a real ``openssl ts``
authority. Then warcio, fastwarc, OpenSSL and Go's transparency log packages judge what lies in the archive; none of
our own code reads it. The documents of a data set beside the repository are taken where it is there, and a small set
written for this test always.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from archiver.outcome import Outcome
from archiver.watch.entry import WatchEntry
from tests.interop.test_go_oracle import Go, go_tlog
from tests.simulators.archives import Workshop, capture, stamp_all, workshop
from tests.simulators.website import Document

__all__ = ["go_tlog"]

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "policies"
TOOLS = Path(sys.executable).parent
BATCHES = 4
"""Checkpoints that are published and stamped on the way."""


@dataclass(frozen=True)
class Source:
    """One page of a document."""

    path: str
    body: bytes
    content_type: str


@dataclass(frozen=True)
class Policy:
    """One document, of one page or several."""

    entity: str
    title: str
    sources: tuple[Source, ...]
    readable: bool = True
    """False where there is no text in it: captured and kept like any other, and no version of anything."""


def written() -> list[Policy]:
    """Documents of our own words: languages, encodings, sizes, pages, and what is no text at all."""

    def page(path: str, body: str | bytes, content_type: str = "text/html; charset=utf-8") -> Source:
        return Source(path, body.encode() if isinstance(body, str) else body, content_type)

    clause = "<p>We keep what you send us for thirty days, unless the law asks for longer.</p>\n"
    return [
        Policy("Example", "Terms", (page("/terms", f"<!doctype html><title>Terms</title>{clause}"),)),
        Policy(
            "Example",
            "Privacy",
            (page("/privacy", clause), page("/privacy/cookies", "<p>None.</p>"), page("/privacy/kids", clause * 2)),
        ),
        Policy("Beispiel", "AGB", (page("/agb", "<p>Widerruf: 14 Tage. Preise in €.</p>"),)),
        Policy("Exemple", "CGU", (page("/cgu", "<p>Délai : 14 jours</p>".encode("latin-1"), "text/html"),)),
        Policy("例", "規約", (page("/kiyaku", "<p>第一条　目的</p>\r\n"),)),
        Policy("Example", "Long", (page("/long", clause * 20_000),)),
        Policy(
            "Example",
            "Noise",
            (page("/noise", hashlib.shake_256(b"noise").digest(300_000), "application/pdf"),),
            readable=False,
        ),
        Policy("Example", "Nul", (page("/nul", b"\x00" * 4096, "application/octet-stream"),), readable=False),
        Policy(
            "Example",
            "Packed",
            (page("/packed", gzip.compress(clause.encode(), mtime=0), "application/gzip"),),
            readable=False,
        ),
        Policy("Example", "Short", (page("/short", "."),)),
    ]


def shared() -> list[Policy]:
    """The newest revision of every document of the data set, with all its pages."""
    manifest = json.loads((SHARED / "manifest.json").read_text("utf-8"))
    found = []
    for document in manifest["documents"]:
        revision = max(document["revisions"], key=lambda revision: revision["observed_at"])
        sources = []
        for source in revision["sources"]:
            data = (SHARED / source["file"]).read_bytes()
            body = gzip.decompress(data) if source["file"].endswith(".gz") else data
            assert hashlib.sha256(body).hexdigest() == source["sha256"]
            sources.append(Source(f"/{source['file']}", body, source["media_type"]))
        found.append(Policy(document["service"], document["terms"], tuple(sources)))
    assert len(found) == 65
    return found


CORPORA = {"written": written} | ({"shared": shared} if SHARED.is_dir() else {})


def serve(shop: Workshop, policies: list[Policy]) -> None:
    """Serve the pages as they are, compressed, or in chunks, in turn."""
    pages = [source for policy in policies for source in policy.sources]
    for number, source in enumerate(pages):
        if number % 3 == 0:
            shop.site.documents[source.path] = (source.body, source.content_type)
        elif number % 3 == 1:
            packed = gzip.compress(source.body, 6, mtime=0)
            shop.site.documents[source.path] = Document(
                packed, source.content_type, fields=(("Content-Encoding", "gzip"),)
            )
        else:
            head = f"HTTP/1.1 200 OK\r\nContent-Type: {source.content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
            pieces = [source.body[at : at + 50_000] for at in range(0, len(source.body), 50_000)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
            shop.site.scripts[source.path] = [head.encode() + body]


@dataclass(frozen=True)
class Filled:
    """An archive with every document of a corpus in it."""

    shop: Workshop
    root: Path
    policies: list[Policy]
    outcomes: list[Outcome]

    def folder(self, outcome: Outcome) -> Path:
        return self.root / str(outcome.capture.body["folder"])

    @property
    def warcs(self) -> list[Path]:
        return [self.folder(outcome) / "capture.warc.gz" for outcome in self.outcomes]

    @property
    def vkey(self) -> str:
        return (self.root / "keys/log.vkey").read_text().strip()

    def archiver(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "archiver", "--archive", str(self.root), *words],
            env={**os.environ, **self.shop.environment},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module", params=CORPORA)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    policies = CORPORA[request.param]()
    with workshop(tmp_path_factory.mktemp("policies")) as shop:
        serve(shop, policies)
        root = shop.archive(shop.folder / "archive")
        outcomes: list[Outcome] = []
        with shop.open(root) as operation:
            entries = [
                WatchEntry(policy.entity, policy.title, tuple(shop.site.url(s.path) for s in policy.sources), 3600)
                for policy in policies
            ]
            operation.watch("added", [(None, entry) for entry in entries])
            size = -(-len(entries) // BATCHES)
            for at in range(0, len(entries), size):
                outcomes += capture(operation, [entry.urls[0] for entry in entries[at : at + size]])
                operation.publish()
                stamp_all(operation)
        yield Filled(shop, root, policies, outcomes)


def test_every_document_is_a_version_with_a_valid_certificate(filled: Filled) -> None:
    wanted = ["new_version" if policy.readable else "quarantined" for policy in filled.policies]
    assert [outcome.word for outcome in filled.outcomes] == wanted
    for outcome in filled.outcomes:
        for part in outcome.capture.body["parts"]:
            assert part["exchanges"][-1]["connection"]["tls"]["verdict"] == "valid"


def test_warcio_finds_the_very_bytes_of_the_source(filled: Filled) -> None:
    for policy, outcome in zip(filled.policies, filled.outcomes, strict=True):
        found = {}
        with (filled.folder(outcome) / "capture.warc.gz").open("rb") as handle:
            for record in ArchiveIterator(handle):
                if record.rec_type == "response":
                    found[record.rec_headers.get_header("WARC-Target-URI")] = record.content_stream().read()
        parts = outcome.capture.body["parts"]
        assert len(parts) == len(policy.sources)
        for source, part in zip(policy.sources, parts, strict=True):
            url = filled.shop.site.url(source.path)
            assert found[url] == source.body, url
            content = part["content"]
            assert content["sha256"] == hashlib.sha256(source.body).hexdigest()
            assert content["sha512"] == hashlib.sha512(source.body).hexdigest()
            assert content["bytes"] == len(source.body)


def test_warcio_passes_every_file(filled: Filled) -> None:
    done = subprocess.run([TOOLS / "warcio", "check", "-v", *filled.warcs], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "but not checked" not in done.stdout
    assert done.stdout.count("digest pass") >= 4 * len(filled.warcs)


def test_fastwarc_passes_every_file(filled: Filled, tmp_path: Path) -> None:
    def judge(warc: Path) -> None:
        told = tmp_path / f"{warc.parent.name}.txt"
        words = [str(word) for word in (TOOLS / "fastwarc", "check", "-p", "-q", "-o", told, warc)]
        judged = subprocess.run(words, capture_output=True, text=True, check=False)
        assert judged.returncode == 0, told.read_text()
        assert "FAIL" not in told.read_text()

    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(judge, filled.warcs):
            pass


def openssl(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, check=False)


def test_openssl_verifies_every_token(filled: Filled, tmp_path: Path) -> None:
    subject, count = tmp_path / "subject", 0
    for policy, outcome in zip(filled.policies, filled.outcomes, strict=True):
        folder = filled.folder(outcome)
        covered = {
            "statement": (folder / "statement.json").read_bytes(),
            "checkpoint": (folder / "statement.tlog-proof").read_bytes().partition(b"\n\n")[2],
        }
        tokens = sorted(folder.glob("*.tsr"))
        # Two authorities over the checkpoint, and over the statement where it brings a version.
        assert len([token for token in tokens if not token.name.startswith("before.")]) >= (4 if policy.readable else 2)
        for token in tokens:
            kind, authority, _ = token.name.split(".")
            base = f"{kind}.{authority}"
            subject.write_bytes(covered[kind] if kind in covered else (folder / f"{base}.subject").read_bytes())
            trust = ("-CAfile", filled.root / f"authorities/{authority}.pem")
            chain = ("-untrusted", folder / f"{base}.chain.pem")
            done = openssl("ts", "-verify", "-data", subject, "-in", token, *trust, *chain)
            assert (done.returncode, done.stdout) == (0, "Verification: OK\n"), (token, done.stderr)
            count += 1
    assert count >= 4 * len(filled.outcomes)


def test_openssl_verifies_every_checkpoint(filled: Filled, tmp_path: Path) -> None:
    text, signature = tmp_path / "text", tmp_path / "signature"
    checkpoints = [filled.root / "log/checkpoint", *filled.root.glob("stamps/*/checkpoint")]
    assert len(checkpoints) > BATCHES
    for checkpoint in checkpoints:
        signed, _, lines = checkpoint.read_bytes().partition(b"\n\n")
        text.write_bytes(signed + b"\n")
        signature.write_bytes(base64.b64decode(lines.split()[2])[4:])
        key = ("-pubin", "-inkey", filled.root / "keys/log.pub.pem", "-rawin")
        done = openssl("pkeyutl", "-verify", *key, "-in", text, "-sigfile", signature)
        assert (done.returncode, done.stdout) == (0, "Signature Verified Successfully\n"), checkpoint


def test_go_audits_the_log_and_every_proof(filled: Filled, go_tlog: Go) -> None:
    audited = go_tlog("log", filled.root / "log", filled.vkey)
    assert audited.returncode == 0, audited.stderr
    assert b"proofs from tiles" in audited.stdout
    for outcome in filled.outcomes:
        seq, folder = outcome.capture.seq, filled.folder(outcome)
        entry = hashlib.sha256((folder / "statement.json").read_bytes()).hexdigest()
        done = go_tlog("prove", seq, entry, folder / "statement.tlog-proof", filled.vkey)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(b"entry %d of " % seq)


def test_go_makes_the_same_consistency_proofs(filled: Filled, go_tlog: Go) -> None:
    for stamped in filled.root.glob("stamps/*/checkpoint"):
        done = filled.archiver("--json", "log", "consistency", str(stamped))
        assert done.returncode == 0, done.stderr
        ours: Any = json.loads(done.stdout)
        theirs = go_tlog("consistency", filled.root / "log", ours["old_size"], ours["new_size"])
        assert [base64.b64decode(line).hex() for line in theirs.stdout.split()] == ours["hashes_sha256"]
        assert ours["old_size"] == int(stamped.parent.name)


def test_verify_passes(filled: Filled) -> None:
    done = filled.archiver("verify", "--all")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert f"snapshots: {len(filled.policies)} pass, 0 fail, 0 incomplete" in done.stdout
