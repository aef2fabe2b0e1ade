"""RFC 3161 tokens: what is accepted, every refusal with its own reason, and OpenSSL as the second judge."""

from __future__ import annotations

import calendar
import hashlib
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.errors import MalformedTimestamp
from archiver.evidence.timestamp import (
    MAX_REPLY,
    NONCE_BITS,
    build_request,
    certificates_from_pem,
    chain_to_pem,
    read_token,
    verify_token,
)
from archiver.evidence.timestamp_chain import MAX_CERTIFICATES, MAX_PEM, find_chain, load_certificate
from archiver.evidence.timestamp_der import elements, require_der, wrap
from archiver.evidence.timestamp_token import read_parts
from tests.simulators.authority import TimestampAuthority
from tests.simulators.token_forge import ISSUING, MESSAGE, NONCE, ROOT, SIGNER, STAMPING, Cert, Recipe
from tests.vectors.timestamp import make

VECTORS = make.HERE
AT = calendar.timegm((2026, 5, 12, 15, 9, 41))
BESIDE = (SIGNER.der, ISSUING.der)

# vector -> how the reason begins, and whether `openssl ts -verify` refuses it too.
REFUSED = {
    "status-granted-with-modifications": ("granted with modifications", False),
    "status-rejection": ("the authority refused: rejection: bad_alg; The hash algorithm is not", True),
    "status-rejection-with-a-token": ("the authority refused: rejection: no reason given", True),
    "status-granted-and-failed": ("granted and a failure", False),
    "status-granted-without-token": ("granted, but there is no token", True),
    "imprint-sha1": ("the imprint is sha1", False),
    "imprint-sha512": ("the imprint is sha512", False),
    "imprint-of-other-data": ("the token is for other data", True),
    "info-accuracy-of-two-years": ("accuracy out of range", False),
    "info-not-in-der": ("not DER: length not in its shortest", False),
    "signature-over-another-content-type": ("the signature does not say that it is over TSTInfo", False),
    "nonce-of-another-request": ("nonce mismatch", False),
    "nonce-missing": ("the token has no nonce", False),
    "info-version-2": ("TSTInfo version", True),
    "info-critical-extension": ("critical extension not known: 1.3.6.1.4.1.32473.9", False),
    "info-serial-of-65-bytes": ("serial number of 65 bytes", False),
    "info-accuracy-of-1000-milliseconds": ("accuracy: milli- or microseconds", False),
    "time-with-offset": ("time not as RFC 3161", False),
    "time-without-seconds": ("time not as RFC 3161", False),
    "time-with-trailing-zero": ("time not as RFC 3161", False),
    "time-that-does-not-exist": ("not an RFC 3161 reply: day is out of range", False),
    "signature-flipped": ("the signature does not verify: provider signature failure", True),
    "signature-of-other-content": ("the signature does not verify: digest failure", True),
    "signature-without-attributes": ("the signature covers no attributes", True),
    "signature-with-sha1": ("the signer's digest is not SHA-256", False),
    "signers-two": ("2 signers", True),
    "signers-none": ("0 signers", True),
    "signer-by-key-identifier": ("the signer is named by key identifier", True),
    "content-is-plain-data": ("the signed content is not TSTInfo", True),
    "signed-data-version-1": ("SignedData version", True),
    "ess-missing": ("the signature does not say which certificate", True),
    "ess-empty": ("a list of ESSCertIDs is empty", True),
    "ess-twice": ("signed attribute signing_certificate_v2", False),
    "ess-of-another-certificate": ("the signature names another certificate", True),
    "ess-serial-of-another-certificate": ("the signature names another certificate", True),
    "ess-names-a-certificate-outside-the-chain": ("the signature names a certificate that is not in", True),
    "signer-twice": ("two certificates in the token claim", True),
    "signer-certificate-missing": ("the signer's certificate is neither in", True),
    "issuing-certificate-missing": ("no chain from the signer to a given root", True),
    "eku-missing": ("the signer's certificate has no extended key usage", True),
    "eku-not-critical": ("the signer's extended key usage is not critical", True),
    "eku-with-code-signing": ("the signer's extended key usage allows more", True),
    "eku-code-signing": ("the signer's extended key usage does not allow", True),
    "signer-expired-at-its-time": ("certificate not valid at the time of the token: CN=Signer", True),
    "signer-not-yet-valid-at-its-time": ("certificate not valid at the time of the token: CN=Signer", True),
    "issuing-expired-at-its-time": ("certificate not valid at the time of the token: CN=Issuing", True),
    "self-signed-intermediate-as-anchor": ("no chain from the signer to a given root", True),
    "root-of-the-same-name": ("no chain from the signer to a given root", True),
    "issuer-is-no-authority": ("no chain from the signer to a given root", True),
    "path-longer-than-allowed": ("the signature does not verify: certificate verify error", True),
    "encoding-empty": ("empty", True),
    "encoding-garbage": ("not a timestamp reply: it begins with b'<!doctype", True),
    "encoding-truncated": ("cut off: 760 of 1520 bytes", True),
    "encoding-last-byte-missing": ("cut off: 1519 of 1520 bytes", True),
    "encoding-trailing-byte": ("trailing bytes: 1 after the end", False),
    "encoding-two-replies": ("trailing bytes: 1520 after the end", False),
    "encoding-trailing-bytes-inside": ("not an RFC 3161 reply: it should have a status and", True),
    "encoding-indefinite-length": ("not DER: indefinite length", False),
    "encoding-length-not-shortest": ("not DER: length not in its shortest", False),
    "encoding-integer-not-shortest": ("not DER: integer not in its shortest", True),
    "encoding-nested-too-deep": ("nested deeper than 32", True),
    "encoding-certificate-unreadable": ("a certificate cannot be read", True),
    "encoding-attribute-certificate": ("the token carries something other than X.509", True),
    "encoding-token-without-status": ("not an RFC 3161 reply", True),
}
ACCEPTED = sorted(name for name in make.RECIPES if name.startswith("good"))


