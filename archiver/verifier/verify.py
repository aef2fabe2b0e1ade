"""Checks an evidence bundle with the Python standard library and the ``openssl`` program (3.0 or newer), nothing else.

    python3 verify.py BUNDLE.zip|FOLDER [--key KEY] [--root ROOT.pem ...] [--witness KEY ...] [--json]
KEY is the public key of the log or of a witness (a PEM file, or a verifier key as text or file), ROOT a file with roots
of timestamp authorities, all from elsewhere. Without them the bundle's own are used; check 16 says so: its parts fit
together, but who made them is open. Exit code: 0 all passed, 1 one failed, 2 wrong usage, 3 some not checked.
"""

from __future__ import annotations

import argparse
import base64
import email
import hmac
import json
import re
import shutil
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections import namedtuple
from functools import cached_property
from hashlib import new, sha256, sha512
from pathlib import Path
from typing import Any

MEMBERS, TOTAL, RATIO = 10_000, 1 << 32, 200  # most members, bytes unpacked, growth of a member of more than 1 MiB
AT_ONCE, LINE = 1 << 29, 1 << 26  # most bytes of what has to be in memory as a whole, and of a line of the journal
SUMS, STATEMENT, PROOF = "SHA256SUMS", "snapshot/statement.json", "snapshot/statement.tlog-proof"
WARC, EXTRACT, NEWEST = "snapshot/capture.warc.gz", "journal/extract.jsonl", "log/checkpoint"
ASSESSMENT, CITATION, FAIL, OPEN = "text/assessment.json", "citation/citation.json", "fail", "not checked"
HASH = "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="  # 32 bytes in base64, in its one form
OVER = r"(snapshot/(statement|checkpoint)\.|stamps/\d+/).*tsr"  # the timestamps over the statement or a checkpoint
NOT_CHECKED = (
    "whether a certificate of a timestamp authority was revoked, its clock wrong, or others were shown another log",
    "whether the machine really fetched these bytes from that address, and what other readers were shown",
    "the web server's own certificates (in the WARC file); whether the text says what a reader of the page sees",
    "log/consistency.json, PROCESS.txt, journal lines given as an entry alone; of referents all but the payload",
    "the rest of citation.json, and every other citation; what anything means, in law or otherwise",
)
Key = namedtuple("Key", "name der hint")  # of a log; `hint`: the four bytes that name it in a signed note
Checkpoint = namedtuple("Checkpoint", "note text origin size root signatures")  # `text`: what of the note is signed


class Outcome(Exception):
    """A check that did not pass: its verdict, and the reason."""


def need(holds: Any, otherwise: str, verdict: str = FAIL) -> Any:
    """Go on, with what was given, only where it holds."""
    if not holds:
        raise Outcome(verdict, otherwise)
    return holds


def digest_of(path: Path, kind: str = "sha256") -> str:
    """Return the digest of a file, which may be large, in hexadecimal."""
    found = new(kind)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest()


def parse(text: bytes) -> Any:
    """Read JSON without fractions and without a key twice; keys come in RFC 8785's order, by their UTF-16 units."""

    def whole(digits: str) -> int:
        need(re.fullmatch("-?[0-9]{1,16}", digits) and abs(int(digits)) < 1 << 53, "a number is out of range")
        return int(digits)

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        need(len(dict(found)) == len(found), "a key stands twice")
        return dict(sorted(found, key=lambda pair: pair[0].encode("utf-16-be")))

    need(len(text) <= LINE, "a JSON text is too long")
    return json.loads(text.decode(), parse_int=whole, parse_float=whole, parse_constant=whole, object_pairs_hook=pairs)


def statement_of(line: bytes) -> Any:
    """Read a line of the journal, which has to be one canonical JSON object (RFC 8785) and a line feed."""
    value = parse(line)
    again = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    return need(again == line and isinstance(value, dict) and value, "a statement is not a line of canonical JSON")


def key_from(text: str, name: str, kind: bytes = b"\1") -> Key:
    """Read an Ed25519 public key (1: of a log, 4: of a witness) in PEM, or NAME+HINT+BASE64 (C2SP signed-note)."""
    hint, head = None, bytes.fromhex("302a300506032b6570032100")
    if "-----BEGIN PUBLIC KEY-----" in text:
        data = base64.b64decode(text.split("-----")[2])
    else:
        name, hint, encoded = text.strip().split("+", 2)
        data = re.sub(b"^" + kind, head, base64.b64decode(encoded, validate=True))
    key = Key(name, data, sha256(name.encode() + b"\n" + kind + data[-32:]).digest()[:4])
    need(len(data) == 44 and data.startswith(head) and hint in (None, key.hint.hex()), "a key is not of Ed25519")
    return key


def certificates(path: Path) -> list[str]:
    """Read the certificates of a PEM file; each comes as PEM in its one form."""
    found = re.findall("-----BEGIN CERT[^-]*-----[^-]*-----END CERT[^-]*-----", path.read_text("ascii", "replace"))
    return [ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(one)) for one in found]


