"""Checks an evidence bundle with the Python standard library and the ``openssl`` program (3.0 or newer), nothing else.

    python3 verify.py BUNDLE.zip|FOLDER [--key KEY] [--root ROOT.pem ...] [--json]

A bundle holds one snapshot of a web document: what was received (a WARC file), the statement made of it, the proof
that the statement stands in a signed log, timestamps of outside authorities, and the text that was read from it.
Each numbered check has one verdict, pass, fail or not checked, and a reason. Nothing is fetched, nothing but openssl
is run, and the bundle is only read. First stands what the checks need, then, in their order, the checks themselves.

KEY is the public key of the log (a PEM file, or its verifier key as text or file), each ROOT a file with roots of
timestamp authorities; both come from somewhere other than the bundle. Without them the copies in the bundle are used,
and check 16 says so: then it was shown that all parts fit together, and not who made them.

Exit code: 0 every check passed, 1 one failed, 3 none failed but not every one could be made, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import calendar
import hashlib
import hmac
import json
import os
import re
import stat
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

MEMBERS, TOTAL, RATIO = 10_000, 16 << 30, 200  # most members, bytes unpacked, growth of a member of more than 1 MiB
AT_ONCE, LINE = 1 << 29, 1 << 26  # most bytes of what has to be in memory as a whole, and of a line of the journal
SUMS, STATEMENT, PROOF = "SHA256SUMS", "snapshot/statement.json", "snapshot/statement.tlog-proof"
WARC, EXTRACT, NEWEST = "snapshot/capture.warc.gz", "journal/extract.jsonl", "log/checkpoint"
HASHES = {"01": "sha256", "02": "sha384", "03": "sha512"}  # by the end of 2.16.840.1.101.3.4.2.x
NOT_CHECKED = (
    "whether a certificate of a timestamp authority was revoked, and whether its clock was right",
    "whether the log shows everyone the same history: compare its checkpoints with copies held elsewhere",
    "whether the machine really fetched these bytes from that address, and what other readers were shown",
    "the web server's own certificates (they are in the WARC file, in the record of the transport)",
    "whether the text says what a reader of the page sees: it was not extracted again, only its digests were compared",
    "what lies with a referent besides the payload; log/consistency.json: the roots were computed from the journal",
    "lines of the journal that are given as an entry alone; PROCESS.txt; what anything means, in law or otherwise",
    "what citation.json says besides digests, times and proofs, and every other citation",
)


class Fails(Exception):
    """What was checked does not hold."""


class NotDone(Exception):
    """What should be checked is not there, or cannot be checked here."""


def need(holds: object, otherwise: str) -> None:
    """Go on only where something holds."""
    if not holds:
        raise Fails(otherwise)


def able(holds: object, otherwise: str) -> None:
    """Leave a check undone unless something holds."""
    if not holds:
        raise NotDone(otherwise)


def check_names(names: list[str]) -> list[str]:
    """Refuse names that leave their folder, are there twice, or differ in upper and lower case alone."""
    need(0 < len(names) <= MEMBERS, f"{len(names)} members; there may be 1 to {MEMBERS}")
    for name in names:
        plain = all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", part) for part in name.split("/"))
        need(plain and len(name) < 200, f"a member is named {name[:80]!r}")
    need(len({name.lower() for name in names}) == len(names), "two members have the same name")
    folders = {str(parent).lower() for name in names for parent in Path(name).parents}
    need(not folders & {name.lower() for name in names}, "a member is named like a folder")
    return names


def unpack(bundle: Path, folder: Path) -> list[str]:
    """Check a zip's directory against what it lists (one after the other, nothing between), then unpack it."""
    with bundle.open("rb") as raw, zipfile.ZipFile(raw) as archive:
        members, at = sorted(archive.infolist(), key=lambda one: one.header_offset), 0
        names = check_names([one.orig_filename for one in members])
        need(sum(one.file_size for one in members) <= TOTAL, "the members are too large together")
        for one in members:
            name, sizes = one.filename, (one.CRC, one.compress_size, one.file_size)
            need(stat.S_IFMT(one.external_attr >> 16) in (0, stat.S_IFREG), f"{name} is no plain file")
            need(not one.flag_bits & 0x2041 and one.compress_type in (0, 8), f"{name}: encrypted, or packed unusually")
            need(one.file_size <= max(1 << 20, RATIO * one.compress_size), f"{name} grows too much when unpacked")
            need(one.header_offset == at, f"bytes before {name} belong to no member")
            raw.seek(at)
            magic, _, flags, method, _, _, *again, size, extra = struct.unpack("<4s5H3I2H", raw.read(30))
            alike = (flags & 8 or tuple(again) == sizes or 0xFFFFFFFF in again) and method == one.compress_type
            need(magic == b"PK\3\4" and raw.read(size) == name.encode() and alike, f"{name} is listed wrongly")
            at += 30 + size + extra + one.compress_size
            if flags & 8:  # the sizes follow the data
                raw.seek(at)
                at += 12 + 4 * (raw.read(4) == b"PK\7\10")
        raw.seek(at)
        need(raw.read(4) == b"PK\1\2", "bytes after the last member belong to none")
        raw.seek(-22, os.SEEK_END)
        need(raw.read(4) == b"PK\5\6", "something follows the end of the zip")
        for one in members:
            target = folder / one.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(one) as source, target.open("xb") as copy:  # gives no more than the directory says
                while piece := source.read(1 << 20):
                    copy.write(piece)
        return names


