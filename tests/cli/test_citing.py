"""Citing by ARK and with a signature: the ARK leads to its snapshot, securesystemslib takes what the log key signed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer._key import SSlibKey

from archiver.evidence.ark import ark_of
from tests.cli.box import Box
from tests.simulators.website import Website

SETTINGS = """
[archive]
naan = "99999"
resolver = "https://evidence.example.org/"
resolver_is_public = true
keep_until = "2033-05-12"
keep_by = "Example LLP"
"""


def with_settings(box: Box) -> Box:
    place = box.root / "archive.toml"
    lines = SETTINGS.strip().replace("[archive]\n", "")
    text = place.read_text()
    assert "[archive]\n" in text
    place.write_text(text.replace("[archive]\n", f"[archive]\n{lines}\n", 1))
    return box


def captured(box: Box, site: Website) -> str:
    box.fine("watch", "add", site.url("/terms"), "--entity", "Example", "--document", "Terms")
    (item,) = box.fine("capture", "--all", "--json").json
    return str(item["snapshot"])


def test_an_ark_leads_to_its_snapshot(box: Box, site: Website, tmp_path: Path) -> None:
    snapshot = captured(with_settings(box), site)
    record = box.fine("cite", snapshot, "--json").json
    assert record["ark"] == record["citation_id"] == ark_of("99999", record["capture_ref"])
    assert record["resolver"] == f"https://evidence.example.org/{record['ark']}"
    assert record["commitment"] == {
        "text": "The snapshot is kept unaltered",
        "until": "2033-05-12",
        "by": "Example LLP",
    }
    assert not [gap for gap in record["gaps"] if gap.startswith("MUST 28")]
    for spelt in (record["ark"], record["ark"].replace("ark:", "ark:/"), record["ark"].upper()):
        assert box.fine("cite", spelt, "--json").json["snapshot"] == snapshot
    assert f"[{record['resolver']}]." in box.fine("cite", record["ark"], "--format", "bluebook").out
    box.fine("cite", record["ark"], "--format", "apa", "--format", "mla", "--output", str(tmp_path / "out"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{snapshot}.apa.txt", f"{snapshot}.mla.txt"]


def test_an_ark_that_names_nothing_here(box: Box, site: Website) -> None:
    snapshot = captured(box, site)
    entry = box.fine("cite", snapshot, "--json").json["capture_ref"]
    assert "has no number for ARKs" in box.call("cite", ark_of("99999", entry)).error()
    with_settings(box)
    assert "has the number 99999" in box.call("cite", ark_of("12345", entry)).error()
    assert "there is no snapshot" in box.call("cite", ark_of("99999", "5a" * 32)).error()
    mistyped = ark_of("99999", entry)
    swap = "b" if mistyped[12] != "b" else "c"
    assert "mistyped" in box.call("cite", f"{mistyped[:12]}{swap}{mistyped[13:]}").error()
    lines = [line for path in (box.root / "journal").rglob("*.jsonl") for line in path.read_bytes().splitlines(True)]
    other = next(line for line in lines if b'"kind":"watch"' in line)
    named = ark_of("99999", hashlib.sha256(other).hexdigest())
    assert "there is no snapshot" in box.call("cite", named).error(), "a statement, but none of a snapshot"


def verified(box: Box, made: Any) -> dict[str, Any]:
    """The Statement of an envelope that the archive's key signed, and no other."""
    (signature,) = made["signatures"]
    public = load_pem_public_key((box.root / "keys" / "log.pub.pem").read_bytes())
    key = SSlibKey.from_crypto(public, keyid=signature["keyid"])
    opened = Envelope.from_dict(json.loads(json.dumps(made)))
    assert list(opened.verify([key], 1)) == [signature["keyid"]]
    found: dict[str, Any] = json.loads(opened.payload)
    assert signature["keyid"] == found["predicate"]["signature"]["key_fpr"]
    return found


def test_the_log_key_signs_an_envelope(box: Box, site: Website) -> None:
    snapshot = captured(box, site)
    found = verified(box, box.fine("cite", snapshot, "--format", "dsse").json)
    assert found["predicate"]["snapshot"] == snapshot
    assert found["predicate"]["log"]["inclusion"] is not None
    digests = {subject["name"]: subject["digest"] for subject in found["subject"]}
    folder = box.root / found["predicate"]["capture"]["folder"]
    for name in ("capture.warc.gz", "statement.json"):
        assert digests[name]["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()


def test_the_daemon_signs_for_a_client_without_the_passphrase(tmp_path: Path, site: Website) -> None:
    box = Box(tmp_path, site).init(passphrase="correct horse")
    word = ("--passphrase-file", str(box.folder / "passphrase"))
    box.fine(*word, "watch", "add", site.url("/terms"), "--entity", "Example", "--document", "Terms")
    (item,) = box.fine(*word, "capture", "--all", "--json").json
    refused = box.call("cite", item["snapshot"], "--format", "dsse")
    assert refused.code != 0 and refused.out == ""
    with box.daemon(CREDENTIALS_DIRECTORY=str(box.folder)):
        found = verified(box, box.fine("cite", item["snapshot"], "--format", "dsse").json)
    assert found["predicate"]["snapshot"] == item["snapshot"]


@pytest.mark.parametrize("subject", ["EA-S-00000099", "EA-P-000099"])
def test_nothing_is_signed_that_is_not_there(box: Box, subject: str) -> None:
    assert box.call("cite", subject, "--format", "dsse").code == 2
