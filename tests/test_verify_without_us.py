"""The page for the opposing expert: its commands hold on real snapshots and stop at a changed byte; none is ours."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.acts import perform
from archiver.evidence.canonical import encode_line
from archiver.redaction import handed_out, redact, text_of
from tests import foreign
from tests.simulators.archives import TERMS, Workshop, look_for_revocations, small_archive, workshop
from tests.tampering import changed, flipped

PAGE = Path(__file__).resolve().parent.parent / "docs/verify-without-us.md"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"".join(b"%x;name=value\r\n%b\r\n" % (len(piece), piece) for piece in (TERMS[:20], TERMS[20:21], TERMS[21:]))
    + b"0\r\n\r\n"
)


def script() -> str:
    """Every command block of the page, one after the other."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 10
    return "\n".join(blocks)


def script_of(*headings: str) -> str:
    """The command blocks under these headings alone."""
    sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    wanted = [section for section in sections if section.startswith(headings)]
    assert len(wanted) == len(headings)
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", "\n".join(wanted), re.MULTILINE | re.DOTALL))


class Expert:
    """Somebody with a folder, a copy of the archive, and keys from elsewhere."""

    def __init__(self, place: Path, archive: Path, shop: Workshop) -> None:
        self.place = place
        self.archive = place / "archive"
        self.outside = place / "outside"
        shutil.copytree(archive, self.archive)
        self.outside.mkdir(parents=True)
        shutil.copy(archive / "keys/log.pub.pem", self.outside)
        for name in shop.authorities:
            shutil.copy(archive / f"authorities/{name}.pem", self.outside)
        for witness in shop.witnesses.values():
            (self.outside / f"witness-{witness.name}.pub.pem").write_bytes(witness.key.spki_pem)
        self.stick = place / "stick"
        for folder in archive.glob("snapshots/*/*/*/*"):
            shutil.copytree(folder, self.stick / folder.name)

    def check(
        self, snapshot: str, redacted: Path | None = None, commands: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the page in a snapshot's folder, with nothing of ours on the path."""
        scratch = self.place / "scratch"
        scratch.mkdir(exist_ok=True)
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "OUTSIDE": str(self.outside),
            "ARCHIVE": str(self.archive),
            "TMPDIR": str(scratch),
            "HOME": os.environ.get("HOME", "/"),
            **({} if redacted is None else {"REDACTED": str(redacted)}),
        }
        done = subprocess.run(
            ["bash", "-c", commands or script()],
            cwd=self.stick / snapshot,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        shutil.rmtree(scratch)
        return done


@pytest.fixture(scope="module")
def expert(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Expert, list[str]]]:
    place = tmp_path_factory.mktemp("expert")
    with workshop(place / "operator", witnesses=["expert"], revocation=True) as shop:
        archive = place / "operator/archive"
        snapshots = small_archive(shop, archive)
        shop.site.scripts["/chunked"] = [CHUNKED]
        (chunked,) = shop.capture(archive, [shop.site.url("/chunked")])
        with shop.open(archive) as operation:
            look_for_revocations(operation)
        yield Expert(place / "expert", archive, shop), [*snapshots, str(chunked.capture.body["snapshot"])]


def test_no_command_is_ours() -> None:
    words = re.sub(r"#.*", "", script())
    assert not re.search(r"\b(archiver|python3?|pip|warcio)\b", words)


@pytest.mark.parametrize("number", range(4))
def test_every_command_succeeds(expert: tuple[Expert, list[str]], number: int) -> None:
    someone, snapshots = expert
    done = someone.check(snapshots[number])
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr
    said = done.stdout
    assert f"statement {int(snapshots[number].rsplit('-', 1)[1])} of " in said
    for words in (
        "canonical",
        "capture.warc.gz: OK",
        "equal: decoded content",
        "equal: root over",
        "no number is missing",
        "every text and its links: OK",
        "equal: root of the lines of text",
        "all revocation data: OK",
        "Response verify OK",
        ", certificate 2: good by the crl of ",
        "cosigned by archive-expert.example.com/witness at 20",
    ):
        assert words in said
    assert "Signature Verified Successfully" in said
    assert done.stdout.count("Verification: OK") + done.stderr.count("Verification: OK") >= 2
    assert ("sealed between" in said) == (number > 0)
    assert "a changed byte is noticed" in said
    assert "DIFFERENT" not in said


