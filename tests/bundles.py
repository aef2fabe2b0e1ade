"""Bundles for tests: an archive with every kind of snapshot, the export of each, and a stranger with common tools.

The stranger's commands are those of VERIFY.txt, read from the text, in a folder of its own and an empty environment,
with a PATH on which nothing stands but the programs of the Debian packages that the text names.
"""

from __future__ import annotations

import os
import re
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from archiver.archive import Archive, open_archive
from archiver.dossier import dossier_of
from archiver.evidence.bundle_guide import commands_of
from archiver.evidence.bundle_zip import Member, directory, dos_moment, pack
from archiver.evidence.canonical import encode_line
from archiver.evidence.instant import format_instant
from archiver.exporting import Means, written
from archiver.key_file import read_key
from archiver.stamp.interface import StampFailure
from archiver.watch.entry import WatchEntry
from tests.simulators.archives import TERMS, Workshop, capture, look_for_revocations, small_archive, stamp_all
from tests.simulators.website import Close, Document
from tests.test_extract_pdf import pdf

ISSUED = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
PACKAGES = "coreutils openssl unzip jq gzip python3".split()
"""What VERIFY.txt names."""
BROUGHT_ALONG = ("python3-minimal",)
"""What Debian installs with these, and where their programs lie."""
PAPER = pdf([[(72, 700 - 20 * line, 11, "F1", words)] for line, words in enumerate(("Terms", "You may cancel."))])
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"".join(b"%x;name=value\r\n%b\r\n" % (len(piece), piece) for piece in (TERMS[:20], TERMS[20:21], TERMS[21:]))
    + b"0\r\n\r\n"
)
HALF = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9000\r\n\r\n" + TERMS
INTERRUPTED = "11111111-2222-4333-8444-555555555555"


def full_archive(shop: Workshop, root: Path) -> dict[str, str]:
    """Make an archive; return its snapshots by what is special about them.

    ``first`` has tokens over its statement and none before it, ``revisit`` refers to it, ``redirect`` is of a bare
    address, ``pages`` has two parts, ``pdf`` is of a PDF with its text, ``chunked`` and ``deflated`` are framed and
    coded so, ``failed`` was cut, ``blocked`` has a robots.txt alone, ``apart`` has tokens over two checkpoints,
    ``interrupted`` has partial files and no WARC, ``unstamped`` is under a checkpoint that nobody stamped.
    """
    first, revisit, redirect = small_archive(shop, root)
    shop.site.scripts |= {"/chunked": [CHUNKED], "/cut": [HALF, Close()]}
    deflated = Document(zlib.compress(TERMS), fields=(("Content-Encoding", "deflate"),))
    shop.site.documents |= {"/deflated": deflated, "/page": Document(TERMS.replace(b"fourteen", b"thirty"))}
    with shop.open(root) as operation:
        pages = tuple(shop.site.url(path) for path in ("/terms", "/page"))
        operation.watch("added", [(None, WatchEntry("Exämple \U0001f600", "Pages", pages, 3600))])
        (document,) = (w for w in operation.archive.watched() if w.entry.urls == pages)
        found: dict[int, str] = {}
        operation.capture(
            [operation.check_of(document, "scheduled")],
            lambda n, outcome: found.__setitem__(n, str(outcome.capture.body["snapshot"])),
        )
        operation.publish()
        stamp_all(operation)
    names = {"first": first, "revisit": revisit, "redirect": redirect, "pages": found[0], "pdf": _paper(shop, root)}
    for kind, path in {"chunked": "chunked", "deflated": "deflated", "failed": "cut", "blocked": "private/x"}.items():
        (outcome,) = shop.capture(root, [shop.site.url(f"/{path}")])
        names[kind] = str(outcome.capture.body["snapshot"])
    names["apart"] = _apart(shop, root)
    names["interrupted"] = _interrupted(shop, root)
    with shop.open(root) as operation:
        look_for_revocations(operation)  # nothing, where the authorities' certificates name nobody to ask
    (outcome,) = shop.capture(root, [shop.site.url("/terms?later")], stamp=False)
    names["unstamped"] = str(outcome.capture.body["snapshot"])
    return names


def _paper(shop: Workshop, root: Path) -> str:
    """A watched PDF, with the text that was read from it."""
    shop.site.documents["/paper"] = Document(PAPER, "application/pdf")
    url = shop.site.url("/paper")
    with shop.open(root) as operation:
        operation.watch("added", [(None, WatchEntry("Example", "Paper", (url,), 3600))])
    (outcome,) = shop.capture(root, [url])
    return str(outcome.capture.body["snapshot"])


def _apart(shop: Workshop, root: Path) -> str:
    """One authority stamps the first checkpoint over it, the other only a later one."""
    first, *others = shop.authorities
    with shop.open(root) as operation:
        (outcome,) = capture(operation, [shop.site.url("/terms?apart")])
        operation.publish()
        assert operation.stamp_step(first, at_once=True) is True
        operation.publish()
        for name in others:
            assert operation.stamp_step(name, at_once=True) is True
        stamp_all(operation)
    return str(outcome.capture.body["snapshot"])


def _interrupted(shop: Workshop, root: Path) -> str:
    """A check whose process died after some bytes had arrived."""
    url = shop.site.url("/never")
    intent = {
        "check": INTERRUPTED,
        "document": None,
        "watch_seq": None,
        "urls": [url],
        "trigger": "manual",
        "at": format_instant(datetime.now(UTC)),
    }
    (root / "staging" / f"intents-{INTERRUPTED}.jsonl").write_bytes(encode_line(intent))
    folder = root / "staging" / INTERRUPTED
    folder.mkdir()
    (folder / "capture.warc.gz").write_bytes(b"\x1f\x8b\x08 what had arrived")
    with shop.open(root) as operation:
        operation.publish()
        stamp_all(operation)
        row = operation.archive.index.row("select seq from capture where check_id = ?", (INTERRUPTED,))
        assert row is not None
        return operation.archive.snapshot_name(row["seq"])