def vector(name: str) -> bytes:
    return (VECTORS / f"{name}.tsr").read_bytes()


def openssl_accepts(
    reply: Path, data: Path, root: Path, *, untrusted: Path | None = None, at: int | None = None
) -> bool:
    """Let ``openssl ts -verify`` judge."""
    command = ["openssl", "ts", "-verify", "-data", str(data), "-in", str(reply), "-CAfile", str(root)]
    command += ["-untrusted", str(untrusted)] if untrusted else []
    command += ["-attime", str(at)] if at is not None else []
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    said_ok = b"Verification: OK" in done.stdout + done.stderr
    assert said_ok == (done.returncode == 0)
    return said_ok


def judged(name: str) -> bool:
    chain = VECTORS / "chain.pem" if name == "good-without-certificates" else None
    return openssl_accepts(VECTORS / f"{name}.tsr", VECTORS / "message", VECTORS / "root.pem", untrusted=chain, at=AT)


def test_the_vectors_are_what_the_recipes_make() -> None:
    assert make.differences() == []


def test_every_vector_is_judged_here() -> None:
    names = {path.stem for path in VECTORS.glob("*.tsr")}
    assert names == set(REFUSED) | set(ACCEPTED)


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_and_openssl_agrees(name: str) -> None:
    beside = BESIDE if name == "good-without-certificates" else ()
    verified = verify_token(vector(name), MESSAGE, [ROOT.der], extra=beside)
    assert verified.chain == (SIGNER.der, ISSUING.der, ROOT.der)
    assert verified.root_sha256 == hashlib.sha256(ROOT.der).hexdigest()
    assert not verified.nonce_matched
    assert judged(name)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused_for_its_own_reason(name: str) -> None:
    reason, openssl_too = REFUSED[name]
    nonce = NONCE if name.startswith("nonce") else None
    with pytest.raises(MalformedTimestamp) as refusal:
        verify_token(vector(name), MESSAGE, [ROOT.der], nonce=nonce)
    assert str(refusal.value).startswith(reason)
    assert judged(name) != openssl_too


def test_what_a_token_says() -> None:
    token = read_token(vector("good"))
    assert token.gen_time == "2026-05-12T15:09:41.204Z"
    assert token.gen_moment == datetime(2026, 5, 12, 15, 9, 41, 204000, tzinfo=UTC)
    assert token.accuracy_us == 1_002_003
    assert (token.serial, token.policy) == ("4711", "1.3.6.1.4.1.32473.2.1")
    assert (token.imprint_algorithm, token.imprint) == ("sha256", hashlib.sha256(MESSAGE).hexdigest())
    assert (token.nonce, token.ordering) == (NONCE, False)
    assert token.tsa == "Common Name: Signer, Organization: Forge"
    assert token.certificates == (ROOT.der, SIGNER.der, ISSUING.der)


def test_gen_time_keeps_exactly_its_digits() -> None:
    nine = read_token(vector("good-nine-digits-of-a-second"))
    assert (nine.gen_time, nine.gen_moment.microsecond) == ("2026-05-12T15:09:41.123456789Z", 123456)
    assert read_token(vector("good-without-fraction")).gen_time == "2026-05-12T15:09:41Z"


