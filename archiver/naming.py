"""What an identifier that was given names, where another kind was wanted; said so that the next command is clear."""

from __future__ import annotations

import re

from archiver.errors import UsageError
from archiver.evidence.statement import parse_snapshot_id

MOST = 60
"""Characters of a name that are repeated in an error."""
_IDENTIFIER = re.compile(r"[A-Z][A-Z0-9]*-([DIPS])-\d{1,20}", re.ASCII)
_KINDS = {
    "D": ("a document", "name one of its snapshots: archiver history {name}"),
    "I": ("an imported file", "see archiver import show {name}"),
    "P": ("a provision", "see archiver provision show {name}"),
}


def is_of_import(name: object) -> bool:
    """Whether a name looks like that of an imported file, be there one or not."""
    found = _IDENTIFIER.fullmatch(str(name)[:MOST])
    return found is not None and found[1] == "I"


def no_snapshot(name: object, among: str = "archiver history DOCUMENT") -> UsageError:
    """The error for a name that no snapshot here has; ``among`` is the command that lists those there are."""
    text = str(name)[:MOST]
    found = _IDENTIFIER.fullmatch(text)
    if found is not None and found[1] in _KINDS:
        what, do = _KINDS[found[1]]
        return UsageError(f"{text} names {what}, not a snapshot", do=do.format(name=text))
    return UsageError(f"there is no snapshot {text} in this archive", do=f"see {among}")


class NoDocument(UsageError):
    """No document here has this identifier, title or address."""


def no_document(name: object) -> NoDocument:
    """The error for a name that no document here has."""
    text = str(name)[:MOST]
    found = _IDENTIFIER.fullmatch(text)
    if found is not None and found[1] == "S" and parse_snapshot_id(text) is not None:
        what = f"there is no document {text!r}: that names a snapshot"
        return NoDocument(what, do=f"archiver custody {text} names its document")
    if found is not None and found[1] in ("I", "P"):
        what, do = _KINDS[found[1]]
        return NoDocument(f"there is no document {text!r}: that names {what}", do=do.format(name=text))
    return NoDocument(f"there is no document {text!r} in this archive", do="see archiver watch list")


def no_subject(name: object) -> UsageError:
    """The error for a name that no snapshot or document here has, where both are taken, and imported files too."""
    text = str(name)[:MOST]
    found = _IDENTIFIER.fullmatch(text)
    if found is not None and found[1] == "P":
        what, do = _KINDS[found[1]]
        return UsageError(f"{text} names {what}, not a snapshot or a document", do=do.format(name=text))
    return UsageError(
        f"there is no snapshot or document {text!r} in this archive",
        do="name a snapshot as EA-S-00000123, an imported file as EA-I-00000123, or a document as EA-D-00001, by its"
        " title or its address: see archiver history, archiver import list and archiver watch list",
    )