@dataclass(frozen=True)
class Desk:
    """Exports from one archive, without the command line."""

    shop: Workshop
    root: Path

    @property
    def archive(self) -> Archive:
        return open_archive(self.root, environment=self.shop.environment)

    def export(
        self,
        snapshot: str,
        target: Path,
        *,
        issued: datetime = ISSUED,
        sign: bool = True,
        stampers: Mapping[str, Callable[[bytes], StampFailure]] | None = None,
    ) -> Path:
        """Write a bundle."""
        archive = self.archive
        key = read_key(archive.files, archive.origin, lambda: None) if sign else None
        with written(dossier_of(archive, snapshot, issued), target, Means(key, dict(stampers or {}))) as file:
            file.publish()
        return target


def programs_of(package: str) -> Iterable[Path]:
    """The programs of an installed Debian package."""
    done = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{package} is not installed: {done.stderr}"
    return [Path(line) for line in done.stdout.splitlines() if re.fullmatch(r"(/usr)?/bin/[^/]+", line)]


class Stranger:
    """Someone with a bundle and the packages that its text names, and nothing of ours: Python runs isolated."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.tools = place / "tools"
        self.tools.mkdir(parents=True)
        for package in (*PACKAGES, *BROUGHT_ALONG):
            for program in programs_of(package):
                (self.tools / program.name).symlink_to(program)
        python = (self.tools / "python3").readlink()
        (self.tools / "python3").unlink()
        (self.tools / "python3").write_text(f'#!/bin/sh\nexec {python} -I "$@"\n')
        (self.tools / "python3").chmod(0o755)

    def unpack(self, bundle: Path) -> Path:
        """Unpack a bundle with unzip."""
        folder = self.place / f"opened-{bundle.stem}"
        subprocess.run(["unzip", "-qq", str(bundle), "-d", str(folder)], check=True)
        return folder

    def follow(self, folder: Path, bundle: Path, *, shell: str = "/bin/sh", text: str | None = None) -> Followed:
        """Do what VERIFY.txt says, step by step, and stop where a command fails."""
        guide = (folder / "VERIFY.txt").read_text("utf-8") if text is None else text
        steps = list(commands_of(guide))
        lines = ["set -e"]
        for number, (_, commands, _) in enumerate(steps):
            lines += [f"echo '@@ {number}'", commands]
        with TemporaryDirectory(dir=self.place) as scratch:
            done = subprocess.run(
                [shell, "-c", "\n".join(lines)],
                cwd=folder,
                env={"PATH": str(self.tools), "BUNDLE": str(bundle), "TMPDIR": scratch},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=120,
                check=False,
            )
            left = [path.name for path in Path(scratch).rglob("*") if path.is_file()] if done.returncode == 0 else []
        return Followed(steps, done.returncode, done.stdout, left)


@dataclass(frozen=True)
class Followed:
    """What came of it."""

    steps: list[tuple[str, str, tuple[str, ...]]]
    code: int
    said: str
    left: list[str]
    """Files that a run left behind which came to its end."""

    def said_in(self, number: int) -> str:
        found = re.search(rf"^@@ {number}\n(.*?)(?=^@@ \d+\n|\Z)", self.said, re.MULTILINE | re.DOTALL)
        return "" if found is None else found[1]

    @property
    def stopped_at(self) -> str | None:
        """The step that failed: where the run ended, or the first that did not print what the text says."""
        for number, (title, _, prints) in enumerate(self.steps):
            printed = iter(self.said_in(number).splitlines())
            last = self.code and f"@@ {number + 1}\n" not in self.said
            if last or any(line not in printed for line in prints):
                return title
        return None

    @property
    def problems(self) -> list[str]:
        """Steps that did not print what the text says, and how the run ended."""
        found = []
        for number, (title, _, prints) in enumerate(self.steps):
            printed = iter(self.said_in(number).splitlines())
            found += [f"{title}: {line!r} is not printed" for line in prints if line not in printed]
        if "not found" in self.said:
            found.append(f"a program is missing: {self.said[-1500:]}")
        if self.code:
            found.append(f"ended with {self.code}: {self.said[-1500:]}")
        return found


def repacked(target: Path, files: Iterable[tuple[str, bytes]], moment: datetime = ISSUED) -> Path:
    """Write a zip as a bundle's writer would, with any members."""
    out, members = bytearray(), list[Member]()
    for name, data in files:
        method, packed = pack(data)
        offset = len(out)
        member = Member(name, method, zlib.crc32(data), len(packed), len(data), offset, dos_moment(moment))
        out += member.local_header() + packed
        members.append(member)
    target.write_bytes(bytes(out) + directory(members))
    return target


def members_of(bundle: Path) -> dict[str, bytes]:
    """Every member, in order, as Python's own reader finds it."""
    with zipfile.ZipFile(bundle) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def relisted(files: dict[str, bytes], sums: Callable[[dict[str, bytes]], bytes]) -> dict[str, bytes]:
    """The same members with SHA256SUMS made again, as a forger would; the signature no longer fits."""
    return {**files, "SHA256SUMS": sums(files)}


def environment(shop: Workshop) -> dict[str, str]:
    """What the command line needs of the environment."""
    return {**os.environ, **shop.environment}
