"""What the two texts of a bundle, VERIFY.txt and PROCESS.txt, are written from; nothing is looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from archiver.evidence.canonical import Json
from archiver.evidence.checkpoint import Checkpoint
from archiver.evidence.statement import Statement


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """One timestamp token of the bundle, as its ``stamp`` statement tells it."""

    base: str
    """Its name without ``.tsr``; ``….chain.pem`` lies beside it."""
    covers: str
    """The member whose bytes it is over; empty for the checkpoint at the end of the proof."""
    stamp: Statement
    """The ``stamp`` statement."""

    @property
    def authority(self) -> str:
        """As the archive calls it."""
        return str(self.stamp.body["authority"])

    @property
    def gen_time(self) -> str:
        """The authority's time, as the token says it."""
        return str(self.stamp.body["gen_time"])


@dataclass(frozen=True, slots=True)
class CosignatureFacts:
    """One witness's cosignature of the bundle, as its ``stamp`` statement tells it."""

    base: str
    """Its name."""
    covers: str
    """The checkpoint it is over; empty for the one at the end of the proof."""
    stamp: Statement
    """The ``stamp`` statement."""

    @property
    def witness(self) -> str:
        """As the archive calls it."""
        return str(self.stamp.body["witness"])

    @property
    def vkey(self) -> str:
        """The witness's verifier key, as stated."""
        return str(self.stamp.body["key"])

    @property
    def time(self) -> str:
        """The witness's time, as the cosignature says it."""
        return str(self.stamp.body["time"])


@dataclass(frozen=True, slots=True)
class RevocationFacts:
    """What one file of the bundle says of one certificate of its tokens."""

    name: str
    """Of the member."""
    token: TokenFacts
    """A token in whose chain the certificate stands."""
    place: int
    """Of the certificate in that chain, from 1; its issuer is the next."""
    item: Json
    """The item of the ``revocation`` statement."""
    made_at: datetime
    """When its maker signed it: the time to verify the signature at."""
    seq: int
    """Number of that statement."""


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """One snapshot as it is bundled."""

    capture: Statement
    archive: str
    """Name of the archive."""
    issued: str
    """Instant text: when the bundle was made."""
    software: str
    """What made the bundle."""
    key_sha256: str
    """Of the DER of the log's public key."""
    roots: Mapping[str, tuple[str, ...]]
    """SHA-256 of the DER of the roots of each authority."""
    checkpoint: Checkpoint
    """The newest one, ``log/checkpoint``."""
    proof: Checkpoint | None
    """The one at the end of ``statement.tlog-proof``; None where the folder has no proof yet."""
    tokens: tuple[TokenFacts, ...]
    """Over the statement, over the proof's checkpoint, over others that cover it."""
    before: TokenFacts | None
    """The token that the statement names as not before, where the folder has it."""
    assessments: tuple[Statement, ...]
    referents: tuple[Statement, ...]
    watch: Statement | None
    members: tuple[str, ...]
    """Names of all members but the tokens over ``SHA256SUMS``, which are asked for last."""
    cosignatures: tuple[CosignatureFacts, ...]
    """Over the proof's checkpoint, over others that cover the statement."""
    signed: bool
    revocation: tuple[RevocationFacts, ...]
    """What the issuers of the authorities' certificates said."""
    lacking: tuple[str, ...]
    """Tokens of whose certificates one has no revocation data here."""
    stamp_asked: tuple[str, ...]
    """Authorities that are asked for a token over ``SHA256SUMS``."""

    @property
    def body(self) -> Json:
        """The capture statement's fields."""
        return self.capture.body

    @property
    def snapshot(self) -> str:
        """``EA-S-00000123``."""
        return str(self.body["snapshot"])

    @property
    def assessment(self) -> Json | None:
        """The assessment that counts, or None."""
        return self.assessments[-1].body if self.assessments else None
