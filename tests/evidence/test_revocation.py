"""Revocation lists and OCSP responses: what is read from them, what is refused by name, what it means for a token."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import MalformedRevocation
from archiver.evidence import revocation
from archiver.evidence.revocation import (
    Finding,
    Sources,
    judge,
    links_of,
    ocsp_request,
    read_finding,
    require_current,
    sources_of,
)
from tests.simulators import revocations as made
from tests.simulators.revocations import DAY, ISSUING, NOON, OTHER, ROOT, SIGNER, List, Response, der

LIST, RESPONSE = List(), Response()
PAIR = (der(SIGNER), der(ISSUING))
REASONS = x509.ReasonFlags
REVOKED = ocsp.OCSPCertStatus.REVOKED


def of_list(one: List, pair: tuple[bytes, bytes] = PAIR) -> Finding:
    return read_finding("crl", one.der, *pair)


def of_response(one: Response, pair: tuple[bytes, bytes] = PAIR) -> Finding:
    return read_finding("ocsp", one.der, *pair)


def test_a_list_without_the_certificate_says_good() -> None:
    found = of_list(LIST.but(revoked=((OTHER.serial_number, NOON, REASONS.key_compromise),)))
    assert (found.status, found.this_update, found.next_update) == ("good", NOON, NOON + 7 * DAY)
    assert (found.revoked_at, found.reason) == (None, None)


@pytest.mark.parametrize("reason", [None, REASONS.key_compromise, REASONS.superseded])
def test_a_list_and_a_response_say_when_and_why_it_was_revoked(reason: x509.ReasonFlags | None) -> None:
    listed = of_list(LIST.but(revoked=((SIGNER.serial_number, NOON - DAY, reason),)))
    answered = of_response(RESPONSE.but(status=REVOKED, revoked_at=NOON - DAY, reason=reason))
    for found in (listed, answered):
        assert (found.status, found.revoked_at) == ("revoked", NOON - DAY)
        assert found.reason == (reason.value if reason else None)


@pytest.mark.parametrize(
    "response",
    [
        RESPONSE,
        RESPONSE.but(signer=ISSUING),
        RESPONSE.but(by_key=True),
        RESPONSE.but(algorithm=hashes.SHA256()),
        RESPONSE.but(until=None),
    ],
    ids=["responder", "issuer", "by key", "sha256", "without end"],
)
def test_a_response_of_the_issuer_or_its_responder_says_good(response: Response) -> None:
    assert of_response(response).status == "good"


def test_a_responder_may_not_know() -> None:
    assert of_response(RESPONSE.but(status=ocsp.OCSPCertStatus.UNKNOWN)).status == "unknown"


def point(**changes: Any) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """The extension that says what a list is of."""
    values: dict[str, Any] = dict.fromkeys(("full_name", "relative_name", "only_some_reasons"))
    flags = "only_contains_user_certs only_contains_ca_certs indirect_crl only_contains_attribute_certs"
    values |= dict.fromkeys(flags.split(), False)
    return ((x509.IssuingDistributionPoint(**(values | changes)), True),)


UNKNOWN = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.9"), b"\x05\x00"), True)
ELSEWHERE = [x509.UniformResourceIdentifier("http://lists.example/another.crl")]
HERE = [x509.UniformResourceIdentifier(made.LIST_URL)]
BAD_LISTS = {
    "another issuer": (LIST.but(issuer="Stranger", signed_by="Stranger"), "the list is of CN=Stranger"),
    "signed by a stranger": (LIST.but(signed_by="Stranger"), "the signature of the list is not of CN=Issuing"),
    "sha-224": (LIST.but(digest=hashes.SHA224()), "signed with sha224"),
    "delta": (LIST.but(extensions=((x509.DeltaCRLIndicator(1), True),)), "a delta list"),
    "indirect": (LIST.but(extensions=point(indirect_crl=True)), "an indirect list"),
    "some reasons": (
        LIST.but(extensions=point(only_some_reasons=frozenset({REASONS.superseded}))),
        "some reasons only",
    ),
    "attributes": (LIST.but(extensions=point(only_contains_attribute_certs=True)), "attribute certificates only"),
    "authorities": (LIST.but(extensions=point(only_contains_ca_certs=True)), "of authorities only, and this is none"),
    "another point": (LIST.but(extensions=point(full_name=ELSEWHERE)), "another distribution point"),
    "unknown critical": (LIST.but(extensions=(UNKNOWN,)), "unknown critical extension, 1.3.6.1.4.1.32473.9"),
    "critical entry": (
        LIST.but(revoked=((99, NOON, None),), entry_extensions=(UNKNOWN,)),
        "an entry has a critical extension that is not understood, 1.3.6.1.4.1.32473.9",
    ),
}


@pytest.mark.parametrize("name", BAD_LISTS)
def test_a_list_is_refused_by_name(name: str) -> None:
    one, words = BAD_LISTS[name]
    with pytest.raises(MalformedRevocation, match=words):
        of_list(one)


def test_a_list_of_this_point_for_end_entities_holds() -> None:
    assert of_list(LIST.but(extensions=point(full_name=HERE, only_contains_user_certs=True))).status == "good"


def test_a_list_for_end_entities_says_nothing_of_an_authority() -> None:
    one = LIST.but(issuer="Root", signed_by="Root", extensions=point(only_contains_user_certs=True))
    with pytest.raises(MalformedRevocation, match="leaves out certificates of authorities"):
        of_list(one, (der(ISSUING), der(ROOT)))


def test_an_issuer_that_may_not_sign_lists_is_refused() -> None:
    issuing = made.certificate("Issuing", "Root", 2, made.CA, (made.usage(key_cert_sign=True), True))
    with pytest.raises(MalformedRevocation, match="may not sign lists"):
        of_list(LIST, (der(SIGNER), der(issuing)))


BAD_RESPONSES = {
    "another certificate": (RESPONSE.but(about=OTHER), "about another certificate"),
    "another issuer": (RESPONSE.but(issuer=made.STRANGER), "about another certificate"),
    "a stranger": (RESPONSE.but(signer=made.STRANGER), "signed by a stranger: CN=Stranger was not issued"),
    "no extended key usage": (RESPONSE.but(signer=made.NO_RESPONDER), "not for signing OCSP responses"),
    "unknown critical": (RESPONSE.but(extensions=(UNKNOWN,)), "unknown critical extension"),
}


@pytest.mark.parametrize("name", BAD_RESPONSES)
def test_a_response_is_refused_by_name(name: str) -> None:
    one, words = BAD_RESPONSES[name]
    with pytest.raises(MalformedRevocation, match=words):
        of_response(one)


def test_a_response_with_another_signature_is_refused() -> None:
    signature = ocsp.load_der_ocsp_response(RESPONSE_DER).signature
    changed = RESPONSE_DER.replace(signature, signature[:-1] + bytes((signature[-1] ^ 1,)))
    with pytest.raises(MalformedRevocation, match="the signature of the response is not of CN=Responder"):
        read_finding("ocsp", changed, *PAIR)


def test_a_responder_that_says_no_gives_no_answer() -> None:
    refused = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    with pytest.raises(MalformedRevocation, match="gave no answer: try_later"):
        read_finding("ocsp", refused.public_bytes(Encoding.DER), *PAIR)


@pytest.mark.parametrize("source", ["crl", "ocsp"])
@pytest.mark.parametrize("data", [b"", b"<!doctype html>", b"0\x80", LIST.der + b"\x00", RESPONSE.der + b"\x00"])
def test_rubbish_is_refused_in_words(source: revocation.Source, data: bytes) -> None:
    with pytest.raises(MalformedRevocation, match="that can be read"):
        read_finding(source, data, *PAIR)


@pytest.mark.parametrize("source", ["crl", "ocsp"])
def test_more_bytes_than_the_ceiling_are_not_read(source: revocation.Source) -> None:
    with pytest.raises(MalformedRevocation, match=f"more than {revocation.CEILING[source]}"):
        read_finding(source, bytes(revocation.CEILING[source] + 1), *PAIR)


def test_a_chain_has_a_ceiling() -> None:
    assert links_of(tuple(map(der, (SIGNER, ISSUING, ROOT)))) == (PAIR, (der(ISSUING), der(ROOT)))
    assert links_of((der(ROOT),)) == ()
    with pytest.raises(MalformedRevocation, match="a chain of 9 certificates"):
        links_of([der(ROOT)] * 9)


def test_the_issuer_must_be_the_next_of_the_chain() -> None:
    with pytest.raises(MalformedRevocation, match="is not the issuer"):
        of_list(LIST, (der(SIGNER), der(ROOT)))


LIST_DER, RESPONSE_DER = LIST.der, RESPONSE.der


@given(st.integers(0, len(LIST_DER) - 1), st.integers(1, 255))
def test_no_changed_byte_of_a_list_holds(place: int, change: int) -> None:
    changed = bytearray(LIST_DER)
    changed[place] ^= change
    with pytest.raises(MalformedRevocation):
        read_finding("crl", bytes(changed), *PAIR)


@given(st.integers(0, len(RESPONSE_DER) - 1), st.integers(1, 255))
def test_a_changed_byte_of_a_response_changes_nothing_it_says(place: int, change: int) -> None:
    """A copy of the responder's certificate stands outside the signature: bytes of its extensions may change."""
    changed = bytearray(RESPONSE_DER)
    changed[place] ^= change
    whole = read_finding("ocsp", RESPONSE_DER, *PAIR)
    try:
        found = read_finding("ocsp", bytes(changed), *PAIR)
    except MalformedRevocation:
        return
    assert (found.status, found.this_update, found.next_update) == (whole.status, whole.this_update, whole.next_update)


