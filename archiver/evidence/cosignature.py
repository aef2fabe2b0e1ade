"""Cosignatures of witnesses (C2SP tlog-cosignature v1.0.1, Ed25519), the request for one (tlog-witness v1.0.0).

A witness signs a time and the text of a checkpoint, after it has seen that the log it knew was only added to.
Strict both ways: what parses is written again to the same bytes. Ed25519 alone; other types are passed over by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from archiver.errors import FormatError, MalformedNote
from archiver.evidence.checkpoint import Checkpoint, parse_decimal
from archiver.evidence.merkle import HASH_BYTES, MAX_SIZE
from archiver.evidence.note import (
    KEY_ID_BYTES,
    MAX_NAME,
    MAX_SIGNATURES,
    Note,
    Sign,
    Signature,
    Verifier,
    check_name,
    decode_base64,
    encode_base64,
)

COSIGNATURE = 0x04  # signature type of C2SP tlog-cosignature, Ed25519
TIME_BYTES, ED25519_BYTES = 8, 64
MAX_LINE = 2048  # bytes of one signature line: a name of 1024, and 104 digits
MAX_TIME = 253402300799  # seconds since 1970: the last second of the year 9999, the last that RFC 3339 can write
MAX_PROOF_LINES = 63  # C2SP tlog-witness: a client sends no more
MAX_CHECKPOINT = 64 * 1024  # bytes of a checkpoint that is sent to a witness; one with 16 large signatures fits
MAX_REQUEST = 32 + 45 * MAX_PROOF_LINES + MAX_CHECKPOINT  # bytes: `old N`, hashes in base64, a line feed, the note
MAX_ANSWER = 64 * 1024  # bytes of signature lines in an answer; larger ones are of other types
SIZE_TYPE = "text/x.tlog.size"
"""Content type of the answer 409: the size that the witness cosigned last."""


class MalformedCosignature(FormatError):
    """Not a cosignature, a witness's key or a request for one; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's name and Ed25519 public key. Construction checks both parts."""

    name: str
    """As it stands in signature lines; a URL without scheme, by custom."""
    key: bytes
    """32 bytes (RFC 8032)."""

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.key) != 32:
            raise MalformedCosignature(f"an Ed25519 public key has 32 bytes, not {len(self.key)}")

    @property
    def key_id(self) -> bytes:
        """First 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x04 ‖ key)."""
        return sha256(self.name.encode("utf-8") + b"\n" + bytes([COSIGNATURE]) + self.key).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The verifier key as text, ``name+key id in hex+base64(0x04 ‖ key)``, without a line feed."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([COSIGNATURE]) + self.key)}"

    @property
    def spki_pem(self) -> bytes:
        """The key as PEM (RFC 8410), as ``openssl pkeyutl -pubin -inkey`` takes it."""
        public = Ed25519PublicKey.from_public_bytes(self.key)
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @classmethod
    def from_vkey(cls, text: str) -> WitnessKey:
        """Return the key that a text names; ``MalformedCosignature`` unless ``vkey`` gives the same text back."""
        if len(text) > MAX_NAME + 64:
            raise MalformedCosignature(f"a verifier key of {len(text)} characters")
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise MalformedCosignature("a witness's verifier key has three parts: name+id+key")
        name, key_id, encoded = parts
        blob = decode_base64(encoded, "the public key", MalformedCosignature)
        if blob[:1] != bytes([COSIGNATURE]):
            kind = {b"\x01": " (that is a log's key)", b"\x06": " (ML-DSA-44 is not read here)"}.get(blob[:1], "")
            raise MalformedCosignature(f"a witness's verifier key is of signature type 0x04{kind}")
        try:
            key = cls(name, blob[1:])
        except MalformedNote as problem:
            raise MalformedCosignature(problem.what) from problem
        if key.key_id.hex() != key_id:
            raise MalformedCosignature(f"the verifier key says id {key_id[:16]!r}, its parts give {key.key_id.hex()}")
        return key

    def accepts(self, message: bytes, signature: bytes) -> bool:
        """Return whether this is this key's Ed25519 signature over ``message``."""
        return Verifier(self.name, self.key).accepts(message, signature)


def cosigned_message(text: bytes, time: int) -> bytes:
    """Return what is signed: two lines, then the text of the checkpoint; ``time`` in seconds since 1970."""
    return b"cosignature/v1\ntime %d\n" % time + text


