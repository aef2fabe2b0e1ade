"""What a snapshot folder needs so that it alone suffices: the inclusion proof, the tokens on both sides, cosignatures.

Added once, when the first verified stamp covers the snapshot (or its first checkpoint, where no authority is
configured); later tokens and cosignatures are further files, nothing is changed. But the first stamp of an archive that
had no authority makes all proofs anew that end with a checkpoint nobody stamped: both lead to the same entry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from archiver.archive import Archive
from archiver.errors import FormatError
from archiver.evidence.canonical import Json
from archiver.evidence.checkpoint import Checkpoint, open_checkpoint
from archiver.evidence.tiles import inclusion_proofs
from archiver.evidence.tlog_proof import TlogProof
from archiver.stamping import lay

PROOF = "statement.tlog-proof"
BATCH = 500
WATERMARK = "proved"
"""Operational: every snapshot below this number has its proof. When lost, folders are looked at again."""
LATER = "adding_token"
"""Operational: a line, name and path, for each further token or cosignature that is yet to be added to folders."""


def add_proofs(
    archive: Archive,
    checkpoint: Checkpoint,
    data: bytes,
    read_tile: Callable[[str], bytes],
    token: tuple[str, str] | None,
) -> int:
    """Give every covered snapshot its proof and, with ``token`` (authority, path of the ``.tsr``), the token over it.

    Returns how many folders were served. Durable on return; a crash in between leaves files that the next run finds
    equal or replaces.
    """
    first = 0 if token is not None and _is_first(archive) else int(archive.index.meta(WATERMARK) or 0)
    served = 0
    known = archive.index.row("select min(seq) as first from stamp where event = 'token'")
    outside = None if known is None else known["first"]
    cosigned = [(row["witness"], row["path"]) for row in _cosignatures(archive, checkpoint.size)]
    while rows := archive.index.rows(
        "select seq, folder from capture where seq >= ? and seq < ? and folder is not null order by seq limit ?",
        (first, checkpoint.size, BATCH),
    ):
        folders = []
        proofs = inclusion_proofs([row["seq"] for row in rows], checkpoint.size, read_tile)
        for row, (seq, hashes) in zip(rows, proofs, strict=True):
            path = f"{row['folder']}/{PROOF}"
            if not archive.files.exists(path):
                archive.files.write(path, TlogProof(seq, hashes, data).to_bytes())
                _add_tokens(archive, row["folder"], token, *cosigned)
            elif not _keep_proof(archive, seq, row["folder"], stamped=token is not None):
                # Over the checkpoint of the proof that makes way: were we to crash here, the next run goes on.
                _drop_cosignatures(archive, row["folder"])
                lay(archive, path, TlogProof(seq, hashes, data).to_bytes())
                _add_tokens(archive, row["folder"], token, *cosigned)
            # Where nothing outside was known when the check began, the statement names nothing.
            if outside is not None and outside < seq:
                _add_before(archive, seq, row["folder"])
            folders.append(row["folder"])
        archive.files.barrier(folders)
        served += len(folders)
        first = rows[-1]["seq"] + 1
        archive.index.set_meta(WATERMARK, str(first))
    return served


def add_later_token(archive: Archive, data: bytes, token: tuple[str, str]) -> int:
    """A further token or cosignature over a checkpoint that serves as proof: add it to the folders that end with it."""
    owe_later(archive, token)
    served = _serve(archive, data, token)
    _serve_owed(archive)  # what an error stopped before
    return served


def owe_later(archive: Archive, token: tuple[str, str]) -> None:
    """Note that a token or cosignature is to be added to folders; before it is stated, so that no crash forgets it.

    On the writer's thread only: the notes of several are one text.
    """
    line, noted = " ".join(token), _owed(archive)
    if line not in noted:
        archive.index.set_meta(LATER, "\n".join([*noted, line]))


def _owed(archive: Archive) -> list[str]:
    return [line for line in (archive.index.meta(LATER) or "").split("\n") if line]


def _forget(archive: Archive, token: tuple[str, str]) -> None:
    archive.index.set_meta(LATER, "\n".join(line for line in _owed(archive) if line != " ".join(token)))


def _serve(archive: Archive, data: bytes, token: tuple[str, str]) -> int:
    folders = []
    for folder in _ending_with(archive, data):
        _add_tokens(archive, folder, token)
        folders.append(folder)
    if folders:
        archive.files.barrier(folders)
    _forget(archive, token)
    return len(folders)


def _serve_owed(archive: Archive, *, starting: bool = False) -> None:
    """Add what is still noted. What does not lie in its place was never stated, or will be: only a start forgets it."""
    for line in _owed(archive):
        name, _, path = line.partition(" ")
        if archive.files.exists(path):
            _serve(archive, archive.files.read(f"{path.rpartition('/')[0]}/checkpoint"), (name, path))
        elif starting:
            _forget(archive, (name, path))


def _ending_with(archive: Archive, data: bytes) -> Iterator[str]:
    """The folders whose proofs end with this checkpoint, newest first.

    Another authority's later checkpoint may serve newer snapshots already: their folders are passed over.
    """
    size = Checkpoint.from_bytes(data).size
    rows = archive.index.rows(
        "select folder from capture where folder is not null and seq < ? order by seq desc", (size,)
    )
    for row in rows:
        path = f"{row['folder']}/{PROOF}"
        if not archive.files.exists(path):
            continue
        proof = archive.files.read(path)
        if proof.endswith(b"\n\n" + data):
            yield row["folder"]
        elif _size_of(proof) <= size:
            return


def _size_of(proof: bytes) -> int:
    """The size of the checkpoint that a proof ends with; 0 where it has none that can be read."""
    try:
        return Checkpoint.from_bytes(proof.partition(b"\n\n")[2]).size
    except FormatError:
        return 0


def _finish_later(archive: Archive) -> None:
    """Add the newest token and cosignature of each name where a crash came before any folder had it.

    Folders are served newest first: where the first one has the file, ``LATER`` would say if others had not.
    """
    rows = archive.index.rows(
        "select authority as name, path from stamp s where event = 'token' and subject = 'checkpoint' and seq ="
        " (select max(seq) from stamp where event = 'token' and subject = 'checkpoint' and authority = s.authority)"
        " union all select witness, path from cosignature c where seq ="
        " (select max(seq) from cosignature where witness = c.witness)"
    )
    for row in rows:
        path = f"{row['path'].rpartition('/')[0]}/checkpoint"
        if not archive.files.exists(path):
            continue
        data = archive.files.read(path)
        first = next(_ending_with(archive, data), None)
        name = f"checkpoint.{row['name']}.{row['path'].rpartition('.')[2]}"
        if first is not None and not archive.files.exists(f"{first}/{name}"):
            add_later_token(archive, data, (row["name"], row["path"]))


def finish_proofs(
    archive: Archive, checkpoint: Checkpoint | None, data: bytes | None, read_tile: Callable[[str], bytes]
) -> None:
    """Start-up: go on where a crash stopped ``add_proofs`` or ``add_later_token``; torn files make way.

    ``checkpoint`` and its bytes are the newest, which serves where no authority is configured.
    """
    _serve_owed(archive, starting=True)
    row = archive.index.row(
        "select size, authority, path from stamp where event = 'token' and subject = 'checkpoint'"
        " order by size desc, seq limit 1"
    )
    if row is not None and archive.files.exists(f"stamps/{row['size']}/checkpoint"):
        stamped = archive.files.read(f"stamps/{row['size']}/checkpoint")
        head = open_checkpoint(stamped, archive.verifier)
        add_proofs(archive, head, stamped, read_tile, (row["authority"], row["path"]))
    elif row is None and not archive.settings.authorities and checkpoint is not None and data is not None:
        add_proofs(archive, checkpoint, data, read_tile, None)
    _finish_later(archive)


def _is_first(archive: Archive) -> bool:
    """Whether no more than one checkpoint of the archive was ever stamped.

    If we crash while proofs are made anew for it this still holds at the next start, which goes on.
    """
    row = archive.index.row(
        "select count(distinct size) as sizes from stamp where event = 'token' and subject = 'checkpoint'"
    )
    return row is None or row["sizes"] <= 1


def _keep_proof(archive: Archive, seq: int, folder: str, *, stamped: bool) -> bool:
    """Leave a whole proof as it is, and see that the tokens over its own checkpoint lie beside it.

    A run that was stopped left it, or the watermark was lost with the database. It may have been handed out since: a
    proof is written once. One that a power loss tore makes way; one that nobody stamped does for a ``stamped`` one.
    """
    path = f"{folder}/{PROOF}"
    try:
        proof = TlogProof.from_bytes(archive.files.read(path))
        checkpoint = proof.verify(archive.statement(seq).entry, archive.verifier)
    except FormatError:
        return False
    if proof.index != seq:
        return False
    rows = archive.index.rows(
        "select authority, path, min(seq) from stamp where event = 'token' and subject = 'checkpoint' and size = ?"
        " group by authority",
        (checkpoint.size,),
    )
    if stamped and not rows:
        return False
    archive.files.renew(path)
    cosigned = [(row["witness"], row["path"]) for row in _cosignatures(archive, checkpoint.size)]
    _add_tokens(archive, folder, *((row["authority"], row["path"]) for row in rows), *cosigned)
    return True


def _cosignatures(archive: Archive, size: int) -> list[dict[str, Any]]:
    """The first cosignature of each witness over a checkpoint."""
    return archive.index.rows(
        "select witness, path, min(seq) from cosignature where size = ? group by witness", (size,)
    )


def _add_tokens(archive: Archive, folder: str, *signed: tuple[str, str] | None) -> None:
    """Copy tokens with their chains, and cosignatures; each a name and a path, None stands for nothing."""
    for one in signed:
        if one is None:
            continue
        name, path = one
        base, _, suffix = path.rpartition(".")
        if suffix == "cosig" and _is_stated(archive, f"{folder}/checkpoint.{name}.cosig"):
            continue
        lay(archive, f"{folder}/checkpoint.{name}.{suffix}", archive.files.read(path))
        if suffix == "tsr":
            lay(archive, f"{folder}/checkpoint.{name}.chain.pem", archive.files.read(f"{base}.chain.pem"))


def _is_stated(archive: Archive, path: str) -> bool:
    """Whether a stated cosignature lies here: one by a later key of that witness stays under ``stamps/`` only."""
    if not archive.files.exists(path):
        return False
    there = hashlib.sha256(archive.files.read(path)).digest()
    if archive.index.row("select 1 as x from cosignature where cosignature_sha256 = ?", (there,)) is None:
        return False
    archive.files.renew(path)
    return True


def _drop_cosignatures(archive: Archive, folder: str) -> None:
    for name in archive.files.list(folder):
        if name.startswith("checkpoint.") and name.endswith(".cosig"):
            archive.files.remove(f"{folder}/{name}")


def _add_before(archive: Archive, seq: int, folder: str) -> None:
    """Copy the token that the statement names as *not before*, with its chain and the checkpoint it covers."""
    before: Json | None = archive.statement(seq).body["before"]
    if before is None:
        return
    row = archive.index.row(
        "select path from stamp where token_sha256 = ? limit 1", (bytes.fromhex(before["token_sha256"]),)
    )
    if row is None or not archive.files.exists(row["path"]):
        return  # visible to verify: the statement names a token that the folder does not have
    base = row["path"].removesuffix(".tsr")
    target = f"{folder}/before.{before['authority']}"
    lay(archive, f"{target}.tsr", archive.files.read(row["path"]))
    lay(archive, f"{target}.chain.pem", archive.files.read(f"{base}.chain.pem"))
    lay(archive, f"{target}.subject", archive.files.read(f"stamps/{before['size']}/checkpoint"))