def test_absent_fields_are_none() -> None:
    assert read_token(vector("good-without-nonce")).nonce is None
    assert read_token(vector("good-without-accuracy")).accuracy_us is None


def test_the_nonce_of_the_request_must_come_back() -> None:
    assert verify_token(vector("good"), MESSAGE, [ROOT.der], nonce=NONCE).nonce_matched
    with pytest.raises(MalformedTimestamp, match="nonce mismatch"):
        verify_token(vector("good"), MESSAGE, [ROOT.der], nonce=NONCE + 1)


def test_an_unsorted_certificate_set_is_accepted_and_kept() -> None:
    assert list(read_token(vector("good")).certificates) != sorted(read_token(vector("good")).certificates)
    assert verify_token(vector("good"), MESSAGE, [ROOT.der])


def test_the_working_copy_differs_in_its_certificates_alone() -> None:
    reply = vector("good-certificates-in-der-order")
    token = read_token(reply)
    assert list(token.certificates) == sorted(token.certificates)
    assert read_parts(reply).with_certificates(list(token.certificates)) == reply


def test_without_certificates_they_must_lie_beside() -> None:
    reply = vector("good-without-certificates")
    with pytest.raises(MalformedTimestamp, match="neither in the token nor beside it"):
        verify_token(reply, MESSAGE, [ROOT.der])
    twin = make.TWIN.der
    assert verify_token(reply, MESSAGE, [ROOT.der], extra=(twin, *BESIDE)).chain[0] == SIGNER.der
    with pytest.raises(MalformedTimestamp, match="ESSCertID mismatch"):
        verify_token(reply, MESSAGE, [ROOT.der], extra=(twin, ISSUING.der))


def test_a_self_signed_certificate_beside_never_becomes_an_anchor() -> None:
    reply = vector("self-signed-intermediate-as-anchor")
    with pytest.raises(MalformedTimestamp, match="no chain"):
        verify_token(reply, MESSAGE, [ROOT.der], extra=[make.IMPOSTOR.der])
    assert verify_token(reply, MESSAGE, [make.IMPOSTOR.der]).chain[-1] == make.IMPOSTOR.der


def test_an_intermediate_given_as_root_is_no_anchor() -> None:
    with pytest.raises(MalformedTimestamp, match="no chain"):
        verify_token(vector("good"), MESSAGE, [ISSUING.der])


def test_no_root_no_verdict() -> None:
    with pytest.raises(MalformedTimestamp, match="no chain"):
        verify_token(vector("good"), MESSAGE, [])


def test_the_right_root_is_found_among_many_and_again_and_again() -> None:
    roots = [make.FALSE_ROOT.der, make.IMPOSTOR.der, ROOT.der, ROOT.der]
    for _ in range(3):
        assert verify_token(vector("good"), MESSAGE, roots).chain[-1] == ROOT.der


def test_a_self_signed_signer_can_be_pinned_itself() -> None:
    lone = Cert("Lone", usages=(STAMPING,), serial=300)
    reply = Recipe(signer=lone, certificates=(lone,)).reply
    assert verify_token(reply, MESSAGE, [lone.der]).chain == (lone.der,)
    with pytest.raises(MalformedTimestamp, match="no chain"):
        verify_token(reply, MESSAGE, [ROOT.der])


def test_an_expired_twin_of_an_issuer_does_not_hide_the_valid_one() -> None:
    old = Cert("Issuing", ROOT, ca=True, end=datetime(2026, 2, 1, tzinfo=UTC), serial=301)
    reply = Recipe(certificates=(old, SIGNER, ISSUING)).reply
    assert verify_token(reply, MESSAGE, [ROOT.der]).chain[1] == ISSUING.der


@pytest.mark.parametrize(("second", "counts"), [(40, True), (41, False)])
def test_a_certificate_has_expired_at_its_last_second(second: int, counts: bool) -> None:
    # As OpenSSL has it; the standard would still count that second.
    last = Cert("Signer", ISSUING, usages=(STAMPING,), end=datetime(2026, 5, 12, 15, 9, 41, tzinfo=UTC), serial=302)
    reply = Recipe(signer=last, certificates=(last, ISSUING), gen_time=b"202605121509%d.9Z" % second).reply
    if counts:
        assert verify_token(reply, MESSAGE, [ROOT.der])
    else:
        with pytest.raises(MalformedTimestamp, match="not valid at the time"):
            verify_token(reply, MESSAGE, [ROOT.der])


def test_the_own_signature_of_an_anchor_does_not_matter() -> None:
    spoilt = ROOT.der[:-1] + bytes((ROOT.der[-1] ^ 1,))
    assert verify_token(vector("good"), MESSAGE, [spoilt]).chain[-1] == spoilt


