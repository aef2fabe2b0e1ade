"""Verification of a bundle: its zip file, its sums, the snapshot folder inside by checks 1 to 10, journal and text.

21  zip file and layout           25  journal extract
22  SHA256SUMS                    26  further tokens
23  signature over SHA256SUMS     27  text
24  tokens over SHA256SUMS        28  citation
29  cosignatures                  30  revocation data

Pure: a seekable file, a public key and roots suffice. Without a key, roots or witnesses' keys from elsewhere those in
the bundle are used; what then holds is ``incomplete``, for it shows only that the parts go together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import BinaryIO

from archiver.errors import FormatError
from archiver.evidence.bundle import (
    ASSESSMENT,
    CHECKPOINT,
    CITATION,
    CONSISTENCY,
    EXTRACT,
    LINKS,
    PUBLIC_PEM,
    SALT,
    SIGNATURE,
    SUMS,
    TEXT,
    VKEY,
    is_listed,
    parse_sums,
    sums_tokens,
)
from archiver.evidence.bundle_journal import Extract, check_consistency, lines_of, read_extract
from archiver.evidence.bundle_reading import BundleFolder, OpenBundle
from archiver.evidence.canonical import MAX_LINE, Json, decode_line
from archiver.evidence.checkpoint import Checkpoint, open_checkpoint
from archiver.evidence.cosignature import WitnessKey
from archiver.evidence.note import Verifier
from archiver.evidence.statement import parse_statement
from archiver.evidence.text_lines import lines_root
from archiver.evidence.timestamp import certificates_from_pem
from archiver.evidence.verify import CheckResult, Evidence, Failed, Folder, Incomplete, Nothing, run, verify_folder
from archiver.evidence.verify_bundle_revocation import check_revocation
from archiver.evidence.verify_bundle_witness import check_cosignatures
from archiver.evidence.verify_seal import verify_token_files

FOLDER_CHECKS = range(1, 11)
"""Checks of the folder; its cosignatures are checked with all others, by 29."""
BY_KEY, BY_ROOTS, BY_WITNESSES = frozenset({6, 7, 23, 25}), frozenset({8, 9, 10, 24, 26, 30}), frozenset({29})
"""Checks that rest on the log's key, on roots of timestamp authorities, and on keys of witnesses."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """An opened bundle with what it is checked against."""

    bundle: OpenBundle
    key: Verifier | None
    """The one given, else the bundle's own; None when that cannot be read."""
    given_key: Verifier | None
    roots: Sequence[bytes]
    snapshot: Evidence
    witnesses: Sequence[WitnessKey]
    """Those given; empty: the bundle's own."""
    extracts: list[Extract] = field(default_factory=list)
    """The extract, once check 25 has read it."""


def verify_bundle(
    source: BinaryIO,
    given_key: Verifier | None,
    given_roots: Sequence[bytes],
    unreadable: tuple[type[Exception], ...] = (),
    witnesses: Sequence[WitnessKey] = (),
) -> tuple[CheckResult, ...]:
    """Run every check on a bundle; only 21 when its directory does not hold."""
    key, roots = given_key, given_roots
    opened: list[OpenBundle] = []
    first = run(21, lambda: _layout(source, opened), unreadable)
    if not opened:
        return (first,)
    bundle = opened[0]
    with suppress(FormatError):  # check 23 says what is wrong with it
        key = given_key or _own_key(bundle)
    with suppress(FormatError):
        roots = given_roots or tuple(_own_roots(bundle))
    referent = partial(_referent, bundle)
    evidence = Evidence(bundle.folder("snapshot"), key, roots, referent=referent, unreadable=unreadable)
    seen = _Seen(bundle, key, given_key, roots, evidence, witnesses)
    steps: Mapping[int, Callable[[_Seen], str]] = {22: _sums, 23: _signature, 24: _sums_tokens}
    further: Mapping[int, Callable[[_Seen], str]] = {25: _journal, 26: _further_tokens, 27: _text, 28: _citation}
    further = {**further, 29: _cosignatures, 30: _revocation}
    checks = [first, *(run(number, partial(step, seen), unreadable) for number, step in steps.items())]
    checks += verify_folder(evidence, FOLDER_CHECKS)
    checks += (run(number, partial(step, seen), unreadable) for number, step in further.items())
    given = (given_key is not None, bool(given_roots), bool(witnesses))
    return tuple(_as_far_as_shown(check, *given) for check in checks)