def test_sources_are_http_addresses_only() -> None:
    assert sources_of(der(SIGNER)) == Sources((made.LIST_URL,), (made.RESPONDER_URL,))
    assert not sources_of(der(OTHER))
    names = [
        x509.UniformResourceIdentifier(url) for url in ("ldap://x/", "file:///etc/passwd", "https://a/", "http://")
    ]
    points = x509.CRLDistributionPoints([x509.DistributionPoint(names, *[None] * 3)])
    assert sources_of(der(made.certificate("Odd", "Issuing", 9, (points, False)))).crl == ("https://a/",)
    many = [x509.UniformResourceIdentifier(f"http://a/{n}") for n in range(99)]
    points = x509.CRLDistributionPoints([x509.DistributionPoint(many, *[None] * 3)])
    assert len(sources_of(der(made.certificate("Odd", "Issuing", 9, (points, False)))).crl) == revocation.MAX_SOURCES


def test_stale_data_and_data_of_the_future_are_told_apart() -> None:
    found = of_list(LIST)
    require_current(found, NOON + DAY)
    with pytest.raises(MalformedRevocation, match=r"stale: it was to be replaced by 2026-05-19 12:00:00Z"):
        require_current(found, NOON + 8 * DAY)
    with pytest.raises(MalformedRevocation, match="of a time still to come"):
        require_current(found, NOON - DAY)
    with pytest.raises(MalformedRevocation, match="stale"):
        require_current(of_response(RESPONSE.but(until=None)), NOON + 8 * DAY)


