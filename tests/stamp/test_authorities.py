"""The pinned roots that ship with the software."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from archiver.evidence.timestamp import certificates_from_pem
from archiver.stamp.rfc3161 import PLUGIN

FOLDER = Path(__file__).resolve().parent.parent.parent / "config" / "authorities"
TABLES: list[dict[str, Any]] = tomllib.loads((FOLDER / "authorities.toml").read_text(encoding="utf-8"))["authority"]


@pytest.mark.parametrize("table", TABLES, ids=[table["name"] for table in TABLES])
def test_the_fingerprints_are_of_the_files(table: dict[str, Any]) -> None:
    ders = certificates_from_pem((FOLDER / table["roots"]).read_bytes())
    assert [hashlib.sha256(der).hexdigest() for der in ders] == [root["sha256"] for root in table["root"]]
    for der, root in zip(ders, table["root"], strict=True):
        certificate = x509.load_der_x509_certificate(der)
        assert certificate.issuer == certificate.subject
        assert certificate.not_valid_after_utc.date() == root["expires"]
        assert certificate.subject.rfc4514_string() == root["subject"]


@pytest.mark.parametrize("table", TABLES, ids=[table["name"] for table in TABLES])
def test_an_entry_makes_an_authority(table: dict[str, Any]) -> None:
    assert table["kind"] == PLUGIN.name
    interval = table["min_interval_s"]
    opened = PLUGIN.open(table["name"], table["url"], min_interval_s=interval, timeout_s=1, user_agent="x")
    assert opened.url == table["url"]
    assert interval >= 15


def test_no_root_without_an_entry_and_no_name_twice() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.pem")) == sorted(table["roots"] for table in TABLES)
    assert len({table["name"] for table in TABLES}) == len(TABLES)


def test_the_files_are_what_certifi_has() -> None:
    # 3: a later certifi may have dropped a root; then there is nothing to compare, and the fingerprints above decide.
    done = subprocess.run([sys.executable, FOLDER / "make.py", "--check"], capture_output=True, check=False, text=True)
    assert done.returncode in {0, 3}, done.stdout + done.stderr