def _as_far_as_shown(check: CheckResult, key: bool, roots: bool, witnesses: bool) -> CheckResult:
    """What passed by keys that came with it was not shown to be anybody's."""
    rest_on = (
        (BY_KEY, key, "key (--key)"),
        (BY_ROOTS, roots, "roots (--root)"),
        (BY_WITNESSES, witnesses, "key of a witness (--witness)"),
    )
    for rests, given, what in rest_on:
        if check.verdict == "pass" and check.number in rests and not given:
            detail = f"{check.detail}; only by what came with the bundle: no {what} from elsewhere was given"
            return replace(check, verdict="incomplete", detail=detail)
    return check


def _own_key(bundle: OpenBundle) -> Verifier:
    data = bundle.read(VKEY, MAX_LINE)
    try:
        own = Verifier.from_vkey(data.decode("utf-8").removesuffix("\n"))
    except (FormatError, UnicodeDecodeError) as error:
        raise Failed(f"{VKEY}: {error}") from error
    if data != f"{own.vkey}\n".encode():
        raise Failed(f"{VKEY} is not one line")
    if bundle.read(PUBLIC_PEM, MAX_LINE) != own.spki_pem:
        raise Failed(f"{PUBLIC_PEM} is not the key of {VKEY}")
    return own


def _own_roots(bundle: OpenBundle) -> Iterable[bytes]:
    for name in bundle.names:
        if name.startswith("roots/"):
            try:
                yield from certificates_from_pem(bundle.read(name, MAX_LINE))
            except FormatError as error:
                raise Failed(f"{name}: {error.what}") from error


def _referent(bundle: OpenBundle, seq: int) -> Folder | None:
    for name in bundle.names:
        parts = name.split("/")
        if parts[0] == "referents" and parts[1].endswith(f"-S-{seq:08d}"):
            return bundle.folder(f"referents/{parts[1]}", parts[1])
    return None


# -- 21 to 24: the container -----------------------------------------------------------------------


def _layout(source: BinaryIO, opened: list[OpenBundle]) -> str:
    opened.append(OpenBundle(source))
    return f"{len(opened[0].names)} members in their order, {opened[0].unpacked} bytes unpacked"


def _sums(seen: _Seen) -> str:
    bundle = seen.bundle
    sums = parse_sums(bundle.read(SUMS))
    there = {name for name in bundle.names if is_listed(name)}
    found = {name: _sha256(bundle.chunks(name)) for name in bundle.names if name in there}
    for name in sorted(sums.keys() - there):
        moved = [other for other in sorted(there - sums.keys()) if found[other] == sums[name]]
        raise Failed(f"{name} lies here as {moved[0]}: it was renamed" if moved else f"{name} is listed and missing")
    for name in sorted(there - sums.keys()):
        raise Failed(f"{name} is there and not listed in {SUMS}")
    for name, sha256 in found.items():
        if sha256 != sums[name]:
            raise Failed(f"{name} has SHA-256 {sha256}, {SUMS} says {sums[name]}")
    return (
        f"{len(sums)} files with the digests listed, and no other; SHA-256 of the list {_sha256([bundle.read(SUMS)])}"
    )


