"""Signed notes (C2SP signed-note v1.0.0) with Ed25519: a text, a blank line, and lines that say who signed it.

Strict both ways: a note that parses is written again to the same bytes, and so is a verifier key. Private keys never
come here; whoever signs hands in a function from bytes to signature.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from archiver.errors import FormatError, MalformedNote

MAX_NOTE = 256 * 1024  # bytes; room for 16 post-quantum signatures, which every reader has to accept
MAX_SIGNATURES = 64
MAX_NAME = 1024  # bytes of UTF-8
ED25519 = 0x01  # signature type of C2SP signed-note
KEY_ID_BYTES = 4

Sign = Callable[[bytes], bytes]
"""Returns the 64 bytes of an Ed25519 signature (RFC 8032) over the bytes given."""

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DASH = "— "


def encode_base64(data: bytes) -> str:
    """Return standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str, what: str, error: type[FormatError] = MalformedNote) -> bytes:
    """Return the bytes, or raise ``error`` unless encoding them again gives the same text.

    The second look refuses bits set in the unused end of the last digit, which would give one signature several
    spellings.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise error(f"{what} is not base64: {problem}") from problem
    if encode_base64(data) != text:
        raise error(f"{what} is not the one base64 form of its bytes")
    return data


def check_name(name: str) -> None:
    """Raise ``MalformedNote`` unless this can name a key: not empty, no spaces, no plus, no control characters."""
    if not name:
        raise MalformedNote("the key name is empty")
    if "+" in name or any(letter.isspace() or letter < " " for letter in name):
        raise MalformedNote(f"the key name {name[:80]!r} contains a space, a plus or a control character")
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError as problem:
        raise MalformedNote("the key name is not valid Unicode") from problem
    if size > MAX_NAME:
        raise MalformedNote(f"the key name has {size} bytes, more than {MAX_NAME}")


@dataclass(frozen=True, slots=True)
class Verifier:
    """A named Ed25519 public key: all that a stranger needs to check a note. Construction checks both parts."""

    name: str
    """Key name as it stands in signature lines; our log's is its origin."""
    key: bytes
    """32 bytes (RFC 8032)."""

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.key) != 32:
            raise MalformedNote(f"an Ed25519 public key has 32 bytes, not {len(self.key)}")

    @property
    def key_id(self) -> bytes:
        """First 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key): a hint which key to try, no identification."""
        return sha256(self.name.encode("utf-8") + b"\n" + bytes([ED25519]) + self.key).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """The verifier key as text, ``name+key id in hex+base64(0x01 ‖ key)``, without a line feed."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([ED25519]) + self.key)}"

    @property
    def spki_der(self) -> bytes:
        """The key as DER SubjectPublicKeyInfo (RFC 8410)."""
        return self._public().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def spki_pem(self) -> bytes:
        """The same as PEM, as ``openssl pkeyutl -pubin -inkey`` takes it."""
        return self._public().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @classmethod
    def from_vkey(cls, text: str) -> Verifier:
        """Return the verifier that a key text names; ``MalformedNote`` unless ``vkey`` gives the same text back."""
        if len(text) > MAX_NAME + 64:
            raise MalformedNote(f"a verifier key of {len(text)} characters")
        parts = text.split("+", 2)  # base64 may hold a plus of its own, the other two parts may not
        if len(parts) != 3:
            raise MalformedNote("a verifier key has three parts: name+id+key")
        name, key_id, encoded = parts
        blob = decode_base64(encoded, "the public key")
        if blob[:1] != bytes([ED25519]):
            raise MalformedNote("the verifier key is not of signature type 0x01 (Ed25519)")
        verifier = cls(name, blob[1:])
        if verifier.key_id.hex() != key_id:
            raise MalformedNote(f"the verifier key says id {key_id[:16]!r}, its parts give {verifier.key_id.hex()}")
        return verifier

    def accepts(self, text: bytes, signature: bytes) -> bool:
        """Return whether this is this key's Ed25519 signature over ``text``."""
        try:
            self._public().verify(signature, text)
        except InvalidSignature:
            return False
        return True

    def _public(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.key)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    """4 bytes, big-endian."""
    signature: bytes
    """What follows the key id; 64 bytes for Ed25519."""

    def is_of(self, verifier: Verifier) -> bool:
        """Return whether the line claims this key; only the signature can tell whether that is true."""
        return self.name == verifier.name and self.key_id == verifier.key_id

    def to_text(self) -> str:
        """Return the line without its line feed."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.signature)}"

    @classmethod
    def from_text(cls, line: str) -> Signature:
        """Return what a line without its line feed says; ``MalformedNote`` unless it is written in the one way."""
        if not line.startswith(_DASH):
            raise MalformedNote(f"a signature line does not begin with an em dash and a space: {line[:40]!r}")
        name, space, encoded = line[len(_DASH) :].partition(" ")
        if not space:
            raise MalformedNote("a signature line has no signature after the name")
        check_name(name)
        blob = decode_base64(encoded, "a signature")
        if len(blob) <= KEY_ID_BYTES:
            raise MalformedNote(f"a signature of {len(blob)} bytes is too short to hold more than a key id")
        return cls(name, blob[:KEY_ID_BYTES], blob[KEY_ID_BYTES:])


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signature lines under it; that it parses says nothing about who signed it."""

    text: bytes
    """What is signed, final line feed included."""
    signatures: tuple[Signature, ...]

    def to_bytes(self) -> bytes:
        """Return the file."""
        lines = "".join(f"{signature.to_text()}\n" for signature in self.signatures)
        return self.text + b"\n" + lines.encode("utf-8")

    @classmethod
    def from_bytes(cls, data: bytes) -> Note:
        """Return the note; ``MalformedNote`` unless ``to_bytes`` gives the same bytes back. Checks no signature."""
        if len(data) > MAX_NOTE:
            raise MalformedNote(f"a note of {len(data)} bytes, more than {MAX_NOTE}")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as problem:
            raise MalformedNote(f"the note is not UTF-8: {problem}") from problem
        if _CONTROL.search(text):
            raise MalformedNote("the note contains a control character other than line feed")
        if not text.endswith("\n"):
            raise MalformedNote("the note does not end with a line feed")
        body, blank, tail = text.rpartition("\n\n")
        if not blank:
            raise MalformedNote("no blank line stands between the text and the signatures")
        lines = tail.split("\n")[:-1]
        if not lines:
            raise MalformedNote("the note has no signature line")
        if len(lines) > MAX_SIGNATURES:
            raise MalformedNote(f"{len(lines)} signature lines, more than {MAX_SIGNATURES}")
        return cls((body + "\n").encode("utf-8"), tuple(Signature.from_text(line) for line in lines))

    def verify(self, *verifiers: Verifier, strict: bool = True) -> tuple[Signature, ...]:
        """Return the verified lines; ``MalformedNote`` unless every key given signed, and no line of theirs is false.

        Strict, as our own files are read, a line of any other key and a second line of one key are refused too; else
        lines of other keys are passed over, as C2SP signed-note demands of a client.
        """
        if not verifiers:
            raise ValueError("a note cannot be verified without a key")
        verified: list[Signature] = []
        for verifier in verifiers:
            lines = [line for line in self.signatures if line.is_of(verifier)]
            if not lines:
                raise MalformedNote(f"no signature by {verifier.name} (key id {verifier.key_id.hex()})")
            if not all(verifier.accepts(self.text, line.signature) for line in lines):
                raise MalformedNote(f"the signature by {verifier.name} does not verify")
            if strict and len(lines) > 1:
                raise MalformedNote(f"{len(lines)} signatures by {verifier.name}, one is expected")
            verified += lines
        if strict and (others := self.unknown(*verifiers)):
            raise MalformedNote(f"a signature line by an unknown key: {others[0].name} {others[0].key_id.hex()}")
        return tuple(verified)

    def unknown(self, *verifiers: Verifier) -> tuple[Signature, ...]:
        """Return the lines that claim none of these keys: a finding in our own files, cosignatures in others'."""
        return tuple(line for line in self.signatures if not any(line.is_of(verifier) for verifier in verifiers))


def open_note(data: bytes, verifier: Verifier, *, strict: bool = True) -> Note:
    """Return the note if this key signed it, else raise ``MalformedNote``; for ``strict`` see ``Note.verify``."""
    note = Note.from_bytes(data)
    note.verify(verifier, strict=strict)
    return note


def sign_note(text: bytes, verifier: Verifier, sign: Sign) -> Note:
    """Return the text signed by one key, checked with its public half.

    ``MalformedNote`` if the text cannot be a note's or the signature is not this key's: a mixed-up or failing signer
    must not publish a head that nobody can verify.
    """
    note = Note(text, (Signature(verifier.name, verifier.key_id, sign(text)),))
    if Note.from_bytes(note.to_bytes()) != note:
        raise MalformedNote("this text, with a signature under it, would be read as another text")
    note.verify(verifier)
    return note
