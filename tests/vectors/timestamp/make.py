"""Makes the replies of this directory; ``--check`` compares instead and fails on any difference.

python -m tests.vectors.timestamp.make [--check]
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.x509.oid import ExtendedKeyUsageOID

from archiver.evidence.timestamp import chain_to_pem
from tests.simulators.token_forge import ISSUING, MESSAGE, ROOT, SIGNER, STAMPING, Cert, Recipe, tlv

HERE = Path(__file__).resolve().parent
GOOD = Recipe()

# Certificates with a defect. Serial numbers only have to differ.
EARLY, LATE = datetime(2026, 5, 12, 15, 9, 40, tzinfo=UTC), datetime(2026, 5, 12, 15, 9, 42, tzinfo=UTC)
EXPIRED = replace(SIGNER, end=EARLY, serial=201)
FUTURE = replace(SIGNER, start=LATE, serial=202)
EKU_MISSING = replace(SIGNER, usages=(), serial=203)
EKU_PLAIN = replace(SIGNER, usage_critical=False, serial=204)
EKU_EXTRA = replace(SIGNER, usages=(STAMPING, ExtendedKeyUsageOID.CODE_SIGNING), serial=205)
EKU_OTHER = replace(SIGNER, usages=(ExtendedKeyUsageOID.CODE_SIGNING,), serial=206)
OLD_ISSUING = replace(ISSUING, end=EARLY, serial=207)
UNDER_OLD = replace(SIGNER, issuer=OLD_ISSUING, serial=208)
IMPOSTOR = Cert("Impostor", ca=True, serial=209)
UNDER_IMPOSTOR = Cert("Signer", IMPOSTOR, usages=(STAMPING,), serial=210)
FALSE_ROOT = replace(ROOT, key_name="False root")
FALSE_ISSUING = replace(ISSUING, issuer=FALSE_ROOT)
UNDER_FALSE_ROOT = replace(SIGNER, issuer=FALSE_ISSUING)
UNDER_SIGNER = Cert("Below the signer", SIGNER, usages=(STAMPING,), serial=211)
NARROW = replace(ISSUING, name="Narrow", path_length=0, serial=212)
BELOW_NARROW = replace(ISSUING, name="Below narrow", issuer=NARROW, serial=213)
TOO_DEEP = replace(SIGNER, issuer=BELOW_NARROW, serial=214)
TWIN = replace(SIGNER, key_name="Twin")  # same issuer and serial as the signer, another key
OUTSIDER = Cert("Outsider", ISSUING, serial=215)

RECIPES = {
    # accepted
    "good": GOOD,
    "good-certificates-in-der-order": GOOD.but(certificates=(ROOT, ISSUING, SIGNER)),
    "good-without-certificates": GOOD.but(certificates=()),
    "good-without-nonce": GOOD.but(nonce=None),
    "good-without-accuracy": GOOD.but(accuracy=None),
    "good-without-fraction": GOOD.but(gen_time=b"20260512150941Z"),
    "good-nine-digits-of-a-second": GOOD.but(gen_time=b"20260512150941.123456789Z"),
    "good-ess-version-1": GOOD.but(ess_version=1),
    "good-ess-both-versions": GOOD.but(ess_version=12),
    "good-ess-with-issuer-serial": GOOD.but(ess_serial_of=SIGNER),
    "good-ess-names-the-chain": GOOD.but(ess=(SIGNER, ISSUING)),
    "good-unsigned-attribute": GOOD.but(unsigned_attribute=True),
    "good-impostor-added": GOOD.but(certificates=(IMPOSTOR, ROOT, SIGNER, ISSUING)),
    # the status
    "status-granted-with-modifications": GOOD.but(status="granted_with_mods"),
    "status-rejection": GOOD.but(
        status="rejection", status_text="The hash algorithm is not supported.", fail="bad_alg", with_token=False
    ),
    "status-rejection-with-a-token": GOOD.but(status="rejection"),
    "status-granted-and-failed": GOOD.but(fail="bad_alg"),
    "status-granted-without-token": GOOD.but(with_token=False),
    # what it is about
    "imprint-sha1": GOOD.but(algorithm="sha1"),
    "imprint-sha512": GOOD.but(algorithm="sha512"),
    "imprint-of-other-data": GOOD.but(message=MESSAGE + b"more"),
    "nonce-of-another-request": GOOD.but(nonce=7),
    "nonce-missing": GOOD.but(nonce=None),
    # TSTInfo
    "info-version-2": GOOD.but(version=2),
    "info-critical-extension": GOOD.but(critical_extension=True),
    "info-serial-of-65-bytes": GOOD.but(serial=1 << 516),
    "info-accuracy-of-1000-milliseconds": GOOD.but(accuracy={"seconds": 1, "millis": 1000}),
    "info-accuracy-of-two-years": GOOD.but(accuracy={"seconds": 2 * 366 * 86400}),
    "info-not-in-der": GOOD.but(info_in_ber=True),
    "time-with-offset": GOOD.but(gen_time=b"20260512150941+0200"),
    "time-without-seconds": GOOD.but(gen_time=b"202605121509Z"),
    "time-with-trailing-zero": GOOD.but(gen_time=b"20260512150941.20Z"),
    "time-that-does-not-exist": GOOD.but(gen_time=b"20260231150941Z"),
    # the signature
    "signature-flipped": GOOD.but(spoil_signature=True),
    "signature-of-other-content": GOOD.but(spoil_content=True),
    "signature-without-attributes": GOOD.but(attributes=False),
    "signature-over-another-content-type": GOOD.but(attribute_content_type="data"),
    "signature-with-sha1": GOOD.but(digest="sha1"),
    "signers-two": GOOD.but(signers=2),
    "signers-none": GOOD.but(signers=0),
    "signer-by-key-identifier": GOOD.but(key_identifier=True),
    "content-is-plain-data": GOOD.but(content_type="data"),
    "signed-data-version-1": GOOD.but(signed_version="v1"),
    "ess-missing": GOOD.but(ess_version=0),
    "ess-empty": GOOD.but(ess=()),
    "ess-twice": GOOD.but(ess_repeated=True),
    "ess-of-another-certificate": GOOD.but(ess=(ISSUING,)),
    "ess-serial-of-another-certificate": GOOD.but(ess_serial_of=OUTSIDER),
    "ess-names-a-certificate-outside-the-chain": GOOD.but(ess=(SIGNER, OUTSIDER)),
    # the signer's certificate and its chain
    "signer-twice": GOOD.but(certificates=(TWIN, ROOT, SIGNER, ISSUING)),
    "signer-certificate-missing": GOOD.but(certificates=(ROOT, ISSUING)),
    "issuing-certificate-missing": GOOD.but(certificates=(ROOT, SIGNER)),
    "eku-missing": GOOD.but(signer=EKU_MISSING, certificates=(ROOT, EKU_MISSING, ISSUING)),
    "eku-not-critical": GOOD.but(signer=EKU_PLAIN, certificates=(ROOT, EKU_PLAIN, ISSUING)),
    "eku-with-code-signing": GOOD.but(signer=EKU_EXTRA, certificates=(ROOT, EKU_EXTRA, ISSUING)),
    "eku-code-signing": GOOD.but(signer=EKU_OTHER, certificates=(ROOT, EKU_OTHER, ISSUING)),
    "signer-expired-at-its-time": GOOD.but(signer=EXPIRED, certificates=(ROOT, EXPIRED, ISSUING)),
    "signer-not-yet-valid-at-its-time": GOOD.but(signer=FUTURE, certificates=(ROOT, FUTURE, ISSUING)),
    "issuing-expired-at-its-time": GOOD.but(signer=UNDER_OLD, certificates=(ROOT, UNDER_OLD, OLD_ISSUING)),
    "self-signed-intermediate-as-anchor": GOOD.but(
        signer=UNDER_IMPOSTOR, certificates=(ROOT, UNDER_IMPOSTOR, IMPOSTOR)
    ),
    "root-of-the-same-name": GOOD.but(
        signer=UNDER_FALSE_ROOT, certificates=(FALSE_ROOT, UNDER_FALSE_ROOT, FALSE_ISSUING)
    ),
    "issuer-is-no-authority": GOOD.but(signer=UNDER_SIGNER, certificates=(ROOT, UNDER_SIGNER, SIGNER, ISSUING)),
    "path-longer-than-allowed": GOOD.but(signer=TOO_DEEP, certificates=(ROOT, TOO_DEEP, NARROW, BELOW_NARROW)),
}


def spoiled() -> dict[str, bytes]:
    """Return the replies whose encoding is what is wrong."""
    good = GOOD.reply
    body = good[4:]  # a reply of 256 to 65535 bytes begins 30 82 and two bytes of length
    version = bytes.fromhex("020103")
    return {
        "encoding-empty": b"",
        "encoding-garbage": b"<!doctype html><title>Sign in to the network</title>\n",
        "encoding-truncated": good[: len(good) // 2],
        "encoding-last-byte-missing": good[:-1],
        "encoding-trailing-byte": good + b"\x00",
        "encoding-trailing-bytes-inside": tlv(0x30, body + b"\x05\x00"),
        "encoding-two-replies": good + good,
        "encoding-indefinite-length": b"\x30\x80" + body + b"\x00\x00",
        "encoding-length-not-shortest": b"\x30\x83\x00" + good[2:],
        "encoding-integer-not-shortest": tlv(0x30, b"\x30\x04\x02\x02\x00\x00" + body[body.index(b"\x30\x82") :]),
        "encoding-nested-too-deep": nested(40),
        "encoding-certificate-unreadable": _with_certificates(tlv(0x30, version)),
        "encoding-attribute-certificate": _with_certificates(ROOT.der + SIGNER.der + ISSUING.der + tlv(0xA2, version)),
        "encoding-token-without-status": tlv(0x30, body[body.index(b"\x30\x82") :]),
    }


def nested(depth: int) -> bytes:
    """Return sequences in sequences."""
    value = b"\x05\x00"
    for _ in range(depth):
        value = tlv(0x30, value)
    return value


def _with_certificates(content: bytes) -> bytes:
    """Return the good reply with other content in its certificates field."""
    bare = GOOD.but(certificates=()).reply
    status, token = bare[4 : bare.index(b"\x30\x82", 4)], bare[bare.index(b"\x30\x82", 4) :]
    content_type, rest = token[4:15], token[15:]  # OBJECT IDENTIFIER of eleven bytes
    fields = rest[8:]  # after the explicit tag and the sequence, four bytes each
    signers = fields.rindex(b"\x31\x82")
    data = tlv(0x30, fields[:signers] + tlv(0xA0, content) + fields[signers:])
    return tlv(0x30, status + tlv(0x30, content_type + tlv(0xA0, data)))


def files() -> dict[str, bytes]:
    """Return every file of this directory that is made."""
    made = {f"{name}.tsr": recipe.reply for name, recipe in RECIPES.items()}
    made |= {f"{name}.tsr": reply for name, reply in spoiled().items()}
    return made | {
        "message": MESSAGE,
        "root.pem": chain_to_pem([ROOT.der]),
        "chain.pem": chain_to_pem([SIGNER.der, ISSUING.der]),
    }


def differences() -> list[str]:
    """Return the names of files that are missing, different, or of no recipe."""
    made = files()
    there = {
        path.name: path.read_bytes()
        for path in HERE.iterdir()
        if path.is_file() and path.suffix in {".tsr", ".pem", ""}
    }
    return sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))


def main() -> int:
    """Write the files, or with ``--check`` only compare them."""
    if "--check" in sys.argv[1:]:
        for name in (different := differences()):
            print(f"differs: {name}")
        return 1 if different else 0
    for name, content in files().items():
        (HERE / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