@dataclass(frozen=True, slots=True)
class Cosignature:
    """One cosignature line; that it parses says nothing about who signed it. Construction checks the form."""

    name: str
    key_id: bytes
    """4 bytes."""
    time: int
    """Seconds since 1970, by the witness's clock."""
    signature: bytes
    """64 bytes."""

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.key_id) != KEY_ID_BYTES or len(self.signature) != ED25519_BYTES:
            raise MalformedCosignature("a cosignature has 4 bytes that name the key and 64 of signature")
        if not 0 <= self.time <= MAX_TIME:
            raise MalformedCosignature(f"the time of the cosignature, {self.time}, is after the year 9999")

    @property
    def instant(self) -> str:
        """The time as RFC 3339 UTC, in whole seconds: ``2026-05-12T15:09:41Z``."""
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=self.time)
        return f"{at:%Y-%m-%dT%H:%M:%SZ}".rjust(20, "0")

    def to_line(self) -> bytes:
        """Return the line, line feed included: a ``.cosig`` file."""
        blob = self.time.to_bytes(TIME_BYTES, "big") + self.signature
        return f"{Signature(self.name, self.key_id, blob).to_text()}\n".encode()

    @classmethod
    def from_line(cls, line: bytes) -> Cosignature:
        """Return what one line says; ``MalformedCosignature`` unless ``to_line`` gives the same bytes back."""
        if len(line) > MAX_LINE:
            raise MalformedCosignature(f"a cosignature of {len(line)} bytes, more than {MAX_LINE}")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as problem:
            raise MalformedCosignature(f"the cosignature is not UTF-8: {problem}") from problem
        if not text.endswith("\n") or text.count("\n") != 1:
            raise MalformedCosignature("a cosignature is one line that ends with a line feed")
        try:
            found = Signature.from_text(text[:-1])
        except MalformedNote as problem:
            raise MalformedCosignature(problem.what) from problem
        if len(found.signature) != TIME_BYTES + ED25519_BYTES:
            raise MalformedCosignature(f"{len(found.signature)} bytes follow the key's id; a cosignature has 72")
        time = int.from_bytes(found.signature[:TIME_BYTES], "big")
        return cls(found.name, found.key_id, time, found.signature[TIME_BYTES:])

    def is_of(self, key: WitnessKey) -> bool:
        """Return whether the line claims this key; only the signature can tell whether that is true."""
        return (self.name, self.key_id) == (key.name, key.key_id)


def verify_cosignature(line: bytes, checkpoint: bytes, key: WitnessKey) -> Cosignature:
    """Return the cosignature if this witness's key made it over this checkpoint file.

    ``MalformedCosignature`` otherwise, or ``MalformedNote`` for the checkpoint, whose own signature is not looked at.
    """
    found = Cosignature.from_line(line)
    if not found.is_of(key):
        raise MalformedCosignature(f"the line is of {found.name} {found.key_id.hex()}, the key of {key.vkey}")
    if not key.accepts(cosigned_message(Note.from_bytes(checkpoint).text, found.time), found.signature):
        raise MalformedCosignature(f"the cosignature by {key.name} does not verify over this checkpoint")
    return found


def verify_by_any(line: bytes, checkpoint: bytes, keys: Iterable[WitnessKey]) -> Cosignature | None:
    """Return the cosignature if one of these keys made it, None where none of them is the key it names.

    ``MalformedCosignature`` for a line that is none, that names one of the keys and was not made by it, or that was
    made by one of them under another name: the signature covers neither the name nor the key's id.
    """
    found = Cosignature.from_line(line)
    message = cosigned_message(Note.from_bytes(checkpoint).text, found.time)
    for key in keys:
        if found.is_of(key):
            return verify_cosignature(line, checkpoint, key)
        if key.accepts(message, found.signature):
            raise MalformedCosignature(f"the signature is by {key.vkey}, the line names {found.name}")
    return None


def cosign(checkpoint: bytes, key: WitnessKey, sign: Sign, time: int) -> bytes:
    """Return the line of a witness over this checkpoint file, checked with the public key; ``time`` since 1970.

    Whether the checkpoint may be cosigned at all this function cannot know; its caller must.
    """
    text = Note.from_bytes(checkpoint).text
    line = Cosignature(key.name, key.key_id, time, sign(cosigned_message(text, time))).to_line()
    verify_cosignature(line, checkpoint, key)
    return line


