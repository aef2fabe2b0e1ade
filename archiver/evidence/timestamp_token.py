"""Reading an RFC 3161 reply: what the token says, and the pieces that verifying it needs. Nothing is verified here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asn1crypto import algos, cms, core, tsp

from archiver.errors import MalformedTimestamp
from archiver.evidence.timestamp_der import CONTEXT_0, CONTEXT_1, SEQUENCE, Element, elements, require_der, wrap

MAX_REPLY = 64 * 1024  # bytes; a reply with a chain of four RSA certificates has about 8 KiB
MAX_INTEGER = 64  # bytes of a serial number or nonce; RFC 3161 asks for 20
MAX_ESS_IDS = 16
MAX_ACCURACY_S = 366 * 86400
_GEN_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d*[1-9]))?Z", re.ASCII)
_KEY_ALGORITHMS = ("rsassa_pkcs1v15", "1.2.840.10045.2.1")  # rsaEncryption, id-ecPublicKey: some name the key instead
_SIGNER_DIGESTS = frozenset({"sha256", "sha384", "sha512"})


@dataclass(frozen=True, slots=True)
class Token:
    """What a timestamp token says (TSTInfo of RFC 3161, 2.4.2)."""

    gen_time: str
    """RFC 3339 UTC with exactly the digits of the token: ``2026-05-12T15:09:41.2Z``."""
    gen_moment: datetime
    """The same; digits below one microsecond are cut."""
    accuracy_us: int | None
    """Stated deviation in microseconds; None when the token states none."""
    serial: str
    """Decimal."""
    policy: str
    """OID of the authority's policy."""
    imprint_algorithm: str
    """``sha256`` and so on; the OID where it has no name."""
    imprint: str
    """Lower-case hex."""
    nonce: int | None
    ordering: bool
    tsa: str | None
    """The authority's name as the token gives it, for people; it is not compared with anything."""
    certificates: tuple[bytes, ...]
    """DER, in the order of the token."""


@dataclass(frozen=True, slots=True)
class EssId:
    """One ESSCertID or ESSCertIDv2: which certificate the signature says it was made with (RFC 5035, 4)."""

    algorithm: str
    digest: bytes
    issuer_serial: tuple[bytes, int] | None
    """DER of the issuer's name, and the serial number."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A reply taken apart: the token and what is needed to verify it."""

    token: Token
    issuer: bytes
    """DER name from the SignerInfo."""
    serial: int
    ess: tuple[tuple[EssId, ...], ...]
    """One list for each signing-certificate attribute, version 1 or 2."""
    _status: bytes
    _content_type: bytes
    _before: bytes
    _after: bytes

    def with_certificates(self, certificates: list[bytes]) -> bytes:
        """Return a working copy of the reply that carries these certificates, in DER order, and no revocation lists.

        Both lie outside the signature. Every other byte is copied. The copy exists because rfc3161-client refuses
        certificates in the order in which OpenSSL authorities send them, and so that what the library checks is the
        chain that we report and nothing else; the bytes kept as evidence are the original ones.
        """
        ordered = wrap(CONTEXT_0, b"".join(sorted(certificates)))
        signed = wrap(SEQUENCE, self._before + ordered + self._after)
        return wrap(SEQUENCE, self._status + wrap(SEQUENCE, self._content_type + wrap(CONTEXT_0, signed)))


def read_parts(reply: bytes) -> Parts:
    """Take a granted reply apart, or raise ``MalformedTimestamp`` with the reason."""
    if len(reply) > MAX_REPLY:
        raise MalformedTimestamp(f"reply of {len(reply)} bytes, more than {MAX_REPLY}")
    require_der(reply)
    try:
        return _read(reply)
    except MalformedTimestamp:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        # asn1crypto decodes lazily and fails with whatever the first wrong byte leads to.
        raise MalformedTimestamp(f"not an RFC 3161 reply: {str(error).splitlines()[0][:200]}") from error