def checkpoint_of(note: bytes) -> Checkpoint:
    """Read a checkpoint (C2SP tlog-checkpoint, in a signed note)."""
    form = rf"((.+)\n(0|[1-9][0-9]{{0,15}})\n({HASH})\n)\n((?:— [^ +\n]+ [A-Za-z0-9+/]+={{0,2}}\n)+)"
    text, origin, size, root, below = need(re.fullmatch(form, note.decode()), "a checkpoint is malformed").groups()
    signatures = [(line.split(" ")[1], base64.b64decode(line.split(" ")[2])) for line in below.splitlines()]
    return Checkpoint(note, text.encode(), origin, int(size), base64.b64decode(root), signatures)


def root_of(row: list[bytes]) -> bytes:
    """Return the root of a Merkle tree with these leaf hashes (RFC 9162, 2.1.1)."""
    while len(row) > 1:
        pairs = [sha256(b"\1" + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)]
        row = pairs + row[2 * len(pairs) :]
    return row[0]


def folded(found: bytes, at: int, size: int, siblings: list[bytes]) -> bytes:
    """Return the root that a leaf hash, its place in a tree and the hashes beside it lead to (RFC 9162, 2.1.3.2)."""
    need(0 <= at < size, "the checkpoint does not cover the statement")
    both = (at ^ (size - 1)).bit_length()  # so far up hashes stand on either side, above on the left alone
    need(len(siblings) == both + bin(at >> both).count("1"), "the proof is too long, or too short")
    for level, sibling in enumerate(siblings):
        left = level >= both or at >> level & 1
        found = sha256(b"\1" + (sibling + found if left else found + sibling)).digest()
    return found


def inflated(data: bytes, window: int, room: int = AT_ONCE) -> tuple[bytes, bytes]:
    """Return what one compressed stream holds, and the bytes after it."""
    stream = zlib.decompressobj(window)
    found = stream.decompress(data, room + 1)
    need(len(found) <= room and stream.eof, "a compressed stream is cut, or too large")
    return found, stream.unused_data


def decoded(body: bytes, coding: str) -> bytes:
    """Take off one transfer coding (RFC 9112, 7.1) or content coding (RFC 9110, 8.4.1)."""
    need(coding in ("chunked", "deflate", "gzip", "x-gzip"), f"the coding {coding} is not read here", OPEN)
    if coding == "chunked":
        parts, at, size = [], 0, 1
        while size:
            head = need(re.compile(rb"([0-9A-Fa-f]{1,15})[^\n]{0,8192}\n").match(body, at), "a chunk has no size")
            size, at = int(head[1], 16), head.end()
            need(at + size <= len(body), "a chunk is cut")
            parts.append(body[at : at + size])
            at += size + (2 if body.startswith(b"\r\n", at + size) else 1)
        return b"".join(parts)
    wrapped = body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0  # some servers deflate without a frame
    whole, rest = inflated(body, (15 if wrapped else -15) if coding == "deflate" else 31)
    while coding != "deflate" and rest.startswith(b"\x1f\x8b"):
        part, rest = inflated(rest, 31, AT_ONCE - len(whole))
        whole += part
    return whole


