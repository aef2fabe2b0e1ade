from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import certifi
import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture import tls as tls_module
from archiver.capture.policy import Refused
from archiver.capture.tls import Trust
from archiver.capture.verdict import Roots, name_matches, parse_host
from archiver.errors import SettingsError
from archiver.evidence.exchange import TlsFacts

NOW = datetime(2026, 5, 12, 15, 0, tzinfo=UTC)
DAY = timedelta(days=1)
_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    cert: x509.Certificate
    key: _Key

    @property
    def der(self) -> bytes:
        return self.cert.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.cert.public_bytes(serialization.Encoding.PEM)


def issue(
    name: str,
    issuer: Issued | None = None,
    *,
    ca: bool = False,
    start: datetime = NOW - 30 * DAY,
    end: datetime = NOW + 30 * DAY,
    names: tuple[x509.GeneralName, ...] = (),
    usage: tuple[x509.ObjectIdentifier, ...] = (),
    key_usage: x509.KeyUsage | None = None,
    key: _Key | None = None,
    extra: tuple[x509.ExtensionType, ...] = (),
) -> Issued:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.cert.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    for extension in (
        x509.SubjectAlternativeName(names) if names else None,
        x509.ExtendedKeyUsage(usage) if usage else None,
        key_usage,
        *extra,
    ):
        if extension is not None:
            builder = builder.add_extension(extension, critical=False)
    return Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def _dns(*names: str) -> tuple[x509.GeneralName, ...]:
    return tuple(x509.DNSName(name) for name in names)


SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)
ROOT = issue("Test Root", ca=True, start=NOW - 3000 * DAY, end=NOW + 3000 * DAY)
STRANGER = issue("Unknown Root", ca=True)
MIDDLE = issue("Test Issuing CA", ROOT, ca=True)
GOOD = issue("good", MIDDLE, names=_dns("site.test", "*.site.test"), usage=SERVER)


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("roots") / "roots.pem"
    path.write_bytes(ROOT.pem)
    return str(path)


@pytest.fixture(scope="module")
def trust(ca_file: str) -> Trust:
    return Trust(ca_file)


class Server:
    """A TLS server on loopback that ends each session after one byte; remembers the SNI it was sent."""

    def __init__(self, chain: tuple[Issued, ...], folder: Path) -> None:
        pem = folder / "server.pem"
        leaf_key = chain[0].key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        pem.write_bytes(leaf_key + b"".join(one.pem for one in chain))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pem)
        self.context.set_alpn_protocols(["h2", "http/1.1"])
        self.sni: list[str | None] = []
        self.context.sni_callback = lambda sock, name, context: self.sni.append(name)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                sock = self._listening.accept()[0]
            except OSError:
                return
            with sock, contextlib.suppress(OSError):
                sock.settimeout(10)
                with self.context.wrap_socket(sock, server_side=True) as tls:
                    tls.recv(1)

    def connect(self) -> socket.socket:
        return socket.create_connection(self._listening.getsockname())

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


@contextlib.contextmanager
def serving(folder: Path, *chain: Issued) -> Iterator[Server]:
    server = Server(chain, folder)
    try:
        yield server
    finally:
        server.close()


def _facts(trust: Trust, server: Server, host: str, now: datetime = NOW) -> TlsFacts:
    tls, facts = trust.handshake(server.connect(), host, now=now, timeout_s=10)
    tls.close()
    return facts


def test_a_valid_session_over_an_intermediate(tmp_path: Path, trust: Trust) -> None:
    with serving(tmp_path, GOOD, MIDDLE) as server:
        tls, facts = trust.handshake(server.connect(), "site.test", now=NOW, timeout_s=10)
        with tls:
            tls.sendall(b"x")
            assert facts.version == tls.version() == "TLSv1.3"
            assert facts.cipher.startswith("TLS_")
        assert server.sni == ["site.test"]
    assert facts.verdict == "valid"
    assert facts.problems == ()
    assert facts.alpn == "http/1.1"
    assert facts.sni == "site.test"
    assert facts.chain == (GOOD.der, MIDDLE.der)


