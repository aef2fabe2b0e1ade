"""DSSE: an envelope whose signature covers a payload together with its type, so that neither passes for another."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from archiver.evidence.canonical import Json
from archiver.evidence.note import Verifier


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """Return what is signed (PAE): lengths first, so that no two pairs of type and payload give the same bytes.

    It begins with ``DSSEv1``, as no checkpoint, bundle list or statement of an archive does: one key may sign them all.
    """
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def envelope(payload_type: str, payload: bytes, verifier: Verifier, sign: Callable[[bytes], bytes]) -> Json:
    """Return the signed envelope; its ``keyid`` is the SHA-256 of the key's SubjectPublicKeyInfo, as in a citation."""
    signature = sign(pre_authentication(payload_type, payload))
    return {
        "payload": base64.b64encode(payload).decode("ascii"),
        "payloadType": payload_type,
        "signatures": [
            {
                "keyid": hashlib.sha256(verifier.spki_der).hexdigest(),
                "sig": base64.b64encode(signature).decode("ascii"),
            }
        ],
    }