def test_a_certificate_signed_with_a_short_digest_is_refused() -> None:
    weak = Cert("Issuing", ROOT, ca=True, serial=303, digest="SHA224")
    with pytest.raises(MalformedTimestamp, match="certificate signed with sha224: CN=Issuing"):
        verify_token(Recipe(certificates=(SIGNER, weak)).reply, MESSAGE, [ROOT.der])


def test_a_short_rsa_key_in_the_chain_is_refused() -> None:
    short = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Short")])
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
    root = (
        x509.CertificateBuilder(name, name, short.public_key(), 1, start, end)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(short, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    with pytest.raises(MalformedTimestamp, match="key too short: CN=Short"):
        find_chain(root, [], [root], start)


def test_an_endless_chain_and_a_crowd_are_refused() -> None:
    certificate = ROOT
    line = []
    for number in range(10):
        certificate = Cert(f"Link {number}", certificate, ca=True, serial=400 + number)
        line.append(certificate.der)
    with pytest.raises(MalformedTimestamp, match="no chain"):
        find_chain(line[-1], line, [ROOT.der], datetime(2026, 5, 1, tzinfo=UTC))
    crowd = [Cert("Crowd", serial=number + 1).der for number in range(MAX_CERTIFICATES + 1)]
    with pytest.raises(MalformedTimestamp, match="33 certificates, more than 32"):
        find_chain(SIGNER.der, crowd, [ROOT.der], datetime(2026, 5, 1, tzinfo=UTC))


def test_a_serial_number_of_zero_is_refused_without_a_warning() -> None:
    der = Cert("Zero", serial=1).der
    at = elements(der)[0].body
    at = elements(der, elements(der, at)[0].body)[1].body
    with pytest.raises(MalformedTimestamp, match="this one cannot be read: the serial number is not positive"):
        load_certificate(der[:at] + b"\x00" + der[at + 1 :], "this one")


def test_a_megabyte_is_refused_unread() -> None:
    with pytest.raises(MalformedTimestamp, match=f"^reply of 1048576 bytes, more than {MAX_REPLY}$"):
        verify_token(bytes(1024 * 1024), MESSAGE, [ROOT.der])


def uncovered(reply: bytes, mask: int) -> Iterator[int]:
    """Yield the positions at which a change goes unnoticed."""
    for position in range(len(reply)):
        changed = bytearray(reply)
        changed[position] ^= mask
        try:
            verify_token(bytes(changed), MESSAGE, [ROOT.der], nonce=NONCE)
        except MalformedTimestamp:
            continue
        yield position


@pytest.mark.parametrize("mask", [0x01, 0x80])
def test_every_changed_byte_of_a_bare_chain_is_noticed(mask: int) -> None:
    assert list(uncovered(Recipe(certificates=(SIGNER, ISSUING)).reply, mask)) == []


def test_what_changes_unnoticed_lies_outside_signature_and_chain() -> None:
    # Hence the log pins the digest of the whole reply.
    recipe = Recipe(certificates=(SIGNER, ROOT, ISSUING), unsigned_attribute=True, status_text="fine")
    reply = recipe.reply
    root, text = reply.index(ROOT.der), reply.index(b"fine")
    attribute = reply.rindex(bytes.fromhex("2b0601040181fd59"))
    free = {*range(root, root + len(ROOT.der)), *range(text, text + 4), *range(attribute, len(reply))}
    found = set(uncovered(reply, 0x01))
    assert found
    assert found <= free


@settings(max_examples=150)
@given(st.data())
def test_a_mangled_reply_is_refused_or_harmless(data: st.DataObject) -> None:
    reply = bytearray(vector("good"))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(reply) - 1))
        reply[start : start + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    try:
        verified = verify_token(bytes(reply), MESSAGE, [ROOT.der])
    except MalformedTimestamp:
        return
    assert verified.token.gen_time == "2026-05-12T15:09:41.204Z"


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_words(content: bytes) -> None:
    for candidate in (content, wrap(0x30, content)):
        with pytest.raises(MalformedTimestamp):
            read_token(candidate)


@given(st.binary(max_size=80), st.integers(0, 2**NONCE_BITS - 1))
def test_a_request_says_what_it_should(message: bytes, nonce: int) -> None:
    request = build_request(message, nonce)
    require_der(request)
    read = tsp.TimeStampReq.load(request, strict=True)
    assert read["message_imprint"]["hash_algorithm"]["algorithm"].native == "sha256"
    assert read["message_imprint"]["hashed_message"].native == hashlib.sha256(message).digest()
    assert (read["version"].native, read["nonce"].native, read["cert_req"].native) == ("v1", nonce, True)
    assert read.dump(force=True) == request


@pytest.mark.parametrize("nonce", [-1, 2**NONCE_BITS])
def test_a_nonce_out_of_range_is_a_mistake_of_the_caller(nonce: int) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        build_request(b"", nonce)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("0101ff", None),
        ("010101", "truth value"),
        ("0500", None),
        ("050100", "NULL with content"),
        ("020100", None),
        ("02020080", None),
        ("0202007f", "integer not"),
        ("0202ff80", "integer not"),
        ("0200", "integer not"),
        ("06032a0304", None),
        ("06032a8004", "object identifier"),
        ("06022a80", "object identifier"),
        ("0600", "object identifier"),
        ("030200ff", None),
        ("030208ff", "bit string"),
        ("0300", "bit string"),
        ("1000", "marked as primitive"),
        ("2403040161", "string in pieces"),
        ("1f8101", "tag number above 30"),
        ("0485", "length of a length"),
        ("04", "cut off before a length"),
        ("0402ff", "ends after its container"),
        ("048105" + "00" * 5, "length not in its shortest"),
        ("a003020101", None),
        ("a00402020001", "integer not"),
        ("80020001", None),
    ],
)
def test_only_the_one_permitted_encoding(content: str, reason: str | None) -> None:
    value = wrap(0x30, bytes.fromhex(content))
    if reason is None:
        require_der(value)
        return
    with pytest.raises(MalformedTimestamp, match=reason):
        require_der(value)


