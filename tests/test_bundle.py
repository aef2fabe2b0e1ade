"""A bundle alone suffices: VERIFY.txt's commands hold, notice a changed byte of any member, and need no other tool."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from archiver.dossier import dossier_of
from archiver.errors import ArchiveDamaged, ArchiverError, NotCheckable
from archiver.evidence.banned import banned_in
from archiver.evidence.bundle import parse_sums, place, require_layout
from archiver.evidence.bundle_guide import TOOLS as NAMED_TOOLS
from archiver.evidence.bundle_guide import commands_of
from archiver.evidence.note import Verifier
from archiver.exporting import Means, written
from archiver.key_file import read_key
from archiver.stamp.interface import StampFailure
from archiver.stamping import Subject, Verified, ask, open_authorities
from storage.local import LocalFiles
from tests import bundles
from tests.bundles import ISSUED, Desk, Stranger, members_of
from tests.simulators.archives import Workshop, workshop
from tests.tampering import changed, flipped

KINDS = "first revisit redirect pages pdf chunked deflated failed blocked apart interrupted unstamped".split()


class Made:
    """The archive, its bundles (signed, and stamped where asked), and the stranger who opened them."""

    def __init__(self, folder: Path, shop: Workshop) -> None:
        self.folder = folder
        self.desk = Desk(shop, folder / "archive")
        self.names = bundles.full_archive(shop, self.desk.root)
        self.stranger = Stranger(folder / "stranger")
        self._opened: dict[str, tuple[Path, Path]] = {}

    def stampers(self) -> dict[str, object]:
        archive = self.desk.archive
        settings = {authority.name: authority for authority in archive.settings.authorities}

        def stamper(name: str) -> object:
            def ask_one(data: bytes) -> Verified | StampFailure:
                roots = archive.roots_of(settings[name])
                return ask(open_authorities(archive)[name], settings[name], roots, Subject("bundle", 0, data), 7)

            return ask_one

        return {name: stamper(name) for name in settings}

    def opened(self, kind: str, *, stamped: bool = False) -> tuple[Path, Path]:
        """The bundle of one kind of snapshot, and the folder it was unpacked into."""
        name = f"{kind}-stamped" if stamped else kind
        if name not in self._opened:
            stampers: Any = self.stampers() if stamped else {}
            snapshot, sign = self.names["redirect" if kind == "unsigned" else kind], kind != "unsigned"
            bundle = self.desk.export(snapshot, self.folder / f"{name}.zip", sign=sign, stampers=stampers)
            self._opened[name] = bundle, self.stranger.unpack(bundle)
        return self._opened[name]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("bundle")
    with workshop(folder, witnesses=["expert"], revocation=True) as shop:
        yield Made(folder, shop)


# What a stranger does


def test_the_packages_are_those_named(made: Made) -> None:
    assert NAMED_TOOLS.split() == bundles.PACKAGES
    there = {path.name for path in made.stranger.tools.iterdir()}
    assert {"sha256sum", "openssl", "unzip", "jq", "gzip", "python3"} <= there
    assert not there & {"grep", "sed", "awk", "find", "xxd", "diff", "cmp", "perl", "xargs", "sh", "bash", "archiver"}
    done = made.stranger.follow(made.opened("first")[1], made.opened("first")[0], text="STEP 1. x\n    grep -V\n")
    assert any("a program is missing" in problem for problem in done.problems)


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_holds_and_prints_what_the_text_says(made: Made, kind: str) -> None:
    bundle, folder = made.opened(kind)
    followed = made.stranger.follow(folder, bundle)
    assert (followed.problems, followed.stopped_at) == ([], None)
    assert followed.left == []
    assert "DIFFERENT" not in followed.said


def test_it_holds_in_another_shell_and_with_tokens_over_the_sums(made: Made) -> None:
    bundle, folder = made.opened("revisit", stamped=True)
    followed = made.stranger.follow(folder, bundle, shell="/bin/bash")
    assert followed.problems == []
    assert followed.said.count("Verification: OK") == 2 + 2 + 1
    assert followed.said.count("equal: certificates of SHA256SUMS.") == 2


def unlisted(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("SHA256SUMS*"))


def flips(folder: Path, file: Path, number: int, *, all_of_them: bool) -> list[int]:
    """Offsets to change: the first, one in the middle and the last, or one of the three.

    In a reply over the list, of what is signed: the copies of certificates in it are covered by no signature, and
    step 4 says so.
    """
    size = file.stat().st_size
    middle = 120 if file.parent == folder and file.suffix == ".tsr" else size // 2
    offsets = [0, middle, size - 1]
    return offsets if all_of_them or file.parent == folder else [offsets[number % 3]]


@pytest.mark.parametrize("kind", ["revisit", "first", "pdf", "apart", "failed", "interrupted", "unstamped", "unsigned"])
def test_a_changed_byte_of_any_member_makes_a_printed_step_fail(made: Made, kind: str, tmp_path: Path) -> None:
    bundle, folder = made.opened(kind, stamped=kind == "revisit")
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert len(files) == len(members_of(bundle))
    guide = (folder / "VERIFY.txt").read_text()  # the reader has the true text

    def changing(half: int) -> Iterator[tuple[str, str | None]]:
        copy = shutil.copytree(folder, tmp_path / str(half))
        for number, name in list(enumerate(files))[half::2]:
            data = (copy / name).read_bytes()
            for offset in flips(copy, copy / name, number, all_of_them=kind == "revisit"):
                with changed(copy / name, flipped(data, offset)):
                    stopped = made.stranger.follow(copy, bundle, text=guide).stopped_at
                yield f"{name}, byte {offset} of {len(data)}", stopped

    with ThreadPoolExecutor(2) as pool:
        found = [one for half in pool.map(lambda half: list(changing(half)), (0, 1)) for one in half]
    print(*(f"{what}: {stopped}" for what, stopped in found), sep="\n")
    assert {what.partition(",")[0] for what, _ in found} == {str(name) for name in files}
    assert [what for what, stopped in found if stopped is None] == []


def test_each_byte_of_the_list_and_its_signature_counts(made: Made) -> None:
    bundle, folder = made.opened("redirect")
    chance = random.Random(1)
    steps = "".join(text for title, text, _ in commands_of((folder / "VERIFY.txt").read_text()) if "STEP" in title)
    assert "SHA256SUMS.sig" in steps
    for name in ("SHA256SUMS", "SHA256SUMS.sig"):
        data = (folder / name).read_bytes()
        for offset in chance.sample(range(len(data)), 8):
            for bit in (0x20, 0x01):  # the first turns a letter into a capital, which sha256sum takes for the same
                other = data[:offset] + bytes([data[offset] ^ bit]) + data[offset + 1 :]
                with changed(folder / name, other):
                    assert made.stranger.follow(folder, bundle).problems, (name, offset, bit)


BEYOND_THE_LIST = """snapshot/statement.json snapshot/capture.warc.gz snapshot/statement.tlog-proof
    snapshot/checkpoint.north.tsr snapshot/checkpoint.south.chain.pem snapshot/before.south.subject
    snapshot/before.south.tsr referents/EA-S-00000002/statement.json referents/EA-S-00000002/capture.warc.gz
    text/text.md text/text.salt text/links.jsonl text/assessment.json journal/extract.jsonl log/checkpoint
    keys/log.pub.pem""".split()


def test_what_log_and_tokens_cover_is_noticed_even_when_the_list_was_made_again(made: Made, tmp_path: Path) -> None:
    bundle = made.desk.export(made.names["revisit"], tmp_path / "forged.zip", sign=False)
    folder = made.stranger.unpack(bundle)
    files, sums = members_of(bundle), (folder / "SHA256SUMS").read_text()
    chance = random.Random(3)
    offsets = {name: 120 if name.endswith(".tsr") else chance.randrange(len(files[name])) for name in BEYOND_THE_LIST}

    def unnoticed(half: int) -> Iterator[str]:
        copy = shutil.copytree(folder, tmp_path / str(half))
        for name in BEYOND_THE_LIST[half::2]:
            data = files[name]
            other = flipped(data, offsets[name])
            if name == "journal/extract.jsonl":
                entry = re.search(rb'"entry":"([0-9a-f])', data)  # of a statement that is not shown
                assert entry is not None
                other = data[: entry.start(1)] + (b"1" if entry[1] == b"0" else b"0") + data[entry.end(1) :]
            before, after = (hashlib.sha256(one).hexdigest() for one in (data, other))
            with (
                changed(copy / name, other),
                changed(copy / "SHA256SUMS", sums.replace(f"{before}  {name}\n", f"{after}  {name}\n").encode()),
            ):
                followed = made.stranger.follow(copy, bundle)
                assert "equal: files found, files listed" in followed.said, name
                yield from [] if followed.stopped_at else [name]

    with ThreadPoolExecutor(2) as pool:
        assert [name for half in pool.map(lambda half: list(unnoticed(half)), (0, 1)) for name in half] == []


@pytest.mark.parametrize(
    "stranger", ["notes.txt", ".hidden", "snapshot/more.txt", "snapshot/.more", "text/deep/er.txt", "roots/link"]
)
def test_a_stranger_among_the_files_makes_a_step_fail(made: Made, stranger: str) -> None:
    bundle, folder = made.opened("redirect")
    file = folder / stranger
    deep = not file.parent.exists()
    file.parent.mkdir(exist_ok=True)
    if file.name == "link":
        file.symlink_to(folder / "keys/log.vkey")
    else:
        file.write_text("more\n")
    followed = made.stranger.follow(folder, bundle)
    file.unlink()
    if deep:
        file.parent.rmdir()
    assert "DIFFERENT: files found, files listed" in followed.said
    assert followed.code != 0


def test_another_key_and_other_roots_make_a_step_fail(made: Made) -> None:
    bundle, folder = made.opened("revisit")
    text = (folder / "VERIFY.txt").read_text()
    other = made.folder / "other.pem"
    other.write_bytes(Verifier("other", bytes(range(32))).spki_pem)
    roots = made.folder / "roots"
    shutil.copytree(folder / "roots", roots)
    shutil.copy(roots / "south.pem", roots / "north.pem")
    followed = made.stranger.follow(folder, bundle, text=text.replace("KEY:=keys/log.pub.pem", f"KEY:={other}"))
    assert followed.problems and "Signature Verification Failure" in followed.said
    followed = made.stranger.follow(folder, bundle, text=text.replace("ROOTS:=roots", f"ROOTS:={roots}"))
    assert followed.problems and "Verification: FAILED" in followed.said


def test_without_a_signature_the_list_is_still_compared_byte_for_byte(made: Made) -> None:
    bundle, folder = made.opened("unsigned")
    assert not (folder / "SHA256SUMS.sig").exists()
    text = (folder / "VERIFY.txt").read_text()
    assert "SHA256SUMS carries no signature" in text and "SHA256SUMS.sig" not in text
    assert made.stranger.follow(folder, bundle).problems == []
    data = (folder / "SHA256SUMS").read_bytes()
    with changed(folder / "SHA256SUMS", data[:3] + data[3:5].swapcase() + data[5:] + b"\n"):
        assert made.stranger.follow(folder, bundle).problems


# What the texts say


@pytest.mark.parametrize("kind", KINDS)
def test_the_texts_claim_nothing_and_state_the_digests_whole(made: Made, kind: str) -> None:
    _, folder = made.opened(kind)
    statement = json.loads((folder / "snapshot/statement.json").read_text())
    entry = hashlib.sha256((folder / "snapshot/statement.json").read_bytes()).hexdigest()
    for name in ("VERIFY.txt", "PROCESS.txt"):
        text = (folder / name).read_text()
        assert list(banned_in(text)) == []
        assert entry in text and statement["snapshot"] in text
        if statement["warc"] is not None:
            assert statement["warc"]["sha256"] in text
        prose = "\n".join(line for line in text.splitlines() if not line.startswith(("    ", "  | ")))
        assert max(map(len, prose.splitlines())) <= 120, [line for line in prose.splitlines() if len(line) > 120]
    text = (folder / "VERIFY.txt").read_text()
    for title in ("WHAT YOU NEED", "READING THE RESULT", "WHAT NOBODY CAN KNOW FROM THIS"):
        assert title in text
    for code in statement["limits"]:
        assert f"- {code}: " in text


def test_the_process_tells_the_facts_of_this_capture(made: Made) -> None:
    text = " ".join((made.opened("redirect")[1] / "PROCESS.txt").read_text().split())
    body = json.loads((made.opened("redirect")[1] / "snapshot/statement.json").read_text())
    assert f"The check began at {body['started_at']} and ended at {body['ended_at']}" in text
    assert "No person watched it [attended]" in text
    assert "Verdict at that moment: valid" in text
    assert "allowed the address" in text
    assert body["environment"]["python"] in text and body["environment"]["os"] in text
    state = "synchronised" if body["clock"]["synchronised"] else "not synchronised"
    assert f"the kernel said (adjtimex): {state}; largest error {body['clock']['max_error_us']} microseconds" in text
    for exchange in body["parts"][0]["exchanges"]:
        assert f"status {exchange['status']}" in text and exchange["request_sha256"] in text


def test_the_process_tells_no_more_than_the_statement_knows(made: Made) -> None:
    said = {kind: " ".join((made.opened(kind)[1] / "PROCESS.txt").read_text().split()) for kind in KINDS}
    assert "names no connection for what was asked; that for robots.txt is in the WARC" in said["blocked"]
    assert "its result is blocked" in said["blocked"] and "robots_denied: " in said["blocked"]
    for words in ("The statement names no robots.txt", "names no request for what was asked: what happened before the"):
        assert words in said["interrupted"]
    assert "It ended early: closed_early" in said["failed"] and "not whole" in said["failed"]
    assert "No Date field of a response" in said["interrupted"]


def test_what_a_bundle_lacks_is_said(made: Made) -> None:
    said = {kind: (made.opened(kind)[1] / "VERIFY.txt").read_text() for kind in KINDS}
    lacks = {
        "there is no statement.tlog-proof yet": {"unstamped"},
        "there is no timestamp over the statement": {"unstamped"},
        "names no token as not before": {"first"},
        "there is no WARC": {"interrupted"},
        "there is no text": {
            "redirect",
            "chunked",
            "deflated",
            "failed",
            "blocked",
            "apart",
            "interrupted",
            "unstamped",
        },
    }
    for words, kinds in lacks.items():
        found = {kind for kind in KINDS if words in said[kind]}
        assert found - {"interrupted"} == kinds - {"interrupted"}, words
        assert kinds & {"interrupted"} <= found, words


def test_a_hostile_name_stands_in_no_command(made: Made) -> None:
    _, folder = made.opened("pages")
    text = (folder / "VERIFY.txt").read_text()
    commands = "\n".join(commands for _, commands, _ in commands_of(text))
    assert commands.isascii() and "http" not in commands and "Ex" not in commands
    assert "Exämple \U0001f600" in (folder / "PROCESS.txt").read_text()


# What is in it


@pytest.mark.parametrize("kind", KINDS)
def test_members_have_their_order_and_are_what_the_archive_has(made: Made, kind: str) -> None:
    bundle, _ = made.opened(kind)
    files = members_of(bundle)
    require_layout(files)
    assert list(files) == sorted(files, key=place)
    stored = made.desk.root
    (folder,) = stored.glob(f"snapshots/*/*/*/{made.names[kind]}")
    assert {name: data for name, data in files.items() if name.startswith("snapshot/")} == {
        f"snapshot/{path.name}": path.read_bytes() for path in folder.iterdir()
    }
    for name, data in files.items():
        if name.startswith(("stamps/", "keys/log.", "log/checkpoint")):
            assert data == (stored / name).read_bytes()
    witnesses = {name.rpartition("/")[2] for name in files if name.startswith("keys/witness-")}
    assert witnesses == (
        set() if kind == "unstamped" else {"witness-archive-expert.vkey", "witness-archive-expert.pub.pem"}
    )
    assert parse_sums(files["SHA256SUMS"]) == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items() if not name.startswith("SHA256SUMS")
    }
    for name in ("verify.html", "verify.py"):
        assert len(files[name]) > 10_000


def test_what_is_packed_already_is_stored_and_every_member_has_the_capture_s_time(made: Made) -> None:
    import zipfile

    bundle, folder = made.opened("first")
    started = json.loads((folder / "snapshot/statement.json").read_text())["started_at"]
    with zipfile.ZipFile(bundle) as archive:
        for info in archive.infolist():
            at = "{:04}-{:02}-{:02}T{:02}:{:02}".format(*info.date_time[:5])
            assert at == started[:16]
            if info.filename.endswith((".gz", ".sig", ".salt")):
                assert info.compress_type == zipfile.ZIP_STORED
        assert archive.getinfo("VERIFY.txt").compress_type == zipfile.ZIP_DEFLATED


def test_the_extract_shows_this_snapshot_and_of_others_nothing(made: Made) -> None:
    bundle, _ = made.opened("revisit")
    lines = [json.loads(line) for line in members_of(bundle)["journal/extract.jsonl"].splitlines()]
    journal = [
        line for path in sorted((made.desk.root / "journal").iterdir()) for line in path.read_bytes().splitlines(True)
    ]
    full = [one for one in lines if "kind" in one]
    assert [one["seq"] for one in lines] == list(range(len(lines)))
    assert {one["kind"] for one in full} == {"key", "watch", "capture", "assessment", "stamp"}
    own = {made.names["revisit"], made.names["first"]}
    assert {one["snapshot"] for one in full if one["kind"] == "capture"} == own
    for line, one in zip(journal, lines, strict=False):
        if "kind" not in one:
            assert one == {"entry": hashlib.sha256(line).hexdigest(), "seq": one["seq"]}
    others = [json.loads(line) for line in journal if json.loads(line).get("snapshot") not in own | {None}]
    text = b"".join(members_of(bundle).values()).decode("latin-1")
    for other in others:
        assert other["snapshot"] not in text and other["nonce"] not in text


def test_the_salt_stays_at_home_once_a_line_was_redacted(made: Made, tmp_path: Path) -> None:
    shop = Workshop(tmp_path, made.desk.shop.site, made.desk.shop.authorities)
    shutil.copytree(made.desk.root, tmp_path / "archive")
    shutil.copytree(made.desk.shop.state, shop.state)
    snapshot = made.names["first"]
    assert "text/text.salt" in members_of(made.opened("first")[0])
    with shop.open(tmp_path / "archive") as operation:
        fields = {"event": "redaction", "premis": "modification", "subjects": [snapshot], "by": "Ana", "reason": None}
        operation.writer.state(lambda _seq, _sealed: ("custody", {**fields, "object_sha256": "0" * 64}))
        operation.publish()
    files = members_of(Desk(shop, tmp_path / "archive").export(snapshot, tmp_path / "redacted.zip"))
    assert "text/text.salt" not in files
    assert "the salt of the text is not handed over" in files["VERIFY.txt"].decode()
    assert b'"event":"redaction"' in files["journal/extract.jsonl"]


# Made again


DATED = {
    "VERIFY.txt",
    "SHA256SUMS",
    "SHA256SUMS.sig",
    "citation/citation.json",
    "citation/intoto.json",
    "citation/text.txt",
}
"""Members that say when the bundle was made, or have the digest of one that does."""


def test_made_again_it_is_the_same_to_the_byte(made: Made, tmp_path: Path) -> None:
    for kind in KINDS:
        again = made.desk.export(made.names[kind], tmp_path / f"{kind}.zip")
        assert again.read_bytes() == made.opened(kind)[0].read_bytes(), kind


def test_made_at_another_time_only_what_is_dated_differs(made: Made, tmp_path: Path) -> None:
    later = made.desk.export(made.names["first"], tmp_path / "later.zip", issued=ISSUED + timedelta(days=400))
    before, after = members_of(made.opened("first")[0]), members_of(later)
    assert list(before) == list(after)
    assert {name for name in before if before[name] != after[name]} == DATED


# What is not handed out


def test_a_snapshot_that_does_not_verify_is_not_handed_out(made: Made, tmp_path: Path) -> None:
    (folder,) = made.desk.root.glob(f"snapshots/*/*/*/{made.names['redirect']}")
    target = tmp_path / "never.zip"
    for name in ("capture.warc.gz", "statement.tlog-proof", "checkpoint.north.tsr", "before.south.subject"):
        data = (folder / name).read_bytes()
        with changed(folder / name, flipped(data, len(data) // 2)), pytest.raises(ArchiverError) as error:
            made.desk.export(made.names["redirect"], target)
        assert name in str(error.value)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pattern", ["journal/*.jsonl", "log/tile/entries/*/*", "log/tile/0/*/*", "log/checkpoint"])
def test_a_log_that_does_not_lead_to_its_heads_is_not_handed_out(made: Made, tmp_path: Path, pattern: str) -> None:
    file = max(made.desk.root.glob(pattern), key=lambda path: path.stat().st_size)
    data = file.read_bytes()
    offset = data.index(b'"kind":"capture"') + 8 if file.suffix == ".jsonl" else 40
    with changed(file, flipped(data, offset)), pytest.raises((ArchiveDamaged, NotCheckable)):
        made.desk.export(made.names["first"], tmp_path / "never.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_text_with_another_digest_is_not_handed_out(made: Made, tmp_path: Path) -> None:
    sha256 = json.loads((made.opened("first")[1] / "text/assessment.json").read_text())["text_sha256"]
    (file,) = made.desk.root.glob(f"texts/*/{sha256}.txt")
    with changed(file, file.read_bytes() + b"more\n"), pytest.raises(ArchiveDamaged, match="another digest"):
        made.desk.export(made.names["first"], tmp_path / "never.zip")


def test_a_snapshot_under_no_checkpoint_waits(made: Made, tmp_path: Path) -> None:
    shop = Workshop(tmp_path, made.desk.shop.site, made.desk.shop.authorities)
    shutil.copytree(made.desk.root, tmp_path / "archive")
    shutil.copytree(made.desk.shop.state, shop.state)
    with shop.open(tmp_path / "archive") as operation:
        from tests.simulators.archives import capture

        (outcome,) = capture(operation, [shop.site.url("/terms?waiting")])
    with pytest.raises(NotCheckable, match="not covered by a published checkpoint"):
        Desk(shop, tmp_path / "archive").export(str(outcome.capture.body["snapshot"]), tmp_path / "never.zip")


class Busy(LocalFiles):
    """The archive's files, beside which a writer adds a token once the log is read: the folder was read by then."""

    def __init__(self, root: Path, act: Callable[[], None]) -> None:
        super().__init__(root)
        self._act: Callable[[], None] | None = act

    def read(self, path: str) -> bytes:
        """A file; the writer acts before the first of the log's entries."""
        if path.startswith("log/tile/entries") and self._act is not None:
            act, self._act = self._act, None
            act()
        return super().read(path)


