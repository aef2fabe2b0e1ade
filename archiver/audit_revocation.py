"""Check 17: stored revocation data is what the log says, verifies, and what it says of the tokens of a snapshot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial

from archiver.audit_ground import Ground
from archiver.errors import ArchiverError, FormatError
from archiver.evidence.instant import moment_of
from archiver.evidence.statement import Statement
from archiver.evidence.verify import NO_REVOCATION, NOT_CHECKED, SMALL_FILE, Failed, Nothing
from archiver.folders import StoredFolder
from archiver.revocations import is_revocation_file
from storage.errors import StorageError

BEFORE = "before the token's time"
"""In the words on data that is older than the token."""
LATER_REPORTS = "revocation of a timestamp authority's certificate that was reported after the data of check 17"
NO_LATER_REVOCATION = "revocation of a timestamp authority's certificate between the data of check 17 and its token"
"""Printed in place of ``NO_REVOCATION`` where some data is older than the token: it cannot tell of later days."""


def check_tokens(audit: Ground, folder: StoredFolder, names: Sequence[str]) -> str:
    """Say how the certificates of each token over this snapshot stood; ``Failed`` when one was revoked for it.

    ``Nothing`` where there is no data of some certificate: that is no fault of the token, and no answer either.
    """
    from archiver.evidence.timestamp import certificates_from_pem, read_token  # slow to load
    from archiver.revocation_data import standings

    said: dict[str, list[str]] = {}
    lacking = 0
    for name in sorted(names):
        if not name.endswith(".tsr") or name.startswith("before."):
            continue
        chain = certificates_from_pem(_read(folder, f"{name.removesuffix('.tsr')}.chain.pem"))
        found = standings(audit.archive, chain, moment_of(read_token(_read(folder, name)).gen_time))
        for one in found:
            if one.judgement.verdict == "revoked":
                raise Failed(f"{name}: {one.told}: the token does not count (RFC 3161, section 4)")
            lacking += one.judgement.verdict == "none"
            said.setdefault(one.told, []).append(name)
    if not said:
        raise Nothing("no token in this folder")
    told = [f"{', '.join(names)}: {words}" for words, names in said.items()]
    if lacking:
        what = "1 certificate" if lacking == 1 else f"{lacking} certificates"
        raise Nothing(f"none of {what}: whether it was revoked is not known; {'; '.join(told)}")
    return "; ".join(told)


def left_unchecked(detail: str) -> tuple[str, ...]:
    """What stays unchecked of a snapshot whose check 17 passed with these words."""
    rest = (NO_LATER_REVOCATION, LATER_REPORTS) if BEFORE in detail else (LATER_REPORTS,)
    return tuple(one for text in NOT_CHECKED for one in ((text,) if text != NO_REVOCATION else rest))


def _read(folder: StoredFolder, name: str) -> bytes:
    with folder.stream(name) as handle:
        return handle.read(SMALL_FILE)


def check_stated(
    audit: Ground, stamps: Iterable[Statement], revocations: Sequence[Statement], present: Sequence[str]
) -> str:
    """Every stated file lies there with its digest and still verifies, by its certificate's issuer; nothing else lies
    there. ``present``: the files listed before the journal was read.
    """
    stated = {str(item["path"]) for statement in revocations for item in statement.body["items"]}
    for path in present:
        if not is_revocation_file(path):
            raise Failed(f"{path} does not belong there")
        # Written before it is stated: a writer beside us may be between the two.
        if path not in stated and not audit.patiently(partial(_is_stated_or_gone, audit, path)):
            raise Failed(f"{path}: no stamp statement names it")
    if not revocations:
        raise Nothing("no revocation data yet")
    pairs = _Pairs(audit, stamps)
    seen: set[str] = set()
    for statement in revocations:
        for place, item in enumerate(statement.body["items"]):
            said = f"{statement.body['chain_sha256']} {sorted(item.items())}"
            if said not in seen:  # a list that lasts a year is stated every day
                seen.add(said)
                _verify(audit, statement, place, pairs)
    files = len(stated)
    failures = sum(len(statement.body["failures"]) for statement in revocations)
    told = f"{'1 file' if files == 1 else f'{files} files'}, each stated and verified"
    return told + (f"; {failures} not had, as stated" if failures else "")


def _is_stated_or_gone(audit: Ground, path: str) -> bool:
    known = audit.archive.index.row("select 1 as x from revocation where path = ? limit 1", (path,))
    return known is not None or not audit.archive.files.exists(path)


def _verify(audit: Ground, statement: Statement, place: int, pairs: _Pairs) -> None:
    from archiver.revocation_data import read_datum

    item = statement.body["items"][place]
    sha256, chain = str(item["certificate_sha256"]), str(statement.body["chain_sha256"])
    pair = pairs.of(chain, sha256)
    if pair is None:
        raise Failed(f"statement {statement.seq}: no chain of a token has its certificate {sha256}")
    try:
        read_datum(audit.archive, statement.seq, place, *pair)
    except (StorageError, ArchiverError) as error:
        raise Failed(str(error) if isinstance(error, StorageError) else error.what) from error


class _Pairs:
    """Certificates with their issuers, by the chain they stand in, from the files of the tokens."""

    def __init__(self, audit: Ground, stamps: Iterable[Statement]) -> None:
        self._audit = audit
        self._paths: dict[str, str] = {}
        for stamp in stamps:
            self._paths.setdefault(stamp.body["chain_sha256"], f"{stamp.body['path'].removesuffix('.tsr')}.chain.pem")
        self._known: dict[str, dict[str, tuple[bytes, bytes]]] = {}

    def of(self, chain_sha256: str, certificate_sha256: str) -> tuple[bytes, bytes] | None:
        """The certificate and its issuer (DER), or None where no token led to them."""
        if chain_sha256 not in self._known:
            self._known[chain_sha256] = self._read(chain_sha256)
        return self._known[chain_sha256].get(certificate_sha256)

    def _read(self, chain_sha256: str) -> dict[str, tuple[bytes, bytes]]:
        from archiver.evidence.revocation import links_of
        from archiver.evidence.timestamp import certificates_from_pem

        path = self._paths.get(chain_sha256)
        if path is None:
            return {}
        try:
            pem = self._audit.archive.files.read(path)
            if hashlib.sha256(pem).hexdigest() != chain_sha256:
                return {}
            return {hashlib.sha256(pair[0]).hexdigest(): pair for pair in links_of(certificates_from_pem(pem))}
        except (StorageError, FormatError):
            return {}  # check 12 says what is wrong with it