# -- what it means ---------------------------------------------------------------------------------

HOUR = timedelta(hours=1)


def finding(since: datetime, revoked_at: datetime | None = None, reason: str | None = None) -> Finding:
    return Finding("crl", since.isoformat(), since, None, "revoked" if revoked_at else "good", revoked_at, reason)


def verdict(*findings: Finding) -> tuple[str, bool]:
    """For a token of noon."""
    found = judge(findings, NOON, der(SIGNER))
    return found.verdict, found.after


def test_good_by_the_oldest_data_from_then_on_else_by_the_newest_from_before() -> None:
    before = [finding(NOON - n * DAY) for n in (3, 1, 2)]
    after = [finding(NOON + n * DAY) for n in (3, 1, 2)]
    assert judge(before, NOON, der(SIGNER)).by == before[1]
    found = judge([*before, *after], NOON, der(SIGNER))
    assert (found.by, found.after) == (after[1], True)
    assert verdict() == ("none", False)
    assert verdict(finding(NOON)) == ("good", True)


@pytest.mark.parametrize("reason", ["keyCompromise", "cACompromise", "aACompromise", "privilegeWithdrawn", None])
def test_a_compromise_or_no_reason_at_all_ends_earlier_tokens_too(reason: str | None) -> None:
    """RFC 3161, section 4."""
    assert verdict(finding(NOON + HOUR), finding(NOON + 9 * DAY, NOON + 8 * DAY, reason)) == ("revoked", True)


@pytest.mark.parametrize("reason", sorted(revocation.OUTLIVED))
def test_other_reasons_end_later_tokens_only(reason: str) -> None:
    assert verdict(finding(NOON + 9 * DAY, NOON + 8 * DAY, reason)) == ("good", True)
    assert verdict(finding(NOON + 9 * DAY, NOON, reason)) == ("revoked", True)
    assert verdict(finding(NOON + 9 * DAY, NOON - DAY, reason)) == ("revoked", True)


def test_data_from_after_the_end_of_the_certificate_shows_nothing_good() -> None:
    ends = SIGNER.not_valid_after_utc
    assert verdict(finding(ends + DAY)) == ("none", False)
    assert verdict(finding(ends)) == ("good", True)
    assert verdict(finding(ends + DAY, NOON + DAY, "keyCompromise")) == ("revoked", True)


def test_a_responder_that_does_not_know_shows_nothing() -> None:
    assert verdict(of_response(RESPONSE.but(status=ocsp.OCSPCertStatus.UNKNOWN))) == ("none", False)


# -- other people's tools --------------------------------------------------------------------------


def openssl(folder: Path, *words: str) -> str:
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


def test_openssl_reads_our_request_and_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "request.der").write_bytes(ocsp_request(*PAIR))
    (tmp_path / "list.der").write_bytes(LIST.der)
    (tmp_path / "response.der").write_bytes(RESPONSE.der)
    for name, one in (("root", ROOT), ("issuing", ISSUING), ("signer", SIGNER)):
        (tmp_path / f"{name}.pem").write_bytes(one.public_bytes(Encoding.PEM))
    assert f"Serial Number: {SIGNER.serial_number:02}" in openssl(
        tmp_path, "ocsp", "-reqin", "request.der", "-req_text"
    )
    assert "verify OK" in openssl(
        tmp_path, "crl", "-inform", "DER", "-in", "list.der", "-CAfile", "issuing.pem", "-noout"
    )
    said = openssl(
        tmp_path, "ocsp", "-respin", "response.der", "-issuer", "issuing.pem", "-cert", "signer.pem", "-CAfile",
        "root.pem", "-verify_other", "issuing.pem", "-no_nonce", "-attime", str(int(NOON.timestamp())),
        "-validity_period", "3153600000",
    )  # fmt: skip
    assert "Response verify OK" in said and "signer.pem: good" in said


def test_a_list_from_before_the_certificate_says_nothing_of_it() -> None:
    born = SIGNER.not_valid_before_utc
    assert verdict(finding(born - timedelta(seconds=1))) == ("none", False)
    assert verdict(finding(born)) == ("good", False)
