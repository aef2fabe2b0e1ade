"""``archiver export … --output x.wacz``: written, stated, and verified by the command that reads it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.box import Box
from tests.packages import DIGEST, Forgery
from tests.simulators.website import Document, Website


@pytest.fixture
def captured(stamped: Box, site: Website) -> tuple[Box, list[str]]:
    """A stamped archive with a full copy, its revisit, and another page."""
    site.documents["/rules"] = Document(b"<p>These rules hold for guests and hosts alike, in all rooms of the house.\n")
    urls = (site.url("/terms"), site.url("/terms"), site.url("/rules"))
    return stamped, [stamped.fine("capture", url, "--json").json[0]["snapshot"] for url in urls]


def exports(box: Box) -> list[dict[str, Any]]:
    return [body for body in box.statements() if body["kind"] == "custody" and body["event"] == "export"]


def test_several_snapshots_go_into_one_file(captured: tuple[Box, list[str]], tmp_path: Path) -> None:
    box, snapshots = captured
    target = tmp_path / "policy.wacz"
    (told,) = box.fine("export", *snapshots[1:], "--output", str(target), "--by", "Ana", "--json").json
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    assert (told["form"], told["file_sha256"], told["signed"]) == ("wacz", digest, True)
    assert told["snapshots"] == snapshots[1:]
    (stated,) = exports(box)
    assert (stated["form"], stated["subjects"], stated["file_sha256"]) == ("wacz", snapshots[1:], digest)
    assert {f"archive/{name}.warc.gz" for name in snapshots} <= Forgery(target).keys(), "the referent comes along"
    assert box.fine("verify", str(target)).out.count(": pass\n") == 4


def test_one_snapshot_and_its_form_in_a_folder(captured: tuple[Box, list[str]], tmp_path: Path) -> None:
    box, snapshots = captured
    (tmp_path / "given").mkdir()
    told = box.fine("export", *snapshots, "--output", str(tmp_path / "given"), "--form", ".wacz", "--json").json
    assert [Path(one["file"]).name for one in told] == [f"{name}.wacz" for name in snapshots]
    assert all("snapshots" not in one for one in told)
    for one in told:
        box.fine("verify", one["file"])


def test_unsigned_it_is_incomplete(captured: tuple[Box, list[str]], tmp_path: Path) -> None:
    box, snapshots = captured
    target = tmp_path / "x.wacz"
    box.fine("export", snapshots[0], "--output", str(target), "--no-sign", "--no-record")
    assert "signedData" not in Forgery(target).json(DIGEST)
    assert exports(box) == []
    assert box.call("verify", str(target)).code == 3


def test_a_token_over_the_package_has_no_place(captured: tuple[Box, list[str]], tmp_path: Path) -> None:
    box, snapshots = captured
    result = box.fine("export", snapshots[0], "--output", str(tmp_path / "x.wacz"), "--stamp")
    assert "a WACZ takes no timestamp over itself" in result.err


def test_a_damaged_snapshot_is_not_handed_out(captured: tuple[Box, list[str]], tmp_path: Path) -> None:
    box, snapshots = captured
    (path,) = box.root.glob(f"snapshots/*/*/*/{snapshots[0]}/statement.tlog-proof")
    path.write_bytes(path.read_bytes().replace(b"\nindex ", b"\nindex 1"))
    result = box.call("export", snapshots[1], "--output", str(tmp_path / "x.wacz"))
    assert result.code == 3 and "nothing is exported" in result.err
    assert list(tmp_path.iterdir()) == [path for path in tmp_path.iterdir() if path.suffix != ".wacz"]
    assert exports(box) == []


def test_a_bundle_still_holds_one_snapshot(captured: tuple[Box, list[str]], tmp_path: Path) -> None:
    box, snapshots = captured
    (tmp_path / "x.zip").mkdir()
    assert len(box.fine("export", *snapshots[:2], "--output", str(tmp_path / "x.zip"), "--json").json) == 2
