"""The copy of the newest head kept outside the archive, so that a restored old backup is noticed.

One file per log, named by the SHA-256 of its verifier key; a canonical JSON line
``{"acknowledged": seq, "checkpoint": text or null, "origin": text, "v": 1}``. Written and synced before a check is
acknowledged: whoever was told of a statement can rely on its number never being given out twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from archiver.errors import ArchiveDamaged, FormatError
from archiver.evidence.canonical import decode_line, encode_line
from storage.interface import Files


@dataclass(frozen=True, slots=True)
class Head:
    """What the copy says: the highest acknowledged statement and the newest checkpoint (bytes), if any."""

    acknowledged: int
    checkpoint: bytes | None


class HeadCopy:
    """The head copy of one log in a folder of its own; ``files`` None where that folder is not on this machine."""

    def __init__(self, files: Files | None, vkey: str, origin: str) -> None:
        self._files = files
        self._origin = origin
        self.path = hashlib.sha256(vkey.encode()).hexdigest() + ".head"

    def read(self) -> Head | None:
        """Return the head, None when there is no copy, or raise ``ArchiveDamaged`` when it cannot be read."""
        if self._files is None or not self._files.exists(self.path):
            return None
        try:
            body = decode_line(self._files.read(self.path))
            text = body["checkpoint"]
            if body["v"] != 1 or body["origin"] != self._origin or type(body["acknowledged"]) is not int:
                raise FormatError("it is of another log")
            return Head(body["acknowledged"], None if text is None else str(text).encode())
        except (FormatError, KeyError) as error:
            raise ArchiveDamaged(
                f"head copy {self.path} cannot be read: {error}",
                do="compare it with log/checkpoint by hand, then move it away",
            ) from error

    def write(self, head: Head) -> None:
        """Replace the copy; durable on return."""
        assert self._files is not None  # whoever writes has made the folder
        text = None if head.checkpoint is None else head.checkpoint.decode()
        body = {"v": 1, "origin": self._origin, "acknowledged": head.acknowledged, "checkpoint": text}
        self._files.replace(self.path, encode_line(body))