def _sha256(chunks: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _signature(seen: _Seen) -> str:
    bundle, own = seen.bundle, _own_key(seen.bundle)
    tuple(_own_roots(bundle))
    if seen.given_key is not None and seen.given_key != own:
        raise Failed(f"{VKEY} is of another key than the one given: {own.vkey}")
    if SIGNATURE not in bundle:
        raise Nothing(f"{SUMS} was not signed: the key was not at hand when the bundle was made")
    signer = seen.given_key or own
    if not signer.accepts(bundle.read(SUMS), bundle.read(SIGNATURE, MAX_LINE)):
        raise Failed(f"{SIGNATURE} is not this key's signature over {SUMS}")
    return f"signed by {signer.vkey}"


def _sums_tokens(seen: _Seen) -> str:
    names = sums_tokens(seen.bundle.names)
    if not names:
        raise Nothing(f"no token over {SUMS}")
    return _tokens(seen, "", [f"{SUMS}.{name}" for name in names], seen.bundle.read(SUMS), SUMS)


def _tokens(seen: _Seen, prefix: str, bases: Iterable[str], subject: bytes, about: str) -> str:
    evidence = Evidence(seen.bundle.folder(prefix), seen.key, seen.roots)
    told = []
    for base in bases:
        token = verify_token_files(evidence, base, subject, about).token
        told.append(f"{base}.tsr {token.gen_time} serial {token.serial}")
    return "; ".join(told)


# -- 25 to 28: what goes with the snapshot ---------------------------------------------------------


def _heads(seen: _Seen) -> dict[str, Checkpoint]:
    """Every checkpoint of the bundle, its signature checked, by the member it lies in."""
    if seen.key is None:
        raise Incomplete(f"no public key of the log: {VKEY} does not hold, see check 23")
    found = {CHECKPOINT: _head(seen.bundle, CHECKPOINT, seen.key)}
    if seen.snapshot.checkpoint is not None:
        found["snapshot/statement.tlog-proof"] = seen.snapshot.checkpoint
    for name in seen.bundle.names:
        if name.startswith("stamps/") and name.endswith("/checkpoint"):
            found[name] = _head(seen.bundle, name, seen.key)
            if name != f"stamps/{found[name].size}/checkpoint":
                raise Failed(f"{name} is of size {found[name].size}")
    return found


def _head(bundle: OpenBundle, name: str, key: Verifier) -> Checkpoint:
    """One checkpoint; what is wrong with it is told with its name, a foreign one before its missing signature."""
    data = bundle.read(name, MAX_LINE)
    origin = data.partition(b"\n")[0].decode("utf-8", "replace")
    if origin != key.name:
        raise Failed(f"{name} is of another log: {origin[:80]!r}, not {key.name}")
    try:
        return open_checkpoint(data, key)
    except FormatError as error:
        raise Failed(f"{name}: {error}") from error


def _journal(seen: _Seen) -> str:
    body = seen.snapshot.body()
    heads = _heads(seen)
    newest = heads[CHECKPOINT]
    extract = read_extract(lines_of(seen.bundle.chunks(EXTRACT)), {head.size for head in heads.values()})
    if extract.size != newest.size:
        raise Failed(f"{EXTRACT} has {extract.size} lines, {CHECKPOINT} covers {newest.size}")
    for name, head in heads.items():
        if extract.roots.get(head.size) != head.root:
            raise Failed(f"{EXTRACT} does not lead to the root of {name}, size {head.size}")
    seen.extracts.append(extract)
    _consistency(seen, heads)
    assert seen.snapshot.statement is not None
    _require_line(extract, body["seq"], seen.snapshot.statement.line, "snapshot/statement.json")
    for name in seen.bundle.names:
        if name.startswith("referents/") and name.endswith("/statement.json"):
            line = seen.bundle.read(name, MAX_LINE)
            _require_line(extract, parse_statement(line).seq, line, name)
    key = extract.statements.get(0)
    if key is None or key.kind != "key" or seen.key is None or key.body["vkey"] != seen.key.vkey:
        raise Failed(f"{EXTRACT} does not begin with the statement of this key")
    stamps = _require_stamps(seen, extract)
    return f"{extract.size} statements, {len(extract.statements)} in full, lead to the root of {CHECKPOINT}{stamps}"


def _consistency(seen: _Seen, heads: Mapping[str, Checkpoint]) -> None:
    proof, newest = heads.get("snapshot/statement.tlog-proof"), heads[CHECKPOINT]
    if CONSISTENCY in seen.bundle:
        if proof is None:
            raise Failed(f"{CONSISTENCY} is there, and no proof that holds")
        check_consistency(decode_line(seen.bundle.read(CONSISTENCY, MAX_LINE)), proof, newest)
    elif proof is not None and proof.size != newest.size:
        raise Failed(f"{CONSISTENCY} is missing: {CHECKPOINT} is newer than the proof's")


def _require_line(extract: Extract, seq: int, line: bytes, name: str) -> None:
    statement = extract.statements.get(seq)
    if statement is None or statement.line != line:
        raise Failed(f"line {seq + 1} of {EXTRACT} is not {name}")


def _require_stamps(seen: _Seen, extract: Extract) -> str:
    """Every token of snapshot and log is named by a statement, with its digest and that of its chain."""
    named = {
        (one.body.get("token_sha256"), one.body.get("chain_sha256")): one.seq
        for one in extract.statements.values()
        if one.kind == "stamp"
    }
    count = 0
    for name in seen.bundle.names:
        if name.startswith(("snapshot/", "stamps/")) and name.endswith(".tsr"):
            chain = f"{name.removesuffix('.tsr')}.chain.pem"
            if (_sha256(seen.bundle.chunks(name)), _sha256(seen.bundle.chunks(chain))) not in named:
                raise Failed(f"{name}: no statement in {EXTRACT} names this token and its chain")
            count += 1
    return f"; {count} tokens are named there" if count else ""


def _revocation(seen: _Seen) -> str:
    return check_revocation(seen.bundle, seen.extracts[0] if seen.extracts else None)


def _cosignatures(seen: _Seen) -> str:
    extract = seen.extracts[0] if seen.extracts else None
    return check_cosignatures(seen.bundle, seen.witnesses, extract, partial(_cosigned_head, seen))


def _cosigned_head(seen: _Seen, name: str) -> bytes:
    """The checkpoint that a cosignature is over, once it was found to cover the statement."""
    if name.startswith("snapshot/"):
        if seen.snapshot.checkpoint_bytes is None:
            raise Incomplete("no checkpoint that holds covers the snapshot, see check 6")
        return seen.snapshot.checkpoint_bytes
    head = f"{name.rpartition('/')[0]}/checkpoint"
    if _heads(seen)[head].size <= seen.snapshot.body()["seq"]:
        raise Failed(f"{head} does not cover the statement")
    return seen.bundle.read(head, MAX_LINE)


def _further_tokens(seen: _Seen) -> str:
    told = []
    for name, head in _heads(seen).items():
        if not name.startswith("stamps/"):
            continue
        if head.size <= seen.snapshot.body()["seq"]:
            raise Failed(f"{name} does not cover the statement")
        folder: BundleFolder = seen.bundle.folder(f"stamps/{head.size}")
        bases = [base.removesuffix(".tsr") for base in folder.names() if base.endswith(".tsr")]
        if bases:
            told.append(_tokens(seen, f"stamps/{head.size}", bases, seen.bundle.read(name, MAX_LINE), name))
    if not told:
        raise Nothing("none besides those in the snapshot's folder")
    return "; ".join(told)


def _text(seen: _Seen) -> str:
    bundle = seen.bundle
    if ASSESSMENT not in bundle:
        if strange := [name for name in (TEXT, SALT, LINKS) if name in bundle]:
            raise Failed(f"{strange[0]} is there without {ASSESSMENT}")
        raise Nothing("no assessment: the capture has not been read")
    line = bundle.read(ASSESSMENT, MAX_LINE)
    assessment = parse_statement(line)
    body = assessment.body
    if not seen.extracts:
        raise Incomplete(f"{EXTRACT} does not hold, see check 25")
    if assessment.seq >= seen.extracts[0].size:
        raise Incomplete(f"{ASSESSMENT} is statement {assessment.seq}, which no checkpoint here covers yet")
    _require_line(seen.extracts[0], assessment.seq, line, ASSESSMENT)
    assert seen.snapshot.statement is not None
    if assessment.kind != "assessment" or body["capture_entry"] != seen.snapshot.statement.entry_hex:
        raise Failed(f"{ASSESSMENT} is not of this capture")
    if TEXT not in bundle:
        raise Nothing(f"no text was read: {body['normaliser']}, {body['verdict']}")
    data = bundle.read(TEXT)
    if hashlib.sha256(data).hexdigest() != body["text_sha256"] or len(data) != body["text_bytes"]:
        raise Failed(f"{TEXT} is not the text that {ASSESSMENT} states")
    _links(seen, body)
    if SALT not in bundle:
        return f"{len(data)} bytes, SHA-256 {body['text_sha256']}; the salt was not handed over"
    root = lines_root(data.decode("utf-8").split("\n")[:-1], bundle.read(SALT, MAX_LINE))
    if root != body["text_lines_root"]:
        raise Failed(f"{TEXT} and {SALT} do not lead to the root of the lines that {ASSESSMENT} states")
    return f"{len(data)} bytes, SHA-256 {body['text_sha256']}, root of the lines {root}"


def _links(seen: _Seen, body: Json) -> None:
    if bool(body["links"]) != (LINKS in seen.bundle):
        raise Failed(f"{LINKS} is {'missing' if body['links'] else 'there, and no link was read'}")
    if LINKS in seen.bundle and _sha256(seen.bundle.chunks(LINKS)) != body["links_sha256"]:
        raise Failed(f"{LINKS} is not what {ASSESSMENT} states")


def _citation(seen: _Seen) -> str:
    body = seen.snapshot.body()
    assert seen.snapshot.statement is not None
    record = json.loads(seen.bundle.read(CITATION).decode("utf-8"))
    if record["capture_ref"] != seen.snapshot.statement.entry_hex or record["snapshot"] != body["snapshot"]:
        raise Failed(f"{CITATION} is of another snapshot than snapshot/statement.json")
    known = {one["value"] for one in record["hashes"]}
    if body["warc"] is not None and body["warc"]["sha256"] not in known:
        raise Failed(f"{CITATION} does not state the digest of the WARC")
    return f"{record['citation_id']}, issued {record['dates']['issued']}, {record['completeness']}"