def _read(reply: bytes) -> Parts:
    outer = elements(reply)[0]
    fields = elements(reply, outer.body, outer.end)
    if not 1 <= len(fields) <= 2 or any(field.tag != SEQUENCE for field in fields):
        raise MalformedTimestamp("not an RFC 3161 reply: it should have a status and a token")
    status = reply[fields[0].start : fields[0].end]
    _require_granted(tsp.PKIStatusInfo.load(status, strict=True))
    if len(fields) == 1:
        raise MalformedTimestamp("granted, but there is no token in the reply")
    content = cms.ContentInfo.load(reply[fields[1].start : fields[1].end], strict=True)
    if content["content_type"].native != "signed_data":
        raise MalformedTimestamp("the token is not CMS SignedData")
    signed = content["content"]
    if signed["version"].native != "v3":
        raise MalformedTimestamp("SignedData version is not 3")
    if signed["encap_content_info"]["content_type"].native != "tst_info":
        raise MalformedTimestamp("the signed content is not TSTInfo")
    if len(signed["signer_infos"]) != 1:
        raise MalformedTimestamp(f"{len(signed['signer_infos'])} signers where RFC 3161 has exactly one")
    signer = signed["signer_infos"][0]
    if signer["sid"].name != "issuer_and_serial_number":
        raise MalformedTimestamp("the signer is named by key identifier, which RFC 3161 authorities do not do")
    if signer["version"].native != "v1":
        raise MalformedTimestamp("SignerInfo version is not 1")
    digest = signer["digest_algorithm"]["algorithm"].native
    if digest not in _SIGNER_DIGESTS:
        raise MalformedTimestamp("the signer's digest is not SHA-256, SHA-384 or SHA-512")
    # Outside the signature and ignored by OpenSSL; checked so that a changed byte there is noticed.
    if signer["signature_algorithm"]["algorithm"].native not in {f"{digest}_rsa", f"{digest}_ecdsa", *_KEY_ALGORITHMS}:
        raise MalformedTimestamp("the signature algorithm does not go with the signer's digest")

    spans = _spans(reply, fields[1])
    return Parts(
        token=_token(signed["encap_content_info"]["content"].contents, spans.certificates),
        issuer=signer["sid"].chosen["issuer"].dump(),
        serial=_bounded(signer["sid"].chosen["serial_number"], "certificate serial number"),
        ess=_signing_certificates(signer["signed_attrs"]),
        _status=status,
        _content_type=spans.content_type,
        _before=spans.before,
        _after=spans.after,
    )


def _require_granted(status: Any) -> None:
    """Refuse every status but ``granted``, in the authority's own words where it gave some."""
    name = status["status"].native
    if name == "granted":
        if status["fail_info"].native:
            raise MalformedTimestamp("granted and a failure at the same time")
        return
    reasons = sorted(status["fail_info"].native or ())
    words = [str(text)[:200] for text in status["status_string"].native or ()]
    detail = "; ".join([*reasons, *words])
    if name == "granted_with_mods":
        raise MalformedTimestamp(f"granted with modifications, which were not asked for: {detail or 'not said which'}")
    raise MalformedTimestamp(f"the authority refused: {name}: {detail or 'no reason given'}")


@dataclass(frozen=True, slots=True)
class _Spans:
    content_type: bytes
    before: bytes
    certificates: tuple[bytes, ...]
    after: bytes


def _spans(reply: bytes, token: Element) -> _Spans:
    """Cut the token around its certificates, without decoding and encoding anything again."""

    def inside(element: Element) -> list[Element]:
        return elements(reply, element.body, element.end)

    def whole(parts: list[Element]) -> bytes:
        return b"".join(reply[part.start : part.end] for part in parts)

    content_type, explicit = inside(token)
    fields = inside(inside(explicit)[0])
    certificates = [one for field in fields if field.tag == CONTEXT_0 for one in inside(field)]
    if any(one.tag != SEQUENCE for one in certificates):
        raise MalformedTimestamp("the token carries something other than X.509 certificates")
    return _Spans(
        content_type=whole([content_type]),
        before=whole(fields[:3]),
        certificates=tuple(whole([one]) for one in certificates),
        after=whole([one for one in fields[3:] if one.tag not in (CONTEXT_0, CONTEXT_1)]),
    )


def _token(content: bytes, certificates: tuple[bytes, ...]) -> Token:
    require_der(content)
    info = tsp.TSTInfo.load(content, strict=True)
    if info["version"].native != "v1":
        raise MalformedTimestamp("TSTInfo version is not 1")
    for extension in info["extensions"] if isinstance(info["extensions"], core.SequenceOf) else ():
        if extension["critical"].native:
            raise MalformedTimestamp(f"critical extension not known: {extension['extn_id'].dotted}")
    gen_time, gen_moment = _gen_time(info["gen_time"].contents)
    algorithm = info["message_imprint"]["hash_algorithm"]
    return Token(
        gen_time=gen_time,
        gen_moment=gen_moment,
        accuracy_us=_accuracy(info["accuracy"]),
        serial=str(_bounded(info["serial_number"], "serial number")),
        policy=str(info["policy"].dotted),
        imprint_algorithm=str(algorithm["algorithm"].native),
        imprint=info["message_imprint"]["hashed_message"].native.hex(),
        nonce=_bounded(info["nonce"], "nonce") if isinstance(info["nonce"], core.Integer) else None,
        ordering=bool(info["ordering"].native),
        tsa=_name(info["tsa"]),
        certificates=certificates,
    )