_CLIENT_ONLY = (ExtendedKeyUsageOID.CLIENT_AUTH,)
_WRONG_CA = issue("Mail CA", ROOT, ca=True, usage=(ExtendedKeyUsageOID.EMAIL_PROTECTION,))
_OLD_CA = issue("Old CA", ROOT, ca=True, start=NOW - 90 * DAY, end=NOW - 3 * DAY)
_NO_CA = issue("Not a CA", ROOT)
_SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)
_SIGN_CRL_ONLY = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
_LIMITED_CA = issue(
    "Limited CA",
    ROOT,
    ca=True,
    extra=(x509.NameConstraints(permitted_subtrees=[x509.DNSName("other.test")], excluded_subtrees=None),),
)
SITE = _dns("site.test")

DEFECTS: dict[str, tuple[tuple[Issued, ...], tuple[str, ...]]] = {
    "expired": (
        (issue("x", ROOT, names=SITE, end=NOW - DAY),),
        ("the certificate expired on 2026-05-11T15:00:00.000Z",),
    ),
    "not yet valid": (
        (issue("x", ROOT, names=SITE, start=NOW + DAY),),
        ("the certificate is not valid before 2026-05-13T15:00:00.000Z",),
    ),
    "wrong host": (
        (issue("site.test", ROOT, names=_dns("other.test", "*.test", "a.site.test")),),
        ("the certificate does not name the host site.test",),
    ),
    "name in the common name alone": (
        (issue("site.test", ROOT),),
        ("the certificate has no subject alternative name",),
    ),
    "self-signed": ((issue("x", names=SITE),), ("the certificate is self-signed and not trusted",)),
    "unknown issuer": (
        (issue("x", STRANGER, names=SITE),),
        ("the issuer is unknown: the chain leads to no trusted root",),
    ),
    "unknown root sent along": (
        (issue("x", STRANGER, names=SITE), STRANGER),
        ("the chain ends in a self-signed root that is not trusted",),
    ),
    "intermediate left out": (
        (GOOD,),
        ("the issuer is unknown: the chain leads to no trusted root",),
    ),
    "wrong purpose": (
        (issue("x", ROOT, names=SITE, usage=_CLIENT_ONLY),),
        ("the certificate is not for server authentication",),
    ),
    "wrong purpose of the issuer": (
        (issue("x", _WRONG_CA, names=SITE, usage=SERVER), _WRONG_CA),
        ("a certificate of the issuing authority is not for server authentication",),
    ),
    "key may not sign a handshake": (
        (issue("x", ROOT, names=SITE, usage=SERVER, key_usage=_SIGN_CRL_ONLY),),
        ("the certificate's key may not be used for TLS",),
    ),
    "expired issuer": (
        (issue("x", _OLD_CA, names=SITE), _OLD_CA),
        ("certificate 1 of the chain expired on 2026-05-09T15:00:00.000Z",),
    ),
    "expired, of another host and self-signed": (
        (issue("x", names=_dns("other.test"), end=NOW - DAY),),
        (
            "the certificate is self-signed and not trusted",
            "the certificate expired on 2026-05-11T15:00:00.000Z",
            "the certificate does not name the host site.test",
        ),
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_bad_certificate_is_a_verdict_and_the_session_stands(defect: str, tmp_path: Path, trust: Trust) -> None:
    chain, problems = DEFECTS[defect]
    with serving(tmp_path, *chain) as server:
        facts = _facts(trust, server, "site.test")
    assert facts.problems == problems
    assert facts.verdict == "invalid"
    assert facts.chain == tuple(one.der for one in chain)


def _with_sha1(issued: Issued, issuer: Issued) -> Issued:
    """Sign once more with SHA-1, which no builder does any longer."""
    certificate = asn1_x509.Certificate.load(issued.der)
    for part in (certificate["signature_algorithm"], certificate["tbs_certificate"]["signature"]):
        part["algorithm"] = "sha1_ecdsa"
    assert isinstance(issuer.key, ec.EllipticCurvePrivateKey)
    signed = certificate["tbs_certificate"].dump(force=True)
    certificate["signature_value"] = issuer.key.sign(signed, ec.ECDSA(hashes.SHA1()))
    return Issued(x509.load_der_x509_certificate(certificate.dump(force=True)), issued.key)


# OpenSSL's own servers refuse to load or send these, so they are judged without a connection.
UNSENDABLE: dict[str, tuple[tuple[Issued, ...], str]] = {
    "short RSA key": ((issue("x", ROOT, names=SITE, key=_SMALL),), "RSA key of only 1024 bits"),
    "signed with SHA-1": ((_with_sha1(issue("x", ROOT, names=SITE), ROOT),), "is signed with SHA1"),
    "issuer is no authority": ((issue("x", _NO_CA, names=SITE), _NO_CA), "certificate 1 of the chain:"),
    "outside the issuer's names": ((issue("x", _LIMITED_CA, names=SITE), _LIMITED_CA), "permitted subtree"),
}


@pytest.mark.parametrize("defect", UNSENDABLE)
def test_defects_that_only_the_path_shows(defect: str, ca_file: str) -> None:
    chain, words = UNSENDABLE[defect]
    problems, _ = Roots(ca_file).judge(tuple(one.der for one in chain), "site.test", NOW)
    assert len(problems) == 1
    assert words in problems[0]


@pytest.mark.parametrize(
    ("chain", "words"),
    [((), "sent no certificate"), ((b"",), "cannot be read"), ((b"\x30\x03\x02\x01",), "cannot be read")],
)
def test_a_chain_that_is_none(chain: tuple[bytes, ...], words: str, ca_file: str) -> None:
    problems, _ = Roots(ca_file).judge(chain, "site.test", NOW)
    assert len(problems) == 1
    assert words in problems[0]


def test_a_leaf_changed_after_signing_is_invalid(ca_file: str) -> None:
    leaf = issue("x", ROOT, names=SITE, usage=SERVER)
    assert Roots(ca_file).judge((leaf.der,), "site.test", NOW)[0] == ()
    forged = leaf.der.replace(b"site.test", b"evil.test")
    problems, _ = Roots(ca_file).judge((forged,), "evil.test", NOW)
    assert len(problems) == 1
    assert "signature" in problems[0]


def test_the_verdict_is_about_the_time_given_in_any_zone(tmp_path: Path, trust: Trust, ca_file: str) -> None:
    short = issue("x", ROOT, names=SITE, start=NOW, end=NOW + timedelta(hours=1))
    east = timezone(timedelta(hours=9))
    with serving(tmp_path, short) as server:
        for minutes, verdict in ((-1, "invalid"), (1, "valid"), (59, "valid"), (61, "invalid"), (30, "valid")):
            at = NOW + timedelta(minutes=minutes)
            assert _facts(trust, server, "site.test", at).verdict == verdict
            problems, _ = Roots(ca_file).judge((short.der,), "site.test", at.astimezone(east))
            assert (problems == ()) is (verdict == "valid")


def test_a_remembered_verdict_ends_when_a_certificate_does(ca_file: str, tmp_path: Path) -> None:
    ending = issue("x", ROOT, names=SITE, end=NOW + timedelta(minutes=2))
    trust = Trust(ca_file)
    with serving(tmp_path, ending) as server:
        assert _facts(trust, server, "site.test", NOW).verdict == "valid"
        assert _facts(trust, server, "site.test", NOW + timedelta(minutes=1)).verdict == "valid"
        assert _facts(trust, server, "site.test", NOW + timedelta(minutes=2, seconds=1)).verdict == "invalid"
        assert _facts(trust, server, "site.test", NOW).verdict == "valid"


def test_one_chain_is_judged_once_in_five_minutes(
    ca_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []
    judge = Roots.judge

    def counting(self: Roots, chain: tuple[bytes, ...], host: str, now: datetime) -> tuple[tuple[str, ...], datetime]:
        judged.append((host, now))
        return judge(self, chain, host, now)

    monkeypatch.setattr(Roots, "judge", counting)
    monkeypatch.setattr(tls_module, "MAX_VERDICTS", 2)
    trust = Trust(ca_file)
    with serving(tmp_path, GOOD, MIDDLE) as server:
        for seconds in (0, 1, 299, 300, 301):
            assert _facts(trust, server, "site.test", NOW + timedelta(seconds=seconds)).verdict == "valid"
        assert len(judged) == 2
        assert _facts(trust, server, "other.test", NOW).verdict == "invalid"
        assert _facts(trust, server, "a.site.test", NOW).verdict == "valid"
        assert len(judged) == 4
        assert _facts(trust, server, "other.test", NOW).verdict == "invalid"
        assert len(judged) == 4
        _facts(trust, server, "site.test", NOW + timedelta(seconds=302))
        assert len(judged) == 5, "of three verdicts two are held"
        _facts(trust, server, "other.test", NOW)
        assert len(judged) == 5, "the least recently used one was let go"


@pytest.mark.parametrize("host", ["127.0.0.1", "[127.0.0.1]"])
def test_an_address_is_compared_as_an_address_and_not_sent_as_sni(host: str, tmp_path: Path, trust: Trust) -> None:
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    with serving(tmp_path, issue("x", ROOT, names=(loopback,), usage=SERVER)) as server:
        facts = _facts(trust, server, host)
        assert server.sni in ([], [None])
    assert (facts.sni, facts.problems) == (None, ())


def test_an_address_in_a_dns_name_counts_for_nothing(tmp_path: Path, trust: Trust) -> None:
    with serving(tmp_path, issue("127.0.0.1", ROOT, names=_dns("127.0.0.1"))) as server:
        assert _facts(trust, server, "127.0.0.1").problems == ("the certificate does not name the host 127.0.0.1",)


def test_ipv6_addresses_are_compared_as_numbers(ca_file: str) -> None:
    leaf = issue("x", ROOT, names=(x509.IPAddress(ipaddress.ip_address("2001:db8::1")),))
    roots = Roots(ca_file)
    assert roots.judge((leaf.der,), "[2001:DB8:0:0::1]", NOW)[0] == ()
    assert roots.judge((leaf.der,), "[2001:db8::2]", NOW)[0] != ()


def test_an_international_host_goes_by_its_a_labels(tmp_path: Path, trust: Trust) -> None:
    with serving(tmp_path, issue("x", ROOT, names=_dns("xn--bcher-kva.test"))) as server:
        facts = _facts(trust, server, "bücher.test")
    assert (facts.sni, facts.problems) == ("xn--bcher-kva.test", ())


@pytest.mark.parametrize(
    ("presented", "name", "expected"),
    [
        ("site.test", "site.test", True),
        ("SITE.test", "site.TEST", True),
        ("site.test", "site.test.", True),
        ("site.test.", "site.test", True),
        ("*.site.test", "www.site.test", True),
        ("*.site.test", "xn--bcher-kva.site.test", True),
        ("*.site.test", "site.test", False),
        ("*.site.test", "a.b.site.test", False),
        ("*.site.test", ".site.test", False),
        ("*.test", "site.test", False),
        ("*", "site", False),
        ("w*.site.test", "www.site.test", False),
        ("*w.site.test", "www.site.test", False),
        ("www.*.test", "www.site.test", False),
        ("*.*.test", "www.site.test", False),
        ("*.site.test", "*.site.test", True),
        ("", "", False),
        ("site.test", "asite.test", False),
        ("site.test", "site.test\0.evil.test", False),
    ],
)
def test_host_names_by_rfc_9525(presented: str, name: str, expected: bool) -> None:
    assert name_matches(presented, name) is expected


@given(st.text("ab*.-", max_size=12), st.text("ab.-", max_size=12))
def test_a_wildcard_never_stands_for_a_dot(presented: str, name: str) -> None:
    if name_matches(presented, name):
        assert presented.rstrip(".").count(".") == name.rstrip(".").count(".")
        assert presented.rstrip(".").split(".")[1:] == name.rstrip(".").split(".")[1:]


def test_hosts_are_parsed_once_for_sni_and_name_check() -> None:
    assert parse_host("SITE.Test.") == "site.test"
    assert parse_host("[::1]") == ipaddress.ip_address("::1")
    with pytest.raises(ValueError, match="label"):
        parse_host("ü" * 80)


def test_a_certificate_in_the_file_is_trusted_itself(tmp_path: Path) -> None:
    """An operator may name an intermediate, or the one certificate of a server."""
    own = issue("x", names=SITE, usage=SERVER)
    below = issue("y", MIDDLE, names=SITE, usage=SERVER)
    (tmp_path / "anchors.pem").write_bytes(own.pem + MIDDLE.pem)
    roots = Roots(str(tmp_path / "anchors.pem"))
    assert roots.judge((own.der,), "site.test", NOW)[0] == ()
    assert roots.judge((below.der,), "site.test", NOW)[0] == ()
    assert roots.judge((own.der,), "site.test", NOW + 40 * DAY)[0] != ()


@pytest.mark.parametrize("name", ["missing.pem", "empty.pem", "text.pem", "truncated.pem", "."])
def test_a_ca_file_without_certificates_is_a_settings_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_bytes(b"")
    (tmp_path / "text.pem").write_bytes(b"no certificate here\n")
    (tmp_path / "truncated.pem").write_bytes(ROOT.pem[:-80])
    with pytest.raises(SettingsError) as caught:
        Trust(str(tmp_path / name))
    assert "network.ca_file" in str(caught.value)
    assert name in str(caught.value)


def test_the_roots_of_certifi_are_trusted_without_a_file() -> None:
    first, end, _ = Path(certifi.where()).read_bytes().partition(b"-----END CERTIFICATE-----\n")
    root = x509.load_pem_x509_certificate(first + end)
    within = root.not_valid_before_utc + DAY
    problems, _ = Roots().judge((root.public_bytes(serialization.Encoding.DER),), "site.test", within)
    assert not any("trusted" in problem for problem in problems)


def test_a_time_without_zone_is_our_bug(ca_file: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        Roots(ca_file).judge((GOOD.der,), "site.test", NOW.replace(tzinfo=None))


@contextlib.contextmanager
def _speaking(*pieces: bytes, pause_s: float = 0.0) -> Iterator[socket.socket]:
    """A connection to a server that speaks no TLS: it says its pieces and hangs up."""
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def speak() -> None:
        with theirs, contextlib.suppress(OSError):
            for piece in pieces:
                theirs.sendall(piece)
                if stop.wait(pause_s):
                    return

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        yield ours
    finally:
        stop.set()
        thread.join()
        ours.close()


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28"])
def test_a_server_without_tls_is_a_tls_failure(said: bytes, trust: Trust) -> None:
    with _speaking(said) as sock:
        with pytest.raises(Refused) as caught:
            trust.handshake(sock, "site.test", now=NOW, timeout_s=10)
        assert sock.fileno() == -1, "closed"
    assert caught.value.failure.code == "tls"
    assert "site.test" in caught.value.failure.detail
    assert "_ssl.c" not in caught.value.failure.detail


def test_a_server_that_drips_bytes_meets_the_time_limit(trust: Trust) -> None:
    """Each byte comes in time, the handshake does not: a limit on each read would wait for all 400."""
    record = b"\x16\x03\x03\x40\x00" + bytes(400)
    with _speaking(*(bytes([one]) for one in record), pause_s=0.05) as sock:
        with pytest.raises(Refused) as caught:
            trust.handshake(sock, "site.test", now=NOW, timeout_s=0.3)
        assert sock.fileno() == -1
    assert caught.value.failure.code == "timeout"


@pytest.mark.parametrize("host", ["", "ü" * 80, "nul\0.test", ".site.test"])
def test_a_host_that_cannot_be_sent_is_a_tls_failure(host: str, trust: Trust) -> None:
    with _speaking(b"") as sock:
        with pytest.raises(Refused) as caught:
            trust.handshake(sock, host, now=NOW, timeout_s=10)
        assert sock.fileno() == -1
    assert caught.value.failure.code == "tls"


def test_tls_1_2_is_spoken_and_older_is_not(tmp_path: Path, trust: Trust) -> None:
    with serving(tmp_path, GOOD, MIDDLE) as server:
        server.context.maximum_version = ssl.TLSVersion.TLSv1_2
        facts = _facts(trust, server, "site.test")
        assert (facts.version, facts.verdict) == ("TLSv1.2", "valid")
        assert facts.chain == (GOOD.der, MIDDLE.der)
    assert tls_module._context().minimum_version == ssl.TLSVersion.TLSv1_2


def test_threads_share_one_trust(ca_file: str, tmp_path: Path) -> None:
    trust = Trust(ca_file)
    verdicts: list[str] = []

    def visit(at: datetime) -> None:
        problems, _ = trust._roots.judge((GOOD.der, MIDDLE.der), "site.test", at)
        verdicts.append("invalid" if problems else "valid")

    threads = [threading.Thread(target=visit, args=(NOW + days * DAY,)) for days in (0, 40) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(verdicts) == ["invalid"] * 20 + ["valid"] * 20