@pytest.mark.parametrize(("number", "pattern"), [(0, "*"), (1, "before.*"), (1, "capture.warc.gz")])
def test_a_changed_byte_stops_it(expert: tuple[Expert, list[str]], number: int, pattern: str) -> None:
    someone, snapshots = expert
    folder = someone.stick / snapshots[number]
    for file in sorted(folder.glob(pattern)):
        offset = 120 if file.suffix == ".tsr" else file.stat().st_size // 3  # in a reply, of what is signed
        with changed(file, flipped(file.read_bytes(), offset)):
            done = someone.check(snapshots[number])
        assert done.returncode != 0, (file.name, offset, done.stdout[-800:])
        assert "a changed byte is noticed" not in done.stdout


def test_a_changed_byte_of_the_archive_stops_it(expert: tuple[Expert, list[str]]) -> None:
    someone, snapshots = expert
    kept = ("texts/*/*.txt", "texts/*/*.salt", "texts/*/*.links", "revocation/*/*.crl", "revocation/*/*.ocsp")
    for pattern in ("journal/*.jsonl", "log/checkpoint", "stamps/4/checkpoint", "stamps/4/north.tsr", *kept):
        file = min(someone.archive.glob(pattern))
        with changed(file, flipped(file.read_bytes(), file.stat().st_size // 2)):
            done = someone.check(snapshots[0])
        assert done.returncode != 0, (pattern, done.stdout[-800:])


@pytest.mark.parametrize("name", ["notes.txt", ".hidden"])
def test_a_stranger_stops_it(expert: tuple[Expert, list[str]], name: str) -> None:
    someone, snapshots = expert
    stranger = someone.stick / snapshots[0] / name
    stranger.write_text("more\n")
    done = someone.check(snapshots[0])
    stranger.unlink()
    assert done.returncode != 0
    assert f"STRANGER: {name}" in done.stdout


@pytest.fixture(scope="module")
def redacted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Expert, str, dict[str, bytes]]]:
    """An archive with a text of which one line is hidden: without a witness, and with either."""
    place = tmp_path_factory.mktemp("redacted")
    with workshop(place / "operator") as shop:
        archive = place / "operator/archive"
        snapshot = small_archive(shop, archive)[0]
        found: dict[str, bytes] = {}
        with shop.open(archive) as operation:
            for name in ("nothing", "capture", "assessment"):
                witness = None if name == "nothing" else name
                looked_at, _ = text_of(operation.archive, snapshot)
                values = {"snapshot": snapshot, "assessment": looked_at.seq, "hidden": [1], "witness": witness}
                values |= {"by": "A. Clerk", "reason": "x"}
                made = redact(operation, values)
                operation.publish()
                found[name] = handed_out(operation.archive, made, [1]).to_bytes()
        yield Expert(place / "expert", archive, shop), snapshot, found


ENOUGH = ("What you need", "1 ", "6 ", "7 ", "A redacted text", "Negative control")
"""The headings that a redacted text needs."""


@pytest.mark.parametrize("name", ["nothing", "capture", "assessment"])
def test_a_redacted_text_is_checked(redacted: tuple[Expert, str, dict[str, bytes]], name: str) -> None:
    someone, snapshot, found = redacted
    file = someone.place / "x.json"
    file.write_bytes(found[name])
    done = someone.check(snapshot, file, "" if name == "capture" else script_of(*ENOUGH))
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr
    for words in ("root of the lines, shown and hidden", "digest of the redacted text", "[line hidden]"):
        assert words in done.stdout
    assert (f"equal: entry of the {name}" in done.stdout) == (name != "nothing")
    assert "fourteen days" not in done.stdout and "rules of the house" in done.stdout


