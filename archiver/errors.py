"""Every exception the archiver raises on purpose, by who must act; each carries its exit code and next step.

Only ``archiver.cli`` turns these into text and exit codes. Expected outcomes of a check (a refusal, a
timeout, a missing stamp) are values, not exceptions.
"""

from __future__ import annotations


class ArchiverError(Exception):
    """Root of all errors; says what went wrong and, where there is one, what to do next."""

    exit_code = 70

    def __init__(self, what: str, *, do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.do = do

    def __str__(self) -> str:
        """One line: what and why, then what to do."""
        return f"{self.what}; {self.do}" if self.do else self.what


class UsageError(ArchiverError):
    """The caller asked for something that does not exist or cannot be meant."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is unknown, out of range, or of the wrong type."""


class NotCheckable(ArchiverError):
    """The answer cannot be had now: offline, not yet stamped, not yet covered by a checkpoint."""

    exit_code = 3


class Disposed(NotCheckable):
    """What was asked for rests on content that was disposed of; the log says when, by whom and why."""


class ArchiveError(ArchiverError):
    """The archive on disk is damaged, locked, full, or not what it should be."""

    exit_code = 4


class ArchiveLocked(ArchiveError):
    """Another process is the one writer of this archive."""


class ArchiveDamaged(ArchiveError):
    """Stored evidence contradicts itself; nothing is repaired silently."""


class WrongPassphrase(ArchiveError):
    """The private key could not be decrypted with the passphrase given."""

    exit_code = 2


class FormatError(ArchiverError):
    """Bytes that should follow a stated format do not; raised by every strict parser of ``evidence``."""

    exit_code = 1


class MalformedJson(FormatError):
    """Not the one canonical form of a JSON value (RFC 8785)."""


class MalformedStatement(FormatError):
    """Not a statement as ``docs/format.md`` defines it."""


class MalformedNote(FormatError):
    """Not a C2SP signed note, or its signature does not verify."""


class MalformedCheckpoint(FormatError):
    """Not a C2SP tlog-checkpoint."""


class MalformedProof(FormatError):
    """Not a C2SP tlog-proof, or a Merkle proof that does not lead to the root."""


class MalformedWarc(FormatError):
    """Not a WARC file, or a record whose digests or lengths do not hold."""


class MalformedTimestamp(FormatError):
    """Not an RFC 3161 reply, or one that does not verify for this subject."""


class MalformedRevocation(FormatError):
    """Not a revocation list or OCSP response, or one that says nothing of the certificate it was asked about."""


class StaleRevocation(MalformedRevocation):
    """Revocation data whose time is over, or has not come."""
