"""``archiver export``: what it writes, what it states, and what it refuses; alone and beside a daemon."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from archiver.acts import perform
from archiver.bundling import verifier_file
from archiver.dissemination import FORMS
from archiver.errors import ArchiverError, UsageError
from archiver.exporting import EXPORTERS, Means, exporter_for, written
from archiver.operation import open_operation
from archiver.work import LocalWork
from tests.cli.box import Box
from tests.simulators.archives import workshop
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Website


@pytest.fixture
def captured(stamped: Box, site: Website) -> tuple[Box, str]:
    """A stamped archive and its one snapshot."""
    return stamped, stamped.fine("capture", site.url("/terms"), "--json").json[0]["snapshot"]


def custody(box: Box) -> list[dict[str, Any]]:
    return [body for body in box.statements() if body["kind"] == "custody"]


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_a_bundle_is_written_stated_and_verifies(captured: tuple[Box, str], tmp_path: Path) -> None:
    box, snapshot = captured
    target = tmp_path / "out" / "given.zip"
    target.parent.mkdir()
    told = box.fine("export", snapshot, "--output", str(target), "--by", "Ana", "--reason", "asked for", "--json").json
    data = target.read_bytes()
    (one,) = told
    assert one == {
        "snapshot": snapshot,
        "file": str(target),
        "form": "bundle",
        "file_sha256": hashlib.sha256(data).hexdigest(),
        "file_bytes": len(data),
        "signed": True,
        "statement_sha256": one["statement_sha256"],
    }
    (stated,) = custody(box)
    assert {key: stated[key] for key in stated if key not in ("at", "nonce", "seq", "origin", "v", "kind")} == {
        "event": "export",
        "premis": "dissemination",
        "subjects": [snapshot],
        "form": "bundle",
        "file_sha256": one["file_sha256"],
        "file_bytes": len(data),
        "name": "given.zip",
        "by": "Ana",
        "reason": "asked for",
    }
    assert box.log_size() == len(box.statements()), "what was handed out is under a checkpoint at once"
    assert [path.name for path in target.parent.iterdir()] == ["given.zip"]
    box.verified()
    key, root = box.root / "keys/log.vkey", box.root / "authorities/loop.pem"
    elsewhere = Box(tmp_path)
    assert elsewhere.fine("verify", str(target), "--key", str(key), "--root", str(root)).out.startswith(
        f"{target}: pass"
    )


def test_the_next_bundle_shows_the_export_before_it(captured: tuple[Box, str], tmp_path: Path) -> None:
    box, snapshot = captured
    box.fine("export", snapshot, "--output", str(tmp_path / "a.zip"))
    box.fine("export", snapshot, "--output", str(tmp_path / "b.zip"))
    (first, _) = custody(box)
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        extract = archive.read("journal/extract.jsonl")
    assert first["file_sha256"].encode() in extract
    assert first["file_sha256"] == hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()


def test_nothing_is_stated_when_nothing_is_wanted(captured: tuple[Box, str], tmp_path: Path) -> None:
    box, snapshot = captured
    before = box.statements()
    told = box.fine("export", snapshot, "--output", str(tmp_path / "x.zip"), "--no-record", "--no-sign", "--json").json
    assert (told[0]["statement_sha256"], told[0]["signed"]) == (None, False)
    assert box.statements() == before
    assert "SHA256SUMS.sig" not in names(tmp_path / "x.zip")


def test_beside_a_daemon_the_daemon_states_it(captured: tuple[Box, str], tmp_path: Path) -> None:
    box, snapshot = captured
    with box.daemon() as daemon:
        told = box.fine("export", snapshot, "--output", str(tmp_path / "x.zip"), "--json").json
        assert daemon.stop() == 0
    (stated,) = custody(box)
    assert stated["file_sha256"] == told[0]["file_sha256"] and told[0]["statement_sha256"] is not None
    assert "SHA256SUMS.sig" in names(tmp_path / "x.zip")
    box.verified()


def test_several_snapshots_are_several_files_in_a_folder(captured: tuple[Box, str], site: Website) -> None:
    box, first = captured
    second = box.fine("capture", site.url("/privacy"), "--json").json[0]["snapshot"]
    out = box.folder / "bundles"
    result = box.fine("export", first, second, first, "--output", str(out))
    assert sorted(path.name for path in out.iterdir()) == [f"{first}.zip", f"{second}.zip"]
    assert len(result.lines) == 2 and all("SHA-256 " in line for line in result.lines)
    assert [one["subjects"] for one in custody(box)] == [[first], [second]]
    third = box.fine("capture", site.url("/terms"), "--json").json[0]["snapshot"]
    box.fine("export", third, "--output", str(out))
    assert (out / f"{third}.zip").exists()


@pytest.mark.parametrize("case", ["taken", "suffix", "no_suffix", "form", "unknown", "file_for_several", "no_folder"])
def test_what_cannot_be_meant_is_refused_and_leaves_nothing(
    captured: tuple[Box, str], tmp_path: Path, case: str
) -> None:
    box, snapshot = captured
    taken = tmp_path / "taken.zip"
    taken.write_bytes(b"mine")
    words, said = {
        "taken": ([snapshot, "--output", str(taken)], "is there already"),
        "suffix": ([snapshot, "--output", str(tmp_path / "x.tar")], "no form of export ends like 'x.tar'"),
        "no_suffix": ([snapshot, "--output", str(tmp_path / "x")], "no form of export ends like 'x'"),
        "form": ([snapshot, "--output", str(tmp_path), "--form", ".tar"], "no form of export ends like '.tar'"),
        "unknown": (["EA-S-00009999", "--output", str(tmp_path / "x.zip")], "there is no snapshot EA-S-00009999"),
        "file_for_several": ([snapshot, "EA-S-00009999", "--output", str(taken)], "is a file"),
        "no_folder": ([snapshot, "--output", str(taken / "x.zip")], "taken.zip"),
    }[case]
    result = box.call("export", *words)
    assert result.code == 2
    assert said in result.error()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir() if path.suffix == ".zip"] == [
        ("taken.zip", b"mine")
    ]
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]
    assert custody(box) == []


def test_a_dangling_link_is_not_written_through(captured: tuple[Box, str], tmp_path: Path) -> None:
    box, snapshot = captured
    (tmp_path / "x.zip").symlink_to(tmp_path / "elsewhere")
    assert box.call("export", snapshot, "--output", str(tmp_path / "x.zip")).code == 2
    assert not (tmp_path / "elsewhere").exists()


def stamped_since(box: Box, snapshot: str) -> None:
    """Another token over the snapshot's statement, whose own statement no checkpoint covers yet."""
    with open_work(box) as work:
        assert work.operation.stamp_statement("loop", int(snapshot.rsplit("-", 1)[1])) is True
    assert box.log_size() < len(box.statements())