@pytest.mark.parametrize("number", range(8))
def test_a_redacted_text_that_was_altered_stops_it(redacted: tuple[Expert, str, dict[str, bytes]], number: int) -> None:
    someone, snapshot, found = redacted
    body = json.loads(found["capture"])
    lines = body["object"]["lines"]
    last = next(line for line in reversed(lines) if "text" in line)
    if number == 0:
        last["text"] += "!"
    elif number == 1:
        lines.reverse()
    elif number == 2:
        hidden = next(line for line in lines if "leaf" in line)
        hidden["leaf"] = hashlib.sha256(hidden["leaf"].encode()).hexdigest()
    elif number == 3:
        last["salt"], last["text"] = last["salt"] + last["text"][:1].encode().hex(), last["text"][1:]
    elif number == 4:
        del lines[-1]
    elif number == 5:
        body["redaction"]["statement"] = body["redaction"]["statement"].replace("A. Clerk", "B. Clerk")
    elif number == 6:
        body["witness"]["statement"] = body["witness"]["statement"].replace("EA-D-00001", "EA-D-00002")
        assert body["witness"]["statement"] != json.loads(found["capture"])["witness"]["statement"]
    else:
        body["witness"] = json.loads(found["assessment"])["witness"] | {"kind": "capture"}
    file = someone.place / "x.json"
    file.write_bytes(encode_line(body))
    done = someone.check(snapshot, file, script_of(*ENOUGH))
    assert done.returncode != 0, done.stdout[-800:]
    assert "a changed byte is noticed" not in done.stdout


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Expert, str, list[str]]]:
    """An archive with two imported files: one was disposed of and imported again, the other is gone."""
    place = tmp_path_factory.mktemp("imported")
    with workshop(place / "operator") as shop:
        archive = place / "operator/archive"
        snapshot = small_archive(shop, archive)[0]
        paths = []
        with shop.open(archive) as operation:
            for name, gz, rounds in (("one.warc.gz", True, 2), ("two.warc", False, 1)):
                (place / name).write_bytes(foreign.warc(gz=gz))
                for number in range(2):
                    if number == 0 or rounds > 1:
                        made = perform(operation, "take_in", {"path": str(place / name)})
                        operation.publish()
                    if number == 0:
                        values = {"snapshots": [made["import"]], "by": "A. Clerk", "reason": "x"}
                        perform(operation, "dispose", values)
                paths.append(made["path"])
            operation.publish()
        yield Expert(place / "expert", archive, shop), snapshot, paths


IMPORTS = ("What you need", "1 ", "6 ", "7 ", "11 ", "42 ", "Negative control")
"""The headings that imported files need."""


def test_imported_files_are_checked_and_those_that_are_gone_are_not_missed(
    imported: tuple[Expert, str, list[str]],
) -> None:
    someone, snapshot, (kept, gone) = imported
    done = someone.check(snapshot)
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr
    assert "every imported file: OK" in done.stdout
    path = someone.archive / kept
    with changed(path, flipped(path.read_bytes(), 100)):
        assert someone.check(snapshot, None, script_of(*IMPORTS)).returncode != 0
    for name in (gone, "imported/notes.txt"):
        stranger = someone.archive / name
        stranger.parent.mkdir(exist_ok=True)
        stranger.write_bytes(b"x")
        done = someone.check(snapshot, None, script_of(*IMPORTS))
        stranger.unlink()
        assert done.returncode != 0 and f"STRANGER: {name}" in done.stdout
    path.unlink()
    assert someone.check(snapshot, None, script_of(*IMPORTS)).returncode != 0


def test_another_key_stops_it(expert: tuple[Expert, list[str]]) -> None:
    someone, snapshots = expert
    key = someone.outside / "log.pub.pem"
    made = subprocess.run(
        "openssl genpkey -algorithm ed25519 | openssl pkey -pubout", shell=True, capture_output=True, check=True
    )
    with changed(key, made.stdout):
        done = someone.check(snapshots[0])
    assert done.returncode != 0
    assert "DIFFERENT: key identifier" in done.stdout


def test_a_root_of_someone_else_stops_it(expert: tuple[Expert, list[str]]) -> None:
    someone, snapshots = expert
    root = someone.outside / "north.pem"
    with changed(root, (someone.outside / "south.pem").read_bytes()):
        done = someone.check(snapshots[0])
    assert done.returncode != 0