def survey(folder: Path) -> list[str]:
    """List a folder's files; refuse links, devices and the like."""
    names = []
    for path in folder.rglob("*"):
        mode, name = path.lstat().st_mode, path.relative_to(folder).as_posix()
        need(stat.S_ISREG(mode) or stat.S_ISDIR(mode), f"{name} is no plain file")
        names += [name] if stat.S_ISREG(mode) else []
        need(len(names) <= MEMBERS, f"more than {MEMBERS} files")
    return check_names(names)


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(data).digest()


def digest_of(path: Path, kind: str = "sha256") -> str:
    """Return the digest of a file in hexadecimal."""
    found = hashlib.new(kind)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest()


def unbase64(text: str) -> bytes:
    """Return the bytes of a base64 text that is written in the one usual way."""
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text, f"unusual base64: {text[:40]!r}")
    return data


def parse(text: bytes) -> Any:
    """Read JSON of integers, strings, true, false, null, arrays and objects; refuse a key that stands twice."""

    def whole(digits: str) -> int:
        need(re.fullmatch("-?[0-9]{1,16}", digits) and abs(int(digits)) < 1 << 53, "a number is out of range")
        return int(digits)

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        need(len(dict(found)) == len(found), "a key stands twice")
        return dict(found)

    need(len(text) <= LINE, "a JSON text is too long")
    return json.loads(text.decode(), parse_int=whole, parse_float=whole, parse_constant=whole, object_pairs_hook=pairs)


def canonical(value: Any) -> str:
    """Write such a value as RFC 8785 says: no spaces, keys in the order of their UTF-16 units."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)  # of a text, a whole number, true, false or null it is the same


def statement_of(line: bytes) -> Any:
    """Read a line of the journal, which has to be one canonical JSON object and a line feed."""
    value = parse(line)
    good = isinstance(value, dict) and canonical(value).encode() + b"\n" == line
    need(good, "a statement is not one line of canonical JSON (RFC 8785)")
    return value


def openssl(expected: str, *arguments: object) -> None:
    """Run openssl and go on only if it says what is expected."""
    command = ["openssl", *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120, check=False)
    except FileNotFoundError:
        raise NotDone("the program openssl is not installed") from None
    said = done.stdout + done.stderr
    if "nknown option" in said or "Invalid command" in said:
        raise NotDone("openssl 3.0 or newer is needed")
    reasons = re.findall(r"(?:error|reason|ailure)[^\n]*", said) or [said.strip()]
    need(done.returncode == 0 and expected in said, f"openssl {arguments[0]}: {reasons[-1][-150:]}")


class Key(NamedTuple):
    """The public key of a log: its name, its SubjectPublicKeyInfo, and the four bytes that name it in a signed note."""

    name: str
    der: bytes
    hint: bytes


def key_from(text: str, name: str) -> Key:
    """Read an Ed25519 public key in PEM, or a verifier key: NAME+HINT+BASE64 (C2SP signed-note)."""
    hint, head = None, bytes.fromhex("302a300506032b6570032100")
    if "-----BEGIN PUBLIC KEY-----" in text:
        data = base64.b64decode(text.split("-----")[2])
    else:
        name, hint, encoded = text.strip().split("+", 2)
        data = head + unbase64(encoded)[1:] if unbase64(encoded)[:1] == b"\1" else b""
    key = Key(name, data, sha256(name.encode() + b"\n\1" + data[-32:])[:4])
    need(len(data) == 44 and data.startswith(head) and hint in (None, key.hint.hex()), "a key is not of Ed25519")
    return key


def elements(data: bytes) -> list[tuple[int, bytes]]:
    """Split DER into its elements, each a tag and its content."""
    found, at = [], 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length > 127:
            size = length & 127
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
            need(1 <= size <= 4 and length > 127 and length >> 8 * (size - 1), "a length is not in DER")
        need(tag & 31 != 31 and at + length <= len(data), "an element is not in DER")
        found.append((tag, data[at : at + length]))
        at += length
    return found


def told_by(reply: bytes) -> tuple[str, bytes, str, int]:
    """Return what an RFC 3161 reply says, its signature left to openssl: kind and digest; time, also in seconds."""
    ((_, response),) = elements(reply)
    (_, status), (_, content) = elements(response)
    granted = elements(status)
    need(granted[0] == (2, b"\0") and 3 not in dict(granted), "an authority did not grant the timestamp")
    ((_, signed),) = elements(elements(content)[1][1])
    ((_, octets),) = elements(elements(elements(signed)[2][1])[1][1])
    ((_, info),) = elements(octets)
    _, _, (_, imprint), _, (_, stamp) = elements(info)[:5]
    (_, algorithm), (_, digest) = elements(imprint)
    name = elements(algorithm)[0][1].hex()
    moment = re.match(r"\d{14}(\.\d*[1-9])?Z$", stamp.decode())
    need(moment and name[:16] == "6086480165030402" and name[16:] in HASHES, "a timestamp is of an unknown form")
    parts = time.strptime(stamp[:14].decode(), "%Y%m%d%H%M%S")
    at = time.strftime("%Y-%m-%dT%H:%M:%S", parts) + stamp[14:].decode()
    return HASHES[name[16:]], digest, at, calendar.timegm(parts)


def certificates(path: Path) -> list[bytes]:
    """Read the certificates of a PEM file."""
    text = path.read_text("ascii", "replace")
    found = re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", text, re.DOTALL)
    return [base64.b64decode(one) for one in found]


def pem(label: str, *ders: bytes) -> bytes:
    """Write DER as PEM, as openssl does."""
    bodies = (re.sub(r"(.{64})(?=.)", r"\1\n", base64.b64encode(der).decode()) for der in ders)
    return "".join(f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n" for body in bodies).encode()


class Checkpoint(NamedTuple):
    """The head of a log: the signed note, its text, and what stands there: name, number of statements, root."""

    note: bytes
    text: bytes
    origin: str
    size: int
    root: bytes
    signatures: list[tuple[str, bytes]]


def checkpoint_of(note: bytes) -> Checkpoint:
    """Read a checkpoint (C2SP tlog-checkpoint, in a signed note)."""
    text, _, below = note.decode().rpartition("\n\n")
    origin, size, root = text.split("\n")
    lines = [re.fullmatch(r"— ([^ +]+) ([^ ]+)", line) for line in below[:-1].split("\n")]
    need(all(lines) and below.endswith("\n"), "a checkpoint's signature line is malformed")
    need(re.fullmatch("0|[1-9][0-9]{0,15}", size) and len(unbase64(root)) == 32, "a checkpoint is malformed")
    signatures = [(line[1], unbase64(line[2])) for line in lines if line]
    return Checkpoint(note, text.encode() + b"\n", origin, int(size), unbase64(root), signatures)


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash over two hashes of a Merkle tree (RFC 9162)."""
    return sha256(b"\1" + left + right)


