"""``archiver verify``: what may be named, what it says of it, and with which exit code it ends."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from archiver.archive import open_archive
from archiver.audit import Audit
from archiver.cli import run
from archiver.evidence.check_names import IMPORT_NAMES
from archiver.evidence.check_names import SNAPSHOT_NAMES as NAMES
from archiver.evidence.verify import CheckResult, Report, Verdict
from archiver.exits import exit_code
from tests.cli.box import Box
from tests.simulators.archives import TERMS, Workshop, capture, small_archive, stamp_all, workshop
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Website


@dataclass(frozen=True)
class Made:
    shop: Workshop
    root: Path
    snapshots: list[str]

    def folder(self, number: int) -> Path:
        return sorted(self.root.glob("snapshots/*/*/*/*"))[number]

    def statement(self, number: int) -> Any:
        return json.loads((self.folder(number) / "statement.json").read_bytes())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with workshop(tmp_path_factory.mktemp("verify"), ["north"]) as shop:
        root = shop.folder / "archive"
        yield Made(shop, root, small_archive(shop, root))


@pytest.fixture(autouse=True)
def own_state(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(made.shop.state))
    monkeypatch.delenv("ARCHIVER_ARCHIVE", raising=False)


@pytest.fixture
def copied(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """An archive to work in, with a head copy of its own."""
    shutil.copytree(made.root, tmp_path / "archive")
    shutil.copytree(made.shop.state, tmp_path / "state")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Made(Workshop(tmp_path, made.shop.site, made.shop.authorities), tmp_path / "archive", made.snapshots)


class Answer:
    """Exit code, and what was printed where."""

    def __init__(self, capsys: pytest.CaptureFixture[str], made: Made, *words: str) -> None:
        capsys.readouterr()
        self.code = run(["--archive", str(made.root), "verify", *words])
        self.out, self.err = capsys.readouterr()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# What may be named


def test_by_identifier(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    for name in made.snapshots:
        answer = Answer(capsys, made, name)
        assert answer.code == 0
        assert answer.out.startswith(f"{name}: pass\n")
        for number, title in NAMES.items():
            assert f"{number:>2} " in answer.out
            assert title in answer.out
        assert "not checked:" in answer.out
        assert "revocation" in answer.out


@pytest.mark.parametrize("name", ["EA-S-00000099", "EA-S-2", "XX-S-00000002", "EA-S-00000000", "nonsense", "abc123"])
def test_an_unknown_identifier_is_a_mistake(made: Made, capsys: pytest.CaptureFixture[str], name: str) -> None:
    answer = Answer(capsys, made, name)
    assert answer.code == 2
    assert name in answer.err
    assert answer.out == ""


def test_nothing_named_is_a_mistake(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    assert Answer(capsys, made).code == 2


def digests(made: Made) -> dict[str, str]:
    body = made.statement(0)
    return {
        body["warc"]["sha256"]: "capture.warc.gz",
        body["parts"][0]["exchanges"][0]["payload_sha256"]: "the payload as transferred",
        body["parts"][0]["content"]["sha256"]: "the decoded content",
        sha256((made.folder(0) / "statement.json").read_bytes()): "statement.json (the log entry)",
        body["robots"][0]["sha256"]: "the robots.txt",
    }


def test_by_digest(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    for digest, what in digests(made).items():
        answer = Answer(capsys, made, "--json", digest.upper() if "log" in what else digest)
        assert answer.code == 0, answer.out
        assert f"{digest} is {what} of {made.snapshots[0]}" in [report["subject"] for report in answer.json]


def test_a_digest_finds_every_snapshot_it_is_in(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer(capsys, made, "--json", sha256(TERMS))
    assert [report["subject"].rsplit(" ", 1)[1] for report in answer.json] == made.snapshots


def test_the_digest_of_another_statement(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    line = next(made.root.glob("journal/*")).read_bytes().splitlines(keepends=True)[0]
    answer = Answer(capsys, made, sha256(line))
    assert answer.code == 0
    assert "statement.json (the log entry) of statement 0: pass" in answer.out
    assert "of kind key" in answer.out


def test_an_unmatched_digest_is_a_finding(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer(capsys, made, "--json", "0" * 64)
    assert answer.code == 1
    (report,) = answer.json
    assert report["verdict"] == "fail"
    assert "is of nothing that this archive knows" in report["checks"][0]["detail"]


def test_by_any_file(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "terms-as-i-saved-them.html"
    page.write_bytes(TERMS)
    answer = Answer(capsys, made, str(page))
    assert answer.code == 0
    assert (
        f"terms-as-i-saved-them.html: {sha256(TERMS)} is the decoded content of {made.snapshots[0]}: pass" in answer.out
    )
    for name, what in (("capture.warc.gz", "capture.warc.gz"), ("statement.json", "statement.json (the log entry)")):
        answer = Answer(capsys, made, str(made.folder(1) / name))
        assert answer.code == 0
        assert f"is {what} of {made.snapshots[1]}: pass" in answer.out
    token = Answer(capsys, made, str(made.folder(0) / "checkpoint.north.tsr"))
    assert token.code == 0
    assert "is a timestamp token of statement" in token.out


def test_a_file_that_is_none_of_ours(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "other.html"
    page.write_bytes(TERMS + b" ")
    answer = Answer(capsys, made, str(page))
    assert answer.code == 1
    assert "other.html" in answer.out
    assert "nothing that this archive knows" in answer.out


def test_a_file_where_no_archive_is(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    page.write_bytes(TERMS)
    assert run(["--archive", str(tmp_path), "verify", str(page)]) == 2
    assert "--archive" in capsys.readouterr().err


def test_by_folder(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer(capsys, made, "--json", str(made.folder(1)))
    assert answer.code == 0
    (report,) = answer.json
    assert [check["number"] for check in report["checks"]] == [*range(1, 11), 16]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert Answer(capsys, made, str(empty)).code == 2


def test_a_folder_without_key_or_roots_is_incomplete(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--archive", str(tmp_path), "--json", "verify", str(made.folder(0))]
    key, root = str(made.root / "keys/log.vkey"), str(made.root / "authorities/north.pem")
    capsys.readouterr()
    for further, code, missing in (
        ([], 3, {6, 7, 8, 9}),
        (["--key", key], 3, {8, 9}),
        (["--key", key, "--root", root], 0, set()),
    ):
        assert run([*words, *further]) == code
        (report,) = json.loads(capsys.readouterr().out)
        assert {check["number"] for check in report["checks"] if check["verdict"] == "incomplete"} == missing


@pytest.mark.parametrize("option", ["--key", "--root"])
def test_a_key_or_root_that_is_none(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"\xff\x00 no key")
    answer = Answer(capsys, made, str(made.folder(0)), option, str(rubbish))
    assert answer.code == 2
    assert str(rubbish) in answer.err


def test_all(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer(capsys, made, "--all")
    assert answer.code == 0
    assert "archive evidence.example.org/log: pass" in answer.out
    assert answer.out.endswith("snapshots: 3 pass, 0 fail, 0 incomplete\n")


# What is printed


def test_the_keys_of_json(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    answer = Answer(capsys, made, "--json", "--all", made.snapshots[0])
    reports = answer.json
    assert len(reports) == 1 + 3 + 1
    for report in reports:
        assert report.keys() == {"subject", "verdict", "checks", "not_checked"}
        assert report["verdict"] in ("pass", "fail", "incomplete")
        assert report["not_checked"]
        for check in report["checks"]:
            assert check.keys() == {"number", "name", "verdict", "detail"}
            assert check["name"] == {**NAMES, **IMPORT_NAMES}[check["number"]]
            assert check["verdict"] in ("pass", "fail", "incomplete", "none")
    assert [check["number"] for check in reports[0]["checks"]] == [11, 12, 13, 14, 15, 16, 17, 42]
    assert [check["number"] for check in reports[1]["checks"]] == list(range(1, 18))
    assert answer.err == ""


# Exit codes


def report(*checks: tuple[int, Verdict]) -> Report:
    return Report("x", tuple(CheckResult(number, verdict, "") for number, verdict in checks))


@pytest.mark.parametrize(
    ("reports", "code"),
    [
        ([report((1, "pass"), (8, "none"))], 0),
        ([report((9, "incomplete"))], 3),
        ([report((9, "incomplete")), report((2, "fail"))], 1),
        ([report((9, "incomplete"), (2, "fail")), report((14, "fail"))], 4),
        ([report((11, "fail"))], 4),
        ([], 0),
    ],
)
def test_four_beats_one_beats_three(reports: list[Report], code: int) -> None:
    assert exit_code(reports) == code


def test_not_yet_covered_not_yet_stamped(copied: Made, capsys: pytest.CaptureFixture[str]) -> None:
    with copied.shop.open(copied.root) as operation:
        (outcome,) = capture(operation, [copied.shop.site.url("/terms")])
    name = str(outcome.capture.body["snapshot"])
    answer = Answer(capsys, copied, name)
    assert answer.code == 3
    assert "not yet covered" in answer.out
    with copied.shop.open(copied.root) as operation:
        operation.publish()
    answer = Answer(capsys, copied, name)
    assert answer.code == 3
    assert "no timestamp yet" in answer.out
    assert Answer(capsys, copied, "--all").code == 3
    with copied.shop.open(copied.root) as operation:
        stamp_all(operation)
    assert Answer(capsys, copied, name).code == 0
    mixed = Answer(capsys, copied, name, "0" * 64)
    assert mixed.code == 1


def test_a_finding_beats_an_open_check(copied: Made, capsys: pytest.CaptureFixture[str]) -> None:
    with copied.shop.open(copied.root) as operation:
        (outcome,) = capture(operation, [copied.shop.site.url("/terms")])
    name = str(outcome.capture.body["snapshot"])
    (copied.folder(0) / "notes.txt").write_text("more")
    assert Answer(capsys, copied, name, copied.snapshots[0]).code == 1
    (copied.root / "log/checkpoint").write_text("nonsense\n")
    assert Answer(capsys, copied, name, copied.snapshots[0]).code == 4


# Beside a writer


def test_beside_a_writer_nothing_is_called_damaged(copied: Made) -> None:
    """Statements, tiles, tokens and rows come one after the other; a reader in between must not cry wolf."""
    done = threading.Event()
    failures: list[str] = []
    rounds = 0

    def look() -> None:
        nonlocal rounds
        while not done.is_set() or not rounds:
            archive = open_archive(copied.root, environment=copied.shop.environment)
            for found in Audit(archive).all(lambda: None):
                failures.extend(f"{found.subject}: {c}" for c in found.checks if c.verdict == "fail")
            archive.index.close()
            rounds += 1

    with copied.shop.open(copied.root) as operation:
        watching = threading.Thread(target=look)
        watching.start()
        try:
            for number in range(12):
                copied.shop.site.documents["/terms"] = (TERMS + b"<p>%d</p>" % number, "text/html")
                capture(operation, [copied.shop.site.url("/terms"), copied.shop.site.url("/old-terms")])
                operation.publish()
                stamp_all(operation)
        finally:
            done.set()
            watching.join()
    assert not failures, failures[:5]
    assert rounds > 1


def test_an_archive_carried_to_another_machine_is_read_without_its_head_copy(
    copied: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    answer = Answer(capsys, copied, "--all")
    assert "there is no head copy to compare with" in answer.out
    assert answer.code == 0, answer.out


def test_the_first_authority_serves_what_was_captured_before_it(
    box: Box, site: Website, authority: TimestampAuthority
) -> None:
    early = box.fine("capture", site.url("/terms"), "--json").json[0]["snapshot"]
    box.add_authority("loop", authority.url, authority.root_pem.read_bytes())
    late = box.fine("capture", site.url("/privacy"), "--json").json[0]["snapshot"]
    for snapshot in (early, late):
        report = box.fine("verify", snapshot, "--json").json[0]
        checks = {check["number"]: check["verdict"] for check in report["checks"]}
        assert (report["verdict"], checks[6], checks[9], checks[12]) == ("pass", "pass", "pass", "pass")
    (proof,) = box.root.glob(f"snapshots/*/*/*/{early}/statement.tlog-proof")
    first = proof.read_bytes()
    box.fine("capture", site.url("/terms"))
    assert proof.read_bytes() == first
    box.verified()
