"""Check 16: the cosignatures of witnesses in a snapshot's folder, over the checkpoint that its proof ends with.

A cosignature shows that somebody with that key saw this head, and no other history of the log before it. Whether that
somebody is anyone else than the operator no file can show: the keys have to come from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable

from archiver.errors import FormatError
from archiver.evidence.cosignature import MAX_LINE, Cosignature, WitnessKey, verify_by_any
from archiver.evidence.verify import Evidence, Failed, Incomplete, Nothing

PREFIX, SUFFIX = "checkpoint.", ".cosig"


def cosignature_files(names: Iterable[str]) -> list[str]:
    """The names of cosignatures in a snapshot's folder, in order."""
    return sorted(name for name in names if name.startswith(PREFIX) and name.endswith(SUFFIX))


def verify_cosignature_file(name: str, line: bytes, checkpoint: bytes, keys: Iterable[WitnessKey]) -> Cosignature:
    """Return the cosignature of a file; ``Failed`` names it, ``Incomplete`` where none of the keys is the witness's."""
    known = tuple(keys)
    try:
        found = verify_by_any(line, checkpoint, known)
        claimed = Cosignature.from_line(line)
    except FormatError as error:
        raise Failed(f"{name}: {error.what}") from error
    if found is None:
        if any(key.name == claimed.name for key in known):
            raise Incomplete(f"{name}: the key given of the witness {claimed.name} is another one than made this line")
        raise Incomplete(f"{name}: no key of the witness {claimed.name} was given (--witness)")
    return found


def check_cosignatures(evidence: Evidence) -> str:
    """Check every cosignature in the folder; what no key is known for is told as not checked."""
    names = cosignature_files(evidence.names())
    if not names:
        raise Nothing("no witness cosigned this checkpoint")
    if evidence.checkpoint_bytes is None:
        raise Incomplete("no checkpoint that holds covers the snapshot, see check 6")
    told, unknown = [], []
    for name in names:
        try:
            found = verify_cosignature_file(
                name, evidence.read(name, MAX_LINE), evidence.checkpoint_bytes, evidence.witnesses
            )
        except Incomplete as error:
            unknown.append(error.what)
        else:
            told.append(f"{found.name} {found.instant}")
    if unknown:
        raise Incomplete("; ".join(unknown))
    return "; ".join(told)