def test_a_checkpoint_that_is_too_old_is_renewed_first(captured: tuple[Box, str], tmp_path: Path) -> None:
    box, snapshot = captured
    stamped_since(box, snapshot)
    target = tmp_path / "x.zip"
    box.fine("export", snapshot, "--output", str(target), "--no-sign")
    assert "snapshot/statement.loop.tsr" in names(target)
    assert box.fine("verify", str(target)).out.startswith(f"{target}: pass")


def test_where_nothing_is_to_be_stated_an_old_checkpoint_is_told(captured: tuple[Box, str], tmp_path: Path) -> None:
    box, snapshot = captured
    stamped_since(box, snapshot)
    result = box.call("export", snapshot, "--output", str(tmp_path / "x.zip"), "--no-record")
    assert result.code == 3
    assert f"(stamp) of {snapshot} is not covered by a published checkpoint yet" in result.error()
    assert not (tmp_path / "x.zip").exists()


def open_work(box: Box) -> LocalWork:
    with patch.dict(os.environ, box.environment, clear=True):
        return LocalWork(open_operation(box.root, lambda: None))


# Key and passphrase


@pytest.fixture
def locked(tmp_path: Path, site: Website, authority: TimestampAuthority) -> tuple[Box, str]:
    """An archive whose key has a passphrase, and a snapshot in it."""
    box = Box(tmp_path, site, authority).init(passphrase="correct horse")
    words = ("capture", site.url("/terms"), "--json", "--passphrase-file", str(tmp_path / "passphrase"))
    return box, box.fine(*words).json[0]["snapshot"]


def test_without_the_passphrase_it_goes_out_unsigned_and_says_so(locked: tuple[Box, str]) -> None:
    box, snapshot = locked
    target = box.folder / "x.zip"
    result = box.fine("export", snapshot, "--output", str(target))
    assert "the file's list of digests is not signed" in result.err
    assert "SHA256SUMS.sig" not in names(target)
    assert len(custody(box)) == 1, "appending needs no key"
    quiet = box.fine("export", snapshot, "--output", str(box.folder / "y.zip"), "--no-sign", "--no-record")
    assert quiet.err == ""


def test_a_passphrase_from_a_descriptor_serves_for_signing_and_stating(locked: tuple[Box, str]) -> None:
    box, snapshot = locked
    read, write = os.pipe()
    os.write(write, b"correct horse\n")
    os.close(write)
    try:
        told = box.fine(
            "export", snapshot, "--output", str(box.folder / "x.zip"), "--passphrase-fd", str(read), "--json"
        ).json
    finally:
        os.close(read)
    assert told[0]["signed"] is True
    assert box.log_size() == len(box.statements())


def test_a_wrong_passphrase_is_an_error_and_leaves_nothing(locked: tuple[Box, str]) -> None:
    box, snapshot = locked
    (box.folder / "wrong").write_text("incorrect\n")
    words = ("export", snapshot, "--output", str(box.folder / "x.zip"), "--passphrase-file", str(box.folder / "wrong"))
    result = box.call(*words)
    assert result.code == 2 and "does not open the private key" in result.error()
    assert not (box.folder / "x.zip").exists()