class Bundle:
    """A bundle, and what it is held against; each check returns its reason to pass."""

    def __init__(self, bundle: Path, scratch: Path, key: str | None, roots: list[str], *witnesses: bytes) -> None:
        self.bundle, self.scratch, self.outside_key, self.outside_roots = bundle, scratch, key, roots
        self.witnesses = witnesses
        self.folder, self.names = (bundle if bundle.is_dir() else scratch / "members"), list[str]()
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
    def statement(self) -> Any:
        """The statement of the capture, a line of the journal, read."""
        return statement_of(self.read(STATEMENT))

    @cached_property
    def key(self) -> Key:
        """The public key that counts: the one given, else the bundle's."""
        return key_from(self.outside_key or self.read("keys/log.vkey").decode(), self.statement["origin"])

    @cached_property
    def heads(self) -> dict[str, Checkpoint]:
        """Every checkpoint of the bundle, by the name of the member that holds it."""
        names = (NEWEST, *self.like(rf"stamps/\d+/checkpoint|{PROOF}"))  # a proof ends with its checkpoint
        return {name: checkpoint_of(self.read(name).split(b"\n\n", name == PROOF)[-1]) for name in names}

    @cached_property
    def journal(self) -> tuple[list[bytes], dict[int, bytes]]:
        """The extract: the entry of every line, and the lines that are given in full."""
        entries, lines, origin = list[bytes](), dict[int, bytes](), self.statement["origin"]
        with self.path(EXTRACT).open("rb") as file:
            while line := file.readline(LINE):
                seq, short = len(entries), re.fullmatch(rb'{"entry":"([0-9a-f]{64})","seq":(\d{1,16})}\n', line)
                one = {"origin": origin, "seq": int(short[2])} if short else statement_of(line)
                need((one["origin"], one["seq"]) == (origin, seq), f"line {seq} of the extract is another statement")
                entries.append(bytes.fromhex(short[1].decode()) if short else sha256(line).digest())
                lines.update({} if short else {seq: line})
        return entries, lines

    def stated(self, kind: str) -> list[Any]:
        """Return the statements of one kind that the extract gives in full."""
        return [one for one in map(parse, self.journal[1].values()) if one["kind"] == kind]

    def record(self, name: str, place: Any) -> tuple[Any, bytes]:
        """Read the WARC record that is the gzip member at a place of a member: its fields and its block."""
        with self.path(name).open("rb") as file:
            file.seek(place["offset"])
            unpacked, rest = inflated(file.read(place["length"]), 31)
        head, _, block = unpacked.partition(b"\r\n\r\n")
        fields = email.message_from_string(head.decode().partition("\r\n")[2])
        ends = fields.get_all("Content-Length") == [str(len(block) - 4)] and block.endswith(b"\r\n\r\n")
        need(head.startswith(b"WARC/1.1\r\n") and ends and not rest, "a gzip member is not one whole WARC record")
        return fields, block[:-4]

    def openssl(self, what: str, expected: str, *words: str | Path | bytes) -> str:
        """Run openssl, bytes being put into files; return what it says, which has to hold what is expected."""
        need(shutil.which("openssl"), "the program openssl is not installed", OPEN)
        files = {data: self.scratch / sha256(data).hexdigest() for data in words if isinstance(data, bytes)}
        for data, path in files.items():
            path.write_bytes(data)
        command = ["openssl", *(str(files[word] if isinstance(word, bytes) else word) for word in words)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120, check=False)
        said = done.stdout + done.stderr
        need("nknown option" not in said and "Invalid command" not in said, "openssl 3.0 or newer is needed", OPEN)
        reasons = re.findall(r"(?:lookup|Verify error|routines:\w+): ?([^:\n]+)", said) or [said.strip()[-150:]]
        need(done.returncode == 0 and expected in said, f"{what}: {reasons[-1]}")
        return said

    def signed(self, what: str, data: bytes, signature: bytes, key: Key | None = None) -> None:
        """Check an Ed25519 signature of the log's key, or of another one."""
        words = ("-pubin", "-keyform", "DER", "-inkey", (key or self.key).der, "-in", data, "-sigfile", signature)
        self.openssl(what, "Verified Successfully", "pkeyutl", "-verify", "-rawin", *words)

    def time_of(self, name: str) -> tuple[int, str]:
        """Return the time of an RFC 3161 reply, in seconds and as text; it has to be granted, and written in DER."""
        said = self.openssl(name, "Status", "ts", "-reply", "-in", self.path(name), "-text")
        lines = re.findall("^(?:Status|Failure info|Hash Algorithm|Time stamp): (.*)$", said, re.MULTILINE)
        form = r"Granted\.\nunspecified\nsha(?:256|384|512)\n(.{15})(\.\d*[1-9]|)( \d{4} GMT)"
        told = need(re.fullmatch(form, "\n".join(lines)), f"{name} was not granted, or is of an unusual form: {lines}")
        epoch, data, again = ssl.cert_time_to_seconds(told[1] + told[3]), self.read(name), self.scratch / "again"
        digits = time.strftime("%Y%m%d%H%M%S", time.gmtime(epoch)) + told[2] + "Z"
        self.openssl(name, "", "ts", "-reply", "-in", self.path(name), "-out", again)
        need(again.read_bytes() == data and b"\x18%c%b" % (len(digits), digits.encode()) in data, f"{name} is not DER")
        return epoch, re.sub("^(....)(..)(..)(..)(..)", r"\1-\2-\3T\4:\5:", digits)

    def tokens(self, pattern: str) -> str:
        """Check the timestamps whose names have a form, each at its own time, with its chain up to its root."""
        for name in self.like(pattern):
            stem, beside = name[: -len(".tsr")], self.path(name[: -len("tsr")] + "chain.pem")
            chain, (epoch, at) = certificates(beside), self.time_of(name)
            members = {SUMS: SUMS, "snapshot/statement": STATEMENT, "snapshot/before": f"{stem}.subject"}
            over = members.get(name.split(".")[0], f"{name.rpartition('/')[0]}/checkpoint")
            data = self.heads[PROOF].note if name.startswith("snapshot/checkpoint.") else self.read(over)
            need(chain and beside.read_bytes() == "".join(chain).encode(), f"{stem}.chain.pem is not plain PEM")
            upto = ("-CAfile", chain[-1].encode(), "-untrusted", beside, "-attime", str(epoch), "-check_ss_sig")
            self.openssl(name, "Verification: OK", "ts", "-verify", "-data", data, "-in", self.path(name), *upto)
            self.openssl(name, ": OK", "verify", "-purpose", "timestampsign", *upto, chain[0].encode())
            authority = re.sub(r"\.\d+$", "", stem).replace("/", ".").split(".")[-1]
            known = self.outside_roots or certificates(self.path(f"roots/{authority}.pem"))
            need(chain[-1] in known or self.outside_roots, f"{name} does not lead to roots/{authority}.pem")
            self.times.update({name: (epoch, at)} if chain[-1] in known else {})
        strangers = [name for name in self.like(pattern) if name not in self.times]
        need(not strangers, f"none of the roots given is that of {', '.join(strangers)}", OPEN)
        return ", ".join(need([f"{n} {self.times[n][1]}" for n in self.like(pattern)], "there is no timestamp", OPEN))

    def admit(self, names: list[str]) -> None:
        """Refuse names that leave their folder, are there twice, or differ in upper and lower case alone."""
        need(0 < len(names) <= MEMBERS, f"{len(names)} members; there may be 1 to {MEMBERS}")
        for name in names:
            parts = [re.fullmatch("[A-Za-z0-9_-][A-Za-z0-9._-]*", part) for part in name.split("/")]
            need(all(parts) and len(name) < 200, f"a member is named {name[:80]!r}, no plain path in a folder")
        lower = {name.lower() for name in names}
        need(len(lower) == len(names), "two members have the same name")
        need(not lower & {str(up) for name in lower for up in Path(name).parents}, "a member is named like a folder")
        self.names = names

    def check_01_container(self) -> str:
        """The zip, or the folder, holds plain files with plain names, within ceilings, and nothing else."""
        if self.folder == self.bundle:
            found = [path for path in self.folder.rglob("*") if path.is_symlink() or not path.is_dir()]
            for path in found:
                need(path.is_file() and not path.is_symlink(), f"{path.name} is a symbolic link, or no plain file")
            self.admit([path.relative_to(self.folder).as_posix() for path in found])
            return f"{len(found)} members"
        with self.bundle.open("rb") as raw, zipfile.ZipFile(raw) as archive:
            members, at = sorted(archive.infolist(), key=lambda one: one.header_offset), 0
            self.admit([one.orig_filename for one in members])
            need(sum(one.file_size for one in members) <= TOTAL, "the members are too large together")
            for one in members:
                name, kind = one.filename, one.external_attr >> 28  # 8: a file, 10: a link, 0: not said
                need(kind in (0, 8), f"{name} is {'a symbolic link' if kind == 10 else 'no plain file'}")
                need(not one.flag_bits & 0x2049 and one.compress_type in (0, 8), f"{name}: encrypted, or packed oddly")
                need(one.file_size <= max(1 << 20, RATIO * one.compress_size), f"{name} grows too much when unpacked")
                need(one.header_offset == at, f"bytes before {name} belong to no member")
                raw.seek(at)
                _, _, *packing, _, _, crc, packed, size, length, extra = struct.unpack("<4s5H3I2H", raw.read(30))
                listed = [one.flag_bits, one.compress_type, one.CRC, one.compress_size, one.file_size]
                need([*packing, crc, packed, size] == listed, f"{name} is listed otherwise than it lies")
                at += 30 + length + extra + one.compress_size
            raw.seek(at)
            end = raw.read(AT_ONCE)
            need((end[:4], end[-22:-18]) == (b"PK\1\2", b"PK\5\6"), "bytes after the last member belong to none")
            archive.extractall(self.folder)  # compares names and checksums, writes no more than the directory says
        return f"{len(self.names)} members, zip {digest_of(self.bundle)}"

    def check_02_every_member(self) -> str:
        """SHA256SUMS lists every member, and nothing else, each with its digest."""
        listed = dict(line.split("  ", 1)[::-1] for line in self.read(SUMS).decode().splitlines())
        need(len(listed) == self.read(SUMS).count(b"\n"), f"{SUMS} lists a member twice")
        tokens = self.like(rf"{SUMS}\.[A-Za-z0-9_-]+(\.\d+)?\.tsr")
        apart = {SUMS, f"{SUMS}.sig", *tokens, *(f"{name[:-4]}.chain.pem" for name in tokens)}
        gone, more = sorted(set(listed) - set(self.names)), sorted(set(self.names) - set(listed) - apart)
        told = [f"missing: {', '.join(gone)}"] * bool(gone) + [f"not listed in {SUMS}: {', '.join(more)}"] * bool(more)
        need(not told, "; there instead, and ".join(told))
        for name, digest in listed.items():
            need(digest_of(self.path(name)) == digest, f"{name} has another digest than {SUMS} says")
        return f"{len(listed)} members; SHA-256 of {SUMS}: {sha256(self.read(SUMS)).hexdigest()}"

    def check_03_signature_of_sums(self) -> str:
        """SHA256SUMS is signed with the log's key."""
        need(f"{SUMS}.sig" in self.names, f"{SUMS} is not signed", OPEN)
        self.signed(SUMS, self.read(SUMS), self.read(f"{SUMS}.sig"))
        return f"Ed25519, SHA-256 of the key: {sha256(self.key.der).hexdigest()}"

    def check_04_timestamps_of_sums(self) -> str:
        """Outside authorities give a time at which SHA256SUMS existed."""
        return self.tokens(rf"{SUMS}\..*tsr")

    def check_05_statement(self) -> str:
        """The statement is canonical, of this snapshot, and the very line that the journal has."""
        one = self.statement
        need(one["v"] == 1 and one["kind"] == "capture", "the statement is not of a capture, version 1")
        need(one["snapshot"].endswith(f"-S-{one['seq']:08d}"), "the snapshot is named by another number")
        need(self.journal[1].get(one["seq"]) == self.read(STATEMENT), "the journal has another line")
        return f"{one['snapshot']}, entry {sha256(self.read(STATEMENT)).hexdigest()}"

    def check_06_files(self) -> str:
        """The files of the snapshot are those that the statement names."""
        stated = {f"snapshot/{one['name']}": one for one in self.statement["partial"] or ()}
        stated.update({WARC: self.statement["warc"]} if self.statement["warc"] else {})
        for name, one in stated.items():
            need(self.path(name).stat().st_size == one["bytes"], f"{name} has another length than stated")
            for kind in {"sha256", "sha512"} & set(one):
                need(digest_of(self.path(name), kind) == one[kind], f"{name} has another {kind} than stated")
        usual = r"statement\.(json|tlog-proof)|(statement|checkpoint|before)\.[\w.-]+\.(tsr|chain\.pem|subject|cosig)"
        strange = set(self.like("snapshot/.*")) - set(self.like(f"snapshot/({usual})")) - set(stated)
        need(not strange, f"not stated: {', '.join(sorted(strange))}")
        return ", ".join(f"{name}: {one['bytes']} bytes, SHA-256 {one['sha256']}" for name, one in stated.items())

    def check_07_warc_records(self) -> str:
        """Every record of the WARC is as itself and the statement say, and the exchanges are those records."""
        need(self.statement["warc"], "the check left no WARC file", OPEN)
        records, at, targets = self.statement["warc"]["records"], 0, {}
        for one in records:
            need(one["offset"] == at, "the records do not follow one another")
            fields, block = self.record(WARC, one)
            at, payload = at + one["length"], one["payload_sha256"]
            told = [fields.get_all(f"warc-{name}") for name in ("record-id", "type", "block-digest", "payload-digest")]
            stated = [[one["id"]], [one["type"]], [f"sha256:{one['block_sha256']}"]]
            need(told == [*stated, [f"sha256:{payload}"] if payload else None], f"{one['id']} is another record")
            need(sha256(block).hexdigest() == one["block_sha256"], f"the block of {one['id']} has another digest")
            body = block.partition(b"\r\n\r\n")[2] if payload and one["type"] == "response" else None
            need(body is None or sha256(body).hexdigest() == payload, f"the payload of {one['id']} has another digest")
            targets[one["id"]] = fields.get_all("warc-target-uri")
        need(at == self.statement["warc"]["bytes"], "the WARC file has more than the stated records")
        sent = {one["block_sha256"] for one in records if one["type"] == "request"}
        for hop in (hop for part in self.statement["parts"] for hop in part["exchanges"]):
            need(not hop["record"] or targets[hop["record"]] == [hop["url"]], f"the WARC has no record of {hop['url']}")
            need(not hop["request_bytes"] or hop["request_sha256"] in sent, f"not in the WARC: request of {hop['url']}")
        return f"{len(records)} records, each at its place, with its digests; addresses and requests as stated"

    def check_08_content(self) -> str:
        """Each page's body, chunks and codings taken off, has the digests stated; a revisit's lies in its referent."""
        reasons = []
        for part in (part for part in self.statement["parts"] if part["content"]):
            last, stated, folder, holder = part["exchanges"][-1], part["content"], "snapshot", self.statement
            url, name, revisit = last["url"], last["record"], last["revisit"]
            if revisit:
                folder = f"referents/{holder['snapshot'].rsplit('-S-', 1)[0]}-S-{revisit['seq']:08d}"
                line, name = self.read(f"{folder}/statement.json"), revisit["record"]
                known, holder = self.journal[0][revisit["seq"]] == sha256(line).digest(), statement_of(line)
                same = digest_of(self.path(f"{folder}/capture.warc.gz")) == holder["warc"]["sha256"]
                need(known and same, f"{folder} has another statement than the journal, or another WARC than stated")
            (place,) = (record for record in holder["warc"]["records"] if record["id"] == name)
            body = self.record(f"{folder}/capture.warc.gz", place)[1].partition(b"\r\n\r\n")[2]
            need(sha256(body).hexdigest() == last["payload_sha256"], f"the payload of {url} has another digest")
            for coding in (["chunked"] if last["framing"] == "chunked" else []) + stated["coding"]:
                body = decoded(body, coding)
            found = {"sha256": sha256(body).hexdigest(), "sha512": sha512(body).hexdigest(), "bytes": len(body)}
            need(found.items() <= stated.items(), f"the content of {url} has other digests")
            reasons.append(f"{url}: {len(body)} bytes, SHA-256 {found['sha256']}")
        return ", ".join(need(reasons, "the statement names no content", OPEN))

    def check_09_inclusion(self) -> str:
        """The proof leads from the statement to the root of the checkpoint (RFC 9162, 2.1.3.2; C2SP tlog-proof)."""
        need(PROOF in self.names, "there is no proof: no stamped checkpoint covers the statement yet", OPEN)
        first, *lines = self.read(PROOF).partition(b"\n\n")[0].decode().split("\n")
        head, seq = self.heads[PROOF], self.statement["seq"]
        need(first == "c2sp.org/tlog-proof@v1" and lines[0] == f"index {seq}", "the proof is for another statement")
        leaf = sha256(b"\0" + sha256(self.read(STATEMENT)).digest()).digest()
        hashes = [need(re.fullmatch(HASH, line), "a hash of the proof is malformed")[0] for line in lines[1:]]
        found = folded(leaf, seq, head.size, [base64.b64decode(one) for one in hashes])
        need(found == head.root, "the proof does not lead to the checkpoint's root")
        return f"statement {seq} of {head.size}, root {found.hex()}"

    def check_10_checkpoints(self) -> str:
        """Every checkpoint is signed with the log's key (C2SP signed-note)."""
        for name, head in self.heads.items():
            need(head.origin == self.statement["origin"] == self.key.name, f"{name} is of another log")
            ours = [found[4:] for by, found in head.signatures if (by, found[:4]) == (head.origin, self.key.hint)]
            need(len(ours) == 1, f"{name} is not signed with this key")
            self.signed(name, head.text, ours[0])
        beside = [self.read(name).decode() for name in ("keys/log.vkey", "keys/log.pub.pem")]
        need({key_from(text, self.key.name) for text in beside} == {self.key}, "another key lies in keys/")
        return f"{len(self.heads)} of {self.key.name}, SHA-256 of the key: {sha256(self.key.der).hexdigest()}"

    def check_11_journal(self) -> str:
        """The extract leads to the newest checkpoint, and to every older one of the bundle."""
        entries, lines = self.journal
        sizes = [self.heads[NEWEST].size, max(head.size for head in self.heads.values())]
        need(sizes == [len(entries)] * 2, f"the extract does not end where {NEWEST} does")
        leaves = [sha256(b"\0" + entry).digest() for entry in entries]
        for name, head in self.heads.items():
            need(root_of(leaves[: head.size]) == head.root, f"the journal does not lead to the root of {name}")
        named = {one["spki_sha256"] for one in self.stated("key")}
        need(named <= {sha256(self.key.der).hexdigest()}, "the journal names another key")
        return f"{len(entries)} statements, {len(lines)} in full, lead to the roots of {len(self.heads)} checkpoints"

    def check_12_timestamps(self) -> str:
        """Outside authorities give a time at which the statement, or a checkpoint that covers it, existed."""
        for name, head in self.heads.items():
            need(head.size > self.statement["seq"], f"{name} does not cover the statement")
        held, known = self.tokens(OVER), {one.get("token_sha256") for one in self.stated("stamp")}
        unknown = [name for name in self.like(OVER) if digest_of(self.path(name)) not in known]
        return held + (f"; not in the extract: {', '.join(unknown)}" if unknown else "")

    def check_13_bracket(self) -> str:
        """The timestamp that the statement names as known before it holds, and is not later than one over it."""
        before, names = self.statement["before"], self.like(r"snapshot/before\..*")
        need(before or not names, "there is a timestamp from before the statement, which names none")
        if not before:
            return "the statement names no timestamp from before it: there is no earliest time"
        need(names or PROOF in self.names, "it is added with the first timestamp over the statement: none yet", OPEN)
        stem = f"snapshot/before.{before['authority']}"
        need(digest_of(self.path(f"{stem}.tsr")) == before["token_sha256"], "the statement names another token")
        need(digest_of(self.path(f"{stem}.subject")) == before["subject_sha256"], "the token is over something else")
        self.tokens(r"snapshot/before\..*tsr")
        late = sorted((epoch, at.rstrip("Z")) for name, (epoch, at) in self.times.items() if re.fullmatch(OVER, name))
        early, at = self.times[f"{stem}.tsr"]
        need(at == before["gen_time"], "the statement names another time")
        need(late, f"no timestamp over the statement holds; the one from before it says {at}", OPEN)
        need(early <= late[0][0] + 1, "the timestamp from before is later than one over the statement")
        return f"the record was sealed between {at} and {late[0][1]}Z"

    def check_14_text(self) -> str:
        """The text, its lines and its links are those of the newest assessment, which is a line of the journal."""
        need(ASSESSMENT in self.names, "no assessment of the snapshot was handed over", OPEN)
        line, seq, entry = self.read(ASSESSMENT), self.statement["seq"], sha256(self.read(STATEMENT)).hexdigest()
        one = statement_of(line)
        need(self.journal[1].get(one["seq"]) == line, "the journal has another line")
        need((one["capture_seq"], one["capture_entry"]) == (seq, entry), "it is of another snapshot")
        later = [a for a in self.stated("assessment") if a["capture_seq"] == seq and a["seq"] > one["seq"]]
        need(not later, "the journal has a newer assessment")
        if one["links_sha256"] is None:
            return f"the assessment, {one['normaliser']}, made no text of its own; verdict: {one['verdict']}"
        need("text/text.md" in self.names, "the text was not handed over", OPEN)
        text, links = self.read("text/text.md"), self.read("text/links.jsonl") if one["links"] else b""
        found = {"text_sha256": sha256(text), "text_sha512": sha512(text), "links_sha256": sha256(links)}
        need(all(one[kind] == made.hexdigest() for kind, made in found.items()), "text or links have another digest")
        lines = text.split(b"\n")[:-1]
        need((len(text), len(lines)) == (one["text_bytes"], one["text_lines"]), "the text has another length")
        need("text/text.salt" in self.names, "the digests hold; no salt is here for the root of the lines", OPEN)
        seed, row = self.read("text/text.salt"), []
        for number, line in enumerate(lines):
            row.append(sha256(b"\0" + hmac.digest(seed, number.to_bytes(8, "big"), "sha256") + line).digest())
        need((root_of(row).hex() if row else None) == one["text_lines_root"], "the root of the lines is another")
        return f"{one['normaliser']}, {len(lines)} lines, SHA-256 {one['text_sha256']}, root {one['text_lines_root']}"

    def check_15_citation(self) -> str:
        """The citation record repeats these digests, times and proofs, and no others."""
        need(CITATION in self.names, "no citation record was handed over", OPEN)
        told, one, line = parse(self.read(CITATION)), self.statement, self.read(STATEMENT)
        entry = sha256(line).hexdigest()
        files = [("statement (log entry)", {"sha256": entry, "bytes": len(line)}), ("capture.warc.gz", one["warc"])]
        files += [("file of an interrupted check", file) for file in one["partial"] or ()]
        files += [("decoded content", part["content"]) for part in one["parts"]]
        ends = [part["exchanges"][-1] for part in one["parts"] if part["exchanges"]]
        files += [("payload as transferred", {k[8:]: e[k] for k in ("payload_sha256", "payload_bytes")}) for e in ends]
        made = parse(self.read(ASSESSMENT)) if ASSESSMENT in self.names else {}
        text = {"sha256": made.get("text_sha256"), "bytes": made.get("text_bytes")}
        files.append((f"text by the normaliser {made.get('normaliser')}", text))
        digests = [(name, file, bits) for name, file in files for bits in (256, 512) if file and file.get(f"sha{bits}")]
        found = {(name, f"sha-{bits}", file[f"sha{bits}"], file["bytes"]) for name, file, bits in digests}
        cited = {(item["object"], item["alg"], item["value"], item["bytes"]) for item in told["hashes"]}
        need(cited == found, "the citation has other digests")
        need((told["snapshot"], told["capture_ref"]) == (one["snapshot"], entry), "it cites another snapshot")
        if one["parts"] and (first := one["parts"][0]["content"]):
            name = base64.urlsafe_b64encode(bytes.fromhex(first["sha256"])).decode().rstrip("=")
            need(told["content_id"] == f"ni:///sha-256;{name}", "it names the content by another identifier")
        held = {digest_of(self.path(name)): self.times.get(name) for name in self.like(r".*\.tsr")}
        stamps = {stamp["token_sha256"]: stamp["gen_time"] for stamp in told["timestamps"]}
        need(set(stamps) <= set(held), "the citation names a timestamp that is not in the bundle")
        need(all((held[token] or (0, at))[1] == at for token, at in stamps.items()), "the citation gives another time")
        proof, head = told["log"]["inclusion"], self.heads.get(PROOF) or self.heads[NEWEST]
        stated = proof and (proof["index"], proof["tree_size"], proof["root"], proof["checkpoint"])
        known = (one["seq"], head.size, head.root.hex(), head.note.decode())
        need(stated == known, "the citation has another proof than the bundle")
        need(all(held[token] for token in stamps), "a timestamp that the citation names could not be checked", OPEN)
        return f"{len(cited)} digests, {len(stamps)} timestamps; {told['citation_id']}"

    def check_16_from_elsewhere(self) -> str:
        """The key and the roots came from somewhere other than the bundle."""
        missing = [] if self.outside_key else ["key"]
        missing += ["roots"] if self.like(r".*\.tsr") and not self.outside_roots else []
        missing += ["witnesses"] if self.like(r"s.*\.cosig") and not self.witnesses else []
        need(not missing, f"the {' and '.join(missing)} came with the bundle (see --key, --root, --witness)", OPEN)
        found = [self.key.der, *map(ssl.PEM_cert_to_DER_cert, self.outside_roots)]
        return "key " + ", root ".join(sha256(one).hexdigest() for one in found)

    def check_17_cosignatures(self) -> str:
        """Witnesses signed a checkpoint over the statement; each saw no other history (C2SP tlog-cosignature)."""
        told, strangers, stamps = list[str](), list[str](), self.stated("stamp")
        for name in self.like(r"(snapshot|stamps/\d+)/.*\.cosig"):
            known = [one for one in stamps if one.get("cosignature_sha256") == digest_of(self.path(name))]
            one = need(known, f"the journal does not name {name}")[0]
            head = self.heads.get(f"{name.rpartition('/')[0]}/checkpoint") or self.heads[PROOF]
            by, data = checkpoint_of(head.note + self.read(name)).signatures[-1]
            beside = [self.read(f"keys/witness-{one['witness']}.{form}").decode() for form in ("vkey", "pub.pem")]
            key, *others = {key_from(text, by, b"\4") for text in (one["key"], *beside)}
            at = int.from_bytes(data[4:12], "big")
            signed = (key.name, key.hint, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)))
            need((by, data[:4], one["time"]) == signed and not others, f"{name} is of another key or time than stated")
            self.signed(name, b"cosignature/v1\ntime %d\n" % at + head.text, data[12:], key)
            (told if key.der in (self.witnesses or [key.der]) else strangers).append(f"{name}: {by} {one['time']}")
        need(not strangers, f"none of the witnesses' keys given is that of {', '.join(strangers)}", OPEN)
        return ", ".join(told) or "no witness signed one: nobody is known to have looked for a second history"