def cosignature_in(answer: bytes, checkpoint: bytes, key: WitnessKey) -> bytes:
    """Return the line of this key from the body of an answer 200, verified, byte for byte as it came.

    Lines of other keys are passed over, as C2SP tlog-witness demands of a client; ``MalformedCosignature`` where the
    body holds something else than signature lines, none of this key, or one that does not hold.
    """
    if len(answer) > MAX_ANSWER:
        raise MalformedCosignature(f"an answer of {len(answer)} bytes, more than {MAX_ANSWER}")
    lines = answer.split(b"\n")
    if lines[-1] or len(lines) < 2:
        raise MalformedCosignature("the answer is no signature line that ends with a line feed")
    if len(lines) - 1 > MAX_SIGNATURES:
        raise MalformedCosignature(f"{len(lines) - 1} signature lines, more than {MAX_SIGNATURES}")
    for line in lines[:-1]:
        try:
            found = Signature.from_text(line.decode("utf-8"))
        except (MalformedNote, UnicodeDecodeError) as problem:
            raise MalformedCosignature(f"the answer holds something else than signature lines: {problem}") from problem
        if (found.name, found.key_id) == (key.name, key.key_id):
            verify_cosignature(line + b"\n", checkpoint, key)
            return line + b"\n"
    raise MalformedCosignature(f"the answer holds no cosignature by {key.vkey}")


def parse_size(answer: bytes) -> int:
    """Return the size that an answer 409 tells; ``MalformedCosignature`` unless it is a decimal and a line feed."""
    size = parse_decimal(answer[:-1].decode("ascii", "replace")) if answer.endswith(b"\n") else None
    if size is None:
        raise MalformedCosignature(f"the answer 409 tells no size: {answer[:40]!r}")
    return size


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The body of ``POST …/add-checkpoint``. Construction checks the form only, not the proof."""

    old: int
    """Size that the witness cosigned last, as its client believes; 0 for none."""
    proof: tuple[bytes, ...]
    """Consistency proof from there (RFC 6962, 2.1.2), 32 bytes each; empty from 0, and where the sizes are equal."""
    checkpoint: bytes
    """The checkpoint file."""

    def __post_init__(self) -> None:
        if not 0 <= self.old <= MAX_SIZE:
            raise MalformedCosignature(f"old size {self.old} is outside 0 to {MAX_SIZE}")
        if len(self.proof) > MAX_PROOF_LINES:
            raise MalformedCosignature(f"{len(self.proof)} proof lines, more than {MAX_PROOF_LINES}")
        if any(len(value) != HASH_BYTES for value in self.proof):
            raise MalformedCosignature(f"a hash of the proof has not {HASH_BYTES} bytes")
        if len(self.checkpoint) > MAX_CHECKPOINT:
            raise MalformedCosignature(f"a checkpoint of {len(self.checkpoint)} bytes, more than {MAX_CHECKPOINT}")

    def to_bytes(self) -> bytes:
        """Return the body."""
        lines = [f"old {self.old}", *map(encode_base64, self.proof), ""]
        return "".join(f"{line}\n" for line in lines).encode("ascii") + self.checkpoint

    @classmethod
    def from_bytes(cls, data: bytes) -> AddCheckpoint:
        """Return what a body says; ``to_bytes`` gives the same bytes back.

        ``MalformedCosignature`` for its head, ``MalformedNote`` or ``MalformedCheckpoint`` for the checkpoint, which
        may have signature lines of others but no extension lines. Verifies nothing.
        """
        if len(data) > MAX_REQUEST:
            raise MalformedCosignature(f"a request of {len(data)} bytes, more than {MAX_REQUEST}")
        head, blank, checkpoint = data.partition(b"\n\n")
        if not blank:
            raise MalformedCosignature("no empty line stands before the checkpoint")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as problem:
            raise MalformedCosignature(f"the head of the request is not ASCII: {problem}") from problem
        old = parse_decimal(first.removeprefix("old ")) if first.startswith("old ") else None
        if old is None:
            raise MalformedCosignature(f"the first line is not `old` and a plain decimal number: {first[:40]!r}")
        if len(lines) > MAX_PROOF_LINES:
            raise MalformedCosignature(f"{len(lines)} proof lines, more than {MAX_PROOF_LINES}")
        proof = tuple(decode_base64(line, "a line of the proof", MalformedCosignature) for line in lines)
        Checkpoint.from_bytes(checkpoint)
        return cls(old, proof, checkpoint)