def folded(found: bytes, at: int, size: int, siblings: list[bytes]) -> bytes:
    """Return the root of a tree that a leaf hash, its place and the hashes beside it lead to (RFC 9162, 2.1.3.2)."""
    last = size - 1
    need(0 <= at <= last, "the checkpoint does not cover the statement")
    for sibling in siblings:
        need(last > 0, "the proof is too long")
        if at & 1 or at == last:
            found = node(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, sibling)
        at, last = at >> 1, last >> 1
    need(last == 0, "the proof is too short")
    return found


def inflated(data: bytes, window: int, room: int = AT_ONCE) -> tuple[bytes, bytes]:
    """Return what one compressed stream holds, and the bytes after it."""
    stream = zlib.decompressobj(window)
    found = stream.decompress(data, room + 1)
    need(len(found) <= room and stream.eof, "a compressed stream is cut, or too large")
    return found, stream.unused_data


def record_at(file: BinaryIO, place: Any) -> tuple[dict[str, list[str]], bytes]:
    """Read the WARC record that is the gzip member at a place of the file: its fields and its block."""
    file.seek(place["offset"])
    unpacked, rest = inflated(file.read(place["length"]), 31)
    head, _, block = unpacked.partition(b"\r\n\r\n")
    version, *lines = head.decode().split("\r\n")
    fields: dict[str, list[str]] = {}
    for name, _, value in (line.partition(":") for line in lines):
        fields.setdefault(name.lower(), []).append(value.strip())
    ends = fields["content-length"] == [str(len(block) - 4)] and block.endswith(b"\r\n\r\n")
    need(version == "WARC/1.1" and ends and not rest, "a gzip member is not one whole WARC record")
    return fields, block[:-4]


def dechunked(body: bytes) -> bytes:
    """Take off the chunked transfer coding (RFC 9112, 7.1)."""
    parts, at, size = [], 0, 1
    while size:
        line, feed, _ = body[at : at + 8192].partition(b"\n")
        size = int((re.match(rb"[0-9A-Fa-f]{1,15}", line) or [b""])[0], 16)
        at += len(line) + 1
        need(feed and at + size <= len(body), "a chunk is cut")
        parts.append(body[at : at + size])
        at += size + (2 if body[at + size : at + size + 2] == b"\r\n" else 1)
    return b"".join(parts)


def decoded(body: bytes, coding: str) -> bytes:
    """Take off one content coding (RFC 9110, 8.4.1)."""
    if coding == "deflate":
        wrapped = body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
        return inflated(body, 15 if wrapped else -15)[0]
    if coding not in ("gzip", "x-gzip"):
        raise NotDone(f"the content coding {coding} is not read here")
    whole, body = inflated(body, 31)
    while body.startswith(b"\x1f\x8b"):
        part, body = inflated(body, 31, AT_ONCE - len(whole))
        whole += part
    return whole


