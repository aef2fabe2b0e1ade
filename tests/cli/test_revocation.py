"""Revocation data as the command line shows it: after a capture, beside the daemon, and when a key was stolen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from archiver.demo_revocation import revoke
from tests.cli.box import Box, until
from tests.simulators.authority import TimestampAuthority
from tests.simulators.website import Website


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[TimestampAuthority]:
    with TimestampAuthority(tmp_path / "authority", revocation=True) as running:
        yield running


@pytest.fixture
def site() -> Iterator[Website]:
    with Website(documents={"/terms": b"<p>Be nice</p>"}) as running:
        yield running


@pytest.fixture
def box(tmp_path: Path, site: Website, authority: TimestampAuthority) -> Box:
    return Box(tmp_path, site, authority).init(log__publish_every_s=1, stamp__checkpoint_every_s=1)


def about_revocation(box: Box) -> list[dict[str, Any]]:
    return [body for body in box.statements() if body.get("event") == "revocation"]


def test_a_capture_fetches_it_once_before_it_ends(box: Box, site: Website, authority: TimestampAuthority) -> None:
    box.fine("capture", site.url("/terms"), "--no-stamp")
    assert authority.looked == []
    box.fine("capture", site.url("/terms"))
    assert authority.looked == ["/intermediate.crl", "/ocsp", "/root.crl"]
    box.fine("capture", site.url("/terms"))
    assert len(authority.looked) == 3, "once a day"
    (chain,) = box.fine("stamp", "list", "--json").json["revocation"]
    assert [one["status"] for one in chain["certificates"]] == ["good"] * 3 and not chain["owed"]
    told = box.fine("stamp", "list").out
    assert "revocation data of" in told and told.count(": good, ") == 3
    assert box.call("status", "--json").json["revocation"] == {"overdue": 0, "revoked": []}
    box.verified()


def test_the_daemon_fetches_it_between_two_tokens(box: Box, site: Website, authority: TimestampAuthority) -> None:
    authority.says["/ocsp"] = lambda _: 503
    with box.daemon() as daemon:
        box.fine("capture", site.url("/terms"))
        until(lambda: about_revocation(box), "a statement about revocation")
        until(lambda: box.log_size() == len(box.statements()), "a checkpoint over it")
        assert daemon.stop() == 0
    (body,) = about_revocation(box)
    assert [one["code"] for one in body["failures"]] == ["http_status"] and len(body["items"]) == 2
    box.verified()


def test_a_stolen_key_is_loud(box: Box, site: Website, authority: TimestampAuthority) -> None:
    revoke(authority.made.directory, "signer", datetime.now(UTC), "keyCompromise")
    done = box.call("capture", site.url("/terms"))
    assert "was revoked at" in " ".join(done.err.split()) and "keyCompromise" in done.err
    status = box.call("status")
    assert status.code == 1 and "warning: REVOKED: certificate " in " ".join(status.out.split())
    assert "revoked, crl, keyCompromise" in box.call("stamp", "list").out
    found = box.call("verify", "--all")
    assert found.code == 1 and "the token does not count (RFC 3161, section 4)" in " ".join(found.out.split())