def test_a_token_that_comes_meanwhile_is_taken_along(made: Made, tmp_path: Path) -> None:
    shop = Workshop(tmp_path, made.desk.shop.site, made.desk.shop.authorities)
    shutil.copytree(made.desk.root, tmp_path / "archive")
    shutil.copytree(made.desk.shop.state, shop.state)
    desk, snapshot = Desk(shop, tmp_path / "archive"), made.names["redirect"]

    def stamp() -> None:
        with shop.open(desk.root) as operation:
            assert operation.stamp_statement("north", int(snapshot.rsplit("-", 1)[1])) is True
            operation.publish()

    archive = replace(desk.archive, files=Busy(desk.root, stamp))
    with written(dossier_of(archive, snapshot, ISSUED), tmp_path / "x.zip", Means()) as file:
        file.publish()
    assert "snapshot/statement.north.tsr" in members_of(tmp_path / "x.zip")
    folder = made.stranger.unpack(tmp_path / "x.zip")
    assert made.stranger.follow(folder, tmp_path / "x.zip").problems == []
    shutil.rmtree(folder)


def test_an_authority_that_gives_no_token_is_left_out_and_told(made: Made, tmp_path: Path) -> None:
    failing = StampFailure("connect", "no connection: refused", retryable=True)
    archive = made.desk.archive
    key = read_key(archive.files, archive.origin, lambda: None)
    stampers = {**made.stampers(), "north": lambda _: failing}
    dossier = dossier_of(archive, made.names["redirect"], ISSUED)
    with written(dossier, tmp_path / "half.zip", Means(key, stampers)) as file:  # type: ignore[arg-type]
        assert file.warnings == ("no timestamp from north over SHA256SUMS: no connection: refused",)
        file.publish()
    folder = made.stranger.unpack(tmp_path / "half.zip")
    assert unlisted(folder) == ["SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.south.chain.pem", "SHA256SUMS.south.tsr"]
    assert made.stranger.follow(folder, tmp_path / "half.zip").problems == []


def test_the_verifier_that_goes_with_it_agrees(made: Made) -> None:
    import subprocess
    import sys

    for kind in KINDS:
        bundle, folder = made.opened(kind)
        words = ["--key", str(folder / "keys/log.pub.pem")]
        words += [word for root in sorted((folder / "roots").glob("*")) for word in ("--root", str(root))]
        done = subprocess.run(
            [sys.executable, "-I", str(folder / "verify.py"), str(bundle), *words, "--json"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        failed = [check for check in json.loads(done.stdout)["checks"] if check["verdict"] == "fail"]
        assert done.returncode in (0, 3) and not failed, (kind, failed, done.stderr)