class Bundle:
    """A bundle in a folder, and what it is held against; each check returns its reason to pass."""

    def __init__(self, folder: Path, names: list[str], scratch: Path, key: str | None, roots: list[bytes]) -> None:
        self.folder, self.names, self.scratch, self.outside_key, self.outside_roots = folder, names, scratch, key, roots
        self.times: dict[str, tuple[int, str]] = {}  # of every timestamp that held

    def path(self, name: str) -> Path:
        """Return where a member lies."""
        need(name in self.names, f"{name} is missing")
        return self.folder / name

    def read(self, name: str) -> bytes:
        """Return a member's bytes."""
        need(self.path(name).stat().st_size <= AT_ONCE, f"{name} is too large")
        return self.path(name).read_bytes()

    def like(self, pattern: str) -> list[str]:
        """Return the members whose name has a form."""
        return sorted(name for name in self.names if re.fullmatch(pattern, name))

    @cached_property
    def line(self) -> bytes:
        """The statement of the capture, a line of the journal."""
        return self.read(STATEMENT)

    @cached_property
    def statement(self) -> Any:
        """The same, read."""
        return statement_of(self.line)

    @cached_property
    def key(self) -> Key:
        """The public key that counts: the one given, else the bundle's."""
        return key_from(self.outside_key or self.read("keys/log.vkey").decode(), self.statement["origin"])

    @cached_property
    def heads(self) -> dict[str, Checkpoint]:
        """Every checkpoint of the bundle, by the name of the member that holds it."""
        notes = {name: self.read(name) for name in self.like(r"log/checkpoint|stamps/\d+/checkpoint")}
        if PROOF in self.names:
            notes[PROOF] = self.read(PROOF).partition(b"\n\n")[2]
        return {name: checkpoint_of(note) for name, note in notes.items()}

    @cached_property
    def journal(self) -> tuple[list[bytes], dict[int, bytes], dict[int, bytes]]:
        """The extract: each line's entry, the lines given in full, the roots wherever the bundle has a checkpoint."""
        able(EXTRACT in self.names, "there is no extract of the journal")
        sizes, lines, roots = {head.size for head in self.heads.values()}, {}, {}
        entries: list[bytes] = []
        peaks: list[tuple[int, bytes]] = []  # roots of the complete subtrees so far, with their heights
        with self.path(EXTRACT).open("rb") as file:
            while line := file.readline(LINE):
                seq, short = len(entries), re.fullmatch(rb'{"entry":"([0-9a-f]{64})","seq":(\d{1,16})}\n', line)
                if short:
                    said, entry = int(short[2]), bytes.fromhex(short[1].decode())
                else:
                    full, lines[seq], entry = statement_of(line), line, sha256(line)
                    said = full["seq"] if full["origin"] == self.statement["origin"] else -1
                need(said == seq, f"line {seq} of the extract is not that statement of the log")
                entries.append(entry)
                height, found = 0, sha256(b"\0" + entry)
                while peaks and peaks[-1][0] == height:
                    height, found = height + 1, node(peaks.pop()[1], found)
                peaks.append((height, found))
                if seq + 1 in sizes:
                    for _, peak in reversed(peaks[:-1]):
                        found = node(peak, found)
                    roots[seq + 1] = found
        return entries, lines, roots

    def stated(self, kind: str) -> list[Any]:
        """Return the statements of one kind that the extract gives in full."""
        return [one for one in map(parse, self.journal[1].values()) if one["kind"] == kind]

    def file(self, data: bytes) -> Path:
        """Write bytes where openssl can read them."""
        path = self.scratch / sha256(data).hex()
        path.write_bytes(data)
        return path

    def signed(self, data: bytes, signature: bytes) -> None:
        """Check an Ed25519 signature of the log's key."""
        key, note, sealed = (self.file(part) for part in (pem("PUBLIC KEY", self.key.der), data, signature))
        command = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key, "-in", note, "-sigfile", sealed]
        openssl("Verified Successfully", *command)

    def tokens(self, pattern: str, subject: Callable[[str], bytes]) -> None:
        """Check the timestamps whose names have a form, each at its own time, with its chain up to its root."""
        strangers = []
        for name in self.like(pattern):
            data, stem = subject(name), name[: -len(".tsr")]
            kind, imprint, at, epoch = told_by(self.read(name))
            need(imprint == hashlib.new(kind, data).digest(), f"{name} is over something else")
            beside = self.path(f"{stem}.chain.pem")
            chain = certificates(beside)
            need(chain and beside.read_bytes() == pem("CERTIFICATE", *chain), f"{stem}.chain.pem is not plain PEM")
            leaf, root = (self.file(pem("CERTIFICATE", one)) for one in (chain[0], chain[-1]))
            common = ("-CAfile", root, "-untrusted", beside, "-attime", epoch, "-check_ss_sig")
            openssl("Verification: OK", "ts", "-verify", "-data", self.file(data), "-in", self.path(name), *common)
            openssl(": OK", "verify", "-purpose", "timestampsign", *common, leaf)
            authority = re.sub(r"\.\d+$", "", stem).replace("/", ".").split(".")[-1]
            known = self.outside_roots or certificates(self.path(f"roots/{authority}.pem"))
            need(chain[-1] in known or self.outside_roots, f"{name} does not lead to roots/{authority}.pem")
            if chain[-1] in known:
                self.times[name] = epoch, at
            else:
                strangers.append(name)
        able(not strangers, f"none of the roots given is that of {', '.join(strangers)}")

    def said(self, pattern: str) -> str:
        """Return the names and times of the timestamps that hold."""
        found = [f"{name} {at}" for name, (_, at) in self.times.items() if re.fullmatch(pattern, name)]
        able(found, "there is no timestamp")
        return ", ".join(found)

    def check_02_every_member(self) -> str:
        """SHA256SUMS lists every member, and nothing else, each with its digest."""
        listed = dict(line.split("  ", 1)[::-1] for line in self.read(SUMS).decode().splitlines())
        need(len(listed) == self.read(SUMS).count(b"\n"), f"{SUMS} lists a member twice")
        apart = {SUMS, *self.like(rf"{SUMS}\.(sig|[A-Za-z0-9_-]+(\.\d+)?\.(tsr|chain\.pem))")}
        missing, extra = sorted(set(listed) - set(self.names)), sorted(set(self.names) - set(listed) - apart)
        need(not missing, f"missing: {', '.join(missing)}")
        need(not extra, f"not listed in {SUMS}: {', '.join(extra)}")
        lone = [name for name in apart if name.endswith(".chain.pem") and f"{name[:-9]}tsr" not in self.names]
        need(not lone, f"certificates without their timestamp: {', '.join(lone)}")
        for name, digest in listed.items():
            need(digest_of(self.path(name)) == digest, f"{name} has another digest than {SUMS} says")
        return f"{len(listed)} members; SHA-256 of {SUMS}: {sha256(self.read(SUMS)).hex()}"

    def check_03_signature_of_sums(self) -> str:
        """SHA256SUMS is signed with the log's key."""
        able(f"{SUMS}.sig" in self.names, f"{SUMS} is not signed")
        self.signed(self.read(SUMS), self.read(f"{SUMS}.sig"))
        return f"Ed25519, SHA-256 of the key: {sha256(self.key.der).hex()}"

    def check_04_timestamps_of_sums(self) -> str:
        """Outside authorities give a time at which SHA256SUMS existed."""
        self.tokens(rf"{SUMS}\..*tsr", lambda _: self.read(SUMS))
        return self.said(f"{SUMS}.*")

    def check_05_statement(self) -> str:
        """The statement is canonical, of this snapshot, and the very line that the journal has."""
        one = self.statement
        need(one["v"] == 1 and one["kind"] == "capture", "the statement is not of a capture, version 1")
        need(one["snapshot"].endswith(f"-S-{one['seq']:08d}"), "the snapshot is named by another number")
        need(self.journal[1].get(one["seq"]) == self.line, "the journal has another line")
        return f"{one['snapshot']}, entry {sha256(self.line).hex()}"

    def check_06_files(self) -> str:
        """The files of the snapshot are those that the statement names."""
        stated = {f"snapshot/{one['name']}": one for one in self.statement["partial"] or ()}
        stated.update({WARC: self.statement["warc"]} if self.statement["warc"] else {})
        for name, one in stated.items():
            need(self.path(name).stat().st_size == one["bytes"], f"{name} has another length than stated")
            for kind in {"sha256", "sha512"} & set(one):
                need(digest_of(self.path(name), kind) == one[kind], f"{name} has another {kind} than stated")
        usual = r"statement\.(json|tlog-proof)|(statement|checkpoint|before)\.[\w.-]+\.(tsr|chain\.pem|subject)"
        strange = set(self.like("snapshot/.*")) - set(self.like(f"snapshot/({usual})")) - set(stated)
        need(not strange, f"not stated: {', '.join(sorted(strange))}")
        return ", ".join(f"{name}: {one['bytes']} bytes, SHA-256 {one['sha256']}" for name, one in stated.items())

    def check_07_warc_records(self) -> str:
        """Every record of the WARC is as itself and the statement say, and the exchanges are those records."""
        able(self.statement["warc"], "the check left no WARC file")
        records, at, targets = self.statement["warc"]["records"], 0, {}
        with self.path(WARC).open("rb") as file:
            for one in records:
                need(one["offset"] == at, "the records do not follow one another")
                fields, block = record_at(file, one)
                at, payload = at + one["length"], one["payload_sha256"]
                told = [fields.get(f"warc-{name}") for name in ("record-id", "type", "block-digest", "payload-digest")]
                stated = [[one["id"]], [one["type"]], [f"sha256:{one['block_sha256']}"]]
                need(told == [*stated, [f"sha256:{payload}"] if payload else None], f"{one['id']} is another record")
                need(sha256(block).hex() == one["block_sha256"], f"the block of {one['id']} has another digest")
                if payload and one["type"] == "response":
                    body = block.partition(b"\r\n\r\n")[2]
                    need(sha256(body).hex() == payload, f"the payload of {one['id']} has another digest")
                targets[one["id"]] = fields.get("warc-target-uri")
        need(at == self.statement["warc"]["bytes"], "the WARC file has more than the stated records")
        sent = {one["block_sha256"] for one in records if one["type"] == "request"}
        for hop in (hop for part in self.statement["parts"] for hop in part["exchanges"]):
            need(not hop["record"] or targets[hop["record"]] == [hop["url"]], f"the WARC has no record of {hop['url']}")
            need(not hop["request_bytes"] or hop["request_sha256"] in sent, f"not in the WARC: request of {hop['url']}")
        return f"{len(records)} records, each at its place, with its digests; addresses and requests as stated"

    def payload(self, hop: Any) -> bytes:
        """Return the body of an exchange as it was transferred, from the WARC that has it."""
        folder, one, name = "snapshot", self.statement, hop["record"]
        if hop["revisit"]:
            folder = f"referents/{one['snapshot'].rsplit('-S-', 1)[0]}-S-{hop['revisit']['seq']:08d}"
            line, name = self.read(f"{folder}/statement.json"), hop["revisit"]["record"]
            one, entry = statement_of(line), self.journal[0][hop["revisit"]["seq"]]
            need(entry == sha256(line), f"the journal has another statement than {folder}")
            warc = digest_of(self.path(f"{folder}/capture.warc.gz"))
            need(warc == one["warc"]["sha256"], f"{folder}/capture.warc.gz has another digest than stated")
        (place,) = (record for record in one["warc"]["records"] if record["id"] == name)
        with self.path(f"{folder}/capture.warc.gz").open("rb") as file:
            return record_at(file, place)[1].partition(b"\r\n\r\n")[2]

    def check_08_content(self) -> str:
        """Each page's body, chunks and codings taken off, has the digests stated; a revisit's lies in its referent."""
        reasons = []
        for part in (part for part in self.statement["parts"] if part["content"]):
            last, stated = part["exchanges"][-1], part["content"]
            body = self.payload(last)
            need(sha256(body).hex() == last["payload_sha256"], f"the payload of {last['url']} has another digest")
            body = dechunked(body) if last["framing"] == "chunked" else body
            for coding in stated["coding"]:
                body = decoded(body, coding)
            found = (sha256(body).hex(), hashlib.sha512(body).hexdigest(), len(body))
            need(found == tuple(stated[key] for key in ("sha256", "sha512", "bytes")), f"other content: {last['url']}")
            reasons.append(f"{last['url']}: {len(body)} bytes, SHA-256 {found[0]}")
        able(reasons, "the statement names no content")
        return ", ".join(reasons)

    def check_09_inclusion(self) -> str:
        """The proof leads from the statement to the root of the checkpoint (RFC 9162, 2.1.3.2; C2SP tlog-proof)."""
        able(PROOF in self.names, "there is no proof: no stamped checkpoint covers the statement yet")
        first, *lines = self.read(PROOF).partition(b"\n\n")[0].decode().split("\n")
        head, seq = self.heads[PROOF], self.statement["seq"]
        need(first == "c2sp.org/tlog-proof@v1" and lines[0] == f"index {seq}", "the proof is for another statement")
        found = folded(sha256(b"\0" + sha256(self.line)), seq, head.size, [unbase64(line) for line in lines[1:]])
        need(found == head.root, "the proof does not lead to the checkpoint's root")
        return f"statement {seq} of {head.size}, root {found.hex()}"

    def check_10_checkpoints(self) -> str:
        """Every checkpoint is signed with the log's key (C2SP signed-note)."""
        for name, head in self.heads.items():
            need(head.origin == self.statement["origin"] == self.key.name, f"{name} is of another log")
            ours = [found[4:] for by, found in head.signatures if (by, found[:4]) == (head.origin, self.key.hint)]
            need(len(ours) == 1, f"{name} is not signed with this key")
            self.signed(head.text, ours[0])
        for name in ("keys/log.vkey", "keys/log.pub.pem"):
            need(key_from(self.read(name).decode(), self.key.name) == self.key, f"{name} is another key")
        need(NEWEST in self.heads, f"{NEWEST} is missing")
        return f"{len(self.heads)} of {self.key.name}, SHA-256 of the key: {sha256(self.key.der).hex()}"

    def check_11_journal(self) -> str:
        """The extract leads to the newest checkpoint, and to every older one of the bundle."""
        entries, lines, roots = self.journal
        need(self.heads[NEWEST].size == len(entries), f"the extract does not end where {NEWEST} does")
        for name, head in self.heads.items():
            need(roots.get(head.size) == head.root, f"the journal does not lead to the root of {name}")
        for one in self.stated("key"):
            need(one["spki_sha256"] == sha256(self.key.der).hex(), "the journal names another key")
        return f"{len(entries)} statements, {len(lines)} in full, lead to the roots of {len(self.heads)} checkpoints"

    def check_12_timestamps(self) -> str:
        """Outside authorities give a time at which the statement, or a checkpoint that covers it, existed."""
        self.tokens(r"snapshot/statement\..*tsr", lambda _: self.line)
        self.tokens(r"snapshot/checkpoint\..*tsr", lambda _: self.heads[PROOF].note)
        self.tokens(r"stamps/\d+/.*tsr", lambda name: self.heads[f"{name.rpartition('/')[0]}/checkpoint"].note)
        for name, head in self.heads.items():
            need(head.size > self.statement["seq"], f"{name} does not cover the statement")
        known, pattern = {one.get("token_sha256") for one in self.stated("stamp")}, r"(snapshot/[sc]|stamps/).*tsr"
        unknown = [name for name in self.like(pattern) if sha256(self.read(name)).hex() not in known]
        return self.said(pattern) + (f"; not in the extract: {', '.join(unknown)}" if unknown else "")

    def check_13_bracket(self) -> str:
        """The timestamp that the statement names as known before it holds, and is not later than one over it."""
        before, names = self.statement["before"], self.like(r"snapshot/before\..*")
        need(before or not names, "there is a timestamp from before the statement, which names none")
        if not before:
            return "the statement names no timestamp from before it: there is no earliest time"
        stem = f"snapshot/before.{before['authority']}"
        need(sha256(self.read(f"{stem}.tsr")).hex() == before["token_sha256"], "the statement names another token")
        need(sha256(self.read(f"{stem}.subject")).hex() == before["subject_sha256"], "the token is over something else")
        self.tokens(r"snapshot/before\..*tsr", lambda _: self.read(f"{stem}.subject"))
        over = [told for name, told in self.times.items() if re.fullmatch("(snapshot/[sc]|stamps/).*", name)]
        late = sorted((epoch, at.rstrip("Z")) for epoch, at in over)
        early, at = self.times[f"{stem}.tsr"]
        need(at == before["gen_time"], "the statement names another time")
        able(late, f"no timestamp over the statement holds; the one from before it says {at}")
        need(early <= late[0][0] + 1, "the timestamp from before is later than one over the statement")
        return f"the record was sealed between {at} and {late[0][1]}Z"

    def check_14_text(self) -> str:
        """The text, its lines and its links are those of the newest assessment, which is a line of the journal."""
        able("text/assessment.json" in self.names, "no assessment of the snapshot was handed over")
        line = self.read("text/assessment.json")
        one, seq = statement_of(line), self.statement["seq"]
        need(self.journal[1].get(one["seq"]) == line, "the journal has another line")
        need((one["capture_seq"], one["capture_entry"]) == (seq, sha256(self.line).hex()), "it is of another snapshot")
        later = [a for a in self.stated("assessment") if a["capture_seq"] == seq and a["seq"] > one["seq"]]
        need(not later, "the journal has a newer assessment")
        if one["links_sha256"] is None:
            return f"the assessment, {one['normaliser']}, made no text of its own; verdict: {one['verdict']}"
        able("text/text.md" in self.names, "the text was not handed over")
        text, links = self.read("text/text.md"), self.read("text/links.jsonl") if one["links"] else b""
        need(sha256(text).hex() == one["text_sha256"], "the text has another digest than stated")
        need(hashlib.sha512(text).hexdigest() == one["text_sha512"], "the text has another SHA-512 than stated")
        need(sha256(links).hex() == one["links_sha256"], "the links have another digest than stated")
        lines = text.split(b"\n")[:-1]
        need((len(text), len(lines)) == (one["text_bytes"], one["text_lines"]), "the text has another length")
        able("text/text.salt" in self.names, "no salt was handed over for the root of the lines; the digests hold")
        salt = self.read("text/text.salt")
        salts = (hmac.new(salt, number.to_bytes(8, "big"), "sha256").digest() for number in range(len(lines)))
        row = [sha256(b"\0" + next(salts) + line) for line in lines]
        while len(row) > 1:
            pairs = [node(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
            row = pairs + row[2 * len(pairs) :]
        need((row[0].hex() if row else None) == one["text_lines_root"], "the root of the lines is another")
        return f"{one['normaliser']}, {len(lines)} lines, SHA-256 {one['text_sha256']}, root {one['text_lines_root']}"

    def check_15_citation(self) -> str:
        """The citation record repeats these digests, times and proofs, and no others."""
        able("citation/citation.json" in self.names, "no citation record was handed over")
        told, one, found = parse(self.read("citation/citation.json")), self.statement, set()
        entry = sha256(self.line).hex()
        files = [
            ("statement (log entry)", {"sha256": entry, "bytes": len(self.line)}),
            ("capture.warc.gz", one["warc"]),
        ]
        files += [("file of an interrupted check", file) for file in one["partial"] or ()]
        files += [("decoded content", part["content"]) for part in one["parts"]]
        for last in (part["exchanges"][-1] for part in one["parts"] if part["exchanges"]):
            payload = {"sha256": last["payload_sha256"], "bytes": last["payload_bytes"]}
            files.append(("payload as transferred", payload))
        if "text/assessment.json" in self.names:
            made = parse(self.read("text/assessment.json"))
            text = {"sha256": made["text_sha256"], "bytes": made["text_bytes"]}
            files.append((f"text by the normaliser {made['normaliser']}", text))
        for name, file in files:
            kinds = [kind for kind in ("sha256", "sha512") if file and file.get(kind)]
            found |= {(name, f"sha-{kind[3:]}", file[kind], file["bytes"]) for kind in kinds}
        cited = {(item["object"], item["alg"], item["value"], item["bytes"]) for item in told["hashes"]}
        need(cited == found, "the citation has other digests")
        need((told["snapshot"], told["capture_ref"]) == (one["snapshot"], entry), "it cites another snapshot")
        if one["parts"] and (first := one["parts"][0]["content"]):
            name = base64.urlsafe_b64encode(bytes.fromhex(first["sha256"])).decode().rstrip("=")
            need(told["content_id"] == f"ni:///sha-256;{name}", "it names the content by another identifier")
        held = {sha256(self.read(name)).hex(): self.times.get(name) for name in self.like(r".*\.tsr")}
        stamps = {stamp["token_sha256"]: stamp["gen_time"] for stamp in told["timestamps"]}
        need(set(stamps) <= set(held), "the citation names a timestamp that is not in the bundle")
        need(all((held[token] or (0, at))[1] == at for token, at in stamps.items()), "the citation gives another time")
        proof, head = told["log"]["inclusion"], self.heads.get(PROOF)
        stated = proof and (proof["index"], proof["tree_size"], proof["root"], proof["checkpoint"])
        known = head and (one["seq"], head.size, head.root.hex(), head.note.decode())
        need(stated == known, "the citation has another proof than the bundle")
        able(all(held[token] for token in stamps), "a timestamp that the citation names could not be checked")
        return f"{len(cited)} digests, {len(stamps)} timestamps; {told['citation_id']}"

    def check_16_from_elsewhere(self) -> str:
        """The key and the roots came from somewhere other than the bundle."""
        missing = [] if self.outside_key else ["key"]
        missing += ["roots"] if self.like(r".*\.tsr") and not self.outside_roots else []
        able(not missing, f"the {' and '.join(missing)} came with the bundle (see --key, --root)")
        return ", root ".join([f"key {sha256(self.key.der).hex()}", *(sha256(one).hex() for one in self.outside_roots)])


def verdict_of(check: Callable[[], str]) -> tuple[str, str]:
    """Make one check; return its verdict and the reason."""
    try:
        return "pass", check()
    except Fails as error:
        return "fail", str(error)
    except NotDone as error:
        return "not checked", str(error)
    except Exception as error:  # noqa: BLE001  whatever a bundle makes the reading stumble over is its fault
        return "fail", f"it cannot be read: {type(error).__name__}: {error}"


def verify(bundle: Path, scratch: Path, key: str | None, roots: list[bytes]) -> list[dict[str, Any]]:
    """Make every check of a bundle, in a folder for what is unpacked and written on the way."""
    names: list[str] = []
    (scratch / "members").mkdir()

    def check_01_container() -> str:
        """The zip, or the folder, holds plain files with plain names, within ceilings, and nothing else."""
        names.extend(survey(bundle) if bundle.is_dir() else unpack(bundle, scratch / "members"))
        return f"{len(names)} members" if bundle.is_dir() else f"{len(names)} members, zip {digest_of(bundle)}"

    made = [(check_01_container, *verdict_of(check_01_container))]
    opened = Bundle(bundle if bundle.is_dir() else scratch / "members", names, scratch, key, roots)
    for name in sorted(dir(Bundle)):
        if name.startswith("check_") and made[0][1] == "pass":
            made.append((getattr(opened, name), *verdict_of(getattr(opened, name))))
    return [
        {
            "number": int(check.__name__[6:8]),
            "name": check.__name__[9:].replace("_", " "),
            "promise": check.__doc__,
            "verdict": verdict,
            "reason": "".join(character if character.isprintable() else "?" for character in reason),
        }
        for check, verdict, reason in made
    ]


def main() -> int:
    """Read the command line, make the checks, print them; return the exit code."""
    arguments = argparse.ArgumentParser(description="Checks an evidence bundle.")
    arguments.add_argument("bundle", type=Path)
    arguments.add_argument("--key", help="public key of the log, from elsewhere: PEM file, verifier key or its file")
    arguments.add_argument("--root", type=Path, action="append", default=[], help="PEM file, from elsewhere")
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    try:
        key = Path(given.key).read_text("utf-8") if given.key and Path(given.key).is_file() else given.key
        need(key is None or key_from(key, "x"), "the key cannot be read")
        roots = [one for path in given.root for one in certificates(path)]
        need(roots or not given.root, "no certificate is in the files named with --root")
        given.bundle.stat()
    except (OSError, ValueError, Fails) as error:
        arguments.error(str(error))
    with tempfile.TemporaryDirectory(prefix="verify-") as scratch:
        checks = verify(given.bundle, Path(scratch), key, roots)
    verdicts = {check["verdict"] for check in checks}
    result = "fail" if "fail" in verdicts else "not all checked" if "not checked" in verdicts else "pass"
    if given.json:
        said = [json.dumps({"result": result, "checks": checks, "never_checked": NOT_CHECKED}, indent=1)]
    else:
        said = ["{number:2}  {verdict:11}  {name}: {promise}\n{_:17}{reason}".format(_="", **check) for check in checks]
        said += ["\nNot checked by this program:", *(f" - {one}" for one in NOT_CHECKED), f"\nResult: {result}"]
    sys.stdout.write("\n".join(said) + "\n")
    return {"pass": 0, "fail": 1}.get(result, 3)


if __name__ == "__main__":
    sys.exit(main())