def _gen_time(content: bytes) -> tuple[str, datetime]:
    """Read GeneralizedTime as RFC 3161, 2.4.2 restricts it: UTC, seconds, a fraction only without trailing zeros."""
    match = _GEN_TIME.fullmatch(content.decode("ascii"))
    if not match:
        raise MalformedTimestamp(f"time not as RFC 3161 has it: {content[:40]!r}")
    year, month, day, hour, minute, second, fraction = match.groups()
    micros = int((fraction or "0").ljust(6, "0")[:6])
    moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), micros, tzinfo=UTC)
    tail = f".{fraction}" if fraction else ""
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}{tail}Z", moment


def _accuracy(accuracy: Any) -> int | None:
    """Return the sum in microseconds. RFC 3161 has parts from 1 to 999; a zero says the same as leaving it out."""
    if not isinstance(accuracy, core.Sequence):
        return None
    seconds, millis, micros = (accuracy[part].native for part in ("seconds", "millis", "micros"))
    if not 0 <= (seconds or 0) <= MAX_ACCURACY_S:
        raise MalformedTimestamp("accuracy out of range")
    if any(part is not None and not 0 <= part <= 999 for part in (millis, micros)):
        raise MalformedTimestamp("accuracy: milli- or microseconds above 999")
    return int((seconds or 0) * 1_000_000 + (millis or 0) * 1000 + (micros or 0))


def _bounded(number: Any, what: str) -> int:
    """Return an integer of at most ``MAX_INTEGER`` bytes: huge ones take quadratic time to print."""
    if len(number.contents) > MAX_INTEGER:
        raise MalformedTimestamp(f"{what} of {len(number.contents)} bytes, more than {MAX_INTEGER}")
    return int(number.native)


def _name(name: Any) -> str | None:
    if isinstance(name, core.Void):
        return None
    if name.name == "directory_name":
        return str(name.chosen.human_friendly)
    return f"{name.name}: {name.chosen.native}"


def _signing_certificates(attributes: Any) -> tuple[tuple[EssId, ...], ...]:
    """Return the signing-certificate attributes; refuse attributes that occur twice or have several values."""
    if not isinstance(attributes, cms.CMSAttributes):
        raise MalformedTimestamp("the signature covers no attributes")
    found: dict[str, Any] = {}
    for attribute in attributes:
        name = str(attribute["type"].native)
        if name in found or len(attribute["values"]) != 1:
            raise MalformedTimestamp(f"signed attribute {name} has not exactly one value")
        found[name] = attribute["values"][0]
    if "content_type" not in found or found["content_type"].native != "tst_info":
        raise MalformedTimestamp("the signature does not say that it is over TSTInfo")
    present = [found[name] for name in ("signing_certificate", "signing_certificate_v2") if name in found]
    if not present:
        raise MalformedTimestamp("the signature does not say which certificate made it: no ESSCertID")
    lists = tuple(tuple(_ess_id(one) for one in value["certs"]) for value in present)
    if not all(0 < len(ids) <= MAX_ESS_IDS for ids in lists):
        raise MalformedTimestamp("a list of ESSCertIDs is empty or too long")
    return lists


def _ess_id(value: Any) -> EssId:
    algorithm = "sha1"
    if isinstance(value, tsp.ESSCertIDv2):
        hashed: algos.DigestAlgorithm = value["hash_algorithm"]
        algorithm = str(hashed["algorithm"].native)
    reference = value["issuer_serial"]
    issuer_serial = None
    if not isinstance(reference, core.Void):
        names = reference["issuer"]
        if len(names) != 1 or names[0].name != "directory_name":
            raise MalformedTimestamp("ESSCertID names its issuer by something other than one directory name")
        issuer_serial = (
            names[0].chosen.chosen.untag().dump(),
            _bounded(reference["serial_number"], "ESSCertID serial number"),
        )
    return EssId(algorithm, value["cert_hash"].native, issuer_serial)
