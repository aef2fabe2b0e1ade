"""An auditor of its own: reads an archive's files again and says which promise of docs/format.md does not hold.

It shares no code with the product where that is short: journal, canonical form, digests, Merkle tree, signature and
tiles are computed here. Only rows and timestamps go through the product's own functions.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from archiver.evidence.cosignature import WitnessKey, verify_cosignature
from archiver.evidence.statement import Statement
from archiver.evidence.timestamp import certificates_from_pem, verify_token
from archiver.outcome import Outcome
from archiver.projection import rows_of
from storage.index import Index
from storage.interface import Files

Json = dict[str, Any]
IN_FOLDER = re.compile(
    r"capture\.warc\.gz|statement\.json|statement\.tlog-proof"
    r"|(checkpoint|statement|before)\.[a-z0-9-]+(\.[2-9])?\.(tsr|chain\.pem)|before\.[a-z0-9-]+\.subject"
    r"|checkpoint\.[a-z0-9-]+\.cosig"
)
IN_TEXTS = re.compile(r"texts/([0-9a-f]{2})/\1[0-9a-f]{62}\.(txt|salt|links)")
NOT_IMMUTABLE = re.compile(r"log/|journal/|staging/|lock$|reserve$|archive\.(db|toml)|\..*")


@dataclass(frozen=True)
class Line:
    """One line of the journal where it stands."""

    path: str
    offset: int
    data: bytes
    body: Json


@dataclass
class Told:
    """What the outside was told before a crash, and may rely on ever after."""

    entries: dict[int, str] = field(default_factory=dict)
    """Acknowledged statements: number to entry, hex."""
    checkpoints: set[bytes] = field(default_factory=set)
    """Heads that somebody may have fetched."""
    intents: set[str] = field(default_factory=set)
    """Checks whose intent was durable."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Immutable files that were durable."""

    def hear(self, outcomes: Iterable[Outcome]) -> None:
        """Remember what was acknowledged."""
        for outcome in outcomes:
            self.entries[outcome.capture.seq] = outcome.capture.entry_hex
            if outcome.assessment is not None:
                self.entries[outcome.assessment.seq] = outcome.assessment.entry_hex

    def remember(self, files: Files) -> None:
        """Note the head and the immutable files as they are, where all of them are durable.

        A text is immutable once an assessment names it; one that was written for a commit that never came makes way.
        """
        if files.exists("log/checkpoint"):
            self.checkpoints.add(files.read("log/checkpoint"))
        named = texts_named(files) | revocations_named(files)
        for path in walk(files, ""):
            loose = path.startswith(("texts/", "revocation/"))
            if not NOT_IMMUTABLE.match(path) and "/." not in path and (path in named or not loose):
                self.files[path] = files.read(path)

    def hear_of(self, files: Files) -> None:
        """Remember that everything stated so far was acknowledged."""
        for name in files.list("journal"):
            for line in files.read(f"journal/{name}").splitlines(keepends=True):
                self.entries[json.loads(line)["seq"]] = sha256(line)


def walk(files: Files, folder: str) -> Iterator[str]:
    """Every file below a folder."""
    for name in files.list(folder):
        path = f"{folder}/{name}" if folder else name
        if files.is_dir(path):
            yield from walk(files, path)
        else:
            yield path


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def texts_named(files: Files) -> set[str]:
    """The files of texts that whole lines of the journal name."""
    named: set[str] = set()
    for name in files.list("journal"):
        for line in files.read(f"journal/{name}").splitlines(keepends=True):
            if b'"event":"disposal"' in line and line.endswith(b"\n"):
                named -= {item["path"] for item in json.loads(line)["files"]}
            if b'"links_sha256":"' in line and line.endswith(b"\n"):
                body = json.loads(line)
                base = f"texts/{body['text_sha256'][:2]}/{body['text_sha256']}"
                links = f"texts/{body['links_sha256'][:2]}/{body['links_sha256']}.links"
                named |= {f"{base}.txt", f"{base}.salt", links}
    return named


def revocations_named(files: Files) -> set[str]:
    """The files of revocation data that whole lines of the journal name."""
    named: set[str] = set()
    for name in files.list("journal"):
        for line in files.read(f"journal/{name}").splitlines(keepends=True):
            if b'"event":"revocation"' in line and line.endswith(b"\n"):
                named |= {item["path"] for item in json.loads(line)["items"]}
    return named


# -- the log, in a few lines -----------------------------------------------------------------------


