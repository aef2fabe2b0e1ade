"""Witnesses and an archive together: cosigned heads, a lost answer, a fork that is refused and told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.archive import open_archive
from archiver.audit import Audit
from archiver.citing import citation_record
from archiver.cosigning import owed_cosignature
from archiver.environment import utc_now
from archiver.evidence.cosignature import AddCheckpoint, WitnessKey
from archiver.evidence.note import Verifier
from archiver.exits import exit_code
from tests.cli.box import Box, until
from tests.simulators.archives import Workshop, capture, stamp_all, workshop
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Document, Website
from tests.simulators.witness import LoopbackWitness, witness


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    with workshop(tmp_path, ["north"], ["expert"]) as made:
        yield made


def passes(shop: Workshop, root: Path) -> None:
    reports = list(Audit(open_archive(root, environment=shop.environment)).all(lambda: None))
    assert exit_code(reports) == 0, [(c.number, c.detail) for r in reports for c in r.checks if c.verdict == "fail"]
    assert all(check.verdict == "pass" for report in reports for check in report.checks if check.number == 16)


def test_token_and_cosignature_cover_the_same_bytes_and_a_citation_names_both(shop: Workshop) -> None:
    root = shop.archive(shop.folder / "archive")
    (outcome,) = shop.capture(root, [shop.site.url("/terms")])
    passes(shop, root)
    archive = open_archive(root, environment=shop.environment)
    stamp = archive.index.row("select size, subject_sha256 from stamp where subject = 'checkpoint'")
    cosigned = archive.index.row("select size, subject_sha256 from cosignature")
    assert stamp == cosigned and stamp is not None
    record = citation_record(archive, str(outcome.capture.body["snapshot"]), utc_now())
    (one,) = record["log"]["inclusion"]["cosignatures"]
    assert (one["witness"], one["log_size"]) == ("archive-expert", stamp["size"])
    assert not [gap for gap in record["gaps"] if gap.startswith("SHOULD 16")]


def test_a_witness_does_not_wait_for_an_authority_that_stamps_nothing(shop: Workshop) -> None:
    root = shop.archive(shop.folder / "archive")
    with shop.open(root) as operation:
        capture(operation, [shop.site.url("/terms")])
        operation.publish()
        ledger, archive = operation.pipeline.ledger, operation.archive
        (settings,) = archive.settings.witnesses

        def owed(hours: int) -> int | None:
            assert ledger.checkpoint is not None and ledger.checkpoint_bytes is not None
            head = (ledger.checkpoint, ledger.checkpoint_bytes)
            found = owed_cosignature(archive, settings, head, utc_now() + timedelta(hours=hours))
            return None if found is None else found.number

        assert ledger.checkpoint is not None
        assert (owed(1), owed(25)) == (None, ledger.checkpoint.size)
        assert operation.stamp_step("north", at_once=True) is True
        stamped = ledger.checkpoint.size
        capture(operation, [shop.site.url("/old-terms")])
        operation.publish()
        assert stamped < ledger.checkpoint.size
        assert (owed(1), owed(25)) == (stamped, ledger.checkpoint.size)


def test_an_answer_that_was_lost_is_asked_for_again(shop: Workshop) -> None:
    root = shop.archive(shop.folder / "archive")
    with shop.open(root) as operation:
        capture(operation, [shop.site.url("/terms")])
        operation.publish()
        assert operation.stamp_step("north", at_once=True) is True
        (served,) = shop.witnesses.values()
        head = operation.pipeline.ledger.checkpoint_bytes
        assert head is not None
        assert served.book.answer(AddCheckpoint(0, (), head).to_bytes()).status == 200  # and we were killed
        stamp_all(operation)
    passes(shop, root)


def test_the_first_stamp_of_an_archive_without_authorities_takes_the_cosignature_s_place(tmp_path: Path) -> None:
    with workshop(tmp_path, [], ["expert"]) as shop, TimestampAuthority(tmp_path / "late") as late:
        root = shop.archive(tmp_path / "archive")
        (outcome,) = shop.capture(root, [shop.site.url("/terms")])
        folder = root / str(outcome.capture.body["folder"])
        old = (folder / "checkpoint.archive-expert.cosig").read_bytes()
        passes(shop, root)
        (root / "authorities/late.pem").write_bytes(late.root_pem.read_bytes())
        table = (
            f'\n[[authority]]\nname = "late"\nurl = "{late.url}"\nroots = "authorities/late.pem"\nmin_interval_s = 0\n'
        )
        (root / "archive.toml").write_text((root / "archive.toml").read_text() + table)
        shop.capture(root, [shop.site.url("/old-terms")])
        passes(shop, root)
        assert (folder / "checkpoint.late.tsr").exists()
        assert (folder / "checkpoint.archive-expert.cosig").read_bytes() != old
        assert old in [path.read_bytes() for path in root.glob("stamps/*/*.cosig")], "what was stated is kept"


def test_a_witness_s_new_key_takes_no_stated_cosignature_s_place(shop: Workshop) -> None:
    root = shop.archive(shop.folder / "archive")
    (outcome,) = shop.capture(root, [shop.site.url("/terms")])
    placed = root / str(outcome.capture.body["folder"]) / "checkpoint.archive-expert.cosig"
    first, (old,) = placed.read_bytes(), shop.witnesses.values()
    log = Verifier.from_vkey((root / "keys/log.vkey").read_text().strip())
    with witness(shop.folder / "renewed" / old.name, [log]) as new:
        text = (root / "archive.toml").read_text()
        (root / "archive.toml").write_text(text.replace(old.settings, new.settings))
        with shop.open(root) as operation:
            stamp_all(operation)
    (second,) = root.glob("stamps/*/archive-expert.2.cosig")
    assert placed.read_bytes() == first != second.read_bytes()
    with shop.open(root):
        pass  # a start finds nothing to be added
    assert placed.read_bytes() == first
    passes(shop, root)


@contextmanager
def boxed(folder: Path, witnesses: int = 1) -> Iterator[tuple[Box, Website, list[LoopbackWitness]]]:
    """An archive with an authority, watched by witnesses, at the command line."""
    folder.mkdir(exist_ok=True)
    page = Document(b"<!doctype html><title>Terms</title><p>You may cancel within fourteen days, in writing.</p>")
    with ExitStack() as stack:
        site = stack.enter_context(Website({"/terms": page}))
        box = Box(folder, site, stack.enter_context(TimestampAuthority(folder / "tsa"))).init()
        log = Verifier.from_vkey((box.root / "keys/log.vkey").read_text().strip())
        found = [stack.enter_context(witness(folder / f"expert{n}", [log])) for n in range(1, witnesses + 1)]
        for one in found:
            box.append(one.settings)
        yield box, site, found


def test_a_fork_is_refused_by_the_witness_and_told_by_us(tmp_path: Path) -> None:
    """An old copy put back, with its head copy gone, goes on as if nothing had been: the witness knows better."""
    with boxed(tmp_path) as (box, site, (one,)):
        assert box.call("capture", site.url("/terms")).code == 0
        shutil.copytree(box.root, tmp_path / "before")
        for _ in range(2):
            assert box.call("capture", site.url("/terms")).code == 0
        assert box.call("status").code == 0 and one.book.newest("box.example/log").size > 5
        shutil.rmtree(box.root)
        (tmp_path / "before").rename(box.root)
        shutil.rmtree(tmp_path / "state")
        (tmp_path / "state").mkdir()
        told = box.call("capture", site.url("/terms"))
        assert "no cosignature from expert1: it has cosigned a checkpoint of size" in told.err
        found = box.call("status", "--json")
        assert found.code == 1
        (against,) = found.json["witness_contradictions"]
        assert against["witness"] == "expert1" and found.json["cosignatures_pending"] == 1
        assert any("it may be a fork" in warning for warning in found.json["warnings"])
        for _ in range(3):  # until the second history is longer than the first
            assert "no cosignature" in box.call("capture", site.url("/terms")).err
        assert "422" in box.call("stamp", "list").out
        (again,) = box.call("status", "--json").json["witness_contradictions"]
        assert again == against, "stated once, not at every try"
        settings = (box.root / "archive.toml").read_text()
        (box.root / "archive.toml").write_text(settings.replace(one.url, "http://127.0.0.1:9"))
        assert "no connection" in box.call("capture", site.url("/terms")).err  # overwrites the row of the outbox
        assert box.call("rebuild").code == 0
        assert box.call("status", "--json").json["witness_contradictions"] == [against]
        (box.root / "archive.toml").write_text(settings)
        for path in one.folder.glob("logs/*"):
            path.unlink()  # a witness that was made to forget
        assert box.call("capture", site.url("/terms")).err == ""
        listed = box.call("log", "witness", "list", "--json").json[0]["contradiction"]
        assert "; has cosigned since: it has cosigned a checkpoint of size" in listed
        assert box.call("status").code == 1 and box.call("verify", "--all").code == 0
        assert "it may be a fork" in box.call("log", "witness", "list").out
        assert box.call("doctor").code != 0
        assert "no cosignature" not in one.folder.name and one.book.newest("box.example/log").size > 5


def test_the_daemon_has_its_heads_cosigned_by_each_witness(tmp_path: Path) -> None:
    with boxed(tmp_path, 2) as (box, site, _):
        with box.daemon():
            assert box.call("capture", site.url("/terms")).code == 0
            listed = until(
                lambda: (
                    (found := box.call("log", "witness", "list", "--json").json)
                    and all(one["size"] for one in found)
                    and found
                )
            )
        assert [one["witness"] for one in listed] == ["expert1", "expert2"]
        assert all(one["contradiction"] is None for one in listed)
        stamps = box.call("stamp", "list", "--json").json
        assert {one["witness"] for one in stamps["cosignatures"]} == {"expert1", "expert2"}
        assert stamps["pending"] == []
        rows = box.call("verify", "--all", "--json")
        assert rows.code == 0, rows.out
        assert box.call("rebuild").code == 0 and box.call("verify", "--all").code == 0


def test_a_witness_that_is_away_is_pending_and_harms_nothing(tmp_path: Path) -> None:
    with boxed(tmp_path, 0) as (box, site, _):
        key = WitnessKey("w.example", b"\x01" * 32).vkey
        box.append(f'\n[[witness]]\nname = "away"\nurl = "http://127.0.0.1:9"\nkey = "{key}"\nmin_interval_s = 0\n')
        told = box.call("capture", site.url("/terms"))
        assert told.code == 0 and "no cosignature from away: no connection" in told.err
        (item,) = box.call("stamp", "list", "--json").json["pending"]
        assert (item["kind"], item["authority"], item["attempts"]) == ("cosignature", "away", 1)
        assert "pending: cosignature over the checkpoint from away" in box.call("stamp", "list").out
        facts = box.call("status", "--json").json
        assert (facts["stamps_pending"], facts["cosignatures_pending"], facts["witness_contradictions"]) == (0, 1, [])
        assert box.call("stamp", "retry").code == 3
        assert box.call("verify", "--all").code == 0


def test_a_folder_alone_needs_the_witness_s_key(tmp_path: Path) -> None:
    with boxed(tmp_path) as (box, site, (one,)):
        assert box.call("capture", site.url("/terms")).code == 0
        folder = next(box.root.glob("snapshots/*/*/*/EA-S-*"))
        shutil.copytree(folder, tmp_path / "stick" / folder.name)
        words = ["verify", str(tmp_path / "stick" / folder.name), "--key", str(box.root / "keys/log.vkey"), "--json"]
        words += ["--root", str(box.root / "authorities/loop.pem")]
        elsewhere = {"ARCHIVER_ARCHIVE": str(tmp_path)}
        without = box.call(*words, environment=elsewhere)
        assert without.code == 3
        check = {item["number"]: item for item in json.loads(without.out)[0]["checks"]}[16]
        assert check["verdict"] == "incomplete" and "no key of the witness" in check["detail"]
        for given in (one.key.vkey, str(one.folder / "witness.vkey")):
            assert box.call(*words, "--witness", given, environment=elsewhere).code == 0
        other = WitnessKey(one.key.name, b"\x01" * 32).vkey
        wrong = box.call(*words, "--witness", other, environment=elsewhere)
        assert wrong.code == 3 and f"the key given of the witness {one.key.name} is another one" in wrong.out
        refused = box.call(*words, "--witness", "nonsense", environment=elsewhere)
        assert refused.code == 2 and "--witness nonsense is no verifier key" in refused.error()
        (tmp_path / "stick" / folder.name / "statement.tlog-proof").unlink()
        assert "statement.tlog-proof is missing" in box.call(*words, environment=elsewhere).out


def test_in_the_archive_a_key_given_by_hand_is_the_only_one(tmp_path: Path) -> None:
    with boxed(tmp_path) as (box, site, (one,)):
        assert box.call("capture", site.url("/terms")).code == 0
        snapshot = next(box.root.glob("snapshots/*/*/*/EA-S-*")).name

        def check(*given: str) -> tuple[int, str, str]:
            told = box.call("verify", snapshot, "--json", *given)
            found = {item["number"]: item for item in json.loads(told.out)[0]["checks"]}[16]
            return told.code, found["verdict"], found["detail"]

        code, verdict, detail = check()
        assert (code, verdict) == (0, "pass") and "by the key that the log names" in detail
        code, verdict, detail = check("--witness", one.key.vkey)
        assert (code, verdict) == (0, "pass") and "the log names" not in detail
        for name, words in (("w.example", "no key of the witness"), (one.key.name, "is another one")):
            code, verdict, detail = check("--witness", WitnessKey(name, b"\x01" * 32).vkey)
            assert (code, verdict) == (3, "incomplete") and words in detail


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (
            'name = "x"\nurl = "http://x"\nkey = "nonsense"',
            "witness.key of x: a witness's verifier key has",
        ),
        ('name = "x"\nurl = "http://x"', "witness.key is missing"),
        ('name = "x"\nurl = "http://x"\nkey = "k"\nkind = "y"', "unknown key witness.kind"),
    ],
)
def test_settings_of_a_witness_are_checked(tmp_path: Path, table: str, reason: str) -> None:
    box = Box(tmp_path).init()
    box.append(f"\n[[witness]]\n{table}\n")
    assert reason in box.call("status").error()