@given(st.integers(0, 70000))
def test_a_wrapped_value_is_one_element(size: int) -> None:
    value = wrap(0x30, wrap(0x04, bytes(size)))
    require_der(value)
    (whole,) = elements(value)
    assert (whole.tag, whole.end) == (0x30, len(value))


def test_pem_is_read_back_exactly() -> None:
    ders = (SIGNER.der, ISSUING.der, ROOT.der)
    assert certificates_from_pem(chain_to_pem(ders)) == ders


def test_pem_is_what_openssl_writes(tmp_path: Path) -> None:
    (tmp_path / "root.der").write_bytes(ROOT.der)
    command = ["openssl", "x509", "-inform", "DER", "-in", "root.der"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout == chain_to_pem([ROOT.der])


PEM = chain_to_pem([ROOT.der])


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"no certificate\n",
        b"a comment\n" + PEM,
        PEM + b"\n",
        PEM.replace(b"\n", b"\r\n"),
        PEM.rstrip(b"\n"),
        PEM.replace(b"-----BEGIN CERTIFICATE-----\n", b"-----BEGIN CERTIFICATE-----\n\n"),
        PEM.replace(b"-----END CERTIFICATE-----\n", b""),
        PEM[:60] + b"*" + PEM[61:],
        chain_to_pem([b"no DER"]),
        chain_to_pem([ROOT.der + b"\x00"]),
        bytes(MAX_PEM + 1),
    ],
)
def test_any_other_pem_is_refused(pem: bytes) -> None:
    with pytest.raises(MalformedTimestamp):
        certificates_from_pem(pem)


@pytest.mark.parametrize("chain", [True, False])
@pytest.mark.parametrize("intermediate", [True, False])
@pytest.mark.parametrize("fraction", [True, False])
def test_a_real_authority_and_openssl_agree(tmp_path: Path, chain: bool, intermediate: bool, fraction: bool) -> None:
    with TimestampAuthority(tmp_path, chain=chain, intermediate=intermediate, fraction=fraction) as authority:
        reply = authority.issue(build_request(MESSAGE, 7))
    verified = verify_token(reply, MESSAGE, [authority.root_der], nonce=7, extra=authority.chain_der)
    assert verified.nonce_matched
    assert len(verified.chain) == (3 if intermediate else 2)
    assert len(verified.token.certificates) == (len(verified.chain) if chain else 1)
    if chain and intermediate:
        assert list(verified.token.certificates) != sorted(verified.token.certificates)

    (tmp_path / "data").write_bytes(MESSAGE)
    (tmp_path / "reply.tsr").write_bytes(reply)
    (tmp_path / "stored.pem").write_bytes(chain_to_pem(verified.chain))
    root, stored = authority.root_pem, tmp_path / "stored.pem"
    assert openssl_accepts(tmp_path / "reply.tsr", tmp_path / "data", root, untrusted=stored)
    (tmp_path / "data").write_bytes(MESSAGE + b" ")
    assert not openssl_accepts(tmp_path / "reply.tsr", tmp_path / "data", root, untrusted=stored)