@lru_cache(maxsize=1 << 16)
def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(entries: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, from its definition."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = 1 << (len(entries) - 1).bit_length() - 1
    return _node(root(entries[:split]), root(entries[split:]))


@lru_cache(maxsize=1 << 12)
def open_note(data: bytes, vkey: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint, its one signature verified (C2SP signed-note)."""
    name, identifier, key = vkey.split("+", 2)
    text, blank, signatures = data.partition(b"\n\n")
    assert blank and signatures.count(b"\n") == 1, "a checkpoint has one signature line"
    dash, signer, encoded = signatures.decode().rstrip("\n").split(" ")
    signature = base64.b64decode(encoded, validate=True)
    assert (dash, signer, signature[:4].hex()) == ("—", name, identifier)
    Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:]).verify(signature[4:], text + b"\n")
    origin, size, encoded_root = text.decode().split("\n")
    return origin, int(size), base64.b64decode(encoded_root, validate=True)


def expected_tiles(entries: list[bytes]) -> dict[str, bytes]:
    """Every tile a log of these entries must have, for less than 65,536 of them."""
    level = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
    tiles = _tiles("tile/entries", [b"\x00\x20" + entry for entry in entries])
    tiles |= _tiles("tile/0", level)
    full = [root(entries[at : at + 256]) for at in range(0, len(entries) // 256 * 256, 256)]
    return tiles | _tiles("tile/1", full)


def _tiles(base: str, items: list[bytes]) -> dict[str, bytes]:
    found = {}
    for number in range(0, len(items), 256):
        part = items[number : number + 256]
        suffix = "" if len(part) == 256 else f".p/{len(part)}"
        found[f"log/{base}/{number // 256:03d}{suffix}"] = b"".join(part)
    return found


def head_copy_knows_what_was_acknowledged(head: Files, told: Told) -> None:
    """Before recovery mends it: no number may be acknowledged that an older backup could give out again."""
    (name,) = [
        name for name in head.list("") if not name.startswith(".")
    ]  # a kill within ``replace`` leaves ``.….new``
    known = json.loads(head.read(name))["acknowledged"]
    assert known >= max(told.entries, default=0), f"{max(told.entries)} was acknowledged, the head copy knows {known}"


# -- the audit -------------------------------------------------------------------------------------


class Audit:
    """Reads an archive once; every method named for an invariant raises ``AssertionError`` where it is broken."""

    def __init__(self, files: Files, head: Files, *, first: int = 0) -> None:
        self.files = files
        self.head = head
        self.first = first
        """Statements below this number were audited before."""
        self.vkey = files.read("keys/log.vkey").decode().rstrip("\n")
        self.lines = list(self._journal())
        self.entries = [hashlib.sha256(line.data).digest() for line in self.lines]
        self.disposals = {
            item["path"]: line.body["seq"]
            for line in self.lines
            if line.body.get("event") == "disposal"
            for item in line.body["files"]
        }
        """Newest disposal of each file that was ever disposed of."""
        self.origin, self.size, self.root = open_note(files.read("log/checkpoint"), self.vkey)

    @property
    def fresh(self) -> list[Line]:
        return self.lines[self.first :]

    def _journal(self) -> Iterator[Line]:
        seq = 0
        for name in self.files.list("journal"):
            path, offset = f"journal/{name}", 0
            assert int(name.split("-")[0]) == seq, f"{path} does not begin with line {seq}"
            for data in self.files.read(path).splitlines(keepends=True):
                assert data.endswith(b"\n"), f"{path} is torn at {offset}"
                body = json.loads(data) if seq >= self.first else {}
                yield Line(path, offset, data, body)
                seq, offset = seq + 1, offset + len(data)

    def everything(self, told: Told, index: Index | None = None, *, scratch: Index | None = None) -> None:
        """All invariants that a crash could break."""
        self.sequence_has_no_gaps_and_every_line_is_canonical()
        self.a_statement_names_only_bytes_that_are_there()
        self.a_checkpoint_covers_only_statements_that_are_there()
        self.the_tiles_are_those_of_the_journal()
        self.a_timestamp_counts_only_when_stated_and_verified()
        self.the_log_never_shrinks(told)
        self.a_clock_that_went_back_is_stated()
        self.nothing_is_skipped_silently(told)
        self.every_wording_has_one_number()
        self.stored_files_are_immutable(told)
        self.what_was_disposed_of_is_gone()
        if index is not None and scratch is not None:
            self.every_row_comes_from_statements_and_files(index, scratch)

    def sequence_has_no_gaps_and_every_line_is_canonical(self) -> None:
        for seq, line in enumerate(self.fresh, self.first):
            again = json.dumps(line.body, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
            assert again.encode() == line.data, f"line {seq} is not canonical"
            assert line.body["seq"] == seq, f"line {seq} says {line.body['seq']}"
            assert line.body["origin"] == self.origin

    def a_statement_names_only_bytes_that_are_there(self) -> None:
        """Invariant 1."""
        for line in self.fresh:
            if line.body["kind"] == "capture":
                self._folder(line)
            elif line.body["kind"] == "stamp" and line.body["event"] == "token":
                self._token(line.body)
            elif line.body["kind"] == "stamp" and line.body["event"] == "cosignature":
                self._cosignature(line.body)
            elif line.body["kind"] == "assessment" and line.body["links_sha256"] is not None:
                self._text(line.body)

    def _text(self, body: Json) -> None:
        """A text, the seed of its lines and its links are what the assessment says, unless they went since."""
        base = f"texts/{body['text_sha256'][:2]}/{body['text_sha256']}"
        if self.disposals.get(f"{base}.txt", -1) > body["seq"]:
            return
        text = self.files.read(f"{base}.txt")
        assert sha256(text) == body["text_sha256"], f"{base}.txt is not the text of {body['seq']}"
        assert hashlib.sha512(text).hexdigest() == body["text_sha512"]
        assert (len(text), text.count(b"\n")) == (body["text_bytes"], body["text_lines"])
        hashed = None
        if lines := text.split(b"\n")[:-1]:
            seed = self.files.read(f"{base}.salt")
            assert len(seed) == 32 and not seed.endswith(bytes(4)), f"{base}.salt is torn"
            salted = [hmac.digest(seed, n.to_bytes(8, "big"), "sha256") + line for n, line in enumerate(lines)]
            hashed = root(salted).hex()
        assert hashed == body["text_lines_root"], f"{base}.salt does not lead to the root of {body['seq']}"
        links = b""
        links_path = f"texts/{body['links_sha256'][:2]}/{body['links_sha256']}.links"
        if self.disposals.get(links_path, -1) > body["seq"]:
            return
        if body["links"]:
            links = self.files.read(f"texts/{body['links_sha256'][:2]}/{body['links_sha256']}.links")
        assert sha256(links) == body["links_sha256"], f"the links of {body['seq']}"
        assert links.count(b"\n") == body["links"]

    def _folder(self, line: Line) -> None:
        body, read = line.body, self.files.read
        folder = body["folder"]
        assert (folder is None) == (body["warc"] is None and body["partial"] is None)
        assert body["result"] != "stored" or body["warc"] is not None, "a stored capture has a WARC"
        if folder is None:
            return
        assert folder.rsplit("/")[-1] == body["snapshot"] == f"EA-S-{body['seq']:08d}"
        assert folder.split("/")[1:4] == body["started_at"][:10].split("-")
        assert read(f"{folder}/statement.json") == line.data, f"{folder}/statement.json is not its line"
        if body["warc"] is not None and f"{folder}/capture.warc.gz" not in self.disposals:
            warc = read(f"{folder}/capture.warc.gz")
            assert len(warc) == body["warc"]["bytes"], f"{folder}: WARC"
            assert sha256(warc) == body["warc"]["sha256"], f"{folder}: WARC"
            assert hashlib.sha512(warc).hexdigest() == body["warc"]["sha512"], f"{folder}: WARC"
        sealed = {item["name"]: item for item in body["partial"] or ()}
        for name, item in sealed.items():
            if f"{folder}/{name}" in self.disposals:
                continue
            data = read(f"{folder}/{name}")
            assert (len(data), sha256(data)) == (item["bytes"], item["sha256"]), f"{folder}/{name}"
        strangers = [name for name in self.files.list(folder) if name not in sealed and not IN_FOLDER.fullmatch(name)]
        assert not strangers, f"{folder} holds {strangers}"

    def _token(self, body: Json) -> None:
        read, base = self.files.read, body["path"].removesuffix(".tsr")
        assert sha256(read(body["path"])) == body["token_sha256"], body["path"]
        assert sha256(read(f"{base}.chain.pem")) == body["chain_sha256"], f"{base}.chain.pem"
        if body["subject"] == "checkpoint":
            assert sha256(read(f"stamps/{body['size']}/checkpoint")) == body["subject_sha256"]
        else:
            assert self.entries[body["subject_seq"]].hex() == body["subject_sha256"]

    def a_checkpoint_covers_only_statements_that_are_there(self) -> None:
        """Invariant 2, for the newest checkpoint and every stamped one."""
        assert self.size <= len(self.lines), f"the checkpoint covers {self.size} of {len(self.lines)} lines"
        assert root(self.entries[: self.size]) == self.root, "the checkpoint's root is not that of the journal"
        if not self.first:
            for size in self.files.list("stamps"):
                if size.isdigit():
                    self._continues(self.files.read(f"stamps/{size}/checkpoint"))

    def _days(self) -> Iterator[str]:
        """Everything that lies in the folder of a day."""
        folders = ["snapshots"]
        for _ in range(4):
            folders = [f"{folder}/{name}" for folder in folders for name in self.files.list(folder)]
        yield from folders

    def _continues(self, checkpoint: bytes) -> None:
        _, size, hashed = open_note(checkpoint, self.vkey)
        assert size <= len(self.lines), f"a head of size {size} was told, the journal has {len(self.lines)} lines"
        assert root(self.entries[:size]) == hashed, f"two heads of size {size}"

    def the_tiles_are_those_of_the_journal(self) -> None:
        if not self.first:
            for path, data in expected_tiles(self.entries[: self.size]).items():
                assert self.files.read(path) == data, path

    def _cosignature(self, body: Json) -> None:
        line, head = self.files.read(body["path"]), self.files.read(f"stamps/{body['size']}/checkpoint")
        assert (sha256(line), sha256(head)) == (body["cosignature_sha256"], body["subject_sha256"]), body["path"]
        verify_cosignature(line, head, WitnessKey.from_vkey(body["key"]))

    def a_timestamp_counts_only_when_stated_and_verified(self) -> None:
        """Invariant 3: every reply that lies anywhere is stated, and holds for its subject."""
        if self.first:
            return
        stated = {line.body["token_sha256"]: line.body for line in self.lines if line.body.get("event") == "token"}
        cosigned = {line.body["cosignature_sha256"] for line in self.lines if line.body.get("event") == "cosignature"}
        folders = [f"stamps/{name}" for name in self.files.list("stamps")]
        for folder in [*folders, *self._days()]:
            for name in self.files.list(folder):
                if name.endswith(".tsr"):
                    assert sha256(self.files.read(f"{folder}/{name}")) in stated, f"{folder}/{name} is not stated"
                if name.endswith(".cosig"):
                    assert sha256(self.files.read(f"{folder}/{name}")) in cosigned, f"{folder}/{name} is not stated"
        for digest, body in stated.items():
            _verify_once(self._subject(body), self.files.read(body["path"]), self._roots(body), digest)
        self._proofs()

    def _subject(self, body: Json) -> bytes:
        if body["subject"] == "checkpoint":
            return self.files.read(f"stamps/{body['size']}/checkpoint")
        return self.lines[body["subject_seq"]].data

    def _roots(self, body: Json) -> bytes:
        return self.files.read(f"authorities/{body['authority']}.pem")

    def _proofs(self) -> None:
        """A folder with a proof ends with a head of this log, and the token beside it covers that head."""
        for line in self.lines:
            folder = line.body.get("folder")
            if folder is None or not self.files.exists(f"{folder}/statement.tlog-proof"):
                continue
            proof = self.files.read(f"{folder}/statement.tlog-proof")
            self._continues(proof.partition(b"\n\n")[2])
            for name in self.files.list(folder):
                if name.startswith("checkpoint.") and name.endswith(".tsr"):
                    reply = self.files.read(f"{folder}/{name}")
                    authority = self.files.read(f"authorities/{name.split('.')[1]}.pem")
                    _verify_once(proof.partition(b"\n\n")[2], reply, authority, sha256(reply))
            self._cosigned(folder, proof.partition(b"\n\n")[2])

    def _cosigned(self, folder: str, head: bytes) -> None:
        """Beside a proof lie all cosignatures of its head, and no others."""
        stated = [line.body for line in self.lines if line.body.get("event") == "cosignature"]
        over = {body["witness"]: body for body in stated if body["subject_sha256"] == sha256(head)}
        there = {name for name in self.files.list(folder) if name.endswith(".cosig")}
        assert there == {f"checkpoint.{name}.cosig" for name in over}, folder
        for name, body in over.items():
            assert sha256(self.files.read(f"{folder}/checkpoint.{name}.cosig")) == body["cosignature_sha256"], folder

    def the_log_never_shrinks(self, told: Told) -> None:
        """Invariant 5; and nothing that was acknowledged is lost or renumbered."""
        for seq, entry in told.entries.items():
            assert seq < len(self.lines), f"statement {seq} was acknowledged and is gone"
            assert self.entries[seq].hex() == entry, f"statement {seq} was acknowledged and is another now"
        for checkpoint in told.checkpoints:
            self._continues(checkpoint)
        copies = self.head.list("")
        assert len(copies) == 1, f"head copies: {copies}"
        known = json.loads(self.head.read(copies[0]))
        assert known["acknowledged"] < len(self.lines), "the head copy is ahead of the journal"
        if known["checkpoint"] is not None:
            self._continues(known["checkpoint"].encode())
            assert open_note(known["checkpoint"].encode(), self.vkey)[1] <= self.size, "the head copy is ahead"

    def a_clock_that_went_back_is_stated(self) -> None:
        for before, line in zip(self.fresh, self.fresh[1:], strict=False):
            if line.body["at"] < before.body["at"]:
                assert line.body.get("event") == "clock_step", (
                    f"statement {line.body['seq']} is older than the one before"
                )

    def nothing_is_skipped_silently(self, told: Told) -> None:
        """Invariant 6: a check that was begun is stated once; bytes that were cut off are kept and stated."""
        if self.first:
            return
        checks = [line.body["check"] for line in self.lines if line.body["kind"] == "capture"]
        assert len(checks) == len(set(checks)), "a check is stated twice"
        assert told.intents <= set(checks), f"never stated: {told.intents - set(checks)}"
        cut = {line.body["cut_sha256"] for line in self.lines if line.body.get("event") == "torn_tail"}
        tokens = {line.body["token_sha256"] for line in self.lines if line.body.get("event") == "token"}
        tokens |= {line.body["cosignature_sha256"] for line in self.lines if line.body.get("event") == "cosignature"}
        waiting = {f"stamp-{digest[:32]}" for digest in tokens}  # placed; goes once the places are durable
        imported = [line.body for line in self.lines if line.body.get("event") == "import"]
        imported = [body for body in imported if self.disposals.get(body["path"], -1) < body["seq"]]
        waiting |= {f"import-{body['file_sha256'][:32]}" for body in imported}
        for name in self.files.list("staging"):
            if name in waiting:
                continue
            assert name.startswith("torn-"), f"staging/{name} is forgotten"
            assert name.removeprefix("torn-") in cut, f"staging/{name} was cut off and never stated"
        for digest in cut:
            assert sha256(self.files.read(f"staging/torn-{digest}")) == digest
        places = {line.body["folder"] for line in self.lines if line.body.get("folder")}
        found = set(self._days())
        assert found == places, f"folders without statement or the reverse: {found ^ places}"
        self._assessed()
        lying = set(walk(self.files, "imported"))
        assert lying == {body["path"] for body in imported}, "imported files without statement or the reverse"
        for path, body in ((body["path"], body) for body in imported):
            assert sha256(self.files.read(path)) == body["file_sha256"], f"{path} is not the file that was imported"
        data = {
            i["path"]: i for line in self.lines if line.body.get("event") == "revocation" for i in line.body["items"]
        }
        assert set(walk(self.files, "revocation")) == data.keys(), "revocation data without statement or the reverse"
        for path, item in data.items():
            assert sha256(self.files.read(path)) == item["file_sha256"], f"{path} is not what was stated"
        strangers = [path for path in walk(self.files, "texts") if not IN_TEXTS.fullmatch(path)]
        assert not strangers, f"no texts: {strangers}"

    def _assessed(self) -> None:
        """Every stored capture was assessed by the rules it was made under; every release is carried out, once."""
        bodies = [line.body for line in self.lines]
        stored = {body["seq"]: body for body in bodies if body.get("result") == "stored"}
        judged: dict[int, list[Json]] = {}
        for body in bodies:
            if body["kind"] == "assessment":
                judged.setdefault(body["capture_seq"], []).append(body)
        assert judged.keys() == stored.keys(), f"stored and not assessed: {stored.keys() - judged.keys()}"
        for seq, assessments in judged.items():
            first = assessments[0]
            assert (first["watch_seq"], first["document"]) == (stored[seq]["watch_seq"], stored[seq]["document"])
            assert first["capture_entry"] == self.entries[seq].hex()
            for normaliser in {a["normaliser"] for a in assessments}:
                chain = [a for a in assessments if a["normaliser"] == normaliser]
                assert [a["supersedes"] for a in chain] == [None, *(a["seq"] for a in chain[:-1])], (
                    f"the assessments of {seq} do not follow one another"
                )
        newest: dict[str, int] = {}
        for body in bodies:
            if body["kind"] == "assessment" and body["document"] is not None and body["supersedes"] is None:
                assert body["capture_seq"] > newest.get(body["document"], -1), f"{body['seq']} comes too late"
                newest[body["document"]] = body["capture_seq"]
            if body["kind"] == "decision":
                done = [a for a in judged[body["capture_seq"]] if a["decision_seq"] == body["seq"]]
                wanted = [body["assessment_seq"]] if body["event"] == "released" else []
                # Later assessments by other rules keep a release: what was let through stays so.
                assert [a["supersedes"] for a in done[:1]] == wanted, f"decision {body['seq']} was not carried out"

    def every_wording_has_one_number(self) -> None:
        """Versions are counted per document and normaliser, and one text has one number for ever."""
        if self.first:
            return
        known: dict[tuple[str, str], dict[str, int]] = {}
        for line in self.lines:
            body = line.body
            if body["kind"] != "assessment" or body["version"] is None:
                continue
            numbers = known.setdefault((body["document"], body["normaliser"]), {})
            expected = numbers.setdefault(body["text_sha256"], len(numbers) + 1)
            assert body["version"] == expected, f"{body['seq']} says version {body['version']}, it is {expected}"

    def stored_files_are_immutable(self, told: Told) -> None:
        """Invariant 7."""
        for path, data in told.files.items():
            if path in self.disposals:
                continue
            assert self.files.exists(path), f"{path} is gone"
            assert self.files.read(path) == data, f"{path} was changed"

    def what_was_disposed_of_is_gone(self) -> None:
        """A file that a disposal names lies there no more, but for what a later assessment or import names again."""
        named = texts_named(self.files)
        again = {
            line.body["path"]
            for line in self.lines
            if line.body.get("event") == "import" and self.disposals.get(line.body["path"], -1) < line.body["seq"]
        }
        for path in self.disposals.keys() - named - again:
            assert not self.files.exists(path), f"{path} was disposed of and is there"

    def every_row_comes_from_statements_and_files(self, index: Index, scratch: Index) -> None:
        """Invariant 4: a database made from nothing has the same rows; ``scratch`` is empty."""
        rows = []
        for line in self.lines:
            body = line.body
            is_token = body["kind"] == "stamp" and body["event"] == "token"
            token = self.files.read(body["path"]) if is_token else None
            text = None
            if body["kind"] == "assessment" and body["links_sha256"] is not None:
                path = f"texts/{body['text_sha256'][:2]}/{body['text_sha256']}.txt"
                if path not in self.disposals or self.files.exists(path):
                    text = self.files.read(path).decode().split("\n")[:-1]
            rows += rows_of(Statement(line.data, body), line.path, line.offset, token, text)
        scratch.apply(rows)
        mine, again = list(index.dump()), list(scratch.dump())
        assert len(mine) == len(again), f"{len(mine)} rows, a rebuild has {len(again)}"
        for one, other in zip(mine, again, strict=True):
            assert one == other, f"a row of {one[0]} differs from its rebuild"
        assert words_found(index) == words_found(scratch), "a search finds something else than after a rebuild"


def words_found(index: Index) -> list[tuple[object, ...]]:
    """Every word of the index of search with the passages and places where it is found; it fits its passages."""
    database = index._db
    try:
        database.execute("insert into passage_search (passage_search, rank) values ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        raise AssertionError("the index of search does not fit its passages") from error
    database.execute("create virtual table temp.words using fts5vocab(main, passage_search, instance)")
    # Passages by their words, not by their numbers: what was disposed of leaves gaps in those.
    where = "temp.words w join passage p on p.id = w.doc order by 1, 2, 3, 4"
    found = [tuple(row) for row in database.execute(f"select w.term, p.sha256, w.col, w.offset from {where}")]
    database.execute("drop table temp.words")
    return found


@lru_cache(maxsize=1 << 12)
def _verify_once(subject: bytes, reply: bytes, roots: bytes, digest: str) -> None:
    assert sha256(reply) == digest
    verify_token(reply, subject, certificates_from_pem(roots))