def verify(bundle: Path, scratch: Path, key: str | None, roots: list[str], *witnesses: bytes) -> list[dict[str, Any]]:
    """Make every check of a bundle, in a folder for what is unpacked and written on the way."""
    opened, made = Bundle(bundle, scratch, key, roots, *witnesses), list[dict[str, Any]]()
    for name in sorted(name for name in dir(Bundle) if name.startswith("check_")):
        check = getattr(opened, name)
        try:
            verdict, reason = "pass", check()
        except Outcome as outcome:
            verdict, reason = outcome.args
        except Exception as error:  # noqa: BLE001  whatever a bundle makes the reading stumble over is its fault
            verdict, reason = FAIL, f"it cannot be read: {type(error).__name__}: {error}"
        told = {"number": int(name[6:8]), "name": name[9:].replace("_", " "), "promise": check.__doc__}
        made.append({**told, "verdict": verdict, "reason": "".join(c if c.isprintable() else "?" for c in reason)})
        if made[0]["verdict"] != "pass":
            break  # nothing is read from a container that does not hold
    return made


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Checks an evidence bundle.")
    arguments.add_argument("bundle", type=Path)
    arguments.add_argument("--key", help="public key of the log, from elsewhere: PEM file, verifier key or its file")
    arguments.add_argument("--root", type=Path, action="append", default=[], help="PEM file, from elsewhere")
    arguments.add_argument("--witness", action="append", default=[], help="public key of a witness, likewise")
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    try:
        texts = [Path(k).read_text("utf-8") if Path(k).is_file() else k for k in (given.key or "", *given.witness)]
        keys = [key_from(text, "x", b"\4" if at else b"\1").der if text else b"" for at, text in enumerate(texts)]
        roots = [one for path in given.root for one in certificates(path)]
        need(roots or not given.root, "no certificate is in the files named with --root")
        given.bundle.stat()
    except (OSError, ValueError, Outcome) as error:
        arguments.error(str(error))
    with tempfile.TemporaryDirectory(prefix="verify-") as scratch:
        checks = verify(given.bundle, Path(scratch), texts[0] or None, roots, *keys[1:])
    verdicts = {check["verdict"] for check in checks}
    result = FAIL if FAIL in verdicts else "not all checked" if OPEN in verdicts else "pass"
    said = ["{number:2}  {verdict:11}  {name}: {promise}\n{_:17}{reason}".format(_="", **check) for check in checks]
    said += ["\nNot checked by this program:", *(f" - {one}" for one in NOT_CHECKED), f"\nResult: {result}"]
    whole = {"result": result, "checks": checks, "never_checked": NOT_CHECKED}
    sys.stdout.write((json.dumps(whole, indent=1) if given.json else "\n".join(said)) + "\n")
    sys.exit({"pass": 0, FAIL: 1}.get(result, 3))
