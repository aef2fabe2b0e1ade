"""Certificates as others read them: qpdf, poppler, zbar, pikepdf and pyHanko judge what was written."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pikepdf.pdfa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from archiver.archive import open_archive
from archiver.certificate import certificate_of
from archiver.certificate_facts import hop_rows
from archiver.dossier import dossier_of
from archiver.evidence.banned import BANNED
from tests.cli.box import Box
from tests.cli.paper import Desk, desk, pages_of, said, text_of, unembedded
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Website

AT = datetime.datetime(2026, 11, 22, 9, 30, 0, 123000, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("desk")) as made:
        yield made


@pytest.fixture(scope="module")
def pdf(ready: Desk) -> Path:
    return ready.export(ready.box.folder / "certificate.pdf")


def test_others_find_a_sound_file_of_few_pages(pdf: Path) -> None:
    said("qpdf", "--check", pdf)
    assert 1 <= pages_of(pdf) <= 3
    assert unembedded(pdf) == []


def breaches(pdf: Path, flavour: str) -> list[str]:
    """What pikepdf finds against a level b, apart from our claim to be more (a), and from XMP that describes itself.

    Extension schemas in XMP are what ISO 19005 wants around further properties; pikepdf knows none at all.
    """
    judged = pikepdf.pdfa.validate_written(str(pdf), flavour)
    described = re.compile(r"XMP (?:namespace|property) (?:xmpTPg|pdfaExtension|pdfaSchema|pdfaProperty)[=:]")
    return [
        finding.message
        for finding in judged.violations
        if not described.match(finding.message) and "pdfaid:conformance is 'A'" not in finding.message
    ]


def test_it_is_pdf_a_3a_and_keeps_the_rules_of_3b(pdf: Path) -> None:
    with pikepdf.open(pdf) as opened:
        assert opened.open_metadata().pdfa_status == "3A"
    assert breaches(pdf, "3b") == []


def test_every_digest_of_the_record_stands_on_it_unbroken(ready: Desk, pdf: Path) -> None:
    record = ready.box.fine("cite", ready.second, "--format", "json").json
    text = text_of(pdf)
    wanted = {item["value"] for item in record["hashes"]}
    for token in record["timestamps"]:
        wanted |= {token[name] for name in ("token_sha256", "chain_sha256", "root_sha256", "subject_sha256")}
    wanted |= {record["signature"]["value"], record["signature"]["key_fpr"], record["log"]["inclusion"]["root"]}
    assert len(wanted) >= 12
    assert {value for value in wanted if value not in text.split()} == set()


def test_times_limits_gaps_and_the_publishers_words_stand_on_its_face(ready: Desk, pdf: Path) -> None:
    record = ready.box.fine("cite", ready.second, "--format", "json").json
    text = text_of(pdf)
    plain = " ".join(text.split())
    for key in ("first_tracked", "first_seen", "captured", "captured_end", "last_verified"):
        assert record["dates"][key] in text
    assert {item["gen_time"] for item in record["timestamps"]} <= set(plain.replace(",", " ").split())
    assert all(sentence in plain for sentence in record["limit_texts"].values())
    assert all(gap.partition(": ")[2] in plain for gap in record["gaps"])
    assert "“Last updated: 5 April 2026”" in plain
    assert "TLS none: nothing protected the way of this answer" in plain


def test_the_change_is_marked_against_the_version_before(ready: Desk, pdf: Path, tmp_path: Path) -> None:
    text = " ".join(text_of(pdf).split())
    assert f"From {ready.first}" in text and "change of wording" in text
    assert "Last updated: 1 March 5 April 2026" in text
    first = ready.export(tmp_path / "first.pdf", snapshot=ready.first)
    assert "Change against" not in text_of(first)


def test_the_code_names_the_snapshot_and_its_statement(ready: Desk, pdf: Path, tmp_path: Path) -> None:
    said("pdftoppm", "-r", "150", "-png", "-f", "1", "-l", "1", pdf, tmp_path / "page")
    (image,) = tmp_path.glob("page*.png")
    capture = ready.box.captures()[-1]
    entry = ready.box.fine("cite", ready.second, "--format", "json").json["capture_ref"]
    assert said("zbarimg", "-q", "--raw", image).strip() == f"{capture['origin']}#{ready.second} sha256:{entry}"


def test_what_is_attached_is_what_lies_in_the_archive(ready: Desk, pdf: Path, tmp_path: Path) -> None:
    said("pdfdetach", "-saveall", "-o", tmp_path, pdf)
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    folder = ready.box.root / ready.box.captures()[-1]["folder"]
    for name in ("statement.json", "statement.tlog-proof", "statement.loop.tsr", "statement.loop.chain.pem"):
        assert found[name] == (folder / name).read_bytes()
    record = json.loads(found["citation.json"])
    assert hashlib.sha256(found["statement.json"]).hexdigest() == record["capture_ref"]
    assert found["log.vkey"] == (ready.box.root / "keys" / "log.vkey").read_bytes()
    text = text_of(pdf).split()
    assert all(hashlib.sha256(data).hexdigest() in text for data in found.values())
    said("openssl", "ts", "-verify", "-data", tmp_path / "statement.json", "-in", tmp_path / "statement.loop.tsr",
         "-untrusted", tmp_path / "statement.loop.chain.pem", "-CAfile", ready.authority.root_pem)  # fmt: skip


def test_one_dossier_and_one_date_give_the_same_bytes(ready: Desk) -> None:
    def made(at: datetime.datetime) -> bytes:
        return certificate_of(dossier_of(open_archive(ready.box.root), ready.second, at)).pdf

    assert made(AT) == made(AT)
    assert made(AT) != made(AT + datetime.timedelta(seconds=1))


def test_no_word_claims_more_than_is_shown(pdf: Path) -> None:
    text = text_of(pdf)
    claims = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in BANNED), re.IGNORECASE)
    assert claims.findall(text) == []


def test_it_runs_nothing(pdf: Path) -> None:
    plain = pdf.with_name("plain.pdf")
    said("qpdf", "--qdf", "--object-streams=disable", pdf, plain)
    assert re.findall(rb"/(?:JavaScript|JS|Launch|RichMedia|SubmitForm|OpenAction|AA)\b", plain.read_bytes()) == []


def test_a_damaged_snapshot_gets_no_certificate(ready: Desk, tmp_path: Path) -> None:
    warc = ready.box.root / ready.box.captures()[0]["folder"] / "capture.warc.gz"
    whole = warc.read_bytes()
    warc.chmod(0o644)
    warc.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        result = ready.box.call("export", ready.first, "--output", str(tmp_path / "x.pdf"), "--no-record")
    finally:
        warc.write_bytes(whole)
    assert result.code == 3 and "no certificate is made" in result.err
    assert list(tmp_path.iterdir()) == []


def test_the_log_states_that_it_was_handed_out(ready: Desk, tmp_path: Path) -> None:
    target = tmp_path / "stated.pdf"
    ready.box.fine("export", ready.first, "--output", str(target))
    body = [statement for statement in ready.box.statements() if statement["kind"] == "custody"][-1]
    assert body["form"] == "certificate"
    assert body["file_sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()


# -- the seal --------------------------------------------------------------------------------------


class Issuer:
    """A certification authority with a leaf for seals and a revocation list."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.leaf_key = rsa.generate_private_key(65537, 2048)
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        name, leaf = _name("Seal Root"), _name("Seal of the Archive")
        self.root = (
            x509.CertificateBuilder(name, name, self.key.public_key(), 1, now - day, now + 90 * day)
            .add_extension(x509.BasicConstraints(True, None), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        self.leaf = (
            x509.CertificateBuilder(name, leaf, self.leaf_key.public_key(), 2, now - day, now + 60 * day)
            .add_extension(x509.KeyUsage(True, True, False, False, False, False, False, False, False), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def write(self, folder: Path, passphrase: bytes) -> Path:
        best = serialization.BestAvailableEncryption(passphrase)
        path = folder / "seal.p12"
        path.write_bytes(pkcs12.serialize_key_and_certificates(b"seal", self.leaf_key, self.leaf, [self.root], best))
        (folder / "root.pem").write_bytes(self.root.public_bytes(serialization.Encoding.PEM))
        (folder / "word").write_bytes(passphrase + b"\n")
        return path


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _judged(pdf: Path, *roots: Path) -> str:
    trust = [word for root in roots for word in ("--trust", str(root))]
    words = [sys.executable, "-m", "pyhanko", "sign", "validate", "--pretty-print", *trust, "--trust-replace"]
    done = subprocess.run([*words, "--no-revocation-check", str(pdf)], capture_output=True, check=False, timeout=120)
    return (done.stdout + done.stderr).decode()


def test_a_seal_is_valid_for_others_and_any_change_breaks_it(ready: Desk, tmp_path: Path) -> None:
    key = Issuer().write(tmp_path, b"secret word")
    options = ("--seal", str(key), "--seal-passphrase-file", str(tmp_path / "word"))
    sealed = ready.export(tmp_path / "sealed.pdf", *options)
    said("qpdf", "--check", sealed)
    told = said("pdfsig", "-nocert", sealed)
    assert "Signature is Valid." in told and "ETSI.CAdES.detached" in told
    assert "Total document signed" in told
    verdict = _judged(sealed, tmp_path / "root.pem", ready.authority.root_pem)
    assert "judged VALID" in verdict and "timestamp" in verdict.lower(), verdict
    assert "CN=Seal of the Archive" in text_of(sealed)
    said("pdfdetach", "-saveall", "-o", tmp_path, sealed)
    assert hashlib.sha256((tmp_path / "statement.json").read_bytes()).hexdigest() in text_of(sealed)
    data = bytearray(sealed.read_bytes())
    data[len(data) // 3] ^= 1
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(data)
    assert "Signature is Valid." not in said("pdfsig", "-nocert", broken)


@pytest.mark.parametrize("word", [b"wrong", None])
def test_a_seal_with_the_wrong_passphrase_is_said(ready: Desk, tmp_path: Path, word: bytes | None) -> None:
    key = Issuer().write(tmp_path, b"right")
    options = ["--seal", str(key)]
    if word is not None:
        (tmp_path / "word").write_bytes(word)
        options += ["--seal-passphrase-file", str(tmp_path / "word")]
    result = ready.box.call("export", ready.first, "--output", str(tmp_path / "x.pdf"), "--no-record", *options)
    assert result.code == 2 and "passphrase" in result.err
    assert not (tmp_path / "x.pdf").exists()


def _revocation_list(folder: Path, name: str, key_pem: bytes, certificate: x509.Certificate) -> str:
    key = serialization.load_pem_private_key(key_pem, None)
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateRevocationListBuilder(certificate.subject, now, now + datetime.timedelta(days=7))
    builder = builder.add_extension(x509.CRLNumber(1), critical=False)
    path = folder / f"{name}.crl"
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))  # type: ignore[arg-type]
    return str(path)


def test_with_revocation_lists_the_seal_is_for_long_terms(ready: Desk, tmp_path: Path) -> None:
    issuer = Issuer()
    key = issuer.write(tmp_path, b"word")
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    own = _revocation_list(tmp_path, "own", issuer.key.private_bytes(serialization.Encoding.PEM, *plain), issuer.root)
    theirs = ready.authority.root_pem.parent
    lists = [own] + [
        _revocation_list(
            tmp_path,
            role,
            (theirs / f"{role}.key").read_bytes(),
            x509.load_pem_x509_certificate((theirs / f"{role}.pem").read_bytes()),
        )
        for role in ("root", "intermediate")
    ]
    words = ("--seal", str(key), "--seal-passphrase-file", str(tmp_path / "word"))
    crls = [word for path in lists for word in ("--seal-crl", path)]
    sealed = ready.export(tmp_path / "long.pdf", *words, *crls)
    data = sealed.read_bytes()
    assert b"/DocTimeStamp" in data and b"/DSS" in data
    assert data.count(b"/ETSI.RFC3161") == 1
    said("qpdf", "--check", sealed)
    done = ready.box.fine(
        "export", ready.second, "--output", str(tmp_path / "short.pdf"), "--no-record", *words, "--seal-crl", own
    )
    assert "B-T, not B-LTA" in done.err
    assert b"/DocTimeStamp" not in (tmp_path / "short.pdf").read_bytes()


def test_what_the_archive_keeps_of_its_authority_leaves_the_signers_own_list_to_give(
    tmp_path: Path, site: Website
) -> None:
    with TimestampAuthority(tmp_path / "authority", revocation=True) as authority:
        box = Box(tmp_path, site, authority).init()
        snapshot = box.call("capture", site.url("/terms"), "--json").json[0]["snapshot"]
        issuer = Issuer()
        key = issuer.write(tmp_path, b"word")
        plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        pem = issuer.key.private_bytes(serialization.Encoding.PEM, *plain)
        own = _revocation_list(tmp_path, "own", pem, issuer.root)
        words = ("--no-record", "--seal", str(key), "--seal-passphrase-file", str(tmp_path / "word"))
        target = tmp_path / "long.pdf"
        done = box.fine("export", snapshot, "--output", str(target), *words, "--seal-crl", own)
        assert "B-T" not in done.err
        data = target.read_bytes()
        assert b"/DocTimeStamp" in data and b"/DSS" in data
        told = _judged(target, tmp_path / "root.pem", authority.root_pem)
        assert "judged VALID" in told, told
        without = box.fine("export", snapshot, "--output", str(tmp_path / "short.pdf"), *words)
        assert "B-T, not B-LTA: no revocation lists were given" in without.err


def test_what_no_font_shows_is_counted_and_whole_in_the_files(
    tmp_path: Path, site: Website, authority: TimestampAuthority
) -> None:
    box = Box(tmp_path, site, authority).init()
    box.fine("watch", "add", site.url("/terms"), "--entity", "例え株式会社", "--document", "Условия")
    snapshot = box.call("capture", "EA-D-00001", "--json").json[0]["snapshot"]
    target = tmp_path / "x.pdf"
    box.fine("export", snapshot, "--output", str(target), "--no-record")
    text = " ".join(text_of(target).split())
    assert "Условия" in text and "□□□□□□" in text
    assert "characters on these pages are in none of the fonts at hand" in text
    said("pdfdetach", "-savefile", "citation.json", "-o", tmp_path / "citation.json", target)
    assert json.loads((tmp_path / "citation.json").read_bytes())["source"]["author"] == "例え株式会社"


def test_the_transport_verdict_is_told_with_the_whole_chain() -> None:
    tls = {"version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "verdict": "invalid",
           "problems": ["certificate has expired"], "chain_sha256": ["a" * 64, "b" * 64]}  # fmt: skip
    hop = {"url": "https://x.example/", "method": "GET", "status": 200, "complete": True, "anomalies": [],
           "fields": {"content_type": "text/html"}, "peer": {"ip": "192.0.2.1", "port": 443}, "revisit": None,
           "reason": None, "tls": tls}  # fmt: skip
    rows = {row["label"]: (row["value"], row["note"]) for row in hop_rows(hop)}
    assert rows["TLS"] == (
        "TLSv1.3, TLS_AES_256_GCM_SHA384; certificate chain: invalid", "certificate has expired"
    )  # fmt: skip
    assert rows["Certificate"][0] == "a" * 64 and rows["issued by"][0] == "b" * 64
