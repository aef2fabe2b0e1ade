"""Check 29 of a bundle: its cosignatures, the witnesses' keys that came with it, and the statements that name them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence

from archiver.errors import FormatError
from archiver.evidence.bundle import EXTRACT, witness_key
from archiver.evidence.bundle_journal import Extract
from archiver.evidence.bundle_reading import OpenBundle
from archiver.evidence.cosignature import MAX_LINE, WitnessKey
from archiver.evidence.verify import Failed, Incomplete, Nothing
from archiver.evidence.verify_cosignatures import SUFFIX, verify_cosignature_file

MAX_KEY = 4096
"""Bytes of a witness's key, in either form."""


def check_cosignatures(
    bundle: OpenBundle, given: Sequence[WitnessKey], extract: Extract | None, head_of: Callable[[str], bytes]
) -> str:
    """Check that each is over its head (``head_of``), by its witness's key, and named by a statement of the journal.

    The keys ``given`` come from elsewhere; where there are none, those of the bundle are used.
    """
    own = dict(_own_witnesses(bundle))
    names = [name for name in bundle.names if name.endswith(SUFFIX) and not name.startswith("referents/")]
    if not names:
        raise Nothing("no witness cosigned a head that covers the statement")
    if extract is None:
        raise Incomplete(f"{EXTRACT} does not hold, see check 25")
    named = {one.body.get("cosignature_sha256"): one for one in extract.statements.values()}
    told, unknown = [], []
    for name in names:
        line = bundle.read(name, MAX_LINE)
        try:
            found = verify_cosignature_file(name, line, head_of(name), given or tuple(own.values()))
        except Incomplete as error:
            unknown.append(error.what)
            continue
        statement = named.get(hashlib.sha256(line).hexdigest())
        if statement is None or statement.body["time"] != found.instant:
            raise Failed(f"{name}: no statement in {EXTRACT} names this cosignature and its time")
        witness = str(statement.body["witness"])
        if witness not in own or own[witness].vkey != statement.body["key"]:
            raise Failed(f"{witness_key(witness, 'vkey')} is not the key that statement {statement.seq} names")
        told.append(f"{name}: {found.name} {found.instant}")
    if unknown:
        raise Incomplete("; ".join(unknown))
    return "; ".join(told)


def _own_witnesses(bundle: OpenBundle) -> Iterable[tuple[str, WitnessKey]]:
    """The witnesses' keys that came with the bundle, by the archive's names; both forms have to be of one key."""
    for name in bundle.names:
        found = re.fullmatch(r"keys/witness-(.+)\.(vkey|pub\.pem)", name)
        if found is None:
            continue
        vkey, pem = witness_key(found[1], "vkey"), witness_key(found[1], "pub.pem")
        try:
            key = WitnessKey.from_vkey(bundle.read(vkey, MAX_KEY).decode("utf-8").removesuffix("\n"))
        except (FormatError, UnicodeDecodeError) as error:
            raise Failed(f"{vkey}: {error}") from error
        if bundle.read(vkey, MAX_KEY) != f"{key.vkey}\n".encode() or bundle.read(pem, MAX_KEY) != key.spki_pem:
            raise Failed(f"{pem} is not the key of {vkey}, or one of them has another form than docs/bundle.md says")
        yield found[1], key