# Tokens over the list


def test_each_authority_is_asked_for_a_token_over_the_list(captured: tuple[Box, str], tmp_path: Path) -> None:
    box, snapshot = captured
    before = len([body for body in box.statements() if body["kind"] == "stamp"])
    box.fine("export", snapshot, "--output", str(tmp_path / "x.zip"), "--stamp")
    assert {"SHA256SUMS.loop.tsr", "SHA256SUMS.loop.chain.pem"} <= set(names(tmp_path / "x.zip"))
    assert len([body for body in box.statements() if body["kind"] == "stamp"]) == before, "they are the bundle's alone"
    key, root = box.root / "keys/log.vkey", box.root / "authorities/loop.pem"
    told = box.fine("verify", str(tmp_path / "x.zip"), "--key", str(key), "--root", str(root), "--json").json
    assert [c["verdict"] for c in told[0]["checks"] if c["number"] == 24] == ["pass"]


def test_an_authority_that_is_away_is_told_and_the_bundle_is_made(
    captured: tuple[Box, str], authority: TimestampAuthority, tmp_path: Path
) -> None:
    box, snapshot = captured
    authority.mode = "not_http"
    result = box.fine("export", snapshot, "--output", str(tmp_path / "x.zip"), "--stamp", "--no-record")
    assert "warning: no timestamp from loop over SHA256SUMS" in result.err
    assert "SHA256SUMS.loop.tsr" not in names(tmp_path / "x.zip")


def test_without_an_authority_none_can_be_asked(box: Box, site: Website, tmp_path: Path) -> None:
    snapshot = box.fine("capture", site.url("/terms"), "--json").json[0]["snapshot"]
    result = box.call("export", snapshot, "--output", str(tmp_path / "x.zip"), "--stamp")
    assert result.code == 2 and "no timestamp authority is configured" in result.error()
    box.fine("export", snapshot, "--output", str(tmp_path / "x.zip"))
    assert box.fine("verify", str(tmp_path / "x.zip")).code == 0


# Below the command line


def test_every_form_has_an_exporter_and_a_name_the_log_knows() -> None:
    assert ".zip" in EXPORTERS
    for suffix in EXPORTERS:
        assert exporter_for(suffix).form in FORMS


def test_the_verifiers_are_part_of_the_installation() -> None:
    assert verifier_file("verify.html").startswith(b"<!doctype html>")
    assert b"def verify" in verifier_file("verify.py")
    with pytest.raises(ArchiverError, match=r"verifier/other\.py is missing"):
        verifier_file("other.py")


def test_a_block_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with workshop(tmp_path, ["north"]) as shop:
        from tests.bundles import ISSUED, Desk
        from tests.simulators.archives import small_archive

        snapshot = small_archive(shop, tmp_path / "archive")[0]
        desk = Desk(shop, tmp_path / "archive")
        from archiver.dossier import dossier_of

        out = tmp_path / "out"
        out.mkdir()
        with (
            pytest.raises(UsageError, match="could not be written"),
            written(dossier_of(desk.archive, snapshot, ISSUED), out / "x.zip", Means()),
        ):
            assert len(list(out.iterdir())) == 1
            raise UsageError("the log could not be written")
        assert list(out.iterdir()) == []
        with written(dossier_of(desk.archive, snapshot, ISSUED), out / "x.zip", Means()) as file:
            (out / "x.zip").write_bytes(b"came meanwhile")
            with pytest.raises(UsageError, match="is there already"):
                file.publish()
        assert (out / "x.zip").read_bytes() == b"came meanwhile"


GOOD = {
    "form": "wacz",
    "file_sha256": "0" * 64,
    "file_bytes": 1,
    "name": "x.wacz",
    "by": None,
    "reason": None,
}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("subjects", []),
        ("subjects", ["EA-S-00009999"]),
        ("subjects", ["XX-S-00000002"]),
        ("subjects", "EA-S-00000002"),
        ("subjects", [2]),
        ("form", "print"),
        ("form", None),
        ("file_sha256", "0" * 63),
        ("file_sha256", None),
        ("file_bytes", -1),
        ("file_bytes", 1.5),
        ("file_bytes", True),
        ("name", "../x.zip"),
        ("name", "a\nb"),
        ("name", ""),
        ("by", "a\nb"),
        ("reason", ""),
    ],
)
def test_a_statement_of_an_export_that_cannot_be_meant_is_refused(tmp_path: Path, key: str, value: object) -> None:
    with workshop(tmp_path, []) as shop:
        root = shop.archive(tmp_path / "archive")
        (outcome,) = shop.capture(root, [shop.site.url("/terms")])
        good = {**GOOD, "subjects": [outcome.capture.body["snapshot"]]}
        with shop.open(root) as operation:
            with pytest.raises(UsageError):
                perform(operation, "export", {**good, key: value})
            made = perform(operation, "export", good)
            assert (made["event"], made["form"]) == ("export", "wacz")
